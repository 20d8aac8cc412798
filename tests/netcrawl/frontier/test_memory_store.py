"""Several workers on one store: what the interface promises them, shown in memory."""

from __future__ import annotations

import pytest

from netcrawl.frontier.store import Counts, Lease, LeaseLost, NewRequest
from tests.netcrawl.frontier.memory_store import MemoryStore, SharedMemory


@pytest.fixture
def shared() -> SharedMemory:
    return SharedMemory(limit=10)


def filled(shared: SharedMemory, *names: str) -> MemoryStore:
    store = MemoryStore(shared)
    for name in names:
        store.put(NewRequest(name.encode(), name.encode(), slot=name[0]))
    store.commit()
    return store


def leased(store: MemoryStore) -> Lease:
    lease = store.lease()
    assert lease is not None
    return lease


def test_workers_lease_different_requests(shared: SharedMemory) -> None:
    one = filled(shared, "a1", "a2")
    two = MemoryStore(shared)
    assert {leased(one).data, leased(two).data} == {b"a1", b"a2"}
    assert one.lease() is None
    assert two.lease() is None


def test_slots_are_served_by_the_leases_of_all(shared: SharedMemory) -> None:
    one = filled(shared, "a1", "a2", "b1", "b2")
    two = MemoryStore(shared)
    slots = [leased(store).data[:1] for store in (one, two, one, two)]
    assert sorted(slots[:2]) == sorted(slots[2:]) == [b"a", b"b"]


def test_what_a_worker_did_is_seen_by_others_after_its_commit(shared: SharedMemory) -> None:
    one = filled(shared, "a1")
    two = MemoryStore(shared)
    lease = leased(one)
    one.put(NewRequest(b"child", b"child"), lease.id)
    one.add_item(b"item", lease.id)
    one.finish(lease.id)
    assert two.lease() is None
    assert list(two.items()) == []
    one.commit()
    assert list(two.items()) == [(1, b"item")]
    assert leased(two).data == b"child"


def test_silent_worker_loses_its_leases(shared: SharedMemory) -> None:
    one = filled(shared, "a1")
    lease = leased(one)
    one.put(NewRequest(b"child", b"child"), lease.id)
    one.commit()
    shared.now += 11
    two = MemoryStore(shared)
    assert leased(two) == lease
    two.add_item(b"of two", lease.id)
    with pytest.raises(LeaseLost):
        one.finish(lease.id)
    one.give_back(lease.id)
    one.commit()
    two.finish(lease.id)
    two.commit()
    assert list(one.items()) == [(1, b"of two")]
    assert one.counts() == Counts(done=1, items=1)


def test_heartbeat_keeps_leases(shared: SharedMemory) -> None:
    one = filled(shared, "a1")
    lease = leased(one)
    for _ in range(5):
        shared.now += 9
        one.heartbeat()
    two = MemoryStore(shared)
    assert two.lease() is None
    one.finish(lease.id)
    one.commit()
    assert two.counts() == Counts(done=1)


def test_worker_that_closes_gives_its_leases_to_others(shared: SharedMemory) -> None:
    one = filled(shared, "a1")
    lease = leased(one)
    one.close()
    assert leased(MemoryStore(shared)) == lease


def test_duplicate_is_not_certain_while_the_first_may_be_lost(shared: SharedMemory) -> None:
    one, two = filled(shared, "a1"), filled(shared, "b1")
    parent = one.lease()
    assert parent is not None
    assert one.put(NewRequest(b"page", b"page"), parent.id)
    one.finish(parent.id)
    assert not one.is_duplicate(b"page")  # what it did is lost if it is silent until its commit
    one.commit()
    assert one.is_duplicate(b"page")
    assert two.is_duplicate(b"page")


def test_two_that_put_the_same_keep_it_once(shared: SharedMemory) -> None:
    one, two = filled(shared), filled(shared)
    request = NewRequest(b"page", b"page")
    assert one.put(request)
    assert two.put(request)  # not known to it yet
    one.commit()
    two.commit()
    assert one.counts() == Counts(pending=1)
