"""What was received and not yet understood."""

from __future__ import annotations

import re

from sockettools.errors import TooLong

# The end of a head: a blank line. A bare LF ends a line too (2.2).
_HEAD_END = re.compile(rb"\n\r?\n")

_BLANK_LINES = re.compile(rb"(?:\r?\n)*")


class ReceiveBuffer:
    """Bytes in order. Every method takes time in proportion to what is new.

    What arrives when nothing waits is kept as it is and, if all of it is wanted, handed on
    without being copied; only the beginning of something incomplete is put together.
    """

    __slots__ = ("_data", "_position", "_searched")

    def __init__(self) -> None:
        self._data: bytes | bytearray = b""
        self._position = 0
        self._searched = 0  # where the last search for an end stopped

    def __len__(self) -> int:
        return len(self._data) - self._position

    def append(self, data: bytes) -> None:
        """Take what was received."""
        if self._position == len(self._data):
            self._data = data
            self._searched = self._position = 0
            return
        if not isinstance(self._data, bytearray):
            self._data = bytearray(memoryview(self._data)[self._position :])
        else:
            del self._data[: self._position]
        self._searched = max(0, self._searched - self._position)
        self._position = 0
        self._data += data

    def peek(self, size: int) -> bytes:
        """Return up to ``size`` octets from the front, which stay."""
        return bytes(self._data[self._position : self._position + size])

    def startswith(self, prefix: bytes) -> bool:
        """Tell whether the front is ``prefix``."""
        return self._data.startswith(prefix, self._position)

    def take(self, size: int) -> bytes:
        """Remove and return up to ``size`` octets from the front."""
        data, start = self._data, self._position
        end = start + size
        if end > len(data):  # as min() would say, which takes as long as all of the rest
            end = len(data)
        self._position = end
        # The slice of bytes that is all of them is the same object: nothing is copied. That of a
        # bytearray would be one copy, and its bytes another.
        return data[start:end] if type(data) is bytes else bytes(memoryview(data)[start:end])

    def take_match(self, pattern: re.Pattern[bytes]) -> re.Match[bytes] | None:
        """Remove what ``pattern`` matches at the front, if it does."""
        match = pattern.match(self._data, self._position)
        if match:
            self._position = match.end()
        return match

    def skip_blank_lines(self) -> int:
        """Remove empty lines from the front; return how many octets they had."""
        match = self.take_match(_BLANK_LINES)
        return match.end() - match.start() if match else 0

    def take_head(self, limit: int) -> bytes | None:
        """Remove and return all up to a blank line, with it; None while there is none.

        Raises:
            TooLong: more than ``limit`` octets without one.
        """
        # A search begins a little before where the last one stopped: half of an end may be there.
        start = self._searched - 2
        if start < self._position:
            start = self._position
        match = _HEAD_END.search(self._data, start)
        return self._take_through(match.end() if match else 0, limit, "the head")

    def take_trailers(self, limit: int) -> bytes | None:
        """As ``take_head``, but only CRLF ends a line."""
        found = self._data.find(b"\r\n\r\n", max(self._position, self._searched - 3))
        return self._take_through(found + 4 if found >= 0 else 0, limit, "the trailer section")

    def _take_through(self, end: int, limit: int, what: str) -> bytes | None:
        """Take all before ``end``; when that is 0, remember that all was searched."""
        size = (end or len(self._data)) - self._position
        if size > limit:
            raise TooLong(f"{what} is longer than {limit} bytes", 431)
        if end:
            return self.take(size)
        self._searched = len(self._data)
        return None
