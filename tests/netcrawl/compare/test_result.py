from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netcrawl.compare.result import Comparison, from_json, to_json
from tests.netcrawl.compare.comparisons import comparison


def test_what_was_written_is_read_again() -> None:
    made = comparison()

    assert from_json(to_json(made)) == made


# A comparison is large: ten thousand draws, which take their time.
@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.from_type(Comparison))
def test_any_comparison_is_read_as_it_was(made: Comparison) -> None:
    assert repr(from_json(to_json(made))) == repr(made)


def test_nothing_in_it_acts_on_a_terminal() -> None:
    made = dataclasses.replace(comparison(), made="\x1b[2J\x9b\u202e")

    assert all(" " <= char <= "~" for char in to_json(made))


def test_a_whole_number_is_a_time_too() -> None:
    data = json.loads(to_json(comparison()))
    data["pages"][0]["ways"][0]["connections"][0]["begun"] = 1

    found = from_json(json.dumps(data)).pages[0].ways[0].connections[0].begun

    assert (found, type(found)) == (1.0, float)


def test_all_pages_have_to_be_the_same() -> None:
    made = comparison()
    other = dataclasses.replace(made.pages[0], same=False)

    assert made.same
    assert not dataclasses.replace(made, pages=(*made.pages, other)).same


def _change(path: list[Any], value: Any) -> str:
    data = json.loads(to_json(comparison()))
    place = data
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return json.dumps(data)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("[1]", "no format", id="list"),
        pytest.param("{}", "no format", id="empty"),
        pytest.param("{", "Expecting", id="no-json"),
        pytest.param("[" * 100_000, "nested|no format|Expecting", id="deep"),
        pytest.param(_change(["format"], 99), "its format is 99, expected 1", id="format"),
        pytest.param(_change(["spam"], 1), "comparison has not what .*: spam", id="more"),
        pytest.param(
            _change(["pages"], {}), "comparison.pages is dict, expected a list", id="no-list"
        ),
        pytest.param(_change(["runs"], True), "comparison.runs is bool, expected int", id="bool"),
        pytest.param(
            _change(["versions"], [["a"]]), r"versions\[0\] has 1 members, expected 2", id="short"
        ),
        pytest.param(
            _change(["pages", 0, "ways", 0, "exchanges", 0, "request"], "Ā"),
            r"ways\[0\]\.exchanges\[0\]\.request is no octets",
            id="no-octets",
        ),
        pytest.param(
            _change(["pages", 0, "ways", 0, "answer"], 5), r"ways\[0\]\.answer has not", id="number"
        ),
    ],
)
def test_anything_else_is_refused(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        from_json(text)
