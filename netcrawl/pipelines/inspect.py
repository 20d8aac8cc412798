"""Whether a file is a picture: what its first bytes say, and whether all of it can be decoded.

Nothing that a file says of its size is believed before it is checked: the memory for it would be
taken first. What the server says of its type does not count at all.
"""

from __future__ import annotations

import mmap
import re
import struct
import threading
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, NamedTuple
from xml.parsers import expat

from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    IcoImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import BinaryIO

    from PIL.ImageFile import ImageFile

# Pixels of a picture that is decoded: 200 MB in memory. The largest cameras have a hundred
# million; what a page shows has hardly ever more than twelve.
MAX_PIXELS = 50_000_000

# Pixels of all the frames of an animation, and frames, that are decoded; those behind are not
# looked at.
MAX_ANIMATION = 250_000_000
MAX_FRAMES = 1_000

# How often a JPEG goes over its pixels. Programs write up to ten; a file of a few kilobytes can
# have thousands, each of which takes as long as the picture has pixels.
MAX_SCANS = 100

# Sizes in one icon.
MAX_ICONS = 100

# Octets of XML. What is longer is a map with every house on it.
MAX_SVG = 16 * 1024 * 1024

# Characters of entities that an SVG declares, all together. Some drawing programs declare names
# of namespaces.
MAX_ENTITIES = 4_096

# Octets of the start that are looked at.
_HEAD = 1024

# Octets of XML at a time: no other thread runs while expat does.
_BLOCK = 256 * 1024

# Decoding takes some hundred megabytes at worst, so it is one at a time.
decoding = threading.Lock()

_SVG_ROOT = "http://www.w3.org/2000/svg svg"
_PIXELS = re.compile(r"\s*([0-9]{1,9})(\.[0-9]{0,9})?(?:px)?\s*")

# Of EXIF's tag, for the ones that turn the picture to its side.
_ORIENTATION = 0x0112
_ON_ITS_SIDE = (5, 6, 7, 8)


class ImageProblem(Exception):
    """A file is no picture to be kept; the text says why, as what is said of a file."""


class NotAnImage(ImageProblem):
    """It is something else."""


@dataclass(frozen=True)
class ImageFacts:
    """A picture's format; its size as it is shown, None where an SVG does not say; its extension.

    The size of an icon is that of its largest picture, and of an animation that of the first.
    """

    format: str
    width: int | None
    height: int | None
    extension: str


class _Format(NamedTuple):
    name: str
    extension: str
    begins: re.Pattern[bytes]
    reader: Callable[[BinaryIO], ImageFile]
    check: Callable[[mmap.mmap], None] | None = None


def inspect(path: Path) -> ImageFacts:
    """Read and decode all of a file. It takes up to some seconds, and belongs in a thread.

    Raises:
        ImageProblem: it is no picture, not all of one, or one that is too large to decode.
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
        if not head:
            raise ImageProblem("is empty")
        if kind := _format(head):
            with decoding:
                return _inspect_raster(file, kind)
        file.seek(0)
        if head.startswith(b"\x1f\x8b"):
            return _inspect_svg(_gunzipped(file.read(MAX_SVG + 1)), ".svgz")
        if _may_be_xml(head):
            return _inspect_svg(file.read(MAX_SVG + 1), ".svg")
    raise NotAnImage(f"is no image, but {_what(head)}")


@contextmanager
def opened(file: BinaryIO) -> Iterator[ImageFile]:
    """Open a picture that was inspected, not yet decoded.

    Raises:
        ImageProblem: it is another one now.
    """
    file.seek(0)
    kind = _format(file.read(_HEAD))
    if kind is None:
        raise NotAnImage("is no image that can be decoded")
    with _explained(kind.name), _open(file, kind) as image:
        yield image


def _format(head: bytes) -> _Format | None:
    return next((kind for kind in _FORMATS if kind.begins.match(head)), None)


def _inspect_raster(file: BinaryIO, kind: _Format) -> ImageFacts:
    with _explained(kind.name):
        if kind.check:
            _check(file, kind.check, kind.name)
        if kind.name == "PNG":
            with _open(file, kind) as image:
                image.verify()  # the checksums, and that there is an end
        with _open(file, kind) as image:
            width, height = _decode(image)
    return ImageFacts(kind.name, width, height, kind.extension)


def _check(file: BinaryIO, check: Callable[[mmap.mmap], None], name: str) -> None:
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            check(data)
        except (IndexError, struct.error):
            raise ImageProblem(f"is an incomplete {name} image: it ends too early") from None


@contextmanager
def _open(file: BinaryIO, kind: _Format) -> Iterator[ImageFile]:
    """Read no more than the head. Pillow's own ``open`` warns of what is refused here."""
    file.seek(0)
    image = kind.reader(file)
    try:
        _check_size(*image.size)
        yield image
    finally:
        # Not closed: the file is not Pillow's to close.
        image.fp = None


