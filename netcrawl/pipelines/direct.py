"""Items on the straight way from a callback to the feed.

Scrapy tells of each item with a signal whose every receiver becomes a task of its own, and it has
two of its own on every item: the count in the stats, and the feed. On a page of links, that is most
of what the page costs.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from pydispatch.errors import DispatcherKeyError
from scrapy import Request, signals
from scrapy.exceptions import NotConfigured
from scrapy.extensions.corestats import CoreStats
from scrapy.extensions.feedexport import FeedExporter
from scrapy.pipelines import ItemPipelineManager

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable
    from typing import Any, Self

    from scrapy import Spider
    from scrapy.crawler import Crawler
    from scrapy.http import Response

logger = logging.getLogger(__name__)

# Extensions that are called with each item; everybody else hears the signal as ever.
_CALLED = (CoreStats, FeedExporter)

# Outputs of one page after which others have their turn.
_MANY = 100


class DirectItemManager(ItemPipelineManager):
    """Scrapy's own for ITEM_PROCESSOR, which itself calls those that want every item."""

    def __init__(self, *middlewares: Any, crawler: Crawler | None = None) -> None:
        super().__init__(*middlewares, crawler=crawler)
        self._called: list[Callable[[Any, Spider], Any]] = []

    async def open_spider_async(self) -> None:
        """Open the pipelines; take those off the signal that are called from now on."""
        crawler = self.crawler
        assert crawler is not None
        for kind in _CALLED:
            extension: Any = crawler.get_extension(kind)
            if extension is None or asyncio.iscoroutinefunction(extension.item_scraped):
                continue
            try:
                crawler.signals.disconnect(extension.item_scraped, signals.item_scraped)
            except DispatcherKeyError:
                continue  # it does not listen
            self._called.append(extension.item_scraped)
        await super().open_spider_async()

    async def process_item_async(self, item: Any) -> Any:
        """Return the item as it leaves the last pipeline."""
        if self.methods["process_item"]:
            item = await super().process_item_async(item)
        assert self.crawler is not None
        spider = self.crawler.spider
        assert spider is not None
        for called in self._called:
            try:
                called(item, spider)
            except Exception:
                # What Scrapy does about a receiver of a signal.
                logger.exception(
                    "Error caught on signal handler: %s", called, extra={"spider": spider}
                )
        return item


class DirectOutputMiddleware:
    """What a callback yields goes on at once, not into a queue for one worker.

    It belongs before all other spider middlewares, nearest to the engine: everything went through
    those when it comes here.
    """

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Raise NotConfigured unless items of a page are to be processed one by one."""
        if crawler.settings.getint("CONCURRENT_ITEMS") != 1:
            raise NotConfigured
        return cls(crawler)

    async def process_spider_output(
        self, response: Response, result: AsyncIterator[Any] | Iterable[Any]
    ) -> AsyncIterator[Any]:
        """Schedule requests, process items, and yield nothing."""
        engine = self._crawler.engine
        assert engine is not None
        number = 0
        async for output in result:  # type: ignore[union-attr]  # an asynchronous method has those
            if isinstance(output, Request):
                engine.crawl(output)
            elif output is not None:
                await engine.scraper.start_itemproc_async(output, response=response)
            number += 1
            if number % _MANY == 0:
                await asyncio.sleep(0)
        nothing: tuple[Any, ...] = ()
        for output in nothing:
            yield output  # which makes it a generator
