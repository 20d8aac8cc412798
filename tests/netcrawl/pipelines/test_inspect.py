"""Files that are pictures, and files that are not; each format whole, cut and wrong."""

from __future__ import annotations

import gzip
import io
import random
import struct
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image, features

from netcrawl.pipelines import inspect as inspecting
from netcrawl.pipelines.inspect import ImageFacts, ImageProblem, NotAnImage, inspect
from sockettools.practice import pictures
from sockettools.practice.gallery import PICTURES
from sockettools.practice.pictures import draw

if TYPE_CHECKING:
    from pathlib import Path

# Of Pillow's, about files that are meant to be wrong; the pipeline silences them.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

NOISE = Image.frombytes("RGB", (64, 48), random.Random(1).randbytes(64 * 48 * 3))
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="48" height="32">'


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    output = io.BytesIO()
    image.save(output, kind, **options)
    return output.getvalue()


def animated(kind: str) -> bytes:
    others = [NOISE.rotate(angle) for angle in (90, 180)]
    return encoded(NOISE, kind, save_all=True, append_images=others)


def look(tmp_path: Path, data: bytes) -> ImageFacts:
    path = tmp_path / "file"
    path.write_bytes(data)
    return inspect(path)


HAS_AVIF = "avif" in features.get_supported()
needs_avif = pytest.mark.skipif(not HAS_AVIF, reason="this Pillow has no AVIF")

FORMATS = [
    pytest.param("PNG", ".png", encoded(NOISE, "PNG"), id="png"),
    pytest.param("PNG", ".png", animated("PNG"), id="png-animated"),
    pytest.param("JPEG", ".jpg", encoded(NOISE, "JPEG"), id="jpeg"),
    pytest.param("JPEG", ".jpg", encoded(NOISE, "JPEG", progressive=True), id="jpeg-progressive"),
    pytest.param("GIF", ".gif", encoded(NOISE, "GIF"), id="gif"),
    pytest.param("GIF", ".gif", animated("GIF"), id="gif-animated"),
    pytest.param("WEBP", ".webp", encoded(NOISE, "WEBP"), id="webp"),
    pytest.param("WEBP", ".webp", animated("WEBP"), id="webp-animated"),
    pytest.param("BMP", ".bmp", encoded(NOISE, "BMP"), id="bmp"),
    pytest.param("TIFF", ".tif", encoded(NOISE, "TIFF"), id="tiff"),
    pytest.param(
        *("AVIF", ".avif", encoded(NOISE, "AVIF") if HAS_AVIF else b""),
        id="avif",
        marks=needs_avif,
    ),
]


@pytest.mark.parametrize(("kind", "extension", "data"), FORMATS)
def test_formats(kind: str, extension: str, data: bytes, tmp_path: Path) -> None:
    assert look(tmp_path, data) == ImageFacts(kind, 64, 48, extension)


@pytest.mark.parametrize(("kind", "extension", "data"), FORMATS)
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.999])
def test_cut(kind: str, extension: str, data: bytes, part: float, tmp_path: Path) -> None:
    with pytest.raises(ImageProblem) as caught:
        look(tmp_path, data[: min(int(len(data) * part), len(data) - 1)])

    assert f"incomplete {kind}" in str(caught.value)
    assert extension not in str(caught.value)


@pytest.mark.parametrize(("kind", "extension", "data"), FORMATS)
def test_noise_is_told_and_nothing_else_happens(
    kind: str, extension: str, data: bytes, tmp_path: Path
) -> None:
    noise = random.Random(kind + extension)
    for _ in range(60):
        wrong = bytearray(data)
        for _ in range(noise.choice((1, 3, 20))):
            wrong[noise.randrange(min(len(wrong), 300))] = noise.randrange(256)
        with suppress(ImageProblem):
            look(tmp_path, bytes(wrong))


