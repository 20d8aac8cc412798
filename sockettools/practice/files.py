"""Files for crawlers that collect them: what they may be called, and how they may go wrong.

Each is a small PDF that says what it is, unless it has to be something else.
"""

from __future__ import annotations

import html
import time
from dataclasses import dataclass, replace
from email.utils import formatdate
from itertools import count
from typing import TYPE_CHECKING
from urllib.parse import quote

from sockettools.practice.answers import HTML, OCTETS, PLAIN, Answer, Ending, Raw, raw_head
from sockettools.practice.conditions import conditional
from sockettools.practice.documents import archive, pdf
from sockettools.practice.routes import Route
from sockettools.practice.wild.octets import octets
from sockettools.text import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from sockettools.practice.answers import Reply
    from sockettools.practice.http import Request

FOLDER = "/files/"

# Of files whose name Content-Disposition tells.
NAMED_FOLDER = "/files/named/"

PDF = "application/pdf"

LARGE = 5_000_000

MODIFIED = "Sat, 02 Nov 2013 02:01:26 GMT"

_MISSING = Answer(404, b"There is no such file\n", PLAIN)

# Of every file that is other than before, even if the clock has not moved on.
_CHANGES = count(1)


@dataclass(frozen=True)
class File:
    """What it is, and what is answered; ``href`` where that is not its name, percent-encoded."""

    what: str
    reply: Reply | Callable[[Request], Reply]
    href: str | None = None


def _file(
    what: str,
    body: bytes | None = None,
    content_type: str | None = PDF,
    *,
    href: str | None = None,
) -> File:
    return File(what, Answer(200, pdf(what) if body is None else body, content_type), href)


def _checked(what: str, *fields: tuple[str, str]) -> File:
    answer = Answer(200, f"{what}\n".encode(), PLAIN, fields)
    return File(what, lambda request: conditional(request, answer))


def _every_second(what: str, status: int, wait: Callable[[], str] = lambda: "1") -> File:
    """Return a file that is refused to every first of two requests, whoever sends them."""
    requests = count()
    answer = Answer(200, pdf(what), PDF)

    def reply(_request: Request) -> Reply:
        if next(requests) % 2:
            return answer
        return Answer(status, b"not now\n", PLAIN, (("Retry-After", wait()),))

    return File(what, reply)


def _changing(_request: Request) -> Answer:
    return Answer(200, f"{time.time_ns()} {next(_CHANGES)}\n".encode())


def _large(request: Request) -> Answer:
    fields = (("ETag", f'"{LARGE}"'), ("Last-Modified", MODIFIED))
    answer = Answer(200, octets(0, LARGE), OCTETS, fields, length=LARGE)
    return conditional(request, answer)


def _moved(location: str, status: int = 302) -> Answer:
    return Answer(status, b"elsewhere\n", PLAIN, (("Location", location),))


def _in_a_second() -> str:
    return formatdate(time.time() + 1, usegmt=True)


_NOTES = b"Notes\n=====\n\nA file of text.\n"
_CUT = pdf("The connection ends before this does")
_MANUAL = pdf("The manual, page 1", "The manual, page 2")
_LOGIN = b"<!DOCTYPE html>\n<title>Log in</title>\n<p>Log in to download this file.</p>\n"

