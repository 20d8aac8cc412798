"""The client with the other end of its stream in a test's hands."""

from __future__ import annotations

import re
import socket
import threading
import tracemalloc
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from sockettools.errors import (
    IncompleteMessage,
    LocalProtocolError,
    ReadError,
    ReadTimeout,
    RemoteProtocolError,
    SocketToolsError,
    StreamClosed,
    TooLong,
    WriteError,
    WriteTimeout,
)
from sockettools.net.deadline import NEVER, Deadline
from sockettools.net.memory import memory_stream_pair
from sockettools.net.stream import SocketStream, Stream
from sockettools.net.transcript import RecordedStream, Transcript
from sockettools.protocols.access import Access, TlsPolicy
from sockettools.protocols.telnet.client import (
    WINDOW,
    NotSeen,
    TelnetClient,
    open_telnet,
)
from sockettools.protocols.telnet.codec import Command, Typing
from sockettools.protocols.telnet.options import Option, Side
from sockettools.protocols.telnet.stream import MAX_ANSWERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
# Seconds not to be waited for in a test that passes.
PATIENCE = 60


@pytest.fixture
def server() -> Iterator[Stream]:
    """Yield the server's end; ``client_of`` makes the other one."""
    ours, theirs = memory_stream_pair()
    theirs.client_end = ours  # type: ignore[attr-defined]
    with ours, theirs:
        yield theirs


def client_of(server: Stream, **options: object) -> TelnetClient:
    options.setdefault("idle_timeout", 5.0)
    return TelnetClient(server.client_end, "server:23", **options)  # type: ignore[attr-defined, arg-type]


@contextmanager
def beside(work: Callable[[], object]) -> Iterator[None]:
    """Do something in a thread that does not fail when the client is gone."""

    def run() -> None:
        with suppress(WriteError, WriteTimeout, StreamClosed, ReadError, ReadTimeout, OSError):
            work()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        thread.join(PATIENCE)
        assert not thread.is_alive()


def sent(server: Stream) -> bytes:
    """Return what the client has sent up to now."""
    octets = b""
    with suppress(ReadTimeout):
        while block := server.receive_some(deadline=Deadline.after(0)):
            octets += block
    return octets


# Negotiation


@pytest.mark.parametrize(
    ("heard", "answer"),
    [
        pytest.param(b"\xff\xfb\x01\xff\xfb\x03", b"\xff\xfd\x01\xff\xfd\x03", id="echo, SGA"),
        pytest.param(b"\xff\xfd\x27\xff\xfb\x05", b"\xff\xfc\x27\xff\xfe\x05", id="refused"),
        pytest.param(
            b"\xff\xfd\x18\xff\xfa\x18\x01\xff\xf0",
            b"\xff\xfb\x18\xff\xfa\x18\x00xterm\xff\xf0",
            id="terminal type",
        ),
        pytest.param(b"\xff\xfa\x18\x01\xff\xf0", b"", id="terminal type not agreed on"),
        pytest.param(
            b"\xff\xfd\x18\xff\xfa\x18\x00x\xff\xf0", b"\xff\xfb\x18", id="terminal type told to us"
        ),
        pytest.param(
            b"\xff\xfd\x1f",
            b"\xff\xfb\x1f\xff\xfa\x1f\x00\xff\xff\x00\x18\xff\xf0",
            id="window of 255 by 24",
        ),
        pytest.param(b"\xff\xf6\xff\xf1\xff\xf2\xff\xf9\xff\x07", b"", id="signals"),
    ],
)
def test_answers(server: Stream, heard: bytes, answer: bytes) -> None:
    client = client_of(server, terminal_type="xterm", window_size=(255, 24))
    server.send_all(heard + b"text")

    assert client.read() == b"text"
    assert sent(server) == answer


def test_without_a_window_none_is_told(server: Stream) -> None:
    client = client_of(server)
    server.send_all(b"\xff\xfd\x1ftext")
    client.read()
    client.set_window_size(80, 24)

    assert sent(server) == b"\xff\xfc\x1f"


@pytest.mark.parametrize("name", ["", "a b", "x" * 41, "xterm\xff", "a\r\nb"])
def test_a_terminal_whose_name_cannot_be_told(server: Stream, name: str) -> None:
    client = client_of(server, terminal_type=name)
    server.send_all(b"\xff\xfd\x18\xff\xfa\x18\x01\xff\xf0text")
    client.read()

    assert sent(server) == b"\xff\xfb\x18\xff\xfa\x18\x00UNKNOWN\xff\xf0"


