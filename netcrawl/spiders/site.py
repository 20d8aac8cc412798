"""What the spiders have in common that visit a site: where to start, how far to go, what to tell.

A spider of this kind says in ``parse_page`` what it takes from a page; everything else is here.
"""

from __future__ import annotations

from abc import abstractmethod
from array import array
from collections import Counter
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING

from scrapy import Request, Spider, signals
from scrapy.exceptions import CloseSpider
from scrapy.http.request import NO_CALLBACK

from netcrawl.arguments import (
    Argument,
    choice,
    count,
    page_urls,
    pattern,
    read_arguments,
    url_file,
    whole_number,
)
from netcrawl.extensions.log_formatter import shows_debug
from netcrawl.extract.anchors import follow_links
from netcrawl.extract.page import as_html
from netcrawl.failures import RedirectRefused, describe_failure
from netcrawl.frontier.notes import NO_NOTES, Notes, notes_of
from netcrawl.schemes import check_url
from netcrawl.scope import Scope, Within

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator
    from typing import Any, ClassVar, Self

    from scrapy.crawler import Crawler
    from scrapy.http import HtmlResponse, Response
    from twisted.python.failure import Failure


# In a request's meta: for a page that was found nearer than before, because a page on the way was
# slow to come. Its links are wanted once more, since they lead farther now; its items are not.
AGAIN = "page_again"

# Why a spider is closed that has as many pages as were wanted.
ENOUGH = "enough_pages"

# Notes for later runs of the same job. What a page adds counts if the page is done.
_PAGE = "site: page"
_SEEN = "site: seen"  # the key is a depth, the value the keys of URLs that were found there
_SKIPPED = "site: skipped"
_START = "site: start"
_PROBLEM = "site: problem"


