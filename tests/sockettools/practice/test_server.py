from __future__ import annotations

import http.client
import socket
import threading
import urllib.request
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from sockettools.practice import PracticeServer, server
from sockettools.practice.http import LIMITS
from sockettools.practice.pages import ROMEO
from tests.patience import SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def practice() -> Iterator[PracticeServer]:
    with PracticeServer() as running:
        yield running


def connect(practice: PracticeServer) -> socket.socket:
    host, port = practice.url.removeprefix("http://").rstrip("/").split(":")
    return socket.create_connection((host, int(port)), timeout=SECONDS)


def read_all(client: socket.socket) -> bytes:
    return b"".join(iter(lambda: client.recv(65536), b""))


def exchange(practice: PracticeServer, request: bytes) -> bytes:
    """Send and read until the server closes."""
    with connect(practice) as client:
        client.sendall(request)
        return read_all(client)


def test_the_chapters_browser(practice: PracticeServer) -> None:
    answer = exchange(practice, b"GET http://www.py4inf.com/code/romeo.txt HTTP/1.0\n\n")

    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert body.decode() == ROMEO


def test_urllib_and_http_client(practice: PracticeServer) -> None:
    with urllib.request.urlopen(practice.url + "romeo.txt") as response:
        assert response.headers["Content-Length"] == "167"
        assert response.read().decode() == ROMEO

    with closing(http.client.HTTPConnection(practice.url[7:-1])) as connection:
        for path, status in (("/romeo.txt", 200), ("/nope", 404), ("/cover.jpg", 200)):
            connection.request("GET", path)
            response = connection.getresponse()
            assert response.status == status
            assert len(response.read()) == int(response.headers["Content-Length"])
            assert not response.will_close, "one connection for all three"


def test_head_has_the_fields_of_get_and_no_body(practice: PracticeServer) -> None:
    heads = {}
    for method in ("GET", "HEAD"):
        answer = exchange(
            practice,
            f"{method} /page1.htm HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".encode(),
        )
        heads[method], _, body = answer.partition(b"\r\n\r\n")
        assert bool(body) == (method == "GET")
    without_date = [
        [line for line in head.splitlines() if not line.startswith(b"Date:")]
        for head in heads.values()
    ]
    assert without_date[0] == without_date[1]


def test_post_is_405_and_says_what_is_allowed(practice: PracticeServer) -> None:
    answer = exchange(
        practice, b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n" + b"x" * 100000
    )

    assert answer.startswith(b"HTTP/1.1 405 Method Not Allowed\r\n")
    assert b"\r\nAllow: GET, HEAD\r\n" in answer


def test_pipelined_requests_are_answered_in_order(practice: PracticeServer) -> None:
    answer = exchange(
        practice,
        b"\r\nHEAD /romeo.txt HTTP/1.1\r\nHost: h\r\n\r\n"
        b"HEAD /cover.jpg HTTP/1.1\r\nHost: h\r\n\r\n"
        b"HEAD /nope HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
    )

    assert [line for line in answer.splitlines() if line.startswith(b"HTTP")] == [
        b"HTTP/1.1 200 OK",
        b"HTTP/1.1 200 OK",
        b"HTTP/1.1 404 Not Found",
    ]


def test_a_request_in_single_bytes(practice: PracticeServer) -> None:
    with connect(practice) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"GET /romeo.txt HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n":
            client.sendall(bytes([byte]))
        assert read_all(client).endswith(ROMEO.encode())


