"""A crawl that tells all that happens in its downloader, in order.

``python -m tests.netcrawl.download.downloader_events DOWNLOADER URL REACTOR`` prints JSON. One
request is on its way at a time; REACTOR is asyncio, select or none.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any

from scrapy import Request, Spider, signals
from scrapy.crawler import AsyncCrawlerProcess, CrawlerProcess
from scrapy.exceptions import IgnoreRequest
from scrapy.http import HtmlResponse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from scrapy.crawler import Crawler
    from scrapy.http import Response

EVENTS: list[list[object]] = []

PATHS = (
    *("/", "/moved", "/busy", "/missing", "/closed", "/made", "/made-later", "/instead"),
    *("/ignored", "/failed", "/mended", "/again", "/again-later", "/nonsense", "/nonsense-back"),
)


def path_of(request: Request) -> str:
    return "/" + request.url.split("/", 3)[3]


class Meddler:
    """Does with each path what the path says."""

    def __init__(self, name: str) -> None:
        self.name = name

    def note(self, what: str, request: Request) -> None:
        EVENTS.append([f"{self.name}.{what}", path_of(request)])


class First(Meddler):
    def __init__(self) -> None:
        super().__init__("first")

    def process_request(self, request: Request) -> Any:
        self.note("request", request)
        path = path_of(request)
        if path == "/made":
            return HtmlResponse(request.url, body=b"made")
        if path == "/instead":
            return Request(request.url + "/2", callback=request.callback)
        if path == "/ignored":
            raise IgnoreRequest("ignored")
        return "nonsense" if path == "/nonsense" else None

    def process_response(self, request: Request, response: Response) -> Any:
        self.note("response", request)
        if path_of(request) == "/again":
            return request.replace(url=request.url + "/2")
        return None if path_of(request) == "/nonsense-back" else response

    def process_exception(self, request: Request, exception: Exception) -> Any:
        self.note(f"exception {type(exception).__name__}", request)
        return HtmlResponse(request.url, body=b"mended") if "mended" in request.url else None


class Second(Meddler):
    """Waits in each of its methods, as a coroutine may."""

    def __init__(self) -> None:
        super().__init__("second")

    async def process_request(self, request: Request) -> Any:
        await asyncio.sleep(0)
        self.note("request", request)
        if path_of(request) == "/made-later":
            return HtmlResponse(request.url, body=b"made later")
        if path_of(request) in ("/failed", "/mended"):
            raise ValueError("failed")
        return None

    async def process_response(self, request: Request, response: Response) -> Any:
        await asyncio.sleep(0)
        self.note("response", request)
        if path_of(request) == "/again-later":
            return request.replace(url=request.url + "/2")
        return response


class Old(Meddler):
    """As they were written for years."""

    def __init__(self) -> None:
        super().__init__("old")

    def process_request(self, request: Request, spider: Spider) -> None:
        self.note(f"request of {spider.name}", request)


class EventsSpider(Spider):
    name = "events"

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **given: Any) -> EventsSpider:
        spider = super().from_crawler(crawler, *args, **given)
        for name in (
            *("request_reached_downloader", "response_downloaded", "request_left_downloader"),
            *("response_received", "request_dropped"),
        ):
            crawler.signals.connect(spider.receiver(name), getattr(signals, name), weak=False)
        return spider

    def receiver(self, name: str) -> Callable[..., None]:
        def receive(request: Request) -> None:
            assert self.crawler.engine is not None
            downloader = self.crawler.engine.downloader
            slots = [
                [key, len(slot.active), len(slot.queue), len(slot.transferring)]
                for key, slot in downloader.slots.items()
            ]
            EVENTS.append([name, path_of(request), len(downloader.active), slots])

        return receive

    def __init__(self, url: str) -> None:
        super().__init__()
        self.base = url

    async def start(self) -> AsyncIterator[Request]:
        for number, path in enumerate(PATHS):
            yield Request(self.base + path, self.parse, errback=self.fail, priority=-number)

    def parse(self, response: Response, **_: Any) -> None:
        EVENTS.append(["page", response.url.removeprefix(self.base), response.text])

    def fail(self, failure: Any) -> None:
        EVENTS.append(["failure", failure.type.__name__, path_of(failure.request)])


def main() -> None:
    downloader, url, reactor = sys.argv[1:]
    middlewares: dict[type, int] = {First: 50, Old: 950}
    if reactor != "select":
        middlewares[Second] = 900  # which needs asyncio
    settings: dict[str, Any] = {
        "DOWNLOADER": downloader,
        "DOWNLOADER_MIDDLEWARES": middlewares,
        "CONCURRENT_REQUESTS": 1,
        "RETRY_TIMES": 1,
        "LOG_LEVEL": "CRITICAL",
    }
    process: CrawlerProcess | AsyncCrawlerProcess
    if reactor == "select":
        settings["TWISTED_REACTOR"] = "twisted.internet.selectreactor.SelectReactor"
        process = CrawlerProcess(settings)
    else:
        settings["TWISTED_REACTOR_ENABLED"] = reactor != "none"
        process = AsyncCrawlerProcess(settings)
    process.crawl(EventsSpider, url=url)
    process.start()
    print(json.dumps(EVENTS))


if __name__ == "__main__":
    main()
