"""Redirects, as far as a crawl may follow them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from scrapy.downloadermiddlewares.redirect import (
    BaseRedirectMiddleware,
    MetaRefreshMiddleware,
    RedirectMiddleware,
)
from scrapy.http import TextResponse

from netcrawl.failures import RedirectRefused

if TYPE_CHECKING:
    from typing import Any

    from scrapy import Request, Spider
    from scrapy.http import Response


@runtime_checkable
class ChoosesRedirects(Protocol):
    """A spider that does not go wherever it is sent."""

    def why_not_redirect(self, request: Request, url: str) -> str | None:
        """Say in a word or two why a request is not to be redirected there; None if it may."""
        ...


class _Checked(BaseRedirectMiddleware):
    def _redirect(self, redirected: Request, request: Request, reason: Any) -> Request:
        spider: object = self.crawler.spider
        if isinstance(spider, ChoosesRedirects) and (
            why := spider.why_not_redirect(request, redirected.url)
        ):
            raise RedirectRefused(redirected.url, why)
        result = super()._redirect(redirected, request, reason)
        # A page may set a cookie and lead to itself, which the duplicate filter would drop without
        # a word; one that leads in a circle is given up after as many redirects as are allowed.
        if result.url in (request.url, *request.meta.get("redirect_urls", ())):
            result.dont_filter = True
        return result


class CheckedRedirectMiddleware(_Checked, RedirectMiddleware):
    """Scrapy's own, but no redirect leads out of the crawl, and none is lost."""


# Characters of a page in which Scrapy looks for a refresh.
_BEGINNING = 4096


class CheckedMetaRefreshMiddleware(_Checked, MetaRefreshMiddleware):
    """The same; and a refresh that leads nowhere leaves the page as it is, as in a browser."""

    def process_response(
        self,
        request: Request,
        response: Response,
        spider: Spider | None = None,  # noqa: ARG002 - Scrapy warns where it is handed on
    ) -> Request | Response:
        """Follow the refresh, if it can be followed."""
        if isinstance(response, TextResponse) and not _may_refresh(response):
            return response
        try:
            return super().process_response(request, response)
        except (ValueError, LookupError):  # a malformed URL; a charset that nobody knows
            return response


def _may_refresh(response: TextResponse) -> bool:
    """Tell for most pages at a glance that they do not."""
    try:
        beginning = response.text[:_BEGINNING].lower()
    except (ValueError, LookupError):  # a charset that nobody knows
        return False
    # The letters of either word may be written as numbers.
    return "&#" in beginning or ("http-equiv" in beginning and "refresh" in beginning)
