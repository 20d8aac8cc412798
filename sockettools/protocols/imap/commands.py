"""What is sent: commands and when they are legal, strings, and programs for a search."""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

from sockettools.errors import LocalProtocolError
from sockettools.protocols.imap import utf7

if TYPE_CHECKING:
    from collections.abc import Iterable

# What a quoted string may have in it (RFC 3501 section 9, TEXT-CHAR). Servers have limits for a
# line, and none for a literal.
_QUOTABLE = re.compile(rb"[\x01-\x09\x0b\x0c\x0e-\x7f]{0,1000}")

# What is in no line of a command: a line end would begin another one.
CONTROL = re.compile(rb"[\x00-\x1f\x7f]")

# What is in no name of a folder: control characters, and halves of surrogate pairs, as Python has
# them for an argument that is no UTF-8.
_NAMELESS = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")

# RFC 5322 section 3.6.8, less what an atom has not (RFC 3501 section 9).
_FIELD = re.compile(r"[!#$&'+-9;-Z^-z|~]+")

_SEARCH_TOKEN = re.compile(
    rb"(?P<space> +)"
    rb'|"(?P<quoted>[^"\\\x00-\x1f\x7f]*(?:\\["\\][^"\\\x00-\x1f\x7f]*)*)"'
    rb"|\{(?P<literal>[0-9]{1,9})\+?\}\r\n"
    rb"|(?P<bracket>[()])"
    rb'|(?P<word>[^ "()\x00-\x1f\x7f]+)'
)
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)


class State(Enum):
    """RFC 3501 section 3."""

    NOT_AUTHENTICATED = "not authenticated"
    AUTHENTICATED = "authenticated"
    SELECTED = "selected"
    LOGOUT = "logout"


_BEFORE = frozenset({State.NOT_AUTHENTICATED})
_AFTER = frozenset({State.AUTHENTICATED, State.SELECTED})
_SELECTED = frozenset({State.SELECTED})

# RFC 3501 section 6: the commands that are spoken here, and the states in which they are legal.
COMMANDS: dict[str, frozenset[State]] = {
    "CAPABILITY": _BEFORE | _AFTER,
    "NOOP": _BEFORE | _AFTER,
    "LOGOUT": _BEFORE | _AFTER,
    "STARTTLS": _BEFORE,
    "AUTHENTICATE": _BEFORE,
    "LOGIN": _BEFORE,
    "SELECT": _AFTER,
    "EXAMINE": _AFTER,
    "LIST": _AFTER,
    "STATUS": _AFTER,
    "UID SEARCH": _SELECTED,
    "FETCH": _SELECTED,
    "UID FETCH": _SELECTED,
}


class Literal(bytes):
    """Octets that are sent by themselves, behind a line that announces how many they are."""


# A piece of a command: what is sent as it is, or a literal. Nothing is put between pieces.
Piece: TypeAlias = bytes


def string(text: bytes) -> Piece:
    r"""Return text as a quoted string, or as a literal where it cannot be one.

    >>> string(b'pa ss"w\\ord'), string("Café".encode())
    (b'"pa ss\\"w\\\\ord"', b'Caf\xc3\xa9')
    """
    if _QUOTABLE.fullmatch(text) is None:
        return Literal(text)
    return b'"%b"' % re.sub(rb'(["\\])', rb"\\\1", text)


def mailbox(name: str) -> Piece:
    r"""Return the name of a folder.

    Raises:
        LocalProtocolError: there is a control character in it, or half of a surrogate pair.

    >>> mailbox("Entwürfe")
    b'"Entw&APw-rfe"'
    """
    if _NAMELESS.search(name):
        raise LocalProtocolError(
            f"{name[:40]!r} is no name of a folder: there is a control character in it, "
            "or it is no text"
        )
    return string(utf7.encode(name))


def field_names(names: Iterable[str]) -> Piece:
    """Return the names of fields of a header, as a list.

    Raises:
        LocalProtocolError: one is none.

    >>> field_names(["Date", "From"])
    b'(Date From)'
    """
    known = list(names)
    for name in known:
        if _FIELD.fullmatch(name) is None:
            raise LocalProtocolError(f"{name[:40]!r} is no name of a field in a header")
    return f"({' '.join(known)})".encode()


def lines(pieces: Iterable[Piece]) -> list[bytes]:
    r"""Return the lines in which a command is sent: before each but the first the server is heard.

    >>> lines([b"a1 LOGIN me ", Literal(b"\xff")])
    [b'a1 LOGIN me {1}', b'\xff']
    """
    done: list[bytes] = []
    line = b""
    for piece in pieces:
        if isinstance(piece, Literal):
            done.append(line + b"{%d}" % len(piece))
            line = bytes(piece)
        else:
            line += piece
    return [*done, line]


def search_program(text: bytes) -> list[Piece]:
    r"""Return a search as RFC 3501 section 6.4.4 has it, ready to be sent.

    What is not ASCII is sent in literals, as UTF-8 where no other charset is named.

    Raises:
        ValueError: it is empty, a string in it has no end, or there is a control character.

    >>> search_program(b'(SEEN SUBJECT "a b")')
    [b'(', b'SEEN', b' ', b'SUBJECT', b' ', b'"a b"', b')']
    >>> search_program("SUBJECT Café".encode())
    [b'CHARSET UTF-8 ', b'SUBJECT', b' ', b'Caf\xc3\xa9']
    """
    pieces: list[Piece] = []
    position = 0
    while position < len(text):
        match = _SEARCH_TOKEN.match(text, position)
        if match is None:
            rest = text[position:].decode("utf-8", "replace")
            raise ValueError(f"the search makes no sense from {rest[:40]!r} on")
        position = match.end()
        if match.lastgroup == "literal":
            size = int(match["literal"])
            literal = Literal(text[position : position + size])
            if CONTROL.search(literal):
                raise ValueError("there is a control character in a literal in the search")
            pieces.append(literal)
            position += size
        elif match[0].isascii():
            pieces.append(match[0])
        else:
            quoted = match["quoted"]
            pieces.append(Literal(match[0] if quoted is None else _ESCAPED.sub(rb"\1", quoted)))
    if position > len(text):
        raise ValueError("a literal in the search announces more than there is")
    if not b"".join(pieces).strip():
        raise ValueError("there is nothing to search for behind the question mark")
    if not text.isascii() and pieces[0].upper() != b"CHARSET":
        pieces.insert(0, b"CHARSET UTF-8 ")
    return pieces
