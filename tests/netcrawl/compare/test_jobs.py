from __future__ import annotations

import json
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from netcrawl.compare import jobs
from netcrawl.compare.job_answers import code_lines
from netcrawl.compare.job_table import renderables
from netcrawl.compare.jobs import JobComparison, compare_job, the_jobs
from tests.patience import SECONDS
from tests.servers.certificates import Authority
from tests.servers.ports import held_ports
from tests.servers.scripted import ScriptedServer, answer

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.scripted import Client

JOBS = the_jobs(pages=9)

# A connection that ends without a word may get another request first, which is then sent twice.
PLAIN = ("Content-Type: text/plain", "Connection: close")


def compare(
    name: str,
    url: str | None = None,
    trips: tuple[float, ...] = (0.0,),
    timeout: float = SECONDS,
) -> JobComparison:
    return compare_job(JOBS[name], url, 1, round_trips=trips, timeout=timeout)


def printed(comparison: JobComparison) -> list[str]:
    console = Console(file=StringIO(), width=80)
    for renderable in renderables(comparison):
        console.print(renderable)
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined]


def text_of(comparison: JobComparison) -> str:
    return " ".join(" ".join(printed(comparison)).split())


def serve_words(client: Client) -> None:
    """Say one word less to Scrapy, and to nobody may this be told by robots.txt."""
    request = client.read_request()
    if request is None:
        return
    if request.target == "/robots.txt":
        client.send(answer(b"", *PLAIN, status="404 Not Found"))
    elif "netcrawl" in (request.field("User-Agent") or ""):
        client.send(answer(b"one two", *PLAIN))
    else:
        client.send(answer(b"one two three", *PLAIN))


@pytest.mark.parametrize(
    ("name", "lines", "requests", "robots"),
    [
        # The last page of a chain is only named; this project's spider retrieves it.
        pytest.param("follow", 8, [7, 7, 8, 9], [0, 0, 1, 1], id="follow", marks=pytest.mark.soak),
        pytest.param("words", 26, [1, 1, 2, 2], [0, 0, 1, 1], id="words"),
        pytest.param("links", 6, [1, 1, 2, 2], [0, 0, 1, 1], id="links", marks=pytest.mark.soak),
        # The page, six pictures, and one of them is elsewhere.
        pytest.param("images", 6, [8, 8, 9, 9], [0, 0, 1, 1], id="images", marks=pytest.mark.soak),
        pytest.param("crawl", 9, [9, 9, 10], [0, 0, 1], id="crawl"),
    ],
)
def test_every_way_has_the_same_answer_on_the_practice_web(
    name: str, lines: int, requests: list[int], robots: list[int]
) -> None:
    comparison = compare(name)

    assert comparison.is_sound, printed(comparison)
    assert [way.name for way in comparison.ways] == [
        *("sockets", "sockettools", "spider", "scrapy crawl")
    ][: len(requests)]
    assert {way.answer for way in comparison.ways} == {lines}
    assert [way.requests for way in comparison.ways] == requests
    assert [way.robots for way in comparison.ways] == robots
    sockets, library, *spiders = comparison.ways
    assert (sockets.connections, library.connections) == (requests[0], 1)
    for way in comparison.ways:
        assert way.lines == (code_lines(way.source) if way.source else 0)
        assert way.sent > 40 * way.requests
        assert way.received > 100 * way.requests
        assert way.cpu is not None
        assert way.peak is not None
        assert way.cpu.median > 0
        assert 4_000_000 < way.peak.median < 1_000_000_000
        assert [time.round_trip for time in way.wall] == [0.0]
    assert all(library.sent < spider.sent for spider in spiders)
    found = json.loads(json.dumps(comparison.to_json()))
    assert (found["kind"], found["job"], found["is_sound"]) == ("job", name, True)
    assert found["words"] == list(comparison.words)
    assert found["ways"][0]["source"] == sockets.source
    assert max(map(len, printed(comparison))) <= 80
    assert "…" not in text_of(comparison)
    assert "Same answer from all (sockets, " in text_of(comparison)


