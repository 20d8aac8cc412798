"""Start the practice web inside this process for a spider that was given no url."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from scrapy import signals
from scrapy.exceptions import CloseSpider

from sockettools.errors import ListenError

if TYPE_CHECKING:
    from typing import Self

    from scrapy import Spider
    from scrapy.crawler import Crawler

    from sockettools.practice import PracticeServer

logger = logging.getLogger(__name__)


class PracticeWeb:
    """Gives ``spider.url`` to a spider that has a ``practice_path`` and no url of its own."""

    def __init__(self) -> None:
        self._server: PracticeServer | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Follow the life of the spider."""
        extension = cls()
        crawler.signals.connect(extension.spider_opened, signals.spider_opened)
        crawler.signals.connect(extension.spider_closed, signals.spider_closed)
        return extension

    def spider_opened(self, spider: Spider) -> None:
        """Serve on a free loopback port."""
        path: str | None = getattr(spider, "practice_path", None)
        if path is None or getattr(spider, "url", None) is not None:
            return
        # Only here: it takes longer to import than anything else of ours.
        from sockettools.practice import PracticeServer

        try:
            self._server = PracticeServer()
        except (ListenError, OSError) as exc:
            spider.problem = f"the practice web cannot be started: {exc}"  # type: ignore[attr-defined]
            raise CloseSpider("no_practice_web") from exc
        self._server.start()
        spider.url = urljoin(self._server.url, path)  # type: ignore[attr-defined]
        logger.info("No url given: starting on the practice web, %s", self._server.url)

    def spider_closed(self) -> None:
        """Stop serving."""
        if self._server is not None:
            self._server.close()
