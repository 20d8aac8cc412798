"""Files that are written at the end, in the place of what there was: the old one or the new one.

Never half of the new one: it gets its name once all of it is on the disk.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from sockettools.cli.naming import naming
from sockettools.lifetime import Closing

if TYPE_CHECKING:
    from typing import BinaryIO

# Names of what this process has open already, be it a file: that is written to, not replaced.
_OPEN_FILES = ("/dev/stdout", "/dev/stderr", "/dev/fd/", "/proc/self/fd/")


class Replacement(Closing):
    """A file to be. A device or a pipe has no other in its place: it is written to itself."""

    def __init__(self, name: str, mode: int = 0o666) -> None:
        """Make sure that it can be written; a file that is there already keeps its own mode.

        Raises:
            OSError: it cannot.
        """
        self._name = name
        self._temporary: Path | None = None
        # Where the name is a link, what it leads to is replaced, and the link stays.
        self._path = Path(os.path.realpath(name))
        with naming(name):
            if is_written_to(name):
                flags = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC
                self._file: BinaryIO = os.fdopen(os.open(name, flags), "wb")
            else:
                self._file = self._beside(mode)

    def write(self, data: bytes) -> None:
        """Write all of it, and let it take the place.

        Raises:
            OSError: the disk is full, for one; what was there is as it was.
        """
        with naming(self._name):
            self._file.write(data)
            self._file.flush()
            if self._temporary is not None:
                # Else the new name might survive a power cut, and the content not.
                os.fsync(self._file.fileno())
                self._temporary.replace(self._path)
                self._temporary = None

    def close(self) -> None:
        """Leave nothing behind of what did not take the place."""
        with contextlib.suppress(OSError):  # the same as in writing: its buffer does not fit
            self._file.close()
        if self._temporary is not None:
            self._temporary.unlink(missing_ok=True)
            self._temporary = None

    def _beside(self, mode: int) -> BinaryIO:
        kept = self._mode_of_old()
        temporary = self._path.with_name(f".sockettools-{secrets.token_hex(8)}")
        # In a folder that others can write to, a link could lead to any file of ours.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            fd = os.open(temporary, flags, mode if kept is None else 0o600)
        except OSError as exc:  # the name that was given says more than one made up
            raise OSError(exc.errno, exc.strerror, self._name) from exc
        self._temporary = temporary
        if kept is not None:
            with contextlib.suppress(OSError):
                os.fchmod(fd, kept)
        return os.fdopen(fd, "wb")

    def _mode_of_old(self) -> int | None:
        if self._path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), self._name)
        if not self._path.exists():
            return None
        if not os.access(self._path, os.W_OK):  # to replace it would not be what was meant
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), self._name)
        return stat.S_IMODE(self._path.stat().st_mode)


def is_written_to(name: str) -> bool:
    """Tell whether no file can take the place of what has this name: /dev/null, a pipe."""
    if os.path.abspath(name).startswith(_OPEN_FILES):  # noqa: PTH100 - links are not followed
        return True
    path = Path(name)
    return path.exists() and not path.is_file() and not path.is_dir()
