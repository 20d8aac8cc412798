"""Which characters a body's octets mean.

Servers, pages and files name charsets in their own ways, and often wrongly. Labels are understood
as browsers do: the Encoding Standard of WHATWG lists them, and what it does not list is no charset
of the web, whatever Python has a codec for (``rot13``, ``hex``, ``utf-7``).
"""

from __future__ import annotations

import codecs
import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# The octets at a body's start that are looked at, as many as the HTML Standard says (13.2.3.2).
SNIFF_SIZE = 1024

# Python's codec, and the labels that mean it (Encoding Standard 4.2). Where the standard's
# encoding has no codec of its own, it is the one that comes nearest: gb18030 for GBK, which the
# standard decodes so itself; cp932 for Shift_JIS and cp949 for EUC-KR, with the characters that
# Windows added. Left out are x-user-defined, which Python does not have, and the charsets that
# the standard knows in order to refuse them (hz-gb-2312, iso-2022-kr).
_LABELS = {
    "utf-8": "unicode-1-1-utf-8 unicode11utf8 unicode20utf8 utf-8 utf8 x-unicode20utf8",
    "cp866": "866 cp866 csibm866 ibm866",
    "iso-8859-2": (
        "csisolatin2 iso-8859-2 iso-ir-101 iso8859-2 iso88592 iso_8859-2 iso_8859-2:1987 l2 latin2"
    ),
    "iso-8859-3": (
        "csisolatin3 iso-8859-3 iso-ir-109 iso8859-3 iso88593 iso_8859-3 iso_8859-3:1988 l3 latin3"
    ),
    "iso-8859-4": (
        "csisolatin4 iso-8859-4 iso-ir-110 iso8859-4 iso88594 iso_8859-4 iso_8859-4:1988 l4 latin4"
    ),
    "iso-8859-5": (
        "csisolatincyrillic cyrillic iso-8859-5 iso-ir-144 iso8859-5 iso88595 iso_8859-5 "
        "iso_8859-5:1988"
    ),
    "iso-8859-6": (
        "arabic asmo-708 csiso88596e csiso88596i csisolatinarabic ecma-114 iso-8859-6 "
        "iso-8859-6-e iso-8859-6-i iso-ir-127 iso8859-6 iso88596 iso_8859-6 iso_8859-6:1987"
    ),
    "iso-8859-7": (
        "csisolatingreek ecma-118 elot_928 greek greek8 iso-8859-7 iso-ir-126 iso8859-7 iso88597 "
        "iso_8859-7 iso_8859-7:1987 sun_eu_greek"
    ),
    "iso-8859-8": (
        "csiso88598e csisolatinhebrew hebrew iso-8859-8 iso-8859-8-e iso-ir-138 iso8859-8 "
        "iso88598 iso_8859-8 iso_8859-8:1988 visual csiso88598i iso-8859-8-i logical"
    ),
    "iso-8859-10": "csisolatin6 iso-8859-10 iso-ir-157 iso8859-10 iso885910 l6 latin6",
    "iso-8859-13": "iso-8859-13 iso8859-13 iso885913",
    "iso-8859-14": "iso-8859-14 iso8859-14 iso885914",
    "iso-8859-15": "csisolatin9 iso-8859-15 iso8859-15 iso885915 iso_8859-15 l9",
    "iso-8859-16": "iso-8859-16",
    "koi8-r": "cskoi8r koi koi8 koi8-r koi8_r",
    "koi8-u": "koi8-ru koi8-u",
    "mac-roman": "csmacintosh mac macintosh x-mac-roman",
    "cp874": "dos-874 iso-8859-11 iso8859-11 iso885911 tis-620 windows-874",
    "windows-1250": "cp1250 windows-1250 x-cp1250",
    "windows-1251": "cp1251 windows-1251 x-cp1251",
    "windows-1252": (
        "ansi_x3.4-1968 ascii cp1252 cp819 csisolatin1 ibm819 iso-8859-1 iso-ir-100 iso8859-1 "
        "iso88591 iso_8859-1 iso_8859-1:1987 l1 latin1 us-ascii windows-1252 x-cp1252"
    ),
    "windows-1253": "cp1253 windows-1253 x-cp1253",
    "windows-1254": (
        "cp1254 csisolatin5 iso-8859-9 iso-ir-148 iso8859-9 iso88599 iso_8859-9 iso_8859-9:1989 "
        "l5 latin5 windows-1254 x-cp1254"
    ),
    "windows-1255": "cp1255 windows-1255 x-cp1255",
    "windows-1256": "cp1256 windows-1256 x-cp1256",
    "windows-1257": "cp1257 windows-1257 x-cp1257",
    "windows-1258": "cp1258 windows-1258 x-cp1258",
    "mac-cyrillic": "x-mac-cyrillic x-mac-ukrainian",
    "gb18030": (
        "chinese csgb2312 csiso58gb231280 gb2312 gb_2312 gb_2312-80 gbk iso-ir-58 x-gbk gb18030"
    ),
    "big5hkscs": "big5 big5-hkscs cn-big5 csbig5 x-x-big5",
    "euc-jp": "cseucpkdfmtjapanese euc-jp x-euc-jp",
    "iso-2022-jp": "csiso2022jp iso-2022-jp",
    "cp932": "csshiftjis ms932 ms_kanji shift-jis shift_jis sjis windows-31j x-sjis",
    "cp949": (
        "cseuckr csksc56011987 euc-kr iso-ir-149 korean ks_c_5601-1987 ks_c_5601-1989 ksc5601 "
        "ksc_5601 windows-949"
    ),
    "utf-16-be": "unicodefffe utf-16be",
    "utf-16-le": "csunicode iso-10646-ucs-2 ucs-2 unicode unicodefeff utf-16 utf-16le",
}
_CODECS = {label: codec for codec, labels in _LABELS.items() for label in labels.split()}

