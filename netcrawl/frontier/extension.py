"""Takes the job's folder before anything else of a crawl begins.

When it cannot be had, nothing was opened, requested or written: no feed, and no pipeline.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from scrapy.dupefilters import BaseDupeFilter, RFPDupeFilter
from scrapy.exceptions import NotConfigured
from scrapy.utils.misc import load_object

from netcrawl.frontier.commits import State
from netcrawl.frontier.folder import JobFolder
from netcrawl.frontier.job import Job, OtherJob, check_job, spider_arguments
from netcrawl.frontier.plain import in_one_line
from netcrawl.frontier.store import StoreError
from netcrawl.frontier.whole_files import keep_files_whole

if TYPE_CHECKING:
    from typing import Self

    from scrapy.crawler import Crawler
    from scrapy.settings import BaseSettings


class FrontierJob:
    """``folder`` is the job's, which the run closes; ``is_resumed`` says that it is not new."""

    def __init__(self, job: Job, folder: JobFolder, state: State, *, is_resumed: bool) -> None:
        self.job = job
        self.folder = folder
        self.state = state
        self.is_resumed = is_resumed

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Take the folder that JOBDIR names.

        Raises:
            StoreError: it cannot be had, or is another job's.
            NotConfigured: there is no JOBDIR, or the crawl has another scheduler.
        """
        if not is_job(crawler.settings):
            raise NotConfigured
        keep_files_whole()
        try:
            return cls._take(crawler)
        except StoreError:
            in_one_line()
            raise

    @classmethod
    def _take(cls, crawler: Crawler) -> Self:
        settings = crawler.settings
        assert crawler.spider is not None
        _check_filter(settings)
        job = Job(crawler.spider.name, spider_arguments(crawler))
        folder = JobFolder(Path(settings["JOBDIR"]), newest_first=is_newest_first(settings))
        try:
            is_resumed = check_job(folder.store, job)
            state = State(crawler.spider, folder.store)
        except OtherJob as error:
            folder.close()
            raise OtherJob(
                f"{folder.path}: {error}; give the same arguments, or another folder"
            ) from None
        except BaseException:
            folder.close()
            raise
        return cls(job, folder, state, is_resumed=is_resumed)


def is_job(settings: BaseSettings) -> bool:
    """Say whether a crawl is a job of the frontier's: it has a folder, and our scheduler."""
    return bool(settings["JOBDIR"]) and getattr(
        load_object(settings["SCHEDULER"]), "uses_frontier", False
    )


def filters_duplicates(settings: BaseSettings) -> bool:
    """Say whether a request is to be dropped that was seen before."""
    return load_object(settings["DUPEFILTER_CLASS"]) is not BaseDupeFilter


def is_newest_first(settings: BaseSettings) -> bool:
    """Say whether the queue that the project uses on disk is a stack."""
    queue = settings["SCHEDULER_DISK_QUEUE"]
    kinds = [kind.__name__ for kind in load_object(queue).__mro__]
    return not any("fifo" in name.lower() for name in [str(queue), *kinds])


def _check_filter(settings: BaseSettings) -> None:
    dupefilter = load_object(settings["DUPEFILTER_CLASS"])
    if dupefilter not in (BaseDupeFilter, RFPDupeFilter):
        raise StoreError(
            f"DUPEFILTER_CLASS is {settings['DUPEFILTER_CLASS']}, whose memory would not survive;"
            " say by REQUEST_FINGERPRINTER_CLASS which requests are the same"
        )
