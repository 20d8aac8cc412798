from __future__ import annotations

import pytest

from netcrawl.compare.grouping import pairs, remarks_of, senders
from netcrawl.compare.result import Remark, Way
from tests.netcrawl.compare.comparisons import way
from tests.netcrawl.compare.test_words import asked

A, B, C = (Remark("added", f"sends {name}: 1", "") for name in "ABC")


def did(name: str, *remarks: Remark) -> Way:
    return way(name, remarks=remarks)


@pytest.mark.parametrize(
    ("ways", "told"),
    [
        pytest.param([], [], id="none"),
        pytest.param([did("urllib", A)], [("urllib", [A])], id="one"),
        pytest.param([did("urllib")], [("urllib", [])], id="nothing to say"),
        pytest.param(
            [did("urllib", A), did("Agent", A)],
            [("urllib", [A]), ("Agent", [A])],
            id="only Scrapy is one thing in several ways",
        ),
        pytest.param(
            [did("Scrapy (a)", A, B), did("urllib", A), did("Scrapy (b)", A), did("Scrapy (c)", A)],
            [
                ("Scrapy, with each of its 3 handlers", [A]),
                ("Scrapy (a), besides", [B]),
                ("urllib", [A]),
            ],
            id="in common",
        ),
        pytest.param(
            [did("Scrapy (a)", A, B), did("Scrapy (b)", C)],
            [("Scrapy (a)", [A, B]), ("Scrapy (b)", [C])],
            id="nothing in common",
        ),
        pytest.param([did("Scrapy (a)", A)], [("Scrapy (a)", [A])], id="one of Scrapy's"),
        pytest.param([did("Scrapy (a)")], [("Scrapy (a)", [])], id="one that did nothing else"),
    ],
)
def test_remarks(ways: list[Way], told: list[tuple[str, list[Remark]]]) -> None:
    assert [(names, list(remarks)) for names, remarks in remarks_of(ways)] == told


def test_who_sent_the_same_is_one() -> None:
    one, other = (asked("X: 1"),), (asked("X: 2"),)
    ways = [way("a", exchanges=one), way("b", exchanges=other), way("c", exchanges=one)]

    assert list(senders(ways)) == [("a, c", ways[0]), ("b", ways[1])]


def test_pairs_are_of_pages() -> None:
    page, robots = asked("X: 1"), asked("X: 2", purpose="robots.txt")

    found = pairs(way(exchanges=(page,)), way(exchanges=(robots, page, page)))

    assert found == [(page, page), (None, page)]
