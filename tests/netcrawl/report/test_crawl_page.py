"""What the report of a crawl says, and that nothing in it does anything."""

from __future__ import annotations

import csv
import json
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from netcrawl.frontier.folder import FRONTIER, JobFolder
from netcrawl.frontier.traffic import TRAFFIC
from netcrawl.items import DownloadedImage, FollowedPage, Link, WordCount
from netcrawl.report.collecting import MAX_FAILURES, MAX_ROWS
from netcrawl.report.graph import MAX_LINKS, MAX_NODES
from tests.crawling import crawl
from tests.netcrawl.commands.made_jobs import begin, fill
from tests.netcrawl.report.reading_pages import numbers, page_of, rows, section

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = [
    "<script>window.hurt = 1</script>",
    "</script><script>window.hurt = 1</script>",
    "</style><img src=x onerror='window.hurt = 1'>",
    '" onmouseover="window.hurt = 1',
    "<!--",
    "]]>",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:window.hurt=1",
    'http://h/"onclick="window.hurt=1',
    "data:text/html,<script>window.hurt=1</script>",
    "\u202egpj.exe\u2066",
    "\x00\x07\x1b[2J\x7f",
    "__proto__",
    "\ud800",
    "&lt;script&gt;",
]


def write(path: Path, items: list[Any]) -> Path:
    path.write_text("\n".join(map(json.dumps, items)))
    return path


def test_a_chain(tmp_path: Path) -> None:
    feed = write(tmp_path / "f.jsonl", [
        {"step": 0, "url": "http://h/a", "text": "", "title": "The <b> first"},
        {"step": 1, "url": "http://h/b", "text": "next", "title": ""},
    ])  # fmt: skip

    page = page_of(feed)

    steps = [list(it.stripped_strings) for it in section(page, "chain").find_all("li")]
    assert steps == [
        ["0", "The <b> first", "http://h/a"],
        ["1", "(no title)", "by the link “", "next", "”", "http://h/b"],
    ]
    assert numbers(page) == {
        "pages": "2",
        "items": "2",
        **dict.fromkeys(("failures", "received", "duration"), "not known"),
    }
    assert "A feed tells what was scraped, not how" in page.find("aside").get_text()  # type: ignore[union-attr]


