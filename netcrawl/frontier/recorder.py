"""Keeps the items that the pipelines let through, and why requests failed."""

from __future__ import annotations

import logging
import traceback
from typing import TYPE_CHECKING, Any

from scrapy import signals

from netcrawl.frontier.kept_items import UnkeepableItem, dump_item
from netcrawl.frontier.last_items import LAST_ITEMS, are_last_items
from netcrawl.frontier.tracking import StartItem, current, current_work

if TYPE_CHECKING:
    from collections.abc import Callable

    from scrapy.crawler import Crawler
    from twisted.python.failure import Failure

    from netcrawl.frontier.store import Store

logger = logging.getLogger(__name__)

# Characters of a traceback; the end of a longer one says what was wrong.
_MAX_REASON = 20_000


class Recorder:
    """Listens to what becomes of items and callbacks."""

    def __init__(self, crawler: Crawler, store: Store, run: Callable[..., object]) -> None:
        """``run`` calls a method of the store, and sees to its errors."""
        self._store = store
        self._run = run
        self.problem: str | None = None
        # Those of an earlier run are out of date as soon as this one goes on.
        run(store.replace_notes, LAST_ITEMS, iter(()))
        crawler.signals.connect(self._scraped, signals.item_scraped)
        crawler.signals.connect(self._dropped, signals.item_dropped)
        crawler.signals.connect(self._failed, signals.item_error)
        crawler.signals.connect(self._failed, signals.spider_error)

    def _scraped(self, item: Any) -> None:
        try:
            data = dump_item(item)
        except UnkeepableItem as error:
            problem = str(error)
            logger.error("%s", problem)
            self.problem = self.problem or problem
            if (work := current_work()) is not None:
                work.fail(problem)
            return
        if are_last_items():
            self._run(self._store.add_note, LAST_ITEMS, b"", data)
            return
        work = current_work()
        self._run(self._store.add_item, data, None if work is None else work.lease)
        self._dropped()

    def _dropped(self) -> None:
        start = current.get()
        if isinstance(start, StartItem):
            self._run(self._store.add_start, start.key)

    def _failed(self, failure: Failure) -> None:
        work = current_work()
        if work is not None and failure.value is not None:
            work.fail("".join(traceback.format_exception(failure.value))[-_MAX_REASON:])
