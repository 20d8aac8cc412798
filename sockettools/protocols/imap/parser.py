"""What servers say, by the grammar of RFC 3501 section 9: octets in, responses out, no socket.

A response is a line, or several with literals between them: ``{5}`` at the end of a line announces
five octets that may be anything. So the parser is fed in turns: a line, then a literal where the
line has announced one, then the next line. Nesting is kept in a list, not on Python's stack.
"""

from __future__ import annotations

import re
from array import array
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

from sockettools.errors import RemoteProtocolError, TooLong
from sockettools.protocols.replies import shown

if TYPE_CHECKING:
    from collections.abc import Callable

# Octets of a response with its literals, less those that are streamed: a BODYSTRUCTURE of hundreds
# of parts has less.
MAX_RESPONSE = 262_144

# Octets of the one line with all the numbers that a search has found: some 800,000 messages.
MAX_SEARCH_LINE = 8_388_608

# Lists within lists; a message of messages of messages has three for each.
MAX_DEPTH = 100

# Octets of what is no response that are looked through for secrets, before a part of it is shown.
_MAX_SEARCHED = 65_536

# RFC 9051 section 9 has number64, of 63 bits, for the size of a literal.
MAX_LITERAL_SIZE = 2**63 - 1


class Streamed(Enum):
    """Stands for a literal that was not kept."""

    STREAMED = "streamed"


class Atom(bytes):
    """A word without quotes: a number, a flag, the name of an item."""


Value: TypeAlias = "Atom | bytes | Streamed | list[Value] | None"


@dataclass(frozen=True)
class Status:
    """OK, NO, BAD, BYE or PREAUTH; ``code`` is what stood in brackets (RFC 3501 section 7.1)."""

    tag: str
    condition: str
    code: str
    arguments: str
    text: str


@dataclass(frozen=True)
class Continuation:
    """The server waits for more of the command (RFC 3501 section 7.5)."""

    text: str


@dataclass(frozen=True)
class Data:
    """Everything else: ``* 23 EXISTS`` has a number in front, most have values behind."""

    kind: str
    number: int | None = None
    values: list[Value] = field(default_factory=list)


@dataclass(frozen=True)
class Found:
    """The numbers of a search, of four octets each."""

    numbers: array[int]


Response: TypeAlias = Status | Continuation | Data | Found

_STATUS = re.compile(
    rb"(?P<tag>[^ ]+) (?P<condition>OK|NO|BAD|BYE|PREAUTH)"
    rb"(?: \[(?P<code>[^\] ]+)(?: (?P<arguments>[^\]]*))?\])?(?: (?P<text>.*))?",
    re.IGNORECASE | re.DOTALL,
)

# A class of octets, not a group that repeats: that would need memory for each time.
_SEARCH = re.compile(rb"\* SEARCH([ 0-9]*)(?:\(MODSEQ [0-9]+\))?", re.IGNORECASE)
_SEARCH_BEGIN = re.compile(rb"\* SEARCH(?![^ ])", re.IGNORECASE)
_NUMBER = re.compile(rb"[0-9]+")

# The names of items come first: BODY[HEADER.FIELDS (DATE FROM)]<0> is one; Twisted's server repeats
# <0.16384> as it was asked. Atoms may have brackets in them, as the folder [Gmail]/Spam has, and
# octets that are not ASCII, which they may not.
_TOKEN = re.compile(
    rb"(?P<space>[ \t]+)"
    rb"|(?P<open>\()"
    rb"|(?P<close>\))"
    rb'|"(?P<quoted>[^"\\]*(?:\\.[^"\\]*)*)"'
    rb"|~?\{(?P<literal>[0-9]{1,30})\+?\}\Z"
    rb"|(?P<item>(?:BODY|BINARY)(?:\.[A-Z]+)?\[[^\]]{0,1000}\](?:<[0-9]+(?:\.[0-9]+)?>)?)"
    rb'|(?P<atom>[^ ()"{\x00-\x1f\x7f]+)',
    re.IGNORECASE | re.DOTALL,
)
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)


