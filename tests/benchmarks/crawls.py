"""What a crawl costs beside others that do the same, and what extraction costs.

``python -m tests.benchmarks.crawls``. nginx serves the practice web's generated site as files; each
crawl is a process of its own, whose CPU seconds count, start included. The ways take turns, and the
median of the turns counts. That they find the same is checked in the first turn, and nginx's log
tells after each that every page was fetched.

``--peers PYTHON`` names a Python that has Scrapy, httpx2 and crawlee, to compare with those too.
wget and wget2, where they are installed, only fetch.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from timeit import repeat
from typing import TYPE_CHECKING

from scrapy.http import HtmlResponse

from netcrawl.extract.links import PARSERS
from netcrawl.extract.tree import tree_of
from netcrawl.extract.visible import visible_text
from netcrawl.extract.words import RULES
from sockettools.practice.site import site_page
from tests.benchmarks.site import ServedSite, served_site

if TYPE_CHECKING:
    from collections.abc import Callable

    # From the URL and the feed.
    Command = Callable[[str, Path], list[str]]

ROOT = Path(__file__).parents[2]

# Fits every page of a site.
DEEP = "1000000"

_HANDLERS = "scrapy.core.downloader.handlers."
AIOHTTP = f"{_HANDLERS}_aiohttp.AiohttpDownloadHandler"
HTTPX = f"{_HANDLERS}_httpx.HttpxDownloadHandler"

ADDON = {"netcrawl.addon.Netcrawl": 500}

# The name of the way that the others are compared with.
STOCK = "Scrapy"


def ours(spider: str, *options: str) -> Command:
    def command(url: str, feed: Path) -> list[str]:
        arguments = ["-a", f"url={url}", "-a", f"depth={DEEP}", *options, "-O", str(feed)]
        return [sys.executable, "-m", "scrapy", "crawl", spider, *arguments]

    return command


def stock(job: str, python: str = sys.executable, **settings: object) -> Command:
    given = [f"{name}={json.dumps(value)}" for name, value in settings.items()]

    def command(url: str, feed: Path) -> list[str]:
        module = "tests.benchmarks.stock_spiders"
        return [python, "-m", module, job, url, str(feed), *given]

    return command


def without_reactor(handler: str) -> dict[str, object]:
    """Return settings for a handler that wants the event loop to run when it is made."""
    return {"DOWNLOAD_HANDLERS": {"http": handler}, "TWISTED_REACTOR_ENABLED": False}


def peer(way: str, job: str, python: str = sys.executable) -> Command:
    def command(url: str, feed: Path) -> list[str]:
        return [python, "-m", "tests.benchmarks.peers", way, job, url, str(feed)]

    return command


def wget(program: str) -> Command:
    def command(url: str, feed: Path) -> list[str]:
        folder = str(feed.with_suffix(""))
        return [
            program,
            "--quiet",
            "--recursive",
            "--level=inf",
            f"--directory-prefix={folder}",
            url,
        ]

    return command


@dataclass(frozen=True)
class Job:
    """A crawl in several ways; ``fetching`` are those that have no results to compare."""

    name: str
    ways: dict[str, Command]
    found: Callable[[Path, str], list[tuple[object, ...]]]
    fetching: frozenset[str] = frozenset()


def links_found(feed: Path, _output: str) -> list[tuple[object, ...]]:
    rows = map(json.loads, feed.read_text(encoding="utf-8").splitlines())
    # Some keep the fragment of the link that led to the page.
    return sorted(
        (row["page"].partition("#")[0], row["position"], row["url"], row["text"]) for row in rows
    )


def words_found(feed: Path, output: str) -> list[tuple[object, ...]]:
    if rows := feed.read_text(encoding="utf-8").splitlines():
        return sorted((row["word"], row["count"]) for row in map(json.loads, rows))
    pairs = (line.split("\t") for line in output.splitlines())
    return sorted((word, int(count)) for word, count in pairs)


OPTIONS = {"links": ("-a", "parser=lexbor"), "words": ("-a", "tokens=split")}
FOUND = {"links": links_found, "words": words_found}


def jobs(peers: str | None) -> list[Job]:
    """Return both jobs in every way that there is here."""
    fetching = {name: wget(path) for name in ("wget", "wget2") if (path := shutil.which(name))}
    made = []
    for name in ("links", "words"):
        ways = {
            STOCK: stock(name),
            "Scrapy, aiohttp": stock(name, **without_reactor(AIOHTTP)),
        }
        if peers:
            ways["Scrapy, httpx"] = stock(name, peers, **without_reactor(HTTPX))
            ways["Crawlee, Parsel"] = peer("crawlee", name, peers)
        # The same spider, in a project that has ours as an add-on.
        ways["Scrapy, our add-on"] = stock(name, ADDONS=ADDON, NETCRAWL_FAST=True)
        ways["here"] = ours(name, *OPTIONS[name])
        ways["a bare socket, lexbor"] = peer("socket", name)
        made.append(Job(name, ways | fetching, FOUND[name], frozenset(fetching)))
    return made


def crawl(command: list[str]) -> tuple[float, str]:
    """Run it; return its CPU seconds and its output."""
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        output = process.stdout.read()
        # wait4 tells of this child alone.
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command} failed: {process.returncode}")
    return used.ru_utime + used.ru_stime, output


def check_pages(site: ServedSite, way: str, pages: int) -> None:
    """Raise SystemExit unless every page was sent; tell of those that were sent again."""
    sent = Counter(site.pages_sent())
    if len(sent) != pages:
        raise SystemExit(f"{way}: {len(sent)} different pages sent of {pages}")
    if again := sent.total() - pages:
        # Here, a page that is found nearer to the start than before is read again.
        print(f"  {way}: {again} pages were sent again")


def check_same(job: Job, results: dict[str, list[tuple[object, ...]]]) -> None:
    """Raise SystemExit where the ways do not find the same."""
    for way, result in results.items():
        if result != results[STOCK] or not result:
            raise SystemExit(f"{job.name}: {way} does not find the same")
    print(f"{job.name}: {len(results)} ways find the same {len(results[STOCK])}", flush=True)


def clear(feed: Path) -> None:
    """Remove what a crawl wrote."""
    feed.unlink(missing_ok=True)
    shutil.rmtree(feed.with_suffix(""), ignore_errors=True)


def compare_crawls(pages: int, rounds: int, peers: str | None) -> None:
    print(f"load of the machine before: {os.getloadavg()[0]:.1f}")
    with served_site(pages) as site, TemporaryDirectory() as name:
        feed = Path(name) / "feed.jsonl"
        for job in jobs(peers):
            costs: dict[str, list[float]] = {way: [] for way in job.ways}
            results: dict[str, list[tuple[object, ...]]] = {}
            for turn in range(rounds):
                for way, command in job.ways.items():
                    seconds, output = crawl(command(site.url, feed))
                    costs[way].append(seconds)
                    check_pages(site, way, pages)
                    if turn == 0 and way not in job.fetching:
                        results[way] = job.found(feed, output)
                    clear(feed)
                if turn == 0:
                    check_same(job, results)
            tell(job, costs, pages, rounds)


def tell(job: Job, costs: dict[str, list[float]], pages: int, rounds: int) -> None:
    base = median(costs[STOCK])
    print(f"\n{job.name}, {pages} pages, median of {rounds}:")
    for way, measured in costs.items():
        middle = median(measured)
        print(
            f"  {way:<24} {middle:6.1f} CPU s {pages / middle:6.0f} pages per CPU s"
            f"  {base / middle:5.2f} times stock",
            flush=True,
        )


def measure_extraction(rounds: int) -> None:
    """Microseconds for one page, its tree not yet parsed."""
    body = site_page(1000, 16, "http://h").decode("utf-8")
    blanks = count()
    steps: dict[str, Callable[[], object]] = {
        # With a blank more each time: a parser keeps the tree of the page that it saw last.
        f"links by {name}": lambda parse=parse: list(  # type: ignore[misc]
            parse(body + " " * next(blanks))
        )
        for name, parse in PARSERS.items()
    }
    steps["visible text"] = lambda: visible_text(tree_of(page(body)))
    text = visible_text(tree_of(page(body)))
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
    parser.add_argument("--peers", metavar="PYTHON")
    arguments = parser.parse_args()
    measure_extraction(max(arguments.rounds, 3))
    compare_crawls(arguments.pages, arguments.rounds, arguments.peers)


if __name__ == "__main__":
    main()
