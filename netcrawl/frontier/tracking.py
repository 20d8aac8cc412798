"""Whose output is this, and when is a request finished: what Scrapy does not tell its scheduler.

A request that the engine is given may come from a callback, an errback, a redirect or a pipeline,
through any number of tasks and middlewares. While any of them is at work, the context variable
``current`` says for which request: the response is handed to the engine in a context of its own,
and whatever the engine starts from there inherits it.

Scrapy has no setting for where this has to happen. ``watch`` therefore takes hold of seven places
in the engine of one crawl, whatever classes the settings name, and of nothing else in Scrapy.
"""

from __future__ import annotations

from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

from scrapy.exceptions import CloseSpider
from scrapy.utils.asyncio import call_later, is_asyncio_available
from scrapy.utils.defer import ensure_awaitable
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from netcrawl.frontier.cooperating import keep_in_cooperator

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from scrapy import Request
    from scrapy.core.engine import ExecutionEngine
    from scrapy.http import Response


@dataclass(eq=False, slots=True)
class Work:
    """A lease, and what is being done for it.

    ``open`` counts the requests that have to be finished before it is: its own, and those that it
    has led to and only this process knows.
    """

    lease: int
    since: float
    open: int = 1
    failure: str | None = None
    parent: Work | None = None
    start: bytes | None = None  # the key to remember once it is finished
    has_children: bool = False
    is_released: bool = False
    is_given_back: bool = False  # what it has led to is not all that it should

    @classmethod
    def begin(cls, lease: int, parent: Work | None = None) -> Work:
        """Begin with a lease now."""
        return cls(lease, monotonic(), parent=parent)

    def fail(self, reason: str) -> None:
        """Note a reason, of which the first counts."""
        if self.failure is None:
            self.failure = reason


@dataclass(eq=False, slots=True)
class StartItem:
    """An item that the spider starts with, on its way through the pipelines."""

    key: bytes


current: ContextVar[Work | StartItem | None] = ContextVar("current", default=None)


def current_work() -> Work | None:
    """Return what the running code works for, None if for no request that is unfinished."""
    # A callback may leave a timer behind, which outlives its request.
    work = current.get()
    return work if isinstance(work, Work) and work.open else None


class Gate:
    """Holds back responses, so that the callbacks that are at work come to an end."""

    def __init__(self) -> None:
        self._waiting: list[Callable[[], None]] | None = None

    @property
    def is_shut(self) -> bool:
        """Whether it does."""
        return self._waiting is not None

    def shut(self) -> None:
        """Hold back from now on."""
        self._waiting = []

    def open(self) -> None:
        """Let pass what was held back, and what comes."""
        waiting, self._waiting = self._waiting or [], None
        for deliver in waiting:
            deliver()

    def through(self, deliver: Callable[[], None]) -> None:
        """Call it, now or when the gate is open."""
        if self._waiting is None:
            deliver()
        else:
            self._waiting.append(deliver)


class Watcher(Protocol):
    """Who wants to know."""

    gate: Gate

    def work_of(self, request: Request) -> Work | None:
        """Return the work that a request was handed out for, None if it was not."""
        ...

    def request_finished(self, request: Request) -> None:
        """Take note that nothing more will come of it: its items have left the pipelines."""
        ...

    def request_failed(self, request: Request, error: Exception) -> None:
        """Take note of a failure that no errback has dealt with."""
        ...

    def request_closed_spider(self, request: Request) -> None:
        """Take note that its callback raised CloseSpider, and so did not come to its end."""
        ...

    def starts(self, outputs: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """Return which of a spider's starts the engine is to get."""
        ...

    def engine_done(self) -> Exception | None:
        """Take note that nothing will be asked for any more; return why the crawl failed."""
        ...


def watch(engine: ExecutionEngine, watcher: Watcher) -> None:
    """Tell the watcher of each request of this crawl; called when the scheduler is opened."""
    _deliver_in_context(engine, watcher)
    _notice_failures(engine, watcher)
    _notice_closing(engine, watcher)
    _notice_removal(engine, watcher)
    _filter_starts(engine, watcher)
    _notice_end(engine, watcher)
    if not is_asyncio_available():
        keep_in_cooperator(engine.scraper, current)


def _deliver_in_context(engine: ExecutionEngine, watcher: Watcher) -> None:
    fetch = engine.downloader.fetch

    def fetch_for(request: Request, *spider: Any) -> Deferred[Response | Request]:
        work = watcher.work_of(request)
        if work is None:  # what a pipeline or a middleware wants for itself
            return fetch(request, *spider)
        context = copy_context()
        context.run(current.set, work)
        fetched = context.run(fetch, request, *spider)
        # In Twisted, what follows a Deferred runs in the context of whoever fires it.
        delivered: Deferred[Response | Request] = Deferred()

        def deliver(result: Any) -> None:
            fire = delivered.errback if isinstance(result, Failure) else delivered.callback
            go_on: Callable[[], None] = partial(context.run, fire, result)
            if work.parent is None:
                watcher.gate.through(go_on)
            else:  # others wait for it
                go_on()

        if fetched.called:
            # The engine has not said yet what follows.
            call_later(0, fetched.addBoth, deliver)
        else:
            fetched.addBoth(deliver)
        return delivered

    engine.downloader.fetch = fetch_for  # type: ignore[method-assign, assignment]


def _notice_failures(engine: ExecutionEngine, watcher: Watcher) -> None:
    call_spider = engine.scraper.call_spider_async

    async def call_watched(result: Response | Failure, request: Request) -> Any:
        try:
            return await call_spider(result, request)
        except Exception as error:
            # Another exception than the download's is the callback's or the errback's, of which
            # there is a signal.
            if isinstance(result, Failure) and error is result.value:
                watcher.request_failed(request, error)
            raise

    engine.scraper.call_spider_async = call_watched  # type: ignore[method-assign]


def _notice_closing(engine: ExecutionEngine, watcher: Watcher) -> None:
    handle = engine.scraper.handle_spider_error

    def handle_watched(failure: Failure, request: Request, response: Response | Failure) -> None:
        if isinstance(failure.value, CloseSpider):  # of which there is no signal
            watcher.request_closed_spider(request)
        handle(failure, request, response)

    engine.scraper.handle_spider_error = handle_watched  # type: ignore[method-assign, assignment]


class _InProgress(set["Request"]):
    """The engine's set of requests, which it takes one from when all is done for it."""

    def __init__(self, removed: Callable[[Request], None]) -> None:
        super().__init__()
        self._removed = removed

    def remove(self, request: Request) -> None:
        super().remove(request)
        self._removed(request)


def _notice_removal(engine: ExecutionEngine, watcher: Watcher) -> None:
    assert engine._slot is not None
    assert not engine._slot.inprogress
    engine._slot.inprogress = _InProgress(watcher.request_finished)


def _filter_starts(engine: ExecutionEngine, watcher: Watcher) -> None:
    if engine._start is not None:
        engine._start = watcher.starts(engine._start)


def _notice_end(engine: ExecutionEngine, watcher: Watcher) -> None:
    closed = engine._spider_closed_callback
    start = engine.start_async
    failures: list[Exception] = []

    async def close_watched(spider: Any) -> None:
        try:
            if (failure := watcher.engine_done()) is not None:
                failures.append(failure)
        finally:
            await ensure_awaitable(closed(spider))

    async def start_watched(**options: Any) -> None:
        await start(**options)
        # So the crawl fails for whoever has started it.
        if failures:
            raise failures[0]

    engine._spider_closed_callback = close_watched
    engine.start_async = start_watched  # type: ignore[method-assign]
