"""A store of several workers, in memory: leases with a time limit, and heartbeats.

It shows that the interface does for a shared store. A worker looks at what is committed, with what
it has done itself since its last commit on top; a commit does the same once more for all to see.
Only leases are known to all at once.
"""

from __future__ import annotations

import contextlib
import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from netcrawl.frontier.store import Counts, Failed, Lease, LeaseLost, NewRequest
from tests.netcrawl.frontier.model import State

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator


@dataclass
class SharedMemory:
    """What the workers share. Tests move the time."""

    limit: float = 60.0
    now: float = 0.0
    state: State = field(default_factory=State)
    last_number: int = 0
    last_worker: int = 0
    leases: dict[int, int] = field(default_factory=dict)  # to workers
    heard: dict[int, float] = field(default_factory=dict)  # when each worker was

    def new_number(self) -> int:
        self.last_number += 1
        return self.last_number

    def take_back(self) -> None:
        """Take back the leases of workers that were silent too long."""
        silent = {worker for worker, at in self.heard.items() if self.now - at > self.limit}
        for lease, worker in list(self.leases.items()):
            if worker in silent:
                del self.leases[lease]
                self.state.give_back(lease)
        for worker in silent:
            del self.heard[worker]


class MemoryStore:
    """A worker's access: see ``Store``."""

    def __init__(self, shared: SharedMemory, *, newest_first: bool = True) -> None:
        self._shared = shared
        shared.last_worker += 1
        self._worker = shared.last_worker
        shared.state.newest_first = newest_first
        self._calls: list[tuple[str, tuple[object, ...]]] = []  # since the last commit
        self._before = copy.copy(shared.state.starts)
        self.heartbeat()

    def crash(self) -> None:
        self._calls.clear()

    # Looking and doing

    def _view(self) -> State:
        self._shared.take_back()
        state = copy.deepcopy(self._shared.state)
        self._replay(state)
        return state

    def _replay(self, state: State) -> None:
        for name, arguments in self._calls:
            # What hangs on a lease that was taken back meanwhile is lost with it.
            with contextlib.suppress(LeaseLost):
                self._do(state, name, arguments)

    def _do(self, state: State, name: str, arguments: tuple[object, ...]) -> object:
        if name == "take":
            if self._shared.leases.get(arguments[0]) != self._worker:  # type: ignore[call-overload]
                raise LeaseLost("taken back")
            if arguments[0] not in state.rows:
                raise LeaseLost("never committed")
        return getattr(state, name)(*arguments)

    def _call(self, name: str, *arguments: object) -> object:
        result = self._do(self._view(), name, arguments)
        self._calls.append((name, arguments))
        return result

    # Requests

    def put(self, request: NewRequest, producer: int | None = None) -> bool:
        number = self._shared.new_number()
        return bool(self._call("put", request, producer, number))

    def is_duplicate(self, fingerprint: bytes, producer: int | None = None) -> bool:
        # What is not committed may turn out to be lost.
        return self._view().is_duplicate(fingerprint, producer) and self._shared.state.is_duplicate(
            fingerprint
        )

    def lease(self) -> Lease | None:
        view = self._view()
        elsewhere = {
            lease for lease, worker in self._shared.leases.items() if worker != self._worker
        }
        for lease in elsewhere & view.rows.keys() - view.outputs.keys():
            # Leased since that worker's last commit: nothing of what it led to is known yet.
            view.take(lease)
        ready = view.ready()
        if not ready:
            return None
        number = min(row.id for row in ready)
        self._shared.leases[number] = self._worker
        self._calls.append(("take", (number,)))
        return Lease(number, view.rows[number].request.data)

    def finish(self, lease: int, failure: str | None = None) -> None:
        self._call("finish", lease, failure)

    def release(self, producer: int) -> None:
        self._call("release", producer)

    def give_back(self, lease: int) -> None:
        self._call("give_back", lease)

    def heartbeat(self) -> None:
        self._shared.take_back()
        self._shared.heard[self._worker] = self._shared.now

    def retry_failed(self, which: Collection[int] | None = None) -> int:
        return int(str(self._call("retry_failed", which)))

    def failed(self) -> Iterator[Failed]:
        yield from self._view().failed()

    # What requests lead to

    def add_item(self, data: bytes, producer: int | None = None) -> None:
        self._call("add_item", data, producer)

    def items(self, after: int = 0) -> Iterator[tuple[int, bytes]]:
        items = self._view().all_items
        yield from ((number, data) for number, data in items.items() if number > after)

    def add_note(self, kind: str, key: bytes, value: bytes, producer: int | None = None) -> None:
        self._call("add_note", kind, key, value, producer)

    def notes(self, kind: str) -> Iterator[tuple[bytes, bytes]]:
        yield from self._view().notes(kind)

    def replace_notes(self, kind: str, notes: Iterator[tuple[bytes, bytes]]) -> None:
        self._call("replace_notes", kind, list(notes))

    # Starts, values, the whole

    def add_start(self, key: bytes) -> None:
        self._call("add_start", key)

    def was_start(self, key: bytes) -> bool:
        if self._before[key] == 0:
            return False
        self._before[key] -= 1
        return True

    def set_value(self, name: str, value: bytes) -> None:
        self._call("set_value", name, value)

    def value(self, name: str) -> bytes | None:
        return self._view().values.get(name)

    def counts(self) -> Counts:
        return self._view().counts()

    def has_pending(self) -> bool:
        return self.counts().pending > 0

    def commit(self) -> None:
        self._shared.take_back()
        self._replay(self._shared.state)
        self._calls.clear()
        leased = self._shared.state.outputs
        self._shared.leases = {
            lease: worker
            for lease, worker in self._shared.leases.items()
            if worker != self._worker or lease in leased
        }

    def close(self) -> None:
        for lease, worker in list(self._shared.leases.items()):
            if worker == self._worker:
                self.give_back(lease)
        self.commit()
        self._shared.heard.pop(self._worker, None)
