"""Loopback destinations: no politeness is owed to them, and no proxy leads to them."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from scrapy import signals
from scrapy.downloadermiddlewares.httpproxy import HttpProxyMiddleware
from scrapy.exceptions import NotConfigured
from scrapy.settings import SETTINGS_PRIORITIES
from scrapy.utils.httpobj import urlparse_cached

from sockettools.url import is_loopback

if TYPE_CHECKING:
    from typing import Self

    from scrapy import Request, Spider
    from scrapy.crawler import Crawler
    from scrapy.http import Response


class LoopbackDelay:
    """Lifts the project's DOWNLOAD_DELAY for loopback hosts.

    A delay that the user sets (``-s DOWNLOAD_DELAY=2``, a spider's own) holds everywhere.
    """

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Raise NotConfigured where the delay is not the project's default."""
        priority = crawler.settings.getpriority("DOWNLOAD_DELAY") or 0
        if priority > SETTINGS_PRIORITIES["project"]:
            raise NotConfigured
        extension = cls(crawler)
        # The downloader sends this signal when the request's slot exists, and before it decides
        # how long the request has to wait.
        crawler.signals.connect(extension.lift, signals.request_reached_downloader)
        return extension

    def lift(self, request: Request) -> None:
        """Take the delay out of the slot that ``request`` is queued in."""
        downloader = self._crawler.engine.downloader
        key = request.meta[downloader.DOWNLOAD_SLOT]
        if "delay" in downloader.per_slot_settings.get(key, {}):
            return  # it was asked for, by the user or by a robots.txt
        slot = downloader.slots[key]
        if slot.delay and _goes_to_loopback(request):
            slot.delay = 0.0


class LoopbackProxyMiddleware(HttpProxyMiddleware):
    """Scrapy's own, but ``http_proxy`` in the environment does not apply to loopback hosts.

    Browsers have it so too: a proxy elsewhere cannot reach this machine's loopback interface, and
    the practice web would be out of reach. A proxy in ``request.meta`` is obeyed.
    """

    def process_request(
        self,
        request: Request,
        spider: Spider | None = None,  # noqa: ARG002 - Scrapy warns where it is handed on
    ) -> Request | Response | None:
        """Choose the proxy."""
        if "proxy" not in request.meta and _goes_to_loopback(request):
            return None
        return super().process_request(request)


def _goes_to_loopback(request: Request) -> bool:
    return _is_loopback(urlparse_cached(request).hostname or "")


# A crawl asks for page after page of the same few hosts.
_is_loopback = lru_cache(maxsize=1024)(is_loopback)
