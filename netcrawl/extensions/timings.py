"""The phases of all downloads, in the stats: what a crawl waited for.

It is for ``netcrawl.download.sockets``; other handlers do not tell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scrapy import signals

from netcrawl.timings import TIMINGS, PhaseDurations

if TYPE_CHECKING:
    from typing import Self

    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.statscollectors import StatsCollector

PERCENTS = (50, 90, 99)


class DownloadTimings:
    """Sets ``download_timings/first_byte/p90`` and the like when the spider closes; seconds."""

    def __init__(self, stats: StatsCollector) -> None:
        self._stats = stats
        self._durations = PhaseDurations()

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Listen to the crawl."""
        assert crawler.stats is not None
        extension = cls(crawler.stats)
        crawler.signals.connect(extension.count, signals.response_downloaded)
        crawler.signals.connect(extension.tell, signals.spider_closed)
        return extension

    def count(self, request: Request) -> None:
        """Take note of one download."""
        self._durations.add(request.meta.get(TIMINGS, {}))

    def tell(self) -> None:
        """Write the percentiles into the stats."""
        for name, seconds in self._durations.percentiles(*PERCENTS):
            self._stats.set_value(f"{TIMINGS}/{name}", round(seconds, 6))
