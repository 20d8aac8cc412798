"""Items that a spider has only when all pages are done, such as counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from netcrawl.frontier.last_items import making_last_items
from netcrawl.pipelines.direct import DirectItemManager

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


@runtime_checkable
class HasLastItems(Protocol):
    """A spider with items at the end."""

    def last_items(self) -> Iterator[Any]:
        """Yield them; called once, when the last callback is done."""
        ...


class LastItemsManager(DirectItemManager):
    """Takes them for ITEM_PROCESSOR, however the crawl came to its end.

    Scrapy takes items from callbacks. A last request, made when the spider is idle, would have one,
    but there is none when a spider is closed early: by Ctrl-C, or because it has enough pages.
    """

    async def close_spider_async(self) -> None:
        """Let the last items through the pipelines, then close those."""
        assert self.crawler is not None
        spider: object = self.crawler.spider
        if isinstance(spider, HasLastItems):
            assert self.crawler.engine is not None
            with making_last_items():
                for item in spider.last_items():
                    await self.crawler.engine.scraper.start_itemproc_async(item, response=None)
        await super().close_spider_async()
