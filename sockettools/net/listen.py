"""Listening for connections, and for datagrams."""

from __future__ import annotations

import contextlib
import errno
import os
import selectors
import socket
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from sockettools.errors import ListenError, ResolveError
from sockettools.lifetime import Closing
from sockettools.net.address import (
    STREAM,
    InternetAddress,
    UnixAddress,
    resolve,
)

if TYPE_CHECKING:
    from typing import Any

    from sockettools.net.address import Address, Candidate

# Connections that the kernel keeps until they are accepted. The chapter's 5 turns away a browser
# that opens six at once; Linux cuts it to net.core.somaxconn, 4096 today.
BACKLOG = 4096

# Seconds to wait when no connection can be taken (too many open files) before trying again.
ACCEPT_RETRY = 0.1


class BoundSocket(Closing):
    """A listening TCP or Unix socket, or one bound for UDP; a Unix socket's file goes with it."""

    def __init__(self, address: Address) -> None:
        """Bind, and listen unless it is UDP; port 0 is any free one, ``address`` tells which.

        Raises:
            ListenError: with one line that says what is wrong with the address.
        """
        self._unix_file: tuple[int, int] | None = None
        if isinstance(address, UnixAddress):
            self.socket = _bind_unix(address)
            if not address.abstract:
                self._unix_file = _identity(address.path)
            self.address: Address = address
        else:
            self.socket = _bind_internet(address)
            host, port = self.socket.getsockname()[:2]
            self.address = InternetAddress(host, port, address.kind)

    def accept_waiting(self, most: int) -> list[tuple[socket.socket, Any]]:
        """Return up to ``most`` clients that have connected already, with their addresses.

        Raises:
            OSError: none could be taken now, most often because this process has as many files
                open as it may; the listener itself is still good.
        """
        accepted: list[tuple[socket.socket, Any]] = []
        while len(accepted) < most:
            try:
                accepted.append(self.socket.accept())
            except (BlockingIOError, InterruptedError):
                break
            except ConnectionAbortedError:
                continue  # the client gave up meanwhile
            except OSError:
                if not accepted:
                    raise
                break
        return accepted

    def close(self) -> None:
        """Close the socket, and remove a Unix socket's file if it still is ours."""
        self.socket.close()
        if isinstance(self.address, UnixAddress) and self._unix_file:
            with contextlib.suppress(OSError):
                if _identity(self.address.path) == self._unix_file:
                    Path(self.address.path).unlink()
            self._unix_file = None


class Listener(BoundSocket):
    """A listening socket whose ``accept`` another thread can end."""

    def __init__(self, address: Address) -> None:
        super().__init__(address)
        self.socket.setblocking(False)
        # A blocked accept() does not notice that its socket was closed: this pair wakes it.
        self._waker, self._wakened = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self.socket, selectors.EVENT_READ)
        self._selector.register(self._wakened, selectors.EVENT_READ)

    def accept(self) -> socket.socket | None:
        """Wait for the next client and return its socket; None once stopped.

        Raises:
            OSError: as for ``accept_waiting``.
        """
        while True:
            ready = {key.fileobj for key, _ in self._selector.select()}
            if self._wakened in ready:
                return None
            for connection, _ in self.accept_waiting(1):
                return connection

    def stop(self) -> None:
        """Make ``accept`` return None, now and from now on. Any thread may call it."""
        with contextlib.suppress(OSError):  # closed already
            self._waker.send(b"\0")

    def refuse(self) -> None:
        """Free the address, and turn away who comes from now on. Any thread may call it."""
        super().close()

    def close(self) -> None:
        """Give up everything. Not while another thread is inside ``accept``: stop that first."""
        self._selector.close()
        self._waker.close()
        self._wakened.close()
        super().close()


def origin(host: str, port: int) -> str:
    """Return the http origin under which this machine reaches a listener.

    >>> origin("0.0.0.0", 8000), origin("::1", 80)
    ('http://127.0.0.1:8000', 'http://[::1]:80')
    """
    host = unmapped(host)
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def peer_name(sockaddr: Any) -> str:
    """Return a peer's address as the chapter prints it.

    >>> peer_name(("::ffff:127.0.0.1", 48437, 0, 0))
    "('127.0.0.1', 48437)"
    """
    if isinstance(sockaddr, tuple):
        return repr((unmapped(sockaddr[0]), sockaddr[1]))
    # A Unix client has a name only if it bound its socket to one.
    return repr(os.fsdecode(sockaddr)) if sockaddr else "a Unix socket"


def unmapped(host: str) -> str:
    """Return the IPv4 address that an IPv6 socket shows for an IPv4 client.

    >>> unmapped("::ffff:127.0.0.1"), unmapped("::1")
    ('127.0.0.1', '::1')
    """
    return host.removeprefix("::ffff:") if "." in host else host


def _bind_internet(address: InternetAddress) -> socket.socket:
    """Bind to the first of the host's addresses that can be."""
    try:
        candidates = resolve(address, listening=True)
    except ResolveError as exc:
        raise ListenError(str(exc)) from exc
    if not address.host:
        # Any interface: an IPv6 socket takes IPv4 clients as well.
        candidates.sort(key=lambda candidate: candidate.family != socket.AF_INET6)
    first_error: OSError | None = None
    for candidate in candidates:
        try:
            return _bound(candidate, both_families=not address.host)
        except OSError as exc:
            # "localhost" may name ::1 first on a machine without IPv6: the next one may do.
            first_error = first_error or exc
    assert first_error is not None  # the resolver never returns an empty list
    raise ListenError(_reason(first_error, address)) from first_error


def _bound(candidate: Candidate, *, both_families: bool) -> socket.socket:
    sock = socket.socket(candidate.family, candidate.kind, candidate.protocol)
    try:
        if both_families and candidate.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        if candidate.kind == STREAM:
            # Without it, a server restarted within a minute finds its port held by the
            # connections that its predecessor closed first (TIME_WAIT). With it, two UDP
            # sockets could take one port, and the datagrams from each other.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(candidate.sockaddr)
        if candidate.kind == STREAM:
            sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock


def _bind_unix(address: UnixAddress) -> socket.socket:
    try:
        (candidate,) = resolve(address)
        if not address.abstract:
            _remove_stale(address.path)
        return _bound(candidate, both_families=False)
    except ResolveError as exc:
        raise ListenError(str(exc)) from exc
    except OSError as exc:
        raise ListenError(_reason(exc, address)) from exc


def _remove_stale(path: str) -> None:
    """Remove the file of a server that is gone; whatever else is there stays, and is in use."""
    try:
        if not stat.S_ISSOCK(Path(path).lstat().st_mode):
            return
    except OSError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            Path(path).unlink()
        except OSError:
            return  # somebody is there, too busy to answer, or we may not ask


def _identity(path: str) -> tuple[int, int]:
    status = Path(path).lstat()
    return status.st_dev, status.st_ino


def _reason(error: OSError, address: Address) -> str:
    if isinstance(address, UnixAddress):
        if error.errno == errno.EADDRINUSE:
            return f"{address} is in use"
        return f"cannot listen on {address}: {error.strerror or error}"
    match error.errno:
        case errno.EADDRINUSE:
            return f"port {address.port} is in use"
        case errno.EACCES | errno.EPERM:
            return f"port {address.port} is privileged: only an administrator may listen on it"
        case errno.EADDRNOTAVAIL:
            return f"{address.host!r} is not an address of this machine"
        case _:
            return f"cannot listen on {address}: {error.strerror or error}"
