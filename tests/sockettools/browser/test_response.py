from __future__ import annotations

import gzip
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from sockettools.browser import Browser, Options, Request
from sockettools.browser import response as response_module
from sockettools.errors import IncompleteMessage, RemoteProtocolError, TooLong
from sockettools.url import parse_http_url
from tests.servers.scripted import ScriptedServer, answer, chunked, head

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sockettools.browser import Response
    from sockettools.browser.exchange import Exchange
    from tests.servers.scripted import Client, Script

PAGE = b"But soft what light through yonder window breaks\n" * 100
GZIP = "Content-Encoding: gzip"


@contextmanager
def opened(
    script: Script, method: str = "GET", exchanges: list[Exchange] | None = None, **options: object
) -> Iterator[Response]:
    record = None if exchanges is None else exchanges.append
    with (
        ScriptedServer(script) as server,
        Browser(Options(**options), record=record) as browser,  # type: ignore[arg-type]
        browser.open(Request(parse_http_url(f"{server.url}/page"), method)) as response,
    ):
        yield response


def test_what_an_answer_tells() -> None:
    with opened(answer(b"hello", "X: 1", "x: 2", "Content-Type: text/plain")) as response:
        assert response.status_code == 200
        assert response.url.path == "/page"
        assert response.text_field("X") == "1"
        assert response.text_field("y") is None
        assert response.expected_size() == 5
        assert response.read() == b"hello"


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        pytest.param((head() + PAGE,), None, id="until the end"),
        pytest.param((head(version="1.0") + PAGE,), None, id="HTTP/1.0"),
        pytest.param(head("Transfer-Encoding: chunked") + chunked(PAGE, b"x"), None, id="chunked"),
        pytest.param(answer(PAGE), len(PAGE), id="length"),
        pytest.param(answer(), 0, id="empty"),
    ],
)
def test_the_ways_a_body_ends(script: Script, expected: int | None) -> None:
    with opened(script) as response:
        assert response.expected_size() == expected
        assert response.read() in (PAGE, PAGE + b"x", b"")


@pytest.mark.parametrize(
    ("method", "said"),
    [
        pytest.param("HEAD", head("Content-Length: 5"), id="HEAD"),
        pytest.param("HEAD", head("Transfer-Encoding: chunked"), id="HEAD, chunked"),
        pytest.param("HEAD", head("Content-Length: 5", GZIP), id="HEAD, coded"),
        pytest.param("HEAD", head("Content-Encoding: br"), id="HEAD, a coding not known here"),
        pytest.param("GET", head(status="204 No Content"), id="204"),
        pytest.param("GET", head("Content-Length: 5", status="304 Not Modified"), id="304"),
        pytest.param("GET", head("Content-Length: 0", GZIP), id="coded nothing"),
    ],
)
def test_answers_without_a_body(method: str, said: bytes) -> None:
    with opened(said, method) as response:
        assert response.read() == b""
        assert response.expected_size() == 0


@pytest.mark.parametrize(
    ("coding", "coded"),
    [
        pytest.param("gzip", gzip.compress(PAGE), id="gzip"),
        pytest.param("x-gzip", gzip.compress(PAGE), id="x-gzip"),
        pytest.param("deflate", zlib.compress(PAGE), id="deflate"),
        pytest.param("deflate", zlib.compress(PAGE)[2:-4], id="deflate without a header"),
        pytest.param("gzip, gzip", gzip.compress(gzip.compress(PAGE)), id="twice"),
        pytest.param("identity", PAGE, id="identity"),
        pytest.param("", PAGE, id="empty"),
    ],
)
@pytest.mark.parametrize("receive_size", [1, 65_536])
def test_codings(coding: str, coded: bytes, receive_size: int) -> None:
    said = answer(coded, f"Content-Encoding: {coding}")
    with opened(said, receive_size=receive_size) as response:
        assert response.read() == PAGE


def test_a_coding_can_be_left_alone() -> None:
    coded = gzip.compress(PAGE)
    with opened(answer(coded, GZIP), decode=False) as response:
        assert not response.is_coded()
        assert response.read() == coded
    with opened(answer(coded, GZIP)) as response:
        assert response.is_coded()
        assert b"".join(response.iter_raw()) == coded


def cut_gzip(client: Client) -> None:
    client.read_request()
    client.send(head(GZIP) + gzip.compress(PAGE)[:-20])


