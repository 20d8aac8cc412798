"""What the spiders have in common that visit a site."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest
from scrapy import Request
from scrapy.http import HtmlResponse

from netcrawl.frontier.notes import NO_NOTES, Notes
from netcrawl.spiders.links import LinksSpider
from tests.crawling import crawl, read_json
from tests.servers.pages import PageServer

if TYPE_CHECKING:
    from pathlib import Path


def parsed(spider: LinksSpider, path: str, body: str, depth: int, **meta: object) -> list[object]:
    request = Request(f"http://h{path}", meta={"depth": depth, **meta})
    response = HtmlResponse(request.url, body=body.encode(), encoding="utf-8", request=request)
    return list(spider.parse(response))


def requests(outputs: list[object]) -> list[tuple[str, bool]]:
    """Return URL and whether it is wanted again, of each request."""
    return [
        (output.url, bool(output.meta.get("page_again")))
        for output in outputs
        if isinstance(output, Request)
    ]


def test_a_page_found_nearer_later_is_followed_once_more_without_its_items() -> None:
    spider = LinksSpider(url="http://h/", depth="3")
    parsed(spider, "/", "<a href=/slow>-</a><a href=/fast>-</a>", 0)
    parsed(spider, "/fast", "<a href=/far>-</a>", 1)
    far = requests(parsed(spider, "/far", "<a href=/page>-</a>", 2))
    assert far == [("http://h/page", False)]  # 3 links away: its own links are not followed

    nearer = requests(parsed(spider, "/slow", "<a href=/page>-</a>", 1))
    again = parsed(spider, "/page", "<a href=/behind>-</a>", 2, page_again=True)

    assert nearer == [("http://h/page", True)]
    assert requests(again) == [("http://h/behind", False)]
    assert len(again) == 1  # no item: it had its own
    assert spider.pages_done == 4


def test_what_was_seen_as_near_is_not_asked_for_again() -> None:
    spider = LinksSpider(url="http://h/", depth="2")
    parsed(spider, "/", "<a href=/a>-</a><a href=/b>-</a>", 0)

    assert requests(parsed(spider, "/a", "<a href=/b>-</a><a href=/a>-</a>", 1)) == []


def test_a_page_with_more_places_than_pages() -> None:
    places = "".join(f"<a href=a.html#{number}>-</a>" for number in range(12_000))
    with PageServer({"/": f"{places}<a href=b.html>-</a>", "/a.html": "", "/b.html": ""}) as server:
        done = crawl("words", "-a", f"url={server.url}/", "-a", "depth=1")

    assert done.status == 0
    assert sorted(server.paths()) == ["/", "/a.html", "/b.html"]


def test_urls_from_a_pipe(tmp_path: Path) -> None:
    feed = tmp_path / "words.json"
    with PageServer({"/": "word"}) as server:
        pipe = tmp_path / "pipe"
        # What is in it can be read once.
        os.mkfifo(pipe)
        writer = threading.Thread(target=lambda: pipe.write_text(f"{server.url}/\n"))
        writer.start()
        done = crawl("words", "-a", f"urls={pipe}", "-O", feed)
        writer.join(60)

    assert done.status == 0
    assert read_json(feed) == [{"word": "word", "count": 1}]


class KeptNotes(Notes):
    """Of a job, but nobody reads them."""

    def __init__(self) -> None:
        super().__init__(None)

    @property
    def are_kept(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("notes", "expected"),
    [
        pytest.param(NO_NOTES, [True], id="not a job"),
        pytest.param(KeptNotes(), [False, True], id="a job"),
    ],
)
def test_a_page_that_is_found_nearer(notes: Notes, expected: list[bool]) -> None:
    """In a job, the page that had the link first may be taken back, and its request with it."""
    spider = LinksSpider(url="http://h/", depth="4")
    spider.notes = notes
    spider.scope.add_start("http://h/")
    found = []
    for depth in (2, 1):
        request = Request(f"http://h/{depth}", meta={"depth": depth})
        page = HtmlResponse(request.url, body=b"<a href=/far>x</a>", request=request)
        found = [each for each in spider.parse(page) if isinstance(each, Request)]

    assert [each.dont_filter for each in found] == expected
