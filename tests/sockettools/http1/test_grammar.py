from __future__ import annotations

import re

import pytest

from sockettools.errors import LocalProtocolError, RemoteProtocolError, TooLong
from sockettools.http1 import Fields, Limits
from sockettools.http1.grammar import (
    MAX_LENGTH,
    check_fields,
    check_request,
    check_response,
    parse_chunk_size,
    parse_content_length,
    parse_fields,
    parse_request_head,
    parse_response_head,
    shown,
)

LIMITS = Limits()

# Every octet that must not be in a value or a reason phrase, however it is reached.
CONTROLS = [bytes([code]) for code in (*range(9), 11, 12, 13, *range(14, 32), 127)]

# RFC 9110 section 5.6.2: what a token is not made of, besides controls.
DELIMITERS = [bytes([code]) for code in b'"(),/:;<=>?@[\\]{} \x80\xff']


@pytest.mark.parametrize(
    ("line", "version", "code", "reason"),
    [
        pytest.param(b"HTTP/1.1 200 OK", b"1.1", 200, b"OK", id="RFC 9112 2.1"),
        pytest.param(b"HTTP/1.0 404 Not Found", b"1.0", 404, b"Not Found", id="1.0"),
        pytest.param(b"HTTP/1.1 200 ", b"1.1", 200, b"", id="empty reason"),
        pytest.param(b"HTTP/1.1 200", b"1.1", 200, b"", id="no reason, and no blank"),
        pytest.param(b"HTTP/1.1 200  OK ", b"1.1", 200, b" OK ", id="blanks of the reason"),
        pytest.param(b"HTTP/1.1 200 \xc3\x89t\xe9", b"1.1", 200, b"\xc3\x89t\xe9", id="not ascii"),
        pytest.param(b"HTTP/1.1 999 \t", b"1.1", 999, b"\t", id="LinkedIn's 999"),
        pytest.param(b"HTTP/1.7 200 OK", b"1.7", 200, b"OK", id="a later minor version"),
    ],
)
@pytest.mark.parametrize("end", [b"\r\n", b"\n"], ids=["CRLF", "LF"])
def test_status_line(line: bytes, version: bytes, code: int, reason: bytes, end: bytes) -> None:
    assert parse_response_head(line + end * 2, LIMITS) == (version, code, reason, Fields())


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"<html>", id="no HTTP"),
        pytest.param(b"HTTP", id="name only"),
        pytest.param(b"HTTP/1.1", id="version only"),
        pytest.param(b"HTTP/1.1 ", id="no code"),
        pytest.param(b"HTTP/1.1 OK", id="no digits"),
        pytest.param(b"HTTP/1.1 20 OK", id="two digits"),
        pytest.param(b"HTTP/1.1 2000 OK", id="four digits"),
        pytest.param(b"HTTP/1.1 099 OK", id="below 100"),
        pytest.param(b"HTTP/1.1 -20 OK", id="negative"),
        pytest.param(b"HTTP/1.1 2_0 OK", id="underscore"),
        pytest.param("HTTP/1.1 20² OK".encode(), id="superscript"),
        pytest.param("HTTP/1.1 ٢٠٠ OK".encode(), id="digits of another script"),
        pytest.param(b"HTTP/1.1 200OK", id="no blank behind the code"),
        pytest.param(b"HTTP/1.1 200\tOK", id="tab behind the code"),
        pytest.param(b"HTTP/1.1  200 OK", id="two blanks"),
        pytest.param(b"HTTP/1.1\t200 OK", id="tab"),
        pytest.param(b" HTTP/1.1 200 OK", id="leading blank"),
        pytest.param(b"http/1.1 200 OK", id="lower case"),
        pytest.param(b"HTTP /1.1 200 OK", id="blank in the version"),
        pytest.param(b"HTTP/1.10 200 OK", id="two digits of version"),
        pytest.param(b"HTTP/01.1 200 OK", id="leading zero"),
        pytest.param(b"HTTP/1,1 200 OK", id="comma"),
        pytest.param(b"HTTP/2 200", id="HTTP/2"),
        pytest.param(b"HTTP/2.0 200 OK", id="2.0"),
        pytest.param(b"HTTP/0.9 200 OK", id="0.9"),
        pytest.param(b"ICY 200 OK", id="Shoutcast"),
        pytest.param(b"RTSP/1.0 200 OK", id="RTSP"),
        pytest.param(b"HTTP/1.1 200 OK\rX: y", id="bare CR"),
        pytest.param(b"HTTP/1.1 200 OK\r", id="CR CRLF"),
        pytest.param(b"HTTP/1.1 200\rOK", id="bare CR for a blank"),
    ],
)
def test_no_status_line(line: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match="not a status line"):
        parse_response_head(line + b"\r\n\r\n", LIMITS)


