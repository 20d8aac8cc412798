"""The spider on real pages, run as ``scrapy crawl words``."""

from __future__ import annotations

import json
import signal
import xml.etree.ElementTree as ET
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from scrapy.exceptions import CloseSpider, UsageError
from scrapy.http import HtmlResponse, Response, TextResponse

from netcrawl.counting import CannotCount, WordCounts
from netcrawl.spiders.words import WordsSpider
from sockettools.practice.pages import ROMEO
from tests.crawling import crawl, read_csv, read_json, start_crawl
from tests.servers.pages import Answer, PageServer

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from netcrawl.items import PageWordCount, WordCount

THE_CHAPTERS = Counter(ROMEO.split())
RANKED = sorted(THE_CHAPTERS.items(), key=lambda pair: (-pair[1], pair[0]))

SITE: dict[str, Answer | str] = {
    "/": "<title>-</title>One <a href=/plain>two</a><p><a href=/picture>two</a> <a href=/b>b</a>",
    "/plain": Answer("Two two, TWO", "text/plain"),
    "/picture": Answer(b"\x89PNG", "image/png"),
    "/b": "<p>two <b>T</b>wo 'one'",
}


def html(body: bytes | str, content_type: str = "text/html; charset=utf-8") -> HtmlResponse:
    octets = body.encode() if isinstance(body, str) else body
    return HtmlResponse("http://h/", body=octets, headers={"Content-Type": content_type})


def plain(body: bytes | str, content_type: str = "text/plain; charset=utf-8") -> TextResponse:
    octets = body.encode() if isinstance(body, str) else body
    return TextResponse("http://h/", body=octets, headers={"Content-Type": content_type})


def count(*responses: Response, **given: str) -> list[tuple[str, int]]:
    """Return what the spider counts on these pages, without a crawl."""
    spider = WordsSpider(**given)
    items: list[WordCount | PageWordCount] = []
    for response in responses:
        items += spider.parse_page(response)
    items += spider.last_items()
    return [(item.word, item.count) for item in items]


def test_romeo_as_in_the_chapter(tmp_path: Path) -> None:
    feeds = [tmp_path / f"words.{suffix}" for suffix in ("json", "csv", "jsonl", "xml")]
    done = crawl("words", *(word for feed in feeds for word in ("-O", feed)), "--nolog")

    assert (done.status, done.stdout, done.stderr) == (0, "", "")
    records = read_json(feeds[0])
    assert [list(record) for record in records] == [["word", "count"]] * 26
    assert [(record["word"], record["count"]) for record in records] == RANKED
    assert [(row["word"], int(row["count"])) for row in read_csv(feeds[1])] == RANKED
    assert [json.loads(line) for line in feeds[2].read_text().splitlines()] == records
    tree = ET.parse(feeds[3])
    assert [item.findtext("word") for item in tree.iter("item")] == [word for word, _ in RANKED]


def test_a_site_with_each_page_by_its_kind(tmp_path: Path) -> None:
    with PageServer(SITE) as server:
        done = crawl(
            "words", "-a", f"url={server.url}/", "-a", "depth=1", "-O", tmp_path / "w.json"
        )

    assert done.status == 0
    assert "Skipped: 1 neither text nor HTML but 'image/png'" in done.stderr
    assert [(record["word"], record["count"]) for record in read_json(tmp_path / "w.json")] == [
        *[("two", 4), ("one", 2)],
        *[("TWO", 1), ("Two", 1), ("b", 1), ("two,", 1)],
    ]


def test_each_page_by_itself_and_enough_pages(tmp_path: Path) -> None:
    with PageServer(SITE) as server:
        done = crawl(
            *("words", "-a", f"url={server.url}/", "-a", "depth=1", "-a", "by=page"),
            *("-a", "pages=2", "-a", "min=2", "-O", tmp_path / "w.json"),
        )

    assert done.status == 0
    assert read_json(tmp_path / "w.json")[0] == {
        "page": f"{server.url}/",
        "word": "two",
        "count": 2,
    }


def test_enough_pages_are_counted(tmp_path: Path) -> None:
    with PageServer(SITE) as server:
        done = crawl(
            *("words", "-a", f"url={server.url}/ {server.url}/b", "-a", "depth=1"),
            *("-a", "pages=1", "-a", "top=1", "-O", tmp_path / "w.csv"),
        )

    assert done.status == 0
    assert read_csv(tmp_path / "w.csv") == [{"word": "two", "count": "2"}]


def test_an_interrupt_keeps_the_counts(tmp_path: Path) -> None:
    feed = tmp_path / "words.json"
    with (
        PageServer(SITE) as server,
        start_crawl(
            *("words", "-a", f"url={server.url}/", "-a", "depth=1", "-O", feed),
            *("-s", "DOWNLOAD_DELAY=1", "-L", "DEBUG"),
        ) as process,
    ):
        assert process.stderr is not None
        for line in process.stderr:
            if f"Crawled (200) <GET {server.url}/>" in line:
                process.send_signal(signal.SIGINT)
                break
        _, errors = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "Traceback" not in errors
    assert "one" in {row["word"] for row in read_json(feed)}


