from __future__ import annotations

import io
import socket
from contextlib import contextmanager
from time import sleep
from typing import TYPE_CHECKING

import pytest

from sockettools import http1
from sockettools.browser.connecting import MAX_IDLE, Connections, Route
from sockettools.browser.exchange import Timings
from sockettools.browser.options import Options
from sockettools.browser.proxy import Proxies, parse_proxy
from sockettools.browser.request import basic
from sockettools.errors import (
    CertificateError,
    ConnectError,
    ConnectionRefused,
    ConnectTimeout,
    ResolveError,
)
from sockettools.net import dial as dial_module
from sockettools.net.address import InternetAddress
from sockettools.net.deadline import NEVER, Deadline
from sockettools.net.tls import client_context
from sockettools.net.transcript import TextSink, Transcript
from sockettools.url import parse_http_url
from tests.patience import SILENCE
from tests.servers.certificates import Authority, self_signed
from tests.servers.proxy import proxy
from tests.servers.scripted import ScriptedServer, answer, head

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator
    from pathlib import Path

    from sockettools.browser.connection import HttpConnection
    from tests.servers.scripted import Client

GET = http1.Request(b"GET", b"/", http1.Fields([(b"Host", b"h")]))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return self_signed(tmp_path_factory.mktemp("tls"))


def trusting(certificate: Path) -> ssl.SSLContext:
    return client_context(ca_file=str(certificate))


@contextmanager
def connections(**options: object) -> Iterator[Connections]:
    with Connections(Options(**options)) as made:  # type: ignore[arg-type]
        yield made


def get(connection: HttpConnection) -> bytes:
    connection.send(GET, b"", NEVER)
    assert connection.receive_head(NEVER).status_code == 200
    return b"".join(iter(lambda: connection.receive_body(NEVER) or b"", b""))


def route_to(url: str, via: str | None = None) -> Route:
    parsed = parse_http_url(url)
    return Route(parsed.scheme, parsed.host, parsed.port, parse_proxy(via) if via else None)


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("http://h/a", "http://h:80/b?c", True),
        ("http://me:secret@h/", "http://h/", True),
        ("http://h/", "http://h:81/", False),
        ("http://h/", "https://h/", False),
        ("http://h/", "http://www.h/", False),
        ("http://h/", "http://direct/", False),
    ],
)
def test_a_route_is_an_origin_and_a_way(one: str, other: str, is_same: bool) -> None:
    proxies = Proxies(parse_proxy("proxy"), None, ("direct",))
    with connections(proxies=proxies) as made:
        routes = [made.route_to(parse_http_url(url)) for url in (one, other)]

    assert (routes[0] == routes[1]) is is_same
    assert routes[0].is_forwarded


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_a_connection_and_how_long_it_took(tls: bool, certificate: Path) -> None:
    timings = Timings()
    with (
        ScriptedServer(answer(b"hello"), certificate=certificate if tls else None) as server,
        connections(tls=trusting(certificate)) as made,
        made.open(route_to(server.url), timings, NEVER) as connection,
    ):
        assert get(connection) == b"hello"

    assert timings.resolve is not None
    assert timings.connect is not None
    assert (timings.tls is not None) is tls


def test_the_one_used_last_comes_first() -> None:
    with ScriptedServer(answer()) as server, connections() as made:
        route = route_to(server.url)
        both = [made.open(route, Timings(), NEVER) for _ in range(2)]
        for connection in both:
            get(connection)
            made.give_back(route, connection)

        assert made.take_idle(route_to("http://127.0.0.1:1/")) is None
        assert [made.take_idle(route) for _ in range(3)] == [both[1], both[0], None]
        for connection in both:
            connection.close()


def test_only_so_many_are_kept() -> None:
    with ScriptedServer(answer()) as server, connections() as made:
        route = route_to(server.url)
        for connection in [made.open(route, Timings(), NEVER) for _ in range(MAX_IDLE + 2)]:
            get(connection)
            made.give_back(route, connection)
        kept = list(iter(lambda: made.take_idle(route), None))
        for connection in kept:
            connection.close()

    assert len(kept) == MAX_IDLE


