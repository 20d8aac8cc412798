"""The spider on real pages, run as ``scrapy crawl links``; with it what all site spiders share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from scrapy.exceptions import UsageError

from netcrawl.spiders.links import LinksSpider
from sockettools.practice.pages import BOOK_LINKS
from tests.crawling import crawl, read_csv, read_json
from tests.servers.pages import Answer, PageServer

if TYPE_CHECKING:
    from pathlib import Path

# Page 1 leads to 2 and 3, 2 to 4, 4 to 5; 3 leads out.
SITE: dict[str, Answer | str] = {
    "/1": '<a href="/2">two</a> <a href="3#part">three</a> <a href="mailto:a@h">mail</a>',
    "/2": '<base href="/deep/"><a href="4">four</a> <a href="/1">one</a>',
    "/3": '<a href="http://127.0.0.2:9/">out</a> <a href="/missing">gone</a>',
    "/deep/4": '<a href="/5">five</a>',
    "/5": Answer("no page", content_type="text/plain"),
}


def test_the_chapters_book(tmp_path: Path) -> None:
    done = crawl("links", "-O", tmp_path / "l.json", "-O", tmp_path / "l.csv", "--nolog")

    assert (done.status, done.stdout, done.stderr) == (0, "", "")
    links = read_json(tmp_path / "l.json")
    assert [(link["url"], link["text"]) for link in links] == list(BOOK_LINKS)
    assert [link["position"] for link in links] == [1, 2, 3, 4, 5, 6]
    assert list(links[0]) == ["page", "position", "url", "text", "rel", "tag", "attributes"]
    rows = read_csv(tmp_path / "l.csv")
    assert [row["tag"] for row in rows] == [link["tag"] for link in links]


@pytest.mark.parametrize(
    ("depth", "pages"),
    [
        pytest.param(0, ["/1"], id="this page only"),
        pytest.param(1, ["/1", "/2", "/3"], id="one step"),
        pytest.param(9, ["/1", "/2", "/3", "/deep/4"], id="to the end"),
    ],
)
def test_depth(depth: int, pages: list[str], tmp_path: Path) -> None:
    with PageServer(SITE) as server:
        done = crawl(
            *("links", "-a", f"url={server.url}/1", "-a", f"depth={depth}"),
            *("-O", tmp_path / "l.json"),
        )
        links = read_json(tmp_path / "l.json")

    assert done.status == 0
    assert sorted({link["page"].removeprefix(server.url) for link in links}) == pages
    if depth == 9:
        assert "1 outside of the host" in done.stderr
        assert "1 not to be had" in done.stderr
        assert "1 not HTML but 'text/plain'" in done.stderr
        assert sorted(server.paths()) == sorted([*pages, "/5", "/missing"]), "each page once"


def test_enough_pages_is_a_job_done(tmp_path: Path) -> None:
    with PageServer(SITE) as server:
        done = crawl(
            *("links", "-a", f"url={server.url}/1", "-a", "depth=9", "-a", "pages=2"),
            *("-a", "parser=lexbor", "-O", tmp_path / "l.json"),
        )
        links = read_json(tmp_path / "l.json")

    assert done.status == 0
    assert len({link["page"] for link in links}) == 2


def test_several_starts_one_of_which_fails(tmp_path: Path) -> None:
    with PageServer(SITE) as server:
        (tmp_path / "urls.txt").write_text(f"# two\n{server.url}/3\n\n{server.url}/2\n")
        done = crawl(
            *("links", "-a", f"url={server.url}/1 {server.url}/nope"),
            *("-a", f"urls={tmp_path}/urls.txt", "-O", tmp_path / "l.json"),
        )
        links = read_json(tmp_path / "l.json")

    assert done.status == 1
    assert done.last_line.endswith(f"page {server.url}/nope answered 404 Not Found")
    assert len({link["page"] for link in links}) == 3, "the others are there"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"depht": "1"}, "there is no argument 'depht': did you mean depth?"),
        ({"depth": "-1"}, "depth='-1' cannot be used: it takes a whole number from 0"),
        ({"pages": "0"}, "pages='0' cannot be used: it takes a whole number from 1"),
        ({"within": "galaxy"}, "it takes one of host, domain, prefix, any"),
        ({"allow": "("}, "allow='(' cannot be used: it takes a regular expression"),
        ({"deny": "*"}, "deny='*' cannot be used: it takes a regular expression"),
        ({"url": " "}, "it takes one URL or several"),
        ({"url": "http://h/ smtp://h/"}, "it does not begin with http:// or https://"),
        ({"urls": "/nowhere"}, "it takes a file with one URL a line (No such file or directory)"),
        ({"urls": "/dev/null"}, "there is no URL in it"),
        ({"parser": "lxml"}, "it takes one of soup, lexbor, regex"),
    ],
)
def test_wrong_arguments(given: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        LinksSpider(**given)

    assert message in str(caught.value)


def test_a_wrong_line_in_a_file_of_urls(tmp_path: Path) -> None:
    (tmp_path / "urls").write_text("http://h/\nh\n")
    with pytest.raises(UsageError, match="line 2, 'h': it does not begin with http"):
        LinksSpider(urls=str(tmp_path / "urls"))
