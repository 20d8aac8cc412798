"""What a lease has led to so far, in memory: none of it counts before the lease is finished."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netcrawl.frontier.store import NewRequest

# What one lease may have in memory; above, it is written as what does not count yet.
MAX_ENTRIES = 2_000
MAX_SIZE = 2 * 2**20


@dataclass(slots=True)
class Child:
    """A request that waits for its producer.

    It counts before that is done if another producer, which is done, has led to the same.
    """

    id: int
    producer: int
    request: NewRequest
    counts: bool = False


@dataclass(frozen=True, slots=True)
class Finished:
    """A lease that is finished, except that the producer it was released from is not."""

    id: int
    attempt: int
    failure: str | None


@dataclass(slots=True)
class Output:
    """A lease, and what it has led to."""

    id: int
    slot: int
    attempt: int
    parent: int | None  # the producer that it was released from, while that is not finished
    children: list[Child] = field(default_factory=list)
    claims: list[NewRequest] = field(default_factory=list)  # duplicates of what does not count
    items: list[bytes] = field(default_factory=list)
    notes: list[tuple[str, bytes, bytes]] = field(default_factory=list)
    finished: list[Finished] = field(default_factory=list)  # children that were released
    unfiltered: list[bytes] = field(default_factory=list)  # fingerprints of such children
    repeats: dict[bytes, int] = field(default_factory=dict)  # such that the last attempt has put
    released: bool = False
    on_disk: bool = False  # some of it is
    entries: int = 0
    size: int = 0

    def grow(self, size: int) -> bool:
        """Count one more entry of that size; return whether it is too much for memory now."""
        self.entries += 1
        self.size += size
        return self.entries > MAX_ENTRIES or self.size > MAX_SIZE

    def clear(self) -> None:
        """Forget what was written."""
        self.children.clear()
        self.claims.clear()
        self.items.clear()
        self.notes.clear()
        self.unfiltered.clear()
        self.entries = self.size = 0
