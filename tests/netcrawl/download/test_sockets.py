"""The handler against servers that say what they like; Scrapy's own suite has the ordinary ones."""

from __future__ import annotations

import asyncio
import threading
from ipaddress import IPv4Address, IPv6Address
from time import monotonic
from typing import TYPE_CHECKING

import pytest
from scrapy import Request, signals
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    ResponseDataLossError,
    StopDownload,
    UnsupportedURLSchemeError,
)

from netcrawl.failures import UrlRefused, describe_failure
from tests.crawling import crawl, read_json
from tests.netcrawl.download.downloading import downloaded, handling
from tests.servers.certificates import Authority
from tests.servers.pages import PageServer
from tests.servers.ports import held_ports
from tests.servers.proxy import proxy
from tests.servers.scripted import PATIENCE, Client, Script, ScriptedServer, answer, chunked, head

if TYPE_CHECKING:
    from pathlib import Path

HELLO = answer(b"hello")


def saying(data: bytes) -> Script:
    """Return a script that answers one request with ``data``, and closes."""

    def script(client: Client) -> None:
        client.read_request()
        client.send(data)

    return script


def holding(data: bytes) -> Script:
    """Return a script that answers one request with ``data``, and waits."""

    def script(client: Client) -> None:
        client.read_request()
        client.send(data)
        client.wait_for_end()

    return script


# What is sent.


def test_fields_leave_in_the_order_in_which_they_were_written() -> None:
    headers = {"Zeta": "1", "Accept": ["b", "a"], "Host": "else.test", "Beta": None, "Alpha": "2"}
    with ScriptedServer(HELLO) as server:
        downloaded(
            Request(f"{server.url}/a;b?c=d#e", headers=headers),
            Request(
                f"{server.url}?",
                headers={"Zeta": "1", "Alpha": "2"},
                meta={"verbatim_url": True},
            ),
            Request(server.url, method="POST", headers={"Content-Length": ["7", "8"], "Alpha": ""}),
            Request(server.url, method="PUT", body="four", headers={"Alpha": "2"}),
        )

    assert [request.head.decode().split("\r\n")[:-2] for request in server.requests] == [
        [
            "GET /a;b?c=d HTTP/1.1",
            "Zeta: 1",
            "Accept: b",
            "Accept: a",
            "Host: else.test",
            "Alpha: 2",
        ],
        ["GET /? HTTP/1.1", f"Host: {server.address}", "Zeta: 1", "Alpha: 2"],
        ["POST / HTTP/1.1", f"Host: {server.address}", "Content-Length: 0", "Alpha: "],
        ["PUT / HTTP/1.1", f"Host: {server.address}", "Alpha: 2", "Content-Length: 4"],
    ]
    assert server.requests[3].body == b"four"


def test_a_body_leaves_in_chunks_where_that_is_asked_for() -> None:
    def script(client: Client) -> None:
        client.read_head()
        client.send(answer(client.read(14)))

    with ScriptedServer(script) as server:
        headers = {"Transfer-Encoding": "chunked", "Content-Length": "4"}
        (response,) = downloaded(Request(server.url, method="POST", body="four", headers=headers))

    assert response.body == b"4\r\nfour\r\n0\r\n\r\n"
    assert server.requests[0].field("Content-Length") is None


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(Request("http://h.test/", headers={"A": "b\r\nC: d"}), id="field value"),
        pytest.param(Request("http://h.test/", headers={"A b": "c"}), id="field name"),
        pytest.param(Request("http://h.test/", method="GET /x"), id="method"),
        pytest.param(Request("http://h.test/a b", meta={"verbatim_url": True}), id="target"),
        pytest.param(Request("http://h.test/", headers={"Host": ["a", "b"]}), id="two Hosts"),
    ],
)
def test_what_would_be_another_request_is_refused(request_: Request) -> None:
    with ScriptedServer(HELLO) as server:
        url = request_.url.replace("h.test", server.address)
        with pytest.raises(UrlRefused):
            downloaded(request_.replace(url=url))

    assert server.requests == []


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("ftp://h.test/", UnsupportedURLSchemeError),
        ("http:///x", UrlRefused),
        ("http://127.0.0.1:0/", UrlRefused),
        ("http://nobody.invalid/", CannotResolveHostError),
        (f"http://{'a' * 64}.test/", CannotResolveHostError),
        ("http://localhost:PORT/", DownloadConnectionRefusedError),
    ],
)
def test_urls_that_lead_nowhere(url: str, error: type[Exception]) -> None:
    with held_ports(1) as (port,), pytest.raises(error):
        downloaded(Request(url.replace("PORT", str(port))))


