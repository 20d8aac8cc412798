"""One relayed connection: two sockets, and how it ends."""

from __future__ import annotations

import contextlib
import math
import socket
import struct
from dataclasses import dataclass
from selectors import EVENT_READ, EVENT_WRITE
from time import monotonic
from typing import TYPE_CHECKING

from sockettools.net.stream import LINGER_TIME
from sockettools.net.tap.way import END

if TYPE_CHECKING:
    from collections.abc import Callable

    from sockettools.net.tap.impairments import Impairments
    from sockettools.net.tap.tap import Tap
    from sockettools.net.tap.way import Way

# Once a connection is being ended, seconds for what is on its way to arrive, and how often to look.
DRAIN_TIME = 10.0
DRAIN_POLL = 0.005

# SO_LINGER, on and zero seconds: closing drops what is unsent and resets the connection.
_NO_LINGER = struct.pack("ii", 1, 0)


class Relay:
    """One connection: two sockets, and the two ways between them."""

    def __init__(
        self, tap: Tap, name: str, ways: tuple[Way, Way], impairments: Impairments
    ) -> None:
        self._tap = tap
        self._name = name
        there, back = ways
        self._ways = ((there, back), (back, there))
        self._impairments = impairments
        self._ending: Ending | None = None
        self._closed = False
        self._wake_at = math.inf
        self._callbacks = tuple(self._callback(way) for way in ways)
        for way in ways:
            way.source.setblocking(False)
            if way.source.family != getattr(socket, "AF_UNIX", None):
                with contextlib.suppress(OSError):  # reset already
                    # Nagle would hold back a small piece that its sender wanted out.
                    way.source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    if hasattr(socket, "TCP_NOTSENT_LOWAT"):
                        # Unlike a stream, a relay wants the kernel to take all it can; 0 is the
                        # system's default.
                        way.source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, 0)

    def _callback(self, way: Way) -> Callable[[int], None]:
        return lambda mask: self.advance(way if mask & EVENT_READ else None)

    @property
    def is_busy(self) -> bool:
        """Whether bytes or an end are on their way."""
        return any(way.held or way.source_ended for way, _ in self._ways)

    def advance(self, readable: Way | None = None) -> None:
        """Do what can be done now: a source is readable, a sink writable, or it is time."""
        if self._closed:
            return
        now = monotonic()
        for way, reverse in self._ways:
            if way is readable:
                self._take(way, reverse, now)
            self._give(way, now)
        if self._ending is None:
            self._look_for_the_end(now)
        if self._has_ended(now):
            reset = self._ending is not None and self._ending.reset
            self._close({way.source: reset for way, _ in self._ways})
        else:
            self._wait(now)

    def break_off(self) -> None:
        """Reset who has not been told the end; who has still gets what is in the kernel."""
        self._close({way.source: not reverse.sink_ended for way, reverse in self._ways})

    def _close(self, resets: dict[socket.socket, bool]) -> None:
        self._closed = True
        for way, _ in self._ways:
            self._tap.loop.watch(way.source, 0)
            give_up(way.source, reset=resets[way.source])
            way.held.clear()
        self._tap.recorder.note("reset" if any(resets.values()) else "closed", None, self._name)
        self._tap.forget(self)

    def _take(self, way: Way, reverse: Way, now: float) -> None:
        try:
            data = way.take(self._tap.loop.buffer)
        except BlockingIOError:
            return
        except OSError as exc:
            self._tap.recorder.note(exc.strerror or str(exc), way.direction, self._name)
            reverse.break_off()  # it goes to the same socket
            self._end(now, reset=True)
            return
        if data is None:  # dropped
            return
        if data:
            self._tap.recorder.data(way.direction, data, self._name)
        elif reverse.broken:
            return  # no end in order: the kernel told of the reset when something was to be sent
        else:
            self._tap.recorder.note("end of stream", way.direction, self._name)
        way.hold(data, now)

    @staticmethod
    def _give(way: Way, now: float) -> None:
        try:
            way.give(now)
        except OSError:
            way.break_off()

    def _look_for_the_end(self, now: float) -> None:
        for way, reverse in self._ways:
            # What a socket received before it broke is still there to be read, and comes first.
            if way.broken and reverse.source_ended:
                self._end(now, reset=True)
                return
            if way.left == 0:
                reset = self._impairments.ends_in_reset
                note = f"{'reset' if reset else 'cut'} after {self._impairments.last} bytes"
                self._tap.recorder.note(note, way.direction, self._name)
                self._end(now, reset=reset)
                return

    def _end(self, now: float, *, reset: bool) -> None:
        """Take no more; what was taken arrives, then comes the end or the reset."""
        if self._ending is not None:
            return
        arrival = now + self._impairments.delay
        for way, _ in self._ways:
            if not reset and not way.source_ended and not way.sink_ended:
                way.hold(END, now)
            way.dropping = True
            arrival = max([arrival, *(due for due, _ in way.held)])
        self._ending = Ending(reset, arrival)

    def _has_ended(self, now: float) -> bool:
        sources_ended = all(way.source_ended for way, _ in self._ways)
        ending = self._ending
        if ending is None:
            return sources_ended and all(way.sink_ended for way, _ in self._ways)
        if now >= ending.arrival + DRAIN_TIME:
            return True
        if now < ending.arrival or any(way.is_under_way() for way, _ in self._ways):
            return False
        return ending.reset or sources_ended or now >= ending.arrival + LINGER_TIME

    def _wait(self, now: float) -> None:
        """Have the loop call when there is something to do."""
        wake_at = now + DRAIN_POLL if self._ending is not None else math.inf
        for (way, reverse), callback in zip(self._ways, self._callbacks, strict=True):
            mask = EVENT_READ if way.can_take(now) else 0
            if reverse.held and reverse.held[0][0] <= now:
                mask |= EVENT_WRITE
            self._tap.loop.watch(way.source, mask, callback)
            wake_at = min(wake_at, way.next_time(now))
        if wake_at < self._wake_at:
            self._wake_at = wake_at
            self._tap.loop.call_at(wake_at, lambda: self._wake(wake_at))

    def _wake(self, at: float) -> None:
        if at == self._wake_at:  # otherwise an earlier one has come in between
            self._wake_at = math.inf
            self.advance()


@dataclass(frozen=True)
class Ending:
    """How a connection is being ended; ``arrival`` is when the last bytes and the end arrive."""

    reset: bool
    arrival: float


def give_up(sock: socket.socket, *, reset: bool) -> None:
    if reset:
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    sock.close()
