"""The comparison of a job for a terminal, or for a pipe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from netcrawl.compare.amounts import seconds_text
from sockettools.text import visible
from sockettools.units import counted, octets_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from netcrawl.compare.jobs import JobComparison, JobWay
    from netcrawl.compare.result import Spread


def renderables(comparison: JobComparison) -> Iterator[RenderableType]:
    """Yield what is to be printed, one below the other."""
    yield Text(f"{comparison.job}: {comparison.what}", style="bold")
    yield Text(visible(comparison.url))
    yield ""
    yield from _answers(comparison)
    yield ""
    if any(way.answer for way in comparison.ways):
        yield _costs(comparison.ways)
        yield ""
    if any(way.wall for way in comparison.ways):
        title = "Time by the clock, where a round trip on the network takes"
        if not comparison.is_comparable:
            title = f"NOT COMPARABLE, since the answers differ. {title}"
        yield Text(title, style="bold")
        yield _times(comparison.ways)
        yield ""
    for sentence in comparison.words:
        yield Text(sentence)
    for note in comparison.notes:
        yield Text(visible(note))
    if not any(way.wall for way in comparison.ways):
        return
    yield Text(
        f"Medians of {counted(comparison.runs, 'run')}, ± half the way from the least to the "
        "greatest; requests and octets are those of one. CPU and memory are those without a "
        "delay, the start of Python included. The programs, whose lines are counted, are "
        f"netcrawl/compare/programs/{comparison.job}_*.py.",
        style="dim",
    )


def _answers(comparison: JobComparison) -> Iterator[RenderableType]:
    ways = comparison.ways
    if comparison.is_comparable:
        lines = counted(ways[0].answer, "line")
        yield Text(f"Same answer from all ({', '.join(way.name for way in ways)}): {lines}.")
    for way in ways:
        if way.problem:
            yield Text(f"{way.name} failed: {visible(way.problem)}")
        elif way.difference:
            right = next(way.name for way in ways if not way.problem)
            yield Text(f"{way.name} has another answer than {right}: {visible(way.difference)}")
        if way.failed_runs:
            runs = counted(way.failed_runs, "run")
            yield Text(f"{way.name}: {runs} brought no answer, or another one, and do not count.")


def _costs(ways: tuple[JobWay, ...]) -> Table:
    table = _table("way", "lines", "requests", "connections", "sent", "received", "CPU", "memory")
    for way in ways:
        table.add_row(
            way.name,
            str(way.lines) if way.lines else "-",
            f"{way.requests - way.robots}{'+robots.txt' * bool(way.robots)}",
            str(way.connections),
            octets_text(way.sent),
            octets_text(way.received),
            _seconds(way.cpu),
            octets_text(way.peak.median) if way.peak else "-",
        )
    return table


def _times(ways: tuple[JobWay, ...]) -> Table:
    trips = sorted({time.round_trip for way in ways for time in way.wall})
    headings = [f"{trip * 1000:g} ms" for trip in trips]
    table = _table("way", *(heading for one in headings for heading in (one, "")))
    for way in ways:
        times = {time.round_trip: time.seconds for time in way.wall}
        cells = []
        for trip in trips:
            cells += [_seconds(times.get(trip)), _deviation(times.get(trip))]
        table.add_row(way.name, *cells)
    return table


def _table(first: str, *headings: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 0), collapse_padding=True)
    table.add_column(first, no_wrap=True)
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _seconds(spread: Spread | None) -> str:
    return seconds_text(spread.median) if spread else "-"


def _deviation(spread: Spread | None) -> str:
    if spread is None or len(spread.samples) < 2:
        return ""
    return f"±{(spread.high - spread.low) / 2 / spread.median:.0%}"
