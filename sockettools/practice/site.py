"""A site of any number of pages, of which none is stored: a page is its number.

The links from page to page make a tree of eight below each one, so that the last of ten million is
eight links from the first, and a web across it. Every URL of it appears in one spelling only once
relative ones are joined: a crawl of the whole finds as many URLs as there are pages.
"""

from __future__ import annotations

import codecs
import html
from dataclasses import dataclass
from email.utils import formatdate
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING

from sockettools.practice import words
from sockettools.practice.answers import PLAIN, Answer
from sockettools.practice.conditions import is_known
from sockettools.practice.routes import Route

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sockettools.practice.http import Request
    from sockettools.practice.words import Language

MAX_PAGES = 10_000_000

# Pages right below each.
FANOUT = 8

# To be raised when the pages change: they are what the ETag vouches for.
VERSION = 1

# Seconds since 1970 of the first dates, and how many there are: a week lies between two.
_FIRST_DATE = 1_383_357_686  # Sat, 02 Nov 2013 02:01:26 GMT
_DATES = tuple(formatdate(_FIRST_DATE + week * 604_800, usegmt=True) for week in range(500))

# Texts of each edition, and how many of them stand on a page.
_PARAGRAPHS = 61
_SHOWN = 8

# Octets of a page, about.
_SIZE = 9_400


class Told(Enum):
    """Where a page says its charset."""

    HEADER = "header"
    META = "meta charset"
    HTTP_EQUIV = "meta http-equiv"
    MARK = "byte order mark"


@dataclass(frozen=True)
class Edition:
    """A language in a charset."""

    language: Language
    charset: str
    told: Told

    @property
    def content_type(self) -> str:
        """The field's value, with the charset only if that is where it is told."""
        return f"text/html; charset={self.charset}" if self.told is Told.HEADER else "text/html"


# Page K is in the edition K modulo their number.
EDITIONS = (
    Edition(words.ENGLISH, "us-ascii", Told.HEADER),
    Edition(words.ENGLISH, "utf-8", Told.HEADER),
    Edition(words.GERMAN, "utf-8", Told.META),
    Edition(words.FRENCH, "iso-8859-1", Told.HEADER),
    Edition(words.SPANISH, "windows-1252", Told.META),
    Edition(words.ENGLISH, "utf-8", Told.HEADER),
    Edition(words.JAPANESE, "shift_jis", Told.HEADER),
    Edition(words.RUSSIAN, "koi8-r", Told.HEADER),
    Edition(words.GERMAN, "utf-16", Told.MARK),
    Edition(words.ENGLISH, "utf-8", Told.META),
    Edition(words.POLISH, "iso-8859-2", Told.HTTP_EQUIV),
    Edition(words.CHINESE, "gbk", Told.META),
    Edition(words.RUSSIAN, "utf-8", Told.HEADER),
    Edition(words.JAPANESE, "euc-jp", Told.META),
    Edition(words.FRENCH, "utf-8", Told.MARK),
    Edition(words.RUSSIAN, "windows-1251", Told.HEADER),
)

_MARKS = {"utf-8": codecs.BOM_UTF8, "utf-16": codecs.BOM_UTF16_LE}

# What %b and %d stand for is in ``_Press.print``, in this order.
_TEMPLATE = """\
<!DOCTYPE html>
<html lang="{code}">
<head>
{meta}<title>{page} %d {of} %d: {topic}</title>
<meta name="description" content="{topic}, {page} %d">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="canonical" href="%b">
</head>
<body>
<nav>
<ul>
<li><a href="%b" title="{home}">{home}</a></li>
<li><a href="%b" rel="up">{up}</a></li>
<li><a href="%b" rel="prev">{back}</a></li>
<li><a href="%b" rel="next">{onward}</a></li>
<li><a href="#below">{below}</a></li>
</ul>
</nav>
<main>
<h1>{page} %d</h1>
%b%b<h2 id="middle">{heading}</h2>
%b%b%b<h2 id="end">{other_heading}</h2>
%b%b%b</main>
<section id="below">
<h2>{below}</h2>
<ul>
<li><a href="%b">{page} %d</a></li>
<li><a href="%b">{page} %d</a></li>
<li><a href='%b'>{page} %d</a></li>
<li><a class="entry" href="%b">{page} %d</a></li>
<li><a href="%b#middle">{page} %d</a></li>
<li><A HREF="%b">{page} %d</A></li>
<li><a href="%b"><b>{page}</b> %d</a></li>
<li><a href="%b">{page} %d</a></li>
</ul>
</section>
<footer>
<p>{elsewhere}: <a href="http://encyclopedia.example/wiki/%d">encyclopedia.example</a>,
<a href="https://forum.example/thread?id=%d&amp;page=1" rel="nofollow ugc">forum.example</a>,
<a href="%b" rel="nofollow">{page} %d</a>,
<a href="mailto:page%d@site.example">page%d@site.example</a></p>
</footer>
</body>
</html>
"""


