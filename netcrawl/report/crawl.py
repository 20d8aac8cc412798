"""What a report tells of a crawl, from a feed or from the folder of a job."""

from __future__ import annotations

import json
import pickle
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from itemadapter import ItemAdapter

from netcrawl.frontier.failed import main_line, method_and_url, reason_lines
from netcrawl.frontier.folder import FRONTIER
from netcrawl.frontier.job import State
from netcrawl.frontier.last_items import LAST_ITEMS
from netcrawl.frontier.overview import look_at
from netcrawl.frontier.reading import SqliteReader
from netcrawl.frontier.store import StoreDamaged, StoreError
from netcrawl.frontier.traffic import STATS, TRAFFIC, Traffic, parse_traffic
from netcrawl.report.collecting import Collection, Failure
from netcrawl.report.errors import ReportError
from netcrawl.report.feeds import Feed
from netcrawl.report.shown import lines_shown, link_target, shown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from netcrawl.frontier.overview import JobOverview

# Items of a job that are read; each is made an object again.
MAX_ITEMS = 5_000_000

# Characters of the line that says why a request failed.
_MAX_REASON = 400

# Characters of a line that says what is wrong with a feed.
_MAX_PROBLEM = 600

_NOT_IN_A_FEED = (
    "A feed tells what was scraped, not how: when pages came, how they answered and how long they "
    "took, what failed. Crawl with -s JOBDIR=jobs/NAME, and report on that folder, for all of it."
)
_NO_TRAFFIC = (
    "This job did not record when pages came, how they answered and how long they took: it was run "
    "by an earlier version. A run from now on does."
)
_KINDS_OF_STATE = {
    State.RUNNING.value: "The crawl is running; this is how far it had come.",
    State.KILLED.value: "The crawl was killed; the same command goes on where it ended.",
    State.STOPPED.value: "The crawl was stopped; the same command goes on where it ended.",
}


@dataclass
class CrawlReport:
    """All that is known of a crawl. ``notes`` are what is not, and why, a sentence or two each.

    ``problems`` are the lines on a feed of which not all could be read, or that has no items; they
    are among the notes, too.

    ``job`` and ``traffic`` are None where the source is a feed, or has none. ``stats`` are Scrapy's
    of the last run.
    """

    source: Path
    items: Collection
    job: JobOverview | None = None
    traffic: Traffic | None = None
    stats: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def read_feed(path: Path, form: str | None = None) -> CrawlReport:
    """Read all of a feed.

    Raises:
        ReportError: it cannot be read, or is none.
    """
    feed = Feed(path, form)
    items = Collection()
    for item in feed.items():
        items.add(item)
    problems = [f"of {path.name}: {problem}" for problem in feed.problems]
    if not items.number:
        problems.append(f"the feed {path.name} has no items")
    notes = [_sentence(problem) for problem in problems]
    problems = [shown(problem, _MAX_PROBLEM) for problem in problems]
    return CrawlReport(path, items, notes=[*notes, _NOT_IN_A_FEED], problems=problems)


def read_job(folder: Path) -> CrawlReport:
    """Read what is committed of a job, running or not; nothing of it is changed.

    Raises:
        ReportError: it cannot be read.
    """
    overview = look_at(folder)
    if overview.problem is not None:
        raise ReportError(overview.problem)
    report = CrawlReport(folder, Collection(), overview)
    if note := _KINDS_OF_STATE.get(overview.state):
        report.notes.append(note)
    try:
        with SqliteReader(folder / FRONTIER) as reader:
            _read_values(reader, report)
            _read_failures(reader, report)
            _read_items(reader, report, is_over=_is_over(overview))
    except StoreError as exc:
        raise ReportError(str(exc)) from exc
    return report


def _is_over(overview: JobOverview) -> bool:
    # What a spider adds up at its end, it is still adding up, or has not come to.
    return overview.state in (State.STOPPED.value, State.FINISHED.value)


def _read_values(reader: SqliteReader, report: CrawlReport) -> None:
    value = reader.value(TRAFFIC)
    if value is None:
        report.notes.append(_NO_TRAFFIC)
    else:
        try:
            report.traffic = parse_traffic(value)
        except StoreDamaged as exc:  # the rest of the job may well be readable
            report.notes.append(_sentence(str(exc)))
    stats = reader.value(STATS)
    if stats is not None:
        try:
            known = json.loads(stats)
        except ValueError:
            known = None
        if isinstance(known, dict):
            report.stats = known
        else:
            report.notes.append("Scrapy's stats of the last run cannot be read.")


def _read_failures(reader: SqliteReader, report: CrawlReport) -> None:
    failures = report.items.failures
    for failed in reader.failed():
        known = method_and_url(failed.data)
        what = "a request that cannot be read" if known is None else " ".join(known)
        lines = reason_lines(failed.reason)
        reason = shown(main_line(lines), _MAX_REASON)
        details = lines_shown(failed.reason.strip()) if len(lines) > 1 else ""
        target = link_target(known[1]) if known is not None and known[0] == "GET" else None
        failures.add(Failure(shown(what.removeprefix("GET ")), target, reason, details))


def _read_items(reader: SqliteReader, report: CrawlReport, *, is_over: bool) -> None:
    unreadable, reason = 0, ""
    for number, data in enumerate(_item_data(reader, is_over=is_over)):
        if number >= MAX_ITEMS:
            report.notes.append(f"Only the first {MAX_ITEMS:,} items were looked at.")
            break
        try:
            item = pickle.loads(data)  # noqa: S301 - the job's own, from a folder of its owner's
            fields = ItemAdapter(item).asdict() if ItemAdapter.is_item(item) else {"value": item}
        except Exception as exc:  # noqa: BLE001 - whatever the __setstate__ of anything raises
            unreadable, reason = unreadable + 1, f"{type(exc).__name__}: {exc}"
            continue
        report.items.add(fields)
    if unreadable:
        report.notes.append(
            _sentence(
                f"{unreadable:,} items could not be read; run this command in the project whose "
                f"classes they are of ({shown(reason)})"
            )
        )


def _item_data(reader: SqliteReader, *, is_over: bool) -> Iterator[bytes]:
    for _, data in reader.items():  # noqa: PERF102 - no dict
        yield data
    if is_over:
        for _, data in reader.notes(LAST_ITEMS):
            yield data


def _sentence(text: str) -> str:
    text = shown(text, _MAX_PROBLEM).rstrip(".")
    return f"{text[:1].upper()}{text[1:]}."