def test_a_name_that_nobody_answers_about(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()
    monkeypatch.setattr("netcrawl.download.resolving._lookup", lambda *_: gate.wait(20))
    with pytest.raises(DownloadTimeoutError, match=r"no answer about 'h\.test' within 0\.05 "):
        downloaded(Request("http://h.test/"), DNS_TIMEOUT=0.05)
    gate.set()


# What is received.


@pytest.mark.parametrize(
    ("script", "error"),
    [
        pytest.param(saying(b""), DownloadFailedError, id="nothing"),
        pytest.param(saying(head("A: b")[:-2]), DownloadFailedError, id="cut in the head"),
        pytest.param(saying(b"220 mail.test ready\r\n"), DownloadFailedError, id="not HTTP"),
        pytest.param(saying(b"\x15\x03\x01\x00\x02\x02F"), DownloadFailedError, id="TLS"),
        pytest.param(saying(HELLO[:-1]), ResponseDataLossError, id="cut in the body"),
        pytest.param(
            saying(head("Transfer-Encoding: chunked") + b"5\r\nhel"),
            ResponseDataLossError,
            id="cut in a chunk",
        ),
        pytest.param(
            saying(head("Transfer-Encoding: chunked") + chunked(b"hello", end=b"")),
            ResponseDataLossError,
            id="no last chunk",
        ),
        pytest.param(
            saying(head("Transfer-Encoding: chunked") + b"5\r\nhello!!\r\n"),
            DownloadFailedError,
            id="bad chunk",
        ),
        pytest.param(
            saying(head("Content-Length: 5", "Content-Length: 6") + b"hello!"),
            DownloadFailedError,
            id="two lengths",
        ),
        pytest.param(
            saying(head("Upgrade: h2c", status="101 Switching")), DownloadFailedError, id="101"
        ),
        pytest.param(saying(head(status="102 Wait") * 200), DownloadFailedError, id="1xx flood"),
        pytest.param(saying(head(*["A: b"] * 2000)), DownloadFailedError, id="too many fields"),
    ],
)
def test_answers_that_are_none(script: Script, error: type[Exception]) -> None:
    with ScriptedServer(script) as server, pytest.raises(error):
        downloaded(Request(server.url))


def test_a_reset_in_a_body() -> None:
    received = threading.Event()

    def script(client: Client) -> None:
        client.read_request()
        client.send(HELLO[:-1])
        # A reset may make the other side forget what it has not read.
        received.wait(PATIENCE)
        client.reset()

    with ScriptedServer(script) as server, pytest.raises(ResponseDataLossError):
        downloaded(Request(server.url), receivers=((received.set, signals.bytes_received),))


@pytest.mark.parametrize("what", [b"A: " + b"b" * 1000 + b"\r\n", b"b" * 1000, b"\r\n" * 500])
def test_a_head_without_end_is_given_up(what: bytes) -> None:
    sent = 0

    def endless(client: Client) -> None:
        nonlocal sent
        client.read_request()
        if what.strip():
            client.send(b"HTTP/1.1 200 OK\r\nA: ")
        while True:
            client.send(what)
            sent += len(what)

    with ScriptedServer(endless) as server, pytest.raises(DownloadFailedError):
        downloaded(Request(server.url))
    assert sent < 20_000_000


def test_a_head_of_drops_takes_no_longer_than_the_timeout() -> None:
    def drip(client: Client) -> None:
        client.read_request()
        client.send(b"HTTP/1.1 200 OK\r\nA: ")
        client.socket.settimeout(0.02)
        while True:
            client.send(b"b")
            try:
                if not client.socket.recv(1):
                    break
            except TimeoutError:
                pass

    began = monotonic()
    with ScriptedServer(drip) as server:
        request = Request(server.url, meta={"download_timeout": 0.4})
        with pytest.raises(DownloadTimeoutError, match=r"took longer than 0\.4 seconds"):
            downloaded(request)

    assert 0.3 < monotonic() - began < PATIENCE
    timings = request.meta["download_timings"]
    assert "first_byte" not in timings
    assert 0.3 < timings["done"] < PATIENCE


@pytest.mark.parametrize("version", ["2", "2.0"])
def test_http_2_by_name_only(version: str) -> None:
    with ScriptedServer(answer(b"hello", version=version)) as server:
        first, second = downloaded(Request(server.url), Request(server.url))

    assert first.body == second.body == b"hello"
    assert first.protocol == f"HTTP/{version}"
    assert server.connections == 2


def test_half_a_body_for_who_wants_it() -> None:
    with ScriptedServer(
        saying(head("Transfer-Encoding: chunked") + b"3\r\nfoo\r\n5\r\nb")
    ) as server:
        (response,) = downloaded(Request(server.url), DOWNLOAD_FAIL_ON_DATALOSS=False)

    assert (response.body, response.flags) == (b"foob", ["dataloss"])


@pytest.mark.parametrize(
    ("method", "said"),
    [
        ("HEAD", head("Content-Length: 1000000")),
        ("GET", head("Content-Length: 1000000", status="304 Not Modified")),
        ("GET", head(status="204 No Content")),
        ("GET", head(status="103 Early Hints") + answer()),
    ],
)
def test_answers_without_a_body(method: str, said: bytes) -> None:
    with ScriptedServer(said) as server:
        request = Request(server.url, method=method)
        first, second = downloaded(request, request.copy(), DOWNLOAD_MAXSIZE=1000)

    assert first.body == second.body == b""
    assert first.protocol == "HTTP/1.1"
    assert first.ip_address == IPv4Address("127.0.0.1")
    assert server.connections == 1


def test_a_body_of_many_chunks_and_one_of_many_bytes() -> None:
    many = head("Transfer-Encoding: chunked") + chunked(*[b"%d," % n for n in range(50_000)])
    large = bytes(range(256)) * 40_000
    with ScriptedServer((many, answer(large), head() + large)) as server:
        bodies = [r.body for r in downloaded(*(Request(f"{server.url}/{n}") for n in range(3)))]

    assert bodies == [b"".join(b"%d," % n for n in range(50_000)), large, large]


def test_a_body_without_end_is_given_up() -> None:
    sent = 0

    def endless(client: Client) -> None:
        nonlocal sent
        client.read_request()
        client.send(head())
        while True:
            client.send(b"x" * 65_536)
            sent += 65_536

    request_meta = {"download_maxsize": 100_000}
    with ScriptedServer(endless) as server, pytest.raises(DownloadCancelledError):
        downloaded(Request(server.url, meta=request_meta))
    assert sent < 50_000_000


def test_an_answer_may_come_before_the_body_was_sent() -> None:
    other = threading.Event()

    def script(client: Client) -> None:
        client.read_head()
        client.send(answer(b"no", status="413 Content Too Large"))
        if client.number == 0:
            other.wait(PATIENCE)
        other.set()

    with ScriptedServer(script) as server:
        request = Request(server.url, method="POST", body=b"x" * 30_000_000)
        first, second = downloaded(request, Request(server.url))

    assert (first.status, second.status) == (413, 413)
    assert server.connections == 2


@pytest.mark.parametrize("signal", [signals.headers_received, signals.bytes_received])
@pytest.mark.parametrize("fail", [True, False])
def test_a_signal_stops_a_download(signal: object, fail: bool) -> None:
    def stop() -> None:
        raise StopDownload(fail=fail)

    with ScriptedServer(holding(head("Content-Length: 100") + b"some")) as server:
        request = Request(server.url)
        if fail:
            with pytest.raises(StopDownload) as caught:
                downloaded(request, receivers=((stop, signal),))
            response = caught.value.response
        else:
            (response,) = downloaded(request, receivers=((stop, signal),))

    assert response is not None
    assert response.flags == ["download_stopped"]
    assert response.body == (b"some" if signal is signals.bytes_received else b"")


# Connections.


def test_a_connection_is_used_again() -> None:
    with ScriptedServer(HELLO) as server:
        requests = [Request(f"{server.url}/{n}") for n in range(10)]
        assert [r.body for r in downloaded(*requests)] == [b"hello"] * 10
        assert server.connections == 1

        both = [Request(server.url, headers={"Connection": "close"}), Request(server.url)]
        downloaded(*both)
        assert server.connections == 3

    assert {"resolve", "connect", "first_byte", "done"} == set(requests[0].meta["download_timings"])
    assert {"first_byte", "done"} == set(requests[9].meta["download_timings"])
    for request in requests:
        timings = request.meta["download_timings"]
        assert 0 < timings["first_byte"] <= timings["done"] < PATIENCE
        assert 0 < request.meta["download_latency"] <= timings["done"]


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(HELLO + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", id="two answers"),
        pytest.param(HELLO + b"\r\n", id="garbage"),
        pytest.param(answer(b"hello", "Connection: close"), id="close"),
        pytest.param(answer(b"hello", version="1.0"), id="HTTP/1.0"),
        pytest.param(answer(b"hello", "no field"), id="bad field"),
        pytest.param(
            head("Transfer-Encoding: chunked", "Content-Length: 5") + chunked(b"hello"),
            id="two framings",
        ),
    ],
)
def test_a_connection_is_used_again_only_when_it_is_clean(said: bytes) -> None:
    with ScriptedServer(said) as server:
        responses = downloaded(Request(server.url), Request(server.url))

    assert [response.body for response in responses] == [b"hello", b"hello"]
    assert server.connections == 2