# By name, percent-decoded.
_FILES: dict[str, File] = {
    "paper.pdf": _file("a PDF of one page"),
    "manual.pdf": _file("a PDF of two pages", _MANUAL),
    "copy-of-manual.pdf": _file("the same file under another URL", _MANUAL),
    "query.pdf": _file("a PDF, asked for with a query", href="query.pdf?id=17&v=2"),
    "archive.zip": _file(
        "a zip",
        archive({"notes.txt": _NOTES, "papers/paper.pdf": pdf("a PDF in a zip")}),
        "application/zip",
    ),
    "table.csv": _file(
        "a CSV", "name,city\r\nZoë,København\r\n".encode(), "text/csv; charset=utf-8"
    ),
    "notes.txt": _file("text", _NOTES, PLAIN),
    "README": _file("text, in a file without extension", b"Read me.\n", PLAIN),
    "download": _file("a PDF, in a file without extension"),
    "octets.pdf": _file("a PDF as bytes", content_type=OCTETS),
    "untyped.pdf": _file("a PDF without a type", content_type=None),
    "login.pdf": _file("HTML, served as a PDF", _LOGIN),
    "page.pdf": _file("HTML, served as HTML under the name of a PDF", _LOGIN, HTML),
    "empty.pdf": _file("an empty file", b""),
    "missing.pdf": File("404", _MISSING),
    "gone.pdf": File("410", replace(_MISSING, status=410)),
    "moved.pdf": File("redirected to the manual", _moved("manual.pdf")),
    "moved-to-name.pdf": File(
        "redirected to one that has another name", _moved("named/plain", 301)
    ),
    "large.bin": File("5 MB", _large),
    "cut.pdf": File(
        "cut off: shorter than its Content-Length",
        Raw(raw_head(f"Content-Type: {PDF}", f"Content-Length: {len(_CUT)}"), _CUT[:-100]),
    ),
    "cut-chunked.pdf": File(
        "cut off: without the last chunk",
        Raw(
            raw_head(f"Content-Type: {PDF}", "Transfer-Encoding: chunked"),
            b"%x\r\n%b\r\n" % (len(_CUT) - 100, _CUT[:-100]),
        ),
    ),
    "changing.txt": File("another text every time, without ETag and Last-Modified", _changing),
    "etag.txt": _checked("ETag only", ("ETag", '"e-1"')),
    "modified.txt": _checked("Last-Modified only", ("Last-Modified", MODIFIED)),
    "both.txt": _checked("ETag and Last-Modified", ("ETag", '"b-1"'), ("Last-Modified", MODIFIED)),
    "weak.txt": _checked("a weak ETag", ("ETag", 'W/"w-1"')),
    "limited.pdf": _every_second("429 to every first of two requests, Retry-After: 1", 429),
    "busy.pdf": _every_second("503 to every first of two requests, Retry-After: 1", 503),
    "busy-until.pdf": _every_second(
        "503 to every first of two requests, Retry-After: a date", 503, _in_a_second
    ),
}

# Names that are dangerous, or that some file system does not take.
_ODD_NAMES: dict[str, File] = {
    "größe 大.pdf": _file("a name beyond ASCII", href="größe 大.pdf"),
    "two words.pdf": _file("a blank", href="two words.pdf"),
    "100%.pdf": _file("a percent sign"),
    "a+b&c;d.pdf": _file("plus, ampersand and semicolon"),
    "../../etc/passwd": _file("a path upwards, its slashes percent-encoded"),
    "a/../../b.pdf": _file("slashes, percent-encoded"),
    "..\\..\\windows\\win.ini": _file("a path upwards, with backslashes"),
    "nul\0.pdf": _file("a NUL"),
    "line\r\nX-Injected: yes": _file("the end of a line"),
    "escape\x1b[31m.pdf": _file("what a terminal takes for a command"),
    "CON.txt": _file("the name of a device", b"device\n", PLAIN),
    "aux": _file("another one, without extension", b"another device\n", PLAIN),
    "a:b": _file("a colon: another stream of a file, or a drive", href="./a:b"),
    "case.pdf": _file("lower case"),
    "CASE.pdf": _file("the same name in upper case, of another file"),
    "dot.pdf.": _file("a dot at the end"),
    "blank.pdf ": _file("a blank at the end"),
    "...": _file("three dots"),
    ".hidden": _file("a name that begins with a dot"),
    "-rf": _file("a name that looks like an option"),
    "what?*<|>.pdf": _file("characters that a shell reads"),
    "e\u0301.pdf": _file("an accent of its own (NFD)"),
    "\u00e9.pdf": _file("the same name, composed (NFC), of another file"),
    "evil\u202efdp.exe": _file("letters that run from right to left"),
    "x" * 296 + ".pdf": _file("a name of 300 characters"),
}


