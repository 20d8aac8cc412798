"""What most tasks begin with: a page that is there, and is text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sockettools.browser.charset import SNIFF_SIZE, charset_of, is_text, text_decoder
from sockettools.browser.response import MAX_PAGE
from sockettools.errors import SocketToolsError
from sockettools.net.deadline import NEVER
from sockettools.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sockettools.browser import Browser, Request, Response
    from sockettools.net.deadline import Deadline
    from sockettools.url import HttpUrl


class Refusal(SocketToolsError):
    """The server answered, and not with the page: its status is no 2xx."""

    def __init__(self, message: str, status_code: int) -> None:
        super().__init__(message)
        self.status_code = status_code


class NotText(SocketToolsError):
    """The page is a picture, an archive or the like."""


@dataclass(frozen=True)
class TextPage:
    """A whole page; ``url`` is where redirects led, ``encoding`` Python's name of its charset."""

    url: HttpUrl
    text: str
    encoding: str


def open_page(browser: Browser, request: Request, deadline: Deadline = NEVER) -> Response:
    """Open a page, its body still unread.

    Raises:
        Refusal: the answer is an error page, or a redirect that is not followed.
        ConnectError, Timeout, ProtocolError, NetworkError: there is no answer.
    """
    response = browser.open(request, deadline)
    if 200 <= response.status_code <= 299:
        return response
    response.skip()
    reason = response.head.reason.decode("latin-1")
    status = visible(f"{response.status_code} {reason}".rstrip())
    raise Refusal(f"{response.url}: {status}", response.status_code)


def read_page(
    browser: Browser, request: Request, deadline: Deadline = NEVER, max_size: int = MAX_PAGE
) -> TextPage:
    """Open a page and read all of it.

    Raises:
        NotText: it is none.
        TooLong: it has more than ``max_size`` octets.
        Refusal, ...: as ``open_page``.
    """
    with open_page(browser, request, deadline) as response:
        _check_is_text(response, b"")  # a film that says so need not be read to be refused
        body = response.read(max_size)
    _check_is_text(response, body)
    encoding = charset_of(response.text_field("content-type"), body)
    return TextPage(response.url, text_decoder(encoding).decode(body, final=True), encoding)


def iter_text(response: Response) -> Iterator[str]:
    """Yield a page's text in blocks, so that a page of any size is in memory only in part.

    Raises:
        NotText: it is none.
        RemoteProtocolError, ReadTimeout: the rest of it does not come.
    """
    blocks = response.iter_bytes()
    start = _beginning(blocks)
    _check_is_text(response, start)
    decoder = text_decoder(charset_of(response.text_field("content-type"), start))
    yield decoder.decode(start)
    for block in blocks:
        yield decoder.decode(block)
    yield decoder.decode(b"", final=True)


def _beginning(blocks: Iterator[bytes]) -> bytes:
    """Take as much as a charset is to be told from, or all if that is less."""
    start = bytearray()
    while len(start) < SNIFF_SIZE and (block := next(blocks, b"")):
        start += block
    return bytes(start)


def _check_is_text(response: Response, start: bytes) -> None:
    content_type = response.text_field("content-type")
    if not is_text(content_type, start):
        kind = visible(content_type) if content_type else "something else"
        raise NotText(f"page {response.url} is not text but {kind}")
