"""Jobs as text: a table of several, all about one, and JSON for programs."""

from __future__ import annotations

import json
import shutil
import sys
from typing import TYPE_CHECKING, Any

from netcrawl.failures import without_userinfo
from netcrawl.frontier.failed import main_line, method_and_url, reason_lines
from sockettools.text import visible
from sockettools.units import octets_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netcrawl.frontier.overview import JobOverview
    from netcrawl.frontier.store import Failed

_HEADINGS = (
    *("folder", "spider", "state", "done", "pending", "failed", "items", "size"),
    *("last activity", "arguments"),
)
_NUMBERS = range(3, 8)  # columns that are aligned to the right
_NARROWEST = 12  # characters of a last column that is cut


def table(jobs: Sequence[JobOverview]) -> Iterator[str]:
    """Yield the lines: as wide as the terminal, or as needed where there is none."""
    rows = [_HEADINGS, *map(_row, jobs)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    room = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for row in rows:
        cells = [
            cell.rjust(width) if number in _NUMBERS else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        line = "  ".join(cells[:-1])
        if room is None:
            yield f"{line}  {row[-1]}".rstrip()
        else:
            last = _cut(row[-1], max(room - len(line) - 2, _NARROWEST))
            yield _cut(f"{line}  {last}".rstrip(), room)


def record(job: JobOverview) -> str:
    """Return the line of JSON."""
    status = job.status
    facts: dict[str, Any] = {
        "folder": str(job.path),
        "spider": job.job.spider if job.job else None,
        "arguments": job.job.arguments if job.job else None,
        "state": job.state,
        "reason": job.problem or (status.reason if status else "") or None,
        "done": job.counts.done,
        "pending": job.counts.pending + job.counts.leased,
        "failed": job.counts.failed,
        "items": job.counts.items,
        "size": job.size,
        "active": job.active.isoformat(timespec="seconds"),
        "process": job.process,
        "created": job.job.created if job.job else None,
        "versions": job.job.versions if job.job else None,
    }
    return json.dumps(facts)


def description(job: JobOverview, failures: Sequence[Failed], verbose: bool) -> Iterator[str]:
    """Yield the lines of one job, with its failed requests and why they failed."""
    for name, fact in _facts(job):
        yield f"{name + ':':<15}{visible(fact)}"
    if failures:
        yield ""
    for failure in failures:
        yield visible(_request(failure.data))
        reason = reason_lines(failure.reason)
        for line in reason if verbose else [main_line(reason)]:
            yield f"    {visible(line)}"


def _row(job: JobOverview) -> tuple[str, ...]:
    active = job.active.astimezone().strftime("%Y-%m-%d %H:%M")
    counts = job.counts
    numbers = (*(counts.done, counts.pending + counts.leased, counts.failed, counts.items),)
    known = job.problem is None
    return (
        visible(str(job.path)),
        visible(job.job.spider) if job.job else "-",
        job.state,
        *(f"{number:,}" if known else "-" for number in numbers),
        octets_text(job.size),
        active,
        visible(job.problem or _arguments(job)),
    )


def _facts(job: JobOverview) -> Iterator[tuple[str, str]]:
    yield "folder", str(job.path)
    if job.job:
        yield "spider", job.job.spider
        yield "arguments", _arguments(job) or "none"
        yield "created", job.job.created
        yield "made by", ", ".join(f"{name} {it}" for name, it in job.job.versions.items())
    state = f"{job.state}: {job.problem}" if job.problem else job.state
    if job.process:
        state += f" (process {job.process})"
    elif job.status and job.status.reason and job.status.reason != job.state:
        state += f" ({job.status.reason})"
    yield "state", state
    yield "last activity", job.active.astimezone().isoformat(" ", "seconds")
    if job.problem is None:
        counts = job.counts
        yield (
            "pages",
            f"{counts.done:,} done, {counts.pending + counts.leased:,} pending, "
            + (f"{counts.failed:,} failed"),
        )
        yield "items", f"{counts.items:,}"
    yield "size", octets_text(job.size)


def _arguments(job: JobOverview) -> str:
    if job.job is None or job.job.arguments is None:
        return ""
    given = job.job.arguments.items()
    return " ".join(f"{name}={without_userinfo(value)}" for name, value in given)


def _request(data: bytes) -> str:
    known = method_and_url(data)
    if known is None:
        return "a request that cannot be read"
    method, url = known
    return url if method == "GET" else f"{method} {url}"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
