"""All pictures of pages, run as ``scrapy crawl images``."""

from __future__ import annotations

import signal
import sys
import time
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import pytest
from scrapy.exceptions import UsageError

from netcrawl.pipelines.sheet import SHEET
from netcrawl.spiders.images import ImagesSpider
from sockettools.practice import PracticeServer, pictures
from sockettools.practice.gallery import PICTURES
from sockettools.practice.pictures import draw
from tests.crawling import crawl, read_json, start_crawl
from tests.netcrawl.pipelines.test_sheet import HOSTILE, Page
from tests.patience import SECONDS
from tests.servers.pages import Answer, PageServer, SlowPages

if TYPE_CHECKING:
    from pathlib import Path

PNG = pictures.png(draw("a"))
OTHER = pictures.png(draw("b", 90, 90))
OFFLINE = ("-s", "RETRY_ENABLED=False")


def files(folder: Path) -> dict[str, bytes]:
    """Return what a person sees in it, but for the sheet."""
    return {
        path.name: path.read_bytes()
        for path in folder.iterdir()
        if path.is_file() and not path.name.startswith(".") and path.name != SHEET
    }


# In the gallery, what is said of each that is not kept.
BAD = {
    "absurd.png": "2147483647 x 2147483647 pixels",
    "bomb.png": "20000 x 20000 pixels: more than 50,000,000 are not decoded",
    "checksum.png": "checksum",
    "empty.png": "is empty",
    "endless.png": "is larger than DOWNLOAD_MAXSIZE allows",
    "missing.png": "answered 404",
    "moved-to-page.png": "but HTML sent as 'text/html'",
    "noise.png": "but something unknown sent as 'image/png'",
    "nothing.png": "0 x 0 pixels",
    "page.png": "but HTML sent as 'image/png'",
    "truncated.jpg": "incomplete JPEG",
    "truncated.png": "incomplete PNG",
}


def test_the_gallery(tmp_path: Path) -> None:
    store = tmp_path / "new" / "store"
    with PracticeServer() as practice:
        done = crawl(
            *("images", "-a", f"url={practice.url}gallery/", "-a", f"store={store}", *OFFLINE),
            *("-a", "depth=1", "-a", "thumbs=20", "-s", "DOWNLOAD_MAXSIZE=1000000"),
            *("-O", tmp_path / "images.json"),
        )
    assert (done.status, done.stdout) == (0, f"{store / SHEET}\n")
    items = read_json(tmp_path / "images.json")
    stored = files(store)
    kept = {item["url"]: item for item in items if item["path"]}
    bad = {item["url"]: item["problem"] for item in items if not item["path"]}

    # Octet for octet what the server sent, under its own checksum and the right extension.
    for url, item in kept.items():
        name = unquote(urlsplit(url).path).rpartition("/")[2]
        name = {"moved.png": "moved-here.png"}.get(name, name)
        if not url.startswith("data:"):
            assert stored[item["path"]] == PICTURES[name].make()
        assert item["sha256"] == sha256(stored[item["path"]]).hexdigest()
        assert item["path"] == f"{item['sha256']}.{item['format'].lower().replace('jpeg', 'jpg')}"
        assert item["bytes"] == len(stored[item["path"]])
    assert {item["path"] for item in kept.values()} == set(stored)

    by_name = {url.rpartition("/")[2]: item for url, item in kept.items()}
    assert by_name["plain.png"]["path"] == by_name["same.png"]["path"]
    assert by_name["as-jpeg.jpg"]["format"] == "PNG"
    assert by_name["query.png?size=large&v=2"]["alt"] == "a PNG, asked for with a query"
    assert {"width-640.png", "density-3.png", "with,comma-2.png", "picture-wide-2.png"} <= {
        *by_name
    }
    assert {"favicon.ico", "og.png", "lazy-src.png", "lazy-large.png", "style-bare.png"} <= {
        *by_name
    }
    assert by_name["full.png"]["page"] == by_name["full.png"]["url"]  # behind a link
    assert {"commented.png", "in-script.png", "width-160.png"} & {*by_name} == set()
    assert len([url for url in kept if url.startswith("data:")]) == 2
    assert {item["page"] for item in items if item["url"].endswith("/plain.png")} == {
        f"{practice.url}gallery/",
        f"{practice.url}gallery/2.html",
    }

    told = {url.rpartition("/")[2]: problem for url, problem in bad.items()}
    assert {name: told[name] for name in BAD if BAD[name] not in told[name]} == {}
    assert "unknown host 'pictures.invalid'" in told["a.png"] or "malformed" in told["a.png"]
    assert sum(url.startswith("data:") for url in bad) == 2
    assert len(bad) == len(BAD) + 4
    assert "1 with the scheme 'file', 1 with the scheme 'javascript'" in done.stderr
    assert "Traceback" not in done.stderr
    assert "PIL" not in done.stderr

    sheet = Page((store / SHEET).read_text(encoding="utf-8"))
    shown = sheet.all("img", "src")
    assert len(shown) == len(stored)
    assert all((store / path).is_file() for path in map(unquote, shown))
    assert all((store / link).is_file() for link in sheet.all("a", "href") if link in stored)
    assert all(problem[:100] in sheet.text for problem in bad.values())
    assert "script" not in {tag for tag, _ in sheet.elements}


