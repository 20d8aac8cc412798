"""The frontier of one worker: a SQLite file in the job's folder.

One transaction is open at any time, and ``commit`` ends it. What a lease leads to is written when
it is finished, so that a page costs few statements, and a crash leaves little to take back.
"""

# ruff: noqa: S608  # what is put into SQL here are states of ours

from __future__ import annotations

import functools
import sqlite3
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from netcrawl.frontier.database import State
from netcrawl.frontier.outputs import Child, Finished, Output
from netcrawl.frontier.recovery import FIRST_START, forget
from netcrawl.frontier.store import Counts, Lease, LeaseLost, NewRequest
from netcrawl.frontier.tables import Tables
from netcrawl.frontier.text import decoded

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

P = ParamSpec("P")
R = TypeVar("R")

# In the name of this producer notes are collected that will replace others.
_REPLACING = 0

# In the place of a producer, where a request counts already.
_NOTHING = 0

# Claims of one lease that are read at once.
_BLOCK = 100


def _told(
    method: Callable[Concatenate[SqliteStore, P], R],
) -> Callable[Concatenate[SqliteStore, P], R]:
    """Raise errors of SQLite's as the store's; all that is called after one raises the same."""

    @functools.wraps(method)
    def told(self: SqliteStore, /, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(self, *args, **kwargs)
        except sqlite3.Error as error:
            raise self._failure(error) from error

    return told


class SqliteStore(Tables):
    """One open file, with this as its only worker: see ``Store`` for what the methods promise."""

    def __init__(self, path: Path, *, newest_first: bool = True) -> None:
        """Open the file, made if there is none; what a killed worker had leased is taken back.

        The caller holds the job's lock.

        Raises:
            StoreDamaged: it is not ours, of another version, or broken; it is as it was.
            StoreError: it cannot be opened, made or written to.
        """
        super().__init__(path, newest_first=newest_first)
        self._outputs: dict[int, Output] = {}
        self._held: dict[bytes, Child] = {}  # children that wait, in memory
        self._on_disk = 0  # leases some of whose output is in the file
        self._closed = False

    # Requests

    @_told
    def put(self, request: NewRequest, producer: int | None = None) -> bool:
        """See ``Store.put``."""
        output = None if producer is None else self._output(producer)
        if request.dont_filter:
            if output is not None and self._is_repeat(output, request.fingerprint):
                return False
        elif self._is_duplicate(request, output):
            return False
        number = self._new_number()
        if output is None:
            self._insert([(number, request)])
        elif output.released:
            self._insert([(number, request)], State.READY, output.id)
        else:
            child = Child(number, output.id, request)
            output.children.append(child)
            if not request.dont_filter:
                self._held[request.fingerprint] = child
            if output.grow(len(request.data)):
                self._spill(output)
        return True

    @_told
    def is_duplicate(self, fingerprint: bytes, producer: int | None = None) -> bool:
        """See ``Store.is_duplicate``."""
        if producer is not None:
            self._output(producer)
        first = self._waits_for(fingerprint)
        return first == _NOTHING or (first is not None and first == producer)

    def _new_number(self) -> int:
        counters = self._counters
        counters.pending += 1
        counters.last_request += 1
        return counters.last_request

    def _output(self, lease: int) -> Output:
        output = self._outputs.get(lease)
        if output is None:
            if self._broken is not None:
                raise self._broken
            raise LeaseLost(f"{self._path}: request {lease} is not leased, or no longer")
        return output

    @staticmethod
    def _is_repeat(output: Output, fingerprint: bytes) -> bool:
        left = output.repeats.get(fingerprint, 0)
        if left:
            output.repeats[fingerprint] = left - 1
            return True
        output.unfiltered.append(fingerprint)
        return False

    def _is_duplicate(self, request: NewRequest, output: Output | None) -> bool:
        producer = self._waits_for(request.fingerprint)
        if producer is None:
            return False
        if producer == _NOTHING:
            return True
        if output is None:
            self._adopt(request)
        elif producer != output.id:
            output.claims.append(request)
            if output.grow(len(request.data)):
                self._spill(output)
        return True

    def _waits_for(self, fingerprint: bytes) -> int | None:
        """Return the producer that a known request waits for to count, None if none is known."""
        if fingerprint in self._recent:
            return _NOTHING
        child = self._held.get(fingerprint)
        if child is not None:
            return child.producer
        if not self._is_seen(fingerprint):
            return None
        row = self._uncounted(fingerprint) if self._on_disk else None
        if row is None:
            self._remember(fingerprint)
            return _NOTHING
        return row[2]

    def _adopt(self, request: NewRequest) -> None:
        """Make a request count to which one has led that counts, and maybe one that does not.

        It is kept as it was first put, as it would be had that one been quicker.
        """
        fingerprint = request.fingerprint
        child = self._held.pop(fingerprint, None)
        if child is not None:
            child.counts = True
            self._insert([(child.id, child.request)])
            return
        if fingerprint in self._recent:
            return
        if not self._is_seen(fingerprint):
            # The first was forgotten meanwhile.
            self._insert([(self._new_number(), request)])
            return
        row = self._uncounted(fingerprint)
        if row is None:
            return
        number, state, producer, slot = row
        if state == State.DONE:
            # It counts with its producer. If that is forgotten, it has to be done once more.
            sql = (
                "SELECT 1 FROM requests WHERE fingerprint = ?"
                f" AND producer IS NOT NULL AND state = {State.SHADOW}"
            )
            if self._execute(sql, (fingerprint,)).fetchone() is None:
                self._counters.last_request += 1
                shadow = (self._counters.last_request, request)
                self._insert([shadow], State.SHADOW, producer)
            return
        if state == State.HELD:
            self._change_slot(slot, ready=1)
            state = State.READY
        elif state == State.LEASED:
            self._outputs[number].parent = None
        sql = "UPDATE requests SET state = ?, producer = NULL WHERE id = ?"
        self._execute(sql, (state, number))

    def _spill(self, output: Output) -> None:
        """Write what a lease has led to, as what does not count yet."""
        if not output.on_disk:
            output.on_disk = True
            self._on_disk += 1
        state = State.READY if output.released else State.HELD
        self._insert(self._waiting(output), state, output.id)
        claims = [(self._next_claim(), request) for request in output.claims]
        self._insert(claims, State.CLAIM, output.id)
        self._hold_items(output.id, output.items)
        self._hold_notes(output.id, output.notes)
        self._write_unfiltered(-output.id, output.unfiltered)
        output.clear()

    def _next_claim(self) -> int:
        self._counters.last_request += 1
        return self._counters.last_request

    def _waiting(self, output: Output) -> list[tuple[int, NewRequest]]:
        """Return the children that are in memory, which they will not be from now on."""
        children = [child for child in output.children if not child.counts]
        for child in children:
            if not child.request.dont_filter:
                del self._held[child.request.fingerprint]
        return [(child.id, child.request) for child in children]

    @_told
    def lease(self) -> Lease | None:
        """See ``Store.lease``."""
        sql = "SELECT id FROM slots WHERE ready > 0 ORDER BY leases, served LIMIT 1"
        row = self._execute(sql).fetchone()
        if row is None:
            return None
        slot: int = row[0]
        sql = (
            "SELECT id, data, attempt, producer FROM requests WHERE slot = ? AND state = 0"
            " ORDER BY priority DESC, turn LIMIT 1"
        )
        number, data, attempt, producer = self._execute(sql, (slot,)).fetchone()
        self._execute(f"UPDATE requests SET state = {State.LEASED} WHERE id = ?", (number,))
        counters = self._counters
        counters.last_lease += 1
        counters.pending -= 1
        counters.leased += 1
        sql = "UPDATE slots SET ready = ready - 1, leases = leases + 1, served = ? WHERE id = ?"
        self._execute(sql, (counters.last_lease, slot))
        output = Output(number, slot, attempt, producer)
        if attempt:
            sql = "SELECT fingerprint, times FROM unfiltered WHERE request = ?"
            output.repeats = dict(self._execute(sql, (number,)))
        self._outputs[number] = output
        return Lease(number, data)

    @_told
    def finish(self, lease: int, failure: str | None = None) -> None:
        """See ``Store.finish``."""
        output = self._output(lease)
        del self._outputs[lease]
        self._change_slot(output.slot, leases=-1)
        if output.parent is None:
            self._count(output, failure)
        else:
            self._defer(output, self._outputs[output.parent], failure)

    def _count(self, output: Output, failure: str | None) -> None:
        """Make a lease count, and all that it has led to."""
        children = self._waiting(output)
        if children:
            self._insert(children)
        for finished in output.finished:
            self._settle(finished)
        self._settle(Finished(output.id, output.attempt, failure), output)
        if output.on_disk:
            self._on_disk -= 1
            self._count_children(output.id)
            self._adopt_written(output.id)
        for request in output.claims:
            self._adopt(request)

    def _settle(self, finished: Finished, output: Output | None = None) -> None:
        """Make a lease count, with its items and notes; all that is not given is in the file."""
        number = finished.id
        if finished.attempt:
            self._drop_failure(number)
        counters = self._counters
        counters.leased -= 1
        first_item, first_note = counters.last_item + 1, counters.last_note + 1
        on_disk = output is None or output.on_disk
        if on_disk:
            self._insert_held(number)
        if output is not None:
            if output.items:
                self._insert_items(output.items)
            if output.notes:
                self._insert_notes(output.notes)
        if finished.failure is None:
            counters.done += 1
            self._execute("DELETE FROM requests WHERE id = ?", (number,))
            if finished.attempt:
                self._drop_unfiltered(number)
            if on_disk:
                self._drop_unfiltered(-number)
            return
        counters.failed += 1
        sql = f"UPDATE requests SET state = {State.FAILED}, producer = NULL WHERE id = ?"
        self._execute(sql, (number,))
        self._write_failure(number, finished.failure, first_item, first_note)
        if on_disk:
            self._keep_unfiltered(number)
        if output is not None:
            self._write_unfiltered(number, output.unfiltered)

    def _count_children(self, producer: int) -> None:
        """Make requests count that are in the file: those that were too many, or released."""
        self._change_slots(1, f"producer = ? AND state = {State.HELD}", producer)
        self._execute(
            f"DELETE FROM requests WHERE producer = ? AND state = {State.SHADOW}", (producer,)
        )
        self._execute(
            f"UPDATE requests SET producer = NULL, state = iif(state = {State.HELD}, 0, state)"
            f" WHERE producer = ? AND state <> {State.CLAIM}",
            (producer,),
        )
        for output in self._outputs.values():
            if output.parent == producer:
                output.parent = None

    def _adopt_written(self, producer: int) -> None:
        """Adopt the claims that are in the file."""
        sql = (
            "SELECT requests.id, name, priority, turn, fingerprint, data FROM requests"
            " JOIN slots ON slots.id = slot"
            f" WHERE producer = ? AND state = {State.CLAIM} LIMIT {_BLOCK}"
        )
        while rows := self._execute(sql, (producer,)).fetchall():
            for number, slot, priority, turn, fingerprint, data in rows:
                self._execute("DELETE FROM requests WHERE id = ?", (number,))
                is_start = turn >= FIRST_START
                request = NewRequest(data, fingerprint, decoded(slot), priority, is_start=is_start)
                self._adopt(request)

    def _defer(self, output: Output, parent: Output, failure: str | None) -> None:
        """Let a lease count when the producer does that it was released from."""
        self._spill(output)
        self._on_disk -= 1
        self._change_slots(1, f"producer = ? AND state = {State.HELD}", output.id)
        self._execute(
            f"UPDATE requests SET producer = ?, state = iif(state = {State.HELD}, 0, state)"
            " WHERE producer = ?",
            (parent.id, output.id),
        )
        self._execute(f"UPDATE requests SET state = {State.DONE} WHERE id = ?", (output.id,))
        for other in self._outputs.values():
            if other.parent == output.id:
                other.parent = parent.id
        parent.finished.extend(output.finished)
        parent.finished.append(Finished(output.id, output.attempt, failure))

    @_told
    def release(self, producer: int) -> None:
        """See ``Store.release``."""
        output = self._output(producer)
        output.released = True
        self._spill(output)
        self._change_slots(1, f"producer = ? AND state = {State.HELD}", producer)
        self._execute(
            f"UPDATE requests SET state = 0 WHERE producer = ? AND state = {State.HELD}",
            (producer,),
        )

    @_told
    def give_back(self, lease: int) -> None:
        """See ``Store.give_back``."""
        output = self._outputs.get(lease)
        if output is None:
            return
        self._forget(output)
        self._counters.pending += 1
        self._change_slot(output.slot, ready=1)
        self._execute("UPDATE requests SET state = 0 WHERE id = ?", (lease,))

    def _forget(self, output: Output) -> None:
        """Take a lease back, and all that hangs on it."""
        counters = self._counters
        del self._outputs[output.id]
        self._change_slot(output.slot, leases=-1)
        counters.leased -= 1
        counters.pending -= len(self._waiting(output))
        if not output.on_disk:
            return
        self._on_disk -= 1
        for other in list(self._outputs.values()):
            if other.parent == output.id:
                self._forget(other)
        for number in (output.id, *(finished.id for finished in output.finished)):
            self._drop_held(number)
        counters.leased -= len(output.finished)
        counters.pending -= self._change_slots(-1, "producer = ? AND state = 0", output.id)
        sql = "SELECT total(state = ?) - total(state = ?) FROM requests WHERE producer = ?"
        row = self._execute(sql, (State.SHADOW, State.HELD, output.id)).fetchone()
        counters.pending += int(row[0])
        forget(self._cursor, "producer = ?", output.id)

    def heartbeat(self) -> None:
        """See ``Store.heartbeat``; leases are taken back when the file is opened again."""

    @_told
    def retry_failed(self, which: Collection[int] | None = None) -> int:
        """See ``Store.retry_failed``."""
        failed = f"state <> 0 AND state = {State.FAILED}"
        if which is None:
            number = self._retry(failed)
        else:
            number = sum(self._retry(f"{failed} AND id = ?", request) for request in which)
        self._counters.failed -= number
        self._counters.pending += number
        return number

    def _retry(self, which: str, *values: object) -> int:
        number = self._change_slots(1, which, *values)
        sql = f"UPDATE requests SET state = 0, attempt = attempt + 1 WHERE {which}"
        self._execute(sql, values)
        return number

    # What requests lead to

    @_told
    def add_item(self, data: bytes, producer: int | None = None) -> None:
        """See ``Store.add_item``."""
        if producer is None:
            self._insert_items([data])
            return
        output = self._output(producer)
        output.items.append(data)
        if output.grow(len(data)):
            self._spill(output)

    @_told
    def add_note(self, kind: str, key: bytes, value: bytes, producer: int | None = None) -> None:
        """See ``Store.add_note``."""
        if producer is None:
            self._insert_notes([(kind, key, value)])
            return
        output = self._output(producer)
        output.notes.append((kind, key, value))
        if output.grow(len(key) + len(value)):
            self._spill(output)

    @_told
    def replace_notes(self, kind: str, notes: Iterator[tuple[bytes, bytes]]) -> None:
        """See ``Store.replace_notes``."""
        try:
            # Elsewhere first: they may be made from those that they replace.
            self._hold_notes(_REPLACING, ((kind, key, value) for key, value in notes))
            self._execute("DELETE FROM notes WHERE kind = ?", (kind,))
            self._insert_held(_REPLACING)
        finally:
            self._drop_held(_REPLACING)

    # Starts

    @_told
    def add_start(self, key: bytes) -> None:
        """See ``Store.add_start``."""
        self._execute(
            "INSERT INTO starts (key, run, taken, earlier, asked) VALUES (?, ?, 1, 0, 0)"
            " ON CONFLICT DO UPDATE SET run = excluded.run, taken = taken + 1,"
            " earlier = iif(run = excluded.run, earlier, taken),"
            " asked = iif(run = excluded.run, asked, 0)",
            (key, self._counters.run),
        )

    @_told
    def was_start(self, key: bytes) -> bool:
        """See ``Store.was_start``."""
        # "earlier" and "asked" are those of this run if it has touched the row already.
        return (
            self._execute(
                "UPDATE starts SET run = ?1, earlier = iif(run = ?1, earlier, taken),"
                " asked = iif(run = ?1, asked, 0) + 1"
                " WHERE key = ?2 AND iif(run = ?1, asked < earlier, taken > 0)",
                (self._counters.run, key),
            ).rowcount
            == 1
        )

    # The job as a whole

    @_told
    def set_value(self, name: str, value: bytes) -> None:
        """See ``Store.set_value``."""
        self._execute(
            "INSERT INTO job_values (name, value) VALUES (?, ?)"
            " ON CONFLICT DO UPDATE SET value = excluded.value",
            (name, value),
        )

    def counts(self) -> Counts:
        """See ``Store.counts``."""
        counters = self._counters
        return Counts(
            counters.pending, counters.leased, counters.done, counters.failed, counters.items
        )

    def has_pending(self) -> bool:
        """See ``Store.has_pending``."""
        return self._counters.pending > 0

    @_told
    def commit(self) -> None:
        """See ``Store.commit``."""
        self._commit()

    @_told
    def close(self) -> None:
        """See ``Store.close``. More than once, or after an error, does nothing more."""
        if self._broken is not None or self._closed:
            return
        for lease in list(self._outputs):
            self.give_back(lease)
        self._commit()
        self._execute("ROLLBACK")
        self._closed = True
        self._connection.close()
