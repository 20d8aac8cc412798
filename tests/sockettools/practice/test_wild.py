"""The wild part as a client sees it: raw sockets where it is wild, http.client where it is not."""

from __future__ import annotations

import gzip
import hashlib
import http.client
import itertools
import json
import re
import socket
import threading
import time
import urllib.request
import zlib
from base64 import b64encode
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from sockettools.practice import PracticeServer, server
from sockettools.practice.http import LIMITS
from sockettools.practice.pages import ROMEO
from sockettools.practice.sections import ROUTES, WILD, find_route
from sockettools.practice.wild import charsets, chunks, codings
from sockettools.practice.wild.octets import octets
from tests.patience import SECONDS
from tests.patience import SILENCE as QUIET

if TYPE_CHECKING:
    from collections.abc import Iterator

END, RESET, SILENCE, MORE = "end", "reset", "silence", "more"


@pytest.fixture(scope="module")
def practice() -> Iterator[PracticeServer]:
    """One server for all: whatever one page does, the next one is served."""
    with PracticeServer() as running:
        yield running


def connect(practice: PracticeServer) -> socket.socket:
    host, port = practice.url.removeprefix("http://").rstrip("/").split(":")
    return socket.create_connection((host, int(port)), timeout=SECONDS)


def read(
    client: socket.socket, most: int = 300_000, patience: float = SECONDS
) -> tuple[bytes, str]:
    """Return what comes, and how that ends."""
    client.settimeout(patience)
    received = bytearray()
    while len(received) < most:
        try:
            data = client.recv(65_536)
        except TimeoutError:
            return bytes(received), SILENCE
        except ConnectionResetError:
            return bytes(received), RESET
        if not data:
            return bytes(received), END
        received += data
    return bytes(received), MORE


def ask(
    practice: PracticeServer, path: str, *, patience: float = SECONDS, most: int = 300_000
) -> tuple[bytes, bytes, str]:
    """Return head and body of an answer, octet by octet, and how it ends."""
    with connect(practice) as client:
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".encode())
        received, end = read(client, most, patience)
    head, _, body = received.partition(b"\r\n\r\n")
    return head, body, end


def get(
    practice: PracticeServer,
    path: str,
    headers: dict[str, str] | None = None,
    *,
    method: str = "GET",
    body: bytes | None = None,
) -> tuple[http.client.HTTPResponse, bytes]:
    with closing(http.client.HTTPConnection(practice.url[7:-1], timeout=SECONDS)) as connection:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return response, response.read()


def get_json(practice: PracticeServer, path: str, headers: dict[str, str] | None = None) -> Any:
    response, body = get(practice, path, headers)
    assert response.status == 200
    assert response.headers["Content-Type"] == "application/json"
    return json.loads(body)


# The table.


def test_every_page_does_something_and_the_server_goes_on(practice: PracticeServer) -> None:
    """Not one of them costs another client anything, not even all of them at once."""
    clients = []
    for path in {link for _, routes in WILD for route in routes for link in route.links}:
        client = connect(practice)
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
        clients.append(client)
    with urllib.request.urlopen(practice.url + "romeo.txt", timeout=SECONDS) as response:
        assert response.read().decode() == ROMEO
    for client in clients:
        with client:
            read(client, 100_000, 0.001)


def test_every_link_leads_to_its_route() -> None:
    assert len({route.pattern for route in ROUTES}) == len(ROUTES)
    for route in ROUTES:
        assert route.what
        for link in route.links:
            found = find_route(link.partition("?")[0])
            assert found is not None, link
            assert found[0] is route


@pytest.mark.parametrize(
    "path",
    [
        "/redirect/",
        "/redirect/x",
        "/redirect/-1",
        "/redirect/1/",
        "/redirect/%ff",
        "/basic-auth//x",
        "/status/%C2%B2",
        "//get",
    ],
)
def test_what_is_not_there(practice: PracticeServer, path: str) -> None:
    assert get(practice, path)[0].status == 404


@pytest.mark.parametrize(
    "path",
    [
        "/redirect/0",
        "/redirect/1001",
        "/redirect-to",
        "/redirect-to?url=/&status_code=200",
        "/status/99",
        "/status/1000",
        "/delay/61",
        "/delay/nan",
        "/delay/-1",
        "/drip?bytes=0",
        "/bytes/10000000001",
        "/bytes/99999999999999999999",
        "/bomb/4001",
        "/many-fields/1000001",
        "/charset/utf-9",
        "/charset/koi8-r/bom",
        "/charset/koi8-r/nowhere",
        "/anything?" + "a&" * 101,
    ],
)
def test_what_is_too_much(practice: PracticeServer, path: str) -> None:
    assert get(practice, path)[0].status == 400


def test_at_any_host(practice: PracticeServer) -> None:
    with connect(practice) as client:
        client.sendall(b"GET http://example.com/absolute-redirect/2?x HTTP/1.0\r\n\r\n")
        received, _ = read(client)

    assert b"\r\nLocation: http://example.com/absolute-redirect/1\r\n" in received


def test_a_percent_encoded_path(practice: PracticeServer) -> None:
    assert get_json(practice, "/%67et")["target"] == "/%67et"


# What was asked.


