from __future__ import annotations

import pytest
from scrapy import Request, Spider
from scrapy.exceptions import DropItem
from scrapy.http import Response
from scrapy.utils.test import get_crawler

from netcrawl.extensions.log_formatter import ThriftyLogFormatter


@pytest.mark.parametrize(
    ("level", "is_made"),
    [("DEBUG", True), (10, True), (5, True), ("NOTSET", True), ("INFO", False), (30, False)],
)
def test_a_line_that_the_log_does_not_show_is_not_made(level: str | int, is_made: bool) -> None:
    formatter = ThriftyLogFormatter.from_crawler(get_crawler(settings_dict={"LOG_LEVEL": level}))
    request, response, spider = Request("http://h/"), Response("http://h/"), Spider("any")
    dropped = DropItem("why", log_level="WARNING")

    assert (formatter.crawled(request, response, spider) is not None) is is_made
    assert (formatter.scraped({"an": "item"}, response, spider) is not None) is is_made
    assert formatter.dropped({"an": "item"}, dropped, response, spider) is not None