def test_again_on_the_same_store(tmp_path: Path) -> None:
    pages = {
        "/": Answer(
            f"<img src=a.png alt='{HOSTILE.split(chr(39))[0]}'><img src=b.png><img src=c.png>"
            "<img src=denied.png>"
        ),
        "/a.png": Answer(PNG, "image/png", fields={"ETag": '"1"'}),
        "/b.png": Answer(OTHER, "image/png", fields={"Last-Modified": "Mon, 01 Jan 2024"}),
        "/c.png": Answer(PNG, "image/png", cut=10),
    }
    store = tmp_path / "store"
    with PageServer(pages) as server:
        command = (
            *("images", "-a", f"url={server.url}/", "-a", f"store={store}", "-a", "deny=denied"),
            *("-O", tmp_path / "images.json", *OFFLINE),
        )
        first = crawl(*command)
        items = read_json(tmp_path / "images.json")
        stored = files(store)
        server.requests.clear()
        second = crawl(*command, "-a", "min_width=60")
        again = read_json(tmp_path / "images.json")

    assert (first.status, second.status) == (0, 0)
    assert [sorted(str(item["status"]) for item in found) for found in (items, again)] == [
        ["downloaded", "downloaded", "failed"],
        ["failed", "unchanged"],
    ]
    assert sorted(stored.values()) == sorted([PNG, OTHER])
    assert files(store) == stored
    conditions = dict(server.requests)
    assert conditions["/a.png"]["If-None-Match"] == '"1"'
    assert conditions["/b.png"]["If-Modified-Since"] == "Mon, 01 Jan 2024"
    assert "/denied.png" not in conditions
    assert "Images: 2 downloaded, 1 failed, in" in first.stderr
    assert "1 smaller than 60 x 0" in second.stderr
    assert "1 denied" in second.stderr


def test_interrupted_it_shows_what_there_is(tmp_path: Path) -> None:
    store, feed = tmp_path / "store", tmp_path / "images.jsonl"
    pages = SlowPages(
        {
            "/": "<img src=a.png alt=first><img src=slow.png>",
            "/a.png": Answer(PNG, "image/png"),
            "/slow.png": Answer(OTHER, "image/png"),
        },
        "/slow.png",
    )
    with (
        PageServer(pages) as server,
        start_crawl(
            *("images", "-a", f"url={server.url}/", "-a", f"store={store}", "-O", feed)
        ) as process,
    ):
        assert pages.is_asked_for.wait(SECONDS)
        deadline = time.monotonic() + SECONDS
        while not any(store.glob("[!.]*.png")):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        pages.may_come.set()
        _, errors = process.communicate(timeout=SECONDS)

    assert process.returncode == 130, errors
    assert "first" in Page((store / SHEET).read_text(encoding="utf-8")).all("img", "alt")


@pytest.mark.parametrize(
    ("markup", "problem"),
    [
        pytest.param("<p>", "there is no picture on 1 page", id="none"),
        pytest.param("<img src=a>", "no picture could be had: page ", id="none to be had"),
    ],
)
def test_a_job_that_is_not_done(markup: str, problem: str, tmp_path: Path) -> None:
    with PageServer({"/": markup}) as server:
        done = crawl("images", "-a", f"url={server.url}/", "-a", f"store={tmp_path / 'store'}")

    assert done.status == 1
    assert problem in done.last_line


def test_without_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)

    with pytest.raises(UsageError, match="pip install pillow"):
        ImagesSpider()


def test_a_wrong_argument() -> None:
    with pytest.raises(UsageError, match="min_width"):
        ImagesSpider(min_width="-1")
