from __future__ import annotations

import pytest

from sockettools.units import clock_text, octets_text


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (999.6, "1.0 kB"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (12_345_678_901, "12.3 GB"),
        (5e15, "5000.0 TB"),
    ],
)
def test_octets(octets: float, text: str) -> None:
    assert octets_text(octets) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (59.4, "0:59"), (59.6, "1:00"), (3599.6, "1:00:00"), (90_061, "25:01:01")],
)
def test_clock(seconds: float, text: str) -> None:
    assert clock_text(seconds) == text
