"""The links of a page, twice: with a regular expression, and with Python's own HTML parser.

Both see what a browser would: no link in a comment, in a script or in the value of an attribute.
Both take time in proportion to the page, whatever is in it. What is never closed - a tag, a
comment, a script - has the rest of the page in it, as the HTML Standard says; looking for its end
once more behind every "<" in it would take the square of that. Nor does memory grow with more than
the page: what one tag or one anchor may have of it is bounded, and links come one by one.
"""

from __future__ import annotations

import html as entities
import re
from collections import Counter, deque
from dataclasses import dataclass
from html.entities import html5
from html.parser import HTMLParser
from itertools import islice
from typing import TYPE_CHECKING

from sockettools.errors import ReadTimeout, TooLong
from sockettools.net.deadline import NEVER
from sockettools.url import HTTP_SCHEMES, resolve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sockettools.net.deadline import Deadline

# Octets of a page whose links are looked for, as on the Scrapy side.
MAX_PAGE = 4_194_304

# Links that are found in a page at most, as on the Scrapy side. The longest pages of links
# that people write have some ten thousand.
MAX_ANCHORS = 100_000

# Characters of a tag. Longer ones are pictures (data:), and count as comments: their attributes
# could be a million.
MAX_TAG = 16_384

# Characters of an anchor's source and of its content that are kept; what follows is CUT.
MAX_SHOWN = 10_000
CUT = "[...]"

# Characters of a URL that relative links start from, which is in each of them; and of where a link
# leads (RFC 9110 section 4.1 has everybody support 8000).
MAX_BASE = 2_048
MAX_ADDRESS = 8_000

# Elements around an element that are remembered. Blink nests 512.
_MAX_DEPTH = 10_000

