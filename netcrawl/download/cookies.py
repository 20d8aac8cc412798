"""Scrapy's cookies, without a word to third parties."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scrapy.downloadermiddlewares.cookies import CookiesMiddleware
from scrapy.utils.httpobj import urlparse_cached
from tldextract import TLDExtract

if TYPE_CHECKING:
    from collections.abc import Iterable
    from http.cookiejar import Cookie

    from scrapy import Request, Spider
    from scrapy.http import Response
    from scrapy.http.cookies import CookieJar

# The list of public suffixes that comes with the library.
_split_domain = TLDExtract(suffix_list_urls=(), include_psl_private_domains=True)


class OfflineCookiesMiddleware(CookiesMiddleware):
    """Scrapy's own fetches the list of public suffixes from two sites at the first cookie.

    A crawl of one site should not tell others, and one of this machine needs no network.
    """

    def process_request(
        self,
        request: Request,
        spider: Spider | None = None,  # noqa: ARG002 - Scrapy warns where it is handed on
    ) -> Request | Response | None:
        """Add the cookies; where there are none, look no further."""
        if (
            not request.cookies
            and "Cookie" not in request.headers
            and not self.jars[request.meta.get("cookiejar")]._cookies
        ):
            return None
        return super().process_request(request)

    def process_response(
        self,
        request: Request,
        response: Response,
        spider: Spider | None = None,  # noqa: ARG002 - Scrapy warns where it is handed on
    ) -> Request | Response:
        """Take the cookies of an answer that has some."""
        if "Set-Cookie" not in response.headers and "Set-Cookie2" not in response.headers:
            return response
        return super().process_response(request, response)

    def _process_cookies(
        self, cookies: Iterable[Cookie], *, jar: CookieJar, request: Request
    ) -> None:
        host = (urlparse_cached(request).hostname or "").lower()
        for cookie in cookies:
            domain = cookie.domain.removeprefix(".")
            # Nobody may set a cookie for all of .com (RFC 6265 section 5.3).
            if domain and not _split_domain(domain).domain:
                if domain != host:
                    continue
                cookie.domain = host
            jar.set_cookie_if_ok(cookie, request)