def _decode(image: ImageFile) -> tuple[int, int]:
    """Decode every frame, and return the size of the first as it is shown."""
    size = image.size
    pixels = 0
    for number in count():
        if number:
            try:
                image.seek(number)
            except EOFError:
                break
            _check_size(*image.size)
        image.load()
        if number == 0 and _is_on_its_side(image):
            size = size[1], size[0]
        pixels += image.width * image.height
        if pixels > MAX_ANIMATION or number + 1 >= MAX_FRAMES:
            break
    return size


def _is_on_its_side(image: ImageFile) -> bool:
    try:
        return image.getexif().get(_ORIENTATION) in _ON_ITS_SIDE
    except Exception:  # noqa: BLE001 - what cannot be read turns nothing
        return False


@contextmanager
def _explained(name: str) -> Iterator[None]:
    try:
        yield
    except ImageProblem:
        raise
    except Exception as exc:
        # Pillow raises whatever its modules do: OSError, SyntaxError, ValueError, struct.error,
        # IndexError, ZeroDivisionError, MemoryError and more.
        reason = " ".join(str(exc).split())[:200] or type(exc).__name__
        raise ImageProblem(f"is a broken or incomplete {name} image: {reason}") from exc


def _check_size(width: int, height: int) -> None:
    if width < 1 or height < 1:
        raise ImageProblem(f"is an image of {width} x {height} pixels")
    if width * height > MAX_PIXELS:
        raise ImageProblem(
            f"says it has {width} x {height} pixels: more than {MAX_PIXELS:,} are not decoded"
        )


# What Pillow would notice too late, or never.


def _check_png(data: mmap.mmap) -> None:
    width, height = struct.unpack_from(">II", data, 16)
    _check_size(width, height)
    if data.rfind(b"IEND") > len(data) - 8:  # the last chunk, without its checksum
        raise ImageProblem("is an incomplete PNG image: it ends too early")


def _check_gif(data: mmap.mmap) -> None:
    """Go from block to block (GIF89a, appendix B) to the last: Pillow needs no end."""
    position = 13 + _colours(data[10])
    while (block := data[position]) != 0x3B:
        if block == 0x2C:
            left, top, width, height = struct.unpack_from("<HHHH", data, position + 1)
            _check_size(left + width, top + height)
            position += 11 + _colours(data[position + 9])
        elif block == 0x21:
            position += 2
        else:
            position += 1  # some programs write zeros between blocks
            continue
        while size := data[position]:
            position += 1 + size
        position += 1


