"""A day's worth of requests to our download handler, and what each has left behind.

``python -m tests.benchmarks.endurance``: a million requests of every kind that there is (kept
alive, closed, TLS, tunnels, bodies on disk, errors, timeouts, cancelled), mixed, to a server on
loopback. In between all of them end, and what the process holds is counted: memory, descriptors,
asyncio's tasks, and objects that the collector of garbage knows. It fails if these grow, or if any
request does not end as it must.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import logging
import os
import resource
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from time import perf_counter
from typing import TYPE_CHECKING, Any

from scrapy import Request, signals
from scrapy.exceptions import (
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    ResponseDataLossError,
    StopDownload,
)

from netcrawl.download.spooled import SpooledResponse
from tests.netcrawl.download.each_handler import run, start_module
from tests.servers.mixed import LARGE, PAGE, mixed_server
from tests.servers.ports import held_ports

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from scrapy.core.downloader.handlers.base import BaseDownloadHandler
    from scrapy.http import Response

AT_ONCE = 32

# Seconds: how long a server that never answers is waited for, and a request before it is
# cancelled.
PATIENCE = 0.05

STAGES = 20

# What may be more at the end than after the first tenth. Objects and memory go up and down with
# what is in the pool, in caches and in the allocator's arenas.
MORE_OBJECTS = 1_000
MORE_MEMORY = 16.0  # MiB


@dataclass(frozen=True)
class Kind:
    """A kind of request: how many of a thousand, what to ask for, and how it ends.

    ``ends`` is the status, or the exception. ``size`` is how long the body is then.
    """

    name: str
    share: int
    path: str
    ends: int | type[BaseException] = 200
    size: int | None = None
    meta: dict[str, Any] = field(default_factory=dict)
    method: str = "GET"
    body: bytes = b""
    where: str = "plain"


_BRIEF = {"download_timeout": PATIENCE}
_SPOOL = {"spool": True}

KINDS = (
    Kind("page", 570, "/page", size=len(PAGE)),
    Kind("chunked", 100, "/chunked", size=len(PAGE)),
    Kind("not there", 40, "/missing", 404, size=2),
    Kind("HEAD", 40, "/page", size=0, method="HEAD"),
    Kind("POST", 30, "/page", size=len(PAGE), method="POST", body=PAGE),
    Kind("TLS", 60, "/page", size=len(PAGE), where="tls"),
    Kind("closed after it", 30, "/close", size=len(PAGE)),
    Kind("until the end", 10, "/until-end", size=len(PAGE)),
    Kind("on disk", 10, "/large", size=len(LARGE), meta=_SPOOL),
    Kind("on disk, decoded", 10, "/gzip", size=len(LARGE), meta=_SPOOL),
    Kind("cut", 15, "/cut", ResponseDataLossError),
    Kind("cut, on disk", 5, "/cut", ResponseDataLossError, meta=_SPOOL),
    Kind("cut, taken", 5, "/cut", size=4000, meta={"download_fail_on_dataloss": False}),
    Kind("reset", 10, "/reset", DownloadFailedError),
    Kind("garbage", 10, "/garbage", DownloadFailedError),
    Kind("endless head", 5, "/endless-head", DownloadFailedError),
    Kind("refused", 5, "/page", DownloadConnectionRefusedError, where="nobody"),
    Kind("too large", 5, "/large", DownloadCancelledError, meta={"download_maxsize": 10_000}),
    Kind("stopped", 5, "/large", size=0, meta={"stop": True}),
    Kind("timeout", 5, "/silence", DownloadTimeoutError, meta=_BRIEF),
    Kind("timeout in it", 5, "/stall", DownloadTimeoutError, meta=_BRIEF),
    Kind("cancelled", 10, "/silence", asyncio.CancelledError),
    Kind("cancelled in it", 4, "/stall", asyncio.CancelledError),
    Kind("cancelled, on disk", 4, "/stall", asyncio.CancelledError, meta=_SPOOL),
    Kind("TLS, closed after", 3, "/close", size=len(PAGE), where="tls"),
    Kind("tunnel", 2, "/close", size=len(PAGE), where="tunnel"),
    Kind("TLS with none", 2, "/page", DownloadFailedError, where="no tls"),
)


@dataclass(frozen=True)
class Sample:
    """What the process holds while nothing is under way; ``memory`` is in MiB."""

    requests: int
    seconds: float
    memory: float
    descriptors: int
    tasks: int
    objects: int
    files: int


@dataclass(frozen=True)
class Places:
    """The ports of the servers, and the folder for bodies on disk."""

    plain: int
    tls: int
    nobody: int
    folder: str

    def request(self, kind: Kind) -> Request:
        """Return a request of this kind."""
        origins = {
            "plain": f"http://127.0.0.1:{self.plain}",
            "tls": f"https://127.0.0.1:{self.tls}",
            "nobody": f"http://127.0.0.1:{self.nobody}",
            "tunnel": "https://origin.test",
            "no tls": f"https://127.0.0.1:{self.plain}",
        }
        meta = dict(kind.meta)
        if kind.where == "tunnel":
            meta["proxy"] = f"http://127.0.0.1:{self.plain}"
        url = origins[kind.where] + kind.path
        return Request(url, method=kind.method, body=kind.body, meta=meta)


async def outcome(handler: BaseDownloadHandler, kind: Kind, request: Request) -> str:
    """Return how it ended: "" is as it must."""
    try:
        if kind.ends is asyncio.CancelledError:
            task = asyncio.ensure_future(handler.download_request(request))
            await asyncio.wait([task], timeout=PATIENCE)
            task.cancel()
            response: Response = await task
        else:
            response = await handler.download_request(request)
    except (Exception, asyncio.CancelledError) as exc:  # noqa: BLE001 - it is what is told
        # Its exact class: others derive from it, and mean something else.
        return "" if type(exc) is kind.ends else f"{type(exc).__name__}: {exc}"
    size = response.body_size if isinstance(response, SpooledResponse) else len(response.body)
    if response.status != kind.ends or size != kind.size:
        return f"{response.status} and {size} octets"
    return ""


async def sample(requests: int, began: float, folder: str) -> Sample:
    await asyncio.sleep(0.3)  # connections that were broken off are gone, and files removed
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return Sample(
        requests=requests,
        seconds=perf_counter() - began,
        memory=pages * resource.getpagesize() / 1024**2,
        descriptors=len(os.listdir("/proc/self/fd")) - 1,  # noqa: PTH208 - that of the listing
        tasks=len(asyncio.all_tasks()),
        objects=len(gc.get_objects()),
        files=sum(1 for path in Path(folder).glob("*/*") if path.name != "lock"),
    )


async def endure(
    handler: BaseDownloadHandler, places: Places, count: int, stages: int
) -> tuple[list[Sample], dict[str, int], Counter[str]]:
    """Send so many requests; return the samples, how many of each kind, and what went wrong."""
    random = Random(7)  # the same mixture each time
    shares = [kind.share for kind in KINDS]
    done: Counter[str] = Counter()
    wrong: Counter[str] = Counter()

    async def work(waiting: Iterator[Kind]) -> None:
        for kind in waiting:
            told = await outcome(handler, kind, places.request(kind))
            done[kind.name] += 1
            if told:
                wrong[f"{kind.name}: {told}"] += 1

    began = perf_counter()
    samples = [await sample(0, began, places.folder)]
    for stage in range(1, stages + 1):
        upto = count * stage // stages
        waiting = iter(random.choices(KINDS, shares, k=upto - samples[-1].requests))
        await asyncio.gather(*(work(waiting) for _ in range(AT_ONCE)))
        samples.append(await sample(upto, began, places.folder))
        tell(samples[-1])
    return samples, dict(done), wrong


def enduring(
    places: Places, count: int, stages: int
) -> Callable[[Callable[[], BaseDownloadHandler]], Awaitable[list[str]]]:
    async def job(make: Callable[[], BaseDownloadHandler]) -> list[str]:
        before = await sample(0, perf_counter(), places.folder)
        handler: Any = make()
        handler.crawler.signals.connect(_stop, signals.headers_received)
        samples, done, wrong = await endure(handler, places, count, stages)
        await handler.close()
        after = await sample(count, perf_counter(), places.folder)
        print(", ".join(f"{number} {name}" for name, number in done.items()), file=sys.stderr)
        return [
            *(f"{number} times {told}" for told, number in wrong.items()),
            *growth(samples[max(1, stages // 10)], samples[-1]),
            *left_behind(before, after),
        ]

    return job


def _stop(request: Request) -> None:
    if request.meta.get("stop"):
        raise StopDownload(fail=False)


def growth(early: Sample, late: Sample) -> list[str]:
    """Say what has become more than it may."""
    # How many connections wait in the pool is the same after each stage, give or take those that
    # the last requests have closed.
    allowed = {"descriptors": AT_ONCE, "tasks": 0, "objects": MORE_OBJECTS, "memory": MORE_MEMORY}
    return [
        f"{name}: {getattr(early, name):.0f} after {early.requests} requests,"
        f" {getattr(late, name):.0f} after {late.requests}"
        for name, more in allowed.items()
        if getattr(late, name) > getattr(early, name) + more
    ]


def left_behind(before: Sample, after: Sample) -> list[str]:
    """Say what is still there when the handler is closed."""
    return [
        f"{getattr(after, name) - getattr(before, name)} {name} are left"
        for name in ("descriptors", "tasks", "files")
        if getattr(after, name) > getattr(before, name)
    ]


def tell(found: Sample) -> None:
    print(
        f"{found.requests:>10,}{found.seconds:>9.0f}{found.memory:>9.1f}{found.descriptors:>13}"
        f"{found.tasks:>7}{found.objects:>9,}{found.files:>7}",
        flush=True,
        file=sys.stderr,
    )


class _Errors(logging.Handler):
    """Takes what asyncio, Scrapy and we log as errors: exceptions that nobody has caught."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: Counter[str] = Counter()

    def emit(self, record: logging.LogRecord) -> None:
        text = record.exc_info[1] if record.exc_info else ""
        self.found[f"{record.getMessage()} {text}"] += 1


