"""A folder of complete files, and what the server said of each when it was last asked.

A file grows in ``.partial/`` under a name of its own, and gets its final one in a single step once
all of it is there. Whatever is killed in between leaves nothing in the folder but a partial file,
which the next crawl clears away.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import sqlite3
import stat
import threading
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from netcrawl.pipelines.new_file import NewFile, take

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from netcrawl.pipelines.new_file import FileOnItsWay, TakenFile

# Names of the store's own begin with a dot: no file's does (see names.clean_name).
PARTIAL = ".partial"
LOCK = ".lock"
INDEX = ".index.sqlite"

_PARTIAL_NAME = re.compile(r"[0-9a-f]{32}")

# Before the last one, or the one before .gz and its kin.
_EXTENSION = re.compile(r"(?:\.tar)?\.[^.]{1,100}$", re.IGNORECASE)

# Digits of the SHA-256 that a name gets when others have the name without them.
_DIGITS = (8, 16, 32)

# File systems that have no hard links say so in one of these ways.
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)

# Not on every system; what is opened there is no link either, without the privilege to make them.
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)

# Seconds to wait for another crawl that is writing to the index.
_PATIENCE = 60


class StoreError(Exception):
    """The store cannot be read or written; the text says which and why, in one line."""


class Store:
    """One open store. Several crawls may have it open at once; any thread may use it."""

    def __init__(self, root: Path) -> None:
        """Open the folder, made if there is none, and see that files can be placed there.

        Raises:
            StoreError: they cannot.
        """
        self.shown = str(root)
        self._lock = threading.Lock()
        self._lock_fd: int | None = None
        with self.explained():
            root.mkdir(parents=True, exist_ok=True)
            self.root = Path(os.path.realpath(root))
            self.partial = self.root / PARTIAL
            self.partial.mkdir(exist_ok=True)
            if not stat.S_ISDIR(self.partial.lstat().st_mode):
                # A link could lead to any folder of ours, and be cleared.
                raise StoreError(f"store {self.shown} cannot be used: {PARTIAL} in it is no folder")
            try:
                self._open_lock()
                with self.new():
                    pass
                with os.scandir(self.root) as entries:
                    self._names = {_key(entry.name): entry.name for entry in entries}
            except BaseException:
                self.close()
                raise

    def new(self) -> NewFile:
        """Begin a file: ``with store.new() as file``. Not placed in it, it is gone after it.

        Raises:
            StoreError: it cannot be written.
        """
        return NewFile(self)

    def take(self, path: Path, size: int, sha256: str) -> TakenFile | None:
        """Take over a file that is complete, as ``new`` does one that is to be written.

        Return None if it is no such file, or on another file system.

        Raises:
            StoreError: it cannot be moved.
        """
        with self.explained():
            return take(self, path, size, sha256)

    def holds(self, path: str, size: int, sha256: str) -> bool:
        """Tell whether this very content is there, reading all of it."""
        if self.size(path) != size:
            return False
        try:
            # Not blocking, should it be a pipe from this moment on.
            flags = os.O_RDONLY | _NOFOLLOW | getattr(os, "O_NONBLOCK", 0)
            with os.fdopen(os.open(self.root / path, flags), "rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == sha256
        except OSError:
            return False

    def size(self, path: str) -> int | None:
        """Return how many octets a file has; None if it is not there, or no file."""
        if not _is_plain(path):
            return None
        try:
            status = (self.root / path).lstat()
        except OSError:
            return None
        return status.st_size if stat.S_ISREG(status.st_mode) else None

    def close(self) -> None:
        """Let others clear what is left of this crawl."""
        if self._lock_fd is not None:
            os.close(self._lock_fd)
            self._lock_fd = None

    def place(self, file: FileOnItsWay, name: str, replaces: str | None) -> str:
        """Give a file its name; see ``FileOnItsWay.place``, which is for others to call."""
        if not _is_plain(name) or not (replaces is None or _is_plain(replaces)):
            raise ValueError(f"{name!r} is not the name of a file")
        with self._lock, self.explained():
            if replaces is not None:
                file.path.replace(self.root / replaces)
                return replaces
            for candidate in _candidates(name, file.sha256):
                taken = self._names.get(_key(candidate), candidate)
                if self._link(file.path, taken):
                    self._names[_key(taken)] = taken
                    return taken
                if self.holds(taken, file.size, file.sha256):
                    return taken
        raise StoreError(f"store {self.shown} has other files by every name for {name!r}")

    def _link(self, source: Path, name: str) -> bool:
        """Give a file its name; False if something has it, be it from this very moment."""
        target = self.root / name
        try:
            os.link(source, target, follow_symlinks=False)
        except FileExistsError:
            return False
        except OSError as exc:
            if exc.errno not in _NO_LINKS:
                raise
            # Here another crawl can be a moment too late to notice.
            if os.path.lexists(target):
                return False
            source.rename(target)
        return True

    def _open_lock(self) -> None:
        """Clear partial files, if nobody else has the store open; then have it open together."""
        try:
            import fcntl
        except ImportError:  # Windows: nothing tells whose they are, so they stay
            return
        self._lock_fd = os.open(self.root / LOCK, os.O_RDWR | os.O_CREAT | _NOFOLLOW, 0o666)
        try:
            fcntl.flock(self._lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pass
        except OSError:  # a file system without locks: the same
            return
        else:
            self._clear()
        # Between the two another crawl may clear: there is nothing of ours yet.
        fcntl.flock(self._lock_fd, fcntl.LOCK_SH)

    def _clear(self) -> None:
        with os.scandir(self.partial) as entries:
            for entry in entries:
                if _PARTIAL_NAME.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                    Path(entry).unlink()

    @contextlib.contextmanager
    def explained(self) -> Iterator[None]:
        """Have what the system says end in a StoreError that names the store."""
        try:
            yield
        except OSError as exc:
            raise StoreError(
                f"store {self.shown} cannot be written: {exc.strerror or exc}"
            ) from exc


@dataclass(frozen=True)
class Entry:
    """What was stored for a URL, and what the server said of it.

    ``source`` is the URL that it came from in the end; ``name`` the one that it was to have and
    ``path`` the one that it got. ``details`` are its pipeline's own, what JSON can write.
    """

    url: str
    source: str
    name: str
    path: str
    sha256: str
    size: int
    content_type: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    details: dict[str, Any] = field(default_factory=dict)


_SCHEMA_VERSION = 1
_SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS files (
    kind TEXT NOT NULL, url TEXT NOT NULL, source TEXT NOT NULL, name TEXT NOT NULL,
    path TEXT NOT NULL, sha256 TEXT NOT NULL, size INTEGER NOT NULL, content_type TEXT,
    etag TEXT, last_modified TEXT, details TEXT NOT NULL,
    PRIMARY KEY (kind, url)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS files_path ON files (path);
PRAGMA user_version = {_SCHEMA_VERSION};
COMMIT;
"""
_COLUMNS = "url, source, name, path, sha256, size, content_type, etag, last_modified, details"


