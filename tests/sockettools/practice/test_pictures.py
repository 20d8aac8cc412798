from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import pytest

from sockettools.practice import pictures
from sockettools.practice.pictures import Drawing, draw

if TYPE_CHECKING:
    from collections.abc import Iterator

DRAWINGS = [
    pytest.param(draw("a"), id="48x32"),
    pytest.param(draw("b", 37, 21), id="odd"),
    pytest.param(draw("c", 1, 1), id="one pixel"),
    pytest.param(draw("d", 300, 200), id="large"),
]


def png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield kind and data of every chunk, and see that all of the file is chunks."""
    assert data.startswith(pictures.PNG_SIGNATURE)
    place = len(pictures.PNG_SIGNATURE)
    while place < len(data):
        (size,) = struct.unpack_from(">I", data, place)
        kind, content = data[place + 4 : place + 8], data[place + 8 : place + 8 + size]
        (checksum,) = struct.unpack_from(">I", data, place + 8 + size)
        assert checksum == zlib.crc32(kind + content), kind
        yield kind, content
        place += 12 + size
    assert kind == b"IEND"
    assert place == len(data)


def png_rows(data: bytes) -> tuple[int, int, list[bytes]]:
    chunks = dict(png_chunks(data))
    width, height, depth = struct.unpack(">IIB", chunks[b"IHDR"][:9])
    raw = zlib.decompress(chunks[b"IDAT"])
    size = 1 + (width * depth + 7) // 8
    assert len(raw) == height * size
    rows = []
    for start in range(0, len(raw), size):
        assert raw[start] == 0, "no filter"
        bits = f"{int.from_bytes(raw[start + 1 : start + size]):0{(size - 1) * 8}b}"
        rows.append(bytes(int(bits[x * depth : (x + 1) * depth], 2) for x in range(width)))
    return width, height, rows


def gif_frames(data: bytes) -> Iterator[bytes]:
    """Yield the pixels of every frame, and see that nothing else is in the file."""
    assert data.startswith(b"GIF89a")
    place = 13 + 3 * 2 ** ((data[10] & 7) + 1)
    while data[place] != 0x3B:
        if data[place] == 0x21:  # an extension
            place += 2
            _, place = sub_blocks(data, place)
            continue
        assert data[place] == 0x2C
        place += 10 + 3 * 2 ** ((data[place + 9] & 7) + 1)
        code_size = data[place]
        coded, place = sub_blocks(data, place + 1)
        yield unlzw(coded, code_size)
    assert place == len(data) - 1


def sub_blocks(data: bytes, place: int) -> tuple[bytes, int]:
    content = b""
    while size := data[place]:
        content += data[place + 1 : place + 1 + size]
        place += 1 + size
    return content, place + 1


def unlzw(data: bytes, depth: int) -> bytes:
    bits, place = int.from_bytes(data, "little"), 0
    clear, end = 2**depth, 2**depth + 1
    table: list[bytes] = []
    size, last, pixels = depth + 1, b"", bytearray()
    while True:
        code = bits >> place & (1 << size) - 1
        place += size
        if code == end:
            assert len(data) == (place + 7) // 8
            return bytes(pixels)
        if code == clear:
            table = [bytes((number,)) for number in range(clear)] + [b"", b""]
            size, last = depth + 1, b""
            continue
        entry = table[code] if code < len(table) else last + last[:1]
        if last and len(table) < 4_096:
            table.append(last + entry[:1])
        if len(table) == 1 << size and size < 12:
            size += 1
        pixels += entry
        last = entry


def colours(drawing: Drawing) -> list[bytes]:
    return [drawing.palette[number] for row in drawing.rows for number in row]


@pytest.mark.parametrize("drawing", DRAWINGS)
def test_png(drawing: Drawing) -> None:
    data = pictures.png(drawing)

    assert png_rows(data) == (drawing.width, drawing.height, list(drawing.rows))
    assert dict(png_chunks(data))[b"PLTE"] == b"".join(drawing.palette)


def test_png_with_transparency() -> None:
    data = pictures.png(draw("a"), alpha=(0, 1, 2, 255))

    assert [kind for kind, _ in png_chunks(data)] == [b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"]
    assert dict(png_chunks(data))[b"tRNS"] == b"\0\1\2\xff"


@pytest.mark.parametrize("width", [1, 8, 2_000])
def test_the_bomb_is_a_right_png(width: int) -> None:
    data = pictures.png_bomb(width, 100)

    got, height, rows = png_rows(data)
    assert (got, height) == (width, 100)
    assert {bytes(row) for row in rows} == {bytes(width)}


def test_the_bomb_is_small() -> None:
    data = pictures.png_bomb(20_000, 20_000)

    assert len(data) < 50_000
    stream = dict(png_chunks(data))[b"IDAT"]
    inflated = zlib.decompressobj()
    size = len(inflated.decompress(stream, 1_000_000))
    while not inflated.eof:
        size += len(inflated.decompress(inflated.unconsumed_tail, 1_000_000))
    assert size == 20_000 * 2_501


@pytest.mark.parametrize("drawing", DRAWINGS)
def test_gif(drawing: Drawing) -> None:
    data = pictures.gif([drawing])

    assert struct.unpack_from("<HH", data, 6) == (drawing.width, drawing.height)
    assert list(gif_frames(data)) == [b"".join(drawing.rows)]


def test_a_gif_that_moves() -> None:
    drawings = [draw("a"), draw("b"), draw("c")]

    data = pictures.gif(drawings)

    assert b"NETSCAPE2.0" in data
    assert list(gif_frames(data)) == [b"".join(drawing.rows) for drawing in drawings]


def test_a_gif_of_what_does_not_compress() -> None:
    """Its table of codes is full several times."""
    noise = bytes(octet & 3 for octet in b"".join(_noise(number) for number in range(2_000)))
    drawing = Drawing(1_000, 64, draw("a").palette, tuple(noise[n : n + 1_000] for n in range(64)))

    assert list(gif_frames(pictures.gif([drawing]))) == [b"".join(drawing.rows)]


def _noise(number: int) -> bytes:
    return struct.pack(">I", zlib.crc32(b"%d" % number))


@pytest.mark.parametrize("drawing", DRAWINGS)
def test_bmp(drawing: Drawing) -> None:
    data = pictures.bmp(drawing)

    kind, size, _, start = struct.unpack_from("<2sIII", data)
    assert (kind, size, start) == (b"BM", len(data), 54)
    assert struct.unpack_from("<IiiHH", data, 14) == (40, drawing.width, drawing.height, 1, 24)
    line = (3 * drawing.width + 3) // 4 * 4
    assert len(data) == 54 + line * drawing.height
    pixels = [
        data[start + (drawing.height - 1 - y) * line + 3 * x :][:3][::-1]
        for y in range(drawing.height)
        for x in range(drawing.width)
    ]
    assert pixels == colours(drawing)


def test_ico() -> None:
    small, large = draw("a", 16, 16), draw("b", 32, 32)

    data = pictures.ico(small, large)

    assert struct.unpack_from("<HHH", data) == (0, 1, 2)
    (w1, h1, *_, size1, start1), (w2, h2, *_, size2, start2) = (
        struct.unpack_from("<BBBBHHII", data, place) for place in (6, 22)
    )
    assert (w1, h1, w2, h2) == (16, 16, 32, 32)
    assert (start1, start2, start2 + size2) == (38, 38 + size1, len(data))
    assert struct.unpack_from("<Iii", data, start1) == (40, 16, 32)
    assert size1 == 40 + 16 * 16 * 4 + 16 * 4
    assert data[start2:] == pictures.png(large)


@pytest.mark.parametrize("data", [pictures.WEBP, pictures.WEBP_PLAIN], ids=["stripes", "plain"])
def test_webp(data: bytes) -> None:
    assert data[:4] == b"RIFF"
    assert data[8:16] == b"WEBPVP8L"
    assert struct.unpack_from("<I", data, 4) == (len(data) - 8,)
    (head,) = struct.unpack_from("<I", data, 21)
    assert (1 + (head & 0x3FFF), 1 + (head >> 14 & 0x3FFF)) == (48, 32)


def test_each_seed_has_a_picture_of_its_own() -> None:
    assert len({pictures.png(draw(str(number))) for number in range(50)}) == 50
