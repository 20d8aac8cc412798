"""Our downloader does what Scrapy's does, in the same order."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from itertools import pairwise
from time import monotonic
from typing import TYPE_CHECKING, Any, cast

import pytest
from scrapy import Request, Spider
from scrapy.http import Response
from scrapy.utils.asyncio import call_later
from scrapy.utils.defer import maybe_deferred_to_future
from scrapy.utils.test import get_crawler

from netcrawl.download.lean import LeanDownloader
from tests.crawling import ROOT
from tests.servers.pages import Answer, PageServer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

OURS = "netcrawl.download.lean.LeanDownloader"
SCRAPYS = "scrapy.core.downloader.Downloader"


def events(downloader: str, url: str, reactor: str) -> list[list[Any]]:
    module = "tests.netcrawl.download.downloader_events"
    done = subprocess.run(
        [sys.executable, "-m", module, downloader, url, reactor],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    # A class of Scrapy's own, which is private; a TypeError, too.
    told: list[list[Any]] = json.loads(done.stdout.replace("_InvalidOutput", "TypeError"))
    return told


@pytest.mark.parametrize("reactor", ["asyncio", "none", "select"])
def test_middlewares_and_signals_come_as_with_scrapys(reactor: str) -> None:
    pages: dict[str, Answer | str] = {
        "/": "home",
        "/moved": Answer(status=302, fields={"Location": "/"}),
        "/busy": Answer("busy", status=503),
        "/closed": Answer("x" * 50, cut=20),
    }
    with PageServer(pages) as server:
        theirs = events(SCRAPYS, server.url, reactor)
        asked = server.paths()
        ours = events(OURS, server.url, reactor)

        assert ours == theirs
        assert server.paths() == asked * 2
    names = {str(name) for name, *_ in theirs}
    assert {"page", "failure", "first.response", "request_left_downloader"} <= names
    assert ("second.request" in names) is (reactor != "select")


class Downloads:
    """Stands in for the handlers: each download waits until it is let go."""

    def __init__(self) -> None:
        self.waiting: dict[str, asyncio.Future[None]] = {}
        self.begun: list[tuple[str, float]] = []
        self.most = 0

    async def download_request_async(self, request: Request) -> Response:
        self.begun.append((request.url, monotonic()))
        self.waiting[request.url] = asyncio.get_running_loop().create_future()
        self.most = max(self.most, len(self.waiting))
        try:
            await self.waiting[request.url]
        finally:
            del self.waiting[request.url]
        return Response(request.url)


def run(job: Callable[[LeanDownloader, Downloads], Awaitable[None]], **settings: Any) -> None:
    async def main() -> None:
        none = dict.fromkeys(("http", "https", "ftp", "s3"))
        given = {"DOWNLOAD_HANDLERS": none, "DOWNLOAD_DELAY": 0, **settings}
        crawler = get_crawler(Spider, given)
        crawler.spider = crawler._create_spider("any")
        downloader = LeanDownloader(crawler)
        # The middlewares wait for signals that nobody sends here.
        downloader._chain._requests.clear()
        downloader._chain._responses.clear()
        downloads = Downloads()
        downloader.handlers = cast("Any", downloads)
        try:
            await job(downloader, downloads)
        finally:
            downloader.close()

    asyncio.run(main())


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.001)


def test_a_slot_has_no_more_than_its_concurrency() -> None:
    async def job(downloader: LeanDownloader, downloads: Downloads) -> None:
        urls = [f"http://h/{number}" for number in range(7)]
        fetched = [downloader.fetch(Request(url)) for url in urls]
        (slot,) = await filled(downloader, 7)
        assert (len(slot.transferring), len(slot.queue)) == (3, 4)
        while downloader.active:
            await until(lambda: downloads.waiting or not downloader.active)
            for turn in list(downloads.waiting.values())[:1]:
                turn.set_result(None)
                await asyncio.sleep(0)
        answers = [await maybe_deferred_to_future(deferred) for deferred in fetched]
        assert [answer.url for answer in answers] == urls
        assert [url for url, _ in downloads.begun] == urls
        assert downloads.most == 3
        assert not slot.active
        assert not slot.transferring

    run(job, CONCURRENT_REQUESTS_PER_DOMAIN=3)


async def filled(downloader: LeanDownloader, number: int) -> list[Any]:
    await until(lambda: sum(len(slot.active) for slot in downloader.slots.values()) == number)
    return list(downloader.slots.values())


def test_a_delay_lies_between_two_downloads() -> None:
    async def job(downloader: LeanDownloader, downloads: Downloads) -> None:
        for number in range(4):
            downloader.fetch(Request(f"http://h/{number}"))
        await until(lambda: len(downloads.begun) == 4)
        times = [moment for _, moment in downloads.begun]
        assert all(later - earlier > 0.09 for earlier, later in pairwise(times))
        for turn in downloads.waiting.values():
            turn.set_result(None)
        await until(lambda: not downloader.active)

    run(job, DOWNLOAD_DELAY=0.1, DOWNLOAD_DELAY_JITTER=0)


def test_a_request_that_is_cancelled_gives_its_turn_away() -> None:
    async def job(downloader: LeanDownloader, downloads: Downloads) -> None:
        requests = [Request(f"http://h/{number}") for number in range(3)]
        downloader.active.update(requests)
        tasks = [asyncio.ensure_future(downloader._fetch(request)) for request in requests]
        (slot,) = await filled(downloader, 3)
        tasks[1].cancel()  # while it waits
        with pytest.raises(asyncio.CancelledError):
            await tasks[1]
        assert len(slot.queue) == 1
        tasks[0].cancel()  # while it is on its way
        await until(lambda: list(downloads.waiting) == ["http://h/2"])
        downloads.waiting["http://h/2"].set_result(None)
        assert (await tasks[2]).url == "http://h/2"
        assert not slot.active
        assert not slot.transferring

    run(job, CONCURRENT_REQUESTS_PER_DOMAIN=1)


def test_a_turn_that_comes_too_late_goes_to_the_next() -> None:
    async def job(downloader: LeanDownloader, _downloads: Downloads) -> None:
        requests = [Request(f"http://h/{number}") for number in range(3)]
        downloader.active.update(requests)
        tasks = [asyncio.ensure_future(downloader._fetch(request)) for request in requests]
        (slot,) = await filled(downloader, 3)
        slot.transferring.clear()  # as when the first is done
        downloader._process_queue(slot)
        assert slot.transferring == {requests[1]}
        tasks[1].cancel()  # before it has begun
        await until(lambda: slot.transferring == {requests[2]})
        for task in (tasks[0], tasks[2]):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    run(job, CONCURRENT_REQUESTS_PER_DOMAIN=1)


def test_a_slot_that_is_held_starts_nothing() -> None:
    async def job(downloader: LeanDownloader, downloads: Downloads) -> None:
        downloader.fetch(Request("http://h/0"))
        await until(lambda: downloads.begun)
        slot = downloader.slots["h"]
        # What RetryAfterMiddleware does.
        slot.latercall = call_later(60, downloader._latercall, slot)
        downloader.fetch(Request("http://h/1"))
        await filled(downloader, 2)
        assert len(slot.queue) == 1
        slot.latercall.cancel()
        downloader._latercall(slot)
        await until(lambda: len(downloads.begun) == 2)
        for turn in downloads.waiting.values():
            turn.set_result(None)
        await until(lambda: not downloader.active)

    run(job)
