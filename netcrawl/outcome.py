"""Whether a crawl did its job: what Scrapy knows at the end, as one line and an exit status."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from scrapy import signals
from scrapy.extensions.feedexport import FeedExporter

from netcrawl.feeds.checked import CheckedFeedExporter
from netcrawl.frontier.scheduler import frontier_of

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

    from netcrawl.frontier.run import Run

DONE = 0
FAILED = 1
USAGE = 2
INTERRUPTED = 130  # 128 + SIGINT, as shells have it

_GO_ON = "the same command goes on"


@runtime_checkable
class ReportsOutcome(Protocol):
    """A spider that knows what its job is.

    ``answer`` is what a shell may take from standard output once the job is done, None for
    nothing. ``problem`` is what the spider, or a part that works for it, found to be in the way.
    """

    answer: str | None
    problem: str | None

    def unfinished(self, reason: str) -> str | None:
        """Say in one line what is left undone, None if nothing; ``reason`` is why it closed."""
        ...


@dataclass(frozen=True)
class Outcome:
    """How a crawl ended: the exit status, what went wrong (None: nothing), and the answer."""

    status: int
    problem: str | None = None
    answer: str | None = None


class CrawlWatch:
    """Watches a crawl from before it starts, and judges it when it is over."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._reason: str | None = None  # None: the spider never closed in order
        self._errors = 0
        self._run: Run | None = None  # what keeps the crawl's job
        crawler.signals.connect(self._opened, signals.spider_opened)
        crawler.signals.connect(self._closed, signals.spider_closed)
        crawler.signals.connect(self._error, signals.spider_error)
        crawler.signals.connect(self._error, signals.item_error)

    def _opened(self) -> None:
        self._run = frontier_of(self._crawler)

    def _closed(self, reason: str) -> None:
        self._reason = reason

    def _error(self) -> None:
        self._errors += 1

    def outcome(self) -> Outcome:
        """Judge: an interrupt first, then what Scrapy saw go wrong, then what the spider says."""
        if self._reason is None:
            lost = self._feeds_left() if self._run is None else _GO_ON
            return Outcome(INTERRUPTED, f"interrupted at once: {lost}")
        if self._reason == "shutdown":
            kept = "what was scraped so far is kept"
            told = kept if self._run is None else f"{kept}; {_GO_ON}"
            return Outcome(INTERRUPTED, f"interrupted; {told}")
        problem = (
            self._feed_problem()
            or self._frontier_problem()
            or self._bug()
            or self._unfinished(str(self._reason))
        )
        if problem:
            return Outcome(FAILED, problem)
        spider: object = self._crawler.spider
        return Outcome(DONE, answer=spider.answer if isinstance(spider, ReportsOutcome) else None)

    def _feed_problem(self) -> str | None:
        exporter = self._crawler.get_extension(FeedExporter)
        if exporter is None:
            wanted = self._crawler.settings.getdict("FEEDS")
            return f"no feed was written to {', '.join(map(str, wanted))}" if wanted else None
        if isinstance(exporter, CheckedFeedExporter) and exporter.problem:
            return exporter.problem
        failed = any(name.startswith("feedexport/failed_count/") for name in self._stats())
        return "a feed could not be stored; the log says why" if failed else None

    def _frontier_problem(self) -> str | None:
        if self._run is None:
            return None
        if self._run.problem is not None:
            return self._run.problem
        folder = self._crawler.settings["JOBDIR"]
        match self._run.counts.failed:
            case 0:
                return None
            case 1:
                return f"a request failed; scrapy jobs show {folder} tells why"
            case many:
                return f"{many} requests failed; scrapy jobs show {folder} tells why"

    def _feeds_left(self) -> str:
        exporter = self._crawler.get_extension(FeedExporter)
        parts = exporter.parts() if isinstance(exporter, CheckedFeedExporter) else []
        if not parts:
            return "feeds may lack what was scraped"
        return f"what was scraped so far is in {', '.join(map(str, parts))}"

    def _bug(self) -> str | None:
        match self._errors:
            case 0:
                return None
            case 1:
                return "callbacks or pipelines raised an exception; the log has the traceback"
            case many:
                return f"callbacks or pipelines raised {many} exceptions; the log has tracebacks"

    def _unfinished(self, reason: str) -> str | None:
        spider: object = self._crawler.spider
        if isinstance(spider, ReportsOutcome):
            return spider.unfinished(reason)
        if reason != "finished":
            return f"the crawl was closed early ({reason})"
        stats = self._stats()
        if stats.get("downloader/request_count") and not stats.get("response_received_count"):
            return "no page could be retrieved; the log says why"
        return None

    def _stats(self) -> dict[str, object]:
        return dict(self._crawler.stats.get_stats())
