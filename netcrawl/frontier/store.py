"""What a frontier keeps, and the promises of whoever keeps it.

A request that was put is pending until a worker leases it, and ends as done or failed. Whatever it
leads to, while it is leased, is put with its lease as the producer: requests, items and notes. They
count from the moment on at which it is done, and not before: those of a lease that is taken back
are forgotten, and the request is handed out again. So a crawl that is killed repeats what was under
way, and loses and doubles nothing.

Nothing here says how: a store is a file of one worker, or a service of many. ``commit`` makes all
that was done before it last; what was done since the last commit is lost in a crash, as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator


class StoreError(Exception):
    """The store cannot be used, or does not do what it should; the text says why, in one line."""


class StoreInUse(StoreError):
    """Another worker has it, and it is for one only."""


class LeaseLost(StoreError):
    """The lease was taken back, and with it what it led to: nothing of it was kept."""


class StoreDamaged(StoreError):
    """It is not a store, one of another version, or broken. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class NewRequest:
    """A request to be kept.

    Of two with the same fingerprint, the second is a duplicate. One with ``dont_filter`` is not
    compared, and no other with it. A higher priority goes first. ``slot`` is what politeness goes
    by, mostly a host.
    """

    data: bytes
    fingerprint: bytes
    slot: str = ""
    priority: int = 0
    dont_filter: bool = False
    is_start: bool = False


@dataclass(frozen=True, slots=True)
class Lease:
    """A request that was handed out; ``id`` names it for good, also over several leases."""

    id: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Failed:
    """A request that failed: what it was, and why."""

    id: int
    data: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Counts:
    """How many there are. Requests that are pending include those that wait for their producer.

    Leased are also those that are finished, but were released from a producer that is not.
    """

    pending: int = 0
    leased: int = 0
    done: int = 0
    failed: int = 0
    items: int = 0


class Store(Protocol):
    """A worker's access to what is kept.

    Every method raises StoreError when it cannot do its work, for instance on a full disk. After
    that the store is of no use any more; what was committed is there when it is opened again.

    ``producer`` is the ``id`` of a lease of this worker that is not finished yet. None is for what
    has no producer, such as a start: it counts at once. Whatever takes the id of a lease raises
    LeaseLost if it is finished or was taken back; only ``give_back`` has nothing to do then.
    """

    # Requests

    def put(self, request: NewRequest, producer: int | None = None) -> bool:
        """Keep a request; False if it is a duplicate, and is not kept.

        It is not handed out before its producer is done, or ``release`` was called for it.
        A duplicate of a request whose producer is not done makes it count once its own is done.
        When a failed request is tried again, its ``dont_filter`` requests are kept only so far as
        the failed attempt has not put the same.
        """
        ...

    def is_duplicate(self, fingerprint: bytes, producer: int | None = None) -> bool:
        """Say whether it is certain that ``put`` would find a duplicate, and have nothing to do.

        Most links lead to what is known: who asks first need not make bytes of each request. False
        says nothing; ``put`` does. It is not asked for ``dont_filter`` requests.
        """
        ...

    def lease(self) -> Lease | None:
        """Hand out the next request, None if there is none now.

        It is of the slot that has the fewest leases, of all workers together; of several, of the
        one that was served the longest ago. Within a slot, the highest priority is first; of one
        priority, starts come last, oldest first; others newest or oldest first, as the store was
        opened.
        """
        ...

    def finish(self, lease: int, failure: str | None = None) -> None:
        """Say that a request is done, or has failed, and why; what it led to counts now.

        If it was released from a producer, it counts when that does: it would be put once more if
        that were taken back. What an earlier attempt at the same request led to, items and notes,
        counts no longer.
        """
        ...

    def release(self, producer: int) -> None:
        """Let requests of this producer be handed out although it is not done."""
        ...

    def give_back(self, lease: int) -> None:
        """Let a request be handed out again, and forget what it has led to so far.

        Requests that were released from it are forgotten too, and leases of them are lost.
        """
        ...

    def heartbeat(self) -> None:
        """Say that this worker is alive; its leases are taken back when it is silent too long."""
        ...

    def retry_failed(self, which: Collection[int] | None = None) -> int:
        """Let failed requests be handed out again; return how many. ``which`` are their ids."""
        ...

    def failed(self) -> Iterator[Failed]:
        """Yield the failed requests, oldest first."""
        ...

    # What requests lead to

    def add_item(self, data: bytes, producer: int | None = None) -> None:
        """Keep an item."""
        ...

    def items(self, after: int = 0) -> Iterator[tuple[int, bytes]]:
        """Yield number and data of each item that counts, in the order in which they came to.

        Only those with numbers above ``after``: numbers grow, and none is given twice.
        """
        ...

    def add_note(self, kind: str, key: bytes, value: bytes, producer: int | None = None) -> None:
        """Keep something that a spider or an extension will want to know after a restart.

        Notes of one kind and key do not replace each other.
        """
        ...

    def notes(self, kind: str) -> Iterator[tuple[bytes, bytes]]:
        """Yield key and value of each note that counts, in the order in which they came to."""
        ...

    def replace_notes(self, kind: str, notes: Iterator[tuple[bytes, bytes]]) -> None:
        """Keep these instead of all notes of this kind that count.

        They may be made from ``notes`` of that kind. They no longer depend on any request.
        """
        ...

    # Starts

    def add_start(self, key: bytes) -> None:
        """Remember that a start, which the key tells from others, was taken in."""
        ...

    def was_start(self, key: bytes) -> bool:
        """Say whether an earlier run took this start in.

        One that was taken in n times is True for the first n times that this run asks.
        """
        ...

    # The job as a whole

    def set_value(self, name: str, value: bytes) -> None:
        """Keep a value under a name, instead of the one before."""
        ...

    def value(self, name: str) -> bytes | None:
        """Return the value of that name, None if there is none."""
        ...

    def counts(self) -> Counts:
        """Return how many there are."""
        ...

    def has_pending(self) -> bool:
        """Say whether there are requests that are not leased, those that wait included."""
        ...

    def commit(self) -> None:
        """Make all that was done so far last."""
        ...

    def close(self) -> None:
        """Give back all leases, commit, and let others have the store. A second time is nothing."""
        ...
