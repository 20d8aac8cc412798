"""A few kills of some crawls; ``python -m tests.kill`` has as many as wanted, of all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.kill.campaign import KEEPERS, Harness
from tests.kill.deaths import Death
from tests.kill.site import Site
from tests.kill.subjects import SUBJECTS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Site() as site:
        yield site


@pytest.mark.parametrize(
    ("name", "deaths"),
    [
        pytest.param("catalogue", [Death(requests=60), Death(step="sql:90")], id="catalogue"),
        pytest.param(
            "async", [Death("twice", requests=70, seconds=0.1)], id="async", marks=pytest.mark.soak
        ),
        pytest.param(
            *("starts", [Death(requests=40), Death(requests=30, seconds=0.1)]),
            id="starts",
            marks=pytest.mark.soak,
        ),
        pytest.param(
            *("counter", [Death(requests=40), Death(at_close=True)]),
            id="counter",
            marks=pytest.mark.soak,
        ),
        pytest.param("media", [Death("group", requests=50)], id="media", marks=pytest.mark.soak),
        pytest.param(
            "words", [Death(requests=90), Death(step="file:4")], id="words", marks=pytest.mark.soak
        ),
        pytest.param(
            *("images", [Death("once", requests=60), Death(at_close=True)]),
            id="images",
            marks=pytest.mark.soak,
        ),
    ],
)
def test_a_crawl_that_is_killed_ends_as_one_that_is_not(
    name: str, deaths: list[Death], site: Site, tmp_path: Path
) -> None:
    result = Harness(site, tmp_path, KEEPERS["frontier"]).planned(SUBJECTS[name], *deaths)

    assert not result.faults, result.errors
    assert result.kills


def test_what_is_lost_is_seen(site: Site, tmp_path: Path) -> None:
    harness = Harness(site, tmp_path, KEEPERS["jobdir"])

    result = harness.planned(SUBJECTS["starts"], Death(requests=100))

    # Depending on what was in a buffer, it begins anew or has nothing left to do.
    assert result.faults
