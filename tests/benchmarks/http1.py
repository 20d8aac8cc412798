"""What the HTTP/1.x engine costs beside h11 and, for a page, http.client.

``python -m tests.benchmarks.http1``. All of it happens in memory and in one process: bytes in,
events out, from the first octet to the end of the message. The ways take turns, so that whatever
else the machine does meets all of them, and the median of the turns counts. That they understand
the same is checked first. The gigabyte is read in a process for each turn, whose memory is told.
"""

from __future__ import annotations

import argparse
import io
import multiprocessing
import resource
import zlib
from dataclasses import dataclass
from http.client import HTTPResponse
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

import h11

from sockettools import http1

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    # Status code, fields, size and CRC-32 of the body.
    Understood = tuple[int, list[tuple[bytes, bytes]], int, int]
    # Begins a conversation; returns what reads the answer. Checksums are for the check only.
    Way = Callable[[], Callable[[Iterator[bytes], bool], Understood]]

FIELDS = (
    (b"date", b"Sat, 02 Nov 2013 02:15:07 GMT"),
    (b"server", b"nginx/1.22.1"),
    (b"content-type", b"text/html; charset=utf-8"),
    (b"content-length", b"9000"),
    (b"connection", b"keep-alive"),
    (b"last-modified", b"Sat, 02 Nov 2013 02:01:26 GMT"),
    (b"etag", b'"143c1b33-a7-4b395bea"'),
    (b"accept-ranges", b"bytes"),
    (b"vary", b"Accept-Encoding"),
    (b"cache-control", b"max-age=3600, public"),
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"strict-transport-security", b"max-age=31536000"),
)
PAGE = b"HTTP/1.1 200 OK\r\n%b\r\n%b" % (
    b"".join([b"%b: %b\r\n" % (name.title(), value) for name, value in FIELDS]),
    b"x" * 9000,
)
PAGES = 500  # a turn: one takes microseconds

CHUNK = b"3e8\r\n%b\r\n" % (b"y" * 1000)
RECEIVE = 65_536


@dataclass(frozen=True)
class Load:
    """An answer: how it arrives, how often in a turn, and how much it is in the unit shown."""

    name: str
    unit: str
    pieces: Callable[[], Iterator[bytes]]
    times: int = 1


def page(size: int) -> Load:
    pieces = [PAGE[start : start + size] for start in range(0, len(PAGE), size)]
    name = f"9 kB in receives of {size}" if len(pieces) > 1 else "9 kB in one receive"
    return Load(name, "us", lambda: iter(pieces), PAGES)


def chunked(size: int) -> Load:
    def pieces() -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        waiting = b""
        for _ in range(size // 100_000):
            waiting += CHUNK * 100
            for start in range(0, len(waiting) - RECEIVE, RECEIVE):
                yield waiting[start : start + RECEIVE]
            waiting = waiting[(len(waiting) - 1) // RECEIVE * RECEIVE :]
        yield waiting + b"0\r\n\r\n"

    return Load(f"{size / 1e6:g} MB in chunks of 1 kB", "s", pieces)


def announced(size: int) -> Load:
    def pieces() -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size
        for left in range(size, 0, -RECEIVE):
            yield bytes(min(RECEIVE, left))  # each receive is an object of its own

    return Load(f"{size / 1e9:g} GB of known length", "s", pieces)


def engine() -> Callable[[Iterator[bytes], bool], Understood]:
    connection = http1.Connection(http1.Role.CLIENT)
    connection.send(http1.Request(b"GET", b"/", http1.Fields([(b"Host", b"h")])))
    connection.send(http1.EndOfMessage())

    def read(pieces: Iterator[bytes], checked: bool) -> Understood:
        size = checksum = 0
        while type(event := connection.next_event()) is not http1.EndOfMessage:
            if event is http1.NEED_DATA:
                connection.receive_data(next(pieces))
            elif type(event) is http1.Data:
                size += len(event.data)
                checksum = zlib.crc32(event.data, checksum) if checked else 0
            elif type(event) is http1.Response:
                head = event
        fields = [(name.lower(), value) for name, value in head.fields] if checked else []
        return head.status_code, fields, size, checksum

    return read


def other_engine() -> Callable[[Iterator[bytes], bool], Understood]:
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=[("Host", "h")]))
    connection.send(h11.EndOfMessage())

    def read(pieces: Iterator[bytes], checked: bool) -> Understood:
        size = checksum = 0
        while type(event := connection.next_event()) is not h11.EndOfMessage:
            if event is h11.NEED_DATA:
                connection.receive_data(next(pieces))
            elif type(event) is h11.Data:
                size += len(event.data)
                checksum = zlib.crc32(event.data, checksum) if checked else 0
            elif type(event) is h11.Response:
                head = event
        fields = list(head.headers) if checked else []
        return head.status_code, fields, size, checksum

    return read


