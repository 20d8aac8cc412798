"""The three streams of a command, handed in so that a test can hold them."""

from __future__ import annotations

import contextlib
import os
import select
import sys
from dataclasses import dataclass
from typing import TextIO

from sockettools.standard_streams import restore_standard_streams


@dataclass(frozen=True)
class Streams:
    """Data goes to ``stdout``, everything else to ``stderr``."""

    stdin: TextIO
    stdout: TextIO
    stderr: TextIO

    def note(self, line: str) -> None:
        """Write a line to standard error at once; a server goes on when nobody reads it."""
        with contextlib.suppress(OSError, ValueError):
            self.stderr.write(line + "\n")
            self.stderr.flush()

    def write(self, data: bytes) -> None:
        """Write all of it to standard output at once, past Python's buffers.

        Raises:
            BrokenPipeError: nobody reads it any more.
            OSError: the disk is full.
        """
        fd = self.stdout.fileno()
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(fd, rest) :]
            except BlockingIOError:  # somebody else who has it open wanted it so
                select.select([], [fd], [])

    @classmethod
    def standard(cls) -> Streams:
        """Return this process's own; one that is closed goes nowhere."""
        restore_standard_streams()
        return cls(sys.stdin, sys.stdout, sys.stderr)
