from __future__ import annotations

import os
import selectors
import socket
import struct
import threading
import urllib.request
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from time import monotonic
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sockettools.errors import AddressError, ListenError
from sockettools.net.address import DATAGRAM, Address, InternetAddress, UnixAddress, parse_address
from sockettools.net.dial import dial
from sockettools.net.tap import Impairments, Limits, Tap
from sockettools.net.tap import tap as tap_module
from sockettools.net.transcript import Direction, Event, Transcript
from sockettools.practice import PracticeServer
from tests.servers.ports import held_ports

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sockettools.net.deadline import Deadline
    from sockettools.net.stream import SocketStream

ANY_PORT = InternetAddress("127.0.0.1", 0)

# Not to be waited for in a test that passes; long enough for the slowest machine.
PATIENCE = 60.0

# More than the buffers of all the sockets on the way hold at first.
BIG = Random(1).randbytes(20_000_000)


class Recording:
    """A sink that keeps the events."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._changed = threading.Condition()

    def write(self, event: Event) -> None:
        with self._changed:
            self.events.append(event)
            self._changed.notify_all()

    def wait_for(self, size: int, connection: str, direction: Direction) -> None:
        """Wait until so many bytes have gone one way."""
        with self._changed:
            assert self._changed.wait_for(
                lambda: len(self.said(connection, direction)) >= size, PATIENCE
            )

    def said(self, connection: str, direction: Direction) -> bytes:
        return b"".join(
            event.data
            for event in self.events
            if (event.connection, event.direction) == (connection, direction)
        )

    def notes(self, connection: str) -> list[tuple[Direction | None, str]]:
        return [
            (event.direction, event.note)
            for event in self.events
            if event.connection == connection and event.note
        ]


class Target:
    """A server that leaves the talking to the test."""

    def __init__(self, address: Address = ANY_PORT) -> None:
        if isinstance(address, UnixAddress):
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(address.sockaddr())
            self.address: Address = address
        else:
            self.listener = socket.create_server(("127.0.0.1", 0))
            self.address = InternetAddress(*self.listener.getsockname())
        self.listener.listen(1000)
        self.listener.settimeout(PATIENCE)

    def accept(self) -> socket.socket:
        connection, _ = self.listener.accept()
        connection.settimeout(PATIENCE)
        return connection


@contextmanager
def target_at(address: Address = ANY_PORT) -> Iterator[Target]:
    target = Target(address)
    with target.listener:
        yield target


@pytest.fixture
def target() -> Iterator[Target]:
    with target_at() as running:
        yield running


def connect(tap: Tap) -> socket.socket:
    if isinstance(tap.address, UnixAddress):
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(tap.address.sockaddr())
    else:
        sock = socket.create_connection((tap.address.host, tap.address.port))
    sock.settimeout(PATIENCE)
    return sock


@contextmanager
def tapped(
    target: Target, impairments: Impairments | None = None, recording: Recording | None = None
) -> Iterator[tuple[socket.socket, socket.socket]]:
    """Yield a client and the server's side of its connection, with a tap in between."""
    transcript = Transcript([recording]) if recording else None
    with (
        Tap(ANY_PORT, target.address, transcript, impairments or Impairments()) as tap,
        connect(tap) as client,
        target.accept() as server,
    ):
        yield client, server


def receive_all(sock: socket.socket) -> bytes:
    return b"".join(iter(lambda: sock.recv(1_000_000), b""))


def receive_exactly(sock: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size and (data := sock.recv(size - len(received))):
        received += data
    return received


def receive_until_reset(sock: socket.socket) -> bytes:
    received = bytearray()
    try:
        while data := sock.recv(1_000_000):
            received += data
    except ConnectionResetError:
        return bytes(received)
    pytest.fail(f"an end in order after {len(received)} bytes, expected a reset")


def send_for_ever(sock: socket.socket) -> None:
    while True:
        sock.send(b"more")


def reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


@contextmanager
def meanwhile(work: Callable[[], object]) -> Iterator[None]:
    """Do it in a thread beside the block; one that breaks off is the test's to notice."""

    def run() -> None:
        with suppress(OSError):
            work()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        thread.join(PATIENCE)
        assert not thread.is_alive()


def send_and_end(sock: socket.socket, data: bytes) -> None:
    sock.sendall(data)
    sock.shutdown(socket.SHUT_WR)


def test_much_goes_both_ways_at_once_unchanged(target: Target) -> None:
    back = BIG[::-1]
    with tapped(target) as (client, server):
        received: list[bytes] = []
        with (
            meanwhile(lambda: send_and_end(client, BIG)),
            meanwhile(lambda: send_and_end(server, back)),
            meanwhile(lambda: received.append(receive_all(client))),
        ):
            assert receive_all(server) == BIG
        assert received == [back]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=st.lists(st.tuples(st.booleans(), st.binary(min_size=1, max_size=5000)), max_size=8))
