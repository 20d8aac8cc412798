"""A spider that does what spiders do, and dies where it is told to: run by ``test_crash``.

``python -m tests.netcrawl.frontier.everything BASE FOLDER REACTOR STEP``: STEP is the number of the
place at which the process kills itself, 0 for none. Nothing of it is known to the frontier.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Any

from scrapy import Request, Spider
from scrapy.crawler import CrawlerProcess
from scrapy.exceptions import DropItem
from scrapy.utils.asyncio import sleep

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from typing import Self

    from scrapy.crawler import Crawler
    from scrapy.http import Response
    from twisted.python.failure import Failure

REACTORS = {
    "asyncio": "twisted.internet.asyncioreactor.AsyncioSelectorReactor",
    "select": "twisted.internet.selectreactor.SelectReactor",
}


class Steps:
    """Places at which a process may die."""

    last = 0
    taken = 0

    @classmethod
    def take(cls) -> None:
        cls.taken += 1
        if cls.taken == cls.last:
            os.kill(os.getpid(), signal.SIGKILL)


class SlowPipeline:
    """Takes its time, drops some, and asks for a page because of an item."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    async def process_item(self, item: dict[str, str]) -> dict[str, str]:
        Steps.take()
        await sleep(0.01)
        if item["kind"] == "dropped":
            raise DropItem("not wanted")
        if item["kind"] == "asks":
            request = Request(f"{item['url']}-more", self._crawler.spider.leaf, dont_filter=True)
            self._crawler.engine.crawl(request.replace(cb_kwargs={"kind": "asked"}))
        Steps.take()
        return item


class Everything(Spider):
    name = "everything"

    def __init__(self, base: str, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.base = base

    async def start(self) -> AsyncIterator[Any]:
        yield Request(f"{self.base}/page/0", cb_kwargs={"depth": 0}, dont_filter=True)
        Steps.take()
        yield {"kind": "start", "url": "kept"}
        yield {"kind": "dropped", "url": "dropped"}
        await sleep(0.02)
        for number in range(3):
            Steps.take()
            yield Request(f"{self.base}/start/{number}", self.leaf, cb_kwargs={"kind": "start"})
        yield Request(f"{self.base}/start/l", lambda response: self.leaf(response, "start-lambda"))

    def parse(self, response: Response, depth: int = 0) -> Iterator[Any]:
        self.state["pages"] = self.state.get("pages", 0) + 1
        Steps.take()
        yield {"kind": "page", "url": response.url}
        if depth < 2:
            for number in range(2):
                yield response.follow(f"{response.url}-{number}", cb_kwargs={"depth": depth + 1})
                Steps.take()
                # The same page again and again, and each time it counts.
                yield self.to_leaf(f"{response.url}-same", "same", dont_filter=True)
            # A duplicate, which both halves of the tree lead to.
            yield self.to_leaf(f"{self.base}/page/shared", "shared")
        else:
            name = response.url.rpartition("/")[2]
            yield self.to_leaf(f"{self.base}/redirect/{name}", "redirected")
            yield self.to_leaf(f"{self.base}/flaky/{name}", "retried")
            yield self.to_leaf(f"{self.base}/missing/{name}", "missing").replace(errback=self.tell)
            yield Request(f"{self.base}/page/slow-{name}", self.slow_leaf, priority=3)
            yield Request(f"{self.base}/page/l", lambda response: self.leaf(response, "lambda"))
            yield {"kind": "asks", "url": response.url}
        yield {"kind": "dropped", "url": response.url}

    def to_leaf(self, url: str, kind: str, **options: Any) -> Request:
        return Request(url, self.leaf, cb_kwargs={"kind": kind}, **options)

    def leaf(self, response: Response, kind: str) -> Iterator[Any]:
        Steps.take()
        yield {"kind": kind, "url": response.url}
        if kind == "lambda":
            Steps.take()
            yield self.to_leaf(f"{response.url}-child", "lambdas", dont_filter=True)

    async def slow_leaf(self, response: Response) -> AsyncIterator[Any]:
        await sleep(0.01)
        Steps.take()
        yield {"kind": "slow", "url": response.url}
        await sleep(0.01)
        yield self.to_leaf(f"{self.base}/page/after", "after", dont_filter=True)

    def tell(self, failure: Failure) -> Iterator[Any]:
        Steps.take()
        url = failure.value.response.url  # type: ignore[union-attr]
        yield {"kind": "told", "url": url}
        told = f"{self.base}/page/told-{url.rpartition('/')[2]}"
        self.crawler.engine.crawl(self.to_leaf(told, "from-errback", dont_filter=True))

    def closed(self, reason: str) -> None:
        print(reason, self.state.get("pages"), Steps.taken, flush=True)


def main(base: str, folder: str, reactor: str, step: str) -> int:
    """Crawl."""
    Steps.last = int(step)
    settings = {
        "JOBDIR": folder,
        "SCHEDULER": "netcrawl.frontier.scheduler.FrontierScheduler",
        "EXTENSIONS": {"netcrawl.frontier.extension.FrontierJob": -100},
        "ITEM_PIPELINES": {SlowPipeline: 1},
        "TWISTED_REACTOR": REACTORS[reactor],
        "TELNETCONSOLE_ENABLED": False,
        "LOG_LEVEL": "ERROR",
        "FRONTIER_COMMIT_SECONDS": 0.02,
        "FRONTIER_HOLD_SECONDS": 0.05,
    }
    process = CrawlerProcess(settings)
    process.crawl(Everything, base=base)
    process.start()
    return int(process.bootstrap_failed)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
