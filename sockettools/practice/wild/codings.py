"""Content-Encoding: what it says and what is there."""

from __future__ import annotations

import gzip
import zlib
from functools import cache
from typing import TYPE_CHECKING

from sockettools.practice.answers import OCTETS, PLAIN, Answer
from sockettools.practice.routes import Route

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sockettools.practice.http import Request

TEXT = "".join(f"line {n} of a text that is worth compressing\n" for n in range(1, 201)).encode()

MEGABYTE = 1_000_000
MAX_BOMB = 4_000

_GZIP = gzip.compress(TEXT, mtime=0)

# Neither a name nor a time, no extra fields (RFC 1952 section 2.3).
_GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
_LAST_BLOCK = b"\x03\x00"


def _coded(body: bytes, coding: str | None) -> Answer:
    fields = () if coding is None else (("Content-Encoding", coding),)
    return Answer(body=body, fields=(*fields, ("Vary", "Accept-Encoding")))


def _bomb(request: Request) -> Answer:
    megabytes = request.number("megabytes", 0, MAX_BOMB)
    length = len(_GZIP_HEAD) + megabytes * len(_zeros()) + len(_LAST_BLOCK) + 8
    return Answer(
        body=_bombing(megabytes),
        content_type=PLAIN,
        fields=(("Content-Encoding", "gzip"),),
        length=length,
    )


def _bombing(megabytes: int) -> Iterator[bytes]:
    yield _GZIP_HEAD
    checksum, block = 0, bytes(MEGABYTE)
    for _ in range(megabytes):
        checksum = zlib.crc32(block, checksum)
        yield _zeros()
    size = megabytes * MEGABYTE
    yield _LAST_BLOCK + checksum.to_bytes(4, "little") + size.to_bytes(8, "little")[:4]


@cache
def _zeros() -> bytes:
    """Return a megabyte of zeros, deflated so that it can stand anywhere, any number of times."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return compressor.compress(bytes(MEGABYTE)) + compressor.flush(zlib.Z_FULL_FLUSH)


def _raw_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush()


def _flip(data: bytes, position: int) -> bytes:
    damaged = bytearray(data)
    damaged[position] ^= 0xFF
    return bytes(damaged)


ROUTES = (
    Route("/gzip", _coded(_GZIP, "gzip"), "gzip, whatever the client accepts"),
    Route("/gzip/x", _coded(_GZIP, "X-GZip"), "gzip under its old name, in capitals"),
    Route(
        "/gzip/members",
        _coded(gzip.compress(TEXT[:100], mtime=0) + gzip.compress(TEXT[100:], mtime=0), "gzip"),
        "gzip in two members, which are one body",
    ),
    Route(
        "/gzip/twice",
        _coded(gzip.compress(_GZIP, mtime=0), "gzip, gzip"),
        "gzip in gzip, and says so",
    ),
    Route(
        "/gzip/twice/secretly",
        _coded(gzip.compress(_GZIP, mtime=0), "gzip"),
        "gzip in gzip, and says so once",
    ),
    Route("/gzip/truncated", _coded(_GZIP[: len(_GZIP) // 2], "gzip"), "half of it"),
    Route("/gzip/no-end", _coded(_GZIP[:-8], "gzip"), "all but the checksum"),
    Route("/gzip/corrupt", _coded(_flip(_GZIP, len(_GZIP) // 2), "gzip"), "a byte is wrong"),
    Route("/gzip/checksum", _coded(_flip(_GZIP, -8), "gzip"), "the checksum is wrong"),
    Route("/gzip/trailing", _coded(_GZIP + b"rubbish", "gzip"), "rubbish behind the end"),
    Route("/gzip/empty", _coded(b"", "gzip"), "not a byte where gzip was announced"),
    Route("/deflate", _coded(zlib.compress(TEXT), "deflate"), "deflate as the standard has it"),
    Route(
        "/deflate-raw",
        _coded(_raw_deflate(TEXT), "deflate"),
        "deflate without its zlib wrapping, as some servers send it",
    ),
    Route("/encoding/unknown", _coded(TEXT, "x-practice"), "a coding that nobody knows"),
    Route("/encoding/identity", _coded(TEXT, "identity"), "the coding that is none"),
    Route("/encoding/lie", _coded(TEXT, "gzip"), "plain text that is announced as gzip"),
    Route("/encoding/silent", _coded(_GZIP, None), "gzip that nothing announces"),
    Route(
        "/encoding/file",
        Answer(body=_GZIP, content_type=OCTETS),
        "a file that is gzip, and is to be kept so",
    ),
    Route(
        "/bomb/{megabytes:number}",
        _bomb,
        f"so many megabytes of zeros, a thousandth of that as gzip; up to {MAX_BOMB:,}",
        ("/bomb/1", "/bomb/1000"),
    ),
)
