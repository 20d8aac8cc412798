"""What the frontier's store costs for a page, and with millions of URLs seen.

``python -m tests.benchmarks.frontier``. Figures are CPU seconds of a process for each part, so that
its memory can be told; the second part writes some 1.5 GB below the temporary folder, and takes
minutes. A page is one lease, one finish, one new request, twenty known ones and some items; every
fifty pages are committed. Lookups are puts of requests of which half are known, at random, far
more than are kept in memory; the other half is put by a lease that is given back after them.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import random
import resource
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any

from netcrawl.frontier.sqlite import SqliteStore
from netcrawl.frontier.store import NewRequest

if TYPE_CHECKING:
    from collections.abc import Callable

REQUEST = b"r" * 600
ITEM = b"i" * 300
KNOWN = 20  # links of a page that were seen before
COMMIT = 50
LOOKUPS = 200_000
ROUND = 1_000  # unknown ones that a lease puts before it is given back


def fingerprint(number: int) -> bytes:
    return hashlib.sha1(b"%d" % number, usedforsecurity=False).digest()


def spent_on_pages(folder: Path, pages: int, items: int) -> float:
    """Return the CPU seconds of that many pages."""
    store = SqliteStore(folder / "frontier.db")
    store.put(NewRequest(REQUEST, b"start", "host"))
    fresh = [NewRequest(REQUEST, fingerprint(number), "host") for number in range(pages)]
    order = random.Random(1)
    known = [[fresh[order.randrange(page + 1)] for _ in range(KNOWN)] for page in range(pages)]
    before = process_time()
    for page in range(pages):
        lease = store.lease()
        assert lease is not None
        assert store.put(fresh[page], lease.id)
        for request in known[page]:
            store.put(request, lease.id)
        for _ in range(items):
            store.add_item(ITEM, lease.id)
        store.finish(lease.id)
        if page % COMMIT == 0:
            store.commit()
    store.commit()
    spent = process_time() - before
    assert store.counts().done == pages
    store.close()
    return spent


def fill(folder: Path, seen: int) -> tuple[float, float]:
    """Put that many starts; return the CPU seconds, and the size of the file in octets."""
    store = SqliteStore(folder / "frontier.db")
    before = process_time()
    for number in range(seen):
        store.put(NewRequest(b"", fingerprint(number), "host"))
        if number % 10_000 == 0:
            store.commit()
    store.close()
    return process_time() - before, (folder / "frontier.db").stat().st_size


def look_up(folder: Path, seen: int) -> tuple[float, float, float]:
    """Return CPU and wall seconds of the lookups of known ones and unknown ones; and of opening."""
    opening = perf_counter()
    store = SqliteStore(folder / "frontier.db")
    opening = perf_counter() - opening
    order = random.Random(2)
    known = [NewRequest(b"", fingerprint(order.randrange(seen))) for _ in range(LOOKUPS // 2)]
    unknown = [NewRequest(b"", fingerprint(seen + n)) for n in range(LOOKUPS // 2)]
    cpu = wall = 0.0
    for first in range(0, LOOKUPS // 2, ROUND):
        lease = store.lease()
        assert lease is not None
        cpu -= process_time()
        wall -= perf_counter()
        for old, new in zip(
            known[first : first + ROUND], unknown[first : first + ROUND], strict=True
        ):
            assert not store.put(old, lease.id)
            assert store.put(new, lease.id)
        cpu += process_time()
        wall += perf_counter()
        store.give_back(lease.id)
    store.close()
    return cpu, wall, opening


def apart(measure: Callable[..., Any], *arguments: object) -> tuple[Any, float]:
    """Run this in a process of its own; return the result, and its memory in MB at most."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        result = pool.apply(measure, arguments)
        memory: int = pool.apply(peak)
    return result, memory / 1000


def peak() -> int:
    """Return the largest resident set of this process in kB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seen", type=int, default=10_000_000)
    arguments = parser.parse_args()
    for items in (1, 10, 25):
        spent = []
        for _ in range(arguments.rounds):
            with tempfile.TemporaryDirectory() as name:
                seconds, memory = apart(spent_on_pages, Path(name), arguments.pages, items)
                spent.append(seconds / arguments.pages * 1e6)
        print(f"a page with {items:2} items: {median(spent):.0f} us CPU ({memory:.0f} MB)")
    with tempfile.TemporaryDirectory() as name:
        folder, seen = Path(name), arguments.seen
        (cpu, size), memory = apart(fill, folder, seen)
        print(f"{seen} puts: {cpu / seen * 1e6:.1f} us CPU each ({memory:.0f} MB)")
        (cpu, wall, opening), memory = apart(look_up, folder, seen)
        print(f"file of {size / 1e6:.0f} MB: opened in {opening:.1f} s; {LOOKUPS} lookups:")
        rates = f"{LOOKUPS / cpu:.0f} a second of CPU, {LOOKUPS / wall:.0f} a second"
        print(f"{rates} ({memory:.0f} MB)")


if __name__ == "__main__":
    main()
