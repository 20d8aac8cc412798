"""The pipeline with a downloader that is a table; spiders/test_images.py has it in a crawl."""

from __future__ import annotations

import asyncio
import threading
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from scrapy.exceptions import DropItem

from netcrawl.items import DownloadedImage
from netcrawl.pipelines import images
from netcrawl.pipelines.images import ImagesPipeline
from netcrawl.pipelines.inspect import inspect
from netcrawl.pipelines.sheet import SHEET
from sockettools.practice import pictures
from sockettools.practice.pictures import draw
from tests.netcrawl.pipelines.test_media import Web, conditional, page

if TYPE_CHECKING:
    from pathlib import Path

    from scrapy.http import Response

    from netcrawl.pipelines.inspect import ImageFacts

PLAIN = pictures.png(draw("plain"))
NAME = f"{sha256(PLAIN).hexdigest()}.png"
TRANSPARENT = pictures.png(draw("transparent"), alpha=(0, 85, 170, 255))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


def files(root: Path) -> dict[str, bytes]:
    return {
        path.name: path.read_bytes()
        for path in root.iterdir()
        if path.is_file() and not path.name.startswith(".") and path.name != SHEET
    }


def run(web: Web, *urls: str, **wanted: int) -> list[Any]:
    """Process an item for each of them at once, as a crawl of its own."""
    for name, value in wanted.items():
        setattr(web.spider, name, value)

    async def crawl() -> list[Any]:
        pipeline = ImagesPipeline.from_crawler(web)  # type: ignore[arg-type]
        pipeline.open_spider()
        try:
            items = [DownloadedImage(page="http://h/", url=url, alt="A") for url in urls]
            return list(
                await asyncio.gather(
                    *(pipeline.process_item(item) for item in items), return_exceptions=True
                )
            )
        finally:
            pipeline.close_spider()

    return asyncio.run(crawl())


def image(data: bytes, **fields: str) -> Response:
    return page(data, url="http://h/a.jpg", **fields)


def test_stored_as_it_came_whatever_the_server_says(root: Path) -> None:
    web = Web(root, {"http://h/a.jpg": image(TRANSPARENT, Content_Type="image/jpeg")})

    (item,) = run(web, "http://h/a.jpg")

    digest = sha256(TRANSPARENT).hexdigest()
    assert item == DownloadedImage(
        page="http://h/",
        url="http://h/a.jpg",
        alt="A",
        path=f"{digest}.png",
        sha256=digest,
        format="PNG",
        width=48,
        height=32,
        bytes=len(TRANSPARENT),
        status="downloaded",
    )
    assert files(root) == {f"{digest}.png": TRANSPARENT}
    assert web.requests[0].meta["download_maxsize"] == 64 * 1024 * 1024
    assert web.counts == {"images/downloaded": 1}


def test_the_same_picture_is_one_file(root: Path) -> None:
    web = Web(root, {f"http://h/{number}": image(PLAIN) for number in range(3)})

    items = run(web, "http://h/0", "http://h/1", "http://h/2", f"data:,{quote(PLAIN)}")

    assert {item.path for item in items} == {NAME}
    assert files(root) == {NAME: PLAIN}


def test_the_server_is_asked_whether_it_changed(root: Path) -> None:
    web = Web(root, {"http://h/a": conditional(PLAIN, "http://h/a", ETag='"1"')})
    (first,) = run(web, "http://h/a")
    (second,) = run(web, "http://h/a")

    assert first.status == "downloaded"
    first.status = "unchanged"
    assert second == first
    assert web.requests[1].headers["If-None-Match"] == b'"1"'

    web.answers["http://h/a"] = conditional(TRANSPARENT, "http://h/a", ETag='"2"')
    (third,) = run(web, "http://h/a")

    assert third.status == "downloaded"
    assert sorted(files(root).values()) == sorted([PLAIN, TRANSPARENT])


def test_what_is_no_picture_is_told_and_not_kept(root: Path) -> None:
    web = Web(
        root,
        {
            "http://h/a": image(b"<html>", Content_Type="image/png; x=y"),
            "http://h/b": image(PLAIN[:-30]),
            "http://h/c": page(b"", 404, "http://h/c"),
        },
    )

    items = run(web, "http://h/a", "http://h/b", "http://h/c", "http://[::1/d", "data:;base64,*")

    assert [(item.path, item.sha256, item.status) for item in items] == [(None, None, "failed")] * 5
    problems = [item.problem for item in items]
    assert problems[0] == "http://h/a.jpg is no image, but HTML sent as 'image/png'"
    assert problems[1].startswith("http://h/a.jpg is a broken or incomplete PNG image: ")
    assert problems[2] == "page http://h/c answered 404 Not Found"
    assert problems[3].startswith("http://[::1/d cannot be retrieved: ")
    assert problems[4] == f"{items[4].url} cannot be read: it is not base64"
    assert files(root) == {}
    assert web.counts == {"images/failed": 5}
    assert list((root / ".partial").iterdir()) == []


