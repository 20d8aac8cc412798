"""What only a file has: damage, other programs, full disks, kills, copies, readers."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from netcrawl.frontier import database
from netcrawl.frontier.reading import SqliteReader
from netcrawl.frontier.sqlite import SqliteStore
from netcrawl.frontier.store import Counts, NewRequest, StoreDamaged, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PAGES = 200


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "frontier.db"


def made(path: Path, pages: int = PAGES) -> bytes:
    """Make a file with some pages; return its content."""
    store = SqliteStore(path)
    for page in range(pages):
        store.put(NewRequest(b"x" * 1000, b"%d" % page))
    store.close()
    return path.read_bytes()


def text(path: Path) -> None:
    path.write_text("These are my notes. " * 1000)


def empty(path: Path) -> None:
    path.touch()


def cut_off(path: Path) -> None:
    path.write_bytes(made(path)[:50_000])


def overwritten(path: Path) -> None:
    content = made(path)
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))


def foreign(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE counters (run)")
    connection.close()


def foreign_with_log(path: Path) -> None:
    foreign(path)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()


def newer(path: Path) -> None:
    made(path)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 7")
    connection.close()


def emptied(path: Path) -> None:
    made(path)
    connection = sqlite3.connect(path)
    connection.execute("DELETE FROM counters")
    connection.commit()
    connection.close()


def log_left_over(path: Path) -> None:
    path.with_name("frontier.db-wal").write_bytes(b"log")


@pytest.mark.parametrize("opened", [SqliteStore, SqliteReader])
@pytest.mark.parametrize(
    ("make", "said"),
    [
        pytest.param(text, "is not a database", id="text"),
        pytest.param(empty, "is empty", id="empty"),
        pytest.param(cut_off, "is cut off at 50000 of ", id="cut-off"),
        pytest.param(overwritten, "is damaged", id="overwritten"),
        pytest.param(foreign, "is another program's database", id="foreign"),
        pytest.param(foreign_with_log, "is another program's database", id="foreign-wal"),
        pytest.param(emptied, "is damaged (it has lost its counters)", id="emptied"),
        pytest.param(newer, "is of version 7, and this netcrawl reads version 1", id="version"),
    ],
)
def test_unusable_file_is_refused_in_one_line_and_left_alone(
    path: Path,
    make: Callable[[Path], None],
    said: str,
    opened: Callable[[Path], SqliteStore | SqliteReader],
) -> None:
    make(path)
    before = path.read_bytes()
    with pytest.raises(StoreDamaged) as told:
        opened(path)
    assert str(told.value).startswith(f"{path} {said}")
    assert "\n" not in str(told.value)
    assert path.read_bytes() == before
    log = path.with_name("frontier.db-wal")
    assert not log.exists() or not log.stat().st_size


def test_log_without_its_file_is_refused(path: Path) -> None:
    log_left_over(path)
    with pytest.raises(StoreDamaged, match=r"frontier.db is missing, but frontier.db-wal is there"):
        SqliteStore(path)
    assert path.with_name("frontier.db-wal").read_bytes() == b"log"


def test_empty_log_without_its_file_is_no_obstacle(path: Path) -> None:
    path.with_name("frontier.db-wal").touch()
    path.with_name("frontier.db-shm").write_bytes(b"index")
    made(path)
    with SqliteReader(path) as reader:
        assert reader.counts() == Counts(pending=PAGES)


def test_reader_needs_no_place_to_write(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(path)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with SqliteReader(path) as reader:
        assert reader.counts() == Counts(pending=PAGES)
        # SQLite would make these beside the file.
        assert [other.name for other in path.parent.iterdir()] == [path.name]


def test_reader_makes_no_file(path: Path) -> None:
    with pytest.raises(StoreError, match="No such file or directory"):
        SqliteReader(path)
    assert not list(path.parent.iterdir())


@pytest.mark.parametrize("place", ["folder", "missing"])
def test_file_that_cannot_be_made_is_one_line(path: Path, place: str) -> None:
    if place == "folder":
        path.mkdir()
    else:
        path = path.parent / "missing" / "frontier.db"
    with pytest.raises(StoreError, match=r"frontier.db cannot be used: ") as told:
        SqliteStore(path)
    assert "\n" not in str(told.value)


def test_damage_found_later_stops_the_store(path: Path) -> None:
    content = made(path)
    # All but the first pages, which hold the schema and the counters.
    path.write_bytes(content[: 4096 * 24] + b"\x5a" * (len(content) - 4096 * 24))
    with pytest.raises(StoreDamaged, match="is damaged") as told:  # noqa: PT012
        store = SqliteStore(path)
        while store.lease():
            pass
    assert "restore it from a copy" in str(told.value)


FILL = """
import pathlib, resource, signal, sys
from netcrawl.frontier.sqlite import SqliteStore
from netcrawl.frontier.store import NewRequest, StoreError
path = pathlib.Path(sys.argv[1])
store = SqliteStore(path)
store.put(NewRequest(b"first", b"first"))
store.commit()
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
size = int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
number = 0
said = []
for _ in range(3):
    try:
        while number < 100_000:
            number += 1
            store.put(NewRequest(b"x" * 1000, b"%d" % number))
            if number % 10 == 0:
                store.commit()
                kept = number
    except StoreError as error:
        said.append(str(error))
