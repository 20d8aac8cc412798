"""Small copies of pictures, to look at many at once."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from PIL import Image, ImageOps

from netcrawl.pipelines.inspect import decoding, opened

if TYPE_CHECKING:
    from pathlib import Path

# Of a JPEG, from 0 to 95; higher ones cost more octets than they show.
_QUALITY = 85


def make_thumbnail(path: Path, longest: int) -> tuple[bytes, str]:
    """Return a copy whose longer side has no more than so many pixels, and its extension.

    It is a PNG if the picture has transparency, otherwise a JPEG; upright, whatever the camera
    was, and without anything that the camera said. Of an animation it is the first frame. It
    belongs in a thread.

    Raises:
        ImageProblem: the picture cannot be decoded.
        OSError: the file cannot be read.
    """
    with path.open("rb") as file, decoding, opened(file) as image:
        image.draft(None, (longest, longest))  # a JPEG can be decoded at a fraction of its size
        small = _as_colours(ImageOps.exif_transpose(image))
        small.thumbnail((longest, longest))
        output = BytesIO()
        if small.mode == "RGBA":
            small.save(output, "PNG")
            return output.getvalue(), ".png"
        small.save(output, "JPEG", quality=_QUALITY)
        return output.getvalue(), ".jpg"


def _as_colours(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits of grey, which would be cut off and not scaled
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    is_transparent = image.has_transparency_data
    return image.convert("RGBA" if is_transparent else "RGB")
