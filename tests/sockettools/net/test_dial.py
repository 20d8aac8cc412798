from __future__ import annotations

import errno
import socket
import threading
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

import pytest

from sockettools.errors import (
    AddressError,
    ConnectError,
    ConnectionRefused,
    ConnectTimeout,
    ResolveError,
)
from sockettools.net import dial as module
from sockettools.net.address import STREAM, Candidate, InternetAddress, UnixAddress, parse_address
from sockettools.net.deadline import Deadline
from sockettools.net.dial import dial, in_thread, interleave
from tests.machine import needs_ipv6
from tests.patience import SILENCE, patience

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sockettools.net.address import Address
    from sockettools.net.stream import SocketStream

NAME = InternetAddress("name.example", 80)


def candidate(host: str, port: int, family: socket.AddressFamily | None = None) -> Candidate:
    family = family or (socket.AF_INET6 if ":" in host else socket.AF_INET)
    sockaddr = (host, port, 0, 0) if family == socket.AF_INET6 else (host, port)
    return Candidate(family, STREAM, socket.IPPROTO_TCP, sockaddr)


def giving(*candidates: Candidate) -> Callable[[Address], list[Candidate]]:
    return lambda _address: list(candidates)


@contextmanager
def listening(host: str = "127.0.0.1") -> Iterator[Candidate]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as listener:
        yield candidate(host, listener.getsockname()[1])


@contextmanager
def refusing(host: str = "127.0.0.1") -> Iterator[Candidate]:
    """Hold a port on which nothing listens, so that nobody else takes it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as bound:
        bound.bind((host, 0))
        yield candidate(host, bound.getsockname()[1])


@contextmanager
def dead(host: str = "127.0.0.1") -> Iterator[Candidate]:
    """Listen with a backlog that is full: who connects hears nothing, as from a dead address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family, backlog=0) as listener:
        waiting = []
        for _ in range(4):
            sock = socket.socket(family)
            sock.setblocking(False)
            sock.connect_ex(listener.getsockname())
            waiting.append(sock)
        try:
            yield candidate(host, listener.getsockname()[1])
        finally:
            for sock in waiting:
                sock.close()


def peer(stream: SocketStream) -> object:
    return stream.socket.getpeername()


def test_connects_and_says_so() -> None:
    with listening() as target, dial(InternetAddress(*target.sockaddr), patience()) as stream:
        assert peer(stream) == target.sockaddr


def test_connects_without_a_deadline() -> None:
    with listening() as target, dial(InternetAddress(*target.sockaddr)) as stream:
        assert peer(stream) == target.sockaddr


@needs_ipv6
def test_ipv4_is_tried_beside_an_ipv6_that_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ATTEMPT_DELAY", 0.01)
    with dead("::1") as ipv6, listening() as ipv4:
        start = monotonic()
        with dial(NAME, patience(), giving(ipv6, ipv4)) as stream:
            assert monotonic() - start >= 0.01
            assert peer(stream) == ipv4.sockaddr


@needs_ipv6
def test_ipv4_is_tried_at_once_when_ipv6_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ATTEMPT_DELAY", 3600)
    with (
        refusing("::1") as ipv6,
        listening() as ipv4,
        dial(NAME, patience(), giving(ipv6, ipv4)) as stream,
    ):
        assert peer(stream) == ipv4.sockaddr


def test_the_first_of_two_that_work_is_taken() -> None:
    with (
        listening() as first,
        listening() as second,
        dial(NAME, patience(), giving(first, second)) as stream,
    ):
        assert peer(stream) == first.sockaddr


def test_a_silent_address_is_waited_for_when_all_others_have_failed() -> None:
    with dead() as slow, refusing() as second, pytest.raises(ConnectTimeout) as caught:
        dial(NAME, Deadline.after(SILENCE), giving(slow, second))

    assert str(caught.value) == "no connection to name.example:80 in time (Connection refused)"


def test_a_family_that_this_machine_lacks_is_passed_over() -> None:
    nonsense = candidate("127.0.0.1", 1, socket.AddressFamily.AF_APPLETALK)
    with listening() as target, dial(NAME, patience(), giving(nonsense, target)) as stream:
        assert peer(stream) == target.sockaddr


def test_refused_on_all() -> None:
    with (
        refusing() as one,
        refusing() as other,
        pytest.raises(
            ConnectionRefused, match=r"^cannot connect to name.example:80: Connection refused$"
        ),
    ):
        dial(NAME, patience(), giving(one, other))