@pytest.mark.soak
def test_a_delay_is_paid_for_every_round_trip_that_is_waited_for() -> None:
    comparison = compare("crawl", trips=(0.0, 0.1))

    network = {way.name: way.wall[1].network.median for way in comparison.ways}
    # A connection and a request for each page; one connection; one, robots.txt, and page by page
    # below the first.
    assert network["sockets"] >= 18 * 0.1
    assert network["sockettools"] >= 10 * 0.1
    assert network["spider"] >= 4 * 0.1
    for way in comparison.ways:
        for time in way.wall:
            assert time.network.median < time.seconds.median
    assert comparison.is_sound
    assert "Where a round trip takes 100 ms, " in text_of(comparison)
    assert max(map(len, printed(comparison))) <= 80


def test_a_page_made_to_differ_is_found_out_and_not_comparable() -> None:
    with ScriptedServer(serve_words) as server:
        comparison = compare("words", f"{server.url}/")

    assert not comparison.is_comparable
    assert [way.difference for way in comparison.ways] == [
        *("", ""),
        *["'three 1' is missing"] * 2,
    ]
    assert comparison.words == ()
    text = text_of(comparison)
    assert "NOT COMPARABLE, since the answers differ." in text
    assert "spider has another answer than sockets: 'three 1' is missing" in text
    assert "Same answer" not in text


def test_where_nobody_listens_every_way_says_so_in_a_line() -> None:
    with held_ports(1) as (port,):
        comparison = compare("words", f"http://127.0.0.1:{port}/")

    assert not comparison.is_comparable
    assert all("refused" in way.problem for way in comparison.ways), comparison.ways
    assert all("\n" not in way.problem for way in comparison.ways)
    assert "sockets failed: ConnectionRefusedError: [Errno 111] Connection refused" in text_of(
        comparison
    )
    assert "memory" not in text_of(comparison)


@pytest.mark.soak
def test_an_answer_that_changes_is_in_no_figure() -> None:
    asked = 0

    def count(client: Client) -> None:
        nonlocal asked
        if (request := client.read_request()) is None:
            return
        asked += request.target != "/robots.txt"
        # The first four are the tries, the others are timed.
        client.send(answer(b"one" if asked <= 4 else b"two", *PLAIN))

    with ScriptedServer(count) as server:
        comparison = compare("words", f"{server.url}/")

    assert comparison.is_comparable
    assert not comparison.is_sound
    assert [(way.failed_runs, way.wall) for way in comparison.ways] == [(1, ())] * 4
    assert "sockets: 1 run brought no answer, or another one, and do not count." in text_of(
        comparison
    )


def test_who_takes_too_long_is_ended() -> None:
    def silent(client: Client) -> None:
        client.wait_for_end()

    with ScriptedServer(silent) as server:
        comparison = compare("links", f"{server.url}/", timeout=2)

    for way in comparison.ways:
        assert way.problem.endswith("was not done after 2 seconds")


@pytest.mark.soak
def test_https_is_the_same_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = Authority(tmp_path)
    certificate = tmp_path / "server.pem"
    authority.issue(certificate, "localhost")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))

    def page(client: Client) -> None:
        if client.read_request() is not None:
            client.send(answer(b"one two three", *PLAIN))

    with ScriptedServer(page, certificate=certificate) as server:
        comparison = compare("words", f"https://localhost:{server.port}/")

    assert comparison.is_sound, printed(comparison)
    assert [way.requests for way in comparison.ways] == [1, 1, 2, 2]
    assert [way.robots for way in comparison.ways] == [0, 0, 1, 1]


def test_without_pillow_a_line_says_that_the_images_spider_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(jobs, "find_spec", lambda _name: None)

    comparison = compare("images")

    assert [way.name for way in comparison.ways] == ["sockets", "sockettools", "spider"]
    assert comparison.notes == (
        "scrapy crawl images is left out: it needs Pillow (pip install pillow)",
    )
    assert comparison.notes[0] in text_of(comparison)
