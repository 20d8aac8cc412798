"""Downloaded pictures, small, in the page itself.

What is drawn was decoded and written again here, if Pillow is installed: what stands in a page then
is never what a server sent. Without it, files are embedded as they are that say to be a picture.
"""

from __future__ import annotations

import base64
import contextlib
import warnings
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from netcrawl.report.collecting import Picture

# How many are shown, how large on the longer side in pixels, and octets of all of them.
MAX_SHOWN = 60
MAX_SIDE = 240
MAX_OCTETS = 2_000_000

# Octets of a file that is opened, and pixels in it.
_MAX_FILE = 32 * 2**20
_MAX_PIXELS = 50_000_000

# Octets of a file that is embedded as it is.
_MAX_RAW = 60_000

_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF8", "gif"),
)


@dataclass(frozen=True)
class Shown:
    """A picture in the gallery; ``source`` is its data: URL, None where it cannot be shown."""

    picture: Picture
    source: str | None
    width: int = 0
    height: int = 0


@dataclass(frozen=True)
class Gallery:
    """The pictures that are shown, and how many there are beside them."""

    shown: list[Shown]
    left_out: int
    not_found: int
    store: Path | None


def gallery(pictures: Iterable[Picture], stores: Iterable[Path]) -> Gallery:
    """Look for the pictures in the first of ``stores`` that has one of them."""
    known = list(pictures)
    store = next(
        (it for it in stores if any(_inside(it, picture.path) for picture in known[:20])), None
    )
    shown: list[Shown] = []
    octets = not_found = 0
    for picture in known:
        if len(shown) >= MAX_SHOWN or octets >= MAX_OCTETS:
            break
        made = _shown(picture, store) if store is not None else None
        if made is None:
            not_found += 1
            made = Shown(picture, None)
        octets += len(made.source or "")
        shown.append(made)
    return Gallery(shown, len(known) - len(shown), not_found, store)


def _shown(picture: Picture, store: Path) -> Shown | None:
    for name in (picture.thumbnail, picture.path):
        path = _inside(store, name) if name else None
        if path is None or path.stat().st_size > _MAX_FILE:
            continue
        with contextlib.suppress(OSError):
            data = path.read_bytes()
            if (small := _small(data) or _as_it_is(data)) is not None:
                kind, octets, width, height = small
                source = f"data:image/{kind};base64,{base64.b64encode(octets).decode('ascii')}"
                return Shown(picture, source, width, height)
    return None


def _inside(store: Path, name: str) -> Path | None:
    """Return the file of that name, if it is one, and in the store: names come from a feed."""
    try:
        folder = store.resolve(strict=True)
        path = (folder / name).resolve(strict=True)
        return path if path.is_file() and path.is_relative_to(folder) else None
    except (OSError, ValueError, RuntimeError):
        return None


def _small(data: bytes) -> tuple[str, bytes, int, int] | None:
    """Return kind, octets, width and height of a small copy; None if it cannot be made."""
    try:
        from PIL import Image, ImageOps
    except ImportError:
        return None
    try:
        with warnings.catch_warnings():
            # Pillow only warns of sizes that we refuse below.
            warnings.simplefilter("ignore")
            with Image.open(BytesIO(data)) as image:
                if image.width * image.height > _MAX_PIXELS:
                    return None
                small = ImageOps.exif_transpose(image)
                small.thumbnail((MAX_SIDE, MAX_SIDE))
                clear = "A" in small.getbands() or "transparency" in small.info
                small = small.convert("RGBA" if clear else "RGB")
                octets = BytesIO()
                small.save(octets, *(("PNG",) if clear else ("JPEG",)), quality=80)
    except Exception:  # noqa: BLE001 - whatever Pillow's readers raise for a broken file
        return None
    return "png" if clear else "jpeg", octets.getvalue(), small.width, small.height


def _as_it_is(data: bytes) -> tuple[str, bytes, int, int] | None:
    kind = next((kind for start, kind in _SIGNATURES if data.startswith(start)), None)
    return None if kind is None or len(data) > _MAX_RAW else (kind, data, 0, 0)
