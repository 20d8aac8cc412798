from __future__ import annotations

import sys

from netcrawl.extract.text import (
    NO_TEXT,
    is_all_text,
    utf8_without_half_characters,
    without_half_characters,
)


def test_either_way_the_same_characters_are_text() -> None:
    characters = map(chr, range(sys.maxunicode + 1))

    assert [c for c in characters if is_all_text(f"a{c}b") == bool(NO_TEXT.search(c))] == []


def test_half_characters_are_replaced_either_way() -> None:
    markup = "<p>é\ud800\udc00日\U0001f600\udfff"

    assert without_half_characters(markup) == "<p>é\ufffd\ufffd日\U0001f600\ufffd"
    assert utf8_without_half_characters(markup) == without_half_characters(markup).encode()
    assert utf8_without_half_characters("é") == "é".encode()