def test_what_comes_unasked_ends_a_connection() -> None:
    spoken = threading.Event()

    def script(client: Client) -> None:
        client.read_request()
        client.send(HELLO)
        if client.number == 0:
            spoken.wait(PATIENCE)
            client.send(answer(b"evil", status="408 Request Timeout"))
        client.wait_for_end()

    async def run(url: str) -> list[bytes]:
        async with handling() as handler:
            first = await handler.download_request(Request(url))
            spoken.set()
            while len(handler._pool):
                await asyncio.sleep(0.01)
            second = await handler.download_request(Request(url))
        return [first.body, second.body]

    with ScriptedServer(script) as server:
        assert asyncio.run(run(server.url)) == [b"hello", b"hello"]


def closing_the_first(client: Client) -> None:
    client.read_request()
    client.send(HELLO)
    if client.read_request() is not None and client.number > 0:
        client.send(HELLO)


def test_a_connection_that_was_closed_meanwhile_is_made_up_for_once() -> None:
    with ScriptedServer(closing_the_first) as server:
        first, second = downloaded(Request(f"{server.url}/1"), Request(f"{server.url}/2"))

    assert first.body == second.body == b"hello"
    assert [request.target for request in server.requests] == ["/1", "/2", "/2"]


LATE = answer(b"late", "Connection: close", status="408 Request Timeout")


