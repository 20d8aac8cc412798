"""A job's items as feeds, at any time: while it runs, after it was killed, when it is done."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NoReturn

from scrapy import Spider
from scrapy.crawler import Crawler
from scrapy.spiderloader import get_spider_loader
from scrapy.statscollectors import MemoryStatsCollector
from scrapy.utils.conf import feed_process_params_from_cli

from netcrawl.feeds.committed import CommittedFeedExporter, read_items
from netcrawl.frontier.folder import FRONTIER
from netcrawl.frontier.job import State
from netcrawl.frontier.reading import SqliteReader

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings

    from netcrawl.frontier.overview import JobOverview

_STDOUT = "stdout:"


def export(
    overview: JobOverview,
    settings: BaseSettings,
    output: list[str] | None,
    overwrite: list[str] | None,
) -> str | None:
    """Write the job's items to the feeds, as ``scrapy crawl`` takes them; return what went wrong.

    Raises:
        UsageError: there is no such feed.
        StoreError: the job cannot be read.
    """
    job = overview.job
    settings = settings.copy()
    settings.set("FEEDS", {}, priority="cmdline")
    feeds = feed_process_params_from_cli(settings, output or [], overwrite_output=overwrite or [])
    for uri, options in feeds.items():
        if uri == _STDOUT:  # where -O and -o are the same, of which Scrapy warns
            options["overwrite"] = False
    name = job.spider if job else "spider"
    settings.set("FEEDS", feeds, priority="cmdline")
    crawler = Crawler(_spider_class(name, settings), settings)  # type: ignore[arg-type]
    crawler.settings.set("FEEDS", feeds, priority="cmdline")
    crawler.addons.load_settings(crawler.settings)
    crawler.stats = MemoryStatsCollector(crawler)
    spider = Spider(name, **(job.arguments or {} if job else {}))
    spider.crawler = crawler
    exporter = CommittedFeedExporter(crawler, _nothing_is_kept)
    # What a spider adds up at its end, it is still adding up, or has not come to.
    is_over = overview.state in (State.STOPPED.value, State.FINISHED.value)
    with SqliteReader(overview.path / FRONTIER) as reader:
        asyncio.run(exporter.write(read_items(reader, is_over=is_over), spider))
    return exporter.problem


def _nothing_is_kept() -> NoReturn:
    raise NotImplementedError("an export is no run of the job")


def _spider_class(name: str, settings: BaseSettings) -> type[Spider]:
    """Return the job's spider, whose settings may be about feeds; any if it is gone."""
    try:
        return get_spider_loader(settings).load(name)
    except (KeyError, ImportError):
        return Spider
