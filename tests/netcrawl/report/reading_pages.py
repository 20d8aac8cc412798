"""A report's page, as a program reads it."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING

import bs4

from netcrawl.report.crawl import read_feed, read_job
from netcrawl.report.crawl_page import crawl_page

if TYPE_CHECKING:
    from pathlib import Path


def page_of(source: Path, store: Path | None = None) -> bs4.BeautifulSoup:
    """Make the report of a feed or a job, and read it."""
    report = read_job(source) if source.is_dir() else read_feed(source)
    return check(crawl_page(report, store))


def check(text: str) -> bs4.BeautifulSoup:
    """Read a page; see that nothing in it can run or load anything but what is its own."""
    page = bs4.BeautifulSoup(text, "html.parser")
    scripts = page.find_all("script")
    own = [it for it in scripts if it.get("type") != "application/json"]
    assert len(own) == 1
    assert own[0] is scripts[-1]
    digest = base64.b64encode(hashlib.sha256(own[0].get_text().encode()).digest()).decode()
    policy = page.find("meta", {"http-equiv": "Content-Security-Policy"})
    assert isinstance(policy, bs4.Tag)
    content = str(policy["content"])
    assert f"script-src 'sha256-{digest}';" in content
    assert "default-src 'none'" in content
    assert "unsafe" not in content
    for element in page.find_all(True):
        for name, value in element.attrs.items():
            assert not name.startswith("on"), element
            assert name not in ("style", "srcset", "action", "formaction", "xlink:href"), element
            if name == "href":
                assert re.match(r"https?://|#", str(value)), element
            if name == "src":
                assert re.match(r"data:image/(png|jpeg|gif);base64,", str(value)), element
    assert not page.find(["iframe", "object", "embed", "link", "base", "form"])
    ids = [element["id"] for element in page.find_all(id=True)]
    assert len(ids) == len(set(ids))
    return page


def section(page: bs4.BeautifulSoup, name: str) -> bs4.Tag:
    """Return the part of the page with that id."""
    found = page.find("section", id=name)
    assert isinstance(found, bs4.Tag), [it["id"] for it in page.find_all("section")]
    return found


def rows(part: bs4.Tag, caption: str) -> list[list[str]]:
    """Return the cells of the table with that caption."""
    for table in part.find_all("table"):
        if table.caption and table.caption.get_text() == caption:
            return [
                [cell.get_text() for cell in row.find_all("td")]
                for row in table.find_all("tr")
                if row.find("td")
            ]
    raise AssertionError(f"no table {caption!r}")


def numbers(page: bs4.BeautifulSoup) -> dict[str, str]:
    """Return the figures at the top."""
    found = page.find("dl", "numbers")
    assert isinstance(found, bs4.Tag)
    names = [it.get_text() for it in found.find_all("dt")]
    values = [next(iter(it.stripped_strings)) for it in found.find_all("dd")]
    return dict(zip(names, values, strict=True))
