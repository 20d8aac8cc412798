"""Follow the link at a position, again and again: the chapter's "Following Links in Python"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scrapy import Request, Spider
from scrapy.exceptions import CloseSpider
from scrapy.http import HtmlResponse

from netcrawl.arguments import Argument, http_url, read_arguments, whole_number
from netcrawl.extract.soup import parse_document
from netcrawl.failures import describe_failure
from netcrawl.items import FollowedPage
from sockettools.url import check_http_url, resolve

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from typing import Any

    from scrapy.http import Response
    from twisted.python.failure import Failure

    from netcrawl.extract.soup import Document


# How much of a link that cannot be followed stands in the error: a data: URL can be megabytes.
MAX_SHOWN = 80


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
        # A page with links, not a download: more octets or seconds than this are a hostile server.
        "DOWNLOAD_MAXSIZE": 16 * 1024 * 1024,
        "DOWNLOAD_TIMEOUT": 60,
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

    def unfinished(self, reason: str) -> str | None:
        """Say why the last step was not reached; None when it was."""
        if self.steps_done == self.count:
            return None
        if self.problem:
            return self.problem
        if self.asked_for is None:
            return f"no page was retrieved ({reason})"
        return f"stopped before step {self.count} ({reason}): {self.asked_for} was not retrieved"

    async def start(self) -> AsyncIterator[Any]:
        """Retrieve the first page."""
        if self.url is None:
            self.problem = "no url was given, and the practice web is not running"
            raise CloseSpider("no_url")
        yield self._retrieve(self.url, step=0, text="")

    def parse_page(
        self, response: Response, step: int, text: str
    ) -> Iterator[FollowedPage | Request]:
        """Yield the page, then the request for the next one until ``count`` is reached."""
        if not isinstance(response, HtmlResponse):
            raise self._failed(f"page {response.url} is not HTML but {_media_type(response)}")
        document = parse_document(response.text, response.url)
        yield FollowedPage(step=step, url=response.url, text=text, title=document.title)
        self.steps_done = step
        if step == self.count:
            # A link around a picture has no text; something must name where the chain ended.
            self.answer = text or document.title or response.url
            return
        try:
            url, text = self._link(document, response.url)
        except ValueError as exc:
            raise self._failed(str(exc)) from exc
        yield self._retrieve(url, step + 1, text, response.encoding)

    def explain_failure(self, failure: Failure) -> Iterator[Request]:
        """Errback: close the spider, and remember why the page could not be had."""
        # A generator, because Scrapy takes CloseSpider from what an errback yields; from the
        # errback itself it would log the failure once more, with its traceback.
        yield from ()
        request: Request = failure.request  # type: ignore[attr-defined]  # set by the scraper
        raise self._failed(describe_failure(failure.value, request))

    def _retrieve(self, url: str, step: int, text: str, encoding: str = "utf-8") -> Request:
        request = Request(
            url,
            callback=self.parse_page,
            errback=self.explain_failure,
            cb_kwargs={"step": step, "text": text},
            dont_filter=True,  # chains go round in circles
            encoding=encoding,  # a page's links carry their query in the page's own encoding
        )
        self.asked_for = request.url
        self.logger.info("Retrieving: %s", request.url)
        return request

    def _link(self, document: Document, page: str) -> tuple[str, str]:
        """Return the URL and the text of the link at ``position``; ValueError if it is none."""
        links = len(document.anchors)
        if self.position > links:
            noun = "link" if links == 1 else "links"
            raise ValueError(
                f"page {page} has {links} {noun}, position {self.position} does not exist"
            )
        anchor = document.anchors[self.position - 1]
        where = f"the link at position {self.position} of page {page}"
        if anchor.href is None:
            raise ValueError(f"{where} has no href")
        try:
            url = check_http_url(resolve(document.base, anchor.href))
        except ValueError as exc:
            href = repr(anchor.href[:MAX_SHOWN]) + ("..." if len(anchor.href) > MAX_SHOWN else "")
            raise ValueError(f"{where} cannot be followed: {href}, {exc}") from None
        limit = self.settings.getint("URLLENGTH_LIMIT")
        if 0 < limit < len(url):
            # Scrapy would drop the request without a word to the spider.
            raise ValueError(
                f"{where} cannot be followed: it has {len(url)} characters, over URLLENGTH_LIMIT"
            )
        return url, anchor.text

    def _failed(self, problem: str) -> CloseSpider:
        """Return what closes the spider, once ``problem`` is remembered as the reason."""
        self.problem = problem
        return CloseSpider("follow_failed")


def _media_type(response: Response) -> str:
    value = (response.headers.get("Content-Type") or b"").decode("latin-1")
    return repr(value.partition(";")[0].strip() or "of no stated type")
