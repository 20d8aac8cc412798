"""Crawls that are stopped and go on end with what those have that run to their end at once."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from netcrawl.pipelines.sheet import SHEET
from sockettools.practice import PracticeServer
from tests.crawling import crawl

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Runs that a job may take.
MOST = 12


@pytest.fixture(scope="module")
def practice() -> Iterator[PracticeServer]:
    with PracticeServer() as server:
        yield server


def in_one_go(arguments: list[str], folder: Path) -> list[str]:
    """Return the lines of the feed of a crawl that is not stopped."""
    feed = folder / "at-once.jsonl"
    crawl(*arguments, "-O", feed)
    return feed.read_text().splitlines()


def in_parts(arguments: list[str], folder: Path, option: str = "-o") -> list[str]:
    """Stop a crawl after each few pages, until it is finished; return the lines of its feed."""
    feed = folder / "parts.jsonl"
    for number in range(1, MOST):
        done = crawl(
            *(*arguments, option, feed),
            *("-s", f"JOBDIR={folder / 'job'}", "-s", "CLOSESPIDER_PAGECOUNT=12"),
            *("-s", "FRONTIER_COMMIT_COUNT=1"),
        )
        if "closespider_pagecount" not in done.stderr:
            assert number > 1, "it was never stopped"
            return feed.read_text().splitlines()
    raise AssertionError(done.stderr)


def records(lines: list[str], *but: str) -> Counter[str]:
    """Count items, some fields left out that depend on which of two pages was faster."""
    items: list[dict[str, Any]] = [json.loads(line) for line in lines]
    kept = ({name: value for name, value in item.items() if name not in but} for item in items)
    return Counter(json.dumps(item, sort_keys=True) for item in kept)


def contents(store: Path) -> dict[str, str]:
    """Return the hash of each file in a store, by its name."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in store.iterdir()
        if path.is_file() and not path.name.startswith(".")
    }


@pytest.mark.parametrize(
    ("path", "words"),
    [
        pytest.param("site/30/", ["links", "-a", "depth=9"], id="links"),
        pytest.param("site/60/", ["links", "-a", "depth=2"], id="links of some depth"),
        pytest.param("site/30/", ["words", "-a", "depth=9", "-a", "by=page"], id="words"),
        pytest.param(
            "known_by_Samuel.html", ["follow", "-a", "count=20", "-a", "position=2"], id="follow"
        ),
    ],
)
def test_items(path: str, words: list[str], practice: PracticeServer, tmp_path: Path) -> None:
    arguments = [*words, "-a", f"url={practice.url}{path}"]

    assert records(in_parts(arguments, tmp_path)) == records(in_one_go(arguments, tmp_path))


def test_totals(practice: PracticeServer, tmp_path: Path) -> None:
    arguments = ["words", "-a", "depth=9", "-a", f"url={practice.url}site/30/"]

    assert in_parts(arguments, tmp_path, "-O") == in_one_go(arguments, tmp_path)


def test_as_many_pages_as_wanted(practice: PracticeServer, tmp_path: Path) -> None:
    arguments = ["words", "-a", "depth=9", "-a", "by=page", "-a", "pages=25"]

    lines = in_parts([*arguments, "-a", f"url={practice.url}site/60/"], tmp_path)

    assert len({json.loads(line)["page"] for line in lines}) == 25


def test_files(practice: PracticeServer, tmp_path: Path) -> None:
    store = tmp_path / "store"
    arguments = ["files", "-a", "depth=1", "-a", r"match=/named/", "-a", f"store={store}"]
    arguments += ["-a", f"url={practice.url}files/"]

    parts = in_parts(arguments, tmp_path)
    stored = contents(store)
    for item in map(json.loads, parts):
        assert item["path"] is None or stored[item["path"]] == item["sha256"]
    shutil.rmtree(store)

    # Of two files that have a name, the one that was there first gets it.
    by_chance = ("page", "path")
    assert records(parts, *by_chance) == records(in_one_go(arguments, tmp_path), *by_chance)
    assert sorted(stored.values()) == sorted(contents(store).values())


def test_images(practice: PracticeServer, tmp_path: Path) -> None:
    store = tmp_path / "store"
    arguments = ["images", "-a", "depth=1", "-a", f"store={store}", "-a", "min_width=20"]
    # One of the pictures is at another host, which nobody has, and would be asked politely.
    arguments += ["-a", f"url={practice.url}gallery/", "-s", "DOWNLOAD_DELAY=0"]

    parts = records(in_parts(arguments, tmp_path))
    shown = (store / SHEET).read_text().count("<figure>")
    shutil.rmtree(store)

    assert parts == records(in_one_go(arguments, tmp_path))
    assert shown == (store / SHEET).read_text().count("<figure>")


def test_the_practice_web_is_where_it_was(tmp_path: Path) -> None:
    lines = in_parts(["follow", "-a", "count=20", "-a", "position=2"], tmp_path)

    assert sorted(json.loads(line)["step"] for line in lines) == list(range(21))
    assert len(set(re.findall(r"127\.0\.0\.1:\d+", "".join(lines)))) == 1


def test_why_a_job_failed_is_known_to_its_next_run(
    practice: PracticeServer, tmp_path: Path
) -> None:
    arguments = ["follow", "-a", f"url={practice.url}known_by_Samuel.html", "-a", "position=101"]
    arguments += ["-s", f"JOBDIR={tmp_path / 'job'}"]

    first, second = crawl(*arguments), crawl(*arguments)

    assert first.status == second.status == 1
    assert first.last_line.partition("page ")[2] == second.last_line.partition("page ")[2] != ""
