"""What servers ask for: the Crawl-delay of robots.txt, and Retry-After.

Scrapy reads the one without acting on it, and retries at once whatever the other says.
"""

from __future__ import annotations

import logging
import time
from time import monotonic
from typing import TYPE_CHECKING

from scrapy import signals
from scrapy.downloadermiddlewares.retry import RetryMiddleware
from scrapy.exceptions import NotConfigured
from scrapy.utils.asyncio import call_later
from scrapy.utils.httpobj import urlparse_cached

from sockettools.browser.retrying import parse_retry_after

if TYPE_CHECKING:
    from typing import Self

    from scrapy import Request, Spider
    from scrapy.core.downloader import Slot
    from scrapy.crawler import Crawler
    from scrapy.http import Response
    from scrapy.robotstxt import RobotParser

logger = logging.getLogger(__name__)

# Seconds. A server that asks for more between two pages wants no crawl at all, and gets one page
# a minute.
MAX_CRAWL_DELAY = 60.0

# Seconds that a crawl waits for a server that is busy; after more it does without the page.
MAX_RETRY_AFTER = 120.0

_ASKING_TO_WAIT = (429, 503)


class CrawlDelay:
    """Keeps the Crawl-delay of each robots.txt, where it is longer than the delay that is set."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Raise NotConfigured where robots.txt is not obeyed."""
        if not crawler.settings.getbool("ROBOTSTXT_OBEY"):
            raise NotConfigured
        extension = cls(crawler)
        crawler.signals.connect(extension.robots_parsed, signals.robots_parsed)
        return extension

    def robots_parsed(self, robotparser: RobotParser, request: Request) -> None:
        """Set the delay of the host that the file is from."""
        settings = self._crawler.settings
        agent = settings["ROBOTSTXT_USER_AGENT"] or settings["USER_AGENT"]
        asked = robotparser.crawl_delay(agent)
        if not asked or asked <= 0:
            return
        delay = min(asked, MAX_CRAWL_DELAY)
        downloader = self._crawler.engine.downloader
        key = downloader.get_slot_key(request)
        slot = downloader.slots.get(key)
        if slot is not None and slot.delay >= delay:
            return
        # For this slot, and for the one that takes its place after a minute without requests.
        wanted = {"delay": delay, "jitter": 0.0}
        downloader.per_slot_settings[key] = {**downloader.per_slot_settings.get(key, {}), **wanted}
        if slot is not None:
            slot.delay, slot.jitter = delay, 0.0
        cut = "" if delay == asked else f" (it asks for {asked:g})"
        logger.info(
            "%s: %g seconds between two pages, as its robots.txt asks%s",
            urlparse_cached(request).netloc,
            delay,
            cut,
        )


class RetryAfterMiddleware(RetryMiddleware):
    """Scrapy's own, but a busy server is left alone for as long as it asks."""

    def process_response(
        self,
        request: Request,
        response: Response,
        spider: Spider | None = None,  # noqa: ARG002 - Scrapy warns where it is handed on
    ) -> Request | Response:
        """Hold the host's queue, then retry; or give up where that would take too long."""
        wait = wanted_wait(response, time.time())
        if wait is None or request.meta.get("dont_retry", False):
            return super().process_response(request, response)
        where = urlparse_cached(request).netloc
        if wait > MAX_RETRY_AFTER:
            logger.warning(
                "%s answers %d and asks to wait %.0f seconds: doing without %s",
                *(where, response.status, wait, request.url),
            )
            return response
        result = super().process_response(request, response)
        if result is not response:
            logger.info(
                "%s answers %d and asks to wait %.0f seconds: waiting",
                *(where, response.status, wait),
            )
            self._hold(request, wait)
        return result

    def _hold(self, request: Request, wait: float) -> None:
        downloader = self.crawler.engine.downloader
        slot: Slot | None = downloader.slots.get(downloader.get_slot_key(request))
        if slot is None:
            return
        # A slot with a call due later starts nothing before.
        if slot.latercall is not None:
            slot.latercall.cancel()
        slot.latercall = call_later(wait, downloader._latercall, slot)
        slot.lastseen = max(slot.lastseen, monotonic())


def wanted_wait(response: Response, now: float) -> float | None:
    """Return the seconds that a busy server asks to wait; None for none."""
    value = response.headers.get("Retry-After")
    if response.status not in _ASKING_TO_WAIT or value is None:
        return None
    return parse_retry_after(value.decode("latin-1"), now)
