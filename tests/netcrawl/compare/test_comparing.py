"""Whole comparisons of real fetches. Few ways take part in most, since each is a process."""

from __future__ import annotations

import gzip
import socket
from typing import TYPE_CHECKING

import pytest

from netcrawl.compare import reasons
from netcrawl.compare.comparing import Plan, compare
from netcrawl.compare.result import from_json, to_json
from netcrawl.compare.ways import WAYS, installed_ways
from sockettools.practice import PracticeServer
from tests.patience import SECONDS
from tests.servers.certificates import Authority, self_signed
from tests.servers.scripted import ScriptedServer, answer, head, redirect

if TYPE_CHECKING:
    from pathlib import Path

    from netcrawl.compare.result import Page
    from tests.servers.scripted import Client, Request

BY_HAND, URLLIB, TWISTED, SCRAPY = WAYS[:4]


def found(url: str, *ways: object, runs: int = 0, max_time: float = SECONDS) -> Page:
    """Compare the page by hand with other ways."""
    chosen = [way for way in installed_ways() if way in (BY_HAND, *ways)]
    (page,) = compare([url], Plan(runs=runs, max_time=max_time, ways=chosen)).pages
    return page


def serving(*answers: bytes) -> ScriptedServer:
    """Return a server that gives the answers in turn, one on each connection."""
    return ScriptedServer(*((one,) for one in answers))


def remarks(page: Page, number: int = 1) -> list[str]:
    return [one.text for one in page.ways[number].remarks]


@pytest.mark.soak
def test_all_ways_on_the_practice_web() -> None:
    with PracticeServer() as web:
        comparison = compare([f"{web.url}page1.htm"], Plan(runs=1, max_time=SECONDS))

    (page,) = comparison.pages
    assert page.verdict.startswith("The same answer in all 6 ways: status 200, 129 octets. ")
    assert (page.same, page.comparable, comparison.same) == (True, True, True)
    assert [way.name for way in page.ways] == [way.name for way in installed_ways()]
    for way in page.ways:
        assert way.error == ""
        assert [c.number for c in way.connections] == [1]
        assert [phase.name for phase in way.phases] == ["connect", "first_byte", "done"]
        assert all(len(phase.seconds.samples) == 1 for phase in way.phases)
        times = [phase.seconds.median for phase in way.phases]
        assert times == sorted(times)
        assert times[0] > 0
        assert way.cost is not None
        assert way.cost.cpu.median > 0
        said = sum(len(piece.data) for c in way.connections for piece in c.pieces)
        assert way.octets_sent + way.octets_received == said
        assert way.failed_runs == 0
    scrapy = next(way for way in page.ways if way.name == "Scrapy (sockets)")
    assert [one.purpose for one in scrapy.exchanges] == ["robots.txt", "page"]
    assert "asks for robots.txt before the page: 1 request more" in [r.text for r in scrapy.remarks]
    assert from_json(to_json(comparison)) == comparison
    assert dict(comparison.versions)["Scrapy"]


def test_a_page_by_user_agent_is_found_out() -> None:
    def serve(client: Client) -> None:
        request = client.read_request()
        assert request is not None
        is_urllib = "urllib" in (request.field("User-Agent") or "")
        client.send(answer(b"line one\nno robots here" if is_urllib else b"line one\nwelcome"))

    with ScriptedServer(serve) as server:
        page = found(f"{server.url}/", URLLIB, TWISTED)

    assert page.verdict == "NOT the same answer: urllib got another one than by hand."
    assert (page.same, page.comparable) == (False, False)
    assert page.why_not == "the answers are not the same"
    (difference,) = [one for one in page.ways[1].differences if one.matters]
    assert (difference.part, difference.where) == ("body", "octet 9, line 2")
    assert (difference.ours, difference.theirs) == (
        r"line one\nwelcome",
        r"line one\nno robots here",
    )
    assert (difference.matters, difference.changes) == (True, False)
    assert not any(one.matters for one in page.ways[2].differences)


