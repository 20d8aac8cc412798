"""Spiders that know nothing of this project, each with another end."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

from scrapy import Request, Spider
from scrapy.exceptions import CloseSpider

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from scrapy.http import Response


class OtherSpider(Spider):
    """Yields one item for the page at ``url``."""

    name = "other"
    url: str

    async def start(self) -> AsyncIterator[Any]:
        yield Request(self.url)

    def parse(self, response: Response) -> Iterator[Any]:
        yield {"url": response.url}


class RaisingSpider(OtherSpider):
    name = "raising"

    def parse(self, response: Response) -> Iterator[Any]:
        yield {"url": response.url}
        raise RuntimeError("a bug")


class RaisingAtStartSpider(Spider):
    name = "raising-at-start"

    async def start(self) -> AsyncIterator[Any]:
        raise RuntimeError("a bug")
        yield


class ClosingSpider(OtherSpider):
    name = "closing"

    def parse(self, response: Response) -> Iterator[Any]:
        yield {"url": response.url}
        raise CloseSpider("bandwidth_exceeded")


class IdleSpider(Spider):
    name = "idle"

    async def start(self) -> AsyncIterator[Any]:
        for nothing in ():
            yield nothing


class FrozenSpider(OtherSpider):
    """Yields how much the garbage collector leaves alone."""

    name = "frozen"

    def parse(self, response: Response) -> Iterator[Any]:
        yield {"url": response.url, "objects": gc.get_freeze_count()}


class BrokenSpider(Spider):
    name = "broken"

    def __init__(self) -> None:
        raise RuntimeError("no such luck")


class FailingPipeline:
    """Raises for every item."""

    def process_item(self, item: object) -> object:
        raise RuntimeError(f"a bug with {item}")