def test_words(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text("word,count\nthe,12\nand,7\nthe,1\nodd,x\n")

    part = section(page_of(path), "words")

    assert "The most frequent of 2 words is “the”: 13 times." in part.get_text()
    assert "20 words in all." in part.get_text()
    (table,) = part.find_all("table")
    assert rows(part, table.caption.get_text()) == [["the", "13"], ["and", "7"]]
    assert len(part.find_all("svg")) == 2


def test_words_that_come_more_often_than_can_be_drawn(tmp_path: Path) -> None:
    counts = ["3", "123456789012345678901234567890", "9" * 299, "9" * 299, "1e299", "1e400"]
    counts += ["-1e400", "NaN", "-3", "9" * 400, "0.5"]
    path, many = tmp_path / "f.json", tmp_path / "many.json"
    same = [f'{{"word": "w", "count": {it}}}' for it in counts]
    path.write_text(f"[{','.join(same)}]")
    different = [f'{{"word": "w{at}", "count": {it}}}' for at, it in enumerate(counts)]
    many.write_text(f"[{','.join(different)}]")

    for feed in (path, many):
        part = section(page_of(feed), "words")

        assert len(part.find_all("svg")) == 2
        assert "e+299 times" in part.get_text()
    # No digits that nobody has counted.
    assert "1.23e+29" in part.get_text()


@pytest.mark.parametrize("size", ["1" + "0" * 299, "1e299", "NaN", "-1e299", "1e400"])
def test_files_larger_than_any_file(size: str, tmp_path: Path) -> None:
    one = json.dumps({**picture("a.png"), "bytes": "SIZE"}).replace('"SIZE"', size)
    two = json.dumps({**picture("b.png"), "bytes": 2_000})
    feed = tmp_path / "f.jsonl"
    feed.write_text(f"{one}\n{two}\n")

    assert numbers(page_of(feed))["in files"] == "2.0 kB"


def test_a_link_graph(tmp_path: Path) -> None:
    links = [("a", "b"), ("a", "b"), ("a", "c#top"), ("c", "a"), ("a", None)]
    feed = write(
        tmp_path / "f.jsonl",
        [
            {"page": f"http://h/{page}", "position": 1, "url": url and f"http://h/{url}"}
            for page, url in links
        ]
        + [{"page": "http://h/a", "position": 9, "url": "mailto:x@h"}],
    )

    part = section(page_of(feed), "graph")

    assert "2 pages with 4 links to 3 pages, up to 1 link away" in part.get_text()
    assert "2 more lead to no page" in part.get_text()
    assert rows(part, "The pages of the graph as a table") == [
        ["http://h/a", "0", "1", "2", "read"],
        ["http://h/c", "1", "1", "1", "read"],
        ["http://h/b", "1", "1", "0", "only linked to"],
    ]
    data = json.loads(part.find("script").get_text())  # type: ignore[union-attr]
    assert [node[-1] for node in data["nodes"]] == ["http://h/a", "http://h/c", "http://h/b"]
    assert (data["tree"], len(data["links"])) == (2, 6)


def picture(path: str, **more: Any) -> dict[str, Any]:
    item = DownloadedImage("http://h/", f"http://h/{path}", path=path, format="PNG", width=8)
    return {**vars(item), "height": 6, "bytes": 100, "status": "downloaded", **more}


def test_pictures_are_shown_small(tmp_path: Path) -> None:
    store = tmp_path / "images"
    store.mkdir()
    Image.new("RGB", (2000, 1000), "red").save(store / "a.png")
    (store / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"x" * 100_000)
    Image.new("RGB", (8, 6)).save(tmp_path / "secret.png")
    (store / "link.png").symlink_to(tmp_path / "secret.png")
    feed = write(
        tmp_path / "f.jsonl",
        [
            picture("a.png", alt="<b>red</b>"),
            *map(picture, ("broken.png", "../secret.png", str(tmp_path / "secret.png"))),
            *map(picture, ("link.png", "missing.png", "a\x00b")),
            picture("", status="failed", problem="answered 404 Not Found"),
        ],
    )

    page = page_of(feed)

    images = section(page, "pictures").find_all("img")
    assert [(it["alt"], it["width"], it["height"]) for it in images] == [
        ("<b>red</b>", "240", "120")
    ]
    assert len(images[0]["src"]) < 5000
    assert len(section(page, "pictures").find_all(class_="missing")) == 6
    assert "6 of those below could not be shown" in section(page, "pictures").get_text()
    assert rows(section(page, "failures"), "What failed, and why") == [
        ["http://h/", "answered 404 Not Found"]
    ]
    assert numbers(page)["failures"] == "1"
    assert numbers(page)["in files"] == "700 B"


def test_pictures_have_a_limit_together(tmp_path: Path) -> None:
    store = tmp_path / "here"
    store.mkdir()
    names = [f"{number}.png" for number in range(300)]
    for name in names[:70]:
        Image.effect_noise((300, 300), 90).save(store / name)
    feed = write(tmp_path / "f.jsonl", list(map(picture, names)))

    part = section(page_of(feed, store), "pictures")

    assert 10 < len(part.find_all("img")) <= 60
    assert len(str(part)) < 3_000_000
    assert "more are not shown" in part.get_text()


def test_without_the_files_pictures_are_named(tmp_path: Path) -> None:
    feed = write(tmp_path / "f.jsonl", [picture("a.png")])

    part = section(page_of(feed), "pictures")

    assert "Their files were not found; --store FOLDER says where they are." in part.get_text()
    assert not part.find("img")


def test_items_of_other_projects(tmp_path: Path) -> None:
    feed = write(tmp_path / "f.jsonl", [
        {"name": "A", "price": 1.5, "tags": ["x", "y"], "stock": None},
        {"name": "B", "price": "2", "note": ""},
        {"name": "", "deep": {"a": {"b": []}}, "ok": True},
    ])  # fmt: skip

    page = page_of(feed)

    assert rows(section(page, "items"), "The items") == [
        ["A", "1.5", '["x", "y"]', "", "", "", ""],
        ["B", "2", "", "", "", "", ""],
        ["", "", "", "", "", '{"a": {"b": []}}', "true"],
    ]
    fields = rows(section(page, "fields"), "How often each field has a value")
    assert [row[:6] for row in fields] == [
        ["name", "66.7%", "2", "1", "0", "text"],
        ["price", "66.7%", "2", "0", "1", "number, text"],
        ["tags", "33.3%", "1", "0", "2", "list"],
        ["stock", "0.0%", "0", "1", "2", ""],
        ["note", "0.0%", "0", "1", "2", ""],
        ["deep", "33.3%", "1", "0", "2", "object"],
        ["ok", "33.3%", "1", "0", "2", "true/false"],
    ]


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(lambda it: {it: it, "a": [it, {it: it}]}, id="any"),
        pytest.param(lambda it: {"step": it, "url": it, "text": it, "title": it}, id="follow"),
        pytest.param(lambda it: {"page": it, "position": 1, "url": f"http://{it}"}, id="links"),
        pytest.param(lambda it: {"word": it, "count": 3}, id="words"),
        pytest.param(
            lambda it: {**picture(it, alt=it, format=it, width=it, thumbnail=it), "url": it},
            id="images",
        ),
        pytest.param(
            lambda it: picture(it, url=it, status="failed", problem=it, page=it), id="failures"
        ),
    ],
)
def test_hostile_content_stays_text(hostile: str, kind: Any, tmp_path: Path) -> None:
    feed = write(tmp_path / "f.jsonl", [kind(hostile), kind("x"), kind(f"http://h/{hostile}")])

    page = page_of(feed)  # which looks for what acts

    text = page.get_text()
    for char in "\u202e\u2066\x1b\x07\x00":
        assert char not in str(page)
    if hostile.isprintable():
        assert hostile in text


