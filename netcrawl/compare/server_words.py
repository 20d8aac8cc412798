"""What the figures of servers show, in sentences: each is there only if the figures say so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netcrawl.compare.amounts import listed, seconds_text, times_text
from sockettools.units import octets_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from netcrawl.compare.servers import ServerRow

_OPERATIONS = {"greet": "a connection", "echo": "a round trip"}

# Less than that is not told from noise.
_ALIKE = 1.15
# Somebody waits in line where one in a hundred waits so many times longer than one in two.
_LINE = 50
# Memory that grew by less grew by nothing.
_GROWTH = 1_000_000


def words(rows: Sequence[ServerRow]) -> Iterator[str]:
    """Yield the sentences."""
    for service, operation in _OPERATIONS.items():
        most = _with_most(row for row in rows if row.service == service)
        if len(most) > 1:
            yield _cpu(most, operation)
            yield from _waiting(most, operation)
    yield from _memory([row for row in rows if row.service == "echo"])


def _cpu(rows: Sequence[ServerRow], operation: str) -> str:
    least, *others = sorted(rows, key=lambda row: row.cpu)
    alike = [row.server for row in others if row.cpu < least.cpu * _ALIKE]
    more = [
        f"{row.server} {times_text(row.cpu / least.cpu)} as much"
        for row in others
        if row.cpu >= least.cpu * _ALIKE
    ]
    sentence = (
        f"{_clients(least.clients)}, {operation} costs {listed([least.server, *alike])} the least "
        f"of the server's CPU ({seconds_text(least.cpu)})"
    )
    return f"{sentence}{', and ' + listed(more) if more else ''}."


def _waiting(rows: Sequence[ServerRow], operation: str) -> Iterator[str]:
    for row in rows:
        if row.clients > 1 and row.p99 > _LINE * row.p50:
            yield (
                f"{_clients(row.clients)}, half of them wait {seconds_text(row.p50)} or less for "
                f"{operation} of {row.server}, and one in a hundred {seconds_text(row.p99)} or "
                "more: some are served at once, and the others stand in line."
            )


def _memory(rows: Sequence[ServerRow]) -> Iterator[str]:
    most = _with_most(rows)
    first = {row.server: row for row in sorted(rows, key=lambda row: -row.clients)}
    grown = [
        (row.server, row.peak - first[row.server].peak, row.clients - first[row.server].clients)
        for row in most
        if first[row.server].clients < row.clients
    ]
    if not grown:
        return
    told = [
        f"{name} grows by {octets_text(octets)}, {octets_text(octets / clients)} a client"
        for name, octets, clients in sorted(grown, key=lambda each: -each[1])
        if octets >= _GROWTH
    ]
    few, many = min(row.clients for row in first.values()), most[0].clients
    start = f"From {few:,} client{'s' * (few > 1)} to {many:,}"
    if not told:
        yield f"{start}, no server's memory grows by as much as {octets_text(_GROWTH)}."
    elif len(told) < len(grown):
        yield f"{start}, {'; '.join(told)}; the others by less than {octets_text(_GROWTH)}."
    else:
        yield f"{start}, {'; '.join(told)}."


def _with_most(rows: Iterable[ServerRow]) -> list[ServerRow]:
    rows = list(rows)
    most = max((row.clients for row in rows), default=0)
    return [row for row in rows if row.clients == most]


def _clients(number: int) -> str:
    return f"With {number:,} client{'s at a time' * (number > 1)}"