@pytest.mark.parametrize(
    ("late", "method", "statuses"),
    [
        pytest.param(LATE, "GET", [200, 200], id="asked again"),
        pytest.param(LATE, "PUT", [200, 200], id="with a body"),
        pytest.param(LATE, "POST", [200, 408], id="may have been done"),
        pytest.param(answer(b"", status="408 Late"), "GET", [200, 408], id="no close"),
        pytest.param(
            answer(b"", version="1.0", status="408 Late"), "GET", [200, 200], id="HTTP/1.0"
        ),
        pytest.param(answer(b"", "Connection: close"), "GET", [200, 200], id="no 408"),
    ],
)
def test_a_server_that_was_tired_of_waiting_is_asked_again(
    late: bytes, method: str, statuses: list[int]
) -> None:
    with ScriptedServer((HELLO, late), HELLO) as server:
        body = b"body" if method in ("PUT", "POST") else b""
        responses = downloaded(
            Request(f"{server.url}/1"), Request(f"{server.url}/2", method=method, body=body)
        )

    assert [response.status for response in responses] == statuses
    again = late is LATE or b"1.0 408" in late
    targets = ["/1", "/2", "/2"] if again and method != "POST" else ["/1", "/2"]
    assert [request.target for request in server.requests] == targets
    assert server.requests[-1].body == body