class ResponseParser:
    r"""Takes one response; ``peer`` is what errors call the server.

    ``hide`` takes what is secret out of the server's words in an error.

    >>> parser = ResponseParser("it")
    >>> parser.feed_line(b"* 2 FETCH (UID 7 BODY[] {3}")
    3
    >>> parser.feed_literal(b"\r\n.")
    >>> parser.feed_line(b")")
    >>> parser.response
    Data(kind='FETCH', number=2, values=[[b'UID', b'7', b'BODY[]', b'\r\n.']])
    """

    def __init__(self, peer: str, hide: Callable[[str], str] = str) -> None:
        self.peer = peer
        self.size = 0  # octets that were fed
        self._hide = hide
        self._response: Response | None = None
        self._root: list[Value] = []
        self._open: list[list[Value]] = [self._root]

    @property
    def response(self) -> Response:
        """The response; only to be asked for when the parser waits for nothing more."""
        assert self._response is not None
        return self._response

    @property
    def items(self) -> dict[str, Value]:
        """Names and values of a FETCH response, as far as they have come.

        Raises:
            RemoteProtocolError: they are no such list.
        """
        return fetched(self.peer, self._root[2:3])

    @property
    def awaited(self) -> str:
        """The item of a FETCH response whose value comes next; "" where it is something else."""
        if len(self._open) != 2 or len(self._root) != 3 or _word(self._root[1]) != "FETCH":
            return ""
        values = self._open[-1]
        return _word(values[-1]) if len(values) % 2 else ""

    def feed_line(self, line: bytes) -> int | None:
        """Take a line; return the size of the literal that has to come next, None at the end.

        Raises:
            RemoteProtocolError: it is no response.
            TooLong: it is more than what anybody needs to say.
        """
        if not self._root and self._is_simple(line):
            return None
        self._count(len(line) + 2)
        literal = self._take_tokens(line if self._root else line.removeprefix(b"* "))
        if literal is None:
            self._response = self._data()
        return literal

    def feed_literal(self, value: bytes | Streamed) -> None:
        """Take the literal that was announced."""
        if isinstance(value, bytes):
            self._count(len(value))
        self._open[-1].append(value)

    def _is_simple(self, line: bytes) -> bool:
        """Take what is one line and has no structure, of which some is text for people."""
        if line == b"+" or line.startswith(b"+ "):
            self._count(len(line))
            self._response = Continuation(_text(line[2:]))
        elif match := _SEARCH.fullmatch(line):
            self._response = self._found(match[1], line)
        elif _SEARCH_BEGIN.match(line):
            raise self._wrong("no message numbers in", line)
        elif match := _STATUS.fullmatch(line):
            self._count(len(line))
            condition = _text(match["condition"]).upper()
            code = _text(match["code"] or b"").upper()
            self._response = Status(
                _text(match["tag"]),
                condition,
                code,
                _text(match["arguments"] or b""),
                _text(match["text"] or b""),
            )
        elif not line.startswith(b"* "):
            raise self._wrong("what is no response of IMAP", line)
        return self._response is not None

    def _found(self, text: bytes, line: bytes) -> Found:
        self.size += len(text)
        try:
            numbers = array("I", (int(match[0]) for match in _NUMBER.finditer(text)))
        except (OverflowError, ValueError):  # thousands of digits
            raise self._wrong("a message number of more than 32 bits in", line) from None
        if 0 in numbers:
            raise self._wrong("the message number 0 in", line)
        return Found(numbers)

    def _take_tokens(self, line: bytes) -> int | None:
        position = 0
        while position < len(line):
            match = _TOKEN.match(line, position)
            if match is None:
                # All of the line: who looks for a secret has to see it whole.
                raise self._wrong("what is no response of IMAP", line)
            position = match.end()
            match match.lastgroup:
                case "literal":
                    return self._literal_size(match["literal"])
                case "open":
                    self._begin_list()
                case "close":
                    self._end_list()
                case "quoted":
                    self._open[-1].append(_ESCAPED.sub(rb"\1", match["quoted"]))
                case "item" | "atom":
                    word = match[0]
                    self._open[-1].append(None if word.upper() == b"NIL" else Atom(word))
        return None

    def _literal_size(self, digits: bytes) -> int:
        size = int(digits)
        if size > MAX_LITERAL_SIZE:
            raise TooLong(f"{self.peer} announced a literal of {size} octets")
        return size

    def _begin_list(self) -> None:
        if len(self._open) > MAX_DEPTH:
            raise TooLong(f"{self.peer} sent lists nested more than {MAX_DEPTH} deep")
        inner: list[Value] = []
        self._open[-1].append(inner)
        self._open.append(inner)

    def _end_list(self) -> None:
        if len(self._open) == 1:
            raise RemoteProtocolError(f"{self.peer} closed a list that it had not opened")
        self._open.pop()

    def _data(self) -> Data:
        if len(self._open) > 1:
            raise RemoteProtocolError(f"{self.peer} opened a list and did not close it")
        number = None
        values = self._root
        if values and isinstance(values[0], Atom) and values[0].isdigit():
            number = number_of(self.peer, values[0])
            values = values[1:]
        if not values or not isinstance(values[0], Atom):
            raise RemoteProtocolError(f"{self.peer} sent a response without a name")
        return Data(_word(values[0]), number, values[1:])

    def _count(self, octets: int) -> None:
        self.size += octets
        if self.size > MAX_RESPONSE:
            raise TooLong(f"{self.peer} sent a response of more than {MAX_RESPONSE} octets")

    def _wrong(self, what: str, octets: bytes) -> RemoteProtocolError:
        # More than is shown, so that no secret is cut where it would be seen.
        said = shown(self._hide(_text(octets[:_MAX_SEARCHED])))
        return RemoteProtocolError(f"{self.peer} sent {what}: {said!r}")


def fetched(peer: str, values: list[Value]) -> dict[str, Value]:
    """Return the items of FETCH and STATUS by their names in upper case.

    A name without its value, as of a response that is not complete, is left out.

    Raises:
        RemoteProtocolError: it is no list, or what should be a name is none.
    """
    if len(values) != 1 or not isinstance(values[0], list):
        raise RemoteProtocolError(f"{peer} sent no list of names and values where one has to be")
    items = values[0]
    if not all(isinstance(name, Atom) for name in items[::2]):
        raise RemoteProtocolError(f"{peer} sent a list of something else than names and values")
    return dict(zip(map(_word, items[::2]), items[1::2], strict=False))


def number_of(peer: str, value: Value) -> int:
    """Return a number of up to 63 bits.

    Raises:
        RemoteProtocolError: it is none.
    """
    if isinstance(value, Atom) and len(value) <= 19 and value.isdigit():
        return int(value)
    raise RemoteProtocolError(f"{peer} sent no number where one has to be")


def octets_of(value: Value) -> bytes:
    """Return a string, or a word that stands for one; NIL and a list are an empty one."""
    return bytes(value) if isinstance(value, bytes) else b""


def text_of(value: Value) -> str:
    """Return ``octets_of`` it as text: UTF-8, or else Latin-1."""
    return _text(octets_of(value))


def _word(value: Value) -> str:
    # In the name of an item, header fields may be quoted or not.
    return value.decode("latin-1").upper().replace('"', "") if isinstance(value, Atom) else ""


def _text(octets: bytes) -> str:
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return octets.decode("latin-1")
