"""The comparison of servers for a terminal, or for a pipe."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from netcrawl.compare.amounts import seconds_text
from netcrawl.compare.load import MESSAGE, ROUNDS
from netcrawl.compare.servers import PROBES
from sockettools.text import visible
from sockettools.units import counted, octets_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from netcrawl.compare.servers import ServerComparison, ServerRow

_TITLES = {
    "greet": ("Greeting", "connections", "A client connects, is greeted, and comes again."),
    "echo": (
        "Echo",
        "messages",
        f"A client says {len(MESSAGE)} octets {ROUNDS} times, parts, and comes again.",
    ),
}


def renderables(comparison: ServerComparison) -> Iterator[RenderableType]:
    """Yield what is to be printed, one below the other."""
    yield from _answers(comparison)
    for service, (title, operations, what) in _TITLES.items():
        rows = [row for row in comparison.rows if row.service == service]
        if rows:
            yield ""
            yield Text(f"{title}: {what}", style="bold")
            yield _table(rows, operations)
    for failure in comparison.failures:
        yield Text(
            f"{failure.service} of {failure.server} with "
            f"{counted(failure.clients, 'client')} failed: {visible(failure.problem)}"
        )
    for note in comparison.notes:
        yield Text(note)
    yield ""
    for sentence in comparison.words:
        yield Text(sentence)
    if not comparison.rows:
        return
    runs = counted(comparison.runs, "run")
    yield Text(
        f"Medians of {runs}; memory is the largest. Half of the operations, and 99 of 100, took a "
        "client no longer than the last two columns say. The clients are one process, which is as "
        "busy as the server: CPU is the server's own, and the times are those that clients see.",
        style="dim",
    )


def _answers(comparison: ServerComparison) -> Iterator[RenderableType]:
    for answer in comparison.answers:
        if answer.problem:
            yield Text(
                f"{answer.service} of {answer.server} gives another answer, and is not timed: "
                f"{visible(answer.problem)}"
            )
    alike = [answer for answer in comparison.answers if not answer.problem]
    if alike and len(alike) == len(comparison.answers):
        names = ", ".join(dict.fromkeys(answer.server for answer in alike))
        sizes = sum(map(len, PROBES))
        yield Text(
            f"Same answers from all ({names}): the greeting, and {sizes:,} octets echoed in "
            f"{len(PROBES)} pieces and once more at the end."
        )


def _table(rows: list[ServerRow], operations: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 0), collapse_padding=True)
    table.add_column("clients", justify="right", no_wrap=True)
    table.add_column("server", no_wrap=True)
    for heading in (f"{operations}/s", "CPU each", "memory", "50% in", "99% in"):
        table.add_column(heading, justify="right", no_wrap=True)
    for clients, group in groupby(sorted(rows, key=lambda row: row.clients), lambda r: r.clients):
        for number, row in enumerate(group):
            table.add_row(
                f"{clients:,}" if number == 0 else "",
                row.server,
                f"{row.per_second:,.0f}",
                seconds_text(row.cpu),
                octets_text(row.peak),
                seconds_text(row.p50),
                seconds_text(row.p99),
            )
        table.add_section()
    return table
