from __future__ import annotations

import re
import struct
from collections import Counter
from html.parser import HTMLParser

import pytest

from sockettools.practice.pages import MAX_NAME, find_page
from sockettools.practice.sections import ROUTES, find_route

ORIGIN = "http://127.0.0.1:8000"

# What the chapter prints for book.htm.
BOOK_LINKS = [
    "http://www.greenteapress.com/thinkpython/thinkpython.html",
    "http://allendowney.com/",
    "http://www.si502.com/",
    "http://www.lib.umich.edu/espresso-book-machine",
    "http://www.py4inf.com/code",
    "http://www.pythonlearn.com/",
]


class Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.hrefs: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.hrefs.append(dict(attrs)["href"] or "")


def links(path: str, origin: str = ORIGIN) -> list[str]:
    page = find_page(path, origin)
    assert page is not None
    assert page.content_type == "text/html; charset=utf-8"
    parser = Links()
    parser.feed(page.body.decode())
    parser.close()
    return parser.hrefs


@pytest.mark.parametrize("path", ["/romeo.txt", "/code/romeo.txt"])
def test_romeo_counts_as_in_the_chapter(path: str) -> None:
    page = find_page(path, ORIGIN)

    assert page is not None
    assert page.content_type == "text/plain; charset=utf-8"
    assert len(page.body) == 167
    counts = Counter(page.body.decode().split())
    assert (len(counts), counts.total()) == (26, 33)
    assert [word for word, count in counts.items() if count == 3] == ["is", "the", "and"]


def test_the_cover_is_a_jpeg_of_the_chapters_size() -> None:
    page = find_page("/cover.jpg", ORIGIN)

    assert page is not None
    assert page.content_type == "image/jpeg"
    assert len(page.body) == 70057
    assert page.body.startswith(b"\xff\xd8\xff")
    assert page.body.endswith(b"\xff\xd9")
    # The frame header (SOF0: baseline) has precision, height and width.
    start = page.body.index(b"\xff\xc0") + 4
    assert struct.unpack(">BHH", page.body[start : start + 5]) == (8, 800, 600)


def test_the_first_page_is_the_chapters_own_when_asked_for_there() -> None:
    page = find_page("/page1.htm", "http://www.dr-chuck.com")

    assert page is not None
    assert page.body.decode() == (
        "<h1>The First Page</h1>\n<p>\nIf you like, you can switch to the\n"
        '<a href="http://www.dr-chuck.com/page2.htm">\nSecond Page</a>.\n</p>\n'
    )


@pytest.mark.parametrize(
    ("path", "hrefs"),
    [
        pytest.param("/page1.htm", [f"{ORIGIN}/page2.htm"], id="page1"),
        pytest.param("/page2.htm", [f"{ORIGIN}/page1.htm"], id="page2"),
        pytest.param("/book.htm", BOOK_LINKS, id="book"),
    ],
)
def test_links(path: str, hrefs: list[str]) -> None:
    assert links(path) == hrefs


def test_samuel_knows_a_hundred_and_skyler_at_18() -> None:
    hrefs = links("/known_by_Samuel.html")

    assert len(hrefs) == 100
    assert hrefs[17] == f"{ORIGIN}/known_by_Skyler.html"


def test_a_page_depends_on_its_name_and_origin_only() -> None:
    here = find_page("/known_by_Jo.html", ORIGIN)
    there = find_page("/known_by_Jo.html", "http://h")

    assert here is not None
    assert there is not None
    assert here.body.replace(ORIGIN.encode(), b"http://h") == there.body


def test_every_link_of_the_index_leads_to_a_page() -> None:
    for href in links("/"):
        path = href.removeprefix(ORIGIN)
        assert find_page(path, ORIGIN) or find_route(path.partition("?")[0]), href


def test_the_index_lists_the_whole_wild_part() -> None:
    hrefs = links("/")

    for route in ROUTES:
        assert {ORIGIN + path for path in route.links} <= set(hrefs), route.pattern


def test_no_page_is_both_the_chapters_and_wild() -> None:
    for path in (route.pattern for route in ROUTES):
        assert find_page(path, ORIGIN) is None


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/nope",
        "/romeo.txt/",
        "//romeo.txt",
        "/../romeo.txt",
        "/known_by_.html",
        "/known_by_a/b.html",
        "/known_by_a%2Fb.html",
        "/known_by_%0a.html",
        "/known_by_%ff.html",
        f"/known_by_{'x' * (MAX_NAME + 1)}.html",
        "/pages.py",
    ],
)
def test_what_is_not_there(path: str) -> None:
    assert find_page(path, ORIGIN) is None


def test_a_percent_encoded_path_is_decoded() -> None:
    assert find_page("/%72omeo.txt", ORIGIN) == find_page("/romeo.txt", ORIGIN)


def test_a_name_is_text_and_not_markup() -> None:
    page = find_page("/known_by_%3Cscript%3E%26%22.html", ORIGIN)

    assert page is not None
    assert b"<script" not in page.body
    assert "People that &lt;script&gt;&amp;&quot; knows" in page.body.decode()


def test_a_name_in_any_script() -> None:
    page = find_page("/known_by_%E6%9D%8E.html", ORIGIN)

    assert page is not None
    match = re.search("<title>(.*)</title>", page.body.decode())
    assert match is not None
    assert match[1] == "People that 李 knows"
