"""A crawl of bodies on disk, in a process of its own, that says what it sees of them.

``python -m tests.netcrawl.download.spooling_crawl FOLDER URL NAME...``: with the folder for the
files, and what to request below the URL, one after another; the names say what becomes of each.
Each line on standard output is JSON: where, and how many files there are.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scrapy import Request, Spider, signals
from scrapy.crawler import CrawlerProcess
from scrapy.exceptions import DontCloseSpider, IgnoreRequest

from netcrawl.download.spooled import SpooledResponse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from typing import Self

    from scrapy.crawler import Crawler
    from scrapy.http import Response

FOLDER, URL, *NAMES = sys.argv[1:] if __name__ == "__main__" else ("", "")


def tell(where: str) -> None:
    """Print how many bodies there are."""
    bodies = [path for path in Path(FOLDER).glob("netcrawl-spool-*/*") if path.name != "lock"]
    print(json.dumps([where, len(bodies)]), flush=True)


class Pipeline:
    async def process_item(self, item: dict[str, Any]) -> dict[str, Any]:
        await asyncio.sleep(0.05)
        assert item["path"].read_bytes() == b"body of item"
        tell("pipeline")
        return item


class Middleware:
    def process_response(self, request: Request, response: Response) -> Response:
        if request.url.endswith("/dropped"):
            assert isinstance(response, SpooledResponse)
            raise IgnoreRequest("not wanted")
        return response


class SpoolingSpider(Spider):
    name = "spooling"

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        spider = super().from_crawler(crawler, *args, **kwargs)
        crawler.signals.connect(spider.idle, signals.spider_idle)
        return spider

    async def start(self) -> AsyncIterator[Any]:
        self.left = NAMES
        yield self.next_request()

    def next_request(self) -> Request:
        self.current, *self.left = self.left
        return Request(
            f"{URL}/{self.current}",
            meta={"spool": True},
            callback=self.look,
            errback=self.fail,
        )

    def idle(self) -> None:
        if self.current in ("error", "dropped"):
            gc.collect()  # their tracebacks hold it; the handler would do so after some seconds
        tell("idle")
        if self.left:
            assert self.crawler.engine is not None
            self.crawler.engine.crawl(self.next_request())
            raise DontCloseSpider

    def look(self, response: Response) -> Iterator[Any]:
        name = response.url.rpartition("/")[2]
        tell(name)
        assert isinstance(response, SpooledResponse)
        if name == "item":
            yield {"path": response.body_path}
        elif name == "kept":
            response.move_body(Path(FOLDER) / "kept")
        elif name == "error":
            raise RuntimeError("a bug")
        elif name == "late":
            yield Request("data:,", cb_kwargs={"before": response}, callback=self.look_later)
        elif name == "killed":
            os.kill(os.getpid(), signal.SIGKILL)

    def look_later(self, _: Response, before: SpooledResponse) -> None:
        tell("later")
        assert before.body_path.read_bytes() == b"body of late"

    def fail(self, failure: Any) -> None:
        tell(type(failure.value).__name__)


def main() -> None:
    handler = "netcrawl.download.sockets.SocketDownloadHandler"
    process = CrawlerProcess(
        {
            "DOWNLOAD_HANDLERS": {"http": handler, "https": handler},
            "DOWNLOAD_SPOOL_DIR": FOLDER,
            "DOWNLOADER_MIDDLEWARES": {Middleware: 950},
            "ITEM_PIPELINES": {Pipeline: 1},
            "RETRY_TIMES": 1,
            "LOG_LEVEL": "CRITICAL",
        }
    )
    process.crawl(SpoolingSpider)
    process.start()
    tell("end")


if __name__ == "__main__":
    main()
