"""A job that cannot be had, or that failed, as one line and an exit status."""

from __future__ import annotations

import re
import signal
from typing import TYPE_CHECKING

import pytest

from netcrawl.frontier.folder import FRONTIER, JobFolder
from netcrawl.frontier.job import State, read_job, read_status
from netcrawl.frontier.reading import SqliteReader
from tests.crawling import crawl, start_crawl
from tests.patience import SECONDS
from tests.servers.pages import Answer, PageServer, SlowPages

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OTHERS = ("-s", "SPIDER_MODULES=tests.netcrawl.commands.other_spiders")


@pytest.fixture
def server() -> Iterator[PageServer]:
    with PageServer({"/": "<a href=/more>more</a>", "/more": "more"}) as server:
        yield server


def test_other_arguments_are_refused(server: PageServer, tmp_path: Path) -> None:
    job = tmp_path / "job"
    feed = tmp_path / "feed.json"
    links = ("links", "-s", f"JOBDIR={job}", "-O", feed, "-a")
    assert crawl(*links, f"url={server.url}/").status == 0
    before = feed.read_bytes()

    other = crawl(*links, f"url={server.url}/more")

    assert other.status == 1
    assert other.last_line.endswith(
        f"{job}: the job was started with url={server.url}/, not url={server.url}/more;"
        " give the same arguments, or another folder"
    )
    assert "Traceback" not in other.stderr
    assert feed.read_bytes() == before


def test_another_spider_is_refused(server: PageServer, tmp_path: Path) -> None:
    job = ("-s", f"JOBDIR={tmp_path}", "-a", f"url={server.url}/")
    assert crawl("links", *job).status == 0

    other = crawl("words", *job)

    assert other.status == 1
    assert "started with spider 'links', not 'words'" in other.last_line


def test_a_second_process_is_refused(server: PageServer, tmp_path: Path) -> None:
    folder = JobFolder(tmp_path)
    try:
        second = crawl("links", "-s", f"JOBDIR={tmp_path}", "-a", f"url={server.url}/")
    finally:
        folder.close()

    assert second.status == 1
    assert re.search(r"is in use by process \d+$", second.last_line)
    assert not server.requests


@pytest.mark.parametrize(
    ("files", "said"),
    [
        pytest.param({FRONTIER: "no database at all"}, "is not a database", id="damaged"),
        pytest.param({"requests.seen": ""}, "a job of Scrapy's own scheduler", id="scrapys"),
    ],
)
def test_a_folder_of_something_else(
    server: PageServer, tmp_path: Path, files: dict[str, str], said: str
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)

    done = crawl("links", "-s", f"JOBDIR={tmp_path}", "-a", f"url={server.url}/")

    assert done.status == 1
    assert said in done.last_line
    assert "Traceback" not in done.stderr
    assert {name: (tmp_path / name).read_text() for name in files} == files
    assert not server.requests


def test_a_filter_with_a_memory_of_its_own_is_refused(server: PageServer, tmp_path: Path) -> None:
    own = "DUPEFILTER_CLASS=tests.netcrawl.frontier.filters.OwnFilter"

    done = crawl("links", "-s", f"JOBDIR={tmp_path}", "-s", own, "-a", f"url={server.url}/")

    assert done.status == 1
    assert "REQUEST_FINGERPRINTER_CLASS" in done.last_line


def test_a_callback_that_raises(server: PageServer, tmp_path: Path) -> None:
    job = ("-s", f"JOBDIR={tmp_path}", "-a", f"url={server.url}/")

    first = crawl("raising", *OTHERS, *job)
    again = crawl("raising", *OTHERS, *job)

    for done in (first, again):
        assert done.status == 1
        assert f"a request failed; scrapy jobs show {tmp_path} tells why" in done.last_line
    assert len(server.requests) == 2  # robots.txt, and the page once
    with SqliteReader(tmp_path / FRONTIER) as store:
        (failed,) = store.failed()
        assert "RuntimeError: a bug" in failed.reason
        assert store.counts().items == 1


def test_a_page_that_is_down_is_kept_for_later(tmp_path: Path) -> None:
    with PageServer({"/": Answer(status=503)}) as server:
        done = crawl(
            "other", *OTHERS, "-a", f"url={server.url}/", "-s", f"JOBDIR={tmp_path}",
            "-s", "RETRY_TIMES=0",
        )  # fmt: skip

    assert done.status == 1
    assert "a request failed" in done.last_line
    with SqliteReader(tmp_path / FRONTIER) as store:
        assert [failed.reason for failed in store.failed()] == [
            f"page {server.url}/ answered 503 Service Unavailable"
        ]


def test_an_interrupt_is_a_pause(tmp_path: Path) -> None:
    pages = SlowPages({f"/{n}": f"<a href=/{n + 1}>next</a>" for n in range(20)}, "/7")
    job = tmp_path / "job"
    with PageServer(pages) as server:
        arguments = (
            "links", "-a", f"url={server.url}/0", "-a", "depth=30", "-s", f"JOBDIR={job}",
        )  # fmt: skip
        with start_crawl(*arguments, "-s", "LOG_LEVEL=DEBUG") as process:
            assert process.stderr is not None
            for line in process.stderr:
                if "Crawled (200)" in line and "/5>" in line:
                    process.send_signal(signal.SIGINT)
                    pages.may_come.set()
                    break
            _, errors = process.communicate(timeout=SECONDS)
        assert process.returncode == 130
        assert errors.splitlines()[-1].endswith("the same command goes on")
        with SqliteReader(job / FRONTIER) as store:
            assert read_status(store, is_in_use=False).state is State.STOPPED
        feed = tmp_path / "feed.jsonl"
        done = crawl(*arguments, "-O", feed)

    assert done.status == 0
    asked = [path for path, _ in server.requests if path != "/robots.txt"]
    assert len(asked) == len(set(asked)) == 21
    with SqliteReader(job / FRONTIER) as store:
        known = read_job(store)
        assert known is not None
        assert known.arguments == {"url": f"{server.url}/0", "depth": "30"}
        assert read_status(store, is_in_use=False).state is State.FINISHED
        assert store.counts().items == 20
