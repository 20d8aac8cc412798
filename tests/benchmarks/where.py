"""Where the CPU of a crawl goes, page by page.

``python -m tests.benchmarks.where``. The stack is looked at every 4 ms of CPU; the innermost
frame that belongs to a part of the work, by the table below, says whose time it was.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tests.benchmarks.crawls import OPTIONS, ROOT, ours, stock
from tests.benchmarks.site import served_site

if TYPE_CHECKING:
    from types import FrameType

# Seconds of CPU between two looks.
INTERVAL = 0.004

# Parts of paths; the first that fits counts. A frame that fits none (the standard library, Twisted)
# is the work of whoever called it.
PARTS = (
    ("start", ("<frozen importlib", "scrapy/addons.py", "scrapy/commands/", "scrapy/settings/")),
    (
        "handler",
        (
            "netcrawl/download/sockets.py",
            "netcrawl/download/responses.py",
            "netcrawl/download/http_connection.py",
            "netcrawl/download/pool.py",
            "netcrawl/download/opening.py",
            "netcrawl/download/resolving.py",
            "netcrawl/download/route.py",
            "sockettools/http1/",
            "scrapy/core/downloader/handlers/",
            "scrapy/utils/_download_handlers.py",
            "twisted/web/",
        ),
    ),
    (
        "downloader middlewares",
        (
            "scrapy/downloadermiddlewares/",
            "scrapy/core/downloader/middleware.py",
            "netcrawl/download/checks.py",
            "netcrawl/download/compression.py",
            "netcrawl/download/cookies.py",
            "netcrawl/download/loopback.py",
            "netcrawl/download/politeness.py",
            "netcrawl/download/redirects.py",
            "netcrawl/download/robots.py",
            "protego",
        ),
    ),
    (
        "spider middlewares",
        ("scrapy/spidermiddlewares/", "scrapy/core/spidermw.py", "netcrawl/download/outgoing.py"),
    ),
    (
        "scheduling",
        (
            "scrapy/core/scheduler.py",
            "scrapy/dupefilters.py",
            "scrapy/pqueues.py",
            "scrapy/squeues.py",
            "scrapy/utils/request.py",
            "queuelib/",
            "netcrawl/frontier/",
        ),
    ),
    (
        "items and feed",
        (
            "scrapy/exporters.py",
            "scrapy/extensions/feedexport.py",
            "scrapy/pipelines/",
            "netcrawl/feeds/",
            "netcrawl/pipelines/",
        ),
    ),
    (
        "links to follow",
        (
            "netcrawl/extract/anchors.py",
            "netcrawl/scope.py",
            "netcrawl/schemes.py",
            "netcrawl/spiders/site.py",
        ),
    ),
    (
        "parsing",
        (
            "netcrawl/extract/",
            "netcrawl/spiders/",
            "netcrawl/counting.py",
            "tests/benchmarks/stock_spiders.py",
            "scrapy/http/response/",
            "parsel/",
        ),
    ),
    ("signals, stats, log", ("scrapy/signal", "scrapy/stats", "scrapy/extensions/", "logging/")),
    ("signals, stats, log", ("scrapy/utils/signal.py", "pydispatch/", "scrapy/logformatter.py")),
    (
        "engine",
        ("scrapy/core/", "scrapy/crawler.py", "netcrawl/download/lean.py", "scrapy/utils/"),
    ),
)
LOOP = "loop and tasks"


class Sampler:
    """Counts whose the milliseconds are, from ``start`` on."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._known: dict[str, str | None] = {}

    def start(self) -> None:
        """Begin."""
        signal.signal(signal.SIGPROF, self._look)
        signal.setitimer(signal.ITIMER_PROF, INTERVAL, INTERVAL)

    def stop(self) -> None:
        """End."""
        signal.setitimer(signal.ITIMER_PROF, 0)

    def _look(self, _number: int, frame: FrameType | None) -> None:
        while frame is not None:
            path = frame.f_code.co_filename
            if path not in self._known:
                self._known[path] = part_of(path)
            if part := self._known[path]:
                self.counts[part] += 1
                return
            frame = frame.f_back
        self.counts[LOOP] += 1


def part_of(path: str) -> str | None:
    """Return the part of the work that a file does."""
    for part, names in PARTS:
        if any(name in path for name in names):
            return part
    return None


def sample(command: list[str], report: Path) -> None:
    """Run a command of ``python -m`` in this process; write the counts there."""
    import runpy

    sampler = Sampler()
    module, *sys.argv[1:] = command
    sys.argv[0] = module
    sampler.start()
    try:
        runpy.run_module(module, run_name="__main__")
    except SystemExit as exc:
        if exc.code:
            raise
    finally:
        sampler.stop()
        report.write_text(json.dumps(sampler.counts), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=5_000)
    arguments = parser.parse_args()
    with served_site(arguments.pages) as site, TemporaryDirectory() as name:
        columns: dict[str, Counter[str]] = {}
        ways = {
            f"{name} {label}": make
            for name, options in OPTIONS.items()
            for label, make in (("stock", stock(name)), ("here", ours(name, *options)))
        }
        for label, make in ways.items():
            report, feed = Path(name) / "report.json", Path(name) / "feed.jsonl"
            command = make(site.url, feed)
            assert command[:2] == [sys.executable, "-m"]
            code = (
                "import sys; from pathlib import Path; from tests.benchmarks.where import sample;"
            )
            code += "sample(sys.argv[2:], Path(sys.argv[1]))"
            subprocess.run(
                [sys.executable, "-c", code, str(report), *command[2:]],
                cwd=ROOT,
                check=True,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            columns[label] = Counter(json.loads(report.read_text(encoding="utf-8")))
        _print(columns, arguments.pages)


def _print(columns: dict[str, Counter[str]], pages: int) -> None:
    print("microseconds a page of", *columns, sep=" | ")
    for part in sorted(
        set().union(*columns.values()), key=lambda p: -max(c[p] for c in columns.values())
    ):
        cells = [f"{counts[part] * INTERVAL / pages * 1e6:.0f}" for counts in columns.values()]
        print(part, *cells, sep=" | ")
    totals = [f"{counts.total() * INTERVAL / pages * 1e6:.0f}" for counts in columns.values()]
    print("together", *totals, sep=" | ")


if __name__ == "__main__":
    main()