class SiteSpider(Spider):
    """Visits pages from one or several on, ``depth`` links deep, within a scope."""

    arguments: ClassVar[tuple[Argument, ...]] = (
        Argument("url", page_urls, default=()),
        Argument("urls", url_file, default=()),
        Argument("depth", count, default=0),
        Argument("within", choice(Within), default=Within.HOST),
        Argument("pages", whole_number, default=None),
        Argument("allow", pattern, default=None),
        Argument("deny", pattern, default=None),
    )

    practice_path = "/"

    custom_settings = {  # noqa: RUF012 - Scrapy's own class attribute
        # Nearest pages first: with a limit on pages, those are the ones wanted.
        "DEPTH_PRIORITY": 1,
        "SCHEDULER_DISK_QUEUE": "scrapy.squeues.PickleFifoDiskQueue",
        "SCHEDULER_MEMORY_QUEUE": "scrapy.squeues.FifoMemoryQueue",
        # With the default of 100, Scrapy starts a hundred tasks for every response. With one, there
        # is nothing that the tasks are for: see DirectOutputMiddleware.
        "CONCURRENT_ITEMS": 1,
        # A page, not a download; each is in memory several times over while it is parsed.
        "DOWNLOAD_MAXSIZE": 16 * 1024 * 1024,
        "DOWNLOAD_TIMEOUT": 60,
    }

    def __init__(self, **given: Any) -> None:
        """Raise UsageError if an argument cannot be used."""
        super().__init__()
        self.values = read_arguments(self.arguments, given)
        self.starts: tuple[str, ...] = (*self.values["url"], *self.values["urls"])
        # Where the practice web is put when there is none.
        self.url: str | None = self.starts[0] if self.starts else None
        self.depth: int = self.values["depth"]
        self.pages: int | None = self.values["pages"]
        self.scope = Scope(self.values["within"], self.values["allow"], self.values["deny"])
        self.pages_done = 0
        self.problem: str | None = None
        self.answer: str | None = None
        self.notes: Notes = NO_NOTES
        self._depths: dict[int, int] = {}
        self._skipped: Counter[str] = Counter()
        # One object each, not one for each request.
        self._callback = self.parse
        self._errback = self.explain_failure

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        """Know again, when the spider is opened, what earlier runs of the job knew."""
        spider = super().from_crawler(crawler, *args, **kwargs)
        crawler.signals.connect(spider.go_on, signals.spider_opened)
        return spider

    def go_on(self) -> None:
        """Take up the notes of earlier runs of the job, where it is one.

        Raises:
            CloseSpider: there is nothing left to do.
        """
        self.notes = notes_of(self.crawler)
        self.recall(self.notes)
        if self._has_enough():
            raise CloseSpider(ENOUGH)

    def recall(self, notes: Notes) -> None:
        """Know what the notes tell."""
        self.pages_done += sum(1 for _ in notes.read(_PAGE))
        for key, value in notes.read(_SEEN):
            depth = int.from_bytes(key)
            for url in array("Q", value):
                if depth < self._depths.get(url, depth + 1):
                    self._depths[url] = depth
        self._skipped.update(key.decode() for key, _ in notes.read(_SKIPPED))
        for key, _ in notes.read(_START):
            self.scope.add_start(key.decode())
        for key, _ in notes.read(_PROBLEM):
            self.problem = self.problem or key.decode()

    @property
    def total_pages(self) -> int | None:
        """How many pages there will be at most; None where nobody knows."""
        return self.pages

    @abstractmethod
    def parse_page(self, response: Response) -> Iterable[Any]:
        """Yield the items of a page, or nothing where it is of no use (``skip`` says why)."""

    async def start(self) -> AsyncIterator[Any]:
        """Request every start."""
        starts = self.starts or ((self.url,) if self.url else ())
        if not starts:
            self.problem = "no url was given, and the practice web is not running"
            raise CloseSpider("no_url")
        for url in starts:
            self.scope.add_start(url)
            if self._is_nearer(url_key(url), 0) is not None:
                yield self._request(url)

    def parse(self, response: Response, **_: Any) -> Iterator[Any]:
        """Yield the page's items, then requests for where its links lead."""
        depth = response.meta.get("depth", 0)
        if self._has_enough():
            return
        if depth == 0:
            self.scope.add_start(response.url)  # it may have been redirected
            self.notes.add(_START, response.url.encode())
        elif reason := self.scope.why_not(response.url):
            self.skip(response.url, f"redirected {reason}")
            return
        # In another charset than Scrapy sees, the page is a copy: made here, and so parsed once for
        # its items and its links.
        response = as_html(response) or response
        if not response.meta.get(AGAIN):
            self.pages_done += 1
            self.notes.add(_PAGE)
            yield from self.parse_page(response)
        if self._has_enough():
            raise CloseSpider(ENOUGH)
        if depth < self.depth:
            yield from self._follow(response, depth + 1)

    def links_to_follow(self, page: HtmlResponse) -> Iterator[str]:
        """Yield the URLs that a page leads to."""
        return follow_links(page)

    @cached_property
    def _tells_each(self) -> bool:
        # Scrapy makes a record for the log of everything that it is told, whatever the log shows.
        settings = getattr(self, "settings", None)  # not there before the crawler is
        return settings is not None and shows_debug(settings)

    def skip(self, url: str, reason: str) -> None:
        """Note that something was left out, and why; the log tells at the end how often."""
        self._skipped[reason] += 1
        self.notes.add(_SKIPPED, reason.encode("utf-8", "replace"))
        if self._tells_each:
            self.logger.debug("Skipped %s: %s", url, reason)

    def why_not_redirect(self, request: Request, url: str) -> str | None:
        """Say why a request is not to be redirected there; None if it may.

        A start may lead anywhere, and what a page embeds be anywhere but where ``deny`` says.
        """
        if request.callback is NO_CALLBACK:
            deny = self.scope.deny
            return "denied" if deny is not None and deny.search(url) else None
        return self.scope.why_not(url) if request.meta.get("depth", 0) else None

    def explain_failure(self, failure: Failure) -> None:
        """Errback: tell in one line; a start that fails is what the crawl was about."""
        request: Request = failure.request  # type: ignore[attr-defined]  # set by the scraper
        if isinstance(failure.value, RedirectRefused):
            self.skip(request.url, f"redirected {failure.value.reason}")
            return
        problem = describe_failure(failure.value, request)
        if request.meta.get("depth", 0) == 0:
            self.problem = self.problem or problem
            self.notes.add(_PROBLEM, problem.encode("utf-8", "replace"))
        self.skip(request.url, "not to be had")
        self.logger.warning("%s", problem)

    def unfinished(self, reason: str) -> str | None:
        """Say why the job was not done; None when it was."""
        if self.problem:
            return self.problem
        if reason not in ("finished", ENOUGH):
            return f"the crawl was closed early ({reason})"
        return None if self.pages_done else "no page was retrieved"

    def closed(self, reason: str) -> None:
        """Tell what was left out."""
        if self._skipped:
            told = ", ".join(f"{number} {what}" for what, number in self._skipped.most_common())
            self.logger.info("Skipped: %s", told)
        if not self.settings.getbool("CRAWL_TELLS_OUTCOME") and (
            problem := self.unfinished(reason)
        ):
            self.logger.error("%s", problem)

    def _follow(self, response: Response, depth: int) -> list[Request]:
        page = as_html(response)
        if page is None:
            return []
        seen = array("Q")
        requests: list[Request] = []
        for url in self.links_to_follow(page):
            # Most links of a site were seen before: they do not become requests, of which each
            # would go through every middleware to be dropped at the end.
            key = url_key(url)
            nearer = self._is_nearer(key, depth)
            if nearer is None:
                continue
            seen.append(key)
            if reason := self._why_not(url):
                if not nearer:
                    self.skip(url, reason)
                continue
            if not nearer or self.notes.are_kept:
                # Where it is nearer, a duplicate, unless a crash takes the page that had it first.
                requests.append(self._request(url))
            if nearer and depth < self.depth:
                again = self._request(url).replace(meta={AGAIN: True}, dont_filter=True)
                requests.append(again)
        if seen:
            self.notes.add(_SEEN, depth.to_bytes(4), seen.tobytes())
        return requests

    def _why_not(self, url: str) -> str | None:
        try:
            check_url(url)
        except ValueError:
            return "malformed"
        return self.scope.why_not(url)

    def _leave_to_others(self, key: int) -> None:
        """Never request the URL of this key as a page."""
        self._depths[key] = -1

    def _is_nearer(self, key: int, depth: int) -> bool | None:
        """Return False for a URL that was not seen before, True for one that was seen farther away.

        None is one that was seen already, as near or nearer. ``key`` is the URL's.
        """
        known = self._depths.get(key)
        if known is not None and known <= depth:
            return None
        self._depths[key] = depth
        return known is not None

    def _request(self, url: str) -> Request:
        return Request(url, callback=self._callback, errback=self._errback)

    def _has_enough(self) -> bool:
        return self.pages is not None and self.pages_done >= self.pages


def url_key(url: str) -> int:
    """Return 64 bits of a URL, the same in each run, which Python's own hash is not.

    A crawl of ten million pages misses one with a probability of 1 in 100,000.
    """
    return int.from_bytes(blake2b(url.encode("utf-8", "surrogatepass"), digest_size=8).digest())
