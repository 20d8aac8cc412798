"""The ways in which a URL is fetched, by name: a table."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

_HANDLERS = "scrapy.core.downloader.handlers"


@dataclass(frozen=True)
class WayToFetch:
    """One of them.

    ``kind`` says how ``fetching`` goes about it. Of a way through Scrapy, ``handler`` is the
    download handler, and ``needs`` are packages of which one has to be installed.
    """

    name: str
    kind: str
    description: str
    handler: str = ""
    needs: tuple[str, ...] = ()

    @property
    def is_installed(self) -> bool:
        """Whether it can be had here."""
        return not self.needs or any(find_spec(package) for package in self.needs)


BY_HAND = WayToFetch(
    "by hand",
    "by-hand",
    "sockettools.browser on a blocking socket: redirects and cookies, asks for no compression",
)

# Scrapy's handler for HTTP/2 is not among them: the relay reads, and agrees on, HTTP/1.1 alone.
WAYS = (
    BY_HAND,
    WayToFetch("urllib", "urllib", "urllib.request.urlopen of the standard library"),
    WayToFetch("Twisted", "twisted", "Twisted's Agent, with its RedirectAgent around it"),
    WayToFetch(
        "Scrapy (sockets)",
        "scrapy",
        "a spider, with this project's download handler on asyncio",
        "netcrawl.download.sockets.SocketDownloadHandler",
    ),
    WayToFetch(
        "Scrapy (Twisted)",
        "scrapy",
        "a spider, with the handler that Scrapy comes with",
        f"{_HANDLERS}.http11.HTTP11DownloadHandler",
    ),
    WayToFetch(
        "Scrapy (aiohttp)",
        "scrapy",
        "a spider, with Scrapy's handler for aiohttp",
        f"{_HANDLERS}._aiohttp.AiohttpDownloadHandler",
        ("aiohttp",),
    ),
    WayToFetch(
        "Scrapy (httpx)",
        "scrapy",
        "a spider, with Scrapy's handler for httpx",
        f"{_HANDLERS}._httpx.HttpxDownloadHandler",
        ("httpx2", "httpx"),
    ),
)


def installed_ways() -> list[WayToFetch]:
    """Return those that can be had here; the first one is what the others are compared with."""
    return [way for way in WAYS if way.is_installed]
