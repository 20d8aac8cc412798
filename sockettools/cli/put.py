"""``put``: upload a file by FTP, as curl's ``-T`` does."""

from __future__ import annotations

import os
import select
import stat
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from sockettools.cli.accessing import accessing, add_access_arguments, read_service_url
from sockettools.cli.naming import naming
from sockettools.cli.printing import print_lines
from sockettools.cli.status import ExitStatus, WrongUsage
from sockettools.net.stream import RECEIVE_SIZE
from sockettools.progress import ProgressBar
from sockettools.tasks.fetch.ftp import parse_place
from sockettools.tasks.put import CannotContinue, uploading

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from sockettools.cli.streams import Streams
    from sockettools.service_url import ServiceUrl
    from sockettools.tasks.fetch.ftp import FtpPlace

HELP = "upload a file by FTP"

_STANDARD_INPUT = "standard input"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("file", metavar="FILE", help="what to upload; - is standard input")
    parser.add_argument(
        "url",
        metavar="URL",
        help="ftp:// or ftps://, to be the file; one that ends with a slash is a directory for it "
        "to be in, under its own name; ;type=a behind it uploads text, line by line",
    )
    group = parser.add_argument_group("the upload")
    group.add_argument(
        "-C",
        "--continue-at",
        choices=["-"],
        metavar="-",
        help="go on with an upload that was interrupted, from where it got to",
    )
    group.add_argument(
        "--create-dirs", action="store_true", help="make the directories that are missing"
    )
    add_access_arguments(parser)


def main(arguments: argparse.Namespace, streams: Streams) -> ExitStatus:
    """Upload it, and tell how much that was."""
    url = read_service_url(arguments.url, "ftp")
    resume = arguments.continue_at is not None
    place = _place(url, arguments.file, resume=resume)
    with ExitStack() as stack:
        source = stack.enter_context(_Source.open(arguments.file, streams))
        access = stack.enter_context(accessing(arguments, streams))
        upload = stack.enter_context(
            uploading(url, place, access, resume=resume, create_directories=arguments.create_dirs)
        )
        source.skip(upload.offset)
        if upload.offset and source.size == upload.offset:
            print_lines(streams, [f"All {upload.offset} bytes are there already."])
            return ExitStatus.DONE
        bar = stack.enter_context(closing(ProgressBar(streams.stderr, monotonic)))
        size = upload.send(source.blocks(bar))
    behind = f" behind the {upload.offset} that were there" if upload.offset else ""
    print_lines(streams, [f"{size} bytes uploaded{behind}."])
    return ExitStatus.DONE


def _place(url: ServiceUrl, file: str, *, resume: bool) -> FtpPlace:
    try:
        place = parse_place(url.path)
    except ValueError as exc:
        raise WrongUsage(f"{url}: {exc}") from exc
    if place.is_text and resume:
        raise WrongUsage("-C - counts bytes, and ;type=a lines: they exclude each other")
    if not place.is_directory:
        return place
    name = os.fsencode(Path(file).name)
    if file == "-" or not name:
        raise WrongUsage(f"{url} is a directory: write behind it what the file is to be called")
    if b"\r" in name or b"\n" in name:
        raise WrongUsage(f"{file!r} has a line end in its name: give it another one in the URL")
    folder = place.path if not place.path or place.path.endswith(b"/") else place.path + b"/"
    return replace(place, path=folder + name, is_directory=False)


class _Source:
    """What is uploaded, past Python's buffers; ``size`` where it is a file, which has one."""

    def __init__(self, fd: int, name: str) -> None:
        self._fd = fd
        self._name = name
        self._done = 0
        status = os.fstat(fd)
        self.size = status.st_size if stat.S_ISREG(status.st_mode) else None

    @classmethod
    @contextmanager
    def open(cls, file: str, streams: Streams) -> Iterator[_Source]:
        if file == "-":
            streams.check_input()
            yield cls(streams.stdin.fileno(), _STANDARD_INPUT)
            return
        with Path(file).open("rb", buffering=0) as opened:
            yield cls(opened.fileno(), file)

    def skip(self, offset: int) -> None:
        """Leave out what the server has already; a pipe can only be read up to there.

        Raises:
            CannotContinue: there is not that much.
        """
        while self._done < offset:
            if not (data := self._read(min(RECEIVE_SIZE, offset - self._done))):
                raise CannotContinue(
                    f"the server has {offset} bytes of it already, and {self._name} has only "
                    f"{self._done}: what is there is no beginning of it"
                )
            self._done += len(data)

    def blocks(self, bar: ProgressBar) -> Iterator[bytes]:
        """Yield the rest."""
        while data := self._read(RECEIVE_SIZE):
            yield data
            self._done += len(data)
            bar.update(self._done, self.size)

    def _read(self, size: int) -> bytes:
        with naming(self._name):
            while True:
                try:
                    return os.read(self._fd, size)
                except BlockingIOError:  # somebody else who has it open wanted it so
                    select.select([self._fd], [], [])