# By the last part of the path: Content-Disposition, and what it is.
_NAMED: dict[str, tuple[str, str]] = {
    "plain": ('attachment; filename="plain.pdf"', "a name in quotes"),
    "token": ("attachment; filename=token.pdf", "a name without quotes"),
    "inline": ('inline; filename="inline.pdf"', "to be shown"),
    "none": ("attachment", "no name"),
    "empty": ('attachment; filename=""', "an empty name"),
    "blanks": ('Attachment ; FileName = "blanks.pdf"', "blanks and capitals"),
    "quoted-pair": (r'attachment; filename="a \"quoted\" name.pdf"', "quotes in quotes"),
    "semicolon": ('attachment; filename="a;b, c.pdf"; size=3', "a semicolon in quotes"),
    "extended": (
        "attachment; filename*=UTF-8''%e2%82%ac%20rates%20%E5%A4%A7.pdf",
        "filename* (RFC 8187)",
    ),
    "extended-latin": ("attachment; filename*=iso-8859-1'en'%A3%20rates.pdf", "in ISO 8859-1"),
    "extended-wrong": ("attachment; filename*=UTF-8''%ff%fe.pdf", "filename* that is no UTF-8"),
    "extended-charset": ("attachment; filename*=x-none''name.pdf", "in a charset that is none"),
    "both": (
        "attachment; filename=\"rates.pdf\"; filename*=UTF-8''%e2%82%ac%20rates.pdf",
        "both, of which filename* is to be taken",
    ),
    "twice": ('attachment; filename="one.pdf"; filename="two.pdf"', "two names"),
    "encoded-word": (
        'attachment; filename="=?UTF-8?B?Z3LDtsOfZS5wZGY=?="',
        "as in mail, which is wrong here",
    ),
    "percent": ('attachment; filename="gr%C3%B6%C3%9Fe.pdf"', "percent-encoded in filename"),
    "raw": ('attachment; filename="größe.pdf"', "octets beyond ASCII (UTF-8)"),
    "unclosed": ('attachment; filename="unclosed.pdf', "a quote that is not closed"),
    "upwards": ('attachment; filename="../../etc/passwd"', "a path upwards"),
    "absolute": ('attachment; filename="/etc/passwd"', "an absolute path"),
    "backslashes": (r'attachment; filename="..\\..\\windows\\win.ini"', "with backslashes"),
    "drive": (r'attachment; filename="C:\\autoexec.bat"', "on a drive"),
    "extended-upwards": (
        "attachment; filename*=UTF-8''..%2F..%2Fetc%2Fpasswd",
        "a path upwards, percent-encoded",
    ),
    "home": ('attachment; filename="~/.bashrc"', "in somebody's home"),
    "nul": ("attachment; filename*=UTF-8''nul%00.pdf", "a NUL, percent-encoded"),
    "control": (
        "attachment; filename*=UTF-8''a%0D%0Ab%09c%1B%5B31m%7F.pdf",
        "control characters, percent-encoded",
    ),
    "device": ('attachment; filename="CON.txt"', "the name of a device"),
    "device-aux": ('attachment; filename="aux"', "another one"),
    "long": (f'attachment; filename="{"x" * 296}.pdf"', "a name of 300 characters"),
    "long-utf-8": (
        f"attachment; filename*=UTF-8''{'%E5%A4%A7' * 100}.pdf",
        "a name of 104 characters and 304 octets",
    ),
    "case": ('attachment; filename="case.txt"', "lower case"),
    "case-upper": ('attachment; filename="CASE.TXT"', "the same in upper case"),
    "dot": ('attachment; filename="dot.pdf."', "a dot at the end"),
    "blank": ('attachment; filename="blank.pdf "', "a blank at the end"),
    "colon": ('attachment; filename="a:b"', "a colon"),
    "dots": ('attachment; filename=".."', "two dots"),
    "one-dot": ('attachment; filename="."', "one dot"),
    "option": ('attachment; filename="-rf"', "what looks like an option"),
    "shell": ('attachment; filename="$(id) `id` *?|<>.pdf"', "what a shell reads"),
    "right-to-left": (
        "attachment; filename*=UTF-8''evil%E2%80%AEfdp.exe",
        "letters that run from right to left",
    ),
    "same-name": ('attachment; filename="plain.pdf"', "the name of the first one"),
}

