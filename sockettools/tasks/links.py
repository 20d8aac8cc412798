"""The links of a page, twice: with a regular expression, and with Python's own HTML parser.

Both see what a browser would: no link in a comment, in a script or in the value of an attribute.
Both take time in proportion to the page, whatever is in it. What is never closed - a tag, a
comment, a script - has the rest of the page in it, as the HTML Standard says; looking for its end
once more behind every "<" in it would take the square of that.
"""

from __future__ import annotations

import html as entities
import re
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from html.entities import html5
from html.parser import HTMLParser
from typing import TYPE_CHECKING

from sockettools.url import HTTP_SCHEMES, resolve

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Anchors that the parser's list has at most, as on the Scrapy side. The longest pages of links
# that people write have some ten thousand.
MAX_ANCHORS = 100_000

# Elements whose content is text up to their end tag (HTML Standard 13.2.6.2).
_RAW_TEXT = ("script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes")

# Elements that have no content and no end tag (13.1.2).
_VOID = {
    *("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta"),
    *("param", "source", "track", "wbr"),
}

# What these match they keep (*+, ++, ?+): there is nothing to go back for.
_SPACE = r"[ \t\n\f\r]"
_NAME = r"[^ \t\n\f\r/>][^ \t\n\f\r/>=]*+"
_EQUALS = rf"{_SPACE}*+={_SPACE}*+"
_ATTRIBUTES = rf"""
    (?: (?:{_SPACE}|/)++
      | {_NAME} (?: {_EQUALS} (?: "[^"]*+(?:"|\Z) | '[^']*+(?:'|\Z) | [^ \t\n\f\r>]*+ ) )?+
    )*+
"""
_COMMENT = r"<!-- (?: -?> | .*? (?: --!?> | \Z ) )"
_MARKUP = re.compile(
    rf"""
    {_COMMENT}
  | < (?: [!?] | /(?![a-z]) ) [^>]*+  # counts as a comment
  | < (?P<raw> {"|".join(_RAW_TEXT)} ) (?={_SPACE}|[/>]) {_ATTRIBUTES}
      (?: (?<=/)> | .*? (?: (?=</(?P=raw)[ \t\n\f\r/>]) | \Z ) )
  | < (?P<name> /?[a-z][^ \t\n\f\r/>]*+ ) (?P<attributes> {_ATTRIBUTES} ) (?: (?P<end> > ) | \Z )
    """,
    # Without ASCII, a long s would be an s: <ſcript>.
    re.VERBOSE | re.DOTALL | re.IGNORECASE | re.ASCII,
)
_COMMENT_ALONE = re.compile(_COMMENT, re.VERBOSE | re.DOTALL)
_ATTRIBUTE = re.compile(
    rf"""
    (?P<name> {_NAME} )
    (?: {_EQUALS} (?: "(?P<double>[^"]*+)" | '(?P<single>[^']*+)' | (?P<bare>[^ \t\n\f\r>]*+) ) )?
    """,
    re.VERBOSE,
)
_REFERENCE = re.compile(
    "&(?:#[0-9]++;?|#[Xx][0-9A-Fa-f]++;?|(?P<name>[A-Za-z][A-Za-z0-9]*+)(?P<end>;|=?))"
)

# int() refuses a number of more than 4300 digits, and no character has one of more than 7.
_NO_CHARACTER = re.compile(r"&#[0-9]{1000,}+;?")


@dataclass(frozen=True, slots=True)
class Anchor:
    """An ``<a>`` element.

    ``tag`` is its source, from ``<a`` to its end. ``url`` is the href as written, with its
    character references decoded, None where there is none. ``content`` is the first thing in it,
    "" when it is empty: a text, decoded, or the source of an element or a comment. ``attrs`` are
    in the order of the source, and one that stands there twice is there twice.
    """

    tag: str
    url: str | None
    content: str
    attrs: list[tuple[str, str | None]]


def links_by_regex(html: str) -> list[str]:
    """Return the href of every ``<a>`` that has one, as written but decoded.

    >>> links_by_regex("<a href='?x=1&amp;y=2'> <!-- <a href=no> --> <A HREF = /page>")
    ['?x=1&y=2', '/page']
    """
    found = (_href(attributes) for attributes in _start_tags(html, "a"))
    return [href for href in found if href is not None]


