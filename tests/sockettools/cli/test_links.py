from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from sockettools.net.deadline import Deadline
from sockettools.practice import PracticeServer
from sockettools.practice.pages import BOOK_LINKS
from sockettools.tasks.pages import read_page
from tests.servers.pages import Answer, PageServer
from tests.sockettools.cli.commands import run_here

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sockettools.browser import Browser, Request
    from sockettools.tasks.pages import TextPage

ALL_KINDS = """<base href=/dir/><!-- <a href="http://no/"> -->
<a href="http://x/1?a=1&amp;b=2">one</a> <A HREF='two'>Two &amp; more</A> <a name=here></a>
<a href="a\nb\x1b[2J">three</a> <a href=http://[bad>four</a> <link href="http://no/">
"""

PAGES: dict[str, Answer | str] = {
    "/all": ALL_KINDS,
    "/parts": '<a class=x href="1">\r\nOne\rtwo\x1b[2J</a><a href=2></a><a><img src=i></a>',
    "/utf8": '<a href="http://x/café">Zoë</a>',
    "/latin1": Answer('<a href="?é">x</a>'.encode("latin-1"), "text/html; charset=iso-8859-1"),
    "/none": "nothing",
    "/moved": Answer("", status=302, fields={"Location": "/deep/page"}),
    "/deep/page": "<a href=other>",
    "/long": "x" * 4_194_305,
    "/picture": Answer(b"\x89PNG", "image/png"),
}


@pytest.fixture(scope="module")
def server() -> Iterator[PageServer]:
    with PageServer(PAGES) as server:
        yield server


@pytest.fixture(scope="module")
def practice() -> Iterator[PracticeServer]:
    with PracticeServer() as practice:
        yield practice


# The programs of the chapter.


@pytest.mark.parametrize("parser", ["html", "regex"])
def test_the_links_of_the_chapter(practice: PracticeServer, parser: str) -> None:
    def links(page: str) -> list[str]:
        status, output, errors = run_here("links", f"{practice.url}{page}", "--parser", parser)
        assert (status, errors) == (0, "")
        return output.splitlines()

    assert links("page1.htm") == [f"{practice.url}page2.htm"]
    assert links("book.htm") == [url for url, _ in BOOK_LINKS]
    assert len(links("known_by_Samuel.html")) == 100


def test_the_parts_of_a_tag(practice: PracticeServer) -> None:
    url = f"{practice.url}page2.htm"
    shown = (
        f'TAG: <a href="{url}">\nSecond Page</a>\n'
        f"URL: {url}\n"
        "Content: \nSecond Page\n"
        f"Attrs: [('href', '{url}')]\n"
    )

    assert run_here("links", f"{practice.url}page1.htm", "--tags") == (0, shown, "")


# More than there is in the chapter.


@pytest.mark.parametrize(
    ("path", "options", "links"),
    [
        pytest.param(
            "/all",
            (),
            ["http://x/1?a=1&b=2", "two", "None", "a\\nb\\x1b[2J", "http://[bad"],
            id="html",
        ),
        pytest.param(
            "/all",
            ("--parser=regex",),
            ["http://x/1?a=1&b=2", "two", "a\\nb\\x1b[2J", "http://[bad"],
            id="regex",
        ),
        pytest.param(
            "/all",
            ("--absolute",),
            ["http://x/1?a=1&b=2", "{}/dir/two", "None", "{}/dir/ab\\x1b[2J", "None"],
            id="absolute",
        ),
        pytest.param("/moved", ("--absolute",), ["{}/deep/other"], id="where a redirect led"),
        pytest.param(
            "/latin1", ("--absolute", "--parser=regex"), ["{}/latin1?%E9"], id="query's charset"
        ),
        pytest.param("/utf8", (), ["http://x/café"], id="not ASCII"),
        pytest.param("/none", (), [], id="none"),
    ],
)
def test_links(server: PageServer, path: str, options: tuple[str, ...], links: list[str]) -> None:
    status, output, errors = run_here("links", server.url + path, *options)

    assert (status, errors) == (0, "")
    assert output == "".join(f"{link.format(server.url)}\n" for link in links)