# What is told of the gallery's pictures; those that are not here are fine.
BAD = {
    "truncated.jpg": "incomplete JPEG",
    "truncated.png": "incomplete PNG",
    "checksum.png": "checksum",
    "page.png": "but HTML",
    "noise.png": "but something unknown",
    "empty.png": "is empty",
    "bomb.png": "20000 x 20000 pixels: more than 50,000,000",
    "absurd.png": "2147483647 x 2147483647 pixels",
    "nothing.png": "0 x 0 pixels",
    "missing.png": "but HTML",
    "moved.png": "but text",
    "moved-to-page.png": "but text",
}


@pytest.mark.parametrize("name", [name for name in PICTURES if name != "endless.png"])
def test_the_gallery(name: str, tmp_path: Path) -> None:
    data = PICTURES[name].make()
    assert isinstance(data, bytes)
    if name in BAD:
        with pytest.raises(ImageProblem, match=BAD[name]):
            look(tmp_path, data)
    else:
        facts = look(tmp_path, data)
        assert facts.width is not None
        assert facts.height is not None


def bitmap_head(width: int, height: int) -> bytes:
    sizes = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 1, 0, 0, 0, 0, 0, 0)
    return struct.pack("<2sIII", b"BM", 100, 0, 54) + sizes


def icon(picture: bytes) -> bytes:
    entry = struct.pack("<BBBBHHII", 16, 16, 0, 0, 1, 32, len(picture), 22)
    return struct.pack("<HHH", 0, 1, 1) + entry + picture