def _colours(flags: int) -> int:
    """Return the octets of a table of colours."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _check_jpeg(data: mmap.mmap) -> None:
    position = -1
    for _ in range(MAX_SCANS):
        position = data.find(b"\xff\xda", position + 1)
        if position < 0:
            return
    raise ImageProblem(f"is a JPEG image of more than {MAX_SCANS} scans, which are not decoded")


def _check_icon(data: mmap.mmap) -> None:
    """Read the sizes within: an entry of the table can say 16 of a picture that has millions."""
    (number,) = struct.unpack_from("<H", data, 4)
    if number > MAX_ICONS:
        raise ImageProblem(f"is an icon of {number} sizes, of which {MAX_ICONS} would be decoded")
    for entry in range(number):
        size, start = struct.unpack_from("<II", data, 6 + 16 * entry + 8)
        if start + size > len(data):
            raise ImageProblem("is an incomplete ICO image: it ends too early")
        if data[start : start + 8] == b"\x89PNG\r\n\x1a\n":
            width, height = struct.unpack_from(">II", data, start + 16)
        else:
            width, height = struct.unpack_from("<ii", data, start + 4)
            height //= 2  # the colours, and the mask
        _check_size(abs(width), abs(height))


def _check_webp(data: mmap.mmap) -> None:
    """Read the size of the canvas: memory for all of it is taken when the file is opened."""
    if data[12:16] == b"VP8X":
        width = 1 + int.from_bytes(data[24:27], "little")
        height = 1 + int.from_bytes(data[27:30], "little")
        _check_size(width, height)


def _read_avif(file: BinaryIO) -> ImageFile:
    try:
        from PIL import AvifImagePlugin
    except ImportError:
        raise ImageProblem("is an AVIF image, which this version of Pillow cannot decode") from None
    return AvifImagePlugin.AvifImageFile(file)


_FORMATS = (
    _Format(
        "PNG",
        ".png",
        re.compile(rb"\x89PNG\r\n\x1a\n"),
        PngImagePlugin.PngImageFile,
        _check_png,
    ),
    _Format(
        "JPEG", ".jpg", re.compile(rb"\xff\xd8\xff"), JpegImagePlugin.JpegImageFile, _check_jpeg
    ),
    _Format("GIF", ".gif", re.compile(rb"GIF8[79]a"), GifImagePlugin.GifImageFile, _check_gif),
    _Format(
        "WEBP",
        ".webp",
        re.compile(rb"RIFF....WEBP", re.DOTALL),
        WebPImagePlugin.WebPImageFile,
        _check_webp,
    ),
    # Two letters are what a text can begin with: a header of a known length follows.
    _Format(
        "BMP",
        ".bmp",
        re.compile(rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0", re.DOTALL),
        BmpImagePlugin.BmpImageFile,
    ),
    _Format(
        "ICO",
        ".ico",
        re.compile(rb"\0\0\x01\0(?!\0\0)..", re.DOTALL),
        IcoImagePlugin.IcoImageFile,
        _check_icon,
    ),
    _Format("AVIF", ".avif", re.compile(rb"....ftypavi[fs]", re.DOTALL), _read_avif),
    _Format(
        "AVIF",
        ".avif",
        re.compile(rb"\0\0\0[\x14-\x50]ftyp(?:mif1|msf1).{4,64}?avi[fs]", re.DOTALL),
        _read_avif,
    ),
    _Format("TIFF", ".tif", re.compile(rb"II\*\0|MM\0\*"), TiffImagePlugin.TiffImageFile),
)


# SVG: read as XML, never drawn.


def _may_be_xml(head: bytes) -> bool:
    return head.startswith((b"\xff\xfe", b"\xfe\xff")) or _text(head).startswith(b"<")


def _text(head: bytes) -> bytes:
    return head.removeprefix(b"\xef\xbb\xbf").lstrip()


def _gunzipped(data: bytes) -> bytes:
    try:
        return zlib.decompressobj(31).decompress(data, MAX_SVG + 1)
    except zlib.error:
        raise NotAnImage("is no image, but a broken gzip file") from None


def _inspect_svg(data: bytes, extension: str) -> ImageFacts:
    if len(data) > MAX_SVG:
        raise ImageProblem(f"is larger than the {MAX_SVG:,} bytes of XML that are read")
    root = _Root()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = root.start
    parser.EntityDeclHandler = root.entity
    try:
        for start in range(0, len(data), _BLOCK):
            parser.Parse(data[start : start + _BLOCK], False)
        parser.Parse(b"", True)
    except expat.ExpatError as exc:
        if root.attributes is None:
            raise NotAnImage(f"is no image, but {_what(data[:_HEAD])}") from exc
        raise ImageProblem(f"is a broken or incomplete SVG image: {exc}") from exc
    except _OtherRoot as exc:
        raise NotAnImage(f"is no image, but {_what(data[:_HEAD])}") from exc
    attributes = root.attributes or {}
    return ImageFacts(
        "SVG", _pixels(attributes.get("width")), _pixels(attributes.get("height")), extension
    )


class _OtherRoot(Exception):
    """It is XML of another kind."""


class _Root:
    """The attributes of the root element, None before there is one."""

    def __init__(self) -> None:
        self.attributes: dict[str, str] | None = None
        self._entities = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if self.attributes is None:
            if name == "svg":
                raise ImageProblem("is SVG without its namespace, which no browser shows")
            if name != _SVG_ROOT:
                raise _OtherRoot
            self.attributes = attributes

    def entity(self, _name: str, is_parameter: bool, value: str | None, *_: object) -> None:
        """Refuse entities that are made of others, each ten times, and those of their kind."""
        if value is None:
            return  # elsewhere, and not fetched
        self._entities += len(value)
        if is_parameter or "&" in value or self._entities > MAX_ENTITIES:
            raise ImageProblem("is XML with entities that would grow when it is read")


def _pixels(value: str | None) -> int | None:
    match = _PIXELS.fullmatch(value or "")
    return round(float(f"{match[1]}{match[2] or ''}")) if match else None


# What else it may be: for a person who wonders why there is no picture.
_OTHERS = (
    (
        re.compile(
            rb"(?:\s|(?><!--.*?-->)|(?><\?.*?>))*+"
            rb"<(?:!doctype html|html|head|body|meta|title|link|style|script|h1|p|div|table|a)\b",
            re.IGNORECASE | re.DOTALL,
        ),
        "HTML",
    ),
    (re.compile(rb"<"), "XML or HTML"),
    (re.compile(rb"%PDF-"), "PDF"),
    (re.compile(rb"PK\x03\x04"), "a ZIP archive"),
    (re.compile(rb"\x1f\x8b"), "a gzip file"),
    (re.compile(rb"\0\0\x02\0"), "a cursor"),
    (re.compile(rb"....ftyphei[cx]|....ftypmif1", re.DOTALL), "HEIF, which is not decoded"),
    (re.compile(rb"....ftyp", re.DOTALL), "a video"),
    (re.compile(rb"\x1aE\xdf\xa3"), "a video"),
    (re.compile(rb"\xff\x0a|\0\0\0\x0cJXL "), "JPEG XL, which is not decoded"),
    (re.compile(rb"[\t\n\f\r\x20-\x7e\x80-\xff]+\Z"), "text"),
)


def _what(head: bytes) -> str:
    text = _text(head)
    return next((what for begins, what in _OTHERS if begins.match(text)), "something unknown")
