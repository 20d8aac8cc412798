"""What a request costs in our download handler, beside Scrapy's.

``python -m tests.benchmarks.handlers``. Microseconds of CPU, the system's share included, for a
page of 9 kB over loopback, from the call of ``download_request`` to the response. Each turn of a
handler is a process of its own, which measures itself around the requests: neither its start nor
the first requests count. The turns alternate, and the median of them counts. That the bodies are
the same is checked first.

The pages come from the practice web, or are its pages as files that nginx serves where there is
one, which leaves more of the machine to who is measured; either is in a process of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import logging
import shutil
import subprocess
import sys
from contextlib import contextmanager
from statistics import median
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any

from scrapy import Request
from scrapy.utils.httpobj import urlparse_cached

from sockettools.practice.site import site_page
from tests.netcrawl.download.each_handler import HANDLERS, installed, run, start_module
from tests.servers.nginx import file_server

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from scrapy.core.downloader.handlers.base import BaseDownloadHandler
    from scrapy.http import Response

PAGES = 500  # that there are; they are asked for in turn
WARM_UP = 500  # requests
CONCURRENCY = 16

# How many times the requests of Scrapy's default handler are to be had for the same.
GOAL = 3.0

# What Scrapy's middlewares add to a request.
FIELDS = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "en",
    "User-Agent": "Scrapy/2.19.0 (+https://scrapy.org)",
    "Accept-Encoding": "gzip, deflate, br",
}


@contextmanager
def practice_web() -> Iterator[str]:
    with subprocess.Popen(
        [sys.executable, "-m", "sockettools", "practice", "--port", "0", "--quiet"],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[3]
        finally:
            process.terminate()


@contextmanager
def nginx() -> Iterator[str]:
    with file_server() as server:
        site = server.www / "site" / str(PAGES)
        site.mkdir(parents=True)
        for number in range(1, PAGES + 1):
            page = site_page(PAGES, number, server.url.rstrip("/"))
            (site / f"{number}.html").write_bytes(page)
        yield server.url


def requests(url: str, count: int) -> Iterator[Request]:
    for number in range(count):
        page = number % (PAGES - 1) + 2  # the first has another name
        request = Request(f"{url}site/{PAGES}/{page}.html", headers=FIELDS, dont_filter=True)
        urlparse_cached(request)  # the downloader has looked for the host before any handler does
        yield request


async def fetch_all(
    handler: BaseDownloadHandler, wanted: list[Request], use: Callable[[Response], object]
) -> None:
    """Download all of it, so many at a time, the next as soon as one is done."""
    waiting = iter(wanted)

    async def work() -> None:
        for request in waiting:
            response = await handler.download_request(request)
            assert response.status == 200, response
            use(response)

    await asyncio.gather(*(work() for _ in range(CONCURRENCY)))


def measuring(
    url: str, count: int
) -> Callable[[Callable[[], BaseDownloadHandler]], Awaitable[Any]]:
    async def measure(make: Callable[[], BaseDownloadHandler]) -> list[float]:
        handler = make()
        sizes: list[int] = []
        await fetch_all(handler, list(requests(url, WARM_UP)), lambda _: None)
        wanted = list(requests(url, count))
        wall, cpu = perf_counter(), process_time()
        await fetch_all(handler, wanted, lambda response: sizes.append(len(response.body)))
        found = [process_time() - cpu, perf_counter() - wall]
        assert len(sizes) == count
        await handler.close()
        return found

    return measure


def checking(url: str) -> Callable[[Callable[[], BaseDownloadHandler]], Awaitable[Any]]:
    async def check(make: Callable[[], BaseDownloadHandler]) -> dict[str, str]:
        handler = make()
        bodies = {}

        def note(response: Response) -> None:
            bodies[response.url] = hashlib.sha256(response.body).hexdigest()

        await fetch_all(handler, list(requests(url, PAGES - 1)), note)
        await handler.close()
        return dict(sorted(bodies.items()))

    return check


def child(name: str, url: str, count: int) -> None:
    """Print what was measured, or with a count of 0 what was read, as JSON."""
    logging.disable()
    print(json.dumps(run(name, measuring(url, count) if count else checking(url))))


def alone(name: str, url: str, count: int) -> Any:
    process = start_module("tests.benchmarks.handlers", "--child", name, url, "--requests", count)
    output, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"{name} failed")
    return json.loads(output)


def compare(url: str, count: int, turns: int) -> None:
    names = installed()
    read = {name: alone(name, url, 0) for name in names}
    for name in names:
        assert len(read[name]) == PAGES - 1
        assert read[name] == read["ours"], f"{name} reads other bodies"
    costs: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    for _ in range(turns):
        for name in names:
            cpu, wall = alone(name, url, count)
            costs[name].append((cpu / count * 1e6, wall / count * 1e6))
    default = median(cpu for cpu, _ in costs["Twisted"])
    print(f"{'handler':<10}{'CPU us':>9}{'least':>9}{'most':>9}{'wall us':>9}{'times default':>15}")
    for name, found in costs.items():
        taken = [cpu for cpu, _ in found]
        wall = median(wall for _, wall in found)
        print(
            f"{name:<10}{median(taken):>9.0f}{min(taken):>9.0f}{max(taken):>9.0f}{wall:>9.0f}"
            f"{default / median(taken):>15.2f}"
        )
    ratio = default / median(cpu for cpu, _ in costs["ours"])
    print(f"goal: {GOAL:g} times Scrapy's default; {'met' if ratio >= GOAL else 'missed'}")


def main() -> None:
    servers = {"nginx": nginx, "practice": practice_web}
    parser = argparse.ArgumentParser(description="What a request costs in each download handler.")
    parser.add_argument("--requests", type=int, default=5_000, metavar="N", help="default: 5000")
    parser.add_argument("--turns", type=int, default=5, metavar="N", help="default: 5")
    parser.add_argument(
        "--server",
        choices=[*servers],
        default="nginx" if shutil.which("nginx", path="/usr/sbin:/usr/bin") else "practice",
        help="default here: %(default)s",
    )
    parser.add_argument("--child", nargs=2, metavar=("HANDLER", "URL"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        name, url = arguments.child
        assert name in HANDLERS
        child(name, url, arguments.requests)
        return
    print(
        f"{arguments.requests} requests, {CONCURRENCY} at a time, served by {arguments.server}; "
        f"median of {arguments.turns} turns"
    )
    with servers[arguments.server]() as url:
        compare(url, arguments.requests, arguments.turns)


if __name__ == "__main__":
    main()
