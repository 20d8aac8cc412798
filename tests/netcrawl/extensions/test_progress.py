from __future__ import annotations

import json
import os
import re
from contextlib import closing
from signal import SIGINT
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest

from netcrawl.extensions.progress import LiveProgress, progress_line
from netcrawl.extensions.tally import Progress
from sockettools.practice import PracticeServer
from tests.crawling import crawl
from tests.servers.scripted import Client, ScriptedServer
from tests.terminals import PATIENCE, Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LINE = re.compile(r"^links  [\d,]+/[\d,]+ pages  [\d,]+ items")


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with PracticeServer() as server:
        yield f"{server.url}site/300/"


def progress(**figures: Any) -> Progress:
    defaults: dict[str, Any] = {
        "pages": 1234,
        "known": 5678,
        "items": 9,
        "octets": 1_200_000,
        "errors": 1,
        "seconds": 60.0,
        "rate": 20.54,
        "seconds_left": None,
        "slowest": None,
    }
    return Progress(**{**defaults, **figures})


@pytest.mark.parametrize(
    ("given", "width", "line"),
    [
        pytest.param(
            progress(slowest=("a.example", 1.234), seconds_left=225.0),
            100,
            "words  1,234/5,678 pages  9 items  20.5/s  1.2 MB  1 error  3:45 left  "
            "slowest: a.example 1.23 s",
            id="all there is",
        ),
        pytest.param(
            progress(), 100, "words  1,234/5,678 pages  9 items  20.5/s  1.2 MB  1 error", id="less"
        ),
        pytest.param(
            progress(slowest=("a.example", 1.234), seconds_left=225.0),
            79,
            "words  1,234/5,678 pages  9 items  20.5/s  1.2 MB  1 error  3:45 left",
            id="80 columns",
        ),
        pytest.param(progress(), 40, "words  1,234/5,678 pages  1 error", id="narrow"),
        pytest.param(progress(), 24, "words  1,234/5,678 pages", id="very narrow"),
        pytest.param(progress(), 10, "words  1,2", id="too narrow"),
        pytest.param(progress(), 0, "", id="no room"),
        pytest.param(
            progress(errors=0), 40, "words  1,234/5,678 pages  0 errors", id="none is several"
        ),
    ],
)
def test_the_line_fits(given: Progress, width: int, line: str) -> None:
    assert progress_line("words", given, width) == line


def test_a_line_is_drawn_and_gone_at_the_end(site: str, tmp_path: Path) -> None:
    feed = tmp_path / "links.json"
    with closing(Terminal("scrapy", "crawl", "links", "-a", f"url={site}", "-a", "depth=9",
                          "-O", feed, columns=160)) as terminal:  # fmt: skip
        terminal.wait_until(
            lambda lines: bool(lines) and bool(LINE.match(lines[-1])) and "slowest: 1" in lines[-1]
        )
        assert terminal.wait() == 0

    assert not any(LINE.match(line) for line in terminal.lines)
    assert terminal.has_cursor
    happened, output, what_next = terminal.lines[-3:]
    assert re.fullmatch(
        r"Finished after 0:\d\d: 3\d\d pages, [\d,]+ items, [\d.]+ [kM]B, no error", happened
    )
    assert re.fullmatch(rf"Output: {feed} \([\d.]+ [kM]B\)", output)
    assert what_next == f"Next: scrapy report {feed} -O report.html"


def test_log_lines_stay_whole(site: str) -> None:
    # The log is wider than the terminal, which wraps it, as it would without the line.
    with closing(Terminal("scrapy", "crawl", "links", "-a", f"url={site}", "-a", "depth=1",
                          "-L", "DEBUG", columns=60)) as terminal:  # fmt: skip
        assert terminal.wait() == 0

    seen = [
        line
        for line in terminal.raw.decode().replace("\x1b", "\n").split("\n")
        if "DEBUG: Crawled (200)" in line
    ]
    assert len(seen) > 10
    assert all(line.rstrip().endswith("(referer: None)") or "site/300/" in line for line in seen)
    assert all(re.search(r"<GET \S+> \(referer: \S+\)\r?$", line) for line in seen)


@pytest.mark.parametrize("times", [1, 2])
def test_control_c_leaves_the_terminal_as_it_was(times: int) -> None:
    pressed = Event()

    def wait(client: Client) -> None:
        client.read_request()
        pressed.wait(PATIENCE)
        client.send(b"HTTP/1.1 204 No Content\r\n\r\n")
        client.wait_for_end()

    with (
        ScriptedServer(wait) as server,
        closing(Terminal("scrapy", "crawl", "links", "-a", f"url={server.url}/",
                         "-s", "ROBOTSTXT_OBEY=0", columns=160)) as terminal,
    ):  # fmt: skip
        terminal.wait_until(lambda lines: bool(lines) and bool(LINE.match(lines[-1])))
        terminal.press_control_c()
        terminal.wait_until(lambda lines: any("Received SIGINT" in line for line in lines))
        if times == 2:
            terminal.press_control_c()
        else:
            pressed.set()
        assert terminal.wait() == 130
        pressed.set()

    assert_interrupted(terminal)


class PressControlC(LiveProgress):
    """Does so when the spider is opened: Scrapy then stops at once."""

    def spider_opened(self) -> None:
        super().spider_opened()
        os.kill(os.getpid(), SIGINT)


def test_control_c_while_the_spider_is_opened(site: str) -> None:
    its_own, ours = (f"{c.__module__}.{c.__name__}" for c in (LiveProgress, PressControlC))
    extensions = json.dumps({its_own: None, ours: 0})
    with closing(Terminal("scrapy", "crawl", "links", "-a", f"url={site}",
                          "-s", f"EXTENSIONS={extensions}", columns=160)) as terminal:  # fmt: skip
        assert terminal.wait() == 130

    assert_interrupted(terminal)


def assert_interrupted(terminal: Terminal) -> None:
    happened, output, what_next = terminal.lines[-4:-1]
    assert happened.startswith("Interrupted after 0:")
    assert output == "Output: none was asked for"
    assert what_next == "Next: with -s JOBDIR=jobs/links, a crawl that was stopped can go on"
    assert terminal.has_cursor
    assert not any(LINE.match(line) for line in terminal.lines)


def test_a_large_download_has_its_own_line(tmp_path: Path) -> None:
    def serve_half(client: Client) -> None:
        client.read_request()
        client.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4000000\r\n\r\n" + bytes(2_000_000))
        client.wait_for_end()

    with (
        ScriptedServer(serve_half) as server,
        closing(Terminal("scrapy", "crawl", "files", "-a", f"url={server.url}/big.zip",
                         "-s", "ROBOTSTXT_OBEY=0", "-a", f"store={tmp_path}",
                         columns=120)) as terminal,
    ):  # fmt: skip
        lines = terminal.wait_until(
            lambda lines: any(
                line.startswith("big.zip") and "2.0 MB of 4.0 MB" in line for line in lines
            )
        )
        assert lines[-1].startswith("files  ")


def test_it_can_be_switched_off(site: str) -> None:
    with closing(Terminal("scrapy", "crawl", "links", "-a", f"url={site}",
                          "-s", "PROGRESS=0", columns=160)) as terminal:  # fmt: skip
        assert terminal.wait() == 0

    assert b"\x1b[?25l" not in terminal.raw
    assert "Finished after" not in terminal.raw.decode()


def test_nothing_is_drawn_where_standard_error_is_no_terminal(site: str) -> None:
    result = crawl("links", "-a", f"url={site}")

    assert result.status == 0
    assert "\x1b" not in result.stderr
    assert "Finished after" not in result.stderr
