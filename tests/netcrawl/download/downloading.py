"""How the tests of the handler run it, and see to it that nothing is left behind."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from scrapy.settings import Settings
from scrapy.signalmanager import SignalManager

from netcrawl.download.sockets import SocketDownloadHandler
from tests.servers.scripted import PATIENCE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response


@asynccontextmanager
async def handling(
    *receivers: tuple[Callable[..., object], object], **settings: Any
) -> AsyncIterator[SocketDownloadHandler]:
    """Give a handler; ``receivers`` are functions, each with the signal that it is for."""
    signals = SignalManager(object())
    for function, signal in receivers:
        signals.connect(function, signal)
    given = Settings({"DOWNLOAD_TIMEOUT": PATIENCE, **settings})
    crawler = SimpleNamespace(settings=given, signals=signals, spider=None)
    handler = SocketDownloadHandler.from_crawler(cast("Crawler", crawler))
    try:
        yield handler
    finally:
        await handler.close()
        assert len(handler._pool) == 0
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}


def downloaded(
    *requests: Request, receivers: tuple[tuple[Callable[..., object], object], ...] = (), **kw: Any
) -> list[Response]:
    """Download one after another with the same handler."""

    async def run() -> list[Response]:
        async with handling(*receivers, **kw) as handler:
            return [await handler.download_request(request) for request in requests]

    return asyncio.run(run())
