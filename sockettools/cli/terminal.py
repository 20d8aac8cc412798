"""A terminal that is typed at, and how it treats what is typed. Needs a system with termios."""

from __future__ import annotations

import os
import termios
import threading
from contextlib import suppress
from enum import Enum

from sockettools.lifetime import Closing

# Places in what termios tells.
_INPUT, _OUTPUT, _LOCAL, _CHARACTERS = 0, 1, 3, 6

# Nothing is to be made of what is typed: no line ends, no Ctrl-S, no eighth bit lost.
_INPUT_FLAGS = (
    termios.ICRNL | termios.INLCR | termios.IGNCR | termios.IXON | termios.IXOFF | termios.ISTRIP
)


class TerminalMode(Enum):
    """What the terminal does with what is typed."""

    LINES = "lines"  # it is edited, shown, and given on line by line
    LINES_UNSEEN = "lines, unseen"  # the same without showing it
    CHARACTERS = "characters"  # each is shown, and given on at once
    RAW = "raw"  # each is given on at once, Ctrl-C as well; what is shown is left as it is, too


class Terminal(Closing):
    """Within the ``with`` block its mode may be changed; it is what it was afterwards."""

    def __init__(self, fd: int, escape: bytes) -> None:
        """``escape`` ends a line in every mode."""
        self.fd = fd
        self._escape = escape
        self._before = termios.tcgetattr(fd)
        self._is_closed = False
        # A signal's handler may set a mode while its thread is setting one.
        self._lock = threading.RLock()

    def close(self) -> None:
        """Make it what it was, for good: a thread that still runs changes it no more."""
        # At once: what was written last may never be shown, where nobody reads it.
        with self._lock, suppress(termios.error):  # it is gone
            self._is_closed = True
            termios.tcsetattr(self.fd, termios.TCSANOW, self._before)

    def set_mode(self, mode: TerminalMode) -> None:
        """Change it."""
        attributes = [*self._before[:_CHARACTERS], [*self._before[_CHARACTERS]]]
        if mode is TerminalMode.LINES_UNSEEN:
            attributes[_LOCAL] &= ~termios.ECHO
        if mode in (TerminalMode.LINES, TerminalMode.LINES_UNSEEN):
            attributes[_CHARACTERS][termios.VEOL] = self._escape
        else:
            attributes[_LOCAL] &= ~(termios.ICANON | termios.ISIG | termios.IEXTEN)
            attributes[_CHARACTERS][termios.VMIN] = 1
            attributes[_CHARACTERS][termios.VTIME] = 0
        if mode is TerminalMode.RAW:
            attributes[_LOCAL] &= ~termios.ECHO
            attributes[_INPUT] &= ~_INPUT_FLAGS
            attributes[_OUTPUT] &= ~termios.OPOST
        with self._lock, suppress(termios.error):
            if not self._is_closed:
                termios.tcsetattr(self.fd, termios.TCSANOW, attributes)

    def size(self) -> tuple[int, int]:
        """Return columns and rows, 0 where it does not tell."""
        return os.get_terminal_size(self.fd)

    def read(self) -> bytes:
        """Return what was typed; b"" is the end."""
        try:
            return os.read(self.fd, 4096)
        except OSError:  # it is gone
            return b""
