"""One run of a job: what goes into its store and comes out of it, and when.

A request is finished when the engine is done with it: its outputs are scheduled, its items have
left the pipelines. Only then does what it has led to count, in one transaction with its end.
"""

from __future__ import annotations

import logging
from time import monotonic
from typing import TYPE_CHECKING, Any

from scrapy import signals
from scrapy.dupefilters import RFPDupeFilter
from scrapy.exceptions import IgnoreRequest
from scrapy.extensions.spiderstate import SpiderState
from scrapy.pqueues import DownloaderAwarePriorityQueue
from scrapy.spidermiddlewares.httperror import HttpError
from scrapy.utils.asyncio import call_later, create_looping_call
from scrapy.utils.defer import deferred_from_coro
from scrapy.utils.misc import load_object

from netcrawl.failures import describe_failure
from netcrawl.frontier.commits import Commits
from netcrawl.frontier.extension import filters_duplicates
from netcrawl.frontier.job import DONE, end_job, now_text, start_job
from netcrawl.frontier.memory import LOST, MARKED, Kept, Unserialized, is_marker
from netcrawl.frontier.plain import in_one_line
from netcrawl.frontier.recorder import Recorder
from netcrawl.frontier.serialize import CannotRestore, CannotSerialize, RequestSerializer
from netcrawl.frontier.starts import Starts
from netcrawl.frontier.store import Counts, LeaseLost, NewRequest, StoreError
from netcrawl.frontier.tracking import Work, current, current_work, watch
from netcrawl.frontier.traffic import TrafficRecorder
from netcrawl.number_settings import COMMIT_COUNT, COMMIT_SECONDS, HOLD_SECONDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from typing import TypeVar

    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.utils.asyncio import CallLaterResult

    from netcrawl.frontier.extension import FrontierJob

    R = TypeVar("R")

logger = logging.getLogger(__name__)

# How long callbacks may take to finish before a commit that waits for them is put off, seconds.
GATE_SECONDS = 10.0

# Why a spider is closed whose frontier cannot be kept any more.
FRONTIER_ERROR = "frontier_error"

# Why a request is not done whose callback raised CloseSpider. The next run does it again, and until
# then what it has led to counts: the spider may have been closed because it has what it wanted.
CLOSED_SPIDER = "its callback closed the spider"


