from __future__ import annotations

import tracemalloc
from time import monotonic
from typing import TYPE_CHECKING

import pytest

from sockettools.errors import (
    IncompleteMessage,
    LocalProtocolError,
    ReadError,
    ReadTimeout,
    RemoteProtocolError,
    SocketToolsError,
    TooLong,
    WriteError,
    WriteTimeout,
)
from sockettools.net.deadline import NEVER, Deadline
from sockettools.net.memory import memory_stream_pair
from sockettools.net.stream import RECEIVE_SIZE, Stream
from sockettools.net.tls import client_context
from sockettools.net.transcript import Event, RecordedStream, Transcript
from sockettools.protocols.conversation import Conversation
from sockettools.protocols.replies import hidden, read_reply
from tests.sockettools.protocols.answering import AnsweringStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

PASSED = Deadline(monotonic() - 1)


class Flood(Stream):
    """Always has a block more, up to ``most`` of them, and takes everything at once."""

    def __init__(self, block: bytes, most: int = 10**12, end: bytes = b"") -> None:
        self._block = block
        self._left = most
        self._end = end
        self.largest = 0

    def receive_some(
        self,
        max_bytes: int = RECEIVE_SIZE,
        deadline: Deadline = NEVER,  # noqa: ARG002
    ) -> bytes:
        self.largest = max(self.largest, max_bytes)
        if self._left:
            self._left -= 1
            return self._block[:max_bytes]
        data, self._end = self._end, b""
        return data

    def send_all(
        self, data: bytes | bytearray | memoryview, deadline: Deadline = NEVER
    ) -> None: ...

    def send_eof(self, deadline: Deadline = NEVER) -> None: ...

    def close(self) -> None: ...


class Broken(Flood):
    """Does nothing but raise an error."""

    def __init__(self, error: Exception) -> None:
        super().__init__(b"")
        self._error = error

    def receive_some(
        self,
        max_bytes: int = RECEIVE_SIZE,  # noqa: ARG002
        deadline: Deadline = NEVER,  # noqa: ARG002
    ) -> bytes:
        raise self._error

    def send_all(
        self,
        data: bytes | bytearray | memoryview,  # noqa: ARG002
        deadline: Deadline = NEVER,  # noqa: ARG002
    ) -> None:
        raise self._error


def hear(octets: bytes, piece: int = RECEIVE_SIZE) -> Conversation:
    return Conversation(AnsweringStream(octets, piece=piece, closing=True), "server")


# Lines


@pytest.mark.parametrize("piece", [1, 2, RECEIVE_SIZE])
@pytest.mark.parametrize(
    ("octets", "lines"),
    [
        pytest.param(b"a\r\nb\r\n", [b"a", b"b"], id="CRLF"),
        pytest.param(b"a\nb\n", [b"a", b"b"], id="LF"),
        pytest.param(b"\r\n\n", [b"", b""], id="empty"),
        pytest.param(b"a\rb\r\r\n", [b"a\rb\r"], id="CR"),
        pytest.param(b"x" * 10 + b"\r\n", [b"x" * 10], id="as long as it can be"),
        pytest.param(b"x" * 10 + b"\n", [b"x" * 10], id="as long as it can be, LF"),
    ],
)
def test_lines(octets: bytes, lines: list[bytes], piece: int) -> None:
    conversation = hear(octets, piece)
    assert [conversation.read_line(10) for _ in lines] == lines
    assert conversation.read_line_or_end(10) is None
    with pytest.raises(IncompleteMessage, match=r"server closed the connection$"):
        conversation.read_line(10)


@pytest.mark.parametrize("piece", [1, RECEIVE_SIZE])
@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n", b"x" * 100_000 + b"\n"])
def test_lines_that_are_too_long(end: bytes, piece: int) -> None:
    conversation = hear(b"x" * 11 + (end or b"yy"), piece)
    for _ in range(2):
        with pytest.raises(TooLong, match="server sent a line of more than 10 octets"):
            conversation.read_line(10)


def test_half_a_line() -> None:
    with pytest.raises(IncompleteMessage, match="in the middle of a line"):
        hear(b"ab").read_line()


def test_a_line_without_an_end_is_not_kept() -> None:
    tracemalloc.start()
    try:
        with pytest.raises(TooLong):
            Conversation(Flood(b"x" * RECEIVE_SIZE), "server").read_line()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000


