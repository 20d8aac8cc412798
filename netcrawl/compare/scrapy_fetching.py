"""Fetching with a spider, with the settings of the project in which this runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scrapy import Request, Spider
from scrapy.crawler import AsyncCrawlerProcess, CrawlerProcess
from scrapy.spidermiddlewares.httperror import HttpError
from scrapy.utils.project import get_project_settings

from netcrawl.compare import routing
from netcrawl.compare.fetched import MAX_BODY, TOO_LONG, Fetched, Habits, NotFetched
from netcrawl.failures import describe_failure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from scrapy.http import Response
    from twisted.python.failure import Failure

_ASYNCIO_REACTOR = "twisted.internet.asyncioreactor.AsyncioSelectorReactor"

# Beside the download of the page, a spider is to do nothing: these would write something, listen,
# or answer without the network.
_QUIET = {
    "LOG_ENABLED": False,
    "LOG_INSTALL_ROOT_HANDLER": False,
    "TELNETCONSOLE_ENABLED": False,
    "REMOTE_CONTROL_ENABLED": False,
    "HTTPCACHE_ENABLED": False,
    "NETCRAWL_PROGRESS": False,
    "STATS_DUMP": False,
    "FEEDS": {},
    "JOBDIR": None,
    "DOWNLOAD_MAXSIZE": MAX_BODY,
}


class OnePage(Spider):
    """Asks for one URL, and keeps what comes of it in ``kept``."""

    name = "compare"

    def __init__(self, url: str, kept: list[Fetched], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._url = url
        self._kept = kept

    async def start(self) -> AsyncIterator[Any]:
        """Ask."""
        routing.mark("asked")
        yield Request(self._url, callback=self.keep, errback=self.fail, dont_filter=True)

    def keep(self, response: Response) -> None:
        """Keep an answer."""
        fields = [
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, values in response.headers.items()
            for value in values
        ]
        codings = response.headers.getlist("Content-Encoding")
        self._kept.append(
            Fetched(
                response.status,
                response.url,
                fields,
                b", ".join(codings).decode("latin-1"),
                response.body,
                habits=self._habits(),
            )
        )

    def fail(self, failure: Failure) -> None:
        """Keep why there is none. To a spider any status but 2xx is one; to us an answer."""
        error: Any = failure.value
        if isinstance(error, HttpError):
            self.keep(error.response)
            return
        request: Any = failure.request  # type: ignore[attr-defined]  # Scrapy's
        text = describe_failure(error, request)
        text = TOO_LONG if "DOWNLOAD_MAXSIZE" in text else text
        self._kept.append(Fetched(error=text, habits=self._habits()))

    def _habits(self) -> Habits:
        get, is_on = self.settings, self.settings.getbool
        return Habits(
            delay=get.getfloat("DOWNLOAD_DELAY"),
            retries=get.getint("RETRY_TIMES") if is_on("RETRY_ENABLED") else 0,
            redirects=is_on("REDIRECT_ENABLED"),
        )


def fetch(url: str, handler: str, given: dict[str, str]) -> Fetched:
    """Fetch; ``given`` are settings as a command line has them.

    Raises:
        NotFetched: the spider ended without a word.
    """
    settings = get_project_settings()
    settings.setdict(given, priority="cmdline")
    settings.setdict(_QUIET, priority=50)
    # Scrapy's own handlers are chosen by what stands for a scheme.
    handlers = {**settings.getdict("DOWNLOAD_HANDLERS"), "http": handler, "https": handler}
    settings.set("DOWNLOAD_HANDLERS", handlers, priority=50)
    kept: list[Fetched] = []
    # As Scrapy's own command line chooses.
    reactor = settings["TWISTED_REACTOR"]
    is_asyncio = not settings.getbool("TWISTED_REACTOR_ENABLED") or reactor == _ASYNCIO_REACTOR
    process = (AsyncCrawlerProcess if is_asyncio else CrawlerProcess)(settings)
    process.crawl(OnePage, url=url, kept=kept)
    process.start()
    if not kept:
        raise NotFetched("the spider ended without an answer")
    return kept[0]
