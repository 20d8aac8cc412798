"""What Scrapy's own middlewares do to requests, each in its layer, is done here in one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from scrapy import Request, Spider
from scrapy.core.spidermw import SpiderMiddlewareManager
from scrapy.http import HtmlResponse
from scrapy.utils.misc import build_from_crawler
from scrapy.utils.test import get_crawler

from netcrawl import settings as project
from netcrawl.download.outgoing import REQUEST_MIDDLEWARES, OutgoingRequestsMiddleware

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from typing import Any


def seen_by_engine(middlewares: dict[str, Any], settings: dict[str, Any]) -> tuple[Any, Any]:
    """Return what comes of a callback's output, and the statistics."""

    async def outputs() -> AsyncIterator[Any]:
        yield {"an": "item"}
        yield Request("http://h/near")
        yield Request("http://h/" + "x" * 3000)
        yield Request("https://other/", priority=5, meta={"retry_times": 1})
        yield Request("http://h/anew", meta={"depth_reset": True})

    async def scrape(_response: Any, _request: Request) -> AsyncIterator[Any]:
        return outputs()

    async def run() -> list[Any]:
        request = Request("http://h/page?x=y")
        response = HtmlResponse(request.url, request=request)
        chain = await manager.scrape_response_async(scrape, response, request)
        return [output async for output in chain]

    crawler = get_crawler(Spider, {"SPIDER_MIDDLEWARES": middlewares, **settings})
    crawler.spider = crawler._create_spider("any")
    manager = build_from_crawler(SpiderMiddlewareManager, crawler)
    told = [
        (output.url, output.priority, output.meta, output.headers.to_unicode_dict())
        if isinstance(output, Request)
        else output
        for output in asyncio.run(run())
    ]
    assert crawler.stats
    return told, crawler.stats.get_stats()


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({}, id="Scrapy's own"),
        pytest.param({"DEPTH_LIMIT": 1, "DEPTH_PRIORITY": 3}, id="depth counts"),
        pytest.param({"DEPTH_STATS_VERBOSE": True}, id="depth is told"),
        pytest.param({"REFERER_ENABLED": False, "URLLENGTH_LIMIT": 0}, id="two are off"),
        pytest.param({"REFERRER_POLICY": "no-referrer", "URLLENGTH_LIMIT": 12}, id="stricter"),
    ],
)
def test_requests_are_what_the_stock_middlewares_make_of_them(settings: dict[str, Any]) -> None:
    ours = seen_by_engine(project.SPIDER_MIDDLEWARES, settings)

    assert ours == seen_by_engine({}, settings)
    assert {"an": "item"} in ours[0]


def test_each_of_the_stock_middlewares_is_replaced() -> None:
    crawler = get_crawler(Spider, {"SPIDER_MIDDLEWARES": project.SPIDER_MIDDLEWARES})
    crawler.spider = crawler._create_spider("any")
    manager = build_from_crawler(SpiderMiddlewareManager, crawler)

    kinds = {type(middleware) for middleware in manager.middlewares}

    assert OutgoingRequestsMiddleware in kinds
    assert kinds.isdisjoint(REQUEST_MIDDLEWARES)


def test_a_start_request_is_marked() -> None:
    async def start() -> AsyncIterator[Any]:
        yield Request("http://h/")
        yield {"an": "item"}

    async def run() -> list[Any]:
        return [output async for output in middleware.process_start(start())]

    middleware = OutgoingRequestsMiddleware.from_crawler(get_crawler())
    request, item = asyncio.run(run())

    assert request.meta == {"is_start_request": True}
    assert item == {"an": "item"}
