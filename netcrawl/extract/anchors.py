"""Where a page's links lead, for a crawl that goes there."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from netcrawl.schemes import followed_from
from sockettools.url import HTTP_SCHEMES, resolve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scrapy.http import HtmlResponse

logger = logging.getLogger(__name__)

# Addresses of one page that are followed; the longest indexes have some ten thousand.
MAX_LINKS = 50_000

# Links of one page that are looked at for them: many lead to places on one and the same page.
MAX_HREFS = 500_000

_TO_PAGES = "//a/@href | //area/@href"
_TO_FILES = (
    f"{_TO_PAGES} | //link/@href | //audio/@src | //video/@src | //source/@src | //track/@src"
    " | //embed/@src | //iframe/@src | //object/@data"
)


def follow_links(page: HtmlResponse) -> Iterator[str]:
    """Yield each URL once that ``<a>`` and ``<area>`` lead to, in order, without its fragment.

    Whether it can be requested is for ``check_url`` to tell.
    """
    return _urls(page, _TO_PAGES)


def file_links(page: HtmlResponse) -> Iterator[str]:
    """Yield these, and each URL that the page embeds or names in a ``<link>``; not its images."""
    return _urls(page, _TO_FILES)


def _urls(page: HtmlResponse, xpath: str) -> Iterator[str]:
    base = base_url(page)
    hrefs = page.selector.root.xpath(xpath)[:MAX_HREFS]
    schemes = followed_from(page.url)
    found: set[str] = set()
    for href in dict.fromkeys(str(href).partition("#")[0] for href in hrefs):
        try:
            url = resolve(base, href, page.encoding).partition("#")[0]
        except ValueError:
            continue
        if url.partition(":")[0].lower() in schemes and url not in found:
            if len(found) == MAX_LINKS:
                logger.warning(
                    "%s: only the first %d of its links are followed", page.url, MAX_LINKS
                )
                return
            found.add(url)
            yield url


def base_url(page: HtmlResponse) -> str:
    """Return what the page's relative links start from: its ``<base>``, or its own URL."""
    for href in page.selector.root.xpath("//base/@href")[:1]:
        try:
            base = resolve(page.url, str(href), page.encoding)
        except ValueError:
            break
        if base.partition(":")[0].lower() in HTTP_SCHEMES:
            return base
    return page.url
