"""The archive, checked against what HAR 1.2 says of each object."""

from __future__ import annotations

import base64
import gzip
import importlib
import json
import re
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockettools import http1
from sockettools.browser.decoding import ACCEPT_ENCODING
from sockettools.browser.exchange import Exchange, Timings
from sockettools.browser.har import HIDDEN, MAX_CONTENT, har
from sockettools.url import parse_http_url

# 2026-01-02 03:04:05.678 UTC
STARTED = 1767323045.678

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"

# What the specification says of each object: the type of a member, and whether it has to be there.
NUMBER = (int, float)
COOKIE = {
    "name": (str, True),
    "value": (str, True),
    "path": (str, False),
    "domain": (str, False),
    "expires": (str, False),
    "httpOnly": (bool, False),
    "secure": (bool, False),
}
PAIR = {"name": (str, True), "value": (str, True)}
OBJECTS: dict[str, dict[str, tuple[Any, bool]]] = {
    "log": {
        "version": (str, True),
        "creator": (dict, True),
        "pages": (list, False),
        "entries": (list, True),
        "comment": (str, False),
    },
    "creator": {"name": (str, True), "version": (str, True)},
    "entries": {
        "startedDateTime": (str, True),
        "time": (NUMBER, True),
        "request": (dict, True),
        "response": (dict, True),
        "cache": (dict, True),
        "timings": (dict, True),
        "serverIPAddress": (str, False),
        "connection": (str, False),
    },
    "request": {
        "method": (str, True),
        "url": (str, True),
        "httpVersion": (str, True),
        "cookies": (list, True),
        "headers": (list, True),
        "queryString": (list, True),
        "postData": (dict, False),
        "headersSize": (int, True),
        "bodySize": (int, True),
    },
    "postData": {"mimeType": (str, True), "text": (str, False), "comment": (str, False)},
    "response": {
        "status": (int, True),
        "statusText": (str, True),
        "httpVersion": (str, True),
        "cookies": (list, True),
        "headers": (list, True),
        "content": (dict, True),
        "redirectURL": (str, True),
        "headersSize": (int, True),
        "bodySize": (int, True),
    },
    "content": {
        "size": (int, True),
        "compression": (int, False),
        "mimeType": (str, True),
        "text": (str, False),
        "encoding": (str, False),
    },
    "cache": {},
    "timings": {
        "blocked": (NUMBER, False),
        "dns": (NUMBER, False),
        "connect": (NUMBER, False),
        "ssl": (NUMBER, False),
        "send": (NUMBER, True),
        "wait": (NUMBER, True),
        "receive": (NUMBER, True),
    },
    "cookies": COOKIE,
    "headers": PAIR,
    "queryString": PAIR,
}


def check(name: str, value: dict[str, Any]) -> None:
    """Check an object and those in it."""
    members = OBJECTS[name]
    for member, (_, required) in members.items():
        assert member in value or not required, (name, member)
    for member, inner in value.items():
        if member.startswith("_"):  # "must start with an underscore"
            continue
        assert isinstance(inner, members[member][0]), (name, member, inner)
        for item in inner if isinstance(inner, list) else [inner]:
            if isinstance(item, dict):
                check(member, item)


def check_entry(entry: dict[str, Any]) -> None:
    date = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}\+00:00"
    assert re.fullmatch(date, entry["startedDateTime"])
    timings = entry["timings"]
    assert min(timings["send"], timings["wait"], timings["receive"]) >= 0
    assert all(value == -1 or value >= 0 for value in timings.values())
    assert timings["connect"] >= timings["ssl"]
    names = ("blocked", "dns", "connect", "send", "wait", "receive")
    total = sum(timings[name] for name in names if timings[name] != -1)
    assert entry["time"] == pytest.approx(total)