def test_a_server_that_is_always_late_is_believed() -> None:
    with ScriptedServer(LATE) as server:
        (response,) = downloaded(Request(server.url))

    assert (response.status, response.body) == (408, b"late")
    assert server.connections == 1


def test_what_may_have_been_done_is_not_done_twice() -> None:
    with ScriptedServer(closing_the_first) as server, pytest.raises(DownloadFailedError):
        downloaded(Request(f"{server.url}/1"), Request(f"{server.url}/2", method="POST"))

    assert [request.target for request in server.requests] == ["/1", "/2"]


def test_what_was_half_answered_is_not_asked_again() -> None:
    def script(client: Client) -> None:
        client.read_request()
        client.send(HELLO)
        client.read_request()
        client.send(b"HTTP/1.1 2")

    with ScriptedServer(script) as server, pytest.raises(DownloadFailedError):
        downloaded(Request(server.url), Request(server.url))

    assert server.connections == 1


def test_connections_for_several_at_a_time() -> None:
    async def run(url: str) -> int:
        async with handling(CONCURRENT_REQUESTS=6, CONCURRENT_REQUESTS_PER_DOMAIN=4) as handler:
            for _ in range(3):
                requests = [handler.download_request(Request(url)) for _ in range(10)]
                assert {r.body for r in await asyncio.gather(*requests)} == {b"hello"}
            return len(handler._pool)

    with ScriptedServer(HELLO) as server:
        assert asyncio.run(run(server.url)) == 4


def test_a_download_that_nobody_waits_for_is_given_up() -> None:
    closed = threading.Event()
    asked = threading.Event()

    def script(client: Client) -> None:
        client.read_request()
        client.send(head("Content-Length: 100") + b"some")
        asked.set()
        client.wait_for_end()
        closed.set()

    async def run(url: str) -> None:
        async with handling() as handler:
            download = asyncio.create_task(handler.download_request(Request(url)))
            assert await asyncio.to_thread(asked.wait, PATIENCE)
            download.cancel()
            with pytest.raises(asyncio.CancelledError):
                await download
            assert await asyncio.to_thread(closed.wait, PATIENCE)

    with ScriptedServer(script) as server:
        asyncio.run(run(server.url))


def test_the_end_of_the_handler_is_the_end_of_its_downloads() -> None:
    async def run(url: str) -> None:
        async with handling() as handler:
            download = asyncio.create_task(handler.download_request(Request(url)))
            while not len(handler._pool):
                await asyncio.sleep(0.01)
            await handler.close()
            with pytest.raises(DownloadFailedError):
                await download

    with ScriptedServer(holding(b"")) as server:
        asyncio.run(run(server.url))