class Received:
    """As much of a socket as http.client needs, with all of the answer in it."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, mode: str) -> io.BufferedReader:
        assert mode == "rb"
        return io.BufferedReader(io.BytesIO(self._data))


def http_client() -> Callable[[Iterator[bytes], bool], Understood]:
    def read(pieces: Iterator[bytes], checked: bool) -> Understood:
        answer = HTTPResponse(Received(b"".join(pieces)))  # type: ignore[arg-type]
        answer.begin()
        body = answer.read()
        found = answer.msg.items() if checked else []
        fields = [(name.lower().encode(), value.encode()) for name, value in found]
        return answer.status, fields, len(body), zlib.crc32(body) if checked else 0

    return read


WAYS: dict[str, Way] = {"sockettools": engine, "h11": other_engine, "http.client": http_client}


def seconds(way: Way, load: Load) -> float:
    """Return how long one answer takes."""
    total = 0.0
    for _ in range(load.times):
        read = way()
        pieces = load.pieces()
        start = perf_counter()
        read(pieces, False)
        total += perf_counter() - start
    return total / load.times


def measure_alone(name: str, size: int, results: multiprocessing.SimpleQueue[float]) -> None:
    results.put(seconds(WAYS[name], announced(size)))
    results.put(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


def alone(name: str, size: int) -> tuple[float, float]:
    """Return the seconds and the peak memory, in octets, of a process that reads one answer."""
    context = multiprocessing.get_context("spawn")  # a fork would have our memory
    results: multiprocessing.SimpleQueue[float] = context.SimpleQueue()
    process = context.Process(target=measure_alone, args=(name, size, results))
    process.start()
    found = results.get(), results.get()
    process.join()
    return found


def check(load: Load, names: list[str]) -> None:
    expected = engine()(load.pieces(), True)
    for name in names:
        understood = WAYS[name]()(load.pieces(), True)
        assert understood == expected, f"{name} understands {load.name} in another way"


def compare(load: Load, names: list[str], repeat: int) -> None:
    """Let ``names`` take turns, and print a line for each."""
    check(load, names)
    times: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(repeat):
        for name in names:
            times[name].append(seconds(WAYS[name], load))
    show(load, {name: median(found) for name, found in times.items()})


def compare_alone(size: int, names: list[str], repeat: int) -> None:
    """As ``compare``, with the memory of each."""
    check(announced(10_000_000), names)
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    for _ in range(repeat):
        for name in names:
            found[name].append(alone(name, size))
    memory = {name: max(peak for _, peak in turns) for name, turns in found.items()}
    times = {name: median(time for time, _ in turns) for name, turns in found.items()}
    show(announced(size), times, memory)


def show(load: Load, times: dict[str, float], memory: dict[str, float] | None = None) -> None:
    scale = 1e6 if load.unit == "us" else 1
    for number, (name, time) in enumerate(times.items()):
        title = "" if number else load.name
        ratio = f"{time / times['sockettools']:.2f}"
        peak = f"{memory[name] / 1e6:.0f} MB" if memory else ""
        print(f"{title:<28}{name:<12}{time * scale:>9.2f} {load.unit:<3}{ratio:>7}{peak:>13}")


def main() -> None:
    parser = argparse.ArgumentParser(description="What the HTTP/1.x engine costs, beside others.")
    parser.add_argument("--size", type=float, default=1.0, metavar="GB", help="default: 1")
    parser.add_argument("--repeat", type=int, default=9, metavar="N", help="default: 9")
    arguments = parser.parse_args()
    print(f"median of {arguments.repeat} turns; ratio to sockettools")
    print(f"{'answer':<28}{'way':<12}{'time':>9}    {'ratio':>7}{'peak memory':>13}")
    compare(page(len(PAGE)), [*WAYS], arguments.repeat)
    for size in (4096, 1460):
        compare(page(size), ["sockettools", "h11"], arguments.repeat)
    compare(chunked(100_000_000), ["sockettools", "h11"], arguments.repeat)
    compare_alone(int(arguments.size * 1e9), ["sockettools", "h11"], arguments.repeat)


if __name__ == "__main__":
    main()
