"""Scrapy's downloader with one asyncio task for each request.

Scrapy's own has two, with a Deferred and two futures between them, and one coroutine for each
method of each downloader middleware. What these do, and in which order, is the same here: the
middlewares, slots, delays and signals are Scrapy's.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING

from scrapy import Request, signals
from scrapy.core.downloader import Downloader
from scrapy.http import Response
from scrapy.utils.asyncio import call_later, is_asyncio_available
from scrapy.utils.defer import deferred_from_coro, ensure_awaitable
from scrapy.utils.python import global_object_name

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any, Self

    from scrapy import Spider
    from scrapy.core.downloader import Slot
    from scrapy.core.downloader.middleware import DownloaderMiddlewareManager
    from scrapy.crawler import Crawler
    from twisted.internet.defer import Deferred

    Download = Callable[[Request], Coroutine[Any, Any, Response]]


class LeanDownloader(Downloader):
    """For DOWNLOADER. Where no asyncio runs, under another reactor, there is Scrapy's instead."""

    def __new__(cls, crawler: Crawler) -> Self:
        """Return one of these, or Scrapy's own."""
        if is_asyncio_available():
            return super().__new__(cls)
        return Downloader(crawler)  # type: ignore[return-value]  # it is used in the same way

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._chain = _Chain(self.middleware)

    def fetch(
        self,
        request: Request,
        spider: Spider | None = None,  # noqa: ARG002 - Scrapy's signature
    ) -> Deferred[Response | Request]:
        """Send the request through the middlewares, and its answer back."""
        self.active.add(request)
        return deferred_from_coro(self._fetch(request))

    async def _fetch(self, request: Request) -> Response | Request:
        try:
            return await self._chain.download(self._enqueue_request, request)
        finally:
            self.active.remove(request)

    async def _enqueue_request(self, request: Request) -> Response:
        key, slot = self._get_slot(request)
        request.meta[self.DOWNLOAD_SLOT] = key
        slot.active.add(request)
        try:
            self.signals.send_catch_log(
                signal=signals.request_reached_downloader,
                request=request,
                spider=self.crawler.spider,
            )
            await self._wait_for_turn(slot, request)
            return await self._download(slot, request)
        finally:
            slot.active.remove(request)

    async def _wait_for_turn(self, slot: Slot, request: Request) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # Scrapy has a Deferred there, and nobody but the downloader looks at it.
        entry: Any = (request, turn)
        slot.queue.append(entry)
        self._process_queue(slot)
        try:
            await turn  # which does not wait where it is its turn already
        except BaseException:
            if entry in slot.queue:
                slot.queue.remove(entry)
            elif request in slot.transferring:
                slot.transferring.remove(request)
                self._process_queue(slot)
            raise

    def _process_queue(self, slot: Slot) -> None:
        while slot.queue and slot.latercall is None and slot.free_transfer_slots() > 0:
            now = monotonic()
            delay = slot.download_delay()
            if delay and (penalty := delay - now + slot.lastseen) > 0:
                slot.latercall = call_later(penalty, self._latercall, slot)
                return
            slot.lastseen = now
            request, waiting = slot.queue.popleft()
            turn: Any = waiting
            if not turn.done():  # else whoever waited was cancelled
                slot.transferring.add(request)
                turn.set_result(None)


class _Chain:
    """The middlewares of a manager: a method that waits for nothing is no coroutine.

    Errors, and middlewares of older days, are left to the manager.
    """

    def __init__(self, manager: DownloaderMiddlewareManager) -> None:
        self._manager = manager
        self._requests = self._ready("process_request")
        self._responses = self._ready("process_response")

    async def download(self, download: Download, request: Request) -> Response | Request:
        """Return what comes out of them."""
        try:
            result = await self._asked(download, request)
        except Exception as exc:  # noqa: BLE001 - which the middlewares may mend, or it goes on
            # As Scrapy does: first let everything else go on that is ready.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            result = await self._manager._process_exception(exc, request)
        return await self._answered(result, request)

    async def _asked(self, download: Download, request: Request) -> Response | Request:
        for process in self._requests:
            result = process(request=request)
            if result is None:
                continue
            if not isinstance(result, (Response, Request)):
                result = await _awaited(result, process)
                if result is None:
                    continue
            _check(result, process, "None, Response or Request")
            return result  # type: ignore[no-any-return]  # it was just checked
        return await download(request)

    async def _answered(self, result: Response | Request, request: Request) -> Response | Request:
        if isinstance(result, Request):
            return result
        response: Any = result
        for process in self._responses:
            response = process(request=request, response=response)
            if not isinstance(response, (Response, Request)):
                response = await _awaited(response, process)
                _check(response, process, "Response or Request")
            if isinstance(response, Request):
                return response
        return response  # type: ignore[no-any-return]  # each was checked

    def _ready(self, name: str) -> list[Callable[..., Any]]:
        manager = self._manager
        old = manager._mw_methods_requiring_spider
        return [
            _OldMethod(manager, method) if method in old else method
            for method in manager.methods[name]
            if method is not None
        ]


class _OldMethod:
    """One that wants the spider, too."""

    def __init__(self, manager: DownloaderMiddlewareManager, method: Callable[..., Any]) -> None:
        self._manager = manager
        self._method = method
        self.__module__, self.__qualname__ = method.__module__, method.__qualname__

    def __call__(self, **arguments: Any) -> Any:
        return self._manager._handle_mw_method(self._method, **arguments)


async def _awaited(result: Any, process: Callable[..., Any]) -> Any:
    return await ensure_awaitable(result, _warn=global_object_name(process))


def _check(result: Any, process: Callable[..., Any], wanted: str) -> None:
    if not isinstance(result, (Response, Request)):
        raise TypeError(
            f"Middleware {process.__qualname__} must return {wanted}, got {type(result).__name__}"
        )