def test_ipv6_and_the_address_that_is_bound_to() -> None:
    async def run() -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer(writer.get_extra_info("peername")[0].encode(), "Connection: close"))
            writer.close()

        async with handling(DOWNLOAD_BIND_ADDRESS="127.0.0.3") as handler:
            server = await asyncio.start_server(serve, "127.0.0.1", 0)
            async with server:
                port = server.sockets[0].getsockname()[1]
                url = f"http://127.0.0.1:{port}/"
                assert (await handler.download_request(Request(url))).body == b"127.0.0.3"
                bound = Request(url, meta={"bindaddress": ("127.0.0.4", 0)})
                assert (await handler.download_request(bound)).body == b"127.0.0.4"
                with pytest.raises(DownloadFailedError, match="no address of the family"):
                    await handler.download_request(Request(f"http://[::1]:{port}/"))
        async with handling() as handler:
            try:
                server = await asyncio.start_server(serve, "::1", 0)
            except OSError:
                pytest.skip("no IPv6 here")
            async with server:
                port = server.sockets[0].getsockname()[1]
                response = await handler.download_request(Request(f"http://[::1]:{port}/"))
                assert response.ip_address == IPv6Address("::1")

    asyncio.run(run())


# TLS and proxies.


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def certificate(authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a certificate that is trusted."""
    path = tmp_path / "server.pem"
    authority.issue(path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
    return path


def test_tls(certificate: Path) -> None:
    with ScriptedServer(HELLO, certificate=certificate) as server:
        requests = [Request(server.url), Request(server.url.replace("127.0.0.1", "localhost"))]
        first, second = downloaded(*requests, DOWNLOAD_VERIFY_CERTIFICATES=True)

    assert first.body == second.body == b"hello"
    assert isinstance(first.certificate, bytes)
    assert requests[0].meta["download_timings"]["tls"] > 0


@pytest.mark.parametrize("value", [None, "scrapy.core.downloader.contextfactory.Some"])
def test_a_setting_that_is_not_used_is_named(
    value: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    given = {"DOWNLOADER_CLIENTCONTEXTFACTORY": value} if value else {}
    with ScriptedServer(HELLO) as server:
        downloaded(Request(server.url), **given)

    said = [record.getMessage() for record in caplog.records]
    assert [text.split()[0] for text in said] == list(given)


@pytest.mark.usefixtures("certificate")
def test_certificates(authority: Authority, tmp_path: Path) -> None:
    authority.issue(tmp_path / "other.pem", "other.test")
    with ScriptedServer(HELLO, certificate=tmp_path / "other.pem") as server:
        assert downloaded(Request(server.url))[0].body == b"hello"
        with pytest.raises(DownloadFailedError) as caught:
            downloaded(Request(server.url), DOWNLOAD_VERIFY_CERTIFICATES=True)

    assert "is not trusted" in describe_failure(caught.value, Request(server.url))


def test_a_handshake_with_who_speaks_no_tls() -> None:
    with ScriptedServer(holding(b"")) as server:
        url = server.url.replace("http:", "https:")
        with pytest.raises(DownloadTimeoutError):
            downloaded(Request(url, meta={"download_timeout": 0.3}))
    with (
        ScriptedServer(lambda client: client.send(HELLO)) as server,
        pytest.raises(DownloadFailedError),
    ):
        downloaded(Request(server.url.replace("http:", "https:")))


def test_a_body_over_tls_that_is_cut(certificate: Path) -> None:
    with (
        ScriptedServer(saying(HELLO[:-1]), certificate=certificate) as server,
        pytest.raises(ResponseDataLossError),
    ):
        downloaded(Request(server.url))


SECRET = {"Proxy-Authorization": "Basic c2VjcmV0"}


@pytest.mark.parametrize("proxy_has_tls", [False, True])
@pytest.mark.parametrize("origin_has_tls", [False, True])
def test_proxies(proxy_has_tls: bool, origin_has_tls: bool, certificate: Path) -> None:
    with (
        ScriptedServer(HELLO, certificate=certificate if origin_has_tls else None) as server,
        proxy(certificate if proxy_has_tls else None) as between,
    ):
        meta = {"proxy": between.url}
        requests = [Request(f"{server.url}/{n}", headers=SECRET, meta=meta) for n in range(2)]
        responses = downloaded(*requests, DOWNLOAD_VERIFY_CERTIFICATES=True)

    assert [response.body for response in responses] == [b"hello", b"hello"]
    assert (responses[0].certificate is not None) is origin_has_tls
    assert ("tls" in requests[0].meta["download_timings"]) is (proxy_has_tls or origin_has_tls)
    assert between.requests[0].field("Proxy-Authorization") == SECRET["Proxy-Authorization"]
    assert [request.target for request in server.requests] == ["/0", "/1"]
    if origin_has_tls:
        assert [request.line for request in between.requests] == [
            f"CONNECT {server.address} HTTP/1.1"
        ]
        assert server.requests[0].field("Proxy-Authorization") is None
    else:
        targets = [request.target for request in between.requests]
        assert targets == [f"{server.url}/0", f"{server.url}/1"]


def test_a_proxys_secret_is_for_no_origin_and_for_no_other_tunnel(certificate: Path) -> None:
    with ScriptedServer(HELLO) as server:
        downloaded(Request(server.url, headers=SECRET))
    assert server.requests[0].field("Proxy-Authorization") is None

    with ScriptedServer(HELLO, certificate=certificate) as server, proxy() as between:
        meta = {"proxy": between.address}
        downloaded(
            Request(server.url, headers=SECRET, meta=meta),
            Request(server.url, meta=meta),
        )
    assert [request.field("Proxy-Authorization") for request in between.requests] == [
        SECRET["Proxy-Authorization"],
        None,
    ]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (answer(status="407 Proxy Authentication Required"), "407 Proxy Authentication Required"),
        (head() + b"and more", "more than an answer to CONNECT"),
        (b"220 mail\r\n", "no tunnel"),
        (b"", "no tunnel"),
    ],
)
def test_a_proxy_that_does_not_connect(said: bytes, told: str) -> None:
    with ScriptedServer(saying(said)) as between:
        request = Request("https://h.test/", meta={"proxy": between.url})
        with pytest.raises(DownloadFailedError, match=told):
            downloaded(request)


def test_a_proxy_of_another_kind() -> None:
    with pytest.raises(UnsupportedURLSchemeError, match="socks5"):
        downloaded(Request("http://h.test/", meta={"proxy": "socks5://127.0.0.1:1"}))


# Under a crawl.


@pytest.mark.parametrize("reactor", ["True", "False"])
def test_a_crawl(reactor: str, tmp_path: Path) -> None:
    pages = {"/": "<a href=/a>one</a> <a href=/gone>two</a>", "/a": "three"}
    with PageServer({**pages}) as server:
        done = crawl(
            *("words", "-a", f"url={server.url}/", "-a", "depth=1", "-O", tmp_path / "x.json"),
            *("-s", f"TWISTED_REACTOR_ENABLED={reactor}", "-s", "LOG_LEVEL=DEBUG"),
        )

    assert "Traceback" not in done.stderr
    assert "'download_timings/first_byte/p50': 0." in done.stderr
    assert "'download_timings/tls/p50'" not in done.stderr
    assert {row["word"] for row in read_json(tmp_path / "x.json")} == {"one", "two", "three"}


def test_a_crawl_under_a_reactor_without_asyncio() -> None:
    reactor = "twisted.internet.selectreactor.SelectReactor"
    done = crawl("links", "-s", f"TWISTED_REACTOR={reactor}")

    assert done.status == 1
    assert "Traceback" not in done.stderr
    assert "SocketDownloadHandler needs asyncio: leave TWISTED_REACTOR as it is" in done.last_line
