"""URLs that no request should be made of, wherever they come from: a link, a redirect, a refresh.

Scrapy and Twisted take them and fail late: after minutes of retries, or with a traceback.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scrapy.utils.httpobj import urlparse_cached

from netcrawl.failures import UrlRefused
from netcrawl.schemes import SERVICES, check_url
from sockettools.url import HTTP_SCHEMES

if TYPE_CHECKING:
    from scrapy import Request


class UrlCheckMiddleware:
    """Refuses http(s) URLs without a host that could exist, and those with a password."""

    def process_request(self, request: Request) -> None:
        """Raise UrlRefused for what cannot be requested."""
        if urlparse_cached(request).scheme not in (*HTTP_SCHEMES, *SERVICES):
            return
        try:
            check_url(request.url)
        except ValueError as exc:
            raise UrlRefused(str(exc)) from None