@pytest.mark.parametrize(
    "impairments",
    [
        pytest.param(Impairments(), id="plain"),
        pytest.param(Impairments(delay=0.001), id="delay"),
        pytest.param(Impairments(rate=10_000_000), id="rate"),
    ],
)
def test_a_transcript_holds_what_was_said_in_order(
    target: Target, impairments: Impairments, pieces: list[tuple[bool, bytes]]
) -> None:
    recording = Recording()
    expected = []
    with tapped(target, impairments, recording) as (client, server):
        for to_server, piece in pieces:
            source, sink = (client, server) if to_server else (server, client)
            source.sendall(piece)
            assert receive_exactly(sink, len(piece)) == piece
            direction = Direction.SENT if to_server else Direction.RECEIVED
            expected.append((direction, piece))
        client.shutdown(socket.SHUT_WR)
        assert receive_all(server) == b""
        server.shutdown(socket.SHUT_WR)
        assert receive_all(client) == b""

    said: list[tuple[Direction, bytes]] = []
    for event in recording.events:
        assert event.connection == "1"
        if event.data:
            assert event.direction is not None
            said.append((event.direction, event.data))
    assert joined(said) == joined(expected)
    assert recording.notes("1")[1:] == [
        (Direction.SENT, "end of stream"),
        (Direction.RECEIVED, "end of stream"),
        (None, "closed"),
    ]


def joined(said: list[tuple[Direction, bytes]]) -> list[tuple[Direction, bytes]]:
    """Put together what went one way without a word of the other in between."""
    turns: list[tuple[Direction, bytes]] = []
    for direction, data in said:
        if turns and turns[-1][0] is direction:
            turns[-1] = (direction, turns[-1][1] + data)
        else:
            turns.append((direction, data))
    return turns


@pytest.mark.parametrize("impairments", [Impairments(), Impairments(delay=0.01)], ids=repr)
@pytest.mark.parametrize("client_first", [True, False])
def test_a_half_close_is_passed_on_and_the_other_way_goes_on(
    target: Target, client_first: bool, impairments: Impairments
) -> None:
    with tapped(target, impairments) as pair:
        one, other = pair if client_first else pair[::-1]
        send_and_end(one, b"question")
        assert receive_all(other) == b"question"

        send_and_end(other, b"answer")
        assert receive_all(one) == b"answer"


@pytest.mark.parametrize("impairments", [Impairments(), Impairments(delay=0.01)], ids=repr)
@pytest.mark.parametrize("client_first", [True, False])
def test_a_reset_is_passed_on_after_the_bytes_before_it(
    target: Target, client_first: bool, impairments: Impairments
) -> None:
    recording = Recording()
    with tapped(target, impairments, recording) as pair:
        one, other = pair if client_first else pair[::-1]
        one.sendall(b"half a mess")
        assert receive_exactly(other, 4) == b"half", "the tap has it no more"
        reset(one)

        assert receive_until_reset(other) == b" a mess"
    direction = Direction.SENT if client_first else Direction.RECEIVED
    assert (direction, "Connection reset by peer") in recording.notes("1")


def test_a_reset_is_passed_on_to_who_only_sends(target: Target) -> None:
    with tapped(target) as (client, server):
        client.sendall(BIG[:1000])
        assert receive_exactly(server, 1000) == BIG[:1000]
        reset(server)
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            send_for_ever(client)


def test_a_reset_that_shows_while_sending_is_passed_on(target: Target) -> None:
    """The client does not read, so nothing is taken from the server, until there is an answer."""
    with tapped(target) as (client, server):
        server.setblocking(False)
        fill(server)
        reset(server)
        client.sendall(b"are you there?")

        assert receive_until_reset(client).strip(b"x") == b""


def test_an_answer_before_a_reset_is_passed_on(target: Target) -> None:
    """A server that refuses an upload: it answers, and closes with unread bytes."""
    with tapped(target) as (client, server):
        client.sendall(b"a long upload")
        assert server.recv(6) == b"a long"
        server.sendall(b"413")
        server.close()

        assert receive_until_reset(client) == b"413"


