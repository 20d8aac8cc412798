"""Pictures out of nothing, in the formats that the standard library can write.

They are the same octets on every machine: nothing is left to zlib's compressor, whose output
depends on who built it. What is deflated here is stored, or one run that is written by hand.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from base64 import b64decode
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"

# Of a picture drawn here; two bits tell them apart.
COLOURS = 4
_DEPTH = 2

_GREY, _INDEXED = 0, 3

# 48 x 32 without loss, in stripes and in one colour: a format of arithmetic beyond a page or two of
# Python.
WEBP = b64decode(
    b"UklGRmYAAABXRUJQVlA4TFkAAAAvL8AHADUwhCRJktjQLeI6PXdJUCEQIHbEKpKjRCBAnIgQqFhE/8UmCeHe"
    b"HeNHm45WHs0cvb+4lVxcXFxcXFzcDBcXFxcXFxc3zsXFxcXFxcVt4uLi4uLiAgA="
)
WEBP_PLAIN = b64decode(b"UklGRhgAAABXRUJQVlA4TAwAAAAvL8AHAChPkYvS/wA=")


@dataclass(frozen=True)
class Drawing:
    """A picture before it is written: its colours, and for every pixel the number of one."""

    width: int
    height: int
    palette: tuple[bytes, ...]
    rows: tuple[bytes, ...]


@cache
def draw(seed: str, width: int = 48, height: int = 32) -> Drawing:
    """Return slanting stripes of four colours; the seed says which, how wide and how steep."""
    digest = hashlib.sha256(seed.encode()).digest()
    palette = tuple(digest[start : start + 3] for start in range(0, 3 * COLOURS, 3))
    stripe, slant = 4 + digest[12] % 9, 1 + digest[13] % 3
    period = COLOURS * stripe
    line = b"".join(bytes((colour,)) * stripe for colour in range(COLOURS))
    line *= width // period + 2
    starts = (row * slant % period for row in range(height))
    return Drawing(width, height, palette, tuple(line[start : start + width] for start in starts))


def cover() -> bytes:
    """Return the only JPEG, of the size of the chapter's picture."""
    # Drawn by tests/sockettools/practice/make_cover.py.
    return files(__package__).joinpath("cover.jpg").read_bytes()


# PNG (ISO/IEC 15948).


def png(drawing: Drawing, *, alpha: Sequence[int] = ()) -> bytes:
    """Return a PNG; ``alpha`` has the opacity of each colour, 0 to 255."""
    scanlines = b"".join(b"\0" + _packed(row) for row in drawing.rows)
    return png_of(
        png_head(drawing.width, drawing.height, _DEPTH, _INDEXED),
        png_chunk(b"PLTE", b"".join(drawing.palette)),
        png_chunk(b"tRNS", bytes(alpha)) if alpha else b"",
        png_chunk(b"IDAT", _stored(scanlines)),
    )


def png_of(*chunks: bytes) -> bytes:
    """Return a file of these chunks, and the last one."""
    return b"".join((PNG_SIGNATURE, *chunks, png_chunk(b"IEND", b"")))


