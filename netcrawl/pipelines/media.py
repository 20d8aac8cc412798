"""URLs to files: what the pipelines have in common that download into a store.

A pipeline of this kind says in ``process_item`` which URLs an item needs, asks ``fetch`` for each,
and writes what became of it into the item. Requests go through the downloader and its middlewares
like those for pages do: robots.txt, delays, cookies, redirects and retries hold.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import threading
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING, ClassVar

from scrapy import Request
from scrapy.exceptions import CloseSpider, DropItem, NotConfigured
from scrapy.http.request import NO_CALLBACK
from scrapy.settings import SETTINGS_PRIORITIES
from scrapy.spidermiddlewares.httperror import HttpError
from scrapy.spidermiddlewares.referer import RefererMiddleware
from scrapy.utils.defer import deferred_from_coro

from netcrawl.failures import DiskError, describe_failure, shown
from netcrawl.frontier.notes import NO_NOTES, Notes, notes_of
from netcrawl.pipelines.body import Spooled, body_blocks, discard_body
from netcrawl.pipelines.names import safe_name
from netcrawl.pipelines.store import Entry, Memory, Store, StoreError
from netcrawl.schemes import check_url

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any, Self

    from scrapy.crawler import Crawler
    from scrapy.http import Response

    from netcrawl.pipelines.new_file import FileOnItsWay

logger = logging.getLogger(__name__)

# Octets of a file in memory and on disk, and seconds for it, unless the user sets DOWNLOAD_MAXSIZE
# or DOWNLOAD_TIMEOUT: what a spider sets there is meant for pages.
MAX_SIZE = 1024**3
MAX_SIZE_ON_DISK = 64 * 1024**3
MAX_TIME = 1800

# Octets of a picture; they are in memory while it is decoded.
MAX_PICTURE = 64 * 1024 * 1024

# Characters of a field. What is longer, or does not print, is none that a server can mean.
MAX_FIELD = 1000

# 203 is a 200 that a proxy has transformed.
COMPLETE = (200, 203)

# Among the details of an entry: which job has asked for the file last, and what became of it. A
# job that goes on does not ask again.
_JOB = "job"


class Status(Enum):
    """What became of a URL."""

    DOWNLOADED = "downloaded"
    UNCHANGED = "unchanged"  # since it was downloaded into this store
    FAILED = "failed"


class Unwanted(Exception):
    """The file is not one that the pipeline takes; the text says why, and names it."""


class Stopped(DropItem):
    """There is no telling what becomes of the file: the crawl is being stopped."""

    def __init__(self) -> None:
        super().__init__("the crawl is being stopped", log_level="DEBUG")


@dataclass(frozen=True)
class Fetched:
    """What became of a URL. ``path`` is relative to the store, None if there is no file.

    ``details`` are what the pipeline's ``inspect`` returned, be it in an earlier run.
    """

    status: Status
    path: str | None = None
    sha256: str | None = None
    size: int | None = None
    content_type: str | None = None
    last_modified: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    problem: str | None = None


class StorePipeline:
    """Downloads each URL once, if it has changed since the last run on the same store."""

    # What tells the entries of one kind of pipeline from those of others in the same store.
    kind: ClassVar[str]
    max_size: ClassVar[int] = MAX_SIZE
    max_size_on_disk: ClassVar[int] = MAX_SIZE_ON_DISK

    def __init__(
        self,
        crawler: Crawler,
        root: Path,
        max_size: int,
        max_size_on_disk: int,
        max_time: float,
    ) -> None:
        self._crawler = crawler
        self._root = root
        self._max_size = max_size
        self._max_size_on_disk = max_size_on_disk
        self._max_time = max_time
        self._store: Store | None = None
        self._memory: Memory | None = None
        self._fetches: dict[str, asyncio.Task[Fetched]] = {}
        # Bodies at a time, in memory where the handler has no other place for them.
        self._room = asyncio.Semaphore(crawler.settings.getint("CONCURRENT_REQUESTS"))
        # Two files of one name must not both find the same one to be replaced.
        self._placing = threading.Lock()
        self._is_broken = False
        self._notes: Notes = NO_NOTES
        self._job: str | None = None
        self._refused: dict[str, str] = {}
        self._dropped: dict[str, str] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Take the folder from the spider's ``store``; raise NotConfigured if it has none."""
        root: Path | None = getattr(crawler.spider, "store", None)
        if root is None:
            raise NotConfigured
        settings = crawler.settings
        asked_for = {
            name
            for name in ("DOWNLOAD_MAXSIZE", "DOWNLOAD_TIMEOUT")
            if (settings.getpriority(name) or 0) > SETTINGS_PRIORITIES["spider"]
        }
        max_size, max_size_on_disk = cls.max_size, cls.max_size_on_disk
        max_time: float = MAX_TIME
        if "DOWNLOAD_MAXSIZE" in asked_for:
            max_size = max_size_on_disk = settings.getint("DOWNLOAD_MAXSIZE")
        if "DOWNLOAD_TIMEOUT" in asked_for:
            max_time = settings.getfloat("DOWNLOAD_TIMEOUT")
        return cls(crawler, root, max_size, max_size_on_disk, max_time)

    def open_spider(self) -> None:
        """Open the store before anything is requested.

        Raises:
            CloseSpider: it cannot be written.
        """
        try:
            self._store = Store(self._root)
            self._memory = Memory(self._store, self.kind)
        except StoreError as exc:
            self._report(str(exc))
            raise CloseSpider("store_error") from exc
        if self._memory.problem:
            logger.warning("%s", self._memory.problem)
        self._notes = notes_of(self._crawler)
        if self._notes.are_kept:
            self._recall()

    def close_spider(self) -> None:
        """Close the store."""
        if self._memory is not None:
            self._memory.close()
        if self._store is not None:
            self._store.close()

    async def fetch(self, url: str, page: str | None = None) -> Fetched:
        """Have the file of ``url`` in the store; ``page`` is where the link to it was.

        Whoever asks for the same URL gets the same answer. What goes wrong with the file is in it.

        Raises:
            DropItem: the crawl is being stopped.
        """
        url = url.partition("#")[0]
        if url not in self._fetches:
            self._fetches[url] = asyncio.ensure_future(self._fetch(url, page))
        try:
            return await self._fetches[url]
        except Stopped:
            self._notes.give_back()
            raise

    def inspect(
        self,
        file: FileOnItsWay,  # noqa: ARG002 - for pipelines that look at it
        response: Response,  # noqa: ARG002
    ) -> dict[str, Any]:
        """Return what else is to be remembered of a complete file, before it is placed.

        It runs in a thread, and may read ``file.path``. What it returns has to be for JSON.

        Raises:
            Unwanted: the file is not to be kept.
        """
        return {}

    def name(
        self,
        response: Response,
        details: Mapping[str, Any],  # noqa: ARG002 - for pipelines that know better than the server
    ) -> str:
        """Return the name that a file is to have."""
        disposition = response.headers.get("Content-Disposition")
        return safe_name(
            disposition.decode("latin-1") if disposition else None,
            response.url,
            _text(response, "Content-Type") or "",
        )

    def _recall(self) -> None:
        """Know what became of files in earlier runs of the job."""
        kind = f"{self.kind}: job"
        self._job = next((key.decode() for key, _ in self._notes.read(kind)), None)
        if self._job is None:
            self._job = secrets.token_hex(8)
            self._notes.add(kind, self._job.encode())
        for reasons, name in ((self._refused, "refused"), (self._dropped, "dropped")):
            for key, value in self._notes.read(f"{self.kind}: {name}"):
                reasons[key.decode()] = value.decode()

    async def _fetch(self, url: str, page: str | None) -> Fetched:
        async with self._room:
            engine = self._crawler.engine
            if self._is_broken or engine is None or not engine.running:
                raise Stopped
            if reason := self._dropped.get(url):
                raise DropItem(reason, log_level="DEBUG")
            try:
                fetched = await self._fetch_if_changed(url, page)
            except DropItem as exc:  # by ``inspect``
                self._notes.add(f"{self.kind}: dropped", _octets(url), _octets(str(exc)))
                raise
            except Unwanted as exc:
                fetched = Fetched(Status.FAILED, problem=str(exc))
                self._notes.add(f"{self.kind}: refused", _octets(url), _octets(str(exc)))
            except StoreError as exc:
                fetched = self._store_failed(exc)
        if fetched.problem:
            logger.warning("%s", fetched.problem)
        self._crawler.stats.inc_value(f"{self.kind}/{fetched.status.value}")
        return fetched

    async def _fetch_if_changed(self, url: str, page: str | None) -> Fetched:
        """Raise Unwanted or StoreError where there is no file in the end."""
        assert self._memory is not None  # set in open_spider
        if reason := self._refused.get(url):
            raise Unwanted(reason)
        try:
            check_url(url)
        except ValueError as exc:
            raise Unwanted(f"{url} cannot be retrieved: {exc}") from None
        entry = await asyncio.to_thread(self._memory.recall, url)
        if entry is not None and (status := self._status_in_job(entry)):
            return _fetched(entry, status)
        response = await self._download(url, page, entry)
        if response.status == 304 and entry is not None:
            # The query of where a redirect leads is often a signature, made anew each time.
            if response.url.partition("?")[0] == entry.source.partition("?")[0]:
                if self._job is not None:
                    known = self._in_job(entry, Status.UNCHANGED)
                    await asyncio.to_thread(self._memory.remember, known)
                return _fetched(entry, Status.UNCHANGED)
            # The URL leads to another file now, whose validator happens to be the same: "1" is
            # not rare.
            response = await self._download(url, page, None)
        try:
            return await asyncio.to_thread(self._save, url, response, entry)
        finally:
            await asyncio.to_thread(discard_body, response)

    async def _download(self, url: str, page: str | None, entry: Entry | None) -> Response:
        """Return a complete response, or a 304 if ``entry`` is given.

        Raises:
            Unwanted: there is none.
        """
        assert self._crawler.engine is not None  # an item has come
        request = self._request(url, page, entry)
        try:
            response = await self._crawler.engine.download_async(request)
        except DiskError as exc:  # it is the store's: see SPOOL_FOLDER
            raise StoreError(f"store {self._root} cannot be written: {exc.reason}") from exc
        except Exception as exc:  # of the network, of a middleware, of the handler
            raise Unwanted(describe_failure(exc, request)) from exc
        if response.status == 304 and entry is not None:
            return response
        try:
            _check_complete(response, request)
        except Unwanted:
            await asyncio.to_thread(discard_body, response)
            raise
        return response

    def _request(self, url: str, page: str | None, entry: Entry | None) -> Request:
        assert self._store is not None  # set in open_spider
        request = Request(
            url,
            callback=NO_CALLBACK,
            meta={
                "download_maxsize": self._max_size,
                "download_warnsize": 0,  # a file may be large
                "download_timeout": self._max_time,
                "download_fail_on_dataloss": True,
                # For the handler that can: where it is found to be complete, it has only to be
                # given its name.
                "spool": True,
                "spool_folder": str(self._store.partial),
                "spool_maxsize": self._max_size_on_disk,
            },
            # The file itself is wanted, octet for octet, and not packed for the way.
            headers={"Accept-Encoding": "identity"},
        )
        if entry is not None:
            conditions = {
                "If-None-Match": entry.etag,
                "If-Modified-Since": entry.last_modified,
            }
            for name, value in conditions.items():
                if value:
                    request.headers[name] = value.encode("latin-1")
        referers = self._crawler.get_spider_middleware(RefererMiddleware)
        if page and referers and (referer := referers.default_policy().referrer(page, url)):
            request.headers["Referer"] = referer
        return request

    def _save(self, url: str, response: Response, entry: Entry | None) -> Fetched:
        """Store the file and remember it. In a thread: it waits for the disk."""
        assert self._store is not None  # set in open_spider
        assert self._memory is not None
        with self._file_of(response) as file:
            details = self.inspect(file, response)
            name = self.name(response, details)
            with self._placing:
                placed = Entry(
                    url=url,
                    source=response.url,
                    name=name,
                    path=self._place(file, name, entry),
                    sha256=file.sha256,
                    size=file.size,
                    content_type=_text(response, "Content-Type"),
                    etag=_text(response, "ETag"),
                    last_modified=_text(response, "Last-Modified"),
                    details=details,
                )
                self._memory.remember(self._in_job(placed, Status.DOWNLOADED))
        return _fetched(placed, Status.DOWNLOADED)

    def _file_of(self, response: Response) -> FileOnItsWay:
        """Return the body as a file of the store, taken over or copied there."""
        assert self._store is not None  # set in open_spider
        if isinstance(response, Spooled):
            taken = self._store.take(response.body_path, response.body_size, response.body_sha256)
            if taken is not None:
                return taken
        with ExitStack() as stack:
            file = stack.enter_context(self._store.new())
            for block in body_blocks(response):
                file.write(block)
            stack.pop_all()
            return file

    def _place(self, file: FileOnItsWay, name: str, entry: Entry | None) -> str:
        assert self._store is not None  # set in open_spider
        assert self._memory is not None
        # The one in the store is still what was put there, and was not changed by its owner.
        if entry is None or not self._store.holds(entry.path, entry.size, entry.sha256):
            return file.place(name)
        if entry.sha256 == file.sha256:
            return entry.path
        if entry.name != name or self._memory.is_shared(entry.path, entry.url):
            return file.place(name)
        # Killed in between, the next run must not take the new file for the old one.
        self._memory.forget(entry.url)
        return file.place(name, replaces=entry.path)

    def _status_in_job(self, entry: Entry) -> Status | None:
        """Return what became of a file in an earlier run of this job, None if it was in none."""
        match entry.details.get(_JOB):
            case [job, ("downloaded" | "unchanged") as status] if job == self._job:
                return Status(status)
        return None

    def _in_job(self, entry: Entry, status: Status) -> Entry:
        """Return the entry with a note for a later run of the job, where this is one."""
        details = {name: value for name, value in entry.details.items() if name != _JOB}
        if self._job is not None:
            details[_JOB] = [self._job, status.value]
        return replace(entry, details=details)

    def _store_failed(self, error: StoreError) -> Fetched:
        """Close the spider; a job will try again.

        Raises:
            Stopped: it is a job.
        """
        self._stop(str(error))
        if self._notes.are_kept:
            raise Stopped
        return Fetched(Status.FAILED, problem=str(error))

    def _stop(self, problem: str) -> None:
        """Close the spider: what cannot be stored need not be downloaded."""
        if not self._is_broken:
            self._is_broken = True
            self._report(problem)
            assert self._crawler.engine is not None  # an item has come
            deferred_from_coro(self._crawler.engine.close_spider_async(reason="store_error"))

    def _report(self, problem: str) -> None:
        """Tell the spider, whose word is the crawl's (see ReportsOutcome)."""
        spider: Any = self._crawler.spider
        if getattr(spider, "problem", None) is None:
            spider.problem = problem


def _check_complete(response: Response, request: Request) -> None:
    """Raise Unwanted if the response is not all of a file."""
    if response.status not in COMPLETE:
        raise Unwanted(describe_failure(HttpError(response), request))
    if "dataloss" in response.flags:
        raise Unwanted(f"{response.url} ended before it was complete")
    coding = _text(response, "Content-Encoding") or ""
    # FileCompressionMiddleware has undone gzip, unless it is what makes the file.
    if coding.lower() not in ("", "gzip", "x-gzip"):
        raise Unwanted(f"{response.url} is compressed in an unknown way, {shown(coding)}")


def _fetched(entry: Entry, status: Status) -> Fetched:
    return Fetched(
        status,
        path=entry.path,
        sha256=entry.sha256,
        size=entry.size,
        content_type=entry.content_type,
        last_modified=entry.last_modified,
        details=entry.details,
    )


def _text(response: Response, name: str) -> str | None:
    value = response.headers.get(name)
    text = value.decode("latin-1") if value else ""
    return text if 0 < len(text) <= MAX_FIELD and text.isprintable() else None


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "replace")
