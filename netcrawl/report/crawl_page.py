"""The report of a crawl, section by section: what is known of it, in the order of interest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netcrawl.failures import without_userinfo
from netcrawl.frontier.traffic import MAX_REFUSED, OTHERS
from netcrawl.report import plots
from netcrawl.report.collecting import MAX_COLUMNS, MAX_STEPS
from netcrawl.report.graph import lay_out
from netcrawl.report.kinds import Kind
from netcrawl.report.page import render
from netcrawl.report.pictures import gallery
from netcrawl.report.shown import link_target, number, shown
from netcrawl.report.tables import Cell, Column, Table, Tile, is_long, table
from sockettools.units import clock_text, counted, octets_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netcrawl.report.collecting import Collection, Failures, Step
    from netcrawl.report.crawl import CrawlReport
    from netcrawl.report.graph import Layout
    from netcrawl.report.pictures import Shown
    from netcrawl.report.plots import Plot

# How many words have a bar, and how many pages of the graph a row of the table.
MAX_WORDS = 30
MAX_GRAPH_ROWS = 500

# The store that the images spider has if it is given none.
_STORE = "images"


@dataclass(frozen=True)
class Graph:
    """A link graph: what the script draws of it, and in words."""

    data: dict[str, Any]
    summary: str


@dataclass(frozen=True)
class Section:
    """A part of the page. Tables of one that is ``folded`` are opened by the reader."""

    id: str
    heading: str
    text: str = ""
    plot: Plot | None = None
    steps: Sequence[Step] = ()
    graph: Graph | None = None
    gallery: Sequence[Shown] = ()
    tables: Sequence[Table] = ()
    folded: bool = False


def crawl_page(report: CrawlReport, store: Path | None = None) -> str:
    """Return the page. ``store`` is the folder of downloaded pictures, looked for if not given."""
    sections = [section for section in _sections(report, store) if section is not None]
    title, subtitle = _title(report)
    return render(
        "crawl.html",
        kind="Report of a crawl",
        title=title,
        subtitle=subtitle,
        tiles=_tiles(report),
        notes=report.notes,
        sections=sections,
        written=datetime.now(UTC).strftime("%Y-%m-%d at %H:%M UTC"),
    )


def _title(report: CrawlReport) -> tuple[str, str]:
    overview = report.job
    if overview is None or overview.job is None:
        return shown(report.source.name), shown(str(report.source))
    arguments = " ".join(
        f"{name}={without_userinfo(value)}"
        for name, value in (overview.job.arguments or {}).items()
    )
    parts = [f"job {report.source}", overview.state, arguments]
    return shown(overview.job.spider), shown(" · ".join(filter(None, parts)), 600)


def _tiles(report: CrawlReport) -> list[Tile]:
    items, traffic, job = report.items, report.traffic, report.job
    tiles = []
    if traffic is not None:
        tiles.append(Tile("pages", f"{sum(traffic.statuses.values()):,}"))
    elif job is not None:
        tiles.append(Tile("pages", f"{job.counts.done:,}"))
    else:
        pages = items.kinds[Kind.STEP] or len(items.visited) or None
        tiles.append(
            Tile("pages", None if pages is None else f"{pages:,}", "with items" * bool(pages))
        )
    tiles.append(Tile("items", f"{items.number:,}"))
    if job is None and not items.statuses:
        tiles.append(Tile("failures", None))
    else:
        refused = sum(
            pages
            for status, pages in (traffic.statuses if traffic else {}).items()
            if status >= "4"
        )
        hint = f"and {counted(refused, 'answer')} of 400 and above" if refused else ""
        tiles.append(Tile("failures", f"{items.failures.number:,}", hint))
    octets = sum(traffic.octets) if traffic else 0
    if octets or traffic:
        tiles.append(Tile("received", octets_text(octets)))
    elif items.octets:
        tiles.append(Tile("in files", octets_text(items.octets)))
    else:
        tiles.append(Tile("received", None))
    if traffic is None:
        tiles.append(Tile("duration", None))
    else:
        runs = len(traffic.runs)
        hint = f"in {runs} runs" if runs > 1 else ""
        tiles.append(Tile("duration", clock_text(traffic.seconds), hint))
    if job is not None and (waiting := job.counts.pending + job.counts.leased):
        tiles.append(Tile("waiting", f"{waiting:,}", "requests to be done"))
    return tiles


def _sections(report: CrawlReport, store: Path | None) -> Iterator[Section | None]:
    items = report.items
    yield from _of_kinds(report, store)
    traffic = report.traffic
    if traffic is not None:
        yield _drawn("over-time", "Pages over time", plots.pages_over_time(traffic))
        yield _drawn("statuses", "Status codes", plots.statuses(traffic))
        slowest = [
            (Cell(f"{seconds:.3f} s", sort=seconds), status, Cell(shown(url), link_target(url)))
            for seconds, status, url in traffic.slowest
        ]
        yield _drawn(
            "latency",
            "Latency",
            plots.latencies(traffic),
            table("The slowest pages", ("took", "status", "page"), slowest),
        )
    yield _failures(items.failures)
    if traffic is not None and traffic.refused:
        refused = sum(host.refused for host in traffic.hosts.values())
        rows = [(status, Cell(shown(url), link_target(url))) for status, url in traffic.refused]
        left = f"The first {MAX_REFUSED:,} of {refused:,}." if refused > len(rows) else ""
        yield Section(
            "refused",
            "Bad answers",
            "Pages that were answered with a status of 400 and above.",
            tables=[table("Answers of 400 and above", ("status", "page"), rows, left_out=left)],
        )
    if traffic is not None and len(traffic.hosts) > 1:
        yield Section("hosts", "Hosts", tables=[_hosts(report)])
    if items.number:
        yield _items(items)
        yield _fields(items)
    yield _details(report)


def _of_kinds(report: CrawlReport, store: Path | None) -> Iterator[Section | None]:
    items = report.items
    if items.steps:
        more = items.kinds[Kind.STEP] - len(items.steps)
        text = f"The first {MAX_STEPS:,}; {more:,} more were left out." if more else ""
        yield Section("chain", "The chain", text, steps=items.steps)
    if items.edges or items.visited:
        yield _graph(items)
    if items.words:
        plot = plots.words(items.words.most_common(MAX_WORDS), len(items.words))
        rare = "Rare words were dropped while there were too many different ones. "
        total = items.word_total
        text = f"{plots.count_text(total)} word{'s' * (total != 1)} in all. "
        text += rare * items.words_dropped
        yield _drawn("words", "The most frequent words", plot, text=text.strip())
    if items.kinds[Kind.IMAGE]:
        yield _pictures(report, store)
    if items.formats:
        rows = [(name, count) for name, count in items.formats.most_common(50)]
        states = ", ".join(
            f"{count:,} {status}" for status, count in items.statuses.most_common(10)
        )
        caption = "Formats of what was downloaded"
        yield Section(
            "files", "Files", f"{states}.", tables=[table(caption, ("format", "files"), rows)]
        )


def _drawn(
    name: str,
    heading: str,
    plot: Plot | None,
    *tables: Table,
    text: str = "",
) -> Section | None:
    if plot is None:
        return None
    return Section(name, heading, text, plot, tables=[it for it in tables if it.rows], folded=True)


def _graph(items: Collection) -> Section:
    layout = lay_out(items.edges, items.visited)
    urls = list(items.pages)
    pages, links = len(items.visited), sum(items.edges.values())
    known = {page for edge in items.edges for page in edge} | items.visited
    summary = (
        f"{counted(pages, 'page')} with {counted(links, 'link')} to {counted(len(known), 'page')}, "
        f"up to {counted(layout.depth, 'link')} away from the start."
    )
    left = [
        counted(number, thing)
        for number, thing in ((layout.nodes_left_out, "page"), (layout.links_left_out, "link"))
        if number
    ]
    if left:
        summary += f" Not drawn, farthest first: {', '.join(left)}."
    if items.nowhere:
        summary += f" {items.nowhere:,} more lead to no page, such as mail addresses."
    if items.links_left_out:
        summary += f" {counted(items.links_left_out, 'link')} could not be counted among them."
    data = {
        "nodes": [
            [
                *(node.x, node.y, node.depth, node.links_in, node.links_out, int(node.was_read)),
                shown(urls[node.page]),
            ]
            for node in layout.nodes
        ],
        "links": [number for link in layout.links for number in link],
        "tree": layout.tree,
        "radius": round(layout.radius, 1),
    }
    return Section(
        "graph",
        "The link graph",
        summary,
        graph=Graph(data, summary),
        tables=[_graph_table(layout, urls)],
        folded=True,
    )


def _graph_table(layout: Layout, urls: Sequence[str]) -> Table:
    nodes = sorted(layout.nodes, key=lambda node: -node.links_in)
    left = len(nodes) - MAX_GRAPH_ROWS
    rows = [
        (
            Cell(shown(urls[node.page]), link_target(urls[node.page])),
            *(node.depth, node.links_in, node.links_out),
            "read" if node.was_read else "only linked to",
        )
        for node in nodes[:MAX_GRAPH_ROWS]
    ]
    return table(
        "The pages of the graph as a table",
        ("page", "links away", "links in", "links out", "state"),
        rows,
        left_out=f"{left:,} more pages were left out, with the fewest links in."
        if left > 0
        else "",
    )


def _pictures(report: CrawlReport, store: Path | None) -> Section:
    items = report.items
    found = gallery(items.pictures.values(), _stores(report, store))
    told = [f"{items.kinds[Kind.IMAGE]:,} in the items, {len(items.pictures):,} different files."]
    if found.store is None and found.shown:
        told.append("Their files were not found; --store FOLDER says where they are.")
    elif found.not_found:
        told.append(f"{found.not_found:,} of those below could not be shown.")
    if found.left_out:
        told.append(f"{found.left_out:,} more are not shown.")
    return Section("pictures", "Pictures", " ".join(told), gallery=found.shown)


def _stores(report: CrawlReport, store: Path | None) -> list[Path]:
    if store is not None:
        return [store]
    job = report.job.job if report.job else None
    name = (job.arguments or {}).get("store", _STORE) if job else _STORE
    return [Path(name), report.source.parent / name]


def _failures(failures: Failures) -> Section | None:
    if not failures.number:
        return None
    rows = [
        (Cell(it.what, it.target), Cell(it.reason, details=it.details)) for it in failures.shown
    ]
    left = failures.number - len(rows)
    tables = [
        table(
            "What failed, and why",
            ("what", "why"),
            rows,
            left_out=f"{left:,} more were left out." if left else "",
        )
    ]
    if 1 < len(failures.reasons) < failures.number:
        reasons = failures.reasons.most_common(20)
        tables.insert(0, table("The most frequent reasons", ("reason", "failures"), reasons))
    return Section("failures", "Failures", f"{failures.number:,} in all.", tables=tables)


def _hosts(report: CrawlReport) -> Table:
    assert report.traffic is not None
    hosts = sorted(report.traffic.hosts.items(), key=lambda pair: -pair[1].pages)
    rows = [
        (
            shown(name) if name != OTHERS else "all others",
            host.pages,
            host.refused,
            Cell(f"{host.seconds / host.timed:.3f} s", sort=host.seconds / host.timed)
            if host.timed
            else Cell("", sort=0),
        )
        for name, host in hosts
    ]
    return table(
        "What came from each host", ("host", "pages", "bad answers", "average latency"), rows
    )


def _items(items: Collection) -> Section:
    names = list(items.fields)[:MAX_COLUMNS]
    rows = []
    for row in items.rows:
        cells = [row.get(name, "") for name in names]
        rows.append([Cell(text, link_target(text), number(text)) for text in cells])
    columns = [
        Column(
            items.fields[name].name,
            items.fields[name].kinds.keys() == {"number"},
            is_long(rows, at),
        )
        for at, name in enumerate(names)
    ]
    left = []
    if items.number > len(rows):
        left.append(f"The first {len(rows):,} of {items.number:,} items")
    if len(items.fields) > len(names):
        left.append(
            f"the first {len(names)} of {len(items.fields) + len(items.fields_left_out):,} fields"
        )
    text = ", ".join(f"{count:,} {kind.value}" for kind, count in items.kinds.most_common())
    made = Table("The items", columns, rows, f"{', '.join(left).capitalize()}." if left else "")
    return Section("items", "Items", f"{text}.", tables=[made])


def _fields(items: Collection) -> Section:
    rows = [
        (
            it.name,
            Cell(f"{it.filled / items.number:.1%}", sort=it.filled / items.number),
            *(it.filled, it.empty, items.number - it.filled - it.empty),
            *(it.kind, it.longest or "", it.sample),
        )
        for it in items.fields.values()
    ]
    head = ("field", "filled", "with a value", "empty", "missing", "type", "longest", "first value")
    more = len(items.fields_left_out)
    left = f"{more:,} more fields were left out." if more else ""
    made = table("How often each field has a value", head, rows, left_out=left)
    return Section("fields", "Fields", tables=[made])


def _details(report: CrawlReport) -> Section | None:
    job = report.job
    if job is None:
        return None
    facts: list[tuple[str, object]] = [("folder", shown(str(report.source))), ("state", job.state)]
    if job.status and job.status.reason:
        facts.append(("why", shown(job.status.reason)))
    if job.job is not None:
        facts.append(("created", shown(job.job.created)))
        for name, value in (job.job.arguments or {}).items():
            facts.append((f"argument {shown(name, 40)}", shown(without_userinfo(value))))
        for name, value in job.job.versions.items():
            facts.append((f"version of {shown(name, 40)}", shown(value)))
    if report.traffic is not None:
        runs = zip(report.traffic.runs, report.traffic.run_seconds, strict=True)
        for at, (began, seconds) in enumerate(runs, start=1):
            facts.append((f"run {at}", f"{shown(began)}, {clock_text(seconds)}"))
    tables = [table("About the job", ("what", "value"), facts)]
    if report.stats:
        rows = [(shown(name), shown(value)) for name, value in report.stats.items()]
        tables.append(table("Scrapy's stats of the last run", ("name", "value"), rows))
    return Section("job", "The job", tables=tables, folded=True)
