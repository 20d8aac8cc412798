"""Scrapy's feeds, but one that cannot be written stops the crawl and is told in one line.

Scrapy opens a feed at its first item, logs a traceback for every item that it cannot write, and
ends the crawl as if nothing had been lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from scrapy import signals
from scrapy.exceptions import CloseSpider, NotConfigured, UsageError
from scrapy.extensions.feedexport import FeedExporter
from scrapy.utils.asyncio import is_asyncio_available
from scrapy.utils.defer import deferred_from_coro, ensure_awaitable

from netcrawl.failures import without_userinfo
from netcrawl.feeds.files import FileFeedStorage
from netcrawl.feeds.joining import CannotAppend

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from scrapy import Spider
    from scrapy.crawler import Crawler
    from scrapy.extensions.feedexport import FeedSlot

logger = logging.getLogger(__name__)

FEED_ERRORS = (OSError, CannotAppend)


class CheckedFeedExporter(FeedExporter):
    """``problem`` is the first thing that kept an item out of a feed, None while all is well."""

    # Whether what there is of a feed that fails is left beside its place.
    keeps_parts = True

    def __init__(self, crawler: Crawler) -> None:
        """Raise NotConfigured if no feed is wanted, UsageError if one cannot be had."""
        self.problem: str | None = None
        self._is_flush_due = False
        self._is_closing = False
        self._broken: list[FeedSlot] = []
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
            except FEED_ERRORS as exc:
                self.record(slot, exc)
                self.slots.remove(slot)
        if self.problem:
            raise CloseSpider("feed_error")

    def item_scraped(self, item: Any, spider: Spider) -> None:
        """Write the item to each feed; one that fails keeps it from none of the others."""
        self.export(item, spider)
        self._close_if_broken()
        self._flush_soon()

    def export(self, item: Any, spider: Spider) -> None:
        """Write the item to each feed that has not failed yet."""
        open_slots: list[FeedSlot] = []
        for slot in self.slots:
            self.slots = [slot]
            if slot not in self._broken:
                try:
                    super().item_scraped(item, spider)
                except FEED_ERRORS as exc:
                    self.record(slot, exc)
                except Exception as exc:
                    # The exporter's fault, or the item's: the others may be written all the same.
                    logger.exception("An item cannot be written to %s", shown(slot))
                    self._tell(f"feed {shown(slot)} lacks items; the log says why: {exc!r}")
            open_slots += self.slots
        self.slots = open_slots

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
                if slot.file and slot not in self._broken and not slot.file.closed:
                    slot.file.flush()
            except OSError as exc:
                self.record(slot, exc)
        self._close_if_broken()

    def _close_if_broken(self) -> None:
        if self._broken and not self._is_closing:
            self._is_closing = True
            deferred_from_coro(self.crawler.engine.close_spider_async(reason="feed_error"))

    def record(self, slot: FeedSlot, error: OSError | CannotAppend) -> None:
        """Note that a feed cannot be written: nothing more goes to it."""
        self._broken.append(slot)
        reason = (error.strerror or error) if isinstance(error, OSError) else error
        problem = f"feed {shown(slot)} cannot be written: {reason}"
        if self.keeps_parts and slot.itemcount and (part := self.part(slot)):
            problem += f"; what was scraped so far is in {part}"
        self._tell(problem)

    def part(self, slot: FeedSlot) -> Path | None:
        """Return where a feed's items are that are not in their place; None if nowhere."""
        return slot.storage.part if isinstance(slot.storage, FileFeedStorage) else None

    def parts(self) -> list[Path]:
        """Return where the items are of feeds that have not come to their end."""
        return [part for slot in self.slots if slot.itemcount and (part := self.part(slot))]

    async def _close_slot(self, slot: FeedSlot, spider: Spider) -> None:
        # Scrapy's own goes on after a failed close and loses a failed last write.
        if slot in self._broken:
            self._leave(slot)
            return
        try:
            if slot.itemcount:
                slot.finish_exporting()
            elif slot.store_empty and slot.batch_id == 1:
                slot.start_exporting()
                slot.finish_exporting()
            else:
                self._leave(slot)
                return
            assert slot.file is not None
            slot.file.flush()
            await ensure_awaitable(slot.storage.store(self._get_file(slot)))
        except FEED_ERRORS as exc:
            self.record(slot, exc)
        except Exception as exc:
            # A remote storage raises what its library does.
            logger.exception("The feed %s cannot be stored", shown(slot))
            self._broken.append(slot)
            self._tell(f"feed {shown(slot)} cannot be stored; the log says why: {exc!r}")
        else:
            logger.info(
                "Stored %s feed (%d items) in: %s",
                *(slot.format, slot.itemcount, shown(slot)),
                extra={"spider": spider},
            )
        outcome = "failed" if slot in self._broken else "success"
        kind = type(slot.storage).__name__
        self.crawler.stats.inc_value(f"feedexport/{outcome}_count/{kind}")
        if slot in self._broken:
            self._leave(slot)
        await self.crawler.signals.send_catch_log_async(signals.feed_slot_closed, slot=slot)

    def _leave(self, slot: FeedSlot) -> None:
        """Close what is open of a feed that is not stored; what has items is worth keeping."""
        if not isinstance(slot.storage, FileFeedStorage):
            if slot.file:
                with contextlib.suppress(OSError):  # what is in its buffer may fail once more
                    slot.file.close()
        elif slot.itemcount and self.keeps_parts:
            slot.storage.leave()
        else:
            slot.storage.discard()

    def _tell(self, problem: str) -> None:
        if self.problem is None:
            self.problem = problem


def shown(slot: FeedSlot) -> str:
    """Return where a feed goes, without the password that may be needed for it."""
    return without_userinfo(slot.uri)
