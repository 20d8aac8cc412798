"""Lines for people that nobody may be reading: a pager that was left, a pipe that is full."""

from __future__ import annotations

import os
import threading
from collections import deque
from typing import TYPE_CHECKING

from sockettools.lifetime import run_beside

if TYPE_CHECKING:
    from typing import TextIO

# Octets that wait to be read before lines are left out.
MAX_WAITING = 16_777_216

# Seconds that the last lines have to be taken when the program ends.
LAST_LINES = 1.0


class LineWriter:
    """Writes to ``file`` in a thread of its own, so that a server never waits for a reader.

    It has ``write`` and ``flush`` like a file, and its lines appear at once. When nobody reads, up
    to ``MAX_WAITING`` octets wait and the rest is left out; when the reader is gone, all is.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._lost = 0
        self._closed = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def write(self, text: str) -> None:
        """Take one or more whole lines; any thread may."""
        data = text.encode(self._file.encoding or "utf-8", "backslashreplace")
        with self._changed:
            if self._closed:
                return
            if self._size + len(data) > MAX_WAITING:
                self._lost += 1
                return
            if self._lost:
                data = f"({self._lost} lines are left out: nobody read)\n".encode() + data
                self._lost = 0
            self._waiting.append(data)
            self._size += len(data)
            if self._thread is None:
                # A daemon that writes past Python's buffers, whose lock it would still hold at the
                # end of the program.
                self._thread = run_beside(self._run, "lines")
            self._changed.notify()

    def flush(self) -> None:
        """Do nothing: what is written is on its way."""

    def close(self) -> None:
        """Give the last lines a moment, and write no more."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(LAST_LINES)

    def _run(self) -> None:
        try:
            number = self._file.fileno()
        except OSError:  # no file behind it: a test's
            number = None
        while (data := self._next()) is not None:
            try:
                if number is None:
                    self._file.write(data.decode())
                    continue
                while data:
                    data = data[os.write(number, data) :]
            except (OSError, ValueError):  # the reader is gone, or the disk is full
                with self._changed:
                    self._closed = True
                return

    def _next(self) -> bytes | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            if not self._waiting:
                return None
            data = self._waiting.popleft()
            self._size -= len(data)
            return data
