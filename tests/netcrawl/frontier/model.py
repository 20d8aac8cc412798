"""What a frontier's store does, in the plainest way: dictionaries, nothing fast, nothing kept."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from netcrawl.frontier.store import Counts, Failed, Lease, LeaseLost, NewRequest

if TYPE_CHECKING:
    from collections.abc import Collection


@dataclass
class Row:
    """A request until it is done."""

    id: int
    request: NewRequest
    producer: int | None  # while that is not finished
    state: str = "waiting"  # "leased"; "failed"; "done", if the producer is not finished
    late: bool = False  # put again for a duplicate, whose turn no rule gives


@dataclass
class Output:
    """What a lease has led to, besides requests."""

    items: list[bytes] = field(default_factory=list)
    notes: list[tuple[str, bytes, bytes]] = field(default_factory=list)
    claims: list[NewRequest] = field(default_factory=list)
    unfiltered: Counter[bytes] = field(default_factory=Counter)
    repeats: Counter[bytes] = field(default_factory=Counter)
    released: bool = False
    finished: list[tuple[int, Output, str | None]] = field(default_factory=list)


@dataclass
class Failure:
    """What a failed attempt has led to."""

    reason: str
    items: list[int] = field(default_factory=list)
    notes: list[int] = field(default_factory=list)


@dataclass
class State:
    """All that is kept. ``newest_first`` is as in SqliteStore."""

    newest_first: bool = True
    rows: dict[int, Row] = field(default_factory=dict)
    outputs: dict[int, Output] = field(default_factory=dict)
    counted: set[bytes] = field(default_factory=set)  # fingerprints seen, for good
    shadows: list[tuple[int, NewRequest]] = field(default_factory=list)
    served: dict[str, int] = field(default_factory=dict)
    failures: dict[int, Failure] = field(default_factory=dict)
    unfiltered: dict[int, Counter[bytes]] = field(default_factory=dict)
    all_items: dict[int, bytes] = field(default_factory=dict)
    all_notes: dict[int, tuple[str, bytes, bytes]] = field(default_factory=dict)
    starts: Counter[bytes] = field(default_factory=Counter)
    values: dict[str, bytes] = field(default_factory=dict)
    last_request: int = 0
    last_item: int = 0
    last_note: int = 0
    last_lease: int = 0
    done: int = 0

    def put(
        self, request: NewRequest, producer: int | None = None, number: int | None = None
    ) -> bool:
        output = None if producer is None else self._output(producer)
        fingerprint = request.fingerprint
        if request.dont_filter:
            if output is not None:
                if output.repeats[fingerprint]:
                    output.repeats[fingerprint] -= 1
                    return False
                output.unfiltered[fingerprint] += 1
        elif fingerprint in self.counted:
            return False
        elif (row := self._uncounted(fingerprint)) is not None:
            if output is None:
                self._adopt(request)
            elif row.producer != producer:
                output.claims.append(request)
            return False
        self._add(request, producer, number)
        return True

    def is_duplicate(self, fingerprint: bytes, producer: int | None = None) -> bool:
        if producer is not None:
            self._output(producer)
        return fingerprint in self.counted

    def _add(
        self,
        request: NewRequest,
        producer: int | None,
        number: int | None = None,
        *,
        late: bool = False,
    ) -> None:
        self.last_request += 1
        number = self.last_request if number is None else number
        self.rows[number] = Row(number, request, producer, late=late)
        if producer is None and not request.dont_filter:
            self.counted.add(request.fingerprint)

    def _output(self, lease: int) -> Output:
        if lease not in self.outputs:
            raise LeaseLost(f"{lease}")
        return self.outputs[lease]

    def _uncounted(self, fingerprint: bytes) -> Row | None:
        for row in self.rows.values():
            if (
                row.producer is not None
                and row.request.fingerprint == fingerprint
                and not row.request.dont_filter
            ):
                return row
        return None

    def _adopt(self, request: NewRequest) -> None:
        if request.fingerprint in self.counted:
            return
        row = self._uncounted(request.fingerprint)
        if row is None:
            self._add(request, None, late=True)
        elif row.state == "done":
            assert row.producer is not None
            if request.fingerprint not in [other.fingerprint for _, other in self.shadows]:
                self.shadows.append((row.producer, request))
        else:
            row.producer = None
            self.counted.add(request.fingerprint)

    def available(self) -> list[Row]:
        """Return all requests that can be leased now."""
        return [
            row
            for row in self.rows.values()
            if row.state == "waiting"
            and (row.producer is None or self.outputs[row.producer].released)
        ]

    def ready(self) -> list[Row]:
        """Return all requests that may be the next, for want of a rule that says which."""
        rows = self.available()
        leases = Counter(
            self.rows[number].request.slot for number in self.outputs if number in self.rows
        )
        best: dict[str, Row] = {}
        for row in rows:
            slot = row.request.slot
            best[slot] = max(best.get(slot, row), row, key=self._rank)
        chances = [(leases[slot], self.served.get(slot, 0)) for slot in best]
        return [
            row
            for slot, row in best.items()
            if (leases[slot], self.served.get(slot, 0)) == min(chances)
        ]

    def _rank(self, row: Row) -> tuple[int, bool, int]:
        oldest_first = row.request.is_start or not self.newest_first
        age = -row.id if oldest_first else row.id
        return row.request.priority, not row.request.is_start, age

    def take(self, number: int) -> Lease:
        """Lease that request."""
        row = self.rows[number]
        row.state = "leased"
        self.last_lease += 1
        self.served[row.request.slot] = self.last_lease
        self.outputs[number] = Output(repeats=Counter(self.unfiltered.get(number, ())))
        return Lease(number, row.request.data)

    def finish(self, lease: int, failure: str | None = None) -> None:
        output = self._output(lease)
        del self.outputs[lease]
        row = self.rows[lease]
        if row.producer is None:
            for number, other, reason in output.finished:
                self._settle(number, other, reason)
            self._settle(lease, output, failure)
            for other_row in self.rows.values():
                if other_row.producer == lease:
                    other_row.producer = None
                    if not other_row.request.dont_filter:
                        self.counted.add(other_row.request.fingerprint)
            self.shadows = [shadow for shadow in self.shadows if shadow[0] != lease]
            for claim in output.claims:
                self._adopt(claim)
            return
        row.state = "done"
        parent = self.outputs[row.producer]
        parent.finished += [*output.finished, (lease, output, failure)]
        parent.claims += output.claims
        for other_row in self.rows.values():
            if other_row.producer == lease:
                other_row.producer = row.producer
        self.shadows = [
            (row.producer if producer == lease else producer, request)
            for producer, request in self.shadows
        ]

    def _settle(self, number: int, output: Output, reason: str | None) -> None:
        former = self.failures.pop(number, None)
        if former is not None:
            for item in former.items:
                del self.all_items[item]
            for note in former.notes:
                self.all_notes.pop(note, None)
        row = self.rows[number]
        if not row.request.dont_filter:
            self.counted.add(row.request.fingerprint)
        failure = Failure(reason or "")
        for data in output.items:
            failure.items.append(self.add_item(data))
        for note_of_it in output.notes:
            failure.notes.append(self.add_note(*note_of_it))
        if reason is None:
            del self.rows[number]
            self.unfiltered.pop(number, None)
            self.done += 1
            return
        row.state = "failed"
        row.producer = None
        self.failures[number] = failure
        self.unfiltered.setdefault(number, Counter()).update(output.unfiltered)

    def release(self, producer: int) -> None:
        self._output(producer).released = True

    def give_back(self, lease: int) -> None:
        if lease in self.outputs:
            self._forget(lease)
            self.rows[lease].state = "waiting"

    def _forget(self, lease: int) -> None:
        del self.outputs[lease]
        for row in [row for row in self.rows.values() if row.producer == lease]:
            if row.id in self.outputs:
                self._forget(row.id)
            del self.rows[row.id]
        shadows = [request for producer, request in self.shadows if producer == lease]
        self.shadows = [shadow for shadow in self.shadows if shadow[0] != lease]
        for request in shadows:
            self._add(request, None, late=True)

    def retry_failed(self, which: Collection[int] | None = None) -> int:
        rows = [
            row
            for row in self.rows.values()
            if row.state == "failed" and (which is None or row.id in which)
        ]
        for row in rows:
            row.state = "waiting"
        return len(rows)

    def failed(self) -> list[Failed]:
        return [
            Failed(row.id, row.request.data, self.failures[row.id].reason)
            for _, row in sorted(self.rows.items())
            if row.state == "failed"
        ]

    def add_item(self, data: bytes, producer: int | None = None) -> int:
        if producer is not None:
            self._output(producer).items.append(data)
            return 0
        self.last_item += 1
        self.all_items[self.last_item] = data
        return self.last_item

    def add_note(self, kind: str, key: bytes, value: bytes, producer: int | None = None) -> int:
        if producer is not None:
            self._output(producer).notes.append((kind, key, value))
            return 0
        self.last_note += 1
        self.all_notes[self.last_note] = (kind, key, value)
        return self.last_note

    def notes(self, kind: str) -> list[tuple[bytes, bytes]]:
        return [(key, value) for other, key, value in self.all_notes.values() if other == kind]

    def replace_notes(self, kind: str, notes: list[tuple[bytes, bytes]]) -> None:
        self.all_notes = {
            number: note for number, note in self.all_notes.items() if note[0] != kind
        }
        for key, value in notes:
            self.add_note(kind, key, value)

    def add_start(self, key: bytes) -> None:
        self.starts[key] += 1

    def set_value(self, name: str, value: bytes) -> None:
        self.values[name] = value

    def counts(self) -> Counts:
        states = Counter(row.state for row in self.rows.values())
        return Counts(
            pending=states["waiting"],
            leased=states["leased"] + states["done"],
            done=self.done,
            failed=states["failed"],
            items=len(self.all_items),
        )
