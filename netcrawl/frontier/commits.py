"""When what was done is made to last: after so many requests, or so many seconds.

A commit costs the disk more than a page costs the processor, and one for several pages costs no
more than one for each. What is lost in a crash is done again.

``spider.state`` is one value for all requests. It goes with exactly those that have left their
mark in it, so it is kept only while no callback is at work. Where a spider uses it, responses are
held back for that, until those that are being handled are finished; others are never held back.
"""

from __future__ import annotations

import logging
import pickle
from time import monotonic
from typing import TYPE_CHECKING

from netcrawl.frontier.store import StoreError
from netcrawl.frontier.tracking import Gate

if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any

    from scrapy import Spider
    from scrapy.core.scraper import Scraper

    from netcrawl.frontier.store import Store
    from netcrawl.frontier.tracking import Work

logger = logging.getLogger(__name__)

STATE = "spider.state"

_PROTOCOL = 5


class Commits:
    """Says when, for one run."""

    def __init__(
        self,
        store: Store,
        scraper: Scraper,
        state: State,
        waiting: Collection[Work],
        *,
        count: int,
        patience: float,
    ) -> None:
        """Commit after ``count`` finished requests at the latest.

        ``waiting`` are those whose callback has come to its end, and that are not finished.
        ``patience`` is for how many seconds responses are held back for a commit, and not held
        back for the next one if that did not help.
        """
        self.gate = Gate()
        self._store = store
        self._scraper = scraper
        self._state = state
        self._waiting = waiting
        self._count = count
        self._patience = patience
        self._finished = 0
        self._is_due = False
        self._shut_since = 0.0
        self._shut_not_before = 0.0

    def request_finished(self) -> None:
        """Count a request; commit if it is time."""
        self._finished += 1
        if self._finished >= self._count:
            self._is_due = True
        if self._is_due:
            self._try()

    def tick(self) -> None:
        """Commit if it can be done, called each time that one is due."""
        self._is_due = True
        self._try()

    def now(self) -> None:
        """Commit, at a time when no callback is at work."""
        self._state.save(self._store)
        self._commit()

    def _try(self) -> None:
        if not self._state.is_used:
            self._commit()
            return
        assert self._scraper.slot is not None
        now = monotonic()
        if self._scraper.slot.is_idle() and not self._waiting:
            self.now()
        elif self.gate.is_shut:
            if now - self._shut_since > self._patience:
                # Something that is at work may wait for a response.
                self._shut_not_before = now + self._patience
                self.gate.open()
        elif not self._waiting and now >= self._shut_not_before:
            self._shut_since = now
            self.gate.shut()

    def _commit(self) -> None:
        self._is_due = False
        self._finished = 0
        self._store.commit()
        if self.gate.is_shut:
            self.gate.open()


class State:
    """A spider's state: a dictionary of its own, which is there again when the job goes on."""

    def __init__(self, spider: Spider, store: Store) -> None:
        """Give the spider its state.

        Raises:
            StoreError: it cannot be read.
        """
        self._spider = spider
        self._saved = store.value(STATE)
        self.problem: str | None = None
        try:
            value = {} if self._saved is None else pickle.loads(self._saved)  # noqa: S301 - ours
        except Exception as error:  # whatever the __setstate__ of anything raises
            raise StoreError(f"spider.state cannot be read back: {error!r}") from error
        spider.state = value  # type: ignore[attr-defined]  # as Scrapy's extension does

    @property
    def is_used(self) -> bool:
        """Whether there is anything in it, or was."""
        return bool(self._value) or self._saved is not None

    def save(self, store: Store) -> None:
        """Keep it as it is now."""
        if not self.is_used:
            return
        try:
            data = pickle.dumps(self._value, _PROTOCOL)
        except Exception as error:  # noqa: BLE001 - whatever the __reduce__ of anything raises
            if self.problem is None:
                self.problem = f"spider.state cannot be kept: {error}"
                logger.error("%s", self.problem)
            return
        if data != self._saved:
            store.set_value(STATE, data)
            self._saved = data

    @property
    def _value(self) -> Any:
        return getattr(self._spider, "state", None)
