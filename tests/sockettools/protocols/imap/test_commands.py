from __future__ import annotations

import imaplib

import pytest

from sockettools.errors import LocalProtocolError
from sockettools.protocols.commands import check_legal
from sockettools.protocols.imap.commands import (
    COMMANDS,
    Literal,
    State,
    field_names,
    lines,
    mailbox,
    search_program,
    string,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(b"INBOX", b'"INBOX"', id="word"),
        pytest.param(b"", b'""', id="nothing"),
        pytest.param(b'a "b" \\c', b'"a \\"b\\" \\\\c"', id="quotes"),
        pytest.param(b"%*(){}]", b'"%*(){}]"', id="specials"),
    ],
)
def test_a_quoted_string(text: bytes, expected: bytes) -> None:
    piece = string(text)

    assert piece == expected
    assert not isinstance(piece, Literal)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"caf\xc3\xa9", id="8 bit"),
        pytest.param(b"a\r\nb", id="line end"),
        pytest.param(b"a\nb", id="LF"),
        pytest.param(b"\0", id="NUL"),
        pytest.param(b"x" * 1001, id="long"),
    ],
)
def test_what_cannot_be_quoted_is_a_literal(text: bytes) -> None:
    piece = string(text)

    assert isinstance(piece, Literal)
    assert lines([b"a1 X ", piece, b" Y"]) == [b"a1 X {%d}" % len(text), text + b" Y"]


def test_literals_follow_each_other() -> None:
    pieces = (b"a1 LOGIN ", Literal(b"\xff"), b" ", Literal(b"\xfe\xfe"))

    assert lines(pieces) == [b"a1 LOGIN {1}", b"\xff {2}", b"\xfe\xfe"]


@pytest.mark.parametrize("name", ["a\r\nb", "a\nb", "\0", "\x1b", "\x7f", "\x85", "\ud83d"])
def test_no_name_of_a_folder(name: str) -> None:
    with pytest.raises(LocalProtocolError, match="no name of a folder") as caught:
        mailbox(name)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("name", ["", "X\r\n", "a b", "a)", "a]", "é", "a:", "\ud83d", '"a"'])
def test_no_name_of_a_field(name: str) -> None:
    assert field_names(["Subject", "X-Spam_1"]) == b"(Subject X-Spam_1)"
    with pytest.raises(LocalProtocolError, match="no name of a field"):
        field_names(["Subject", name])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("SUBJECT Hello", [b"SUBJECT Hello"], id="words"),
        pytest.param('OR (SEEN) (FROM "a b")', [b'OR (SEEN) (FROM "a b")'], id="brackets"),
        pytest.param(r'TEXT "a\"b\\"', [rb'TEXT "a\"b\\"'], id="escapes"),
        pytest.param(
            "(SUBJECT é) 2:*", [b"CHARSET UTF-8 (SUBJECT {2}", "é) 2:*".encode()], id="not ascii"
        ),
        pytest.param(
            r'FROM "é \"b"', [b"CHARSET UTF-8 FROM {5}", 'é "b'.encode()], id="not ascii, quoted"
        ),
        # RFC 5092 section 6.3 has this one.
        pytest.param(
            "charset UTF-8 SUBJECT {14+}\r\nИванова",
            [b"charset UTF-8 SUBJECT {14}", "Иванова".encode()],
            id="RFC 5092",
        ),
        pytest.param("BODY {3}\r\na b SEEN", [b"BODY {3}", b"a b SEEN"], id="literal"),
    ],
)
def test_a_search_is_sent(text: str, expected: list[bytes]) -> None:
    assert lines(search_program(text.encode())) == expected


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"  ", id="spaces"),
        pytest.param(b'SUBJECT "a', id="no end of a string"),
        pytest.param(b"SUBJECT {9}\r\nab", id="no end of a literal"),
        pytest.param(b"SEEN\r\na2 LOGOUT", id="another command"),
        pytest.param(b"SEEN\0", id="NUL"),
        pytest.param(b'"a\nb"', id="line end in a string"),
        pytest.param(b'"\\a"', id="what needs no backslash"),
        pytest.param(b'"a\tb"', id="tab in a string"),
        pytest.param(b"BODY {3}\r\na\nb", id="line end in a literal"),
    ],
)
def test_a_search_makes_no_sense(text: bytes) -> None:
    with pytest.raises(ValueError, match="search"):
        search_program(text)


def test_every_command_is_legal_where_imaplib_has_it() -> None:
    names = {"NONAUTH": "NOT_AUTHENTICATED", "AUTH": "AUTHENTICATED", "SELECTED": "SELECTED"}
    for command, states in COMMANDS.items():
        theirs = imaplib.Commands[command.removeprefix("UID ")]
        assert {state.name for state in states} == {
            names[state] for state in theirs if state in names
        }, command


@pytest.mark.parametrize(
    ("command", "state"),
    [
        pytest.param("LOGIN", State.AUTHENTICATED, id="twice"),
        pytest.param("STARTTLS", State.SELECTED, id="too late"),
        pytest.param("LIST", State.NOT_AUTHENTICATED, id="too early"),
        pytest.param("UID FETCH", State.AUTHENTICATED, id="nothing open"),
        pytest.param("NOOP", State.LOGOUT, id="after the end"),
        pytest.param("EXPUNGE", State.SELECTED, id="unknown"),
    ],
)
def test_what_is_not_legal(command: str, state: State) -> None:
    with pytest.raises(LocalProtocolError, match=command):
        check_legal(COMMANDS, command, state)
