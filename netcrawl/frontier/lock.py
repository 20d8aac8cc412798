"""One process at a time works on a job: the lock in its folder.

It is a lock of the operating system's, which goes when its owner does, however that ends. The file
stays; the process id in it is for people.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from typing import TYPE_CHECKING

from netcrawl.frontier.store import StoreError, StoreInUse

if TYPE_CHECKING:
    from pathlib import Path

NAME = "lock"

# Whoever only asks for the owner holds the lock for a moment.
_PATIENCE = 0.5
_PAUSE = 0.02

_TAKEN = (errno.EAGAIN, errno.EACCES)

# More than any process id has.
_MAX_DIGITS = 20


class JobLock:
    """A job's folder, while it is ours."""

    def __init__(self, folder: Path) -> None:
        """Take the lock, in a folder that is there.

        Raises:
            StoreInUse: another process has it.
            StoreError: the folder cannot be written to.
        """
        self._path = folder / NAME
        try:
            self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise _unusable(self._path, error) from error
        try:
            self._take(folder)
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, b"%d\n" % os.getpid(), 0)
        except OSError as error:
            os.close(self._fd)
            raise _unusable(self._path, error) from error
        except StoreError:
            os.close(self._fd)
            raise

    def _take(self, folder: Path) -> None:
        deadline = time.monotonic() + _PATIENCE
        while not _lock(self._fd, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                raise StoreInUse(f"{folder} is in use by {_named(_owner(self._fd))}")
            time.sleep(_PAUSE)

    def release(self) -> None:
        """Let others have the folder. More than once does nothing more."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def owner(folder: Path) -> int | None:
    """Return the id of the process that has the folder; None if none has, 0 if that is not known.

    Raises:
        StoreError: the folder's lock cannot be read.
    """
    path = folder / NAME
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unusable(path, error) from error
    try:
        return None if _lock(fd, fcntl.LOCK_SH) else _owner(fd)
    except OSError as error:
        raise _unusable(path, error) from error
    finally:
        os.close(fd)


def _lock(fd: int, kind: int) -> bool:
    try:
        fcntl.flock(fd, kind | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _TAKEN:
            return False
        raise
    return True


def _owner(fd: int) -> int:
    text = os.pread(fd, _MAX_DIGITS, 0).strip()
    return int(text) if text.isdigit() else 0


def _named(process: int) -> str:
    return f"process {process}" if process else "another process"


def _unusable(path: Path, error: OSError) -> StoreError:
    return StoreError(f"{path} cannot be used: {error.strerror or error}")
