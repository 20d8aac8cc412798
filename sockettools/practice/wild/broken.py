"""Answers that are hardly any: no head, half of one, or one without end."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from sockettools.practice.answers import Ending, Endless, Pause, Raw, raw_head
from sockettools.practice.routes import Route
from sockettools.practice.wild.lengths import RESET_PAUSE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sockettools.practice.http import Request

MAX_FIELDS = 1_000_000

# Fields that are sent at once.
_AT_ONCE = 1_000

_LINE = b"HTTP/1.1 200 OK\r\n"


def _head(*lines: str, line: str = "HTTP/1.1 200 OK") -> Raw:
    return Raw(raw_head("Content-Length: 5", *lines, line=line), b"body\n", Ending.KEEP)


def _many_fields(request: Request) -> Raw:
    count = request.number("count", 0, MAX_FIELDS)
    head = chain((_LINE + b"Content-Length: 5\r\n",), _fields(count), (b"\r\n",))
    return Raw(head, b"body\n", Ending.KEEP)


def _fields(count: int) -> Iterator[bytes]:
    for start in range(0, count, _AT_ONCE):
        numbers = range(start, min(start + _AT_ONCE, count))
        yield b"".join(b"X-%d: %d\r\n" % (number, number) for number in numbers)


ROUTES = (
    Route("/empty", Raw(b""), "the connection ends without a byte"),
    Route("/reset-head", Raw((Pause(RESET_PAUSE),), ending=Ending.RESET), "a reset, and no byte"),
    Route("/half-head", Raw(b"HTTP/1.1 200 OK\r\nContent-Le"), "the connection ends within a head"),
    Route("/no-head", Raw(b"", b"<p>HTTP/0.9\n"), "a body without a head: HTTP/0.9"),
    Route("/garbage", Raw(b"\x00\xff\x15\x03garbage\r\n\r\n"), "bytes that are no HTTP at all"),
    Route("/ssh", Raw(b"SSH-2.0-OpenSSH_9.6\r\n", ending=Ending.SILENCE), "another protocol"),
    Route("/version/2", _head(line="HTTP/2.0 200 OK"), "a version that is not spoken like this"),
    Route("/version/1.0", Raw(raw_head(line="HTTP/1.0 200 OK"), b"old\n"), "HTTP/1.0"),
    Route("/version/none", _head(line="HTTP 200 OK"), "a status line without a version"),
    Route("/version/icy", _head(line="ICY 200 OK"), "the status line of radio stations"),
    Route("/code/words", _head(line="HTTP/1.1 OK"), "a status line without a code"),
    Route("/code/long", _head(line="HTTP/1.1 2000 OK"), "a code of four digits"),
    Route(
        "/bare-lf",
        Raw(b"HTTP/1.1 200 OK\nContent-Length: 5\n\n", b"body\n", Ending.KEEP),
        "LF where CRLF belongs",
    ),
    Route(
        "/bare-cr",
        _head("X-One: 1\rX-Two: 2"),
        "CR alone, which is no end of a line",
    ),
    Route("/obs-fold", _head("X-Folded: one\r\n two\r\n\tthree"), "a field folded over lines"),
    Route("/fold-first", Raw(_LINE + b" X: y\r\n\r\n"), "a first field that is folded"),
    Route("/field/no-colon", _head("no colon"), "a line that is no field"),
    Route("/field/no-name", _head(": value"), "a field without a name"),
    Route("/field/blank", _head("X-Blank : value"), "a blank before the colon"),
    Route("/field/name", _head("X(Y): value"), "a name of letters that no name has"),
    Route("/field/latin", _head("X-Latin: Zo\xeb"), "a value with an octet beyond ASCII"),
    Route("/nul", _head("X-Nul: a\x00b"), "a NUL in a value"),
    Route(
        "/many-fields/{count:number}",
        _many_fields,
        f"so many fields, up to {MAX_FIELDS:,}",
        ("/many-fields/200", "/many-fields/100000"),
    ),
    Route("/long-field", _head("X-Long: " + "x" * 100_000), "a field of 100,000 bytes"),
    Route(
        "/endless-head",
        Raw(Endless(_LINE, b"X-Endless: head\r\n" * 500)),
        "fields without end",
    ),
    Route(
        "/endless-line",
        Raw(Endless(_LINE + b"X-Endless: ", b"line" * 2_000)),
        "a field without end",
    ),
    Route(
        "/endless-status",
        Raw(Endless(b"HTTP/1.1 200 ", b"OK" * 4_000)),
        "a reason phrase without end",
    ),
)