def test_one_that_was_closed_meanwhile_is_not_used() -> None:
    def answer_once(client: Client) -> None:
        client.read_request()
        client.send(answer())

    with ScriptedServer(answer_once) as server, connections() as made:
        route = route_to(server.url)
        connection = made.open(route, Timings(), NEVER)
        get(connection)
        while connection.is_alive():
            sleep(0.001)
        made.give_back(route, connection)

        assert made.take_idle(route) is None


def test_one_whose_answer_was_not_read_is_not_kept() -> None:
    with ScriptedServer(answer(b"hello")) as server, connections() as made:
        route = route_to(server.url)
        connection = made.open(route, Timings(), NEVER)
        connection.send(GET, b"", NEVER)
        made.give_back(route, connection)

        assert made.take_idle(route) is None


# Where to connect to.


def test_an_address_instead_of_the_resolvers() -> None:
    with ScriptedServer(answer(b"hello")) as server:
        addresses = {("www.example.com", 80): InternetAddress("127.0.0.1", server.port)}
        with connections(addresses=addresses) as made:
            route = route_to("http://www.example.com/")
            with made.open(route, Timings(), NEVER) as connection:
                assert get(connection) == b"hello"


def test_a_certificate_is_checked_for_the_name_not_the_address(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    authority.issue(tmp_path / "server.pem", "www.example.com")
    with ScriptedServer(answer(b"hello"), certificate=tmp_path / "server.pem") as server:
        names = ("www.example.com", "other.example.com")
        addresses = {(name, 443): InternetAddress("127.0.0.1", server.port) for name in names}
        with connections(addresses=addresses, tls=trusting(authority.path)) as made:
            for name in ("www.example.com", "www.example.com."):
                addresses[name, 443] = addresses["www.example.com", 443]
                with made.open(route_to(f"https://{name}/"), Timings(), NEVER) as connection:
                    assert get(connection) == b"hello"
            with pytest.raises(CertificateError, match=r"other.example.com"):
                made.open(route_to("https://other.example.com/"), Timings(), NEVER)


def test_an_unknown_host() -> None:
    # .invalid (RFC 2606) belongs to nobody.
    with connections() as made, pytest.raises(ResolveError, match=r"unknown host 'nosuch.invalid'"):
        made.open(route_to("http://nosuch.invalid/"), Timings(), NEVER)


def test_refused() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        with connections() as made, pytest.raises(ConnectionRefused, match=f"127.0.0.1:{port}"):
            made.open(route_to(f"http://127.0.0.1:{port}/"), Timings(), NEVER)


def test_a_timeout_is_for_name_connection_and_tls_together(certificate: Path) -> None:
    """The server takes the connection, and says nothing."""
    with (
        ScriptedServer(lambda client: client.wait_for_end()) as server,
        connections(connect_timeout=SILENCE, tls=trusting(certificate)) as made,
        pytest.raises(ConnectTimeout, match=r"127.0.0.1 did not agree on TLS in time"),
    ):
        made.open(route_to(server.url.replace("http:", "https:")), Timings(), NEVER)


def test_no_time_left() -> None:
    with connections() as made, pytest.raises(ConnectTimeout, match="not complete in time"):
        made.open(route_to("http://h/"), Timings(), Deadline.after(0))


def test_a_name_that_nobody_tells_the_address_of_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_slow(*_: object) -> object:
        raise TimeoutError

    monkeypatch.setattr(dial_module, "in_thread", too_slow)
    with connections() as made, pytest.raises(ConnectTimeout, match="were not found in time"):
        made.open(route_to("http://h/"), Timings(), Deadline.after(60.0))


# Proxies.


def test_a_tunnel_through_a_proxy(certificate: Path) -> None:
    shown = io.StringIO()
    transcript = Transcript([TextSink(shown)])
    with (
        ScriptedServer(answer(b"hello"), certificate=certificate) as server,
        proxy() as through,
        Connections(Options(tls=trusting(certificate), user_agent="me"), transcript) as made,
        made.open(route_to(server.url, through.address), Timings(), NEVER) as connection,
    ):
        assert get(connection) == b"hello"
        assert get_again(made, connection, route_to(server.url, through.address)) == b"hello"

    assert [request.head for request in through.requests] == [
        f"CONNECT {server.address} HTTP/1.1\r\nHost: {server.address}\r\nUser-Agent: me\r\n"
        "\r\n".encode()
    ]
    assert len(server.requests) == 2
    # Nothing of what was encrypted is shown.
    said = [line.split(" ", 1)[1] for line in shown.getvalue().splitlines()]
    assert [line for line in said if "HTTP" in line] == [
        f"proxy > CONNECT {server.address} HTTP/1.1\\r\\n",
        "proxy < HTTP/1.1 200 Connection established\\r\\n",
        *["> GET / HTTP/1.1\\r\\n", "< HTTP/1.1 200 OK\\r\\n"] * 2,
    ]
    assert len([line for line in said if line.startswith("proxy")]) == 6


def get_again(made: Connections, connection: HttpConnection, route: Route) -> bytes:
    made.give_back(route, connection)
    assert made.take_idle(route) is connection
    return get(connection)


def test_credentials_for_a_proxy(certificate: Path) -> None:
    with (
        ScriptedServer(answer(b"hello"), certificate=certificate) as server,
        proxy() as through,
        connections(tls=trusting(certificate)) as made,
        made.open(
            route_to(server.url, f"me:p%40ss@{through.address}"), Timings(), NEVER
        ) as connection,
    ):
        assert get(connection) == b"hello"

    assert through.requests[0].field("Proxy-Authorization") == basic(("me", "p@ss"))
    assert server.requests[0].field("Proxy-Authorization") is None


@pytest.mark.parametrize(
    ("said", "message"),
    [
        pytest.param(
            (answer(status="407 Proxy Authentication Required"),),
            "does not connect to h:443: 407 Proxy Authentication Required$",
            id="refused",
        ),
        pytest.param(
            (answer(b"x" * 100, status="403 \x9b2J"),),
            r"does not connect to h:443: 403 [ -~]+$",
            id="a reason that would act on a terminal",
        ),
        pytest.param((answer(status="502"),), "does not connect to h:443: 502$", id="no reason"),
        pytest.param((b"220 ready\r\n",), "no connection to h:443: .*not HTTP", id="garbage"),
        pytest.param((b"",), "no connection to h:443: .*without an answer", id="nothing"),
        pytest.param((head() + b"surplus",), "sent more than an answer to CONNECT", id="surplus"),
        pytest.param((head() * 2,), "sent more than an answer to CONNECT", id="two answers"),
    ],
)
def test_a_proxy_that_does_not_connect(said: tuple[bytes, ...], message: str) -> None:
    with (
        ScriptedServer(said) as through,
        connections() as made,
        pytest.raises(ConnectError, match=message) as caught,
    ):
        made.open(route_to("https://h/", f"me:secret@{through.address}"), Timings(), NEVER)

    assert f"the proxy {through.address}" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_proxy_that_says_nothing() -> None:
    with (
        ScriptedServer(lambda client: client.wait_for_end()) as through,
        connections(connect_timeout=SILENCE) as made,
        pytest.raises(ConnectTimeout, match="no connection to h:443: the proxy 127"),
    ):
        made.open(route_to("https://h/", through.address), Timings(), NEVER)


def test_tls_to_the_proxy_and_tls_through_it(certificate: Path) -> None:
    with (
        ScriptedServer(answer(b"hello"), certificate=certificate) as server,
        proxy(certificate) as through,
        connections(tls=trusting(certificate)) as made,
        made.open(
            route_to(server.url, f"https://{through.address}"), Timings(), NEVER
        ) as connection,
    ):
        assert get(connection) == b"hello"

    assert len(through.requests) == 1