@pytest.mark.parametrize("octet", CONTROLS, ids=repr)
def test_no_control_character_in_a_head(octet: bytes) -> None:
    for head in (b"HTTP/1.1 200 O%bK\r\n\r\n", b"HTTP/1.1 200 OK\r\nA: b%bc\r\n\r\n"):
        with pytest.raises(RemoteProtocolError):
            parse_response_head(head % octet, LIMITS)
    for head in (b"G%bET / HTTP/1.1\r\n\r\n", b"GET /%b HTTP/1.1\r\n\r\n"):
        with pytest.raises(RemoteProtocolError):
            parse_request_head(head % octet, LIMITS)


@pytest.mark.parametrize(
    ("line", "method", "target"),
    [
        pytest.param(b"GET /where?q=now HTTP/1.1", b"GET", b"/where?q=now", id="RFC 9112 3.2.1"),
        pytest.param(
            b"GET http://www.example.org/pub/WWW/TheProject.html HTTP/1.1",
            b"GET",
            b"http://www.example.org/pub/WWW/TheProject.html",
            id="RFC 9112 3.2.2",
        ),
        pytest.param(
            b"CONNECT www.example.com:80 HTTP/1.1",
            b"CONNECT",
            b"www.example.com:80",
            id="RFC 9112 3.2.3",
        ),
        pytest.param(b"OPTIONS * HTTP/1.1", b"OPTIONS", b"*", id="RFC 9112 3.2.4"),
        pytest.param(b"!#$%&'*+-.^_`|~9aZ / HTTP/1.1", b"!#$%&'*+-.^_`|~9aZ", b"/", id="token"),
        pytest.param(b"get / HTTP/1.1", b"get", b"/", id="lower case is another method"),
        pytest.param(b'GET /\xc3\xa9#<"> HTTP/1.1', b"GET", b'/\xc3\xa9#<">', id="browsers'"),
    ],
)
@pytest.mark.parametrize("end", [b"\r\n", b"\n"], ids=["CRLF", "LF"])
def test_request_line(line: bytes, method: bytes, target: bytes, end: bytes) -> None:
    assert parse_request_head(line + end * 2, LIMITS) == (method, target, b"1.1", Fields())


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        pytest.param(b"", 400, id="empty"),
        pytest.param(b"GET /", 400, id="HTTP/0.9"),
        pytest.param(b"GET", 400, id="method only"),
        pytest.param(b"GET  HTTP/1.1", 400, id="no target"),
        pytest.param(b" / HTTP/1.1", 400, id="no method"),
        pytest.param(b"GET / HTTP/1.1 ", 400, id="blank behind"),
        pytest.param(b"GET / HTTP/1.1 more", 400, id="more behind"),
        pytest.param(b"GET /a b HTTP/1.1", 400, id="blank in the target"),
        pytest.param(b"GET  / HTTP/1.1", 400, id="two blanks"),
        pytest.param(b"GET\t/ HTTP/1.1", 400, id="tab"),
        pytest.param(b"GET\r/ HTTP/1.1", 400, id="bare CR"),
        pytest.param(b"GET /\x0b HTTP/1.1", 400, id="vertical tab"),
        pytest.param(b"GET /\xa0\x0cHTTP/1.1", 400, id="other blanks"),
        pytest.param(b"GET / http/1.1", 400, id="lower case"),
        pytest.param(b"GET / IHTTP/1.1", 400, id="another protocol"),
        pytest.param(b"GET / RTSP/1.0", 400, id="RTSP"),
        pytest.param(b"GET / HTTP/1.32", 400, id="two digits of version"),
        pytest.param(b"GET / HTTP/1.", 400, id="half a version"),
        pytest.param(b"GET / HTTP/1", 400, id="no minor version"),
        pytest.param(b"PRI * HTTP/2.0", 505, id="HTTP/2"),
        pytest.param(b"GET / HTTP/0.9", 505, id="HTTP/0.9 by name"),
        pytest.param(b"GET / HTTP/9.9", 505, id="later"),
        pytest.param(b"G(T / HTTP/1.1", 400, id="not a token"),
    ],
)
def test_no_request_line(line: bytes, hint: int) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        parse_request_head(line + b"\r\n\r\n", LIMITS)

    assert caught.value.status_hint == hint


