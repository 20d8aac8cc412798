"""What is opened has to be closed, and what runs beside must not be in the way."""

from __future__ import annotations

import signal
import threading
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self


# Seconds that the main thread waits for a lock or a thread at a time. Python looks for signals
# before it waits; one that comes just between, or to another thread, is seen when it wakes.
WAKE_EVERY = 0.5


class Closing(ABC):
    """Is closed at the end of its ``with`` block."""

    @abstractmethod
    def close(self) -> None:
        """Give up what it holds."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class Running(Closing):
    """Runs in the background from the beginning of its ``with`` block to the end."""

    @abstractmethod
    def start(self) -> None:
        """Begin."""

    def __enter__(self) -> Self:
        self.start()
        return self


def run_beside(work: Callable[[], None], name: str | None = None) -> threading.Thread:
    """Start ``work`` in a daemon thread that leaves Ctrl-C to the main one.

    The system hands a signal to any thread that takes it, and Python acts on it in the main one,
    which would not hear of it while it waits for a lock.
    """
    thread = threading.Thread(target=work, name=name, daemon=True)
    if not hasattr(signal, "pthread_sigmask"):
        thread.start()
        return thread
    # A thread inherits what is blocked when it starts.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        thread.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return thread
