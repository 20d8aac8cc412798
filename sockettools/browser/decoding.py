"""Content codings undone: a body's bytes as they were before the server compressed them.

RFC 9110 section 8.4.1. A few bytes can become gigabytes, so the result comes in blocks, and only
one block of each coding is ever in memory.
"""

from __future__ import annotations

import importlib
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from sockettools.errors import IncompleteMessage, RemoteProtocolError, TooLong

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

# Octets of a block of the result, at the most.
BLOCK_SIZE = 65_536

# Octets that a decompressor is given at once. It copies what it has not come to yet once for each
# block, so that many at once would take time by their square.
INPUT_SIZE = 16_384

# Codings of one body. Two are an accident and more an attack: each multiplies what a byte can
# become by 1000. curl has the same limit.
MAX_CODINGS = 5

# Octets that all codings of a body may put out beyond a share of the result. Compressed data can
# go on without ever meaning anything (empty blocks), and under another coding for ever.
MAX_FUTILE = 16_777_216

_ZSTD: Any
try:
    _ZSTD = importlib.import_module("compression.zstd")
except ImportError:  # Python before 3.14, or built without it
    _ZSTD = None

# 8 MiB, the window that RFC 9659 lets a server expect.
_ZSTD_WINDOW_LOG = 23

_CORRUPT: tuple[type[Exception], ...] = (zlib.error,)
if _ZSTD is not None:
    _CORRUPT += (_ZSTD.ZstdError,)


class Decompressor(Protocol):
    """What the decompressors of bz2, lzma and zstd have in common; zlib's is made to."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


@dataclass(frozen=True)
class Coding:
    """A content coding: how many octets tell what it is, and what to do with it.

    ``begin`` gets at least that many octets and returns None if they begin no such data.
    ``has_members`` means that data may follow data; otherwise what follows the end is dropped.
    """

    name: str
    magic_size: int
    begin: Callable[[bytes], Decompressor | None]
    has_members: bool


class Decoder:
    """Undoes the codings of one body."""

    def __init__(self, codings: Sequence[Coding], max_size: int | None = None) -> None:
        """Begin. ``codings`` are in the order in which the server applied them."""
        self._stages = [_Stage(coding) for coding in reversed(codings)]
        self._max_size = max_size
        self._size = 0
        self._work = 0

    def decode(self, data: bytes) -> Iterator[bytes]:
        """Yield what ``data`` adds to the body, in blocks of 1 to BLOCK_SIZE octets.

        It is decoded while it is asked for: go to the end before the next call.

        Raises:
            RemoteProtocolError: it is corrupt, or not what Content-Encoding said.
            TooLong: the body is longer than ``max_size``, up to which it was yielded; or much is
                decoded that comes to nothing.
        """
        blocks = _pieces(data)
        for stage in self._stages:
            blocks = self._undone(stage, blocks)
        for block in blocks:
            room = len(block) if self._max_size is None else self._max_size - self._size
            self._size += len(block[:room])
            if room:
                yield block[:room]
            if room < len(block):
                raise TooLong(f"the body is longer than the limit of {self._max_size} octets")

    def finish(self) -> None:
        """Check that the body, which has been received to its end, is complete.

        No octet at all is an empty body: what a server may send that has nothing to compress.

        Raises:
            IncompleteMessage: it ended in the middle of the compressed data.
        """
        for stage in self._stages:
            stage.finish()

    def _undone(self, stage: _Stage, blocks: Iterator[bytes]) -> Iterator[bytes]:
        for data in blocks:
            for block in stage.decode(data):
                self._work += len(block)
                # No coding makes what it is applied to longer but by a little.
                if self._work > MAX_FUTILE + 2 * MAX_CODINGS * self._size:
                    raise TooLong(
                        f"the body's codings decode to {self._work} octets"
                        f" for {self._size} octets of it"
                    )
                yield block


def _pieces(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), INPUT_SIZE):
        yield data[start : start + INPUT_SIZE]


class _Stage:
    """Undoes one coding."""

    def __init__(self, coding: Coding) -> None:
        self._coding = coding
        self._start = b""  # of a member, as long as it is too short to tell
        self._decompressor: Decompressor | None = None  # of the member that we are in
        self._members = 0
        self._done = False

    def decode(self, data: bytes) -> Iterator[bytes]:
        while data and not self._done:
            if self._decompressor is None:
                data = self._begin_member(data)
            if self._decompressor is not None:
                yield from self._decompress(self._decompressor, data)
                data = self._end_member(self._decompressor)

    def finish(self) -> None:
        # A few octets after a member are no member: see ``_begin_member``.
        has_begun = self._start and not self._members
        if has_begun or self._decompressor is not None:
            raise IncompleteMessage(f"the body ended in the middle of its {self._coding.name} data")

    def _begin_member(self, data: bytes) -> bytes:
        """Return what to decompress, nothing as long as more is needed to tell what it is."""
        data = self._start + data
        if len(data) < self._coding.magic_size:
            self._start = data
            return b""
        self._start = b""
        self._decompressor = self._coding.begin(data)
        if self._decompressor is not None:
            return data
        if not self._members:
            name = self._coding.name
            raise RemoteProtocolError(f"the body is not {name}, as its Content-Encoding says")
        # Octets after the end that begin no other member: padding, or the newline of a script, and
        # no reason to lose the page. gzip itself ignores them with a warning.
        self._done = True
        return b""

    def _decompress(self, decompressor: Decompressor, data: bytes) -> Iterator[bytes]:
        while data or not (decompressor.needs_input or decompressor.eof):
            try:
                block = decompressor.decompress(data, BLOCK_SIZE)
            except _CORRUPT as exc:
                # "Error -3 while decompressing data: incorrect data check"
                reason = str(exc).rpartition(": ")[2]
                name = self._coding.name
                raise RemoteProtocolError(f"the body's {name} data is corrupt: {reason}") from exc
            data = b""
            if block:
                yield block

    def _end_member(self, decompressor: Decompressor) -> bytes:
        """Return what comes after the member, if it is at its end."""
        if not decompressor.eof:
            return b""
        self._decompressor = None
        self._members += 1
        self._done = not self._coding.has_members
        return decompressor.unused_data


class _Inflater:
    """zlib's decompressor with the interface of the others."""

    def __init__(self, wbits: int) -> None:
        self._zlib = zlib.decompressobj(wbits)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        block = self._zlib.decompress(data or self._zlib.unconsumed_tail, max_length)
        # A full block can mean more of them, also after the last octet was consumed.
        self.needs_input = len(block) < max_length and not self._zlib.unconsumed_tail
        return block


