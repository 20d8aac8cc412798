r"""Menus of Gopher, read without a network: blocks in, items out (RFC 1436).

>>> [item.text for item in parse_menu([b"0About\t/about.txt\th.test", b"\t70\r\n.\r\n"])]
['About']
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import Enum
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from sockettools.errors import TooLong
from sockettools.net.address import is_ipv6
from sockettools.protocols.conversation import MAX_LINE
from sockettools.url import encode_host

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sockettools.service_url import ServiceUrl

# Octets and lines of a menu: the largest that people keep have some ten thousand lines.
MAX_MENU = 16_777_216
MAX_ITEMS = 100_000


class Form(Enum):
    """What an answer looks like."""

    MENU = "menu"
    TEXT = "text"
    OCTETS = "octets"
    NONE = "none"  # there is no answer: nothing can be asked


class Kind(NamedTuple):
    """What an item's type means: a word for people, and what comes when it is asked for."""

    word: str
    form: Form
    media_type: str = "application/octet-stream"


# RFC 1436 section 3.8, then what has come into use since.
KINDS = {
    "0": Kind("text", Form.TEXT, "text/plain"),
    "1": Kind("menu", Form.MENU, "text/gopher"),
    "2": Kind("phones", Form.NONE),  # a CSO server, which speaks something else
    "3": Kind("error", Form.NONE),
    "4": Kind("binhex", Form.OCTETS, "application/mac-binhex40"),
    "5": Kind("archive", Form.OCTETS),
    "6": Kind("uuencoded", Form.TEXT, "text/x-uuencode"),
    "7": Kind("search", Form.MENU, "text/gopher"),
    "8": Kind("telnet", Form.NONE),
    "9": Kind("binary", Form.OCTETS),
    "T": Kind("tn3270", Form.NONE),
    "g": Kind("gif", Form.OCTETS, "image/gif"),
    "I": Kind("image", Form.OCTETS),
    "i": Kind("", Form.NONE),
    "h": Kind("html", Form.OCTETS, "text/html"),
    "s": Kind("sound", Form.OCTETS),
    "d": Kind("document", Form.OCTETS),
    "p": Kind("png", Form.OCTETS, "image/png"),
    "P": Kind("pdf", Form.OCTETS, "application/pdf"),
    "r": Kind("rtf", Form.OCTETS, "application/rtf"),
    "c": Kind("calendar", Form.OCTETS, "text/calendar"),
    "M": Kind("mail", Form.OCTETS, "message/rfc822"),
    "x": Kind("xml", Form.OCTETS, "application/xml"),
    ";": Kind("video", Form.OCTETS),
    "<": Kind("sound", Form.OCTETS),
    ":": Kind("image", Form.OCTETS),
}
_UNKNOWN = Kind("other", Form.OCTETS)

# A redundant server for the item before (RFC 1436 section 3.8).
_REDUNDANT = "+"

# Where some other service is meant, the selector is who logs in (RFC 1436 section 3.8).
_LOGINS = {"8": "telnet", "T": "tn3270"}

# How menus lead out of Gopher, by a convention that all servers have.
_URL_SELECTOR = re.compile(rb"/?URL:([a-z][a-z0-9+.-]*:.+)", re.IGNORECASE | re.DOTALL)

_PORT = 70

# What stands for itself in the path of a URL (RFC 3986 section 3.3).
_SAFE = "/!$&'()*+,;=:@~"
_SAFE_IN_URL = _SAFE + "?#[]%"


def kind_of(character: str) -> Kind:
    """Return what a type means; a type that nobody knows is taken for a file."""
    return KINDS.get(character, _UNKNOWN)