def test_anything_shows_all_of_a_request(practice: PracticeServer) -> None:
    with connect(practice) as client:
        client.sendall(
            b"PATCH /anything?b=2&a=%20 HTTP/1.1\r\nHost: h:1\r\nX-A: 1\r\nx-a: \xeb\r\n"
            b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
            b"3;x\r\nZo\xc3\r\n1\r\n\xab\r\n0\r\nT: x\r\n\r\n"
        )
        received, _ = read(client)

    assert json.loads(received.partition(b"\r\n\r\n")[2]) == {
        "method": "PATCH",
        "target": "/anything?b=2&a=%20",
        "url": "http://h:1/anything?b=2&a=%20",
        "parameters": [["b", "2"], ["a", " "]],
        "fields": [
            ["Host", "h:1"],
            ["X-A", "1"],
            ["x-a", "ë"],
            ["Transfer-Encoding", "chunked"],
            ["Connection", "close"],
        ],
        "length": 4,
        "body": "Zoë",
    }


def test_echoes(practice: PracticeServer) -> None:
    assert get_json(practice, "/get?a")["parameters"] == [["a", ""]]
    assert ["X", "y"] in get_json(practice, "/headers", {"X": "y"})["fields"]
    assert get_json(practice, "/user-agent", {"User-Agent": "me"}) == {"user-agent": "me"}
    assert get_json(practice, "/user-agent") == {"user-agent": None}
    for path, method in (("/post", "POST"), ("/put", "PUT")):
        response, body = get(practice, path, method=method, body=b"\xff")
        assert json.loads(body)["body_base64"] == "/w=="
        response, _ = get(practice, path)
        assert response.status == 405
        assert response.headers["Allow"] == method


def test_a_body_of_the_greatest_size_and_one_more(practice: PracticeServer) -> None:
    size = LIMITS.body or 0

    assert json.loads(get(practice, "/post", method="POST", body=bytes(size))[1])["length"] == size
    assert get(practice, "/post", method="POST", body=bytes(size + 1))[0].status == 413


def test_chunks_beyond_the_greatest_size(practice: PracticeServer) -> None:
    body = b"%x\r\n%b\r\n" % (LIMITS.body or 0, bytes(LIMITS.body or 0)) + b"1\r\nx\r\n0\r\n\r\n"
    with connect(practice) as client:
        client.sendall(
            b"POST /post HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + body
        )
        assert read(client)[0].startswith(b"HTTP/1.1 413 ")


def test_a_client_that_waits_for_leave_to_send(practice: PracticeServer) -> None:
    with connect(practice) as client:
        client.sendall(
            b"PUT /put HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
        )
        assert client.recv(1_000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"abc")
        assert b'"body": "abc"' in read(client, 300)[0]


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        pytest.param(b"POST / HTTP/1.1\r\nContent-Length: 9", 405, id="no such method"),
        pytest.param(b"PUT /put HTTP/1.1\r\nContent-Length: 2000000", 413, id="too large"),
    ],
)
def test_leave_is_not_given(practice: PracticeServer, request_: bytes, status: int) -> None:
    with connect(practice) as client:
        client.sendall(request_ + b"\r\nHost: h\r\nExpect: 100-continue\r\n\r\n")
        assert read(client)[0].startswith(b"HTTP/1.1 %d " % status)


@pytest.mark.parametrize(
    ("framing", "body", "status"),
    [
        pytest.param(b"Transfer-Encoding: chunked", b"x\r\n", 400, id="no chunk"),
        pytest.param(b"Transfer-Encoding: gzip", b"", 501, id="unknown coding"),
        pytest.param(b"Content-Length: 1, 2", b"ab", 400, id="two lengths"),
        pytest.param(b"Content-Length: 1\r\nTransfer-Encoding: chunked", b"", 400, id="both"),
    ],
)
def test_bodies_that_are_none(
    practice: PracticeServer, framing: bytes, body: bytes, status: int
) -> None:
    with connect(practice) as client:
        client.sendall(b"POST /post HTTP/1.1\r\nHost: h\r\n" + framing + b"\r\n\r\n" + body)
        assert read(client)[0].startswith(b"HTTP/1.1 %d " % status)


