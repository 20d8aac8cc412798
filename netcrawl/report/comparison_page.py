"""The report of a comparison: what each way of fetching a URL did, said and cost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from netcrawl.compare.grouping import pairs, remarks_of, senders
from netcrawl.compare.heads import CHANGED, MOVED, ONLY_LEFT, ONLY_RIGHT, SAME, side_by_side
from netcrawl.compare.result import PHASES
from netcrawl.report.conversation import Step, milliseconds, steps
from netcrawl.report.page import render
from netcrawl.report.shown import link_target, shown
from netcrawl.report.tables import Cell, Table, table
from sockettools.units import counted, octets_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netcrawl.compare.heads import Row
    from netcrawl.compare.result import Comparison, Exchange, Page, Remark, Way

# Requests that are shown beside the first way's, of a way and of all together; URLs in one report;
# remarks of a way.
MAX_PAIRS = 12
MAX_ALL_PAIRS = 120
MAX_PAGES = 50
MAX_REMARKS = 100

# Characters of the octets of all conversations together.
MAX_CHARACTERS = 4_000_000

PHASE_NAMES = {
    "resolve": "resolve",
    "connect": "connect",
    "tls": "TLS",
    "first_byte": "first octet",
    "done": "done",
}

# What a mark says to somebody who does not see it.
MARKS = {
    SAME: "the same",
    CHANGED: "changed",
    ONLY_RIGHT: "only here",
    ONLY_LEFT: "only by the first way",
    MOVED: "elsewhere",
}


@dataclass(frozen=True)
class Bar:
    """A phase of a waterfall; ``begin`` and ``width`` are percent of the longest way's time."""

    phase: str
    name: str
    begin: float
    width: float


@dataclass(frozen=True)
class Waterfall:
    """The phases of a way: the median of each, and how far the end of the last one spreads."""

    name: str
    bars: list[Bar]
    total: str
    spread: str
    low: float
    high: float


@dataclass(frozen=True)
class Conversation:
    """All that a way and the servers said."""

    name: str
    description: str
    summary: str
    steps: list[Step]
    left_out: int


@dataclass(frozen=True)
class Pair:
    """Two requests beside each other."""

    left: str
    right: str
    rows: list[Row]


@dataclass(frozen=True)
class Beside:
    """What ways sent that sent the same, beside the first way's."""

    names: str
    pairs: list[Pair]
    left_out: int


@dataclass(frozen=True)
class _Room:
    """What each way may have of the page: characters of octets, and pairs of requests."""

    characters: int
    pairs: int


@dataclass(frozen=True)
class Compared:
    """A section of the page: all about one URL."""

    id: str
    heading: str
    target: str | None
    is_same: bool
    verdict: str
    problem: str
    did: Table
    waterfalls: list[Waterfall]
    phases: Table | None
    not_comparable: str
    differences: Table | None
    remarks: list[tuple[str, Sequence[Remark]]]
    conversations: list[Conversation]
    beside: list[Beside]


