"""What kind of page a response is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scrapy.http import HtmlResponse

from netcrawl.failures import shown

if TYPE_CHECKING:
    from scrapy.http import Response


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
    try:
        _ = response.text
    except (LookupError, ValueError):  # a charset that does not exist, or is no charset of text
        response = response.replace(encoding="utf-8")
    return response


def media_type(response: Response) -> str:
    """Say what the response is instead, quoted as the server says it."""
    if encoding := _encoding_left(response):
        return f"compressed in an unknown way, {shown(encoding)}"
    value = (response.headers.get("Content-Type") or b"").decode("latin-1")
    stated = value.partition(";")[0].strip()
    return shown(stated) if stated else "of no stated type"


def _encoding_left(response: Response) -> str:
    """Return the Content-Encoding that was not undone, "" where none is left."""
    return (response.headers.get("Content-Encoding") or b"").decode("latin-1")


def _looks_like_html(body: bytes) -> bool:
    start = body[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return start.startswith(b"<") and not start.startswith((b"<?xml", b"<svg", b"<rss", b"<feed"))
