from __future__ import annotations

import gzip
import importlib
import io
import random
import tracemalloc
import zlib
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockettools.browser import decoding
from sockettools.browser.decoding import (
    ACCEPT_ENCODING,
    BLOCK_SIZE,
    MAX_CODINGS,
    Decoder,
    decoder_for,
)
from sockettools.errors import IncompleteMessage, RemoteProtocolError, TooLong

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

TEXT = b"But soft what light through yonder window breaks\n" * 20
MEGABYTE = 1_000_000


def gzipped(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def raw_deflated(data: bytes) -> bytes:
    return zlib.compress(data, wbits=-15)


def new_decoder(coding: str, max_size: int | None = None) -> Decoder:
    decoder = decoder_for(coding, max_size)
    assert decoder is not None
    return decoder


def decoded(coding: str, pieces: Iterable[bytes], max_size: int | None = None) -> bytes:
    decoder = new_decoder(coding, max_size)
    body = b""
    for piece in pieces:
        for block in decoder.decode(piece):
            assert 1 <= len(block) <= BLOCK_SIZE
            body += block
    decoder.finish()
    return body


def one_by_one(data: bytes) -> list[bytes]:
    return [data[index : index + 1] for index in range(len(data))]


@pytest.mark.parametrize("field", [None, "", "identity", " Identity , ", "none"])
def test_no_coding(field: str | None) -> None:
    assert decoder_for(field) is None


CASES = [
    pytest.param("gzip", gzipped(TEXT), TEXT, id="gzip"),
    pytest.param("X-GZip", gzipped(TEXT), TEXT, id="x-gzip"),
    pytest.param("gzip", gzipped(b""), b"", id="gzip of nothing"),
    pytest.param("gzip", gzipped(b"ab") + gzipped(b"") + gzipped(b"c"), b"abc", id="members"),
    pytest.param("gzip", gzipped(b"ab") + b"\n", b"ab", id="newline after gzip"),
    pytest.param("gzip", gzipped(b"ab") + bytes(1000), b"ab", id="zeros after gzip"),
    pytest.param("gzip", gzipped(b"ab") + b"\x1f", b"ab", id="half a magic number after gzip"),
    pytest.param("gzip", gzipped(b"ab") + b"x" + gzipped(b"c"), b"ab", id="gzip after garbage"),
    pytest.param("deflate", zlib.compress(TEXT), TEXT, id="deflate"),
    pytest.param("deflate", zlib.compress(TEXT, 0), TEXT, id="deflate, stored"),
    pytest.param("deflate", zlib.compress(TEXT, wbits=9), TEXT, id="deflate, small window"),
    pytest.param("deflate", zlib.compress(b""), b"", id="deflate of nothing"),
    pytest.param("deflate", raw_deflated(TEXT), TEXT, id="raw deflate"),
    pytest.param("deflate", raw_deflated(b""), b"", id="raw deflate of nothing"),
    pytest.param("deflate", zlib.compress(TEXT, 0, wbits=-15), TEXT, id="raw deflate, stored"),
    pytest.param("deflate", zlib.compress(b"ab") + TEXT, b"ab", id="garbage after deflate"),
    pytest.param("deflate", raw_deflated(b"ab") + TEXT, b"ab", id="garbage after raw deflate"),
    pytest.param("deflate, gzip", gzipped(zlib.compress(TEXT)), TEXT, id="deflate, then gzip"),
    pytest.param("gzip,,identity,\tgzip ", gzipped(gzipped(TEXT)), TEXT, id="gzip twice"),
    pytest.param("gzip", b"", b"", id="no body"),
    pytest.param("deflate, gzip", b"", b"", id="no body, two codings"),
]


@pytest.mark.parametrize(("coding", "data", "expected"), CASES)
def test_whole_and_byte_by_byte(coding: str, data: bytes, expected: bytes) -> None:
    assert decoded(coding, [data]) == expected
    assert decoded(coding, one_by_one(data)) == expected


@pytest.mark.parametrize(
    ("coding", "encode"),
    [
        pytest.param("gzip", gzipped, id="gzip"),
        pytest.param("deflate", zlib.compress, id="deflate"),
        pytest.param("deflate", raw_deflated, id="raw deflate"),
        pytest.param("deflate, gzip", lambda data: gzipped(zlib.compress(data)), id="two"),
    ],
)
class TestEachCoding:
    @given(body=st.binary(), cuts=st.lists(st.integers(0, 200)))
    def test_any_split_gives_the_same(
        self, coding: str, encode: Callable[[bytes], bytes], body: bytes, cuts: list[int]
    ) -> None:
        data = encode(body)
        edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
        pieces = [data[start:end] for start, end in pairwise(edges)]

        assert decoded(coding, pieces) == body

    def test_every_beginning_is_incomplete(
        self, coding: str, encode: Callable[[bytes], bytes]
    ) -> None:
        data = encode(TEXT)
        for length in range(1, len(data)):
            with pytest.raises(IncompleteMessage, match="ended in the middle"):
                decoded(coding, [data[:length]])

    def test_long_bodies_come_in_blocks(
        self, coding: str, encode: Callable[[bytes], bytes]
    ) -> None:
        body = random.Random(1).randbytes(200_000) + bytes(10 * BLOCK_SIZE)

        assert decoded(coding, [encode(body)]) == body

    @pytest.mark.parametrize("size", [0, 1, BLOCK_SIZE, BLOCK_SIZE + 1, len(TEXT) - 1])
    def test_the_limit(self, coding: str, encode: Callable[[bytes], bytes], size: int) -> None:
        body = TEXT * 200
        body_of_size = body[:size]
        assert decoded(coding, [encode(body_of_size)], size) == body_of_size

        decoder = new_decoder(coding, size)
        written = io.BytesIO()
        with pytest.raises(TooLong, match=f"the limit of {size} octets"):
            written.writelines(decoder.decode(encode(body)))
        assert written.getvalue() == body_of_size


@given(st.sampled_from(["gzip", "deflate", "gzip, deflate"]), st.lists(st.binary()), st.booleans())
def test_noise_is_refused_or_decoded(coding: str, pieces: list[bytes], begins_well: bool) -> None:
    try:
        decoded(coding, [gzipped(TEXT)[:30] if begins_well else b"", *pieces])
    except RemoteProtocolError as exc:
        assert "\n" not in str(exc)  # noqa: PT017


@given(st.integers(0, len(gzipped(TEXT)) - 1), st.integers(1, 255))
def test_a_wrong_octet_is_refused_or_means_nothing(index: int, difference: int) -> None:
    data = bytearray(gzipped(TEXT))
    data[index] ^= difference
    try:
        body = decoded("gzip", [bytes(data)])
    except RemoteProtocolError:
        return
    assert body == TEXT


@pytest.mark.parametrize(
    ("coding", "data", "reason"),
    [
        pytest.param("gzip", b"<html>", "the body is not gzip", id="no gzip"),
        pytest.param("gzip", zlib.compress(TEXT), "the body is not gzip", id="deflate as gzip"),
        pytest.param(
            "gzip",
            gzipped(TEXT)[:-8] + bytes(8),
            "gzip data is corrupt: incorrect data check",
            id="CRC",
        ),
        pytest.param(
            "gzip",
            gzipped(TEXT)[:-4] + bytes(4),
            "gzip data is corrupt: incorrect length check",
            id="length",
        ),
        pytest.param(
            "gzip",
            gzipped(b"a") + b"\x1f\x8b\x08" + b"\xff" * 20,
            "gzip data is corrupt",
            id="second member",
        ),
        pytest.param(
            "deflate", zlib.compress(TEXT)[:-4] + bytes(4), "deflate data is corrupt", id="Adler"
        ),
        pytest.param("deflate", b"<html>", "deflate data is corrupt: invalid", id="no deflate"),
        pytest.param("deflate", b"\x78\xbb" + bytes(9), "deflate data is corrupt", id="dictionary"),
        pytest.param("gzip, deflate", zlib.compress(b"hello"), "not gzip", id="the inner one"),
    ],
)
def test_corrupt(coding: str, data: bytes, reason: str) -> None:
    for pieces in ([data], one_by_one(data)):
        with pytest.raises(RemoteProtocolError, match=reason) as error:
            decoded(coding, pieces)
        assert "\n" not in str(error.value)


def test_what_came_before_the_error_is_yielded() -> None:
    body = TEXT * 2000
    written = io.BytesIO()
    with pytest.raises(RemoteProtocolError, match="incorrect data check"):
        written.writelines(new_decoder("gzip").decode(gzipped(body)[:-8] + bytes(8)))

    assert body.startswith(written.getvalue())
    assert len(written.getvalue()) > len(body) - BLOCK_SIZE


def test_an_unknown_coding() -> None:
    with pytest.raises(RemoteProtocolError, match=r"content coding 'sdch\\n' is unknown") as error:
        decoder_for("gzip, sdch\n")
    assert error.value.status_hint == 415


def test_too_many_codings() -> None:
    assert decoder_for(", ".join(["gzip"] * MAX_CODINGS)) is not None
    with pytest.raises(TooLong, match=f"{MAX_CODINGS + 1} content codings"):
        decoder_for(", ".join(["gzip"] * (MAX_CODINGS + 1)))


def test_all_that_is_accepted_is_decoded() -> None:
    assert ACCEPT_ENCODING.startswith("gzip, deflate")
    for coding in ACCEPT_ENCODING.split(", "):
        assert decoder_for(coding) is not None


if "zstd" in ACCEPT_ENCODING:  # Python brings it from 3.14 on

    def test_zstd() -> None:
        zstd = importlib.import_module("compression.zstd")
        frame = zstd.compress(TEXT)
        skippable = b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc"
        for data, expected in (
            (frame, TEXT),
            (skippable + frame + skippable + frame + b"\n", TEXT * 2),
            (zstd.compress(bytes(MEGABYTE)), bytes(MEGABYTE)),
            (b"", b""),
        ):
            assert decoded("zstd", [data]) == expected
            assert decoded("zstd", one_by_one(data)) == expected
        for data, error in (
            (frame[:-1], IncompleteMessage),
            (frame[:3], IncompleteMessage),
            (b"<html>", RemoteProtocolError),
            (frame[:5] + b"\xff" * 20, RemoteProtocolError),
        ):
            with pytest.raises(error):
                decoded("zstd", [data])


def test_a_bomb_takes_no_memory() -> None:
    bomb = gzipped(gzipped(bytes(10 * MEGABYTE)))
    assert len(bomb) < 200
    decoder = new_decoder("gzip, gzip")
    tracemalloc.start()
    try:
        size = sum(map(len, decoder.decode(bomb)))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert size == 10 * MEGABYTE
    assert peak < MEGABYTE


def test_a_bomb_stops_at_the_limit() -> None:
    written = io.BytesIO()
    with pytest.raises(TooLong, match="the limit of 1000000 octets"):
        written.writelines(
            new_decoder("gzip, gzip", MEGABYTE).decode(gzipped(gzipped(bytes(10 * MEGABYTE))))
        )

    assert written.getvalue() == bytes(MEGABYTE)


@pytest.mark.parametrize(
    "futile",
    [
        pytest.param(b"\x00\x00\x00\xff\xff" * 400_000, id="empty blocks"),
        pytest.param(raw_deflated(b"") + bytes(2 * MEGABYTE), id="garbage after the end"),
    ],
)
def test_a_bomb_that_never_bursts(futile: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "MAX_FUTILE", MEGABYTE)

    with pytest.raises(TooLong, match="for 0 octets of it"):
        decoded("deflate, gzip", [gzipped(futile)])
