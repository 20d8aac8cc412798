"""Settings that are numbers: what each takes, and the line for what it does not take."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from scrapy.exceptions import UsageError
from scrapy.settings import Settings

from netcrawl.number_settings import NUMBERS, check_numbers
from netcrawl.parts import plain_values
from tests.crawling import ROOT, crawl

if TYPE_CHECKING:
    from pathlib import Path

    from netcrawl.number_settings import Number

BY_NAME = {number.name: number for number in NUMBERS}

FROM_0 = "it takes a whole number from 0 on"
FROM_1 = "it takes a whole number from 1 on"
SECONDS = "it takes seconds, a number from 0 on"
SECONDS_ABOVE_0 = "it takes seconds, a number above 0"

TAKES = {
    "FRONTIER_COMMIT_SECONDS": SECONDS_ABOVE_0,
    "FRONTIER_COMMIT_COUNT": FROM_1,
    "FRONTIER_HOLD_SECONDS": SECONDS,
    "DOWNLOAD_SPOOL_SIZE": FROM_0,
    "DOWNLOAD_SPOOL_MAXSIZE": FROM_0,
    "DOWNLOAD_RESUME_TIMES": FROM_0,
}

# What none of those takes that say so.
WRONG = {
    FROM_0: ("abc", "", "-1", -1, "1.5", 1.5, "1e3", "nan", float("inf"), [], "9" * 5000),
    FROM_1: ("abc", "", "0", 0, -1, "1.5", 1.5, float("nan"), {}),
    SECONDS: ("abc", "", "-0.1", -1, "nan", "inf", float("inf"), [], 10**400),
    SECONDS_ABOVE_0: ("abc", "", "0", 0, 0.0, "-1", "nan", "-inf", [], "1 s"),
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param(name, value, id=f"{name}={str(value)[:9]}")
        for name, takes in TAKES.items()
        for value in WRONG[takes]
    ],
)
def test_what_it_does_not_take_is_told(name: str, value: Any) -> None:
    with pytest.raises(UsageError) as told:
        check_numbers(Settings({name: value}))

    assert str(told.value) == f"{name}={value!r} cannot be used: {TAKES[name]}"


@pytest.mark.parametrize(
    ("name", "value", "number"),
    [
        pytest.param("FRONTIER_COMMIT_SECONDS", " 0.05 ", 0.05, id="seconds-in-text"),
        pytest.param("FRONTIER_COMMIT_SECONDS", "1e-3", 0.001, id="seconds-with-exponent"),
        pytest.param("FRONTIER_COMMIT_SECONDS", 2, 2.0, id="whole-seconds"),
        pytest.param("FRONTIER_HOLD_SECONDS", "0", 0.0, id="no-seconds"),
        pytest.param("FRONTIER_COMMIT_COUNT", "1", 1, id="count-in-text"),
        pytest.param("DOWNLOAD_SPOOL_SIZE", 1e6, 1_000_000, id="whole-float"),
        pytest.param("DOWNLOAD_SPOOL_MAXSIZE", str(2**50), 2**50, id="long"),
        pytest.param("DOWNLOAD_RESUME_TIMES", 0, 0, id="none"),
        pytest.param("DOWNLOAD_RESUME_TIMES", None, 5, id="not-set"),
    ],
)
def test_what_it_takes(name: str, value: Any, number: float) -> None:
    settings = Settings({name: value})

    assert BY_NAME[name].of(settings) == number
    check_numbers(settings)


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: number.name)
def test_it_has_a_default_that_it_takes(number: Number[Any]) -> None:
    assert number.of(Settings()) == number.read(number.default) == number.default
    assert plain_values().get(number.name, number.default) == number.default


def test_no_number_of_ours_is_read_in_another_way() -> None:
    assert TAKES.keys() == BY_NAME.keys()
    read = {
        name
        for path in (ROOT / "netcrawl").rglob("*.py")
        for name in re.findall(r'get(?:int|float)\("(\w+)"', path.read_text(encoding="utf-8"))
    }
    assert read
    assert read <= Settings().keys(), "Scrapy has no such setting"


@pytest.mark.parametrize("name", BY_NAME)
def test_a_crawl_ends_with_one_line(name: str, tmp_path: Path) -> None:
    job = tmp_path / "job"

    done = crawl("follow", "-s", f"{name}=abc", "-s", f"JOBDIR={job}")

    assert (done.status, done.stdout) == (2, "")
    assert done.stderr == f"scrapy crawl: {name}='abc' cannot be used: {TAKES[name]}\n"
    assert not job.exists()


def test_a_spider_may_have_settings_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "odd_spiders.py").write_text(
        "from scrapy import Spider\n"
        "class Odd(Spider):\n"
        "    name = 'odd'\n"
        "    custom_settings = {'FRONTIER_COMMIT_COUNT': 0}\n"
    )

    done = crawl(
        "odd", "-s", "SPIDER_MODULES=odd_spiders", environment={"PYTHONPATH": str(tmp_path)}
    )

    assert (done.status, done.stdout) == (2, "")
    assert done.stderr == f"scrapy crawl: FRONTIER_COMMIT_COUNT=0 cannot be used: {FROM_1}\n"