def test_another_size_is_told(server: Stream) -> None:
    client = client_of(server, window_size=(80, 24))
    client.set_window_size(100, 40)
    assert sent(server) == b""
    server.send_all(b"\xff\xfd\x1ftext")
    client.read()
    client.set_window_size(132, 1_000_000)

    assert sent(server) == (
        b"\xff\xfb\x1f\xff\xfa\x1f\x00\x64\x00\x28\xff\xf0"
        b"\xff\xfa\x1f\x00\x84\xff\xff\xff\xff\xff\xf0"
    )


def test_changes_are_told(server: Stream) -> None:
    seen: list[list[str]] = []

    def changed() -> None:
        seen.append(client.options())

    client = client_of(server, changed=changed)
    server.send_all(b"\xff\xfb\x01\xff\xfb\x01\xff\xfd\x03\xff\xfc\x01text")
    client.read()

    assert seen == [["the server: ECHO"], ["the server: ECHO", "we: SGA"], ["we: SGA"]]


def test_binary_is_asked_for(server: Stream) -> None:
    client = client_of(server)
    client.request_binary()
    client.send(b"\r")
    assert sent(server) == b"\xff\xfb\0\xff\xfd\0\r\0"
    server.send_all(b"\xff\xfb\0\xff\xfd\0\r\0\xff\xff")
    # They are answers, which are not answered.
    assert client.read() == b"\r\0\xff"
    assert client.is_on(Side.OURS, Option.BINARY)
    client.send(b"a\r\xffb\n")
    assert sent(server) == b"a\r\xff\xffb\n"


def test_data_are_binary_behind_the_answer_that_says_so(server: Stream) -> None:
    client = client_of(server)
    client.send_line("a")
    server.send_all(b"\xff\xfd\0text")
    client.read()
    client.send_line("b")

    assert sent(server) == b"a\r\n\xff\xfb\0b\r"


# Reading


def test_text_is_read_as_it_comes(server: Stream) -> None:
    client = client_of(server)
    server.send_all(b"caf\xc3\xa9\r\n\xff\xff")

    assert client.read() == b"caf\xc3\xa9\r\n\xff"
    server.send_all(b"\xff\xf1")
    server.send_all(b"a\r")
    server.send_all(b"\0b")
    server.send_eof()
    assert client.read() + client.read() == b"a\rb"
    assert client.read() == client.read() == b""


def test_some_is_received_and_the_rest_later(server: Stream) -> None:
    client = client_of(server)
    server.send_all(b"abc")

    assert client.receive_some(2) == b"ab"
    server.send_all(b"d")
    assert client.receive_some(2) == b"cd"
    server.send_all(b"efg")
    assert client.expect("e").before == b""
    assert client.receive_some(1) == b"f"
    assert client.read() == b"g"


def test_silence(server: Stream) -> None:
    client = client_of(server, idle_timeout=0.05)

    with pytest.raises(ReadTimeout, match=r"server:23: nothing was .* in time \(0.05 seconds\)$"):
        client.read()


def test_negotiating_is_no_talking(server: Stream) -> None:
    client = client_of(server, idle_timeout=0.2)
    stop = threading.Event()

    def negotiate() -> None:
        while not stop.wait(0.02):
            server.send_all(b"\xff\xf1")

    with beside(negotiate):
        with pytest.raises(ReadTimeout):
            client.read()
        stop.set()


def test_the_deadline_is_for_everything(server: Stream) -> None:
    client = client_of(server, deadline=Deadline.after(0.05))

    with pytest.raises(NotSeen):
        client.expect("x", Deadline.after(PATIENCE))
    with pytest.raises(ReadTimeout, match=r"in time$"):
        client.read()


# Expecting


def test_expect(server: Stream) -> None:
    client = client_of(server)
    server.send_all(b"welcome\r\nlogin: more")

    found = client.expect("login: ")
    assert (found.index, found.match[0], found.before) == (0, b"login: ", b"welcome\r\n")
    assert client.read() == b"more"


def test_expect_in_pieces(server: Stream) -> None:
    client = client_of(server)

    def speak() -> None:
        for octet in b"wel\xff\xf1come\r\nlogin: ":
            server.send_all(bytes([octet]))

    with beside(speak):
        assert client.expect("login: ").before == b"welcome\r\n"


@pytest.mark.parametrize(
    ("patterns", "index", "before"),
    [
        pytest.param("b.c", None, None, id="no pattern"),
        pytest.param(re.compile(rb"b.c"), 0, b"a", id="pattern"),
        pytest.param([b"nothing", "d"], 1, b"abxc", id="second of two"),
        pytest.param(["d", "a"], 0, b"abxc", id="first of two"),
        pytest.param("é", 0, b"abxcd", id="UTF-8"),
    ],
)
def test_expect_one_of_several(
    server: Stream,
    patterns: str | re.Pattern[bytes] | list[str | bytes | re.Pattern[bytes]],
    index: int | None,
    before: bytes | None,
) -> None:
    client = client_of(server)
    server.send_all("abxcdé".encode())
    if index is None:
        with pytest.raises(NotSeen):
            client.expect(patterns, Deadline.after(0.02))
        assert client.read() == "abxcdé".encode()
        return
    found = client.expect(patterns)
    assert (found.index, found.before) == (index, before)


