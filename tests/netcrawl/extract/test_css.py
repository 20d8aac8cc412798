"""url() in style attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from netcrawl.extract.css import css_urls
from tests.growth import assert_linear

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        pytest.param("color: red", [], id="none"),
        pytest.param("background: url(a.png)", ["a.png"], id="bare"),
        pytest.param("background: URL( a.png )", ["a.png"], id="capitals and white space"),
        pytest.param("background: url('a b.png')", ["a b.png"], id="single quotes"),
        pytest.param('background: url( "a(1).png" )', ["a(1).png"], id="double quotes"),
        pytest.param(
            "a: url(a.png), url(b.png); b: url(c.png)", ["a.png", "b.png", "c.png"], id="3"
        ),
        pytest.param(r"a: url(a\)\20 b.png)", ["a) b.png"], id="escapes"),
        pytest.param(r"a: url('\27 \5a\000041')", ["'ZA"], id="hexadecimal escapes"),
        pytest.param(r"a: url('\0 \d800 \110000')", ["\ufffd\ufffd\ufffd"], id="no characters"),
        pytest.param("a: url('a\\\nb')", ["ab"], id="a line that goes on"),
        pytest.param("a: url(a b.png)", [], id="white space within is wrong"),
        pytest.param("a: url()", [], id="empty"),
        pytest.param("a: url('')", [], id="empty quotes"),
        pytest.param("a: url(a.png", ["a.png"], id="the end closes it"),
        pytest.param("a: url('a.png", ["a.png"], id="and a string"),
        pytest.param("/* url(a.png) */ a: url(b.png)", ["b.png"], id="a comment"),
        pytest.param("content: 'url(a.png)'; a: url(b.png)", ["b.png"], id="a string"),
        pytest.param("a: my-url(a.png) xurl(b.png)", [], id="other functions"),
        pytest.param(
            "a: -webkit-image-set(url(a.png) 1x, url(b.png) 2x)", ["a.png", "b.png"], id="a set"
        ),
        pytest.param(
            "a: url(data:image/png;base64,AA+/=)", ["data:image/png;base64,AA+/="], id="data"
        ),
    ],
)
def test_urls(style: str, expected: list[str]) -> None:
    assert list(css_urls(style)) == expected


@pytest.mark.parametrize("piece", ["url(", "url( ", "url('", '"\n', "'a", "/*", "\\", " ", "\\("])
def test_time_for_hostile_ones(piece: str) -> None:
    def prepare(pieces: int) -> Callable[[], object]:
        style = "url(" + piece * pieces + "x x"
        return lambda: list(css_urls(style))

    assert_linear(prepare, 25_000)
