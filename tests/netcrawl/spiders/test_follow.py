"""The spider on real pages, run as ``scrapy crawl follow``."""

from __future__ import annotations

import gzip
import re
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from sockettools.practice import PracticeServer
from tests.crawling import ROOT, crawl, read_csv, read_json
from tests.machine import needs_ipv6
from tests.servers.pages import Answer, PageServer
from tests.servers.ports import held_ports

if TYPE_CHECKING:
    from pathlib import Path

CHAIN = ["Samuel", "Skyler", "Kaidan", "Jo", "Sonni", "Seb", "Yakup", "Merina"]


def without_port(data: bytes) -> bytes:
    return re.sub(rb"127\.0\.0\.1:\d+", b"127.0.0.1", data)


def link(href: str, text: str = "next") -> str:
    return f'<title>Page</title><a href="{href}">{text}</a>'


def test_the_main_job(tmp_path: Path) -> None:
    done = crawl("follow", "-O", tmp_path / "names.json", "-O", tmp_path / "names.csv")

    assert (done.status, done.stdout) == (0, "Merina\n")
    retrieved = re.findall(
        r"Retrieving: http://127\.0\.0\.1:\d+/known_by_(\w+)\.html$", done.stderr, re.M
    )
    assert retrieved == CHAIN
    records = read_json(tmp_path / "names.json")
    assert [list(record) for record in records] == [["step", "url", "text", "title"]] * 8
    assert [record["step"] for record in records] == list(range(8))
    assert [record["text"] for record in records] == ["", *CHAIN[1:]]
    assert [record["title"] for record in records] == [f"People that {n} knows" for n in CHAIN]
    assert all(
        record["url"].endswith(f"/known_by_{name}.html")
        for record, name in zip(records, CHAIN, strict=True)
    )
    assert read_csv(tmp_path / "names.csv") == [
        {name: str(value) for name, value in record.items()} for record in records
    ]


def test_run_twice_it_writes_the_same_bytes_but_for_the_port(tmp_path: Path) -> None:
    feeds = []
    for number in range(2):
        paths = [tmp_path / f"{number}.{suffix}" for suffix in ("json", "csv", "xml", "jsonl")]
        assert crawl("follow", *(word for path in paths for word in ("-O", path))).status == 0
        feeds.append([without_port(path.read_bytes()) for path in paths])

    assert feeds[0] == feeds[1]


def test_position_and_count_on_the_practice_web() -> None:
    assert crawl("follow", "-a", "position=1", "-a", "depth=2").status == 0


@pytest.mark.parametrize(
    ("href", "path"),
    [
        pytest.param("/b", "/b", id="absolute path"),
        pytest.param(" \n/b\t", "/b", id="white space"),
        pytest.param("../b?x=1&amp;y=%41", "/b?x=1&y=%41", id="dots, entity, percent-encoding"),
        pytest.param("b c", "/dir/b%20c", id="a space within"),
        pytest.param("b#top", "/dir/b", id="the fragment stays at home"),
        pytest.param("?é", "/dir/a?%C3%A9", id="non-ASCII query"),
    ],
)
def test_links_are_resolved_as_a_browser_does(href: str, path: str) -> None:
    with PageServer({"/dir/a": link(href), path: "<title>B</title>"}) as server:
        done = crawl("follow", "-a", f"url={server.url}/dir/a", "-a", "position=1", "-a", "count=1")

        assert (done.status, done.stdout) == (0, "next\n")
        assert server.paths() == ["/dir/a", path]


def test_base_href_redirect_and_cookies() -> None:
    pages = {
        "/": Answer("", status=301, fields={"Location": "/start/"}),
        "/start/": "<base href='/other/'>" + link("b"),
        "/other/b": Answer("", status=302, fields={"Location": "c"}),
        "/other/c": "<title>C</title>",
    }
    with PageServer(pages) as server:
        done = crawl("follow", "-a", f"url={server.url}/", "-a", "position=1", "-a", "count=1")

        assert (done.status, done.stdout) == (0, "next\n")
        assert server.paths() == ["/", "/start/", "/other/b", "/other/c"]