# All escape sequences that Python's ISO-2022-JP has; the start of one; and what is none.
_CUT_ESCAPE = re.compile(rb"\x1b[($]?\Z")
_STRAY_ESCAPE = re.compile(rb"\x1b(?!\([BJ]|\$[@B])")

_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))

# The standard's codecs that map octets which mean nothing to control characters: Python's do not.
_WITH_CONTROLS = ("windows-", "cp874")

_CHARSET_PARAMETER = re.compile(
    r';[ \t]*(?P<name>[^;="\s]+)[ \t]*=[ \t]*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^;]*))'
)

# Good enough for the prescan of the HTML Standard (13.2.3.2): comments, tags with their
# attributes, and what else begins with "<".
_MARKUP = re.compile(
    rb"""<!--.*?(?:-->|\Z) | <(?P<tag>/?[a-z][^\s/>]*)(?P<attributes>(?:[^>"']|"[^"]*"|'[^']*')*+)>
    | <[!/?][^>]*>""",
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
_ATTRIBUTE = re.compile(
    rb"""(?P<name>[^\s/>=][^\s/>=]*)
    (?:\s*=\s*(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[^\s>"']\S*)))?""",
    re.VERBOSE,
)
_CHARSET_IN_CONTENT = re.compile(
    rb"""charset\s*=\s*(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[^\s;"'][^\s;]*))""",
    re.IGNORECASE,
)
_XML_ENCODING = re.compile(
    rb"""<\?xml\s[^>]*?\bencoding\s*=\s*(?:"(?P<double>[^">]*)"|'(?P<single>[^'>]*)')"""
)

_TEXT_TYPES = frozenset(
    {
        "application/ecmascript",
        "application/javascript",
        "application/json",
        "application/x-javascript",
        "application/x-ndjson",
        "message/rfc822",
        "application/x-www-form-urlencoded",
        "application/xml",
        "application/xml-dtd",
        "application/yaml",
    }
)

# Octets of a body that is no text, by the MIME Sniffing Standard (section 3).
_BINARY = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")


def codec_for(label: str) -> str | None:
    """Return the name of Python's codec for a charset as a server names it; None if unknown.

    >>> codec_for("ISO-8859-1"), codec_for("gb2312"), codec_for("rot13")
    ('windows-1252', 'gb18030', None)
    """
    return _CODECS.get(label.strip("\t\n\f\r ").lower())


def charset_of(content_type: str | None, start: bytes) -> str:
    """Return the name of Python's codec for a body; ``text_decoder`` has one that never fails.

    What counts is the first of: the charset of ``content_type``; a byte order mark; what the
    document says of itself, in a ``meta`` element or an XML declaration; UTF-8 if that is what
    the octets are; windows-1252. (Browsers let the mark count before the header.)

    ``start`` is the body's first SNIFF_SIZE octets, or more; if it is less, it is all of them.

    >>> charset_of("text/html; charset=utf-8", b"")
    'utf-8'
    >>> charset_of("text/html", b"<meta charset=koi8-r>")
    'koi8-r'
    >>> charset_of(None, "naïve".encode("latin-1"))
    'windows-1252'
    """
    is_all = len(start) < SNIFF_SIZE
    start = start[:SNIFF_SIZE]
    declared, mark = declared_charset(content_type), _marked_charset(start)
    if declared and mark and declared.startswith("utf-16") and mark.startswith("utf-16"):
        return mark  # which says the order of the octets: "utf-16" does not (RFC 2781 section 4.3)
    found = declared or mark or _document_charset(_media_type(content_type), start)
    return found or ("utf-8" if _is_utf_8(start, is_all=is_all) else "windows-1252")


def stated_charset(content_type: str | None, start: bytes) -> str | None:
    """Return what header or document say, as ``charset_of``; None where neither says anything."""
    start = start[:SNIFF_SIZE]
    declared = declared_charset(content_type)
    return declared or _document_charset(_media_type(content_type), start)


def declared_charset(content_type: str | None) -> str | None:
    """Return the name of Python's codec for the charset that a header gives; None if it has none.

    >>> declared_charset("text/html; charset=latin1"), declared_charset("text/html; charset=rot13")
    ('windows-1252', None)
    """
    for match in _CHARSET_PARAMETER.finditer(content_type or ""):
        if match["name"].lower() == "charset":
            # Single quotes are no quotes, and are sent nevertheless.
            return codec_for((match["quoted"] or match["bare"] or "").strip(" \t'"))
    return None


def is_text(content_type: str | None, start: bytes) -> bool:
    """Tell whether a body is text, by its type; if it has none, by its first octets.

    >>> is_text("application/json", b""), is_text("image/png", b""), is_text(None, b"hello")
    (True, False, True)
    """
    media_type = _media_type(content_type)
    if media_type:
        return (
            media_type.startswith("text/")
            or media_type.endswith(("+json", "+xml"))
            or media_type in _TEXT_TYPES
        )
    is_all = len(start) < SNIFF_SIZE
    start = start[:SNIFF_SIZE]
    if _marked_charset(start):
        return True
    if b"\0" in start:
        return False
    # A few escapes in a log are no reason; octets that are not even UTF-8 are the more suspect.
    controls = len(_BINARY.findall(start))
    return controls * 20 <= len(start) if _is_utf_8(start, is_all=is_all) else not controls


def text_decoder(charset: str) -> codecs.IncrementalDecoder:
    r"""Return a decoder for a codec that ``charset_of`` named.

    It never raises: what cannot be decoded becomes U+FFFD. A byte order mark is dropped. The octets
    that windows-1252 and its relatives leave undefined become control characters, as in browsers.

    >>> text_decoder("windows-1252").decode(b"\x80 \x81")
    '€ \x81'
    """
    if charset.startswith(_WITH_CONTROLS):
        return _TableDecoder(_table(charset))
    decoder = codecs.getincrementaldecoder(charset)("replace")
    if charset == "iso-2022-jp":
        return _EscapeGuard(decoder)
    return _MarkDropper(decoder) if charset.startswith("utf-") else decoder


def decode(body: bytes, content_type: str | None) -> str:
    """Return a whole body as text.

    >>> decode("naïve".encode(), "text/plain")
    'naïve'
    """
    return text_decoder(charset_of(content_type, body)).decode(body, final=True)


class _MarkDropper(codecs.IncrementalDecoder):
    """Drops the mark of a decoder that leaves it in: those of UTF-8 and UTF-16 do."""

    def __init__(self, decoder: codecs.IncrementalDecoder) -> None:
        super().__init__("replace")
        self._decoder = decoder
        self._is_start = True

    def decode(self, data: bytes, final: bool = False) -> str:  # type: ignore[override]
        text = self._decoder.decode(data, final)
        if self._is_start and text:
            self._is_start = False
            return text.removeprefix("\ufeff")
        return text

    def reset(self) -> None:
        self._decoder.reset()
        self._is_start = True


class _EscapeGuard(codecs.IncrementalDecoder):
    """Keeps from Python's ISO-2022-JP what it does not stand: a stray escape, in small pieces.

    It waits for more octets of the sequence than its buffer holds, and raises although it was told
    to replace.
    """

    def __init__(self, decoder: codecs.IncrementalDecoder) -> None:
        super().__init__("replace")
        self._decoder = decoder
        self._held = b""

    def decode(self, data: bytes, final: bool = False) -> str:  # type: ignore[override]
        octets = self._held + data
        cut = None if final else _CUT_ESCAPE.search(octets)
        end = cut.start() if cut else len(octets)
        octets, self._held = octets[:end], octets[end:]
        # 0xFF is an error in any of its states.
        return self._decoder.decode(_STRAY_ESCAPE.sub(b"\xff", octets), final)

    def reset(self) -> None:
        self._decoder.reset()
        self._held = b""


class _TableDecoder(codecs.IncrementalDecoder):
    """Decodes each octet by itself."""

    def __init__(self, table: str) -> None:
        super().__init__("replace")
        self._table = table

    def decode(self, data: bytes, final: bool = False) -> str:  # type: ignore[override]  # noqa: ARG002
        return codecs.charmap_decode(data, "replace", self._table)[0]


@cache
def _table(charset: str) -> str:
    chars = (bytes([octet]).decode(charset, "replace") for octet in range(256))
    return "".join(
        chr(octet) if char == "\ufffd" and 0x80 <= octet <= 0x9F else char
        for octet, char in enumerate(chars)
    )


def _media_type(content_type: str | None) -> str:
    """Return "type/subtype" in lower case; "" if there is none, or something else."""
    media_type = (content_type or "").partition(";")[0].strip(" \t").lower()
    return media_type if "/" in media_type else ""


def _marked_charset(start: bytes) -> str | None:
    return next((codec for mark, codec in _MARKS if start.startswith(mark)), None)


def _document_charset(media_type: str, start: bytes) -> str | None:
    if media_type == "text/html":
        # Pages that were XHTML once, with a declaration only: browsers look at it last.
        return _meta_charset(start) or _xml_charset(start)
    if media_type in ("", "application/xhtml+xml"):
        return _xml_charset(start) or _meta_charset(start)
    if media_type in ("text/xml", "application/xml") or media_type.endswith("+xml"):
        return _xml_charset(start)
    return None


def _xml_charset(start: bytes) -> str | None:
    match = _XML_ENCODING.match(start)
    return _charset_in_ascii(_value(match)) if match else None


def _meta_charset(start: bytes) -> str | None:
    for attributes in _meta_elements(start):
        label = attributes.get(b"charset")
        if label is None and attributes.get(b"http-equiv", b"").lower() == b"content-type":
            match = _CHARSET_IN_CONTENT.search(attributes.get(b"content", b""))
            label = match and _value(match)
        if label is not None and (codec := _charset_in_ascii(label)):
            return codec
    return None


def _meta_elements(start: bytes) -> Iterator[dict[bytes, bytes]]:
    for match in _MARKUP.finditer(start):
        if (match["tag"] or b"").lower() == b"meta":
            found = list(_ATTRIBUTE.finditer(match["attributes"]))
            # Of two attributes with one name the first counts.
            yield {attribute["name"].lower(): _value(attribute) for attribute in reversed(found)}


def _value(match: re.Match[bytes]) -> bytes:
    groups = match.groupdict()
    return groups.get("double") or groups.get("single") or groups.get("bare") or b""


def _charset_in_ascii(label: bytes) -> str | None:
    """Look up a label that was read as ASCII: so the document is not in UTF-16, as it may say."""
    codec = codec_for(label.decode("latin-1"))
    return "utf-8" if codec and codec.startswith("utf-16") else codec


def _is_utf_8(start: bytes, *, is_all: bool) -> bool:
    """Tell whether it is UTF-8; unless it is all, the last character may be cut."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start, final=is_all)
    except UnicodeDecodeError:
        return False
    return True
