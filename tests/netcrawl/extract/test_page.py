from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from scrapy.responsetypes import responsetypes

from netcrawl.extract.page import as_html, as_plain_text

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
        pytest.param(rb"a\ud800", "text/plain; charset=unicode_escape", "a\ufffd", id="half"),
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


def test_html_in_half_characters_can_be_parsed() -> None:
    page = as_html(response(rb"<p>a\ud800b", "text/html; charset=unicode_escape"))

    assert page is not None
    assert page.css("p::text").get() == "a\ufffdb"