def test_a_page_may_come_again(tmp_path: Path) -> None:
    with PageServer({"/a": link("/b", "B"), "/b": link("/a", "A")}) as server:
        done = crawl(
            *("follow", "-O", tmp_path / "x.json"),
            *("-a", f"url={server.url}/a", "-a", "position=1", "-a", "count=5"),
        )

        assert (done.status, done.stdout) == (0, "B\n")
        assert server.paths() == ["/a", "/b"] * 3
    assert [record["text"] for record in read_json(tmp_path / "x.json")] == ["", *"BABAB"]


def test_the_answer_is_one_line_that_no_terminal_obeys(tmp_path: Path) -> None:
    name = "Zoë\n \x1b[2J\u202e\u0085"
    with PageServer({"/a": link("/b", name), "/b": "<title>B</title>"}) as server:
        done = crawl(
            *("follow", "-O", tmp_path / "x.json"),
            *("-a", f"url={server.url}/a", "-a", "position=1", "-a", "count=1"),
        )

    assert done.stdout == "Zoë [2J\\u202e\n"
    # A feed is data; but what no XML may have is in no feed.
    assert read_json(tmp_path / "x.json")[1]["text"] == "Zoë [2J\u202e"


def test_a_link_without_text_is_named_by_the_title() -> None:
    with PageServer({"/a": "<a href=/b><img src=x></a>", "/b": "<title>B</title>"}) as server:
        done = crawl("follow", "-a", f"url={server.url}/a", "-a", "position=1", "-a", "count=1")

    assert (done.status, done.stdout) == (0, "B\n")


def test_a_page_in_its_own_charset(tmp_path: Path) -> None:
    page = '<meta charset="koi8-r"><title>Страница</title><a href="/b?имя">Имя</a>'
    pages: dict[str, Answer | str] = {
        "/a": Answer(page.encode("koi8-r"), content_type="text/html"),
        "/b?%C9%CD%D1": "<title>B</title>",
    }
    with PageServer(pages) as server:
        done = crawl(
            *("follow", "-O", tmp_path / "x.json"),
            *("-a", f"url={server.url}/a", "-a", "position=1", "-a", "count=1"),
        )

    assert (done.status, done.stdout) == (0, "Имя\n")
    assert read_json(tmp_path / "x.json")[0]["title"] == "Страница"


@needs_ipv6
def test_ipv6() -> None:
    with PracticeServer("::1") as practice:
        done = crawl("follow", "-a", f"url={practice.url}known_by_Samuel.html")

    assert (done.status, done.stdout) == (0, "Merina\n")


@pytest.mark.parametrize(
    ("charset", "href", "path"),
    [
        pytest.param("iso-8859-1", "/b?漢", "/b?%26%2328450%3B", id="not in the charset"),
        pytest.param("utf-16", "/b?é", "/b?%C3%A9", id="UTF-16 counts as UTF-8"),
        pytest.param("base64", "/b?é", "/b?%C3%A9", id="no charset at all"),
    ],
)
def test_a_query_in_the_pages_charset(charset: str, href: str, path: str) -> None:
    page = f'<!DOCTYPE html><title>A</title><a href="{href}">next</a>'
    encoded = page.encode("utf-8" if charset == "base64" else charset, "xmlcharrefreplace")
    pages: dict[str, Answer | str] = {
        "/a": Answer(encoded, content_type=f"text/html; charset={charset}"),
        path: "<title>B</title>",
    }
    with PageServer(pages) as server:
        done = crawl("follow", "-a", f"url={server.url}/a", "-a", "position=1", "-a", "count=1")

        assert (done.status, done.stdout) == (0, "next\n")
        assert server.paths() == ["/a", path]


@pytest.mark.parametrize(
    "page",
    [
        pytest.param("<base href='http://[bad'>", id="malformed base"),
        pytest.param(
            "<meta http-equiv=refresh content='0;url=http://[bad'>", id="malformed refresh"
        ),
        pytest.param("<meta http-equiv=refresh content='0;url=javascript:1'>", id="javascript"),
        pytest.param("<meta http-equiv=refresh content=60>", id="a page that renews itself"),
        pytest.param(Answer("", content_type=None), id="no Content-Type"),
        pytest.param(
            Answer("", fields={"Set-Cookie": "a=b; Domain=127.0.0.1"}), id="a cookie with a domain"
        ),
    ],
)
def test_pages_that_a_browser_shows(page: Answer | str, tmp_path: Path) -> None:
    """Also without a word to third parties, and without a traceback."""
    answer = page if isinstance(page, Answer) else Answer(page)
    body = f"{answer.body!s}<title>A</title><a href=/b>next</a>" if answer.body else link("/b")
    environment = {"TLDEXTRACT_CACHE": str(tmp_path)}  # nothing fetched by an earlier crawl
    with PageServer({"/a": replace(answer, body=body), "/b": "<title>B</title>"}) as server:
        done = crawl(
            *("follow", "-a", f"url={server.url}/a", "-a", "position=1", "-a", "count=1"),
            environment=environment,
        )

        assert (done.status, done.stdout) == (0, "next\n")
        assert server.paths() == ["/a", "/b"]
        assert "Traceback" not in done.stderr
        assert "publicsuffix" not in done.stderr


