"""Jobs as a person sees them."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import re
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from netcrawl.frontier.folder import FRONTIER, JobFolder
from tests.crawling import ROOT, read_json
from tests.machine import needs_dev_full
from tests.netcrawl.commands.made_jobs import begin, fill
from tests.netcrawl.commands.running import jobs
from tests.netcrawl.feeds.values import names
from tests.terminals import start_at_terminal

if TYPE_CHECKING:
    from pathlib import Path


def on_a_terminal(answer: str, columns: int, *arguments: object) -> tuple[int, str]:
    """Run it on a terminal of that width, and type the answer; return status and output."""
    ours, theirs = pty.openpty()
    try:
        process = start_at_terminal(
            [sys.executable, "-m", "scrapy", "jobs", *map(str, arguments)],
            theirs,
            env={**os.environ, "COLUMNS": str(columns)},
        )
    finally:
        os.close(theirs)
    with process, open(ours, "wb", buffering=0, closefd=False) as keyboard:
        keyboard.write(answer.encode())
        output = b""
        try:
            while data := os.read(ours, 65536):
                output += data
        except OSError:  # the other end is closed
            pass
    os.close(ours)
    return process.returncode, output.decode()


def test_the_table(tmp_path: Path) -> None:
    fill(tmp_path / "b" / "stopped", "shutdown", items=1234)
    fill(tmp_path / "a-finished", failures=0)
    fill(tmp_path / "c-killed", None)
    (tmp_path / "d-broken").mkdir()
    (tmp_path / "d-broken" / FRONTIER).write_text("no database")
    (tmp_path / "e-other").mkdir()
    (tmp_path / ".hidden").mkdir()
    running = begin(tmp_path / "f-running")
    try:
        done = jobs(tmp_path)
    finally:
        running.close()

    assert (done.status, done.stderr) == (0, "")
    heading, *rows = done.stdout.splitlines()
    assert re.sub(" +", " ", heading) == (
        "folder spider state done pending failed items size last activity arguments"
    )
    cells = [re.split(r" {2,}", row, maxsplit=9) for row in rows]
    assert [[cell[0].removeprefix(f"{tmp_path}/"), *cell[1:7]] for cell in cells] == [
        ["a-finished", "words", "finished", "2", "1", "0", "2"],
        ["b/stopped", "words", "stopped", "2", "1", "1", "1,234"],
        ["c-killed", "words", "killed", "2", "1", "1", "2"],
        ["d-broken", "-", "broken", "-", "-", "-", "-"],
        ["f-running", "words", "running", "2", "1", "1", "2"],
    ]
    assert cells[0][9] == r"url=http://h/\x1b depth=2"
    assert "is not a database" in cells[3][9]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", cell[8]) for cell in cells)
    # Numbers are aligned to the right: they end where their heading does.
    for name in ("done", "pending", "failed", "items", "size"):
        end = heading.index(name) + len(name)
        assert all(row[end - 1] != " " and row[end] == " " for row in rows)


def test_the_table_fits_a_terminal(tmp_path: Path) -> None:
    fill(tmp_path / "x")

    status, output = on_a_terminal("", 90, tmp_path)

    assert status == 0
    lines = output.splitlines()
    assert len(lines) == 2
    assert max(map(len, lines)) == 90


def test_json(tmp_path: Path) -> None:
    fill(tmp_path / "a", "shutdown")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / FRONTIER).touch()

    done = jobs(tmp_path, "--json")

    first, second = map(json.loads, done.stdout.splitlines())
    assert first["folder"] == str(tmp_path / "a")
    assert (first["spider"], first["arguments"]["depth"]) == ("words", "2")
    assert (first["state"], first["reason"]) == ("stopped", "shutdown")
    assert [first[name] for name in ("done", "pending", "failed", "items")] == [2, 1, 1, 2]
    assert second["state"] == "broken"
    assert second["active"] >= first["created"]
    assert "is empty" in second["reason"]


def test_nothing_to_list(tmp_path: Path) -> None:
    done = jobs(tmp_path)

    assert (done.status, done.stdout) == (0, "")
    assert done.stderr == f"scrapy jobs: there are no jobs in {tmp_path}\n"


def test_to_look_changes_nothing(tmp_path: Path) -> None:
    fill(tmp_path / "x", None)
    before = (tmp_path / "x" / FRONTIER).read_bytes()

    jobs(tmp_path)
    jobs("show", tmp_path / "x")

    assert (tmp_path / "x" / FRONTIER).read_bytes() == before


def test_show(tmp_path: Path) -> None:
    fill(tmp_path / "x", "shutdown", failures=2)

    done = jobs("show", tmp_path / "x")

    assert (done.status, done.stderr) == (0, "")
    for line in (
        f"folder:        {tmp_path}/x",
        "spider:        words",
        r"arguments:     url=http://h/\x1b depth=2",
        "state:         stopped (shutdown)",
        "pages:         2 done, 1 pending, 2 failed",
        "items:         2",
    ):
        assert line in done.stdout.splitlines()
    assert done.stdout.endswith(
        "\n\nhttp://h/0\n    ValueError: no \\x1b[2Jprice\n"
        "http://h/1\n    ValueError: no \\x1b[2Jprice\n"
    )


def test_show_with_tracebacks(tmp_path: Path) -> None:
    fill(tmp_path / "x")

    done = jobs("show", "-v", tmp_path / "x")

    assert done.stdout.endswith(
        "http://h/0\n"
        "    Traceback (most recent call last):\n"
        '      File "spider.py", line 3, in parse\n'
        '        raise ValueError("no \\x1b[2Jprice")\n'
        "    ValueError: no \\x1b[2Jprice\n"
    )


def test_show_a_running_job(tmp_path: Path) -> None:
    folder = begin(tmp_path / "x")
    try:
        done = jobs("show", tmp_path / "x")
    finally:
        folder.close()

    assert f"state:         running (process {os.getpid()})" in done.stdout


def test_show_a_broken_job(tmp_path: Path) -> None:
    fill(tmp_path / "x")
    path = tmp_path / "x" / FRONTIER
    path.write_bytes(path.read_bytes()[:5000])

    done = jobs("show", tmp_path / "x")

    assert (done.status, done.stderr) == (1, "")
    assert "state:         broken: " in done.stdout
    assert "is cut off at 5000 of" in done.stdout


def test_retry_failed(tmp_path: Path) -> None:
    folder = tmp_path / "x"
    fill(folder, failures=2)

    done = jobs("retry-failed", folder)

    assert (done.status, done.stderr) == (0, "")
    first, second = done.stdout.splitlines()
    assert first == "2 requests will be tried again when the job goes on:"
    assert second.startswith("  scrapy crawl words -a 'url=http://")
    assert second.endswith(f"-a depth=2 -s JOBDIR={folder}")
    (job,) = map(json.loads, jobs("show", "--json", folder).stdout.splitlines())
    assert (job["state"], job["pending"], job["failed"]) == ("stopped", 3, 0)
    assert jobs("retry-failed", folder).stdout == "no request has failed\n"


@pytest.mark.parametrize("task", [("retry-failed",), ("reset", "--yes")])
def test_a_running_job_is_left_alone(task: tuple[str, ...], tmp_path: Path) -> None:
    folder = begin(tmp_path / "x")
    try:
        done = jobs(*task, tmp_path / "x")
        counts = folder.store.counts()
    finally:
        folder.close()

    assert (done.status, done.stdout) == (1, "")
    assert done.stderr == f"scrapy jobs: {tmp_path}/x is in use by process {os.getpid()}\n"
    assert counts.failed == 1


def test_reset(tmp_path: Path) -> None:
    folder = tmp_path / "x"
    fill(folder)
    (folder / "mine").touch()

    done = jobs("reset", "--yes", folder)

    assert (done.status, done.stderr) == (0, "")
    assert done.stdout == f"forgotten: {folder}: 2 pages and 2 items\n"
    assert names(folder) == ["lock", "mine"]
    fill(folder)  # a new job finds nothing in its way


@pytest.mark.parametrize(
    ("answer", "status", "is_there"),
    [
        pytest.param("y\n", 0, False, id="yes"),
        pytest.param("n\n", 1, True, id="no"),
        pytest.param("\n", 1, True, id="nothing"),
        pytest.param("\x04", 1, True, id="end"),
    ],
)
def test_reset_asks(answer: str, status: int, is_there: bool, tmp_path: Path) -> None:
    folder = tmp_path / "x"
    fill(folder)

    found, output = on_a_terminal(answer, 200, "reset", folder)

    assert f"Forget {folder}: 2 pages and 2 items? [y/N] " in output
    assert found == status
    assert (folder / FRONTIER).exists() is is_there


def test_reset_without_anyone_to_ask(tmp_path: Path) -> None:
    fill(tmp_path / "x")

    done = jobs("reset", tmp_path / "x")

    assert (done.status, done.stdout) == (2, "")
    assert done.stderr.startswith("scrapy jobs: reset asks before it forgets a job")
    assert (tmp_path / "x" / FRONTIER).exists()


def test_reset_of_a_damaged_job(tmp_path: Path) -> None:
    folder = tmp_path / "x"
    fill(folder)
    (folder / FRONTIER).write_text("no database")

    done = jobs("reset", "--yes", folder)

    assert done.status == 0
    assert not (folder / FRONTIER).exists()


def test_another_programs_database_is_not_ours_to_remove(tmp_path: Path) -> None:
    path = tmp_path / FRONTIER
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE mine (x)")
    connection.commit()
    connection.close()
    before = path.read_bytes()

    done = jobs("reset", "--yes", tmp_path)

    assert (done.status, done.stdout) == (1, "")
    assert "is another program's database" in done.stderr
    assert path.read_bytes() == before


WORDS = [{"word": "w0", "count": "0"}, {"word": "w1", "count": "1"}]


@pytest.mark.parametrize("is_running", [False, True])
def test_export(is_running: bool, tmp_path: Path) -> None:
    folder, feed = tmp_path / "x", tmp_path / "words.csv"
    feed.write_text("before")
    job = begin(folder)
    try:
        if not is_running:
            job.close()
        done = jobs("export", folder, "-O", feed)
    finally:
        if is_running:
            job.close()

    assert (done.status, done.stdout, done.stderr) == (0, "", "")
    assert list(csv.DictReader(io.StringIO(feed.read_text()))) == WORDS
    assert names(tmp_path) == ["words.csv", "x"]


def test_export_appends_each_time(tmp_path: Path) -> None:
    folder, feed = tmp_path / "x", tmp_path / "words.feed"
    fill(folder)

    for _ in range(2):
        assert jobs("export", folder, "-o", feed, "-t", "json").status == 0

    assert [word["word"] for word in read_json(feed)] == ["w0", "w1", "w0", "w1"]


def test_export_to_standard_output_and_in_batches(tmp_path: Path) -> None:
    fill(tmp_path / "x")

    printed = jobs("export", tmp_path / "x", "-O", "-:jsonlines")
    done = jobs(
        *("export", tmp_path / "x", "-O", tmp_path / "%(name)s-%(batch_id)d.json"),
        *("-s", "FEED_EXPORT_BATCH_ITEM_COUNT=1"),
    )

    assert [json.loads(line)["word"] for line in printed.stdout.splitlines()] == ["w0", "w1"]
    assert (printed.status, printed.stderr) == (0, "")
    assert (done.status, done.stderr) == (0, "")
    assert names(tmp_path) == ["words-1.json", "words-2.json", "x"]
    assert read_json(tmp_path / "words-2.json") == [{"word": "w1", "count": 1}]


def test_export_of_an_item_whose_class_is_gone(tmp_path: Path) -> None:
    folder, feed = tmp_path / "x", tmp_path / "words.json"
    feed.write_text("before")
    fill(folder)
    job = JobFolder(folder)
    job.store.add_item(b"cnetcrawl.items\nLost\n.")
    job.close()

    done = jobs("export", folder, "-O", feed)

    assert (done.status, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("scrapy jobs: no feed was written: an item cannot be read (Attribute")
    assert "'Lost'" in line
    assert feed.read_text() == "before"
    assert names(tmp_path) == ["words.json", "x"]


@needs_dev_full
@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("/dev/full:json", "No space left on device"),
        ("{folder}/lock/x.json", "Not a directory"),
        ("foo://h/x.json", "the log says why"),
    ],
)
def test_a_feed_that_cannot_be_written(target: str, reason: str, tmp_path: Path) -> None:
    fill(tmp_path / "x")

    done = jobs("export", tmp_path / "x", "-O", target.format(folder=tmp_path / "x"))

    assert done.status in (1, 2)
    assert done.stderr.splitlines()[-1].startswith("scrapy jobs: ")
    assert reason in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_the_reader_of_a_list_may_leave(tmp_path: Path) -> None:
    fill(tmp_path / "x")

    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m scrapy jobs {tmp_path} --json | true"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("show",), "show takes one folder, not 0"),
        (("show", "{0}", "{0}"), "show takes one folder, not 2"),
        (("shwo", "{0}"), "there is no task 'shwo': did you mean show?"),
        (("{0}/none",), "there is no folder {0}/none"),
        (("show", "{0}"), "{0} is not the folder of a job"),
        (("--yes",), "--yes is not for list"),
        (("show", "{0}", "-O", "x.json"), "-O is not for show"),
        (("export", "{0}", "--json"), "--json is not for export"),
        (("export", "{0}"), "say where to: -O FILE, or -o FILE to append"),
        (("export", "{0}", "-x"), "there is no option -x: see scrapy jobs --help"),
        (("export", "{0}/x", "-O", "x.foo"), "Unrecognized output format 'foo'"),
        (("export", "{0}/x", "-O", "x", "-t", "foo"), "Unrecognized output format"),
        (("export", "{0}/x", "-O", "x.csv", "-o", "y.csv"), "Please use only one of -o"),
    ],
)
def test_wrong_usage_is_one_line_and_2(
    arguments: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    fill(tmp_path / "x")

    done = jobs(*(word.format(tmp_path) for word in arguments))

    assert (done.status, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"scrapy jobs: {message.format(tmp_path)}")
