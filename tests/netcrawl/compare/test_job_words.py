from __future__ import annotations

from typing import Any

import pytest

from netcrawl.compare.job_words import words
from netcrawl.compare.jobs import JobWay, WallTime
from netcrawl.compare.result import spread_of


def way(name: str, *seconds: float, trips: tuple[float, ...] = (0, 0.1), **more: Any) -> JobWay:
    """Return a way that takes so many seconds where a round trip takes those of ``trips``."""
    figures: dict[str, Any] = {"requests": 4, "connections": 1, **more}
    wall = tuple(
        # A slow run tells nothing of the network.
        WallTime(trip, spread_of([each]), spread_of([each, each + 9, each + 9]))
        for trip, each in zip(trips, seconds, strict=False)
    )
    return JobWay(name, "", 1, "pass", 1, "", "", wall=wall, **figures)


@pytest.mark.parametrize(
    ("ways", "expected"),
    [
        pytest.param([way("a", 1, 1)], [], id="nothing to compare with"),
        pytest.param([way("a"), way("b")], [], id="nothing measured"),
        pytest.param(
            [way("a", 2.0, trips=(0,)), way("b", 1.0, trips=(0,)), way("c", 1.1, trips=(0,))],
            ["Without a delay, b and c are the fastest (1.00 s); a 2.0 times as long."],
            id="no delay at all",
        ),
        pytest.param(
            [
                way("alone", 0.1, 0.9, connections=4),
                way("keeps", 0.2, 0.7),
                way("many", 1.0, 1.2),
                way("local", 1.0, 1.01),
            ],
            [
                "Without a delay, alone is the fastest (100 ms); keeps 2.0 times, many 10 times "
                "and local 10 times as long.",
                "Where a round trip takes 100 ms, keeps is the fastest (700 ms); alone 1.3 times, "
                "local 1.4 times and many 1.7 times as long.",
                "alone waits for 8 round trips one after the other, with 4 requests on 4 "
                "connections: each request also waits for a connection of its own.",
                "keeps waits for 5 round trips one after the other, with 4 requests on 1 "
                "connection: each request waits for the one before it.",
                "many waits for 2 round trips one after the other, with 4 requests on 1 "
                "connection: several requests are under way at a time.",
            ],
            id="what a delay costs",
        ),
        pytest.param(
            [way("a", 1, trips=(0,)), way("b", 1, trips=(0,), robots=1)],
            [
                "Without a delay, a and b are the fastest (1.00 s).",
                "b asks for robots.txt first; the others do not ask what they may fetch.",
            ],
            id="robots.txt",
        ),
        pytest.param(
            [way("a", 1, trips=(0,), robots=1), way("b", 1, trips=(0,), robots=1)],
            ["Without a delay, a and b are the fastest (1.00 s)."],
            id="all ask for robots.txt",
        ),
        pytest.param(
            [way("a", 1, 2), way("b", 1, 2), way("c", 1)],
            [
                "Without a delay, a and b are the fastest (1.00 s).",
                "Where a round trip takes 100 ms, a and b are the fastest (2.00 s).",
                "a waits for 10 round trips one after the other, with 4 requests on 1 "
                "connection: each request waits for the one before it.",
                "b waits for 10 round trips one after the other, with 4 requests on 1 "
                "connection: each request waits for the one before it.",
            ],
            id="who failed with a delay is left out",
        ),
    ],
)
def test_words_say_what_the_figures_say(ways: list[JobWay], expected: list[str]) -> None:
    assert list(words(ways)) == expected
