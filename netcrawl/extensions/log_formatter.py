"""Log records that nobody would see are not made."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from scrapy.logformatter import LogFormatter

if TYPE_CHECKING:
    from typing import Any, Self

    from scrapy.crawler import Crawler
    from scrapy.settings import BaseSettings


class ThriftyLogFormatter(LogFormatter):
    """Scrapy's own, without the lines for each page and item where the log does not show them.

    Scrapy makes these records at every level, to drop them in the handler: a twentieth of what a
    crawl costs.
    """

    def __init__(self, *, shows_debug: bool) -> None:
        self._shows_debug = shows_debug

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Look what the log shows."""
        return cls(shows_debug=shows_debug(crawler.settings))

    def crawled(self, *args: Any) -> Any:
        """Return the record of a page, or None where it is not shown."""
        return super().crawled(*args) if self._shows_debug else None

    def scraped(self, *args: Any) -> Any:
        """Return the record of an item, or None where it is not shown."""
        return super().scraped(*args) if self._shows_debug else None


def shows_debug(settings: BaseSettings) -> bool:
    """Tell whether the log shows what is of level DEBUG."""
    level = settings["LOG_LEVEL"]
    number = logging.getLevelName(level) if isinstance(level, str) else int(level)
    return not isinstance(number, int) or number <= logging.DEBUG
