"""Items and requests on the straight way: nobody who wants them is left out."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.crawling import ROOT

if TYPE_CHECKING:
    from pathlib import Path

DIRECT = {
    "ITEM_PROCESSOR": "netcrawl.pipelines.direct.DirectItemManager",
    "SPIDER_MIDDLEWARES": {"netcrawl.pipelines.direct.DirectOutputMiddleware": 0},
}


def crawled(feed: Path, *settings: dict[str, Any]) -> dict[str, Any]:
    """Run the spider of ``item_events`` with these settings; return what it tells, and the feed."""
    merged: dict[str, Any] = {"FEEDS": {str(feed): {"format": "jsonlines"}}}
    for given in settings:
        merged |= given
    done = subprocess.run(
        [sys.executable, "-m", "tests.netcrawl.pipelines.item_events", json.dumps(merged)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    told: dict[str, Any] = json.loads(done.stdout)
    # How often each error is told of; where, is Scrapy's affair.
    told["errors"] = [done.stderr.count(text) for text in ("bad receiver", "bad callback")]
    told["feed"] = sorted(feed.read_text(encoding="utf-8").splitlines())
    return told


@pytest.mark.parametrize("concurrency", [1, 3])
@pytest.mark.parametrize(
    "direct",
    [
        pytest.param(DIRECT, id="both"),
        pytest.param(
            {"ITEM_PROCESSOR": DIRECT["ITEM_PROCESSOR"]}, id="items", marks=pytest.mark.soak
        ),
        pytest.param(
            {"SPIDER_MIDDLEWARES": DIRECT["SPIDER_MIDDLEWARES"]},
            id="outputs",
            marks=pytest.mark.soak,
        ),
    ],
)
def test_a_crawl_is_what_it_is_without(
    tmp_path: Path, direct: dict[str, Any], concurrency: int
) -> None:
    settings = {"CONCURRENT_ITEMS": concurrency}

    stock = crawled(tmp_path / "stock.jsonl", settings)
    ours = crawled(tmp_path / "ours.jsonl", settings, direct)

    assert ours == stock
    assert stock["stats"]["item_scraped_count"] == len(stock["feed"]) == 6
    assert stock["errors"][0] >= 1


def test_with_one_item_at_a_time_no_queue_is_between(tmp_path: Path) -> None:
    told = crawled(tmp_path / "feed.jsonl", DIRECT, {"CONCURRENT_ITEMS": 1, "TELL_QUEUES": True})

    assert told["outputs"] == 0


def test_of_many_outputs_others_have_their_turn_in_between(tmp_path: Path) -> None:
    told = crawled(tmp_path / "feed.jsonl", DIRECT, {"CONCURRENT_ITEMS": 1, "MANY": 1000})

    assert told["turns"] >= 9
    assert told["stats"]["item_scraped_count"] == 1006
