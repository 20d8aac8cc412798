"""Files on their way into a store: written there, or taken over as they are."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import stat
from abc import abstractmethod
from typing import TYPE_CHECKING

from sockettools.lifetime import Closing

if TYPE_CHECKING:
    from pathlib import Path

    from netcrawl.pipelines.store import Store

# Not on every system; what is opened there is no link either, without the privilege to make them.
_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


class FileOnItsWay(Closing):
    """A file of a store that has no name of its own yet. Not placed, it goes when it is closed."""

    def __init__(self, store: Store, path: Path) -> None:
        self._store = store
        self._path = path

    @property
    @abstractmethod
    def size(self) -> int:
        """How many octets there are so far."""

    @property
    @abstractmethod
    def sha256(self) -> str:
        """Of these octets, in hexadecimal digits."""

    @property
    def path(self) -> Path:
        """Where it is for the moment, for reading only."""
        return self._path

    def place(self, name: str, *, replaces: str | None = None) -> str:
        """Give it its name, and return its path, relative to the store.

        If the name is taken, in whatever case, by the same content, that file is returned; by any
        other, this one gets digits of its SHA-256 before the extension. With ``replaces``, the
        path of a file in the store, it takes that one's place.

        Raises:
            ValueError: it is not a name, but a path, or hidden.
            StoreError: it cannot be written.
        """
        with self._store.explained():
            self._settle()
        return self._store.place(self, name, replaces)

    def close(self) -> None:
        """Remove it, unless it was placed."""
        with contextlib.suppress(OSError):
            self._path.unlink()

    @abstractmethod
    def _settle(self) -> None:
        """Have all of it on the disk: else the name might survive a power cut, and it not."""


class NewFile(FileOnItsWay):
    """One that is being written."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, _unused_path(store))
        self._size = 0
        self._digest = hashlib.sha256()
        with store.explained():
            fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS, 0o666)
            self._file = os.fdopen(fd, "wb")

    @property
    def size(self) -> int:
        """See ``FileOnItsWay``."""
        return self._size

    @property
    def sha256(self) -> str:
        """See ``FileOnItsWay``."""
        return self._digest.hexdigest()

    @property
    def path(self) -> Path:
        """Where it is, with all that was written."""
        if not self._file.closed:
            with self._store.explained():
                self._file.flush()
        return self._path

    def write(self, block: bytes | memoryview) -> None:
        """Append to it.

        Raises:
            StoreError: there is no room, or the like.
        """
        with self._store.explained():
            self._file.write(block)
        self._digest.update(block)
        self._size += len(block)

    def close(self) -> None:
        """See ``FileOnItsWay``."""
        with contextlib.suppress(OSError):  # what is in Python's buffer may not fit
            self._file.close()
        super().close()

    def _settle(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()


class TakenFile(FileOnItsWay):
    """One that was complete before, with what its last owner knows of it."""

    def __init__(self, store: Store, path: Path, size: int, sha256: str) -> None:
        super().__init__(store, path)
        self._size = size
        self._sha256 = sha256

    @property
    def size(self) -> int:
        """See ``FileOnItsWay``."""
        return self._size

    @property
    def sha256(self) -> str:
        """See ``FileOnItsWay``."""
        return self._sha256

    def _settle(self) -> None:
        fd = os.open(self._path, os.O_RDWR | _FLAGS)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def take(store: Store, path: Path, size: int, sha256: str) -> TakenFile | None:
    """Move a file into the store, if it has that size, and no octet needs to be copied."""
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode) or status.st_size != size:
        return None
    target = _unused_path(store)
    try:
        path.rename(target)
    except OSError as exc:
        if exc.errno != errno.EXDEV:
            raise
        return None
    return TakenFile(store, target, size, sha256)


def _unused_path(store: Store) -> Path:
    return store.partial / secrets.token_hex(16)
