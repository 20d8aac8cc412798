from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockettools import http1
from sockettools.browser.request import (
    EXPECT_SIZE,
    Request,
    basic,
    field_octets,
    field_text,
    format_head,
)
from sockettools.errors import LocalProtocolError
from sockettools.http1 import Role
from sockettools.url import parse_http_url

URL = parse_http_url("http://example.com/a?b")
OWN = [("User-Agent", "test"), ("Accept", "*/*")]


def fields_of(request: Request, **options: bool | bytes) -> dict[str, str]:
    head = format_head(request, OWN, **options)  # type: ignore[arg-type]
    pairs = [(name.decode(), value.decode("latin-1")) for name, value in head.fields]
    assert len({name.lower() for name, _ in pairs}) == len(pairs)
    return dict(pairs)


def test_the_least_that_is_sent() -> None:
    head = format_head(Request(URL), OWN)

    assert http1.Connection(Role.CLIENT).send(head) == (
        b"GET /a?b HTTP/1.1\r\nHost: example.com\r\nUser-Agent: test\r\nAccept: */*\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("url", "host", "target"),
    [
        pytest.param("http://h", "h", "/", id="no path"),
        pytest.param("http://h:80/x", "h", "/x", id="the scheme's own port"),
        pytest.param("https://h:443/x", "h", "/x", id="https and its own port"),
        pytest.param("https://h:80/x", "h:80", "/x", id="another port"),
        pytest.param("http://[::1]:8000/", "[::1]:8000", "/", id="IPv6"),
        pytest.param("http://[fe80::1%25eth0]/", "[fe80::1]", "/", id="a scope is our own affair"),
        pytest.param("http://BÜCHER.example/ü?ü#ü", "xn--bcher-kva.example", "/%C3%BC?%C3%BC"),
        pytest.param("http://me:secret@h/", "h", "/", id="credentials"),
    ],
)
def test_host_and_target(url: str, host: str, target: str) -> None:
    head = format_head(Request(parse_http_url(url)), [])

    assert head.fields[0] == (b"Host", host.encode())
    assert head.target == target.encode()


def test_absolute_form_is_without_credentials_and_fragment() -> None:
    request = Request(parse_http_url("http://me:secret@h:81/a?b#c"))

    assert format_head(request, [], absolute=True).target == b"http://h:81/a?b"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param((("user-agent", "me"),), {"user-agent": "me"}, id="replaced"),
        pytest.param((("USER-AGENT", None),), {}, id="left out"),
        pytest.param((("X-New", "1"),), {"User-Agent": "test", "X-New": "1"}, id="added"),
        pytest.param((("X", ""),), {"User-Agent": "test", "X": ""}, id="an empty one"),
    ],
)
def test_given_fields(given: tuple[tuple[str, str | None], ...], expected: dict[str, str]) -> None:
    fields = fields_of(Request(URL, fields=given))

    assert fields == {"Host": "example.com", "Accept": "*/*"} | expected


def test_a_field_may_be_given_twice() -> None:
    head = format_head(Request(URL, fields=(("X", "1"), ("X", "2"))), OWN)

    assert head.fields.get_all(b"x") == [b"1", b"2"]


def test_a_replaced_host_stays_in_front() -> None:
    head = format_head(Request(URL, fields=(("X", "1"), ("host", "other"))), OWN)

    assert list(head.fields)[:2] == [(b"host", b"other"), (b"X", b"1")]


@pytest.mark.parametrize(
    ("body", "version", "expected"),
    [
        pytest.param(None, b"1.1", {}, id="none"),
        pytest.param(b"", b"1.1", {"Content-Length": "0"}, id="empty"),
        pytest.param(b"a=1", b"1.1", {"Content-Length": "3"}, id="small"),
        pytest.param(
            bytes(EXPECT_SIZE),
            b"1.1",
            {"Content-Length": str(EXPECT_SIZE), "Expect": "100-continue"},
            id="large",
        ),
        pytest.param(
            bytes(EXPECT_SIZE), b"1.0", {"Content-Length": str(EXPECT_SIZE)}, id="large, HTTP/1.0"
        ),
    ],
)
def test_what_goes_with_a_body(
    body: bytes | None, version: bytes, expected: dict[str, str]
) -> None:
    fields = fields_of(Request(URL, "POST", body=body), version=version)

    if body is not None:
        assert fields.pop("Content-Type") == "application/x-www-form-urlencoded"
    assert fields == {"Host": "example.com", "User-Agent": "test", "Accept": "*/*"} | expected


@pytest.mark.parametrize(
    ("url", "credentials", "expected"),
    [
        pytest.param("http://h/", None, None, id="none"),
        pytest.param("http://me:p%40ss@h/", None, ("me", "p@ss"), id="of the URL"),
        pytest.param("http://me@h/", None, ("me", ""), id="no password"),
        pytest.param("http://me:x@h/", ("you", "y"), ("you", "y"), id="given ones count first"),
    ],
)
def test_credentials(
    url: str, credentials: tuple[str, str] | None, expected: tuple[str, str] | None
) -> None:
    request = Request(parse_http_url(url), credentials=credentials)

    sent = fields_of(request).get("Authorization")
    assert sent == (None if expected is None else basic(expected))


def test_bytes_of_the_command_line_go_out_as_they_came_in() -> None:
    head = format_head(Request(URL, fields=(("X", "\udcff"), ("Y", "é"))), [])

    assert head.fields.get(b"x") == b"\xff"
    assert head.fields.get(b"y") == b"\xc3\xa9"


@given(st.binary())
def test_octets_that_were_received_go_out_as_they_came(octets: bytes) -> None:
    assert field_octets(field_text(octets)) == octets


def test_secrets_are_not_in_the_repr() -> None:
    url = parse_http_url("http://me:secret@h/")
    assert "secret" not in repr(Request(url, body=b"secret", credentials=("me", "secret")))


@given(
    method=st.text(max_size=8),
    name=st.text(max_size=8),
    value=st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
)
def test_nothing_that_is_given_makes_two_requests_of_one(
    method: str, name: str, value: str
) -> None:
    request = Request(URL, method, ((name, value),))
    try:
        data = http1.Connection(Role.CLIENT).send(format_head(request, OWN))
    except LocalProtocolError:
        return

    server = http1.Connection(Role.SERVER)
    server.receive_data(data)
    received = server.next_event()
    assert isinstance(received, http1.Request)
    assert received.method == method.encode()
    assert (name.encode(), value.strip(" \t").encode()) in [
        (name, value.strip(b" \t")) for name, value in received.fields
    ]