@pytest.mark.parametrize(
    ("octets", "lines"),
    [
        pytest.param(b".\r\nx", [], id="none"),
        pytest.param(b"a\r\n..\r\n...b\r\n.\r\nx", [b"a", b".", b"..b"], id="dots"),
        pytest.param(b"\r\n.\r\nx", [b""], id="empty line"),
    ],
)
def test_dotted_lines(octets: bytes, lines: list[bytes]) -> None:
    conversation = hear(octets)
    assert list(conversation.read_dotted_lines()) == lines
    assert conversation.read_some() == b"x"


def test_dotted_lines_without_an_end() -> None:
    with pytest.raises(IncompleteMessage):
        list(hear(b"a\r\n").read_dotted_lines())
    with pytest.raises(TooLong):
        list(hear(b"aaa\r\n.\r\n").read_dotted_lines(2))


# Octets


@pytest.mark.parametrize("piece", [1, 7, RECEIVE_SIZE])
def test_everything_in_turn(piece: int) -> None:
    """What was read ahead is given before what comes."""
    conversation = hear(b"one\r\n12345a\r\n.\r\ntwo\r\n.b\r\n.\r\nthree\nrest", piece)
    assert conversation.read_line() == b"one"
    assert b"".join(conversation.read_exactly(5)) == b"12345"
    assert b"".join(conversation.read_dotted()) == b"a\r\n"
    assert conversation.read_line() == b"two"
    assert list(conversation.read_dotted_lines()) == [b"b"]
    assert conversation.read_line() == b"three"
    assert b"".join(conversation.read_to_end()) == b"rest"
    assert conversation.read_some() == b""


@pytest.mark.parametrize("is_ahead", [False, True])
def test_some_is_no_more_than_wanted(*, is_ahead: bool) -> None:
    conversation = hear(b"\nabcdef")
    assert conversation.read_some(1) == b"\n"
    if is_ahead:
        conversation = hear(b"\nabcdef")
        conversation.read_line()
    assert [conversation.read_some(4), conversation.read_some(4)] == [b"abcd", b"ef"]


def test_exactly_does_not_read_further() -> None:
    """What comes behind a literal may be for somebody else."""
    stream = Flood(b"x" * RECEIVE_SIZE)
    assert sum(map(len, Conversation(stream, "server").read_exactly(10))) == 10
    assert stream.largest == 10
    assert list(Conversation(stream, "server").read_exactly(0)) == []


@pytest.mark.parametrize(
    ("read", "problem"),
    [
        pytest.param(lambda talk: talk.read_exactly(10), "7 octets before the end", id="exactly"),
        pytest.param(lambda talk: talk.read_dotted(), "before the end of the text", id="dotted"),
    ],
)
def test_too_little(read: Callable[[Conversation], Iterable[bytes]], problem: str) -> None:
    got = []
    with pytest.raises(IncompleteMessage, match=problem):
        got += read(hear(b"abc"))


