from __future__ import annotations

from dataclasses import replace
from inspect import signature
from typing import TYPE_CHECKING
from urllib.request import HTTPRedirectHandler

import pytest
from twisted.web.client import RedirectAgent

from netcrawl.compare import reasons
from netcrawl.compare.fetched import Habits
from netcrawl.compare.result import AnswerDifference, Exchange
from netcrawl.compare.verdict import verdict
from netcrawl.compare.words import remarks
from sockettools.browser.options import MAX_REDIRECTS
from tests.netcrawl.compare.comparisons import way

if TYPE_CHECKING:
    from netcrawl.compare.result import Way


def asked(*fields: str, purpose: str = "page", answer: str = "", version: str = "1.1") -> Exchange:
    lines = [f"GET / HTTP/{version}", *fields, "", ""]
    return Exchange(
        connection=1,
        is_first_there=True,
        purpose=purpose,
        url="http://h/",
        request="\r\n".join(lines).encode(),
        answer=f"HTTP/1.1 200 OK\r\n{answer}\r\n\r\n".encode(),
        status=200,
        sent=0.0,
        first_byte=0.1,
        done=0.2,
        octets_sent=10,
        octets_received=30 if "gzip" in answer else 90,
    )


def did(*exchanges: Exchange, **changes: object) -> Way:
    return way("other", exchanges=exchanges, differences=(), **changes)


ROBOTS = asked(purpose="robots.txt")
SET_COOKIE = "Set-Cookie: a=1"


@pytest.mark.parametrize(
    ("first", "other", "kind", "expected"),
    [
        pytest.param([asked("A: 1")], [asked("A: 1")], "urllib", [], id="nothing"),
        pytest.param(
            [asked()],
            [ROBOTS, asked()],
            "scrapy",
            ["asks for robots.txt before the page: 1 request more"],
            id="robots",
        ),
        pytest.param(
            [asked()],
            [asked("Accept-Language: en")],
            "scrapy",
            ["sends Accept-Language: en"],
            id="added",
        ),
        pytest.param([asked("A: 1")], [asked()], "twisted", ["sends no A"], id="missing"),
        pytest.param(
            [asked("A: 1")], [asked("A: 2")], "urllib", ["sends A: 2 instead of 1"], id="value"
        ),
        pytest.param(
            [asked("A-B: 1")], [asked("a-b: 1")], "urllib", ["spells a-b differently"], id="case"
        ),
        pytest.param(
            [asked("A: 1", "B: 2")],
            [asked("B: 2", "A: 1")],
            "urllib",
            ["sends its fields in another order: B and A"],
            id="order",
        ),
        pytest.param(
            [asked()],
            [asked(version="1.0")],
            "urllib",
            ["speaks HTTP/1.0 instead of HTTP/1.1"],
            id="version",
        ),
        pytest.param(
            [asked()],
            [asked("Accept-Encoding: gzip", answer="Content-Encoding: gzip")],
            "scrapy",
            [
                "sends Accept-Encoding: gzip; the server sends gzip: 30 octets instead of 90",
            ],
            id="compression",
        ),
        pytest.param(
            [asked()],
            [asked("Accept-Encoding: gzip")],
            "scrapy",
            ["sends Accept-Encoding: gzip; the server sends the page as it is"],
            id="no-compression",
        ),
        pytest.param(
            [asked(answer=SET_COOKIE), asked("Cookie: a=1", purpose="redirect")],
            [asked(answer=SET_COOKIE), asked(purpose="redirect")],
            "urllib",
            ["does not send back the cookie it is given"],
            id="cookie",
        ),
        pytest.param(
            [asked(), asked(purpose="redirect")],
            [asked()],
            "twisted",
            ["follows 0 redirects, and other 1"],
            id="redirect",
        ),
        pytest.param(
            [asked()],
            [asked(), asked(purpose="retry"), asked(purpose="retry")],
            "scrapy",
            ["asks 2 times more"],
            id="retry",
        ),
    ],
)
def test_what_a_way_did_differently(
    first: list[Exchange], other: list[Exchange], kind: str, expected: list[str]
) -> None:
    ours, theirs = did(*first), did(*other)

    found = remarks(ours, theirs, kind)

    assert [one.text for one in found if one.kind != "reuse"] == expected


def test_each_of_scrapys_own_has_a_reason() -> None:
    fields = ("Accept: a", "Accept-Language: en", "User-Agent: b", "Accept-Encoding: gzip")

    found = remarks(did(asked()), did(ROBOTS, asked(*fields)), "scrapy")

    assert len(found) == 6
    assert all(one.why for one in found)


