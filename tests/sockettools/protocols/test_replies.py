from __future__ import annotations

import pytest

from sockettools.errors import (
    IncompleteMessage,
    NegativeReply,
    PermanentNegativeReply,
    RemoteProtocolError,
    TooLong,
    TransientNegativeReply,
)
from sockettools.protocols.conversation import MAX_LINE, Conversation
from sockettools.protocols.replies import MAX_REPLY, Reply, negative_reply, read_reply, shown
from tests.sockettools.protocols.answering import AnsweringStream

REPLIES = [
    # RFC 5321 appendix D.1, RFC 959 section 4.2
    pytest.param(b"250 OK\r\n", Reply(250, ("OK",)), id="line"),
    pytest.param(b"250\r\n", Reply(250, ("",)), id="no text"),
    pytest.param(b"250 \r\n", Reply(250, ("",)), id="no text behind a space"),
    pytest.param(b"220 ready\n", Reply(220, ("ready",)), id="bare LF"),
    pytest.param(b"250-a\r\n250-b\r\n250 c\r\n", Reply(250, ("a", "b", "c")), id="lines"),
    pytest.param(b"250-a\r\n250\r\n", Reply(250, ("a", "")), id="no text in the last line"),
    pytest.param(
        b"123-First line\r\nSecond line\r\n  234 A line beginning with numbers\r\n123 The last\r\n",
        Reply(
            123, ("First line", "Second line", "  234 A line beginning with numbers", "The last")
        ),
        id="lines without a code",
    ),
    pytest.param(b"211-a\r\n212 b\r\n211 c\r\n", Reply(211, ("a", "212 b", "c")), id="other code"),
    pytest.param("220 Grüße\r\n".encode(), Reply(220, ("Grüße",)), id="UTF-8"),
    pytest.param(b"220 Gr\xfc\xdfe\r\n", Reply(220, ("Grüße",)), id="Latin-1"),
]


def talk(octets: bytes, piece: int = 65_536) -> Conversation:
    return Conversation(AnsweringStream(octets, piece=piece, closing=True), "server")


@pytest.mark.parametrize("piece", [1, 65_536])
@pytest.mark.parametrize(("octets", "reply"), REPLIES)
def test_replies(octets: bytes, reply: Reply, piece: int) -> None:
    conversation = talk(octets + b"599 next\r\n", piece)
    assert read_reply(conversation) == reply
    assert read_reply(conversation) == Reply(599, ("next",))


@pytest.mark.parametrize(
    "line", [b"", b"OK", b"25 OK", b"2500 OK", b"600 OK", b"099 OK", b" 250 OK", b"250OK", b"25x a"]
)
def test_no_replies(line: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match="server sent no reply but ") as caught:
        read_reply(talk(line + b"\r\n"))
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("octets", "error"),
    [
        pytest.param(b"", IncompleteMessage, id="nothing"),
        pytest.param(b"250", IncompleteMessage, id="half a line"),
        pytest.param(b"250-a\r\n", IncompleteMessage, id="half a reply"),
        pytest.param(b"2" * (MAX_LINE + 3), TooLong, id="line without an end"),
        pytest.param(b"250-a\r\n" * (MAX_REPLY // 7 + 2), TooLong, id="reply without an end"),
        pytest.param(b"250-" + b"\r\n" * MAX_REPLY, TooLong, id="empty lines without an end"),
    ],
)
def test_replies_without_an_end(octets: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        read_reply(talk(octets))


def test_what_a_reply_says() -> None:
    reply = Reply(354, ("a", "b"))
    assert (reply.kind, reply.text) == (3, "a\nb")


@pytest.mark.parametrize(
    ("reply", "kind", "text"),
    [
        pytest.param(Reply(450, ("later",)), TransientNegativeReply, "450 later", id="4yz"),
        pytest.param(Reply(550, ("a", "b")), PermanentNegativeReply, "550 a b", id="5yz"),
        pytest.param(Reply(550, ("",)), PermanentNegativeReply, "550", id="no text"),
        pytest.param(Reply(550, ("\x1b[2J",)), PermanentNegativeReply, r"550 \x1b[2J", id="acts"),
    ],
)
def test_refusals(reply: Reply, kind: type[NegativeReply], text: str) -> None:
    error = negative_reply("server", "the sender", reply)
    assert type(error) is kind
    assert str(error) == f"server refused the sender: {text}"
    assert (error.code, error.text) == (reply.code, reply.text)


def test_shown_is_one_line_with_an_end() -> None:
    assert shown("a\nb") == "a\\nb"
    assert shown("x" * 300) == "x" * 300
    assert shown("x" * 301) == "x" * 300 + "..."