@pytest.mark.parametrize(
    ("script", "error", "message"),
    [
        pytest.param(
            answer(b"x", "Content-Encoding: br"), RemoteProtocolError, "'br' is unknown", id="br"
        ),
        pytest.param(answer(PAGE, GZIP), RemoteProtocolError, "is not gzip", id="not gzip"),
        pytest.param(
            answer(gzip.compress(PAGE)[:-8] + bytes(8), GZIP),
            RemoteProtocolError,
            "corrupt: incorrect data check",
            id="a wrong checksum",
        ),
        pytest.param(cut_gzip, IncompleteMessage, "in the middle of its gzip data", id="cut"),
        pytest.param(
            (answer(gzip.compress(PAGE)[:-1], GZIP),),
            IncompleteMessage,
            "in the middle of its gzip data",
            id="cut by an octet, its length right",
        ),
        pytest.param(
            (head("Content-Length: 10") + b"12345",), IncompleteMessage, "after 5 bytes", id="short"
        ),
    ],
)
def test_what_cannot_be_read(script: Script, error: type[Exception], message: str) -> None:
    with opened(script) as response, pytest.raises(error, match=message) as caught:
        response.read()

    assert "127.0.0.1" in str(caught.value)


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        pytest.param((head("Content-Length: 10") + b"12345",), b"12345", id="length"),
        pytest.param(
            (head("Transfer-Encoding: chunked") + chunked(b"12345", end=b""),), b"12345", id="chunk"
        ),
        pytest.param((answer(gzip.compress(PAGE)[:-8], GZIP),), PAGE, id="gzip"),
    ],
)
def test_what_is_cut_can_be_allowed(script: Script, expected: bytes) -> None:
    with opened(script, allow_truncated=True) as response:
        assert response.read() == expected


def test_a_reset_is_an_error_even_where_the_end_of_the_connection_is_the_end() -> None:
    def reset(client: Client) -> None:
        client.read_request()
        client.send(head() + PAGE)
        client.reset()

    with opened(reset) as response, pytest.raises(IncompleteMessage, match="reset"):
        response.read()


def test_a_bomb() -> None:
    bomb = gzip.compress(bytes(100_000_000), 9)
    with opened(answer(bomb, GZIP)) as response, pytest.raises(TooLong, match="a bomb"):
        assert max(map(len, response.iter_bytes())) <= 65_536


def test_what_is_only_well_compressed_is_no_bomb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(response_module, "BOMB_SIZE", 1000)
    with opened(answer(gzip.compress(PAGE), GZIP)) as response:
        assert response.read() == PAGE


@pytest.mark.parametrize(
    ("script", "limit"),
    [
        pytest.param((head() + PAGE,), 100, id="until the end"),
        pytest.param(head("Transfer-Encoding: chunked") + chunked(PAGE), 100, id="chunked"),
        pytest.param(answer(gzip.compress(PAGE), GZIP), 1000, id="once it is decoded"),
    ],
)
def test_a_limit(script: Script, limit: int) -> None:
    body = bytearray()
    with opened(script, max_body=limit) as response, pytest.raises(TooLong, match=str(limit)):
        body.extend(octet for block in response.iter_bytes() for octet in block)

    assert len(body) <= limit


def test_a_page_in_memory_has_a_limit_of_its_own() -> None:
    with opened(answer(PAGE)) as response, pytest.raises(TooLong, match="longer than 100 bytes"):
        response.read(100)


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        ("text/html; charset=latin-1", b"na\xefve", "naïve"),
        ("text/html", b"\xef\xbb\xbfna\xc3\xafve", "naïve"),
        ("text/html", b"<meta charset=koi8-r>\xc1", "<meta charset=koi8-r>а"),
        ("text/plain", b"na\xc3\xafve", "naïve"),
        ("text/plain", b"na\xefve", "naïve"),
    ],
)
def test_text(content_type: str, body: bytes, expected: str) -> None:
    with opened(answer(body, f"Content-Type: {content_type}")) as response:
        assert response.text() == expected


# What is recorded, once.


@pytest.mark.parametrize("way", ["read", "skip", "close", "read and skip"])
def test_an_exchange_is_recorded_once(way: str) -> None:
    exchanges: list[Exchange] = []
    with opened(answer(PAGE), exchanges=exchanges, keep_bodies=10) as response:
        if "read" in way:
            response.read()
        if "skip" in way:
            response.skip()
        response.close()

    (exchange,) = exchanges
    assert exchange.error == ""
    assert exchange.timings.receive is not None
    if "read" in way:
        assert exchange.body_size == len(PAGE)
        assert exchange.content == PAGE[:10]


def test_what_went_wrong_is_recorded() -> None:
    exchanges: list[Exchange] = []
    with (
        opened((head("Content-Length: 9") + b"1",), exchanges=exchanges) as response,
        pytest.raises(IncompleteMessage),
    ):
        response.read()

    assert "after 1 bytes" in exchanges[0].error
    assert exchanges[0].body_size == 1
