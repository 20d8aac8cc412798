"""What a running crawl has done so far, and how long it will take, where that can be known."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Sized
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from scrapy.utils.httpobj import urlparse_cached

from sockettools.progress import LONGEST_WAIT

if TYPE_CHECKING:
    from collections.abc import Callable

    from scrapy import Request
    from scrapy.crawler import Crawler

# Seconds that the rate is an average of.
WINDOW = 10.0

# Hosts whose latencies are remembered: those that were heard of last.
MAX_HOSTS = 256

# What a new latency counts in the average of its host.
_WEIGHT = 0.2


@runtime_checkable
class KnowsItsTotal(Protocol):
    """A spider that knows how many pages it will have at most; None is no limit."""

    @property
    def total_pages(self) -> int | None:
        """How many, those included that are done."""
        ...


@dataclass(frozen=True)
class Progress:
    """How far a crawl has come.

    ``known`` are the pages done, under way and waiting. ``rate`` is pages per second of late,
    ``octets`` what came over the network, ``seconds_left`` None where it cannot be known,
    ``slowest`` the host that takes longest to answer, with seconds.
    """

    pages: int
    known: int
    items: int
    octets: int
    errors: int
    seconds: float
    rate: float
    seconds_left: float | None
    slowest: tuple[str, float] | None


class Tally:
    """Takes its figures from Scrapy's stats, and what those lack from whoever calls it.

    ``clock`` gives seconds that never go back; the crawl begins when this is made.
    """

    def __init__(self, crawler: Crawler, clock: Callable[[], float]) -> None:
        self._crawler = crawler
        self._clock = clock
        self._began = clock()
        self._samples: deque[tuple[float, int, int]] = deque()
        self._latencies: OrderedDict[str, float] = OrderedDict()
        self._item_errors = 0

    def saw_response(self, request: Request) -> None:
        """Take note how long its host took."""
        latency = request.meta.get("download_latency")
        if not isinstance(latency, float):
            return
        host = urlparse_cached(request).hostname or ""
        before = self._latencies.pop(host, latency)
        self._latencies[host] = before + _WEIGHT * (latency - before)
        if len(self._latencies) > MAX_HOSTS:
            self._latencies.popitem(last=False)

    def saw_item_error(self) -> None:
        """Count it: Scrapy's stats do not."""
        self._item_errors += 1

    def progress(self) -> Progress:
        """Return how far it has come by now."""
        stats = self._crawler.stats.get_stats()
        pages = _number(stats, "response_received_count") - _number(
            stats, "robotstxt/response_count"
        )
        known = pages + self._waiting()
        now = self._clock()
        seconds, rate = now - self._began, self._rate(now, pages, known)
        return Progress(
            pages=pages,
            known=known,
            items=_number(stats, "item_scraped_count"),
            octets=_number(stats, "downloader/response_bytes"),
            errors=self._errors(stats),
            seconds=seconds,
            rate=rate,
            seconds_left=self._seconds_left(pages, known, rate),
            slowest=max(self._latencies.items(), key=lambda pair: pair[1], default=None),
        )

    def _waiting(self) -> int:
        engine = self._crawler.engine
        scheduler = engine.scheduler
        queued = len(scheduler) if isinstance(scheduler, Sized) else 0
        return queued + len(engine.downloader.active)

    def _rate(self, now: float, pages: int, known: int) -> float:
        samples = self._samples
        samples.append((now, pages, known))
        while len(samples) > 2 and samples[1][0] <= now - WINDOW:
            samples.popleft()
        since, before, _ = samples[0]
        if now <= since:
            return 0.0
        return (pages - before) / (now - since)

    def _seconds_left(self, pages: int, known: int, rate: float) -> float | None:
        spider: object = self._crawler.spider
        total = spider.total_pages if isinstance(spider, KnowsItsTotal) else None
        if total is None:
            # Where pages lead to more pages, the number of those that are known says nothing.
            if self._clock() - self._samples[0][0] < WINDOW / 2 or known > self._samples[0][2]:
                return None
            total = known
        if rate <= 0 or total < pages or (total - pages) / rate > LONGEST_WAIT:
            return None
        return (total - pages) / rate

    def _errors(self, stats: dict[str, object]) -> int:
        # A site without robots.txt is no error.
        bad = _bad_statuses(stats, "downloader") - _bad_statuses(stats, "robotstxt")
        return (
            max(bad, 0)
            + _number(stats, "downloader/exception_count")
            + _number(stats, "spider_exceptions/count")
            + self._item_errors
        )


def _bad_statuses(stats: dict[str, object], whose: str) -> int:
    bad = (f"{whose}/response_status_count/4", f"{whose}/response_status_count/5")
    return sum(_number(stats, name) for name in list(stats) if name.startswith(bad))


def _number(stats: dict[str, object], name: str) -> int:
    value = stats.get(name)
    return value if isinstance(value, int) else 0
