"""What kind of page a response is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scrapy.http import HtmlResponse, TextResponse

from netcrawl.extract.text import without_half_characters
from netcrawl.failures import shown

if TYPE_CHECKING:
    from typing import TypeVar

    from scrapy.http import Response

    T = TypeVar("T", bound=TextResponse)

# Types of text that are for programs.
_CODE = frozenset({"text/css", "text/ecmascript", "text/javascript", "text/json", "text/xml"})


def as_html(response: Response) -> HtmlResponse | None:
    """Return the response as a page of HTML whose text can be read; None if it is not HTML.

    Where the server does not say, what looks like HTML is HTML.
    """
    if _encoding_left(response):
        return None
    if not isinstance(response, HtmlResponse):
        if "Content-Type" in response.headers or not _looks_like_html(response.body):
            return None
        response = response.replace(cls=HtmlResponse)
    return _readable(response)


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
    stated = _stated_type(response)
    return shown(stated) if stated else "of no stated type"


def _stated_type(response: Response) -> str:
    value = (response.headers.get("Content-Type") or b"").decode("latin-1")
    return value.partition(";")[0].strip()


def _readable(response: T) -> T:
    """Return the response with a text that can be had, and can be handed to a parser."""
    try:
        text = response.text
    except (LookupError, ValueError):  # a charset that does not exist, or is no charset of text
        return response.replace(encoding="utf-8")
    try:
        text.encode()
    except UnicodeEncodeError:
        body = without_half_characters(text).encode()
        return response.replace(body=body, encoding="utf-8")
    return response


def _encoding_left(response: Response) -> str:
    """Return the Content-Encoding that was not undone, "" where none is left."""
    return (response.headers.get("Content-Encoding") or b"").decode("latin-1")


def _looks_like_html(body: bytes) -> bool:
    start = body[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return start.startswith(b"<") and not start.startswith((b"<?xml", b"<svg", b"<rss", b"<feed"))
