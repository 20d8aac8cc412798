from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockettools.errors import RemoteProtocolError
from sockettools.http1 import Connection, Role
from sockettools.http1 import Request as RequestHead
from sockettools.practice.http import LIMITS, METHODS, BadArgument, Request, parse_request

HERE = "http://127.0.0.1:8000"


def parse(head: bytes) -> Request:
    """Read a head as the server does."""
    connection = Connection(Role.SERVER, LIMITS)
    connection.receive_data(head)
    event = connection.next_event()
    assert isinstance(event, RequestHead)
    return parse_request(event, HERE)


@pytest.mark.parametrize(
    ("head", "path", "query", "origin"),
    [
        pytest.param(
            b"GET /p?q=1?2 HTTP/1.1\r\nHost: h:80\r\n\r\n", "/p", "q=1?2", "http://h:80", id="query"
        ),
        pytest.param(
            b"GET http://www.py4inf.com/code/romeo.txt HTTP/1.0\n\n",
            "/code/romeo.txt",
            "",
            "http://www.py4inf.com",
            id="the chapter's browser: absolute, bare LF, no Host",
        ),
        pytest.param(b"GET / HTTP/1.0\r\n\r\n", "/", "", HERE, id="HTTP/1.0 without Host"),
        pytest.param(
            b"GET http://a HTTP/1.1\r\nHost: b\r\n\r\n",
            "/",
            "",
            "http://a",
            id="the target overrules Host, no path",
        ),
        pytest.param(
            b"GET http://a?q HTTP/1.1\r\nHost: b\r\n\r\n", "/", "q", "http://a", id="only a query"
        ),
        pytest.param(
            b"GET / HTTP/1.9\r\nHost: [::1]:8000\r\n\r\n",
            "/",
            "",
            "http://[::1]:8000",
            id="a later minor version",
        ),
    ],
)
def test_requests(head: bytes, path: str, query: str, origin: str) -> None:
    request = parse(head)

    assert (request.path, request.query, request.origin) == (path, query, origin)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        pytest.param(b"GET /\r\n\r\n", 400, id="HTTP/0.9"),
        pytest.param(b"GET  / HTTP/1.1\r\nHost: h\r\n\r\n", 400, id="two spaces"),
        pytest.param(b"G(T / HTTP/1.1\r\nHost: h\r\n\r\n", 400, id="method is no token"),
        pytest.param(b"GET p HTTP/1.1\r\nHost: h\r\n\r\n", 400, id="relative target"),
        pytest.param(b"GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n", 400, id="scheme"),
        pytest.param(b"GET http:// HTTP/1.1\r\nHost: h\r\n\r\n", 400, id="no authority"),
        pytest.param(b"GET http://u@h/ HTTP/1.1\r\nHost: h\r\n\r\n", 400, id="userinfo"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", 400, id="no Host"),
        pytest.param(b"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400, id="empty Host"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400, id="two Hosts"),
        pytest.param(b'GET / HTTP/1.1\r\nHost: "><a>\r\n\r\n', 400, id="markup in Host"),
        pytest.param(b"GET / HTTP/1.1\r\nHost : h\r\n\r\n", 400, id="space before colon"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: h\r\n folded\r\n\r\n", 400, id="folded line"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: h\r\nno colon\r\n\r\n", 400, id="no colon"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: h\rX: y\r\n\r\n", 400, id="bare CR"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: h\0\r\n\r\n", 400, id="NUL"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: h:65536\r\n\r\n", 400, id="port of Host"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: h:\xb2\r\n\r\n", 400, id="superscript port"),
        pytest.param(
            b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"y" * LIMITS.head + b"\r\n\r\n", 431, id="head"
        ),
        pytest.param(b"CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n", 405, id="CONNECT"),
        pytest.param(b"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", 405, id="OPTIONS *"),
        pytest.param(b"get / HTTP/1.1\r\nHost: h\r\n\r\n", 405, id="methods have a case"),
        pytest.param(b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: h\r\n\r\n", 414, id="target"),
        pytest.param(
            b"GET / HTTP/1.1\r\nHost: h\r\n" + b"X: y\r\n" * LIMITS.fields + b"\r\n",
            431,
            id="fields",
        ),
        pytest.param(b"GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505, id="another protocol"),
    ],
)
def test_refusals(head: bytes, status: int) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        parse(head)

    assert caught.value.status_hint == status


@given(st.binary(max_size=200) | st.binary(max_size=60).map(b"GET / HTTP/1.0\r\n".__add__))
def test_noise_is_a_request_or_a_remote_protocol_error(noise: bytes) -> None:
    try:
        request = parse(b"GET /" + noise + b"\r\n\r\n")
    except RemoteProtocolError:
        return
    assert request.method in METHODS


def asking(query: str, **arguments: str) -> Request:
    return Request("GET", "/", "/", HERE, query, arguments=arguments)


def test_an_argument_is_of_the_path_or_of_the_query() -> None:
    request = asking("a=1&b=%32&b=3&c", a="0")

    assert [request.argument(name) for name in "abc"] == ["0", "3", ""]
    assert request.argument("d", "default") == "default"
    assert request.parameters() == [("a", "1"), ("b", "2"), ("b", "3"), ("c", "")]
    with pytest.raises(BadArgument, match="d is missing"):
        request.argument("d")


def test_numbers_and_seconds() -> None:
    request = asking("n=7&s=1.5")

    assert (request.number("n", 0, 7), request.number("m", 0, 9, 3)) == (7, 3)
    assert (request.seconds("s", 2), request.seconds("t", 2, 1)) == (1.5, 1)


@pytest.mark.parametrize("text", ["", "-1", "8", "1e3", "²", "9" * 100, "nan", "0x1", "\n7"])
def test_what_is_no_number_in_the_range(text: str) -> None:
    request = asking("", n=text) if text else asking("n=")

    with pytest.raises(BadArgument, match="expected 0 to 7"):
        request.number("n", 0, 7)
    with pytest.raises(BadArgument, match="expected 0 to 7 seconds"):
        request.seconds("n", 7)


def test_too_many_parameters() -> None:
    with pytest.raises(BadArgument, match="more than 100"):
        asking("a&" * 101).parameters()
