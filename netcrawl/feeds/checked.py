"""Scrapy's feeds, but one that cannot be written stops the crawl and is told in one line.

Scrapy opens a feed at its first item, logs a traceback for every item that it cannot write, and
ends the crawl as if nothing had been lost.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from scrapy.exceptions import CloseSpider, NotConfigured, UsageError
from scrapy.extensions.feedexport import FeedExporter
from scrapy.utils.asyncio import is_asyncio_available
from scrapy.utils.defer import deferred_from_coro

if TYPE_CHECKING:
    from typing import Any

    from scrapy import Spider
    from scrapy.crawler import Crawler
    from scrapy.extensions.feedexport import FeedSlot


class CheckedFeedExporter(FeedExporter):
    """``problem`` is the first thing that kept an item out of a feed, None while all is well."""

    def __init__(self, crawler: Crawler) -> None:
        """Raise NotConfigured if no feed is wanted, UsageError if one cannot be had."""
        self.problem: str | None = None
        self._is_flush_due = False
        try:
            super().__init__(crawler)
        except NotConfigured:
            # Scrapy would crawl without a feed that it has no means to write.
            if feeds := crawler.settings.getdict("FEEDS"):
                raise UsageError(
                    f"the feed cannot be written, the log says why: {', '.join(map(str, feeds))}"
                ) from None
            raise

    def open_spider(self, spider: Spider) -> None:
        """Open every feed before the first request, so that a wrong path costs no crawl.

        Raises:
            CloseSpider: one cannot be opened.
        """
        super().open_spider(spider)
        for slot in list(self.slots):
            if not slot.store_empty:
                continue  # its file is not to exist before there is an item
            try:
                slot.start_exporting()
            except OSError as exc:
                self._record(slot, exc)
                self.slots.remove(slot)
        if self.problem:
            raise CloseSpider("feed_error")

    def item_scraped(self, item: Any, spider: Spider) -> None:
        """Write the item to each feed; one that fails keeps it from none of the others."""
        open_slots: list[FeedSlot] = []
        for slot in self.slots:
            self.slots = [slot]
            try:
                super().item_scraped(item, spider)
            except OSError as exc:
                self._stop(slot, exc)
            open_slots += self.slots
        self.slots = open_slots
        self._flush_soon()

    def _flush_soon(self) -> None:
        """Have the items of a page written together: a crawl that is killed keeps what it has."""
        if not is_asyncio_available():
            self._flush()
        elif not self._is_flush_due:
            self._is_flush_due = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._is_flush_due = False
        for slot in self.slots:
            try:
                if slot.file and not slot.file.closed:
                    slot.file.flush()
            except OSError as exc:
                self._stop(slot, exc)

    def _stop(self, slot: FeedSlot, error: OSError) -> None:
        if self.problem is None:
            self._record(slot, error)
            deferred_from_coro(self.crawler.engine.close_spider_async(reason="feed_error"))

    async def _close_slot(self, slot: FeedSlot, spider: Spider) -> None:
        # Scrapy's own goes on after a failed close and loses a failed last write; what is still
        # in a buffer is therefore written here, where the error can be seen.
        try:
            if slot.itemcount:
                slot.finish_exporting()
            if slot.file:
                slot.file.flush()
            await super()._close_slot(slot, spider)
        except OSError as exc:
            self._record(slot, exc)
            if slot.file:
                with contextlib.suppress(OSError):  # it tries to write once more
                    slot.file.close()

    def _record(self, slot: FeedSlot, error: OSError) -> None:
        if self.problem is None:
            self.problem = f"feed {slot.uri} cannot be written: {error.strerror or error}"
