from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from netcrawl.pipelines.last_items import LastItemsManager

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scrapy.crawler import Crawler


class Recorder:
    """Stands in for the scraper, and for a pipeline."""

    def __init__(self) -> None:
        self.events: list[str] = []

    async def start_itemproc_async(self, item: str, *, response: None) -> None:
        assert response is None
        self.events.append(item)

    def close_spider(self) -> None:
        self.events.append("closed")


class CountingSpider:
    def last_items(self) -> Iterator[str]:
        yield from ("one", "two")


def close(spider: object) -> list[str]:
    recorder = Recorder()
    crawler = SimpleNamespace(spider=spider, engine=SimpleNamespace(scraper=recorder))
    manager = LastItemsManager(recorder, crawler=cast("Crawler", crawler))
    asyncio.run(manager.close_spider_async())
    return recorder.events


def test_last_items_come_before_the_pipelines_close() -> None:
    assert close(CountingSpider()) == ["one", "two", "closed"]


def test_other_spiders_have_none() -> None:
    assert close(object()) == ["closed"]
