from __future__ import annotations

from dataclasses import replace
from io import StringIO
from typing import TYPE_CHECKING

import pytest

from netcrawl.compare.result import AnswerDifference, Remark
from netcrawl.compare.terminal import MAX_PAIRS, MAX_SHOWN, print_to
from tests.netcrawl.compare.comparisons import comparison, way
from tests.netcrawl.compare.test_words import asked

if TYPE_CHECKING:
    from netcrawl.compare.result import Way


def printed(*ways: Way, **changes: object) -> list[str]:
    """Return what is printed of a page that is like that."""
    made = comparison(*ways)
    page = replace(made.pages[0], **{"comparable": True, **changes})  # type: ignore[arg-type]
    output = StringIO()
    print_to(output, replace(made, pages=(page,)))
    return output.getvalue().splitlines()


@pytest.fixture(autouse=True)
def no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("COLUMNS", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)


def test_the_verdict_comes_first() -> None:
    lines = printed()

    assert lines[0] == "https://example.org/"
    assert lines[2] == "all the same"


def test_the_parts_come_in_their_order() -> None:
    text = "\n".join(printed(way(), way("urllib")))

    parts = (
        "all the same",
        "What each way did, and used",
        "Milliseconds after it was asked",
        "Where the answers differ from that of by hand",
        "What the others did differently from by hand, and why",
        "The requests as they were sent, beside those of by hand",
        "Python 3.11.7, Scrapy 2.19.0",
    )
    places = [text.index(part) for part in parts]
    assert places == sorted(places)


def test_no_line_is_wider_than_a_terminal() -> None:
    long = asked("X: " + "y" * 400, answer="Z: 1")
    names = [f"Scrapy (handler {number})" for number in range(4)]

    lines = printed(way(exchanges=(asked(),)), *(way(name, exchanges=(long,)) for name in names))

    assert max(map(len, lines)) <= 80
    assert not any(line.endswith(" ") for line in lines)


def test_nothing_is_cut_out_of_a_request() -> None:
    value = "".join(chr(97 + number % 26) for number in range(300))

    lines = printed(way(exchanges=(asked(),)), way("urllib", exchanges=(asked(f"X: {value}"),)))

    right = "".join(line[42:].strip() for line in lines)
    assert value in right


def test_a_row_of_the_first_table() -> None:
    lines = printed(way())

    assert ["by", "hand", "200", "1", "1", "40", "45", "0.05", "20"] in [
        line.split() for line in lines
    ]


def test_what_does_not_matter_is_no_difference_of_answers() -> None:
    date = AnswerDifference("field", "date", "1", "2", matters=False, changes=True)
    lines = printed(way(differences=()), way("urllib", differences=(date,)))

    assert not any("Where the answers differ" in line for line in lines)


def test_answers_are_shown_beside_that_of_the_first_way_that_has_one() -> None:
    difference = AnswerDifference("status", "", "200", "403", matters=True, changes=False)
    lines = printed(
        way(answer=None, error="refused", differences=()),
        way("urllib", differences=()),
        way("Twisted", differences=(difference,)),
    )

    begin = lines.index("Where the answers differ from that of urllib") + 1
    assert lines[begin : begin + 4] == [
        "Twisted",
        "  status",
        "    urllib   200",
        "    Twisted  403",
    ]


def test_times_have_their_spread() -> None:
    lines = printed(way())

    at = next(number for number, line in enumerate(lines) if line.split() == ["by", "hand", "6.0"])
    assert lines[at + 1].strip() == "5-9"


def test_times_of_other_answers_are_said_not_to_be_comparable() -> None:
    lines = printed(comparable=False, why_not="the answers are not the same")

    assert "Milliseconds after it was asked: NOT COMPARABLE, the answers are not the same" in lines


def test_what_all_of_scrapys_did_is_said_once() -> None:
    both, one = Remark("added", "sends A: 1", "why it does"), Remark("order", "sends B first", "")
    lines = printed(
        way(),
        way("urllib", remarks=()),
        way("Scrapy (a)", remarks=(both, one)),
        way("Scrapy (b)", remarks=(both,)),
    )

    begin = lines.index("What the others did differently from by hand, and why") + 1
    assert lines[begin : begin + 7] == [
        "urllib",
        "  nothing",
        "Scrapy, with each of its 2 handlers",
        "  - sends A: 1",
        "    why: why it does",
        "Scrapy (a), besides",
        "  - sends B first",
    ]


def test_ways_that_sent_the_same_octets_are_shown_once() -> None:
    lines = printed(way(), way("a"), way("b"), way("c", exchanges=(asked(),)))

    titles = [line for line in lines if line.startswith("by hand: ")]
    assert [title.split("  ")[-1].strip() for title in titles] == [
        "a, b: 37 octets -> 200",
        "c: 18 octets -> 200",
    ]


def test_a_request_that_the_first_way_did_not_send() -> None:
    robots = asked(purpose="robots.txt")
    other = way("other", exchanges=(robots, asked(), asked("B: 1", purpose="redirect")))

    lines = printed(way(exchanges=(asked(),)), other)

    assert "other asked first: GET /, 18 octets -> 200" in lines
    assert any(line.startswith("by hand: no such request") for line in lines)
    assert any("+  B: 1" in line for line in lines)


def test_requests_and_differences_have_a_bound() -> None:
    many = tuple(asked(f"N: {number}") for number in range(MAX_PAIRS + 2))
    difference = AnswerDifference("field", "x", "1", "2", matters=True, changes=False)
    lines = printed(way(), way("a", exchanges=many, differences=(difference,) * (MAX_SHOWN + 3)))

    assert "... and 2 requests more: see --json" in lines
    assert "  and 3 more: see --json" in lines


@pytest.mark.parametrize("follows", [12, 20, 0])
def test_of_a_redirect_loop_the_first_two_are_shown(follows: int) -> None:
    hop = asked(purpose="redirect")
    lines = printed(
        way(exchanges=(asked(), *[hop] * 20)), way("a", exchanges=(asked(), *[hop] * follows))
    )

    titles = [line for line in lines if line.startswith("by hand") and "octets ->" in line]
    assert len(titles) == 3
    assert "... and 18 requests more: see --json" in lines


def test_what_the_network_said_cannot_act() -> None:
    evil = "\x1b[2J\x9b\u202e[bold]\r"
    difference = AnswerDifference("field", evil, evil, evil, matters=True, changes=False)
    exchange = replace(asked(), request=evil.encode() + b"\r\n\r\n", url=evil)
    robots = replace(exchange, purpose="robots.txt")
    lines = printed(
        way(error=evil, exchanges=(exchange,)),
        way(
            "a",
            error=evil,
            differences=(difference,),
            remarks=(Remark("error", evil, evil),),
            exchanges=(robots, exchange),
        ),
        verdict=evil,
        url=evil,
    )

    text = "\n".join(lines)
    assert text.count("[bold]") >= 8
    assert not set(text) & {"\x1b", "\x9b", "\u202e", "\r"}


def test_a_page_that_nobody_got() -> None:
    nothing = {
        "answer": None,
        "error": "refused",
        "exchanges": (),
        "phases": (),
        "cost": None,
        "remarks": (),
        "differences": (),
    }
    lines = printed(way(**nothing), way("urllib", **nothing))

    assert "by hand: no answer" in lines
    assert "  refused" in lines
    assert not any("Milliseconds" in line or "The requests" in line for line in lines)