@dataclass(frozen=True)
class Item:
    """A line of a menu. ``port`` is None where it names none that there could be."""

    kind: str
    text: str
    selector: bytes = b""
    host: str = ""
    port: int | None = None

    @property
    def word(self) -> str:
        """A word for its type; "" for a line that is only text."""
        return kind_of(self.kind).word

    def url(self, menu: ServiceUrl) -> str | None:
        """Return where it leads, from the menu of that URL; None for nowhere.

        Menus cannot say that a server speaks TLS: it does where it is the menu's own.
        """
        if self.kind in "i3":
            return None
        if match := _URL_SELECTOR.fullmatch(self.selector):
            return quote(decoded(match[1]), safe=_SAFE_IN_URL)
        try:
            # The scope of a link-local address means something on the server only.
            is_address = is_ipv6(self.host) and "%" not in self.host
            host = self.host if is_address else encode_host(self.host)
        except ValueError:
            return None
        if self.port is None or not "!" <= self.kind <= "~":
            return None
        authority = f"[{host}]" if ":" in host else host
        if scheme := _LOGINS.get(self.kind):
            login = quote(self.selector, safe="")
            return f"{scheme}://{login}{'@' if login else ''}{authority}:{self.port}/"
        is_same = (host.lower(), self.port) == (menu.host, menu.port)
        scheme = menu.scheme if is_same and menu.protocol == "gopher" else "gopher"
        port = "" if self.port == _PORT else f":{self.port}"
        # All menus call the first one "1" and nothing, and people call it by the host alone.
        path = "" if (self.kind, self.selector) == ("1", b"") else self._path()
        return f"{scheme}://{authority}{port}/{path}"

    def _path(self) -> str:
        return quote(self.kind.encode("latin-1") + self.selector, safe=_SAFE)


def parse_item(line: bytes) -> Item:
    r"""Read a line of a menu (RFC 1436 section 3.8). Every line means something.

    Text is UTF-8, and Latin-1 where it is not that; a line without fields is text, as servers send
    it that have a file of text in the place of a menu.

    >>> parse_item(b"1Caf\xe9\t/x\th.test\t7070\t+")
    Item(kind='1', text='Café', selector=b'/x', host='h.test', port=7070)
    >>> parse_item(b"Hello")
    Item(kind='i', text='Hello', selector=b'', host='', port=None)
    """
    shown, *fields = line.split(b"\t")
    kind = shown[:1].decode("latin-1")
    if not fields and kind not in ("i", "3"):
        return Item("i", decoded(shown))
    selector, host, port = (*fields[:3], b"", b"", b"")[:3]
    return Item(
        kind or "i", decoded(shown[1:]), selector, decoded(host).strip().lower(), _port_number(port)
    )


def _port_number(written: bytes) -> int | None:
    match = re.fullmatch(rb"\s*([0-9]{1,5})\s*", written)
    number = int(match[1]) if match else 0
    return number if 0 < number < 65_536 else None


def decoded(octets: bytes) -> str:
    """Return text as UTF-8, and as Latin-1 where it is not that."""
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return octets.decode("latin-1")


class MenuLines:
    """Takes the blocks of a menu as they come, and gives its lines, up to the lone dot."""

    def __init__(self) -> None:
        self.is_done = False
        self._rest = b""
        self._octets = 0
        self._count = 0

    def feed(self, block: bytes) -> list[bytes]:
        """Take octets; return the lines that they complete.

        Raises:
            TooLong: the menu, or a line of it, has no end.
        """
        if self.is_done:
            return []
        self._octets += len(block)
        if self._octets > MAX_MENU:
            raise TooLong(f"the menu has more than {MAX_MENU} octets")
        *lines, self._rest = (self._rest + block).split(b"\n")
        if any(len(line) > MAX_LINE for line in (*lines, self._rest)):
            raise TooLong(f"the menu has a line of more than {MAX_LINE} octets: it may be none")
        return self._taken(lines)

    def end(self) -> list[bytes]:
        """Return the last line, where the server has closed behind it without ending it."""
        last, self._rest = self._rest, b""
        return self._taken([last]) if last and not self.is_done else []

    def _taken(self, lines: list[bytes]) -> list[bytes]:
        stripped = [line.removesuffix(b"\r") for line in lines]
        if b"." in stripped:
            self.is_done = True
            del stripped[stripped.index(b".") :]
        self._count += len(stripped)
        if self._count > MAX_ITEMS:
            raise TooLong(f"the menu has more than {MAX_ITEMS} lines")
        return stripped


def parse_menu(blocks: Iterable[bytes]) -> Iterator[Item]:
    """Yield the items of a menu.

    Raises:
        TooLong: see ``MenuLines``.
    """
    menu = MenuLines()
    fed = (line for block in blocks for line in menu.feed(block))
    last = (line for _ in range(1) for line in menu.end())
    kind = _REDUNDANT
    for item in map(parse_item, chain(fed, last)):
        if item.kind != _REDUNDANT:
            kind = item.kind
        yield replace(item, kind=kind)
