"""A server in memory that has an answer for each line that it is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sockettools.errors import ReadTimeout
from sockettools.net.deadline import NEVER, Deadline
from sockettools.net.stream import RECEIVE_SIZE, Stream

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class AnsweringStream(Stream):
    """Begins with the first answer, and has the next ones for a line each; then it is silent.

    An answer is octets, or blocks of them. ``piece``: octets that a receive gives at the most.
    ``said`` are the lines that were sent. With ``closing`` the connection ends after the answers.
    """

    def __init__(
        self, *answers: bytes | Iterable[bytes], piece: int = RECEIVE_SIZE, closing: bool = False
    ) -> None:
        self.said: list[bytes] = []
        self.is_closed = False
        self._answers = iter(answers)
        self._piece = piece
        self._closing = closing
        self._blocks: Iterator[bytes] = iter(())
        self._block = b""
        self._answer()

    def receive_some(
        self,
        max_bytes: int = RECEIVE_SIZE,
        deadline: Deadline = NEVER,  # noqa: ARG002
    ) -> bytes:
        """Give a piece of the answer."""
        while not self._block:
            block = next(self._blocks, None)
            if block is None:
                if self._closing:
                    return b""
                raise ReadTimeout("nothing was received in time")
            self._block = block
        size = min(max_bytes, self._piece)
        data, self._block = self._block[:size], self._block[size:]
        return data

    def send_all(
        self,
        data: bytes | bytearray | memoryview,
        deadline: Deadline = NEVER,  # noqa: ARG002
    ) -> None:
        """Take a line."""
        assert bytes(data).endswith(b"\r\n")
        assert not self._block
        self.said.append(bytes(data)[:-2])
        self._answer()

    def send_eof(self, deadline: Deadline = NEVER) -> None:
        """Take the end."""

    def close(self) -> None:
        """Close."""
        self.is_closed = True

    def _answer(self) -> None:
        answer = next(self._answers, b"")
        self._blocks = iter([answer] if isinstance(answer, bytes) else answer)