def test_half_a_body_gets_no_answer_and_a_slow_one_408(
    practice: PracticeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = b"POST /post HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab"
    with connect(practice) as client:
        client.sendall(head)
        client.shutdown(socket.SHUT_WR)
        assert read(client) == (b"", END)

    monkeypatch.setattr(server, "BODY_TIMEOUT", 0.1)
    with connect(practice) as client:
        client.sendall(head)
        assert read(client)[0].startswith(b"HTTP/1.1 408 ")


def test_a_body_is_read_before_the_next_request(practice: PracticeServer) -> None:
    with connect(practice) as client:
        client.sendall(
            b"POST /post HTTP/1.1\r\nHost: h\r\nContent-Length: 14\r\n\r\nGET /empty\r\n\r\n"
            b"HEAD /get HTTP/1.1\r\nHost: h\r\n\r\n"
            b"GET /headers HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
        )
        received, end = read(client)

    assert re.findall(rb"HTTP/1.1 (\d+)", received) == [b"200", b"200", b"200"]
    assert end == END


# Status codes.


def test_every_final_status_on_one_connection(practice: PracticeServer) -> None:
    with closing(http.client.HTTPConnection(practice.url[7:-1], timeout=SECONDS)) as connection:
        for code in (*range(200, 600), 999):
            connection.request("GET", f"/status/{code}")
            response = connection.getresponse()
            body = response.read()
            assert response.status == code
            assert response.reason
            assert not response.will_close
            assert bool(body) == (code not in {204, 205, 304})
            assert ("Content-Length" in response.headers) == (code not in {204, 304})
            assert ("Location" in response.headers) == (code in {301, 302, 303, 307, 308})
            assert ("WWW-Authenticate" in response.headers) == (code == 401)


def test_an_informational_status_is_followed_by_a_final_one(practice: PracticeServer) -> None:
    for code in range(100, 200):
        head, rest, _ = ask(practice, f"/status/{code}")
        assert head.startswith(b"HTTP/1.1 %d " % code)
        assert rest.startswith(b"HTTP/1.1 200 OK\r\n")


def test_http_1_0_knows_neither_informational_answers_nor_chunks(practice: PracticeServer) -> None:
    with connect(practice) as client:
        client.sendall(b"GET /early-hints HTTP/1.0\r\n\r\n")
        received, _ = read(client)

    assert received.startswith(b"HTTP/1.1 200 OK\r\n")
    with connect(practice) as client:
        client.sendall(b"GET /redirect/endless HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        received, end = read(client)
    head, _, body = received.partition(b"\r\n\r\n")
    assert b"Transfer-Encoding" not in head
    assert b"\r\nConnection: close" in head
    assert set(body) == {ord(".")}
    assert end == MORE


def test_answers_before_the_answer(practice: PracticeServer) -> None:
    assert b"".join(ask(practice, "/early-hints")[:2]).count(b"HTTP/1.1 103 Early Hints") == 3
    assert b"".join(ask(practice, "/early-hints?count=50")[:2]).count(b"HTTP/1.1 103") == 50
    _, received, end = ask(practice, "/endless-informational", most=500)
    assert end == MORE
    assert received.count(b"HTTP/1.1 102") > 5


def test_reasons(practice: PracticeServer) -> None:
    assert ask(practice, "/no-reason")[0].startswith(b"HTTP/1.1 200 \r\n")
    assert ask(practice, "/no-reason/blank")[0].startswith(b"HTTP/1.1 200\r\n")
    assert len(ask(practice, "/long-reason")[0].partition(b"\r\n")[0]) > 20_000


@pytest.mark.parametrize("status", [204, 304])
def test_a_body_where_none_belongs(practice: PracticeServer, status: int) -> None:
    head, body, _ = ask(practice, f"/body-of-{status}")

    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert len(body) == 29


def test_a_body_behind_the_answer_to_head(practice: PracticeServer) -> None:
    for path, size in (("/body-of-head", 29), ("/body-of-204", 0), ("/surplus", 0)):
        with connect(practice) as client:
            client.sendall(f"HEAD {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".encode())
            received, _ = read(client)
        assert len(received.partition(b"\r\n\r\n")[2]) == size


# Redirects.


@pytest.mark.parametrize("path", ["redirect/3", "absolute-redirect/3", "redirect-to?url=/get"])
def test_redirects_that_lead_to_get(practice: PracticeServer, path: str) -> None:
    with urllib.request.urlopen(practice.url + path) as response:
        assert response.url == practice.url + "get"
        assert json.load(response)["method"] == "GET"


def location(practice: PracticeServer, path: str) -> str | None:
    response, _ = get(practice, path)
    assert 300 <= response.status < 400
    return response.headers["Location"]


@pytest.mark.parametrize(
    ("path", "where"),
    [
        ("/redirect/2", "1"),
        ("/redirect/1", "../get"),
        ("/loop", "/loop"),
        ("/loop/3", "/loop/3?step=1"),
        ("/loop/3?step=2", "/loop/3?step=0"),
        ("/redirect/onward/7", "/redirect/onward/8"),
        ("/redirect/missing", None),
        ("/redirect/empty", ""),
        ("/redirect/invalid", "http://[::1/"),
        ("/redirect/no-host", "http:///get"),
        ("/redirect/port", "http://127.0.0.1:99999/"),
        ("/redirect/scheme", "gopher://127.0.0.1/"),
        ("/redirect/file", "file:///etc/passwd"),
        ("/redirect/script", "javascript:alert(1)"),
        ("/redirect/blank", "/get?a b"),
        ("/redirect/fragment", "/get#there"),
        ("/redirect/dots", "/../a/./../get"),
        ("/redirect/network", "//nosuch.invalid/"),
        ("/redirect-to?url=%0d%0aX:%20y%C3%AB", "%0D%0AX:%20y%C3%AB"),
    ],
)
def test_locations(practice: PracticeServer, path: str, where: str | None) -> None:
    assert location(practice, path) == where


def test_odd_redirects(practice: PracticeServer) -> None:
    assert "://user:password@127.0.0.1:" in (location(practice, "/redirect/userinfo") or "")
    assert b"\r\nLocation: /get?Zo\xc3\xab\r\n" in ask(practice, "/redirect/raw")[0] + b"\r\n"
    assert ask(practice, "/redirect/twice")[0].count(b"\r\nLocation: ") == 2
    assert ask(practice, "/redirect/endless")[2] == MORE
    assert get(practice, "/refresh")[0].headers["Refresh"] == "0; url=/get"
    for status in (301, 302, 303, 307, 308):
        path = f"/redirect-to?url=/anything&status_code={status}"
        response, _ = get(practice, path, method="POST", body=b"x")
        assert response.status == status


# Cookies and passwords.


def test_cookies(practice: PracticeServer) -> None:
    answer = get_json(practice, "/cookies", {"Cookie": "a=1; b=2=3"})
    assert answer == {"cookies": {"a": "1", "b": "2=3"}, "fields": ["a=1; b=2=3"]}
    assert get_json(practice, "/cookies") == {"cookies": {}, "fields": []}

    response, _ = get(practice, "/cookies/set?a=1&b=%3B%0d%0aX%20")
    assert response.headers["Location"] == "/cookies"
    assert response.headers.get_all("Set-Cookie") == ["a=1; Path=/", "b=%3B%0D%0AX%20; Path=/"]
    response, _ = get(practice, "/cookies/delete?a&b")
    deleted = response.headers.get_all("Set-Cookie") or []
    assert [cookie.partition(";")[0] for cookie in deleted] == ["a=", "b="]
    assert all("Max-Age=0; Expires=Thu, 01 Jan 1970" in cookie for cookie in deleted)


def test_cookies_of_every_kind(practice: PracticeServer) -> None:
    with_attributes = get(practice, "/cookies/attributes")[0].headers.get_all("Set-Cookie") or []
    for attribute in ("Path=/elsewhere", "Secure", "HttpOnly", "Expires=", "Domain=example.com"):
        assert any(f"; {attribute}" in cookie for cookie in with_attributes)
    assert b"\r\nSet-Cookie: utf8=Zo\xc3\xab" in ask(practice, "/cookies/odd")[0]
    assert ask(practice, "/cookies/many/300")[0].count(b"\r\nSet-Cookie: ") == 300


@pytest.mark.parametrize(("path", "status"), [("basic-auth", 401), ("hidden-basic-auth", 404)])
def test_a_page_behind_a_password(practice: PracticeServer, path: str, status: int) -> None:
    path = f"/{path}/Zo%C3%AB/pa%20ss"
    right = b64encode("Zoë:pa ss".encode()).decode()
    for value in ("", "Basic", "Basic !", f"Bearer {right}", f"Basic {right[:-4]}", "Basic ë"):
        response, _ = get(practice, path, {"Authorization": value})
        assert response.status == status
        assert ("WWW-Authenticate" in response.headers) == (status == 401)
    answer = get_json(practice, path, {"Authorization": f"basic {right}"})
    assert answer == {"authenticated": True, "user": "Zoë"}


# Slow answers.


def test_delay(practice: PracticeServer) -> None:
    start = time.monotonic()

    _, body = get(practice, "/delay/0.2")

    assert time.monotonic() - start >= 0.2
    assert body == b"after 0.2 seconds\n"


def test_drips(practice: PracticeServer) -> None:
    start = time.monotonic()
    response, body = get(practice, "/drip?bytes=20&seconds=0.2")
    assert time.monotonic() - start >= 0.2
    assert response.headers["Content-Length"] == "20"
    assert body == b"*" * 20

    response, body = get(practice, "/slow-head?seconds=0.2")
    assert time.monotonic() - start >= 0.4
    assert body == b"slow\n"


def test_stalls(practice: PracticeServer) -> None:
    head, body, end = ask(practice, "/stall/1000", patience=QUIET)
    assert b"\r\nContent-Length: 1001" in head
    assert (len(body), end) == (1000, SILENCE)
    assert ask(practice, "/silence", patience=0.1) == (b"", b"", SILENCE)
    assert ask(practice, "/silence/head", patience=0.1)[2] == SILENCE


def test_a_silent_page_ends_with_its_client(practice: PracticeServer) -> None:
    with connect(practice) as client:
        client.sendall(b"GET /stall/0 HTTP/1.1\r\nHost: h\r\n\r\n")
        assert client.recv(1_000)
        client.sendall(b"anything")
        client.shutdown(socket.SHUT_WR)
        assert read(client)[1] == END


# Sizes and ranges.


def test_the_bytes_are_the_same_everywhere(practice: PracticeServer) -> None:
    response, body = get(practice, "/bytes/200000")

    assert response.headers["Content-Length"] == "200000"
    assert hashlib.sha256(body).hexdigest() == (
        "8f21b788edf6af03674cb660e2c53712f273f3905ad7aba95a2496337ec27682"
    )
    assert body == b"".join(octets(0, 200_000))
    assert get(practice, "/bytes/0")[1] == b""


def test_a_body_larger_than_any_memory_begins_at_once(practice: PracticeServer) -> None:
    head, body, end = ask(practice, "/bytes/10000000000")

    assert b"\r\nContent-Length: 10000000000" in head
    assert end == MORE
    assert b"".join(octets(0, len(body))) == body


@pytest.mark.parametrize("path", ["/endless", "/endless-chunked", "/endless-chunked/crumbs"])
def test_bodies_without_end(practice: PracticeServer, path: str) -> None:
    head, _, end = ask(practice, path, most=3_000_000)

    assert b"Content-Length" not in head
    assert end == MORE


WHOLE = b"".join(octets(0, 1000))
DATE = "Sat, 02 Nov 2013 02:01:26 GMT"


@pytest.mark.parametrize(
    ("fields", "status", "place"),
    [
        pytest.param({}, 200, range(1000), id="none"),
        pytest.param({"Range": "bytes=0-0"}, 206, range(1), id="first"),
        pytest.param({"Range": "bytes=990-"}, 206, range(990, 1000), id="from"),
        pytest.param({"Range": "bytes=-10"}, 206, range(990, 1000), id="last"),
        pytest.param({"Range": "bytes=-9999"}, 206, range(1000), id="more than there are"),
        pytest.param({"Range": "bytes=10-9999"}, 206, range(10, 1000), id="beyond the end"),
        pytest.param({"Range": "bytes=1000-"}, 416, range(0), id="behind the end"),
        pytest.param({"Range": "bytes=-0"}, 416, range(0), id="the last none"),
        pytest.param({"Range": "bytes=3-1"}, 200, range(1000), id="backwards"),
        pytest.param({"Range": "bytes=-"}, 200, range(1000), id="empty"),
        pytest.param({"Range": "bytes=0-1,3-4"}, 200, range(1000), id="several"),
        pytest.param({"Range": "lines=1-2"}, 200, range(1000), id="unit"),
        pytest.param({"Range": "bytes=5-", "If-Range": '"1000"'}, 206, range(5, 1000), id="tag"),
        pytest.param({"Range": "bytes=5-", "If-Range": DATE}, 206, range(5, 1000), id="date"),
        pytest.param({"Range": "bytes=5-", "If-Range": '"1"'}, 200, range(1000), id="changed"),
        pytest.param({"If-None-Match": '"1000"'}, 304, range(0), id="not modified"),
        pytest.param({"If-None-Match": '"1"'}, 200, range(1000), id="modified"),
    ],
)
def test_ranges(
    practice: PracticeServer, fields: dict[str, str], status: int, place: range
) -> None:
    response, body = get(practice, "/range/1000", fields)

    assert response.status == status
    assert response.headers["Accept-Ranges"] == "bytes"
    assert response.headers["ETag"] == '"1000"'
    assert response.headers["Last-Modified"] == DATE
    assert body == WHOLE[place.start : place.stop]
    expected = {206: f"bytes {place.start}-{place.stop - 1}/1000", 416: "bytes */1000"}
    assert response.headers["Content-Range"] == expected.get(status)


def test_a_range_is_for_get_only(practice: PracticeServer) -> None:
    response, _ = get(practice, "/range/1000", {"Range": "bytes=1-"}, method="HEAD")

    assert response.status == 200
    assert response.headers["Content-Length"] == "1000"


def test_ranges_that_go_wrong(practice: PracticeServer) -> None:
    asked = {"Range": "bytes=500-"}

    response, body = get(practice, "/range/ignored/1000", asked)
    assert (response.status, body) == (200, WHOLE)
    response, body = get(practice, "/range/wrong/1000", asked)
    assert (response.status, response.headers["Content-Range"]) == (206, "bytes 250-989/1000")
    assert body == WHOLE[250:990]
    response, body = get(practice, "/range/unasked/1000")
    assert (response.status, response.headers["Content-Range"]) == (206, "bytes 0-499/1000")
    assert body == WHOLE[:500]
    response, body = get(practice, "/range/unnamed/1000", asked)
    assert (response.status, response.headers["Content-Range"]) == (206, None)
    assert body == WHOLE[500:]
    for number in range(20, 60):
        first = {"Range": f"bytes={number}-{number}"}
        response, body = get(practice, "/range/wrong/60", first)
        assert response.headers["Content-Range"] != f"bytes {number}-{number}/60"


def test_a_body_that_changes_cannot_be_resumed(practice: PracticeServer) -> None:
    response, first = get(practice, "/range/changing/1000")
    tag = response.headers["ETag"]

    response, second = get(
        practice, "/range/changing/1000", {"Range": "bytes=500-", "If-Range": tag}
    )

    assert response.status == 200
    assert response.headers["ETag"] != tag
    assert len(second) == 1000
    assert second != first


# Content codings.


@pytest.mark.parametrize(
    ("path", "coding", "decode"),
    [
        ("/gzip", "gzip", gzip.decompress),
        ("/gzip/x", "X-GZip", gzip.decompress),
        ("/gzip/members", "gzip", gzip.decompress),
        ("/gzip/twice", "gzip, gzip", lambda data: gzip.decompress(gzip.decompress(data))),
        ("/gzip/twice/secretly", "gzip", lambda data: gzip.decompress(gzip.decompress(data))),
        ("/deflate", "deflate", zlib.decompress),
        ("/deflate-raw", "deflate", lambda data: zlib.decompress(data, -15)),
        ("/encoding/unknown", "x-practice", bytes),
        ("/encoding/identity", "identity", bytes),
        ("/encoding/lie", "gzip", bytes),
        ("/encoding/silent", None, gzip.decompress),
        ("/encoding/file", None, gzip.decompress),
        ("/gzip/no-end", "gzip", lambda data: zlib.decompressobj(31).decompress(data)),
        ("/gzip/trailing", "gzip", lambda data: zlib.decompressobj(31).decompress(data)),
    ],
)
def test_codings(practice: PracticeServer, path: str, coding: str | None, decode: Any) -> None:
    response, body = get(practice, path)

    assert response.headers["Content-Encoding"] == coding
    assert decode(body) == codings.TEXT


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/gzip/truncated", EOFError),
        ("/gzip/no-end", EOFError),
        ("/gzip/corrupt", zlib.error),
        ("/gzip/checksum", gzip.BadGzipFile),
        ("/gzip/trailing", gzip.BadGzipFile),
        ("/encoding/lie", gzip.BadGzipFile),
    ],
)
def test_codings_that_go_wrong(practice: PracticeServer, path: str, error: type[Exception]) -> None:
    _, body = get(practice, path)

    with pytest.raises(error):
        gzip.decompress(body)


