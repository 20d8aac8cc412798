"""What a file is called: the server's name for it, made one that every system can have.

The name comes from whoever runs the server, and becomes one in a folder of ours. So nothing in it
may lead out of that folder, hide the file, or mean something else to a system or a shell.
"""

from __future__ import annotations

import contextlib
import re
import unicodedata
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

# Octets of UTF-8. Most file systems take 255, and some of what people keep files in takes less.
MAX_NAME = 200

# Extensions that are looked for at the end of a name that has to be cut.
_EXTENSION = re.compile(r"(?:\.tar)?\.[^. ]{1,16}$", re.IGNORECASE)

# What says of which kind the file is: "v1.2" has none.
_TELLING_EXTENSION = re.compile(r"\.(?=[0-9]*[A-Za-z])[A-Za-z0-9_-]{1,10}$")

# Of the program that sent the file; they tell nothing of what it sent.
_PROGRAM = re.compile(r"\.(?:php[0-9]?|aspx?|ashx|jspx?|cgi|cfm|do|action)$", re.IGNORECASE)

# Python's own table is another one on each system.
_EXTENSIONS = {
    "application/epub+zip": ".epub",
    "application/gzip": ".gz",
    "application/java-archive": ".jar",
    "application/json": ".json",
    "application/msword": ".doc",
    "application/pdf": ".pdf",
    "application/postscript": ".ps",
    "application/rtf": ".rtf",
    "application/vnd.ms-excel": ".xls",
    "application/vnd.ms-powerpoint": ".ppt",
    "application/vnd.oasis.opendocument.presentation": ".odp",
    "application/vnd.oasis.opendocument.spreadsheet": ".ods",
    "application/vnd.oasis.opendocument.text": ".odt",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": ".pptx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/x-7z-compressed": ".7z",
    "application/x-bzip2": ".bz2",
    "application/x-gzip": ".gz",
    "application/x-tar": ".tar",
    "application/x-xz": ".xz",
    "application/xhtml+xml": ".xhtml",
    "application/xml": ".xml",
    "application/zip": ".zip",
    "application/zstd": ".zst",
    "audio/aac": ".aac",
    "audio/flac": ".flac",
    "audio/mp4": ".m4a",
    "audio/mpeg": ".mp3",
    "audio/ogg": ".ogg",
    "audio/wav": ".wav",
    "audio/x-wav": ".wav",
    "font/otf": ".otf",
    "font/ttf": ".ttf",
    "font/woff": ".woff",
    "font/woff2": ".woff2",
    "image/apng": ".apng",
    "image/avif": ".avif",
    "image/bmp": ".bmp",
    "image/gif": ".gif",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/svg+xml": ".svg",
    "image/tiff": ".tif",
    "image/vnd.microsoft.icon": ".ico",
    "image/webp": ".webp",
    "image/x-icon": ".ico",
    "text/calendar": ".ics",
    "text/css": ".css",
    "text/csv": ".csv",
    "text/html": ".html",
    "text/javascript": ".js",
    "text/markdown": ".md",
    "text/plain": ".txt",
    "text/vcard": ".vcf",
    "text/xml": ".xml",
    "video/mp4": ".mp4",
    "video/mpeg": ".mpeg",
    "video/ogg": ".ogv",
    "video/quicktime": ".mov",
    "video/webm": ".webm",
    "video/x-matroska": ".mkv",
}

# Servers say it of everything that they do not know: no reason to call README README.txt.
_SAYS_LITTLE = ("text/plain",)

# What Windows forbids in a name. Slash and backslash are handled before.
_FORBIDDEN = frozenset('<>:"|?*')

# Devices in every folder of Windows, whatever the extension.
_DEVICE = re.compile(
    r"(?:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|COM[0-9¹²³]|LPT[0-9¹²³]) *(?:\.|$)", re.IGNORECASE
)

# One part of a Content-Disposition, as lenient as browsers: blanks in a value without quotes, a
# quote that is never closed.
_PART = re.compile(
    r"""[\s;]*
        (?: (?P<name>[^\s=;"]+) \s* = \s* )?
        (?: "(?P<quoted>(?:\\.|[^"\\])*)"? [^;]* | (?P<token>[^;]*) )""",
    re.VERBOSE | re.DOTALL,
)

# RFC 8187 section 3.2.1; the two charsets that it had to be written in, ever (RFC 5987).
_EXTENDED = re.compile(r"(?P<charset>utf-8|iso-8859-1)'[^']*'(?P<octets>.*)", re.I | re.DOTALL)

# Octets of a field or a URL that are looked at.
_MAX_READ = 8192


