"""Links and title of a page with BeautifulSoup, as the chapter finds them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, overload

from bs4 import BeautifulSoup
from bs4.filter import SoupStrainer

from netcrawl.extract.text import one_line, without_half_characters
from sockettools.url import HTTP_SCHEMES, resolve

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bs4 import Tag

# Of the parsers that BeautifulSoup drives, lxml's finds most often what the chapter's
# BeautifulSoup 3 found, and it is the fastest.
PARSER = "lxml"

# Anchors of one page that are kept. The longest pages of links that people write have some ten
# thousand.
MAX_ANCHORS = 100_000


@dataclass(frozen=True)
class Anchor:
    """An ``<a>`` element: its href as written, None where it has none, and its text."""

    href: str | None
    text: str


class Anchors(Sequence[Anchor]):
    """Every ``<a>`` of a page in document order, each made when it is asked for.

    Never closed anchors nest, and each one's text has those behind it in it: the texts of a small
    hostile page are gigabytes when all are taken, and one of them is no more than the page.
    """

    def __init__(self, tags: Sequence[Tag]) -> None:
        self._tags = tags

    def __len__(self) -> int:
        return len(self._tags)

    @overload
    def __getitem__(self, index: int) -> Anchor: ...
    @overload
    def __getitem__(self, index: slice) -> Anchors: ...
    def __getitem__(self, index: int | slice) -> Anchor | Anchors:
        if isinstance(index, slice):
            return Anchors(self._tags[index])
        tag = self._tags[index]
        return Anchor(_attribute(tag.get("href")), one_line(tag.get_text()))


@dataclass(frozen=True)
class Document:
    """A page: the URL that its relative links start from, its title, and its anchors.

    ``truncated``: it has more than the ``MAX_ANCHORS`` that are kept.
    """

    base: str
    title: str
    anchors: Anchors
    truncated: bool = False


def parse_document(markup: str, url: str) -> Document:
    r"""Parse the page that was found at ``url``.

    >>> parse_document('<title> A\n page</title><a href="b">B</a>', "http://h/").anchors[0]
    Anchor(href='b', text='B')
    """
    wanted = _Wanted()
    soup = BeautifulSoup(without_half_characters(markup), PARSER, parse_only=wanted)
    title = soup.find("title")
    return Document(
        base=_base(soup, url),
        title=one_line(title.get_text()) if title else "",
        anchors=Anchors(soup.find_all("a")),
        truncated=wanted.anchors > MAX_ANCHORS,
    )


class _Wanted(SoupStrainer):
    """Keeps anchors, base and title alone, and only so many.

    A tree of everything takes hundreds of times the memory of the page.
    """

    def __init__(self) -> None:
        super().__init__(["a", "base", "title"])
        self.anchors = 0

    def allow_tag_creation(
        self, nsprefix: str | None, name: str, attrs: Mapping[str, str] | None
    ) -> bool:
        if name == "a":
            self.anchors += 1
            if self.anchors > MAX_ANCHORS:
                return False
        return super().allow_tag_creation(nsprefix, name, attrs)


def _base(soup: BeautifulSoup, url: str) -> str:
    """Return the base URL: the first ``<base>`` with an href counts, and only if it can be one."""
    tag = soup.find("base", href=True)
    if tag is None:
        return url
    try:
        base = resolve(url, _attribute(tag["href"]) or "")
    except ValueError:
        return url
    # The HTML Standard (4.2.3) leaves out data: and javascript:; nothing relative starts from
    # mailto: and the like either.
    return base if base.partition(":")[0].lower() in HTTP_SCHEMES else url


def _attribute(value: str | list[str] | None) -> str | None:
    # BeautifulSoup splits only class and its kin into lists, but its types cannot tell.
    return " ".join(value) if isinstance(value, list) else value
