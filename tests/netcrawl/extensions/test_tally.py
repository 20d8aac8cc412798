from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from scrapy import Request

from netcrawl.extensions.tally import MAX_HOSTS, Tally


class Crawl:
    """A crawl that stands where a test wants it."""

    def __init__(self) -> None:
        self.now = 100.0
        self.stats: dict[str, Any] = {}
        self.queue: list[None] = []
        downloader = SimpleNamespace(active=set[Request]())
        self.spider = SimpleNamespace()
        crawler: Any = SimpleNamespace(
            stats=SimpleNamespace(get_stats=lambda: self.stats),
            engine=SimpleNamespace(scheduler=self.queue, downloader=downloader),
            spider=self.spider,
        )
        self.active = downloader.active
        self.tally = Tally(crawler, lambda: self.now)

    def stand(self, seconds: float, pages: int, queued: int) -> Any:
        self.now = 100.0 + seconds
        self.stats["response_received_count"] = pages
        self.queue[:] = [None] * queued
        return self.tally.progress()


def test_pages_known_are_those_done_under_way_and_waiting() -> None:
    crawl = Crawl()
    crawl.active |= {Request("http://h/1"), Request("http://h/2")}
    crawl.stats |= {"robotstxt/response_count": 1}

    progress = crawl.stand(1, pages=11, queued=5)

    assert (progress.pages, progress.known) == (10, 17)


def test_the_rate_is_that_of_late() -> None:
    crawl = Crawl()
    assert crawl.stand(0, pages=0, queued=0).rate == 0
    for second in range(1, 31):
        progress = crawl.stand(second, pages=second, queued=0)
    assert progress.rate == pytest.approx(1)
    for second in range(31, 61):
        progress = crawl.stand(second, pages=30 + (second - 30) * 7, queued=0)
    assert progress.rate == pytest.approx(7)


def test_time_left_is_not_known_while_more_pages_are_found() -> None:
    crawl = Crawl()
    for second in range(20):
        progress = crawl.stand(second, pages=second, queued=second * 5)
        assert progress.seconds_left is None


def test_time_left_is_known_once_no_more_pages_are_found() -> None:
    crawl = Crawl()
    crawl.stand(0, pages=0, queued=100)
    for second in range(1, 21):
        progress = crawl.stand(second, pages=second * 2, queued=100 - second * 2)
    assert progress.seconds_left == pytest.approx(30)


def test_time_left_is_known_where_the_spider_knows_its_total() -> None:
    crawl = Crawl()
    crawl.spider.total_pages = 50
    crawl.stand(0, pages=0, queued=1)
    assert crawl.stand(1, pages=10, queued=1000).seconds_left == pytest.approx(4)
    # It takes those that were under way, too.
    assert crawl.stand(2, pages=51, queued=0).seconds_left is None


def test_errors() -> None:
    crawl = Crawl()
    crawl.stats |= {
        "downloader/response_status_count/200": 7,
        "downloader/response_status_count/404": 3,
        "downloader/response_status_count/503": 1,
        "robotstxt/response_status_count/404": 1,
        "downloader/exception_count": 2,
        "spider_exceptions/count": 4,
        "spider_exceptions/ValueError": 4,
    }
    crawl.tally.saw_item_error()

    assert crawl.tally.progress().errors == 2 + 1 + 2 + 4 + 1


def answer(url: str, latency: object) -> Request:
    return Request(url, meta={"download_latency": latency})


def test_the_slowest_host() -> None:
    crawl = Crawl()
    assert crawl.tally.progress().slowest is None
    for _ in range(50):
        crawl.tally.saw_response(answer("http://fast.example/", 0.01))
        crawl.tally.saw_response(answer("http://slow.example/x", 2.0))
    crawl.tally.saw_response(answer("http://fast.example/", 3.0))
    crawl.tally.saw_response(answer("data:,", None))

    host, seconds = crawl.tally.progress().slowest
    assert host == "slow.example"
    assert seconds == pytest.approx(2.0)


def test_hosts_are_forgotten() -> None:
    crawl = Crawl()
    crawl.tally.saw_response(answer("http://first.example/", 9.0))
    for number in range(MAX_HOSTS):
        crawl.tally.saw_response(answer(f"http://{number}.example/", 1.0))

    assert crawl.tally.progress().slowest[1] == 1.0
