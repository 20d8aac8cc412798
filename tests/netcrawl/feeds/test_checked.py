from __future__ import annotations

from typing import TYPE_CHECKING

from tests.crawling import crawl, read_json
from tests.machine import needs_dev_full
from tests.servers.pages import PageServer

if TYPE_CHECKING:
    from pathlib import Path


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
