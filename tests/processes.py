"""What else runs on this machine."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

from tests.patience import patience


def is_gone(word: str) -> bool:
    """Return whether, soon, no process has the word in its command line."""
    deadline = patience()
    while _runs(word):  # it was killed, perhaps, and is on its way out
        if deadline.has_passed():
            return False
        time.sleep(0.01)
    return True


def _runs(word: str) -> bool:
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has ended meanwhile
            if word.encode() in command.read_bytes():
                return True
    return False
