"""Follow the link at a position, again and again: the chapter's "Following Links in Python"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scrapy import Request, Spider, signals
from scrapy.exceptions import CloseSpider

from netcrawl.arguments import Argument, http_url, read_arguments, whole_number
from netcrawl.extract.page import as_html, media_type
from netcrawl.failures import describe_failure, shown
from netcrawl.frontier.notes import NO_NOTES, Notes, notes_of
from netcrawl.items import FollowedPage
from sockettools.url import check_http_url, resolve

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from typing import Any, Self

    from scrapy.crawler import Crawler
    from scrapy.http import HtmlResponse, Response
    from twisted.python.failure import Failure

    from netcrawl.extract.soup import Document

# Notes for later runs of the same job.
_ASKED_FOR = "follow: asked for"
_PROBLEM = "follow: problem"


class FollowSpider(Spider):
    """Retrieve a page, take the link at ``position`` (1 is the first), ``count`` times over."""

    name = "follow"

    arguments = (
        Argument("url", http_url, default=None),
        Argument("position", whole_number, default=18),
        Argument("count", whole_number, default=7, aliases=("depth",)),
    )

    # Where the crawl starts on the practice web, which is started when there is no url.
    practice_path = "/known_by_Samuel.html"

    custom_settings = {  # noqa: RUF012 - Scrapy's own class attribute
        # A page with links, not a download: more octets than this, in the parser's memory many
        # times over, or more seconds, are a hostile server.
        "DOWNLOAD_MAXSIZE": 4 * 1024 * 1024,
        "DOWNLOAD_TIMEOUT": 30,
        # Once more: a server that is silent costs these seconds for each try, robots.txt first.
        "RETRY_TIMES": 1,
    }

    def __init__(self, **given: Any) -> None:
        """Raise UsageError if an argument cannot be used."""
        super().__init__()
        values = read_arguments(self.arguments, given)
        self.url: str | None = values["url"]
        self.position: int = values["position"]
        self.count: int = values["count"]
        self.steps_done: int | None = None  # links followed so far; None before the first page
        self.asked_for: str | None = None  # the page that was requested last
        self.problem: str | None = None
        self.answer: str | None = None
        self.notes: Notes = NO_NOTES

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        """Know again, when the spider is opened, how far earlier runs of the job came."""
        spider = super().from_crawler(crawler, *args, **kwargs)
        crawler.signals.connect(spider.go_on, signals.spider_opened)
        return spider

    def go_on(self) -> None:
        """Take up what earlier runs of the job have left, where it is one."""
        self.notes = notes_of(self.crawler)
        for item in self.notes.items():
            if isinstance(item, FollowedPage):
                self._take(item)
        for key, _ in self.notes.read(_ASKED_FOR):
            self.asked_for = key.decode()
        for key, _ in self.notes.read(_PROBLEM):
            self.problem = key.decode()

    @property
    def total_pages(self) -> int:
        """How many pages the chain has."""
        return self.count + 1

    def unfinished(self, reason: str) -> str | None:
        """Say why the last step was not reached; None when it was."""
        if self.steps_done == self.count:
            return None
        if self.problem:
            return self.problem
        if self.asked_for is None:
            return f"no page was retrieved ({reason})"
        return f"stopped before step {self.count} ({reason}): {self.asked_for} was not retrieved"

    def closed(self, reason: str) -> None:
        """Log why the job was not done, where the crawl command is not there to tell."""
        if not self.settings.getbool("CRAWL_TELLS_OUTCOME") and (
            problem := self.unfinished(reason)
        ):
            self.logger.error("%s", problem)

    async def start(self) -> AsyncIterator[Any]:
        """Retrieve the first page."""
        if self.steps_done is not None:
            return  # an earlier run of the job has begun
        if self.url is None:
            self.problem = "no url was given, and the practice web is not running"
            raise CloseSpider("no_url")
        if self._is_too_long(self.url):
            self.problem = f"the url has {len(self.url)} characters, over URLLENGTH_LIMIT"
            raise CloseSpider("url_too_long")
        yield self._retrieve(self.url, step=0, text="")

    def parse_page(
        self, response: Response, step: int, text: str
    ) -> Iterator[FollowedPage | Request]:
        """Yield the page, then the request for the next one until ``count`` is reached."""
        page = as_html(response)
        if page is None:
            raise self._failed(f"page {response.url} is not HTML but {media_type(response)}")
        from netcrawl.extract.soup import parse_document  # imports bs4, as no other spider need

        document = parse_document(page.text, page.url)
        item = FollowedPage(step=step, url=response.url, text=text, title=document.title)
        yield item
        self._take(item)
        if step == self.count:
            return
        try:
            url, text = self._link(document, page)
        except ValueError as exc:
            raise self._failed(str(exc)) from exc
        yield self._retrieve(url, step + 1, text)

    def explain_failure(self, failure: Failure) -> Iterator[Request]:
        """Errback: close the spider, and remember why the page could not be had."""
        # A generator, because Scrapy takes CloseSpider from what an errback yields; from the
        # errback itself it would log the failure once more, with its traceback.
        yield from ()
        request: Request = failure.request  # type: ignore[attr-defined]  # set by the scraper
        raise self._failed(describe_failure(failure.value, request))

    def _take(self, page: FollowedPage) -> None:
        self.steps_done = page.step
        if page.step == self.count:
            # A link around a picture has no text; something must name where the chain ended.
            self.answer = page.text or page.title or page.url

    def _retrieve(self, url: str, step: int, text: str) -> Request:
        request = Request(
            url,
            callback=self.parse_page,
            errback=self.explain_failure,
            cb_kwargs={"step": step, "text": text},
            dont_filter=True,  # chains go round in circles
        )
        self.asked_for = request.url
        self.notes.add(_ASKED_FOR, request.url.encode())
        self.logger.info("Retrieving: %s", request.url)
        return request

    def _link(self, document: Document, page: HtmlResponse) -> tuple[str, str]:
        """Return the URL and the text of the link at ``position``; ValueError if it is none."""
        links = len(document.anchors)
        if self.position > links:
            noun = "link" if links == 1 else "links"
            more = "more than " if document.truncated else ""
            raise ValueError(
                f"page {page.url} has {more}{links} {noun}, position {self.position} "
                + ("is too far" if more else "does not exist")
            )
        anchor = document.anchors[self.position - 1]
        where = f"the link at position {self.position} of page {page.url}"
        if anchor.href is None:
            raise ValueError(f"{where} has no href")
        try:
            url = check_http_url(resolve(document.base, anchor.href, page.encoding))
        except ValueError as exc:
            raise ValueError(f"{where} cannot be followed: {shown(anchor.href)}, {exc}") from None
        if self._is_too_long(url):
            raise ValueError(
                f"{where} cannot be followed: it has {len(url)} characters, over URLLENGTH_LIMIT"
            )
        return url, anchor.text

    def _is_too_long(self, url: str) -> bool:
        """Tell whether Scrapy would drop the request, without a word to the spider."""
        return 0 < self.settings.getint("URLLENGTH_LIMIT") < len(url)

    def _failed(self, problem: str) -> CloseSpider:
        """Return what closes the spider, once ``problem`` is remembered as the reason."""
        self.problem = problem
        self.notes.add(_PROBLEM, problem.encode("utf-8", "replace"))
        return CloseSpider("follow_failed")
