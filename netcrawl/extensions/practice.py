"""Start the practice web inside this process for a spider that was given no url."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from scrapy import signals
from scrapy.exceptions import CloseSpider

from netcrawl.frontier.notes import NO_NOTES, notes_of
from sockettools.errors import ListenError

if TYPE_CHECKING:
    from typing import Self

    from scrapy import Spider
    from scrapy.crawler import Crawler

    from sockettools.practice import PracticeServer

logger = logging.getLogger(__name__)

# A note: the port. The requests that a job has left are for it.
_PORT = "practice web: port"


class PracticeWeb:
    """Gives ``spider.url`` to a spider that has a ``practice_path`` and no url of its own."""

    def __init__(self, crawler: Crawler | None = None) -> None:
        """Without a crawler, there is no job whose port would be known."""
        self._crawler = crawler
        self._server: PracticeServer | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Follow the life of the spider."""
        extension = cls(crawler)
        crawler.signals.connect(extension.spider_opened, signals.spider_opened)
        crawler.signals.connect(extension.spider_closed, signals.spider_closed)
        return extension

    def spider_opened(self, spider: Spider) -> None:
        """Serve on a free loopback port; when a job goes on, on the one that it had."""
        path: str | None = getattr(spider, "practice_path", None)
        if path is None or getattr(spider, "url", None) is not None:
            return
        # Only here: it takes longer to import than anything else of ours.
        from sockettools.practice import PracticeServer

        notes = NO_NOTES if self._crawler is None else notes_of(self._crawler)
        port = next((int(key) for key, _ in notes.read(_PORT)), 0)
        try:
            self._server = PracticeServer(port=port)
        except (ListenError, OSError) as exc:
            spider.problem = f"the practice web cannot be started: {exc}"  # type: ignore[attr-defined]
            raise CloseSpider("no_practice_web") from exc
        if not port:
            notes.add(_PORT, str(urlsplit(self._server.url).port).encode())
        self._server.start()
        spider.url = urljoin(self._server.url, path)  # type: ignore[attr-defined]
        logger.info("No url given: starting on the practice web, %s", self._server.url)

    def spider_closed(self) -> None:
        """Stop serving."""
        if self._server is not None:
            self._server.close()
