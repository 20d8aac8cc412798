"""Answers that take their time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sockettools.practice.answers import PLAIN, Answer, Ending, Pause, Raw, raw_head
from sockettools.practice.routes import ANY_METHOD, Route

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sockettools.practice.answers import Piece
    from sockettools.practice.http import Request

# Seconds, and octets that come one at a time.
MAX_SECONDS = 60.0
MAX_DRIPS = 10_000

MAX_STALL = 1_048_576


def _delay(request: Request) -> Answer:
    seconds = request.seconds("seconds", MAX_SECONDS)
    return Answer(body=f"after {seconds:g} seconds\n".encode(), before=(Pause(seconds),))


def _drip(request: Request) -> Answer:
    count = request.number("bytes", 1, MAX_DRIPS, 10)
    seconds = request.seconds("seconds", MAX_SECONDS, 2)
    return Answer(body=_dripping(b"*" * count, seconds), length=count)


def _slow_head(request: Request) -> Raw:
    seconds = request.seconds("seconds", MAX_SECONDS, 5)
    head = raw_head("Content-Length: 5", f"Content-Type: {PLAIN}")
    return Raw(_dripping(head, seconds), b"slow\n", Ending.KEEP)


def _stall(request: Request) -> Raw:
    count = request.number("count", 0, MAX_STALL)
    head = raw_head(f"Content-Length: {count + 1}")
    return Raw(head, b"*" * count, Ending.SILENCE)


def _dripping(data: bytes, seconds: float) -> Iterator[Piece]:
    pause = Pause(seconds / len(data))
    for octet in data:
        yield pause
        yield bytes((octet,))


ROUTES = (
    Route(
        "/delay/{seconds}",
        _delay,
        f"an answer after so many seconds, up to {MAX_SECONDS:g}",
        ("/delay/1", "/delay/0.1", "/delay/30"),
        ANY_METHOD,
    ),
    Route(
        "/drip",
        _drip,
        "a body that comes byte by byte",
        ("/drip?bytes=10&seconds=2", "/drip?bytes=60&seconds=60"),
    ),
    Route("/slow-head", _slow_head, "a head that comes byte by byte", ("/slow-head?seconds=5",)),
    Route(
        "/stall/{count:number}",
        _stall,
        "so many bytes of a longer body, then silence",
        ("/stall/0", "/stall/1000"),
    ),
    Route("/silence", Raw(b"", ending=Ending.SILENCE), "not a byte"),
    Route(
        "/silence/head",
        Raw(b"HTTP/1.1 200 OK\r\nContent-Le", ending=Ending.SILENCE),
        "half a head, then silence",
    ),
)