def test_what_a_reader_does_not_read_stays_with_its_sender(target: Target) -> None:
    with tapped(target) as (client, server):
        client.setblocking(False)
        sent = fill(client)
        assert sent < 80_000_000

        client.settimeout(PATIENCE)
        with meanwhile(lambda: send_and_end(client, b"end")):
            received = receive_all(server)
        assert received == b"x" * sent + b"end"


def test_a_delay_holds_a_bounded_amount(target: Target) -> None:
    impairments, limits = Impairments(delay=3600), Limits(held=10_000)
    with Tap(ANY_PORT, target.address, None, impairments, limits) as tap, connect(tap) as client:
        client.setblocking(False)
        assert fill(client) < 80_000_000


def fill(sock: socket.socket) -> int:
    """Send until nothing is taken for a while, or for ever; return how much was taken."""
    sent = 0
    with selectors.DefaultSelector() as selector:
        selector.register(sock, selectors.EVENT_WRITE)
        while sent < 200_000_000 and selector.select(0.5):
            with suppress(BlockingIOError):
                sent += sock.send(b"x" * 100_000)
    return sent


@pytest.mark.parametrize("count", [0, 1, 1000, 3_000_001])
@pytest.mark.parametrize("upload", [True, False])
def test_cut_after_exactly_so_many_bytes(target: Target, count: int, upload: bool) -> None:
    recording = Recording()
    with tapped(target, Impairments(cut_after=count), recording) as pair:
        source, sink = pair if upload else pair[::-1]
        with meanwhile(lambda: send_and_end(source, BIG)):
            assert receive_all(sink) == BIG[:count]
            sink.close()
            assert receive_all(source) == b"", "the end, and no reset"
    direction = Direction.SENT if upload else Direction.RECEIVED
    assert recording.said("1", direction) == BIG[:count]
    if count:
        assert (direction, f"cut after {count} bytes") in recording.notes("1")


@pytest.mark.parametrize("count", [0, 1, 1000, 3_000_001])
@pytest.mark.parametrize("upload", [True, False])
def test_reset_after_exactly_so_many_bytes(target: Target, count: int, upload: bool) -> None:
    recording = Recording()
    with tapped(target, Impairments(reset_after=count), recording) as pair:
        source, sink = pair if upload else pair[::-1]
        with meanwhile(lambda: send_and_end(source, BIG)):
            assert receive_until_reset(sink) == BIG[:count]
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            send_for_ever(source)
    direction = Direction.SENT if upload else Direction.RECEIVED
    assert recording.said("1", direction) == BIG[:count]


def test_a_reset_waits_for_a_slow_reader(target: Target) -> None:
    target.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 10_000)
    recording = Recording()
    with tapped(target, Impairments(reset_after=500_000), recording) as (client, server):
        client.sendall(BIG[:600_000])
        recording.wait_for(500_000, "1", Direction.SENT)
        assert receive_until_reset(server) == BIG[:500_000]


def test_a_cut_lets_the_other_ways_bytes_arrive(target: Target) -> None:
    with tapped(target, Impairments(cut_after=5)) as (client, server):
        server.sendall(b"1234")
        assert client.recv(4, socket.MSG_PEEK) == b"1234"
        client.sendall(b"123456789")

        assert receive_all(server) == b"12345"
        assert receive_all(client) == b"1234"


def test_of_a_cut_and_a_reset_the_first_comes(target: Target) -> None:
    with tapped(target, Impairments(cut_after=3, reset_after=5)) as (client, server):
        client.sendall(b"123456789")
        assert receive_all(server) == b"123"
    with tapped(target, Impairments(cut_after=5, reset_after=5)) as (client, server):
        client.sendall(b"123456789")
        assert receive_until_reset(server) == b"12345"


def test_a_delay_is_on_bytes_and_end_each_way(target: Target) -> None:
    with tapped(target, Impairments(delay=0.1)) as (client, server):
        start = monotonic()
        client.sendall(b"ping")
        assert server.recv(10) == b"ping"
        assert monotonic() - start >= 0.1
        server.sendall(b"pong")
        assert client.recv(10) == b"pong"
        assert monotonic() - start >= 0.2
        client.shutdown(socket.SHUT_WR)
        assert receive_all(server) == b""
        assert monotonic() - start >= 0.3


