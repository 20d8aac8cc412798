"""A spider that does not get to the end of one of its pages, in the first run of a job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scrapy import Request, Spider
from scrapy.exceptions import CloseSpider

from netcrawl.frontier.notes import notes_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from scrapy.http import TextResponse


class GivingBack(Spider):
    name = "giving-back"

    async def start(self) -> AsyncIterator[Any]:
        for number in range(3):
            yield Request(f"data:,{number}")

    def parse(self, response: TextResponse) -> Iterator[Any]:
        notes = notes_of(self.crawler)
        earlier = [*notes.read("seen")], [*notes.items()]
        notes.add("seen", response.body, str(len(earlier[0])).encode())
        yield {"page": response.text}
        yield Request(f"data:,below-{response.text}", self.below, dont_filter=True)
        if response.text == "1" and notes.are_kept and not self.crawler.settings["AGAIN"]:
            notes.give_back()
            raise CloseSpider("no more time")

    def below(self, response: TextResponse) -> Iterator[Any]:
        yield {"page": response.text}
