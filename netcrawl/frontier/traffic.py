"""A job's traffic, in so little that it costs nothing: how many pages came when, how they answered.

Figures are added up as pages come and kept as one value, whatever the number of pages. They tell of
what was downloaded, not of what counts: a page that a killed run had under way is in them twice,
and what a kill comes too early for is missing.
"""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Any

from scrapy.http.request import NO_CALLBACK
from scrapy.utils.httpobj import urlparse_cached

from netcrawl.failures import without_userinfo
from netcrawl.frontier.store import StoreDamaged
from netcrawl.timings import Durations

if TYPE_CHECKING:
    from collections.abc import Callable

    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response

    from netcrawl.frontier.store import Store

logger = logging.getLogger(__name__)

# Names of values in the store.
TRAFFIC = "traffic"
STATS = "stats"

# Spans of time that pages are counted in. With one more, each becomes twice as long.
MAX_SPANS = 240

# Runs, hosts, answers of 400 and above, and slow pages that are told one by one; characters of a
# URL, and of a value of Scrapy's stats. So all of it stays below 200 kB.
MAX_RUNS = 100
MAX_HOSTS = 100
MAX_REFUSED = 200
MAX_SLOWEST = 20
MAX_URL = 300
MAX_STATS = 500
MAX_VALUE = 200

# Seconds between two times of writing.
_SAVE_SECONDS = 2.0

# Counted together: hosts after the first ones.
OTHERS = ""


@dataclass
class HostTraffic:
    """What came from a host; ``seconds`` are all latencies together, of ``timed`` pages."""

    pages: int = 0
    refused: int = 0
    timed: int = 0
    seconds: float = 0.0


@dataclass
class Traffic:
    """What all runs of a job have downloaded.

    ``runs`` are when each began (ISO 8601), ``run_seconds`` how long they took. ``pages``,
    ``octets`` (on the network) and ``errors`` (downloads without an answer) are by spans of
    ``span`` seconds of crawling, the pauses between runs left out. ``latencies`` are the buckets of
    ``Durations``. ``refused`` has the first answers of 400 and above, of which there may be more;
    ``slowest`` the pages that took longest, as seconds, status and URL.
    """

    runs: list[str] = field(default_factory=list)
    run_seconds: list[float] = field(default_factory=list)
    span: float = 1.0
    pages: list[int] = field(default_factory=list)
    octets: list[int] = field(default_factory=list)
    errors: list[int] = field(default_factory=list)
    statuses: dict[str, int] = field(default_factory=dict)
    latencies: dict[str, int] = field(default_factory=dict)
    hosts: dict[str, HostTraffic] = field(default_factory=dict)
    refused: list[tuple[int, str]] = field(default_factory=list)
    slowest: list[tuple[float, int, str]] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """How long all runs took together."""
        return sum(self.run_seconds)

    def begin_run(self, began: str) -> None:
        """Take note of one; the first runs of very many become one."""
        self.runs.append(began)
        self.run_seconds.append(0.0)
        if len(self.runs) > MAX_RUNS:
            del self.runs[1]
            self.run_seconds[0] += self.run_seconds.pop(1)

    def add_page(self, when: float, status: int, url: str, host: str) -> None:
        """Count a page that came ``when`` so many seconds of crawling had passed."""
        span = self._span_at(when)  # which may replace the lists
        self.pages[span] += 1
        name = str(status)
        self.statuses[name] = self.statuses.get(name, 0) + 1
        known = self._host(host)
        known.pages += 1
        if status >= 400:
            known.refused += 1
            if len(self.refused) < MAX_REFUSED:
                self.refused.append((status, _short(url)))

    def add_latency(self, seconds: float, status: int, url: str, host: str) -> None:
        """Count how long a page took that is counted already."""
        name = str(Durations.bucket(seconds))
        self.latencies[name] = self.latencies.get(name, 0) + 1
        known = self._host(host)
        known.timed += 1
        known.seconds += seconds
        slowest = self.slowest
        if len(slowest) < MAX_SLOWEST or seconds > slowest[-1][0]:
            slowest.append((round(seconds, 6), status, _short(url)))
            slowest.sort(key=lambda page: -page[0])
            del slowest[MAX_SLOWEST:]

    def add_network(self, when: float, octets: int, errors: int) -> None:
        """Count octets that came since the last call, and downloads that failed."""
        if octets or errors:
            span = self._span_at(when)
            self.octets[span] += octets
            self.errors[span] += errors

    def _host(self, name: str) -> HostTraffic:
        hosts = self.hosts
        known = hosts.get(name)
        if known is None:
            if len(hosts) >= MAX_HOSTS:
                name = OTHERS
            known = hosts.setdefault(name, HostTraffic())
        return known

    def _span_at(self, when: float) -> int:
        while when >= self.span * MAX_SPANS:
            self.span *= 2
            self.pages, self.octets, self.errors = map(
                _halved, (self.pages, self.octets, self.errors)
            )
        number = int(when / self.span)
        missing = [0] * (number + 1 - len(self.pages))
        for series in (self.pages, self.octets, self.errors):
            series.extend(missing)
        return number