def child(places: Places, count: int, stages: int) -> list[str]:
    errors = _Errors()
    logging.disable(logging.WARNING)
    logging.getLogger().addHandler(errors)
    settings = {
        "DOWNLOAD_VERIFY_CERTIFICATES": False,
        "DOWNLOAD_TIMEOUT": 60,
        "DOWNLOAD_SPOOL_DIR": places.folder,
        "CONCURRENT_REQUESTS": AT_ONCE,
        "TELNETCONSOLE_ENABLED": False,
        "LOG_ENABLED": False,
    }
    problems = run("ours", enduring(places, count, stages), **settings)
    return [*problems, *(f"{number} times logged: {what}" for what, number in errors.found.items())]


def problems_of(count: int, stages: int = STAGES) -> list[str]:
    """Send so many requests from a process of its own, and return what it complains of."""
    with (
        mixed_server() as (plain, tls),
        held_ports(1) as (nobody,),
        tempfile.TemporaryDirectory() as folder,
    ):
        arguments = (plain, tls, nobody, folder, "--requests", count, "--stages", stages)
        with start_module("tests.benchmarks.endurance", "--child", *arguments) as process:
            output, _ = process.communicate()
    if process.returncode:
        return [f"it ended with {process.returncode}"]
    found: list[str] = json.loads(output)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="What many requests leave behind.")
    parser.add_argument("--requests", type=int, default=1_000_000, metavar="N")
    parser.add_argument("--stages", type=int, default=STAGES, metavar="N")
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        *ports, folder = arguments.child
        places = Places(*map(int, ports), folder)
        print(json.dumps(child(places, arguments.requests, arguments.stages)))
        return
    print(
        f"{'requests':>10}{'seconds':>9}{'MiB':>9}{'descriptors':>13}{'tasks':>7}{'objects':>9}"
        f"{'files':>7}",
        file=sys.stderr,
    )
    if problems := problems_of(arguments.requests, arguments.stages):
        raise SystemExit("\n".join(problems))
    print("nothing has grown, and nothing is left", file=sys.stderr)


if __name__ == "__main__":
    main()
