"""The engine and others make the same of valid answers."""

from __future__ import annotations

import io
from http.client import HTTPResponse
from typing import TYPE_CHECKING

import pytest

from sockettools.http1 import Data, EndOfMessage, Response
from tests.sockettools.http1.conversation import asked, get, hear

if TYPE_CHECKING:
    from collections.abc import Callable

h11 = pytest.importorskip("h11")

# Status code, reason, fields, body.
Message = tuple[int, bytes, list[tuple[bytes, bytes]], bytes]

ANSWERS = [
    pytest.param(b"GET", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", id="length"),
    pytest.param(b"GET", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", id="length 0"),
    pytest.param(b"GET", b"HTTP/1.0 200 OK\r\n\r\nhello", id="until the end"),
    pytest.param(b"GET", b"HTTP/1.0 404 Not Found\r\n\r\n", id="until the end, nothing"),
    pytest.param(
        b"GET",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"5\r\nhello\r\n1;a=b\r\n!\r\n0\r\n\r\n",
        id="chunked",
    ),
    pytest.param(
        b"GET",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"A\r\n0123456789\r\n00\r\nX: y\r\n\r\n",
        id="trailers",
    ),
    pytest.param(b"HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", id="HEAD"),
    pytest.param(b"GET", b"HTTP/1.1 204 No Content\r\nX: y\r\n\r\n", id="204"),
    pytest.param(b"GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", id="304"),
    pytest.param(
        b"GET",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        id="100",
    ),
    pytest.param(b"GET", b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nhi", id="no reason"),
    pytest.param(b"GET", b"HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nhi", id="empty reason"),
    pytest.param(b"GET", b"HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", id="bare LF"),
    pytest.param(
        b"GET",
        b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Path=/\r\nVary:  *\t\r\nEmpty:\r\n"
        b"set-cookie: b=2\r\nContent-Length: 2\r\n\r\nhi",
        id="fields",
    ),
    pytest.param(
        b"GET",
        b"HTTP/1.1 200 OK\r\nLocation: /caf\xc3\xa9\r\nContent-Length: 0\r\n\r\n",
        id="UTF-8",
    ),
    pytest.param(
        b"GET",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"2\r\nhi\r\n0\r\n\r\n",
        id="both length and chunked",
    ),
]


def by_engine(method: bytes, wire: bytes) -> Message:
    heard = hear(asked(get(method)), wire, b"")
    (head,) = (event for event in heard if isinstance(event, Response))
    assert any(isinstance(event, EndOfMessage) for event in heard)
    body = b"".join([event.data for event in heard if isinstance(event, Data)])
    return head.status_code, head.reason, list(head.fields), body


def by_http_client(method: bytes, wire: bytes) -> Message:
    class Socket:
        def makefile(self, mode: str) -> io.BytesIO:
            assert mode == "rb"
            return io.BytesIO(wire)

    answer = HTTPResponse(Socket(), method=method.decode())  # type: ignore[arg-type]
    answer.begin()
    # It leaves the white space behind a value as it finds it.
    fields = [
        (name.encode("latin-1"), value.encode("latin-1").strip(b" \t"))
        for name, value in answer.msg.items()
    ]
    body = answer.read()
    return answer.status, answer.reason.encode("latin-1"), fields, body


def by_h11(method: bytes, wire: bytes) -> Message:
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method=method, target=b"/", headers=[(b"Host", b"h")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(wire)
    connection.receive_data(b"")
    body = b""
    while type(event := connection.next_event()) is not h11.EndOfMessage:
        if type(event) is h11.Response:
            head = event
        elif type(event) is h11.Data:
            body += event.data
    return head.status_code, head.reason, head.headers.raw_items(), body


@pytest.mark.parametrize("other", [by_http_client, by_h11])
@pytest.mark.parametrize(("method", "wire"), ANSWERS)
def test_valid_answers(
    method: bytes, wire: bytes, other: Callable[[bytes, bytes], Message]
) -> None:
    assert by_engine(method, wire) == other(method, wire)