def test_gzip_of_nothing(practice: PracticeServer) -> None:
    response, body = get(practice, "/gzip/empty")

    assert (response.headers["Content-Encoding"], body) == ("gzip", b"")


@pytest.mark.parametrize("megabytes", [0, 1, 10])
def test_the_bomb_is_right_gzip(practice: PracticeServer, megabytes: int) -> None:
    response, body = get(practice, f"/bomb/{megabytes}")

    assert response.headers["Content-Encoding"] == "gzip"
    assert len(body) < 2_000 * (megabytes + 1)
    assert gzip.decompress(body) == bytes(megabytes * 1_000_000)


# Charsets.


@pytest.mark.parametrize("name", charsets.SAMPLES)
def test_charsets(practice: PracticeServer, name: str) -> None:
    codec = {"windows-874": "cp874", "macintosh": "mac_roman"}.get(name, name)

    response, body = get(practice, f"/charset/{name}")

    assert response.headers["Content-Type"] == f"text/html; charset={name}"
    text = body.decode(codec)
    match = re.search(r'<p id="text">(.*)</p>\n<p id="escaped">(.*)</p>', text)
    assert match is not None
    assert match[1] == match[2].encode("ascii").decode("unicode_escape")
    assert match[1] == charsets.SAMPLES[name]


