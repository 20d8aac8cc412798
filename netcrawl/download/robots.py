"""robots.txt, read as RFC 9309 has it where Scrapy is bolder."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from scrapy.downloadermiddlewares.robotstxt import RobotsTxtMiddleware
from scrapy.utils.httpobj import urlparse_cached

from sockettools.url import HTTP_SCHEMES

if TYPE_CHECKING:
    from scrapy import Request, Spider
    from scrapy.http import Response

logger = logging.getLogger(__name__)

_NOTHING = b"User-agent: *\nDisallow: /\n"


class CautiousRobotsTxtMiddleware(RobotsTxtMiddleware):
    """Scrapy's own, but a server that fails to tell what is allowed is left alone.

    "If the robots.txt file is unreachable due to server or network errors ... the crawler MUST
    assume complete disallow" (RFC 9309 section 2.3.1.4). Of network errors a crawl learns again
    with the page itself, so those are not counted. Only http and https have such files.
    """

    async def process_request(
        self,
        request: Request,
        spider: Spider | None = None,  # noqa: ARG002 - Scrapy warns where it is handed on
    ) -> None:
        """Raise IgnoreRequest for what is not allowed."""
        if urlparse_cached(request).scheme in HTTP_SCHEMES:
            await super().process_request(request)

    async def _parse_robots(self, response: Response, netloc: str, request: Request) -> None:
        if response.status >= 500:
            logger.warning(
                "%s answers %d for its robots.txt: nothing is asked of it", netloc, response.status
            )
            response = response.replace(body=_NOTHING)
        await super()._parse_robots(response, netloc, request)
