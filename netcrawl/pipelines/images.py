"""Pictures as they are on the server, each looked at before it is kept."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import warnings
from typing import TYPE_CHECKING, ClassVar

from scrapy.exceptions import DropItem

from netcrawl.failures import shown
from netcrawl.items import DownloadedImage
from netcrawl.pipelines.data_url import parse_data_url
from netcrawl.pipelines.inspect import ImageFacts, ImageProblem, NotAnImage, inspect
from netcrawl.pipelines.media import (
    MAX_PICTURE,
    Fetched,
    Status,
    Stopped,
    StorePipeline,
    Unwanted,
)
from netcrawl.pipelines.replacing import replace_file
from netcrawl.pipelines.sheet import SHEET, Sheet, write_sheet
from netcrawl.pipelines.store import Entry, StoreError
from netcrawl.pipelines.thumbnails import make_thumbnail

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any, Self

    from scrapy.crawler import Crawler
    from scrapy.http import Response

    from netcrawl.pipelines.new_file import FileOnItsWay

logger = logging.getLogger(__name__)

THUMBNAILS = "thumbs"


class TooSmall(DropItem):
    """The picture has fewer pixels than are wanted."""

    def __init__(self, width: int, height: int) -> None:
        super().__init__(f"smaller than {width} x {height}", log_level="DEBUG")


class ImagesPipeline(StorePipeline):
    """Downloads the picture of each item, checks that it is one, and names it by its checksum.

    The spider may have ``min_width`` and ``min_height``: items of smaller pictures are dropped;
    and ``thumbs``, pixels of the longer side of a small copy.
    """

    kind: ClassVar[str] = "images"

    # Octets. There are no larger ones that would be decoded, but some photographs as TIFF.
    max_size: ClassVar[int] = MAX_PICTURE
    max_size_on_disk: ClassVar[int] = MAX_PICTURE

    min_width = 0
    min_height = 0
    thumbs = 0

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Take what is wanted from the spider, too."""
        pipeline = super().from_crawler(crawler)
        for name in ("min_width", "min_height", "thumbs"):
            setattr(pipeline, name, getattr(crawler.spider, name, 0))
        return pipeline

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._sheet = Sheet()
        self._embedded: dict[str, asyncio.Task[Fetched]] = {}
        # What Pillow thinks of a file, chunk by chunk: what it cannot decode is told by us.
        logging.getLogger("PIL").setLevel(logging.INFO)
        warnings.filterwarnings("ignore", module=r"PIL\.")

    def open_spider(self) -> None:
        """Open the store; show on the sheet also what earlier runs of the job have found."""
        super().open_spider()
        for item in self._notes.items():
            if isinstance(item, DownloadedImage):
                self._sheet.add(item)

    def close_spider(self) -> None:
        """Write the contact sheet, of what there is, and close the store."""
        if self._store is not None and self._sheet.has_any:
            try:
                write_sheet(self._sheet, self._store)
            except StoreError as exc:
                self._report(str(exc))
            else:
                self._answer(self._root / SHEET)
        super().close_spider()

    async def process_item(self, item: Any) -> Any:
        """Fill in what became of it.

        Raises:
            DropItem: it is too small, or the crawl is being stopped.
        """
        if not isinstance(item, DownloadedImage):
            return item
        if item.url[:5].lower() == "data:":
            url, item.url = item.url, _shortened(item.url)
            fetched = await self._keep_once(url, item.url)
        else:
            fetched = await self.fetch(item.url, item.page)
        details = fetched.details
        if fetched.path is not None:
            self._check_size(details.get("width"), details.get("height"))
        item.path = fetched.path
        item.sha256 = fetched.sha256
        item.format = details.get("format")
        item.width = details.get("width")
        item.height = details.get("height")
        item.bytes = fetched.size
        item.status = fetched.status.value
        item.problem = fetched.problem
        if self.thumbs and item.path and item.sha256 and item.format != "SVG":
            item.thumbnail = await asyncio.to_thread(self._thumbnail, item.path, item.sha256)
        self._sheet.add(item)
        return item

    def inspect(self, file: FileOnItsWay, response: Response) -> dict[str, Any]:
        """Look at a file; raise TooSmall or Unwanted if it is not to be kept."""
        content_type = (response.headers.get("Content-Type") or b"").decode("latin-1")
        return self._examine(file, response.url, content_type.partition(";")[0].strip())

    def name(self, response: Response, details: Mapping[str, Any]) -> str:  # noqa: ARG002
        """Return the checksum with the extension that is right, whatever the server's is."""
        return str(details["name"])

    def _examine(self, file: FileOnItsWay, url: str, stated: str) -> dict[str, Any]:
        try:
            facts = inspect(file.path)
        except NotAnImage as exc:
            said = f" sent as {shown(stated)}" if stated else ""
            raise Unwanted(f"{url} {exc}{said}") from exc
        except ImageProblem as exc:
            raise Unwanted(f"{url} {exc}") from exc
        self._check_size(facts.width, facts.height)
        return _details(facts, file.sha256)

    def _check_size(self, width: int | None, height: int | None) -> None:
        """Raise TooSmall. A drawing that does not say its size has any."""
        if (width is not None and width < self.min_width) or (
            height is not None and height < self.min_height
        ):
            raise TooSmall(self.min_width, self.min_height)

    async def _keep_once(self, url: str, short: str) -> Fetched:
        if short not in self._embedded:
            self._embedded[short] = asyncio.ensure_future(self._keep(url, short))
        try:
            return await self._embedded[short]
        except Stopped:
            self._notes.give_back()
            raise

    async def _keep(self, url: str, short: str) -> Fetched:
        """Store the picture that is in a data: URL."""
        if self._is_broken:
            raise Stopped
        try:
            fetched = await asyncio.to_thread(self._save_embedded, url, short)
        except Unwanted as exc:
            fetched = Fetched(Status.FAILED, problem=str(exc))
        except StoreError as exc:
            fetched = self._store_failed(exc)
        if fetched.problem:
            logger.warning("%s", fetched.problem)
        self._crawler.stats.inc_value(f"{self.kind}/{fetched.status.value}")
        return fetched

    def _save_embedded(self, url: str, short: str) -> Fetched:
        assert self._store is not None  # set in open_spider
        assert self._memory is not None
        try:
            stated, data = parse_data_url(url)
        except ValueError as exc:
            raise Unwanted(f"{short} cannot be read: {exc}") from None
        with self._store.new() as file:
            file.write(data)
            details = self._examine(file, short, stated)
            name = details["name"]
            was_there = self._store.holds(name, file.size, file.sha256)
            status = Status.UNCHANGED if was_there else Status.DOWNLOADED
            if self._job is not None:
                known = self._memory.recall(short)
                status = (known and self._status_in_job(known)) or status
                entry = Entry(short, short, name, name, file.sha256, file.size, details=details)
                # Before the file is there: if this is the last that the run does, the next one
                # finds no file, and places it.
                self._memory.remember(self._in_job(entry, status))
            return Fetched(
                status,
                path=file.place(name),
                sha256=file.sha256,
                size=file.size,
                details=details,
            )

    def _thumbnail(self, path: str, sha256: str) -> str | None:
        """Return the path of the small copy, made if there is none. In a thread."""
        assert self._store is not None  # set in open_spider
        folder = f"{THUMBNAILS}/{self.thumbs}"
        for extension in (".jpg", ".png"):
            if (self._store.root / folder / f"{sha256}{extension}").is_file():
                return f"{folder}/{sha256}{extension}"
        try:
            data, extension = make_thumbnail(self._store.root / path, self.thumbs)
            target = f"{folder}/{sha256}{extension}"
            replace_file(self._store, target, data)
        except (ImageProblem, OSError, StoreError) as exc:
            # The picture itself is there, which is what was asked for.
            logger.warning("No small copy of %s: it %s", path, exc)
            return None
        return target

    def _answer(self, sheet: Path) -> None:
        logger.info("Contact sheet: %s", sheet)
        spider: Any = self._crawler.spider
        if getattr(spider, "answer", "") is None:
            spider.answer = str(sheet)


def _details(facts: ImageFacts, sha256: str) -> dict[str, Any]:
    return {
        "name": f"{sha256}{facts.extension}",
        "format": facts.format,
        "width": facts.width,
        "height": facts.height,
    }


def _shortened(url: str) -> str:
    """Name the picture of a data: URL without having all of it in a feed and a log."""
    stated = url[len("data:") :].partition(",")[0].partition(";")[0].strip()
    media_type = stated if 0 < len(stated) <= 40 and stated.isprintable() else ""
    digest = hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()
    return f"data:{media_type};sha256={digest}"
