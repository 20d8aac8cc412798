"""What a crawl costs beside a stock Scrapy spider doing the same, and what extraction costs.

``python -m tests.benchmarks.crawls``. The practice web's generated site is crawled over loopback;
each crawl is a process of its own, whose CPU seconds count, start included. The ways take turns,
and the median of the turns counts. That they found the same is checked first, on a smaller site.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from timeit import repeat
from typing import TYPE_CHECKING

from scrapy.http import HtmlResponse

from netcrawl.extract.links import PARSERS
from netcrawl.extract.visible import visible_text
from netcrawl.extract.words import RULES
from sockettools.practice import PracticeServer
from sockettools.practice.site import site_page

if TYPE_CHECKING:
    from collections.abc import Callable

    # From the URL and the feed.
    Command = Callable[[str, Path], list[str]]

ROOT = Path(__file__).parents[2]

# Fits every page of a site.
DEEP = "1000000"


def ours(spider: str, *options: str) -> Command:
    def command(url: str, feed: Path) -> list[str]:
        arguments = ["-a", f"url={url}", "-a", f"depth={DEEP}", *options, "-O", str(feed)]
        return [sys.executable, "-m", "scrapy", "crawl", spider, *arguments]

    return command


def stock(job: str, *level: str) -> Command:
    def command(url: str, feed: Path) -> list[str]:
        module = "tests.benchmarks.stock_spiders"
        return [sys.executable, "-m", module, job, url, str(feed), *level]

    return command


@dataclass(frozen=True)
class Job:
    """The same crawl in two ways or more, the stock one first."""

    name: str
    ways: dict[str, Command]
    found: Callable[[Path, str], list[tuple[object, ...]]]


def links_found(feed: Path, _output: str) -> list[tuple[object, ...]]:
    rows = map(json.loads, feed.read_text(encoding="utf-8").splitlines())
    return sorted((row["page"], row["position"], row["url"], row["text"]) for row in rows)


def words_found(feed: Path, output: str) -> list[tuple[object, ...]]:
    if rows := feed.read_text(encoding="utf-8").splitlines():
        return sorted((row["word"], row["count"]) for row in map(json.loads, rows))
    pairs = (line.split("\t") for line in output.splitlines())
    return sorted((word, int(count)) for word, count in pairs)


JOBS = (
    Job(
        "links",
        {
            "stock": stock("links"),
            "stock, INFO": stock("links", "INFO"),
            "parser=lexbor": ours("links", "-a", "parser=lexbor"),
        },
        links_found,
    ),
    Job(
        "words",
        {
            "stock": stock("words"),
            "stock, INFO": stock("words", "INFO"),
            "tokens=split": ours("words", "-a", "tokens=split"),
        },
        words_found,
    ),
)


def crawl(command: list[str]) -> tuple[float, int, str]:
    """Run it; return its CPU seconds, its peak memory in kB, and its output."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{command} failed:\n{done.stderr[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
    return seconds, after.ru_maxrss, done.stdout


def check(job: Job, url: str, folder: Path) -> None:
    """Raise SystemExit where the ways do not find the same."""
    results = []
    for number, command in enumerate(job.ways.values()):
        feed = folder / f"{number}.jsonl"
        _, _, output = crawl(command(url, feed))
        results.append(job.found(feed, output))
        feed.unlink()
    if any(result != results[0] for result in results) or not results[0]:
        raise SystemExit(f"{job.name}: the ways do not find the same")


def compare_crawls(pages: int, rounds: int) -> None:
    with PracticeServer() as practice, TemporaryDirectory() as name:
        folder, feed = Path(name), Path(name) / "feed.jsonl"
        for job in JOBS:
            check(job, f"{practice.url}site/100/", folder)
            costs: dict[str, list[float]] = {way: [] for way in job.ways}
            for _ in range(rounds):
                for way, command in job.ways.items():
                    costs[way].append(crawl(command(f"{practice.url}site/{pages}/", feed))[0])
                    feed.unlink()
            base = median(costs["stock"])
            print(f"\n{job.name}, {pages} pages, median of {rounds}:")
            for way, seconds in costs.items():
                middle = median(seconds)
                print(
                    f"  {way:<16} {middle:6.1f} CPU s {pages / middle:6.0f} pages per CPU s"
                    f"  {base / middle:.2f} times stock"
                )


def measure_extraction(rounds: int) -> None:
    """Microseconds for one page, its tree not yet parsed."""
    body = site_page(1000, 16, "http://h").decode("utf-8")
    steps: dict[str, Callable[[], object]] = {
        f"links by {name}": lambda parse=parse: list(parse(body))  # type: ignore[misc]
        for name, parse in PARSERS.items()
    }
    steps["visible text"] = lambda: visible_text(page(body).selector.root)
    text = visible_text(page(body).selector.root)
    for name, tokenize in RULES.items():
        steps[f"tokens={name}"] = lambda tokenize=tokenize: tokenize(text)  # type: ignore[misc]
    print(f"\none page of {len(body)} characters, best of {rounds}:")
    for name, step in steps.items():
        print(f"  {name:<16} {min(repeat(step, number=20, repeat=rounds)) / 20 * 1e6:8.0f} us")


def page(body: str) -> HtmlResponse:
    return HtmlResponse("http://h/", body=body, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    measure_extraction(arguments.rounds)
    compare_crawls(arguments.pages, arguments.rounds)


if __name__ == "__main__":
    main()
