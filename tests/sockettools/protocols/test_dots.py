from __future__ import annotations

import re
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockettools.protocols.dots import DotDecoder, dot_stuffed
from tests.growth import assert_linear

# What matters is where dots and line ends meet, also at the cuts.
TEXTS = st.lists(st.sampled_from([b".", b"\r", b"\n", b"\r\n", b"a"])).map(b"".join)
CUTS = st.lists(st.integers(0, 30))


def in_blocks(octets: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(octets), *(cut for cut in cuts if cut < len(octets))})
    return [octets[start:end] for start, end in pairwise(places)] or [octets]


def decoded(blocks: list[bytes]) -> tuple[bytes, bytes]:
    """Return the text, and what came behind its end."""
    decoder = DotDecoder()
    text = b""
    for number, block in enumerate(blocks, 1):
        text += decoder.feed(block)
        if decoder.is_done:
            return text, decoder.rest + b"".join(blocks[number:])
    pytest.fail("the text has no end")


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        pytest.param(b"", b".\r\n", id="empty"),
        pytest.param(b"a\r\n", b"a\r\n.\r\n", id="line"),
        pytest.param(b"a", b"a\r\n.\r\n", id="no end of the last line"),
        pytest.param(b".", b"..\r\n.\r\n", id="dot"),
        pytest.param(b".\r\n.a\r\n", b"..\r\n..a\r\n.\r\n", id="dots at line starts"),
        pytest.param(b"a.\r\nb.c\r\n", b"a.\r\nb.c\r\n.\r\n", id="other dots"),
        pytest.param(b"a\n.\n", b"a\r\n..\r\n.\r\n", id="bare LF"),
        pytest.param(b"a\r.\r", b"a\r\n..\r\n.\r\n", id="bare CR"),
        pytest.param(b"a\r\r\n\n.", b"a\r\n\r\n\r\n..\r\n.\r\n", id="all of them"),
    ],
)
def test_stuffed(text: bytes, sent: bytes) -> None:
    assert b"".join(dot_stuffed([text])) == sent
    assert b"".join(dot_stuffed([bytes([octet]) for octet in text])) == sent
    assert b"".join(dot_stuffed([b"", *in_blocks(text, [1, 2]), b""])) == sent


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        pytest.param(b".\r\n", b"", id="empty"),
        pytest.param(b"\r\n.\r\n", b"\r\n", id="empty line"),
        pytest.param(b"..\r\n.\r\n", b".\r\n", id="dot"),
        pytest.param(b".a\r\n.\r\n", b"a\r\n", id="a dot that was not stuffed"),
        pytest.param(b"a\n.\n\r\n.\r\n", b"a\n.\n\r\n", id="bare LF ends nothing"),
        pytest.param(b"a\r\n.\nb\r\n.\r\n", b"a\r\n\nb\r\n", id="nor does it behind the dot"),
        pytest.param(b"a\n.\r\nb\r\n.\r\n", b"a\n.\r\nb\r\n", id="nor before it"),
        pytest.param(b"a\r.\r\n.\r\n", b"a\r.\r\n", id="bare CR"),
        pytest.param(b"\r\n.\r.\r\n.\r\n", b"\r\n\r.\r\n", id="a dot and a CR"),
        pytest.param(b"\r\r\n.\r\r\n.\r\n", b"\r\r\n\r\r\n", id="CRs before the end"),
    ],
)
@pytest.mark.parametrize("rest", [b"", b"+OK\r\n", b".\r\n"])
def test_decoded(sent: bytes, text: bytes, rest: bytes) -> None:
    octets = sent + rest
    assert decoded([octets]) == (text, rest)
    assert decoded([bytes([octet]) for octet in octets]) == (text, rest)


@given(TEXTS, CUTS, CUTS, TEXTS)
def test_there_and_back(text: bytes, cuts: list[int], other_cuts: list[int], rest: bytes) -> None:
    sent = b"".join(dot_stuffed(in_blocks(text, cuts)))
    lines = re.sub(b"\r\n|\r|\n", b"\r\n", text)
    expected = lines if lines.endswith(b"\r\n") or not lines else lines + b"\r\n"
    assert decoded(in_blocks(sent + rest, other_cuts)) == (expected, rest)


@given(TEXTS, CUTS)
def test_cuts_change_nothing(octets: bytes, cuts: list[int]) -> None:
    octets += b"\r\n.\r\n"
    assert decoded(in_blocks(octets, cuts)) == decoded([octets])


@pytest.mark.parametrize(
    ("block", "given_at_once"),
    [
        pytest.param(b"a\r\n", b"a\r\n", id="whole line"),
        pytest.param(b"a\r", b"a\r", id="half a line end"),
        pytest.param(b"a\r\n.", b"a\r\n", id="dot"),
        pytest.param(b"a\r\n.\r", b"a\r\n", id="nearly the end"),
    ],
)
def test_what_is_certain_is_given_at_once(block: bytes, given_at_once: bytes) -> None:
    assert DotDecoder().feed(block) == given_at_once


def test_dots_cost_no_more_than_other_octets() -> None:
    """A dot in each line cost a copy of the whole block."""
    assert_linear(lambda lines: partial(DotDecoder().feed, b"..\r\n" * lines), 30_000)