@pytest.mark.parametrize(
    ("where", "header", "meta"),
    [
        ("header", "koi8-r", None),
        ("meta", None, "koi8-r"),
        ("none", None, None),
        ("wrong", "utf-8", None),
        ("conflict", "koi8-r", "utf-8"),
    ],
)
def test_where_a_charset_is_told(
    practice: PracticeServer, where: str, header: str | None, meta: str | None
) -> None:
    response, body = get(practice, f"/charset/KOI8-R/{where}")

    assert response.headers.get_content_charset() == header
    told = re.search(rb'<meta charset="(.*)">', body)
    assert (told[1].decode() if told else None) == meta
    assert charsets.SAMPLES["koi8-r"].encode("koi8-r") in body


@pytest.mark.parametrize(
    ("path", "mark"),
    [
        ("/charset/utf-8/bom", "efbbbf"),
        ("/charset/utf-8/header", ""),
        ("/charset/utf-16", "fffe"),
        ("/charset/utf-16/none", ""),
        ("/charset/utf-16/bom", "fffe"),
        ("/charset/utf-16le/bom", "fffe"),
        ("/charset/utf-16be/bom", "feff"),
        ("/charset/utf-16be/header", ""),
        ("/charset/utf-32/bom", "fffe0000"),
        ("/charset/gb18030/bom", "84319533"),
    ],
)
def test_byte_order_marks(practice: PracticeServer, path: str, mark: str) -> None:
    response, body = get(practice, path)

    start = body[: body.index(b"<")].replace(b"\0", b"") if not mark else body[: len(mark) // 2]
    assert start == bytes.fromhex(mark)
    if path.endswith("/bom"):
        assert response.headers["Content-Type"] == "text/html"


# Chunks.


def test_chunks_as_unusual_as_allowed(practice: PracticeServer) -> None:
    _, body = get(practice, "/chunked")
    assert body == chunks.TEXT
    _, wire, _ = ask(practice, "/chunked")
    assert b"\r\nX-Sum: 4950\r\n" in wire
    assert b';name="a;b"\r\n' in wire
    assert get(practice, "/chunked/empty")[1] == b""


@pytest.mark.parametrize(
    ("path", "wire"),
    [
        ("/chunked/bad-size", b"4\r\nfour\r\nnine\r\nnine\r\n0\r\n\r\n"),
        ("/chunked/negative", b"-4\r\nfour\r\n0\r\n\r\n"),
        ("/chunked/prefix", b"0x4\r\nfour\r\n0\r\n\r\n"),
        ("/chunked/huge-size", b"ffffffffffffffffffff\r\nfour\r\n0\r\n\r\n"),
        ("/chunked/no-crlf", b"4\r\nfour4\r\nfour0\r\n\r\n"),
        ("/chunked/too-long", b"4\r\nfourteen\r\n0\r\n\r\n"),
        ("/chunked/bare-lf", b"4\nfour\n0\n\n"),
        ("/chunked/truncated", b"4\r\nfour\r\n8\r\nfour"),
        ("/chunked/no-last", b"4\r\nfour\r\n"),
        ("/chunked/no-trailers", b"4\r\nfour\r\n0\r\n"),
        ("/chunked/bad-trailer", b"4\r\nfour\r\n0\r\nno field\r\n\r\n"),
    ],
)
def test_chunks_that_go_wrong(practice: PracticeServer, path: str, wire: bytes) -> None:
    head, body, end = ask(practice, path)

    assert b"\r\nTransfer-Encoding: chunked" in head
    assert (body, end) == (wire, END)


@pytest.mark.parametrize("path", ["/chunked/endless-extension", "/chunked/endless-trailers"])
def test_chunks_without_end(practice: PracticeServer, path: str) -> None:
    for _ in range(2):
        _, body, end = ask(practice, path)
        assert body.startswith(b"4")
        assert end == MORE


# Lengths.


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/truncated", ["1000"]),
        ("/length/none", []),
        ("/length/repeated", ["10", "10"]),
        ("/length/list", ["10, 10"]),
        ("/length/conflict", ["10", "5"]),
        ("/length/negative", ["-10"]),
        ("/length/plus", ["+10"]),
        ("/length/words", ["ten"]),
        ("/length/empty", [""]),
        ("/length/overflow", ["18446744073709551626"]),
        ("/length/enormous", ["9223372036854775807"]),
        ("/both-lengths", ["5"]),
        ("/transfer-encoding/unknown", []),
        ("/transfer-encoding/identity", ["10"]),
    ],
)
def test_lengths(practice: PracticeServer, path: str, said: list[str]) -> None:
    head, body, end = ask(practice, path)

    assert re.findall(r"Content-Length: ?(.*)", head.decode().replace("\r", "")) == said
    assert b"0123456789" in body
    assert end == END
    assert (b"\r\nTransfer-Encoding: " in head) == ("transfer" in path or "both" in path)


