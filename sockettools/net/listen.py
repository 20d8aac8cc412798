"""Listening for TCP connections."""

from __future__ import annotations

import contextlib
import errno
import selectors
import socket
from typing import TYPE_CHECKING

from sockettools.errors import ListenError

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

# Connections that the kernel keeps until they are accepted. Linux cuts it to net.core.somaxconn
# (4096 today); the chapter's 5 would turn away a browser that opens six connections at once.
BACKLOG = 128


class Listener:
    """A listening TCP socket whose ``accept`` another thread can end."""

    def __init__(self, host: str, port: int) -> None:
        """Bind and listen; ``host`` "" is every interface, ``port`` 0 any free one.

        Raises:
            ListenError: with one line that says what is wrong with the address.
        """
        self._socket = _listening_socket(host, port)
        self._socket.setblocking(False)
        # A blocked accept() does not notice that its socket was closed: this pair wakes it.
        self._waker, self._wakened = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._socket, selectors.EVENT_READ)
        self._selector.register(self._wakened, selectors.EVENT_READ)
        self.host: str
        self.port: int
        self.host, self.port = self._socket.getsockname()[:2]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def accept(self) -> socket.socket | None:
        """Wait for the next client and return its blocking socket; None once stopped.

        Raises:
            OSError: no connection could be taken now, most often because this process has as
                many files open as it may; the listener itself is still good.
        """
        while True:
            ready = {key.fileobj for key, _ in self._selector.select()}
            if self._wakened in ready:
                return None
            try:
                connection, _ = self._socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                continue  # the client gave up between the select and the accept
            connection.setblocking(True)
            return connection

    def stop(self) -> None:
        """Make ``accept`` return None, now and from now on. Any thread may call it."""
        with contextlib.suppress(OSError):  # closed already
            self._waker.send(b"\0")

    def close(self) -> None:
        """Free the port. Not while another thread is inside ``accept``: stop that first."""
        self._selector.close()
        for sock in (self._socket, self._waker, self._wakened):
            sock.close()


def origin(host: str, port: int) -> str:
    """Return the http origin under which this machine reaches a listener.

    >>> origin("0.0.0.0", 8000), origin("::1", 80)
    ('http://127.0.0.1:8000', 'http://[::1]:80')
    """
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _listening_socket(host: str, port: int) -> socket.socket:
    """Listen on the first address of ``host`` that can be bound."""
    try:
        candidates = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (socket.gaierror, UnicodeError) as exc:
        raise ListenError(f"unknown host {host!r}") from exc
    first_error: OSError | None = None
    for family, kind, protocol, _, address in candidates:
        sock = socket.socket(family, kind, protocol)
        try:
            # Without it, a server restarted within a minute finds its port held by the
            # connections that its predecessor closed first (TIME_WAIT).
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(address)
            sock.listen(BACKLOG)
        except OSError as exc:
            sock.close()
            # "localhost" may name ::1 first on a machine without IPv6: the next one may do.
            first_error = first_error or exc
        else:
            return sock
    assert first_error is not None  # noqa: S101 - getaddrinfo never returns an empty list
    raise ListenError(_reason(first_error, host, port)) from first_error


def _reason(error: OSError, host: str, port: int) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return f"port {port} is in use"
        case errno.EACCES | errno.EPERM:
            return f"port {port} is privileged: only an administrator may listen on it"
        case errno.EADDRNOTAVAIL:
            return f"{host!r} is not an address of this machine"
        case _:
            return f"cannot listen on {host!r} port {port}: {error.strerror or error}"
