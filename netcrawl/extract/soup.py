"""Links and title of a page with BeautifulSoup, as the chapter finds them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, overload

from bs4 import BeautifulSoup

from sockettools.url import HTTP_SCHEMES, resolve

if TYPE_CHECKING:
    from bs4 import Tag

# Of the parsers that BeautifulSoup drives, lxml's finds most often what the chapter's
# BeautifulSoup 3 found, and it is the fastest.
PARSER = "lxml"


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
        return Anchor(_attribute(tag.get("href")), _one_line(tag.get_text()))


@dataclass(frozen=True)
class Document:
    """A page: the URL that its relative links start from, its title, and its anchors."""

    base: str
    title: str
    anchors: Anchors


def parse_document(markup: str, url: str) -> Document:
    r"""Parse the page that was found at ``url``.

    >>> parse_document('<title> A\n page</title><a href="b">B</a>', "http://h/").anchors[0]
    Anchor(href='b', text='B')
    """
    soup = BeautifulSoup(markup, PARSER)
    title = soup.find("title")
    return Document(
        base=_base(soup, url),
        title=_one_line(title.get_text()) if title else "",
        anchors=Anchors(soup.find_all("a")),
    )


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


def _one_line(text: str) -> str:
    return " ".join(text.split())
