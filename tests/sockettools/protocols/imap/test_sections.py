from __future__ import annotations

from itertools import islice

import pytest

from sockettools.errors import (
    LocalProtocolError,
    PermanentNegativeReply,
    RemoteProtocolError,
    TooLong,
    TransientNegativeReply,
)
from tests.sockettools.protocols.imap.talking import MAX_RESPONSES, NEWS, in_folder

MESSAGE = b"From: a\r\n\r\n)\r\na2 OK {5}\r\n"
IN_LINE = bytes.maketrans(b"\r\n", b"__")


def body(
    name: str = "BODY[]", uid: str = "UID 7 ", behind: str = "", octets: bytes = MESSAGE
) -> bytes:
    return (
        f"* 2 FETCH ({uid}{name} {{{len(octets)}}}\r\n".encode()
        + octets
        + f"{behind})\r\n".encode()
    )


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(body(), id="plain"),
        pytest.param(NEWS + body() + NEWS, id="with news"),
        pytest.param(body(uid="", behind=" UID 7"), id="UID behind"),
        pytest.param(body("body[]", behind=" FLAGS (\\Seen)"), id="flags behind"),
        pytest.param(body("BODY[]<0>"), id="with an origin"),
        pytest.param(body() + b"* 2 FETCH (UID 7 FLAGS (\\Seen))\r\n", id="flags later"),
    ],
)
def test_a_message(said: bytes) -> None:
    with in_folder(said, b"a2 OK\r\n* SEARCH\r\na3 OK\r\n") as talking:
        section = talking.client.stream_section(7)

        assert section.size == len(MESSAGE)
        assert b"".join(section.blocks) == MESSAGE
        assert list(talking.client.search([b"ALL"])) == []
        assert talking.sent()[1] == b"a2 UID FETCH 7 (UID BODY.PEEK[])"


@pytest.mark.parametrize(
    ("section", "peek", "partial", "sent"),
    [
        ("HEADER", True, None, b"BODY.PEEK[HEADER]"),
        ("1.2.mime", True, (0, 1024), b"BODY.PEEK[1.2.mime]<0.1024>"),
        ("TEXT", False, (5, 9), b"BODY[TEXT]<5.9>"),
        ('header.fields ("date" From)', True, None, b'BODY.PEEK[header.fields ("date" From)]'),
    ],
)
def test_a_section(section: str, peek: bool, partial: tuple[int, int] | None, sent: bytes) -> None:
    origin = "" if partial is None else f"<{partial[0]}>"
    name = f"BODY[{section.upper()}]{origin}".replace('"', "")
    with in_folder(body(name, octets=b"x"), b"a2 OK\r\n") as talking:
        found = talking.client.stream_section(7, section, peek=peek, partial=partial)

        assert b"".join(found.blocks) == b"x"
        assert talking.sent()[1] == b"a2 UID FETCH 7 (UID " + sent + b")"


@pytest.mark.parametrize("section", ["]", "TEXT] FLAGS BODY[", "a\r\n", "é", "HEADER (]"])
def test_no_section(section: str) -> None:
    with in_folder() as talking, pytest.raises(ValueError, match="section"):
        talking.client.stream_section(7, section)


@pytest.mark.parametrize("value", [b'"a\\"b"', b"ab"])
def test_a_short_one_may_be_quoted(value: bytes) -> None:
    said = b"* 2 FETCH (BODY[TEXT] " + value + b" UID 7)\r\na2 OK\r\n* SEARCH\r\na3 OK\r\n"
    with in_folder(said) as talking:
        section = talking.client.stream_section(7, "TEXT")

        octets = b"".join(section.blocks)
        assert octets in (b'a"b', b"ab")
        assert section.size == len(octets)
        talking.client.search([b"ALL"])


