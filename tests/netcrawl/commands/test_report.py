"""Reports as a person asks for them."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import bs4
import pytest

from netcrawl.frontier.folder import FRONTIER
from netcrawl.report import writing
from tests.crawling import ROOT
from tests.machine import needs_dev_full
from tests.netcrawl.commands.made_jobs import fill
from tests.netcrawl.commands.running import report

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def feed(tmp_path: Path) -> Path:
    path = tmp_path / "names.json"
    path.write_text(json.dumps([{"step": 0, "url": "http://h/", "text": "", "title": "Start"}]))
    return path


def title(path: Path) -> str:
    page = bs4.BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
    assert page.h1 is not None
    return page.h1.get_text()


def test_a_feed(feed: Path, tmp_path: Path) -> None:
    page = tmp_path / "new" / "report.html"

    done = report(feed, "-O", page)

    assert (done.status, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{page}: ")
    assert done.stdout.endswith(" kB, to be opened in a browser\n")
    assert title(page) == "names.json"
    assert sorted(it.name for it in page.parent.iterdir()) == ["report.html"]


def test_a_job(tmp_path: Path) -> None:
    fill(tmp_path / "job")

    done = report(tmp_path / "job", "-O", tmp_path / "report.html")

    assert done.status == 0
    assert title(tmp_path / "report.html") == "words"


def test_on_standard_output(feed: Path) -> None:
    done = report(feed, "-O", "-")

    assert (done.status, done.stderr) == (0, "")
    assert done.stdout.startswith("<!doctype html>")
    assert done.stdout.endswith("</html>")


def test_a_format_that_the_name_does_not_tell(tmp_path: Path) -> None:
    (tmp_path / "feed").write_text("a,b\n1,2\n")

    assert report(tmp_path / "feed", "-O", tmp_path / "x.html").status == 1
    assert report(tmp_path / "feed", "-t", "csv", "-O", tmp_path / "x.html").status == 0


@pytest.mark.parametrize(
    ("name", "content", "remark"),
    [
        ("f.json", "", "the feed f.json has no items"),
        ("f.jsonl", "\n\n", "the feed f.jsonl has no items"),
        ("f.json", '[{"a": 1}, {"a', "of f.json: it breaks off after 1 item: "),
        ("f.jsonl", '{"a": 1}\n{"a', "of f.jsonl: line 2 is not JSON: "),
        ("\x1b[2J.json", "[]", "the feed \\x1b[2J.json has no items"),
    ],
    ids=["empty", "blank", "broken", "a broken line", "escaped"],
)
def test_a_feed_with_less_than_expected(
    name: str, content: str, remark: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(content)

    done = report(tmp_path / name, "-O", tmp_path / "x.html")

    assert done.status == 0
    assert done.stderr.startswith(f"scrapy report: {remark}")
    assert len(done.stderr.splitlines()) == 1
    assert (tmp_path / "x.html").exists()


def test_a_pipe_is_not_opened(tmp_path: Path) -> None:
    pipe, page = tmp_path / "feed.jsonl", tmp_path / "x.html"
    os.mkfifo(pipe)

    done = report(pipe, "-t", "jsonl", "-O", page)

    assert (done.status, done.stdout) == (2, "")
    assert done.stderr == (
        f"scrapy report: {pipe} is a pipe or a device, not a file: write the feed into a file\n"
    )
    assert not page.exists()


def test_nothing_is_read_of_a_pipe_on_standard_input() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scrapy", "report", "/dev/stdin", "-t", "jsonl", "-O", "-"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        input='{"a": 1}\n',
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("scrapy report: /dev/stdin is a pipe or a device, ")


def test_what_was_there_before_is_replaced_or_stays(feed: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text("before")
    (tmp_path / "broken.json").write_text("not JSON")

    done = report(tmp_path / "broken.json", "-O", page)

    assert done.status == 1
    assert done.stdout == ""
    assert done.stderr == (
        f"scrapy report: {tmp_path}/broken.json is not a feed; a report is made of JSON, JSON lines"
        " or CSV, or of the folder of a job (-t csv if it is CSV)\n"
    )
    assert page.read_text() == "before"

    assert report(feed, "-O", page).status == 0
    assert title(page) == "names.json"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([], "name one feed, or the folder of one job, not 0"),
        (["names.json", "names.json", "-O", "x.html"], "name one feed, or the folder of one job"),
        (["names.json"], "say where to: -O report.html"),
        (["names.json", "-O", "x.html", "--better"], "there is no option --better"),
        (["names.json", "-O", "x.html", "-t", "cvs"], "there is no format 'cvs'"),
        (["names.json", "-O", "x.html", "--store", "nowhere"], "there is no folder nowhere"),
        (["nothing.json", "-O", "x.html"], "there is no nothing.json"),
        ([".", "-O", "x.html"], ". is not the folder of a job"),
        (["job", "-O", "x.html", "-t", "csv"], "-t is for a feed, not for the folder of a job"),
        (["names.json", "-O", "job"], "job is a folder; name a file"),
        (["names.json", "-O", "names.json"], "names.json is what the report is to be made of"),
        (["names.json", "-O", "link.html"], "link.html is what the report is to be made of"),
        (["job", "-O", f"job/{FRONTIER}"], "is what the report is to be made of"),
    ],
)
def test_a_wrong_command(
    arguments: list[str],
    problem: str,
    feed: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fill(tmp_path / "job")
    (tmp_path / "link.html").symlink_to(feed)
    # Without one, Scrapy has no such command.
    (tmp_path / "scrapy.cfg").write_text("[settings]\ndefault = netcrawl.settings\n")
    monkeypatch.chdir(tmp_path)
    before = feed.read_bytes(), (tmp_path / "job" / FRONTIER).read_bytes()

    done = report(*arguments)

    assert (done.status, done.stdout) == (2, "")
    assert done.last_line.startswith("scrapy report: ")
    assert problem in done.last_line
    assert len(done.stderr.splitlines()) == 1
    assert (feed.read_bytes(), (tmp_path / "job" / FRONTIER).read_bytes()) == before
    assert not (tmp_path / "x.html").exists()


def test_a_page_that_cannot_be_written(feed: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    done = report(feed, "-O", tmp_path / "file" / "report.html")

    assert (done.status, done.stdout) == (1, "")
    assert "report.html cannot be written: " in done.last_line
    assert len(done.stderr.splitlines()) == 1


@needs_dev_full
def test_a_full_disk_under_standard_output(feed: Path) -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run(
            [sys.executable, "-m", "scrapy", "report", feed, "-O", "-"],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )

    assert done.returncode == 1
    assert done.stderr == (
        "scrapy report: cannot write to standard output: No space left on device\n"
    )


@pytest.mark.parametrize(
    ("missing", "named"),
    [
        ({"jinja2"}, "Jinja2 is"),
        ({"vl_convert"}, "vl-convert-python is"),
        ({"jinja2", "vl_convert"}, "Jinja2 and vl-convert-python are"),
    ],
)
def test_without_the_extra_a_line_says_what_to_install(
    missing: set[str], named: str, feed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "find_spec", lambda name: None if name in missing else name)

    done = report(feed, "-O", tmp_path / "x.html")

    assert (done.status, done.stdout) == (1, "")
    assert done.stderr == f"scrapy report: {named} missing: pip install '.[report]'\n"
    assert not (tmp_path / "x.html").exists()


def test_the_command_is_there_without_the_extra() -> None:
    code = (
        "import sys; sys.modules.update(dict.fromkeys(['jinja2', 'markupsafe', 'vl_convert']));"
        "import netcrawl.commands.report"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=60, check=True)


def test_a_name_does_not_act_on_a_terminal(tmp_path: Path) -> None:
    done = report(tmp_path / "\x1b[2J.json", "-O", tmp_path / "x.html")

    assert done.status == 2
    assert "\x1b" not in done.stderr


def test_a_closed_standard_output_is_told_in_a_line(feed: Path) -> None:
    done = subprocess.run(
        f"exec {shlex.join([sys.executable, '-m', 'scrapy', 'report', str(feed), '-O', '-'])} >&-",
        shell=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr == "scrapy report: cannot write to standard output: it is closed\n"
