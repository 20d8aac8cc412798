"""The SQLite store does what the model does, whatever the calls, crashes and limits.

Not as rules of a state machine: most calls need a lease, and are made too seldom then.
"""

from __future__ import annotations

import contextlib
import copy
import shutil
import tempfile
from pathlib import Path
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st

from netcrawl.frontier.reading import SqliteReader
from netcrawl.frontier.sqlite import SqliteStore
from netcrawl.frontier.store import NewRequest
from tests.netcrawl.frontier.model import State

# Fingerprints are of a window that moves on, so that there are always new ones and duplicates.
WINDOW = 4
PUTS_PER_FINGERPRINT = 4

# Names of methods, as often as they are to be called.
CALLS = (
    ["put"] * 2 + ["lead"] * 12 + ["lease"] * 12 + ["finish"] * 7 + ["release"] * 4 + ["add"] * 2
) + ["give_back", "retry_failed", "retry_one", "add_without_producer", "commit", "crash", "close"]
NEED_LEASES = {"lead", "finish", "release", "add", "give_back"}


class Comparison:
    """Both do the same. Requests are told apart by their data, as numbers may differ."""

    def __init__(self, draw: st.DrawFn, *, newest_first: bool) -> None:
        self.draw = draw
        self.folder = Path(tempfile.mkdtemp())
        self.data = 0
        self.numbers: dict[int, int] = {}  # of the store's leases, by the model's
        self.model = State(newest_first=newest_first)
        self.committed = copy.deepcopy(self.model)
        self.store = self.opened()

    def opened(self) -> SqliteStore:
        path = self.folder / "frontier.db"
        return SqliteStore(path, newest_first=self.model.newest_first)

    def new_data(self) -> bytes:
        self.data += 1
        return b"%d" % self.data

    def new_request(self) -> NewRequest:
        window = self.data // PUTS_PER_FINGERPRINT
        dont_filter, is_start, urgent = self.draw(
            st.tuples(*[st.sampled_from([False] * 6 + [True])] * 3)
        )
        return NewRequest(
            self.new_data(),
            b"%d" % (window + self.draw(st.integers(0, WINDOW - 1))),
            self.draw(st.sampled_from(["", "", "x"])),
            int(urgent),
            dont_filter=dont_filter,
            is_start=is_start,
        )

    def drawn_lease(self) -> int:
        return self.draw(st.sampled_from(sorted(self.model.outputs)))

    # What both do

    def put(self) -> None:
        self.put_in_both(None)

    def lead(self) -> None:
        lease = self.drawn_lease()
        for _ in range(self.draw(st.integers(1, 4))):
            self.put_in_both(lease)

    def put_in_both(self, lease: int | None) -> None:
        request = self.new_request()
        number = None if lease is None else self.numbers[lease]
        kept = self.model.put(request, lease)
        if not request.dont_filter and self.store.is_duplicate(request.fingerprint, number):
            assert not kept  # and there is nothing to do, as is seen later
        else:
            assert self.store.put(request, number) == kept

    def lease(self) -> None:
        available = {row.request.data: row for row in self.model.available()}
        lease = self.store.lease()
        if lease is None:
            assert not available
            return
        row = available[lease.data]
        if not any(row.late for row in available.values()):
            assert row in self.model.ready()
        assert self.numbers.setdefault(row.id, lease.id) == lease.id
        self.model.take(row.id)

    def finish(self) -> None:
        lease = self.drawn_lease()
        failure = self.draw(st.sampled_from([None, None, "why"]))
        self.store.finish(self.numbers[lease], failure)
        self.model.finish(lease, failure)

    def release(self) -> None:
        lease = self.drawn_lease()
        self.store.release(self.numbers[lease])
        self.model.release(lease)

    def give_back(self) -> None:
        lease = self.drawn_lease()
        self.store.give_back(self.numbers[lease])
        self.model.give_back(lease)

    def retry_failed(self) -> None:
        assert self.store.retry_failed() == self.model.retry_failed()

    def retry_one(self) -> None:
        if ours := {failed.data: failed.id for failed in self.model.failed()}:
            data = self.draw(st.sampled_from(sorted(ours)))
            (theirs,) = (failed.id for failed in self.store.failed() if failed.data == data)
            assert self.store.retry_failed([theirs]) == 1
            assert self.model.retry_failed([ours[data]]) == 1

    def add(self) -> None:
        lease = self.drawn_lease()
        self.store.add_item(item := self.new_data(), self.numbers[lease])
        self.model.add_item(item, lease)
        kind = self.draw(st.sampled_from("kl"))
        self.store.add_note(kind, item, b"", self.numbers[lease])
        self.model.add_note(kind, item, b"", lease)

    def add_without_producer(self) -> None:
        self.store.add_item(item := self.new_data())
        self.model.add_item(item)
        self.store.add_note("k", item, b"")
        self.model.add_note("k", item, b"")
        if self.draw(st.booleans()):
            folded = [(b"!" + key, b"") for key, _ in self.model.notes("k")]
            notes = self.store.notes("k")
            self.store.replace_notes("k", ((b"!" + key, b"") for key, _ in notes))
            self.model.replace_notes("k", folded)

    # Ends

    def commit(self) -> None:
        self.store.commit()
        self.committed = copy.deepcopy(self.model)
        with SqliteReader(self.folder / "frontier.db") as reader:
            assert reader.counts() == self.model.counts()
            assert list(reader.items()) == list(self.model.all_items.items())
            assert list(reader.failed()) == list(self.store.failed())

    def crash(self) -> None:
        """Go on with the files as they are in the middle of a transaction."""
        folder = Path(tempfile.mkdtemp())
        for name in ("frontier.db", "frontier.db-wal"):
            shutil.copyfile(self.folder / name, folder / name)
        self.leave()
        self.folder = folder
        self.model = self.committed
        # A number that was not committed may be given again.
        self.numbers = {
            number: lease for number, lease in self.numbers.items() if number in self.model.rows
        }
        self.reopen()

    def close(self) -> None:
        self.store.close()
        self.reopen()

    def reopen(self) -> None:
        for lease in list(self.model.outputs):
            self.model.give_back(lease)
        self.store = self.opened()
        self.committed = copy.deepcopy(self.model)

    def leave(self) -> None:
        self.store.close()
        shutil.rmtree(self.folder)

    # What must be the same

    def check(self) -> None:
        assert self.store.counts() == self.model.counts()
        assert self.store.has_pending() == (self.model.counts().pending > 0)
        assert list(self.store.items()) == list(self.model.all_items.items())
        for kind in "kl":
            assert list(self.store.notes(kind)) == self.model.notes(kind)
        reasons = {failed.data: failed.reason for failed in self.store.failed()}
        assert reasons == {failed.data: failed.reason for failed in self.model.failed()}

    def check_slots(self) -> None:
        """See that what is kept of slots agrees with the requests."""
        rows = self.store._connection.execute(
            "SELECT ready - (SELECT count(*) FROM requests WHERE slot = slots.id AND state = 0),"
            " leases - (SELECT count(*) FROM requests WHERE slot = slots.id AND state = 1)"
            " FROM slots"
        ).fetchall()
        assert all(row == (0, 0) for row in rows)


@settings(max_examples=30)
@given(
    data=st.data(),
    newest_first=st.booleans(),
    entries=st.sampled_from([1, 3, 2000]),
    few=st.booleans(),
    calls=st.lists(st.sampled_from(CALLS), min_size=40, max_size=40),
)
def test_store_does_what_the_model_does(
    data: st.DataObject, entries: int, calls: list[str], *, newest_first: bool, few: bool
) -> None:
    limits = {"outputs.MAX_ENTRIES": entries}
    if few:
        names = ("tables._RECENT", "tables._SLOTS", "sqlite._BLOCK", "reading._BLOCK")
        limits |= dict.fromkeys(names, 1)
    with contextlib.ExitStack() as stack:
        for name, limit in limits.items():
            stack.enter_context(mock.patch(f"netcrawl.frontier.{name}", limit))
        comparison = Comparison(data.draw, newest_first=newest_first)
        stack.callback(lambda: comparison.leave())
        for call in calls:
            if call in NEED_LEASES and not comparison.model.outputs:
                for _ in range(3):
                    comparison.put()
                    comparison.lease()
            if call not in NEED_LEASES or comparison.model.outputs:
                getattr(comparison, call)()
            comparison.check()
        comparison.check_slots()
        comparison.close()
        comparison.check()
