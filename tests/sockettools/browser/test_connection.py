from __future__ import annotations

import threading
from time import monotonic
from typing import TYPE_CHECKING

import pytest

from sockettools import http1
from sockettools.browser import connection as connection_module
from sockettools.browser.connection import SEND_SIZE, HttpConnection
from sockettools.browser.options import Options
from sockettools.errors import (
    IncompleteMessage,
    LocalProtocolError,
    ReadTimeout,
    RemoteProtocolError,
    TooLong,
    WriteError,
    WriteTimeout,
)
from sockettools.net.deadline import NEVER, Deadline
from sockettools.net.memory import memory_stream_pair
from tests.servers.scripted import answer, chunked, head

if TYPE_CHECKING:
    from collections.abc import Callable

    from sockettools.net.stream import Stream

GET = http1.Request(b"GET", b"/", http1.Fields([(b"Host", b"h")]))

# Not to be waited for in a test that passes.
PATIENCE = 60.0


def post(size: int, *fields: tuple[bytes, bytes]) -> http1.Request:
    length = (b"Content-Length", str(size).encode())
    return http1.Request(b"POST", b"/", http1.Fields([(b"Host", b"h"), length, *fields]))


EXPECT = (b"Expect", b"100-continue")


def connected(capacity: int = 1_000_000, **options: object) -> tuple[HttpConnection, Stream]:
    """Return a connection and the server's side of it."""
    ours, theirs = memory_stream_pair(capacity)
    return HttpConnection(ours, "h:80", Options(**options)), theirs  # type: ignore[arg-type]


def received(stream: Stream) -> bytes:
    """Return what has come so far."""
    data = b""
    while True:
        try:
            piece = stream.receive_some(deadline=Deadline.after(0))
        except ReadTimeout:
            return data
        if not piece:
            return data
        data += piece


def ask(connection: HttpConnection, head: http1.Request, body: bytes) -> http1.Response:
    connection.send(head, body, Deadline.after(PATIENCE))
    return connection.receive_head(Deadline.after(PATIENCE))


def body_of(connection: HttpConnection) -> bytes:
    return b"".join(iter(lambda: connection.receive_body(NEVER) or b"", b""))


def test_requests_and_answers_in_turn() -> None:
    connection, server = connected()
    for body in (b"one", b"two"):
        connection.send(GET, b"", NEVER)
        assert received(server) == b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
        server.send_all(answer(body))
        assert connection.receive_head(NEVER).status_code == 200
        assert body_of(connection) == body
        assert connection.begin_next()
        assert connection.is_alive()


