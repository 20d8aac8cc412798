from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import pytest

from sockettools.browser import Browser, Request
from sockettools.net.transcript import Transcript
from sockettools.practice import PracticeServer
from sockettools.practice.people import CHAIN, CHAIN_POSITION
from sockettools.tasks import follow as follow_module
from sockettools.tasks.follow import NoSuchLink, follow, link_at
from sockettools.tasks.pages import NotText, Refusal, TextPage
from sockettools.url import parse_http_url
from tests.servers.pages import Answer, PageServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sockettools.net.transcript import Event

URL = parse_http_url("http://h/dir/page.htm")


@pytest.fixture
def browser() -> Iterator[Browser]:
    with Browser() as browser:
        yield browser


def request(url: str) -> Request:
    return Request(parse_http_url(url))


def way(browser: Browser, url: str, position: int, count: int) -> list[str]:
    return [str(page) for page in follow(browser, request(url), position, count)]


# One step.


@pytest.mark.parametrize(
    ("html", "position", "url"),
    [
        pytest.param("<a href=http://x/1>t</a>", 1, "http://x/1", id="absolute"),
        pytest.param("<a href=other.htm>t</a>", 1, "http://h/dir/other.htm", id="relative"),
        pytest.param("<a href=/>t</a><a href=?q>t</a>", 2, "http://h/dir/page.htm?q", id="second"),
        pytest.param(
            "<a name=n>t</a><a href=2>t</a>", 2, "http://h/dir/2", id="no href is counted"
        ),
        pytest.param("<base href=/b/><a href=2>t</a>", 1, "http://h/b/2", id="base"),
        pytest.param("<a href='?é'>t</a>", 1, "http://h/dir/page.htm?%E9", id="the page's charset"),
        pytest.param("<a href=' 2\n '>t</a>", 1, "http://h/dir/2", id="white space"),
    ],
)
def test_where_a_link_leads(html: str, position: int, url: str) -> None:
    assert str(link_at(TextPage(URL, html, "windows-1252"), position)) == url


@pytest.mark.parametrize(
    ("html", "position", "problem"),
    [
        pytest.param("", 1, "page {} has 0 links, position 1 does not exist", id="none"),
        pytest.param("<a>", 2, "page {} has 1 link, position 2 does not exist", id="one"),
        pytest.param("<a name=n>", 1, "the link at position 1 of page {} has no href", id="href"),
        pytest.param(
            "<a href=mailto:x>",
            1,
            "the link at position 1 of page {} cannot be followed: 'mailto:x', it does not begin "
            "with http:// or https://",
            id="no page",
        ),
        pytest.param(
            "<a href=http://[bad>",
            1,
            "the link at position 1 of page {} cannot be followed: 'http://[bad', ",
            id="nowhere",
        ),
        pytest.param(
            f"<a href={'x' * 9000}>",
            1,
            f"the link at position 1 of page {{}} cannot be followed: '{'x' * 200}', it has more "
            "than 8000 characters",
            id="too long",
        ),
    ],
)
def test_a_link_that_cannot_be_followed(html: str, position: int, problem: str) -> None:
    with pytest.raises(NoSuchLink) as caught:
        link_at(TextPage(URL, html, "utf-8"), position)

    assert str(caught.value).startswith(problem.format(URL))


def test_a_page_of_more_links_than_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sockettools.tasks.links.MAX_ANCHORS", 3)
    monkeypatch.setattr(follow_module, "MAX_ANCHORS", 3)

    with pytest.raises(NoSuchLink, match="has more than 3 links, position 4 is too far"):
        link_at(TextPage(URL, "<a href=1>" * 5, "utf-8"), 4)


# The whole way.


def test_the_way_of_the_chapter_goes_over_one_connection() -> None:
    connections: set[str] = set()

    class Sink:
        def write(self, event: Event) -> None:
            connections.add(event.connection)

    with PracticeServer() as practice, Browser(transcript=Transcript([Sink()])) as browser:
        start = f"{practice.url}known_by_Samuel.html"
        urls = way(browser, start, CHAIN_POSITION, len(CHAIN) - 1)

    assert urls == [f"{practice.url}known_by_{name}.html" for name in CHAIN]
    assert connections == {""}


@pytest.mark.parametrize(
    ("count", "retrieved"),
    [
        pytest.param(0, [], id="none"),
        pytest.param(1, ["/1"], id="one"),
        pytest.param(3, ["/1", "/2", "/1"], id="round in a circle"),
    ],
)
def test_the_last_page_is_not_retrieved(browser: Browser, count: int, retrieved: list[str]) -> None:
    with PageServer({"/1": "<a href=2>", "/2": "<a href=1>"}) as server:
        urls = way(browser, f"{server.url}/1", 1, count)

    assert len(urls) == count + 1
    assert server.paths() == retrieved


def test_each_address_comes_before_its_page(browser: Browser) -> None:
    with PageServer({"/1": "<a href=2>"}) as server:
        pages = follow(browser, request(f"{server.url}/1"), 1, 5)

        assert [page.path for page in islice(pages, 2)] == ["/1", "/2"]
        with pytest.raises(Refusal, match="/2: 404 Not Found"):
            next(pages)


def test_links_start_from_where_a_redirect_led(browser: Browser) -> None:
    pages: dict[str, Answer | str] = {
        "/1": Answer("", status=302, fields={"Location": "/dir/1"}),
        "/dir/1": "<a href=2>",
    }
    with PageServer(pages) as server:
        assert way(browser, f"{server.url}/1", 1, 1)[-1] == f"{server.url}/dir/2"


def test_a_picture_has_no_links(browser: Browser) -> None:
    with PageServer({"/1": Answer(b"\x89PNG", "image/png")}) as server, pytest.raises(NotText):
        way(browser, f"{server.url}/1", 1, 1)


def test_who_asks_is_told_to_the_first_origin_only(browser: Browser) -> None:
    fields = (("Authorization", "secret"), ("Cookie", "a=1"), ("X-Mine", "yes"))
    with PageServer({"/2": ""}) as other, PageServer({}) as server:
        other.pages["/2"] = f"<a href={server.url}/3>"
        server.pages |= {"/1": f"<a href={other.url}/2>", "/3": "<a href=4>"}
        start = Request(parse_http_url(f"{server.url}/1"), fields=fields)
        list(follow(browser, start, 1, 3))

    def told(server: PageServer) -> list[list[str | None]]:
        return [
            [headers["Authorization"], headers["Cookie"], headers["X-Mine"]]
            for _, headers in server.requests
        ]

    assert told(server) == [["secret", "a=1", "yes"]] * 2
    assert told(other) == [[None, None, "yes"]]


def test_a_login_in_the_url_is_kept_for_its_origin(browser: Browser) -> None:
    with PageServer({"/2": ""}) as other, PageServer({"/1": "<a href=2>"}) as server:
        server.pages["/2"] = f"<a href={other.url}/2>"
        other.pages["/2"] = "<a href=3>"
        urls = way(browser, f"{server.url.replace('://', '://me:pw@')}/1", 1, 3)

    assert "pw" not in "".join(urls)
    assert [headers["Authorization"] for _, headers in server.requests] == ["Basic bWU6cHc="] * 2
    assert [headers["Authorization"] for _, headers in other.requests] == [None]
