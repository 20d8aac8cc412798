"""What the report of a comparison says, and that nothing in it does anything."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netcrawl.compare.result import RECEIVED, SENT, Piece, Remark
from netcrawl.report.comparison_page import MAX_CHARACTERS, MAX_PAGES, MAX_PAIRS, comparison_page
from netcrawl.report.conversation import MAX_OCTETS, MAX_STEPS, octets_shown, steps
from tests.netcrawl.report.made_comparisons import (
    ANSWER,
    REQUEST,
    comparison,
    connection,
    differing,
    exchange,
    page,
    spread,
    two_ways,
    way,
)
from tests.netcrawl.report.reading_pages import check, rows, section
from tests.netcrawl.report.test_crawl_page import HOSTILE

if TYPE_CHECKING:
    import bs4


def conversation(part: bs4.Tag, name: str) -> list[tuple[str, str]]:
    """Return direction and text of each step of a way."""
    for box in part.find_all("details", "conversation"):
        if box.strong.get_text() == name:
            return [
                (step["class"][0], step.find(class_="said").contents[-1])
                for step in box.find("ol").find_all("li", recursive=False)
            ]
    raise AssertionError(name)


def test_what_each_way_did() -> None:
    part = section(check(comparison_page(two_ways())), "url-1")

    assert "The same answer in all 2 ways." in part.get_text()
    assert rows(part, "What each way did (sent, received and body in octets), and used") == [
        ["by hand", "200", "1", "1", "49", "41", "3", "0.11 s", "22.0 MB"],
        ["Scrapy (sockets)", "200", "2", "1", "61", "41", "3", "0.11 s", "22.0 MB"],
    ]
    caption = "When each phase was over, after the page was asked for: the median of 3 runs "
    assert rows(part, f"{caption}(the least–the greatest)")[0] == [
        *("by hand", "3.0 ms (2.0–4.0)", "6.0 ms (5.0–7.0)", "12.0 ms (10.0–20.0)")
    ]
    (remark,) = part.find_all("li", dir="auto")
    assert remark.get_text() == "sends X: 1it is fond of X"
    assert part.find(string="Where the answers differ") is None


def test_a_conversation_is_told_in_order_with_its_octets() -> None:
    part = section(check(comparison_page(two_ways())), "url-1")

    assert conversation(part, "by hand") == [
        ("note", "looks up h.example: 127.0.0.1"),
        ("right", "opens a connection to 127.0.0.1:80"),
        ("right", "GET /a HTTP/1.1"),
        ("left", "HTTP/1.1 200 OK"),
        ("note", "the client closed it"),
    ]
    octets = [it.get_text() for it in part.find_all("pre")][:2]
    assert octets == [
        "GET /a HTTP/1.1\\r\\n\nHost: h.example\\r\\n\nAccept: */*\\r\\n\n\\r\\n",
        "HTTP/1.1 200 OK\\r\\n\nContent-Length: 3\\r\\n\n\\r\\n\na\\x00\\xff",
    ]


def test_waterfalls_are_of_one_scale() -> None:
    part = section(check(comparison_page(two_ways())), "url-1")

    first, second = (
        [
            (it["class"][0], float(it["x"][:-1]), float(it["width"][:-1]))
            for it in box.find_all("rect")
        ]
        for box in part.find_all("div", "waterfall")
    )
    # The longest of all runs took 100 ms.
    assert first == [("connect", 0, 3), ("first_byte", 3, 3), ("done", 6, 6)]
    assert second == [("connect", 0, 3), ("first_byte", 3, 3), ("done", 6, 54)]
    spreads = [(it["x1"], it["x2"]) for it in part.find_all("line", "spread")]
    assert spreads == [("10.0%", "20.0%"), ("50.0%", "100.0%")]


def test_requests_are_side_by_side() -> None:
    part = section(check(comparison_page(two_ways())), "url-1")

    (table,) = part.find_all("table", "pair")
    found = [
        (row["class"][0], [cell.get_text() for cell in row.find_all("td")])
        for row in table.tbody.find_all("tr")
    ]
    assert found == [
        ("equal", ["GET /a HTTP/1.1", "=the same", "GET /a HTTP/1.1"]),
        ("equal", ["Host: h.example", "=the same", "Host: h.example"]),
        ("changed", ["Accept: */*", "~changed", "accept: text/html"]),
        ("added", ["", "+only here", "X: 1"]),
    ]


def test_answers_that_differ_are_told_and_times_are_not_comparable() -> None:
    part = section(check(comparison_page(differing("other"))), "url-1")

    text = part.get_text()
    assert "Not comparable: other" in " ".join(text.split())
    table = rows(part, "Where the answers differ from that of by hand")
    assert table == [["other", "body", "other", "other", "other", "another answer"]]
    assert part.find("figure", "muted") is not None
    assert part.find("p", "differs") is not None


def test_what_failed_is_an_arrow_or_a_note_too() -> None:
    part = section(check(comparison_page(differing("refused"))), "url-1")

    problems = [step.find(class_="said").get_text() for step in part.find_all("li", "problem")]
    assert problems == [
        "looks up refused: refused",
        "to the server: asks refused:80 for a connection",
        "refused",
    ]


def test_what_all_of_scrapys_did_is_said_once() -> None:
    common, own = Remark("robots", "asks for robots.txt", ""), Remark("case", "writes host", "")
    ways = [
        way(),
        replace(way("urllib"), remarks=(common,)),
        replace(way("Scrapy (sockets)"), remarks=(common,)),
        replace(way("Scrapy (httpx)"), remarks=(common, own)),
    ]
    part = section(check(comparison_page(comparison(page(*ways)))), "url-1")

    assert [it.get_text(" ", strip=True) for it in part.find("div", "ways").find_all("div")] == [  # type: ignore[union-attr]
        "urllib asks for robots.txt",
        "Scrapy, with each of its 2 handlers asks for robots.txt",
        "Scrapy (httpx), besides writes host",
    ]


def test_ways_that_were_not_timed() -> None:
    ways = [replace(way(name), phases=(), cost=None, answer=None) for name in ("by hand", "urllib")]

    part = section(check(comparison_page(comparison(page(*ways)))), "url-1")

    assert part.find("figure") is None
    assert "none" in rows(part, part.find("caption").get_text())[0]  # type: ignore[union-attr]


def test_phases_whose_medians_cross_have_no_negative_width() -> None:
    one = way()
    crossed = replace(one, phases=(one.phases[2], replace(one.phases[1], seconds=spread(0.001))))

    part = section(check(comparison_page(comparison(page(crossed)))), "url-1")

    assert all(float(bar["width"][:-1]) >= 0 for bar in part.find_all("rect"))


def test_a_request_begins_a_message_of_its_own() -> None:
    half = len(REQUEST) // 2
    pieces = [
        Piece(0.004, SENT, REQUEST[:half]),
        Piece(0.005, SENT, REQUEST[half:]),
        Piece(0.006, SENT, REQUEST),
        *(Piece(0.007, RECEIVED, bytes([octet])) for octet in ANSWER),
    ]
    made = replace(
        way(),
        lookups=(),
        connections=(connection(pieces),),
        exchanges=(exchange(sent=0.004), exchange(sent=0.006, purpose="retry")),
    )

    told, left_out = steps(made)

    assert left_out == 0
    assert [step.hint for step in told[1:4]] == [
        "49 octets in 2 pieces",
        "49 octets, for retry",
        "41 octets in 41 pieces",
    ]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_content_stays_text(hostile: str) -> None:
    page = check(comparison_page(differing(hostile)))  # which looks for what acts

    for char in "\u202e\u2066\x1b\x07\x00":
        assert char not in str(page)


@given(st.binary(max_size=200))
def test_octets_are_shown_whole_and_do_nothing(data: bytes) -> None:
    text = octets_shown(data)

    assert all(line.isascii() and line.isprintable() for line in text.split("\n"))
    joined = text.replace("\n", "")
    assert joined.encode().decode("unicode_escape").encode("latin-1") == data


def test_large_comparisons_make_a_page_of_bounded_size() -> None:
    large = b"GET / HTTP/1.1\r\n" + b"<x>: \xff\r\n" * 20_000
    pieces = [Piece(at / 1000, (SENT, RECEIVED)[at % 2], large) for at in range(MAX_STEPS)]
    busy = replace(
        way(request=large),
        connections=(replace(connection(pieces), left_out=10**9),),
        exchanges=(exchange(large),) * (MAX_PAIRS + 3),
    )
    other = replace(busy, name="urllib", exchanges=(exchange(),) * (MAX_PAIRS + 3))

    text = comparison_page(comparison(page(busy, other, busy, other)))

    assert len(text) < 2 * MAX_CHARACTERS
    part = section(check(text), "url-1")
    assert "4 more steps were left out." in part.get_text()
    assert "3 more requests were left out." in part.get_text()
    assert f"… {len(large) - MAX_OCTETS:,} octets more" in part.get_text()
    assert "There is no room for them in this page" in part.get_text()


def test_many_urls() -> None:
    pages = [page(way(), way("urllib"), url=f"http://h/{at}") for at in range(MAX_PAGES + 2)]

    text = check(comparison_page(comparison(*pages))).get_text()

    assert "52 URLs" in text
    assert "2 more URLs were left out." in text
