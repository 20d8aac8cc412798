"""Every link of a page, in three ways: BeautifulSoup, lexbor, and the chapter's regular expression.

The first two agree on well-formed pages. On broken ones lexbor finds what a browser does, and
BeautifulSoup on lxml what the chapter's BeautifulSoup 3 mostly did.
"""

from __future__ import annotations

import html
import re
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from netcrawl.extract.text import one_line, without_half_characters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bs4 import Tag
    from selectolax.lexbor import LexborHTMLParser, LexborNode

# Links of one page that are told of. The longest pages of links that people write have some ten
# thousand.
MAX_LINKS = 100_000

# The chapter's expression. It misses https and relative links, single quotes and none, upper case,
# and blanks around the equals sign; it leaves &amp; as written; and it finds what is no link: in
# comments, scripts, <link> and data-href.
_CHAPTERS = re.compile(r'href="(http://.*?)"')

Attributes = dict[str, str]


class LinkTag(NamedTuple):
    """An ``<a>``: its href as written (None: it has none), text, source, and attributes."""

    href: str | None
    text: str
    tag: str
    attributes: Attributes


def links_by_soup(markup: str) -> Iterator[LinkTag]:
    """Yield the links of a page as BeautifulSoup finds them with lxml.

    >>> next(links_by_soup('<a href="b">B</a>'))
    LinkTag(href='b', text='B', tag='<a href="b">B</a>', attributes={'href': 'b'})
    """
    # Not for all spiders: it takes a fifteenth of the time in which a crawl starts.
    from bs4 import BeautifulSoup
    from bs4.filter import SoupStrainer

    soup = BeautifulSoup(without_half_characters(markup), "lxml", parse_only=SoupStrainer("a"))
    for tag in soup.find_all("a", limit=MAX_LINKS):
        attributes = {
            name: " ".join(value) if isinstance(value, list) else value
            for name, value in tag.attrs.items()
        }
        # Anchors that are never closed nest, and the texts of all of them would be the square of
        # the page: each ends where the next one begins, as in a browser.
        is_nested = tag.find("a") is not None
        yield LinkTag(
            href=attributes.get("href"),
            text=one_line("".join(_own_strings(tag))),
            tag=_start_tag(attributes) if is_nested else tag.decode(),
            attributes=attributes,
        )


def links_by_lexbor(markup: str) -> Iterator[LinkTag]:
    """Yield the links of a page as a browser finds them.

    Raises:
        ImportError: selectolax is not installed.
    """
    for node in _lexbor_tree(markup).css("a")[:MAX_LINKS]:
        attributes = {name: value or "" for name, value in node.attributes.items()}
        # Within an <object>, say, also a browser has one in another: see links_by_soup.
        is_nested = _has_link_within(node)
        yield LinkTag(
            href=attributes.get("href"),
            text=one_line(_text_up_to_next_link(node) if is_nested else node.text()),
            tag=_start_tag(attributes) if is_nested else node.html or "",
            attributes=attributes,
        )


def hrefs_by_lexbor(markup: str, selector: str) -> list[str]:
    """Return the href of every element that ``selector`` finds and that has one, as written.

    Raises:
        ImportError: selectolax is not installed.
    """
    return [node.attributes["href"] or "" for node in _lexbor_tree(markup).css(selector)]


@lru_cache(maxsize=1)  # a page is read for its links, and again for where they lead
def _lexbor_tree(markup: str) -> LexborHTMLParser:
    from selectolax.lexbor import LexborHTMLParser

    return LexborHTMLParser(without_half_characters(markup))


def links_by_regex(markup: str) -> Iterator[LinkTag]:
    """Yield what the chapter's regular expression finds, with nothing but the href.

    >>> [link.href for link in links_by_regex('<a href="http://h/">x</a> <a href="/b">')]
    ['http://h/']
    """
    for match in _CHAPTERS.finditer(markup):
        yield LinkTag(match[1], "", match[0], {"href": match[1]})


def _own_strings(tag: Tag) -> Iterator[str]:
    from bs4.element import NavigableString, Tag

    for child in tag.descendants:
        if isinstance(child, Tag):
            if child.name == "a":
                return
        elif type(child) is NavigableString:  # no comment
            yield child


def _has_link_within(node: LexborNode) -> bool:
    child = node.first_child
    if child is None or (child.is_text_node and child.next is None):  # as most links
        return False
    return any(other.tag == "a" for other in islice(node.css("a"), 2) if other != node)


def _text_up_to_next_link(node: LexborNode) -> str:
    parts = []
    for child in islice(node.traverse(include_text=True), 1, None):
        if child.tag == "a":
            break
        if child.is_text_node:
            parts.append(child.text_content or "")
    return "".join(parts)


def _start_tag(attributes: Attributes) -> str:
    written = "".join(f' {name}="{html.escape(value)}"' for name, value in attributes.items())
    return f"<a{written}>"


PARSERS: dict[str, Callable[[str], Iterator[LinkTag]]] = {
    "soup": links_by_soup,
    "lexbor": links_by_lexbor,
    "regex": links_by_regex,
}
