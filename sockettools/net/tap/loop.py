"""One thread that waits for sockets and for moments, and calls back."""

from __future__ import annotations

import contextlib
import heapq
import selectors
import socket
import threading
from collections import deque
from itertools import count
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# Octets taken at a time, and so the most that waits for a slow sink. In one run over loopback on
# two cores, as a part of what a direct connection carries: 128 KiB 0.5, 256 KiB 0.6, 1 MiB 0.75,
# 4 MiB 0.85. Moving the bytes inside the kernel (os.splice) gained nothing over 256 KiB.
BUFFER_SIZE = 1_048_576

# The longest wait of a selector; a timer further away is looked at again.
MAX_WAIT = 3600.0


class Loop:
    """Calls back when a socket is ready or a moment has come, all in one thread."""

    def __init__(self) -> None:
        self.buffer = memoryview(bytearray(BUFFER_SIZE))
        self.stopping = False
        self._selector = selectors.DefaultSelector()
        self._masks: dict[socket.socket, int] = {}
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()  # of timers at the same moment
        self._lock = threading.Lock()
        self._calls: deque[Callable[[], object]] = deque()
        self._takes_calls = True
        self._waker, self._wakened = socket.socketpair()
        self._waker.setblocking(False)
        self.watch(self._wakened, selectors.EVENT_READ, lambda _mask: self._wakened.recv(4096))

    def watch(
        self, sock: socket.socket, mask: int, callback: Callable[[int], object] | None = None
    ) -> None:
        """Call with what a socket is ready for; a ``mask`` of 0 is never again."""
        before = self._masks.get(sock, 0)
        if mask == before:
            return
        self._masks[sock] = mask
        if not before:
            self._selector.register(sock, mask, callback)
        elif mask:
            self._selector.modify(sock, mask, callback)
        else:
            del self._masks[sock]
            self._selector.unregister(sock)

    def call_at(self, moment: float, call: Callable[[], None]) -> None:
        """Call when the monotonic clock is there."""
        heapq.heappush(self._timers, (moment, next(self._order), call))

    def call_soon(self, call: Callable[[], object]) -> bool:
        """Call from the loop's thread; any thread may ask. False: it never will."""
        with self._lock:
            if not self._takes_calls:
                return False
            self._calls.append(call)
            self._wake()
            return True

    def turn(self, timeout: float | None = None) -> bool:
        """Wait for something and do it; return whether a socket was ready."""
        wait = MAX_WAIT if timeout is None else timeout
        if self._timers:
            wait = min(wait, max(0.0, self._timers[0][0] - monotonic()))
        ready = self._selector.select(wait)
        for key, mask in ready:
            key.data(mask)
        now = monotonic()
        while self._timers and self._timers[0][0] <= now:
            heapq.heappop(self._timers)[2]()
        while self._calls:
            self._calls.popleft()()
        return bool(ready)

    def stop(self) -> None:
        """Set ``stopping``, and have a turn that waits end. Any thread may call it."""
        self.stopping = True
        self._wake()

    def refuse_calls(self) -> None:
        """Do what was asked for, and take no more."""
        with self._lock:
            self._takes_calls = False
        while self._calls:
            self._calls.popleft()()

    def close(self) -> None:
        """Give up the descriptors; the sockets are their owners'."""
        self._selector.close()
        self._waker.close()
        self._wakened.close()

    def _wake(self) -> None:
        with contextlib.suppress(OSError):  # closed already, or full: it will wake
            self._waker.send(b"\0")
