"""The link at a position, again and again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sockettools.browser.redirects import FOR_ORIGIN
from sockettools.errors import SocketToolsError
from sockettools.net.deadline import NEVER
from sockettools.tasks.links import (
    MAX_ADDRESS,
    MAX_ANCHORS,
    MAX_PAGE,
    base_of,
    links_by_html_parser,
)
from sockettools.tasks.pages import read_page
from sockettools.text import visible
from sockettools.url import HttpUrl, parse_http_url, resolve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sockettools.browser import Browser, Request
    from sockettools.net.deadline import Deadline
    from sockettools.tasks.pages import TextPage

# Characters of a link that are repeated when it cannot be followed.
_SHOWN = 200


class NoSuchLink(SocketToolsError):
    """The page has no link at that position, or none that leads to a page."""


def follow(
    browser: Browser, start: Request, position: int, count: int, deadline: Deadline = NEVER
) -> Iterator[HttpUrl]:
    """Yield the URL to start from and the ``count`` that follow, each before it is retrieved.

    ``position`` is that of an ``<a>`` on its page, from 1, those without href counted. The last
    page is not retrieved. What ``start`` says of who asks is sent to its own origin only.

    Raises:
        NoSuchLink: the chain ends before.
        Refusal, NotText, TooLong, ...: as ``read_page``.
    """
    request = start
    yield request.url
    for _ in range(count):
        page = read_page(browser, request, deadline, MAX_PAGE)
        request = _request(start, link_at(page, position, deadline))
        yield request.url


def link_at(page: TextPage, position: int, deadline: Deadline = NEVER) -> HttpUrl:
    """Return where the link at a position leads.

    Raises:
        NoSuchLink: nowhere.
        TooLong: the page's URL is too long for links to start from.
        ReadTimeout: the deadline has passed.
    """
    href = _href_at(page, position, deadline)
    where = f"the link at position {position} of page {page.url}"
    if href is None:
        raise NoSuchLink(f"{where} has no href")
    try:
        if len(href) > MAX_ADDRESS:
            raise ValueError(f"it has more than {MAX_ADDRESS} characters")
        base = base_of(page.text, str(page.url), deadline)
        return parse_http_url(resolve(base, href, page.encoding))
    except ValueError as exc:
        shown = visible(href[:_SHOWN])
        raise NoSuchLink(f"{where} cannot be followed: {shown!r}, {exc}") from None


def _href_at(page: TextPage, position: int, deadline: Deadline) -> str | None:
    number = 0
    for number, anchor in enumerate(links_by_html_parser(page.text, deadline), 1):
        if number == position:
            return anchor.url
    noun = "link" if number == 1 else "links"
    is_all = number < MAX_ANCHORS
    raise NoSuchLink(
        f"page {page.url} has {'' if is_all else 'more than '}{number} {noun}, "
        f"position {position} {'does not exist' if is_all else 'is too far'}"
    )


def _request(start: Request, url: HttpUrl) -> Request:
    if url.origin == start.url.origin:
        return replace(start, url=url, credentials=start.effective_credentials())
    return replace(start.without_fields(FOR_ORIGIN), url=url, credentials=None)