def test_resets(practice: PracticeServer) -> None:
    head, body, end = ask(practice, "/reset")
    assert b"\r\nContent-Length: 1000" in head
    assert (body, end) == (b"0123456789", RESET)
    assert ask(practice, "/reset-head") == (b"", b"", RESET)


# Connections that are kept.


def keep(
    practice: PracticeServer, path: str, patience: float = SECONDS
) -> tuple[bytes, str, bytes, str]:
    """Ask twice on one connection; return both answers and how they end."""
    with connect(practice) as client:
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
        first, first_end = read(client, patience=patience)
        try:
            client.sendall(b"GET /romeo.txt HTTP/1.1\r\nHost: h\r\n\r\n")
            second, second_end = read(client, patience=patience)
        except OSError:
            second, second_end = b"", RESET
    return first, first_end, second, second_end


def test_connections_that_are_not_kept(practice: PracticeServer) -> None:
    for path, end in (("/keep-alive/lie", END), ("/keep-alive/reset", RESET)):
        first, first_end, second, _ = keep(practice, path)
        assert b"\r\nConnection: keep-alive\r\n" in first
        assert (first_end, second) == (end, b"")
    first, first_end, second, second_end = keep(practice, "/keep-alive/desert", QUIET)
    assert first.endswith(b"kept\n")
    assert (first_end, second, second_end) == (SILENCE, b"", END)
    first, _, second, _ = keep(practice, "/keep-alive/timeout")
    assert b"kept\nHTTP/1.1 408 " in first
    assert second == b""


