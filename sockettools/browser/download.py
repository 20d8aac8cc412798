"""A body into a file, which has its own name only once it is complete.

Until then it grows in ``NAME.part``, and ``NAME.part.json`` tells what it is a part of: so it can
be gone on with later, and never with the rest of something else (RFC 9110 section 13.1.5).
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import shutil
import stat
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from sockettools.errors import IncompleteMessage, RemoteProtocolError, SocketToolsError, TooLong
from sockettools.lifetime import Closing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sockettools.browser.response import Response

_CONTENT_RANGE = re.compile(
    r"bytes (?:(?P<first>[0-9]{1,19})-[0-9]{1,19}|\*)/(?P<size>[0-9]{1,19}|\*)"
)

# Octets of the note beside a part: what is in it is shorter.
_MAX_NOTE = 65_536

# What a server can have said and a later request can say again: a strong entity tag (a weak one
# does not vouch for every octet), or a date (RFC 9110 sections 8.8.2 and 8.8.3).
_VALIDATOR = re.compile(r'"[\x21\x23-\x7e\x80-\xff]*"|[A-Z][a-z]{2}, [0-9A-Za-z: ]{1,30} GMT')


class FileInUse(SocketToolsError):
    """Another download is writing the same file."""


class NotOurs(SocketToolsError):
    """What has the name of a part was put there by somebody else."""


@dataclass(frozen=True)
class Note:
    """What is known of a part: what it was asked for as, how to recognise it, and how long it is.

    ``total`` octets are the whole; None if nobody has said.
    """

    url: str
    validator: str
    total: int | None


class Download(Closing):
    """One file on its way. ``offset`` octets of it were there before."""

    def __init__(self, path: Path, *, url: str = "", resume: bool = False) -> None:
        """Open the part; with ``resume`` go on with what is there, of the part or of the file.

        ``url`` is what will be asked for: a part of something else is not gone on with.

        Raises:
            FileInUse: another process is at it.
            NotOurs: a link, a pipe, or somebody else's file has the name of the part.
            OSError: it cannot be written there.
        """
        # Where the name is a link, what it leads to is replaced, and the link stays.
        self.path = Path(os.path.realpath(path))
        if self.path.is_dir():  # which would be noticed after the download
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        self.part = self.path.with_name(f"{self.path.name}.part")
        self._note = self.path.with_name(f"{self.path.name}.part.json")
        self._url = url
        self._file = _open_locked(self.part)
        self._is_done = False
        self._is_unwanted = False
        self._is_copy = False
        self._has_begun = False
        self._known: Note | None = None
        self.offset = 0
        if resume:
            with self._closing_on_error():
                self._find_beginning()

    def fields(self) -> tuple[tuple[str, str], ...]:
        """Return what a request has to say to get only the rest."""
        if not self.offset:
            return ()
        fields = [("Range", f"bytes={self.offset}-"), ("Accept-Encoding", "identity")]
        if self._known is not None:
            # If it has changed meanwhile, all of it is wanted.
            fields.append(("If-Range", self._known.validator))
        return tuple(fields)

    def save(self, response: Response, head: bytes = b"") -> Iterator[int]:
        """Write ``head`` and the body, yielding the file's size each time that it has grown.

        Raises:
            RemoteProtocolError: what came is not what would complete the file, or not complete.
            OSError: it cannot be written.
        """
        if self.offset and response.status_code == 416:
            self._check_complete(response)
            self._finish()
            return
        whole = None
        if self.offset and response.status_code == 206:
            whole = self._check_range(response)
        else:
            self.offset = 0
            self._known = None
        self._begin()
        # Part of what was decoded cannot be continued: a range is one of the coded octets. Nor can
        # a head with some of its body, or a part of something that was asked for as such.
        is_beginning = self.offset > 0 or response.status_code == 200
        can_go_on = is_beginning and not head and not response.is_coded()
        total = whole if self.offset else response.expected_size()
        validator = next(iter(_validators(response)), None)
        self._note_validator(validator if can_go_on else None, total)
        self._file.write(head)
        size = self.offset
        for block in response.iter_bytes():
            self._file.write(block)
            size += len(block)
            yield size
        if self.offset and whole is None:
            raise IncompleteMessage(f"{response.url} does not say how long the whole is")
        if self.offset and size != whole:
            raise IncompleteMessage(f"{response.url} sent it up to byte {size} of {whole}")
        self._finish()

    def validator(self) -> str | None:
        """Return by what the beginning that is here is recognised; None for nothing."""
        return self._known.validator if self._known else None

    def save_blocks(
        self, blocks: Iterable[bytes], offset: int, total: int | None, validator: str
    ) -> Iterator[int]:
        """Write what comes by another protocol, from ``offset`` on, as ``save`` does.

        ``total`` is how long the whole is, None if nobody knows; ``validator`` is how it can be
        recognised later, "" for not at all.

        Raises:
            IncompleteMessage: less came.
            TooLong: more came.
            OSError: it cannot be written.
        """
        if not offset:
            self._known = None
        self.offset = offset
        self._begin()
        self._note_validator(validator if _VALIDATOR.fullmatch(validator) else None, total)
        size = offset
        for block in blocks:
            self._file.write(block)
            size += len(block)
            yield size
        if total is not None and size > total:
            raise TooLong(f"{self._url} sent {size} bytes of {total}: it may be changing")
        if total is not None and size != total:
            raise IncompleteMessage(f"{self._url} sent it up to byte {size} of {total}")
        self._finish()

    def kept(self) -> int:
        """Return how many octets a later download can go on from."""
        if self._is_done or self._known is None:
            return 0
        with contextlib.suppress(OSError):  # the disk is full, for one
            self._file.flush()
        return os.fstat(self._file.fileno()).st_size

    def discard(self) -> None:
        """Forget what was received: going on with it would end no better."""
        self._is_unwanted = self._has_begun

    def close(self) -> None:
        """Keep what is there of an incomplete file; of nothing, nothing is left."""
        if self._is_done:
            return
        self._is_done = True
        try:
            # What is still in Python's buffer may not fit on the disk either.
            with contextlib.suppress(OSError):
                self._file.flush()
            is_empty = os.fstat(self._file.fileno()).st_size == 0
            if is_empty or self._is_copy or self._is_unwanted:
                self.part.unlink(missing_ok=True)
                self._note.unlink(missing_ok=True)
        finally:
            with contextlib.suppress(OSError):
                self._file.close()

    def _begin(self) -> None:
        self._has_begun = True
        self._is_copy = False
        self._file.truncate(self.offset)
        self._file.seek(self.offset)

    def _finish(self) -> None:
        self._file.flush()
        # Else the new name might survive a power cut, and the content not.
        os.fsync(self._file.fileno())
        # What only its owner could read stays so.
        with contextlib.suppress(OSError):
            os.fchmod(self._file.fileno(), stat.S_IMODE(self.path.stat().st_mode))
        self.part.replace(self.path)
        self._note.unlink(missing_ok=True)
        self._is_done = True
        self._file.close()

    def _find_beginning(self) -> None:
        size = os.fstat(self._file.fileno()).st_size
        if size:
            note = self._read_note()
            # Where it says nothing of this part, or of another one, all is got anew.
            if note is not None and note.url == self._url:
                self.offset, self._known = size, note
        elif self.path.is_file():
            # Another program's download, cut off or complete: nothing tells what it is a part of.
            self._is_copy = True
            with self.path.open("rb") as beginning:
                shutil.copyfileobj(beginning, self._file)
            self._file.flush()
            self.offset = self._file.tell()

    def _check_range(self, response: Response) -> int | None:
        """Return how many octets the whole file has; None if nobody knows.

        Raises:
            RemoteProtocolError: it is no rest of what is here.
        """
        match = _CONTENT_RANGE.fullmatch(response.text_field("content-range") or "")
        if match is None or match["first"] is None or int(match["first"]) != self.offset:
            raise RemoteProtocolError(
                f"{response.url} sent another part than the one from byte {self.offset} on"
            )
        if response.fields.has(b"content-encoding"):
            raise RemoteProtocolError(f"{response.url} sent a coded part, which fits to no other")
        total = None if match["size"] == "*" else int(match["size"])
        known = self._known
        if known is None:
            return total
        said = response.text_field("etag" if known.validator[0] == '"' else "last-modified")
        if said not in (None, known.validator) or (
            total is not None and known.total is not None and total != known.total
        ):
            raise RemoteProtocolError(
                f"{response.url} sent a part of something else than what is here of it"
            )
        return known.total if total is None else total

    def _check_complete(self, response: Response) -> None:
        match = _CONTENT_RANGE.fullmatch(response.text_field("content-range") or "")
        wanted = self.offset if self._known is None else self._known.total or self.offset
        if match is None or match["size"] != str(self.offset) or wanted != self.offset:
            raise RemoteProtocolError(
                f"{response.url} has no byte {self.offset}: what is here is no part of it"
            )

    def _note_validator(self, validator: str | None, total: int | None) -> None:
        """Write down what is known of the part; without a validator it cannot be gone on with."""
        if self._known is not None:  # this is the rest of what the note is about already
            return
        if validator is None:
            self._note.unlink(missing_ok=True)
            return
        self._known = Note(self._url, validator, total)
        fd = _create(self._note, os.O_WRONLY)
        os.ftruncate(fd, 0)
        with os.fdopen(fd, "w", encoding="utf-8") as note:
            json.dump(asdict(self._known), note)

    def _read_note(self) -> Note | None:
        """Return what is known of the part; None for nothing, or nothing that makes sense."""
        try:
            fd = os.open(self._note, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
            with os.fdopen(fd, "rb") as file:
                content = json.loads(file.read(_MAX_NOTE) or b"")
            note = Note(content["url"], content["validator"], content["total"])
        except (OSError, ValueError, RecursionError, LookupError, TypeError):
            return None
        is_note = (
            isinstance(note.url, str)
            and isinstance(note.validator, str)
            and _VALIDATOR.fullmatch(note.validator)
            and (note.total is None or (type(note.total) is int and note.total >= 0))
        )
        return note if is_note else None

    @contextlib.contextmanager
    def _closing_on_error(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.close()
            raise


def file_name(path: str) -> str | None:
    """Return the name under which a URL's path is saved, as curl's ``-O`` does; None for none.

    It is the last segment as it is written, so that no encoded slash leads out of the folder.

    >>> file_name("/a/cover.jpg"), file_name("/a/..%2Fb"), file_name("/a/")
    ('cover.jpg', '..%2Fb', None)
    """
    return path.rpartition("/")[2] or None


def _open_locked(part: Path) -> BinaryIO:
    """Open for reading and writing, as the only one who does."""
    while True:
        fd = _create(part, os.O_RDWR)
        try:
            _lock(fd, part)
            # Who had it may just have given it its final name.
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(fd), part.lstat()):
                    return os.fdopen(fd, "r+b")
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)


def _create(path: Path, flags: int) -> int:
    """Open a regular file of our own, made if need be.

    In a folder that others can write to, a link could lead to any file of ours, opening a pipe
    could take for ever, and a file of somebody else's would stay theirs under its final name.
    """
    try:
        flags |= os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        fd = os.open(path, flags, 0o666)
    except OSError as exc:
        if exc.errno in (errno.ELOOP, errno.ENXIO):
            raise NotOurs(f"{path} is a link or a pipe: remove it") from None
        raise
    status = os.fstat(fd)
    if stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid() and status.st_nlink <= 1:
        return fd
    os.close(fd)
    raise NotOurs(f"{path} is not a file of your own: remove it")


def _validators(response: Response) -> list[str]:
    """Return by what an answer can be recognised, the best first."""
    said = (response.text_field("etag"), response.text_field("last-modified"))
    return [value for value in said if value is not None and _VALIDATOR.fullmatch(value)]


def _lock(fd: int, part: Path) -> None:
    import fcntl  # not on every system, where this module is still good for its names

    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise FileInUse(f"{part} is being written by another download") from None
