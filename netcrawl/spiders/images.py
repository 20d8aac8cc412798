"""All pictures of the pages: the chapter's program that saves an image, for a whole site."""

from __future__ import annotations

from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from scrapy import signals
from scrapy.exceptions import UsageError

from netcrawl.arguments import Argument, count, folder
from netcrawl.extract.images import pictures
from netcrawl.extract.page import as_html, media_type
from netcrawl.failures import shown
from netcrawl.items import DownloadedImage
from netcrawl.pipelines.media import MAX_PICTURE
from netcrawl.spiders.site import SiteSpider

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from typing import Any, Self

    from scrapy.crawler import Crawler
    from scrapy.http import Response

    from netcrawl.frontier.notes import Notes

_SCHEMES = ("http", "https", "data")

# A note: there was a picture on a page.
_FOUND = "images: found"


class ImagesSpider(SiteSpider):
    """Collect the pictures of each page, wherever they are kept.

    ``within`` and ``allow`` are for pages; what ``deny`` matches is requested as neither.
    """

    name = "images"

    arguments: ClassVar[tuple[Argument, ...]] = (
        *SiteSpider.arguments,
        Argument("store", folder, default=Path("images")),
        Argument("min_width", count, default=0),
        Argument("min_height", count, default=0),
        Argument("thumbs", count, default=0),
    )

    practice_path = "/gallery/"

    custom_settings: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        **SiteSpider.custom_settings,
        # Pictures of one page that are downloaded at a time.
        "CONCURRENT_ITEMS": 16,
        "ITEM_PIPELINES": {"netcrawl.pipelines.images.ImagesPipeline": 300},
    }

    def __init__(self, **given: Any) -> None:
        """Raise UsageError if an argument cannot be used, or what decodes pictures is missing."""
        super().__init__(**given)
        if find_spec("PIL") is None:
            raise UsageError("images are looked at with Pillow: pip install pillow")
        self.store: Path = self.values["store"]
        self.min_width: int = self.values["min_width"]
        self.min_height: int = self.values["min_height"]
        self.thumbs: int = self.values["thumbs"]
        self.statuses: Counter[str] = Counter()
        self._has_found = False
        self._first_failure: str | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        """Follow what becomes of the items."""
        spider = super().from_crawler(crawler, *args, **kwargs)
        crawler.signals.connect(spider.note, signals.item_scraped)
        crawler.signals.connect(spider.note_dropped, signals.item_dropped)
        return spider

    def recall(self, notes: Notes) -> None:
        """Know what became of the pictures so far."""
        super().recall(notes)
        self._has_found = any(True for _ in notes.read(_FOUND))
        for item in notes.items():
            self.note(item)

    async def start(self) -> AsyncIterator[Any]:
        """Request every start, which may be a picture itself: as large as one may be."""
        async for request in super().start():
            request.meta["download_maxsize"] = MAX_PICTURE
            yield request

    def parse_page(self, response: Response) -> Iterator[DownloadedImage]:
        """Yield an item for each picture."""
        if (response.headers.get("Content-Type") or b"").lower().startswith(b"image/"):
            # A start, or what a small picture links to. The pipeline asks for it once more, on
            # its own terms: whether it changed, and how large it may be.
            self._note_found()
            yield DownloadedImage(page=response.url, url=response.url)
            return
        page = as_html(response)
        if page is None:
            self.skip(response.url, f"not HTML but {media_type(response)}")
            return
        for number, picture in enumerate(pictures(page)):
            if number == 0:
                self._note_found()
            scheme = picture.url.partition(":")[0].lower()
            if scheme not in _SCHEMES:
                self.skip(picture.url, f"with the scheme {shown(scheme)}")
            elif self.scope.deny is not None and self.scope.deny.search(picture.url):
                self.skip(picture.url, "denied")
            else:
                yield DownloadedImage(page=page.url, url=picture.url, alt=picture.alt)

    def note(self, item: Any) -> None:
        """Note what became of a picture."""
        if isinstance(item, DownloadedImage):
            self.statuses[str(item.status)] += 1
            self._first_failure = self._first_failure or item.problem

    def note_dropped(self, item: Any, exception: BaseException) -> None:
        """Note that a picture was left out."""
        if isinstance(item, DownloadedImage):
            self.skip(item.url, str(exception))

    def _note_found(self) -> None:
        # What a page notes is forgotten if the page is not done, so the next one notes it, too.
        self._has_found = True
        self.notes.add(_FOUND)

    def unfinished(self, reason: str) -> str | None:
        """Say why the job was not done; None when it was."""
        if problem := super().unfinished(reason):
            return problem
        if not self._has_found:
            pages = "page" if self.pages_done == 1 else "pages"
            return f"there is no picture on {self.pages_done} {pages}"
        if self.statuses and self.statuses["failed"] == self.statuses.total():
            return f"no picture could be had: {self._first_failure}"
        return None

    def closed(self, reason: str) -> None:
        """Tell how many pictures there are, and what was left out."""
        if self.statuses:
            told = ", ".join(f"{number} {what}" for what, number in self.statuses.most_common())
            self.logger.info("Images: %s, in %s", told, self.store)
        super().closed(reason)