def test_refused_where_there_is_a_way() -> None:
    """As for localhost on a machine that has IPv6 in /etc/hosts and nowhere else."""
    nowhere = candidate("127.0.0.1", 1, socket.AddressFamily.AF_APPLETALK)
    with refusing() as there, pytest.raises(ConnectionRefused):
        dial(NAME, patience(), giving(nowhere, there))


def test_each_reason_is_told_with_its_address() -> None:
    broadcast = candidate("255.255.255.255", 80)
    with refusing() as target, pytest.raises(ConnectError) as caught:
        dial(NAME, patience(), giving(target, broadcast))

    assert "127.0.0.1: Connection refused, 255.255.255.255: " in str(caught.value)


def test_a_name_without_an_address() -> None:
    with pytest.raises(ConnectError, match="it has no address"):
        dial(NAME, patience(), giving())


@pytest.mark.parametrize("number", [1, 3])
def test_a_name_with_dead_addresses_only(number: int) -> None:
    with dead() as target:
        targets = [target] * number
        with pytest.raises(ConnectTimeout, match=r"^no connection to name.example:80 in time$"):
            dial(NAME, Deadline.after(0.1), giving(*targets))


def test_the_deadline_is_kept_when_the_resolver_hangs() -> None:
    release = threading.Event()

    def hang(_address: Address) -> list[Candidate]:
        release.wait()
        return []

    try:
        with pytest.raises(ConnectTimeout, match=r"addresses of name.example:80 were not found"):
            dial(NAME, Deadline.after(0.05), hang)
    finally:
        release.set()


@pytest.mark.parametrize("error", [ResolveError("unknown host"), RuntimeError("a bug")])
def test_what_the_resolver_raises_is_raised(error: Exception) -> None:
    def fail(_address: Address) -> list[Candidate]:
        raise error

    with pytest.raises(type(error), match=str(error)):
        dial(NAME, patience(), fail)


def test_port_0_is_for_listeners() -> None:
    with pytest.raises(AddressError, match="port 0"):
        dial(InternetAddress("127.0.0.1", 0))


def test_what_runs_in_a_thread_returns_or_raises() -> None:
    assert in_thread(lambda: 42) == 42
    with pytest.raises(ZeroDivisionError):
        in_thread(lambda: 1 // 0)


V6 = [candidate(f"2001:db8::{number}", 80) for number in range(1, 4)]
V4 = [candidate(f"192.0.2.{number}", 80) for number in range(1, 4)]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param([], [], id="none"),
        pytest.param(V6, V6, id="one family"),
        pytest.param(
            [*V6, *V4], [V6[0], V4[0], V6[1], V4[1], V6[2], V4[2]], id="the families in turn"
        ),
        pytest.param([V4[0], *V6], [V4[0], *V6], id="the resolver's choice first"),
        pytest.param([V4[0], V4[0], V6[0]], [V4[0], V6[0]], id="twice the same"),
    ],
)
def test_interleave(given: list[Candidate], expected: list[Candidate]) -> None:
    assert interleave(given) == expected


def test_a_unix_socket(tmp_path: Path) -> None:
    path = str(tmp_path / "sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        with dial(UnixAddress(path), patience()) as stream:
            assert peer(stream) == path


def test_a_unix_socket_that_nobody_serves(tmp_path: Path) -> None:
    path = str(tmp_path / "sock")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(path)
        with pytest.raises(ConnectionRefused, match=f"unix:{path}: Connection refused"):
            dial(UnixAddress(path))


def test_a_unix_socket_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConnectError, match="No such file or directory"):
        dial(UnixAddress(str(tmp_path / "sock")))


@pytest.fixture
def full_unix_listener(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as first:
        listener.bind(str(tmp_path / "sock"))
        listener.listen(0)
        first.connect(listener.getsockname())
        yield listener


def test_a_full_backlog_is_waited_for(
    full_unix_listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    def make_room(seconds: float) -> None:
        pauses.append(seconds)
        full_unix_listener.accept()[0].close()

    monkeypatch.setattr(module, "sleep", make_room)
    dial(parse_address(f"unix:{full_unix_listener.getsockname()}"), patience()).close()

    assert len(pauses) == 1


def test_a_full_backlog_is_not_waited_for_beyond_the_deadline(
    full_unix_listener: socket.socket,
) -> None:
    start = monotonic()
    with pytest.raises(ConnectTimeout):
        dial(UnixAddress(full_unix_listener.getsockname()), Deadline.after(0.1))

    assert monotonic() - start >= 0.1


def test_the_systems_own_deadline_is_one_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket.socket, "connect_ex", lambda _sock, _to: errno.ETIMEDOUT)
    with pytest.raises(ConnectTimeout, match="timed out"):
        dial(NAME, patience(), giving(*V4))
