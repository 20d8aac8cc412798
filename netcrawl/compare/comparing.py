"""Fetches URLs in every way there is, and puts together what was found.

Answers are compared before anything is timed, in a round of its own. The rounds that are timed go
through the ways in an order that chance makes, so that none of them always has the warm cache.
"""

from __future__ import annotations

import platform
import random
import sys
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from netcrawl.compare import fetching, words
from netcrawl.compare.answers import Plain, differences, is_same
from netcrawl.compare.fetched import MAX_BODY, Fetched
from netcrawl.compare.heads import value_of
from netcrawl.compare.measuring import MeasuringError, TimeIsUp, measure
from netcrawl.compare.observed import ROBOTS, Observed, observe
from netcrawl.compare.relay import Relay
from netcrawl.compare.relaying import NO_TLS
from netcrawl.compare.result import PHASES, Comparison, Cost, Page, Phase, Way, spread_of
from netcrawl.compare.verdict import verdict
from netcrawl.compare.ways import WayToFetch, installed_ways
from sockettools import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from netcrawl.compare.measuring import Measured
    from netcrawl.compare.result import AnswerDifference

# What a child may write besides the body.
_MAX_HEAD = 4_194_304

# What a server may send on one connection. Not every way has a limit of its own for a head that
# does not end, and would fill the memory.
_MAX_RECEIVED = 4 * MAX_BODY

# Characters of the reason why there is no answer.
_MAX_ERROR = 400

_PACKAGES = ("Scrapy", "Twisted", "aiohttp", "httpx2", "httpx")


@dataclass(frozen=True)
class Plan:
    """How to go about it.

    ``runs`` are timed, for each way; ``max_time`` is the seconds that one fetch may take, the start
    of its process included. ``settings`` are Scrapy's, each as NAME=VALUE. ``tell`` is told what is
    being done. ``ways`` are those that are compared with the first of them.
    """

    runs: int = 3
    max_time: float = 30.0
    settings: tuple[str, ...] = ()
    tell: Callable[[str], None] = field(default=lambda _what: None)
    ways: Sequence[WayToFetch] = field(default_factory=installed_ways)


@dataclass(frozen=True)
class _Run:
    """One fetch."""

    plain: Plain
    observed: Observed
    measured: Measured | None

    @property
    def has_answer(self) -> bool:
        return not self.plain.fetched.error


@dataclass
class _Times:
    """What the timed runs of one way took."""

    phases: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    measured: list[Measured] = field(default_factory=list)
    failed: int = 0


def compare(urls: Sequence[str], plan: Plan) -> Comparison:
    """Compare the ways on each URL.

    Raises:
        OSError: there is no relay to be had.
    """
    with Relay(most=_MAX_RECEIVED) as relay:
        pages = tuple(_compare_page(url, relay, plan) for url in urls)
    return Comparison(
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        versions=_versions(),
        runs=plan.runs,
        pages=pages,
    )


def _compare_page(url: str, relay: Relay, plan: Plan) -> Page:
    ways, first_round = plan.ways, []
    for way in ways:
        plan.tell(f"comparing answers: {way.name}")
        first_round.append(_fetch(way, url, relay, plan))
    # What the answers are compared with: by hand, unless there is none by hand.
    at = next((number for number, run in enumerate(first_round) if run.has_answer), 0)
    reference, control = first_round[at], None
    if any(run.has_answer and not _agree(reference, run) for run in first_round):
        plan.tell(f"comparing answers: once more {ways[at].name}")
        control = _fetch(ways[at], url, relay, plan)
    found = [_way(way, run, reference, control) for way, run in zip(ways, first_round, strict=True)]
    times = _time(url, first_round, relay, plan)
    found = [_with_times(way, times[way.name]) for way in found]
    found = [
        found[0],
        *(
            replace(way, remarks=words.remarks(found[0], way, known.kind, run.plain.fetched.habits))
            for way, known, run in zip(found[1:], ways[1:], first_round[1:], strict=True)
        ),
    ]
    different = [way for way in found if way.answer and not is_same(way.differences)]
    answered = [way for way in found if way.answer is not None]
    changes = any(one.changes and one.part == "body" for way in found for one in way.differences)
    why_not = ""
    if different:
        why_not = "the answers are not the same"
    elif len(answered) < 2:
        why_not = "there are not two answers"
    said = verdict(found, different)
    if changes:
        said += " The page is another one each time it is asked for, also by the same way."
    return Page(
        url=url,
        verdict=said,
        same=not different and len(answered) == len(found),
        comparable=not why_not,
        why_not=why_not,
        ways=tuple(found),
    )


