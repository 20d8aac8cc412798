"""Feeds of crawls with a JOBDIR: each item once, however often they are cut short."""

from __future__ import annotations

import json
import signal
import time
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest

from tests.crawling import Crawl, crawl, read_csv, read_json, start_crawl
from tests.machine import needs_dev_full
from tests.netcrawl.commands.running import jobs
from tests.netcrawl.feeds.values import names
from tests.servers.pages import PageServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import Any

PAGES = 12


@pytest.fixture
def site() -> Iterator[PageServer]:
    """A chain of pages with a link on each to the next; the last one has one more."""
    pages: dict[str, Any] = {
        f"/{number}": f"<title>{number}</title><a href=/{number + 1}>next</a>"
        for number in range(PAGES)
    }
    with PageServer(pages) as server:
        yield server


def arguments(site: PageServer, job: Path, *more: object) -> tuple[object, ...]:
    return (
        *("links", "-a", f"url={site.url}/0", "-a", "depth=99", "-s", f"JOBDIR={job}"),
        *("-s", "ROBOTSTXT_OBEY=False", "-s", "FRONTIER_COMMIT_SECONDS=0.05", *more),
    )


SLOWLY = ("-s", "DOWNLOAD_DELAY=0.4", "-s", "RANDOMIZE_DOWNLOAD_DELAY=False")


def cut_short(site: PageServer, after: int, number: signal.Signals, *words: object) -> Crawl:
    """Crawl slowly until so many pages were asked for, then send a signal."""
    seen = len(site.paths())
    with start_crawl(*words, *SLOWLY) as process:
        try:
            deadline = time.monotonic() + 60
            while len(site.paths()) < seen + after:
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.02)
            process.send_signal(number)
            output, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    return Crawl(process.returncode, output, errors)


def exported(job: Path) -> list[dict[str, Any]]:
    """Return the job's items."""
    done = jobs("export", job, "-O", "-:jsonl")
    assert (done.status, done.stderr) == (0, "")
    return [json.loads(line) for line in done.stdout.splitlines()]


def positions(links: list[dict[str, Any]]) -> list[int]:
    return [int(link["page"].rpartition("/")[2]) for link in links]


def read_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def read_xml(path: Path) -> list[dict[str, Any]]:
    root = ElementTree.parse(path).getroot()
    return [{field.tag: field.text for field in item} for item in root]


READERS: dict[str, Callable[[Path], list[dict[str, Any]]]] = {
    "json": read_json,
    "csv": read_csv,
    "jsonl": read_lines,
    "xml": read_xml,
}


@pytest.mark.parametrize("option", ["-O", pytest.param("-o", marks=pytest.mark.soak)])
def test_a_crawl_cut_short_in_every_way(option: str, site: PageServer, tmp_path: Path) -> None:
    feeds = {ending: tmp_path / f"links.{ending}" for ending in READERS}
    outputs = [word for feed in feeds.values() for word in (option, feed)]
    indent = ("-s", "FEED_EXPORT_INDENT=2")
    words = arguments(site, tmp_path / "job", *outputs, *indent)
    # What was there before: a feed of another crawl.
    with PageServer({"/100": "<a href=/>once</a>"}) as other:
        before = crawl("links", "-a", f"url={other.url}/100", *outputs, *indent)
    assert before.status == 0

    cut_short(site, 3, signal.SIGKILL, *words)
    for ending, read in READERS.items():
        assert positions(read(feeds[ending])) == [100], ending

    stopped = cut_short(site, 3, signal.SIGINT, *words)
    assert stopped.status == 130
    some = sorted(positions(read_json(feeds["json"])))
    assert {number for number in some if number < 100} >= {0, 1, 2}

    cut_short(site, 2, signal.SIGKILL, *words)
    assert sorted(positions(read_json(feeds["json"]))) == some

    for _ in range(2):  # the second one finds nothing left to do
        crawl(*words)
        wanted = [*range(PAGES), *([100] if option == "-o" else [])]
        for ending, read in READERS.items():
            assert sorted(positions(read(feeds[ending]))) == wanted, ending
    assert names(tmp_path) == sorted(["job", *(feed.name for feed in feeds.values())])


def test_batches_keep_their_names(site: PageServer, tmp_path: Path) -> None:
    feed = tmp_path / "%(batch_time)s-%(batch_id)02d.json"
    batches = ("-O", feed, "-s", "FEED_EXPORT_BATCH_ITEM_COUNT=5")
    words = arguments(site, tmp_path / "job", *batches)

    cut_short(site, 7, signal.SIGINT, *words)
    first = set(names(tmp_path))
    assert crawl(*words).status == 0

    found = names(tmp_path)
    assert first <= set(found)
    files = [name for name in found if name.endswith(".json")]
    assert [name[-7:-5] for name in files] == ["01", "02", "03"]
    contents = [read_json(tmp_path / name) for name in files]
    assert [len(links) for links in contents] == [5, 5, 2]
    assert sorted(positions(sum(contents, []))) == list(range(PAGES))  # noqa: RUF017 - three


