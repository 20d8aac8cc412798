"""Chunked bodies: unusual and wrong ones. They are sent to HTTP/1.0 clients too."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING

from sockettools.practice.answers import Ending, Endless, Raw, raw_head
from sockettools.practice.routes import Route

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sockettools.practice.answers import Piece

TEXT = b"".join(b"%d bottles\n" % number for number in range(99, 0, -1))

_SIZES = (1, 2, 3, 5, 7, 1, 11, 26, 1, 160)

_HEAD = raw_head("Content-Type: text/plain", "Transfer-Encoding: chunked")


def _odd() -> Iterator[bytes]:
    """Chunks of odd sizes, written in every way that is allowed."""
    starts = cycle((b"%x", b"%X", b"00%x", b'%x;name="a;b"', b"%x;ext", b"%x ; a = 1"))
    position = 0
    for size, start in zip(cycle(_SIZES), starts, strict=False):
        data = TEXT[position : position + size]
        if not data:
            break
        yield start % len(data) + b"\r\n" + data + b"\r\n"
        position += size
    yield b"000;last\r\nX-Sum: 4950\r\nX-Sum: again\r\n\r\n"


def _chunked(body: bytes | Iterable[Piece], ending: Ending = Ending.CLOSE) -> Raw:
    return Raw(_HEAD, body, ending)


ROUTES = (
    Route(
        "/chunked",
        _chunked(tuple(_odd()), Ending.KEEP),
        "chunks of odd sizes, with extensions and trailers: all of it allowed",
    ),
    Route("/chunked/empty", _chunked(b"0\r\n\r\n", Ending.KEEP), "the last chunk and no other"),
    Route("/chunked/bad-size", _chunked(b"4\r\nfour\r\nnine\r\nnine\r\n0\r\n\r\n"), "not a size"),
    Route("/chunked/negative", _chunked(b"-4\r\nfour\r\n0\r\n\r\n"), "a size below zero"),
    Route("/chunked/prefix", _chunked(b"0x4\r\nfour\r\n0\r\n\r\n"), "a size with 0x before it"),
    Route(
        "/chunked/huge-size",
        _chunked(b"ffffffffffffffffffff\r\nfour\r\n0\r\n\r\n"),
        "a size that no machine can count to",
    ),
    Route("/chunked/no-crlf", _chunked(b"4\r\nfour4\r\nfour0\r\n\r\n"), "no CRLF behind a chunk"),
    Route("/chunked/too-long", _chunked(b"4\r\nfourteen\r\n0\r\n\r\n"), "more than the size says"),
    Route("/chunked/bare-lf", _chunked(b"4\nfour\n0\n\n"), "LF where CRLF belongs"),
    Route("/chunked/truncated", _chunked(b"4\r\nfour\r\n8\r\nfour"), "ends within a chunk"),
    Route("/chunked/no-last", _chunked(b"4\r\nfour\r\n"), "ends without the last chunk"),
    Route("/chunked/no-trailers", _chunked(b"4\r\nfour\r\n0\r\n"), "ends before the last line"),
    Route(
        "/chunked/bad-trailer",
        _chunked(b"4\r\nfour\r\n0\r\nno field\r\n\r\n"),
        "a trailer that is no field",
    ),
    Route(
        "/chunked/endless-extension",
        _chunked(Endless(b"4;", b"x" * 8_192)),
        "an extension without end",
    ),
    Route(
        "/chunked/endless-trailers",
        _chunked(Endless(b"4\r\nfour\r\n0\r\n", b"X-Trailer: x\r\n" * 500)),
        "trailers without end",
    ),
)