def links_by_html_parser(html: str) -> list[Anchor]:
    r"""Return every ``<a>``, at most the first ``MAX_ANCHORS``.

    An anchor that is never closed ends where the next one begins, as in a browser, or where the
    element around it ends. So no part of the page is in two of them.

    >>> [anchor] = links_by_html_parser('See <a href="page2.htm">\nSecond Page</a>.')
    >>> anchor.tag, anchor.content
    ('<a href="page2.htm">\nSecond Page</a>', '\nSecond Page')
    """
    parser = _AnchorParser(html)
    parser.parse()
    return parser.anchors


def base_of(html: str, url: str) -> str:
    """Return what relative links start from in the page that was found at ``url``.

    It is the first ``<base>`` with an href, if that is http or https; else the page itself.

    >>> base_of("<base href='/other/'>", "http://h/page.htm")
    'http://h/other/'
    """
    found = (_href(attributes) for attributes in _start_tags(html, "base"))
    href = next((href for href in found if href is not None), None)
    if href is None:
        return url
    try:
        base = resolve(url, href)
    except ValueError:
        return url
    # The HTML Standard (4.2.3) leaves out data: and javascript:; nothing relative starts from
    # mailto: and the like either.
    return base if base.partition(":")[0].lower() in HTTP_SCHEMES else url


def absolute(
    base_url: str, hrefs: Iterable[str | None], encoding: str = "utf-8"
) -> list[str | None]:
    """Return where each href leads, None for no href and for one that leads nowhere.

    Nothing is left out, because people count the links of a page. ``encoding`` is the page's own.

    >>> absolute("http://h/a/b", ["c", None, "http://[bad"])
    ['http://h/a/c', None, None]
    """
    return [None if href is None else _absolute(base_url, href, encoding) for href in hrefs]


def _absolute(base_url: str, href: str, encoding: str) -> str | None:
    try:
        return resolve(base_url, href, encoding)
    except ValueError:
        return None


def _start_tags(html: str, name: str) -> Iterator[str]:
    """Yield what stands in each start tag of that name behind the name."""
    for match in _MARKUP.finditer(html):
        if match["end"] and match["name"].lower() == name:
            yield match["attributes"]


def _href(attributes: str) -> str | None:
    for match in _ATTRIBUTE.finditer(attributes):
        if match["name"].lower() == "href":  # the first one counts (13.2.5.33)
            value = match["double"] or match["single"] or match["bare"] or ""
            return _decoded_value(value)
    return None


def _decoded_value(value: str) -> str:
    """Decode the character references in the value of an attribute.

    A name without a semicolon and with more behind it is none there (13.2.5.73), so that
    ``?a=1&copy=2`` stays what its author meant. ``html.unescape`` does not know that.
    """
    return _REFERENCE.sub(_decoded_reference, value)


def _decoded_reference(match: re.Match[str]) -> str:
    name, end = match.groups()
    if name is None:
        return _decoded_text(match[0])
    if end == ";":
        return html5.get(f"{name};", match[0])
    return match[0] if end == "=" else html5.get(name, match[0])


def _decoded_text(text: str) -> str:
    return entities.unescape(_NO_CHARACTER.sub("\ufffd", text))


@dataclass
class _OpenAnchor:
    """An anchor whose end has not been seen, and what came first in it."""

    start: int
    attrs: list[tuple[str, str | None]]
    depth: int  # elements around it
    is_closed: bool = False
    content_start: int | None = None
    content_end: int | None = None
    content_is_text: bool = False
    content_is_closed: bool = False


class _Enough(Exception):
    """There are as many anchors as are wanted."""