def png_chunk(kind: bytes, data: bytes) -> bytes:
    """Return one chunk with its length and checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_head(width: int, height: int, depth: int = 1, colour_type: int = _GREY) -> bytes:
    """Return the first chunk; it can promise anything."""
    return png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0))


def png_bomb(width: int, height: int) -> bytes:
    """Return a black PNG, a thousand times larger in memory at one bit for each pixel."""
    size = height * (1 + (width + 7) // 8)
    return png_of(png_head(width, height), png_chunk(b"IDAT", _zeros(size)))


def _packed(row: bytes) -> bytes:
    padded = row + bytes(-len(row) % 4)
    quarters = (padded[start::4] for start in range(4))
    return bytes(a << 6 | b << 4 | c << 2 | d for a, b, c, d in zip(*quarters, strict=True))


def _stored(data: bytes) -> bytes:
    """Return a zlib stream that is not compressed (RFC 1950, RFC 1951 section 3.2.4)."""
    blocks = [data[start : start + 0xFFFF] for start in range(0, len(data), 0xFFFF)]
    stream = bytearray(b"\x78\x01")
    for number, block in enumerate(blocks, 1):
        is_last = number == len(blocks)
        stream += struct.pack("<BHH", is_last, len(block), len(block) ^ 0xFFFF) + block
    return bytes(stream + struct.pack(">I", zlib.adler32(data)))


def _zeros(count: int) -> bytes:
    """Return a zlib stream of so many zeros: two bits for 258 of them (RFC 1951 section 3.2.7)."""
    matches, literals = divmod(count - 1, 258)
    bits = "".join(
        (
            "1" + "01",  # the last block, with a code of its own
            _number(286 - 257, 5) + _number(1 - 1, 5) + _number(18 - 4, 4),  # codes of each kind
            # Lengths of the codes for code lengths, in their order: 16, 17, 18, 0, 8, ..., 1.
            "".join(_number({2: 1, 15: 2, 17: 2}.get(place, 0), 3) for place in range(18)),
            # The code lengths: "11" is 2, "10" is 1, "0" and seven bits 11 to 138 times none. So
            # the literal 0 becomes "10", the end "11", a match of 258 "0".
            "11" + "0" + _number(138 - 11, 7) + "0" + _number(117 - 11, 7),
            "11" + "0" + _number(28 - 11, 7) + "10",
            "10",  # the only distance, 1, becomes "0"
            "10",
            "00" * matches,
            "10" * literals,
            "11",
        )
    )
    size = (len(bits) + 7) // 8
    # A sum that starts with 1 and adds nothing, and the sum of all its values.
    checksum = (count % 65_521) << 16 | 1
    return b"\x78\x01" + int(bits[::-1], 2).to_bytes(size, "little") + struct.pack(">I", checksum)


def _number(value: int, size: int) -> str:
    """Return a number as it stands in deflate: its lowest bit first."""
    return f"{value:0{size}b}"[::-1]


# GIF (version 89a).


def gif(drawings: Sequence[Drawing], *, hundredths: int = 20) -> bytes:
    """Return a GIF; of several drawings, one that shows them in turn for ever."""
    first = drawings[0]
    parts = [
        b"GIF89a" + struct.pack("<HHBBB", first.width, first.height, 0xF0 | _DEPTH - 1, 0, 0),
        b"".join(first.palette),
    ]
    if len(drawings) > 1:
        parts.append(b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0")
    for drawing in drawings:
        parts += (
            b"\x21\xf9\x04" + struct.pack("<BHBB", 4, hundredths, 0, 0),
            b"\x2c"
            + struct.pack("<HHHHB", 0, 0, drawing.width, drawing.height, 0x80 | _DEPTH - 1)
            + b"".join(drawing.palette),
            bytes((_DEPTH,)) + _sub_blocks(_lzw(b"".join(drawing.rows))),
        )
    return b"".join((*parts, b"\x3b"))


def _lzw(pixels: bytes) -> bytes:
    """Return pixels as GIF codes them (appendix F)."""
    clear, end = COLOURS, COLOURS + 1
    codes: dict[bytes, int] = {}
    value, used = clear, _DEPTH + 1  # what is written: a number, and how many bits of it
    size, known = _DEPTH + 1, b""

    def write(code: int) -> None:
        nonlocal value, used
        value |= code << used
        used += size

    for number in pixels:
        longer = known + bytes((number,))
        if len(longer) == 1 or longer in codes:
            known = longer
            continue
        write(codes.get(known, known[0]))
        following = end + 1 + len(codes)
        if following < 4_096:
            codes[longer] = following
            size += following == 1 << size
        else:
            write(clear)
            codes.clear()
            size = _DEPTH + 1
        known = longer[-1:]
    write(codes.get(known, known[0]))
    write(end)
    return value.to_bytes((used + 7) // 8, "little")


def _sub_blocks(data: bytes) -> bytes:
    parts = (data[start : start + 255] for start in range(0, len(data), 255))
    return b"".join(bytes((len(part),)) + part for part in parts) + b"\0"


# BMP and ICO, of which the one is inside the other.


def bmp(drawing: Drawing) -> bytes:
    """Return a BMP of 24 bits for each pixel."""
    pixels = b"".join(_padded(b"".join(_colours(drawing, row))) for row in drawing.rows[::-1])
    return struct.pack("<2sIII", b"BM", 54 + len(pixels), 0, 54) + _dib(drawing, 24, pixels)


def ico(small: Drawing, large: Drawing) -> bytes:
    """Return an icon of two sizes: one as in a BMP, the other a PNG."""
    opaque = (b"".join(c + b"\xff" for c in _colours(small, row)) for row in small.rows[::-1])
    mask = bytes(len(_padded(bytes((small.width + 7) // 8))) * small.height)
    pictures = (_dib(small, 32, b"".join(opaque) + mask, masked=True), png(large))
    parts, place = [struct.pack("<HHH", 0, 1, 2)], 6 + 2 * 16
    for drawing, data in zip((small, large), pictures, strict=True):
        width, height = drawing.width, drawing.height
        parts.append(struct.pack("<BBBBHHII", width, height, 0, 0, 1, 32, len(data), place))
        place += len(data)
    return b"".join((*parts, *pictures))


def _dib(drawing: Drawing, bits: int, pixels: bytes, *, masked: bool = False) -> bytes:
    height = drawing.height * (2 if masked else 1)
    head = struct.pack(
        "<IiiHHIIiiII", 40, drawing.width, height, 1, bits, 0, len(pixels), 2_835, 2_835, 0, 0
    )
    return head + pixels


def _colours(drawing: Drawing, row: Iterable[int]) -> Iterator[bytes]:
    return (drawing.palette[number][::-1] for number in row)


def _padded(row: bytes) -> bytes:
    return row + bytes(-len(row) % 4)


# SVG.


def svg(seed: str, inside: str = "") -> bytes:
    """Return an SVG of one circle in front of another."""
    colours = [f"#{colour.hex()}" for colour in islice(draw(seed).palette, 2)]
    circles = "".join(
        f'<circle cx="24" cy="16" r="{radius}" fill="{colour}"/>\n'
        for radius, colour in zip((14, 7), colours, strict=True)
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="48" height="32" viewBox="0 0 48 32">\n'
        f"<title>{seed}</title>\n{circles}{inside}</svg>\n"
    ).encode()