store.close()
assert len(said) == 3 and len(set(said)) == 1, said
print(kept)
print(said[0])
"""


def test_write_that_fails_stops_the_store_and_loses_nothing(path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", FILL, str(path), "1000000"],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    kept, said = ran.stdout.splitlines()
    assert said.startswith(f"{path} ")
    store = SqliteStore(path)
    assert store.counts() == Counts(pending=1 + int(kept))
    store.close()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        pytest.param(sqlite3.SQLITE_FULL, "the disk is full; make room", id="full"),
        pytest.param(sqlite3.SQLITE_IOERR_WRITE, "see that its disk has room", id="write"),
        pytest.param(sqlite3.SQLITE_READONLY, "its folder can be written to", id="read-only"),
        pytest.param(sqlite3.SQLITE_BUSY, "is in use by another program", id="busy"),
        pytest.param(sqlite3.SQLITE_CORRUPT, "restore it from a copy", id="damaged"),
    ],
)
def test_errors_say_what_to_do(path: Path, code: int, said: str) -> None:
    error = sqlite3.OperationalError("what SQLite says")
    error.sqlite_errorcode = code
    told = database.explained(path, error)
    assert str(told).startswith(f"{path} ")
    assert said in str(told)


def test_file_locked_by_another_program(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(path)
    monkeypatch.setattr(database, "_PATIENCE", 0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="is in use by another program"):
        SqliteStore(path)
    other.close()


def test_reader_sees_what_is_committed_while_the_store_writes(path: Path) -> None:
    store = SqliteStore(path)
    store.add_item(b"1")
    store.set_value("job", b"{}")
    store.commit()
    store.add_item(b"2")
    store.put(NewRequest(b"page", b"page"))
    with SqliteReader(path) as reader:
        assert reader.counts() == Counts(items=1)
        assert list(reader.items()) == [(1, b"1")]
        assert reader.value("job") == b"{}"
        store.commit()
        assert reader.counts() == Counts(pending=1, items=2)
        assert list(reader.items(after=1)) == [(2, b"2")]
    store.close()


def crashed(folder: Path) -> Path:
    """Return the path of a file as a killed process leaves it, with its log."""
    store = SqliteStore(folder / "open.db")
    store.put(NewRequest(b"page", b"page"))
    store.commit()
    assert store.lease()
    store.commit()
    path = folder / "frontier.db"
    for ending in ("", "-wal"):
        shutil.copyfile(f"{folder}/open.db{ending}", f"{path}{ending}")
    store.close()
    for left in folder.glob("open.db*"):
        left.unlink()
    return path


def test_job_that_was_killed_is_read_and_not_changed(tmp_path: Path) -> None:
    path = crashed(tmp_path)
    before = path.read_bytes(), path.with_name("frontier.db-wal").read_bytes()
    with SqliteReader(path) as reader:
        assert reader.counts() == Counts(leased=1)
    assert (path.read_bytes(), path.with_name("frontier.db-wal").read_bytes()) == before


def test_job_that_was_killed_can_be_copied(tmp_path: Path) -> None:
    crashed(tmp_path)
    shutil.copytree(tmp_path, tmp_path / "copy")
    for folder in (tmp_path, tmp_path / "copy"):
        store = SqliteStore(folder / "frontier.db")
        assert store.counts() == Counts(pending=1)
        store.close()


def test_file_that_was_not_made_whole_is_made_again(path: Path) -> None:
    path.with_name("frontier.db.new").write_bytes(b"half")
    path.with_name("frontier.db.new-journal").write_bytes(b"half")
    store = SqliteStore(path)
    store.close()
    assert [other.name for other in path.parent.iterdir()] == [path.name]


def test_done_work_leaves_no_rows_behind(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netcrawl.frontier.outputs.MAX_ENTRIES", 2)
    store = SqliteStore(path)
    store.put(NewRequest(b"", b"page"))
    for failure in ("why", None):
        lease = store.lease()
        assert lease is not None
        for number in range(5):
            store.put(NewRequest(b"", b"twin", dont_filter=True), lease.id)
            store.add_item(b"%d" % number, lease.id)
            store.add_note("kind", b"", b"", lease.id)
        store.finish(lease.id, failure)
        while (twin := store.lease()) is not None:
            store.finish(twin.id)
        store.retry_failed()
    tables = ("requests", "failures", "unfiltered", "held_items", "held_notes")
    for table in tables:
        assert store._connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
    store.close()


# Killed at any instant

# Page n leads to 2n + 1 and 2n + 2, some of which are not filtered, and to its neighbours, which
# others lead to as well. Arguments: the file, pages, and how large a file may grow; a write
# beyond that kills the process in the middle of what it writes.
CRAWL = """
import pathlib, resource, signal, sys
from netcrawl.frontier import outputs
from netcrawl.frontier.sqlite import SqliteStore
from netcrawl.frontier.store import NewRequest