class Run:
    """What Scrapy's scheduler does, and all that it does not know of.

    ``counts`` is how the job stands, once the run has ended. ``problem`` is the first thing that
    was not kept, None while all is well.
    """

    def __init__(self, crawler: Crawler, job: FrontierJob) -> None:
        """Begin, in an engine that has opened its slot and not begun.

        Raises:
            StoreError: what the job has left cannot be used.
        """
        assert crawler.spider is not None
        settings = crawler.settings
        self.store = job.folder.store
        self.counts = Counts()
        self.is_over = False
        self._folder = job.folder
        self._crawler = crawler
        self._spider = crawler.spider
        self._engine = crawler.engine
        self._stats = crawler.stats
        self._error: StoreError | None = None
        self._works: dict[Request, Work] = {}
        self._waiting: set[Work] = set()  # for requests that only this process knows
        self._fingerprint = crawler.request_fingerprinter.fingerprint
        self._filters = filters_duplicates(settings)
        self._duplicates = RFPDupeFilter(
            debug=settings.getbool("DUPEFILTER_DEBUG"), fingerprinter=crawler.request_fingerprinter
        )
        self._starts_are_apart = bool(settings["SCHEDULER_START_DISK_QUEUE"])
        self._slot_key = _slot_key(crawler)
        self._temporary = frozenset(map(int, settings.getlist("RETRY_HTTP_CODES")))
        self._has_closed = False
        self._hold = HOLD_SECONDS.of(settings)
        self._release_call: CallLaterResult | None = None
        self._memory = Unserialized(follows=self.store.value(MARKED) is not None)
        self._serializer = RequestSerializer(self._spider)
        self._starts = Starts(self.store, self._serializer, self._fingerprint)
        self._state = job.state
        self._recorder = Recorder(crawler, self.store, self._attempt)
        self._traffic = TrafficRecorder(crawler, self.store, now_text())
        crawler.signals.connect(self._traffic.saw_response, signals.response_received)
        self._commits = Commits(
            self.store,
            self._engine.scraper,
            self._state,
            self._waiting,
            count=COMMIT_COUNT.of(settings),
            patience=GATE_SECONDS,
        )
        self.gate = self._commits.gate
        self._replace_stock_state()
        watch(self._engine, self)
        self._clock = create_looping_call(self._tick)
        self._clock.start(COMMIT_SECONDS.of(settings), now=False)
        start_job(self.store, job.job)
        if self.store.counts().failed:
            self._retry_closed()  # of a run that was killed before its end
        self.store.commit()
        if job.is_resumed:
            counts = self.store.counts()
            logger.info(
                "Resuming crawl (%d requests scheduled, %d done, %d failed)",
                counts.pending,
                counts.done,
                counts.failed,
                extra={"spider": self._spider},
            )

    @property
    def problem(self) -> str | None:
        """What was not kept, or why nothing can be."""
        if self._error is not None:
            return str(self._error)
        return self._recorder.problem or self._state.problem

    # What the scheduler asks

    def put(self, request: Request) -> bool:
        """Keep a request; False if it is a duplicate."""
        return self._attempt(self._put, request) or False

    def next(self) -> Request | None:
        """Hand out a request; None if there is none now."""
        # What runs after this works for no request, though it may run in the context of one.
        current.set(None)
        return self._attempt(self._next)

    def has_pending(self) -> bool:
        """Say whether there are requests that are not finished."""
        # Between the downloader and the scraper, a response is with neither: the engine would take
        # itself to be idle, and close the spider before it knows where the page leads.
        return (
            bool(self._works)
            or self._memory.has_ready
            or self._attempt(self.store.has_pending)
            or False
        )

    def add_note(self, kind: str, key: bytes, value: bytes) -> None:
        """Keep a note of the running callback's."""
        work = current_work()
        self._attempt(self.store.add_note, kind, key, value, None if work is None else work.lease)

    def give_back(self) -> None:
        """Have the request of the running callback done again in a later run; forget this time."""
        if (work := current_work()) is not None:
            work.is_given_back = True

    def end(self, reason: str) -> None:
        """Keep how the job stands. Everything that was handed out is finished."""
        if self._clock.running:
            self._clock.stop()
        if self._release_call is not None:
            self._release_call.cancel()
        self._attempt(self._end, reason)

    # What the engine tells

    def work_of(self, request: Request) -> Work | None:
        """See ``Watcher``."""
        return self._works.get(request)

    def request_finished(self, request: Request) -> None:
        """See ``Watcher``."""
        work = self._works.pop(request, None)
        if work is not None:
            self._attempt(self._finish, work)

    def request_failed(self, request: Request, error: Exception) -> None:
        """See ``Watcher``."""
        if isinstance(error, HttpError):
            if error.response.status not in self._temporary:
                return  # the page is not there, which is an answer as well
        elif isinstance(error, IgnoreRequest):
            return  # nobody wants it, such as robots.txt
        if (work := self._works.get(request)) is not None:
            work.fail(describe_failure(error, request))

    def request_closed_spider(self, request: Request) -> None:
        """See ``Watcher``."""
        if (work := self._works.get(request)) is not None:
            work.fail(CLOSED_SPIDER)

    async def starts(self, outputs: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """See ``Watcher``."""
        try:
            async for output in self._starts.new(outputs):
                if self._error is not None:
                    return
                yield output
        except StoreError as error:
            self._stop(error)

    def engine_done(self) -> Exception | None:
        """See ``Watcher``."""
        self.is_over = True
        try:
            self._folder.close()
        except StoreError as error:
            self._error = self._error or error
        return self._error

    # How it is done

    def _put(self, request: Request) -> bool:
        start = self._starts.key_of(request)
        work = current_work()
        lease = None if work is None else work.lease
        fingerprint = self._fingerprint(request)
        dont_filter = request.dont_filter or not self._filters
        # Most links lead to what is known, of which nothing is to be kept.
        if (
            not dont_filter
            and not self._memory.may_want_duplicates
            and self.store.is_duplicate(fingerprint, lease)
        ):
            if start is not None:
                self.store.add_start(start)
            self._duplicates.log(request, self._spider)
            return False
        reason: str | None = None
        try:
            data = self._serializer.dumps(request)
        except CannotSerialize as error:
            reason = str(error)
            data = self._memory.mark(fingerprint)
        new = NewRequest(
            data,
            fingerprint,
            self._slot_key(request),
            request.priority,
            dont_filter,
            self._starts_are_apart and bool(request.meta.get("is_start_request")),
        )
        if reason is not None:
            return self._put_in_memory(request, new, work, start, reason)
        is_new = self.store.put(new, lease)
        if start is not None:
            self.store.add_start(start)
        if not is_new:
            self._duplicates.log(request, self._spider)
            return False
        if work is not None:
            work.has_children = True
        self._count_enqueued("disk")
        return True

    def _put_in_memory(
        self,
        request: Request,
        new: NewRequest,
        work: Work | None,
        start: bytes | None,
        reason: str,
    ) -> bool:
        kept = Kept(request, work, start)
        if not self._memory.came_again(new.data, kept):
            if not self.store.put(new, None if work is None else work.lease):
                self._memory.expect(new.data, kept)
                self._duplicates.log(request, self._spider)
                return False
            self._memory.keep(new.data, kept)
            self.store.set_value(MARKED, b"")
            if work is not None:
                self.store.release(work.lease)
                work.is_released = True
        if work is not None:
            work.open += 1  # it is a part of what its producer has to do
        logger.warning(
            "%s cannot be serialised, and is kept in memory, which a crash loses: %s",
            request,
            reason,
            extra={"spider": self._spider},
        )
        self._stats.inc_value("scheduler/unserializable")
        self._count_enqueued("memory")
        return True

    def _next(self) -> Request | None:
        handed_out = self._memory.take_ready()
        kind = "memory"
        while handed_out is None:
            lease = self.store.lease()
            if lease is None:
                self._release_later()
                return None
            if is_marker(lease.data):
                if self._memory.is_replaced(lease.data):
                    self.store.finish(lease.id)
                else:
                    handed_out = self._memory.leased(lease.id, lease.data)
                continue
            try:
                handed_out = self._serializer.loads(lease.data), Work.begin(lease.id)
            except CannotRestore as error:
                logger.error("A request cannot be read back: %s", error)
                self._finish_failed(lease.id, f"it cannot be read back: {error}")
            kind = "disk"
        request, work = handed_out
        self._works[request] = work
        self._stats.inc_value(f"scheduler/dequeued/{kind}")
        self._stats.inc_value("scheduler/dequeued")
        return request

    def _finish(self, work: Work) -> None:
        work.open -= 1
        if work.open:
            self._waiting.add(work)
            return
        self._waiting.discard(work)
        if work.parent is not None:
            # It is tried again with what has led to it, or not at all.
            self.store.finish(work.lease)
            if work.failure is not None:
                work.parent.fail(work.failure)
            if work.is_given_back:
                work.parent.is_given_back = True
        elif work.is_given_back:
            self.store.give_back(work.lease)
        elif work.failure is not None:
            self._finish_failed(work.lease, work.failure)
        else:
            self.store.finish(work.lease)
            self._stats.inc_value("frontier/done")
        if work.start is not None:
            self.store.add_start(work.start)
        if work.parent is not None:
            self._finish(work.parent)
        else:
            self._commits.request_finished()

    def _finish_failed(self, lease: int, reason: str) -> None:
        self.store.finish(lease, reason)
        if reason == CLOSED_SPIDER:
            self._has_closed = True
        else:
            self._stats.inc_value("frontier/failed")

    def _retry_closed(self) -> None:
        failed = self.store.failed()
        self.store.retry_failed([it.id for it in failed if it.reason == CLOSED_SPIDER])

    def _release_later(self) -> None:
        """Let go what waits for its producer, if there is nothing else to do for some time.

        What it leads to counts with the producer; were that the rule, a crash would lose more.
        """
        if self._release_call is None and any(map(_holds, self._works.values())):
            self._release_call = call_later(self._hold, self._release)

    def _release(self) -> None:
        self._release_call = None
        latest = monotonic() - self._hold
        for work in self._works.values():
            if _holds(work) and work.since <= latest:
                self._attempt(self.store.release, work.lease)
                work.is_released = True
        if self._engine._slot is not None:
            self._engine._slot.nextcall.schedule()

    def _tick(self) -> None:
        self._attempt(self.store.heartbeat)
        self._attempt(self._traffic.tick)
        self._attempt(self._commits.tick)

    def _end(self, reason: str) -> None:
        if reason == DONE:
            for lease in self._memory.take_orphans():
                self._finish_failed(lease, LOST)
        if self._has_closed:
            self._retry_closed()
        self.counts = self.store.counts()
        self._stats.set_value("frontier/pending", self.counts.pending)
        self._traffic.end()
        end_job(self.store, reason)
        self._commits.now()

    def _replace_stock_state(self) -> None:
        """Keep Scrapy's own extension from giving the spider another state."""
        stock = self._crawler.get_extension(SpiderState)
        if stock is not None:
            self._crawler.signals.disconnect(stock.spider_opened, signals.spider_opened)
            self._crawler.signals.disconnect(stock.spider_closed, signals.spider_closed)

    def _count_enqueued(self, where: str) -> None:
        self._stats.inc_value(f"scheduler/enqueued/{where}")
        self._stats.inc_value("scheduler/enqueued")

    def _attempt(self, function: Callable[..., R], *args: Any) -> R | None:
        """Call it; after a StoreError, close the spider, and do nothing any more."""
        if self._error is not None or self.is_over:
            return None
        try:
            return function(*args)
        except LeaseLost:
            return None  # it was released from one that was given back, and will be put again
        except StoreError as error:
            self._stop(error)
            return None

    def _stop(self, error: StoreError) -> None:
        if self._error is not None:
            return
        self._error = error
        in_one_line()
        logger.error("%s", error, extra={"spider": self._spider})
        self.gate.open()
        if self._engine.spider is not None:
            deferred_from_coro(self._engine.close_spider_async(reason=FRONTIER_ERROR))


def _holds(work: Work) -> bool:
    return work.has_children and not work.is_released


def _slot_key(crawler: Crawler) -> Callable[[Request], str]:
    """Return what requests are told apart by, where the project's queue would."""
    queue = load_object(crawler.settings["SCHEDULER_PRIORITY_QUEUE"])
    key: Callable[[Request], str] | None
    key = getattr(crawler.engine.downloader, "get_slot_key", None)
    is_aware = isinstance(queue, type) and issubclass(queue, DownloaderAwarePriorityQueue)
    return key if key is not None and is_aware else _one_slot


def _one_slot(_: Request) -> str:
    return ""
