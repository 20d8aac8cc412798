"""Where a page's links lead, for a crawl that goes there."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

from lxml import etree

from netcrawl.extract.tree import tree_of
from netcrawl.schemes import followed_from
from sockettools.url import HTTP_SCHEMES, resolve, resolver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scrapy.http import HtmlResponse

    # The hrefs of what a selector finds in markup.
    Find = Callable[[str, str], list[str]]

logger = logging.getLogger(__name__)

# Addresses of one page that are followed; the longest indexes have some ten thousand.
MAX_LINKS = 50_000

# Links of one page that are looked at for them: many lead to places on one and the same page.
MAX_HREFS = 500_000

# As written, where nothing has to be taken out of it (RFC 3986 section 3.1).
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*+):")

_TO_PAGES = "//a/@href | //area/@href"
_TO_FILES = (
    f"{_TO_PAGES} | //link/@href | //audio/@src | //video/@src | //source/@src | //track/@src"
    " | //embed/@src | //iframe/@src | //object/@data"
)
# Plain texts, not such that know their element.
_PAGES, _FILES, _BASES = (
    etree.XPath(xpath, smart_strings=False) for xpath in (_TO_PAGES, _TO_FILES, "//base/@href")
)


def follow_links(page: HtmlResponse, by: Find | None = None) -> Iterator[str]:
    """Yield each URL once that ``<a>`` and ``<area>`` lead to, in order, without its fragment.

    Whether it can be requested is for ``check_url`` to tell. ``by`` finds them instead of lxml.
    """
    hrefs = _PAGES(tree_of(page)) if by is None else by(page.text, "a[href], area[href]")
    return _urls(page, base_url(page, by), hrefs)


def file_links(page: HtmlResponse) -> Iterator[str]:
    """Yield these, and each URL that the page embeds or names in a ``<link>``; not its images."""
    return _urls(page, base_url(page), _FILES(tree_of(page)))


def _urls(page: HtmlResponse, base: str, hrefs: list[str]) -> Iterator[str]:
    to_url = resolver(base, page.encoding)
    followed = followed_from(page.url)
    schemes = tuple(f"{scheme}:" for scheme in followed)
    found: set[str] = set()
    for href in dict.fromkeys(href.partition("#")[0] for href in hrefs[:MAX_HREFS]):
        scheme = _SCHEME.match(href)
        if scheme and scheme[1].lower() not in followed:  # mailto: and the like
            continue
        try:
            url = to_url(href).partition("#")[0]
        except ValueError:
            continue
        if url not in found and url.lower().startswith(schemes):
            if len(found) == MAX_LINKS:
                logger.warning(
                    "%s: only the first %d of its links are followed", page.url, MAX_LINKS
                )
                return
            found.add(url)
            yield url


def base_url(page: HtmlResponse, by: Find | None = None) -> str:
    """Return what the page's relative links start from: its ``<base>``, or its own URL."""
    bases = _BASES(tree_of(page)) if by is None else by(page.text, "base[href]")
    for href in bases[:1]:
        try:
            base = resolve(page.url, href, page.encoding)
        except ValueError:
            break
        if base.partition(":")[0].lower() in HTTP_SCHEMES:
            return base
    return page.url
