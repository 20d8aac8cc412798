"""srcset, with the cases of the HTML Standard and those that people write."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from netcrawl.extract.srcset import Candidate, parse_srcset
from tests.growth import assert_linear

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("srcset", "expected"),
    [
        pytest.param("", [], id="nothing"),
        pytest.param(" , ,", [], id="only commas"),
        pytest.param("a.png", [Candidate("a.png")], id="one URL"),
        pytest.param(
            "a.png, b.png 2x", [Candidate("a.png"), Candidate("b.png", density=2)], id="density"
        ),
        pytest.param(
            "\na.png 100w,\n\tb.png 200w\n",
            [Candidate("a.png", 100), Candidate("b.png", 200)],
            id="width",
        ),
        pytest.param("a.png 1.5e1x", [Candidate("a.png", density=15)], id="exponent"),
        pytest.param("a.png .5x", [Candidate("a.png", density=0.5)], id="less than one"),
        pytest.param("a,b.png 1x", [Candidate("a,b.png")], id="comma in a URL"),
        pytest.param("a.png,b.png", [Candidate("a.png,b.png")], id="no white space, one URL"),
        pytest.param("a.png,, b.png", [Candidate("a.png"), Candidate("b.png")], id="two commas"),
        pytest.param("a.png ,b.png", [Candidate("a.png"), Candidate("b.png")], id="comma apart"),
        pytest.param(
            "data:image/png;base64,iVBO+/= 2x, b.png",
            [Candidate("data:image/png;base64,iVBO+/=", density=2), Candidate("b.png")],
            id="data URL",
        ),
        pytest.param("a.png 100w 50h", [Candidate("a.png", 100)], id="width and height"),
        pytest.param("a.png 50h", [], id="height alone"),
        pytest.param("a.png 1x 100w, b.png", [Candidate("b.png")], id="width and density"),
        pytest.param("a.png 1x 2x, b.png", [Candidate("b.png")], id="two densities"),
        pytest.param("a.png 0w, b.png", [Candidate("b.png")], id="no width"),
        pytest.param("a.png -1x, b.png", [Candidate("b.png")], id="less than nothing"),
        pytest.param("a.png 1.w, b.png", [Candidate("b.png")], id="a width with a point"),
        pytest.param("a.png 2X, b.png", [Candidate("b.png")], id="capitals are none"),
        pytest.param("a.png f(1x, 2x), b.png", [Candidate("b.png")], id="commas in parentheses"),
        pytest.param("a.png (1x, b.png 2x", [], id="a parenthesis that is never closed"),
        pytest.param(f"a.png {'9' * 999}w, b.png", [Candidate("b.png")], id="a number too long"),
    ],
)
def test_candidates(srcset: str, expected: list[Candidate]) -> None:
    assert list(parse_srcset(srcset)) == expected


@pytest.mark.parametrize("piece", [",", "a ", "a, ", "a (", "a (), ", "a (,", "1x "])
def test_time_for_hostile_ones(piece: str) -> None:
    def prepare(pieces: int) -> Callable[[], object]:
        srcset = "a " + piece * pieces
        return lambda: list(parse_srcset(srcset))

    assert_linear(prepare, 40_000)