# Characters that the parser is fed with at a time; four times that when it waits for more.
_PIECE = 65_536

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
# Attributes are matched by the thousand: each that one match repeats takes memory until its end.
_ATTRIBUTES = re.compile(
    rf"""
    (?: (?:{_SPACE}|/)++
      | {_NAME} (?: {_EQUALS} (?: "[^"]*+(?:"|\Z) | '[^']*+(?:'|\Z) | [^ \t\n\f\r>]*+ ) )?+
    ){{1,1000}}+
    """,
    re.VERBOSE,
)
_COMMENT = r"<!-- (?: -?> | .*? (?: --!?> | \Z ) )"
_MARKUP = re.compile(
    rf"""
    {_COMMENT}
  | < (?: [!?] | /(?![a-z]) ) [^>]*+  # counts as a comment
  | < (?P<name> /?[a-z][^ \t\n\f\r/>]*+ )
    """,
    # Without ASCII, a long s would be an s: <ſcript>.
    re.VERBOSE | re.DOTALL | re.IGNORECASE | re.ASCII,
)
_END_OF_RAW_TEXT = {
    name: re.compile(rf"</{name}[ \t\n\f\r/>]", re.IGNORECASE | re.ASCII) for name in _RAW_TEXT
}
_COMMENT_ALONE = re.compile(_COMMENT, re.VERBOSE | re.DOTALL)
_ATTRIBUTE = re.compile(
    rf"""
    (?P<name> {_NAME} )
    (?P<value> {_EQUALS}
      (?: "(?P<double>[^"]*+)" | '(?P<single>[^']*+)' | (?P<bare>[^ \t\n\f\r>]*+) )
    )?
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
    in the order of the source, and one that stands there twice is there twice. Of a source of more
    than ``MAX_SHOWN`` characters there are so many, and ``CUT``.
    """

    tag: str
    url: str | None
    content: str
    attrs: list[tuple[str, str | None]]


def links_by_regex(html: str, deadline: Deadline = NEVER) -> Iterator[str]:
    """Yield the href of every ``<a>`` that has one, decoded, up to ``MAX_ANCHORS``.

    Raises:
        ReadTimeout: the deadline has passed.

    >>> [*links_by_regex("<a href='?x=1&amp;y=2'> <!-- <a href=no> --> <A HREF = /page>")]
    ['?x=1&y=2', '/page']
    """
    found = (_href(attributes) for attributes in _start_tags(html, "a", deadline))
    return islice((href for href in found if href is not None), MAX_ANCHORS)


def links_by_html_parser(html: str, deadline: Deadline = NEVER) -> Iterator[Anchor]:
    r"""Yield every ``<a>``, at most the first ``MAX_ANCHORS``.

    An anchor that is never closed ends where the next one begins, as in a browser, or where the
    element around it ends. So no part of the page is in two of them.

    Raises:
        ReadTimeout: the deadline has passed.

    >>> [anchor] = links_by_html_parser('See <a href="page2.htm">\nSecond Page</a>.')
    >>> anchor.tag, anchor.content
    ('<a href="page2.htm">\nSecond Page</a>', '\nSecond Page')
    """
    return islice(_AnchorParser(html).parse(deadline), MAX_ANCHORS)


def base_of(html: str, url: str, deadline: Deadline = NEVER) -> str:
    """Return what relative links start from in the page that was found at ``url``.

    It is the first ``<base>`` with an href, if that is http or https, and not longer than
    ``MAX_BASE``; else the page itself.

    Raises:
        TooLong: it is the page's URL, and that is longer.
        ReadTimeout: the deadline has passed.

    >>> base_of("<base href='/other/'>", "http://h/page.htm")
    'http://h/other/'
    """
    if len(url) > MAX_BASE:
        raise TooLong(f"the page's URL has {len(url)} characters, more than {MAX_BASE}")
    found = (_href(attributes) for attributes in _start_tags(html, "base", deadline))
    href = next((href for href in found if href is not None), None)
    if href is None or len(href) > MAX_BASE:
        return url
    try:
        base = resolve(url, href)
    except ValueError:
        return url
    # The HTML Standard (4.2.3) leaves out data: and javascript:; nothing relative starts from
    # mailto: and the like either.
    is_usable = len(base) <= MAX_BASE and base.partition(":")[0].lower() in HTTP_SCHEMES
    return base if is_usable else url


def absolute(base_url: str, href: str | None, encoding: str = "utf-8") -> str | None:
    """Return where an href leads, None for no href and for one that leads nowhere.

    That is not None alone because people count the links of a page; an address of more than
    ``MAX_ADDRESS`` characters leads nowhere too. ``encoding`` is the page's own.

    >>> [absolute("http://h/a/b", href) for href in ["c", None, "http://[bad"]]
    ['http://h/a/c', None, None]
    """
    if href is None or len(href) > MAX_ADDRESS:
        return None
    try:
        url = resolve(base_url, href, encoding)
    except ValueError:
        return None
    return url if len(url) <= MAX_ADDRESS else None


def check(deadline: Deadline) -> None:
    """Raise ReadTimeout if there is no time left to look for links."""
    if deadline.has_passed():
        raise ReadTimeout("the time is over before all of the page was looked through")


def _start_tags(html: str, name: str, deadline: Deadline) -> Iterator[str]:
    """Yield what stands in each start tag of that name behind the name."""
    position = 0
    while match := _MARKUP.search(html, position):
        check(deadline)
        position = match.end()
        if match["name"] is None:
            continue
        found, end = match["name"].lower(), _tag_end(html, position)
        if found == name and end < len(html) and end - match.start() < MAX_TAG:
            yield html[position:end]
        position = end
        if found in _END_OF_RAW_TEXT and not _is_empty(html, match.end(), end):
            raw_end = _END_OF_RAW_TEXT[found].search(html, end)
            position = raw_end.start() if raw_end else len(html)


def _tag_end(html: str, position: int) -> int:
    """Return where the ">" of a tag is, from a position behind its name; len(html) if nowhere."""
    while match := _ATTRIBUTES.match(html, position):
        position = match.end()
    return position


def _href(attributes: str) -> str | None:
    # The first one counts (13.2.5.33).
    return next((value or "" for name, value in _attributes(attributes) if name == "href"), None)


def _attributes(source: str) -> list[tuple[str, str | None]]:
    return [
        (match["name"].lower(), None if match["value"] is None else _decoded_value(_value(match)))
        for match in _ATTRIBUTE.finditer(source)
    ]


def _value(match: re.Match[str]) -> str:
    return match["double"] or match["single"] or match["bare"] or ""


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


class _AnchorParser(HTMLParser):
    """Notes where anchors and their first contents begin and end, and cuts them out of the source.

    Where something ends is known when the next thing begins: the parser tells no more.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self._source = html
        self._fed = 0
        self._known_end = (-1, -1)  # a beginning in the source and its end
        self._found: list[Anchor] = []
        self._line = 1
        self._line_start = 0
        self._open: deque[str] = deque()
        self._open_count: Counter[str] = Counter()
        self._forgotten = 0
        self._anchor: _OpenAnchor | None = None

    def parse(self, deadline: Deadline) -> Iterator[Anchor]:
        while self._fed < len(self._source):
            check(deadline)
            # What it waits for the end of, it looks through again: four times as much, less often.
            size = min(max(_PIECE, len(self.rawdata)), 4 * _PIECE)
            piece = self._source[self._fed : self._fed + size]
            self._fed += len(piece)
            # HTMLParser decodes texts, and fails on a number of thousands of digits. What they are
            # is taken from the source.
            self.feed(piece.replace("&", "+"))
            yield from self._take()
        # It has kept back a text, or stopped at markup that is never closed. close() would
        # take the "<" of that for text, and do the same again at the next one.
        if "<" not in self.rawdata:
            self.close()
        if self._anchor is not None:
            self._finish(self._anchor, len(self._source) - len(self.rawdata))
        yield from self._take()

    def _take(self) -> list[Anchor]:
        found, self._found = self._found, []
        return found

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._start(tag, attrs)
        if tag in _RAW_TEXT:
            self._begin_raw_text(tag)

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

    def parse_starttag(self, i: int) -> int:
        """Do what Python does, which takes a kilobyte of memory for each attribute."""
        start = self._position(i)
        match = _MARKUP.match(self._source, start)
        assert match is not None  # there is "<" and a letter
        end = self._end(start, match.end())
        if end >= self._fed:
            return -1
        name = match["name"].lower()
        is_empty = _is_empty(self._source, match.end(), end)
        if end - start >= MAX_TAG:
            self._begin_childless()
            if name in _RAW_TEXT and not is_empty:
                self._begin_raw_text(name)
        else:
            handle = self.handle_startendtag if is_empty else self.handle_starttag
            handle(name, _attributes(self._source[match.end() : end]))
        return i + end + 1 - start

    def parse_endtag(self, i: int) -> int:
        """Do the same for an end tag."""
        start = self._position(i)
        match = _MARKUP.match(self._source, start)
        name = match["name"].lower()[1:] if match is not None and match["name"] else None
        if self.cdata_elem is not None and name != self.cdata_elem:
            self.handle_data("</")
            return i + 2
        if match is None or name is None:
            is_nothing = self.rawdata.startswith("</>", i)
            return i + 3 if is_nothing else self.parse_bogus_comment(i)
        end = self._end(start, match.end())
        if end >= self._fed:
            return -1
        self.handle_endtag(name)
        self.clear_cdata_mode()
        return i + end + 1 - start

    def parse_comment(self, i: int, _report: bool = True) -> int:
        """End a comment where browsers do: Python did not always know ``--!>`` and ``<!-->``."""
        start = self._position(i)
        if self._known_end[0] != start:
            match = _COMMENT_ALONE.match(self._source, start)
            assert match is not None  # there is "<!--"
            self._known_end = start, match.end()
        end = self._known_end[1]
        if end > self._fed:
            return -1
        self.handle_comment("")
        return i + end - start

    def parse_marked_section(self, i: int, report: bool = True) -> int:
        """Take ``<![`` for the comment that it is to browsers; Python's own can fail on it."""
        return self.parse_bogus_comment(i, report)

    def _position(self, i: int) -> int:
        """Return where in the source ``rawdata[i]`` is."""
        return self._fed - len(self.rawdata) + i

    def _end(self, start: int, name_end: int) -> int:
        if self._known_end[0] != start:
            self._known_end = start, _tag_end(self._source, name_end)
        return self._known_end[1]

    def _begin_raw_text(self, tag: str) -> None:
        self.set_cdata_mode(tag)
        # Python did not always know that an end tag can have attributes.
        self.interesting = _END_OF_RAW_TEXT[tag]

    def _depth(self) -> int:
        return self._forgotten + len(self._open)

    def _start(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        start = self._begin()
        if tag == "a":
            if self._anchor is not None:
                self._finish(self._anchor, start)
            self._anchor = _OpenAnchor(start, attrs, self._depth())
        if len(self._open) == _MAX_DEPTH:
            self._forgotten += 1
            self._uncount(self._open.popleft())
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
            self._uncount(closed)
        if self._anchor is not None:
            depth_in_anchor = self._depth() - self._anchor.depth
            self._anchor.is_closed = depth_in_anchor <= 0
            self._anchor.content_is_closed |= depth_in_anchor == 1

    def _uncount(self, tag: str) -> None:
        self._open_count[tag] -= 1
        if not self._open_count[tag]:
            del self._open_count[tag]

    def _finish(self, anchor: _OpenAnchor, end: int) -> None:
        content = ""
        if anchor.content_start is not None:
            content_end = anchor.content_end or end
            content = _bounded(self._source, anchor.content_start, content_end)
            if anchor.content_is_text:
                content = _decoded_text(content)
        url = next((value or "" for name, value in anchor.attrs if name == "href"), None)
        self._anchor = None
        self._found.append(
            Anchor(_bounded(self._source, anchor.start, end), url, content, anchor.attrs)
        )

    def _offset(self) -> int:
        line, column = self.getpos()
        while self._line < line:
            self._line_start = self._source.index("\n", self._line_start) + 1
            self._line += 1
        return self._line_start + column


def _is_empty(html: str, name_end: int, end: int) -> bool:
    """Tell whether a tag ends with a slash that is not in the value of its last attribute."""
    if not html.endswith("/", name_end, end):
        return False
    last = deque(_ATTRIBUTE.finditer(html, name_end, end), maxlen=1)
    return not last or last[0].end() < end


def _bounded(text: str, start: int, end: int) -> str:
    if end - start <= MAX_SHOWN:
        return text[start:end]
    return text[start : start + MAX_SHOWN] + CUT
