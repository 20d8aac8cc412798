"""The file that a frontier is kept in: its tables, how it is made and opened, what its errors mean.

A row of ``requests`` is there from the time on at which the request is put until it is done. What
an unfinished producer leads to is kept in memory, until it is finished or that becomes too much;
then it is written with its producer, which says that it does not count yet. No such row outlives a
crash: opening the store removes them.
"""

from __future__ import annotations

import enum
import errno
import os
import sqlite3
from typing import TYPE_CHECKING

from netcrawl.frontier.store import StoreDamaged, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# "NCfr": tells our files from other databases.
APPLICATION_ID = 0x4E436672
VERSION = 1

_MAGIC = b"SQLite format 3\0"
_HEADER_SIZE = 100
_PAGE_SIZE = 4096

# Pages in the write-ahead log, 16 MiB of it, after which they are moved into the file.
_LOG_PAGES = 4096

# KiB of pages in memory.
_CACHE = 32 * 1024

# Seconds that a reader waits for a writer that clears the log, and the other way about.
_PATIENCE = 30.0


class State(enum.IntEnum):
    """Where a request is. READY must stay 0: the indices name it."""

    READY = 0  # to be handed out
    LEASED = 1
    FAILED = 2
    HELD = 3  # waits for its producer
    DONE = 4  # or failed, but its producer is not finished, and so it does not count yet
    SHADOW = 5  # a duplicate, for the case that the producer is forgotten
    CLAIM = 6  # a duplicate, of a producer that is not finished itself


_SCHEMA = """
CREATE TABLE requests (
    id INTEGER PRIMARY KEY,
    state INTEGER NOT NULL,
    slot INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    turn INTEGER NOT NULL,  -- within a priority, the lowest first
    attempt INTEGER NOT NULL,
    producer INTEGER,  -- while it is not finished
    dont_filter INTEGER NOT NULL,
    fingerprint BLOB NOT NULL,
    data BLOB NOT NULL
);
CREATE INDEX requests_ready ON requests (slot, priority DESC, turn) WHERE state = 0;
CREATE INDEX requests_other ON requests (state) WHERE state <> 0;
CREATE INDEX requests_producer ON requests (producer) WHERE producer IS NOT NULL;
CREATE INDEX requests_uncounted ON requests (fingerprint) WHERE producer IS NOT NULL;

CREATE TABLE seen (fingerprint BLOB PRIMARY KEY) WITHOUT ROWID;

CREATE TABLE slots (
    id INTEGER PRIMARY KEY,
    name BLOB NOT NULL UNIQUE,
    ready INTEGER NOT NULL,
    leases INTEGER NOT NULL,
    served INTEGER NOT NULL  -- the number of the last lease
);
CREATE INDEX slots_ready ON slots (leases, served) WHERE ready > 0;

-- What failed attempts have led to, which counts until the request is tried again with success.
CREATE TABLE failures (
    request INTEGER PRIMARY KEY,
    reason BLOB NOT NULL,
    first_item INTEGER NOT NULL,
    last_item INTEGER NOT NULL,
    first_note INTEGER NOT NULL,
    last_note INTEGER NOT NULL
);
CREATE TABLE unfiltered (
    request INTEGER NOT NULL,  -- negative while the attempt is not finished
    fingerprint BLOB NOT NULL,
    times INTEGER NOT NULL,
    PRIMARY KEY (request, fingerprint)
) WITHOUT ROWID;

CREATE TABLE items (id INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE notes (
    kind TEXT NOT NULL,
    id INTEGER NOT NULL,
    key BLOB NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (kind, id)
) WITHOUT ROWID;
CREATE TABLE kinds (kind TEXT PRIMARY KEY) WITHOUT ROWID;

CREATE TABLE held_items (id INTEGER PRIMARY KEY, producer INTEGER NOT NULL, data BLOB NOT NULL);
CREATE INDEX held_items_producer ON held_items (producer);
CREATE TABLE held_notes (
    id INTEGER PRIMARY KEY,
    producer INTEGER NOT NULL,
    kind TEXT NOT NULL,
    key BLOB NOT NULL,
    value BLOB NOT NULL
);
CREATE INDEX held_notes_producer ON held_notes (producer);

CREATE TABLE starts (
    key BLOB PRIMARY KEY,
    run INTEGER NOT NULL,  -- of the numbers that follow
    taken INTEGER NOT NULL,
    earlier INTEGER NOT NULL,  -- taken in by runs before
    asked INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE job_values (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;

CREATE TABLE counters (
    run INTEGER NOT NULL,
    newest_first INTEGER NOT NULL,
    last_request INTEGER NOT NULL,
    last_item INTEGER NOT NULL,
    last_note INTEGER NOT NULL,
    last_lease INTEGER NOT NULL,
    pending INTEGER NOT NULL,
    leased INTEGER NOT NULL,
    done INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    items INTEGER NOT NULL
);
INSERT INTO counters VALUES (0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0);
"""


