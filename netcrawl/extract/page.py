"""What kind of page a response is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scrapy.http import HtmlResponse, TextResponse
from w3lib.encoding import html_body_declared_encoding, read_bom

from netcrawl.failures import shown
from sockettools.browser.charset import codec_for, stated_charset

if TYPE_CHECKING:
    from typing import TypeVar

    from scrapy.http import Response

    T = TypeVar("T", bound=TextResponse)

# Charsets of Latin letters, which few octets do not tell apart: browsers take the one that is by
# far the most frequent of them.
_LATIN = re.compile(
    r"cp(?:437|775|850|852|858|125[0478]|1140|037|273|500)|iso-?8859-(?:[1-49]|1[03-6])|latin.*"
    r"|mac-(?:roman|latin2|iceland|turkish)|hp-roman8",
    re.IGNORECASE,
)

# Octets of a page whose letters are looked at. In Latin ones those with accents stand alone; words
# in other letters have nothing but such octets.
_LETTERS = 100_000
_MEAN_RUN_OF_OTHERS = 2.5

# Comparisons of attributes, and the characters that a page or a tag needs to make so many.
_MOST_WORK = 10**9
_LONG = 60_000
_LONG_TAG = 2_000

# As a browser takes a tag apart; a quote that is never closed makes several attributes of one.
_ATTRIBUTE = re.compile(
    r"""[^\s/>][^\s/>=]*+(?:\s*+=\s*+(?:"[^"]*+"|'[^']*+'|[^\s>"'][^\s>]*+))?+"""
)
_START_TAG = re.compile(rf"<[A-Za-z][^\s/>]*+(?:[\s/]++|{_ATTRIBUTE.pattern})*+")

# Types of text that are for programs.
_CODE = frozenset({"text/css", "text/ecmascript", "text/javascript", "text/json", "text/xml"})


# What was made of the last response: whoever reads a page asks for it again.
_last: tuple[Response | None, HtmlResponse | None] = (None, None)


def as_html(response: Response) -> HtmlResponse | None:
    """Return the response as a page of HTML whose text can be read; None if it is not HTML.

    None is also one that no parser reads in a reasonable time.
    Where the server does not say, what looks like HTML is HTML.
    """
    global _last
    if response not in _last:
        _last = response, _as_html(response)
    return _last[1]


def _as_html(response: Response) -> HtmlResponse | None:
    if _encoding_left(response):
        return None
    if not isinstance(response, HtmlResponse):
        if "Content-Type" in response.headers or not _looks_like_html(response.body):
            return None
        response = response.replace(cls=HtmlResponse)
    page = _readable(response)
    return None if _takes_too_long(page.text) else page


def as_plain_text(response: Response) -> TextResponse | None:
    """Return the response as text without markup that can be read; None if it is something else.

    Where the server does not say, what Scrapy takes for text is text.
    """
    # Scrapy has a class of its own for each kind of markup.
    if type(response) is not TextResponse or _encoding_left(response):
        return None
    stated = _stated_type(response).lower()
    if stated and (stated in _CODE or not stated.startswith("text/")):
        return None
    return _readable(response)


def media_type(response: Response) -> str:
    """Say what the response is instead, quoted as the server says it."""
    if encoding := _encoding_left(response):
        return f"compressed in an unknown way, {shown(encoding)}"
    if isinstance(response, HtmlResponse):
        return "markup that would take too long to read"
    stated = _stated_type(response)
    return shown(stated) if stated else "of no stated type"


def _stated_type(response: Response) -> str:
    value = (response.headers.get("Content-Type") or b"").decode("latin-1")
    return value.partition(";")[0].strip()


def _readable(response: T) -> T:
    """Return the response with the charset that a browser would read it in."""
    charset = _charset(response)
    if charset is not None and charset != response.encoding:
        response = response.replace(encoding=charset)
    return response


def _takes_too_long(markup: str) -> bool:
    """Tell whether elements have so many attributes that a parser would take minutes.

    Each new attribute is compared with those before: lxml and lexbor take the square of the time,
    a second for 30,000 on one element.
    """
    if len(markup) < _LONG:
        return False
    work = 0
    for match in _START_TAG.finditer(markup):
        if match.end() - match.start() >= _LONG_TAG:
            work += sum(1 for _ in _ATTRIBUTE.finditer(match[0])) ** 2
    return work > _MOST_WORK


def _charset(response: TextResponse) -> str | None:
    """Return the charset as a browser understands what is said of it; None for Scrapy's choice.

    Scrapy takes every label that Python has a codec for, and guesses among all of them where there
    is no label. A byte order mark it knows.
    """
    body = response.body
    if read_bom(body)[0] is not None:
        return None
    content_type = (response.headers.get("Content-Type") or b"").decode("latin-1")
    if stated := stated_charset(content_type, body):
        return stated
    if late := html_body_declared_encoding(body):  # behind what browsers look at
        return codec_for(late) or "windows-1252"
    try:
        body.decode()
    except UnicodeDecodeError:
        # A label that means no charset of the web is not to be guessed from either.
        is_latin = (
            "charset" in content_type.lower()
            or _has_few_accents(body)
            or _LATIN.fullmatch(response.encoding)
        )
        return "windows-1252" if is_latin else None
    return "utf-8"


def _has_few_accents(body: bytes) -> bool:
    runs = re.findall(rb"[\x80-\xff]++", body[:_LETTERS])
    return sum(map(len, runs)) < _MEAN_RUN_OF_OTHERS * len(runs)


def _encoding_left(response: Response) -> str:
    """Return the Content-Encoding that was not undone, "" where none is left."""
    return (response.headers.get("Content-Encoding") or b"").decode("latin-1")


def _looks_like_html(body: bytes) -> bool:
    start = body[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return start.startswith(b"<") and not start.startswith((b"<?xml", b"<svg", b"<rss", b"<feed"))
