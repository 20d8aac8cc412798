from __future__ import annotations

import json

import pytest

from tests.netcrawl.commands.running import compare
from tests.servers.ports import held_ports


@pytest.mark.soak
def test_a_job_on_the_practice_web_says_what_it_costs() -> None:
    done = compare("--job", "follow", "--position", "3", "--count", "2", "--runs", "1")

    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "follow: follow the link at position 3, 2 times"
    assert "Same answer from all (sockets, sockettools, spider, scrapy crawl): 3 lines." in lines
    assert any(line.split() == ["way", "0", "ms", "20", "ms", "200", "ms"] for line in lines)
    assert any(line.startswith("Where a round trip takes 200 ms, ") for line in lines)
    assert max(map(len, lines)) <= 80


@pytest.mark.soak
def test_a_job_as_json_and_with_settings_for_scrapy() -> None:
    # The setting shows in what is sent, and so in the octets.
    agent = "USER_AGENT=" + "x" * 3000
    done = compare("--job", "words", "--runs", "1", "--json", "-s", agent)

    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    sent = {way["name"]: way["sent"] for way in found["ways"]}
    assert sent["sockets"] < sent["sockettools"] < 1000
    assert sent["spider"] > 3000
    assert sent["scrapy crawl"] > 3000


def test_a_job_that_cannot_be_done_is_a_failure() -> None:
    with held_ports(1) as (port,):
        done = compare("--job", "links", "--runs", "1", f"http://127.0.0.1:{port}/")

    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.count(" failed: ") == 4


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--job", "word"], "there is no job 'word': did you mean words?"),
        (["--server", "--max-time", "3"], "--max-time is for what is fetched: --server fetches "),
        (["--job", "words", "ftp://x/"], "URL 'ftp://x/': "),
        (["--server", "--runs", "0"], "--runs is '0', expected a whole number from 1 to 1000"),
    ],
)
def test_a_wrong_command_is_one_line(arguments: list[str], problem: str) -> None:
    done = compare(*arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"scrapy compare: {problem}")
    assert done.stderr.count("\n") == 1


@pytest.mark.soak
def test_the_servers_with_up_to_a_thousand_clients() -> None:
    done = compare("--server", "--json")

    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert [row["clients"] for row in found["rows"]] == [
        n for n in (1, 10, 100, 1000) for _ in "12345678"
    ]
    assert found["is_sound"]
