"""Time in proportion to what is received, and no more memory than that, whatever it is."""

from __future__ import annotations

import tracemalloc
from time import process_time
from typing import TYPE_CHECKING

import pytest

from sockettools.http1 import NEED_DATA, Connection, Data, EndOfMessage, Limits, Status
from tests.growth import assert_linear
from tests.sockettools.http1.conversation import asked, hear, octets, server

if TYPE_CHECKING:
    from collections.abc import Callable

    Case = Callable[[int], tuple[Connection, list[bytes]]]

# So high that time alone limits what is received.
HIGH = Limits(line=10**9, head=10**9, fields=10**9, informational=10**9, trailers=10**9)

HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def answer(*pieces: bytes) -> tuple[Connection, list[bytes]]:
    return asked(limits=HIGH), list(pieces)


def request(*pieces: bytes) -> tuple[Connection, list[bytes]]:
    return server(HIGH), list(pieces)


CASES: dict[str, tuple[int, Case]] = {
    "a head in octets": (8_000, lambda n: answer(*octets(HEAD + b"A: " + b"x" * n))),
    "a request in octets": (8_000, lambda n: request(*octets(b"GET /" + b"x" * n))),
    "line ends in octets": (8_000, lambda n: answer(*octets(HEAD + b"A: b\r\n" * (n // 6)))),
    "trailers in octets": (8_000, lambda n: answer(*octets(CHUNKED + b"0\r\nA: " + b"\r" * n))),
    "a body in octets": (8_000, lambda n: answer(HEAD + b"\r\n", *octets(b"x" * n))),
    "chunks in octets": (1_000, lambda n: answer(*octets(CHUNKED + b"1\r\nx\r\n" * n))),
    "blanks in a value": (60_000, lambda n: answer(HEAD + b"A: b" + b" " * n + b"c\r\n\r\n")),
    "blanks behind a value": (60_000, lambda n: answer(HEAD + b"A: b" + b" " * n + b"\r\n\r\n")),
    "nothing but blanks": (60_000, lambda n: answer(HEAD + b"A:" + b" " * n + b"\r\n\r\n")),
    "blanks, then NUL": (60_000, lambda n: answer(HEAD + b"A:" + b" " * n + b"\0\r\n\r\n")),
    "blanks and tabs": (60_000, lambda n: answer(HEAD + b"A:" + b" \t" * n + b"\0\r\n\r\n")),
    "folds": (10_000, lambda n: answer(HEAD + b"A: b\r\n" + b" c\r\n" * n + b"\r\n")),
    "folds of nothing": (
        10_000,
        lambda n: answer(HEAD + b"A: b\r\n" + b" \r\n" * n + b"\0\r\n\r\n"),
    ),
    "carriage returns": (60_000, lambda n: answer(HEAD + b"A: " + b"\r" * n + b"\n\r\n")),
    "a name without end": (60_000, lambda n: answer(HEAD + b"A" * n + b"\r\n\r\n")),
    "lines without a colon": (10_000, lambda n: answer(HEAD + b"A\r\n" * n + b"\r\n")),
    "colons": (60_000, lambda n: answer(HEAD + b"A" + b":" * n + b"\r\n\r\n")),
    "fields": (12_500, lambda n: answer(HEAD + b"A: b\r\n" * n + b"\r\n")),
    "loose fields": (12_500, lambda n: answer(HEAD + b"A: b \r\n" * n + b"\r\n")),
    "a reason": (60_000, lambda n: answer(b"HTTP/1.1 200 " + b" " * n + b"\0\r\n\r\n")),
    "a method": (60_000, lambda n: request(b"A" * n + b"\r\n\r\n")),
    "a target": (60_000, lambda n: request(b"GET " + b"/" * n + b"\r\n\r\n")),
    "lengths": (
        20_000,
        lambda n: answer(HEAD + b"Content-Length: 5" + b", 5" * n + b"\r\n\r\nhello"),
    ),
    "options": (20_000, lambda n: answer(HEAD + b"Connection: " + b" ,\t" * n + b"\r\n\r\n")),
    "empty lines": (60_000, lambda n: request(b"\r\n" * n)),
    "empty lines in octets": (8_000, lambda n: request(*octets(b"\r\n" * (n // 2)))),
    "extensions": (
        100,
        lambda n: answer(CHUNKED + (b"1;" + b"x=y;" * 500 + b"\r\nx\r\n") * n),
    ),
    "informational": (2_000, lambda n: answer(b"HTTP/1.1 100 \r\n\r\n" * n)),
    "chunks at once": (5_000, lambda n: answer(CHUNKED + b"1\r\nx\r\n" * n)),
    "chunks behind what was there": (
        5_000,
        lambda n: answer(CHUNKED + b"1", b"\r\nx\r\n" + b"1\r\nx\r\n" * n),
    ),
}


@pytest.mark.parametrize(("size", "case"), CASES.values(), ids=CASES)
def test_time_grows_no_faster_than_what_is_received(size: int, case: Case) -> None:
    def prepare(size: int) -> Callable[[], object]:
        connection, pieces = case(size)
        return lambda: hear(connection, *pieces)

    assert_linear(prepare, size)


def test_many_requests_in_one_buffer() -> None:
    """Taking one of them does not move the others."""

    def take(count: int) -> float:
        connection = server()
        one = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
        connection.receive_data(one * count)
        start = process_time()
        for _ in range(1000):
            connection.receive_data(one)
            while not isinstance(connection.next_event(), Status):
                pass
            connection._states = dict.fromkeys(connection._states, connection.our_state.DONE)
            connection.start_next_cycle()
        return process_time() - start

    assert min(take(40_000) for _ in range(3)) < 5 * max(min(take(2_000) for _ in range(3)), 0.01)


def test_a_gigabyte_is_handed_on_as_it_was_received() -> None:
    size, piece = 2**30, b"x" * 65_536
    client = asked()
    hear(client, HEAD + b"Content-Length: %d\r\n\r\n" % size)
    left = size
    while left:
        client.receive_data(piece)
        event = client.next_event()
        assert isinstance(event, Data)
        assert event.data is piece
        left -= len(event.data)
        if left:
            assert client.next_event() is NEED_DATA
    assert client.next_event() == EndOfMessage()


@pytest.mark.parametrize("chunk_size", [1_000, 65_536, 10_000_000])
def test_chunks_take_no_more_memory_than_what_was_received(chunk_size: int) -> None:
    size = 10_000_000
    chunk = b"%x\r\n%b\r\n" % (chunk_size, b"x" * chunk_size)
    wire = memoryview(CHUNKED + chunk * (size // chunk_size))
    client = asked()
    total = 0
    tracemalloc.start()
    try:
        for start in range(0, len(wire), 65_536):
            client.receive_data(bytes(wire[start : start + 65_536]))
            while not isinstance(event := client.next_event(), Status):
                total += len(event.data) if isinstance(event, Data) else 0
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert total == size // chunk_size * chunk_size
    assert peak < 500_000


def test_a_head_takes_no_more_memory_than_its_limit_allows() -> None:
    client = asked()
    tracemalloc.start()
    try:
        heard = hear(client, *[b"A" * 65_536] * 100)
        heard_long = hear(asked(), HEAD, *[b"A" * 65_536] * 100)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert isinstance(heard[-1], type)
    assert isinstance(heard_long[-1], type)
    assert peak < 2_000_000