@pytest.mark.parametrize("octet", DELIMITERS, ids=repr)
def test_a_method_and_a_field_name_are_tokens(octet: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        parse_request_head(b"G%bT / HTTP/1.1\r\n\r\n" % octet, LIMITS)
    if octet != b":":
        with pytest.raises(RemoteProtocolError):
            fields(b"A%bB: c\r\n\r\n" % octet)


def fields(block: bytes, limits: Limits = LIMITS, *, may_fold: bool = False) -> Fields:
    return parse_fields(block, 0, limits, may_fold=may_fold)


@pytest.mark.parametrize(
    ("line", "value"),
    [
        pytest.param(b"A: b", b"b", id="one blank"),
        pytest.param(b"A:b", b"b", id="no blank"),
        pytest.param(b"A: \t b", b"b", id="more blanks"),
        pytest.param(b"A: b \t ", b"b", id="blanks behind"),
        pytest.param(b"A: b c\td", b"b c\td", id="blanks inside"),
        pytest.param(b"A:", b"", id="empty"),
        pytest.param(b"A: ", b"", id="a blank only"),
        pytest.param(b"A: \t  ", b"", id="blanks only"),
        pytest.param(b"A: b: c", b"b: c", id="colons"),
        pytest.param(b"A::", b":", id="two colons"),
        pytest.param(b'A: "\\\x80\xff"', b'"\\\x80\xff"', id="above ASCII"),
        # With strip() of another kind, these would be blanks.
        pytest.param(b"A: \xa0b\x85", b"\xa0b\x85", id="blanks of latin-1"),
    ],
)
@pytest.mark.parametrize("end", [b"\r\n", b"\n"], ids=["CRLF", "LF"])
def test_field_line(line: bytes, value: bytes, end: bytes) -> None:
    block = line + end + b"Z: 1" + end + end

    assert fields(block) == fields(block, may_fold=True) == [(b"A", value), (b"Z", b"1")]


@pytest.mark.parametrize("block", [b"\r\n", b"\n"])
def test_no_fields(block: bytes) -> None:
    assert fields(block) == []


def test_line_ends_may_be_mixed() -> None:
    assert fields(b"A: 1\nB: 2\r\nC: 3\n\r\n") == [(b"A", b"1"), (b"B", b"2"), (b"C", b"3")]


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"A", id="no colon"),
        pytest.param(b": b", id="no name"),
        pytest.param(b"A : b", id="blank before the colon"),
        pytest.param(b"A\t: b", id="tab before the colon"),
        pytest.param(b" A: b", id="blank before the name"),
        pytest.param(b"\tA: b", id="tab before the name"),
        pytest.param(b"A\x00: b", id="NUL in the name"),
        pytest.param(b"\xffA: b", id="name not ascii"),
        pytest.param("Ä: b".encode(), id="name in UTF-8"),
        pytest.param(b"A: b\x00c", id="NUL"),
        pytest.param(b"A: b\rC: d", id="bare CR"),
        pytest.param(b"A: b\r", id="CR CRLF"),
        pytest.param(b"A:\rb", id="bare CR for a blank"),
        pytest.param(b"\rA: b", id="bare CR before the name"),
        pytest.param(b"\r", id="a line of a CR"),
        pytest.param(b"A: b\x7f", id="DEL"),
        pytest.param(b"A: b \x0b", id="vertical tab"),
    ],
)
@pytest.mark.parametrize("may_fold", [False, True])
@pytest.mark.parametrize(
    "around",
    [
        pytest.param(b"%b\r\n", id="alone"),
        pytest.param(b"%b\r\nY: 1\r\nZ: 2\r\n", id="first"),
        pytest.param(b"%b\r\nZ: trailing \r\n", id="beside a loose one"),
    ],
)
def test_no_field_line(line: bytes, around: bytes, may_fold: bool) -> None:
    with pytest.raises(RemoteProtocolError, match=f"^not a field: {re.escape(repr(line)[:-1])}"):
        fields(around % line + b"\r\n", may_fold=may_fold)


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        pytest.param(b"A: b\r\n c\r\n", [(b"A", b"b c")], id="blank"),
        pytest.param(b"A: b\r\n\tc\r\n", [(b"A", b"b c")], id="tab"),
        pytest.param(b"A: b\n c\n", [(b"A", b"b c")], id="bare LF"),
        pytest.param(b"A:\r\n b\r\n", [(b"A", b"b")], id="all of it in the next line"),
        pytest.param(b"A: b\r\n \t c\r\n\t\td\r\n", [(b"A", b"b c d")], id="twice"),
        pytest.param(b"A: b\r\n \r\n", [(b"A", b"b")], id="an empty continuation"),
        pytest.param(b"A: b\r\n c: d\r\nE: f\r\n", [(b"A", b"b c: d"), (b"E", b"f")], id="a field"),
    ],
)
def test_folded_lines(block: bytes, expected: list[tuple[bytes, bytes]]) -> None:
    assert fields(block + b"\r\n", may_fold=True) == expected
    with pytest.raises(RemoteProtocolError):
        fields(block + b"\r\n", may_fold=False)


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(b" A: b\r\n", id="before the first"),
        pytest.param(b" \r\nA: b\r\n", id="blank before the first"),
        pytest.param(b"A\r\n : b\r\n", id="within a name"),
        pytest.param(b"A: b\r\n c\x00\r\n", id="NUL"),
        pytest.param(b"A: b\r \n c\r\n", id="bare CR"),
    ],
)
def test_no_folded_lines(block: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        fields(block + b"\r\n", may_fold=True)


def test_limits_of_a_head() -> None:
    limits = Limits(line=20, fields=2)
    assert len(fields(b"A: %b\r\nB: 2\r\n\r\n" % (b"x" * 16), limits)) == 2
    for block in (b"A: %b\r\n\r\n" % (b"x" * 17), b"A: %b \r\n\r\n" % (b"x" * 17)):
        with pytest.raises(TooLong, match="a line of the head is longer than 20 bytes"):
            fields(block, limits)
    with pytest.raises(TooLong, match="more than 2 fields") as caught:
        fields(b"A: 1\r\nB: 2\r\nC: 3\r\n\r\n", limits)
    assert caught.value.status_hint == 431
    with pytest.raises(TooLong, match="request line") as caught:
        parse_request_head(b"GET /567890 HTTP/1.1\r\n\r\n", limits)
    assert caught.value.status_hint == 414
    with pytest.raises(TooLong):
        parse_response_head(b"HTTP/1.1 200 45678901\r\n\r\n", limits)


@pytest.mark.parametrize(
    ("value", "length"),
    [
        pytest.param(b"0", 0, id="nothing"),
        pytest.param(b"3495", 3495, id="RFC 9110 8.6"),
        pytest.param(b"42, 42", 42, id="RFC 9110 8.6, a list"),
        pytest.param(b"42,42 ,\t42", 42, id="blanks in a list"),
        pytest.param(b"0042", 42, id="leading zeros"),
        pytest.param(b"9223372036854775807", MAX_LENGTH, id="the longest"),
    ],
)
def test_content_length(value: bytes, length: int) -> None:
    assert parse_content_length(value) == length


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"-1", id="negative"),
        pytest.param(b"+1", id="signed"),
        pytest.param(b"1.0", id="fraction"),
        pytest.param(b"1.", id="half a fraction"),
        pytest.param(b"1e3", id="exponent"),
        pytest.param(b"0x10", id="hexadecimal"),
        pytest.param(b"ff", id="hexadecimal without a prefix"),
        pytest.param(b"1_0", id="underscore"),
        pytest.param(b"1 0", id="blank inside"),
        pytest.param(b"1\x0b", id="vertical tab"),
        pytest.param(b"\xa01", id="blank of latin-1"),
        pytest.param("²".encode(), id="superscript"),
        pytest.param(b"\xb2", id="superscript of latin-1"),
        pytest.param("１".encode(), id="wide digit"),
        pytest.param(b"9223372036854775808", id="one too many"),
        pytest.param(b"18446744073709551617", id="wraps around"),
        pytest.param(b"0" * 19 + b"1", id="too many digits"),
        pytest.param(b"9" * 5000, id="more digits than int takes"),
        pytest.param(b"chunked", id="no number"),
        pytest.param(b"1, 2", id="conflict"),
        pytest.param(b"1, 01", id="two ways to write it"),
        pytest.param(b"1,", id="empty member"),
        pytest.param(b",", id="empty members"),
        pytest.param(b"1;1", id="semicolon"),
        pytest.param(b'"1"', id="quoted"),
    ],
)
def test_no_content_length(value: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match="Content-Length"):
        parse_content_length(value)


