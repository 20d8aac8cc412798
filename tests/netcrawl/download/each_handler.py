"""Ours and each of Scrapy's own download handlers, as far as they are installed.

A process has one reactor, and what a library leaves in it stays: so there is a process for each.
All of them run on Twisted's asyncio reactor, which is Scrapy's default.
"""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from scrapy.core.downloader.handlers.base import BaseDownloadHandler
    from scrapy.crawler import Crawler
    from twisted.python.failure import Failure

T = TypeVar("T")

ROOT = Path(__file__).parents[3]

HANDLERS = {
    "ours": "netcrawl.download.sockets.SocketDownloadHandler",
    "Twisted": "scrapy.core.downloader.handlers.http11.HTTP11DownloadHandler",
    "aiohttp": "scrapy.core.downloader.handlers._aiohttp.AiohttpDownloadHandler",
    "httpx": "scrapy.core.downloader.handlers._httpx.HttpxDownloadHandler",
}

# What some of them are made of; any of these.
_MADE_OF = {"aiohttp": ("aiohttp",), "httpx": ("httpx2", "httpx")}


def installed() -> list[str]:
    """Return the names of the handlers that can be had here."""
    return [
        name
        for name in HANDLERS
        if name not in _MADE_OF or any(find_spec(module) for module in _MADE_OF[name])
    ]


def start_module(module: str, *arguments: object) -> subprocess.Popen[str]:
    """Start a module of ours, to which a name from ``HANDLERS`` can be given, in a process."""
    return subprocess.Popen(
        [sys.executable, "-m", module, *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdout=subprocess.PIPE,
        text=True,
    )


def run(
    name: str, job: Callable[[Callable[[], BaseDownloadHandler]], Awaitable[T]], **settings: Any
) -> T:
    """Run ``job``, which is given what makes handlers, in this process, once."""
    from scrapy.utils.defer import deferred_from_coro
    from scrapy.utils.misc import build_from_crawler, load_object
    from scrapy.utils.reactor import install_reactor
    from scrapy.utils.test import get_crawler

    install_reactor("twisted.internet.asyncioreactor.AsyncioSelectorReactor")
    from twisted.internet import reactor as installed_reactor

    reactor: Any = installed_reactor
    crawler: Crawler = get_crawler(settings_dict=settings)
    kind = load_object(HANDLERS[name])
    results: list[T] = []
    failures: list[Failure] = []

    async def work() -> None:
        results.append(await job(lambda: build_from_crawler(kind, crawler)))

    def begin() -> None:
        done: Any = deferred_from_coro(work())
        done.addErrback(failures.append)
        done.addBoth(lambda _: reactor.stop())

    reactor.callWhenRunning(begin)
    reactor.run()
    for failure in failures:
        failure.raiseException()
    return results[0]