@pytest.mark.parametrize(
    ("read", "block", "end"),
    [
        pytest.param(
            lambda talk: talk.read_dotted(), b"..x\r\n" * 13_107, b".\r\n", id="dotted, many dots"
        ),
        pytest.param(
            lambda talk: talk.read_dotted(), b"x" * RECEIVE_SIZE, b"\r\n.\r\n", id="dotted, no line"
        ),
        pytest.param(lambda talk: talk.read_exactly(40_000_000), b"x" * 60_000, b"", id="exactly"),
        pytest.param(lambda talk: talk.read_to_end(), b"x" * RECEIVE_SIZE, b"", id="to the end"),
    ],
)
def test_large_messages_are_not_held(
    read: Callable[[Conversation], Iterable[bytes]], block: bytes, end: bytes
) -> None:
    def size(most: int) -> int:
        stream = Flood(block, most, end)
        return sum(map(len, read(Conversation(stream, "server"))))

    assert size(40_000_000 // len(block) + 1) >= 30_000_000
    tracemalloc.start()
    try:
        size(40_000_000 // len(block) + 1)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000


# Time


@pytest.mark.parametrize(
    "read",
    [
        pytest.param(lambda talk: [talk.read_line()], id="line"),
        pytest.param(lambda talk: [talk.read_some()], id="some"),
        pytest.param(lambda talk: talk.read_exactly(10**12), id="exactly"),
        pytest.param(lambda talk: talk.read_to_end(), id="to the end"),
        pytest.param(lambda talk: talk.read_dotted(), id="dotted"),
        pytest.param(lambda talk: talk.read_dotted_lines(), id="dotted lines"),
    ],
)
def test_the_deadline_is_also_for_the_fast(
    read: Callable[[Conversation], Iterator[bytes]],
) -> None:
    """A stream looks at the clock only when it has to wait."""
    talk = Conversation(Flood(b"x\r\n" * 1000), "server", deadline=Deadline.after(0.02))

    def read_on() -> None:
        end = monotonic() + 1
        while monotonic() < end:
            for _ in read(talk):
                if monotonic() > end:
                    return

    with pytest.raises(ReadTimeout, match=r"server: not everything was received in time$"):
        read_on()


def test_the_deadline_is_also_for_those_who_take_everything() -> None:
    def endless() -> Iterator[bytes]:
        end = monotonic() + 1
        while monotonic() < end:
            yield b"x" * 1000

    talk = Conversation(Flood(b""), "server", deadline=Deadline.after(0.02))
    with pytest.raises(WriteTimeout, match=r"server: not everything was sent in time$"):
        talk.send_dotted(endless())


def test_goodbye_can_be_said_after_the_deadline() -> None:
    stream = AnsweringStream(b"")
    Conversation(stream, "server", deadline=PASSED).send_line("QUIT")
    assert stream.said == [b"QUIT"]


def test_one_deadline_for_a_whole_line() -> None:
    """An octet now and then is no line."""
    seen: list[float | None] = []

    class Slow(Flood):
        def receive_some(self, max_bytes: int = RECEIVE_SIZE, deadline: Deadline = NEVER) -> bytes:
            seen.append(deadline.at)
            return super().receive_some(max_bytes, deadline)

    Conversation(Slow(b"x", 3, b"\n"), "server", idle_timeout=60).read_line()
    assert len(seen) == 4
    assert len(set(seen)) == 1


@pytest.mark.parametrize(
    ("idle_timeout", "deadline", "text"),
    [
        pytest.param(2.5, NEVER, "server: nothing came (2.5 seconds)", id="idle"),
        pytest.param(None, NEVER, "server: nothing came", id="no limit"),
        pytest.param(2.5, PASSED, "server: not everything was received in time", id="deadline"),
    ],
)
def test_which_time_was_up(idle_timeout: float | None, deadline: Deadline, text: str) -> None:
    stream = Broken(ReadTimeout("nothing came"))
    talk = Conversation(stream, "server", idle_timeout=idle_timeout, deadline=deadline)
    with pytest.raises(ReadTimeout) as caught:
        talk.read_some()
    assert str(caught.value) == text


@pytest.mark.parametrize("error", [ReadError, WriteError])
def test_errors_tell_with_whom_it_was(error: type[SocketToolsError]) -> None:
    talk = Conversation(Broken(error("the connection broke")), "server")
    with pytest.raises(error, match=r"^server: the connection broke$"):
        talk.send_line("NOOP") if error is WriteError else talk.read_some()


# Sending


@pytest.mark.parametrize(
    ("line", "octets"),
    [
        pytest.param("NOOP", b"NOOP", id="text"),
        pytest.param("USER Zoë", "USER Zoë".encode(), id="UTF-8"),
        pytest.param(b"USER \xff", b"USER \xff", id="octets"),
        pytest.param("", b"", id="empty"),
    ],
)
def test_sent_lines(line: str | bytes, octets: bytes) -> None:
    stream = AnsweringStream(b"")
    Conversation(stream, "server").send_line(line)
    assert stream.said == [octets]


@pytest.mark.parametrize(
    ("line", "shown", "text"),
    [
        pytest.param("A b\r\nQUIT", None, "a line end or a NUL is in what .* with 'A'", id="CRLF"),
        pytest.param("A b\nQUIT", None, "a line end or a NUL", id="LF"),
        pytest.param("A b\r", None, "a line end or a NUL", id="CR"),
        pytest.param(b"A b\0", None, "a line end or a NUL", id="NUL"),
        pytest.param("\n", None, "a line end or a NUL .* with ''", id="nothing but the line end"),
        pytest.param("A \udcff", None, "to server with 'A' is no text in UTF-8", id="surrogate"),
        pytest.param("A \udcff\n", None, "a line end or a NUL", id="both"),
        pytest.param("secret\n", "***", r"with '\*\*\*'", id="secret"),
        pytest.param("PASS secret\udcff", "PASS ***", "with 'PASS' is no text", id="secret text"),
    ],
)
def test_what_is_no_line(line: str | bytes, shown: str | None, text: str) -> None:
    stream = AnsweringStream(b"")
    with pytest.raises(LocalProtocolError, match=text) as caught:
        Conversation(stream, "server").send_line(line, shown)
    assert stream.said == []
    assert str(caught.value).isprintable()
    assert "secret" not in str(caught.value)


def test_secrets_are_not_recorded() -> None:
    events: list[Event] = []

    class Sink:
        def write(self, event: Event) -> None:
            events.append(event)

    stream = AnsweringStream(b"")
    talk = Conversation(RecordedStream(stream, Transcript([Sink()])), "server")
    talk.send_line("PASS secret", "PASS ***")
    talk.send_line("NOOP")
    assert stream.said == [b"PASS secret", b"NOOP"]
    assert [event.data for event in events] == [b"PASS ***\r\n", b"NOOP\r\n"]


@pytest.mark.parametrize(
    ("line", "shown", "repeated"),
    [
        pytest.param("PASS sesame", "PASS ***", b"530 sesame is wrong", id="a password"),
        pytest.param(
            "AUTH PLAIN AG1lAHNlc2FtZQ==",
            "AUTH PLAIN ***",
            b"535 AG1lAHNlc2FtZQ== means sesame",
            id="base64 of one",
        ),
        pytest.param("c2VzYW1l", "***", b"535 sesame", id="base64 alone"),
    ],
)
def test_a_secret_that_is_repeated_is_not_shown(line: str, shown: str, repeated: bytes) -> None:
    events: list[Event] = []
    sink = type("Sink", (), {"write": lambda _self, event: events.append(event)})()
    stream = RecordedStream(Flood(repeated + b"\r\n", 2), Transcript([sink]))
    with Conversation(stream, "h:1") as conversation:
        conversation.send_line(line, shown)
        said = conversation.without_secrets(conversation.read_line().decode())
        reply = hidden(conversation, read_reply(conversation))

    recorded = b"".join(event.data for event in events)
    assert b"***" in recorded
    for text in (recorded, said.encode(), reply.text.encode()):
        assert b"sesame" not in text
        assert b"AG1l" not in text


def test_what_a_reply_says_stays_as_it_is() -> None:
    with Conversation(Flood(b"211 51230 1 51234 a\r\n", 1), "h:1") as conversation:
        conversation.send_line("PASS 123", "PASS ***")
        reply = read_reply(conversation)

        assert reply.text == "51230 1 51234 a"
        assert hidden(conversation, reply).text == "5***0 1 5***4 a"


def test_what_else_is_to_be_hidden() -> None:
    with Conversation(Flood(b"", 0), "h:1") as conversation:
        conversation.hide("é", b"x")

        assert conversation.without_secrets("né a x") == "n*** a ***"


def test_dotted_there_and_back() -> None:
    ours, theirs = memory_stream_pair()
    with Conversation(ours, "server") as here, Conversation(theirs, "client") as there:
        here.send_dotted([b".a\n", b"b"])
        here.send(b"more")
        here.send_eof()
        assert b"".join(there.read_dotted()) == b".a\r\nb\r\n"
        assert b"".join(there.read_to_end()) == b"more"


def test_closing() -> None:
    stream = AnsweringStream(b"")
    with Conversation(stream, "server") as talk:
        assert talk.stream is stream
    assert stream.is_closed


# TLS


def test_nothing_may_come_before_the_encryption() -> None:
    """RFC 3207 section 6: it would be taken for something that was encrypted."""
    talk = hear(b"220 go ahead\r\n250 injected\r\n")
    talk.read_line()
    with pytest.raises(RemoteProtocolError, match="sent more before the encryption began"):
        talk.start_tls(client_context(), "h")
    assert not talk.is_encrypted
    assert talk.tls is None