class _Press:
    """Makes the pages of one edition, from parts that are written once."""

    def __init__(self, edition: Edition) -> None:
        # Two octets for each letter of the markup, too: that one is put together as UTF-8.
        self._is_wide = edition.charset == "utf-16"
        self._codec = "utf-8" if self._is_wide else edition.charset
        self._edition = edition
        self._template = self._encoded(_template(edition))
        room = _SIZE // (2 if self._is_wide else 1) - len(self._template) - 500
        self._paragraphs = [
            self._paragraph(number, room // _SHOWN) for number in range(_PARAGRAPHS)
        ]

    def print(self, pages: int, number: int, origin: str) -> bytes:
        """Return page ``number`` of a site of so many."""
        across = _across(pages, number)
        folder = b"/site/%d/" % pages
        absolute = html.escape(origin).encode("utf-8") + folder
        starts = (b"./", folder, b"", absolute, b"../%d/" % pages)
        first = FANOUT * (number - 1) + 2
        # Where there is nothing below, there is something else.
        below = [n if n <= pages else next(across) for n in range(first, first + FANOUT)]
        aside = next(across)
        up, back, onward = (number - 2) // FANOUT + 1 or 1, number - 1 or pages, number % pages + 1
        texts = []
        # A prime, so that two sites have other texts on pages of one number.
        chosen = pages * 7_919 + number * 104_729
        for place in range(_SHOWN):
            before, after = self._paragraphs[(chosen >> 2 * place) % _PARAGRAPHS]
            texts.append(before + _href(starts[place % 5], next(across)) + after)
        page = self._template % (
            *(number, pages, number),
            _href(absolute, number),
            folder,
            _href(folder, up),
            _href(b"", back),
            _href(b"", onward),
            number,
            *texts,
            *(
                part
                for place, target in enumerate(below)
                for part in (_href(starts[place % 5], target), target)
            ),
            *(number, number),
            *(_href(b"", aside), aside),
            *(number, number),
        )
        mark = _MARKS[self._edition.charset] if self._edition.told is Told.MARK else b""
        return mark + (page.decode().encode("utf-16-le") if self._is_wide else page)

    def _paragraph(self, number: int, size: int) -> tuple[bytes, bytes]:
        """Return a text in two parts, between which the target of its link belongs."""
        language = self._edition.language
        link = words.phrase(language, f"link {number}")
        drawn = words.sentences(language, f"paragraph {number}")
        before = self._encoded(f'<p>{next(drawn)} {next(drawn)}\n<a href="')
        after = self._encoded(f'">{link}</a>')
        for sentence in drawn:
            longer = after + self._encoded(f"\n{sentence}")
            if len(before) + len(longer) > size:
                break
            after = longer
        return before, after + self._encoded("</p>\n")

    def _encoded(self, text: str) -> bytes:
        return text.encode(self._codec)


def _template(edition: Edition) -> str:
    language = edition.language
    meta = {
        Told.META: f'<meta charset="{edition.charset}">\n',
        Told.HTTP_EQUIV: '<meta http-equiv="Content-Type" content="text/html; '
        f'charset={edition.charset}">\n',
    }
    return _TEMPLATE.format(
        meta=meta.get(edition.told, ""),
        topic=words.phrase(language, "topic"),
        heading=words.phrase(language, "heading", 4),
        other_heading=words.phrase(language, "other heading", 4),
        **{
            name: getattr(language, name)
            for name in ("code", "page", "of", "home", "up", "back", "onward", "below", "elsewhere")
        },
    )


def _across(pages: int, number: int) -> Iterator[int]:
    """Yield numbers of pages anywhere on the site."""
    state = pages << 24 ^ number
    while True:
        # Knuth's generator for 64 bits, of which the upper ones are the better ones.
        state = (state * 6_364_136_223_846_793_005 + 1_442_695_040_888_963_407) % 2**64
        yield (state >> 32) % pages + 1


def _href(start: bytes, number: int) -> bytes:
    # The first page is the folder itself; an empty reference would be the page that it is on.
    return b"%b%d.html" % (start, number) if number > 1 else start or b"./"


@cache
def _press(edition: Edition) -> _Press:
    return _Press(edition)


def site_page(pages: int, number: int, origin: str) -> bytes:
    """Return page ``number``, 1 to ``pages``, as it is asked for at ``origin``."""
    return _press(EDITIONS[number % len(EDITIONS)]).print(pages, number, origin)


def _front(request: Request) -> Answer:
    return _answer(request, 1)


def _inner(request: Request) -> Answer:
    name, _, ending = request.argument("page").partition(".")
    # One URL for each page: 1.html is the front page, and 02.html nothing.
    if ending != "html" or not name.isascii() or not name.isdigit() or len(name) > 8:
        return _missing()
    if name == "1":
        return Answer(301, b"elsewhere\n", PLAIN, (("Location", "./"),))
    return _answer(request, int(name)) if name == str(int(name)) else _missing()


def _answer(request: Request, number: int) -> Answer:
    pages = request.number("pages", 1, MAX_PAGES)
    if not 1 <= number <= pages or str(pages) != request.argument("pages"):
        return _missing()
    tag, modified = f'"{VERSION}-{pages}-{number}"', _DATES[number % len(_DATES)]
    fields = (("ETag", tag), ("Last-Modified", modified))
    if is_known(request, tag, modified):
        return Answer(304, b"", None, fields)
    edition = EDITIONS[number % len(EDITIONS)]
    body = site_page(pages, number, request.origin)
    return Answer(200, body, edition.content_type, fields)


def _missing() -> Answer:
    return Answer(404, b"There is no such page on this site\n", PLAIN)


ROUTES = (
    Route(
        "/site/{pages:number}/",
        _front,
        f"the first page of a site of so many, up to {MAX_PAGES:,}, in several languages and "
        "charsets, with ETag and Last-Modified",
        ("/site/100/", "/site/10000/", f"/site/{MAX_PAGES}/"),
    ),
    Route(
        "/site/{pages:number}/{page}",
        _inner,
        "the other ones, from 2.html on",
        ("/site/100/2.html", "/site/100/100.html"),
    ),
)