def test_a_delay_does_not_slow_the_stream(target: Target) -> None:
    """What arrives together leaves together: 50 pieces do not take 50 times the delay."""
    recording = Recording()
    with tapped(target, Impairments(delay=1.0), recording) as (client, server):
        start = monotonic()
        for number in range(50):
            client.sendall(bytes([number]))
            recording.wait_for(number + 1, "1", Direction.SENT)
        assert receive_exactly(server, 50) == bytes(range(50))
        assert monotonic() - start < 50 * 1.0


@pytest.mark.parametrize("upload", [True, False])
def test_a_rate(target: Target, upload: bool) -> None:
    with tapped(target, Impairments(rate=1_000_000)) as pair:
        source, sink = pair if upload else pair[::-1]
        start = monotonic()
        with meanwhile(lambda: send_and_end(source, BIG[:300_000])):
            assert receive_all(sink) == BIG[:300_000]
        assert monotonic() - start >= 0.3


def test_a_low_rate_goes_byte_by_byte(target: Target) -> None:
    recording = Recording()
    with tapped(target, Impairments(rate=20), recording) as (client, server):
        start = monotonic()
        client.sendall(b"abcd")
        assert receive_exactly(server, 4) == b"abcd"
        assert monotonic() - start >= 0.15
    # A reader that is late finds several: the pieces are seen where the tap takes them.
    assert [event.data for event in recording.events if event.data] == [b"a", b"b", b"c", b"d"]


def test_two_hundred_connections_at_once(target: Target) -> None:
    recording = Recording()
    with Tap(ANY_PORT, target.address, Transcript([recording])) as tap:
        clients = [connect(tap) for _ in range(200)]
        servers = [target.accept() for _ in clients]
        for number, client in enumerate(clients):
            client.sendall(f"{number}.".encode() * 100)
            client.shutdown(socket.SHUT_WR)
        asked = [receive_all(server) for server in servers]
        for server, question in zip(servers, asked, strict=True):
            server.sendall(question.upper())
            server.close()
        answers = [receive_all(client) for client in clients]
        for client in clients:
            client.close()

    assert answers == [f"{number}.".encode() * 100 for number in range(200)]
    assert sorted(asked) == sorted(answers)
    recorded = [recording.said(str(number), Direction.SENT) for number in range(1, 201)]
    assert recorded == answers, "connections are numbered in the order that they came"


def test_more_connections_than_there_is_room_for_wait(target: Target) -> None:
    with (
        Tap(ANY_PORT, target.address, limits=Limits(connections=1)) as tap,
        connect(tap) as first,
        connect(tap) as second,
    ):
        second.sendall(b"second")
        with target.accept() as server:
            first.sendall(b"first")
            assert server.recv(100) == b"first"
            target.listener.settimeout(0.1)
            with pytest.raises(TimeoutError):
                target.accept()
            first.close()
            assert receive_all(server) == b""
        target.listener.settimeout(PATIENCE)
        with target.accept() as server:
            assert server.recv(100) == b"second"


def test_a_target_that_refuses_is_told_and_the_tap_goes_on() -> None:
    recording = Recording()
    lines: list[str] = []
    with held_ports(1) as (port,):
        address = InternetAddress("127.0.0.1", port)
        with Tap(ANY_PORT, address, Transcript([recording]), report=lines.append) as tap:
            for _ in range(2):
                with connect(tap) as client:
                    assert receive_until_reset(client) == b""

    problem = f"cannot connect to {address}: Connection refused"
    assert lines == [f"connection 1: {problem}", f"connection 2: {problem}"]
    assert (None, problem) in recording.notes("1")


@pytest.mark.parametrize("abstract", [False, True], ids=["file", "abstract"])
def test_unix_sockets_on_both_sides(tmp_path: Path, abstract: bool) -> None:
    def address(name: str) -> UnixAddress:
        return UnixAddress(str(tmp_path / name), abstract)

    with (
        target_at(address("target")) as target,
        Tap(address("tap"), target.address) as tap,
        connect(tap) as client,
        target.accept() as server,
    ):
        with meanwhile(lambda: send_and_end(client, BIG)):
            assert receive_all(server) == BIG
        send_and_end(server, b"thanks")
        assert receive_all(client) == b"thanks"
    assert not (tmp_path / "tap").exists()


