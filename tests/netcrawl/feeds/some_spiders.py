"""A spider with items at the end of each run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scrapy import Request, Spider

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from typing import Any

    from scrapy.http import Response


class CountingSpider(Spider):
    """Follows every link, and counts the pages of this run."""

    name = "counting"
    custom_settings = {"ITEM_PROCESSOR": "netcrawl.pipelines.last_items.LastItemsManager"}  # noqa: RUF012 - Scrapy's

    def __init__(self, url: str = "", **given: Any) -> None:
        super().__init__(**given)
        self.url = url
        self.pages = 0

    async def start(self) -> AsyncIterator[Request]:
        yield Request(self.url)

    def parse(self, response: Response, **_: Any) -> Iterator[Any]:
        self.pages += 1
        yield {"page": response.url, "total": None}
        for url in response.css("a::attr(href)").getall():
            yield response.follow(url)

    def last_items(self) -> Iterator[dict[str, Any]]:
        yield {"page": None, "total": self.pages}
