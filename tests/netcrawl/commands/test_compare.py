from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from netcrawl.compare.result import from_json
from sockettools.practice import PracticeServer
from tests.crawling import ROOT
from tests.netcrawl.commands.running import COMPARE, compare
from tests.patience import SECONDS
from tests.servers.scripted import ScriptedServer, answer

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.scripted import Client


def test_without_a_url_it_is_the_practice_web() -> None:
    done = compare("--runs", "1")

    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert re.fullmatch(r"http://127\.0\.0\.1:[0-9]+/page1\.htm", lines[0])
    assert lines[2].startswith("The same answer in all ")
    assert max(map(len, lines)) <= 80


@pytest.mark.soak
def test_json_is_all_of_standard_output() -> None:
    with PracticeServer() as web:
        urls = [f"{web.url}{path}" for path in ("romeo.txt", "status/404")]
        done = compare("--runs", "1", "--json", *urls)

    assert (done.returncode, done.stderr) == (0, "")
    comparison = from_json(done.stdout)
    assert [page.url for page in comparison.pages] == urls
    answers = [way.answer for page in comparison.pages for way in page.ways]
    assert {one.status for one in answers if one} == {200, 404}
    assert comparison.runs == 1


@pytest.mark.soak
def test_a_page_is_written_too(tmp_path: Path) -> None:
    path = tmp_path / "page.html"

    done = compare("--runs", "1", "--html", str(path))

    assert (done.returncode, done.stderr) == (0, "")
    assert "The same answer in all " in done.stdout
    page = path.read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "The conversations" in page
    assert page.count('<details class="conversation"') >= 5


@pytest.mark.parametrize(
    ("arguments", "heading"),
    [
        pytest.param(("--job", "words"), "The programs", id="job"),
        pytest.param(("--server",), "The echo server", id="server", marks=pytest.mark.soak),
    ],
)
@pytest.mark.soak
def test_a_page_of_what_things_cost(
    arguments: tuple[str, ...], heading: str, tmp_path: Path
) -> None:
    path = tmp_path / "page.html"

    done = compare("--runs", "1", *arguments, "--html", str(path))

    assert (done.returncode, done.stderr) == (0, "")
    assert heading in path.read_text(encoding="utf-8")


@pytest.mark.soak
def test_a_page_that_cannot_be_written_is_told_after_what_was_found(tmp_path: Path) -> None:
    (tmp_path / "page.html.part").mkdir()

    done = compare("--runs", "1", "--html", str(tmp_path / "page.html"))

    assert done.returncode == 1
    assert "The same answer in all " in done.stdout
    assert re.fullmatch(r"scrapy compare: .*/page\.html cannot be written: .*\n", done.stderr)


@pytest.mark.soak
def test_another_answer_is_a_failure() -> None:
    def serve(client: Client) -> None:
        request = client.read_request()
        assert request is not None
        client.send(answer((request.field("User-Agent") or "nobody").encode()))

    with ScriptedServer(serve) as server:
        done = compare("--runs", "1", "-s", "ROBOTSTXT_OBEY=False", f"{server.url}/")

    assert (done.returncode, done.stderr) == (1, "")
    assert "NOT the same answer: urllib, Twisted, Scrapy" in done.stdout
    assert "body, octet 0, line 1" in done.stdout
    assert "NOT COMPARABLE" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        pytest.param(["spam"], "URL 'spam': it does not begin with http:// or https://", id="url"),
        pytest.param(["http://u:p@h/"], "it has a user name or password", id="password"),
        pytest.param(["--runs", "0"], "--runs is '0', expected a whole number", id="no-runs"),
        pytest.param(["--runs", "x"], "--runs is 'x', expected a whole number", id="runs"),
        pytest.param(["--max-time", "nan"], "--max-time is 'nan', expected seconds", id="nan"),
        pytest.param(["--max-time", "0"], "--max-time is '0', expected seconds", id="no-time"),
        pytest.param(["--spam"], "there is no option --spam", id="option"),
        pytest.param(["--html", "."], "--html takes the name of a file, not '.'", id="folder"),
        pytest.param(["--html", ""], "--html takes the name of a file, not ''", id="no-name"),
        pytest.param(
            ["--html", "no/x.html"], "--html no/x.html: there is no such folder", id="no-folder"
        ),
        pytest.param(["-s", "SPAM", "http://h/"], "", id="setting"),
    ],
)
def test_a_wrong_command_is_one_line(arguments: list[str], problem: str) -> None:
    done = compare(*arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert problem in done.stderr
    if problem:
        assert done.stderr.startswith("scrapy compare: ")
        assert done.stderr.count("\n") == 1


@pytest.mark.soak
def test_a_server_that_hangs_is_not_waited_for() -> None:
    def hang(client: Client) -> None:
        client.read_request()
        client.wait_for_end()

    with ScriptedServer(hang) as server:
        done = compare("--runs", "1", "--max-time", "2", f"{server.url}/")

    assert (done.returncode, done.stderr) == (1, "")
    assert "No answer, whichever way: no answer in 2 seconds." in done.stdout


@pytest.mark.soak
def test_who_reads_no_further_is_no_failure() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with PracticeServer() as web, os.fdopen(writer, "wb") as output:
        done = subprocess.run(
            [*COMPARE, "--runs", "1", "--json", f"{web.url}romeo.txt"],
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.PIPE,
            timeout=SECONDS,
            check=False,
        )

    assert (done.returncode, done.stderr) == (0, b"")
