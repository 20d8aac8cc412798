from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netcrawl.compare.heads import (
    MAX_LINE,
    MAX_LINES,
    Row,
    fields_of,
    final_head,
    head_of,
    request_line,
    shown_lines,
    side_by_side,
    status_of,
    value_of,
)


@pytest.mark.parametrize(
    ("octets", "head"),
    [
        pytest.param(
            b"GET / HTTP/1.1\r\nA: 1\r\n\r\nbody", b"GET / HTTP/1.1\r\nA: 1\r\n\r\n", id="crlf"
        ),
        pytest.param(b"GET / HTTP/1.1\nA: 1\n\nbody", b"GET / HTTP/1.1\nA: 1\n\n", id="lf"),
        pytest.param(b"GET / HTTP/1.1\r\nA", b"GET / HTTP/1.1\r\nA", id="no-end"),
        pytest.param(b"", b"", id="empty"),
    ],
)
def test_a_head_ends_with_an_empty_line(octets: bytes, head: bytes) -> None:
    assert head_of(octets) == head


def test_the_final_answer_comes_after_the_informational_ones() -> None:
    octets = (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\nhi"
    )

    assert final_head(octets) == b"HTTP/1.1 200 OK\r\n\r\n"
    assert final_head(b"HTTP/1.1 100 Continue\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"


@pytest.mark.parametrize(
    ("head", "status"),
    [
        pytest.param(b"HTTP/1.1 200 OK\r\n", 200, id="1.1"),
        pytest.param(b"HTTP/2 404\r\n", 404, id="no-reason"),
        pytest.param(b"HTTP/1.1 2000\r\n", None, id="four-digits"),
        pytest.param(b"220 hello\r\n", None, id="no-http"),
        pytest.param(b"", None, id="nothing"),
    ],
)
def test_the_status_of_an_answer(head: bytes, status: int | None) -> None:
    assert status_of(head) == status


def test_the_parts_of_a_request() -> None:
    head = b"GET /x HTTP/1.1\r\nHost: h\r\nx-a:  1 \r\nX-A: 2\r\nnonsense\r\n\r\n"

    assert request_line(head) == ("GET", "/x", "HTTP/1.1")
    assert [(field.name, field.value) for field in fields_of(head)] == [
        ("Host", "h"),
        ("x-a", "1"),
        ("X-A", "2"),
    ]
    assert value_of(head, "x-a") == "1"
    assert value_of(head, "cookie") is None
    assert request_line(b"\x16\x03\x01") == ("", "", "")
    assert request_line(b"GET /\r\n") == ("GET", "/", "")


def test_requests_side_by_side() -> None:
    left = b"GET / HTTP/1.1\r\nHost: h\r\nUser-Agent: a\r\nAccept: */*\r\nX: 1\r\n\r\n"
    right = b"GET / HTTP/1.1\r\nAccept: */*\r\nhost: h\r\nUser-Agent: b\r\nY: 1\r\n\r\n"

    assert side_by_side(left, right) == [
        Row("GET / HTTP/1.1", "GET / HTTP/1.1", "="),
        Row(None, "Accept: */*", "^"),
        Row("Host: h", "host: h", "~"),
        Row("User-Agent: a", "User-Agent: b", "~"),
        Row("Accept: */*", None, "^"),
        Row("X: 1", None, "-"),
        Row(None, "Y: 1", "+"),
    ]


def test_a_request_beside_none() -> None:
    assert side_by_side(b"", b"GET / HTTP/1.1\r\n\r\n") == [Row(None, "GET / HTTP/1.1", "+")]
    assert side_by_side(b"GET / HTTP/1.1\r\n\r\n", b"") == [Row("GET / HTTP/1.1", None, "-")]


def test_lines_are_shown_so_that_they_cannot_act() -> None:
    assert shown_lines(b"GET / HTTP/1.1\nA: \x1b[2J\x9b\r\n\r\n") == [
        r"GET / HTTP/1.1\nA: \x1b[2J\x9b"
    ]


def test_lines_have_a_bound() -> None:
    (line,) = shown_lines(b"x" * 9_999)
    lines = shown_lines(b"x\r\n" * 9_999)

    assert line == "x" * MAX_LINE + "... (9999 characters)"
    assert len(lines) == MAX_LINES + 1
    assert lines[-1] == f"({9_999 - MAX_LINES} more lines)"


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_each_line_of_both_is_there_once_and_in_order(left: bytes, right: bytes) -> None:
    rows = side_by_side(left, right)

    assert [row.left for row in rows if row.left is not None] == shown_lines(left)
    assert [row.right for row in rows if row.right is not None] == shown_lines(right)
    assert all((row.left == row.right) == (row.mark == "=") for row in rows)


@given(st.binary(max_size=200))
def test_any_octets_can_be_read(octets: bytes) -> None:
    assert octets.startswith(head_of(octets))
    assert octets.endswith(final_head(octets)) or final_head(octets) in octets
    request_line(octets)
    fields_of(octets)
