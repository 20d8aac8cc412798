"""What a person would write with Scrapy as it comes, for the same jobs as this project's spiders.

``python -m tests.benchmarks.stock_spiders links|words URL FEED [SETTING=VALUE...]``, with Scrapy's
own settings but for those that are given, each with a value in JSON.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

import scrapy
from scrapy.crawler import AsyncCrawlerProcess, CrawlerProcess

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from scrapy.http import TextResponse


class SiteSpider(scrapy.Spider):
    """Follows every link within the site."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.site = "/".join(url.split("/")[:3]) + "/"

    async def start(self) -> AsyncIterator[scrapy.Request]:
        # What start_urls does, but that would fetch the page once more when a link leads there.
        yield scrapy.Request(self.url)

    def follow(self, response: TextResponse) -> Iterator[scrapy.Request]:
        for href in response.css("a::attr(href)").getall():
            url = response.urljoin(href)
            if url.startswith(self.site):
                yield scrapy.Request(url)


class LinksSpider(SiteSpider):
    name = "stock_links"

    def parse(self, response: TextResponse, **_: Any) -> Iterator[Any]:
        for position, link in enumerate(response.css("a"), 1):
            href = link.attrib.get("href")
            yield {
                "page": response.url,
                "position": position,
                "url": None if href is None else response.urljoin(href),
                "text": " ".join("".join(link.css("::text").getall()).split()),
                "rel": link.attrib.get("rel", ""),
                "tag": link.get(),
                "attributes": dict(link.attrib),
            }
        yield from self.follow(response)


class WordsSpider(SiteSpider):
    name = "stock_words"

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.counts: Counter[str] = Counter()

    def parse(self, response: TextResponse, **_: Any) -> Iterator[Any]:
        texts = response.xpath(
            "//body//text()[not(ancestor::script or ancestor::style or ancestor::template)]"
        )
        self.counts.update("".join(texts.getall()).split())
        yield from self.follow(response)

    def closed(self, _reason: str) -> None:
        for word, count in self.counts.items():
            print(word, count, sep="\t")


def main() -> None:
    """Crawl; the words go to standard output, since the counts are known only at the end."""
    job, url, feed, *given = sys.argv[1:]
    settings: dict[str, Any] = {"FEEDS": {feed: {"format": "jsonlines"}}}
    for setting in given:
        name, _, value = setting.partition("=")
        settings[name] = json.loads(value)
    with_reactor = settings.get("TWISTED_REACTOR_ENABLED", True)
    process = (CrawlerProcess if with_reactor else AsyncCrawlerProcess)(settings)
    process.crawl({"links": LinksSpider, "words": WordsSpider}[job], url=url)
    process.start()


if __name__ == "__main__":
    main()
