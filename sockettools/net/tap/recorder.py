"""Recording what a tap relays."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sockettools.net.transcript import Direction, Transcript


class Recorder:
    """A transcript that may be none, and whose failure does not stop the relay."""

    def __init__(self, transcript: Transcript | None, report: Callable[[str], None]) -> None:
        self._transcript = transcript
        self._report = report

    def data(self, direction: Direction, data: memoryview, name: str) -> None:
        if self._transcript is not None:
            with self._surviving():
                self._transcript.data(direction, bytes(data), name)

    def note(self, note: str, direction: Direction | None, name: str) -> None:
        if self._transcript is not None:
            with self._surviving():
                self._transcript.note(note, direction, name)

    @contextlib.contextmanager
    def _surviving(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as exc:  # a full disk; a file that is closed
            self._transcript = None
            reason = exc.strerror if isinstance(exc, OSError) else None
            self._report(f"nothing more is recorded: {reason or exc}")
