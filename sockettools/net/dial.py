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
from concurrent.futures import Future
from itertools import chain, zip_longest
from time import sleep
from typing import TYPE_CHECKING

from sockettools.errors import AddressError, ConnectError, ConnectionRefused, ConnectTimeout
from sockettools.lifetime import WAKE_EVERY, run_beside
from sockettools.net.address import InternetAddress, UnixAddress, resolve
from sockettools.net.deadline import NEVER, Deadline
from sockettools.net.stream import SocketStream

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeVar

    from sockettools.net.address import Address, Candidate

    Resolver = Callable[[Address], list[Candidate]]
    T = TypeVar("T")

# Seconds until the next address is tried beside those under way (RFC 8305 section 8).
ATTEMPT_DELAY = 0.25

# Seconds until a Unix socket whose backlog was full is tried again.
BACKLOG_RETRY = 0.01

_IN_PROGRESS = {0, errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EAGAIN}

# This machine has no way to such an address, so nobody there had a say.
_NO_WAY = {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.ENETUNREACH}


def dial(
    address: Address, deadline: Deadline = NEVER, resolver: Resolver = resolve
) -> SocketStream:
    """Connect and return the stream.

    Raises:
        AddressError: port 0, which only a listener can have.
        ResolveError: the name means no address.
        ConnectionRefused: it was refused, on every address to which there is a way.
        ConnectError: no connection could be made, for the reasons that it tells.
        ConnectTimeout: not by ``deadline``; finding the name's addresses counts.
    """
    if isinstance(address, UnixAddress):
        return SocketStream(_connect_unix(address, deadline))
    return SocketStream(_Race(address, find(address, deadline, resolver)).run(deadline))


def find(
    address: Address, deadline: Deadline = NEVER, resolver: Resolver = resolve
) -> list[Candidate]:
    """Resolve an address to connect to.

    Raises:
        AddressError, ResolveError, ConnectTimeout: as for ``dial``.
    """
    if isinstance(address, InternetAddress) and address.port == 0:
        raise AddressError(f"{address}: nobody can listen on port 0, it stands for any free one")
    try:
        return in_thread(lambda: resolver(address), deadline)
    except TimeoutError:
        raise ConnectTimeout(f"the addresses of {address} were not found in time") from None


def in_thread(function: Callable[[], T], deadline: Deadline = NEVER) -> T:
    """Call what stops neither for a deadline nor for Ctrl-C, as ``getaddrinfo``.

    Raises:
        TimeoutError: it did not return by ``deadline``; its thread is left to itself.
    """
    result: Future[T] = Future()

    def run() -> None:
        try:
            result.set_result(function())
        except BaseException as exc:  # noqa: BLE001 - raised again by result()
            result.set_exception(exc)

    # A daemon: one that hangs in the name servers' timeouts does not keep the program alive.
    thread = run_beside(run)
    while thread.is_alive() and not deadline.has_passed():
        thread.join(deadline.within(WAKE_EVERY).remaining())
    if not result.done():
        raise TimeoutError
    return result.result()


def interleave(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Alternate between the families, beginning with the resolver's choice (section 4).

    An address that is there twice, as /etc/hosts may have it, is tried once.
    """
    families = list(dict.fromkeys(candidate.family for candidate in candidates))
    by_family = [
        [c for c in dict.fromkeys(candidates) if c.family == family] for family in families
    ]
    return [c for c in chain.from_iterable(zip_longest(*by_family)) if c is not None]


def strerror(error: OSError) -> str:
    """Return the reason alone, without number and file name."""
    return error.strerror or str(error)


def _connect_unix(address: UnixAddress, deadline: Deadline) -> socket.socket:
    (candidate,) = resolve(address)
    sock = socket.socket(candidate.family, candidate.kind)
    sock.setblocking(False)
    try:
        while True:
            try:
                sock.connect(candidate.sockaddr)
            except BlockingIOError:
                # The backlog is full, and Linux does not tell when it no longer is. A blocking
                # connect would wait for it, but without a deadline.
                if deadline.has_passed():
                    raise ConnectTimeout(f"no connection to {address} in time") from None
                sleep(BACKLOG_RETRY)
            else:
                return sock
    except OSError as exc:
        sock.close()
        kind = ConnectionRefused if exc.errno == errno.ECONNREFUSED else ConnectError
        raise kind(f"cannot connect to {address}: {strerror(exc)}") from exc
    except BaseException:
        sock.close()
        raise


class _Race:
    """Connection attempts to the addresses of one name."""

    def __init__(self, address: Address, candidates: Sequence[Candidate]) -> None:
        self._address = address
        self._waiting = interleave(candidates)
        self._selector = selectors.DefaultSelector()
        self._errors: list[tuple[Candidate, OSError]] = []

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
            self._errors.append((candidate, exc))
            return None
        sock.setblocking(False)
        try:
            code = sock.connect_ex(candidate.sockaddr)
        except OSError as exc:  # such as a scope that does not exist
            code = exc.errno or errno.EINVAL
        if code == 0:
            return sock
        if code not in _IN_PROGRESS:
            self._fail(sock, candidate, code)
            return None
        self._selector.register(sock, selectors.EVENT_WRITE, candidate)
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
                assert isinstance(sock, socket.socket)  # for the type checker
                self._selector.unregister(sock)
                code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if code == 0:
                    return sock
                self._fail(sock, key.data, code)
                return None
            if deadline.has_passed():
                raise ConnectTimeout(f"no connection to {self._address} in time{self._so_far()}")
            if until.has_passed():
                return None

    def _fail(self, sock: socket.socket, candidate: Candidate, code: int) -> None:
        sock.close()
        self._errors.append((candidate, OSError(code, os.strerror(code))))

    def _close_the_others(self) -> None:
        for key in list(self._selector.get_map().values()):
            assert isinstance(key.fileobj, socket.socket)  # for the type checker
            key.fileobj.close()
        self._selector.close()

    def _failure(self) -> ConnectError | ConnectTimeout:
        message = f"cannot connect to {self._address}: {self._reasons() or 'it has no address'}"
        # As long as there is a way to one address, those without one change nothing.
        codes = {error.errno for _, error in self._errors}
        codes = codes - _NO_WAY or codes
        if codes == {errno.ECONNREFUSED}:
            return ConnectionRefused(message)
        if codes == {errno.ETIMEDOUT}:  # the system has a deadline of its own
            return ConnectTimeout(message)
        return ConnectError(message)

    def _so_far(self) -> str:
        return f" ({self._reasons()})" if self._errors else ""

    def _reasons(self) -> str:
        """Return the one reason, or each with the address that it is true of."""
        reasons = dict.fromkeys(strerror(error) for _, error in self._errors)
        if len(reasons) < 2:
            return "".join(reasons)
        return ", ".join(f"{c.sockaddr[0]}: {strerror(error)}" for c, error in self._errors)