@pytest.mark.parametrize(
    ("habits", "repeats", "expected"),
    [
        pytest.param(Habits(retries=0), 1, [(1, reasons.RESENT)], id="retries-off"),
        pytest.param(Habits(retries=2), 2, [(2, reasons.RETRIES)], id="retries"),
        pytest.param(
            Habits(retries=2), 4, [(2, reasons.RETRIES), (2, reasons.RESENT)], id="more-than-set"
        ),
        pytest.param(Habits(), 2, [(2, "")], id="unknown"),
    ],
)
def test_repeats_are_blamed_on_who_can_have_done_them(
    habits: Habits, repeats: int, expected: list[tuple[int, str]]
) -> None:
    lost = replace(asked(purpose="retry"), status=None, answer=b"")

    found = remarks(did(asked()), did(asked(), *[lost] * repeats), "scrapy", habits)

    assert [(int(one.text.split()[1]), one.why) for one in found if one.kind == "retry"] == expected


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param({"status": None, "answer": b""}, id="no-answer"),
        pytest.param({"status": 200}, id="cut-off"),
    ],
)
def test_a_connection_that_broke_was_not_kept(broken: dict[str, object]) -> None:
    one = way().connections[0]
    page = replace(asked(), **broken)  # type: ignore[arg-type]
    other = did(ROBOTS, page, asked(purpose="retry"), connections=(one, one))

    found = remarks(did(asked()), other, "scrapy", Habits(retries=2))

    assert [(r.text, r.why) for r in found if r.kind in ("reuse", "connections")] == [
        ("opens 2 connections, and other 1", reasons.LOST)
    ]


def test_a_connection_with_another_answer_after_an_error_was_kept() -> None:
    one = way().connections[0]
    failed = replace(asked(), status=503)
    other = did(ROBOTS, failed, asked(purpose="retry"), connections=(one,))

    found = remarks(did(asked()), other, "scrapy", Habits(retries=2))

    assert ("sends 3 requests on 1 connection", reasons.KEPT) in [(r.text, r.why) for r in found]


@pytest.mark.parametrize("nothing", ["first", "other", "empty"])
def test_without_a_page_nothing_is_said_of_how_it_is_sent(nothing: str) -> None:
    empty = replace(way().answer, size=0)  # type: ignore[type-var]
    first = did(asked(), **({"answer": None} if nothing == "first" else {}))
    answer = {"other": {"answer": None}, "empty": {"answer": empty}}.get(nothing, {})
    other = did(asked("Accept-Encoding: gzip"), **answer)

    assert [r.text for r in remarks(first, other, "urllib")] == ["sends Accept-Encoding: gzip"]


def test_a_refresh_is_told() -> None:
    page = asked(answer="Content-Type: text/html; charset=utf-8")
    after = replace(asked(purpose="other"), url="http://h/next")
    image = asked(answer="Content-Type: image/png")

    found = remarks(did(page), did(page, after), "scrapy")

    assert [(r.text, r.why) for r in found if r.kind == "redirect"] == [
        ("follows <meta http-equiv=refresh> to http://h/next", reasons.REFRESH)
    ]
    for other in (did(image, after), did(page, replace(after, purpose="redirect"))):
        assert "refresh" not in str(remarks(did(page), other, "scrapy"))


def test_redirects_have_their_settings() -> None:
    hop = asked(purpose="redirect")
    first = did(asked(), hop)

    (off,) = remarks(first, did(asked()), "scrapy", Habits(redirects=False))

    assert (off.text, off.why) == ("follows 0 redirects, and other 1", reasons.NO_REDIRECTS)


@pytest.mark.parametrize(
    ("kind", "error", "limit"),
    [
        ("by-hand", "http://h/: more than 20 redirects", str(MAX_REDIRECTS)),
        (
            "urllib",
            " ".join(HTTPRedirectHandler.inf_msg.split()),
            str(HTTPRedirectHandler.max_redirections),
        ),
        (
            "twisted",
            "302 Infinite redirection detected to http://h/",
            str(signature(RedirectAgent).parameters["redirectLimit"].default),
        ),
        ("scrapy", "http://h/: it is redirected again and again", "REDIRECT_MAX_TIMES"),
    ],
)
def test_who_follows_no_more_redirects_has_a_limit(kind: str, error: str, limit: str) -> None:
    hop = asked(purpose="redirect")

    def why(problem: str) -> str:
        other = did(asked(), hop, hop, answer=None, error=problem)
        found = remarks(did(asked(), hop), other, kind)
        (it,) = [one.why for one in found if one.text == "follows 2 redirects, and other 1"]
        return it

    assert limit in why(error)
    assert why("Connection refused") == ""


def test_tls_that_fails_is_tried_again() -> None:
    bad = replace(way().connections[0], secured=None, error="not to be trusted")
    first = did(answer=None, error="not to be trusted", connections=(bad,))
    other = did(answer=None, error="not to be trusted", connections=(bad,) * 3)

    found = remarks(first, other, "scrapy", Habits(retries=2))

    assert [(r.text, r.why) for r in found if r.kind != "error"] == [
        ("tries to connect 2 times more", reasons.RETRIES)
    ]


