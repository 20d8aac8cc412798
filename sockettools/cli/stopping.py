"""Ctrl-C and SIGTERM as something that a server waits for."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from sockettools.lifetime import Closing

if TYPE_CHECKING:
    from types import FrameType
    from typing import Any, Self

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopSignal(Closing):
    """Within the ``with`` block, SIGINT and SIGTERM end ``wait`` instead of the process.

    The signal writes a byte into a pipe and ``wait`` reads it, so one that comes before ``wait``
    is not lost, and the first one does not interrupt the clean-up. Only the main thread may use it.
    """

    def __enter__(self) -> Self:
        self._read_end, self._write_end = os.pipe()
        os.set_blocking(self._write_end, False)
        self._previous_fd = signal.set_wakeup_fd(self._write_end, warn_on_full_buffer=False)
        # Also where SIGINT was ignored, as it is for a background job of a script: a server that
        # was told to stop should.
        self._previous: dict[int, Any] = {
            number: signal.signal(number, _leave_it_to_the_pipe) for number in _SIGNALS
        }
        return self

    def close(self) -> None:
        """Let the signals be what they were."""
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._previous_fd)
        os.close(self._read_end)
        os.close(self._write_end)

    def wait(self) -> None:
        """Return once a signal has come; another one ends the program at once."""
        while os.read(self._read_end, 1)[0] not in _SIGNALS:
            pass  # another signal that somebody handles
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _leave_it_to_the_pipe(_number: int, _frame: FrameType | None) -> None:
    pass
