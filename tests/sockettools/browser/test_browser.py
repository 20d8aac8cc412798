from __future__ import annotations

import socket
import threading
from time import monotonic
from typing import TYPE_CHECKING

import pytest

from sockettools.browser import Browser, Options, Proxies, Request
from sockettools.browser import connection as connection_module
from sockettools.browser import response as response_module
from sockettools.browser.cookies import CookieJar
from sockettools.browser.proxy import parse_proxy
from sockettools.browser.request import EXPECT_SIZE, basic
from sockettools.errors import (
    ConnectionRefused,
    IncompleteMessage,
    LocalProtocolError,
    RemoteProtocolError,
    SocketToolsError,
    Timeout,
    TooLong,
    WriteError,
)
from sockettools.net.deadline import Deadline
from sockettools.url import parse_http_url
from tests.servers.proxy import proxy
from tests.servers.scripted import (
    PATIENCE,
    ScriptedServer,
    answer,
    chunked,
    head,
    redirect,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from sockettools.browser.exchange import Exchange
    from tests.servers.scripted import Client


def asking(server: ScriptedServer, path: str = "/", method: str = "GET", **more: object) -> Request:
    return Request(parse_http_url(f"{server.url}{path}"), method, **more)  # type: ignore[arg-type]


def get(browser: Browser, request: Request) -> bytes:
    with browser.open(request, Deadline.after(PATIENCE)) as response:
        return response.read()


# Connections.


def test_a_connection_is_used_again() -> None:
    with ScriptedServer(answer(b"hello")) as server, Browser() as browser:
        for _ in range(3):
            assert get(browser, asking(server)) == b"hello"

    assert [request.connection for request in server.requests] == [0, 0, 0]


@pytest.mark.parametrize(
    "said",
    [
        pytest.param((answer(b"hello", "Connection: close"),), id="close"),
        pytest.param((answer(b"hello", version="1.0"),), id="HTTP/1.0"),
        pytest.param((head() + b"hello",), id="until the end"),
        pytest.param((answer(b"hello") + b"surplus",), id="surplus"),
        pytest.param((answer(b"hello") + answer(b"for the next request"),), id="two answers"),
    ],
)
def test_a_connection_that_is_not_used_again(said: tuple[bytes, ...]) -> None:
    with ScriptedServer(said) as server, Browser() as browser:
        for _ in range(2):
            assert get(browser, asking(server)) == b"hello"

    assert [request.connection for request in server.requests] == [0, 1]


def test_a_connection_is_for_one_origin() -> None:
    with (
        ScriptedServer(answer(b"one")) as one,
        ScriptedServer(answer(b"two")) as two,
        Browser() as browser,
    ):
        for _ in range(2):
            assert get(browser, asking(one)) == b"one"
            assert get(browser, asking(two)) == b"two"

    assert (one.connections, two.connections) == (1, 1)


def test_a_page_that_is_not_read_costs_the_connection() -> None:
    with ScriptedServer(answer(bytes(10_000_000))) as server, Browser() as browser:
        for _ in range(2):
            browser.open(asking(server)).close()

    assert server.connections == 2


@pytest.mark.parametrize(("size", "connections"), [(0, 1), (60_000, 1), (10_000_000, 2)])
def test_a_page_that_is_skipped_costs_it_only_if_it_is_long(size: int, connections: int) -> None:
    with ScriptedServer(answer(bytes(size))) as server, Browser() as browser:
        for _ in range(2):
            browser.open(asking(server)).skip()

    assert server.connections == connections


def close_before_the_second_answer(client: Client) -> None:
    """The lie of keep-alive: the second request is read, and the connection closed."""
    client.read_request()
    client.send(answer(b"first"))
    client.read_request()


def reset_before_the_second_answer(client: Client) -> None:
    close_before_the_second_answer(client)
    client.reset()


def half_of_a_second_answer(client: Client) -> None:
    close_before_the_second_answer(client)
    client.send(b"HTTP/1.1 2")


@pytest.mark.parametrize("lie", [close_before_the_second_answer, reset_before_the_second_answer])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
def test_what_does_no_harm_is_sent_again_once(lie: Callable[[Client], None], method: str) -> None:
    exchanges: list[Exchange] = []
    with (
        ScriptedServer(lie, answer(b"" if method == "HEAD" else b"again")) as server,
        Browser(record=exchanges.append) as browser,
    ):
        get(browser, asking(server))
        assert get(browser, asking(server, "/2", method)) in (b"again", b"")

    assert [(request.target, request.connection) for request in server.requests] == [
        ("/", 0),
        ("/2", 0),
        ("/2", 1),
    ]
    assert [exchange.error for exchange in exchanges] == ["", ""]


@pytest.mark.parametrize("lie", [close_before_the_second_answer, reset_before_the_second_answer])
@pytest.mark.parametrize("method", ["POST", "PATCH", "FROB"])
def test_what_could_do_harm_is_not_sent_again(lie: Callable[[Client], None], method: str) -> None:
    with ScriptedServer(lie, answer()) as server, Browser() as browser:
        get(browser, asking(server))
        with pytest.raises((IncompleteMessage, WriteError)):
            get(browser, asking(server, "/2", method, body=b"data"))

    assert len(server.requests) == 2


def test_what_was_half_answered_is_not_sent_again() -> None:
    with ScriptedServer(half_of_a_second_answer, answer()) as server, Browser() as browser:
        get(browser, asking(server))
        with pytest.raises(IncompleteMessage, match="after 10 bytes of a head"):
            get(browser, asking(server))

    assert len(server.requests) == 2


def test_a_first_request_is_not_sent_again() -> None:
    with (
        ScriptedServer(lambda client: client.read_request(), answer()) as server,
        Browser() as browser,
        pytest.raises(IncompleteMessage, match="without an answer"),
    ):
        get(browser, asking(server))

    assert server.connections == 1


def test_once_is_once() -> None:
    with (
        ScriptedServer(close_before_the_second_answer, (), answer()) as server,
        Browser() as browser,
    ):
        get(browser, asking(server))
        with pytest.raises(SocketToolsError):
            get(browser, asking(server))

    assert server.connections == 2


def test_a_server_that_closes_right_after_its_answer() -> None:
    """Which also a POST is none the worse for: it is seen before anything is sent."""
    closed = threading.Event()

    def answer_once(client: Client) -> None:
        client.read_request()
        client.send(answer(b"hello"))
        client.close()
        closed.set()

    with ScriptedServer(answer_once) as server, Browser() as browser:
        for _ in range(3):
            closed.clear()
            assert get(browser, asking(server, method="POST", body=b"data")) == b"hello"
            assert closed.wait(PATIENCE)

    assert len(server.requests) == 3


# Redirects.


def test_a_chain_of_redirects() -> None:
    exchanges: list[Exchange] = []
    said = (redirect("/2"), redirect("3?x"), redirect("#f"), answer(b"hello"))
    with (
        ScriptedServer(said) as server,
        Browser(record=exchanges.append) as browser,
        browser.open(asking(server, "/1#g")) as response,
    ):
        assert response.read() == b"hello"
        assert str(response.url) == f"{server.url}/3?x#f"
        assert response.request.url == response.url

    assert [request.target for request in server.requests] == ["/1", "/2", "/3?x", "/3?x"]
    assert server.connections == 1
    assert [exchange.response and exchange.response.status_code for exchange in exchanges] == [
        302,
        302,
        302,
        200,
    ]


@pytest.mark.parametrize(
    ("status", "method", "body"),
    [
        ("301 Moved Permanently", "GET", b""),
        ("302 Found", "GET", b""),
        ("303 See Other", "GET", b""),
        ("307 Temporary Redirect", "POST", b"data"),
        ("308 Permanent Redirect", "POST", b"data"),
    ],
)
def test_a_redirected_post(status: str, method: str, body: bytes) -> None:
    said = (redirect("/2", status), answer())
    with ScriptedServer(said) as server, Browser() as browser:
        get(browser, asking(server, "/1", "POST", body=b"data"))

    first, second = server.requests
    assert (first.method, first.body) == ("POST", b"data")
    assert (second.method, second.body) == (method, body)
    assert second.field("Content-Length") == (str(len(body)) if body else None)
    assert (second.field("Content-Type") is not None) == bool(body)


def test_credentials_and_cookies_stay_with_the_origin() -> None:
    fields = (("Cookie", "secret=1"), ("Host", "secret.example"), ("X", "1"))
    with (
        ScriptedServer(answer()) as other,
        ScriptedServer((redirect("/2"), redirect(f"{other.url}/3"))) as server,
        Browser() as browser,
    ):
        get(browser, asking(server, "/1", fields=fields, credentials=("me", "secret")))

    for request in server.requests:
        assert request.field("Authorization") == basic(("me", "secret"))
        assert request.field("Cookie") == "secret=1"
        assert request.field("Host") == "secret.example"
    (away,) = other.requests
    assert away.field("Authorization") is None
    assert away.field("Cookie") is None
    assert away.field("Host") == other.address
    assert away.field("X") == "1"


def test_redirects_can_be_left_alone() -> None:
    with (
        ScriptedServer(redirect("/2")) as server,
        Browser(Options(follow=False)) as browser,
        browser.open(asking(server)) as response,
    ):
        assert response.status_code == 302

    assert len(server.requests) == 1


@pytest.mark.parametrize("most", [0, 1, 20])
def test_a_loop(most: int) -> None:
    with (
        ScriptedServer(redirect("/")) as server,
        Browser(Options(max_redirects=most)) as browser,
        pytest.raises(RemoteProtocolError, match=f"more than {most} redirects"),
    ):
        get(browser, asking(server))

    assert len(server.requests) == most + 1
    assert server.connections == 1


def test_as_many_redirects_as_allowed() -> None:
    said = (*[redirect("/")] * 20, answer(b"hello"))
    with ScriptedServer(said) as server, Browser() as browser:
        assert get(browser, asking(server)) == b"hello"


def drip(client: Client) -> None:
    """Send a redirect, and then its body, an octet at a time."""
    client.read_request()
    client.send(head("Location: /2", status="302 Found"))
    while True:
        client.send(b"x")
        if client.socket.recv(0) is None:
            break


def pour(client: Client) -> None:
    client.read_request()
    client.send(head("Location: /2", "Transfer-Encoding: chunked", status="302 Found"))
    while True:
        client.send(chunked(bytes(60_000), end=b""))


def stall(client: Client) -> None:
    client.read_request()
    client.send(head("Location: /2", "Content-Length: 10", status="302 Found"))
    client.wait_for_end()


@pytest.mark.parametrize("script", [drip, pour, stall])
def test_the_body_of_a_redirect_has_a_bound(
    script: Callable[[Client], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(response_module, "DRAIN_TIME", 0.05)
    with ScriptedServer(script, answer(b"hello")) as server, Browser() as browser:
        assert get(browser, asking(server)) == b"hello"

    assert [request.target for request in server.requests] == ["/", "/2"]
    assert server.connections == 2


def test_the_body_of_a_redirect_does_not_outlive_the_deadline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(response_module, "DRAIN_TIME", PATIENCE)
    with ScriptedServer(stall) as server, Browser() as browser:
        start = monotonic()
        with pytest.raises(Timeout):
            browser.open(asking(server), Deadline.after(0.1))

    assert monotonic() - start < PATIENCE / 2


def test_a_bad_location_closes_the_connection() -> None:
    with ScriptedServer(redirect("ftp://h/")) as server, Browser() as browser:
        for _ in range(2):
            with pytest.raises(RemoteProtocolError, match="its scheme, 'ftp'"):
                browser.open(asking(server))

    assert server.connections == 2


# Bodies that the server may not want.

BIG = bytes(EXPECT_SIZE)


def want(client: Client) -> None:
    request = client.read_head()
    assert request is not None
    client.send(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert len(client.read(EXPECT_SIZE)) == EXPECT_SIZE
    client.send(answer(b"thanks"))


def want_without_a_word(client: Client) -> None:
    client.read_request()
    client.send(answer(b"thanks"))


@pytest.mark.parametrize("script", [want, want_without_a_word])
def test_a_big_body(script: Callable[[Client], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "CONTINUE_TIMEOUT", PATIENCE if script is want else 0.02)
    with ScriptedServer(script) as server, Browser() as browser:
        assert get(browser, asking(server, method="POST", body=BIG)) == b"thanks"

    assert server.requests[0].field("Expect") == "100-continue"
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", ["413 Content Too Large", "401 Unauthorized", "200 OK"])
def test_a_big_body_that_is_not_wanted(status: str) -> None:
    def refuse(client: Client) -> None:
        client.read_head()
        client.send(answer(b"no", "Connection: close", status=status))

    with (
        ScriptedServer(refuse) as server,
        Browser() as browser,
        browser.open(asking(server, method="POST", body=BIG)) as response,
    ):
        assert response.status_code == int(status[:3])
        assert response.read() == b"no"

    assert server.connections == 1


def test_a_server_that_knows_no_expectations() -> None:
    """Section 10.1.1 of RFC 9110 has the request repeated without."""

    def refuse(client: Client) -> None:
        client.read_head()
        client.send(answer(b"what?", status="417 Expectation Failed"))

    with ScriptedServer(refuse, answer(b"thanks")) as server, Browser() as browser:
        assert get(browser, asking(server, method="POST", body=BIG)) == b"thanks"

    first, second = server.requests
    assert first.field("Expect") == "100-continue"
    assert second.field("Expect") is None
    assert second.body == BIG


def test_417_to_what_expected_nothing_is_an_answer() -> None:
    said = answer(b"no", status="417 Expectation Failed")
    with ScriptedServer(said) as server, Browser() as browser:
        assert get(browser, asking(server)) == b"no"

    assert len(server.requests) == 1


def test_an_answer_while_the_body_is_being_sent() -> None:
    """The server answers, closes, and leaves the rest unread, which resets the connection."""

    def refuse(client: Client) -> None:
        client.read_head()
        client.send(answer(b"no", "Connection: close", status="413 Content Too Large"))

    more: dict[str, object] = {"fields": (("Expect", None),), "body": bytes(30_000_000)}
    with (
        ScriptedServer(refuse) as server,
        Browser() as browser,
        browser.open(asking(server, "/", "POST", **more)) as response,
    ):
        assert response.status_code == 413
        assert response.read() == b"no"


# What is sent.


def test_http_1_0() -> None:
    said = (answer(b"hello", version="1.0"),)
    with ScriptedServer(said) as server, Browser(Options(http_1_0=True)) as browser:
        assert get(browser, asking(server, method="POST", body=BIG)) == b"hello"

    assert server.requests[0].line == "POST / HTTP/1.0"
    assert server.requests[0].field("Expect") is None


def test_http_0_9() -> None:
    with ScriptedServer((b"hello",)) as server:
        with Browser(Options(allow_http_0_9=True)) as browser:
            assert get(browser, asking(server)) == b"hello"
        with Browser() as browser, pytest.raises(RemoteProtocolError, match="not HTTP: b'hello'"):
            get(browser, asking(server))


@pytest.mark.parametrize(
    "fields", [(("X", "a\r\nY: b"),), (("X: y", "1"),), (("Host", None),), (("Host", "\x00"),)]
)
def test_what_is_no_request_is_not_sent(fields: tuple[tuple[str, str | None], ...]) -> None:
    with (
        ScriptedServer(answer()) as server,
        Browser() as browser,
        pytest.raises(LocalProtocolError),
    ):
        get(browser, asking(server, fields=fields))

    assert server.requests == []


def test_cookies_are_kept_and_sent() -> None:
    jar = CookieJar()
    said = (
        answer(b"", "Set-Cookie: a=1", "Set-Cookie: b=2; Path=/other"),
        redirect("/x")[:-2] + b"Set-Cookie: c=3\r\n\r\n",
        answer(),
        answer(),
    )
    with ScriptedServer(said) as server, Browser(cookies=jar) as browser:
        get(browser, asking(server))
        get(browser, asking(server, fields=(("Cookie", "d=4"),)))
        get(browser, asking(server, fields=(("Cookie", None),)))

    cookies = [request.field("Cookie") for request in server.requests]
    assert cookies == [None, "a=1; d=4", "a=1; c=3; d=4", None]


def test_cookies_are_sent_octet_by_octet() -> None:
    # \xc3\xa9 is UTF-8, and \xe9 is not.
    with (
        ScriptedServer(answer(b"", "Set-Cookie: c=\xc3\xa9\xe9"), answer()) as server,
        Browser(cookies=CookieJar()) as browser,
    ):
        get(browser, asking(server))
        get(browser, asking(server, fields=(("Cookie", "d=é\udcff"),)))

    assert server.requests[1].field("Cookie") == "c=\xc3\xa9\xe9; d=\xc3\xa9\xff"


def test_cookies_of_another_host_are_not_sent() -> None:
    jar = CookieJar()
    with ScriptedServer(answer()) as server, Browser(cookies=jar) as browser:
        jar.store("http", "other.example", "/", ["a=1"], 0.0)
        get(browser, asking(server))

    assert server.requests[0].field("Cookie") is None


# Refusals.


def test_a_part_that_nobody_asked_for() -> None:
    said = answer(b"hell", "Content-Range: bytes 0-3/5", status="206 Partial Content")
    with ScriptedServer(said) as server, Browser() as browser:
        with pytest.raises(RemoteProtocolError, match="sent a part, where all was asked for"):
            get(browser, asking(server))
        assert get(browser, asking(server, fields=(("Range", "bytes=0-3"),))) == b"hell"


def test_a_body_that_is_announced_to_be_too_long() -> None:
    with (
        ScriptedServer(answer(b"hello")) as server,
        Browser(Options(max_body=4)) as browser,
        pytest.raises(TooLong, match="the body has 5 bytes, the limit is 4"),
    ):
        browser.open(asking(server))


def test_a_body_as_long_as_allowed() -> None:
    with ScriptedServer(answer(b"hello")) as server, Browser(Options(max_body=5)) as browser:
        assert get(browser, asking(server)) == b"hello"
        assert get(browser, asking(server, method="HEAD")) == b""


def test_refused_is_recorded() -> None:
    exchanges: list[Exchange] = []
    with socket.socket() as bound, Browser(record=exchanges.append) as browser:
        bound.bind(("127.0.0.1", 0))
        url = parse_http_url(f"http://127.0.0.1:{bound.getsockname()[1]}/")
        with pytest.raises(ConnectionRefused):
            browser.open(Request(url))

    assert exchanges[0].response is None
    assert "Connection refused" in exchanges[0].error


# Proxies.


def through(server: ScriptedServer, credentials: str = "", exceptions: str = "") -> Browser:
    http = parse_proxy(f"{credentials}{server.address}")
    return Browser(Options(proxies=Proxies(http, None, tuple(exceptions.split()))))


def test_a_proxy_gets_the_whole_url() -> None:
    with (
        ScriptedServer(answer(b"hello")) as server,
        proxy() as between,
        through(between, "me:p%40ss@") as browser,
    ):
        request = asking(server, "/a?b#c", credentials=("you", "secret"))
        assert get(browser, request) == b"hello"

    (asked,) = between.requests
    assert asked.line == f"GET {server.url}/a?b HTTP/1.1"
    assert asked.field("Host") == server.address
    assert asked.field("Proxy-Authorization") == basic(("me", "p@ss"))
    assert asked.field("Authorization") == basic(("you", "secret"))
    assert server.requests[0].target == "/a?b"


def test_an_international_name_through_a_proxy() -> None:
    with (
        ScriptedServer(answer(b"hello")) as server,
        proxy(names={"xn--bcher-kva.example": server.address}) as between,
        through(between) as browser,
    ):
        assert get(browser, Request(parse_http_url("http://Bücher.example/ß"))) == b"hello"

    assert between.requests[0].target == "http://xn--bcher-kva.example/%C3%9F"
    assert server.requests[0].field("Host") == "xn--bcher-kva.example"


def test_no_proxy() -> None:
    with (
        ScriptedServer(answer(b"hello")) as server,
        proxy() as between,
        through(between, exceptions="example.com 127.0.0.0/8") as browser,
    ):
        assert get(browser, asking(server)) == b"hello"

    assert between.requests == []


def test_a_redirect_takes_the_way_of_its_own_url() -> None:
    with (
        ScriptedServer(answer(b"hello")) as direct,
        ScriptedServer(redirect(f"{direct.url}/2")) as server,
        proxy(names={"far.example": server.address}) as between,
        through(between, "me:secret@", exceptions="127.0.0.1") as browser,
    ):
        assert get(browser, Request(parse_http_url("http://far.example/"))) == b"hello"

    assert len(between.requests) == 1
    assert direct.requests[0].field("Proxy-Authorization") is None