def test_more_than_was_asked_for(practice: PracticeServer) -> None:
    first, _, second, _ = keep(practice, "/surplus", QUIET)
    assert first.endswith(b"\r\n\r\nfive\nand more than the length says\n")
    assert second.startswith(b"HTTP/1.1 200 OK\r\n"), "the connection is kept"
    first, _, second, _ = keep(practice, "/surplus/answer", QUIET)
    assert first.count(b"HTTP/1.1 200 OK\r\n") == 2
    assert second.endswith(ROMEO.encode())


def test_raw_answers_to_pipelined_requests(practice: PracticeServer) -> None:
    with connect(practice) as client:
        client.sendall(
            b"GET /bare-lf HTTP/1.1\r\nHost: h\r\n\r\nGET /no-reason/blank HTTP/1.1\r\nHost: h\r\n"
            b"\r\nGET /romeo.txt HTTP/1.1\r\nHost: h\r\n\r\n"
        )
        client.shutdown(socket.SHUT_WR)
        received, end = read(client)

    assert received.startswith(b"HTTP/1.1 200 OK\nContent-Length: 5\n\nbody\nHTTP/1.1 200\r\n")
    assert received.endswith(ROMEO.encode())
    assert end == END


# Broken answers.


@pytest.mark.parametrize(
    ("path", "wire", "end"),
    [
        ("/empty", b"", END),
        ("/half-head", b"HTTP/1.1 200 OK\r\nContent-Le", END),
        ("/no-head", b"<p>HTTP/0.9\n", END),
        ("/garbage", b"\x00\xff\x15\x03garbage\r\n\r\n", END),
        ("/ssh", b"SSH-2.0-OpenSSH_9.6\r\n", SILENCE),
        ("/version/2", b"HTTP/2.0 200 OK\r\nContent-Length: 5\r\n\r\nbody\n", END),
        ("/version/1.0", b"HTTP/1.0 200 OK\r\n\r\nold\n", END),
        ("/version/none", b"HTTP 200 OK\r\nContent-Length: 5\r\n\r\nbody\n", END),
        ("/version/icy", b"ICY 200 OK\r\nContent-Length: 5\r\n\r\nbody\n", END),
        ("/code/words", b"HTTP/1.1 OK\r\nContent-Length: 5\r\n\r\nbody\n", END),
        ("/code/long", b"HTTP/1.1 2000 OK\r\nContent-Length: 5\r\n\r\nbody\n", END),
        ("/bare-lf", b"HTTP/1.1 200 OK\nContent-Length: 5\n\nbody\n", END),
        ("/fold-first", b"HTTP/1.1 200 OK\r\n X: y\r\n\r\n", END),
    ],
)
def test_broken_answers(practice: PracticeServer, path: str, wire: bytes, end: str) -> None:
    patience = QUIET if end == SILENCE else SECONDS
    head, body, actual_end = ask(practice, path, patience=patience)

    assert (head + b"\r\n\r\n" * (b"\r\n\r\n" in wire) + body, actual_end) == (wire, end)


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("/bare-cr", b"X-One: 1\rX-Two: 2"),
        ("/obs-fold", b"X-Folded: one\r\n two\r\n\tthree"),
        ("/field/no-colon", b"no colon"),
        ("/field/no-name", b": value"),
        ("/field/blank", b"X-Blank : value"),
        ("/field/name", b"X(Y): value"),
        ("/field/latin", b"X-Latin: Zo\xeb"),
        ("/nul", b"X-Nul: a\0b"),
        ("/long-field", b"X-Long: " + b"x" * 100_000),
    ],
)
def test_broken_fields(practice: PracticeServer, path: str, line: bytes) -> None:
    head, body, end = ask(practice, path)

    assert head == b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n" + line
    assert (body, end) == (b"body\n", END)


