"""A file that is written beside the one whose place it takes at the end.

Until then, and if nothing comes of it, the one before is there as it was. What is not complete is
in ``FILE.part``.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Self

# Why there is no second file beside some files that can be written themselves: the folder is
# somebody else's or read-only, or the name is as long as names can be.
_NO_PART = frozenset((errno.EACCES, errno.EPERM, errno.EROFS, errno.ENAMETOOLONG))

# Why a file cannot be replaced that can be written: it is mounted there by itself.
_NO_REPLACING = frozenset((errno.EBUSY, errno.EXDEV))


class FileBeingWritten(OSError):
    """Another process writes the same file."""


class Replacement:
    """What is to become the content of a file; ``path`` may be a link, and stays one.

    ``part`` is where it is until ``commit``; None for what is no regular file, such as a pipe: that
    is written itself. So is, if that is all right, a file beside which there can be no other.
    """

    def __init__(self, path: Path, in_place: bool = True) -> None:
        """Open it; ``in_place`` says that the file may also be emptied now and written itself.

        Raises:
            OSError: it cannot be written.
        """
        self.part: Path | None = None
        if is_special(path):
            self.path = path
            self.file: IO[bytes] = path.open("wb")
            return
        self.path = Path(os.path.realpath(path))
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.file = self._open(in_place)

    def commit(self) -> None:
        """Let it take the place of the file, for good: also if the power fails a moment later.

        Raises:
            OSError: it cannot. What was written is still in ``part``.
        """
        self.file.flush()
        if self.part is None:
            self.file.close()
            return
        with contextlib.suppress(FileNotFoundError):
            _take_after(self.file.fileno(), self.path.stat())
        os.fsync(self.file.fileno())
        try:
            self.part.replace(self.path)
        except OSError as exc:
            if exc.errno not in _NO_REPLACING:
                raise
            shutil.copyfile(self.part, self.path)
            self.part.unlink()
        # While it is open, nobody else takes it for theirs.
        self.file.close()
        _fsync_folder(self.path.parent)

    def discard(self) -> None:
        """Forget it; the file stays as it was."""
        if self.part is not None:
            with contextlib.suppress(OSError):
                self.part.unlink()
        self.close()

    def close(self) -> None:
        """Leave what there is in ``part``."""
        with contextlib.suppress(OSError):  # what is in a buffer is written, and may fail once more
            self.file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Forget it, unless it was committed."""
        if not self.file.closed:
            self.discard()

    def _open(self, in_place: bool) -> IO[bytes]:
        if self.path.exists() and not os.access(self.path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self.path))
        part = self.path.with_name(f"{self.path.name}.part")
        try:
            file = _open_alone(part)
        except FileBeingWritten:
            raise
        except OSError as exc:
            if in_place and exc.errno in _NO_PART:
                with contextlib.suppress(OSError):
                    return self.path.open("wb")
            raise
        self.part = part
        return file


def is_special(path: Path) -> bool:
    """Say whether there is something that is no file to be replaced, such as a pipe or a device.

    Raises:
        OSError: it cannot be said.
    """
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        return False


def _open_alone(path: Path) -> IO[bytes]:
    """Open an empty file that no other process has open in this way."""
    import fcntl  # not on every system, where this module is still good for its names

    while True:
        # In a folder of everybody's, such as /tmp, a link of that name may be a trap.
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        file = open(fd, "wb")  # noqa: PTH123, SIM115 - closed by whoever asked for it
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Its owner may have moved it to its place just before that.
            if path.stat().st_ino == os.fstat(fd).st_ino:
                file.truncate()
                return file
        except FileNotFoundError:
            pass
        except BlockingIOError:
            file.close()
            problem = f"{path.name} is being written by another process"
            raise FileBeingWritten(errno.EAGAIN, problem) from None
        except BaseException:
            file.close()
            raise
        file.close()


def _take_after(fd: int, status: os.stat_result) -> None:
    """Give a file the mode of another, and its owner as far as we may."""
    os.fchmod(fd, stat.S_IMODE(status.st_mode))
    mine = os.fstat(fd)
    if (mine.st_uid, mine.st_gid) != (status.st_uid, status.st_gid):
        with contextlib.suppress(OSError):
            os.fchown(fd, status.st_uid, status.st_gid)
            os.fchmod(fd, stat.S_IMODE(status.st_mode))  # a new owner takes set-id bits away


def _fsync_folder(path: Path) -> None:
    with contextlib.suppress(OSError):  # not every file system can
        fd = os.open(path, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
