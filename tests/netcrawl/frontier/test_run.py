"""What a run tells Scrapy's engine."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from scrapy import Request, Spider

from netcrawl.frontier.folder import FRONTIER, JobFolder
from netcrawl.frontier.reading import SqliteReader
from netcrawl.frontier.run import CLOSED_SPIDER
from netcrawl.frontier.serialize import RequestSerializer
from netcrawl.frontier.store import Counts, NewRequest
from tests.crawling import ROOT
from tests.netcrawl.frontier.hurried import LENGTH

if TYPE_CHECKING:
    from pathlib import Path


def run(spider: str, job: Path, *options: str) -> tuple[list[str], Counts]:
    """Run a spider of this folder; return the pages of its job's items, and how the job stands."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "scrapy", "runspider"),
            *(f"tests/netcrawl/frontier/{spider}.py", *options),
            *("-s", f"JOBDIR={job}", "-s", "DOWNLOAD_DELAY=0", "-s", "ROBOTSTXT_OBEY=False"),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=True,
    )
    assert "Traceback" not in done.stderr, done.stderr
    with SqliteReader(job / FRONTIER) as reader:
        pages = [pickle.loads(data)["page"] for _, data in reader.items()]
        return sorted(pages), reader.counts()


def test_a_crawl_is_not_over_while_a_page_is_on_its_way(tmp_path: Path) -> None:
    pages, _ = run("hurried", tmp_path)

    assert sorted(map(int, pages)) == list(range(1, LENGTH + 1))


@pytest.mark.parametrize("way", ["a page", "at once", "errback"])
def test_a_page_whose_callback_closes_the_spider_is_done_again(way: str, tmp_path: Path) -> None:
    arguments = ("-a", f"way={way}")
    whole = [f"{number}, {half}" for number in range(4) for half in ("above", "below")]

    first, counts = run("closing", tmp_path, *arguments)

    # The spider may have been closed because it has what it wanted.
    assert first == {"a page": whole[:5], "at once": [], "errback": []}[way]
    assert counts == Counts(pending=1, done=len(first) // 2, items=len(first))

    second, counts = run("closing", tmp_path, *arguments, "-s", "AGAIN=1")

    assert second == {"a page": whole, "at once": ["at once"], "errback": ["missed"]}[way]
    assert counts == Counts(done=4 if way == "a page" else 1, items=len(second))


def test_a_page_that_closed_a_spider_that_was_killed_then_is_done_again(tmp_path: Path) -> None:
    serializer = RequestSerializer(Spider("closing"))
    folder = JobFolder(tmp_path)
    for page, reason in (("3", CLOSED_SPIDER), ("4", "another reason")):
        data = serializer.dumps(Request(f"data:,{page}"))
        folder.store.put(NewRequest(data, page.encode(), "", 0, False, False))
        lease = folder.store.lease()
        assert lease is not None
        folder.store.finish(lease.id, reason)
    folder.close()

    pages, counts = run("closing", tmp_path, "-a", "way=none")

    assert pages == ["3, above", "3, below"]
    assert counts == Counts(done=1, failed=1, items=2)
