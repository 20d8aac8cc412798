from __future__ import annotations

import re

import pytest

from sockettools.errors import TooLong
from sockettools.http1.received import ReceiveBuffer
from tests.sockettools.http1.conversation import octets


def buffer_of(*pieces: bytes) -> ReceiveBuffer:
    buffer = ReceiveBuffer()
    for piece in pieces:
        buffer.append(piece)
    return buffer


def test_what_is_wanted_whole_is_not_copied() -> None:
    data = b"x" * 1000
    buffer = buffer_of(data)

    assert buffer.take(2000) is data
    assert len(buffer) == 0
    buffer.append(data)
    assert buffer.take(1000) is data


@pytest.mark.parametrize("pieces", [[b"abcdef"], octets(b"abcdef"), [b"ab", b"cdef"]])
def test_take_and_peek(pieces: list[bytes]) -> None:
    buffer = buffer_of(*pieces)

    assert buffer.peek(2) == b"ab"
    assert buffer.take(2) == b"ab"
    assert len(buffer) == 4
    assert buffer.startswith(b"cd")
    assert not buffer.startswith(b"d")
    buffer.append(b"gh")
    assert buffer.peek(100) == b"cdefgh"
    taken = [buffer.take(3), buffer.take(100), buffer.take(1)]
    assert taken == [b"cde", b"fgh", b""]
    assert {type(data) for data in taken} == {bytes}
    assert len(buffer) == 0
    assert not buffer.startswith(b"a")


def test_take_match() -> None:
    buffer = buffer_of(b"x", b"123", b"y")
    digits = re.compile(rb"[0-9]+")

    assert buffer.take_match(digits) is None
    buffer.take(1)
    match = buffer.take_match(digits)
    assert match is not None
    assert match[0] == b"123"
    assert buffer.take(9) == b"y"


@pytest.mark.parametrize(
    ("data", "size"),
    [(b"", 0), (b"\r\n\n\r\nG", 5), (b"\r", 0), (b"\n\r", 1), (b"\r\r\n", 0), (b"G\r\n", 0)],
)
def test_skip_blank_lines(data: bytes, size: int) -> None:
    buffer = buffer_of(data)

    assert buffer.skip_blank_lines() == size
    assert buffer.take(9) == data[size:]


HEADS = [
    pytest.param(b"a\r\nb\r\n\r\n", id="CRLF"),
    pytest.param(b"a\nb\n\n", id="LF"),
    pytest.param(b"a\r\nb\n\r\n", id="LF CRLF"),
    pytest.param(b"a\r\nb\r\n\n", id="CRLF LF"),
    pytest.param(b"a\r\r\nb\n\r\r\n\r\n", id="bare CRs"),
]


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("before", [b"", b"1\r\n", b"something longer\r\n"])
@pytest.mark.parametrize("behind", [b"", b"\r\n\r\n", b"body"])
def test_take_head(head: bytes, before: bytes, behind: bytes) -> None:
    whole = buffer_of(before + head + behind)
    whole.take(len(before))
    assert whole.take_head(len(head)) == head
    assert whole.take(100) == behind

    dripping = buffer_of(before + head[:1])
    dripping.take(len(before))
    for octet in octets(head[1:]):
        assert dripping.take_head(len(head)) is None
        dripping.append(octet)
    taken = dripping.take_head(len(head))
    assert taken == head
    assert type(taken) is bytes
    dripping.append(b"\n\n" + behind)
    assert dripping.take_head(len(head)) == b"\n\n"
    assert dripping.take(100) == behind


def test_only_crlf_ends_trailers() -> None:
    block = b"a\nb\n\r\nc\n\nd\r\n\r\n"
    whole = buffer_of(block + b"x")
    assert whole.take_trailers(100) == block
    dripping = buffer_of()
    for octet in octets(block):
        assert dripping.take_trailers(100) is None
        dripping.append(octet)
    assert dripping.take_trailers(100) == block


@pytest.mark.parametrize("end", [b"\r\n\r\n", b"\n\n", b""])
def test_limit_of_a_head(end: bytes) -> None:
    data = b"x" * (21 - len(end)) + end
    with pytest.raises(TooLong, match="the head is longer than 20 bytes"):
        buffer_of(data).take_head(20)

    buffer = buffer_of()
    with pytest.raises(TooLong, match="the head is longer than 20 bytes"):  # noqa: PT012
        for octet in octets(data):
            buffer.append(octet)
            assert buffer.take_head(20) is None
    assert len(buffer) == 21


def test_what_was_taken_is_let_go() -> None:
    buffer = buffer_of(b"ab", b"c")
    for _ in range(10_000):
        buffer.append(b"x" * 1000)
        buffer.take(1000)

    assert len(buffer) == 3
    assert len(buffer._data) < 10_000
