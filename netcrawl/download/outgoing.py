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
from scrapy.spidermiddlewares.referer import RefererMiddleware
from scrapy.spidermiddlewares.start import StartSpiderMiddleware
from scrapy.spidermiddlewares.urllength import UrlLengthMiddleware
from scrapy.utils.misc import build_from_crawler

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from typing import Any, Self

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


class OutgoingRequestsMiddleware:
    """Does what they do, with their own code and settings, in one pass."""

    def __init__(self, middlewares: list[BaseSpiderMiddleware]) -> None:
        self._middlewares = middlewares

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Leave out what the settings switch off."""
        middlewares = []
        for middleware in REQUEST_MIDDLEWARES:
            try:
                middlewares.append(build_from_crawler(middleware, crawler))
            except NotConfigured:
                continue
        return cls(middlewares)

    async def process_start(self, start: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """Pass on what the spider starts with."""
        async for output in start:
            if (passed := self._passed(output, None)) is not None:
                yield passed

    async def process_spider_output(
        self, response: Response, result: AsyncIterator[Any]
    ) -> AsyncIterator[Any]:
        """Pass on what a callback yields."""
        for middleware in self._middlewares:
            # Some note something about the response before there is any output.
            for _ in middleware.process_spider_output(response, ()):
                pass
        async for output in result:
            if (passed := self._passed(output, response)) is not None:
                yield passed

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
