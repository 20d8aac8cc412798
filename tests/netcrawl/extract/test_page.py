from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from scrapy.responsetypes import responsetypes

from netcrawl.extract.page import as_html, as_plain_text, media_type

if TYPE_CHECKING:
    from scrapy.http import Response


def response(body: bytes, content_type: str | None, **fields: str) -> Response:
    headers = {"Content-Type": content_type, **fields} if content_type else fields
    url = "http://h/page"
    encoded = {name.encode(): value.encode() for name, value in headers.items()}
    kind = responsetypes.from_args(headers=encoded, url=url, body=body)
    return kind(url, headers=headers, body=body)


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        pytest.param(b"caf\xe9", "text/plain; charset=latin-1", "café", id="stated"),
        pytest.param("café".encode("utf-8-sig"), "text/plain", "café", id="BOM"),
        pytest.param("é".encode("utf-16"), "text/plain", "é", id="BOM of UTF-16"),
        pytest.param("мир".encode(), "text/plain", "мир", id="UTF-8 unstated"),
        pytest.param("é".encode(), "text/plain; charset=nosuch", "é", id="an unknown charset"),
        pytest.param("é".encode(), "text/plain; charset=base64", "é", id="no charset of text"),
        pytest.param(rb"a\ud800", "text/plain; charset=unicode_escape", r"a\ud800", id="no text"),
        pytest.param(b"a", "Text/Markdown", "a", id="another kind of text"),
        pytest.param(b"a b", None, "a b", id="no type stated"),
        pytest.param(b"", "text/plain", "", id="empty"),
        pytest.param(b"<p>", "text/html", None, id="HTML"),
        pytest.param(b"<a/>", "text/xml", None, id="XML"),
        pytest.param(b"{}", "application/json", None, id="JSON"),
        pytest.param(b"a{}", "text/css", None, id="a style sheet"),
        pytest.param(b"var a", "text/javascript", None, id="a script"),
        pytest.param(b"\x89PNG\r\n\x1a\n", "image/png", None, id="a picture"),
        pytest.param(b"\x89PNG\r\n\x1a\n", None, None, id="a picture, no type stated"),
    ],
)
def test_plain_text(body: bytes, content_type: str | None, text: str | None) -> None:
    page = as_plain_text(response(body, content_type))

    assert (page.text if page else None) == text


def test_text_in_an_unknown_coding_is_none() -> None:
    assert as_plain_text(response(b"x", "text/plain", **{"Content-Encoding": "foo"})) is None


SHALOM = "\u05e9\u05dc\u05d5\u05dd"


@pytest.mark.parametrize(
    ("body", "charset", "text"),
    [
        pytest.param(SHALOM.encode("iso-8859-8"), "iso-8859-8-i", SHALOM, id="logical Hebrew"),
        pytest.param(
            "naïve".encode("utf-16-le"), "utf-16", "naïve", id="UTF-16 of an unsaid order"
        ),
        pytest.param(rb"C:\new \u0041", "unicode_escape", r"C:\new \u0041", id="no charset"),
        pytest.param("na\u00efve caf\u00e9".encode("latin-1"), None, "naïve café", id="Latin"),
        pytest.param("Привет, мир, как дела".encode("cp1251"), None, "Привет", id="Cyrillic"),
        pytest.param(
            '<meta charset="utf-16">Grüße'.encode(), None, "Grüße", id="it cannot be UTF-16"
        ),
        pytest.param(
            b'<meta charset="x-user-defined">Gr\xfc\xdfe', None, "Grüße", id="user-defined"
        ),
        pytest.param(
            b"<!--" + b"x" * 2000 + b'--><meta charset="koi8-r">\xf0', None, "П", id="a late meta"
        ),
    ],
)
def test_charsets_are_those_of_browsers(body: bytes, charset: str | None, text: str) -> None:
    content_type = f"text/html; charset={charset}" if charset else "text/html"
    page = as_html(response(body, content_type))

    assert page is not None
    assert text in page.text


@pytest.mark.parametrize(
    ("markup", "is_read"),
    [
        pytest.param("<a " + " ".join(f"a{n}=1" for n in range(40_000)) + ">", False, id="names"),
        pytest.param(
            "<a " + " ".join(f'a{n}=">"' for n in range(40_000)) + ">", False, id="quoted"
        ),
        pytest.param('<a " ' + " ".join(f"a{n}" for n in range(40_000)) + ">", False, id="a quote"),
        pytest.param(("<a " + "b " * 9_000 + ">") * 20, False, id="in sum"),
        pytest.param('<img src="data:,' + "a b " * 100_000 + '">', True, id="one long value"),
        pytest.param("<p class=x>text</p>\n" * 50_000, True, id="many elements"),
        pytest.param(
            "<script>if (a <b) {" + "c = d / e;\n" * 5_000 + "}</script>", True, id="code"
        ),
    ],
)
def test_what_no_parser_reads_in_a_reasonable_time_is_no_page(markup: str, is_read: bool) -> None:
    page = response(markup.encode(), "text/html; charset=utf-8")

    assert (as_html(page) is not None) is is_read
    if not is_read:
        assert "too long" in media_type(page)
