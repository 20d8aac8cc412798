"""Scrapy's spider middlewares for requests as one layer.

Whatever a callback yields goes through every spider middleware, each an asynchronous generator
within others. Five of Scrapy's only ever look at requests; an item that passes them pays for all
five, and on a page of links there are many more items than requests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scrapy import Request
from scrapy.exceptions import NotConfigured
from scrapy.spidermiddlewares.depth import DepthMiddleware
from scrapy.spidermiddlewares.metacopy import MetaCopyDetectionMiddleware
from scrapy.spidermiddlewares.referer import NoReferrerPolicy, RefererMiddleware
from scrapy.spidermiddlewares.start import StartSpiderMiddleware
from scrapy.spidermiddlewares.urllength import UrlLengthMiddleware
from scrapy.utils.misc import build_from_crawler

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from typing import Any, Self

    from scrapy import Spider
    from scrapy.crawler import Crawler
    from scrapy.http import Response
    from scrapy.spidermiddlewares.base import BaseSpiderMiddleware


# In the order in which a request comes through them.
REQUEST_MIDDLEWARES: tuple[type[BaseSpiderMiddleware], ...] = (
    MetaCopyDetectionMiddleware,
    DepthMiddleware,
    UrlLengthMiddleware,
    RefererMiddleware,
    StartSpiderMiddleware,
)


class OutgoingRequestsMiddleware(RefererMiddleware):
    """Does what they do, with their own code and settings, in one pass.

    It is the RefererMiddleware itself: redirects and pipelines look for one.
    """

    def __init__(self, crawler: Crawler) -> None:
        """Leave out what the settings switch off."""
        super().__init__(crawler.settings)
        self._refers = crawler.settings.getbool("REFERER_ENABLED")
        if not self._refers:
            self.default_policy = NoReferrerPolicy
        self._middlewares: list[BaseSpiderMiddleware] = []
        for middleware in REQUEST_MIDDLEWARES:
            try:
                self._middlewares.append(
                    self
                    if middleware is RefererMiddleware
                    else build_from_crawler(middleware, crawler)
                )
            except NotConfigured:
                continue

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Take what the settings say."""
        return cls(crawler)

    async def process_start(self, start: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """Pass on what the spider starts with."""
        async for output in start:
            if (passed := self._passed(output, None)) is not None:
                yield passed

    def process_spider_output(
        self,
        response: Response | None,
        result: Iterable[Any],
        spider: Spider | None = None,  # noqa: ARG002 - Scrapy's signature
    ) -> Iterable[Any]:
        """Pass on what a callback yields."""
        self._note(response)
        for output in result:
            if (passed := self._passed(output, response)) is not None:
                yield passed

    async def process_spider_output_async(
        self,
        response: Response | None,
        result: AsyncIterator[Any],
        spider: Spider | None = None,  # noqa: ARG002 - Scrapy's signature
    ) -> AsyncIterator[Any]:
        """Pass on what a callback yields."""
        self._note(response)
        async for output in result:
            if (passed := self._passed(output, response)) is not None:
                yield passed

    def get_processed_request(self, request: Request, response: Response | None) -> Request | None:
        """Say where the request comes from, also for redirects."""
        return super().get_processed_request(request, response) if self._refers else request

    def _note(self, response: Response | None) -> None:
        """Let those begin that note something about the response before there is any output."""
        for middleware in self._middlewares:
            if middleware is not self:
                for _ in middleware.process_spider_output(response, ()):
                    pass

    def _passed(self, output: Any, response: Response | None) -> Any:
        if not isinstance(output, Request):
            return output
        request: Request = output
        for middleware in self._middlewares:
            processed = middleware.get_processed_request(request, response)
            if processed is None:
                return None
            request = processed
        return request