def test_pictures_in_the_page_itself(root: Path) -> None:
    url = "data:image/png," + quote(PLAIN)
    digest = sha256(url.encode()).hexdigest()
    web = Web(root, {})

    items = run(web, url, url)
    again = run(web, url)

    assert [item.url for item in items] == [f"data:image/png;sha256={digest}"] * 2
    assert [item.path for item in items] == [NAME] * 2
    assert [item.status for item in (*items, *again)] == ["downloaded", "downloaded", "unchanged"]
    assert web.counts == {"images/downloaded": 1, "images/unchanged": 1}


def test_too_small_ones_are_dropped(root: Path) -> None:
    web = Web(
        root,
        {
            "http://h/a": image(PLAIN),
            "http://h/b": conditional(pictures.png(draw("large", 99, 99)), "http://h/b", ETag="1"),
            "http://h/c": image(b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
        },
    )

    small, large, drawing = run(web, "http://h/a", "http://h/b", "http://h/c", min_width=49)

    assert isinstance(small, DropItem)
    assert str(small) == "smaller than 49 x 0"
    assert (large.width, drawing.width) == (99, None)
    assert len(files(root)) == 2
    (large,) = run(web, "http://h/b", min_height=100)
    assert isinstance(large, DropItem)


def test_small_copies(root: Path) -> None:
    answers = {
        "http://h/a": image(PLAIN),
        "http://h/b": image(TRANSPARENT),
        "http://h/c": image(pictures.svg("svg")),
    }
    items = run(Web(root, answers), *answers, thumbs=20)

    digests = [item.sha256 for item in items]
    assert [item.thumbnail for item in items] == [
        f"thumbs/20/{digests[0]}.jpg",
        f"thumbs/20/{digests[1]}.png",
        None,
    ]
    for path in (root / "thumbs" / "20").iterdir():
        facts = inspect(path)
        assert (facts.width, facts.height) == (20, 13)
    assert f"thumbs/20/{digests[0]}.jpg" in (root / SHEET).read_text()

    (root / "thumbs" / "20" / f"{digests[0]}.jpg").write_bytes(b"kept")
    run(Web(root, answers), *answers, thumbs=20)
    assert (root / "thumbs" / "20" / f"{digests[0]}.jpg").read_bytes() == b"kept"


def test_a_small_copy_that_cannot_be_made_is_no_failure(root: Path) -> None:
    root.mkdir()
    (root / "thumbs").write_text("in the way")

    (item,) = run(Web(root, {"http://h/a": image(PLAIN)}), "http://h/a", thumbs=20)

    assert (item.status, item.thumbnail, item.problem) == ("downloaded", None, None)


def test_decoding_is_not_in_the_thread_of_the_reactor(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: set[threading.Thread] = set()

    def look(path: Path) -> ImageFacts:
        threads.add(threading.current_thread())
        return inspect(path)

    monkeypatch.setattr(images, "inspect", look)

    run(Web(root, {"http://h/a": image(PLAIN)}), "http://h/a", f"data:,{quote(TRANSPARENT)}")

    assert threads
    assert threading.main_thread() not in threads


def test_the_contact_sheet_is_the_answer(root: Path) -> None:
    web = Web(root, {"http://h/a": image(PLAIN)})
    web.spider.answer = None

    run(web, "http://h/a")

    assert web.spider.answer == str(root / SHEET)
    assert NAME in (root / SHEET).read_text()


def test_without_pictures_an_earlier_sheet_stays(root: Path) -> None:
    run(Web(root, {"http://h/a": image(PLAIN)}), "http://h/a")
    run(Web(root, {}))

    assert NAME in (root / SHEET).read_text()


def test_somebody_elses_file_is_not_replaced_by_the_sheet(root: Path) -> None:
    root.mkdir()
    (root / SHEET).write_text("mine")
    web = Web(root, {"http://h/a": image(PLAIN)})

    run(web, "http://h/a")

    assert (root / SHEET).read_text() == "mine"
    assert "is no contact sheet" in web.spider.problem