@pytest.mark.parametrize("path", ["/endless-head", "/endless-line", "/endless-status"])
def test_heads_without_end(practice: PracticeServer, path: str) -> None:
    for _ in range(2):
        head, body, end = ask(practice, path)
        assert head.startswith(b"HTTP/1.1 200 ")
        assert (body, end) == (b"", MORE)


def test_many_fields(practice: PracticeServer) -> None:
    head, body, _ = ask(practice, "/many-fields/100000", most=10_000_000)
    assert head.count(b"\r\nX-") == 100_000
    assert body == b"body\n"
    assert ask(practice, "/many-fields/0")[1] == b"body\n"


def test_nobody_else_understands_it(practice: PracticeServer) -> None:
    """The standard library's client, as one that has to cope."""
    for path in ("empty", "garbage", "version/none", "reset-head", "truncated"):
        with (
            pytest.raises((http.client.HTTPException, OSError)),
            urllib.request.urlopen(practice.url + path, timeout=SECONDS) as response,
        ):
            response.read()


# The server.


def test_a_fixed_answer_can_be_had_again() -> None:
    """What stands in the table is a value: an iterator would be used up by the first client."""
    for route in ROUTES:
        if callable(route.page):
            continue
        for part in (getattr(route.page, "head", b""), route.page.body):
            assert iter(part) is not part, route.pattern


@pytest.mark.parametrize(
    "path",
    ["/endless", "/endless-chunked", "/endless-head", "/endless-informational", "/bytes/9999999999",
     "/stall/0", "/silence", "/delay/60", "/drip?bytes=2&seconds=60", "/redirect/endless"],
)  # fmt: skip
def test_stopping_does_not_wait(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "GRACE", SECONDS)
    before = threading.active_count()
    with PracticeServer() as practice:
        client = connect(practice)
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
        reader = threading.Thread(target=drain, args=(client,))
        reader.start()
        time.sleep(0.05)
        start = time.monotonic()
    assert time.monotonic() - start < SECONDS / 2
    reader.join(SECONDS)
    client.close()
    assert threading.active_count() <= before


def drain(client: socket.socket) -> None:
    try:
        while client.recv(1_000_000):
            pass
    except OSError:
        pass


def test_a_client_that_does_not_read_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "SEND_TIMEOUT", 0.2)
    lines: list[str] = []
    with PracticeServer(log=lines.append) as practice, connect(practice) as client:
        client.sendall(b"GET /endless HTTP/1.1\r\nHost: h\r\n\r\n")
        wait_for(lambda: bool(lines))
    assert re.fullmatch(r'127\.0\.0\.1:\d+ "GET /endless" - [1-9]\d+', lines[0])


def test_the_longest_answer_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "ANSWER_TIMEOUT", 0.2)
    with PracticeServer() as practice:
        for path in ("/endless", "/bytes/9999999999", "/endless-informational"):
            assert ask(practice, path, most=10**12)[2] == RESET
        assert ask(practice, "/silence")[2] == END


def test_endless_pages_end_with_their_clients() -> None:
    before = threading.active_count()
    with PracticeServer() as practice:
        for path in ("/endless", "/endless-head", "/endless-informational", "/stall/5"):
            with connect(practice) as client:
                client.sendall(f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
                assert client.recv(10)
        wait_for(lambda: threading.active_count() <= before + 1)


def wait_for(condition: Any) -> None:
    for _ in itertools.repeat(None, 500):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError


def test_the_log_tells_what_was_sent() -> None:
    lines: list[str] = []
    with PracticeServer(log=lines.append) as practice:
        ask(practice, "/garbage")
        ask(practice, "/truncated")
        ask(practice, "/drip?bytes=5&seconds=0")
        get(practice, "/get", method="HEAD")
    assert [line.partition(" ")[2] for line in lines] == [
        '"GET /garbage" - 0',
        '"GET /truncated" - 10',
        '"GET /drip?bytes=5&seconds=0" 200 5',
        '"HEAD /get" 200 0',
    ]