def test_the_export_of_a_killed_job(site: PageServer, tmp_path: Path) -> None:
    words = arguments(site, tmp_path / "job", "-O", tmp_path / "links.json")
    cut_short(site, 5, signal.SIGKILL, *words)

    links = exported(tmp_path / "job")

    assert positions(links)[:3] == [0, 1, 2]
    assert len(set(positions(links))) == len(links)
    assert names(tmp_path) == ["job"]


def test_a_feed_on_standard_output(site: PageServer, tmp_path: Path) -> None:
    done = crawl(*arguments(site, tmp_path / "job", "-o", "-:json"))

    assert done.status == 0
    assert sorted(positions(json.loads(done.stdout))) == list(range(PAGES))


@needs_dev_full
def test_a_feed_that_cannot_be_written_is_made_by_the_same_command(
    site: PageServer, tmp_path: Path
) -> None:
    feed, target = tmp_path / "links.json", tmp_path / "elsewhere.json"
    feed.symlink_to("/dev/full")
    words = arguments(site, tmp_path / "job", "-O", feed)

    failed = crawl(*words)
    feed.unlink()
    feed.symlink_to(target)
    done = crawl(*words)

    assert failed.status == 1
    assert failed.last_line.endswith(f"feed {feed} cannot be written: No space left on device")
    assert "Traceback" not in failed.stderr
    assert "cannot be written" not in done.stderr
    assert feed.is_symlink()
    assert sorted(positions(read_json(target))) == list(range(PAGES))
    assert len(site.paths()) == PAGES + 1  # a chain's end is not there; nothing was asked twice


def test_a_path_that_cannot_be_written_costs_no_crawl(site: PageServer, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    done = crawl(*arguments(site, tmp_path / "job", "-O", tmp_path / "file" / "links.json"))

    assert done.status == 1
    assert "links.json cannot be written: " in done.last_line
    assert site.paths() == []


def test_a_file_that_was_changed_between_two_runs(site: PageServer, tmp_path: Path) -> None:
    feed = tmp_path / "links.jsonl"
    words = arguments(site, tmp_path / "job", "-o", feed)
    cut_short(site, 3, signal.SIGINT, *words)
    changed = feed.read_text(encoding="utf-8").upper()
    feed.write_text(changed, encoding="utf-8")
    asked = len(site.paths())

    done = crawl(*words)

    assert done.status == 1
    assert f"feed {feed} cannot be written: it is not what this job left there" in done.last_line
    assert feed.read_text(encoding="utf-8") == changed
    assert len(site.paths()) == asked


def test_a_server_that_cannot_replace_is_refused(site: PageServer, tmp_path: Path) -> None:
    feeds = {"ftp://me:secret@h/x.json": {"format": "json", "overwrite": False}}

    done = crawl(*arguments(site, tmp_path / "job", "-s", f"FEEDS={json.dumps(feeds)}"))

    assert done.status == 2
    assert "feed ftp://h/x.json: with JOBDIR, what was sent to a server" in done.last_line
    assert "secret" not in done.last_line
    assert site.paths() == []


@pytest.mark.parametrize(
    "settings", ["TWISTED_REACTOR_ENABLED=False", "FORCE_CRAWLER_PROCESS=True"]
)
def test_every_way_that_scrapy_runs(settings: str, site: PageServer, tmp_path: Path) -> None:
    feed = tmp_path / "links.json"
    words = arguments(site, tmp_path / "job", "-o", feed, "-s", settings)
    cut_short(site, 3, signal.SIGKILL, *words)

    assert crawl(*words).status == 0

    assert sorted(positions(read_json(feed))) == list(range(PAGES))


def test_the_last_items_are_those_of_the_last_run(site: PageServer, tmp_path: Path) -> None:
    feed = tmp_path / "pages.json"
    words = (
        *("counting", "-s", "SPIDER_MODULES=tests.netcrawl.feeds.some_spiders", "-O", feed),
        *("-a", f"url={site.url}/0", "-s", f"JOBDIR={tmp_path / 'job'}"),
        *("-s", "ROBOTSTXT_OBEY=False", "-s", "FRONTIER_COMMIT_SECONDS=0.05"),
    )

    def totals(records: list[dict[str, Any]]) -> list[int]:
        return [record["total"] for record in records if record["total"] is not None]

    cut_short(site, 4, signal.SIGINT, *words)
    stopped = read_json(feed)
    assert totals(stopped) == [len(stopped) - 1]
    assert totals(exported(tmp_path / "job")) == totals(stopped)

    cut_short(site, 3, signal.SIGKILL, *words)
    assert totals(exported(tmp_path / "job")) == []

    crawl(*words)
    records = read_json(feed)
    assert len(records) == PAGES + 1
    (total,) = totals(records)
    assert 0 < total < PAGES
    assert records[-1]["total"] == total
