"""The rows of a frontier's file, and what is kept in memory to read and write few of them."""

# ruff: noqa: S608  # what is put into SQL here are states and conditions of ours

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from netcrawl.frontier import database
from netcrawl.frontier.database import State
from netcrawl.frontier.reading import Reading
from netcrawl.frontier.recovery import FIRST_START, recover
from netcrawl.frontier.text import encoded

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from netcrawl.frontier.store import NewRequest, StoreError

# Fingerprints in memory are at most twice as many: those seen lately, and those seen before them.
_RECENT = 100_000

# Ids of slots in memory.
_SLOTS = 10_000

# What SQLite takes as a number.
_MAX_PRIORITY = 2**62


class Tables(Reading):
    """The file, opened by its worker, in a transaction that is always there."""

    def __init__(self, path: Path, *, newest_first: bool) -> None:
        super().__init__(path, database.open_to_write(path))
        self._broken: StoreError | None = None
        self._sign = -1 if newest_first else 1
        self._recent: set[bytes] = set()
        self._older: set[bytes] = set()
        self._slots: dict[bytes, int] = {}
        self._cursor = self._connection.cursor()
        self._execute = self._cursor.execute
        try:
            self._begin()
            self._counters = recover(self._cursor, newest_first=newest_first)
            self._commit()
        except sqlite3.Error as error:
            raise self._failure(error) from error

    def _begin(self) -> None:
        # A writer from the start: to become one later can fail.
        self._execute("BEGIN IMMEDIATE")

    def _commit(self) -> None:
        self._counters.write(self._cursor)
        self._execute("COMMIT")
        self._begin()

    def _failure(self, error: Exception) -> StoreError:
        """Close the file after an error: what is in memory is no longer what is there."""
        if self._broken is None:
            self._broken = database.explained(self._path, error)
            self._connection.close()
        return self._broken

    # Fingerprints

    def _is_seen(self, fingerprint: bytes) -> bool:
        if fingerprint in self._recent or fingerprint in self._older:
            return True
        sql = "SELECT 1 FROM seen WHERE fingerprint = ?"
        return self._execute(sql, (fingerprint,)).fetchone() is not None

    def _remember(self, fingerprint: bytes) -> None:
        """Keep in memory that this fingerprint was seen, and counts."""
        self._recent.add(fingerprint)
        if len(self._recent) > _RECENT:
            self._older = self._recent
            self._recent = set()

    # Slots

    def _slot(self, name: str) -> int:
        """Return the id of a slot, made if there is none of that name."""
        key = encoded(name)
        number = self._slots.get(key)
        if number is None:
            row = self._execute("SELECT id FROM slots WHERE name = ?", (key,)).fetchone()
            if row is None:
                sql = "INSERT INTO slots (name, ready, leases, served) VALUES (?, 0, 0, 0)"
                number = self._execute(sql, (key,)).lastrowid
                assert number is not None
            else:
                number = row[0]
            if len(self._slots) >= _SLOTS:
                self._slots.clear()
            self._slots[key] = number
        return number

    def _change_slot(self, slot: int, *, ready: int = 0, leases: int = 0) -> None:
        sql = "UPDATE slots SET ready = ready + ?, leases = leases + ? WHERE id = ?"
        self._execute(sql, (ready, leases, slot))

    def _change_slots(self, sign: int, which: str, *values: object) -> int:
        """Count these requests as ready, or as no longer so; return how many they are."""
        sql = f"SELECT slot, count(*) FROM requests WHERE {which} GROUP BY slot"
        rows = self._execute(sql, values).fetchall()
        for slot, number in rows:
            self._change_slot(slot, ready=sign * number)
        return sum(number for _, number in rows)

    # Requests

    def _insert(
        self,
        rows: Iterable[tuple[int, NewRequest]],
        state: State = State.READY,
        producer: int | None = None,
    ) -> None:
        """Write requests, and that they were seen, which memory keeps only of those that count."""
        ready: dict[int, int] = {}
        seen: list[tuple[bytes]] = []
        values: list[tuple[object, ...]] = []
        for number, request in rows:
            slot = self._slot(request.slot)
            ready[slot] = ready.get(slot, 0) + 1
            priority = request.priority
            if not -_MAX_PRIORITY < priority < _MAX_PRIORITY:
                priority = _MAX_PRIORITY if priority > 0 else -_MAX_PRIORITY
            turn = FIRST_START + number if request.is_start else self._sign * number
            dont_filter = request.dont_filter
            fingerprint = request.fingerprint
            place = (number, state.value, slot, priority, turn, producer)
            values.append((*place, dont_filter, fingerprint, request.data))
            if not dont_filter:
                seen.append((fingerprint,))
                if producer is None:
                    self._remember(fingerprint)
        self._cursor.executemany(
            "INSERT INTO requests (id, state, slot, priority, turn, attempt, producer,"
            " dont_filter, fingerprint, data) VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?, ?)",
            values,
        )
        if state in (State.READY, State.HELD):
            self._cursor.executemany("INSERT INTO seen VALUES (?)", seen)
        if state is State.READY:
            for slot, count in ready.items():
                self._change_slot(slot, ready=count)

    def _uncounted(self, fingerprint: bytes) -> tuple[int, int, int, int] | None:
        """Return id, state, producer and slot of a request in the file that does not count yet."""
        sql = (
            "SELECT id, state, producer, slot FROM requests WHERE fingerprint = ?"
            " AND producer IS NOT NULL AND NOT dont_filter"
            f" AND state NOT IN ({State.SHADOW}, {State.CLAIM})"
        )
        row: tuple[int, int, int, int] | None = self._execute(sql, (fingerprint,)).fetchone()
        return row

    # Items and notes

    def _insert_items(self, items: Sequence[bytes]) -> None:
        counters = self._counters
        numbered = enumerate(items, counters.last_item + 1)
        self._cursor.executemany("INSERT INTO items (id, data) VALUES (?, ?)", numbered)
        counters.last_item += len(items)
        counters.items += len(items)

    def _insert_notes(self, notes: Sequence[tuple[str, bytes, bytes]]) -> None:
        counters = self._counters
        for kind in {kind for kind, _, _ in notes}:
            self._execute("INSERT OR IGNORE INTO kinds (kind) VALUES (?)", (kind,))
        rows = [
            (kind, number, key, value)
            for number, (kind, key, value) in enumerate(notes, counters.last_note + 1)
        ]
        self._cursor.executemany(
            "INSERT INTO notes (kind, id, key, value) VALUES (?, ?, ?, ?)", rows
        )
        counters.last_note += len(notes)

    def _hold_items(self, producer: int, items: Iterable[bytes]) -> None:
        self._cursor.executemany(
            "INSERT INTO held_items (producer, data) VALUES (?, ?)",
            ((producer, data) for data in items),
        )

    def _hold_notes(self, producer: int, notes: Iterable[tuple[str, bytes, bytes]]) -> None:
        self._cursor.executemany(
            "INSERT INTO held_notes (producer, kind, key, value) VALUES (?, ?, ?, ?)",
            ((producer, *note) for note in notes),
        )

    def _insert_held(self, producer: int) -> None:
        """Make items and notes count that were held for this producer."""
        counters = self._counters
        number = self._execute(
            "INSERT INTO items (id, data)"
            " SELECT ? + row_number() OVER (ORDER BY id), data FROM held_items WHERE producer = ?",
            (counters.last_item, producer),
        ).rowcount
        counters.last_item += number
        counters.items += number
        self._execute(
            "INSERT OR IGNORE INTO kinds (kind)"
            " SELECT DISTINCT kind FROM held_notes WHERE producer = ?",
            (producer,),
        )
        counters.last_note += self._execute(
            "INSERT INTO notes (kind, id, key, value)"
            " SELECT kind, ? + row_number() OVER (ORDER BY id), key, value"
            " FROM held_notes WHERE producer = ?",
            (counters.last_note, producer),
        ).rowcount
        self._execute("DELETE FROM held_items WHERE producer = ?", (producer,))
        self._execute("DELETE FROM held_notes WHERE producer = ?", (producer,))

    def _drop_held(self, producer: int) -> None:
        self._execute("DELETE FROM held_items WHERE producer = ?", (producer,))
        self._execute("DELETE FROM held_notes WHERE producer = ?", (producer,))
        self._drop_unfiltered(-producer)

    # Failures

    def _write_failure(self, request: int, reason: str, first_item: int, first_note: int) -> None:
        """Keep why a request failed, and where that is which it has led to."""
        last_item, last_note = self._counters.last_item, self._counters.last_note
        self._execute(
            "INSERT INTO failures (request, reason, first_item, last_item, first_note, last_note)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (request, encoded(reason), first_item, last_item, first_note, last_note),
        )

    def _write_unfiltered(self, request: int, fingerprints: Iterable[bytes]) -> None:
        self._cursor.executemany(
            "INSERT INTO unfiltered (request, fingerprint, times) VALUES (?, ?, 1)"
            " ON CONFLICT DO UPDATE SET times = times + 1",
            ((request, fingerprint) for fingerprint in fingerprints),
        )

    def _keep_unfiltered(self, request: int) -> None:
        """Make count what was written for an attempt while it was not finished."""
        self._execute(
            "INSERT INTO unfiltered (request, fingerprint, times)"
            " SELECT ?, fingerprint, times FROM unfiltered WHERE request = ?"
            " ON CONFLICT DO UPDATE SET times = times + excluded.times",
            (request, -request),
        )
        self._drop_unfiltered(-request)

    def _drop_unfiltered(self, request: int) -> None:
        self._execute("DELETE FROM unfiltered WHERE request = ?", (request,))

    def _drop_failure(self, request: int) -> None:
        """Forget a failed attempt, with the items and notes that it has led to."""
        sql = (
            "DELETE FROM failures WHERE request = ?"
            " RETURNING first_item, last_item, first_note, last_note"
        )
        row = self._execute(sql, (request,)).fetchone()
        if row is None:
            return
        sql = "DELETE FROM items WHERE id BETWEEN ? AND ?"
        self._counters.items -= self._execute(sql, row[:2]).rowcount
        self._execute(
            "DELETE FROM notes WHERE kind IN (SELECT kind FROM kinds) AND id BETWEEN ? AND ?",
            row[2:],
        )