def test_a_compressed_page() -> None:
    packed = Answer(gzip.compress(link("/b").encode()), fields={"Content-Encoding": "gzip"})
    with PageServer({"/a": packed, "/b": "<title>B</title>"}) as server:
        done = crawl("follow", "-a", f"url={server.url}/a", "-a", "position=1", "-a", "count=1")

    assert (done.status, done.stdout) == (0, "next\n")


def test_an_url_that_scrapy_would_drop() -> None:
    done = crawl("follow", "-a", f"url=http://127.0.0.1/{'x' * 3000}")

    assert done.status == 1
    assert done.last_line.endswith("the url has 3017 characters, over URLLENGTH_LIMIT")


# Every problem is met at the second page, so that the first one has to be kept.
THREE = "<a href=/1>1</a><a href=/2>2</a><a href=/3>3</a>"


@pytest.mark.parametrize(
    ("page", "problem"),
    [
        pytest.param(THREE, r"page U/b has 3 links, position 4 does not exist", id="position"),
        pytest.param("<a href=/1>1</a>", r"page U/b has 1 link, position 4", id="one link"),
        pytest.param("", r"page U/b has 0 links, position 4 does not exist", id="no link"),
        pytest.param(
            THREE + "<a href=mailto:a@b>m</a>",
            r"position 4 of page U/b cannot be followed: 'mailto:a@b', it does not begin with http",
            id="mailto",
        ),
        pytest.param(
            THREE + "<a href='JavaScript:void(0)'>j</a>",
            r"position 4 of page U/b cannot be followed: 'JavaScript:void\(0\)'",
            id="javascript",
            marks=pytest.mark.soak,
        ),
        pytest.param(
            THREE + f"<a href='data:,{'x' * 999}'>d</a>",
            r"cannot be followed: 'data:,x{74}'\.\.\., it does not begin",
            id="a long data URL",
            marks=pytest.mark.soak,
        ),
        pytest.param(THREE + "<a name=x>n</a>", r"position 4 of page U/b has no href", id="href"),
        pytest.param(
            THREE + "<a href='http://[bad/'>b</a>",
            r"'http://\[bad/', Invalid IPv6",
            id="malformed",
            marks=pytest.mark.soak,
        ),
        pytest.param(
            THREE + "<a href='http://h:0/'>b</a>",
            r"'http://h:0/', its port is not",
            id="port",
            marks=pytest.mark.soak,
        ),
        pytest.param(
            THREE + f"<a href='/{'x' * 3000}'>l</a>",
            r"it has \d{4} characters",
            id="long URL",
            marks=pytest.mark.soak,
        ),
        pytest.param(Answer("", status=404), r"page U/b answered 404 Not Found", id="404"),
        pytest.param(
            Answer("", status=500),
            r"page U/b answered 500 Internal",
            id="500",
            marks=pytest.mark.soak,
        ),
        pytest.param(
            Answer(b"%PDF", "application/pdf"),
            r"page U/b is not HTML but 'application/pdf'",
            id="PDF",
        ),
        pytest.param(
            Answer("words", "text/plain"),
            r"is not HTML but 'text/plain'",
            id="text",
            marks=pytest.mark.soak,
        ),
        pytest.param(
            Answer(b"\xff\xd8\0", None),
            r"not HTML but of no stated type$",
            id="untyped",
            marks=pytest.mark.soak,
        ),
        pytest.param(
            Answer(THREE, cut=3), r"page U/b ended before it was complete", id="truncated"
        ),
        pytest.param(
            Answer("", status=302, fields={"Location": "/b"}),
            r"U/b cannot be retrieved: it is redirected again and again",
            id="redirect loop",
        ),
        pytest.param(
            Answer("", status=302, fields={"Location": "file:///etc/passwd"}),
            r"page U/b answered 302 Found and leads to 'file:///etc/passwd', which cannot be foll",
            id="redirect out of the web",
        ),
        pytest.param(
            Answer("", status=302, fields={"Location": "http://a..b/"}),
            r"http://a\.\.b/ cannot be retrieved: 'a\.\.b' is not a host name",
            id="redirect to a host that cannot be",
        ),
        pytest.param(
            Answer("", status=302, fields={"Location": "http://user:secret@h/"}),
            r"http://h/ cannot be retrieved: it has a user name or password",
            id="redirect with a password",
        ),
        pytest.param(
            Answer("x", fields={"Content-Encoding": "rot13"}),
            r"page U/b is not HTML but compressed in an unknown way, 'rot13'",
            id="an unknown compression",
            marks=pytest.mark.soak,
        ),
        pytest.param(
            Answer("", status=304),
            r"page U/b answered 304 Not Modified and leads to no",
            id="304",
            marks=pytest.mark.soak,
        ),
        pytest.param(
            Answer("xyz", fields={"Content-Encoding": "gzip"}),
            r"U/b cannot be retrieved",
            id="gzip",
        ),
        pytest.param(
            Answer("x" * (4 * 1024 * 1024 + 1)), r"page U/b is larger than DOWNLOAD_MAX", id="size"
        ),
    ],
)
def test_a_chain_that_breaks(page: Answer | str, problem: str, tmp_path: Path) -> None:
    with PageServer({"/a": '<a>1</a><a>2</a><a>3</a><a href="/b">4</a>', "/b": page}) as server:
        done = crawl(
            *("follow", "-O", tmp_path / "x.json"),
            *("-a", f"url={server.url}/a", "-a", "position=4", "-a", "count=3"),
        )

        assert done.status == 1
        assert done.stdout == ""
        assert "[follow] ERROR: " in done.last_line
        assert re.search(problem.replace("U/b", re.escape(server.url) + "/b"), done.last_line)
        assert "Traceback" not in done.stderr
        assert "secret" not in done.stderr
        kept = [record["url"] for record in read_json(tmp_path / "x.json")]
        assert kept[0] == f"{server.url}/a"
        assert len(kept) == 1 + isinstance(page, str), "the page without the link was retrieved too"


