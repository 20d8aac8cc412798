"""Binary copies of files: the chapter's program that copies a URL to disk, for a whole site."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from scrapy import Request, signals
from scrapy.exceptions import UsageError

from netcrawl.arguments import Argument, folder, pattern
from netcrawl.extract.anchors import file_links
from netcrawl.extract.page import as_html, media_type
from netcrawl.items import DownloadedFile
from netcrawl.spiders.site import SiteSpider, url_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from typing import Any, Self

    from scrapy.crawler import Crawler
    from scrapy.http import Response

    from netcrawl.frontier.notes import Notes

# They say on which pages links are looked for.
_OF_PAGES = ("depth", "within", "pages", "allow")

# A note: the key is that of a URL that was found on a page.
_FOUND = "files: found"


class FilesSpider(SiteSpider):
    """Copy the files that links match, wherever they lead; without ``match``, the url itself.

    ``within`` and ``allow`` are for the pages that links are looked for on: files are often kept
    on another host. What ``deny`` matches is never requested, page or file. A link that matches
    leads to a file, and is not followed as one to a page.
    """

    name = "files"

    arguments: ClassVar[tuple[Argument, ...]] = (
        *SiteSpider.arguments,
        Argument("match", pattern, default=None),
        Argument("store", folder, default=Path("files")),
    )

    custom_settings: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        **SiteSpider.custom_settings,
        # Files of one page that are downloaded at a time.
        "CONCURRENT_ITEMS": 8,
        "ITEM_PIPELINES": {"netcrawl.pipelines.files.FilesPipeline": 300},
    }

    def __init__(self, **given: Any) -> None:
        """Raise UsageError if an argument cannot be used."""
        super().__init__(**given)
        self.match = self.values["match"]
        self.store: Path = self.values["store"]
        self.practice_path = "/cover.jpg" if self.match is None else "/files/"
        if self.match is None and (word := next((w for w in _OF_PAGES if w in given), None)):
            raise UsageError(
                f"{word} says where to look for links: give match=, too, for which of them to copy"
            )
        self.statuses: Counter[str] = Counter()
        self._first_failure: str | None = None
        self._files: set[int] = set()

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        """Follow what becomes of the items."""
        spider = super().from_crawler(crawler, *args, **kwargs)
        crawler.signals.connect(spider.count, signals.item_scraped)
        return spider

    def recall(self, notes: Notes) -> None:
        """Know which files were found, and what became of them."""
        super().recall(notes)
        for key, _ in notes.read(_FOUND):
            self._take_for_file(int.from_bytes(key))
        for item in notes.items():
            self.count(item)

    async def start(self) -> AsyncIterator[Any]:
        """Request every start as a page, or copy it where nothing is to match."""
        requests = [request async for request in super().start()]
        if self.match is not None:
            for request in requests:
                yield request
            return
        # Items that start() yields itself would keep Scrapy waiting: only every five seconds it
        # looks whether they are done, and a crawl that is closed meanwhile never ends.
        urls = [request.url for request in requests]
        yield Request("data:,", callback=self.copy, cb_kwargs={"urls": urls})

    def copy(self, _response: Response, urls: list[str]) -> Iterator[DownloadedFile]:
        """Yield the files that were given."""
        for url in urls:
            yield DownloadedFile(url=url)

    def parse_page(self, response: Response) -> Iterator[DownloadedFile]:
        """Yield each file that is linked, once in a crawl."""
        page = as_html(response)
        if page is None:
            self.skip(response.url, f"not HTML but {media_type(response)}")
            return
        for url in file_links(page):
            key = url_key(url)
            if not self.match.search(url) or key in self._files:
                continue
            self._take_for_file(key)
            self.notes.add(_FOUND, key.to_bytes(8))
            if self.scope.deny is not None and self.scope.deny.search(url):
                self.skip(url, "denied")
            else:
                yield DownloadedFile(url=url, page=page.url)

    def count(self, item: Any) -> None:
        """Note what became of a file; a start that fails is what the crawl was about."""
        if not isinstance(item, DownloadedFile):
            return
        self.statuses[str(item.status)] += 1
        if item.problem:
            self._first_failure = self._first_failure or item.problem
            if item.page is None:
                self.problem = self.problem or item.problem
        elif item.page is None:
            self.pages_done += 1
            if len(self.starts) <= 1:
                self.answer = str(self.store / str(item.path))

    def _take_for_file(self, key: int) -> None:
        self._files.add(key)
        self._leave_to_others(key)

    def unfinished(self, reason: str) -> str | None:
        """Say why the job was not done; None when it was."""
        problem = super().unfinished(reason)
        if problem or self.match is None:
            return problem
        if not self.statuses:
            pages = "page" if self.pages_done == 1 else "pages"
            return f"no link of {self.pages_done} {pages} matches {self.match.pattern!r}"
        if self.statuses["failed"] == self.statuses.total():
            return f"no file could be downloaded: {self._first_failure}"
        return None

    def closed(self, reason: str) -> None:
        """Tell how many files there are, and what was left out."""
        if self.statuses:
            told = ", ".join(f"{number} {what}" for what, number in self.statuses.most_common())
            self.logger.info("Files: %s, in %s", told, self.store)
        super().closed(reason)