def _agree(reference: _Run, run: _Run) -> bool:
    return is_same(differences(reference.plain, run.plain))


def _fetch(way: WayToFetch, url: str, relay: Relay, plan: Plan) -> _Run:
    """Fetch in a process of its own, by way of the relay."""
    command = [sys.executable, "-m", fetching.__name__, way.kind, way.handler, url, *plan.settings]
    measured = None
    try:
        measured = measure(
            command,
            timeout=plan.max_time,
            env=relay.environment(),
            max_output=MAX_BODY + _MAX_HEAD,
        )
        fetched = Fetched.from_bytes(measured.stdout)
    except TimeIsUp:
        fetched = Fetched(error=f"no answer in {plan.max_time:g} seconds")
    except MeasuringError as exc:
        fetched = Fetched(error=str(exc))
    except ValueError:
        assert measured is not None  # for the type checker
        fetched = Fetched(error=f"its process broke: {measured.problem}")
    recording = relay.take()
    begun = [connection.begun for connection in recording.connections]
    start = recording.marks.get(fetching.ASKED, min(begun, default=0.0))
    return _Run(Plain.of(fetched), observe(recording, url, start), measured)


def _way(way: WayToFetch, run: _Run, reference: _Run, control: _Run | None) -> Way:
    """Return what the first round says about a way; ``control`` is the reference, asked again."""
    observed, fetched = run.observed, run.plain.fetched
    answer = None if fetched.error else run.plain.answer()
    found: tuple[AnswerDifference, ...] = ()
    if run is not reference and run.has_answer:
        changing: tuple[AnswerDifference, ...] = ()
        if control is not None and control.has_answer:
            changing = differences(reference.plain, control.plain)
        found = differences(
            reference.plain,
            run.plain,
            coded_alike=_coding(reference.observed) == _coding(observed),
            changing=changing,
        )
    return Way(
        name=way.name,
        description=way.description,
        answer=answer,
        error=_error(fetched.error, observed),
        differences=found,
        remarks=(),
        lookups=observed.lookups,
        connections=observed.connections,
        more_connections=observed.more_connections,
        exchanges=observed.exchanges,
        octets_sent=observed.octets_sent,
        octets_received=observed.octets_received,
        phases=(),
        cost=None,
        failed_runs=0,
    )


def _error(error: str, observed: Observed) -> str:
    """Return why there is no answer; what the relay saw, comes before what the way makes of it."""
    if not error:
        return ""
    if len(error) > _MAX_ERROR:
        error = f"{error[:_MAX_ERROR]}..."
    failed = [one for one in observed.connections if one.error]
    seen = dict.fromkeys(one.error for one in failed)
    if failed and all(one.end == NO_TLS for one in failed):
        return ", ".join(seen)
    reasons = [reason for reason in seen if reason.lower() not in error.lower()]
    return f"{', '.join(reasons)}; in its own words: {error}" if reasons else error


def _coding(observed: Observed) -> str | None:
    final = next((one for one in reversed(observed.exchanges) if one.purpose != ROBOTS), None)
    return None if final is None else value_of(final.answer, "content-encoding")


def _time(url: str, first_round: Sequence[_Run], relay: Relay, plan: Plan) -> dict[str, _Times]:
    """Fetch again and again; who had no answer in the first round is left out."""
    times: dict[str, _Times] = {way.name: _Times() for way in plan.ways}
    racers = [pair for pair in zip(plan.ways, first_round, strict=True) if pair[1].has_answer]
    for number in range(plan.runs):
        for way, before in random.sample(racers, len(racers)):
            plan.tell(f"timing, run {number + 1} of {plan.runs}: {way.name}")
            run = _fetch(way, url, relay, plan)
            taken = times[way.name]
            same = run.plain.fetched.status == before.plain.fetched.status
            if not run.has_answer or run.measured is None or not same:
                taken.failed += 1
                continue
            taken.measured.append(run.measured)
            for name, seconds in run.observed.phases().items():
                taken.phases[name].append(seconds)
    return times


def _with_times(way: Way, times: _Times) -> Way:
    cost = None
    if measured := times.measured:
        cost = Cost(
            wall=spread_of([one.wall for one in measured]),
            cpu=spread_of([one.cpu for one in measured]),
            memory=spread_of([float(one.peak) for one in measured]),
        )
    phases = tuple(
        Phase(name, spread_of(times.phases[name])) for name in PHASES if times.phases.get(name)
    )
    return replace(way, phases=phases, cost=cost, failed_runs=times.failed)


def _versions() -> tuple[tuple[str, str], ...]:
    found = [("Python", platform.python_version()), ("sockettools", __version__)]
    for name in _PACKAGES:
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            continue
    return tuple(found)
