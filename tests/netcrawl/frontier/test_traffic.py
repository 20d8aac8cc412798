"""What a job keeps of its traffic."""

from __future__ import annotations

import json
from dataclasses import asdict
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scrapy import Request
from scrapy.http import Response
from scrapy.http.request import NO_CALLBACK

from netcrawl.frontier.store import StoreDamaged
from netcrawl.frontier.traffic import (
    MAX_HOSTS,
    MAX_REFUSED,
    MAX_RUNS,
    MAX_SLOWEST,
    MAX_SPANS,
    OTHERS,
    STATS,
    TRAFFIC,
    Traffic,
    TrafficRecorder,
    parse_traffic,
)
from netcrawl.timings import Durations

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

    from netcrawl.frontier.store import Store


class Values:
    """The part of a store that the figures are kept in."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}
        self.writes = 0

    def value(self, name: str) -> bytes | None:
        return self.values.get(name)

    def set_value(self, name: str, value: bytes) -> None:
        self.values[name] = value
        self.writes += 1


class Stats(dict[str, Any]):
    def get_value(self, name: str, default: int) -> Any:
        return self.get(name, default)

    def get_stats(self) -> dict[str, Any]:
        return dict(self)


class Bench:
    """A recorder whose clock and stats are ours."""

    def __init__(self, store: Values | None = None) -> None:
        self.store = store or Values()
        self.stats = Stats()
        self.now = 1000.0
        self.recorder = TrafficRecorder(
            cast("Crawler", SimpleNamespace(stats=self.stats)),
            cast("Store", self.store),
            "2026-01-01T00:00:00+00:00",
            lambda: self.now,
        )

    def answer(self, url: str, status: int = 200, latency: float | None = 0.5) -> None:
        request = Request(url, meta={} if latency is None else {"download_latency": latency})
        self.recorder.saw_response(request, Response(url, status))

    def kept(self) -> Traffic:
        return parse_traffic(self.store.values[TRAFFIC])


def test_pages_are_counted_by_time_status_host_and_latency() -> None:
    bench = Bench()
    bench.answer("http://a.example/1")
    bench.now += 2.5
    bench.answer("http://me:secret@b.example/2", 404, 2.0)
    bench.answer("http://b.example/3", latency=None)
    bench.stats.update({"downloader/response_bytes": 700, "downloader/exception_count": 1})
    bench.recorder.end()

    kept = bench.kept()

    assert kept.pages == [1, 0, 2]
    assert kept.octets == [0, 0, 700]
    assert kept.errors == [0, 0, 1]
    assert kept.statuses == {"200": 2, "404": 1}
    assert kept.refused == [(404, "http://b.example/2")]
    assert kept.slowest == [(2.0, 404, "http://b.example/2"), (0.5, 200, "http://a.example/1")]
    assert {name: (it.pages, it.refused, it.timed) for name, it in kept.hosts.items()} == {
        "a.example": (1, 0, 1),
        "b.example": (2, 1, 1),
    }
    latencies = Durations({int(name): number for name, number in kept.latencies.items()})
    assert latencies.percentile(100) == pytest.approx(2, rel=0.025)
    assert kept.seconds == 2.5
    assert json.loads(bench.store.values[STATS])["downloader/response_bytes"] == 700


def test_the_next_run_goes_on_where_this_one_ended() -> None:
    first = Bench()
    first.answer("http://a.example/1")
    first.now += 10
    first.recorder.end()

    second = Bench(first.store)
    second.now += 1
    second.answer("http://a.example/2")
    second.recorder.end()

    kept = second.kept()
    assert kept.run_seconds == [10, 1]
    assert kept.pages == [1, *[0] * 10, 1]


def test_robots_txt_is_no_page() -> None:
    bench = Bench()
    request = Request("http://a.example/robots.txt", callback=NO_CALLBACK)
    bench.recorder.saw_response(request, Response(request.url))
    bench.answer("http://a.example/robots.txt")  # somebody wants to read it
    bench.recorder.end()

    assert bench.kept().pages == [1]


def test_it_is_not_written_at_each_tick() -> None:
    bench = Bench()
    for _ in range(100):
        bench.now += 0.25
        bench.recorder.tick()

    assert bench.store.writes == pytest.approx(12, abs=1)


def test_figures_that_cannot_be_read_do_not_keep_a_job_from_going_on() -> None:
    store = Values()
    store.values[TRAFFIC] = b"[]"
    bench = Bench(store)
    bench.answer("http://a.example/1")
    bench.recorder.end()

    assert bench.kept().pages == [1]


@given(st.lists(st.floats(min_value=0, max_value=1e7), max_size=50))
def test_any_length_of_time_fits_and_no_page_is_lost(times: list[float]) -> None:
    traffic = Traffic()
    for when in times:
        traffic.add_page(when, 200, "http://h/", "h")
        traffic.add_network(when, 3, 1)

    assert len(traffic.pages) <= MAX_SPANS
    assert sum(traffic.pages) == sum(traffic.errors) == len(times)
    assert sum(traffic.octets) == 3 * len(times)
    assert parse_traffic(json.dumps(asdict(traffic)).encode()) == traffic


def test_what_is_kept_has_a_limit() -> None:
    traffic = Traffic()
    for number in range(MAX_RUNS + 50):
        traffic.begin_run("2026-01-01T00:00:00+00:00")
        traffic.run_seconds[-1] = 1.0
        for host in range(10):
            url = f"http://h{number}-{host}.example/{'x' * 5000}"
            traffic.add_page(number, 500, url, f"h{number}-{host}.example")
            traffic.add_latency(number, 500, url, f"h{number}-{host}.example")

    assert traffic.seconds == MAX_RUNS + 50
    assert len(traffic.refused) == MAX_REFUSED
    assert [page[0] for page in traffic.slowest] == sorted(
        [number for number in range(MAX_RUNS + 50) for _ in range(10)], reverse=True
    )[:MAX_SLOWEST]
    assert len(traffic.hosts) == MAX_HOSTS + 1
    assert traffic.hosts[OTHERS].pages == 10 * (MAX_RUNS + 50) - MAX_HOSTS
    assert len(json.dumps(asdict(traffic))) < 200_000


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"null", id="null"),
        pytest.param(b'{"unknown": 1}', id="unknown"),
        pytest.param(b'{"hosts": {}, "refused": [], "slowest": []', id="cut off"),
        pytest.param(
            b'{"hosts": {}, "refused": [], "slowest": [], "pages": [1]}', id="lengths differ"
        ),
        pytest.param(b'{"hosts": {}, "refused": [[1]], "slowest": []}', id="half a pair"),
        pytest.param(b'{"hosts": {"h": 1}, "refused": [], "slowest": []}', id="no host"),
        pytest.param(
            b'{"hosts": {}, "refused": [], "slowest": [], "latencies": {"x": 1}}', id="no bucket"
        ),
        pytest.param(b'{"hosts": {}, "refused": [], "slowest": [], "span": 0}', id="no time"),
        pytest.param(
            b'{"hosts": {}, "refused": [], "slowest": [], "pages": ["x"], "octets": [0],'
            b' "errors": [0]}',
            id="no number",
        ),
    ],
)
def test_what_is_no_record_is_told(value: bytes) -> None:
    with pytest.raises(StoreDamaged, match="traffic cannot be read"):
        parse_traffic(value)
