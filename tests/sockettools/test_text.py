from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockettools.text import visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("Merina", "Merina", id="plain"),
        pytest.param("Zoë 李", "Zoë 李", id="letters of any script"),
        pytest.param("a\x1b[2Jb", "a\\x1b[2Jb", id="escape sequence"),
        pytest.param("a\r\nb", "a\\r\\nb", id="line end"),
        pytest.param("a\u202eb", "a\\u202eb", id="direction override"),
        pytest.param("\ud800", "\\ud800", id="lone surrogate"),
    ],
)
def test_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text())
def test_nothing_that_acts_is_left(text: str) -> None:
    assert visible(text).isprintable()