def test_what_does_not_come_is_told(server: Stream) -> None:
    client = client_of(server)
    server.send_all(b"pass\x1b[2Jword: ")

    with pytest.raises(NotSeen) as caught:
        client.expect(["log\x07in: ", re.compile(b"[$#]")], Deadline.after(0.02))
    assert str(caught.value) == (
        r"server:23: 'log\x07in: ' or '[$#]' did not come in time; "
        r"what came last is 'pass\x1b[2Jword: '"
    )


def test_what_comes_no_more_is_told(server: Stream) -> None:
    client = client_of(server)
    server.send_eof()

    with pytest.raises(IncompleteMessage, match=r"before the end; what came last is nothing$"):
        client.expect("x")


def test_what_is_kept_is_bounded(server: Stream) -> None:
    client = client_of(server)
    block = bytes(range(200)) * 300

    def speak() -> None:
        for _ in range(500):
            server.send_all(block)
        server.send_all(b"\xf0login: ")

    with beside(speak):
        tracemalloc.start()
        try:
            found = client.expect("login: ")
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert found.before.endswith(block[-1000:] + b"\xf0")
    assert len(found.before) <= 2 * WINDOW
    assert found.omitted + len(found.before) == 500 * len(block) + 1
    assert peak < 3_000_000


def test_a_match_in_the_window_of_a_flood(server: Stream) -> None:
    heard = bytearray()
    client = client_of(server, heard=heard.extend)

    def speak() -> None:
        server.send_all(b"a" * 300_000 + b"lo")
        server.send_all(b"gin: ")

    with beside(speak):
        client.expect("login: ")
    assert len(heard) == 300_007


# Sending


@pytest.mark.parametrize(
    ("typing", "data", "octets"),
    [
        pytest.param(Typing.EXACT, b"a\rb\r\n\xff", b"a\r\0b\r\n\xff\xff", id="exact"),
        pytest.param(Typing.TEXT, b"a\rb\r\nc\n", b"a\r\nb\r\nc\r\n", id="text"),
        pytest.param(Typing.KEYS, b"a\r\n", b"a\r\n\n", id="keys"),
    ],
)
def test_send(server: Stream, typing: Typing, data: bytes, octets: bytes) -> None:
    client = client_of(server)
    client.send(data, typing)
    client.typing = typing
    client.send_all(data)

    assert sent(server) == octets * 2


def test_a_line_end_in_two_pieces_is_one(server: Stream) -> None:
    client = client_of(server)
    for piece in (b"a\r", b"\nb", b"\n", b"\r", b"c"):
        client.send(piece, Typing.TEXT)

    assert sent(server) == b"a\r\nb\r\n\r\nc"


@pytest.mark.parametrize("line", ["a\rb", "a\n", "\r\n"])
def test_a_line_is_one(server: Stream, line: str) -> None:
    client = client_of(server)
    with pytest.raises(LocalProtocolError):
        client.send_line(line)

    assert sent(server) == b""


def test_commands(server: Stream) -> None:
    client = client_of(server)
    client.send_command(Command.AYT)
    client.send_line("zoë")

    assert sent(server) == b"\xff\xf6zo\xc3\xab\r\n"


def test_a_server_that_takes_nothing(server: Stream) -> None:
    client = client_of(server, idle_timeout=0.05)
    with pytest.raises(WriteTimeout, match=r"server:23: .* in time \(0.05 seconds\)$"):
        client.send(b"x" * 1_000_000)


def test_the_reader_does_not_wait_for_the_sender(server: Stream) -> None:
    """The server takes no more before it was read from, and asks something meanwhile."""
    client = client_of(server)
    taken = bytearray()

    with beside(lambda: client.send(b"x" * 200_000)):
        server.receive_some(1)  # it is being sent
        server.send_all(b"\xff\xfb\x01echo")
        assert client.read() == b"echo"
        while len(taken) < 199_999 + 3:
            taken += server.receive_some()
    assert taken == b"x" * 199_999 + b"\xff\xfd\x01"


def test_options_after_our_end(server: Stream) -> None:
    client = client_of(server)
    client.send_eof()
    server.send_all(b"\xff\xfb\x01last words")

    assert client.read() == b"last words"


