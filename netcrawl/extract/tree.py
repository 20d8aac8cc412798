"""A page as a tree, parsed once for all who read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree

from netcrawl.extract.text import utf8_without_half_characters

if TYPE_CHECKING:
    from lxml.etree import _Element
    from scrapy.http import HtmlResponse

_EMPTY = b"<html/>"

_last: tuple[HtmlResponse, _Element] | None = None


def tree_of(page: HtmlResponse) -> _Element:
    """Return the root of the tree that lxml makes of a page: the one in ``page.selector``.

    There, each element that is looked at becomes an object with a class for its tag, which takes
    longer than finding it. These are plain ones. The tree of the last page is kept: a page is read
    several times, then never again.
    """
    global _last
    if _last is None or _last[0] is not page:
        _last = page, _parse(page.text)
    return _last[1]


def _parse(text: str) -> _Element:
    markup = utf8_without_half_characters(text.strip().replace("\x00", ""))
    parser = etree.HTMLParser(recover=True, encoding="utf-8", huge_tree=True)
    root: _Element | None = etree.fromstring(markup or _EMPTY, parser)
    # A page with nothing but a comment, say.
    return etree.fromstring(_EMPTY, parser) if root is None else root
