"""A spider that is closed by its callbacks, in the middle of a page, in the first run of a job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scrapy import Request, Spider
from scrapy.exceptions import CloseSpider

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from scrapy.http import TextResponse


class Closing(Spider):
    name = "closing"

    async def start(self) -> AsyncIterator[Any]:
        match self.way:  # type: ignore[attr-defined]  # an argument
            case "a page":
                yield Request("data:,0")
            case "at once":
                yield Request("data:,0", self.parse_at_once)
            case "errback":
                url = "file:///no/such/file"
                yield Request(url, errback=self.missed, meta={"dont_retry": True})

    def parse(self, response: TextResponse) -> Iterator[Any]:
        number = int(response.text)
        yield {"page": f"{number}, above"}
        if number == 2:
            self.close_now()
        yield {"page": f"{number}, below"}
        if number < 3:
            yield Request(f"data:,{number + 1}")

    async def parse_at_once(self, _: object) -> list[Any]:
        self.close_now()
        return [{"page": "at once"}]

    def missed(self, _: object) -> list[Any]:
        self.close_now()
        return [{"page": "missed"}]

    def close_now(self) -> None:
        if not self.crawler.settings["AGAIN"]:
            raise CloseSpider("for now")
