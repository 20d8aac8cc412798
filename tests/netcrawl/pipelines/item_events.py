"""A crawl of data: URLs that tells what becomes of its items.

``python -m tests.netcrawl.pipelines.item_events SETTINGS``, in JSON, as is what it prints.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any

from scrapy import Request, Spider, signals
from scrapy.crawler import AsyncCrawlerProcess
from scrapy.exceptions import DropItem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from scrapy.crawler import Crawler
    from scrapy.http import Response

TOLD: dict[str, Any] = {"signals": [], "pages": [], "turns": 0, "outputs": 0}

# Of the stats, what does not depend on the clock.
_STATS = ("item_", "scheduler/", "spider_exceptions", "response_received", "finish_reason")


class Pipeline:
    """Drops one item, fails at another, changes a third, and waits for a fourth."""

    async def process_item(self, item: dict[str, Any]) -> dict[str, Any]:
        match item["name"]:
            case "dropped":
                raise DropItem("dropped")
            case "failing":
                raise ValueError("bad pipeline")
            case "slow":
                await asyncio.sleep(0.01)
        return {**item, "piped": True}


class Outermost:
    """Sees what is left for the engine."""

    async def process_spider_output(
        self,
        response: Response,  # noqa: ARG002 - Scrapy's signature
        result: AsyncIterator[Any],
    ) -> AsyncIterator[Any]:
        async for output in result:
            TOLD["outputs"] += 1
            yield output


class ItemsSpider(Spider):
    name = "items"

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **given: Any) -> ItemsSpider:
        spider = super().from_crawler(crawler, *args, **given)
        for name in ("item_scraped", "item_dropped", "item_error"):
            crawler.signals.connect(spider.receiver(name), getattr(signals, name), weak=False)
        crawler.signals.connect(spider.fail, signals.item_scraped)
        return spider

    def receiver(self, name: str) -> Any:
        async def receive(item: dict[str, Any], response: Response | None) -> None:
            await asyncio.sleep(0)
            TOLD["signals"].append([name, item, response.url if response else None])

        return receive

    def fail(self, item: dict[str, Any]) -> None:
        if item["name"] == "first":
            raise ValueError("bad receiver")

    async def start(self) -> AsyncIterator[Any]:
        yield {"name": "at the start"}
        yield Request("data:,one")

    def parse(self, response: Response, **_: Any) -> Iterator[Any]:
        TOLD["pages"].append(response.url)
        for name in ("first", "dropped", "failing", "slow"):
            yield {"name": name}
        yield Request("data:,two", self.parse_async)
        yield None
        yield Request("data:,three", self.parse_badly)
        if many := self.settings.getint("MANY"):
            ticker = asyncio.ensure_future(_tick())
            for number in range(many):
                yield {"name": number}
            ticker.cancel()

    async def parse_async(self, response: Response) -> AsyncIterator[Any]:
        TOLD["pages"].append(response.url)
        yield {"name": "asynchronous"}
        yield Request("data:,one")  # it was there

    def parse_badly(self, response: Response) -> Iterator[Any]:
        TOLD["pages"].append(response.url)
        yield {"name": "before"}
        yield {"name": "it fails"}
        raise ValueError("bad callback")


async def _tick() -> None:
    while True:
        TOLD["turns"] += 1
        await asyncio.sleep(0)


def main() -> None:
    settings = json.loads(sys.argv[1])
    settings |= {"ITEM_PIPELINES": {Pipeline: 1}, "TWISTED_REACTOR_ENABLED": False}
    settings |= {"CONCURRENT_REQUESTS": 1, "TELNETCONSOLE_ENABLED": False}
    if settings.pop("TELL_QUEUES", False):
        settings["SPIDER_MIDDLEWARES"][Outermost] = -1
    process = AsyncCrawlerProcess(settings)
    crawler = process.create_crawler(ItemsSpider)
    process.crawl(crawler)
    process.start()
    assert crawler.stats
    stats = crawler.stats.get_stats()
    TOLD["stats"] = {key: value for key, value in stats.items() if key.startswith(_STATS)}
    TOLD["signals"].sort(key=str)
    print(json.dumps(TOLD))


if __name__ == "__main__":
    main()
