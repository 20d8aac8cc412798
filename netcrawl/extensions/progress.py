"""One live line for whoever watches a crawl at a terminal, and three lines at its end.

Nothing of it where standard error is not a terminal, or with PROGRESS = False.
"""

from __future__ import annotations

import sys
from time import monotonic
from typing import TYPE_CHECKING, ClassVar

from scrapy import signals
from scrapy.exceptions import NotConfigured
from scrapy.utils.asyncio import create_looping_call

from netcrawl.extensions.downloads import Downloads
from netcrawl.extensions.farewell import farewell
from netcrawl.extensions.tally import Tally
from sockettools.standard_streams import is_terminal
from sockettools.text import visible
from sockettools.units import clock_text, counted, octets_text

if TYPE_CHECKING:
    from typing import Self

    from scrapy import Request
    from scrapy.crawler import Crawler

    from netcrawl.extensions.live import Foot
    from netcrawl.extensions.tally import Progress

# Seconds between two drawings.
INTERVAL = 0.2


class LiveProgress:
    """Draws the line while a spider is open.

    Of several crawls in one process, the first that starts has it.
    """

    _drawing: ClassVar[LiveProgress | None] = None

    def __init__(self, crawler: Crawler, foot: Foot) -> None:
        self._crawler = crawler
        self._foot = foot
        self._tally = Tally(crawler, monotonic)
        self._downloads = Downloads(monotonic)
        self._timer = create_looping_call(self._draw)
        self._reason = "shutdown"

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Follow the life of the crawl; raise NotConfigured where nobody watches."""
        if not crawler.settings.getbool("PROGRESS", True) or not _is_watched(crawler):
            raise NotConfigured
        # Only here: nobody else needs it, and it takes a tenth of a second to import.
        from netcrawl.extensions.live import Foot

        foot = Foot()
        if cls._drawing or not foot.can_draw:
            raise NotConfigured
        extension = cls(crawler, foot)
        for receiver, signal in (
            (extension.spider_opened, signals.spider_opened),
            (extension.spider_closed, signals.spider_closed),
            (extension.engine_stopped, signals.engine_stopped),
            (extension.response_received, signals.response_received),
            (extension.item_error, signals.item_error),
            (extension._downloads.began, signals.headers_received),
            (extension._downloads.came, signals.bytes_received),
            (extension._downloads.ended, signals.request_left_downloader),
        ):
            crawler.signals.connect(receiver, signal)
        return extension

    def spider_opened(self) -> None:
        """Begin to draw."""
        LiveProgress._drawing = self
        self._foot.start()
        self._timer.start(INTERVAL)

    def response_received(self, request: Request) -> None:
        """Take note of it."""
        self._tally.saw_response(request)

    def item_error(self) -> None:
        """Take note of it."""
        self._tally.saw_item_error()

    def spider_closed(self, reason: str) -> None:
        """Remember why."""
        self._reason = reason

    def engine_stopped(self) -> None:
        """Erase the line, and say what happened: feeds are stored by now."""
        if LiveProgress._drawing is self:
            LiveProgress._drawing = None
            if self._timer.running:  # the end of the process stops it, too
                self._timer.stop()
            self._foot.stop()
            for line in farewell(self._crawler, self._tally.progress(), self._reason):
                print(visible(line), file=sys.stderr)

    @classmethod
    def process_stopped(cls) -> None:
        """Do the same for a crawl that was broken off.

        Scrapy sends no signal after the second Ctrl-C, nor after one that comes while the spider
        is being opened.
        """
        if cls._drawing:
            cls._drawing.engine_stopped()

    def _draw(self) -> None:
        from rich.console import Group
        from rich.text import Text

        width = self._foot.width
        spider = self._crawler.spider
        line = progress_line(spider.name if spider else "", self._tally.progress(), width)
        lines = [*self._downloads.lines(width), line]
        self._foot.draw(
            Group(*(Text(visible(line), no_wrap=True, overflow="crop") for line in lines))
        )


def progress_line(name: str, progress: Progress, width: int) -> str:
    """Return the line, in at most ``width`` columns: what matters least is left out first."""
    parts = [
        (0, name),
        (0, f"{progress.pages:,}/{progress.known:,} pages"),
        (3, f"{progress.items:,} items"),
        (2, f"{progress.rate:.1f}/s"),
        (4, octets_text(progress.octets)),
        (1, counted(progress.errors, "error")),
    ]
    if progress.seconds_left is not None:
        parts.append((2, f"{clock_text(progress.seconds_left)} left"))
    if progress.slowest is not None:
        host, seconds = progress.slowest
        parts.append((5, f"slowest: {host} {seconds:.2f} s"))
    for most in range(5, -1, -1):
        line = "  ".join(text for rank, text in parts if rank <= most)
        if len(line) <= width:
            return line
    return line[: max(width, 0)]


def _is_watched(crawler: Crawler) -> bool:
    if not is_terminal(sys.stderr):
        return False
    # A feed on the same terminal would be drawn over.
    feeds = map(str, crawler.settings.getdict("FEEDS"))
    return not (is_terminal(sys.stdout) and any(uri.startswith("stdout:") for uri in feeds))