def archive(*exchanges: Exchange) -> dict[str, Any]:
    """Return the log, as it comes out of a file."""
    made: dict[str, Any] = json.loads(json.dumps(har(exchanges)))
    assert list(made) == ["log"]
    check("log", made["log"])
    for entry in made["log"]["entries"]:
        check_entry(entry)
    log: dict[str, Any] = made["log"]
    return log


def entry_of(exchange: Exchange) -> dict[str, Any]:
    entry: dict[str, Any] = archive(exchange)["entries"][0]
    return entry


def content_of(exchange: Exchange) -> dict[str, Any]:
    content: dict[str, Any] = entry_of(exchange)["response"]["content"]
    return content


def exchange_of(
    url: str = "http://h/",
    *,
    method: bytes = b"GET",
    fields: list[tuple[bytes, bytes]] | None = None,
    request_body: bytes | None = None,
    answer: list[tuple[bytes, bytes]] | None = None,
    status_code: int = 200,
    body: bytes = b"",
) -> Exchange:
    parsed = parse_http_url(url)
    target = parsed.target.encode()
    head = http1.Request(method, target, http1.Fields(fields or [(b"Host", b"h")]))
    return Exchange(
        url=parsed,
        request=head,
        request_body=request_body,
        started=STARTED,
        response=http1.Response(status_code, http1.Fields(answer or []), b"OK"),
        body_size=len(body),
        content=bytearray(body),
    )


def test_an_exchange() -> None:
    exchange = exchange_of(
        "https://h:8443/a%20b?q=x+y&q=%C3%A9&empty=&bare#fragment",
        answer=[(b"Content-Type", b"text/html; charset=utf-8"), (b"Via", b"1"), (b"Via", b"2")],
        body="<p>naïve".encode(),
    )
    exchange.timings = Timings(0.001, 0.002, 0.003, 0.004, 0.005, 0.0060004)
    exchange.peer, exchange.connection = "192.0.2.1:8443", 7
    log = archive(exchange)
    entry = log["entries"][0]

    assert log["version"] == "1.2"
    assert log["creator"]["name"] == "sockettools"
    assert log["pages"] == []
    assert entry["startedDateTime"] == "2026-01-02T03:04:05.678+00:00"
    assert entry["serverIPAddress"] == "192.0.2.1"
    assert entry["connection"] == "7"
    assert entry["cache"] == {}
    assert entry["time"] == 21.0
    assert entry["timings"] == {
        "blocked": -1,
        "dns": 1.0,
        "connect": 5.0,
        "ssl": 3.0,
        "send": 4.0,
        "wait": 5.0,
        "receive": 6.0,
    }
    line = b"GET /a%20b?q=x+y&q=%C3%A9&empty=&bare HTTP/1.1\r\n"
    assert entry["request"] == {
        "method": "GET",
        "url": "https://h:8443/a%20b?q=x+y&q=%C3%A9&empty=&bare",
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": [{"name": "Host", "value": "h"}],
        "queryString": [
            {"name": "q", "value": "x y"},
            {"name": "q", "value": "é"},
            {"name": "empty", "value": ""},
            {"name": "bare", "value": ""},
        ],
        "headersSize": len(line + b"Host: h\r\n\r\n"),
        "bodySize": 0,
    }
    assert entry["response"] == {
        "status": 200,
        "statusText": "OK",
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": [
            {"name": "Content-Type", "value": "text/html; charset=utf-8"},
            {"name": "Via", "value": "1"},
            {"name": "Via", "value": "2"},
        ],
        "content": {"size": 9, "mimeType": "text/html; charset=utf-8", "text": "<p>naïve"},
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": 9,
    }


def test_nothing_is_an_archive_too() -> None:
    assert archive()["entries"] == []


def test_the_oldest_comes_first() -> None:
    exchanges = [exchange_of(f"http://h/{number}") for number in range(3)]
    exchanges[0].started += 1
    urls = [entry["request"]["url"] for entry in archive(*exchanges)["entries"]]
    assert urls == ["http://h/1", "http://h/2", "http://h/0"]


