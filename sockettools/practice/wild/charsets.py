"""One text in many charsets, and where a client can learn which it is.

Each page has the text once more in ASCII, as escapes: so a program can check what it has read.
"""

from __future__ import annotations

import codecs
from http import HTTPStatus
from typing import TYPE_CHECKING

from sockettools.practice.answers import Answer
from sockettools.practice.http import BadArgument
from sockettools.practice.routes import Route

if TYPE_CHECKING:
    from sockettools.practice.http import Request

# By the names of the Encoding Standard and the IANA.
SAMPLES = {
    "us-ascii": "The quick brown fox",
    "utf-8": "Grüße, мир, 世界 🌍",
    "utf-16": "Grüße, мир, 世界 🌍",
    "utf-16le": "Grüße, мир, 世界 🌍",
    "utf-16be": "Grüße, мир, 世界 🌍",
    "utf-32": "Grüße, мир, 世界 🌍",
    "utf-7": "Grüße, мир, 世界",
    "iso-8859-1": "Où est la crème brûlée ?",
    "iso-8859-2": "Příliš žluťoučký kůň",
    "iso-8859-5": "Съешь ещё этих булок",
    "iso-8859-7": "Ξεσκεπάζω την ψυχοφθόρα",
    "iso-8859-8": "דג סקרן שט בים",
    "iso-8859-9": "Pijamalı hasta yağız şoföre güvendi",
    "iso-8859-15": "Le cœur à 5 €",
    "windows-1250": "Příliš žluťoučký kůň – „úpěl“",
    "windows-1251": "Съешь ещё этих «мягких» булок",
    "windows-1252": "“Déjà vu” – 5 €",
    "windows-1253": "Ξεσκεπάζω την ψυχοφθόρα",
    "windows-1254": "Pijamalı hasta yağız şoföre güvendi",
    "windows-1255": "דג סקרן שט בים",
    "windows-1256": "نص حكيم له سر قاطع",
    "windows-874": "เป็นมนุษย์สุดประเสริฐ",
    "koi8-r": "Съешь ещё этих булок",
    "koi8-u": "Жебракують філософи при ґанку",
    "ibm866": "Съешь ещё этих булок",
    "macintosh": "Où est la crème brûlée ?",
    "shift_jis": "いろはにほへと 表示",
    "euc-jp": "いろはにほへと 表示",
    "iso-2022-jp": "いろはにほへと 表示",
    "euc-kr": "키스의 고유조건은",
    "gb2312": "我能吞下玻璃",
    "gbk": "我能吞下玻璃 龍",
    "gb18030": "我能吞下玻璃 龍 🌍",
    "big5": "我能吞下玻璃而不傷身體",
}

# What Python calls otherwise.
_CODECS = {"windows-874": "cp874", "macintosh": "mac-roman"}

_MARKS = {
    "utf-8": codecs.BOM_UTF8,
    "utf-16": codecs.BOM_UTF16_LE,
    "utf-16le": codecs.BOM_UTF16_LE,
    "utf-16be": codecs.BOM_UTF16_BE,
    "utf-32": codecs.BOM_UTF32_LE,
    "gb18030": b"\x84\x31\x95\x33",
}

# Of those two whose names leave the order of octets open, which a mark then tells.
_ORDERS = {"utf-16": "utf-16le", "utf-32": "utf-32le"}

HEADER, META, MARK, NONE, WRONG, CONFLICT = WHERE = (
    "header",
    "meta",
    "bom",
    "none",
    "wrong",
    "conflict",
)


def _charset(request: Request) -> Answer:
    name, where = request.argument("name").lower(), request.argument("where", HEADER)
    if name not in SAMPLES:
        raise BadArgument(f"charset {name[:100]!r}, expected one of {', '.join(SAMPLES)}")
    if where not in WHERE:
        raise BadArgument(f"{where[:100]!r}, expected one of {', '.join(WHERE)}")
    if where == MARK and name not in _MARKS:
        raise BadArgument(f"{name} has no byte order mark; {', '.join(_MARKS)} have one")
    return Answer(HTTPStatus.OK, charset_page(name, where), _content_type(name, where))


def charset_page(name: str, where: str) -> bytes:
    """Return the page in a charset, which is said ``where``."""
    said = {META: name, CONFLICT: wrong_name(name)}.get(where)
    meta = f'<meta charset="{said}">\n' if said else ""
    text = SAMPLES[name]
    escaped = text.encode("unicode_escape").decode("ascii")
    page = (
        f"<!DOCTYPE html>\n<html>\n<head>\n{meta}<title>{name}, {where}</title>\n</head>\n<body>\n"
        f'<p id="text">{text}</p>\n<p id="escaped">{escaped}</p>\n</body>\n</html>\n'
    )
    order = _ORDERS.get(name, name)
    has_mark = where == MARK or (name in _ORDERS and where != NONE)
    return (_MARKS[name] if has_mark else b"") + page.encode(_CODECS.get(order, order))


def wrong_name(name: str) -> str:
    """Return a charset that it is not."""
    return "iso-8859-1" if name in ("utf-8", "us-ascii") else "utf-8"


def _content_type(name: str, where: str) -> str:
    said = {HEADER: name, CONFLICT: name, WRONG: wrong_name(name)}.get(where)
    return f"text/html; charset={said}" if said else "text/html"


ROUTES = (
    Route(
        "/charset/{name}",
        _charset,
        "a text in a charset, which Content-Type tells",
        tuple(f"/charset/{name}" for name in SAMPLES),
    ),
    Route(
        "/charset/{name}/{where}",
        _charset,
        "the same, told by a meta element, by a byte order mark or by nothing; a Content-Type that "
        "is wrong; a meta element that contradicts it",
        (
            *(f"/charset/windows-1252/{where}" for where in WHERE if where != MARK),
            *(f"/charset/{name}/{MARK}" for name in _MARKS),
            f"/charset/shift_jis/{META}",
            f"/charset/shift_jis/{NONE}",
            f"/charset/utf-16le/{NONE}",
            f"/charset/utf-8/{WRONG}",
        ),
    ),
)
