"""Errors of the network and of the disk as one line in the log, without a traceback.

Scrapy logs them with the traceback of its own machinery, which says nothing about the page. A
traceback stays what it should be: the sign of a bug.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from scrapy import signals

from netcrawl.failures import is_expected

if TYPE_CHECKING:
    from typing import Self

    from scrapy.crawler import Crawler

# Who logs a request that failed without errback, and a feed that could not be stored.
LOGGERS = (
    "scrapy.core.scraper",
    "scrapy.extensions.feedexport",
)
# Who logs a robots.txt that could not be had. Scrapy names the page there, and goes on without.
ROBOTS_LOGGER = "scrapy.downloadermiddlewares.robotstxt"


class PlainErrors:
    """Filters those loggers while a crawl runs."""

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Follow the life of the crawl."""
        extension = cls()
        crawler.signals.connect(extension.start, signals.spider_opened)
        # Not when the spider is closed: feeds are stored only then.
        crawler.signals.connect(extension.stop, signals.engine_stopped)
        return extension

    def start(self) -> None:
        """Begin to filter."""
        for name, plain in _FILTERS.items():
            logging.getLogger(name).addFilter(plain)

    def stop(self) -> None:
        """Leave the loggers as they were."""
        for name, plain in _FILTERS.items():
            logging.getLogger(name).removeFilter(plain)


def plain_error(record: logging.LogRecord) -> bool:
    """Turn an expected error's record into one line. It lets every record pass."""
    error = record.exc_info[1] if record.exc_info else None
    if is_expected(error):
        message = record.getMessage()
        _rewrite(record, message if str(error) in message else f"{message}: {error}")
    return True


def plain_robots_error(record: logging.LogRecord) -> bool:
    """Turn it into a warning: the request for the page itself goes on, and has its own fate."""
    error = record.exc_info[1] if record.exc_info else None
    if is_expected(error):
        _rewrite(record, f"There is no robots.txt to be had, going on without: {error}")
        record.levelno = logging.WARNING
        record.levelname = logging.getLevelName(logging.WARNING)
    return True


def _rewrite(record: logging.LogRecord, message: str) -> None:
    record.msg = " ".join(message.split())
    record.args = None
    record.exc_info = None


_FILTERS = dict.fromkeys(LOGGERS, plain_error) | {ROBOTS_LOGGER: plain_robots_error}
