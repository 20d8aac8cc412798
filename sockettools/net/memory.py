"""A pair of streams in memory: what one sends the other receives, with no socket in between."""

from __future__ import annotations

import threading

from sockettools.errors import ReadTimeout, StreamClosed, WriteError, WriteTimeout
from sockettools.net.deadline import NEVER, Deadline
from sockettools.net.stream import RECEIVE_SIZE, Stream

# Octets that wait to be received before the sender has to: small, so that a test of back-pressure
# is quick.
CAPACITY = 65_536


def memory_stream_pair(capacity: int = CAPACITY) -> tuple[Stream, Stream]:
    """Return two connected streams, each way holding up to ``capacity`` octets."""
    there, back = _Pipe(capacity), _Pipe(capacity)
    return _MemoryStream(back, there), _MemoryStream(there, back)


class _Pipe:
    """One direction: bytes from a sender to a receiver, a bounded number under way."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._data = bytearray()
        self._ended = False  # the sender is done
        self._abandoned = False  # the receiver is gone
        self._changed = threading.Condition()

    def receive(self, max_bytes: int, deadline: Deadline) -> bytes:
        with self._changed:
            ready = self._changed.wait_for(
                lambda: self._data or self._ended or self._abandoned, deadline.remaining()
            )
            if not ready:
                raise ReadTimeout("nothing was received in time")
            if self._abandoned:
                raise StreamClosed("receiving from a closed stream")
            data = bytes(self._data[:max_bytes])
            del self._data[:max_bytes]
            self._changed.notify_all()
            return data

    def send(self, data: memoryview, deadline: Deadline) -> None:
        with self._changed:
            while True:
                if self._ended:
                    raise StreamClosed("sending to a stream whose end was sent")
                if self._abandoned:
                    raise WriteError("the connection broke: the peer has closed it")
                free = self._capacity - len(self._data)
                self._data += data[:free]
                data = data[free:]
                self._changed.notify_all()
                if not data:
                    return
                if not self._changed.wait_for(self._can_go_on, deadline.remaining()):
                    raise WriteTimeout("the peer did not take everything in time")

    def _can_go_on(self) -> bool:
        return len(self._data) < self._capacity or self._ended or self._abandoned

    def end(self) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def abandon(self) -> None:
        with self._changed:
            self._abandoned = True
            self._changed.notify_all()


class _MemoryStream(Stream):
    def __init__(self, incoming: _Pipe, outgoing: _Pipe) -> None:
        self._incoming = incoming
        self._outgoing = outgoing
        self._closed = False

    def receive_some(self, max_bytes: int = RECEIVE_SIZE, deadline: Deadline = NEVER) -> bytes:
        if max_bytes < 1:
            raise ValueError(f"max_bytes is {max_bytes}, expected 1 or more")
        return self._incoming.receive(max_bytes, deadline)

    def send_all(self, data: bytes | bytearray | memoryview, deadline: Deadline = NEVER) -> None:
        self._outgoing.send(memoryview(data), deadline)

    def send_eof(self, deadline: Deadline = NEVER) -> None:  # noqa: ARG002 - it never waits
        if self._closed:
            raise StreamClosed("sending to a closed stream")
        self._outgoing.end()

    def close(self) -> None:
        self._closed = True
        self._outgoing.end()
        self._incoming.abandon()
