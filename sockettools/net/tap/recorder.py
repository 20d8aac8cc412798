"""Recording what a tap relays."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sockettools.net.transcript import Direction, Transcript


class Recorder:
    """A transcript that may be none: then nothing is copied for it either."""

    def __init__(self, transcript: Transcript | None) -> None:
        self._transcript = transcript

    def data(self, direction: Direction, data: memoryview, name: str) -> None:
        if self._transcript is not None:
            self._transcript.data(direction, bytes(data), name)

    def note(self, note: str, direction: Direction | None, name: str) -> None:
        if self._transcript is not None:
            self._transcript.note(note, direction, name)