def test_a_hostile_job(tmp_path: Path) -> None:
    folder = begin(tmp_path / "job", failures=0)
    for hostile in HOSTILE:
        folder.store.add_item(pickle.dumps({hostile: hostile}))
    folder.close()

    page_of(tmp_path / "job")


def test_large_feeds_make_a_page_of_bounded_size(tmp_path: Path) -> None:
    feed = tmp_path / "f.csv"
    with feed.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "price", *(f"field {number}" for number in range(300))])
        for number in range(100_000):
            large = "x" * (5000 if number % 1000 == 0 else 5)
            writer.writerow([f"item {number}", number, large, *range(0 if number else 299)])

    page = page_of(feed)

    assert len(str(page)) < 2_500_000
    assert numbers(page)["items"] == "100,000"
    text = page.get_text()
    assert f"The first {MAX_ROWS:,} of 100,000 items, the first 20 of 302 fields." in text
    assert "102 more fields were left out." in text


def test_a_graph_of_many_pages_makes_a_page_of_bounded_size(tmp_path: Path) -> None:
    feed = write(
        tmp_path / "f.jsonl",
        [
            {"page": f"http://h/{page}", "position": at, "url": f"http://h/{page * 10 + at}"}
            for page in range(2_000)
            for at in range(1, 11)
        ]
        + [
            {"page": f"http://h/{page}", "position": 11, "url": f"http://h/{page * 7 % 1999}"}
            for page in range(2_000)
        ],
    )

    part = section(page_of(feed), "graph")

    data = json.loads(part.find("script").get_text())  # type: ignore[union-attr]
    assert len(data["nodes"]) == MAX_NODES
    assert len(data["links"]) <= 2 * MAX_LINKS
    assert len(str(part)) < 1_000_000
    assert "Not drawn, farthest first: 14,001 pages" in part.get_text()
    assert "5,500 more pages were left out" in part.get_text()


def test_very_long_fields(tmp_path: Path) -> None:
    feed = write(tmp_path / "f.jsonl", [{"body": "<p>" * 3_500_000, "n": 1}])

    page = page_of(feed)

    assert len(str(page)) < 100_000
    assert "(10,500,000 characters)" in page.get_text()


