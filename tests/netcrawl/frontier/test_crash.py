"""A crawl that is killed, and goes on, ends with what it would have ended with."""

from __future__ import annotations

import pickle
import signal
import subprocess
import sys
from collections import Counter
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from netcrawl.frontier.folder import FRONTIER
from netcrawl.frontier.reading import SqliteReader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from netcrawl.frontier.store import Counts

ROOT = Path(__file__).parents[3]

# What a crawl ends with, by kind.
WHOLE = {
    "start": 4,
    "start-lambda": 1,
    "page": 7,
    "same": 6,
    "shared": 1,
    "redirected": 4,
    "retried": 4,
    "told": 4,
    "from-errback": 4,
    "slow": 4,
    "after": 4,
    "lambda": 1,
    "lambdas": 1,
    "asks": 4,
    "asked": 4,
}


class Site(BaseHTTPRequestHandler):
    """Answers everything, and says what was asked for."""

    protocol_version = "HTTP/1.1"
    failed: set[str]

    def do_GET(self) -> None:
        """Answer by the first part of the path."""
        _, kind, name = self.path.split("/", 2)
        status = {"redirect": 302, "missing": 404}.get(kind, 200)
        if kind == "flaky" and self.path not in self.failed:
            self.failed.add(self.path)
            status = 503
        self.send_response(status)
        if status == 302:
            self.send_header("Location", f"/page/to-{name}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Keep quiet."""


@contextmanager
def site() -> Iterator[str]:
    handler = type("FreshSite", (Site,), {"failed": set()})
    with QuietServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def run(
    base: str, folder: Path, reactor: str = "asyncio", step: int = 0
) -> subprocess.CompletedProcess[str]:
    module = "tests.netcrawl.frontier.everything"
    return subprocess.run(
        [sys.executable, "-m", module, base, str(folder), reactor, str(step)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def kept(folder: Path) -> tuple[Counter[str], Counter[str], Counts]:
    """Return how many items there are of each kind, of each URL, and the counts."""
    with SqliteReader(folder / FRONTIER) as store:
        items = [pickle.loads(data) for _, data in store.items()]
        kinds = Counter(item["kind"] for item in items)
        urls = Counter(f"{item['kind']} {item['url']}" for item in items)
        return kinds, urls, store.counts()


class QuietServer(ThreadingHTTPServer):
    """Says nothing of clients that are killed."""

    def handle_error(self, *_: Any) -> None:
        """Expect them."""


@pytest.mark.parametrize("reactor", ["asyncio", "select"])
def test_a_crawl_that_nothing_ends(tmp_path: Path, reactor: str) -> None:
    with site() as base:
        done = run(base, tmp_path, reactor)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split()[:2] == ["finished", "7"]
    kinds, urls, counts = kept(tmp_path)
    assert kinds == WHOLE
    assert max(count for url, count in urls.items() if url.startswith("page")) == 1
    assert (counts.pending, counts.leased, counts.failed) == (0, 0, 0)


@pytest.mark.parametrize(
    ("reactor", "steps"),
    [
        pytest.param("asyncio", (1, 9), id="at-the-start", marks=pytest.mark.soak),
        pytest.param("asyncio", (20, 40, 60), id="in-the-middle"),
        pytest.param("asyncio", (100, 30), id="late", marks=pytest.mark.soak),
        pytest.param("select", (15, 70), id="without-asyncio"),
    ],
)
def test_a_crawl_that_is_killed(tmp_path: Path, reactor: str, steps: tuple[int, ...]) -> None:
    with site() as base:
        for step in steps:
            assert run(base, tmp_path, reactor, step).returncode == -signal.SIGKILL
        done = run(base, tmp_path, reactor)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split()[:2] == ["finished", "7"]
    kinds, urls, counts = kept(tmp_path)
    assert kinds == WHOLE
    assert max(count for url, count in urls.items() if url.startswith("page")) == 1
    assert (counts.pending, counts.leased, counts.failed) == (0, 0, 0)


def test_a_finished_job_has_nothing_left_to_do(tmp_path: Path) -> None:
    with site() as base:
        run(base, tmp_path)
        before = kept(tmp_path)

        again = run(base, tmp_path)

    assert again.returncode == 0
    assert again.stdout.split() == ["finished", "7", "4"]  # the steps of start()
    assert kept(tmp_path) == before
