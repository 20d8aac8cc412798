from __future__ import annotations

import signal
import threading
import time
from contextlib import ExitStack
from queue import SimpleQueue
from typing import TYPE_CHECKING

import pytest

from sockettools.errors import (
    ConnectionRefused,
    ReadError,
    ReadTimeout,
    StreamClosed,
    WriteError,
)
from sockettools.net.deadline import NEVER, Deadline
from sockettools.net.memory import memory_stream_pair
from sockettools.net.pump import pump_datagrams, pump_stream
from sockettools.net.stream import RECEIVE_SIZE, Stream
from tests.patience import patience

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def pair() -> Iterator[tuple[Stream, Stream]]:
    with ExitStack() as stack:
        one, other = memory_stream_pair()
        yield stack.enter_context(one), stack.enter_context(other)


@pytest.fixture
def silence() -> Iterator[Iterator[bytes]]:
    """Give a source like a terminal at which nobody types, until the end of the test."""
    over = threading.Event()

    def wait() -> Iterator[bytes]:
        over.wait()
        yield from ()

    yield wait()
    over.set()


def receive_all(stream: Stream) -> bytes:
    return b"".join(iter(lambda: stream.receive_some(deadline=patience()), b""))


def doing(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_both_ways_until_the_peer_is_done(pair: tuple[Stream, Stream]) -> None:
    stream, peer = pair
    received = bytearray()
    peer.send_all(b"in several ")
    peer.send_all(b"pieces")
    peer.send_eof()
    pump_stream(stream, [b"one ", b"two"], received.extend)
    stream.close()

    assert received == b"in several pieces"
    assert receive_all(peer) == b"one two"


def test_more_than_fits_into_the_buffers_goes_both_ways(pair: tuple[Stream, Stream]) -> None:
    stream, peer = pair
    data = bytes(range(256)) * 4_000
    received = bytearray()

    def echo() -> None:
        while chunk := peer.receive_some(deadline=patience()):
            peer.send_all(chunk, patience())
        peer.send_eof()

    thread = doing(echo)
    pump_stream(stream, [data], received.extend, half_close=True)
    thread.join()

    assert received == data


def test_the_end_is_sent_only_when_told_to(pair: tuple[Stream, Stream]) -> None:
    stream, peer = pair

    with pytest.raises(ReadTimeout, match=r"^nothing was sent or received for 0.05 s$"):
        pump_stream(stream, [b"question"], lambda _data: None, timeout=0.05)
    assert peer.receive_some(deadline=patience()) == b"question"
    with pytest.raises(ReadTimeout):
        peer.receive_some(deadline=Deadline.after(0))


@pytest.mark.parametrize("after_end", [0, 0.05])
def test_a_silent_source_does_not_keep_an_ended_conversation_alive(
    after_end: float, pair: tuple[Stream, Stream], silence: Iterator[bytes]
) -> None:
    stream, peer = pair
    received = bytearray()
    peer.send_all(b"bye")
    peer.send_eof()
    pump_stream(stream, silence, received.extend, after_end=after_end)

    assert received == b"bye"


def test_ctrl_c_that_another_thread_took(
    pair: tuple[Stream, Stream], silence: Iterator[bytes]
) -> None:
    """The waiting thread is not woken by it."""
    stream, peer = pair
    peer.send_all(b"hello")
    received = threading.Event()

    def press() -> None:
        received.wait()
        # Nothing tells that the main thread waits; were it later, this would only test less.
        time.sleep(0.1)
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)

    thread = doing(press)
    with pytest.raises(KeyboardInterrupt):
        pump_stream(stream, silence, lambda _data: received.set())
    thread.join()


def test_a_peer_that_only_reads_gets_everything(pair: tuple[Stream, Stream]) -> None:
    stream, peer = pair
    peer.send_eof()
    received: list[bytes] = []
    thread = doing(lambda: received.append(receive_all(peer)))
    pump_stream(stream, [bytes(1000)] * 1000, lambda _data: None, half_close=True, after_end=600)
    thread.join()

    assert received == [bytes(1_000_000)]


def test_time_passes_only_while_nothing_moves(pair: tuple[Stream, Stream]) -> None:
    """Each byte comes well within the timeout, all of them together do not."""
    stream, peer = pair
    asked: SimpleQueue[bytes] = SimpleQueue()
    pauses = threading.Event()

    def dribble() -> None:
        for _ in range(5):
            pauses.wait(0.5)
            peer.send_all(b".", patience())
        peer.send_eof()

    thread = doing(dribble)
    pump_stream(stream, [], asked.put, timeout=2)
    thread.join()

    assert asked.qsize() == 5