def test_a_connection_in_use_takes_no_time() -> None:
    exchange = exchange_of()
    exchange.timings = Timings(send=0.001, wait=0.002, receive=0.003)
    timings = entry_of(exchange)["timings"]
    assert (timings["dns"], timings["connect"], timings["ssl"]) == (-1, -1, -1)


def test_an_exchange_that_failed() -> None:
    exchange = exchange_of()
    exchange.response = None
    exchange.timings = Timings(resolve=0.1)
    exchange.error = "http://h/ redirects to 'ftp://me:secret@h/'"
    entry = entry_of(exchange)

    assert entry["time"] == 100.0
    assert entry["response"]["status"] == 0
    assert entry["response"]["_error"] == f"http://h/ redirects to 'ftp://{HIDDEN}@h/'"
    assert "serverIPAddress" not in entry
    assert "connection" not in entry


def test_an_exchange_that_was_interrupted() -> None:
    exchange = exchange_of()
    exchange.response = None
    assert entry_of(exchange)["response"]["_error"] == "there was no answer"


def test_an_answer_that_broke_off() -> None:
    exchange = exchange_of(body=b"half a mess")
    exchange.error = "the connection ended"
    response = entry_of(exchange)["response"]
    assert (response["status"], response["_error"]) == (200, "the connection ended")
    assert response["content"]["text"] == "half a mess"


def test_an_answer_without_a_head() -> None:
    exchange = exchange_of(body=b"hello")
    exchange.response = http1.Response(200, http1.Fields(), b"", b"0.9")
    assert entry_of(exchange)["response"]["httpVersion"] == "HTTP/0.9"


@pytest.mark.parametrize(
    ("status_code", "location", "url"),
    [
        pytest.param(302, b"../b", "../b", id="as it is written"),
        pytest.param(302, "/é".encode(), "/é", id="not ASCII"),
        pytest.param(302, b"//me:secret@h/", f"//{HIDDEN}@h/", id="with a password"),
        pytest.param(302, b"http:\\\\me:p@ss@h/", f"http:\\\\{HIDDEN}@h/", id="backslashes"),
        pytest.param(302, b"/a@b", "/a@b", id="an at sign"),
        pytest.param(201, b"/b", "", id="no redirect"),
    ],
)
def test_where_it_redirects_to(status_code: int, location: bytes, url: str) -> None:
    exchange = exchange_of(status_code=status_code, answer=[(b"Location", location)])
    assert entry_of(exchange)["response"]["redirectURL"] == url


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        pytest.param("127.0.0.1", "127.0.0.1", id="IPv4"),
        pytest.param("::1", "::1", id="IPv6"),
        pytest.param("[::1]:80", "::1", id="IPv6 and port"),
        pytest.param("fe80::1%eth0", "fe80::1", id="scope"),
        pytest.param("localhost:80", None, id="name"),
        pytest.param("unix:/sock", None, id="no address"),
    ],
)
def test_addresses(peer: str, address: str | None) -> None:
    exchange = exchange_of()
    exchange.peer = peer
    assert entry_of(exchange).get("serverIPAddress") == address


# Bodies.


@pytest.mark.parametrize(
    ("content_type", "body", "text"),
    [
        pytest.param(b"text/plain; charset=latin-1", b"na\xefve", "naïve", id="Latin-1"),
        pytest.param(b"application/json", b'{"a": 1}', '{"a": 1}', id="JSON"),
        pytest.param(b"", b"hello", "hello", id="text by its looks"),
        pytest.param(b"text/plain", b"\xff\xfe\x00\xd8", "\N{REPLACEMENT CHARACTER}", id="half"),
    ],
)
def test_text(content_type: bytes, body: bytes, text: str) -> None:
    content = content_of(exchange_of(answer=[(b"Content-Type", content_type)], body=body))
    assert (content["text"], content["size"]) == (text, len(body))
    assert "encoding" not in content
    assert "compression" not in content


