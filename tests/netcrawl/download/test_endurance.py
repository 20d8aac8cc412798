"""Nothing is left behind by requests of every kind; see ``tests.benchmarks.endurance``."""

from __future__ import annotations

import pytest

from tests.benchmarks.endurance import KINDS, problems_of
from tests.machine import needs_proc


@needs_proc
@pytest.mark.parametrize(
    ("count", "stages"),
    [
        pytest.param(4_000, 4, id="short"),
        pytest.param(100_000, 10, id="long", marks=pytest.mark.soak),
    ],
)
def test_nothing_grows_and_nothing_is_left(count: int, stages: int) -> None:
    assert problems_of(count, stages) == []


def test_the_shares_are_of_a_thousand() -> None:
    assert sum(kind.share for kind in KINDS) == 1000
