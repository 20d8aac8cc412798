"""Spiders as people write them, each with a part of Scrapy that a crash can hurt."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from scrapy import FormRequest, Request, Spider
from scrapy.linkextractors import LinkExtractor
from scrapy.spidermiddlewares.httperror import HttpError
from scrapy.spiders import CrawlSpider, Rule, SitemapSpider

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from scrapy.http import Response, TextResponse
    from twisted.python.failure import Failure


class RulesSpider(CrawlSpider):
    """Follows everything: redirects, pages that fail at first or for good, and duplicates."""

    name = "rules"
    rules = (
        Rule(LinkExtractor(allow=r"/(item|flaky|far|old)/"), callback="parse_item", follow=True),
        Rule(LinkExtractor(allow=r"/(list|gone|broken)/"), callback="parse_list", follow=True),
    )

    def __init__(self, site: str) -> None:
        super().__init__()
        self.start_urls = [f"{site}/"]

    def parse_item(self, response: TextResponse) -> dict[str, Any]:
        return {"url": response.url, "title": response.css("title::text").get()}

    def parse_list(self, response: TextResponse) -> Iterator[dict[str, Any]]:
        for position, link in enumerate(response.css("a::attr(href)").getall()):
            yield {"url": response.url, "position": position, "link": link}


class MapSpider(SitemapSpider):
    """Reads the list of pages first."""

    name = "map"
    sitemap_rules = (("/item/", "parse"),)

    def __init__(self, site: str) -> None:
        super().__init__()
        self.sitemap_urls = [f"{site}/map/0.xml"]

    def parse(self, response: TextResponse) -> Iterator[dict[str, Any]]:
        yield {"url": response.url, "title": response.css("title::text").get()}


class CatalogueSpider(Spider):
    """Pages of a list, one leading to the next, with all that a request can carry."""

    name = "catalogue"

    def __init__(self, site: str) -> None:
        super().__init__()
        self.site = site

    async def start(self) -> AsyncIterator[Any]:
        yield Request(f"{self.site}/list/1", self.parse_list, cb_kwargs={"number": 1})

    def parse_list(self, response: TextResponse, number: int) -> Iterator[Any]:
        yield Request(
            f"{self.site}/common", self.parse_common, cb_kwargs={"of": number}, dont_filter=True
        )
        yield FormRequest(
            f"{self.site}/search",
            self.parse_item,
            formdata={"list": str(number)},
            cb_kwargs={"where": [number, "search"]},
        )
        for position, link in enumerate(response.css("a::attr(href)").getall()):
            if link == f"/list/{number + 1}":
                yield response.follow(
                    link,
                    self.parse_list,
                    cb_kwargs={"number": number + 1},
                    priority=5,
                    dont_filter=True,
                )
            elif not link.startswith("/old/"):  # which of two ways to a page is faster varies
                yield response.follow(
                    link,
                    self.parse_item,
                    errback=self.fail,
                    cb_kwargs={"where": [number, link]},
                    meta={"deep": {"position": position}},
                    priority=position % 3 - 1,
                )

    def parse_common(self, response: Response, of: int) -> Iterator[Any]:
        yield {"url": response.url, "of": of}

    def parse_item(self, response: TextResponse, where: list[Any]) -> Iterator[Any]:
        # Of two lists that have the same link, the first is always first.
        yield {"url": response.url, "where": where[0]}

    def fail(self, failure: Failure) -> Iterator[Any]:
        request: Request = failure.request  # type: ignore[attr-defined]
        status = failure.value.response.status if failure.check(HttpError) else None
        yield {"failed": request.url, "status": status, "where": request.cb_kwargs["where"]}
        yield Request(
            f"{self.site}/common?of={status}",
            self.parse_common,
            cb_kwargs={"of": request.cb_kwargs["where"][0]},
            dont_filter=True,
        )


class AsyncSpider(Spider):
    """Waits in callbacks and in pipelines, and asks for pages in the midst of a callback."""

    name = "async"
    custom_settings = {  # noqa: RUF012 - Scrapy's own class attribute
        "ITEM_PIPELINES": {
            "tests.kill.others.pipelines.SlowPipeline": 100,
            "tests.kill.others.pipelines.DroppingPipeline": 200,
            "tests.kill.others.pipelines.MarkingPipeline": 300,
        }
    }

    def __init__(self, site: str) -> None:
        super().__init__()
        self.site = site

    async def start(self) -> AsyncIterator[Any]:
        for number in range(1, 10):
            yield Request(f"{self.site}/list/{number}")

    async def parse(self, response: TextResponse) -> AsyncIterator[Any]:
        for link in response.css("a::attr(href)").getall():
            await asyncio.sleep(0.002)
            if link.startswith("/item/"):
                yield response.follow(link, self.parse_item)
        yield {"url": response.url}

    async def parse_item(self, response: TextResponse) -> list[Any]:
        assert self.crawler.engine is not None
        if response.css("title::text").get("").endswith("5"):
            aside = Request(f"{self.site}/common?of={response.url[-2:]}")
            await self.crawler.engine.download_async(aside)
        await asyncio.sleep(0.01)
        return [{"url": response.url, "part": part} for part in range(3)]


class StartsSpider(Spider):
    """Starts as a stream: requests and items in turn, the same request more than once."""

    name = "starts"

    def __init__(self, site: str) -> None:
        super().__init__()
        self.site = site

    async def start(self) -> AsyncIterator[Any]:
        for number in range(70):
            if number % 6 == 2:
                yield {"start": number}
            yield Request(
                f"{self.site}/item/{number % 50}",
                self.parse_start,
                cb_kwargs={"number": number},
                dont_filter=number % 3 == 0,
            )
            if number % 5 == 0:
                yield Request(
                    f"{self.site}/common",
                    self.parse_start,
                    cb_kwargs={"number": number},
                    dont_filter=True,
                )
            if number % 4 == 0:
                await asyncio.sleep(0.05)
        for _ in range(3):
            yield {"start": "the same"}

    def parse_start(self, response: TextResponse, number: int) -> Iterator[Any]:
        yield {"url": response.url, "number": number}
        for link in response.css("a::attr(href)").getall():
            yield response.follow(f"{link}?linked", self.parse_linked)

    def parse_linked(self, response: TextResponse) -> Iterator[Any]:
        yield {"linked": response.url}


class RaisingSpider(Spider):
    """Has a bug that shows on some pages only, after half of what they lead to."""

    name = "raising"

    def __init__(self, site: str) -> None:
        super().__init__()
        self.start_urls = [f"{site}/list/{number}" for number in range(1, 6)]

    def parse(self, response: TextResponse) -> Iterator[Any]:
        links = response.css("a::attr(href)").getall()
        for position, link in enumerate(links):
            yield {"url": response.url, "link": link}
            yield response.follow(link, self.parse_item, dont_filter=position % 5 == 0)
            if position == 6 and response.url.endswith("3"):
                raise ValueError(response.url)

    def parse_item(self, response: TextResponse) -> Iterator[Any]:
        title = response.css("title::text").get("")
        yield {"title": title, "half": 1}
        if title.endswith("7"):
            raise KeyError(title)
        yield {"title": title, "half": 2}


class LambdaSpider(Spider):
    """Has callbacks that nothing can write down."""

    name = "lambdas"

    def __init__(self, site: str) -> None:
        super().__init__()
        self.site = site

    async def start(self) -> AsyncIterator[Any]:
        for number in range(1, 7):
            url = f"{self.site}/list/{number}"
            # Some starts cannot be written down themselves.
            yield Request(url, (lambda r: self.parse(r)) if number % 3 == 0 else self.parse)

    def parse(self, response: TextResponse) -> Iterator[Any]:
        for position, link in enumerate(response.css("a::attr(href)").getall()):
            yield response.follow(
                f"{link}?of={response.url[-1]}",
                lambda found, position=position: self.found(found, position),
                dont_filter=position == 0,
            )
        yield {"list": response.url}

    def found(self, response: TextResponse, position: int) -> Iterator[Any]:
        yield {"url": response.url, "position": position}
        for link in response.css("a::attr(href)").getall():
            yield response.follow(f"{link}?end={position}", self.end)

    def end(self, response: TextResponse) -> Iterator[Any]:
        yield {"end": response.url}