path, pages, size = pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
outputs.MAX_ENTRIES = 5
if size:
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
print("begins", flush=True)
store = SqliteStore(path)

def put(page, producer=None, dont_filter=False):
    if 0 <= page < pages:
        data = b"%d" % page
        store.put(NewRequest(data, data, f"host {page % 3}", 0, dont_filter), producer)

def is_unfiltered(page):
    return page % 7 == 0

def lead(lease):
    page = int(lease.data)
    for child in (2 * page + 1, 2 * page + 2):
        put(child, lease.id, is_unfiltered(child))
    for neighbour in (page - 1, page + 1):
        if not is_unfiltered(neighbour):
            put(neighbour, lease.id)
    store.add_item(lease.data, lease.id)
    store.add_note("pages", lease.data, b"", lease.id)

if not store.was_start(b"start"):
    put(0)
    store.add_start(b"start")
while store.has_pending():
    leases = [lease for lease in (store.lease(), store.lease(), store.lease()) if lease]
    for lease in leases:
        lead(lease)
        store.commit()
    if int(leases[0].data) % 5 == 0:
        store.release(leases[0].id)
        if child := store.lease():
            lead(child)
            store.finish(child.id)
            store.commit()
    for lease in leases:
        store.finish(lease.id)
        store.set_value("last", lease.data)
        store.commit()
store.close()
"""


def crawl_until_killed(path: Path, pages: int, order: random.Random, *, by_size: bool) -> bool:
    """Run the crawl and kill it; return whether it came to its end before that."""
    size = order.randrange(20_000, 600_000) if by_size else 0
    with subprocess.Popen(
        [sys.executable, "-c", CRAWL, str(path), str(pages), str(size)], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begins\n"
        if not by_size:
            try:
                process.wait(order.random() * 0.5)
            except subprocess.TimeoutExpired:
                process.kill()
    assert process.returncode in (0, -signal.SIGKILL, -signal.SIGXFSZ)
    return process.returncode == 0


@pytest.mark.parametrize(
    ("pages", "kills"),
    [
        pytest.param(400, 8, id="short"),
        pytest.param(5000, 150, id="long", marks=pytest.mark.soak),
    ],
)
@pytest.mark.parametrize("by_size", [False, True], ids=["at-any-time", "within-a-write"])
def test_kills_lose_and_double_nothing(
    path: Path, pages: int, kills: int, *, by_size: bool
) -> None:
    order = random.Random()
    for _ in range(kills):
        if crawl_until_killed(path, pages, order, by_size=by_size):
            break
    subprocess.run([sys.executable, "-c", CRAWL, str(path), str(pages), "0"], check=True)
    store = SqliteStore(path)
    everything = sorted(b"%d" % page for page in range(pages))
    assert store.counts() == Counts(done=pages, items=pages)
    assert sorted(data for _, data in store.items()) == everything
    assert sorted(key for key, _ in store.notes("pages")) == everything
    assert store._connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert store._connection.execute("SELECT count(*) FROM requests").fetchone() == (0,)
    store.close()
