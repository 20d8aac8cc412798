from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockettools.browser.charset import (
    SNIFF_SIZE,
    charset_of,
    codec_for,
    decode,
    is_text,
    text_decoder,
)

# A label of every codec there is.
LABELS = [
    *("utf-8", "866", "latin2", "latin3", "latin4", "cyrillic", "arabic", "greek", "hebrew"),
    *("latin6", "iso-8859-13", "iso-8859-14", "l9", "iso-8859-16", "koi", "koi8-u"),
    *("mac", "x-mac-cyrillic", "tis-620", "latin1", "l5", "gbk", "big5", "euc-jp", "sjis"),
    *("iso-2022-jp", "euc-kr", "utf-16", "utf-16be", *(f"cp125{digit}" for digit in range(9))),
]


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        pytest.param("utf8", "utf-8", id="utf8"),
        pytest.param(" \tUTF-8\n", "utf-8", id="white space and case"),
        pytest.param("iso-8859-1", "windows-1252", id="Latin-1"),
        pytest.param("us-ascii", "windows-1252", id="ASCII"),
        pytest.param("iso-8859-9", "windows-1254", id="Latin-5"),
        pytest.param("gb2312", "gb18030", id="gb2312"),
        pytest.param("gbk", "gb18030", id="gbk"),
        pytest.param("shift_jis", "cp932", id="Shift_JIS"),
        pytest.param("ks_c_5601-1987", "cp949", id="Korean"),
        pytest.param("tis-620", "cp874", id="Thai"),
        pytest.param("utf-16", "utf-16-le", id="utf-16"),
        *(
            pytest.param(label, None, id=label or "nothing")
            for label in ("", "utf-7", "rot13", "hex", "base64", "idna", "punycode", "zlib")
        ),
        *(
            pytest.param(label, None, id=label)
            for label in ("unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "utf-32")
        ),
        *(pytest.param(label, None, id=label) for label in ("hz-gb-2312", "iso-2022-kr", "none")),
    ],
)
def test_labels(label: str, expected: str | None) -> None:
    assert codec_for(label) == expected


def test_all_codecs_are_python_s() -> None:
    for label in LABELS:
        assert codecs.lookup(codec_for(label) or "").name


LATIN_1 = "naïve café".encode("latin-1")
LONG = b"x" * (SNIFF_SIZE - 1)