def test_a_slow_destination_is_no_timeout(pair: tuple[Stream, Stream]) -> None:
    stream, peer = pair
    peer.send_all(b"much to read")
    peer.send_eof()
    received = bytearray()

    def read_slowly(data: bytes) -> None:
        threading.Event().wait(0.2)
        received.extend(data)

    pump_stream(stream, [], read_slowly, timeout=0.05)

    assert received == b"much to read"


class Broken(Stream):
    """Gives what it has, then an error or an end; and takes nothing, or everything."""

    def __init__(
        self,
        received: list[bytes],
        read_error: Exception | None = None,
        write_error: Exception | None = None,
    ) -> None:
        self._received = iter(received)
        self._read_error = read_error
        self._write_error = write_error

    def receive_some(self, max_bytes: int = RECEIVE_SIZE, deadline: Deadline = NEVER) -> bytes:  # noqa: ARG002
        data = next(self._received, b"")
        if not data and self._read_error:
            raise self._read_error
        return data

    def send_all(self, data: bytes | bytearray | memoryview, deadline: Deadline = NEVER) -> None:  # noqa: ARG002
        if self._write_error:
            raise self._write_error

    def send_eof(self, deadline: Deadline = NEVER) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("stream", "error"),
    [
        pytest.param(Broken([b"half"], read_error=ReadError("reset")), ReadError, id="receiving"),
        # The system tells of a reset once: to the sender, and the receiver sees an end.
        pytest.param(Broken([b"half"], write_error=WriteError("reset")), WriteError, id="sending"),
    ],
)
def test_what_came_before_an_error_is_handed_on(stream: Stream, error: type[Exception]) -> None:
    received = bytearray()
    with pytest.raises(error, match="reset"):
        pump_stream(stream, [b"x"] * 3, received.extend, after_end=600)

    assert received == b"half"


def test_a_failure_of_the_source_or_the_destination_is_raised(
    pair: tuple[Stream, Stream],
) -> None:
    stream, peer = pair
    peer.send_all(b"hello")

    def failing_source() -> Iterator[bytes]:
        raise OSError(5, "Input/output error")
        yield b""

    def failing_destination(_data: bytes) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        pump_stream(stream, [], failing_destination)
    with pytest.raises(OSError, match="Input/output"):
        pump_stream(stream, failing_source(), lambda _data: None)


class Loopback:
    """Datagrams that come back, each ``copies`` times."""

    def __init__(self, copies: int = 1) -> None:
        self._copies = copies
        self._queue: SimpleQueue[bytes | Exception] = SimpleQueue()

    def send(self, data: bytes, deadline: Deadline = NEVER) -> None:  # noqa: ARG002
        for _ in range(self._copies):
            self._queue.put(data)

    def receive(self, deadline: Deadline = NEVER) -> bytes:  # noqa: ARG002
        item = self._queue.get()
        if isinstance(item, Exception):
            raise item
        return item

    def fail(self, error: Exception) -> None:
        self._queue.put(error)

    def close(self) -> None:
        self._queue.put(StreamClosed("closed"))


@pytest.mark.parametrize(
    "source",
    [
        pytest.param([], id="none"),
        pytest.param([b"one"], id="one"),
        pytest.param([b"one", b"", b"three"], id="several, one of them empty"),
    ],
)
def test_it_is_over_when_as_many_datagrams_came_as_went(source: list[bytes]) -> None:
    datagrams = Loopback()
    received: list[bytes] = []
    pump_datagrams(datagrams, source, received.append, timeout=600)
    datagrams.close()

    assert received == source


def test_answers_are_no_end_while_there_is_more_to_send() -> None:
    datagrams = Loopback(copies=2)
    received: list[bytes] = []
    answered = threading.Semaphore(0)

    def source() -> Iterator[bytes]:
        yield b"one"
        answered.acquire()
        answered.acquire()
        yield b"two"

    def keep(data: bytes) -> None:
        received.append(data)
        answered.release()

    pump_datagrams(datagrams, source(), keep, timeout=600)
    datagrams.close()

    assert received[:2] == [b"one", b"one"]


def test_a_datagram_without_an_answer_is_a_timeout() -> None:
    datagrams = Loopback(copies=0)
    with pytest.raises(ReadTimeout):
        pump_datagrams(datagrams, [b"one"], lambda _data: None, timeout=0.05)
    datagrams.close()


def test_a_refusal_ends_it(silence: Iterator[bytes]) -> None:
    datagrams = Loopback()
    datagrams.fail(ConnectionRefused("nothing listens there"))
    with pytest.raises(ConnectionRefused):
        pump_datagrams(datagrams, silence, lambda _data: None)
