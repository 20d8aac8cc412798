"""A crawl with the project's settings of one good host, and of many that mean it harm."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

import pytest

from tests.crawling import ROOT
from tests.machine import needs_proc
from tests.servers.hostile import GoodHost, Hold, bad_hosts

if TYPE_CHECKING:
    from pathlib import Path

# Kilobytes. What a crawl takes that does nothing is 80,000; pages of up to 16 MiB come on top, of
# which several are there at a time, in their pieces and as a whole.
MOST_MEMORY = 250_000

# Not ru_maxrss, which begins with what the parent has.
MEASURED = """
import atexit, re, sys
from pathlib import Path
from scrapy.cmdline import execute
def tell():
    print(re.search(r"VmHWM:\\s*(\\d+) kB", Path("/proc/self/status").read_text())[1])
atexit.register(tell)
execute(["scrapy", "crawl", *sys.argv[1:]])
"""


@dataclass(frozen=True)
class Visit:
    """What a crawl of the good host and the bad ones has brought."""

    status: int
    log: str
    had: set[str]  # URLs
    memory: int  # kilobytes at most
    good: GoodHost
    bad: dict[str, str]


def visit(folder: Path, hold: Hold, *, pages: int, timeout: int, alone: bool = False) -> Visit:
    """Crawl so many good pages, and the bad ones before them."""
    feed = folder / "links.jsonl"
    with bad_hosts(hold) as bad:
        good = GoodHost(hold, pages, {} if alone else bad)
        with good.server:
            done = subprocess.run(
                [
                    *(sys.executable, "-c", MEASURED, "links", "-a", f"url={good.server.url}/"),
                    *("-a", "depth=1", "-a", "within=any", "-O", str(feed)),
                    *("-s", f"DOWNLOAD_TIMEOUT={timeout}"),
                ],
                cwd=ROOT,
                capture_output=True,
                text=True,
                timeout=500,
                check=False,
            )
    had = {json.loads(line)["page"] for line in feed.read_text().splitlines()}
    return Visit(done.returncode, done.stderr, had, int(done.stdout.splitlines()[-1]), good, bad)


def check(found: Visit) -> None:
    """Check what was had, and what was told."""
    assert found.status == 0, found.log
    assert found.had == found.good.pages
    assert "Traceback" not in found.log
    assert " ERROR: " not in found.log
    told = [line for line in found.log.splitlines() if " [links] WARNING: " in line]
    assert len(told) == len(found.good.bad)
    for url in found.good.bad:
        pattern = rf"\[links\] WARNING: .*{re.escape(url)}(?!\w).*[^: ]$"
        lines = [line for line in told if re.search(pattern, line)]
        assert len(lines) == 1, f"of {url}: {lines}"
    assert f"Skipped: {len(found.good.bad)} not to be had" in found.log
    assert found.memory < MOST_MEMORY


@needs_proc
def test_bad_hosts_are_not_in_the_way_of_a_good_one(tmp_path: Path) -> None:
    # They let go of the crawl when it has all good pages: one that waits for them has none.
    hold = Hold(ends=True)

    found = visit(tmp_path, hold, pages=60, timeout=100)

    assert hold.done.is_set()
    assert hold.left is None
    check(found)


@needs_proc
@pytest.mark.soak
def test_a_good_host_is_as_fast_beside_bad_ones(tmp_path: Path) -> None:
    alone = [
        visit(tmp_path, Hold(ends=False), pages=800, timeout=15, alone=True).good.took
        for _ in range(3)
    ]
    hold = Hold(ends=False)

    beside = visit(tmp_path, hold, pages=800, timeout=15)

    check(beside)
    # They were given up, but after the good one was done.
    assert hold.left is not None
    assert hold.left > beside.good.done_at
    # The bad ones are work, too, for the crawl and for the process that plays all servers, and have
    # half of what may be under way. One that was waited for would take eight times as long.
    print(f"{median(alone):.2f} s alone, {beside.good.took:.2f} beside, {beside.memory} kB")
    assert beside.good.took < 6 * median(alone)