def test_connections_are_compared_with_requests() -> None:
    one = way().connections[0]
    first = did(asked(), asked(purpose="redirect"), connections=(one, one))
    other = did(asked(), asked(purpose="redirect"), connections=(one,))

    assert [r.text for r in remarks(first, other, "scrapy")] == ["sends 2 requests on 1 connection"]
    assert [r.text for r in remarks(other, first, "urllib")] == [
        "opens a connection for each of 2 requests, and other reuses one",
    ]


def test_more_connections_than_the_first_way_are_told() -> None:
    one = way().connections[0]

    found = remarks(did(asked()), did(asked(), connections=(one, one)), "urllib")

    assert [r.text for r in found] == ["opens 2 connections, and other 1"]


def test_a_failure_is_told_with_each_reason() -> None:
    refused = replace(way().connections[0], connected=None, error="Connection refused")

    found = remarks(did(), did(error="it broke", answer=None, connections=(refused,)), "urllib")

    assert [one.text for one in found] == [
        "has no answer: it broke",
        "did not get through to 192.0.2.1 port 443: Connection refused",
        "tries to connect 1 time more",
    ]


def test_a_way_that_waits_between_requests() -> None:
    page = replace(asked(), sent=1.5)

    waited = remarks(did(asked()), did(ROBOTS, page), "scrapy", Habits(delay=2.0))
    unhurried = remarks(did(asked()), did(ROBOTS, page), "scrapy", Habits(delay=3.0))

    assert "waits 1.3 s between its requests" in [one.text for one in waited]
    assert "delay" not in [one.kind for one in unhurried]


def test_a_coding_that_is_left_is_told() -> None:
    answer = way().answer
    assert answer is not None

    found = remarks(did(asked()), did(asked(), answer=replace(answer, coding="gzip")), "urllib")

    assert [one.text for one in found] == ["leaves it to you to undo the gzip of the body"]


def test_fields_that_are_not_handed_over_are_told() -> None:
    lost = AnswerDifference("field", "connection", "close", "", matters=False, changes=False)
    other = replace(did(asked()), differences=(lost,))

    assert [one.text for one in remarks(did(asked()), other, "twisted")] == [
        "does not hand over connection"
    ]


def test_what_the_network_said_is_shown_so_that_it_cannot_act() -> None:
    found = remarks(did(asked()), did(asked("X: \x1b[2J" + "x" * 999)), "urllib")

    assert found[0].text == r"sends X: \x1b[2J" + "x" * 96 + "..."


def test_the_verdict_on_the_same_answers() -> None:
    scrapy = way("Scrapy (x)", exchanges=(ROBOTS, asked("B: 1")))

    assert verdict([way(exchanges=(asked(),)), scrapy], []) == (
        "The same answer in all 2 ways: status 200, 5 octets. "
        "Scrapy (x) asked for robots.txt first and sent 1 more field (B)."
    )


def test_the_verdict_tells_what_it_cost() -> None:
    done = replace(way().phases[0], name="done")
    ways = [way(phases=(done,)), way("Scrapy (x)", phases=(done,))]

    assert verdict(ways, []).endswith(
        "It had the page after 6 ms, by hand after 6; its whole process used 0.05 s of CPU, the "
        "other 0.05."
    )


def test_the_verdict_on_other_answers() -> None:
    ways = [way(), way("a"), way("b"), way("c", answer=None, error="refused")]

    assert verdict(ways, ways[1:3]) == (
        "NOT the same answer: a and b got another one than by hand. No answer for c."
    )


def test_the_verdict_names_the_way_that_answers_are_compared_with() -> None:
    ways = [way(answer=None, error="refused"), way("urllib"), way("Twisted")]

    assert verdict(ways, ways[2:]) == (
        "NOT the same answer: Twisted got another one than urllib. No answer for by hand."
    )


def test_the_verdict_on_other_answers_compares_no_costs() -> None:
    scrapy = way("Scrapy (x)", exchanges=(ROBOTS, asked("B: 1")))

    assert verdict([way(exchanges=(asked(),)), scrapy], [scrapy]) == (
        "NOT the same answer: Scrapy (x) got another one than by hand."
    )


def test_the_verdict_on_failures() -> None:
    one, other = (way(name, answer=None, error=f"{name} broke") for name in "ab")

    assert verdict([one, other], []) == "No answer, whichever way; a: a broke."
    assert verdict([one, one], []) == "No answer, whichever way: a broke."
    assert verdict([one, way("c")], []) == (
        "One way has an answer, c: status 200, 5 octets. No answer for a."
    )
