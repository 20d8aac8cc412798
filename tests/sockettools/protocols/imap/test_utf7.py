from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockettools.protocols.imap.utf7 import decode, encode

PAIRS = [
    pytest.param("INBOX", b"INBOX", id="ascii"),
    pytest.param("", b"", id="nothing"),
    pytest.param("&", b"&-", id="ampersand"),
    pytest.param("a&-b", b"a&--b", id="ampersand and minus"),
    pytest.param('q"\\ /', b'q"\\ /', id="quotes stay"),
    # RFC 3501 section 5.1.3.
    pytest.param("~peter/mail/台北/日本語", b"~peter/mail/&U,BTFw-/&ZeVnLIqe-", id="RFC 3501"),
    pytest.param("Entwürfe", b"Entw&APw-rfe", id="umlaut"),
    pytest.param("\U0001f4e7", b"&2D3c5w-", id="surrogate pair"),
    pytest.param("a\r\nb\0", b"a&AA0ACg-b&AAA-", id="line end and NUL"),
]


@pytest.mark.parametrize(("name", "octets"), PAIRS)
def test_both_ways(name: str, octets: bytes) -> None:
    assert encode(name) == octets
    assert decode(octets) == name


@pytest.mark.parametrize(
    ("octets", "name"),
    [
        pytest.param(b"Salt & Pepper", "Salt & Pepper", id="ampersand alone"),
        pytest.param(b"a&", "a&", id="nothing behind"),
        pytest.param(b"&ZeVn", "&ZeVn", id="no end"),
        pytest.param(b"&Z-", "&Z-", id="a quarter of a character"),
        pytest.param(b"&ZeU*-", "&ZeU*-", id="no base64"),
        pytest.param(b"&2D0-", "&2D0-", id="half a surrogate pair"),
        pytest.param("Café".encode(), "Café", id="UTF-8"),
        pytest.param(b"Caf\xe9", "Café", id="Latin-1"),
        pytest.param(b"\xe9&APw-", "éü", id="Latin-1 and UTF-7"),
        pytest.param(b"&AGE-", "a", id="what needed no encoding"),
    ],
)
def test_broken_names_are_read(octets: bytes, name: str) -> None:
    assert decode(octets) == name


def test_half_a_character_is_no_text() -> None:
    with pytest.raises(UnicodeEncodeError):
        encode("\ud83d")


@given(st.text())
def test_round_trip(name: str) -> None:
    octets = encode(name)

    assert decode(octets) == name
    assert all(0x20 <= octet < 0x7F for octet in octets)


@given(st.binary())
def test_nothing_breaks_it(octets: bytes) -> None:
    assert isinstance(decode(octets), str)
