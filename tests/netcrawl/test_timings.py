from __future__ import annotations

import random

import pytest

from netcrawl.timings import Durations, PhaseDurations


@pytest.mark.parametrize("percent", [1, 50, 90, 99, 100])
def test_a_percentile_is_right_to_a_few_percent(percent: int) -> None:
    values = [random.Random(n).lognormvariate(-3, 2) for n in range(2000)]
    durations = Durations()
    for value in values:
        durations.add(value)

    expected = sorted(values)[max(0, len(values) * percent // 100 - 1)]
    assert durations.percentile(percent) == pytest.approx(expected, rel=0.026)


def test_phases_that_never_were_have_none() -> None:
    phases = PhaseDurations()
    phases.add({})
    assert list(phases.percentiles(50)) == []
    phases.add({"done": 0.0, "tls": 1.0})
    assert dict(phases.percentiles(50)) == {
        "tls/p50": pytest.approx(1.0),
        "done/p50": pytest.approx(1e-6, rel=0.03),
    }