def test_a_broken_feed_is_told(tmp_path: Path) -> None:
    feed = tmp_path / "f.json"
    feed.write_text('[{"a": 1}, {"a": ')

    page = page_of(feed)

    assert "Of f.json: it breaks off after 1 item: expecting value." in page.get_text()
    assert numbers(page)["items"] == "1"


@pytest.mark.parametrize(
    ("name", "content"),
    [("f.json", "[]"), ("f.json", ""), ("f.jsonl", "\n"), ("f.csv", "a,b\n"), ("f.csv", "")],
)
def test_an_empty_feed(name: str, content: str, tmp_path: Path) -> None:
    feed = tmp_path / name
    feed.write_text(content)

    page = page_of(feed)

    assert numbers(page)["items"] == "0"
    assert f"The feed {name} has no items." in page.get_text()


def test_a_job_as_it_was_crawled(tmp_path: Path) -> None:
    job = tmp_path / "job"
    done = crawl("links", "-a", "depth=1", "-s", f"JOBDIR={job}", "--nolog")
    assert done.status == 0, done.stderr

    page = page_of(job)

    assert {it["id"] for it in page.find_all("section")} >= {
        *("graph", "over-time", "statuses", "latency", "items", "fields", "job")
    }
    assert numbers(page)["pages"] == "1"
    assert numbers(page)["duration"].startswith("0:")
    assert page.find("aside") is None
    assert "200 for 1 page (100%)." in section(page, "statuses").get_text()
    stats = dict(rows(section(page, "job"), "Scrapy's stats of the last run"))
    assert stats["item_scraped_count"] == numbers(page)["items"]


def test_a_job_with_failures(tmp_path: Path) -> None:
    fill(tmp_path / "job", "shutdown", failures=MAX_FAILURES + 10)

    page = page_of(tmp_path / "job")

    part = section(page, "failures")
    whole = rows(part, "What failed, and why")
    assert whole[0][0] == "http://h/0"  # without the password
    assert whole[0][1].startswith("ValueError: no \\x1b[2JpriceAll of itTraceback ")
    assert "10 more were left out." in part.get_text()
    assert "secret" not in str(page)
    assert numbers(page)["failures"] == str(MAX_FAILURES + 10)
    assert numbers(page)["waiting"] == "1"
    notes = page.find("aside")
    assert notes is not None
    assert "The crawl was stopped" in notes.get_text()
    assert "This job did not record when pages came" in notes.get_text()


def test_a_job_whose_items_cannot_be_read_is_told_of_nevertheless(tmp_path: Path) -> None:
    folder = begin(tmp_path / "job", failures=0)
    folder.store.add_item(b"\x80\x05cno_such_module\nItem\n.")
    folder.close()

    page = page_of(tmp_path / "job")

    assert "1 items could not be read; run this command in the project" in page.get_text()
    assert numbers(page)["items"] == "2"


@pytest.mark.parametrize(
    "item",
    [
        pytest.param(FollowedPage(0, "http://h/", "", ""), id="follow"),
        pytest.param(WordCount("w", 1), id="words"),
        pytest.param(Link("http://h/", 1, None, "", "", "", {}), id="links"),
        pytest.param(7, id="no item"),
    ],
)
def test_items_of_a_job(item: object, tmp_path: Path) -> None:
    folder = begin(tmp_path / "job", failures=0, items=0)
    folder.store.add_item(pickle.dumps(item))
    folder.close()

    assert numbers(page_of(tmp_path / "job"))["items"] == "1"


def test_nothing_of_a_job_is_changed(tmp_path: Path) -> None:
    fill(tmp_path / "job")
    before = (tmp_path / "job" / FRONTIER).read_bytes()

    page_of(tmp_path / "job")

    assert (tmp_path / "job" / FRONTIER).read_bytes() == before


def test_traffic_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path / "job")
    folder.store.set_value(TRAFFIC, b"{}")
    folder.store.commit()
    folder.close()

    page = page_of(tmp_path / "job")

    assert "The figures of the job's traffic cannot be read." in page.get_text()
