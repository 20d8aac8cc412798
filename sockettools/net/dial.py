"""Connecting, to whichever of a name's addresses answers first: RFC 8305, "Happy Eyeballs".

A name often means an IPv6 and an IPv4 address, and one of them leads nowhere more often than one
would like. Trying one after the other can take minutes. So the next one is tried as soon as one
has failed, or after a short while also beside it, and the first connection wins.
"""

from __future__ import annotations

import errno
import os
import selectors
import socket
import threading
from itertools import chain, zip_longest
from typing import TYPE_CHECKING

from sockettools.errors import (
    ConnectError,
    ConnectionRefused,
    ConnectTimeout,
    SocketToolsError,
)
from sockettools.net.address import BROADCAST_IP, UnixAddress, resolve
from sockettools.net.deadline import NEVER, Deadline
from sockettools.net.stream import SocketStream

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sockettools.net.address import Address, Candidate

# Seconds until the next address is tried beside those under way (RFC 8305 section 8).
ATTEMPT_DELAY = 0.25

_IN_PROGRESS = {0, errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EAGAIN}


def dial(
    address: Address,
    deadline: Deadline = NEVER,
    resolver: Callable[[Address], list[Candidate]] = resolve,
) -> SocketStream:
    """Connect and return the stream.

    Raises:
        ResolveError: the name means no address.
        ConnectionRefused: it was refused, on every address that there is.
        ConnectError: no connection could be made, for the reasons that it tells.
        ConnectTimeout: not by ``deadline``; finding the name's addresses counts.
    """
    if isinstance(address, UnixAddress):
        return SocketStream(_connect_unix(address, deadline))
    return SocketStream(_Race(address, _resolved(address, deadline, resolver)).run(deadline))


def dial_datagram(address: Address, deadline: Deadline = NEVER) -> socket.socket:
    """Return a UDP socket that sends to ``address`` and takes answers.

    It is connected, so only that address is heard and an ICMP refusal is seen; not for a broadcast,
    which others answer.

    Raises:
        ResolveError, ConnectError, ConnectTimeout: as for ``dial``.
    """
    first_error: OSError | None = None
    for candidate in _resolved(address, deadline, resolve):
        sock = socket.socket(candidate.family, candidate.kind, candidate.protocol)
        try:
            if candidate.sockaddr[0] == BROADCAST_IP:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            sock.connect(candidate.sockaddr)
        except OSError as exc:
            sock.close()
            first_error = first_error or exc
        else:
            return sock
    raise ConnectError(f"cannot send to {address}: {_strerror(first_error)}") from first_error


def interleave(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Alternate between the families, beginning with the resolver's choice (section 4)."""
    families = list(dict.fromkeys(candidate.family for candidate in candidates))
    by_family = [[c for c in candidates if c.family == family] for family in families]
    return [c for c in chain.from_iterable(zip_longest(*by_family)) if c is not None]


def _connect_unix(address: UnixAddress, deadline: Deadline) -> socket.socket:
    # In blocking mode, because a non-blocking one does not wait for a place in the backlog.
    (candidate,) = resolve(address)
    sock = socket.socket(candidate.family, candidate.kind)
    try:
        sock.settimeout(deadline.remaining())
        sock.connect(candidate.sockaddr)
    except (TimeoutError, BlockingIOError):
        sock.close()
        raise ConnectTimeout(f"no connection to {address} in time") from None
    except OSError as exc:
        sock.close()
        kind = ConnectionRefused if exc.errno == errno.ECONNREFUSED else ConnectError
        raise kind(f"cannot connect to {address}: {_strerror(exc)}") from exc
    return sock


def _resolved(
    address: Address, deadline: Deadline, resolver: Callable[[Address], list[Candidate]]
) -> list[Candidate]:
    """Resolve in a thread, because ``getaddrinfo`` cannot be told how long to take."""
    if deadline.at is None:
        return resolver(address)
    result: list[Candidate] = []
    failure: list[SocketToolsError] = []

    def run() -> None:
        try:
            result.extend(resolver(address))
        except SocketToolsError as exc:
            failure.append(exc)

    # A daemon: one that hangs in the name servers' timeouts does not keep the program alive.
    thread = threading.Thread(target=run, name="resolve", daemon=True)
    thread.start()
    thread.join(deadline.remaining())
    if thread.is_alive():
        raise ConnectTimeout(f"the addresses of {address} were not found in time")
    if failure:
        raise failure[0]
    return result


class _Race:
    """Connection attempts to the addresses of one name."""

    def __init__(self, address: Address, candidates: Sequence[Candidate]) -> None:
        self._address = address
        self._waiting = interleave(candidates)
        self._selector = selectors.DefaultSelector()
        self._errors: list[OSError] = []

    def run(self, deadline: Deadline) -> socket.socket:
        try:
            while self._waiting or self._selector.get_map():
                winner = self._start_next() if self._waiting else None
                winner = winner or self._wait(deadline)
                if winner is not None:
                    return winner
        finally:
            self._close_the_others()
        raise self._failure()

    def _start_next(self) -> socket.socket | None:
        """Begin an attempt; return its socket if it is connected at once."""
        candidate = self._waiting.pop(0)
        try:
            sock = socket.socket(candidate.family, candidate.kind, candidate.protocol)
        except OSError as exc:  # a family that this machine does not have
            self._errors.append(exc)
            return None
        sock.setblocking(False)
        try:
            code = sock.connect_ex(candidate.sockaddr)
        except OSError as exc:  # such as a scope that does not exist
            code = exc.errno or errno.EINVAL
        if code == 0:
            return sock
        if code not in _IN_PROGRESS:
            self._fail(sock, code)
            return None
        self._selector.register(sock, selectors.EVENT_WRITE)
        return None

    def _wait(self, deadline: Deadline) -> socket.socket | None:
        """Wait until an attempt ends or it is time for the next one."""
        if not self._selector.get_map():
            return None
        until = Deadline.after(ATTEMPT_DELAY if self._waiting else None)
        while True:
            waits = [wait for wait in (until.remaining(), deadline.remaining()) if wait is not None]
            for key, _ in self._selector.select(min(waits, default=None)):
                sock = key.fileobj
                assert isinstance(sock, socket.socket)  # noqa: S101 - for the type checker
                self._selector.unregister(sock)
                code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if code == 0:
                    return sock
                self._fail(sock, code)
                return None
            if deadline.has_passed():
                raise ConnectTimeout(f"no connection to {self._address} in time")
            if until.has_passed():
                return None

    def _fail(self, sock: socket.socket, code: int) -> None:
        sock.close()
        self._errors.append(OSError(code, os.strerror(code)))

    def _close_the_others(self) -> None:
        for key in list(self._selector.get_map().values()):
            assert isinstance(key.fileobj, socket.socket)  # noqa: S101 - for the type checker
            key.fileobj.close()
        self._selector.close()

    def _failure(self) -> ConnectError:
        reasons = ", ".join(dict.fromkeys(_strerror(error) for error in self._errors))
        refused = all(error.errno == errno.ECONNREFUSED for error in self._errors)
        kind = ConnectionRefused if refused and self._errors else ConnectError
        return kind(f"cannot connect to {self._address}: {reasons or 'it has no address'}")


def _strerror(error: OSError | None) -> str:
    return (error.strerror or str(error)) if error else "it has no address"