@pytest.mark.parametrize("size", [1, SEND_SIZE, SEND_SIZE + 1, 300_000])
def test_a_body_goes_behind_its_head(size: int) -> None:
    connection, server = connected()
    body = bytes(range(250)) * (size // 250) + bytes(size % 250)
    connection.send(post(size), body, NEVER)

    assert received(server).partition(b"\r\n\r\n")[2] == body


def test_what_is_no_request_is_not_sent() -> None:
    connection, server = connected()
    with pytest.raises(LocalProtocolError):
        connection.send(
            http1.Request(b"GET", b"/", http1.Fields([(b"Host", b"h"), (b"X", b"a\r\nY: b")])),
            b"",
            NEVER,
        )

    assert received(server) == b""


# 100-continue.


def test_the_body_waits_for_100() -> None:
    connection, server = connected()
    seen: list[bytes] = []

    def serve() -> None:
        seen.append(server.receive_some(deadline=Deadline.after(PATIENCE)))
        server.send_all(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n")

    thread = threading.Thread(target=serve)
    thread.start()
    connection.send(post(4, EXPECT), b"data", NEVER)
    thread.join()

    assert seen[0].endswith(b"\r\n\r\n")
    assert received(server) == b"data"


def test_the_body_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "CONTINUE_TIMEOUT", 0.01)
    connection, server = connected()
    connection.send(post(4, EXPECT), b"data", NEVER)

    assert received(server).endswith(b"\r\n\r\ndata")
    server.send_all(b"HTTP/1.1 100 Continue\r\n\r\n" + answer(b"late"))
    assert connection.receive_head(NEVER).status_code == 200
    assert body_of(connection) == b"late"
    assert connection.begin_next()


@pytest.mark.parametrize("status", ["417 Expectation Failed", "413 Content Too Large", "200 OK"])
def test_a_body_that_is_not_wanted_is_not_sent(status: str) -> None:
    connection, server = connected()
    server.send_all(answer(b"no", status=status))
    connection.send(post(4, EXPECT), b"data", NEVER)

    assert received(server).endswith(b"\r\n\r\n")
    assert connection.receive_head(NEVER).status_code == int(status[:3])
    assert body_of(connection) == b"no"
    # The server may still wait for the body.
    assert not connection.begin_next()


def test_a_server_that_closes_instead_of_100() -> None:
    connection, server = connected()
    server.close()
    with pytest.raises((IncompleteMessage, WriteError)):
        ask(connection, post(4, EXPECT), b"data")


@pytest.mark.parametrize("fields", [(EXPECT,), ()], ids=["for 100", "for the answer"])
def test_a_switch_to_another_protocol(fields: tuple[tuple[bytes, bytes], ...]) -> None:
    connection, server = connected()
    server.send_all(head("Upgrade: x", "Connection: upgrade", status="101 Switching Protocols"))
    upgrade = ((b"Upgrade", b"x"), (b"Connection", b"upgrade"))
    with pytest.raises(RemoteProtocolError, match=r"^h:80.*switche"):
        ask(connection, post(4, *upgrade, *fields), b"data")


# What a server does wrong.


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        pytest.param(b"", IncompleteMessage, "ended without an answer", id="nothing"),
        pytest.param(b"HTTP/1.1 2", IncompleteMessage, "after 10 bytes of a head", id="half"),
        pytest.param(b"220 ready\r\n", RemoteProtocolError, "not HTTP: b'220 ready", id="FTP"),
        pytest.param(head(f"X: {'a' * 300_000}"), TooLong, "is longer than", id="an endless field"),
        pytest.param(
            head(status="103 Early Hints") * 200, TooLong, "more than 100 answers", id="1xx"
        ),
        pytest.param(
            head("Content-Length: 1", "Content-Length: 2"),
            RemoteProtocolError,
            "conflicting Content-Length",
            id="two lengths",
        ),
    ],
)
def test_what_is_no_answer(data: bytes, error: type[Exception], message: str) -> None:
    connection, server = connected()
    connection.send(GET, b"", NEVER)
    server.send_all(data)
    server.send_eof()
    with pytest.raises(error, match=f"^h:80: .*{message}"):
        connection.receive_head(NEVER)

    assert not connection.begin_next()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(head("Content-Length: 10") + b"12345", "after 5 bytes", id="length"),
        pytest.param(
            head("Transfer-Encoding: chunked") + chunked(b"12345", end=b""),
            "before the last chunk",
            id="chunked",
        ),
        pytest.param(
            head("Transfer-Encoding: chunked") + b"a\r\n12345", "before the last chunk", id="chunk"
        ),
    ],
)
def test_a_body_that_is_cut(data: bytes, message: str) -> None:
    connection, server = connected()
    connection.send(GET, b"", NEVER)
    server.send_all(data)
    server.send_eof()
    connection.receive_head(NEVER)
    with pytest.raises(IncompleteMessage, match=message):
        body_of(connection)

    assert not connection.begin_next()


def test_an_answer_to_what_was_not_taken() -> None:
    """A server says 413 and closes; what was being sent breaks off."""
    connection, server = connected(capacity=1000)
    server.send_all(answer(b"no", "Connection: close", status="413 Content Too Large"))

    def serve() -> None:
        server.receive_some(deadline=Deadline.after(PATIENCE))
        server.close()

    thread = threading.Thread(target=serve)
    thread.start()
    with pytest.raises(WriteError, match=r"^h:80: "):
        connection.send(post(300_000), bytes(300_000), NEVER)
    thread.join()

    assert connection.receive_head(NEVER).status_code == 413
    assert body_of(connection) == b"no"
    assert not connection.begin_next()


# What may follow.


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(answer(b"x"), True, id="length"),
        pytest.param(head("Transfer-Encoding: chunked") + chunked(b"x"), True, id="chunked"),
        pytest.param(answer(b"x", "Connection: close"), False, id="close"),
        pytest.param(answer(b"x", version="1.0"), False, id="HTTP/1.0"),
        pytest.param(
            answer(b"x", "Connection: keep-alive", version="1.0"), True, id="HTTP/1.0 keep-alive"
        ),
        pytest.param(answer(b"x") + b"HTTP/1.1 200 OK\r\n", False, id="unasked answer"),
        pytest.param(answer(b"x") + b"\r\n", False, id="an empty line too many"),
    ],
)
def test_whether_another_request_may_follow(data: bytes, expected: bool) -> None:
    connection, server = connected()
    connection.send(GET, b"", NEVER)
    server.send_all(data)
    connection.receive_head(NEVER)
    assert body_of(connection) == b"x"

    assert connection.begin_next() is expected
    if not expected:
        assert server.receive_some(deadline=Deadline.after(PATIENCE))  # the request
        assert server.receive_some(deadline=Deadline.after(PATIENCE)) == b""


