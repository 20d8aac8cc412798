"""Feeds in local files: complete or as before, and continued so that they stay one document.

Scrapy's own empties its file at the start of a crawl, or appends a second document to the first:
two JSON arrays in one file are no JSON.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from scrapy.exporters import JsonItemExporter, XmlItemExporter
from scrapy.utils.misc import load_object
from w3lib.url import file_uri_to_path

from netcrawl.feeds.joining import JoinedFile, find_end, find_join
from netcrawl.feeds.replacing import Replacement, is_special

if TYPE_CHECKING:
    from typing import Any, Self

    from scrapy import Spider
    from scrapy.crawler import Crawler

    from netcrawl.feeds.written import WrittenFeeds

_COPIED_AT_ONCE = 1024 * 1024


class FileFeedStorage:
    """Scrapy's, with a file that takes the place of the one before when it is complete.

    JSON lines, CSV and what else can be continued in place is: with each item it is in the file.
    ``written`` is what a crawl that goes on later knows of its feeds: then it is always a second
    file, in which the items that it wrote earlier are replaced by those that there are now.
    """

    def __init__(
        self, uri: str, exporter: type, *, feed_options: dict[str, Any] | None = None
    ) -> None:
        """``exporter`` is the class that writes the items."""
        self.path = Path(file_uri_to_path(uri) if uri.startswith("file:") else uri)
        self.written: WrittenFeeds | None = None
        self._exporter = exporter
        self._options = feed_options or {}
        self._keep = 0
        self._replacement: Replacement | None = None
        self._appended: IO[bytes] | None = None

    @classmethod
    def from_crawler(
        cls, crawler: Crawler, uri: str, *, feed_options: dict[str, Any] | None = None
    ) -> Self:
        """Find the class that writes the items."""
        exporters = crawler.settings.getwithbase("FEED_EXPORTERS")
        exporter = load_object(exporters[feed_options["format"]]) if feed_options else object
        return cls(uri, exporter, feed_options=feed_options)

    @property
    def part(self) -> Path | None:
        """Where items are that are not in their place yet; None if there are none."""
        return self._replacement.part if self._replacement else None

    @property
    def replaces(self) -> bool:
        """Say whether what is in the file now is to go."""
        return bool(self._options.get("overwrite", False))

    def check(self) -> None:
        """Find out whether the feed could be written now. The file stays as it is.

        Raises:
            OSError: it cannot be.
            CannotAppend: it cannot be continued.
        """
        if not is_special(self.path):
            self.open()
            self.discard()

    def open(self, spider: Spider | None = None) -> IO[bytes]:  # noqa: ARG002 - Scrapy's signature
        """Return the file to write the items to.

        Raises:
            OSError: it cannot be written.
            CannotAppend: it cannot be continued.
        """
        self._keep = 0
        if self.replaces:
            self._replacement = Replacement(self.path)
            return self._replacement.file
        if is_special(self.path) or (self.written is None and not self._is_closed()):
            return self._append()
        self._replacement = Replacement(self.path, in_place=False)
        try:
            return self._continue(self._replacement.file)
        except BaseException:
            self.discard()
            raise

    def store(self, file: IO[bytes]) -> None:
        """Put the file into its place; it is complete.

        Raises:
            OSError: it cannot. The one before is still there.
        """
        if self._replacement is None:
            file.close()
            return
        file.flush()
        if self.written and not self.replaces and self._replacement.part:
            self.written.announce(self.path, self._replacement.part, self._keep)
        self._replacement.commit()
        self._replacement = None

    def discard(self) -> None:
        """Forget what was written to a second file."""
        if self._replacement:
            self._replacement.discard()
            self._replacement = None
        self.leave()

    def leave(self) -> None:
        """Close what is open of a feed that is not stored; a second file stays where it is."""
        if self._replacement:
            self._replacement.close()
        if self._appended:
            with contextlib.suppress(OSError):  # what is in its buffer may fail once more
                self._appended.close()

    def _is_closed(self) -> bool:
        """Say whether items come before an end, which has to be removed to add more."""
        return issubclass(self._exporter, JsonItemExporter | XmlItemExporter)

    def _append(self) -> IO[bytes]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._appended = file = self.path.open("ab")
        if is_special(self.path) or file.tell() == 0:
            return file
        try:
            with self.path.open("rb") as before:
                keep = find_end(self._exporter, before, self._options)
                join = find_join(self._exporter, before, keep, self._options)
        except BaseException:
            self.leave()
            raise
        return cast("IO[bytes]", JoinedFile(file, join))

    def _continue(self, file: IO[bytes]) -> IO[bytes]:
        """Copy what stays of the file before, and return the file that goes on after it."""
        try:
            before = self.path.open("rb")
        except FileNotFoundError:
            return file
        with before:
            keep = self.written.keep(self.path) if self.written else None
            if keep is None:
                keep = find_end(self._exporter, before, self._options)
            join = find_join(self._exporter, before, keep, self._options)
            before.seek(0)
            _copy(before, file, keep)
        self._keep = keep
        return cast("IO[bytes]", JoinedFile(file, join))


def _copy(source: IO[bytes], target: IO[bytes], size: int) -> None:
    while size:
        data = source.read(min(size, _COPIED_AT_ONCE))
        if not data:
            raise OSError(f"{os.fspath(source.name)} became shorter while it was read")
        target.write(data)
        size -= len(data)
