"""The three streams of a command, handed in so that a test can hold them."""

from __future__ import annotations

import contextlib
import os
import select
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from sockettools.cli.naming import naming
from sockettools.errors import SocketToolsError
from sockettools.standard_streams import restore_standard_streams

if TYPE_CHECKING:
    from collections.abc import Iterator

STANDARD_OUTPUT = "standard output"


class OutputClosed(SocketToolsError):
    """There are data to write, and no standard output (``>&-``)."""


class InputClosed(SocketToolsError):
    """Something is to be read from standard input, and there is none (``<&-``)."""


@dataclass(frozen=True)
class Streams:
    """Data goes to ``stdout``, everything else to ``stderr``."""

    stdin: TextIO
    stdout: TextIO
    stderr: TextIO
    is_output_closed: bool = False  # ``stdout`` leads nowhere then
    is_input_closed: bool = False  # nothing comes from ``stdin`` then, which is not an empty file

    def note(self, line: str) -> None:
        """Write a line to standard error at once; a server goes on when nobody reads it."""
        with contextlib.suppress(OSError, ValueError):
            self.stderr.write(line + "\n")
            self.stderr.flush()

    def write(self, data: bytes) -> None:
        """Write all of it to standard output at once, past Python's buffers.

        Raises:
            OutputClosed: there is none.
            BrokenPipeError: nobody reads it any more.
            OSError: the disk is full.
        """
        self._check_output()
        fd = self.stdout.fileno()
        rest = memoryview(data)
        with naming(STANDARD_OUTPUT):
            while rest:
                try:
                    rest = rest[os.write(fd, rest) :]
                except BlockingIOError:  # somebody else who has it open wanted it so
                    select.select([], [fd], [])

    def print(self, text: str) -> None:
        """Write text to standard output at once; see ``write``."""
        self._check_output()
        with naming(STANDARD_OUTPUT):
            self.stdout.write(text)
            self.stdout.flush()

    def check_input(self) -> None:
        """Let a command read all of standard input.

        Raises:
            InputClosed: there is none.
        """
        if self.is_input_closed:
            raise InputClosed("standard input is closed")

    def _check_output(self) -> None:
        if self.is_output_closed:
            raise OutputClosed(f"{STANDARD_OUTPUT} is closed")

    @classmethod
    def standard(cls) -> Streams:
        """Return this process's own; what is closed is the null device."""
        restore_standard_streams()
        return cls(
            *(sys.stdin, sys.stdout, sys.stderr),
            is_output_closed=sys.__stdout__ is None,
            is_input_closed=sys.__stdin__ is None,
        )


def read_blocks(file: TextIO, max_bytes: int) -> Iterator[bytes]:
    """Yield what is there as soon as it is: a terminal's line, a pipe's write.

    Past Python's buffers, whose locks a thread that waits would hold until the very end.
    """
    fd = file.fileno()
    while True:
        try:
            data = os.read(fd, max_bytes)
        except BlockingIOError:  # somebody else who has it open wanted it so
            select.select([fd], [], [])
        else:
            if not data:
                return
            yield data
