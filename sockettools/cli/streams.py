"""The three streams of a command, handed in so that a test can hold them."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TextIO


@dataclass(frozen=True)
class Streams:
    """Data goes to ``stdout``, everything else to ``stderr``."""

    stdin: TextIO
    stdout: TextIO
    stderr: TextIO

    @classmethod
    def standard(cls) -> Streams:
        """Return this process's own."""
        return cls(sys.stdin, sys.stdout, sys.stderr)
