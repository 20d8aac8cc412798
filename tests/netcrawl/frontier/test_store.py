"""What every store does; each test runs over all implementations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest

from netcrawl.frontier.sqlite import SqliteStore
from netcrawl.frontier.store import Counts, LeaseLost, NewRequest
from tests.netcrawl.frontier.memory_store import MemoryStore, SharedMemory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from netcrawl.frontier.store import Store


class Kept(Protocol):
    """Something that outlives the stores that are opened over it."""

    def open(self, *, newest_first: bool = True) -> Store:
        """Open a store; one that is open already has crashed."""
        ...


class KeptInFile:
    def __init__(self, folder: Path) -> None:
        self._path = folder / "frontier.db"
        self._store: SqliteStore | None = None

    def open(self, *, newest_first: bool = True) -> Store:
        self.crash()
        self._store = SqliteStore(self._path, newest_first=newest_first)
        return self._store

    def crash(self) -> None:
        if self._store is not None:
            self._store._connection.close()


class KeptInMemory:
    def __init__(self) -> None:
        self._shared = SharedMemory()
        self._store: MemoryStore | None = None

    def open(self, *, newest_first: bool = True) -> Store:
        if self._store is not None:
            self._store.crash()
            self._shared.now += self._shared.limit + 1
        self._store = MemoryStore(self._shared, newest_first=newest_first)
        return self._store


@pytest.fixture(params=["sqlite", "memory"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kept]:
    if request.param == "memory":
        yield KeptInMemory()
        return
    in_file = KeptInFile(tmp_path)
    yield in_file
    in_file.crash()


@pytest.fixture
def store(kept: Kept) -> Store:
    return kept.open()


def new(name: str, **fields: object) -> NewRequest:
    return NewRequest(f"data of {name}".encode(), name.encode(), **fields)  # type: ignore[arg-type]


def leased(store: Store, name: str = "page", **fields: object) -> int:
    """Put a request, and lease it, which has to be the one that is next."""
    assert store.put(new(name, **fields))
    lease = store.lease()
    assert lease is not None
    assert lease.data == new(name).data
    return lease.id


def drained(store: Store) -> list[str]:
    """Lease what there is, finish none, and return the names."""
    names = []
    while (lease := store.lease()) is not None:
        names.append(lease.data.decode().removeprefix("data of "))
    return names


# Requests


def test_new_store_is_empty(store: Store) -> None:
    assert store.counts() == Counts()
    assert not store.has_pending()
    assert store.lease() is None
    assert list(store.items()) == list(store.notes("kind")) == list(store.failed()) == []
    assert store.value("name") is None
    assert not store.was_start(b"key")


def test_request_is_handed_out_once_and_done(store: Store) -> None:
    store.put(new("page"))
    assert store.has_pending()
    assert store.counts() == Counts(pending=1)
    lease = store.lease()
    assert lease is not None
    assert not store.has_pending()
    assert store.counts() == Counts(leased=1)
    assert store.lease() is None
    store.finish(lease.id)
    assert store.counts() == Counts(done=1)
    assert store.lease() is None


@pytest.mark.parametrize("state", ["pending", "leased", "done", "failed", "reopened"])
def test_duplicate_is_refused(kept: Kept, state: str) -> None:
    store = kept.open()
    assert store.put(new("page"))
    if state != "pending":
        lease = store.lease()
        assert lease is not None
        if state != "leased":
            store.finish(lease.id, "why" if state == "failed" else None)
    if state == "reopened":
        store.commit()
        store = kept.open()
    before = store.counts()
    assert not store.put(new("page"))
    producer = leased(store, "other")
    assert not store.put(new("page"), producer)
    store.finish(producer)
    assert store.counts().pending == before.pending


@pytest.mark.parametrize("state", ["pending", "leased", "done", "failed", "reopened"])
def test_duplicate_of_what_is_committed_is_certain(kept: Kept, state: str) -> None:
    store = kept.open()
    lease = leased(store) if state != "pending" else None
    producer = leased(store, "other")
    if lease is None:
        assert store.put(new("page"))
    elif state != "leased":
        store.finish(lease, "why" if state == "failed" else None)
    store.commit()
    if state == "reopened":
        store = kept.open()
        producer = leased(store, "another")
    assert store.is_duplicate(b"page")
    assert store.is_duplicate(b"page", producer)
    assert not store.is_duplicate(b"new")
    assert not store.is_duplicate(b"new", producer)
    assert store.put(new("new"), producer)


@pytest.mark.parametrize("dont_filter", [False, True])
@pytest.mark.parametrize("released", [False, True])
def test_no_duplicate_is_certain_of_what_does_not_count(
    store: Store, *, dont_filter: bool, released: bool
) -> None:
    one, two = leased(store, "one"), leased(store, "two")
    assert store.put(new("page", dont_filter=dont_filter), one)
    if released:
        store.release(one)
    store.commit()
    assert not store.is_duplicate(b"page")
    assert not store.is_duplicate(b"page", two)
    assert store.put(new("page"), two) is dont_filter
    store.give_back(one)
    store.finish(two)
    store.commit()
    assert store.is_duplicate(b"page")


def test_dont_filter_is_neither_compared_nor_remembered(store: Store) -> None:
    assert store.put(new("page", dont_filter=True))
    assert store.put(new("page", dont_filter=True))
    assert store.put(new("page"))
    assert store.put(new("page", dont_filter=True))
    assert drained(store) == ["page"] * 4


@pytest.mark.parametrize(
    ("newest_first", "order"),
    [
        pytest.param(True, ["high", "late", "early", "start", "start 2", "low"], id="newest"),
        pytest.param(False, ["high", "early", "late", "start", "start 2", "low"], id="oldest"),
    ],
)
@pytest.mark.parametrize("reopened", [False, True], ids=["at-once", "reopened"])
def test_order_within_a_slot(
    kept: Kept, *, newest_first: bool, order: list[str], reopened: bool
) -> None:
    store = kept.open(newest_first=newest_first != reopened)
    for name, priority in [("start", 0), ("low", -1), ("early", 0), ("high", 1), ("late", 0)]:
        store.put(new(name, priority=priority, is_start=name == "start"))
    store.put(new("start 2", is_start=True))
    if reopened:
        store.close()
        store = kept.open(newest_first=newest_first)
    assert drained(store) == order


def test_huge_priorities_are_in_order(store: Store) -> None:
    store.put(new("least", priority=-(10**30)))
    store.put(new("none"))
    store.put(new("most", priority=10**30))
    assert drained(store) == ["most", "none", "least"]


def test_slot_with_fewest_leases_is_next(store: Store) -> None:
    for slot, pages in (("a", 4), ("b", 2)):
        for page in range(pages):
            store.put(new(f"{slot}{page}", slot=slot, priority=-page))
    assert drained(store) == ["a0", "b0", "a1", "b1", "a2", "a3"]


def test_slot_that_waited_longest_is_next(store: Store) -> None:
    for slot in "abc":
        for page in range(2):
            store.put(new(f"{slot}{page}", slot=slot, priority=-page))
    names = []
    while (lease := store.lease()) is not None:
        names.append(lease.data.decode()[-2:])
        store.finish(lease.id)
    assert names == ["a0", "b0", "c0", "a1", "b1", "c1"]


def test_slot_may_have_any_name(store: Store) -> None:
    for slot in ("", "\x00", "ä", "\udc80"):
        store.put(new(slot.encode("unicode-escape").decode(), slot=slot))
    assert len(drained(store)) == 4


# What a producer leads to


def test_output_counts_when_the_producer_is_done(store: Store) -> None:
    producer = leased(store)
    assert store.put(new("child"), producer)
    store.add_item(b"item", producer)
    store.add_note("kind", b"key", b"value", producer)
    assert store.has_pending()
    assert store.counts() == Counts(pending=1, leased=1)
    assert store.lease() is None
    assert list(store.items()) == list(store.notes("kind")) == []
    store.finish(producer)
    assert store.counts() == Counts(pending=1, done=1, items=1)
    assert list(store.items()) == [(1, b"item")]
    assert list(store.notes("kind")) == [(b"key", b"value")]
    assert drained(store) == ["child"]


@pytest.mark.parametrize("how", ["given back", "crash", "crash after commit", "closed"])
@pytest.mark.parametrize("released", [False, True], ids=["held", "released"])
def test_output_of_what_is_taken_back_is_forgotten(kept: Kept, how: str, *, released: bool) -> None:
    store = kept.open()
    store.put(new("page"))
    store.commit()
    lease = store.lease()
    assert lease is not None
    producer = lease.id
    store.put(new("child"), producer)
    store.put(new("twin", dont_filter=True), producer)
    store.add_item(b"item", producer)
    store.add_note("kind", b"key", b"value", producer)
    if released:
        store.release(producer)
        assert sorted(drained(store)) == ["child", "twin"]
    if how == "given back":
        store.give_back(producer)
    elif how == "closed":
        store.close()
    elif how == "crash after commit":
        store.commit()
    if how != "given back":
        store = kept.open()
    assert store.counts() == Counts(pending=1)
    again = store.lease()
    assert again == lease
    assert store.lease() is None
    assert store.put(new("child"), producer)
    assert store.put(new("twin", dont_filter=True), producer)
    store.add_item(b"again", producer)
    store.finish(producer)
    assert sorted(drained(store)) == ["child", "twin"]
    assert [data for _, data in store.items()] == [b"again"]
    assert list(store.notes("kind")) == []


def test_released_requests_are_handed_out_early(store: Store) -> None:
    producer = leased(store)
    store.put(new("before"), producer)
    store.release(producer)
    store.put(new("after"), producer)
    assert drained(store) == ["after", "before"]


def test_released_request_counts_with_its_producer(kept: Kept) -> None:
    store = kept.open()
    producer = leased(store)
    store.put(new("child"), producer)
    store.release(producer)
    child = store.lease()
    assert child is not None
    store.put(new("grandchild"), child.id)
    store.add_item(b"of the child", child.id)
    store.finish(child.id)
    # It waits only for its own producer to be handed out, not to count.
    assert drained(store) == ["grandchild"]
    assert list(store.items()) == []
    assert store.counts() == Counts(leased=3)
    store.commit()
    store = kept.open()
    assert store.counts() == Counts(pending=1)


def test_finish_of_a_released_producer(store: Store) -> None:
    producer = leased(store)
    store.put(new("child"), producer)
    store.put(new("failing"), producer)
    store.release(producer)
    for failure in ("why", None):
        lease = store.lease()
        assert lease is not None
        store.add_item(lease.data, lease.id)
        store.finish(lease.id, failure)
    store.add_item(b"own", producer)
    store.finish(producer)
    assert store.counts() == Counts(done=2, failed=1, items=3)
    assert [data for _, data in store.items()] == [b"data of failing", b"data of child", b"own"]
    assert [failed.reason for failed in store.failed()] == ["why"]


def released_child(store: Store, producer: int, name: str = "child") -> int:
    """Put and release a child, and lease it."""
    assert store.put(new(name), producer)
    store.release(producer)
    child = store.lease()
    assert child is not None
    return child.id


@pytest.mark.parametrize("end", ["done", "crash", "given back"])
def test_released_from_what_was_released(kept: Kept, end: str) -> None:
    store = kept.open()
    store.put(new("page"))
    store.commit()
    lease = store.lease()
    assert lease is not None
    child = released_child(store, lease.id)
    for name in ("grandchild", "other"):
        grandchild = released_child(store, child, name)
    store.add_item(b"item", grandchild)
    store.finish(grandchild)
    store.finish(child)
    assert store.counts() == Counts(leased=4)
    if end == "done":
        store.finish(lease.id)
        assert store.counts() == Counts(leased=1, done=3, items=1)
        return
    if end == "crash":
        store.commit()
        store = kept.open()
    else:
        store.give_back(lease.id)
    assert store.counts() == Counts(pending=1)
    assert drained(store) == ["page"]
    assert store.put(new("grandchild"))


def test_child_counts_at_once_when_its_producer_is_done(store: Store) -> None:
    producer = leased(store)
    child = released_child(store, producer)
    store.finish(producer)
    store.add_item(b"item", child)
    store.finish(child)
    assert store.counts() == Counts(done=2, items=1)


# Duplicates of what does not count yet


@pytest.mark.parametrize("released", [False, True], ids=["held", "released"])
def test_duplicate_counts_when_the_first_is_forgotten(store: Store, *, released: bool) -> None:
    store.put(new("first"))
    store.put(new("second"))
    leases = [lease.id for lease in (store.lease(), store.lease()) if lease]
    assert store.put(new("child"), leases[0])
    if released:
        store.release(leases[0])
    assert not store.put(new("child"), leases[1])
    store.give_back(leases[0])
    store.finish(leases[1])
    assert sorted(drained(store)) == ["child", "second"]


def test_duplicate_of_what_was_done_is_done_again_if_that_is_forgotten(kept: Kept) -> None:
    store = kept.open()
    store.put(new("first"))
    store.put(new("second"))
    second, first = (lease.id for lease in (store.lease(), store.lease()) if lease)
    store.put(new("child"), first)
    store.release(first)
    child = store.lease()
    assert child is not None
    store.finish(child.id)
    assert not store.put(new("child"), second)
    store.finish(second)
    assert store.lease() is None
    store.commit()
    store = kept.open()
    assert not store.put(new("child"))
    assert sorted(drained(store)) == ["child", "first"]


def test_duplicate_of_what_is_leased_makes_it_count(store: Store) -> None:
    store.put(new("first"))
    store.put(new("second"))
    second, first = (lease.id for lease in (store.lease(), store.lease()) if lease)
    child = released_child(store, first)
    store.put(new("child"), second)
    store.finish(second)
    store.add_item(b"item", child)
    store.finish(child)
    assert store.counts() == Counts(leased=1, done=2, items=1)
    store.give_back(first)
    assert drained(store) == ["first"]
    assert not store.put(new("child"), first)


def test_duplicate_is_no_second_when_the_first_counts(store: Store) -> None:
    store.put(new("first"))
    store.put(new("second"))
    second, first = (lease.id for lease in (store.lease(), store.lease()) if lease)
    store.put(new("child"), first)
    assert not store.put(new("child"), second)
    store.finish(second)
    store.finish(first)
    assert drained(store) == ["child"]


def test_duplicate_without_producer_counts_at_once(store: Store) -> None:
    producer = leased(store)
    store.put(new("child"), producer)
    assert not store.put(new("child"))
    assert drained(store) == ["child"]
    store.give_back(producer)
    assert drained(store) == ["page"]


# Failures


def test_failed_request_is_kept_with_its_reason(kept: Kept) -> None:
    store = kept.open()
    producer = leased(store)
    store.put(new("child"), producer)
    store.add_item(b"item", producer)
    store.finish(producer, "line 1\nline 2: ü \udc80")
    store.commit()
    store = kept.open()
    assert store.counts() == Counts(pending=1, failed=1, items=1)
    (failed,) = store.failed()
    assert (failed.id, failed.data) == (producer, new("page").data)
    assert failed.reason == "line 1\nline 2: ü \udc80"
    assert drained(store) == ["child"]


def test_some_failed_requests_are_retried(kept: Kept) -> None:
    store = kept.open()
    for name in ("one", "two", "three"):
        store.finish(leased(store, name), "why")
    first, second, _ = store.failed()

    assert store.retry_failed([]) == 0
    assert store.retry_failed([second.id, first.id]) == 2
    assert store.retry_failed([second.id]) == 0

    store.commit()
    store = kept.open()
    assert (store.counts().pending, store.counts().failed) == (2, 1)
    assert [failed.data for failed in store.failed()] == [new("three").data]
    assert sorted(drained(store)) == ["one", "two"]


@pytest.mark.parametrize("end", [None, "again"], ids=["done", "failed"])
def test_retry_replaces_what_the_failed_attempt_led_to(kept: Kept, end: str | None) -> None:
    store = kept.open()
    store.add_item(b"other")
    producer = leased(store)
    store.put(new("child"), producer)
    for _ in range(2):
        store.put(new("twin", dont_filter=True), producer)
    store.add_item(b"first", producer)
    store.add_note("kind", b"", b"first", producer)
    store.finish(producer, "why")
    store.commit()
    store = kept.open()
    assert sorted(drained(store)) == ["child", "twin", "twin"]
    assert store.retry_failed() == 1
    assert store.retry_failed() == 0
    assert list(store.failed()) == []
    lease = store.lease()
    assert lease is not None
    assert lease.id == producer
    assert [data for _, data in store.items()] == [b"other", b"first"]
    assert not store.put(new("child"), producer)
    kept_twins = [store.put(new("twin", dont_filter=True), producer) for _ in range(3)]
    assert kept_twins == [False, False, True]
    store.add_item(b"second", producer)
    store.add_note("kind", b"", b"second", producer)
    store.finish(producer, end)
    assert [data for _, data in store.items()] == [b"other", b"second"]
    assert list(store.notes("kind")) == [(b"", b"second")]
    assert drained(store) == ["twin"]
    assert store.counts().items == 2
    assert store.counts().failed == (end is not None)
    if end:
        store.retry_failed()
        assert drained(store) == ["page"]
        kept_twins = [store.put(new("twin", dont_filter=True), producer) for _ in range(4)]
        assert kept_twins == [False, False, False, True]


def test_failed_requests_come_oldest_first(store: Store) -> None:
    for name in "abc":
        store.finish(leased(store, name), name)
    assert [failed.reason for failed in store.failed()] == ["a", "b", "c"]


# Leases that are not


@pytest.mark.parametrize("how", ["finished", "given back", "never"])
def test_lease_that_is_gone_is_refused(store: Store, how: str) -> None:
    lease = leased(store)
    if how == "finished":
        store.finish(lease)
    elif how == "given back":
        store.give_back(lease)
    else:
        lease += 1
    before = store.counts()
    for call in (
        lambda: store.put(new("child"), lease),
        lambda: store.is_duplicate(b"page", lease),
        lambda: store.add_item(b"item", lease),
        lambda: store.add_note("kind", b"", b"", lease),
        lambda: store.release(lease),
        lambda: store.finish(lease),
    ):
        with pytest.raises(LeaseLost):
            call()
    store.give_back(lease)
    assert store.counts() == before


# Items and notes


def test_items_are_numbered_for_good(kept: Kept) -> None:
    store = kept.open()
    for data in (b"a", b"b", b"c"):
        store.add_item(data)
    assert list(store.items()) == [(1, b"a"), (2, b"b"), (3, b"c")]
    assert list(store.items(after=2)) == [(3, b"c")]
    store.finish(leased(store), "why")
    producer = leased(store, "page 2")
    store.add_item(b"d", producer)
    store.finish(producer, "why")
    store.retry_failed()
    for name in drained(store):
        assert name
    store.finish(producer)
    store.commit()
    store = kept.open()
    store.add_item(b"e")
    assert list(store.items(after=3)) == [(5, b"e")]


def test_items_are_read_while_others_are_added(store: Store) -> None:
    for number in range(120):
        store.add_item(b"%d" % number)
    read = []
    for number, data in store.items():
        read.append(data)
        if number == 1:
            store.add_item(b"later")
            store.commit()
    assert read[:120] == [b"%d" % number for number in range(120)]
    assert len(read) <= 121


def test_notes_keep_their_order_and_kind(kept: Kept) -> None:
    store = kept.open()
    store.add_note("a", b"1", b"x")
    store.add_note("b", b"2", b"y")
    store.add_note("a", b"1", b"z")
    store.commit()
    store = kept.open()
    assert list(store.notes("a")) == [(b"1", b"x"), (b"1", b"z")]
    assert list(store.notes("b")) == [(b"2", b"y")]
    assert list(store.notes("c")) == []


def test_notes_are_replaced_by_what_is_made_from_them(store: Store) -> None:
    for number in range(120):
        store.add_note("a", b"key", b"%d" % number)
    store.add_note("b", b"key", b"other")
    store.replace_notes("a", ((key, value + b"!") for key, value in store.notes("a")))
    assert list(store.notes("a")) == [(b"key", b"%d!" % number) for number in range(120)]
    store.add_note("a", b"key", b"last")
    assert list(store.notes("a"))[-1] == (b"key", b"last")
    store.replace_notes("a", iter(()))
    assert list(store.notes("a")) == []
    assert list(store.notes("b")) == [(b"key", b"other")]


def test_notes_stay_when_their_replacement_cannot_be_made(store: Store) -> None:
    store.add_note("a", b"key", b"value")

    def broken() -> Iterator[tuple[bytes, bytes]]:
        yield b"key", b"new"
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.replace_notes("a", broken())
    assert list(store.notes("a")) == [(b"key", b"value")]


# Starts, values, commits


def test_start_is_known_to_later_runs_as_often_as_it_was_taken_in(kept: Kept) -> None:
    store = kept.open()
    for key in (b"once", b"twice", b"twice"):
        assert not store.was_start(key)
        store.add_start(key)
    assert not store.was_start(b"twice")
    store.commit()
    for _ in range(2):
        store = kept.open()
        assert [store.was_start(b"once") for _ in range(2)] == [True, False]
        assert [store.was_start(b"twice") for _ in range(3)] == [True, True, False]
        assert not store.was_start(b"never")
        store.commit()
    store.add_start(b"twice")
    assert not store.was_start(b"twice")
    store.commit()
    store = kept.open()
    assert [store.was_start(b"twice") for _ in range(4)] == [True, True, True, False]


def test_value_is_replaced(kept: Kept) -> None:
    store = kept.open()
    store.set_value("name", b"1")
    store.set_value("name", b"2")
    store.set_value("other", b"\x00")
    store.commit()
    store = kept.open()
    assert store.value("name") == b"2"
    assert store.value("other") == b"\x00"


def test_crash_loses_what_was_done_since_the_last_commit_as_a_whole(kept: Kept) -> None:
    store = kept.open()
    store.put(new("page"))
    store.commit()
    producer = store.lease()
    assert producer is not None
    store.put(new("child"), producer.id)
    store.add_item(b"item", producer.id)
    store.finish(producer.id)
    store.set_value("name", b"value")
    store.put(new("start"))
    store.add_start(b"start")
    store = kept.open()
    assert store.counts() == Counts(pending=1)
    assert store.value("name") is None
    assert not store.was_start(b"start")
    assert drained(store) == ["page"]
    assert store.put(new("child"))


def test_close_commits(kept: Kept) -> None:
    store = kept.open()
    store.put(new("page"))
    store.close()
    store = kept.open()
    assert drained(store) == ["page"]


def test_number_of_a_request_is_never_given_again(kept: Kept) -> None:
    store = kept.open()
    numbers = []
    for _ in range(3):
        numbers.append(leased(store, f"page {len(numbers)}"))
        store.finish(numbers[-1])
        store.commit()
        store = kept.open()
    assert len(set(numbers)) == 3


# Much from one producer


@pytest.mark.parametrize("end", ["done", "failed", "given back", "second is done first"])
def test_much_from_one_producer(kept: Kept, end: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netcrawl.frontier.outputs.MAX_ENTRIES", 10)
    store = kept.open()
    store.put(new("first"))
    store.put(new("second"))
    second, first = (lease.id for lease in (store.lease(), store.lease()) if lease)
    for number in range(25):
        assert store.put(new(f"child {number}"), first)
        assert not store.put(new(f"child {number}"), first)
        assert not store.put(new(f"child {number}"), second)
        assert store.put(new("twin", dont_filter=True), first)
        store.add_item(b"%d" % number, first)
        store.add_note("kind", b"", b"%d" % number, first)
    assert store.counts() == Counts(pending=50, leased=2)
    assert store.lease() is None
    if end == "given back":
        store.give_back(first)
        assert store.counts() == Counts(pending=1, leased=1)
        assert drained(store) == ["first"]
        store.finish(second)
        assert len(drained(store)) == 25
        return
    if end == "second is done first":
        store.finish(second)
        assert len(drained(store)) == 25
        second = first
    store.finish(first, "why" if end == "failed" else None)
    numbers = [b"%d" % number for number in range(25)]
    assert [data for _, data in store.items()] == numbers
    assert [value for _, value in store.notes("kind")] == numbers
    if second != first:
        store.finish(second)
    assert len(drained(store)) == (50 if second != first else 25)
    if end == "failed":
        store.retry_failed()
        assert drained(store) == ["first"]
        twins = [store.put(new("twin", dont_filter=True), first) for _ in range(26)]
        assert twins == [False] * 25 + [True]


def test_attempt_that_crashed_put_nothing(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netcrawl.frontier.outputs.MAX_ENTRIES", 1)
    store = kept.open()
    producer = leased(store)
    for _ in range(3):
        store.put(new("twin", dont_filter=True), producer)
    store.commit()
    store = kept.open()
    assert drained(store) == ["page"]
    for _ in range(2):
        store.put(new("twin", dont_filter=True), producer)
    store.finish(producer, "why")
    assert drained(store) == ["twin", "twin"]
    store.retry_failed()
    assert drained(store) == ["page"]
    twins = [store.put(new("twin", dont_filter=True), producer) for _ in range(3)]
    assert twins == [False, False, True]
