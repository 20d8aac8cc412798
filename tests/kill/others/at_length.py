"""Spiders that remember, come back when there is nothing to do, and collect files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scrapy import Request, Spider, signals
from scrapy.exceptions import DontCloseSpider

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scrapy.crawler import Crawler
    from scrapy.http import TextResponse


class CounterSpider(Spider):
    """Counts in its state, and tells the count at the end."""

    name = "counter"

    def __init__(self, site: str) -> None:
        super().__init__()
        self.site = site
        self.start_urls = [f"{site}/list/{number}" for number in range(1, 8)]
        self.state: dict[str, Any] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> CounterSpider:
        spider = super().from_crawler(crawler, *args, **kwargs)
        crawler.signals.connect(spider.idle, signals.spider_idle)
        return spider

    def parse(self, response: TextResponse) -> Iterator[Any]:
        self.state["lists"] = self.state.get("lists", 0) + 1
        for link in response.css("a::attr(href)").getall():
            if "/item/" in link:
                yield response.follow(link, self.parse_item)

    def parse_item(self, response: TextResponse) -> Iterator[Any]:
        words = response.css("body::text").getall()
        self.state["items"] = self.state.get("items", 0) + 1
        self.state.setdefault("longest", {})[response.url] = max(map(len, words), default=0)
        yield {"url": response.url}

    def idle(self) -> None:
        if "lists" in self.state and not self.state.get("is_told"):
            self.state["is_told"] = True
            assert self.crawler.engine is not None
            last = Request(f"{self.site}/common?of=last", self.tell, dont_filter=True)
            self.crawler.engine.crawl(last)
            raise DontCloseSpider

    def tell(self, _: TextResponse) -> Iterator[Any]:
        longest = sorted(self.state["longest"].items())
        yield {"lists": self.state["lists"], "items": self.state["items"], "longest": longest}


class IdleSpider(Spider):
    """Asks for the next pages when all others are done."""

    name = "idle"

    def __init__(self, site: str) -> None:
        super().__init__()
        self.start_urls = [f"{site}/list/1"]
        self.more = [f"{site}/list/{number}" for number in range(2, 7)]

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> IdleSpider:
        spider = super().from_crawler(crawler, *args, **kwargs)
        crawler.signals.connect(spider.idle, signals.spider_idle)
        return spider

    def idle(self) -> None:
        if self.more:
            assert self.crawler.engine is not None
            self.crawler.engine.crawl(Request(self.more.pop(0)))
            raise DontCloseSpider

    def parse(self, response: TextResponse) -> Iterator[Any]:
        yield {"url": response.url}
        for link in response.css("a::attr(href)").getall():
            if "/item/" in link:
                yield response.follow(link, self.parse_item)

    def parse_item(self, response: TextResponse) -> Iterator[Any]:
        yield {"url": response.url}


class MediaSpider(Spider):
    """Has Scrapy's own pipelines collect what is linked."""

    name = "media"
    custom_settings = {  # noqa: RUF012 - Scrapy's own class attribute
        "ITEM_PIPELINES": {
            "scrapy.pipelines.files.FilesPipeline": 100,
            "scrapy.pipelines.images.ImagesPipeline": 200,
        }
    }

    def __init__(self, site: str) -> None:
        super().__init__()
        self.start_urls = [f"{site}/list/{number}" for number in range(1, 5)]

    def parse(self, response: TextResponse) -> Iterator[Any]:
        for link in response.css("a::attr(href)").getall():
            if "/item/" in link:
                yield response.follow(link, self.parse_item)

    def parse_item(self, response: TextResponse) -> Iterator[Any]:
        files = response.css('a[href^="/file/"]::attr(href)').getall()
        images = response.css("img::attr(src)").getall()
        yield {
            "url": response.url,
            "file_urls": [response.urljoin(link) for link in files],
            "image_urls": [response.urljoin(link) for link in images],
        }
