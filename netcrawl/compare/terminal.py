"""A comparison for somebody at a terminal, or for a pipe: what matters most comes first."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from netcrawl.compare.grouping import pairs, remarks_of, senders
from netcrawl.compare.heads import (
    CHANGED,
    MOVED,
    ONLY_LEFT,
    ONLY_RIGHT,
    request_line,
    side_by_side,
)
from netcrawl.compare.observed import PAGE, REDIRECT, ROBOTS
from netcrawl.compare.result import PHASES
from sockettools.text import visible
from sockettools.units import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from netcrawl.compare.result import (
        AnswerDifference,
        Comparison,
        Exchange,
        Page,
        Remark,
        Spread,
        Way,
    )

_PHASES = {"resolve": "resolve", "connect": "connect", "tls": "TLS", "first_byte": "first byte"}
_STYLES = {CHANGED: "yellow", ONLY_LEFT: "red", ONLY_RIGHT: "green", MOVED: "cyan"}
_KEY = "= the same   ~ changed   + only here   - only by hand   ^ elsewhere"

# Requests of a way that are shown beside the first way's, and differences of its answer.
# Those of a chain of redirects are nearly equal.
MAX_PAIRS = 6
MAX_REDIRECTS = 2
MAX_SHOWN = 12


def shown(comparison: Comparison) -> Iterator[RenderableType]:
    """Yield what is to be printed, one part after the other."""
    for page in comparison.pages:
        yield Text(visible(page.url), style="bold underline")
        yield Text()
        yield _verdict(page)
        yield _heading("What each way did, and used")
        yield _did(page)
        yield from _took(page, comparison.runs)
        yield from _answers(page)
        yield from _remarks(page)
        yield from _requests(page)
    versions = ", ".join(f"{name} {number}" for name, number in comparison.versions)
    yield Text(f"{comparison.made}: {versions}", style="dim")


def _verdict(page: Page) -> Text:
    return Text(visible(page.verdict), style=f"bold {'green' if page.same else 'red'}")


def _heading(text: str) -> Text:
    return Text(f"\n{text}", style="bold")


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("", no_wrap=True)
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def _did(page: Page) -> Table:
    table = _table(
        *("status", "re-\nquests", "connec-\ntions", "octets\nsent", "octets\nreceived"),
        *("CPU\nseconds", "memory\nMB"),
    )
    for way in page.ways:
        opened = sum(one.connected is not None for one in way.connections) + way.more_connections
        table.add_row(
            way.name,
            "none" if way.answer is None else str(way.answer.status),
            str(len(way.exchanges)),
            str(opened),
            f"{way.octets_sent:,}",
            f"{way.octets_received:,}",
            "" if way.cost is None else f"{way.cost.cpu.median:.2f}",
            "" if way.cost is None else f"{way.cost.memory.median / 1e6:.0f}",
        )
    return table


def _took(page: Page, runs: int) -> Iterator[RenderableType]:
    timed = [way for way in page.ways if way.phases]
    if not timed:
        return
    there = [
        name for name in PHASES if any(one.name == name for way in timed for one in way.phases)
    ]
    comparable = "" if page.comparable else f": NOT COMPARABLE, {page.why_not}"
    yield _heading(f"Milliseconds after it was asked{comparable}")
    table = _table(*(_PHASES.get(name, name) for name in there))
    for way in timed:
        phases = {one.name: one.seconds for one in way.phases}
        failed = f"\n({way.failed_runs} failed)" if way.failed_runs else ""
        table.add_row(
            f"{way.name}{failed}",
            *(_milliseconds(phases.get(name), runs) for name in there),
            style="" if page.comparable else "dim",
        )
    yield table
    if runs > 1:
        note = f"The median of {runs} runs; below it the least and the greatest."
        yield Text(note, style="dim")


def _milliseconds(spread: Spread | None, runs: int) -> str:
    if spread is None:
        return ""
    text = f"{spread.median * 1000:.1f}"
    return f"{text}\n{spread.low * 1000:.0f}-{spread.high * 1000:.0f}" if runs > 1 else text


def _answers(page: Page) -> Iterator[RenderableType]:
    """Show where answers are not the same."""
    found = [(way, [one for one in way.differences if one.matters]) for way in page.ways]
    if not any(differences for _, differences in found):
        return
    reference = page.reference.name
    yield _heading(f"Where the answers differ from that of {reference}")
    for way, differences in found:
        if differences:
            yield Text(way.name, style="bold")
        for one in differences[:MAX_SHOWN]:
            yield Padding(_difference(one, reference, way.name), (0, 0, 0, 2))
        if len(differences) > MAX_SHOWN:
            yield Text(f"  and {len(differences) - MAX_SHOWN} more: see --json")


def _difference(one: AnswerDifference, first: str, other: str) -> Text:
    what = {"url": "final URL", "field": f"field {visible(one.where)}"}.get(one.part, one.part)
    where = f", {one.where}" if one.part == "body" else ""
    changes = " (changes from one fetch to the next)" if one.changes else ""
    width = max(len(first), len(other))
    lines = [
        f"{what}{where}{changes}",
        f"  {first:<{width}}  {visible(one.ours) or '(not there)'}",
        f"  {other:<{width}}  {visible(one.theirs) or '(not there)'}",
    ]
    return Text("\n".join(lines))


def _remarks(page: Page) -> Iterator[RenderableType]:
    first = page.ways[0]
    if first.error:
        yield _heading(f"{first.name}: no answer")
        yield Padding(Text(visible(first.error)), (0, 0, 0, 2))
    yield _heading(f"What the others did differently from {first.name}, and why")
    for names, remarks in remarks_of(page.ways[1:]):
        yield Text(names, style="bold")
        for remark in remarks:
            yield Padding(_remark(remark), (0, 0, 0, 2))
        if not remarks:
            yield Text("  nothing")


def _remark(remark: Remark) -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_row("-", Text(visible(remark.text)))
    if remark.why:
        table.add_row("", Text(f"why: {visible(remark.why)}", style="dim"))
    return table


def _requests(page: Page) -> Iterator[RenderableType]:
    first = page.ways[0]
    if not first.exchanges and not any(way.exchanges for way in page.ways):
        return
    yield _heading(f"The requests as they were sent, beside those of {first.name}")
    yield Text(_KEY, style="dim")
    for names, way in senders(page.ways[1:]):
        yield Text()
        besides = [one for one in way.exchanges if one.purpose == ROBOTS]
        if besides:
            yield Text(f"{names} asked first: {', '.join(map(_summary, besides))}")
        yield from _pairs(first, way, names)


def _pairs(first: Way, way: Way, names: str) -> Iterator[RenderableType]:
    both, redirects, kept = pairs(first, way), 0, 0
    for left, right in both:
        is_redirect = all(one is None or one.purpose == REDIRECT for one in (left, right))
        redirects += is_redirect
        if kept == MAX_PAIRS or (is_redirect and redirects > MAX_REDIRECTS):
            continue
        kept += 1
        yield _pair(left, right, first.name, names)
    if more := len(both) - kept:
        yield Text(f"... and {counted(more, 'request')} more: see --json")


def _pair(left: Exchange | None, right: Exchange | None, first: str, names: str) -> Table:
    table = Table(
        box=None, padding=(0, 1), pad_edge=False, expand=True, show_header=True, header_style="bold"
    )
    table.add_column(_titled(first, left), ratio=1, overflow="fold")
    table.add_column("", width=1)
    table.add_column(_titled(names, right), ratio=1, overflow="fold")
    for row in side_by_side(left.request if left else b"", right.request if right else b""):
        style = _STYLES.get(row.mark, "")
        table.add_row(
            Text(row.left or "", style), Text(row.mark, style), Text(row.right or "", style)
        )
    return table


def _titled(name: str, exchange: Exchange | None) -> Text:
    if exchange is None:
        return Text(f"{name}: no such request")
    purpose = "" if exchange.purpose == PAGE else f" ({exchange.purpose})"
    answered = "no answer" if exchange.status is None else str(exchange.status)
    return Text(f"{name}{purpose}: {len(exchange.request):,} octets -> {answered}")


def _summary(exchange: Exchange) -> str:
    method, target, _ = request_line(exchange.request)
    answered = "no answer" if exchange.status is None else str(exchange.status)
    return f"{method} {visible(target[:60])}, {len(exchange.request):,} octets -> {answered}"


def print_to(file: TextIO, comparison: Comparison) -> None:
    """Print it to a terminal in colours, as wide as that is; else without, 80 columns wide.

    The environment may say otherwise (COLUMNS, NO_COLOR, FORCE_COLOR).
    """
    console = Console(file=file, highlight=False, markup=False, emoji=False)
    if console.is_terminal:
        for part in shown(comparison):
            console.print(part)
        return
    with console.capture() as capture:
        for part in shown(comparison):
            console.print(part)
    # What fills a line up is for colours.
    for line in capture.get().splitlines():
        file.write(f"{line.rstrip()}\n")
