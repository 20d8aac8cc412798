from __future__ import annotations

import json
from argparse import ArgumentParser
from io import StringIO

import pytest
from scrapy.exceptions import UsageError

from netcrawl.commands.compare_costs import add_options, costs_task, print_costs
from netcrawl.compare.jobs import JobComparison, JobWay
from netcrawl.compare.servers import ServerComparison

URL = "http://127.0.0.1:1/"


def task(line: str, *, max_time: float | None = None) -> object:
    parser = ArgumentParser()
    parser.add_argument("urls", nargs="*")
    add_options(parser)
    opts = parser.parse_args(line.split())
    return costs_task(opts, opts.urls, 3, max_time, ())


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("--server --job words", "--server and --job are two comparisons: give one"),
        (f"--server {URL}", f"--server takes no URL, and there is {URL}"),
        ("--job wrods", "there is no job 'wrods': did you mean words?"),
        ("--job x", "there is no job 'x': there are follow, words, links, images, crawl"),
        (f"--job words {URL} {URL}", "--job takes one URL, not 2"),
        ("--job words --count 3", "--count goes with --job follow"),
        ("--job words --position 3", "--position goes with --job follow"),
        ("--job follow --pages 3", "--pages goes with --job crawl"),
        ("--server --pages 3", "--pages goes with --job crawl"),
        ("--count 3", "--count goes with --job follow"),
        (
            f"--job crawl --pages 3 {URL}",
            "--pages is for the practice web's site: leave it out, or the URL",
        ),
        (
            "--job follow --count 0",
            "--count '0' cannot be used: it takes a whole number from 1 to 999999999",
        ),
        (
            "--job crawl --pages 10001",
            "--pages '10001' cannot be used: at most 10,000 pages",
        ),
    ],
)
def test_a_wrong_command_is_told_in_a_line(line: str, problem: str) -> None:
    with pytest.raises(UsageError) as caught:
        task(line)

    assert str(caught.value) == problem


def test_a_server_is_given_no_time() -> None:
    with pytest.raises(UsageError, match=r"^--max-time is for what is fetched"):
        task("--server", max_time=3.0)


def test_neither_of_the_two() -> None:
    assert task("") is None
    assert task(f"{URL} {URL}") is None


@pytest.mark.parametrize(
    "line",
    [
        "--server",
        "--job words",
        f"--job words {URL}",
        "--job follow --count 2 --position 3",
        "--job crawl --pages 10",
    ],
)
def test_what_can_be_done(line: str) -> None:
    assert callable(task(line))


def test_json_is_one_line_without_a_character_that_acts() -> None:
    way = JobWay("sockets", "by hand", 1, "pass", 0, "", "it said \x1b[2J\u202e")
    stream = StringIO()

    print_costs(stream, JobComparison("words", "count", URL, 1, (way,)), as_json=True)

    assert stream.getvalue().count("\n") == 1
    assert stream.getvalue().isascii()
    assert "\x1b" not in stream.getvalue()
    assert json.loads(stream.getvalue())["ways"][0]["problem"] == "it said \x1b[2J\u202e"


def test_text_has_no_character_that_acts_and_no_markup() -> None:
    way = JobWay("sockets", "by hand", 1, "pass", 0, "", "it said \x1b[2J\u202e[red]")
    stream = StringIO()

    print_costs(stream, JobComparison("words", "count", URL, 1, (way,)), as_json=False)

    assert "sockets failed: it said \\x1b[2J\\u202e[red]" in stream.getvalue()


def test_servers_are_printed_too() -> None:
    stream = StringIO()

    print_costs(stream, ServerComparison(1, 0.1, (), (), (), ("a note",)), as_json=False)

    assert "a note" in stream.getvalue()