def test_where_there_is_none_by_hand_answers_are_compared_with_the_next_one() -> None:
    def serve(client: Client) -> None:
        request = client.read_request()
        assert request is not None
        agent = request.field("User-Agent")
        if agent is None:
            client.send(answer(b"line one\nno robots here"))
        elif "urllib" in agent:
            client.send(answer(b"line one\nwelcome"))

    with ScriptedServer(serve) as server:
        page = found(f"{server.url}/", URLLIB, TWISTED)

    assert page.verdict == (
        "NOT the same answer: Twisted got another one than urllib. No answer for by hand."
    )
    assert page.reference is page.ways[1]
    assert [way.differences for way in page.ways[:2]] == [(), ()]
    (difference,) = [one for one in page.ways[2].differences if one.matters]
    assert (difference.part, difference.where) == ("body", "octet 9, line 2")
    assert (difference.ours, difference.changes) == (r"line one\nwelcome", False)


def test_a_page_by_accept_encoding_is_the_same_when_it_is_undone() -> None:
    body = b"hello " * 100

    def serve(client: Client) -> None:
        while (request := client.read_request()) is not None:
            if request.target == "/robots.txt":
                client.send(answer(status="404 No"))
            elif "gzip" in (request.field("Accept-Encoding") or ""):
                fields = ("Content-Encoding: gzip", 'ETag: "1-gzip"', "Vary: Accept-Encoding")
                client.send(answer(gzip.compress(body), *fields))
            else:
                client.send(answer(body, 'ETag: "1"'))

    with ScriptedServer(serve) as server:
        page = found(f"{server.url}/", SCRAPY)

    assert page.same
    assert any(
        "Accept-Encoding: gzip" in text and "octets instead of" in text for text in remarks(page)
    )


def test_a_page_that_is_another_one_each_time() -> None:
    pages = [answer(b"visit %d" % number) for number in range(9)]
    with serving(*pages) as server:
        page = found(f"{server.url}/", URLLIB)

    assert not page.same
    assert page.ways[1].differences[0].changes
    assert page.verdict.endswith(
        "The page is another one each time it is asked for, also by the same way."
    )


@pytest.mark.soak
def test_a_field_that_is_another_one_each_time_is_the_same_answer() -> None:
    with serving(*(answer(b"hello", f"X-Id: {number}") for number in range(9))) as server:
        page = found(f"{server.url}/", URLLIB)

    assert page.same
    assert [(one.where, one.changes) for one in page.ways[1].differences] == [("x-id", True)]


def test_a_cookie_over_a_redirect() -> None:
    def pick(request: Request) -> bytes:
        if request.target == "/":
            return redirect("/in").replace(b"\r\n\r\n", b"\r\nSet-Cookie: a=1\r\n\r\n", 1)
        return answer(b"welcome" if request.field("Cookie") == "a=1" else b"who are you")

    def serve(client: Client) -> None:
        while (request := client.read_request()) is not None:
            client.send(pick(request))
            if request.field("Connection") == "close":
                break

    with ScriptedServer(serve) as server:
        page = found(f"{server.url}/", URLLIB, SCRAPY)

    assert page.verdict == "NOT the same answer: urllib got another one than by hand."
    assert "does not send back the cookie it is given" in remarks(page)
    assert [one.purpose for one in page.ways[2].exchanges][-2:] == ["page", "redirect"]
    assert page.ways[2].answer is not None
    assert page.ways[2].answer.beginning == b"welcome"


def test_a_server_that_closes_early() -> None:
    with ScriptedServer((head("Content-Length: 10") + b"half",)) as server:
        page = found(f"{server.url}/", URLLIB, TWISTED)

    assert not page.same
    assert page.verdict.startswith("No answer, whichever way; by hand: ")
    assert all(way.answer is None and way.error for way in page.ways)


@pytest.mark.soak
def test_a_server_that_hangs() -> None:
    def hang(client: Client) -> None:
        client.read_request()
        client.wait_for_end()

    with ScriptedServer(hang) as server:
        page = found(f"{server.url}/", URLLIB, max_time=3.0)

    assert page.verdict == "No answer, whichever way: no answer in 3 seconds."
    assert [way.octets_sent > 0 for way in page.ways] == [True, True]


@pytest.mark.soak
def test_a_head_without_end() -> None:
    def pour(client: Client) -> None:
        client.read_request()
        client.send(b"HTTP/1.1 200 OK\r\n")
        while True:  # until the connection breaks
            client.send(b"X: y\r\n" * 10_000)

    with ScriptedServer(pour) as server:
        page = found(f"{server.url}/", URLLIB, TWISTED)

    assert [bool(way.error) for way in page.ways] == [True] * 3
    assert "broken off after 67." in page.ways[2].error
    assert all(len(way.error) < 1_000 for way in page.ways)