class TrafficRecorder:
    """Adds up what a run downloads, and what the runs before have added up."""

    def __init__(
        self, crawler: Crawler, store: Store, began: str, clock: Callable[[], float] = monotonic
    ) -> None:
        """``clock`` gives seconds that never go back; the run begins now, and ``began`` says when.

        Raises:
            StoreError: the store cannot be read.
        """
        self.traffic = _read(store)
        self._before = self.traffic.seconds
        self.traffic.begin_run(began)
        self._store = store
        self._stats = crawler.stats
        self._clock = clock
        self._began = self._saved = clock()
        self._octets = self._errors = 0

    def saw_response(self, request: Request, response: Response) -> None:
        """Count a page; what asks for robots.txt is none."""
        url = urlparse_cached(request)
        if request.callback is NO_CALLBACK and url.path == "/robots.txt":
            return
        host = url.hostname or ""
        when = self._before + self._clock() - self._began
        self.traffic.add_page(when, response.status, request.url, host)
        latency = request.meta.get("download_latency")
        if isinstance(latency, float):
            self.traffic.add_latency(latency, response.status, request.url, host)

    def tick(self) -> None:
        """Take in what Scrapy's stats count; keep all of it if that is some time ago.

        Raises:
            StoreError: it cannot be kept.
        """
        octets, errors = map(
            self._stat, ("downloader/response_bytes", "downloader/exception_count")
        )
        now = self._clock()
        when = self._before + now - self._began
        self.traffic.add_network(when, octets - self._octets, errors - self._errors)
        self._octets, self._errors = octets, errors
        if now >= self._saved + _SAVE_SECONDS:
            self._save(now)

    def end(self) -> None:
        """Keep all of it, and Scrapy's stats of this run.

        Raises:
            StoreError: it cannot be kept.
        """
        self.tick()
        self._save(self._clock())
        self._store.set_value(STATS, json.dumps(_plain(self._stats.get_stats())).encode())

    def _save(self, now: float) -> None:
        self._saved = now
        self.traffic.run_seconds[-1] = round(now - self._began, 3)
        self._store.set_value(TRAFFIC, json.dumps(asdict(self.traffic)).encode())

    def _stat(self, name: str) -> int:
        value = self._stats.get_value(name, 0)
        return value if isinstance(value, int) else 0


def parse_traffic(value: bytes) -> Traffic:
    """Read the value named ``TRAFFIC``.

    Raises:
        StoreDamaged: it is none.
    """
    try:
        known = json.loads(value)
        traffic = Traffic(**known)
        traffic.hosts = {name: HostTraffic(**host) for name, host in known["hosts"].items()}
        traffic.refused = [(int(status), str(url)) for status, url in known["refused"]]
        traffic.slowest = [
            (float(seconds), int(status), str(url)) for seconds, status, url in known["slowest"]
        ]
        sane = (
            len(traffic.runs) == len(traffic.run_seconds)
            and len(traffic.pages) == len(traffic.octets) == len(traffic.errors) <= MAX_SPANS
            and traffic.span > 0
            and _are_counts(
                *(*traffic.pages, *traffic.octets, *traffic.errors),
                *(*traffic.statuses.values(), *traffic.latencies.values()),
                *map(int, traffic.latencies),
            )
            and all(isinstance(began, str) for began in traffic.runs)
            and traffic.seconds >= 0
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        sane = False
    if not sane:
        raise StoreDamaged("the figures of the job's traffic cannot be read")
    return traffic


def _read(store: Store) -> Traffic:
    value = store.value(TRAFFIC)
    if value is None:
        return Traffic()
    try:
        return parse_traffic(value)
    except StoreDamaged as error:
        logger.warning("%s, and begin anew", error)  # no reason not to crawl
        return Traffic()


def _plain(stats: dict[str, Any]) -> dict[str, Any]:
    """Return what of the stats is a number or can be written shortly."""
    return {
        name[:MAX_VALUE]: value if isinstance(value, int | float) else str(value)[:MAX_VALUE]
        for name, value in sorted(stats.items())[:MAX_STATS]
    }


def _are_counts(*values: object) -> bool:
    return all(isinstance(value, int) for value in values)


def _halved(series: list[int]) -> list[int]:
    """Return sums of two neighbours each."""
    return [sum(series[number : number + 2]) for number in range(0, len(series), 2)]


def _short(url: str) -> str:
    return without_userinfo(url)[:MAX_URL]
