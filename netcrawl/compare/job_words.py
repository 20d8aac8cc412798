"""What the figures of a job show, in sentences: each is there only if the figures say so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netcrawl.compare.amounts import listed, seconds_text, times_text
from sockettools.units import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netcrawl.compare.jobs import JobWay

# Less than that is not told from noise.
_ALIKE = 1.15


def words(ways: Sequence[JobWay]) -> Iterator[str]:
    """Yield the sentences."""
    delays = max((len(way.wall) for way in ways), default=0)
    measured = [way for way in ways if delays and len(way.wall) == delays]
    if len(measured) < 2:
        return
    trips = [time.round_trip for time in measured[0].wall]
    yield _fastest(measured, 0)
    if trips[-1] > trips[0]:
        yield _fastest(measured, -1)
        yield from _waits(measured)
    yield from _robots(ways)


def _fastest(ways: Sequence[JobWay], number: int) -> str:
    trip = ways[0].wall[number].round_trip
    first, *others = sorted(ways, key=lambda way: way.wall[number].seconds.median)
    best = first.wall[number].seconds.median
    ratios = [(way, way.wall[number].seconds.median / best) for way in others]
    alike = [first.name, *(way.name for way, ratio in ratios if ratio < _ALIKE)]
    verb = "is" if len(alike) == 1 else "are"
    longer = [f"{way.name} {times_text(ratio)}" for way, ratio in ratios if ratio >= _ALIKE]
    where = f"Where a round trip takes {seconds_text(trip)}" if trip else "Without a delay"
    tail = f"; {listed(longer)} as long" if longer else ""
    return f"{where}, {listed(alike)} {verb} the fastest ({seconds_text(best)}){tail}."


def _waits(ways: Sequence[JobWay]) -> Iterator[str]:
    """Say how many round trips each way waits for: that is what a delay costs."""
    for way in ways:
        first, last = way.wall[0], way.wall[-1]
        # Of the quickest runs: what else the machine does makes a run longer, and none shorter.
        longer = last.network.low - first.network.low
        trips = round(longer / (last.round_trip - first.round_trip))
        if trips < 1:
            continue
        told = (
            f"{way.name} waits for {counted(trips, 'round trip')} one after the other, with "
            f"{counted(way.requests, 'request')} on {counted(way.connections, 'connection')}"
        )
        # Each request is a round trip, and each connection another one.
        if trips < way.requests:
            told += ": several requests are under way at a time"
        elif way.connections == way.requests > 1 and trips > way.requests * 1.5:
            told += ": each request also waits for a connection of its own"
        elif way.requests > 1:
            told += ": each request waits for the one before it"
        yield f"{told}."


def _robots(ways: Sequence[JobWay]) -> Iterator[str]:
    asking = [way for way in ways if way.robots]
    if asking and len(asking) < len(ways):
        names = listed([way.name for way in asking])
        verb = "asks" if len(asking) == 1 else "ask"
        yield f"{names} {verb} for robots.txt first; the others do not ask what they may fetch."
