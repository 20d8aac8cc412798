"""One way of a relayed connection, with what is between its two ends."""

from __future__ import annotations

import math
import socket
import struct
import sys
from collections import deque
from typing import TYPE_CHECKING

from sockettools.net.tap.loop import BUFFER_SIZE

if sys.platform == "linux":
    import fcntl
    import termios

if TYPE_CHECKING:
    from sockettools.net.tap.impairments import Impairments
    from sockettools.net.transcript import Direction

# What holding one piece costs beside its octets: a peer that sends single bytes is bounded too.
PIECE_OVERHEAD = 256

# Seconds of the rate that are taken at a time: a slow line trickles, it does not come in bursts.
RATE_SLICE = 0.02

# The piece that is the end of a way.
END = memoryview(b"")


class Way:
    """One way of a connection: from a source to a sink, with what is between them."""

    def __init__(
        self,
        direction: Direction,
        source: socket.socket,
        sink: socket.socket,
        impairments: Impairments,
        max_held: int,
    ) -> None:
        self.direction = direction
        self.source = source
        self._sink = sink
        self._rate = impairments.rate
        self._delay = impairments.delay
        paced = self._rate is not None or self._delay > 0
        self._max_held = max_held if paced else 1
        self._slice = max(1, int(self._rate * RATE_SLICE)) if self._rate else BUFFER_SIZE
        # What is under way, each piece with the moment at which it arrives; empty is the end.
        self.held: deque[tuple[float, memoryview]] = deque()
        self._held_size = 0
        self._borrowed = False  # the last piece lies in the loop's buffer
        self._line_free_at = 0.0  # when the line, with its rate, has sent what was taken
        self.left = math.inf if impairments.last is None else impairments.last
        self.source_ended = False
        self.sink_ended = False
        self.broken = False  # the sink is
        self.dropping = False

    def can_take(self, now: float) -> bool:
        """Tell whether the source is to be read."""
        if self.source_ended or self.dropping:
            return not self.source_ended
        return self._held_size < self._max_held and self._line_free_at <= now + RATE_SLICE

    def next_time(self, now: float) -> float:
        """Return when time alone will bring something to do."""
        times = [math.inf]
        if self.held and self.held[0][0] > now:
            times.append(self.held[0][0])
        if self._line_free_at > now + RATE_SLICE:
            times.append(self._line_free_at - RATE_SLICE)
        return min(times)

    def take(self, buffer: memoryview) -> memoryview | None:
        """Receive what is there; empty is the end, None is something that was dropped.

        ``hold`` and ``give`` have to follow before the buffer is used again.

        Raises:
            BlockingIOError: nothing is there. OSError: the source broke.
        """
        size = len(buffer) if self.dropping else int(min(self._slice, self.left, len(buffer)))
        try:
            size = self.source.recv_into(buffer, size)
        except BlockingIOError:
            raise
        except OSError:
            self.source_ended = True
            raise
        self.source_ended = size == 0
        if self.dropping:
            return None
        self.left -= size
        self._borrowed = size > 0
        return buffer[:size]

    def hold(self, data: memoryview, now: float) -> None:
        """Put a piece on its way; empty is the end."""
        if self._rate:
            self._line_free_at = max(now, self._line_free_at) + len(data) / self._rate
        self.held.append((max(now, self._line_free_at) + self._delay, data))
        self._held_size += len(data) + PIECE_OVERHEAD

    def give(self, now: float) -> None:
        """Send what has arrived, as far as the sink takes it.

        Raises:
            OSError: the sink broke.
        """
        while self.held and self.held[0][0] <= now:
            due, data = self.held[0]
            if not data:
                self._sink.shutdown(socket.SHUT_WR)
                self.sink_ended = True
            try:
                sent = self._sink.send(data) if data else 0
            except BlockingIOError:
                break
            self._held_size -= sent
            if sent < len(data):
                self.held[0] = (due, data[sent:])
                break
            self._held_size -= PIECE_OVERHEAD
            self.held.popleft()
        if self._borrowed and self.held:
            due, data = self.held[-1]
            self.held[-1] = (due, memoryview(bytes(data)))
        self._borrowed = False

    def break_off(self) -> None:
        """Give up what is under way, and what is still to come: the sink is broken."""
        self.held.clear()
        self.broken = self.sink_ended = self.dropping = True

    def is_under_way(self) -> bool:
        """Tell whether bytes have not arrived at the machine of the sink."""
        return bool(self.held) or (not self.broken and _unacknowledged(self._sink) > 0)


def _unacknowledged(sock: socket.socket) -> int:
    """Return the octets that a reset now would destroy before they reach the peer's machine."""
    if sys.platform != "linux" or sock.family == socket.AF_UNIX:
        return 0  # elsewhere there is no portable question; Unix sockets hand over at once
    (size,) = struct.unpack("i", fcntl.ioctl(sock, termios.TIOCOUTQ, bytes(4)))
    assert isinstance(size, int)  # for the type checker
    return size