def safe_name(disposition: str | None, url: str, media_type: str) -> str:
    r"""Return a name for a file: the one in its Content-Disposition, or the one in its URL.

    ``disposition`` is the field as it came, decoded as ISO-8859-1, None where there was none;
    ``media_type`` the Content-Type. Where neither has a name, the media type has.

    It is one name: NFC, from 1 to 200 octets of UTF-8, without separators, control characters and
    what Windows forbids. It begins with no dot, which would hide the file, and no hyphen, which
    would make ``*`` an option.

    >>> safe_name('attachment; filename="../etc/r\xe9sum\xe9.pdf"', "http://h/", "application/pdf")
    'résumé.pdf'
    >>> safe_name(None, "http://h/a/CON.tar.gz?x=1", ""), safe_name(None, "http://h/", "image/png")
    ('_CON.tar.gz', 'image.png')
    """
    kind = media_type.partition(";")[0].strip().lower()
    for name in disposition_names(disposition or ""):
        if clean := clean_name(name):
            return clean_name(_with_extension(clean, kind))
    if clean := clean_name(_url_name(url)):
        return clean_name(_with_extension(_without_program(clean, kind), kind))
    return _name_of_kind(kind)


def clean_name(name: str) -> str:
    r"""Make a name safe; "" where nothing of it is left.

    >>> clean_name("..\\..\\a\x00b?.exe. "), clean_name("../..")
    ('a_b_.exe', '')
    """
    # RFC 6266 section 4.3: of a path only the last segment counts, with either kind of slash.
    name = re.split(r"[/\\]", name[:_MAX_READ])[-1]
    name = unicodedata.normalize("NFC", name)
    # Once more: where something was taken out, what stood around it may be one character.
    name = unicodedata.normalize("NFC", "".join(map(_safe_character, name)))
    name = _cut(_without_ends(name))
    if name.startswith("-"):
        name = f"_{name[1:]}"
    return f"_{name}" if _DEVICE.match(name) else name


def disposition_names(field: str) -> Iterator[str]:
    """Yield the names that a Content-Disposition gives, the better one first (RFC 6266)."""
    parts: dict[str, str] = {}
    for match in _PART.finditer(field[:_MAX_READ]):
        name, quoted = match["name"], match["quoted"]
        if name is None:
            continue  # "attachment", or nothing at all
        value = match["token"].strip() if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
        parts.setdefault(name.lower(), value)  # of two, browsers take the first
    if "filename*" in parts and (extended := _EXTENDED.fullmatch(parts["filename*"])):
        # What is not in the charset that it names: the other one is there for that.
        with contextlib.suppress(UnicodeDecodeError):
            yield unquote_to_bytes(extended["octets"]).decode(extended["charset"])
    if "filename" in parts:
        yield _as_utf8(parts["filename"])


def _url_name(url: str) -> str:
    try:
        segment = urlsplit(url).path.rpartition("/")[2]
    except ValueError:
        return ""
    return _as_utf8(unquote_to_bytes(segment[:_MAX_READ]).decode("latin-1"))


def _as_utf8(text: str) -> str:
    """Take octets that were decoded as ISO-8859-1 for UTF-8, if that is what they are."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def _safe_character(char: str) -> str:
    match unicodedata.category(char):
        # Marks that do not show: with the ones for direction, "gpj.exe" can read "exe.jpg".
        case "Cf":
            return ""
        case "Zs" | "Zl" | "Zp":
            return " "
        case category if category.startswith("C") or char in _FORBIDDEN:
            return "_"
        case _:
            return char


def _without_ends(name: str) -> str:
    """Leave out dots and blanks in front and behind: Windows drops the ones behind itself."""
    return name.strip(". ")


def _cut(name: str) -> str:
    if len(name.encode()) <= MAX_NAME:
        return name
    match = _EXTENSION.search(name)
    extension = match.group() if match else ""
    if len(extension.encode()) > MAX_NAME // 2:
        extension = ""
    stem = name.removesuffix(extension).encode()[: MAX_NAME - len(extension.encode())]
    return _without_ends(stem.decode("utf-8", "ignore")) + extension


def _with_extension(name: str, kind: str) -> str:
    if kind in _SAYS_LITTLE or _TELLING_EXTENSION.search(name):
        return name
    extension = _EXTENSIONS.get(kind, "")
    # It must not be what is cut off.
    return _without_ends(name.encode()[: MAX_NAME - len(extension)].decode("utf-8", "ignore")) + (
        extension
    )


def _without_program(name: str, kind: str) -> str:
    if kind in _SAYS_LITTLE or kind not in _EXTENSIONS:
        return name
    return _PROGRAM.sub("", name) or name


def _name_of_kind(kind: str) -> str:
    if kind == "text/html":
        return "index.html"
    family = kind.partition("/")[0]
    stem = family if family in ("audio", "font", "image", "video") else "file"
    return stem + _EXTENSIONS.get(kind, "")
