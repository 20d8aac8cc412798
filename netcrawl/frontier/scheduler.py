"""Scrapy's scheduler and duplicate filter, over a store that outlives the process.

In use where a crawl has a JOBDIR; without one, it is Scrapy's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scrapy.core.scheduler import BaseScheduler, Scheduler

from netcrawl.frontier.extension import FrontierJob
from netcrawl.frontier.run import Run

if TYPE_CHECKING:
    from typing import Any, ClassVar, Self

    from scrapy import Request, Spider
    from scrapy.crawler import Crawler

    from netcrawl.frontier.store import Store


class FrontierScheduler(BaseScheduler):
    """What Scrapy's engine asks, answered by the ``run``, which is there once it is opened."""

    uses_frontier: ClassVar[bool] = True

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self.run: Run | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Without a JOBDIR, return Scrapy's scheduler."""
        if not crawler.settings["JOBDIR"]:
            return Scheduler.from_crawler(crawler)  # type: ignore[return-value]
        return cls(crawler)

    def open(self, spider: Spider) -> None:  # noqa: ARG002 - Scrapy's signature
        """Begin with what the job has left.

        Raises:
            StoreError: the folder cannot be had. The extension FrontierJob finds that out earlier,
                before anything else is opened.
        """
        job = self._crawler.get_extension(FrontierJob) or FrontierJob.from_crawler(self._crawler)
        self.run = Run(self._crawler, job)

    def close(self, reason: str) -> None:
        """Keep how it ended. The store is open until the engine is done: feeds read it."""
        if self.run is not None:
            self.run.end(reason)

    def enqueue_request(self, request: Request) -> bool:
        """Keep a request; False if it is a duplicate."""
        return self.run is not None and self.run.put(request)

    def next_request(self) -> Request | None:
        """Hand out a request."""
        return None if self.run is None else self.run.next()

    def __len__(self) -> int:
        """Return how many requests are waiting, those included that cannot be handed out yet."""
        if self.run is None or self.run.is_over:
            return 0
        return self.run.store.counts().pending

    def has_pending_requests(self) -> bool:
        """Say whether there are more, also those that cannot be handed out yet."""
        return self.run is not None and self.run.has_pending()


def frontier_of(crawler: Crawler) -> Run | None:
    """Return what a crawl does with its job; None if it is no job, or not open yet."""
    scheduler: Any = crawler.engine.scheduler
    # For Scrapy's isinstance(), every scheduler is an instance of every other.
    return scheduler.run if getattr(scheduler, "uses_frontier", False) else None


def store_of(crawler: Crawler) -> Store | None:
    """Return the store of a job whose spider is open, or has just been closed."""
    run = frontier_of(crawler)
    return None if run is None or run.is_over else run.store