def test_chunk_size() -> None:
    assert parse_chunk_size(b"1A") == 26
    assert parse_chunk_size(b"7fffffffffffffff") == MAX_LENGTH
    with pytest.raises(RemoteProtocolError):
        parse_chunk_size(b"8000000000000000")


# What could end one line, and begin another of the sender's choice.
INJECTIONS = [b"\r", b"\n", b"\0", b"\r\n", b"\r\nX: y", b"\r\n\r\nGET / HTTP/1.1\r\n\r\n"]


@pytest.mark.parametrize("injected", [*INJECTIONS, b" ", b"\t", b"\x7f", b"\xe9"], ids=repr)
@pytest.mark.parametrize("around", [b"%b", b"a%b", b"%bz", b"a%bz"])
def test_nothing_is_sent_that_says_something_else(injected: bytes, around: bytes) -> None:
    text = around % injected
    with pytest.raises(LocalProtocolError, match="not a method"):
        check_request(text, b"/", b"1.1", Fields())
    with pytest.raises(LocalProtocolError, match="not a target"):
        check_request(b"GET", text, b"1.1", Fields())
    with pytest.raises(LocalProtocolError, match="not a field name"):
        check_fields(Fields([(text, b"v")]))
    if injected in INJECTIONS:
        with pytest.raises(LocalProtocolError, match="not a value of A"):
            check_fields(Fields([(b"A", text)]))
        with pytest.raises(LocalProtocolError, match="not a reason phrase"):
            check_response(200, text, b"1.1", Fields())


