"""What a spider notes, and what it leaves to a later run."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from typing import TYPE_CHECKING

from netcrawl.frontier.folder import FRONTIER
from netcrawl.frontier.notes import NO_NOTES
from netcrawl.frontier.reading import SqliteReader
from tests.crawling import ROOT

if TYPE_CHECKING:
    from pathlib import Path


def run(job: Path, *more: str) -> None:
    subprocess.run(
        [
            *(
                sys.executable,
                "-m",
                "scrapy",
                "runspider",
                "tests/netcrawl/frontier/giving_back.py",
            ),
            *("-s", f"JOBDIR={job}", "-s", "DOWNLOAD_DELAY=0", *more),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )


def kept(job: Path) -> tuple[list[str], list[bytes]]:
    """Return the pages of which there are items, and those that were noted."""
    with SqliteReader(job / FRONTIER) as reader:
        items = [pickle.loads(data)["page"] for _, data in reader.items()]
        return sorted(items), sorted(key for key, _ in reader.notes("seen"))


def test_a_page_that_is_given_back_counts_when_it_is_done(tmp_path: Path) -> None:
    job = tmp_path / "job"

    run(job)
    items, noted = kept(job)
    assert "1" not in items
    assert b"1" not in noted

    run(job, "-s", "AGAIN=1")
    assert kept(job) == (
        ["0", "1", "2", "below-0", "below-1", "below-2"],
        [b"0", b"1", b"2"],
    )


def test_without_a_job_nothing_is_kept() -> None:
    NO_NOTES.add("kind", b"key", b"value")
    NO_NOTES.give_back()

    assert not NO_NOTES.are_kept
    assert [*NO_NOTES.read("kind"), *NO_NOTES.items()] == []
