from __future__ import annotations

import argparse
import math

import pytest

from sockettools.cli.values import count, octets, or_none, seconds, timeout


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        ("1500", 1500),
        ("64k", 64_000),
        ("2M", 2_000_000),
        ("1G", 1_000_000_000),
        ("1.5k", 1500),
        ("999999999999999", 999_999_999_999_999),
    ],
)
def test_octets(text: str, expected: int) -> None:
    assert octets(0)(text) == expected


@pytest.mark.parametrize(
    "text", ["", "-1", "k", "1K", "1m", "1 k", "1e3", "0x10", ".5k", "5.", "¹", "9" * 16, "nan"]
)
def test_what_is_no_number_of_octets(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is not a number of bytes"):
        octets(0)(text)


def test_octets_have_a_minimum() -> None:
    assert octets(1000)("1k") == 1000
    with pytest.raises(argparse.ArgumentTypeError, match="from 1000"):
        octets(1000)("999")


@pytest.mark.parametrize(("text", "expected"), [("0", 0.0), ("0.25", 0.25), ("1e1", 10.0)])
def test_seconds(text: str, expected: float) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "-1", "x", "nan", "inf", "1e9"])
def test_what_is_no_number_of_seconds(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is not a number of seconds"):
        seconds(text)


@pytest.mark.parametrize(
    ("text", "expected", "for_the_library"),
    [("5", 5.0, 5.0), ("0.1", 0.1, 0.1), ("none", math.inf, None)],
)
def test_timeout(text: str, expected: float, for_the_library: float | None) -> None:
    assert timeout(text) == expected
    assert or_none(timeout(text)) == for_the_library


@pytest.mark.parametrize("text", ["", "0", "-1", "nan", "inf", "1e9", "None"])
def test_what_is_no_timeout(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is no number of seconds"):
        timeout(text)


def test_no_timeout_given_is_none() -> None:
    assert or_none(None) is None


@pytest.mark.parametrize(("text", "expected"), [("1", 1), ("007", 7), ("10", 10)])
def test_count(text: str, expected: int) -> None:
    assert count(1, 10)(text) == expected


@pytest.mark.parametrize("text", ["", "0", "11", "-1", "1.0", "1_0", " 1", "٣", "9" * 5000])
def test_what_is_no_count(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="whole number from 1 to 10"):
        count(1, 10)(text)