# What the engine would not send.
_NAMED_RAW: dict[str, tuple[str, str]] = {
    "raw-nul": ('attachment; filename="nul\0.pdf"', "a NUL as it is"),
    "raw-latin": ('attachment; filename="gr\xf6\xdfe.pdf"', "octets beyond ASCII (ISO 8859-1)"),
}

NAMES: dict[str, tuple[str, str]] = _NAMED | _NAMED_RAW


def _named_reply(key: str) -> Reply:
    disposition, what = NAMES[key]
    body = pdf(f"{key}: {what}")
    if key in _NAMED:
        return Answer(200, body, PDF, (("Content-Disposition", disposition),))
    about = (f"Content-Type: {PDF}", f"Content-Length: {len(body)}")
    return Raw(raw_head(*about, f"Content-Disposition: {disposition}"), body, Ending.KEEP)


# Shown by an element of their own, and not linked to.
_EMBEDDED: dict[str, tuple[File, str]] = {
    "alternate.pdf": (
        _file("linked to from the head"),
        '<link rel="alternate" type="application/pdf" href="{}">',
    ),
    "framed.pdf": (_file("in a frame"), '<iframe src="{}"></iframe>'),
    "object.pdf": (_file("an object"), '<object data="{}" type="application/pdf"></object>'),
    "embedded.pdf": (_file("embedded"), '<embed src="{}" type="application/pdf">'),
    "area.pdf": (_file("behind an area"), '<map name="m"><area href="{}" alt="area"></map>'),
}

FILES: Mapping[str, File] = (
    _FILES | _ODD_NAMES | {name: file for name, (file, _) in _EMBEDDED.items()}
)


def file_url(name: str) -> str:
    """Return the path of a file of ``FILES``, percent-encoded."""
    return FOLDER + quote(name, safe="")


def _reply(request: Request) -> Reply:
    file = FILES.get(request.argument("name"))
    if file is None:
        return _MISSING
    return file.reply(request) if callable(file.reply) else file.reply


def _reply_by_name(request: Request) -> Reply:
    key = request.argument("name")
    return _named_reply(key) if key in NAMES else _MISSING


_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Files</title>
{alternate}
</head>
<body>
<h1>Files</h1>
<p>For a crawler that collects files. <a href="paper.pdf" download="renamed.pdf">The first one</a>
may be saved under another name, <a href="{origin}/files/paper.pdf#page=1">the same</a> has a
fragment here, and this is <a href="./">this page</a>.</p>
<h2>Files</h2>
{files}<h2>Names in URLs</h2>
{odd_names}<h2>Names in Content-Disposition</h2>
{names}<h2>Within the page</h2>
{embedded}
</body>
</html>
"""


def _page(origin: str) -> bytes:
    alternate, *embedded = (markup.format(name) for name, (_, markup) in _EMBEDDED.items())
    return _PAGE.format(
        origin=html.escape(origin),
        alternate=alternate,
        files=_list((_href(name, file), name, file.what) for name, file in _FILES.items()),
        odd_names=_list((_href(name, file), name, file.what) for name, file in _ODD_NAMES.items()),
        names=_list((f"named/{key}", value, what) for key, (value, what) in NAMES.items()),
        embedded="\n".join(embedded),
    ).encode()


def _href(name: str, file: File) -> str:
    return file.href or quote(name, safe="")


def _list(rows: Iterable[tuple[str, str, str]]) -> str:
    items = "".join(
        f'<li><a href="{html.escape(href)}">{html.escape(visible(text))}</a>: '
        f"{html.escape(what)}</li>\n"
        for href, text, what in rows
    )
    return f"<ul>\n{items}</ul>\n"


ROUTES = (
    Route(
        FOLDER,
        lambda request: Answer(200, _page(request.origin), HTML),
        "files under every kind of name, with every kind of validator, right and wrong",
    ),
    Route(f"{FOLDER}{{name}}", _reply, "one of them", tuple(map(file_url, FILES))),
    Route(
        f"{NAMED_FOLDER}{{name}}",
        _reply_by_name,
        "one with a name of its own, in Content-Disposition",
        tuple(NAMED_FOLDER + key for key in NAMES),
    ),
)
