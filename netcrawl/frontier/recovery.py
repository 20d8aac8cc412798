"""How a frontier's file is opened: without leases, and without what hung on them."""

# ruff: noqa: S608  # what is put into SQL here are states and names of ours

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from netcrawl.frontier.database import State

if TYPE_CHECKING:
    import sqlite3

# Starts come after all other requests of their priority.
FIRST_START = 2**62


@dataclass(slots=True)
class Counters:
    """The numbers that the file keeps: the last ones given, and how many there are."""

    run: int
    newest_first: int
    last_request: int
    last_item: int
    last_note: int
    last_lease: int
    pending: int
    leased: int
    done: int
    failed: int
    items: int

    def write(self, cursor: sqlite3.Cursor) -> None:
        """Write them into the file."""
        cursor.execute(_UPDATE, dataclasses.astuple(self))


_NAMES = [field.name for field in dataclasses.fields(Counters)]
_SELECT = f"SELECT {', '.join(_NAMES)} FROM counters"
_UPDATE = f"UPDATE counters SET {', '.join(f'{name} = ?' for name in _NAMES)}"


def recover(cursor: sqlite3.Cursor, *, newest_first: bool) -> Counters:
    """Take back all leases, within a transaction of the caller's; return what the file counts."""
    counters = Counters(*cursor.execute(_SELECT).fetchone())
    forget(cursor, "producer IS NOT NULL")
    cursor.execute("DELETE FROM held_items")
    cursor.execute("DELETE FROM held_notes")
    cursor.execute("DELETE FROM unfiltered WHERE request < 0")
    cursor.execute(f"UPDATE requests SET state = 0 WHERE state <> 0 AND state = {State.LEASED}")
    ready = "(SELECT count(*) FROM requests WHERE slot = slots.id AND state = 0)"
    cursor.execute(
        f"UPDATE slots SET leases = 0, ready = {ready} WHERE leases > 0 OR ready <> {ready}"
    )
    if counters.newest_first != newest_first:
        cursor.execute(f"UPDATE requests SET turn = -turn WHERE turn < {FIRST_START}")
    counters.newest_first = newest_first
    counters.run += 1
    counters.leased = 0
    sql = "SELECT ifnull(sum(ready), 0) FROM slots"
    counters.pending = cursor.execute(sql).fetchone()[0]
    return counters


def forget(cursor: sqlite3.Cursor, which: str, *values: object) -> None:
    """Delete requests that do not count, and what tells that they were seen.

    A duplicate takes the place of one, if it was put by a producer that is done.
    """
    cursor.execute(f"DELETE FROM requests WHERE {which} AND state = {State.CLAIM}", values)
    cursor.execute(
        "DELETE FROM seen WHERE fingerprint IN (SELECT fingerprint FROM requests"
        f" WHERE {which} AND NOT dont_filter AND state <> {State.SHADOW})",
        values,
    )
    cursor.execute(f"DELETE FROM requests WHERE {which} AND state <> {State.SHADOW}", values)
    shadows = f"{which} AND state = {State.SHADOW}"
    cursor.execute(f"INSERT INTO seen SELECT fingerprint FROM requests WHERE {shadows}", values)
    cursor.execute(
        "UPDATE slots SET ready = ready + (SELECT count(*) FROM requests"
        f" WHERE slot = slots.id AND {shadows})"
        f" WHERE id IN (SELECT slot FROM requests WHERE {shadows})",
        (*values, *values),
    )
    cursor.execute(f"UPDATE requests SET state = 0, producer = NULL WHERE {shadows}", values)