@pytest.mark.parametrize(
    ("path", "options", "shown"),
    [
        pytest.param(
            "/parts",
            (),
            'TAG: <a class=x href="1">\r\nOne\\rtwo\\x1b[2J</a>\n'
            "URL: 1\n"
            "Content: \r\nOne\\rtwo\\x1b[2J\n"
            "Attrs: [('class', 'x'), ('href', '1')]\n"
            "TAG: <a href=2></a>\n"
            "URL: 2\n"
            "Content: \n"
            "Attrs: [('href', '2')]\n"
            "TAG: <a><img src=i></a>\n"
            "URL: None\n"
            "Content: <img src=i>\n"
            "Attrs: []\n",
            id="as written",
        ),
        pytest.param(
            "/utf8",
            (),
            'TAG: <a href="http://x/café">Zoë</a>\n'
            "URL: http://x/café\n"
            "Content: Zoë\n"
            "Attrs: [('href', 'http://x/café')]\n",
            id="not ASCII",
        ),
        pytest.param(
            "/deep/page",
            ("--absolute",),
            "TAG: <a href=other>\nURL: {}/deep/other\nContent: \nAttrs: [('href', 'other')]\n",
            id="absolute",
        ),
        pytest.param("/none", (), "", id="none"),
    ],
)
def test_tags(server: PageServer, path: str, options: tuple[str, ...], shown: str) -> None:
    done = run_here("links", server.url + path, "--tags", *options)

    assert done == (0, shown.replace("{}", server.url), "")


@pytest.mark.parametrize("parser", ["html", "regex"])
@pytest.mark.parametrize(
    ("path", "status", "problem"),
    [
        pytest.param("/nosuch", 4, "{}/nosuch: 404 Not Found", id="404"),
        pytest.param("/picture", 1, "page {}/picture is not text but image/png", id="picture"),
        pytest.param("/long", 1, "{}/long: the page is longer than 4194304 bytes", id="long"),
    ],
)
def test_failures(server: PageServer, parser: str, path: str, status: int, problem: str) -> None:
    done = run_here("links", server.url + path, "--parser", parser)

    assert done == (status, "", f"sockettools links: {problem.format(server.url)}\n")


def test_parts_are_not_what_the_expression_finds(server: PageServer) -> None:
    status, output, errors = run_here("links", f"{server.url}/all", "--tags", "--parser=regex")

    assert (status, output) == (2, "")
    assert errors.startswith("sockettools links: --tags shows what the regular expression does not")


def test_more_links_than_are_looked_for(
    server: PageServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sockettools.tasks.links.MAX_ANCHORS", 2)
    monkeypatch.setattr("sockettools.cli.links.MAX_ANCHORS", 2)

    status, output, errors = run_here("links", f"{server.url}/all")

    assert (status, output) == (0, "http://x/1?a=1&b=2\ntwo\n")
    assert errors == "sockettools links: these are the first 2, there may be more\n"


@pytest.mark.parametrize("options", [("--tags",), ("--parser=regex",), ("--absolute",)])
def test_the_time_is_over_while_links_are_looked_for(
    server: PageServer, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    def read_page_until_it_is_over(
        browser: Browser, request: Request, deadline: Deadline, max_size: int
    ) -> TextPage:
        page = read_page(browser, request, Deadline(), max_size)
        while not deadline.has_passed():
            time.sleep(0.01)
        return page

    monkeypatch.setattr("sockettools.cli.links.read_page", read_page_until_it_is_over)

    status, output, errors = run_here("links", f"{server.url}/all", "--max-time=0.1", *options)

    assert (status, output) == (3, "")
    assert errors == (
        "sockettools links: the time is over before all of the page was looked through\n"
    )
