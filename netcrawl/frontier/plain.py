"""A job that cannot be had, told in one line.

Scrapy has no place for it: it logs the traceback of a crawl that failed, and exits with 1.
"""

from __future__ import annotations

import logging

from netcrawl.frontier.store import StoreError

# Who logs a crawl that failed: of Twisted's Deferreds, and of asyncio's tasks.
LOGGERS = ("twisted", "asyncio")


def in_one_line() -> None:
    """From now on, log a StoreError that ends a crawl as what it says."""
    for name in LOGGERS:
        logger = logging.getLogger(name)
        if _told not in logger.filters:
            logger.addFilter(_told)


def _told(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, StoreError):
        record.msg, record.args, record.exc_info = str(error), None, None
    return True