def test_an_empty_one() -> None:
    with in_folder(b'* 2 FETCH (UID 7 BODY[TEXT] "")\r\na2 OK\r\n') as talking:
        section = talking.client.stream_section(7, "TEXT")
        assert (section.size, list(section.blocks)) == (0, [])


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        pytest.param(b"a2 OK\r\n", "it has no message 7", id="nothing"),
        pytest.param(NEWS + b"a2 OK\r\n", "it has no message 7", id="news of others"),
        pytest.param(
            b"* 2 FETCH (UID 7 BODY[] NIL)\r\na2 OK\r\n", r"no BODY\[\] of message 7", id="NIL"
        ),
        pytest.param(b"a2 NO gone\r\n", "refused message 7: NO gone", id="NO"),
        pytest.param(b"a2 BAD what\r\n", "refused message 7: BAD what", id="BAD"),
    ],
)
def test_a_message_that_is_not_there(said: bytes, problem: str) -> None:
    with in_folder(said) as talking, pytest.raises(PermanentNegativeReply, match=problem):
        talking.client.stream_section(7)


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        pytest.param(body(uid="UID 8 "), "sent message 8 where 7", id="another"),
        pytest.param(body(uid="", behind=" UID 8"), "sent message 8 where 7", id="another, late"),
        pytest.param(body(uid=""), "without a number", id="no UID"),
        pytest.param(b'* 2 FETCH (UID 8 BODY[] "x")\r\n', "message 8 where 7", id="quoted"),
        pytest.param(b'* 2 FETCH (BODY[] "x")\r\n', "without a number", id="quoted, no UID"),
        pytest.param(body() + body(), "twice", id="twice"),
        pytest.param(body(behind=" BODY[] {99999999}\r\n"), "limit", id="twice at once"),
        pytest.param(body(behind="\r\n"), "did not close", id="no end of the list"),
        pytest.param(b"* 2 FETCH (UID 7 BODY[] {9}\r\nabc", "6 octets before the end", id="cut"),
        pytest.param(b"* 2 FETCH (UID 7 BODY[] {9223372036854775807}\r\nx", "before", id="2^63-1"),
        pytest.param(b"* 2 FETCH (UID 7 BODY[] {9223372036854775808}\r\nx", "announced", id="2^63"),
        pytest.param(body("BODY[TEXT]", octets=bytes(70_000)), "limit", id="another section"),
        pytest.param(body() + b"a1 OK\r\n", "expected 'a2'", id="wrong tag"),
        pytest.param(body() + b"+ more\r\n", "waits for more", id="continuation"),
        pytest.param(body() + b"junk\r\n", "no response of IMAP", id="junk"),
        pytest.param(body(), "closed the connection", id="no end"),
        pytest.param(
            body() + b"* 2 FETCH (FLAGS ())\r\n" * MAX_RESPONSES, "an end", id="endless news"
        ),
    ],
)
def test_a_server_that_breaks_the_rules(said: bytes, problem: str) -> None:
    with in_folder(said) as talking, pytest.raises(RemoteProtocolError, match=problem):
        b"".join(talking.client.stream_section(7).blocks)


def test_more_than_was_asked_for() -> None:
    with (
        in_folder(body("BODY[]<0>")) as talking,
        pytest.raises(TooLong, match=f"{len(MESSAGE)} octets where 5"),
    ):
        talking.client.stream_section(7, partial=(0, 5))


@pytest.mark.parametrize(
    ("name", "partial", "expected"),
    [
        ("BODY[]<0.8>", (0, 8), MESSAGE[:8]),
        ("BODY[]<5.8>", (5, 8), MESSAGE[5:13]),
        ("BODY[]", (5, 8), MESSAGE[5:13]),
        ("BODY[]", (5, 4_294_967_295), MESSAGE[5:]),
        ("BODY[]", (99, 8), b""),
        ("BODY[]<0.99>", (0, 99), MESSAGE),
        ("BODY[]<5>", (5, 99), MESSAGE),
    ],
)
@pytest.mark.parametrize("is_quoted", [False, True])
def test_a_part_out_of_the_whole(
    name: str, partial: tuple[int, int], expected: bytes, is_quoted: bool
) -> None:
    """As Twisted's server sends it."""
    said = body(name)
    if is_quoted:
        line, expected = (octets.translate(IN_LINE) for octets in (MESSAGE, expected))
        said = b'* 2 FETCH (UID 7 %b "%b")\r\n' % (name.encode(), line)
    with in_folder(said + b"a2 OK\r\n") as talking:
        section = talking.client.stream_section(7, partial=partial)
        assert b"".join(section.blocks) == expected
        assert section.size == len(expected)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("BODY[]<0>", "octets from 0 on where those from 5"),
        ("BODY[]<" + "9" * 5000 + ">", "octets from 99999"),
        ("BODY[]<0.99>", "octets from 0 on"),
        ("BODY[]<5.99>", "does not tell where"),
    ],
    ids=lambda name: name[:20],
)
def test_another_part(name: str, problem: str) -> None:
    with in_folder(body(name)) as talking, pytest.raises(RemoteProtocolError, match=problem):
        talking.client.stream_section(7, partial=(5, 99))


def test_a_refusal_behind_the_message() -> None:
    with in_folder(body() + b"a2 NO [UNAVAILABLE] disk\r\n") as talking:
        section = talking.client.stream_section(7)
        with pytest.raises(TransientNegativeReply, match="disk"):
            list(section.blocks)


def test_a_literal_is_not_kept() -> None:
    """The size is only what the server says."""
    with in_folder(
        b"* 2 FETCH (UID 7 BODY[] {9000000000000000000}\r\n" + b"x" * 100_000
    ) as talking:
        section = talking.client.stream_section(7)
        assert section.size == 9_000_000_000_000_000_000
        assert sum(map(len, islice(section.blocks, 2))) <= 2 * 65_536


def test_nothing_else_is_said_while_a_message_comes() -> None:
    with in_folder(body(), b"a2 OK\r\n") as talking:
        section = talking.client.stream_section(7)
        with pytest.raises(LocalProtocolError, match="UID FETCH"):
            talking.client.search([b"ALL"])
        with pytest.raises(LocalProtocolError):
            talking.client.leave()
        assert b"".join(section.blocks) == MESSAGE
        talking.client.leave()
        assert talking.sent()[2:] == [b"a3 LOGOUT"]