def open_to_write(path: Path) -> sqlite3.Connection:
    """Open the file, made if there is none. The caller holds the job's lock.

    Raises:
        StoreDamaged: it is not ours, of another version, or broken; it is as it was.
        StoreError: it cannot be opened or made.
    """
    try:
        if path.exists():
            _check(path).close()
        else:
            _create(path)
        connection = _connect(path, "rw")
        try:
            connection.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")
            connection.execute(f"PRAGMA journal_size_limit = {2 * _LOG_PAGES * _PAGE_SIZE}")
            # After a commit a crash of this process loses nothing; one of the machine, at most
            # what came after the last time that the log was moved into the file.
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA secure_delete = OFF")
        except BaseException:
            connection.close()
            raise
    except (sqlite3.Error, OSError) as error:
        raise explained(path, error) from error
    return connection


def open_to_read(path: Path) -> sqlite3.Connection:
    """Open the file of a job that may be running.

    Raises:
        StoreDamaged: it is not ours, of another version, or broken.
        StoreError: it cannot be opened.
    """
    try:
        return _check(path)
    except (sqlite3.Error, OSError) as error:
        raise explained(path, error) from error


def explained(path: Path, error: Exception) -> StoreError:
    """Return the error to raise instead of one of SQLite's, or the operating system's."""
    if isinstance(error, OSError):
        return StoreError(f"{path} cannot be used: {error.strerror or error}{_advice(error.errno)}")
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return StoreDamaged(f"{path} is damaged ({error}); {_INSTEAD}")
    if code == sqlite3.SQLITE_FULL:
        return StoreError(f"{path} cannot grow: the disk is full; make room and run it again")
    if code == sqlite3.SQLITE_BUSY:
        return StoreError(f"{path} is in use by another program, which has it locked")
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return StoreError(f"{path} cannot be used: {error}; see that its folder can be written to")
    if code == sqlite3.SQLITE_IOERR:
        return StoreError(f"{path} cannot be used: {error}; see that its disk has room, and works")
    return StoreError(f"{path} cannot be used: {error}")


_INSTEAD = "restore it from a copy, or start a new job in another folder"


def _advice(code: int | None) -> str:
    return "; make room and run it again" if code in (errno.ENOSPC, errno.EDQUOT) else ""


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    # The mode keeps SQLite from making a file where there is none.
    options = f"mode={mode}"
    if mode == "ro" and not _has_log(path) and not os.access(path.parent, os.W_OK):
        # A reader needs the log's index, which it cannot make there; but there is no log.
        options += "&immutable=1"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?{options}",
        uri=True,
        timeout=_PATIENCE,
        isolation_level=None,
    )
    connection.execute(f"PRAGMA cache_size = -{_CACHE}")
    return connection


def _create(path: Path) -> None:
    """Make the file beside its place, so that what is in its place is always whole."""
    if _has_log(path):
        # SQLite would take the old log for a part of the new file.
        raise StoreDamaged(f"{path} is missing, but {path.name}-wal is there; {_INSTEAD}")
    new = path.with_name(f"{path.name}.new")
    for stale in (new, *_companions(new), *_companions(path)):
        stale.unlink(missing_ok=True)
    connection = sqlite3.connect(new, isolation_level=None)
    try:
        connection.execute(f"PRAGMA page_size = {_PAGE_SIZE}")
        connection.executescript(f"BEGIN; {_SCHEMA} COMMIT")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("PRAGMA journal_mode = WAL")
    finally:
        connection.close()
    new.replace(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _companions(path: Path) -> Iterator[Path]:
    for ending in ("-wal", "-shm", "-journal"):
        yield path.with_name(path.name + ending)


def _has_log(path: Path) -> bool:
    log = next(_companions(path))
    return log.exists() and log.stat().st_size > 0


def _check(path: Path) -> sqlite3.Connection:
    """Open the file for reading, which changes nothing of it, and see that it is ours."""
    _check_header(path)
    connection = _connect(path, "ro")
    try:
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if application != APPLICATION_ID:
            raise StoreDamaged(f"{path} is another program's database; choose another folder")
        if version != VERSION:
            raise StoreDamaged(
                f"{path} is of version {version}, and this netcrawl reads version {VERSION}; "
                "use the netcrawl that made it, or another folder"
            )
        if connection.execute("SELECT * FROM counters").fetchone() is None:
            raise StoreDamaged(f"{path} is damaged (it has lost its counters); {_INSTEAD}")
    except BaseException:
        connection.close()
        raise
    return connection


def _check_header(path: Path) -> None:
    """See that the file is a database, before SQLite touches it, and not cut off."""
    with path.open("rb") as file:
        header = file.read(_HEADER_SIZE)
        size = file.seek(0, os.SEEK_END)
    if not header.startswith(_MAGIC):
        what = "empty" if not header else "not a database"
        raise StoreDamaged(f"{path} is {what}; {_INSTEAD}")
    if _has_log(path):
        return  # some of the pages may be there
    # Offsets of the database header: page size (where 1 is 65536), and number of pages.
    page_size = int.from_bytes(header[16:18], "big")
    whole = (page_size if page_size > 1 else 65536) * int.from_bytes(header[28:32], "big")
    if size < whole:
        raise StoreDamaged(f"{path} is cut off at {size} of {whole} bytes; {_INSTEAD}")
