"""Each way, in a process of its own, by way of the relay: what it hands over, and what it says."""

from __future__ import annotations

import gzip
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from netcrawl.compare.fetched import MAX_BODY, TOO_LONG, Fetched, Habits
from netcrawl.compare.relay import Relay
from netcrawl.compare.ways import WAYS, installed_ways
from sockettools.practice import PracticeServer
from tests.patience import SECONDS
from tests.servers.scripted import ScriptedServer, answer, chunked, head, redirect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netcrawl.compare.ways import WayToFetch
    from tests.servers.scripted import Client

NO_ROBOTS = "ROBOTSTXT_OBEY=False"


@pytest.fixture(scope="module")
def relay() -> Iterator[Relay]:
    with Relay() as relay:
        yield relay


@pytest.fixture(params=installed_ways(), ids=lambda way: way.name)
def way(request: pytest.FixtureRequest) -> WayToFetch:
    found: WayToFetch = request.param
    return found


def fetch(relay: Relay, way: WayToFetch, url: str, *settings: str) -> Fetched:
    command = [sys.executable, "-m", "netcrawl.compare.fetching", way.kind, way.handler, url]
    done = subprocess.run(
        [*command, NO_ROBOTS, "RETRY_ENABLED=False", *settings],
        env=relay.environment(),
        capture_output=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    relay.take()
    return Fetched.from_bytes(done.stdout)


@pytest.mark.parametrize("text", [b"", answer(b"hello")], ids=["no-answer", "answer"])
@pytest.mark.parametrize(
    ("settings", "habits"),
    [
        pytest.param(["RETRY_ENABLED=0", "REDIRECT_ENABLED=0"], Habits(1.5, 0, False), id="off"),
        pytest.param(["RETRY_ENABLED=1", "RETRY_TIMES=1"], Habits(1.5, 1, True), id="on"),
    ],
)
def test_a_spider_tells_what_it_is_set_to(
    relay: Relay, settings: list[str], habits: Habits, text: bytes
) -> None:
    with ScriptedServer(*[(text,)] * 4) as server:
        fetched = fetch(relay, WAYS[3], f"{server.url}/", "DOWNLOAD_DELAY=1.5", *settings)

    assert bool(fetched.error) is not bool(text)
    assert fetched.habits == habits


def test_every_way_of_the_table_is_tested() -> None:
    missing = [way.needs for way in WAYS if way not in installed_ways()]

    assert missing == [("httpx2", "httpx")]  # an extra of Scrapy's


def test_an_answer_is_what_a_redirect_leads_to(relay: Relay, way: WayToFetch) -> None:
    answers = (redirect("/b"), answer(b"hello", "Content-Type: text/plain", status="404 No"))
    with ScriptedServer(answers[0], answers[1]) as server:

        def serve(client: Client) -> None:
            while (request := client.read_request()) is not None:
                client.send(answers[request.target != "/a"])
                if request.field("Connection") == "close":
                    break

        server._scripts = (serve,)
        found = fetch(relay, way, f"{server.url}/a")

    assert (found.error, found.status, found.body) == ("", 404, b"hello")
    assert found.url == f"{server.url}/b"
    assert ("content-type", "text/plain") in [(name.lower(), v) for name, v in found.fields]


def test_a_body_in_chunks_that_is_compressed_unasked(relay: Relay, way: WayToFetch) -> None:
    body = gzip.compress(b"hello")
    octets = head("Transfer-Encoding: chunked", "Content-Encoding: gzip") + chunked(
        body[:5], body[5:]
    )
    with ScriptedServer(octets) as server:
        found = fetch(relay, way, f"{server.url}/")

    assert found.error == ""
    if found.coding:
        assert (way.kind, found.coding, found.body) in (
            ("urllib", "gzip", body),
            ("twisted", "gzip", body),
        )
    else:
        assert found.body == b"hello"


def test_a_server_that_closes_early(relay: Relay, way: WayToFetch) -> None:
    with ScriptedServer((head("Content-Length: 10") + b"half",)) as server:
        found = fetch(relay, way, f"{server.url}/")

    assert re.search("complete|ended|more expected", found.error)
    assert "\n" not in found.error


def test_a_server_that_says_nothing(relay: Relay, way: WayToFetch) -> None:
    with ScriptedServer(lambda client: client.read_request()) as server:
        found = fetch(relay, way, f"{server.url}/")

    assert found.error
    assert "\n" not in found.error


def test_a_body_without_end_is_given_up(relay: Relay, way: WayToFetch) -> None:
    def pour(client: Client) -> None:
        client.read_request()
        client.send(head("Transfer-Encoding: chunked"))
        for _ in range(3 * MAX_BODY // 1_048_576):
            client.send(chunked(b"x" * 1_048_576, end=b""))
        client.wait_for_end()

    with ScriptedServer(pour) as server:
        found = fetch(relay, way, f"{server.url}/")

    assert found.error == TOO_LONG


def test_a_name_that_there_is_not(relay: Relay, way: WayToFetch) -> None:
    found = fetch(relay, way, "http://nobody.invalid/")

    assert found.error
    assert "\n" not in found.error


def test_a_chain_of_redirects_without_end(relay: Relay, way: WayToFetch) -> None:
    with PracticeServer() as web:
        found = fetch(relay, way, f"{web.url}loop", "REDIRECT_MAX_TIMES=3")

    assert found.error
    assert found.status == 0


def test_scrapys_settings_can_be_given(relay: Relay) -> None:
    scrapy = next(way for way in WAYS if way.kind == "scrapy")
    with ScriptedServer(answer(b"hello")) as server:
        found = fetch(relay, scrapy, f"{server.url}/", "USER_AGENT=spam")

    assert found.body == b"hello"
    assert server.requests[0].field("User-Agent") == "spam"


def test_what_is_handed_over_is_read_as_it_was_written() -> None:
    habits = Habits(delay=1.5, retries=2, redirects=False)
    found = Fetched(200, "http://h/", [("A", "\xff")], "gzip", b"a\n\xffb", "", habits)

    assert Fetched.from_bytes(found.to_bytes()) == found


@pytest.mark.parametrize("data", [b"", b"nonsense", b"nonsense\n", b"{}"])
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"line|Expecting"):
        Fetched.from_bytes(data)
