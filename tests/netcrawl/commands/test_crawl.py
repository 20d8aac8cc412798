"""The exit status, and the line that goes with it."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.crawling import ROOT, Crawl, crawl, read_json, start_crawl
from tests.machine import needs_dev_full
from tests.servers.pages import PageServer

if TYPE_CHECKING:
    from pathlib import Path

OTHERS = ("-s", "SPIDER_MODULES=tests.netcrawl.commands.other_spiders")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "name a spider: there are files, follow, images, links, words"),
        (("folow",), "there is no spider 'folow': did you mean follow?"),
        (("x",), "there is no spider 'x': there are files, follow, images, links, words"),
        (("follow", "x"), "one spider at a time, not 2: follow x"),
        (("follow", "--foo"), "there is no option --foo: see scrapy crawl --help"),
        (("follow", "-a", "x"), "Invalid -a value, use -a NAME=VALUE"),
        (("follow", "-s", "x"), "Invalid -s value, use -s NAME=VALUE"),
        (("follow", "-a", "positon=3"), "there is no argument 'positon': did you mean position?"),
        (("follow", "-a", "position=0"), "position='0' cannot be used: it takes a whole number"),
        (("follow", "-a", "count=x"), "count='x' cannot be used: it takes a whole number"),
        (("follow", "-a", "url=foo"), "url='foo' cannot be used: it does not begin with http"),
        (("follow", "-a", "url=http://[x"), "url='http://[x' cannot be used: it is malformed"),
        (("follow", "-O", "x.foo"), "Unrecognized output format 'foo'"),
        (("follow", "-L", "BOGUS"), "there is no log level 'BOGUS': there are CRITICAL"),
        (("follow", "-s", "SPIDER_MODULES=nope"), "SPIDER_MODULES: there is no module 'nope'"),
        (("follow", "-a", "url=http://h/\udcff"), "url='http://h/\\udcff' cannot be used: it has"),
    ],
)
def test_wrong_usage_is_one_line_and_2(arguments: tuple[str, ...], message: str) -> None:
    done = crawl(*arguments)

    assert (done.status, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"scrapy crawl: {message}")


@pytest.mark.parametrize("option", ["--logfile", "--pidfile"])
def test_a_file_that_cannot_be_written_is_one_line(option: str, tmp_path: Path) -> None:
    path = tmp_path / "none" / "file"

    done = crawl("follow", option, path)

    assert (done.status, done.stdout) == (1, "")
    assert done.stderr == f"scrapy crawl: {path} cannot be written: No such file or directory\n"


@pytest.mark.parametrize(
    ("redirection", "status"),
    [
        pytest.param("2>&-", 0, id="standard error"),
        pytest.param("<&-", 0, id="standard input"),
        pytest.param(">&-", 1, id="standard output: the answer goes nowhere"),
        pytest.param("-o -:json >&-", 2, id="standard output: the feed would go nowhere"),
    ],
)
def test_closed_streams(redirection: str, status: int) -> None:
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m scrapy crawl follow --nolog {redirection}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == status
    assert len(done.stderr.splitlines()) == (1 if status else 0)


def test_wrong_usage_leaves_the_feed_of_an_earlier_crawl(tmp_path: Path) -> None:
    feed = tmp_path / "names.json"
    feed.write_text("[]")

    assert crawl("follow", "-a", "position=0", "-O", feed).status == 2
    assert feed.read_text() == "[]"


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(("--nolog",), id="no log"),
        pytest.param(("--logfile", "LOG"), id="log in a file"),
        pytest.param(("-L", "CRITICAL"), id="log without errors"),
    ],
)
def test_the_problem_is_on_standard_error_wherever_the_log_goes(
    options: tuple[str, ...], tmp_path: Path
) -> None:
    log = tmp_path / "crawl.log"

    done = crawl(
        "follow", "-a", "position=101", *(word.replace("LOG", str(log)) for word in options)
    )

    assert done.status == 1
    message = r"page http://\S+ has 100 links, position 101 does not exist"
    assert re.fullmatch(f"scrapy crawl: {message}\n", done.stderr)
    if log.exists():
        assert re.search(f"ERROR: {message}\n$", log.read_text())


def test_the_log_has_the_problem_once() -> None:
    done = crawl("follow", "-a", "position=101")

    assert done.stderr.count("position 101 does not exist") == 1


def other(name: str, *arguments: str) -> Crawl:
    with PageServer({"/": "<title>x</title>"}) as server:
        return crawl(name, *OTHERS, "-a", f"url={server.url}/", *arguments)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("raising", "callbacks or pipelines raised an exception; the log has the traceback"),
        ("closing", "the crawl was closed early (bandwidth_exceeded)"),
    ],
)
def test_somebody_elses_spider_that_fails(name: str, problem: str) -> None:
    done = other(name)

    assert done.status == 1
    assert done.last_line.endswith(f"[{name}] ERROR: {problem}")


def test_somebody_elses_spider_that_does_its_job() -> None:
    done = other("other")

    assert (done.status, done.stdout) == (0, "")


def test_a_spider_that_asks_for_nothing_did_its_job() -> None:
    assert crawl("idle", *OTHERS).status == 0


def test_what_was_there_before_is_not_looked_through_for_garbage(tmp_path: Path) -> None:
    feed = tmp_path / "feed.jsonl"

    done = other("frozen", "-O", str(feed))

    assert done.status == 0
    assert json.loads(feed.read_text())["objects"] > 10_000


def test_a_pipeline_that_fails() -> None:
    pipeline = "tests.netcrawl.commands.other_spiders.FailingPipeline"

    done = other("other", "-s", "ITEM_PIPELINES=" + json.dumps({pipeline: 1}))

    assert done.status == 1
    assert "callbacks or pipelines raised an exception" in done.last_line


def test_a_spider_that_reaches_nothing() -> None:
    done = crawl("other", *OTHERS, "-a", "url=http://127.0.0.1:1/", "-s", "RETRY_TIMES=0")

    assert done.status == 1
    assert "no page could be retrieved" in done.last_line
    assert "Traceback" not in done.stderr


def test_a_spider_that_cannot_start() -> None:
    done = crawl("raising-at-start", *OTHERS)

    assert done.status == 1
    assert "callbacks or pipelines raised an exception" in done.last_line


def test_a_spider_that_cannot_be_made_is_a_bug_with_its_traceback() -> None:
    done = crawl("broken", *OTHERS)

    assert done.status == 1
    assert "the crawl could not be started: no such luck" in done.last_line
    assert done.stderr.count("Traceback") == 1


def test_a_limit_of_scrapys_is_named() -> None:
    done = crawl("follow", "-s", "CLOSESPIDER_PAGECOUNT=3")

    assert done.status == 1
    assert re.search(
        r"stopped before step 7 \(closespider_pagecount\): http\S+ was not retr", done.last_line
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_keeps_what_was_scraped(number: signal.Signals, tmp_path: Path) -> None:
    feed = tmp_path / "names.json"
    with start_crawl("follow", "-s", "DOWNLOAD_DELAY=2", "-O", feed) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.rstrip().endswith("known_by_Skyler.html"):
                # The delay keeps the next page away for a second at least.
                process.send_signal(number)
                break
        output, errors = process.communicate(timeout=60)

    assert (process.returncode, output) == (130, "")
    assert errors.splitlines()[-1].endswith("interrupted; what was scraped so far is kept")
    assert "Traceback" not in errors
    assert read_json(feed)[0]["title"] == "People that Samuel knows"


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param("TWISTED_REACTOR_ENABLED=False", id="no reactor"),
        pytest.param("FORCE_CRAWLER_PROCESS=True", id="Deferreds"),
    ],
)
@pytest.mark.parametrize(("position", "status"), [(18, 0), (101, 1)])
def test_every_way_that_scrapy_runs(settings: str, position: int, status: int) -> None:
    assert crawl("follow", "-s", settings, "-a", f"position={position}").status == status


def test_the_answer_is_not_mixed_into_a_feed_on_standard_output() -> None:
    done = crawl("follow", "-o", "-:json")

    assert done.status == 0
    assert len(json.loads(done.stdout)) == 8


@needs_dev_full
def test_an_answer_that_cannot_be_written() -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = crawl("follow", stdout=full)

    assert done.status == 1
    assert done.last_line == (
        "scrapy crawl: cannot write to standard output: No space left on device"
    )


def test_scrapy_shows_the_command_and_its_options() -> None:
    listing, own, stock = (
        subprocess.run(
            [sys.executable, "-m", "scrapy", *arguments],
            cwd=cwd,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for arguments, cwd in (
            ((), ROOT),
            (("crawl", "--help"), ROOT),
            (("runspider", "--help"), ROOT),
        )
    )

    assert "the exit status tells whether it did its job" in listing
    options = re.compile(r"--[\w-]+")
    assert set(options.findall(own)) >= set(options.findall(stock))