def comparison_page(comparison: Comparison) -> str:
    """Return the page."""
    pages = comparison.pages[:MAX_PAGES]
    number = max(sum(len(page.ways) for page in pages), 1)
    room = _Room(MAX_CHARACTERS // number, max(min(MAX_PAIRS, MAX_ALL_PAIRS // number), 1))
    sections = [
        _compared(page, comparison.runs, at, room) for at, page in enumerate(pages, start=1)
    ]
    title = sections[0].heading if len(sections) == 1 else counted(len(comparison.pages), "URL")
    versions = ", ".join(f"{name} {number}" for name, number in comparison.versions)
    left = len(comparison.pages) - len(pages)
    return render(
        "comparison.html",
        kind="Ways to fetch a page, side by side",
        title=title,
        subtitle=shown(f"{comparison.made}, {counted(comparison.runs, 'run')}; {versions}", 600),
        sections=sections,
        is_same=comparison.same,
        runs=comparison.runs,
        phase_names=PHASE_NAMES,
        marks=MARKS,
        left_out=f"{counted(left, 'more URL')} were left out." if left else "",
        written=datetime.now(UTC).strftime("%Y-%m-%d at %H:%M UTC"),
    )


def _compared(page: Page, runs: int, at: int, room: _Room) -> Compared:
    first = page.ways[0]
    timed = [way for way in page.ways if way.phases]
    return Compared(
        f"url-{at}",
        shown(page.url),
        link_target(page.url),
        page.same,
        shown(page.verdict, 1_000),
        shown(f"{first.name}: {first.error}") if first.error else "",
        _did(page),
        _waterfalls(timed),
        _phases(timed, runs) if timed else None,
        "" if page.comparable else shown(page.why_not, 400) or "the answers differ",
        _differences(page),
        [(shown(names, 400), it[:MAX_REMARKS]) for names, it in remarks_of(page.ways[1:])],
        [_conversation(way, room.characters) for way in page.ways],
        list(_beside(page.ways, room.pairs)),
    )


def _did(page: Page) -> Table:
    rows = [
        (
            shown(way.name),
            "none" if way.answer is None else way.answer.status,
            len(way.exchanges),
            sum(it.connected is not None for it in way.connections) + way.more_connections,
            way.octets_sent,
            way.octets_received,
            "" if way.answer is None else way.answer.size,
            Cell(f"{way.cost.cpu.median:.2f} s", sort=way.cost.cpu.median) if way.cost else "",
            Cell(octets_text(way.cost.memory.median), sort=way.cost.memory.median)
            if way.cost
            else "",
        )
        for way in page.ways
    ]
    head = (
        *("way", "status", "requests", "connections", "sent", "received", "body"),
        *("CPU", "memory"),
    )
    return table("What each way did (sent, received and body in octets), and used", head, rows)


def _waterfalls(ways: Sequence[Way]) -> list[Waterfall]:
    ends = [way.phases[-1].seconds for way in ways]
    longest = max((it.high for it in ends), default=0.0) or 1.0
    made = []
    for way, end in zip(ways, ends, strict=True):
        bars, begin = [], 0.0
        for phase in way.phases:
            # Phases of one median may end a little before those that come first.
            finish = max(phase.seconds.median, begin)
            name = PHASE_NAMES.get(phase.name, phase.name)
            bars.append(
                Bar(
                    phase.name if phase.name in PHASES else "done",
                    f"{name}: {milliseconds(phase.seconds.median)}",
                    round(begin / longest * 100, 3),
                    round((finish - begin) / longest * 100, 3),
                )
            )
            begin = finish
        made.append(
            Waterfall(
                shown(way.name),
                bars,
                milliseconds(end.median),
                f"{milliseconds(end.low)} to {milliseconds(end.high)}",
                round(end.low / longest * 100, 3),
                round(end.high / longest * 100, 3),
            )
        )
    return made


def _phases(ways: Sequence[Way], runs: int) -> Table:
    names = [name for name in PHASES if any(it.name == name for way in ways for it in way.phases)]
    rows = []
    for way in ways:
        known = {it.name: it.seconds for it in way.phases}
        cells = [
            Cell(
                milliseconds(it.median)
                + f" ({it.low * 1000:.1f}–{it.high * 1000:.1f})" * (runs > 1),
                sort=it.median,
            )
            if (it := known.get(name))
            else Cell("–", sort=-1)
            for name in names
        ]
        failed = f" ({counted(way.failed_runs, 'run')} failed)" if way.failed_runs else ""
        rows.append([Cell(f"{shown(way.name)}{failed}"), *cells])
    caption = "When each phase was over, after the page was asked for"
    if runs > 1:
        caption += f": the median of {runs} runs (the least–the greatest)"
    return table(caption, ["way", *(PHASE_NAMES[name] for name in names)], rows)


def _differences(page: Page) -> Table | None:
    rows = [
        (
            shown(way.name),
            {"url": "final URL", "field": "field"}.get(one.part, shown(one.part, 40)),
            shown(one.where),
            shown(one.ours, 400) or "(not there)",
            shown(one.theirs, 400) or "(not there)",
            "changes from one fetch to the next"
            if one.changes
            else "another answer"
            if one.matters
            else "only how it was carried",
        )
        for way in page.ways
        for one in way.differences[:MAX_REMARKS]
    ]
    if not rows:
        return None
    first = shown(page.reference.name)
    head = ("way", "part", "where", first, "this way", "what that means")
    return table(f"Where the answers differ from that of {first}", head, rows)


def _conversation(way: Way, room: int) -> Conversation:
    made, left_out = steps(way, room)
    summary = (
        f"{counted(len(way.exchanges), 'request')}, "
        f"{octets_text(way.octets_sent)} sent, {octets_text(way.octets_received)} received"
    )
    return Conversation(shown(way.name), shown(way.description, 400), summary, made, left_out)


def _beside(ways: Sequence[Way], most: int) -> Iterator[Beside]:
    for together, way in senders(ways[1:]):
        first, names = shown(ways[0].name), shown(together, 400)
        both = pairs(ways[0], way)
        if both:
            made = [_pair(left, right, (first, names)) for left, right in both[:most]]
            yield Beside(names, made, len(both) - len(made))


def _pair(left: Exchange | None, right: Exchange | None, names: tuple[str, str]) -> Pair:
    return Pair(
        _titled(names[0], left),
        _titled(names[1], right),
        side_by_side(left.request if left else b"", right.request if right else b""),
    )


def _titled(name: str, exchange: Exchange | None) -> str:
    if exchange is None:
        return f"{name}: no such request"
    purpose = "" if exchange.purpose == "page" else f" ({shown(exchange.purpose, 20)})"
    answered = "no answer" if exchange.status is None else str(exchange.status)
    return f"{name}{purpose}: {counted(len(exchange.request), 'octet')} → {answered}"
