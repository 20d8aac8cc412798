"""What came of it, in a sentence or two for somebody who reads no further."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netcrawl.compare.amounts import listed
from netcrawl.compare.heads import fields_of, request_line
from netcrawl.compare.observed import PAGE, ROBOTS
from sockettools.text import visible
from sockettools.units import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netcrawl.compare.result import Way


def verdict(ways: Sequence[Way], different: Sequence[Way]) -> str:
    """Say whether the answers are the same, and what Scrapy did for its own; ``ways`` may be any.

    ``different`` are those whose answer is another one than that of the first way that has one.
    """
    failed = [way for way in ways if way.answer is None]
    answered = [way for way in ways if way.answer is not None]
    if not answered:
        reasons = dict.fromkeys(way.error for way in ways)
        if len(reasons) == 1:
            return f"No answer, whichever way: {next(iter(reasons))}."
        return f"No answer, whichever way; {ways[0].name}: {ways[0].error}."
    said = []
    if different:
        said.append(
            f"NOT the same answer: {_names(different)} got another one than {answered[0].name}."
        )
    else:
        said.append(_same(answered, failed))
    if failed:
        said.append(f"No answer for {_names(failed)}.")
    if not different and ways[0].answer is not None:
        said += _added(ways)
    return " ".join(said)


def _same(answered: Sequence[Way], failed: Sequence[Way]) -> str:
    answer = answered[0].answer
    assert answer is not None  # for the type checker
    what = f"status {answer.status}, {counted(answer.size, 'octet')}"
    if len(answered) == 1:
        return f"One way has an answer, {answered[0].name}: {what}."
    which = f"{len(answered)} ways" if failed else f"all {len(answered)} ways"
    return f"The same answer in {which}: {what}."


def _added(ways: Sequence[Way]) -> list[str]:
    """Say what the first way through Scrapy added to what the first way of all did."""
    first = ways[0]
    scrapy = next((way for way in ways if way.name.startswith("Scrapy") and way.answer), None)
    if scrapy is None:
        return []
    parts = []
    if any(one.purpose == ROBOTS for one in scrapy.exchanges):
        parts.append("asked for robots.txt first")
    names = _new_fields(first, scrapy)
    if names:
        parts.append(f"sent {counted(len(names), 'more field')} ({', '.join(names)})")
    costs = _costs(first, scrapy)
    added = f"{scrapy.name} {' and '.join(parts)}." if parts else ""
    return [text for text in (added, costs) if text]


def _new_fields(first: Way, other: Way) -> list[str]:
    heads = [
        next((one.request for one in way.exchanges if one.purpose == PAGE), b"")
        for way in (first, other)
    ]
    if not all(request_line(head)[0] for head in heads):
        return []
    known = {field.name.lower() for field in fields_of(heads[0])}
    return [visible(f.name[:40]) for f in fields_of(heads[1]) if f.name.lower() not in known]


def _costs(first: Way, scrapy: Way) -> str:
    ours, theirs = _done(first), _done(scrapy)
    if ours is None or theirs is None or first.cost is None or scrapy.cost is None:
        return ""
    return (
        f"It had the page after {theirs * 1000:.0f} ms, {first.name} after {ours * 1000:.0f}; its"
        f" whole process used {scrapy.cost.cpu.median:.2f} s of CPU, the other"
        f" {first.cost.cpu.median:.2f}."
    )


def _done(way: Way) -> float | None:
    return next((one.seconds.median for one in way.phases if one.name == "done"), None)


def _names(ways: Sequence[Way]) -> str:
    return listed([way.name for way in ways])