class Memory:
    """The index of a store: an entry for each URL, apart for each ``kind`` of pipeline.

    It is there to save downloads. Should it break, it is put aside and started anew; no file
    depends on it. ``problem`` says that this happened, None while all is well.
    """

    def __init__(self, store: Store, kind: str) -> None:
        """Open it.

        Raises:
            StoreError: it cannot be opened.
        """
        self.problem: str | None = None
        self._store = store
        self._kind = kind
        self._path = store.root / INDEX
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        with self._lock:
            self._read("SELECT 1")

    def recall(self, url: str) -> Entry | None:
        """Return what is known of ``url``; None unless its file is there, with its size.

        Raises:
            StoreError: the index cannot be read.
        """
        with self._lock:
            rows = self._read(
                f"SELECT {_COLUMNS} FROM files WHERE kind = ? AND url = ?",  # noqa: S608
                self._kind,
                url,
            )
        entry = _entry(rows[0]) if rows else None
        if entry is None or self._store.size(entry.path) != entry.size:
            return None
        return entry

    def remember(self, entry: Entry) -> None:
        """Write an entry, in the place of the URL's last one.

        Raises:
            StoreError: it cannot be written.
        """
        with self._lock:
            self._read(
                f"INSERT OR REPLACE INTO files (kind, {_COLUMNS})"  # noqa: S608
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                self._kind,
                entry.url,
                entry.source,
                entry.name,
                entry.path,
                entry.sha256,
                entry.size,
                entry.content_type,
                entry.etag,
                entry.last_modified,
                json.dumps(entry.details),
            )

    def forget(self, url: str) -> None:
        """Know nothing of ``url``: its file is about to be another one.

        Raises:
            StoreError: the index cannot be written.
        """
        with self._lock:
            self._read("DELETE FROM files WHERE kind = ? AND url = ?", self._kind, url)

    def is_shared(self, path: str, url: str) -> bool:
        """Tell whether a file is that of another URL, too, or of another kind of pipeline.

        Raises:
            StoreError: the index cannot be read.
        """
        with self._lock:
            return bool(
                self._read(
                    "SELECT 1 FROM files WHERE path = ? AND (kind, url) != (?, ?) LIMIT 1",
                    path,
                    self._kind,
                    url,
                )
            )

    def close(self) -> None:
        """Close it."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _read(self, statement: str, *values: object) -> list[Sequence[Any]]:
        try:
            try:
                return self._execute(statement, values)
            except sqlite3.DatabaseError as exc:
                if not _is_broken(exc):
                    raise
                self._put_aside()
                return self._execute(statement, values)
        except (sqlite3.Error, OSError) as exc:
            raise StoreError(f"store {self._store.shown}: its index cannot be used: {exc}") from exc

    def _execute(self, statement: str, values: tuple[object, ...]) -> list[Sequence[Any]]:
        if self._connection is None:
            self._connection = self._connected()
        return self._connection.execute(statement, values).fetchall()

    def _connected(self) -> sqlite3.Connection:
        if self._path.is_symlink():  # SQLite would follow it, to any file of ours
            raise OSError(f"{INDEX} is a link")
        connection = sqlite3.connect(
            self._path,
            timeout=_PATIENCE,
            isolation_level=None,  # each statement is its own transaction
            check_same_thread=False,
        )
        try:
            # Enough that a crash breaks nothing; the last entries may be lost, with a power cut.
            connection.execute("PRAGMA synchronous = NORMAL")
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version > _SCHEMA_VERSION:
                raise _OtherVersion("it is a later version's")
            if version < _SCHEMA_VERSION:
                connection.executescript(_SCHEMA)
        except BaseException:
            connection.close()
            raise
        return connection

    def _put_aside(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        aside = self._path.with_name(f"{INDEX}.broken")
        self._path.replace(aside)
        self._path.with_name(f"{INDEX}-journal").unlink(missing_ok=True)
        self.problem = (
            f"the index of store {self._store.shown} cannot be read, and is started anew: "
            "files are downloaded whether they changed or not"
        )


class _OtherVersion(sqlite3.DatabaseError):
    sqlite_errorcode = sqlite3.SQLITE_NOTADB


def _is_broken(error: sqlite3.DatabaseError) -> bool:
    # The low octet is the code, the others are which kind of it.
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    # A table that has other columns, or is a view: nothing that we have made.
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)


def _entry(row: Sequence[Any]) -> Entry | None:
    """Return the row as an entry, None if somebody else has written it."""
    *texts, size, content_type, etag, last_modified, details = row
    optional = (value for value in (content_type, etag, last_modified) if value is not None)
    if not all(isinstance(value, str) for value in (*texts, details, *optional)):
        return None
    try:
        extra = json.loads(details)
    except ValueError:
        return None
    if not isinstance(size, int) or not isinstance(extra, dict):
        return None
    url, source, name, path, sha256 = texts
    return Entry(url, source, name, path, sha256, size, content_type, etag, last_modified, extra)


def _is_plain(name: str) -> bool:
    """Tell whether it is one name, that of a file which the store may have for somebody."""
    return not name.startswith(".") and name != "" and not set(name) & set("/\\\0")


def _key(name: str) -> str:
    """Return what two names have in common that are one on Windows or macOS."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


def _candidates(name: str, sha256: str) -> Iterator[str]:
    yield name
    match = _EXTENSION.search(name)
    extension = match.group() if match and match.start() else ""
    stem = name.removesuffix(extension)
    for digits in _DIGITS:
        yield f"{stem}-{sha256[:digits]}{extension}"