@pytest.mark.parametrize("answer", [[], [(b"Content-Type", b"image/png")]])
def test_what_is_no_text(answer: list[tuple[bytes, bytes]]) -> None:
    content = content_of(exchange_of(answer=answer, body=PNG))
    assert content["encoding"] == "base64"
    assert base64.b64decode(content["text"]) == PNG


@pytest.mark.parametrize("coding", ACCEPT_ENCODING.split(", "))
def test_a_coded_body(coding: str) -> None:
    page = b"<p>" * 1000
    if coding == "zstd":
        body = importlib.import_module("compression.zstd").compress(page)
    else:
        body = gzip.compress(page) if coding == "gzip" else zlib.compress(page)
    answer = [(b"Content-Type", b"text/html"), (b"Content-Encoding", coding.encode())]
    entry = entry_of(exchange_of(answer=answer, body=body))
    content = entry["response"]["content"]

    assert entry["response"]["bodySize"] == len(body)
    assert content["text"] == page.decode()
    assert content["size"] == len(page)
    assert content["compression"] == len(page) - len(body)


GZIPPED = gzip.compress(b"hello")


@pytest.mark.parametrize(
    ("coding", "body", "status_code"),
    [
        pytest.param(b"gzip", GZIPPED[:-1], 200, id="cut"),
        pytest.param(b"gzip", b"hello", 200, id="not what it says"),
        pytest.param(b"br", b"\x0b\x02\x80hello\x03", 200, id="unknown coding"),
        pytest.param(b"gzip, " * 9, GZIPPED, 200, id="many codings"),
        pytest.param(b"gzip", GZIPPED, 206, id="part"),
        pytest.param(b"gzip", gzip.compress(bytes(MAX_CONTENT + 1)), 200, id="bomb"),
        pytest.param(b"", bytes(MAX_CONTENT + 1), 200, id="long"),
    ],
)
def test_a_body_that_is_left_out(coding: bytes, body: bytes, status_code: int) -> None:
    answer = [(b"Content-Encoding", coding)] if coding else []
    content = content_of(exchange_of(answer=answer, body=body, status_code=status_code))
    assert content == {"size": len(body), "mimeType": ""}


def test_a_body_that_was_not_kept_to_its_end() -> None:
    exchange = exchange_of(body=b"hello")
    exchange.body_size = 100
    assert content_of(exchange) == {"size": 100, "mimeType": ""}
    exchange.content_size = 300
    assert content_of(exchange) == {"size": 300, "mimeType": "", "compression": 200}


def test_an_empty_body_of_a_coding() -> None:
    exchange = exchange_of(method=b"HEAD", answer=[(b"Content-Encoding", b"gzip")])
    assert content_of(exchange) == {"size": 0, "mimeType": ""}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(b"a=1&b=%20", {"text": "a=1&b=%20"}, id="form"),
        pytest.param("é".encode(), {"text": "é"}, id="UTF-8"),
        pytest.param(
            PNG, {"text": base64.b64encode(PNG).decode(), "_encoding": "base64"}, id="PNG"
        ),
        pytest.param(
            bytes(MAX_CONTENT + 1), {"comment": f"{MAX_CONTENT + 1} octets are left out"}, id="long"
        ),
    ],
)
def test_what_is_posted(body: bytes, expected: dict[str, str]) -> None:
    fields = [(b"Host", b"h"), (b"content-type", b"application/x")]
    request = entry_of(exchange_of(method=b"POST", fields=fields, request_body=body))["request"]
    assert request["postData"] == {"mimeType": "application/x", **expected}
    assert request["bodySize"] == len(body)


def test_a_post_without_a_body() -> None:
    assert "postData" not in entry_of(exchange_of(method=b"POST", request_body=b""))["request"]


# Cookies, and other secrets.


