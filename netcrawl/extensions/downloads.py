"""Large downloads that are under way, a line for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sockettools.progress import LARGE, SLOW, format_progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scrapy import Request

# Lines at a time; the crawl's own line is to stay the one that is looked at.
MAX_LINES = 5

# Columns for the name of what is downloaded.
_NAME = 24


@dataclass
class _Download:
    name: str
    began: float
    total: int | None
    done: int = 0


class Downloads:
    """Follows Scrapy's signals about bodies; ``clock`` gives seconds that never go back."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._downloads: dict[Request, _Download] = {}

    def began(self, request: Request, body_length: int | None) -> None:
        """Take note of a head; ``body_length`` is what it says of the body's size."""
        name = request.url.partition("?")[0].rstrip("/").rpartition("/")[2]
        self._downloads[request] = _Download(name, self._clock(), body_length)

    def came(self, request: Request, data: bytes) -> None:
        """Take note of a piece."""
        if download := self._downloads.get(request):
            download.done += len(data)

    def ended(self, request: Request) -> None:
        """Forget it."""
        self._downloads.pop(request, None)

    def lines(self, width: int) -> Iterator[str]:
        """Yield a line of at most ``width`` columns for each that takes its time."""
        now = self._clock()
        shown = 0
        for download in self._downloads.values():
            seconds = now - download.began
            if (download.total or download.done) <= LARGE and seconds <= SLOW:
                continue
            room = width - _NAME - 1
            bar = format_progress(download.done, download.total, seconds, room)
            yield f"{download.name[:_NAME]:{_NAME}} {bar}"
            shown += 1
            if shown == MAX_LINES:
                return
