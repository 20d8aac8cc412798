"""Sending and receiving single datagrams: UDP."""

from __future__ import annotations

import errno
import socket
from selectors import EVENT_READ, EVENT_WRITE
from typing import TYPE_CHECKING, Protocol

from sockettools.errors import (
    ConnectError,
    ConnectionRefused,
    ReadError,
    ReadTimeout,
    StreamClosed,
    WriteError,
    WriteTimeout,
)
from sockettools.lifetime import Closing
from sockettools.net.address import BROADCAST_IP, resolve
from sockettools.net.deadline import NEVER
from sockettools.net.dial import find, strerror
from sockettools.net.readiness import becomes_ready
from sockettools.net.transcript import Direction

if TYPE_CHECKING:
    from typing import Any

    from sockettools.net.address import Candidate, InternetAddress
    from sockettools.net.deadline import Deadline
    from sockettools.net.dial import Resolver
    from sockettools.net.transcript import Transcript

# Octets of the longest datagram: a length of 16 bits, less the headers of UDP (8) and IPv4 (20).
MAX_DATAGRAM = 65_507


class Datagrams(Protocol):
    """What sends and receives datagrams: each one whole, or not at all."""

    def send(self, data: bytes, deadline: Deadline = NEVER) -> None:
        """Send one. Whether it arrives is not known.

        Raises:
            ConnectionRefused: the machine answered an earlier one: nothing listens there.
            WriteTimeout: the system did not take it in time.
            WriteError: it cannot be sent: too long, or there is no way.
            StreamClosed: this side closed it.
        """

    def receive(self, deadline: Deadline = NEVER) -> bytes:
        """Wait for one and return it; it may be empty, and there is no end.

        Raises:
            ConnectionRefused: the machine answered that nothing listens there.
            ReadTimeout: none came in time.
            ReadError: receiving is not possible.
            StreamClosed: this side closed it.
        """

    def close(self) -> None:
        """Give the socket up. A second time does nothing."""


def dial_datagram(
    address: InternetAddress, deadline: Deadline = NEVER, resolver: Resolver = resolve
) -> DatagramSocket:
    """Return a UDP socket for talking to ``address``.

    Nothing is sent, so the first of a name's addresses to which there is a way is the one.

    Raises:
        AddressError, ResolveError, ConnectTimeout: as for ``dial``.
        ConnectError: there is no way to any of its addresses.
    """
    first_error: OSError | None = None
    for candidate in find(address, deadline, resolver):
        try:
            return DatagramSocket(candidate)
        except OSError as exc:
            first_error = first_error or exc
    reason = strerror(first_error) if first_error else "it has no address"
    raise ConnectError(f"cannot send to {address}: {reason}") from first_error


class DatagramSocket(Closing):
    """A UDP socket with one peer. One thread may send while another one receives."""

    def __init__(self, candidate: Candidate) -> None:
        """Connect it: only the peer is heard, and its machine's refusal (ICMP) too.

        A broadcast is answered by others than the address it was sent to, so for that it is not
        connected, and hears everybody.

        Raises:
            OSError: there is no way to the peer.
        """
        self._peer: Any = None
        self._closed = False
        self._socket = socket.socket(candidate.family, candidate.kind, candidate.protocol)
        try:
            self._socket.setblocking(False)
            if candidate.sockaddr[0] == BROADCAST_IP:
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
                self._peer = candidate.sockaddr
            else:
                self._socket.connect(candidate.sockaddr)
        except OSError:
            self._socket.close()
            raise

    @property
    def socket(self) -> socket.socket:
        """The socket itself, for its addresses and options."""
        return self._socket

    def send(self, data: bytes, deadline: Deadline = NEVER) -> None:
        """Send one; see ``Datagrams``."""
        if self._closed:
            raise StreamClosed("sending to a closed socket")
        while True:
            try:
                if self._peer is None:
                    self._socket.send(data)
                else:
                    self._socket.sendto(data, self._peer)
            except BlockingIOError as exc:
                if not becomes_ready(self._socket, EVENT_WRITE, deadline):
                    raise WriteTimeout("a datagram was not taken in time") from exc
            except ConnectionRefusedError as exc:
                raise self._refused() from exc
            except OSError as exc:
                if exc.errno == errno.EMSGSIZE:
                    raise WriteError(f"{len(data)} bytes are too long for a datagram") from exc
                raise WriteError(f"a datagram was not sent: {strerror(exc)}") from exc
            else:
                return

    def receive(self, deadline: Deadline = NEVER) -> bytes:
        """Receive one; see ``Datagrams``."""
        if self._closed:
            raise StreamClosed("receiving from a closed socket")
        while True:
            try:
                return self._socket.recv(MAX_DATAGRAM + 20)  # 20 more over IPv6
            except BlockingIOError as exc:
                if not becomes_ready(self._socket, EVENT_READ, deadline):
                    raise ReadTimeout("nothing was received in time") from exc
            except ConnectionRefusedError as exc:
                raise self._refused() from exc
            except OSError as exc:
                raise ReadError(f"receiving failed: {strerror(exc)}") from exc

    def close(self) -> None:
        """Close the socket."""
        self._closed = True
        self._socket.close()

    def _refused(self) -> ConnectionRefused:
        host, port = self._socket.getpeername()[:2]
        return ConnectionRefused(f"nothing listens on UDP port {port} of {host}")


class RecordedDatagrams:
    """Any datagrams, with all that goes through written into a transcript."""

    def __init__(self, inner: Datagrams, transcript: Transcript) -> None:
        self._inner = inner
        self._transcript = transcript

    def send(self, data: bytes, deadline: Deadline = NEVER) -> None:
        """Send one; see ``Datagrams``."""
        self._record(Direction.SENT, data)
        self._inner.send(data, deadline)

    def receive(self, deadline: Deadline = NEVER) -> bytes:
        """Receive one; see ``Datagrams``."""
        data = self._inner.receive(deadline)
        self._record(Direction.RECEIVED, data)
        return data

    def close(self) -> None:
        """Close; see ``Datagrams``."""
        self._inner.close()

    def _record(self, direction: Direction, data: bytes) -> None:
        if data:
            self._transcript.data(direction, data)
        else:
            self._transcript.note("empty datagram", direction)
