"""A program at a terminal: a pseudo-terminal, with an emulator that tells what can be seen."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
from time import monotonic
from typing import TYPE_CHECKING

import pyte

from tests.crawling import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

# Seconds not to be waited for in a test that passes.
PATIENCE = 100

# Opened first in a session of its own, a terminal becomes that session's. In the new process,
# since little may be done between a fork of a process with threads and its exec.
_TAKE_TERMINAL = """
import os, sys
os.close(os.open(sys.argv[1], os.O_RDWR))
os.execv(sys.argv[2], sys.argv[2:])
"""


def start_at_terminal(
    command: Sequence[str],
    terminal: int,
    *,
    stdout: int | None = None,
    stderr: int | None = None,
    env: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start it where Ctrl-C and another size of the window make signals.

    What is not given of its output goes to the terminal, too.
    """
    take = [sys.executable, "-S", "-E", "-c", _TAKE_TERMINAL, os.ttyname(terminal)]
    return subprocess.Popen(
        [*take, *command],
        stdin=terminal,
        stdout=terminal if stdout is None else stdout,
        stderr=terminal if stderr is None else stderr,
        env=env,
        cwd=ROOT,
        start_new_session=True,
    )


class Terminal:
    """Runs ``python -m`` with arguments; ``screen`` is what stands there, ``raw`` what was sent."""

    def __init__(self, *arguments: object, columns: int = 100, lines: int = 40) -> None:
        self.screen = pyte.Screen(columns, lines)
        self.raw = b""
        self._stream = pyte.ByteStream(self.screen)
        environment = {**os.environ, "TERM": "xterm-256color"}
        for name in ("COLUMNS", "LINES", "NO_COLOR", "CI"):
            environment.pop(name, None)
        self._fd, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        words = [sys.executable, "-m", *map(str, arguments)]
        self.process = start_at_terminal(words, theirs, env=environment)
        os.close(theirs)

    @property
    def lines(self) -> list[str]:
        """What stands on the screen, without the empty lines."""
        return [line.rstrip() for line in self.screen.display if line.strip()]

    @property
    def has_cursor(self) -> bool:
        """Whether the cursor can be seen."""
        return not self.screen.cursor.hidden

    def wait_until(self, holds: Callable[[list[str]], bool]) -> list[str]:
        """Read on until that holds for the screen's lines; return them as they are then."""
        end = monotonic() + PATIENCE
        while monotonic() < end:
            if not self._read():
                break
            if holds(self.lines):
                return self.lines
        raise AssertionError(f"this never came, but: {self.lines}")

    def wait(self) -> int:
        """Read on until the program ends; return its exit status."""
        end = monotonic() + PATIENCE
        while self._read() and monotonic() < end:
            pass
        return self.process.wait(PATIENCE)

    def press_control_c(self) -> None:
        """Send what the key sends."""
        os.write(self._fd, b"\x03")

    def close(self) -> None:
        """End it, if it has not ended."""
        self.process.kill()
        self.process.wait()
        os.close(self._fd)

    def _read(self) -> bool:
        if not select.select([self._fd], [], [], 1)[0]:
            return True
        try:
            data = os.read(self._fd, 65_536)
        except OSError:  # the program has closed its end
            return False
        self.raw += data
        # A chunk at a time would skip what stood there for a moment only.
        for line in data.splitlines(keepends=True):
            self._stream.feed(line)
        return bool(data)
