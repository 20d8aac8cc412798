"""Feeds of any program, whole and broken."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netcrawl.report.errors import ReportError
from netcrawl.report.feeds import Feed

if TYPE_CHECKING:
    from pathlib import Path


def read(path: Path, content: bytes | str, form: str | None = None) -> tuple[list[Any], list[str]]:
    """Return items and problems of a feed of that content."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    feed = Feed(path, form)
    return list(feed.items()), feed.problems


@pytest.mark.parametrize(
    ("name", "content", "items"),
    [
        pytest.param("f.json", "[]", [], id="empty array"),
        pytest.param("f.json", "", [], id="empty file"),
        pytest.param("f.json", '[\n{"a": 1},\n{"a": null}\n]', [{"a": 1}, {"a": None}], id="json"),
        pytest.param("f.jsonl", '{"a": 1}\n\n{"b": 2}', [{"a": 1}, {"b": 2}], id="json lines"),
        pytest.param("f.json", '{"a": 1}\n{"b": 2}\n', [{"a": 1}, {"b": 2}], id="lines as .json"),
        pytest.param("f.jsonl", '[{"a": 1}]', [{"a": 1}], id="an array as .jsonl"),
        pytest.param("f", '\ufeff [1, "x"]', [{"value": 1}, {"value": "x"}], id="no ending"),
        pytest.param("f.csv", "a,b\r\n1,\r\n", [{"a": "1", "b": ""}], id="csv"),
        pytest.param("f.csv", "\ufeffa\n1\n", [{"a": "1"}], id="byte order mark"),
        pytest.param("f.csv", "a,b\n1\n", [{"a": "1"}], id="short row"),
        pytest.param("f.csv", 'a\n"x\ny"\n', [{"a": "x\ny"}], id="lines in a cell"),
        pytest.param("f.json", "[12, 34]", [{"value": 12}, {"value": 34}], id="numbers"),
    ],
)
def test_a_feed_is_read(
    name: str, content: str, items: list[dict[str, Any]], tmp_path: Path
) -> None:
    assert read(tmp_path / name, content) == (items, [])


def test_what_json_does_not_have_is_read(tmp_path: Path) -> None:
    ((item,), problems) = read(tmp_path / "f.json", '[{"a": NaN, "b": -Infinity}]')

    assert str(item["a"]) == "nan"
    assert problems == []


@pytest.mark.parametrize(
    ("content", "number", "problem"),
    [
        ('[{"a": 1}, {"a": 2', 1, "it breaks off after 1 item: expecting ',' delimiter"),
        ('[{"a": 1}', 1, "it breaks off after 1 item: no ] at the end"),
        ('[{"a": 1},', 1, "it breaks off after 1 item: expecting value"),
        ('[{"a": 1} {"a": 2}]', 1, "it breaks off after 1 item: no ] at the end"),
        ('[{"a": 1}, ' + "[" * 100_000, 1, "it breaks off after 1 item: it is nested too deeply"),
        ("[1, " + "9" * 5000 + "]", 1, "an integer has more than 4,300 digits"),
    ],
    ids=["in an item", "no end", "after a comma", "no comma", "nested", "digits"],
)
def test_of_a_broken_feed_what_came_before_is_read(
    content: str, number: int, problem: str, tmp_path: Path
) -> None:
    items, problems = read(tmp_path / "f.json", content)

    assert len(items) == number
    assert len(problems) == 1
    assert problem in problems[0]


def test_lines_that_are_no_items_are_left_out(tmp_path: Path) -> None:
    lines = ['{"a": 1}', '{"a": ', "[" * 100_000, *["x"] * 10, '{"a": 2}']
    items, problems = read(tmp_path / "f.jsonl", "\n".join(lines))

    assert items == [{"a": 1}, {"a": 2}]
    assert problems[0] == "line 2 is not JSON: expecting value"
    assert problems[1] == "line 3 is not JSON: it is nested too deeply"
    assert problems[-1] == "7 more lines are no items and were left out"


def test_cells_too_many_are_told(tmp_path: Path) -> None:
    items, problems = read(tmp_path / "f.csv", "a,b\n1,2,3\n")

    assert items == [{"a": "1", "b": "2"}]
    assert problems == ["line 2 has 3 cells in 2 columns; those too many were left out"]


def test_large_fields_are_read(tmp_path: Path) -> None:
    large = "x" * 10_000_000

    assert read(tmp_path / "f.csv", f"a\n{large}\n") == ([{"a": large}], [])
    assert read(tmp_path / "f.json", f'[{{"a": "{large}"}}, 1]')[0][1] == {"value": 1}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("f.txt", b"Dear reader,\n"),
        ("f.json", b"not JSON"),
        ("f.json", b"[not JSON]"),
        ("f.jsonl", b"{not JSON}"),
        ("f.csv", b"\x89PNG\r\n\x1a\n\0\0"),
        ("f.csv", b"\x1f\x8b\x08 compressed"),
        ("f.xml", b"<?xml version='1.0'?><items></items>"),
        ("f", b""),
    ],
)
def test_what_is_no_feed_is_told_in_a_line(name: str, content: bytes, tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=rf"{name} is not .*; a report is made of JSON") as caught:
        read(tmp_path / name, content)

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["nothing.json", "folder.json"])
def test_what_cannot_be_read_is_told_in_a_line(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder.json").mkdir()

    with pytest.raises(ReportError, match=f"{name} cannot be read: "):
        Feed(tmp_path / name)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.dictionaries(st.text(), values, max_size=4), max_size=6),
    st.sampled_from([None, 2]),
    st.sampled_from(["", " ", "\n"]),
)
def test_what_was_written_is_read(
    tmp_path: Path, items: list[dict[str, Any]], indent: int | None, blank: str
) -> None:
    whole = blank + json.dumps(items, indent=indent) + blank
    assert read(tmp_path / "f.json", whole) == (items, [])
    if items:
        lines = "\n".join(json.dumps(item) for item in items)
        assert read(tmp_path / "f.jsonl", lines) == (items, [])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(),
    st.sampled_from(["[", "{", "", '[{"a": ', "a,b\n"]),
    st.sampled_from([".json", ".jsonl", ".csv", ""]),
)
def test_noise_is_read_or_told(tmp_path: Path, noise: bytes, start: str, ending: str) -> None:
    with suppress(ReportError):
        items, _ = read(tmp_path / f"f{ending}", start.encode() + noise)
        assert all(isinstance(item, dict) for item in items)


def test_a_feed_is_read_at_any_edge_of_a_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = [{"n": number, "text": 'é\\"' * (number % 7)} for number in range(200)]
    items.append({"n": 1.25e10, "text": "x" * 500})
    for block in (1, 2, 3, 7, 64):
        monkeypatch.setattr("netcrawl.report.feeds._BLOCK", block)
        assert read(tmp_path / "f.json", json.dumps(items)) == (items, [])
