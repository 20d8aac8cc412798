from __future__ import annotations

import gzip
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netcrawl.compare.answers import MAX_DIFFERENCES, Plain, differences, is_same
from netcrawl.compare.fetched import Fetched

PAGE = Fetched(200, "http://h/", [("Content-Type", "text/html"), ("ETag", '"1"')], "", b"hello")


def compare(other: Fetched, first: Fetched = PAGE, **options: bool) -> list[tuple[str, ...]]:
    found = differences(Plain.of(first), Plain.of(other), **options)
    return [(one.part, one.where, one.ours, one.theirs) for one in found if one.matters]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, [], id="same"),
        pytest.param({"status": 404}, [("status", "", "200", "404")], id="status"),
        pytest.param({"url": "http://h/x"}, [("url", "", "http://h/", "http://h/x")], id="url"),
        pytest.param(
            {"body": b"help!"}, [("body", "octet 3, line 1", "hello", "help!")], id="body"
        ),
        pytest.param(
            {"body": b"hel"},
            [("body", "octet 3, line 1", "hello", "hel(the body ends here)")],
            id="body-ends",
        ),
        pytest.param(
            {"fields": [("content-type", "text/plain"), ("ETag", '"1"')]},
            [("field", "content-type", "text/html", "text/plain")],
            id="field",
        ),
        pytest.param(
            {"fields": [("ETag", '"1"')]},
            [("field", "content-type", "text/html", "")],
            id="no-field",
        ),
        pytest.param(
            {"fields": [("etag", '"1"'), ("CONTENT-TYPE", "text/html")]}, [], id="case-and-order"
        ),
        pytest.param(
            {"fields": [*PAGE.fields, ("Set-Cookie", "a"), ("Set-Cookie", "b")]},
            [("field", "set-cookie", "", "a, b")],
            id="two-values",
        ),
        pytest.param(
            {"fields": [*PAGE.fields, ("Date", "now"), ("Transfer-Encoding", "chunked")]},
            [],
            id="carrying",
        ),
    ],
)
def test_what_is_another_answer(changes: dict[str, object], expected: list[object]) -> None:
    found = compare(replace(PAGE, **changes))  # type: ignore[arg-type]

    assert found == expected


def test_the_place_of_a_difference_is_told_with_its_line() -> None:
    first = replace(PAGE, body=b"one\ntwo\n" + b"x" * 100)
    other = replace(PAGE, body=b"one\ntwo\n" + b"x" * 50 + b"\x1b[2J" + b"x" * 46)

    ((part, where, ours, theirs),) = compare(other, first)

    assert (part, where) == ("body", "octet 58, line 3")
    assert ours == "x" * 56
    assert theirs == "x" * 16 + r"\x1b[2J" + "x" * 36


def test_what_carried_an_answer_is_told_and_does_not_matter() -> None:
    other = replace(PAGE, fields=[*PAGE.fields, ("Connection", "close")])

    (found,) = differences(Plain.of(PAGE), Plain.of(other))

    assert (found.where, found.matters) == ("connection", False)
    assert is_same([found])


def test_a_tag_may_be_another_one_for_a_compressed_body() -> None:
    other = replace(PAGE, fields=[("Content-Type", "text/html"), ("ETag", '"1-gzip"')])

    assert compare(other, coded_alike=False) == []
    assert compare(other) == [("field", "etag", '"1"', '"1-gzip"')]


def test_a_coding_that_was_left_is_undone() -> None:
    other = replace(PAGE, body=gzip.compress(b"hello"), coding="gzip")

    assert compare(other) == []
    assert (Plain.of(other).answer().coding, Plain.of(other).answer().size) == ("gzip", 5)


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        pytest.param("gzip", b"hello", id="none"),
        pytest.param("gzip", gzip.compress(b"hello")[:-5], id="half"),
        pytest.param("spam", b"hello", id="unknown"),
        pytest.param("gzip, " * 9, b"hello", id="many"),
    ],
)
def test_what_cannot_be_undone_stays(coding: str, body: bytes) -> None:
    assert Plain.of(replace(PAGE, coding=coding, body=body)).body == body


def test_a_field_that_changes_each_time_is_no_other_answer() -> None:
    first, again, other = (
        replace(PAGE, fields=[("X-Id", number)], body=b"hello") for number in "123"
    )
    changing = differences(Plain.of(first), Plain.of(again))

    (found,) = differences(Plain.of(first), Plain.of(other), changing=changing)

    assert (found.where, found.changes) == ("x-id", True)
    assert is_same([found])
    assert not is_same(differences(Plain.of(first), Plain.of(other)))


def test_a_body_that_changes_each_time_cannot_be_said_to_be_the_same() -> None:
    first, again, other = (replace(PAGE, body=body) for body in (b"a", b"ba", b"b"))
    changing = differences(Plain.of(first), Plain.of(again))

    (found,) = differences(Plain.of(first), Plain.of(other), changing=changing)

    assert found.changes
    assert not is_same([found])


def test_differences_have_a_bound() -> None:
    other = replace(PAGE, fields=[(f"X-{number}", "") for number in range(999)])

    assert len(differences(Plain.of(PAGE), Plain.of(other))) == MAX_DIFFERENCES


@given(st.binary(max_size=20), st.binary(max_size=20), st.binary(max_size=20))
def test_the_first_octet_that_differs_is_found(common: bytes, one: bytes, other: bytes) -> None:
    first, second = (replace(PAGE, body=common + rest) for rest in (one, other))
    offset = next(
        (at for at, (a, b) in enumerate(zip(first.body, second.body, strict=False)) if a != b),
        min(len(first.body), len(second.body)),
    )

    found = compare(second, first)

    assert bool(found) == (one != other)
    if found:
        assert found[0][1].startswith(f"octet {offset}, ")
