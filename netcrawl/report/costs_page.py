"""The reports of comparisons of what things cost: a job done in several ways, and servers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from netcrawl.compare.amounts import seconds_text
from netcrawl.compare.servers import ServerComparison
from netcrawl.report import plots
from netcrawl.report.page import render
from netcrawl.report.plots import Bar
from netcrawl.report.shown import lines_shown, shown
from netcrawl.report.tables import Cell, Table, table
from sockettools.units import counted, octets_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netcrawl.compare.jobs import JobComparison, JobWay
    from netcrawl.compare.result import Spread
    from netcrawl.compare.servers import ServerRow
    from netcrawl.report.plots import Plot

# Characters of a program that is shown.
MAX_PROGRAM = 20_000

# What an operation of each service is.
_OPERATIONS = {"greet": "connections", "echo": "round trips"}


@dataclass(frozen=True)
class Section:
    """A part of the page; plots have headings, programs names."""

    id: str
    heading: str
    text: str = ""
    plots: Sequence[tuple[str, Plot]] = ()
    tables: Sequence[Table] = ()
    programs: Sequence[tuple[str, str]] = ()


def costs_page(costs: ServerComparison | JobComparison) -> str:
    """Return the page."""
    return _servers(costs) if isinstance(costs, ServerComparison) else _job(costs)


def _job(comparison: JobComparison) -> str:
    ways = comparison.ways
    timed = f"medians of {counted(comparison.runs, 'run')}"
    sections = [
        Section(
            "costs",
            "What each way takes",
            "Requests and octets are those of one run; CPU and memory are those without a delay, "
            "the start of Python included.",
            tables=[_job_costs(ways)],
        ),
        *_times(comparison),
        Section(
            "programs",
            "The programs",
            "Their lines were counted, and they were run.",
            programs=[
                (f"{shown(way.name)}: {shown(way.description)}", _program(way.source))
                for way in ways
                if way.source
            ],
        ),
    ]
    return _page(
        "The same job, by hand and as a spider",
        shown(f"{comparison.job}: {comparison.what}", 300),
        shown(f"{comparison.url}; {timed}", 400),
        comparison.is_sound,
        [*_job_answers(comparison), *comparison.words],
        sections,
        comparison.notes,
    )


def _job_answers(comparison: JobComparison) -> Iterator[str]:
    ways = comparison.ways
    if comparison.is_comparable:
        names = ", ".join(way.name for way in ways)
        yield f"Same answer from all ({names}): {counted(ways[0].answer, 'line')}."
    for way in ways:
        if way.problem:
            yield f"{way.name} failed: {way.problem}"
        elif way.difference:
            right = next(it.name for it in ways if not it.problem)
            yield f"{way.name} has another answer than {right}: {way.difference}"
        if way.failed_runs:
            runs = counted(way.failed_runs, "run")
            yield f"{way.name}: {runs} brought no answer, or another one, and do not count."


def _job_costs(ways: Sequence[JobWay]) -> Table:
    rows = [
        (
            shown(way.name),
            Cell(str(way.lines) if way.lines else "–", sort=way.lines),
            Cell(f"{way.requests - way.robots}{' + robots.txt' * bool(way.robots)}",
                 sort=way.requests),
            way.connections,
            Cell(octets_text(way.sent), sort=way.sent),
            Cell(octets_text(way.received), sort=way.received),
            Cell(seconds_text(way.cpu.median), sort=way.cpu.median) if way.cpu else _NONE,
            Cell(octets_text(way.peak.median), sort=way.peak.median) if way.peak else _NONE,
        )
        for way in ways
    ]  # fmt: skip
    head = (
        *("way", "lines of code", "requests", "connections", "sent", "received", "CPU"),
        "memory",
    )
    return table("What each way takes", head, rows)


def _times(comparison: JobComparison) -> Iterator[Section]:
    ways = comparison.ways
    trips = sorted({time.round_trip for way in ways for time in way.wall})
    drawn = []
    for trip in trips:
        seconds = {
            way.name: time.seconds for way in ways for time in way.wall if time.round_trip == trip
        }
        bars = [
            Bar(shown(name, 40), it.median, seconds_text(it.median)) for name, it in seconds.items()
        ]
        name, fastest = min(seconds.items(), key=lambda pair: pair[1].median)
        summary = f"{shown(name)} is done first, after {seconds_text(fastest.median)}."
        if plot := plots.amounts(bars, summary, ("way", "seconds")):
            drawn.append((f"A round trip on the network takes {trip * 1000:g} ms", plot))
    if not drawn:
        return
    head = ["way", *(f"{trip * 1000:g} ms" for trip in trips)]
    made = [
        table(
            f"{caption}, by what a round trip takes: the median (the least–the greatest)",
            head,
            [
                [Cell(shown(way.name)), *(_seconds(_wall(way, trip, which)) for trip in trips)]
                for way in ways
            ],
        )
        for caption, which in (
            ("Time by the clock", "seconds"),
            ("Of that on the network", "network"),
        )
    ]
    text = "" if comparison.is_comparable else "NOT COMPARABLE, since the answers differ."
    yield Section("times", "Time by the clock", text, drawn, made)


def _wall(way: JobWay, trip: float, which: str) -> Spread | None:
    time = next((it for it in way.wall if it.round_trip == trip), None)
    if time is None:
        return None
    return time.network if which == "network" else time.seconds


def _servers(comparison: ServerComparison) -> str:
    sections = []
    for service, operations in _OPERATIONS.items():
        rows = [row for row in comparison.rows if row.service == service]
        if not rows:
            continue
        drawn = []
        for heading, y, pick in (
            ("How many", f"{operations} per second", lambda row: row.per_second),
            ("What each costs", "microseconds of CPU for one", _microseconds),
        ):
            points = {
                name: sorted((row.clients, pick(row)) for row in rows if row.server == name)
                for name in dict.fromkeys(row.server for row in rows)
            }
            summary = f"{y[0].upper()}{y[1:]}, by the number of clients; both on scales by tens."
            if plot := plots.lines(points, "clients", y, summary):
                drawn.append((heading, plot))
        what = f"The {'greeting' if service == 'greet' else 'echo'} server"
        made = _server_table(f"{what}: {operations}", operations, rows)
        sections.append(Section(service, what, plots=drawn, tables=[made]))
    problems = [
        f"{it.service} of {it.server} gives another answer, and is not timed: {it.problem}"
        for it in comparison.answers
        if it.problem
    ] + [
        f"{it.service} of {it.server} with {counted(it.clients, 'client')} failed: {it.problem}"
        for it in comparison.failures
    ]
    alike = [] if problems else ["Same answers from all of them."]
    return _page(
        "The same servers, built in several ways",
        "Greeting and echo servers",
        f"medians of {counted(comparison.runs, 'run')}; the clients are one process, which is as "
        "busy as the server: CPU is the server's own, and the times are those that clients see",
        comparison.is_sound,
        [*alike, *problems, *comparison.words],
        sections,
        comparison.notes,
    )


def _server_table(caption: str, operations: str, rows: Sequence[ServerRow]) -> Table:
    cells = [
        (
            row.server,
            row.clients,
            Cell(f"{row.per_second:,.0f}", sort=row.per_second),
            Cell(f"{row.slowest:,.0f}–{row.fastest:,.0f}", sort=row.slowest),
            Cell(seconds_text(row.cpu), sort=row.cpu),
            Cell(octets_text(row.peak), sort=row.peak),
            Cell(seconds_text(row.p50), sort=row.p50),
            Cell(seconds_text(row.p99), sort=row.p99),
        )
        for row in rows
    ]
    head = (
        *("server", "clients", f"{operations}/s", "slowest–fastest run", "CPU each"),
        *("memory", "half in", "99 of 100 in"),
    )
    return table(caption, head, cells)


def _page(
    kind: str,
    title: str,
    subtitle: str,
    is_sound: bool,
    verdict: Sequence[str],
    sections: Sequence[Section],
    notes: Sequence[str],
) -> str:
    return render(
        "costs.html",
        kind=kind,
        title=title,
        subtitle=subtitle,
        is_sound=is_sound,
        verdict=[shown(sentence, 600) for sentence in verdict],
        sections=sections,
        notes=[shown(note, 600) for note in notes],
        written=datetime.now(UTC).strftime("%Y-%m-%d at %H:%M UTC"),
    )


_NONE = Cell("–", sort=-1)


def _seconds(spread: Spread | None) -> Cell:
    if spread is None:
        return _NONE
    text = seconds_text(spread.median)
    if len(spread.samples) > 1:
        text += f" ({seconds_text(spread.low)}–{seconds_text(spread.high)})"
    return Cell(text, sort=spread.median)


def _microseconds(row: ServerRow) -> float:
    return round(row.cpu * 1e6, 2)


def _program(source: str) -> str:
    return lines_shown(source, MAX_PROGRAM)