@pytest.mark.parametrize("version", [b"", b"1", b"0.9", b"1.2", b"2.0", b"1.1 ", b"1.1\r\n"])
def test_versions_that_are_not_sent(version: bytes) -> None:
    with pytest.raises(LocalProtocolError, match="not a version"):
        check_request(b"GET", b"/", version, Fields())
    with pytest.raises(LocalProtocolError, match="not a version"):
        check_response(200, b"", version, Fields())


@pytest.mark.parametrize("code", [-200, 0, 99, 1000])
def test_no_status_code(code: int) -> None:
    with pytest.raises(LocalProtocolError, match="not a status code"):
        check_response(code, b"", b"1.1", Fields())


@pytest.mark.parametrize("text", [b"", b":", b"A:b", b'"', b"A(b)"])
def test_no_token_is_sent(text: bytes) -> None:
    with pytest.raises(LocalProtocolError, match="not a method"):
        check_request(text, b"/", b"1.1", Fields())
    with pytest.raises(LocalProtocolError, match="not a field name"):
        check_fields(Fields([(text, b"")]))


def test_an_empty_target_is_not_sent() -> None:
    with pytest.raises(LocalProtocolError, match="not a target: b''"):
        check_request(b"GET", b"", b"1.1", Fields())


def test_what_is_quoted_is_short() -> None:
    assert shown(b"\x00\xff\n") == r"b'\x00\xff\n'"
    assert len(shown(b"\x00" * 100_000)) < 500