@pytest.mark.parametrize(
    ("kind", "mode"), [("GIF", "1"), ("JPEG", "L"), ("TIFF", "1"), ("WEBP", "L")]
)
def test_many_pixels(kind: str, mode: str, tmp_path: Path) -> None:
    fast = {"method": 0} if kind == "WEBP" else {}
    data = encoded(Image.new(mode, (8_000, 8_000)), kind, **fast)

    with pytest.raises(ImageProblem, match=r"pixels: more than 50,000,000 are not decoded"):
        look(tmp_path, data)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(
            b"GIF89a\x10\0\x10\0\0\0\0,\0\0\0\0\xff\xff\xff\xff\0\2\0;", id="frame-of-a-gif"
        ),
        pytest.param(
            b"RIFF\xff\0\0\0WEBPVP8X\n\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff", id="canvas"
        ),
        pytest.param(bitmap_head(100_000, -100_000), id="bmp"),
        pytest.param(icon(pictures.png_bomb(20_000, 20_000)), id="png-in-an-icon"),
        pytest.param(icon(bitmap_head(100_000, 100_000)[14:]), id="bmp-in-an-icon"),
    ],
)
def test_bombs(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(ImageProblem, match=r"pixels: more than 50,000,000 are not decoded"):
        look(tmp_path, data)


def test_a_jpeg_that_goes_over_its_pixels_too_often(tmp_path: Path) -> None:
    data = encoded(NOISE, "JPEG", progressive=True)
    start = data.index(b"\xff\xda")

    with pytest.raises(ImageProblem, match="more than 100 scans"):
        look(tmp_path, data[:start] + data[start:-2] * 200 + data[-2:])


def test_an_icon_of_many_sizes(tmp_path: Path) -> None:
    with pytest.raises(ImageProblem, match="icon of 60000 sizes"):
        look(tmp_path, struct.pack("<HHH", 0, 1, 60_000) + bytes(16 * 60_000))


def test_frames_of_a_long_animation_are_not_all_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded = 0
    load = Image.Image.load

    def count(image: Image.Image) -> Any:
        nonlocal decoded
        decoded += image.size == (48, 32)
        return load(image)

    data = pictures.gif([draw(str(number)) for number in range(20)])
    monkeypatch.setattr(inspecting, "MAX_FRAMES", 5)
    monkeypatch.setattr(Image.Image, "load", count)

    assert look(tmp_path, data).format == "GIF"
    assert decoded < 20


def test_the_size_is_as_the_picture_is_shown(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6

    assert look(tmp_path, encoded(NOISE, "JPEG", exif=exif)) == ImageFacts("JPEG", 48, 64, ".jpg")


@pytest.mark.parametrize(
    ("data", "size"),
    [
        pytest.param(SVG + b"<g/></svg>", (48, 32), id="plain"),
        pytest.param(SVG.replace(b"48", b" 48.6px ") + b"</svg>", (49, 32), id="px"),
        pytest.param(SVG.replace(b"48", b"100%") + b"</svg>", (None, 32), id="percent"),
        pytest.param(SVG.replace(b"32", b"2em") + b"</svg>", (48, None), id="em"),
        pytest.param(
            b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- by hand -->\n' + SVG + b"</svg>",
            (48, 32),
            id="xml declaration, BOM, comment",
        ),
        pytest.param(
            b'<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://127.0.0.1:9/svg11.dtd">'
            + SVG
            + b"&nbsp;</svg>",
            (48, 32),
            id="document type, not fetched",
        ),
        pytest.param(
            b'<!DOCTYPE svg [<!ENTITY ns "http://example.com/">]>' + SVG + b"<g a='&ns;'/></svg>",
            (48, 32),
            id="names of namespaces",
        ),
        pytest.param(
            b'<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + SVG + b"&a;</svg>",
            (48, 32),
            id="an entity elsewhere, not fetched",
        ),
        pytest.param(
            b'<s:svg xmlns:s="http://www.w3.org/2000/svg"/>', (None, None), id="with a prefix"
        ),
        pytest.param(
            ('<?xml version="1.0" encoding="utf-16"?>' + SVG.decode() + "</svg>").encode("utf-16"),
            (48, 32),
            id="UTF-16",
        ),
    ],
)
def test_svg(data: bytes, size: tuple[int | None, int | None], tmp_path: Path) -> None:
    assert look(tmp_path, data) == ImageFacts("SVG", *size, ".svg")
    assert look(tmp_path, gzip.compress(data)) == ImageFacts("SVG", *size, ".svgz")


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        pytest.param(SVG + b"<g>", "incomplete SVG image: no element found", id="cut"),
        pytest.param(SVG + b"<g></svg>", "incomplete SVG image: mismatched tag", id="wrong"),
        pytest.param(b"<svg width='1'/>", "without its namespace", id="no namespace"),
        pytest.param(
            b'<!DOCTYPE svg [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>' + SVG + b"&b;</svg>",
            "entities that would grow",
            id="entities of entities",
        ),
        pytest.param(
            b'<!DOCTYPE svg [<!ENTITY a "' + b"a" * 5_000 + b'">]>' + SVG + b"&a;</svg>",
            "entities that would grow",
            id="a long entity",
        ),
        pytest.param(
            b'<!DOCTYPE svg [<!ENTITY % a "b">]>' + SVG + b"</svg>",
            "entities that would grow",
            id="a parameter entity",
        ),
        pytest.param(
            gzip.compress(bytes(50_000_000)), "larger than the 16,777,216", id="gzip bomb"
        ),
        pytest.param(SVG + b" " * 17_000_000 + b"</svg>", "larger than the 16,777,216", id="long"),
    ],
)
def test_svg_that_is_not_kept(data: bytes, problem: str, tmp_path: Path) -> None:
    with pytest.raises(ImageProblem, match=problem):
        look(tmp_path, data)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        pytest.param(b"<!-- a --> <!DOCTYPE html><p>", "HTML", id="html"),
        pytest.param(b"<html xmlns='http://www.w3.org/1999/xhtml'/>", "HTML", id="xhtml"),
        pytest.param(b"<rss/>", "XML or HTML", id="xml"),
        pytest.param(b"%PDF-1.7\n", "PDF", id="pdf"),
        pytest.param(b"\x1f\x8b\x08 and so on", "a broken gzip file", id="gzip"),
        pytest.param(gzip.compress(b"hello"), "text", id="gzip of text"),
        pytest.param(b"\0\0\0\x18ftypheic\0\0\0\0", "HEIF", id="heif"),
        pytest.param(b"BM is a maker of cars, among others", "text", id="begins like a BMP"),
        pytest.param(b"Not found\n", "text", id="text"),
        pytest.param(b"<!--x-->" * 10_000, "XML or HTML", id="comments"),
    ],
)
def test_what_is_no_image(data: bytes, what: str, tmp_path: Path) -> None:
    with pytest.raises(NotAnImage, match=f"^is no image, but {what}"):
        look(tmp_path, data)
