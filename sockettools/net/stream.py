"""A two-way stream of bytes, and how it is made of a socket.

Everything above the sockets works on ``Stream``: TCP, Unix sockets, TLS, a pair in memory and a
recording of any of them behave the same, which one suite of tests holds them to.
"""

from __future__ import annotations

import contextlib
import socket
from abc import abstractmethod
from selectors import EVENT_READ, EVENT_WRITE
from typing import TYPE_CHECKING

from sockettools.errors import ReadError, ReadTimeout, StreamClosed, WriteError, WriteTimeout
from sockettools.lifetime import Closing
from sockettools.net.deadline import NEVER, Deadline
from sockettools.net.readiness import becomes_ready

if TYPE_CHECKING:
    import ssl

# What one receive takes at the most: as much as a pipe or a socket buffer holds by default.
RECEIVE_SIZE = 65_536

# Octets that the kernel takes beyond what the peer has room for.
UNSENT_IN_KERNEL = 131_072

# Seconds and octets for which ``linger`` reads on.
LINGER_TIME = 2.0
LINGER_SIZE = 1_048_576


class Stream(Closing):
    """A connection: bytes in order both ways, each way with an end of its own.

    One thread may send while another one receives. As a context manager it closes itself.
    """

    @abstractmethod
    def receive_some(self, max_bytes: int = RECEIVE_SIZE, deadline: Deadline = NEVER) -> bytes:
        """Wait for bytes and return what is there, 1 to ``max_bytes`` of them.

        b"" is the end: the peer sends no more, and every later call returns b"" too. Where one
        message ends and the next begins is not to be seen: a message may come in several pieces,
        and several in one.

        Raises:
            ReadTimeout: none came in time; another call may get them.
            ReadError: the connection broke.
            StreamClosed: this side closed it.
        """

    @abstractmethod
    def send_all(self, data: bytes | bytearray | memoryview, deadline: Deadline = NEVER) -> None:
        """Send every byte, waiting while the peer is slower.

        Returning means that the operating system has taken them, not that the peer has.

        Raises:
            WriteTimeout: not all were taken in time; only closing is left.
            WriteError: the connection broke.
            StreamClosed: this side closed it, or sent its end.
        """

    @abstractmethod
    def send_eof(self, deadline: Deadline = NEVER) -> None:
        """Say that no more will be sent; receiving goes on. A second time does nothing.

        Raises:
            WriteTimeout, WriteError, StreamClosed: as for ``send_all``.
        """

    @abstractmethod
    def close(self) -> None:
        """Give the connection up, both ways. A second time does nothing; it never waits."""

    def start_tls(
        self,
        context: ssl.SSLContext,
        server_hostname: str | None = None,
        *,
        server_side: bool = False,
        deadline: Deadline = NEVER,
    ) -> Stream:
        """Shake hands and return the encrypted stream; from now on only that is to be used.

        Raises:
            ReadTimeout, WriteTimeout, ReadError, WriteError: also for a failed verification.
        """
        from sockettools.net.tls import TlsStream  # tls builds on this module

        return TlsStream.handshake(
            self, context, server_hostname, server_side=server_side, deadline=deadline
        )


class SocketStream(Stream):
    """A connected TCP or Unix stream socket."""

    def __init__(self, sock: socket.socket) -> None:
        """Take the socket over: it is closed with the stream."""
        self._socket = sock
        self._closed = False
        self._sent_eof = False
        sock.setblocking(False)
        if sock.family != getattr(socket, "AF_UNIX", None):
            with contextlib.suppress(OSError):  # a connection that is reset already
                set_tcp_options(sock)

    @property
    def socket(self) -> socket.socket:
        """The socket itself, for its addresses and options."""
        return self._socket

    def receive_some(self, max_bytes: int = RECEIVE_SIZE, deadline: Deadline = NEVER) -> bytes:
        """Receive; see ``Stream``."""
        if max_bytes < 1:
            raise ValueError(f"max_bytes is {max_bytes}, expected 1 or more")
        if self._closed:
            raise StreamClosed("receiving from a closed stream")
        while True:
            try:
                return self._socket.recv(max_bytes)
            except BlockingIOError:
                if not becomes_ready(self._socket, EVENT_READ, deadline):
                    raise ReadTimeout("nothing was received in time") from None
            except OSError as exc:
                raise ReadError(f"the connection broke: {exc.strerror or exc}") from exc

    def send_all(self, data: bytes | bytearray | memoryview, deadline: Deadline = NEVER) -> None:
        """Send; see ``Stream``."""
        if self._closed or self._sent_eof:
            raise StreamClosed("sending to a stream whose end was sent")
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[self._socket.send(rest) :]
            except BlockingIOError:
                if not becomes_ready(self._socket, EVENT_WRITE, deadline):
                    raise WriteTimeout("the peer did not take everything in time") from None
            except OSError as exc:
                raise WriteError(f"the connection broke: {exc.strerror or exc}") from exc

    def send_eof(self, deadline: Deadline = NEVER) -> None:  # noqa: ARG002 - it never waits
        """Send the end; see ``Stream``."""
        if self._closed:
            raise StreamClosed("sending to a closed stream")
        if self._sent_eof:
            return
        self._sent_eof = True
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError as exc:
            raise WriteError(f"the connection broke: {exc.strerror or exc}") from exc

    def close(self) -> None:
        """Close the socket."""
        self._closed = True
        self._socket.close()


def set_tcp_options(sock: socket.socket) -> None:
    """Set what every TCP connection here has; of a listener, what it accepts inherits it.

    Nagle's algorithm is off: it holds a small message back until the last one is acknowledged, and
    what is given to ``send_all`` is a whole message already. And little is left unsent in the
    kernel, which otherwise takes megabytes from a sender and then tells nothing for minutes: a peer
    that reads slowly could not be told from one that does not read.
    """
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_NOTSENT_LOWAT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_IN_KERNEL)


def linger(stream: Stream) -> None:
    """Drop what the peer still sends until it closes too, within bounds; our end has been sent.

    A socket that is closed while bytes wait to be received resets the connection, and the reset
    can overtake what was sent last (RFC 9112 section 9.6).

    Raises:
        ReadError: the peer broke the connection.
    """
    deadline = Deadline.after(LINGER_TIME)
    received = 0
    with contextlib.suppress(ReadTimeout):
        while received < LINGER_SIZE and (data := stream.receive_some(deadline=deadline)):
            received += len(data)
