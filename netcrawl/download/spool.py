"""Bodies in files: the folder they are in, and one that grows.

Nothing here waits for the network, and all of it may wait for a disk: it belongs in a thread.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil
import stat
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from scrapy.exceptions import DownloadCancelledError

from netcrawl.download.compression import MAX_GROWN, MAX_GROWTH
from netcrawl.failures import DiskError, NoRoom
from sockettools.errors import TooLong
from sockettools.lifetime import Closing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sockettools.browser.decoding import Decoder

# Octets that are left free on a disk, unless that is more than a twentieth of it: a body without
# end is to be that one request's trouble, and nobody else's.
RESERVE = 256 * 1024 * 1024
_SHARE = 20

# How many pieces the system takes at a time; POSIX promises 16, and Linux, macOS and the BSDs give
# so many.
MOST_BLOCKS = 1024

# Octets between two looks at what is free.
_STRIDE = 16 * 1024 * 1024

_PREFIX = "netcrawl-spool-"
_LOCK = "lock"


def default_parent() -> Path:
    """Return the folder for large files that the system has: /tmp is often one in memory."""
    for name in (os.environ.get("TMPDIR"), "/var/tmp"):  # noqa: S108 - a folder of ours in it
        if name and os.access(name, os.W_OK | os.X_OK):
            return Path(name)
    return Path(tempfile.gettempdir())


class SpoolFolder(Closing):
    """A folder of this process's own, made when it is asked for.

    Whose owner is dead is told by the lock in it, which the system takes away with the process.
    """

    def __init__(self, parent: Path) -> None:
        self.parent = parent
        self._mutex = threading.Lock()
        self._path: Path | None = None
        self._lock_fd: int | None = None

    def path(self) -> Path:
        """Return it.

        Raises:
            OSError: it cannot be made.
        """
        with self._mutex:
            if self._path is None:
                self._path = self._make()
            return self._path

    def close(self) -> None:
        """Remove it, with all that is in it."""
        with self._mutex:
            if self._path is not None:
                shutil.rmtree(self._path, ignore_errors=True)
                self._path = None
            if self._lock_fd is not None:
                os.close(self._lock_fd)
                self._lock_fd = None

    def left_behind(self) -> list[Path]:
        """Return what may be such folders of dead processes, or of living ones."""
        try:
            with os.scandir(self.parent) as entries:
                return [Path(entry) for entry in entries if entry.name.startswith(_PREFIX)]
        except OSError:  # there is nothing to clear
            return []

    def _make(self) -> Path:
        self.parent.mkdir(parents=True, exist_ok=True)
        while True:
            path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=self.parent))
            fd = os.open(path / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
            _lock(fd)
            # Before it was locked, another process may have taken it for a dead one's.
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(fd), (path / _LOCK).stat()):
                    self._lock_fd = fd
                    return path
            os.close(fd)


def clear(folders: Sequence[Path]) -> None:
    """Remove the folders of processes that are dead. What cannot be removed stays."""
    for folder in folders:
        with contextlib.suppress(OSError):
            _clear(folder)


def _clear(folder: Path) -> None:
    try:
        import fcntl
    except ImportError:  # Windows: nothing tells whose it is
        return
    status = folder.lstat()
    # Everybody may write where it is: it could be a link, or not be ours.
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
        return
    fd = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(fd)


def _lock(fd: int) -> None:
    try:
        import fcntl
    except ImportError:
        return
    fcntl.flock(fd, fcntl.LOCK_EX)


def _write_all(fd: int, blocks: Sequence[bytes], size: int) -> None:
    written = 0
    if len(blocks) <= MOST_BLOCKS and hasattr(os, "writev"):
        written = os.writev(fd, blocks)
    if written < size:
        rest = memoryview(b"".join(blocks))[written:]
        while rest:
            rest = rest[os.write(fd, rest) :]


class SpoolFile:
    """One body on its way to disk; ``size`` and ``sha256`` are of what is in the file.

    It is made when there is something to write. Any thread may do anything with it.
    """

    def __init__(
        self,
        folder: SpoolFolder | Path,
        *,
        max_size: int = 0,
        expected: int = 0,
        decoder: Decoder | None = None,
        hashes: bool = True,
    ) -> None:
        """Begin. ``max_size`` is a number of octets, 0 for no limit.

        With a ``decoder`` that is what may come of it, and MAX_GROWTH holds. ``expected`` is how
        much will be written, 0 if nobody knows. Without ``hashes`` there is no ``sha256``.
        """
        self.size = 0
        self._folder = folder
        self._path: Path | None = None
        self._max_size = max_size
        self._expected = expected
        self._decoder = decoder
        self._received = 0
        self._digest = hashlib.sha256() if hashes else None
        self._fd: int | None = None
        self._look_at = 0  # how free the disk is, once the file has this size
        self._mutex = threading.Lock()
        self._is_discarded = False

    @property
    def path(self) -> Path:
        """Where it is. There is one once something was written, or it is finished."""
        assert self._path is not None
        return self._path

    @property
    def sha256(self) -> str:
        """In hexadecimal digits."""
        assert self._digest is not None
        return self._digest.hexdigest()

    def write(self, pieces: Sequence[bytes]) -> None:
        """Append what was received.

        Raises:
            DiskError: it cannot be written; nothing stays. NoRoom when there would be too little
                room for others.
            DownloadCancelledError: the body is longer than it may be.
            RemoteProtocolError: it is not what its Content-Encoding says.
        """
        with self._mutex, self._removed_on_error():
            if self._decoder is None:
                self._append(pieces)
                return
            for piece in pieces:
                self._received += len(piece)
                self._append_decoded(self._decoder, piece)

    def finish(self, *, is_complete: bool = True) -> None:
        """Close the file, empty if there was nothing.

        Raises:
            DiskError: it cannot be made.
            IncompleteMessage: what was to be decoded is not complete, as it should be; the file
                stays as it is.
        """
        with self._mutex:
            with self._removed_on_error():
                if self._path is None and not self._is_discarded:
                    self._open()
                self._close()
            if self._decoder is not None and is_complete and not self._is_discarded:
                self._decoder.finish()

    def stop(self) -> None:
        """Have whoever is writing to it in another thread stop soon."""
        self._is_discarded = True

    def discard(self) -> None:
        """Remove it."""
        self.stop()
        with self._mutex:
            self._remove()

    def _append_decoded(self, decoder: Decoder, piece: bytes) -> None:
        try:
            for block in decoder.decode(piece):
                if self._is_discarded:
                    return
                most = max(MAX_GROWN, MAX_GROWTH * self._received)
                if self.size + len(block) > most:
                    raise DownloadCancelledError(
                        f"{self._received} bytes of the body decode to more than {most}"
                    )
                self._append([block])
        except TooLong as exc:
            raise DownloadCancelledError(str(exc)) from exc

    def _append(self, blocks: Sequence[bytes]) -> None:
        if self._is_discarded:
            return
        size = sum(map(len, blocks))
        if self._max_size and self.size + size > self._max_size:
            raise DownloadCancelledError(
                f"the body is longer than the limit of {self._max_size} bytes"
            )
        if self._fd is None:
            self._open()
        assert self._fd is not None
        if self.size >= self._look_at:
            self._check_room(max(0, self._expected - self.size))
            self._look_at = self.size + _STRIDE
        _write_all(self._fd, blocks, size)
        if self._digest is not None:
            for block in blocks:
                self._digest.update(block)
        self.size += size

    def _open(self) -> None:
        folder = self._folder if isinstance(self._folder, Path) else self._folder.path()
        path = folder / secrets.token_hex(16)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        self._fd = os.open(path, flags, 0o666)
        self._path = path

    def _check_room(self, wanted: int) -> None:
        usage = shutil.disk_usage(self.path.parent)
        if wanted > usage.free - min(RESERVE, usage.total // _SHARE):
            needed = f"{wanted} more bytes" if wanted else "more"
            raise NoRoom(f"no room for {needed} in {self.path.parent}: {usage.free} bytes are free")

    def _close(self) -> None:
        if self._fd is not None:
            fd, self._fd = self._fd, None
            os.close(fd)

    def _remove(self) -> None:
        with contextlib.suppress(OSError):
            self._close()
        if self._path is not None:
            with contextlib.suppress(OSError):
                self._path.unlink()

    @contextlib.contextmanager
    def _removed_on_error(self) -> Iterator[None]:
        try:
            yield
        except OSError as exc:
            self._remove()
            folder = self._folder
            where = folder if isinstance(folder, Path) else f"{folder.parent} (DOWNLOAD_SPOOL_DIR)"
            raise DiskError(
                f"the body cannot be written into {where}: {exc.strerror or exc}",
                exc.strerror or str(exc),
            ) from exc
        except BaseException:
            self._remove()
            raise
