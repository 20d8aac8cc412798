"""What it costs that a crawl survives: our frontier, Scrapy's scheduler in memory, and its JOBDIR.

``python -m tests.benchmarks.jobs``. nginx serves small pages, each with ten links; a stock Scrapy
spider crawls them, with a scheduler that differs. Each crawl is a process of its own; the ways take
turns, and the median of the turns counts. CPU seconds are those from the opening of the spider on.
That all have the same pages is checked.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time
from typing import TYPE_CHECKING, Any

import scrapy
from scrapy import signals
from scrapy.crawler import CrawlerProcess

from tests.servers.nginx import file_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scrapy.http import Response

ROOT = Path(__file__).parents[2]

FRONTIER = {
    "SCHEDULER": "netcrawl.frontier.scheduler.FrontierScheduler",
    "EXTENSIONS": {"netcrawl.frontier.extension.FrontierJob": -100},
}
WAYS: dict[str, dict[str, Any]] = {
    "in memory": {},
    "frontier": {**FRONTIER, "JOBDIR": "job"},
    "Scrapy's JOBDIR": {"JOBDIR": "job"},
}


LINKS = 10


def write_site(folder: Path, pages: int) -> None:
    """Write pages that link to one another: each to those with ten times its number, and some."""
    for number in range(pages):
        targets = [(number * LINKS + offset) % pages for offset in range(LINKS)]
        links = "".join(f'<a href="{target}.html">{target}</a>\n' for target in targets)
        (folder / f"{number}.html").write_text(f"<title>{number}</title>\n{links}")


class Pages(scrapy.Spider):
    """Yields an item for each page, and requests all of its links."""

    name = "pages"
    url: str

    async def start(self) -> Any:
        yield scrapy.Request(self.url)

    def parse(self, response: Response, **_: Any) -> Iterator[Any]:
        yield {"url": response.url, "size": len(response.body)}
        for href in response.css("a::attr(href)").getall():
            yield response.follow(href)


class Clock:
    """CPU seconds so far, when the spider was opened."""

    started = 0.0

    def start(self) -> None:
        self.started = process_time()


def child(way: str, url: str) -> None:
    """Crawl, and print pages, seconds, CPU seconds and the largest memory in KiB."""
    process = CrawlerProcess(
        {
            **WAYS[way],
            "LOG_LEVEL": "ERROR",
            "TELNETCONSOLE_ENABLED": False,
            "REMOTE_CONTROL_ENABLED": False,
        }
    )
    crawler = process.create_crawler(Pages)
    clock = Clock()
    crawler.signals.connect(clock.start, signals.spider_opened)
    process.crawl(crawler, url=url)
    process.start()
    cpu = process_time() - clock.started
    stats = crawler.stats.get_stats()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(stats["item_scraped_count"], stats["elapsed_time_seconds"], cpu, memory)


def crawl(way: str, url: str) -> tuple[int, float, float, int]:
    """Crawl in a process of its own, in a new folder."""
    with TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.jobs", "--child", way, url],
            cwd=folder,
            env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        sys.exit(f"{way} failed:\n{done.stderr[-2000:]}")
    pages, seconds, cpu, memory = done.stdout.split()
    return int(pages), float(seconds), float(cpu), int(memory)


@contextmanager
def nginx(pages: int) -> Iterator[str]:
    with file_server() as server:
        write_site(server.www, pages)
        yield server.url


def compare(url: str, rounds: int) -> None:
    """Print a table: each way, and what it is of the first."""
    results = defaultdict(list)
    for number in range(rounds):
        ways = list(WAYS)
        for way in ways[number % len(ways) :] + ways[: number % len(ways)]:
            results[way].append(crawl(way, url))
            print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    found = {pages for runs in results.values() for pages, *_ in runs}
    if len(found) != 1:
        sys.exit(f"not the same pages each time: {sorted(found)}")
    pages = found.pop()
    first: tuple[float, float] | None = None
    print(f"| {pages} pages | pages/s | of memory's | CPU s | of memory's | MiB |")
    print("|---|---|---|---|---|---|")
    for way, runs in results.items():
        rate = median(pages / seconds for _, seconds, _, _ in runs)
        cpu = median(cpu for _, _, cpu, _ in runs)
        memory = median(memory for *_, memory in runs) / 1024
        first = first or (rate, cpu)
        shares = f"{rate:.0f} | {rate / first[0]:.2f} | {cpu:.2f} | {cpu / first[1]:.2f}"
        print(f"| {way} | {shares} | {memory:.0f} |")


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=2000, help="of the site (default 2000)")
    parser.add_argument("--rounds", type=int, default=7, help="of each way (default 7)")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(*options.child)
        return
    with nginx(options.pages) as url:
        compare(f"{url}0.html", options.rounds)


if __name__ == "__main__":
    main()
