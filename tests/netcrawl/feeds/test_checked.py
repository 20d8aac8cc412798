from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests.crawling import crawl, read_csv, read_json, start_crawl
from tests.machine import needs_dev_full
from tests.netcrawl.feeds.values import names
from tests.servers.pages import PageServer

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path


def kill(process: subprocess.Popen[str]) -> str:
    process.kill()
    process.communicate(timeout=60)
    return ""


def interrupt_twice(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    process.send_signal(signal.SIGINT)
    for line in process.stderr:
        if "Send again to force" in line:
            process.send_signal(signal.SIGINT)
            break
    errors = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    return errors.splitlines()[-1]


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_path_that_cannot_be_opened_costs_no_crawl(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    done = crawl("follow", "-O", tmp_path / "file" / "names.json")

    assert done.status == 1
    assert f"feed {tmp_path}/file/names.json cannot be written: " in done.last_line
    assert "Traceback" not in done.stderr
    assert "Retrieving" not in done.stderr


@needs_dev_full
def test_a_full_disk_is_one_line_and_costs_the_other_feed_nothing(tmp_path: Path) -> None:
    good = tmp_path / "names.json"

    done = crawl("follow", "-O", "/dev/full:csv", "-O", good)

    assert done.status == 1
    assert done.last_line.endswith("feed /dev/full cannot be written: No space left on device")
    assert done.stderr.count("No space left") == 1
    assert "Traceback" not in done.stderr
    # The crawl ends early, and what was scraped by then is there.
    assert read_json(good)[0]["title"] == "People that Samuel knows"


@needs_dev_full
def test_a_disk_that_fills_up_in_the_middle_closes_the_spider() -> None:
    # Larger than the file's buffer, so that the first item is written at once.
    page = f"<title>{'x' * 300_000}</title><a href=/>again</a>"
    with PageServer({"/": page}) as server:
        done = crawl(
            *("follow", "-O", "/dev/full:json"),
            *("-a", f"url={server.url}/", "-a", "position=1", "-a", "count=20"),
        )

        assert done.status == 1
        assert done.last_line.endswith("feed /dev/full cannot be written: No space left on device")
        assert "Traceback" not in done.stderr
        assert len(server.paths()) < 20


def test_appended_feeds_are_one_document(tmp_path: Path) -> None:
    json, csv = tmp_path / "names.json", tmp_path / "names.csv"
    with PageServer({"/": "<title>Zoë</title><a href=/>again</a>"}) as server:
        for _ in range(2):
            done = crawl(
                *("follow", "-o", json, "-o", csv, "-s", "FEED_EXPORT_INDENT=2"),
                *("-a", f"url={server.url}/", "-a", "position=1", "-a", "count=1"),
            )
            assert done.status == 0

    assert [page["title"] for page in read_json(json)] == ["Zoë"] * 4
    assert [page["title"] for page in read_csv(csv)] == ["Zoë"] * 4
    assert names(tmp_path) == ["names.csv", "names.json"]


def test_a_file_of_something_else_costs_no_crawl(tmp_path: Path) -> None:
    path = tmp_path / "names.json"
    path.write_text('{"title": "Zoë"}')

    done = crawl("follow", "-o", path)

    assert done.status == 1
    assert done.last_line.endswith(f"feed {path} cannot be written: it is not a JSON array")
    assert "Retrieving" not in done.stderr
    assert path.read_text() == '{"title": "Zoë"}'


def test_other_columns_close_the_spider(tmp_path: Path) -> None:
    path = tmp_path / "names.csv"
    path.write_text("title,url\n")

    done = crawl("follow", "-o", path)

    assert done.status == 1
    assert "its columns are title, url, and those of this feed step, url, text" in done.last_line
    assert "Traceback" not in done.stderr
    assert path.read_text() == "title,url\n"


@pytest.mark.parametrize("ending", ["json", "csv"])
@pytest.mark.parametrize("way", [kill, interrupt_twice])
def test_a_crawl_cut_short_leaves_the_feed_before_and_what_it_scraped(
    ending: str, way: Callable[[subprocess.Popen[str]], str], tmp_path: Path
) -> None:
    path = tmp_path / f"names.{ending}"
    path.write_text("before")
    part = tmp_path / f"names.{ending}.part"

    # The delay keeps the second page away.
    settings = ("-s", "DOWNLOAD_DELAY=60", "-s", "ROBOTSTXT_OBEY=False")
    with start_crawl("follow", "-O", path, *settings) as process:
        try:
            _wait_until(lambda: part.exists() and "knows" in part.read_text(encoding="utf-8"))
            last_line = way(process)
        finally:
            process.kill()

    assert path.read_text() == "before"
    assert "People that Samuel knows" in part.read_text(encoding="utf-8")
    assert str(part) in last_line or way is kill


def test_a_feed_that_scrapy_has_no_means_to_write() -> None:
    done = crawl("follow", "-O", "foo://h/names.json")

    assert done.status == 2
    assert "the feed cannot be written, the log says why: foo://h/names.json" in done.last_line
    assert "Unknown feed storage scheme: foo" in done.stderr
    assert "Retrieving" not in done.stderr


def test_a_feed_without_items_is_valid(tmp_path: Path) -> None:
    done = crawl("follow", "-a", "url=http://127.0.0.1:1/", "-O", tmp_path / "x.json")

    assert done.status == 1
    assert read_json(tmp_path / "x.json") == []