@pytest.mark.parametrize(
    ("request_", "connection"),
    [
        pytest.param(b"GET /nope HTTP/1.1\r\nHost: h\r\n", b"keep-alive", id="HTTP/1.1"),
        pytest.param(
            b"GET / HTTP/1.1\r\nHost: h\r\nConnection: te, CLOSE\r\n", b"close", id="asks to close"
        ),
        pytest.param(b"GET / HTTP/1.0\r\n", b"close", id="HTTP/1.0"),
        pytest.param(
            b"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n", b"keep-alive", id="HTTP/1.0 that asks"
        ),
        pytest.param(b"DELETE / HTTP/1.1\r\nHost: h\r\n", b"keep-alive", id="method"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n", b"close", id="a body"),
        pytest.param(
            b"GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n", b"close", id="chunks"
        ),
        pytest.param(b"GET / HTTP/1.1\r\nHost: h, i\r\n", b"close", id="no host"),
    ],
)
def test_whether_the_connection_is_kept(
    practice: PracticeServer, request_: bytes, connection: bytes
) -> None:
    answer = exchange(practice, request_ + b"\r\nHEAD / HTTP/1.0\r\n\r\n")

    first, second, *_ = [*answer.split(b"HTTP/1.1 ")[1:], None]
    assert first is not None
    assert b"\r\nConnection: " + connection + b"\r\n" in first
    assert (second is not None) == (connection == b"keep-alive")


def test_a_refusal_of_head_has_no_body(practice: PracticeServer) -> None:
    answer = exchange(practice, b"HEAD p HTTP/1.1\r\nHost: h\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.endswith(b"\r\n\r\n")


def test_noise_behind_head_is_refused_as_ever(practice: PracticeServer) -> None:
    answer = exchange(practice, b"HEAD / HTTP/1.1\r\nHost: h\r\n\r\nnoise\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"\r\n\r\nHTTP/1.1 400 " in answer
    assert b"<h1>400 Bad Request</h1>" in answer


def test_links_lead_back_to_the_address_that_was_asked(practice: PracticeServer) -> None:
    named = exchange(practice, b"GET /page1.htm HTTP/1.0\r\nHost: www.dr-chuck.com\r\n\r\n")
    unnamed = exchange(practice, b"GET /page1.htm HTTP/1.0\r\n\r\n")

    assert b'href="http://www.dr-chuck.com/page2.htm"' in named
    assert f'href="{practice.url}page2.htm"'.encode() in unnamed


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400, id="a TLS hello"),
        pytest.param(b"x" * (LIMITS.head + 1), 431, id="an endless line"),
        pytest.param(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 10000, 431, id="endless fields"),
    ],
)
def test_hostile_heads(practice: PracticeServer, request_: bytes, status: int) -> None:
    assert exchange(practice, request_).startswith(f"HTTP/1.1 {status} ".encode())


def test_half_a_request_gets_no_answer(practice: PracticeServer) -> None:
    with connect(practice) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHo")
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == b""


def test_a_head_that_drips_is_given_up(
    practice: PracticeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "HEAD_TIMEOUT", 0.2)
    with connect(practice) as client:
        client.sendall(b"GET / HTTP/1.1\r\n")
        assert read_all(client).startswith(b"HTTP/1.1 408 ")


def test_silence_is_given_up_without_a_word(
    practice: PracticeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "IDLE_TIMEOUT", 0.2)
    with connect(practice) as client:
        assert read_all(client) == b""


def test_silent_and_reset_clients_cost_the_others_nothing(practice: PracticeServer) -> None:
    silent = [connect(practice) for _ in range(100)]
    for number in range(20):
        with connect(practice) as resetting:
            resetting.sendall(b"GET /cover.jpg HTTP/1.1\r\nHost: h\r\n\r\n" * number)
            # A linger time of zero makes close() send a reset.
            resetting.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    with urllib.request.urlopen(practice.url + "romeo.txt", timeout=SECONDS) as response:
        assert response.read().decode() == ROMEO
    for client in silent:
        client.close()


def test_clients_beyond_the_limit_wait_for_a_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MAX_CONNECTIONS", 1)
    with PracticeServer() as practice:
        first = connect(practice)
        first.sendall(b"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n")
        assert first.recv(100).startswith(b"HTTP/1.1 200"), "it has the only place"
        with connect(practice) as second:
            second.sendall(b"HEAD / HTTP/1.0\r\n\r\n")
            second.settimeout(0.2)
            with pytest.raises(TimeoutError):
                second.recv(1)
            first.close()
            second.settimeout(SECONDS)
            assert read_all(second).startswith(b"HTTP/1.1 200")


def test_closing_ends_idle_connections_and_leaves_no_thread() -> None:
    before = threading.active_count()
    with PracticeServer() as practice:
        client = connect(practice)
        client.sendall(b"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n")
        assert client.recv(100)
    with client:
        read_all(client)  # the server's end is closed: this ends
    assert threading.active_count() <= before


def test_closing_cuts_a_client_that_does_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "GRACE", 0.2)
    before = threading.active_count()
    with PracticeServer() as practice:
        client = connect(practice)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.sendall(b"GET /cover.jpg HTTP/1.1\r\nHost: h\r\n\r\n" * 200)
        assert client.recv(1)
    assert threading.active_count() <= before
    client.close()


def test_the_log_has_a_line_for_every_request() -> None:
    lines: list[str] = []
    with PracticeServer(log=lines.append) as practice:
        exchange(practice, b"GET /romeo.txt?\x9b HTTP/1.0\r\n\r\n")
        exchange(practice, b"GET /a\x01b HTTP/1.0\r\n\r\n")

    asked, refused = (line.partition(" ")[2] for line in lines)
    assert asked == '"GET /romeo.txt?\\x9b" 200 167'
    assert refused.startswith('"not a request line: ')