def test_an_address_for_datagrams_is_none_for_a_tap() -> None:
    with pytest.raises(AddressError, match="is no stream"):
        Tap(ANY_PORT, InternetAddress("127.0.0.1", 9, DATAGRAM))


def test_a_taken_port_is_named(target: Target) -> None:
    with pytest.raises(ListenError, match="is in use"):
        Tap(target.address, target.address)


@pytest.mark.parametrize(
    "values",
    [
        {"rate": 0},
        {"rate": -1.0},
        {"rate": float("inf")},
        {"delay": -0.1},
        {"delay": float("nan")},
        {"cut_after": -1},
        {"reset_after": -1},
    ],
    ids=str,
)
def test_impairments_that_cannot_be(values: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(values))} is"):
        Impairments(**values)  # type: ignore[arg-type]


DESCRIPTORS = Path("/proc/self/fd")


def descriptors() -> set[str]:
    return {path.name for path in DESCRIPTORS.iterdir()}


@pytest.mark.skipif(not DESCRIPTORS.is_dir(), reason="this system does not list them")
def test_closing_while_busy_leaves_nothing(target: Target) -> None:
    before, threads = descriptors(), set(threading.enumerate())
    pairs = []
    tap = Tap(ANY_PORT, target.address, None, Impairments(delay=0.01))
    with tap:
        for _ in range(10):
            client = connect(tap)
            client.sendall(bytes(1_000_000))
            pairs += [client, target.accept()]
        tap.close()

    for sock in pairs:
        receive_until_reset(sock)
        sock.close()
    assert descriptors() == before
    assert set(threading.enumerate()) == threads


@pytest.mark.parametrize("impairments", [Impairments(), Impairments(delay=0.1)], ids=repr)
def test_closing_lets_what_was_said_arrive(
    target: Target, impairments: Impairments, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tap_module, "GRACE", PATIENCE)
    with Tap(ANY_PORT, target.address, None, impairments) as tap:
        client, server = connect(tap), target.accept()
        with client:
            client.sendall(BIG[:1_000_000])
        with meanwhile(tap.close), server:
            assert receive_all(server) == BIG[:1_000_000]


def test_closing_waits_for_a_connection_that_is_being_made(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, go_on = threading.Event(), threading.Event()

    def dial_slowly(address: Address, deadline: Deadline) -> SocketStream:
        began.set()
        assert go_on.wait(PATIENCE)
        return dial(address, deadline)

    monkeypatch.setattr(tap_module, "dial", dial_slowly)
    monkeypatch.setattr(tap_module, "GRACE", PATIENCE)
    limits = Limits(connect_timeout=PATIENCE)
    with Tap(ANY_PORT, target.address, limits=limits) as tap, connect(tap) as client:
        send_and_end(client, b"hello")
        assert began.wait(PATIENCE)  # what nobody has let in yet is not waited for
        with meanwhile(tap.close):
            try:
                # Nothing is to be seen of a close that waits: one that does not has time to end.
                threading.Event().wait(0.2)
            finally:
                go_on.set()
            with target.accept() as server:
                assert receive_all(server) == b"hello"
            assert receive_all(client) == b""


def test_closing_one_that_was_never_started(target: Target) -> None:
    tap = Tap(ANY_PORT, target.address)
    tap.close()

    Tap(tap.address, target.address).close()


class FullDisk:
    def write(self, event: Event) -> None:  # noqa: ARG002 - a sink like any other
        raise OSError(28, os.strerror(28))


def test_a_transcript_that_cannot_be_written_is_told_once(target: Target) -> None:
    lines: list[str] = []
    with (
        Tap(ANY_PORT, target.address, Transcript([FullDisk()], lines.append)) as tap,
        connect(tap) as client,
        target.accept() as server,
    ):
        client.sendall(b"hello")
        assert server.recv(100) == b"hello"

    assert lines == [os.strerror(28)]


def test_a_browser_through_the_tap() -> None:
    recording = Recording()
    with PracticeServer() as practice:
        target = parse_address(practice.url.removeprefix("http://").rstrip("/"))
        with Tap(ANY_PORT, target, Transcript([recording])) as tap:
            url = f"http://{tap.address}/cover.jpg"
            with urllib.request.urlopen(url) as response:
                body = response.read()

    assert len(body) == 70_057
    assert recording.said("1", Direction.SENT).startswith(b"GET /cover.jpg HTTP/1.1\r\n")
    assert recording.said("1", Direction.RECEIVED).endswith(b"\r\n\r\n" + body)
