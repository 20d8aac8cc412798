"""Small copies."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from netcrawl.pipelines.inspect import ImageProblem
from netcrawl.pipelines.thumbnails import make_thumbnail
from sockettools.practice import pictures
from sockettools.practice.pictures import draw

if TYPE_CHECKING:
    from pathlib import Path


def thumbnail(tmp_path: Path, data: bytes, longest: int = 20) -> tuple[Image.Image, str]:
    path = tmp_path / "file"
    path.write_bytes(data)
    small, extension = make_thumbnail(path, longest)
    return Image.open(io.BytesIO(small)), extension


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    output = io.BytesIO()
    image.save(output, kind, **options)
    return output.getvalue()


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "CMYK", "I;16", "LA", "RGBA"])
def test_modes(mode: str, tmp_path: Path) -> None:
    data = encoded(Image.new(mode, (60, 30)), "TIFF" if mode == "CMYK" else "PNG")

    small, extension = thumbnail(tmp_path, data)

    assert small.size == (20, 10)
    is_transparent = mode in ("LA", "RGBA")
    assert (small.mode, extension) == (("RGBA", ".png") if is_transparent else ("RGB", ".jpg"))


def test_sixteen_bits_are_scaled(tmp_path: Path) -> None:
    small, _ = thumbnail(tmp_path, encoded(Image.new("I;16", (60, 30), 0x8000)))

    assert small.getpixel((5, 5)) == (128, 128, 128)


def test_transparency_is_kept(tmp_path: Path) -> None:
    small, extension = thumbnail(
        tmp_path, pictures.png(draw("transparent"), alpha=(0, 85, 170, 255)), 48
    )

    assert extension == ".png"
    assert small.getchannel("A").getextrema() == (0, 255)


def test_upright_and_without_what_the_camera_said(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "a camera"

    small, _ = thumbnail(tmp_path, encoded(Image.new("RGB", (60, 30)), "JPEG", exif=exif))

    assert small.size == (10, 20)
    assert not small.getexif()


def test_small_ones_stay_as_small(tmp_path: Path) -> None:
    assert thumbnail(tmp_path, encoded(Image.new("RGB", (6, 3))))[0].size == (6, 3)


@pytest.mark.parametrize(
    "data", [pictures.svg("svg"), b"", pictures.png_bomb(20_000, 20_000), pictures.cover()[:9_000]]
)
def test_what_cannot_be_decoded(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(ImageProblem):
        thumbnail(tmp_path, data)
