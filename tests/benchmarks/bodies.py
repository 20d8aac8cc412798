"""One large body into a file: our download handler beside curl.

``python -m tests.benchmarks.bodies``. Seconds from the request to the complete file, over loopback
from nginx; for curl, of the whole process, which begins in some milliseconds; for the handler, of
``download_request``, in a process of its own each time, and with the SHA-256 of the body, which
curl does not compute. The turns alternate, and each writes a new file in the same folder. That the
files are the same is checked first. ``--crawl`` is ``scrapy crawl files`` as a whole, with its
start and with the file stored and synchronised with the disk.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import random
import subprocess
import sys
import time
from contextlib import contextmanager
from statistics import median
from typing import TYPE_CHECKING, Any

from scrapy import Request

from netcrawl.download.spooled import SpooledResponse
from tests.crawling import ROOT
from tests.netcrawl.download.downloading import handling
from tests.servers.daemons import daemon_folder
from tests.servers.nginx import file_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


_BLOCK = 1024 * 1024

# Seconds of wall clock, seconds of CPU, and megabytes at the peak, 0 where it is not measured.
Cost = tuple[float, float, float]


@contextmanager
def served(megabytes: int, *, sparse: bool) -> Iterator[tuple[str, Path]]:
    """Give the URL of a body of that size, and a folder for copies of it."""
    with file_server("sendfile on;") as server, daemon_folder() as copies:
        with (server.www / "body").open("wb") as body:
            if sparse:
                body.truncate(megabytes * _BLOCK)
            else:
                source = random.Random(1)
                for _ in range(megabytes):
                    body.write(source.randbytes(_BLOCK))
        yield f"{server.url}body", copies


async def download(url: str, copies: str) -> None:
    """Download it once, and print what that took and the checksum."""
    async with handling(DOWNLOAD_SPOOL_DIR=copies, DOWNLOAD_TIMEOUT=3600) as handler:
        request = Request(url, meta={"spool": True})
        cpu, wall = time.process_time(), time.perf_counter()
        response: Any = await handler.download_request(request)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        assert isinstance(response, SpooledResponse)
        print(wall, cpu, response.body_sha256, checksum(response.body_path), flush=True)


def checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def with_handler(url: str, copies: Path) -> tuple[Cost, str]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.bodies", "--child", url, copies],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    wall, cpu, told, found = done.stdout.split()
    assert told == found
    return (float(wall), float(cpu), 0.0), found


def with_curl(url: str, copies: Path) -> tuple[Cost, str]:
    copy = copies / "copy"
    wall, cpu, _ = _run(["curl", "--silent", "--fail", "--output", str(copy), url])
    found = checksum(copy)
    copy.unlink()
    return (wall, cpu, 0.0), found


def with_crawl(url: str, copies: Path) -> tuple[Cost, str]:
    store = copies / "store"
    words = ["files", "-a", f"url={url}", "-a", f"store={store}", "--nolog"]
    cost = _run([sys.executable, "-m", "scrapy", "crawl", *words])
    found = checksum(store / "body")
    for path in (*store.glob("*"), *store.glob(".*")):
        if path.is_file():
            path.unlink()
    return cost, found


def _run(command: list[str]) -> Cost:
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def compare(url: str, copies: Path, turns: int, *, crawls: bool) -> None:
    ways: dict[str, Callable[[str, Path], tuple[Cost, str]]] = {
        "curl": with_curl,
        "handler": with_handler,
    }
    if crawls:
        ways["crawl"] = with_crawl
    checksums = {name: way(url, copies)[1] for name, way in ways.items()}
    assert len(set(checksums.values())) == 1, checksums
    costs: dict[str, list[Cost]] = {name: [] for name in ways}
    for _ in range(turns):
        for name, way in ways.items():
            costs[name].append(way(url, copies)[0])
    print(
        f"{'way':<10}{'wall s':>9}{'least':>9}{'most':>9}{'CPU s':>9}{'peak MB':>9}{'to curl':>9}"
    )
    for name, found in costs.items():
        walls = [wall for wall, _, _ in found]
        # Of each turn, since what else the machine does changes with them.
        ratio = median(wall / curl[0] for wall, curl in zip(walls, costs["curl"], strict=True))
        cpu, peak = median(cpu for _, cpu, _ in found), max(peak for _, _, peak in found)
        shown = f"{peak:.0f}" if peak else ""
        print(
            f"{name:<10}{median(walls):>9.2f}{min(walls):>9.2f}{max(walls):>9.2f}{cpu:>9.2f}"
            f"{shown:>9}{ratio:>9.2f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description="One large body into a file.")
    parser.add_argument("--megabytes", type=int, default=1024, metavar="N", help="default: 1024")
    parser.add_argument("--turns", type=int, default=5, metavar="N", help="default: 5")
    parser.add_argument("--sparse", action="store_true", help="serve zeros, which need no disk")
    parser.add_argument("--crawl", action="store_true", help="measure `scrapy crawl files`, too")
    parser.add_argument("--child", nargs=2, metavar=("URL", "FOLDER"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        asyncio.run(download(*arguments.child))
        return
    print(f"{arguments.megabytes} MiB, median of {arguments.turns} turns")
    with served(arguments.megabytes, sparse=arguments.sparse) as (url, copies):
        compare(url, copies, arguments.turns, crawls=arguments.crawl)


if __name__ == "__main__":
    main()