# Hostile servers


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        pytest.param(b"\xff\xfb\x01\xff\xfc\x01", "more than 10000 times", id="ECHO on and off"),
        pytest.param(b"\xff\xfd\x27", "more than 10000 times", id="refused for ever"),
        pytest.param(b"\xff\xfa\x18\x01\xff\xf0", "more than 10000 times", id="TTYPE SEND"),
    ],
)
def test_negotiating_for_ever(server: Stream, words: bytes, problem: str) -> None:
    client = client_of(server)
    answers = 0

    def speak() -> None:
        server.send_all(b"\xff\xfd\x18" + words * 100_000)

    def listen() -> None:
        nonlocal answers
        while block := server.receive_some():
            answers += len(block)

    with beside(speak), beside(listen):
        tracemalloc.start()
        try:
            with pytest.raises(RemoteProtocolError, match=problem):
                client.read()
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
            client.close()
    assert answers <= MAX_ANSWERS * 20
    assert peak < 2_000_000


def test_negotiating_without_listening(server: Stream) -> None:
    client = client_of(server, idle_timeout=0.1)

    with beside(lambda: server.send_all(b"\xff\xfb\x01\xff\xfc\x01" * 100_000)):
        with pytest.raises((WriteTimeout, RemoteProtocolError)):
            client.read()
        client.close()


def test_repeating_what_is_so_is_not_answered(server: Stream) -> None:
    client = client_of(server)
    with beside(lambda: server.send_all(b"\xff\xfb\x01" * 100_000 + b"text")):
        assert client.read() == b"text"

    assert sent(server) == b"\xff\xfd\x01"


def test_a_subnegotiation_that_does_not_end(server: Stream) -> None:
    heard = bytearray()
    client = client_of(server, heard=heard.extend)
    with beside(lambda: server.send_all(b"text\xff\xfa\x18" + b"x" * 1_000_000)):
        # What was said before is not lost.
        assert client.read() == b"text"
        with pytest.raises(TooLong, match=r"^server:23 sent a subnegotiation of more than 4096"):
            client.read()
        client.close()
    assert heard == b"text"


class Flood(Stream):
    """Says something without a pause, so that nobody ever waits."""

    def __init__(self, words: bytes) -> None:
        self._words = words

    def receive_some(self, max_bytes: int = 65_536, deadline: Deadline = NEVER) -> bytes:  # noqa: ARG002
        return self._words

    def send_all(self, data: bytes | bytearray | memoryview, deadline: Deadline = NEVER) -> None:
        pass

    def send_eof(self, deadline: Deadline = NEVER) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.mark.parametrize("words", [b"text", b"\xff\xf1", b"\xff\xfc\x05"])
def test_a_flood_is_bounded_by_time(words: bytes) -> None:
    with TelnetClient(Flood(words), "server:23", idle_timeout=5) as client:
        with pytest.raises(NotSeen):
            client.expect("z", Deadline.after(0.05))
        if words != b"text":
            with pytest.raises(ReadTimeout):
                client.read(Deadline.after(0.05))
    with TelnetClient(Flood(words), "server:23", deadline=Deadline.after(0.05)) as client:
        assert all(iter(lambda: is_read(client), False))


def is_read(client: TelnetClient) -> bool:
    try:
        return bool(client.read())
    except ReadTimeout:
        return False


# Real sockets


@contextmanager
def connected() -> Iterator[tuple[socket.socket, SocketStream]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = socket.create_connection(listener.getsockname())
        theirs, _ = listener.accept()
    with theirs, SocketStream(ours) as stream:
        yield theirs, stream


def test_a_data_mark_that_is_urgent_stays_where_it_is() -> None:
    with connected() as (server, stream):
        recorded = RecordedStream(stream, Transcript([]))
        client = TelnetClient(recorded, "server:23", idle_timeout=5)
        server.sendall(b"before\xff")
        server.send(b"\xf2", socket.MSG_OOB)
        server.sendall(b"after")
        server.shutdown(socket.SHUT_WR)

        assert b"".join(iter(client.read, b"")) == b"beforeafter"


def test_a_connection_that_breaks() -> None:
    with connected() as (server, stream):
        client = TelnetClient(stream, "server:23", idle_timeout=5)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        server.close()

        with pytest.raises(ReadError, match=r"^server:23: the connection broke"):
            client.read()


def test_a_connection_that_breaks_before_what_is_expected() -> None:
    with connected() as (server, stream):
        client = TelnetClient(stream, "server:23", idle_timeout=5)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        server.close()

        with pytest.raises(IncompleteMessage, match="'x' did not come before the connection broke"):
            client.expect("x")


def test_encryption_cannot_begin_later() -> None:
    with pytest.raises(SocketToolsError, match="telnets://"):
        open_telnet(Access(tls=TlsPolicy.REQUIRE), "127.0.0.1", 1)