@pytest.mark.parametrize(
    ("page", "problem"),
    [
        pytest.param(
            Answer(b"\x89PNG", "image/png"), "the page is neither text nor HTML", id="a picture"
        ),
        pytest.param(Answer("", status=404), "answered 404", id="no page"),
    ],
)
def test_no_words(page: Answer, problem: str, tmp_path: Path) -> None:
    with PageServer({"/": page}) as server:
        done = crawl("words", "-a", f"url={server.url}/", "-O", tmp_path / "w.json")

    assert done.status == 1
    assert problem in done.last_line


def test_another_item_processor_is_told() -> None:
    done = crawl("words", "-s", "ITEM_PROCESSOR=scrapy.pipelines.ItemPipelineManager")

    assert done.status == 1
    assert done.last_line.endswith("the counts were not written; see ITEM_PROCESSOR")


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"min": "0"}, "min='0' cannot be used: it takes a whole number from 1"),
        ({"top": "x"}, "top='x' cannot be used: it takes a whole number from 1"),
        ({"top": "0"}, "top='0' cannot be used"),
        ({"tokens": "foo"}, "tokens='foo' cannot be used: it takes one of split, words"),
        ({"by": ""}, "by='' cannot be used: it takes one of site, page"),
        ({"token": "words"}, "there is no argument 'token': did you mean tokens?"),
    ],
    ids=str,
)
def test_wrong_arguments(given: dict[str, str], problem: str) -> None:
    with pytest.raises(UsageError, match=problem.replace("?", r"\?")):
        WordsSpider(**given)


@pytest.mark.parametrize(
    ("given", "counts"),
    [
        pytest.param({}, [("a", 2), ("b's", 2)], id="words"),
        pytest.param(
            {"tokens": "split"}, [("B's", 1), ("a", 1), ("a,", 1), ("b’s", 1)], id="split"
        ),
        pytest.param({"top": "1"}, [("a", 2)], id="top"),
        pytest.param({"min": "3"}, [], id="min"),
        pytest.param({"by": "page"}, [("a", 2), ("b's", 2)], id="by page"),
        pytest.param({"by": "page", "top": "1"}, [("a", 2)], id="top of a page"),
    ],
)
def test_html(given: dict[str, str], counts: list[tuple[str, int]]) -> None:
    assert count(html("<p>a, <i>b</i>’s<script>c</script><p>B's a"), **given) == counts


@pytest.mark.parametrize(
    ("given", "counts"),
    [
        pytest.param({}, [("A,", 1), ("a", 1)], id="split"),
        pytest.param({"tokens": "words"}, [("a", 2)], id="words"),
    ],
)
def test_plain_text(given: dict[str, str], counts: list[tuple[str, int]]) -> None:
    assert count(plain("A, a"), **given) == counts


@pytest.mark.parametrize(
    ("body", "charset"),
    [
        pytest.param("naïve".encode("latin-1"), "iso-8859-1", id="Latin 1"),
        pytest.param("мир".encode("koi8-r"), "koi8-r", id="KOI8"),
        pytest.param("мир".encode("cp1251"), "windows-1251", id="Windows"),
        pytest.param("言葉".encode("shift_jis"), "shift_jis", id="Shift JIS"),
        pytest.param("단어".encode("euc-kr"), "euc-kr", id="EUC-KR"),
        pytest.param("naïve".encode("utf-16"), "utf-16", id="UTF-16"),
        pytest.param("naïve".encode(), "nosuch", id="unknown"),
        pytest.param("naïve".encode(), "base64", id="no charset of text"),
    ],
)
def test_charsets(body: bytes, charset: str) -> None:
    python_name = "utf-8" if charset in ("nosuch", "base64") else charset
    words = [("言", 1), ("葉", 1)] if charset == "shift_jis" else [(body.decode(python_name), 1)]
    tagged = "<p>".encode("utf-16-le") if charset == "utf-16" else b"<p>"
    marked = body[:2] + tagged + body[2:] if charset == "utf-16" else tagged + body

    text_type, html_type = f"text/plain; charset={charset}", f"text/html; charset={charset}"
    assert sorted(count(plain(body, text_type), tokens="words")) == sorted(words)
    assert sorted(count(html(marked, html_type))) == sorted(words)


def test_a_charset_from_the_markup() -> None:
    body = '<meta charset="koi8-r"><p>мир'.encode("koi8-r")

    assert count(html(body, "text/html")) == [("мир", 1)]


def test_pages_are_added_up() -> None:
    assert count(html("<p>a b"), plain("b c"), html("")) == [("b", 2), ("a", 1), ("c", 1)]


def test_a_long_page_is_counted_in_blocks() -> None:
    text = "one two " * 100_000

    assert count(plain(text)) == [("one", 100_000), ("two", 100_000)]


class FullDisk(WordCounts):
    def add(self, words: Iterable[str]) -> None:  # noqa: ARG002 - as the class has it
        raise CannotCount("the disk is full")


def test_counts_that_cannot_be_kept_close_the_crawl() -> None:
    spider = WordsSpider()
    spider.counts = FullDisk()

    with pytest.raises(CloseSpider):
        list(spider.parse_page(plain("a")))
    assert spider.unfinished("cannot_count") == "the disk is full"