@pytest.mark.parametrize(
    ("content_type", "start", "expected"),
    [
        # The header
        pytest.param("text/html; charset=KOI8-R", b"", "koi8-r", id="header"),
        pytest.param('text/html;charset="koi8-r"; x=y', b"", "koi8-r", id="quoted"),
        pytest.param("text/html; charset='koi8-r'", b"", "koi8-r", id="single quotes"),
        pytest.param("text/html; x=y ;CHARSET = koi8-r ", b"", "koi8-r", id="spaces"),
        pytest.param('text/html; x="; charset=big5"; charset=koi8-r', b"", "koi8-r", id="decoy"),
        pytest.param("text/html; charset=koi8-r; charset=big5", b"", "koi8-r", id="first counts"),
        pytest.param("; charset=koi8-r", b"", "koi8-r", id="no type"),
        pytest.param("text/html; charset=", b"", "utf-8", id="empty"),
        pytest.param("text/html; charset=rot13", LATIN_1, "windows-1252", id="no charset"),
        pytest.param("image/png; charset=koi8-r", b"", "koi8-r", id="a type without markup"),
        pytest.param("text/html; charset=koi8-r", b"\xef\xbb\xbf", "koi8-r", id="before the mark"),
        pytest.param(
            "text/html; charset=koi8-r", b"<meta charset=big5>", "koi8-r", id="before the page"
        ),
        pytest.param("text/plain; charset=utf-16", b"\xfe\xff", "utf-16-be", id="utf-16, big"),
        pytest.param("text/plain; charset=utf-16", b"\xff\xfe", "utf-16-le", id="utf-16, little"),
        pytest.param("text/plain; charset=utf-16", b"\0a", "utf-16-le", id="utf-16, no mark"),
        # The mark
        pytest.param("text/html", b"\xef\xbb\xbf<meta charset=big5>", "utf-8", id="mark: UTF-8"),
        pytest.param(None, b"\xff\xfea\0", "utf-16-le", id="mark: UTF-16LE"),
        pytest.param(None, b"\xfe\xff\0a", "utf-16-be", id="mark: UTF-16BE"),
        # What the document says
        pytest.param("text/html", b"<meta charset=koi8-r>", "koi8-r", id="meta"),
        pytest.param("text/html", b"<META\nCHARSET = 'koi8-r'/>", "koi8-r", id="meta, upper case"),
        pytest.param("Text/HTML", b'<html><meta charset="koi8-r">', "koi8-r", id="meta, quoted"),
        pytest.param(None, b"<meta charset=koi8-r>", "koi8-r", id="meta, no type"),
        pytest.param("text/plain", b"<meta charset=koi8-r>", "utf-8", id="meta in a text"),
        pytest.param(
            "text/html",
            b'<meta http-equiv="Content-Type" content="text/html; charset=koi8-r">',
            "koi8-r",
            id="http-equiv",
        ),
        pytest.param(
            "text/html",
            b"<meta content='text/html; charset=\"koi8-r\"' http-equiv=content-type>",
            "koi8-r",
            id="http-equiv, the other way round",
        ),
        pytest.param(
            "text/html", b"<meta content='x; charset=koi8-r'>", "utf-8", id="content by itself"
        ),
        pytest.param(
            "text/html",
            b"<meta http-equiv=refresh content='0; charset=koi8-r'>",
            "utf-8",
            id="another http-equiv",
        ),
        pytest.param(
            "text/html",
            b"<meta charset=rot13><meta charset=koi8-r>",
            "koi8-r",
            id="unknown ones are passed over",
        ),
        pytest.param(
            "text/html",
            b"<!-- <meta charset=big5> --><meta charset=koi8-r>",
            "koi8-r",
            id="comment",
        ),
        pytest.param(
            "text/html",
            b"<a title='<meta charset=big5>'><meta charset=koi8-r>",
            "koi8-r",
            id="attribute of another",
        ),
        pytest.param("text/html", b"<metadata charset=big5>", "utf-8", id="no meta"),
        pytest.param("text/html", b"<meta name=x data-charset=big5>", "utf-8", id="no charset"),
        pytest.param(
            "text/html", b"<meta charset=koi8-r charset=big5>", "koi8-r", id="first attribute"
        ),
        pytest.param("text/html", b"<meta charset=koi8-r", "utf-8", id="not closed"),
        pytest.param("text/html", b"<meta charset=utf-16>", "utf-8", id="utf-16 in ASCII"),
        pytest.param("text/html", b"<!-- <p> <meta charset=big5>", "utf-8", id="open comment"),
        pytest.param("text/html", LONG + b"<meta charset=koi8-r>", "utf-8", id="too late"),
        pytest.param(
            "application/xml", b"<?xml version='1.0' encoding='koi8-r'?>", "koi8-r", id="XML"
        ),
        pytest.param(
            "image/svg+xml", b'<?xml version="1.0" encoding="koi8-r"?>', "koi8-r", id="SVG"
        ),
        pytest.param(None, b'<?xml version="1.0" encoding="koi8-r"?>', "koi8-r", id="XML, no type"),
        pytest.param(
            "text/html",
            b'<?xml version="1.0" encoding="big5"?><meta charset="koi8-r">',
            "koi8-r",
            id="XML in HTML",
        ),
        pytest.param(
            "application/xhtml+xml",
            b'<?xml version="1.0" encoding="koi8-r"?><meta charset="big5"/>',
            "koi8-r",
            id="XHTML",
        ),
        pytest.param(
            "application/xhtml+xml", b'<meta charset="koi8-r"/>', "koi8-r", id="XHTML with meta"
        ),
        pytest.param("text/xml", b'<meta charset="koi8-r"/>', "utf-8", id="meta in XML"),
        pytest.param("text/xml", b"<?xml version='1.0'?>", "utf-8", id="XML without"),
        pytest.param("text/xml", b"<?xml encoding='utf-16'?>", "utf-8", id="XML: utf-16 in ASCII"),
        pytest.param("text/plain", b"<?xml encoding='koi8-r'?>", "utf-8", id="XML in a text"),
        # The octets
        pytest.param(None, b"", "utf-8", id="nothing"),
        pytest.param(None, "naïve".encode(), "utf-8", id="UTF-8"),
        pytest.param(None, LATIN_1, "windows-1252", id="Latin-1"),
        pytest.param(None, "café".encode("latin-1"), "windows-1252", id="Latin-1 at the end"),
        pytest.param(None, LONG + "é".encode() + LONG, "utf-8", id="cut in a character"),
        pytest.param(None, LONG + "é".encode()[:1], "utf-8", id="given up to the cut"),
        pytest.param(None, LONG + b"x\xe9", "utf-8", id="not looked at"),
        pytest.param(None, b"\xed\xa0\x80", "windows-1252", id="a surrogate is no UTF-8"),
    ],
)
def test_charset(content_type: str | None, start: bytes, expected: str) -> None:
    assert charset_of(content_type, start) == expected


@given(st.none() | st.text(), st.binary() | st.binary().map(b"<meta charset=".__add__))
def test_there_is_always_a_charset(content_type: str | None, start: bytes) -> None:
    text = text_decoder(charset_of(content_type, start)).decode(start, True)
    assert decode(start, content_type) == text
    text.encode()  # no half characters


@pytest.mark.parametrize("content_type", ["text/html", "application/xml", None])
def test_long_markup_is_no_work(content_type: str | None) -> None:
    for start in (b"<a " * 400, b"<meta " + b"a=" * 600, b"<a '" + b'"' * 1100, b"<!--" * 300):
        charset_of(content_type, start)


