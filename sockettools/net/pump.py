"""Both ways of a conversation at once: a source goes out while what comes in is handed on.

Each way has a thread of its own, because each may have to wait: for somebody to type, for the
peer to take or to send, for a pager to be read. Whoever called waits for both, and is the only one
who looks at the clock.
"""

from __future__ import annotations

import threading
from time import monotonic
from typing import TYPE_CHECKING

from sockettools.errors import ReadError, ReadTimeout, WriteError
from sockettools.lifetime import WAKE_EVERY, run_beside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sockettools.net.datagram import Datagrams
    from sockettools.net.stream import Stream

    Destination = Callable[[bytes], None]

# Octets that are sent at a time, a record of TLS: that they were taken is the only sign that a
# slow peer still reads.
PIECE = 16_384

# Seconds to go on receiving once sending has failed: what the peer said before may still come.
LAST_WORDS = 1.0

# Seconds between two looks at whether a source is silent.
_POLL = 0.02

# Seconds that a source may take to go on once the peer's end has come; socat's -t has the same.
AFTER_END = 0.5


def pump_stream(
    stream: Stream,
    source: Iterable[bytes],
    destination: Destination,
    *,
    half_close: bool = False,
    timeout: float | None = None,
    after_end: float = AFTER_END,
) -> None:
    """Send all of ``source`` and hand on what comes, until the peer sends no more.

    At the source's end our own end is sent if ``half_close`` says so. A peer whose end has come
    may have closed, or may still read: one cannot tell. So sending goes on for as long as the
    source never lets ``after_end`` seconds pass. Afterwards the stream is only to be closed: a
    daemon thread may be left waiting for the source.

    Raises:
        ReadTimeout: nothing was sent or received for ``timeout`` seconds. The time that
            ``destination`` takes does not count.
        ReadError, WriteError: the connection broke.
        Exception: what ``source`` or ``destination`` raised.
    """
    watch = _Watch(timeout)
    supply = _Supply(source)

    def receive() -> None:
        try:
            while data := stream.receive_some():
                watch.hand_on(destination, data)
        except ReadError as exc:
            # A peer that ends TLS without its goodbye may still take what is being sent.
            watch.note(exc)
        supply.wait_for_end(after_end)
        watch.finish()

    receiver = watch.start(receive)

    def send() -> None:
        try:
            for data in supply:
                for start in range(0, len(data), PIECE):
                    stream.send_all(data[start : start + PIECE])
                    watch.moved()
            if half_close:
                stream.send_eof()
        except WriteError as exc:
            # A reset may be told to the sender alone; receiving then sees what looks like an end.
            watch.note(exc)
            supply.ended.set()
            receiver.join(LAST_WORDS)
            raise
        supply.ended.set()

    watch.start(send)
    watch.wait()


def pump_datagrams(
    datagrams: Datagrams,
    source: Iterable[bytes],
    destination: Destination,
    *,
    timeout: float | None = None,
) -> None:
    """Send each item of ``source`` as one datagram and hand on those that come.

    UDP has no end. Once the source has one, it is over when as many came back as were sent.

    Raises:
        ConnectionRefused: nothing listens there.
        ReadTimeout, ReadError, WriteError, Exception: as for ``pump_stream``.
    """
    watch = _Watch(timeout)
    tally = _Tally(watch.finish)

    def receive() -> None:
        while True:
            watch.hand_on(destination, datagrams.receive())
            tally.count(received=1)

    def send() -> None:
        for data in source:
            tally.count(sent=1)
            datagrams.send(data)
            watch.moved()
        tally.count(ended=True)

    watch.start(receive)
    watch.start(send)
    watch.wait()


class _Supply:
    """A source, and for how long it has been silent."""

    def __init__(self, source: Iterable[bytes]) -> None:
        self._source = iter(source)
        self._asked_at: float | None = None
        self.ended = threading.Event()  # all of it has been sent, or no more can be

    def __iter__(self) -> Iterator[bytes]:
        while True:
            self._asked_at = monotonic()
            data = next(self._source, None)
            self._asked_at = None
            if data is None:
                return
            yield data

    def wait_for_end(self, patience: float) -> None:
        """Return once it has ended, or has been asked ``patience`` seconds ago in vain."""
        while not self.ended.wait(_POLL):
            asked_at = self._asked_at
            if asked_at is not None and monotonic() - asked_at >= patience:
                return


class _Tally:
    """Calls ``at_end`` when no more is to be sent and an answer came for each that was."""

    def __init__(self, at_end: Callable[[], None]) -> None:
        self._at_end = at_end
        self._missing = 0
        self._ended = False
        self._lock = threading.Lock()

    def count(self, *, sent: int = 0, received: int = 0, ended: bool = False) -> None:
        with self._lock:
            self._missing += sent - received
            self._ended = self._ended or ended
            if self._ended and self._missing <= 0:
                self._at_end()


class _Watch:
    """Waits for threads: until one says that all is done, one fails, or nothing moves any more."""

    def __init__(self, timeout: float | None) -> None:
        self._timeout = timeout
        self._changed = threading.Condition()
        self._last_move = monotonic()
        self._handing_on = False
        self._done = False
        self._failure: Exception | None = None

    def start(self, work: Callable[[], None]) -> threading.Thread:
        """Do ``work`` in a thread; if it raises, it is over."""

        def run() -> None:
            try:
                work()
            except Exception as exc:  # noqa: BLE001 - raised again by wait()
                self.finish(exc)

        return run_beside(run)

    def moved(self) -> None:
        """Tell that the peer has sent or taken something."""
        self._last_move = monotonic()

    def hand_on(self, destination: Destination, data: bytes) -> None:
        """Call ``destination``, which may take its time."""
        self._handing_on = True
        destination(data)
        self.moved()
        self._handing_on = False

    def note(self, failure: Exception) -> None:
        """Make ``wait`` raise this at the end, without ending it."""
        with self._changed:
            self._failure = self._failure or failure

    def finish(self, failure: Exception | None = None) -> None:
        """Make ``wait`` return, or raise the first failure."""
        with self._changed:
            if not self._done:
                self._done = True
                self._failure = self._failure or failure
                self._changed.notify()

    def wait(self) -> None:
        """Return once it is finished."""
        with self._changed:
            while not self._done:
                self._changed.wait(self._patience())
        if self._failure:
            raise self._failure

    def _patience(self) -> float:
        if self._timeout is None:
            return WAKE_EVERY
        left = self._last_move + self._timeout - monotonic()
        if left <= 0:
            if not self._handing_on:
                raise ReadTimeout(f"nothing was sent or received for {self._timeout:g} s")
            left = self._timeout
        return min(left, WAKE_EVERY)
