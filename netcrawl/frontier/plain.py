"""A job that cannot be had, or not be kept, told in one line.

Scrapy has no place for it: a crawl that fails makes it exit with 1, and logs a traceback. Our own
``crawl`` takes the error and tells it; elsewhere it is told here.
"""

from __future__ import annotations

import logging

from twisted.logger import globalLogBeginner

from netcrawl.frontier.store import StoreError

# Who logs a crawl that failed: of Twisted's Deferreds, and of asyncio's tasks.
LOGGERS = ("twisted", "asyncio")

_HEADING = "Unhandled error in Deferred:"


def in_one_line() -> None:
    """From now on, log a StoreError that ends a crawl as what it says."""
    if _told in logging.getLogger(LOGGERS[0]).filters:
        return
    for name in LOGGERS:
        logging.getLogger(name).addFilter(_told)
    # Until it is told that logging has begun, which Scrapy never does, Twisted writes to standard
    # error as well.
    globalLogBeginner.beginLoggingTo([], discardBuffer=True, redirectStandardIO=False)


def _told(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, StoreError):
        record.msg, record.args, record.exc_info = str(error), None, None
    return record.getMessage() != _HEADING
