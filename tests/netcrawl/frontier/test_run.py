"""What a run tells Scrapy's engine."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from typing import TYPE_CHECKING

from netcrawl.frontier.folder import FRONTIER
from netcrawl.frontier.reading import SqliteReader
from tests.crawling import ROOT
from tests.netcrawl.frontier.hurried import LENGTH

if TYPE_CHECKING:
    from pathlib import Path


def test_a_crawl_is_not_over_while_a_page_is_on_its_way(tmp_path: Path) -> None:
    job = tmp_path / "job"

    subprocess.run(
        [
            *(sys.executable, "-m", "scrapy", "runspider", "tests/netcrawl/frontier/hurried.py"),
            *("-s", f"JOBDIR={job}", "-s", "DOWNLOAD_DELAY=0"),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=60,
        check=True,
    )

    with SqliteReader(job / FRONTIER) as reader:
        pages = {int(pickle.loads(data)["page"]) for _, data in reader.items()}
    assert pages == set(range(1, LENGTH + 1))
