"""Gopher: one line is asked, and what comes until the server closes is the answer (RFC 1436)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from itertools import chain
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from sockettools.errors import IncompleteMessage, PermanentNegativeReply
from sockettools.lifetime import Closing
from sockettools.protocols.commands import check_legal
from sockettools.protocols.gopher_menu import (
    Form,
    Item,
    MenuLines,
    decoded,
    kind_of,
    parse_item,
    parse_menu,
)
from sockettools.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sockettools.protocols.conversation import Conversation

# Octets of an answer that is looked at as a refusal, and characters of it that are told.
_MAX_REFUSAL = 4_096
_SHOWN = 300

# Of the kinds that say no more than "image". Python's own table differs from machine to machine.
_MEDIA_TYPES = {
    "bmp": "image/bmp",
    "flac": "audio/flac",
    "gif": "image/gif",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "mid": "audio/midi",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "ogg": "audio/ogg",
    "pdf": "application/pdf",
    "png": "image/png",
    "svg": "image/svg+xml",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "wav": "audio/wav",
    "webm": "video/webm",
    "webp": "image/webp",
}
_NAMED_BY_SUFFIX = "Isd;<:"

_DOT_AT_END = b"\r\n.\r\n"


@dataclass(frozen=True)
class Location:
    """What a URL asks for (RFC 4266 section 2.1)."""

    kind: str = "1"
    selector: bytes = b""
    search: bytes | None = None

    @property
    def media_type(self) -> str:
        """What comes, as far as the type tells, and the name where the type does not."""
        known = kind_of(self.kind).media_type
        if self.kind not in _NAMED_BY_SUFFIX:
            return known
        suffix = self.name.rpartition(".")[2].lower()
        return _MEDIA_TYPES.get(suffix, known)

    @property
    def name(self) -> str:
        """What a file of it would be called; "" for a menu."""
        if kind_of(self.kind).form is Form.MENU:
            return ""
        name = decoded(self.selector.rpartition(b"/")[2])
        return "" if name in (".", "..") else name


def parse_location(path: str) -> Location:
    r"""Read the path of a gopher URL: a type, a selector, and what is searched.

    Raises:
        ValueError: there is something in it that cannot be asked; the text says what.

    >>> parse_location("/7/find%09two%20words")
    Location(kind='7', selector=b'/find', search=b'two words')
    >>> parse_location("")
    Location(kind='1', selector=b'', search=None)
    """
    path = path.partition("#")[0]
    if path.startswith("?"):
        raise ValueError("a question mark stands where its type should: gopher://host/1...")
    octets = unquote_to_bytes(path.removeprefix("/"))
    if any(octet in octets for octet in (b"\r", b"\n", b"\0")):
        raise ValueError("it has a line end or a NUL in it, which no server could be sent")
    selector, *searches = octets.split(b"\t")
    if len(searches) > 1:
        raise ValueError("it has more than one tab in it: Gopher+ is not spoken here")
    kind = selector[:1].decode("latin-1") or "1"
    if not "!" <= kind <= "~":
        raise ValueError(f"{kind!r} is not the type of an item")
    if kind_of(kind).form is Form.NONE:
        what = kind_of(kind).word or "text"
        raise ValueError(f"type {kind} is no page but a menu's line ({what})")
    return Location(kind, selector[1:], searches[0] if searches else None)


class TextEnd:
    r"""Takes the blocks of a text, and leaves out the dot that ends it (RFC 1436 section 3.8).

    Few servers send it still, and those who do not send dots that are the text's own. So it is the
    end only where nothing comes behind it, and no lone dot came before: the server would have
    doubled that. Whether it has doubled others, nobody can tell before the end: they stay.

    >>> end = TextEnd()
    >>> end.feed(b"a\r\n.") + end.feed(b"\r\n") + end.rest(), TextEnd().feed(b".\r\nb")
    (b'a\r\n', b'.\r\nb')
    """

    def __init__(self) -> None:
        self._before = b"\r\n"  # the last octets that were given
        self._held = b""
        self._has_no_end = False

    def feed(self, block: bytes) -> bytes:
        """Take octets; return those that are no end."""
        if self._has_no_end:
            return block
        data = self._before + self._held + block
        start = len(self._before)
        held = next((n for n in (3, 2, 1) if data.endswith(_DOT_AT_END[: n + 2])), 0)
        if data.find(_DOT_AT_END, 0, len(data) - 1) >= 0:
            self._has_no_end = True
            held = 0
        end = len(data) - held
        self._held = data[end:]
        self._before = data[max(0, end - 2) : end]
        return data[start:end]

    def rest(self) -> bytes:
        """Return what was held back and is text, now that nothing more comes."""
        return b"" if self._held == b".\r\n" else self._held


def refusal_in(answer: bytes, *, is_menu: bool) -> str | None:
    r"""Return the server's words where its whole answer is that there is none.

    The protocol has nothing for it. Servers send a menu with an item of type 3, some also to
    whoever wants no menu, and gophernicus one line.

    >>> refusal_in(b"3'/x' does not exist\t\terror.host\t1\r\n", is_menu=False)
    "'/x' does not exist"
    >>> refusal_in(b"3 men in a boat\r\n", is_menu=False)
    """
    lines = answer.replace(b"\r\n", b"\n").removesuffix(b"\n").removesuffix(b"\n.").split(b"\n")
    if len(lines) == 1 and lines[0].startswith(b"Error: "):
        return decoded(lines[0])
    items = [parse_item(line) for line in lines]
    if any(item.kind not in ("i", "3") for item in items) or items[0].kind != "3":
        return None
    if not is_menu and any(line.count(b"\t") < 3 for line in lines):
        return None
    return " ".join(item.text.strip() for item in items if item.kind == "3")


def _may_be_refusal(beginning: bytes) -> bool:
    return beginning.startswith(b"3") or b"Error: ".startswith(beginning[:7])


class _State(Enum):
    CONNECTED = "connected"
    ASKED = "asked"
    ANSWERED = "answered"


_COMMANDS = {"ask": {_State.CONNECTED}, "read": {_State.ASKED}}


class Gopher(Closing):
    """A question and its answer: the server closes the connection behind it.

    What reads raises PermanentNegativeReply where the answer is that there is none, and all that
    ``Conversation`` does.
    """

    def __init__(self, conversation: Conversation) -> None:
        """Take the conversation over: it is closed with this."""
        self._conversation = conversation
        self._state = _State.CONNECTED

    def close(self) -> None:
        """Give the connection up."""
        self._conversation.close()

    def ask(self, selector: bytes, search: bytes | None = None) -> None:
        """Send a selector as it came in a menu, and what to search.

        Raises:
            LocalProtocolError: there is a line end or a NUL in it; or something was asked already.
        """
        check_legal(_COMMANDS, "ask", self._state)
        line = selector if search is None else selector + b"\t" + search
        self._conversation.send_line(line)
        self._state = _State.ASKED

    def read_menu(self) -> Iterator[Item]:
        """Return the items of a menu, or of what was found.

        Raises:
            TooLong: see ``MenuLines``.
        """
        return parse_menu(self.read_menu_octets())

    def read_menu_octets(self) -> Iterator[bytes]:
        """Return the blocks of a menu as it came.

        Raises:
            TooLong: see ``MenuLines``.
        """
        return _menu_blocks(self._answer(is_menu=True))

    def read_text(self) -> Iterator[bytes]:
        """Return the blocks of a text, without the dot that may end it."""
        return _text_blocks(self._answer())

    def read_octets(self) -> Iterator[bytes]:
        """Return the blocks of a file."""
        return self._answer()

    def _answer(self, *, is_menu: bool = False) -> Iterator[bytes]:
        check_legal(_COMMANDS, "read", self._state)
        self._state = _State.ANSWERED
        beginning = bytearray()
        while len(beginning) <= _MAX_REFUSAL and _may_be_refusal(bytes(beginning[:7])):
            block = self._conversation.read_some()
            beginning += block
            if not block or beginning.endswith(_DOT_AT_END):  # some do not close behind it
                self._check(bytes(beginning), is_menu=is_menu)
            if not block and is_menu and not beginning:  # a menu with nothing in it has a dot
                raise IncompleteMessage(f"{self._conversation.peer} closed without an answer")
            if not block:
                return iter([bytes(beginning)] if beginning else [])
        return chain([bytes(beginning)], self._conversation.read_to_end())

    def _check(self, answer: bytes, *, is_menu: bool) -> None:
        if (text := refusal_in(answer, is_menu=is_menu)) is not None:
            told = visible(text)[:_SHOWN]
            raise PermanentNegativeReply(
                f"{self._conversation.peer} refuses: {told}", code="3", text=text
            )


def _menu_blocks(blocks: Iterable[bytes]) -> Iterator[bytes]:
    menu = MenuLines()
    for block in blocks:
        menu.feed(block)
        yield block
        if menu.is_done:  # whether the server closes or not
            return


def _text_blocks(blocks: Iterable[bytes]) -> Iterator[bytes]:
    end = TextEnd()
    for block in blocks:
        if text := end.feed(block):
            yield text
    if rest := end.rest():
        yield rest
