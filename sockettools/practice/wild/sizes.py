"""Large bodies, endless ones, and parts of one: right and wrong."""

from __future__ import annotations

import re
import sys
import time
from typing import TYPE_CHECKING

from sockettools.practice.answers import OCTETS, Answer, Endless, Raw, raw_head
from sockettools.practice.routes import Route
from sockettools.practice.wild.octets import octets

if TYPE_CHECKING:
    from sockettools.practice.http import Request

MAX_SIZE = 10_000_000_000

# Of everything here that has a date: that of the chapter's text.
MODIFIED = "Sat, 02 Nov 2013 02:01:26 GMT"

_RANGE = re.compile(rb"bytes=(?P<first>[0-9]{0,18})-(?P<last>[0-9]{0,18})", re.IGNORECASE)

_CHUNKED = raw_head(f"Content-Type: {OCTETS}", "Transfer-Encoding: chunked")

# Octets by which the wrong range is wrong.
SHIFT = 10


class _Unsatisfiable(Exception):
    """No octet of the range exists."""


def parse_range(value: bytes | None, size: int) -> range | None:
    """Return the octets that are asked for; None where a server sends everything.

    That is so without a range, with several, and with one that is wrong: a server may ignore them
    all (RFC 9110 section 14.2).

    >>> parse_range(b"bytes=5-", 10), parse_range(b"bytes=-3", 10), parse_range(b"bytes=3-1", 10)
    (range(5, 10), range(7, 10), None)
    """
    match = _RANGE.fullmatch(value or b"")
    if match is None or not (match["first"] or match["last"]):
        return None
    if not match["first"]:
        wanted = range(max(0, size - int(match["last"])), size)
    else:
        first, last = int(match["first"]), int(match["last"] or size)
        if match["last"] and last < first:
            return None
        wanted = range(first, min(last + 1, size))
    if not wanted:
        raise _Unsatisfiable
    return wanted


def _bytes(request: Request) -> Answer:
    size = request.number("size", 0, MAX_SIZE)
    return Answer(body=octets(0, size), content_type=OCTETS, length=size)


def _range(request: Request) -> Answer:
    size = request.number("size", 0, MAX_SIZE)
    return _part(request, size, f'"{size}"')


def _changing(request: Request) -> Answer:
    # Another body every time: what is left of one cannot be had any more.
    moment = str(time.time_ns())
    return _part(request, request.number("size", 0, MAX_SIZE), f'"{moment}"', moment)


def _part(request: Request, size: int, tag: str, seed: str = "") -> Answer:
    about = (("Accept-Ranges", "bytes"), ("ETag", tag), ("Last-Modified", MODIFIED))
    if request.fields.get(b"if-none-match") in (tag.encode(), b"*"):
        return Answer(304, b"", None, about)
    condition = request.fields.get(b"if-range")
    if condition in (None, tag.encode(), MODIFIED.encode()) and request.method == "GET":
        try:
            wanted = parse_range(request.fields.get(b"range"), size)
        except _Unsatisfiable:
            return Answer(416, b"", None, (*about, ("Content-Range", f"bytes */{size}")))
        if wanted is not None:
            return _partial(wanted, size, about, seed)
    return Answer(200, octets(0, size, seed), OCTETS, about, length=size)


def _partial(
    part: range, size: int, about: tuple[tuple[str, str], ...] = (), seed: str = ""
) -> Answer:
    place = f"bytes {part.start}-{part.stop - 1}/{size}"
    body = octets(part.start, part.stop, seed)
    return Answer(206, body, OCTETS, (*about, ("Content-Range", place)), length=len(part))


def _ignored(request: Request) -> Answer:
    size = request.number("size", 0, MAX_SIZE)
    return Answer(200, octets(0, size), OCTETS, (("Accept-Ranges", "bytes"),), length=size)


def _wrong(request: Request) -> Answer:
    size = request.number("size", 2 * SHIFT, MAX_SIZE)
    wanted = _wanted(request, size)
    return _partial(range(wanted.start // 2, max(wanted.stop - SHIFT, wanted.start // 2 + 1)), size)


def _unasked(request: Request) -> Answer:
    size = request.number("size", 2, MAX_SIZE)
    return _partial(range(size // 2), size)


def _unnamed(request: Request) -> Answer:
    size = request.number("size", 1, MAX_SIZE)
    wanted = _wanted(request, size)
    return Answer(206, octets(wanted.start, wanted.stop), OCTETS, length=len(wanted))


def _wanted(request: Request, size: int) -> range:
    try:
        return parse_range(request.fields.get(b"range"), size) or range(size)
    except _Unsatisfiable:
        return range(size)


def _endless(_request: Request) -> Raw:
    return Raw(raw_head(f"Content-Type: {OCTETS}", "Connection: close"), octets(0, sys.maxsize))


def _endless_chunked(_request: Request) -> Raw:
    chunks = (b"%x\r\n%b\r\n" % (len(data), data) for data in octets(0, sys.maxsize))
    return Raw(_CHUNKED, chunks)


ROUTES = (
    Route(
        "/bytes/{size:number}",
        _bytes,
        f"so many bytes, up to {MAX_SIZE:,}, always the same ones",
        ("/bytes/0", "/bytes/100000", f"/bytes/{MAX_SIZE}"),
    ),
    Route("/endless", _endless, "bytes without end, and without a length"),
    Route("/endless-chunked", _endless_chunked, "chunks without end"),
    Route(
        "/endless-chunked/crumbs",
        Raw(_CHUNKED, Endless(b"", b"1\r\n*\r\n" * 1_000)),
        "chunks of one byte without end",
    ),
    Route(
        "/range/{size:number}",
        _range,
        "the bytes of /bytes, of which a part can be had: Range, If-Range, If-None-Match",
        ("/range/100000",),
    ),
    Route(
        "/range/changing/{size:number}",
        _changing,
        "the same, but other bytes under another ETag every time",
        ("/range/changing/100000",),
    ),
    Route(
        "/range/ignored/{size:number}",
        _ignored,
        "says that it has ranges, and sends everything",
        ("/range/ignored/100000",),
    ),
    Route(
        "/range/wrong/{size:number}",
        _wrong,
        "sends another range than was asked for, and says so",
        ("/range/wrong/100000",),
    ),
    Route(
        "/range/unasked/{size:number}",
        _unasked,
        "always 206 with the first half",
        ("/range/unasked/100000",),
    ),
    Route(
        "/range/unnamed/{size:number}",
        _unnamed,
        "206 that does not say which range it is",
        ("/range/unnamed/100000",),
    ),
)