def test_robots_txt_is_obeyed() -> None:
    robots = Answer("User-agent: netcrawl\nDisallow: /b\n", "text/plain")
    with PageServer({"/robots.txt": robots, "/a": link("/b"), "/b": link("/a")}) as server:
        done = crawl("follow", "-a", f"url={server.url}/a", "-a", "position=1", "-a", "count=1")

        assert done.status == 1
        assert re.search(r"the robots\.txt of \S+ forbids http://\S+/b$", done.last_line)
        assert server.paths() == ["/a"]


def test_a_refused_connection() -> None:
    with held_ports(1) as (port,):
        done = crawl("follow", "-a", f"url=http://127.0.0.1:{port}/")

    assert done.status == 1
    assert f"127.0.0.1:{port} refused the connection" in done.last_line
    assert "Traceback" not in done.stderr


def test_an_unknown_host() -> None:
    done = crawl("follow", "-a", "url=http://nosuch.invalid/", "-s", "RETRY_TIMES=0")

    assert done.status == 1
    assert "unknown host 'nosuch.invalid'" in done.last_line
    assert "Traceback" not in done.stderr


def test_without_url_and_practice_web() -> None:
    off = '{"netcrawl.extensions.practice.PracticeWeb": null}'

    done = crawl("follow", "-s", f"EXTENSIONS={off}")

    assert done.status == 1
    assert "no url was given, and the practice web is not running" in done.last_line


@pytest.mark.parametrize("told", [True, False])
def test_the_problem_is_logged_where_no_command_tells_it(told: bool) -> None:
    """As in a script, or with runspider."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "scrapy", "runspider", "netcrawl/spiders/follow.py"),
            *("-a", "position=101", "-s", f"CRAWL_TELLS_OUTCOME={told}"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ("position 101 does not exist" in done.stderr) is not told
