"""Values from the network, as text."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netcrawl.report.shown import MAX_CELL, lines_shown, link_target, number, shown


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(None, "", id="null"),
        pytest.param(True, "true", id="true"),
        pytest.param(math.nan, "nan", id="nan"),
        pytest.param(10**400, "an integer of 1,329 bits", id="long integer"),
        pytest.param("a\n\x1b[2Jb", "a\\n\\x1b[2Jb", id="control characters"),
        pytest.param("\u202egpj.exe", "\\u202egpj.exe", id="bidi"),
        pytest.param("<b>&", "<b>&", id="markup is the page's affair"),
        pytest.param({"a": [1, "x", None, 1.5]}, '{"a": [1, "x", null, 1.5]}', id="nested"),
        pytest.param(b"\x00\xff", "2 B of bytes", id="bytes"),
        pytest.param({"a": b"\x00"}, '{"a": "1 B of bytes"}', id="bytes inside"),
        pytest.param({(1, 2): {3}}, '{"(1, 2)": [3]}', id="what JSON has not"),
        pytest.param([10**400], '["an integer of 1,329 bits"]', id="long integer inside"),
    ],
)
def test_a_value_is_one_line(value: object, text: str) -> None:
    assert shown(value) == text


def test_a_long_value_is_cut() -> None:
    assert shown("x" * 10_000_000) == "x" * MAX_CELL + "… (10,000,000 characters)"
    assert len(shown([["x" * 1000] * 1000] * 1000)) < 2 * MAX_CELL


def test_what_is_nested_deeply_is_cut() -> None:
    value: list[object] = []
    for _ in range(10_000):
        value = [value]

    assert shown(value) == '[[[[[["…"]]]]]]'


@given(st.text())
def test_nothing_that_is_shown_acts(text: str) -> None:
    assert shown(text).isprintable()
    assert lines_shown(text).replace("\n", "").replace("\t", "").isprintable()


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        " javascript:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:x",
        "file:///etc/passwd",
        "http:",
        "http:///nothing",
        "http://[",
        "http://h/\u202e",
        "http://h/\x00",
        "\x00http://h/",
        " http://h/",
        "//h/",
        "http://h/" + "x" * 3000,
        None,
        7,
    ],
)
def test_what_is_no_link(url: object) -> None:
    assert link_target(url) is None


def test_what_is_a_link() -> None:
    assert link_target('https://h/p?q=<b>&a="') == 'https://h/p?q=<b>&a="'
    assert link_target("http://me:secret@h/") == "http://h/"


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (1, 1.0), ("1.5", 1.5), (" 2 ", 2.0), ("x", None), (None, None), (True, None),
        (math.nan, None), ("nan", None), ("inf", None), ("1e999", None), (10**400, None),
        ("1" * 100, None), ([], None),
    ],
)  # fmt: skip
def test_what_is_a_number(value: object, wanted: float | None) -> None:
    assert number(value) == wanted