class _AnchorParser(HTMLParser):
    """Notes where anchors and their first contents begin and end, and cuts them out of the source.

    Where something ends is known when the next thing begins: the parser tells no more.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.anchors: list[Anchor] = []
        # HTMLParser decodes attributes as if they were text, and fails on a number of thousands
        # of digits. What it decodes shall be the source.
        self._source = html.replace("&", "&amp;")
        self._line = 1
        self._line_start = 0
        self._open: list[str] = []
        self._open_count: Counter[str] = Counter()
        self._anchor: _OpenAnchor | None = None

    def parse(self) -> None:
        with suppress(_Enough):
            self.feed(self._source)
            # It has kept back a text, or stopped at markup that is never closed. close() would
            # take the "<" of that for text, and do the same again at the next one.
            if "<" not in self.rawdata:
                self.close()
            if self._anchor is not None:
                self._finish(self._anchor, len(self._source) - len(self.rawdata))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._start(tag, attrs)
        if tag in _RAW_TEXT:  # Python itself knows script and style, and since 2025 the others
            self.set_cdata_mode(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._start(tag, attrs)
        if tag not in _VOID:
            self._close(tag)

    def handle_endtag(self, tag: str) -> None:
        start = self._begin(is_end=True)
        if not self._open_count[tag]:
            return
        self._close(tag)
        anchor = self._anchor
        if anchor is None or not anchor.is_closed:
            return
        if anchor.content_end is None:
            anchor.content_end = start
        if tag != "a":
            self._finish(anchor, start)

    def handle_data(self, _data: str) -> None:
        self._begin(is_text=True)

    def handle_comment(self, _data: str) -> None:
        self._begin_childless()

    def handle_decl(self, _decl: str) -> None:
        self._begin_childless()

    def handle_pi(self, _data: str) -> None:
        self._begin_childless()

    def unknown_decl(self, _data: str) -> None:
        self._begin_childless()

    def parse_comment(self, i: int, _report: bool = True) -> int:
        """End a comment where browsers do: Python did not always know ``--!>`` and ``<!-->``."""
        match = _COMMENT_ALONE.match(self.rawdata, i)
        assert match is not None  # there is "<!--"
        self.handle_comment(match[0])
        return match.end()

    def parse_marked_section(self, i: int, report: bool = True) -> int:
        """Take ``<![`` for the comment that it is to browsers; Python's own can fail on it."""
        return self.parse_bogus_comment(i, report)

    def _start(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        start = self._begin()
        if tag == "a":
            if self._anchor is not None:
                self._finish(self._anchor, start)
            self._anchor = _OpenAnchor(start, _decoded_values(attrs), len(self._open))
        self._open.append(tag)
        self._open_count[tag] += 1
        if tag in _VOID:
            self._close(tag)

    def _begin(self, *, is_text: bool = False, is_end: bool = False) -> int:
        """Note that something begins here, and that what was before it has therefore ended."""
        start = self._offset()
        anchor = self._anchor
        if anchor is None:
            return start
        if anchor.is_closed:
            self._finish(anchor, start)
        elif anchor.content_start is None:
            if not is_end:
                anchor.content_start = start
                anchor.content_is_text = is_text
        elif anchor.content_end is None and (
            not is_text if anchor.content_is_text else anchor.content_is_closed
        ):
            anchor.content_end = start
        return start

    def _begin_childless(self) -> None:
        start = self._begin()
        anchor = self._anchor
        if anchor is not None and anchor.content_start == start:
            anchor.content_is_closed = True

    def _close(self, tag: str) -> None:
        """Close an element that is open, and those in it that were never closed."""
        closed = None
        while closed != tag:
            closed = self._open.pop()
            self._open_count[closed] -= 1
        if self._anchor is not None:
            depth_in_anchor = len(self._open) - self._anchor.depth
            self._anchor.is_closed = depth_in_anchor <= 0
            self._anchor.content_is_closed |= depth_in_anchor == 1

    def _finish(self, anchor: _OpenAnchor, end: int) -> None:
        content = ""
        if anchor.content_start is not None:
            content = self._written(anchor.content_start, anchor.content_end or end)
            if anchor.content_is_text:
                content = _decoded_text(content)
        url = next((value or "" for name, value in anchor.attrs if name == "href"), None)
        self._anchor = None
        self.anchors.append(Anchor(self._written(anchor.start, end), url, content, anchor.attrs))
        if len(self.anchors) == MAX_ANCHORS:
            raise _Enough

    def _written(self, start: int, end: int) -> str:
        return self._source[start:end].replace("&amp;", "&")

    def _offset(self) -> int:
        line, column = self.getpos()
        while self._line < line:
            self._line_start = self._source.index("\n", self._line_start) + 1
            self._line += 1
        return self._line_start + column


def _decoded_values(attrs: list[tuple[str, str | None]]) -> list[tuple[str, str | None]]:
    return [(name, None if value is None else _decoded_value(value)) for name, value in attrs]
