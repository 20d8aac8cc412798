"""A chain of pages in an engine that asks in each turn of the loop whether it is idle."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Self

from scrapy import Request, Spider, signals

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from scrapy.crawler import Crawler
    from scrapy.http import TextResponse

LENGTH = 20


class Hurried(Spider):
    name = "hurried"

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        spider = super().from_crawler(crawler, *args, **kwargs)
        crawler.signals.connect(spider.hurry, signals.spider_opened)
        return spider

    def hurry(self) -> None:
        self.hurrying = asyncio.ensure_future(self.ask())

    async def ask(self) -> None:
        assert self.crawler.engine is not None
        while (slot := self.crawler.engine._slot) is not None:
            slot.nextcall.schedule()
            await asyncio.sleep(0)

    async def start(self) -> AsyncIterator[Any]:
        yield Request("data:,1")

    def parse(self, response: TextResponse) -> Iterator[Any]:
        number = int(response.text)
        yield {"page": response.text}
        if number < LENGTH:
            yield Request(f"data:,{number + 1}")