def _begin_gzip(start: bytes) -> Decompressor | None:
    # zlib checks the CRC and the length itself.
    return _Inflater(zlib.MAX_WBITS | 16) if start.startswith(b"\x1f\x8b") else None


def _begin_deflate(start: bytes) -> Decompressor:
    """Begin with a zlib header, or without one.

    "Some non-conformant implementations send the "deflate" compressed data without the zlib
    wrapper" (RFC 9110 section 8.4.1.2). The header has a check of its own; and its 8, for the
    method, would begin a stored block with padding bits that everybody leaves 0.
    """
    is_zlib = start[0] & 0x0F == 8 and int.from_bytes(start[:2]) % 31 == 0
    return _Inflater(zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS)


def _begin_zstd(start: bytes) -> Decompressor | None:
    is_skippable = 0x50 <= start[0] <= 0x5F and start[1:4] == b"\x2a\x4d\x18"
    if not (is_skippable or start.startswith(b"\x28\xb5\x2f\xfd")):
        return None
    options = {_ZSTD.DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG}
    decompressor: Decompressor = _ZSTD.ZstdDecompressor(options=options)
    return decompressor


_GZIP = Coding("gzip", 2, _begin_gzip, has_members=True)
_CODINGS = {
    "gzip": _GZIP,
    "x-gzip": _GZIP,  # "SHOULD consider "x-gzip" to be equivalent to "gzip"", 8.4.1.3
    "deflate": Coding("deflate", 2, _begin_deflate, has_members=False),
}
if _ZSTD is not None:
    _CODINGS["zstd"] = Coding("zstd", 4, _begin_zstd, has_members=True)

# What a request may say that it accepts: all that is decoded here.
ACCEPT_ENCODING = ", ".join(name for name in _CODINGS if name != "x-gzip")

# "none" is no coding, but is sent; curl knows it as well.
_NO_CODINGS = ("", "identity", "none")


def decoder_for(content_encoding: str | None, max_size: int | None = None) -> Decoder | None:
    """Return what undoes the codings of a Content-Encoding field; None if there are none.

    ``max_size`` is the longest that the decoded body may be, in octets; None is no limit.

    Raises:
        RemoteProtocolError: a coding is unknown here, or they are more than MAX_CODINGS.

    >>> b"".join(decoder_for("deflate").decode(zlib.compress(b"hello")))
    b'hello'
    """
    names = [name.strip(" \t").lower() for name in (content_encoding or "").split(",")]
    names = [name for name in names if name not in _NO_CODINGS]
    if not names:
        return None
    if len(names) > MAX_CODINGS:
        raise TooLong(f"the body has {len(names)} content codings, the limit is {MAX_CODINGS}")
    for name in names:
        if name not in _CODINGS:
            raise RemoteProtocolError(f"the body's content coding {name[:40]!r} is unknown", 415)
    return Decoder([_CODINGS[name] for name in names], max_size)