def close(server: Stream) -> None:
    server.close()


def speak(server: Stream) -> None:
    server.send_all(answer(status="408 Request Timeout"))


@pytest.mark.parametrize("happens", [close, speak])
def test_an_idle_connection_that_is_of_no_more_use(happens: Callable[[Stream], None]) -> None:
    connection, server = connected()
    connection.send(GET, b"", NEVER)
    server.send_all(answer(b""))
    connection.receive_head(NEVER)
    assert connection.receive_body(NEVER) is None
    assert connection.begin_next()
    happens(server)

    assert not connection.is_alive()


def test_heard_is_about_the_last_request() -> None:
    connection, server = connected()
    heard = []
    for _ in range(2):
        connection.send(GET, b"", NEVER)
        heard.append(connection.heard)
        server.send_all(answer(b""))
        connection.receive_head(NEVER)
        heard.append(connection.heard)
        assert connection.receive_body(NEVER) is None
        assert connection.begin_next()

    assert heard == [False, True, False, True]


# Time.


def test_a_silent_server() -> None:
    connection, _server = connected(idle_timeout=0.02)
    connection.send(GET, b"", NEVER)
    with pytest.raises(ReadTimeout, match=r"^h:80 sent nothing for 0.02 seconds$"):
        connection.receive_head(NEVER)


@pytest.mark.parametrize("idle_timeout", [None, 60.0])
def test_a_deadline(idle_timeout: float | None) -> None:
    connection, _server = connected(idle_timeout=idle_timeout)
    connection.send(GET, b"", NEVER)
    with pytest.raises(ReadTimeout, match=r"^h:80: the transfer was not complete in time$"):
        connection.receive_head(Deadline.after(0.02))


def test_a_server_that_does_not_read() -> None:
    connection, _server = connected(capacity=1000, idle_timeout=0.02)
    with pytest.raises(WriteTimeout, match=r"^h:80 took nothing for 0.02 seconds$"):
        connection.send(post(300_000), bytes(300_000), NEVER)


def test_a_deadline_stops_also_who_never_waits() -> None:
    """Also where every receive returns at once."""
    connection, server = connected(capacity=10_000_000, receive_size=10)
    connection.send(GET, b"", NEVER)
    server.send_all(head("Content-Length: 9000000") + bytes(9_000_000))
    connection.receive_head(NEVER)
    deadline = Deadline.after(0.05)
    with pytest.raises(ReadTimeout, match="not complete in time"):
        list(iter(lambda: connection.receive_body(deadline), None))


def test_receives_of_a_size_with_pauses_between() -> None:
    connection, server = connected(receive_size=20, delay=0.01)
    connection.send(GET, b"", NEVER)
    server.send_all(answer(bytes(100)))
    start = monotonic()
    connection.receive_head(NEVER)
    sizes = list(iter(lambda: len(connection.receive_body(NEVER) or b""), 0))

    assert max(sizes) <= 20
    assert sum(sizes) == 100
    assert monotonic() - start >= 0.01 * (len(answer(bytes(100))) // 20 - 1)


def test_a_pause_does_not_outlive_the_deadline() -> None:
    connection, server = connected(receive_size=1, delay=1000.0)
    connection.send(GET, b"", NEVER)
    server.send_all(answer(b""))
    with pytest.raises(ReadTimeout, match="not complete in time"):
        connection.receive_head(Deadline.after(0.02))


# CONNECT.


def test_a_tunnel() -> None:
    connection, server = connected()
    connection.send(http1.Request(b"CONNECT", b"h:443", GET.fields), b"", NEVER)
    server.send_all(head(status="200 Connection established", version="1.0"))
    assert connection.receive_head(NEVER).status_code == 200
    connection.check_tunnel()

    assert not connection.begin_next()


def test_a_proxy_that_speaks_on() -> None:
    connection, server = connected()
    connection.send(http1.Request(b"CONNECT", b"h:443", GET.fields), b"", NEVER)
    server.send_all(head() + b"hello")
    connection.receive_head(NEVER)
    with pytest.raises(RemoteProtocolError, match="sent more than an answer to CONNECT"):
        connection.check_tunnel()
