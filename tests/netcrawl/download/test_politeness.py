from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

import pytest
from scrapy.http import Response

from netcrawl.download.politeness import wanted_wait
from tests.crawling import crawl, read_json
from tests.servers.pages import Answer, PageServer

if TYPE_CHECKING:
    from pathlib import Path

ROBOTS = Answer("User-agent: *\nCrawl-delay: 0.4\n", content_type="text/plain")


class TimedServer(PageServer):
    """Notes when each page was asked for, which is after the client has done so."""

    def __init__(self, pages: dict[str, Answer | str]) -> None:
        super().__init__(_Timed(pages, self))
        self.times: list[tuple[float, str]] = []


class _Timed(dict[str, "Answer | str"]):
    """A page that is a list is answered from its front until one is left."""

    def __init__(self, pages: dict[str, Answer | str], server: TimedServer) -> None:
        super().__init__(pages)
        self._server = server

    def get(self, path: str, default: object = None) -> object:  # type: ignore[override]
        self._server.times.append((monotonic(), path))
        page: object = super().get(path, default)  # type: ignore[arg-type]
        if isinstance(page, list):
            return page.pop(0) if len(page) > 1 else page[0]
        return page


def test_the_crawl_delay_of_robots_txt(tmp_path: Path) -> None:
    pages: dict[str, Answer | str] = {
        "/robots.txt": ROBOTS,
        "/": "<a href=1>1</a><a href=2>2</a>",
        "/1": "x",
        "/2": "y",
    }
    with TimedServer(pages) as server:
        done = crawl(
            *("links", "-a", f"url={server.url}/", "-a", "depth=1"),
            *("-O", tmp_path / "l.json"),
        )

    assert done.status == 0
    assert "0.4 seconds between two pages, as its robots.txt asks" in done.stderr
    paths = [path for _, path in server.times]
    assert (paths[0], len(paths)) == ("/robots.txt", 4)
    # A server that is late with one page makes the time until the next one seem shorter: only what
    # was noted before the first of the waits tells how long they were.
    assert server.times[-1][0] - server.times[0][0] >= 2 * 0.4


def test_a_busy_server_is_left_alone(tmp_path: Path) -> None:
    busy = Answer("later", status=503, fields={"Retry-After": "1"})
    pages: dict[str, Answer | str] = {"/": [busy, Answer("<a href=b>b</a>")]}  # type: ignore[dict-item]
    with TimedServer(pages) as server:
        done = crawl("links", "-a", f"url={server.url}/", "-O", tmp_path / "l.json")

    assert done.status == 0
    assert [link["text"] for link in read_json(tmp_path / "l.json")] == ["b"]
    assert "answers 503 and asks to wait 1 seconds: waiting" in done.stderr
    first, second = (moment for moment, path in server.times if path == "/")
    assert second - first >= 1


def test_a_server_that_asks_for_too_much() -> None:
    busy = Answer("later", status=429, fields={"Retry-After": "3600"})
    with TimedServer({"/": busy}) as server:
        done = crawl("links", "-a", f"url={server.url}/")

    assert done.status == 1
    assert "asks to wait 3600 seconds: doing without" in done.stderr
    assert [path for _, path in server.times].count("/") == 1


@pytest.mark.parametrize(
    ("status", "value", "expected"),
    [
        (503, b"120", 120.0),
        (429, b" 0 ", 0.0),
        (503, b"Thu, 01 Jan 1970 00:01:00 GMT", 50.0),
        (503, b"Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        (503, b"soon", None),
        (503, b"-1", None),
        (503, b"9" * 400, 999_999_999_999.0),
        (503, None, None),
        (500, b"120", None),
    ],
)
def test_wanted_wait(status: int, value: bytes | None, expected: float | None) -> None:
    headers = {} if value is None else {"Retry-After": value}

    assert wanted_wait(Response("http://h/", status, headers), now=10.0) == expected
