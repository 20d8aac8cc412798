"""Feeds as a view of the items that a job has kept: made from all of them, at the end of each run.

A crawl that is killed and goes on later would write some items twice and others never, if it wrote
them as they come.
"""

from __future__ import annotations

import hashlib
import json
import re
from functools import partial
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from scrapy import signals
from scrapy.exceptions import CloseSpider, UsageError
from scrapy.extensions.feedexport import FeedExporter
from scrapy.utils.asyncio import call_later
from scrapy.utils.defer import maybe_deferred_to_future
from twisted.internet.defer import Deferred

from netcrawl.failures import without_userinfo
from netcrawl.feeds.checked import FEED_ERRORS, CheckedFeedExporter
from netcrawl.feeds.files import FileFeedStorage
from netcrawl.feeds.written import WrittenFeeds
from netcrawl.frontier.extension import is_job
from netcrawl.frontier.kept_items import UnreadableItem, load_item
from netcrawl.frontier.last_items import LAST_ITEMS
from netcrawl.frontier.scheduler import store_of
from netcrawl.frontier.store import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    from scrapy import Spider
    from scrapy.crawler import Crawler
    from scrapy.extensions.feedexport import FeedSlot, FeedStorageProtocol

    from netcrawl.frontier.store import Store

# Items written in one go; then signals, such as Ctrl-C, have their turn.
_AT_ONCE = 200

_URIS = "feed uris"
_PLACEHOLDER = re.compile(r"%\(\w+\)")


class HasItems(Protocol):
    """The part of a store that feeds are made from."""

    def items(self, after: int = 0) -> Iterator[tuple[int, bytes]]:
        """Yield number and data of each."""
        ...

    def notes(self, kind: str) -> Iterator[tuple[bytes, bytes]]:
        """Yield key and value of each note."""
        ...


def read_items(store: HasItems, *, is_over: bool) -> Iterator[Any]:
    """Yield every item of a job; those that come last only if a run ``is_over``.

    Raises:
        UnreadableItem: its class is not to be found, or does not take what was kept.
    """
    for _, data in store.items():  # noqa: PERF102 - no dict
        yield load_item(data)
    if is_over:
        for _, data in store.notes(LAST_ITEMS):
            yield load_item(data)


class CommittedFeedExporter(CheckedFeedExporter):
    """Feeds of a job. They are what they were until all is written, or what they are to be."""

    # The items are safe, and the same command makes the feed.
    keeps_parts = False

    def __init__(self, crawler: Crawler, find_store: Callable[[], Store | None]) -> None:
        """``find_store`` is called when the spider is opened.

        Raises:
            NotConfigured: no feed is wanted.
            UsageError: one cannot be had.
        """
        self._find_store = find_store
        self._store: Store | None = None
        self._uris: dict[str, str] = {}
        super().__init__(crawler)
        for uri, options in self.feeds.items():
            if urlsplit(uri).scheme == "ftp" and not options.get("overwrite", True):
                raise UsageError(
                    f"feed {without_userinfo(uri)}: with JOBDIR, what was sent to a server before "
                    "cannot be replaced; use -O"
                )

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> CheckedFeedExporter:  # type: ignore[override]
        """Without a job, return the exporter that writes items as they come."""
        if not is_job(crawler.settings):
            return CheckedFeedExporter.from_crawler(crawler)
        exporter = cls(crawler, partial(store_of, crawler))
        crawler.signals.connect(exporter.open_spider, signals.spider_opened)
        crawler.signals.connect(exporter.close_spider, signals.spider_closed)
        return exporter

    def open_spider(self, spider: Spider) -> None:
        """See that every feed could be written, before the first request.

        Raises:
            CloseSpider: one cannot be.
        """
        self._store = self._find_store()
        if self._store is None:  # the job could not be had, which is told elsewhere
            return
        if value := self._store.value(_URIS):
            self._uris = json.loads(value)
        self._open_slots(spider)
        for slot in self.slots:
            if isinstance(slot.storage, FileFeedStorage):
                try:
                    slot.storage.check()
                except FEED_ERRORS as exc:
                    self.record(slot, exc)
        self.slots = []
        self._save_uris()
        if self.problem:
            raise CloseSpider("feed_error")

    async def close_spider(self, spider: Spider) -> None:
        """Write all items of the job."""
        if self._store is None or self.problem:
            return
        await self.write(read_items(self._store, is_over=True), spider)

    async def write(self, items: Iterable[Any], spider: Spider) -> None:
        """Write the feeds; ``problem`` says afterwards what was in the way."""
        self._open_slots(spider)
        number = 0
        try:
            for number, item in enumerate(items, start=1):
                self.export(item, spider)
                if number % _AT_ONCE == 0:
                    await _let_others_work()
            self._save_uris()
        except (UnreadableItem, StoreError) as exc:
            # Which items are missing, there is no telling: all feeds stay as they were.
            self._broken += self.slots
            self._tell(f"no feed was written: {exc}" + f" (after {number} items)" * bool(number))
        except BaseException:  # interrupted
            for slot in self.slots:
                self._leave(slot)
            raise
        await super().close_spider(spider)

    def _open_slots(self, spider: Spider) -> None:
        FeedExporter.open_spider(self, spider)

    def _start_new_batch(
        self,
        batch_id: int,
        uri: str,
        feed_options: dict[str, Any],
        spider: Spider,
        uri_template: str,
    ) -> FeedSlot:
        """Start a file; under the name that it had in the run that started it first."""
        if _PLACEHOLDER.search(uri_template):
            key = f"{hashlib.sha256(uri_template.encode()).hexdigest()} {batch_id}"
            userinfo, bare = _split_userinfo(uri)
            uri = userinfo + self._uris.setdefault(key, bare)
        return super()._start_new_batch(batch_id, uri, feed_options, spider, uri_template)

    def _get_storage(self, uri: str, feed_options: dict[str, Any]) -> FeedStorageProtocol:
        storage = super()._get_storage(uri, feed_options)
        if isinstance(storage, FileFeedStorage) and self._store is not None:
            storage.written = WrittenFeeds(self._store)
        return storage

    def _save_uris(self) -> None:
        if self._store is not None and self._uris:
            self._store.set_value(_URIS, json.dumps(self._uris).encode())
            self._store.commit()


def _split_userinfo(uri: str) -> tuple[str, str]:
    """Return what not to keep of a URI, and what to put after it to have it whole again.

    >>> _split_userinfo("ftp://me:secret@h/x.json")
    ('ftp://me:secret@', 'h/x.json')
    >>> _split_userinfo("x-1.json")
    ('', 'x-1.json')
    """
    match = re.match(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*@", uri)
    end = match.end() if match else 0
    return uri[:end], uri[end:]


async def _let_others_work() -> None:
    done: Deferred[None] = Deferred()
    call_later(0, done.callback, None)
    await maybe_deferred_to_future(done)
