from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockettools.errors import RemoteProtocolError
from sockettools.practice.http import MAX_FIELDS, MAX_HEAD, Request, find_head_end, parse_request


@pytest.mark.parametrize(
    ("head", "request_"),
    [
        pytest.param(
            b"GET /p?q=1 HTTP/1.1\r\nHost: h:80\r\n\r\n",
            Request("GET", "/p?q=1", "/p", "h:80", keep_alive=True),
            id="HTTP/1.1",
        ),
        pytest.param(
            b"GET http://www.py4inf.com/code/romeo.txt HTTP/1.0\n\n",
            Request(
                "GET",
                "http://www.py4inf.com/code/romeo.txt",
                "/code/romeo.txt",
                "www.py4inf.com",
                keep_alive=False,
            ),
            id="the chapter's browser: absolute, bare LF, no Host",
        ),
        pytest.param(
            b"GET / HTTP/1.0\r\n\r\n",
            Request("GET", "/", "/", None, keep_alive=False),
            id="HTTP/1.0 without Host",
        ),
        pytest.param(
            b"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
            Request("GET", "/", "/", None, keep_alive=True),
            id="HTTP/1.0 that asks to keep the connection",
        ),
        pytest.param(
            b"GET http://a HTTP/1.1\r\nHost: b\r\n\r\n",
            Request("GET", "http://a", "/", "a", keep_alive=True),
            id="the target overrules Host, no path",
        ),
        pytest.param(
            b"HEAD / HTTP/1.1\r\nhOsT:h\r\nConnection: te, CLOSE\r\n\r\n",
            Request("HEAD", "/", "/", "h", keep_alive=False),
            id="close among other options",
        ),
        pytest.param(
            b"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n",
            Request("GET", "/", "/", "h", keep_alive=False),
            id="a body ends the connection",
        ),
        pytest.param(
            b"GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
            Request("GET", "/", "/", "h", keep_alive=False),
            id="a chunked body ends the connection",
        ),
        pytest.param(
            b"GET / HTTP/1.9\r\nHost: [::1]:8000\r\n\r\n",
            Request("GET", "/", "/", "[::1]:8000", keep_alive=True),
            id="a later minor version",
        ),
    ],
)
def test_requests(head: bytes, request_: Request) -> None:
    assert parse_request(head) == request_


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
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400, id="two Hosts"),
        pytest.param(b'GET / HTTP/1.1\r\nHost: "><a>\r\n\r\n', 400, id="markup in Host"),
        pytest.param(b"GET / HTTP/1.1\r\nHost : h\r\n\r\n", 400, id="space before colon"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: h\r\n folded\r\n\r\n", 400, id="folded line"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: h\r\nno colon\r\n\r\n", 400, id="no colon"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: h\rX: y\r\n\r\n", 400, id="bare CR"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: h\0\r\n\r\n", 400, id="NUL"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: h:65536\r\n\r\n", 400, id="port of Host"),
        pytest.param(
            b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"y" * MAX_HEAD + b"\r\n\r\n", 431, id="head"
        ),
        pytest.param(b"POST / HTTP/1.1\r\nHost: h\r\n\r\n", 405, id="POST"),
        pytest.param(b"CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n", 405, id="CONNECT"),
        pytest.param(b"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", 405, id="OPTIONS *"),
        pytest.param(b"get / HTTP/1.1\r\nHost: h\r\n\r\n", 405, id="methods have a case"),
        pytest.param(b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: h\r\n\r\n", 414, id="target"),
        pytest.param(
            b"GET / HTTP/1.1\r\nHost: h\r\n" + b"X: y\r\n" * MAX_FIELDS + b"\r\n", 431, id="fields"
        ),
        pytest.param(b"GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505, id="another protocol"),
    ],
)
def test_refusals(head: bytes, status: int) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        parse_request(head)

    assert caught.value.status_hint == status


@given(st.binary(max_size=200) | st.binary(max_size=60).map(b"GET / HTTP/1.0\r\n".__add__))
def test_noise_is_a_request_or_a_remote_protocol_error(noise: bytes) -> None:
    try:
        request = parse_request(noise + b"\r\n\r\n")
    except RemoteProtocolError:
        return
    assert request.method in {"GET", "HEAD"}


@given(st.data())
def test_the_end_of_a_head_is_found_however_it_arrives(data: st.DataObject) -> None:
    head = data.draw(st.sampled_from([b"A\r\nB: c\r\n\r\n", b"A\nB: c\n\n", b"A\nB: c\r\n\n"]))
    stream = head + data.draw(st.binary(max_size=5))
    cut = data.draw(st.integers(0, len(stream)))

    first = find_head_end(bytearray(stream[:cut]))

    assert first == (len(head) if cut >= len(head) else None)
    assert find_head_end(bytearray(stream), max(0, min(cut, len(head) - 1) - 3)) == len(head)
