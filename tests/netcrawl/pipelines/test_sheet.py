"""The contact sheet."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from netcrawl.items import DownloadedImage
from netcrawl.pipelines import sheet as sheets
from netcrawl.pipelines.sheet import SHEET, Sheet, write_sheet
from netcrawl.pipelines.store import Store, StoreError

if TYPE_CHECKING:
    from pathlib import Path

VOID = ("meta", "img", "br")
HOSTILE = "\"><script>alert(1)</script>'--><!-- &amp; \u202e\x1b[2J\ud800 </title>"


class Page(HTMLParser):
    """Elements with their attributes, and the text; every element is closed."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(markup)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def all(self, tag: str, attribute: str) -> list[str]:
        return [
            found[attribute] for name, found in self.elements if name == tag and attribute in found
        ]


def image(path: str | None = "a.png", **values: object) -> DownloadedImage:
    known = {"page": "http://h/", "url": "http://h/a", "format": "PNG", "bytes": 1234}
    return DownloadedImage(**{**known, "path": path, **values})  # type: ignore[arg-type]


def rendered(*images: DownloadedImage) -> Page:
    sheet = Sheet()
    for one in images:
        sheet.add(one)
    return Page("".join(sheet.html()))


def test_what_is_shown() -> None:
    page = rendered(
        image(alt="A cat", width=48, height=32),
        image("b c.svg", format="SVG", page="http://h/2"),
        image("d.png", thumbnail="thumbs/20/d.jpg", url="data:image/png;sha256=00"),
        image(page="http://h/3"),
        image(None, problem="http://h/x is empty"),
    )

    assert page.all("img", "src") == ["a.png", "b%20c.svg", "thumbs/20/d.jpg"]
    assert page.all("img", "alt") == ["A cat", "", ""]
    links = page.all("a", "href")
    assert {"a.png", "d.png", "http://h/", "http://h/2", "http://h/3", "#failed"} <= set(links)
    for text in ("A cat", "PNG, 48 × 32, 1,234 bytes", "SVG, any size", "http://h/x is empty"):
        assert text in page.text
    assert "3 of this crawl" in page.text


def test_an_svg_is_no_link_since_it_would_run_its_scripts() -> None:
    assert "a.svg" not in rendered(image("a.svg", format="SVG")).all("a", "href")


def test_whatever_is_written_by_others_is_text() -> None:
    page = rendered(
        image(alt=HOSTILE, url=f"http://h/{HOSTILE}", page=f"http://h/{HOSTILE}", format=HOSTILE),
        image("b", url="javascript:alert(1)", page="data:text/html,<script>"),
        image(None, problem=HOSTILE, page="file:///etc/passwd"),
    )

    tags = {tag for tag, _ in page.elements}
    assert tags & {"script", "iframe", "object", "link", "base", "form", "svg"} == set()
    assert not any(name.startswith("on") for _, found in page.elements for name in found)
    assert {link.partition(":")[0] for link in page.all("a", "href")} == {
        "a.png",
        "b",
        "http",
        "#failed",
    }
    assert page.all("img", "alt")[0] == (
        "\"><script>alert(1)</script>'--><!-- &amp; \\u202e\\x1b[2J\\ud800 </title>"
    )
    "".join(page.text).encode()


def test_a_policy_that_allows_no_script() -> None:
    page = rendered(image())

    (policy,) = [
        found["content"]
        for tag, found in page.elements
        if found.get("http-equiv") == "Content-Security-Policy"
    ]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy


def test_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "MAX_FIGURES", 3)
    monkeypatch.setattr(sheets, "MAX_FAILURES", 2)

    page = rendered(
        *(image(f"{number}.png", alt="a" * 999) for number in range(5)),
        *(image(None, problem=f"problem {number}") for number in range(4)),
        *(image("0.png", page=f"http://h/{number}") for number in range(9)),
    )

    assert page.all("img", "src") == ["0.png", "1.png", "2.png"]
    assert "2 more were found" in page.text
    assert "problem 1" in page.text
    assert "problem 2" not in page.text
    assert "and 2 more" in page.text
    assert "http://h/1 and others" in page.text
    assert "a" * 301 not in page.text


def test_it_replaces_an_earlier_one_and_no_other_file(tmp_path: Path) -> None:
    store = Store(tmp_path)
    sheet = Sheet()
    sheet.add(image())
    write_sheet(sheet, store)
    sheet.add(image("b.png"))
    write_sheet(sheet, store)

    assert b"b.png" in (tmp_path / SHEET).read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", ".partial", SHEET]
    assert list((tmp_path / ".partial").iterdir()) == []

    (tmp_path / SHEET).write_text("mine")
    with pytest.raises(StoreError, match="is no contact sheet"):
        write_sheet(sheet, store)
    assert (tmp_path / SHEET).read_text() == "mine"
    store.close()