def test_a_long_reason_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netcrawl.compare.comparing._MAX_ERROR", 5)

    page = found("http://nobody.invalid/", URLLIB)

    assert all(way.error.endswith("...") and len(way.error) == 8 for way in page.ways)


def test_a_port_that_refuses() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    page = found(f"http://127.0.0.1:{port}/", URLLIB)

    assert not page.same
    assert all("refused" in way.error for way in page.ways)
    assert page.ways[0].connections[0].error == "Connection refused"
    assert page.ways[0].connections[0].connected is None


def test_a_name_that_there_is_not() -> None:
    page = found("http://nobody.invalid/", URLLIB)

    assert not page.same
    assert [way.lookups[0].host for way in page.ways] == ["nobody.invalid"] * 2
    assert all(way.error for way in page.ways)


@pytest.mark.soak
def test_https(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = Authority(tmp_path)
    authority.issue(tmp_path / "server.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))

    with ScriptedServer(answer(b"hello"), certificate=tmp_path / "server.pem") as server:
        url = f"https://localhost:{server.port}/"
        page = found(url, *WAYS, runs=1)

    assert [way.error for way in page.ways] == [""] * len(page.ways)
    assert page.same
    for way in page.ways:
        assert way.answer is not None
        assert (way.answer.url, way.answer.beginning) == (url, b"hello")
        assert [phase.name for phase in way.phases] == [
            *("resolve", "connect", "tls", "first_byte", "done")
        ]
        assert way.connections[-1].host == "localhost"
        assert way.exchanges[-1].url == url


def test_a_refresh_that_a_spider_follows_is_told() -> None:
    def serve(client: Client) -> None:
        while (request := client.read_request()) is not None:
            if request.target == "/":
                page = b'<meta http-equiv="refresh" content="0; url=/next">'
                client.send(answer(page, "Content-Type: text/html"))
            else:
                client.send(answer(b"next", "Content-Type: text/html"))

    with ScriptedServer(serve) as server:
        page = found(f"{server.url}/", SCRAPY)
        expected = f"follows <meta http-equiv=refresh> to {server.url}/next"

    assert [one.why for one in page.ways[1].remarks if one.text == expected] == [reasons.REFRESH]


def test_a_certificate_that_cannot_be_trusted_is_the_reason(tmp_path: Path) -> None:
    with ScriptedServer(answer(b"hello"), certificate=self_signed(tmp_path)) as server:
        page = found(f"{server.url}/", *WAYS)

    assert not page.same
    for way in page.ways:
        assert way.answer is None
        assert way.error.startswith("the certificate is not to be trusted: ")
        assert "in its own words" not in way.error
        assert way.octets_received == 0
        assert not any("opens" in one.text for one in way.remarks)
    assert server.requests == []
    retries = [one for one in page.ways[3].remarks if one.kind == "retry"]
    assert [
        (one.text, one.why) for one in retries
    ] == [  # robots.txt and the page, three times each
        ("tries to connect 5 times more", reasons.RETRIES)
    ]


def test_ipv6() -> None:
    with PracticeServer("::1") as web:
        page = found(f"{web.url}page1.htm", *WAYS)

    assert page.same
    assert {way.connections[0].address for way in page.ways} == {"::1"}


def test_what_is_being_done_is_told() -> None:
    told: list[str] = []
    with ScriptedServer((answer(),)) as server:
        compare([f"{server.url}/"], Plan(runs=1, ways=WAYS[:2], tell=told.append))

    assert told[:2] == ["comparing answers: by hand", "comparing answers: urllib"]
    assert sorted(told[2:]) == ["timing, run 1 of 1: by hand", "timing, run 1 of 1: urllib"]


def test_the_order_of_the_ways_is_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.sample", lambda ways, _number: ways[::-1])
    told: list[str] = []
    with ScriptedServer((answer(),)) as server:
        compare([f"{server.url}/"], Plan(runs=1, ways=WAYS[:2], tell=told.append))

    assert told[2:] == ["timing, run 1 of 1: urllib", "timing, run 1 of 1: by hand"]


def test_a_run_that_fails_is_counted() -> None:
    with serving(answer(), answer(), answer(), b"") as server:
        page = found(f"{server.url}/", URLLIB, runs=2)

    assert sum(way.failed_runs for way in page.ways) == 3
    assert sum(len(phase.seconds.samples) for way in page.ways for phase in way.phases) == 3