@pytest.mark.parametrize(
    ("content_type", "start", "expected"),
    [
        pytest.param("text/plain", b"\0", True, id="text"),
        pytest.param("TEXT/HTML; charset=x", b"", True, id="case and parameters"),
        pytest.param("application/json", b"", True, id="JSON"),
        pytest.param("application/problem+json", b"", True, id="+json"),
        pytest.param("image/svg+xml", b"", True, id="+xml"),
        pytest.param("application/xml", b"", True, id="XML"),
        pytest.param("application/javascript", b"", True, id="JavaScript"),
        pytest.param("application/x-www-form-urlencoded", b"", True, id="form"),
        pytest.param("application/octet-stream", b"hello", False, id="octets"),
        pytest.param("image/png", b"hello", False, id="image"),
        pytest.param("application/xmlish", b"hello", False, id="not quite XML"),
        pytest.param(None, b"", True, id="nothing"),
        pytest.param("text", b"hello", True, id="no type, but text"),
        pytest.param(None, b"hello\r\n\t\x0c\x1b[1m", True, id="white space and escapes"),
        pytest.param(None, "naïve".encode(), True, id="UTF-8"),
        pytest.param(None, LATIN_1, True, id="Latin-1"),
        pytest.param(None, LONG + "é".encode(), True, id="cut in a character"),
        pytest.param(None, b"hello\0", False, id="NUL"),
        pytest.param(None, b"\xff\xfeh\0", True, id="UTF-16 with a mark"),
        pytest.param(None, b"\xff\xd8\xff\xe0\0\x10JFIF", False, id="JPEG"),
        pytest.param(None, b"\x89PNG\r\n\x1a\n", False, id="PNG"),
        pytest.param(None, b"\x01\x02hello", False, id="many controls"),
        pytest.param(None, b"hello\x07" + b"x" * 20, True, id="a bell"),
        pytest.param(None, LATIN_1 * 9 + b"\x07", False, id="a bell in what is not UTF-8"),
        pytest.param(None, b"x" * SNIFF_SIZE + b"\0", True, id="not looked at"),
    ],
)
def test_is_text(content_type: str | None, start: bytes, expected: bool) -> None:
    assert is_text(content_type, start) is expected


@pytest.mark.parametrize(
    ("charset", "data", "expected"),
    [
        pytest.param("utf-8", b"\xef\xbb\xbfa\xef\xbb\xbf", "a\ufeff", id="UTF-8"),
        pytest.param("utf-16-le", b"\xff\xfea\0", "a", id="UTF-16LE"),
        pytest.param("utf-16-be", b"\xfe\xff\0a", "a", id="UTF-16BE"),
        pytest.param("utf-8", b"a\xffb\xe2\x82", "a\ufffdb\ufffd", id="no UTF-8"),
        pytest.param("utf-16-le", b"\0\xd8a\0b", "\ufffda\ufffd", id="no UTF-16"),
        pytest.param("windows-1252", bytes(range(32)), bytes(range(32)).decode(), id="ASCII"),
        pytest.param(
            "windows-1252", b"\x80\x81\x8d\x8f\x90\x9d\xff", "€\x81\x8d\x8f\x90\x9dÿ", id="C1"
        ),
        pytest.param("windows-1253", b"\x81\xaa", "\x81\ufffd", id="no C1 beyond 0x9F"),
        pytest.param("cp874", b"\x81\xa1", "\x81ก", id="Thai"),
        pytest.param("gb18030", b"\xa2\xe3", "€", id="gb18030"),
        pytest.param("iso-2022-jp", b'\x1b$B$"\x1b(Ba', "あa", id="ISO-2022-JP"),
        pytest.param("iso-2022-jp", b"\x1b(\xf2a\x1b", "\ufffd(\ufffda\ufffd", id="stray escapes"),
    ],
)
def test_decoder(charset: str, data: bytes, expected: str) -> None:
    whole, split = text_decoder(charset), text_decoder(charset)
    assert whole.decode(data, True) == expected
    assert "".join(map(split.decode, one_by_one(data))) + split.decode(b"", True) == expected

    whole.reset()
    assert whole.decode(data, True) == expected


def one_by_one(data: bytes) -> list[bytes]:
    return [data[index : index + 1] for index in range(len(data))]


# Noise in which the escape sequences of ISO-2022-JP and the lead octets of others are frequent.
NOISE = st.binary() | st.text("\x1b$(BJ@\x0e\x0f0~{}\x81\xe3\xff").map(
    lambda text: text.encode("latin-1")
)


@given(st.sampled_from(LABELS), NOISE)
def test_noise_is_decoded_and_any_split_gives_the_same(label: str, data: bytes) -> None:
    charset = codec_for(label)
    assert charset is not None
    whole, split = text_decoder(charset), text_decoder(charset)
    text = whole.decode(data, True)

    assert "".join(map(split.decode, one_by_one(data))) + split.decode(b"", True) == text
    text.encode()  # no half characters


@given(st.text())
def test_what_is_utf_8_is_read_as_it(text: str) -> None:
    assert decode(text.encode(), "text/plain") == text.removeprefix("\ufeff")