def test_cookies() -> None:
    exchange = exchange_of(
        "http://www.example.com/a/b",
        fields=[(b"Host", b"h"), (b"Cookie", b"a=secret1; secret2"), (b"cookie", b"b=x=secret3")],
        answer=[
            (b"Set-Cookie", b"c=secret4"),
            (
                b"set-cookie",
                b"d=secret5; Domain=example.com; Path=/; Max-Age=60; Secure; HttpOnly",
            ),
            (b"Set-Cookie", b"e=secret6; Expires=Thu, 01 Jan 1970 00:00:01 GMT"),
            (b"Set-Cookie", b"f=secret7; Domain=elsewhere.example"),
        ],
    )
    entry = entry_of(exchange)

    assert "secret" not in json.dumps(entry)
    assert entry["request"]["cookies"] == [
        {"name": name, "value": HIDDEN} for name in ("a", "", "b")
    ]
    own = {"value": HIDDEN, "httpOnly": False, "secure": False, "path": "/a"}
    assert entry["response"]["cookies"] == [
        {**own, "name": "c", "domain": "www.example.com"},
        {
            "name": "d",
            "value": HIDDEN,
            "path": "/",
            "domain": "example.com",
            "httpOnly": True,
            "secure": True,
            "expires": "2026-01-02T03:05:05.678+00:00",
        },
        {
            **own,
            "name": "e",
            "domain": "www.example.com",
            "expires": "1970-01-01T00:00:01.000+00:00",
        },
    ]
    assert [field["value"] for field in entry["response"]["headers"]] == [HIDDEN] * 4


def test_secrets_are_hidden() -> None:
    exchange = exchange_of(
        "http://me:secret@h/",
        fields=[
            (b"Host", b"h"),
            (b"AUTHORIZATION", b"Basic secret"),
            (b"Proxy-Authorization", b"Basic secret"),
            (b"Api-Key", b"secret"),
            (b"X-API-Key", b"secret"),
            (b"X-Auth-Token", b"secret"),
            (b"Referer", b"http://me:secret@elsewhere/#:@"),
        ],
        answer=[
            (b"Location", b"https://me:sec\trectsecret@h/"),
            (b"Set-Cookie2", b"a=secret"),
            (b"Link", b"<http://h/>; rel=next, <http://me:secret@h/a@b>; rel=prev, me@h"),
        ],
        status_code=302,
    )
    log = archive(exchange)
    fields = {field["name"]: field["value"] for field in log["entries"][0]["request"]["headers"]}
    answer = {field["name"]: field["value"] for field in log["entries"][0]["response"]["headers"]}

    assert "secret" not in json.dumps(log)
    assert log["entries"][0]["request"]["url"] == "http://h/"
    assert "hidden" in log["comment"]
    assert fields["AUTHORIZATION"] == HIDDEN
    assert fields["Referer"] == f"http://{HIDDEN}@elsewhere/#:@"
    assert answer["Link"] == f"<http://h/>; rel=next, <http://{HIDDEN}@h/a@b>; rel=prev, me@h"


FIELD_NAMES = st.sampled_from(
    [b"Set-Cookie", b"Location", b"Content-Type", b"Content-Encoding", b"Cookie", b"X"]
)
VALUES = st.binary(max_size=40) | st.sampled_from([b"gzip", b"a=1; Max-Age=-9", b"text/html"])
FIELDS = st.lists(st.tuples(FIELD_NAMES, VALUES), max_size=4)


@given(FIELDS, FIELDS, st.binary(max_size=40), st.none() | st.binary(max_size=10), st.text())
def test_whatever_came_it_can_be_written(
    fields: list[tuple[bytes, bytes]],
    answer: list[tuple[bytes, bytes]],
    body: bytes,
    request_body: bytes | None,
    error: str,
) -> None:
    exchange = exchange_of(
        "http://h/?%ff&=&a=%", fields=fields, answer=answer, body=body, request_body=request_body
    )
    exchange.error = error
    exchange.peer = error
    entry_of(exchange)
