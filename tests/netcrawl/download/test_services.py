"""The handler by itself, and a crawl through a hole that others have dug."""

from __future__ import annotations

import asyncio
import threading
from time import monotonic
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from scrapy import Request
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    NotConfigured,
    ResponseDataLossError,
)
from scrapy.http import HtmlResponse, Response, TextResponse
from scrapy.http.request import NO_CALLBACK
from scrapy.settings import Settings

from netcrawl.download.services import ServiceDownloadHandler
from netcrawl.extract.anchors import follow_links
from netcrawl.failures import UrlRefused, describe_failure
from netcrawl.settings import DOWNLOAD_HANDLERS
from tests.crawling import crawl, read_json
from tests.machine import needs_programs
from tests.servers.gopher import BLOB, PROGRAMS, gophernicus
from tests.servers.ports import held_ports
from tests.servers.scripted import PATIENCE, Client, Script, ScriptedServer

if TYPE_CHECKING:
    from pathlib import Path

    from scrapy.crawler import Crawler


def handler(**settings: Any) -> ServiceDownloadHandler:
    given = {"DOWNLOAD_MAXSIZE": 1000, **settings}
    return ServiceDownloadHandler(cast("Crawler", SimpleNamespace(settings=Settings(given))))


def downloaded(request: Request, **settings: Any) -> Response:
    request.meta.setdefault("download_timeout", PATIENCE)
    return asyncio.run(handler(**settings).download_request(request))


def saying(data: bytes) -> Script:
    def script(client: Client) -> None:
        client.socket.recv(4096)
        client.send(data)

    return script


def silent(client: Client) -> None:
    client.wait_for_end()


def endless(client: Client) -> None:
    client.socket.recv(4096)
    while True:
        client.send(b"ix\r\n" * 100)


def broken(client: Client) -> None:
    client.socket.recv(4096)
    client.send(b"0half\t")
    client.reset()


@pytest.mark.parametrize(
    ("path", "kind", "content_type"),
    [
        ("/0/x", TextResponse, b"text/plain"),
        ("/h/x", HtmlResponse, b"text/html"),
        ("/9/x", Response, b"application/octet-stream"),
        ("/M/x", Response, b"message/rfc822"),
    ],
)
def test_what_comes_is_a_response_of_its_kind(
    path: str, kind: type[Response], content_type: bytes
) -> None:
    with ScriptedServer(saying(b"caf\xc3\xa9 <b>")) as server:
        response = downloaded(Request(f"gopher://{server.address}{path}"))

    assert type(response) is kind
    assert response.body == b"caf\xc3\xa9 <b>"
    assert response.status == 200
    assert response.headers["Content-Type"] == content_type


MENU = (
    b"i</pre><a href='http://evil.test/'>no link</a> &lt;\r\n"
    b'1<script>\t/a"><b>\t127.0.0.1\t70\r\n'
    b"hWeb\tURL:http://x.test/?a=1&b='\t127.0.0.1\t70\r\n"
    b"hNothing\tURL:javascript:alert(1)\t127.0.0.1\t70\r\n"
    b"8Login\t\t127.0.0.1\t23\r\n"
    b"0\x1b[2J\x00caf\xe9\t/\xe9\t127.0.0.1\t70\r\n.\r\n"
)


def test_a_menu_is_a_page_whose_text_is_only_text() -> None:
    with ScriptedServer(saying(MENU)) as server:
        url = f"gopher://{server.address}/"
        page = downloaded(Request(url))
        file = downloaded(Request(url, callback=NO_CALLBACK))

    assert isinstance(page, HtmlResponse)
    assert page.css("title::text").get() == url
    assert [(link.attrib["href"], link.css("::text").get()) for link in page.css("a")] == [
        ("gopher://127.0.0.1/1/a%22%3E%3Cb%3E", "<script>"),
        ("http://x.test/?a=1&b='", "Web"),
        ("javascript:alert(1)", "Nothing"),
        ("telnet://127.0.0.1:23/", "Login"),
        ("gopher://127.0.0.1/0/%E9", r"\x1b[2J\x00café"),
    ]
    assert "</pre><a href='http://evil.test/'>no link</a> &lt;" in page.css("pre").xpath(
        "string()"
    ).get(default="")
    assert list(follow_links(page)) == [
        "gopher://127.0.0.1/1/a%22%3E%3Cb%3E",
        "http://x.test/?a=1&b='",
        "gopher://127.0.0.1/0/%E9",
    ]
    assert (file.body, file.headers["Content-Type"]) == (MENU, b"text/gopher")


@pytest.mark.parametrize(
    ("script", "path", "error", "told"),
    [
        pytest.param(
            saying(b"3gone\t\te\t1\r\n"), "/1/x", UrlRefused, "refuses: gone", id="refusal"
        ),
        pytest.param(endless, "/", DownloadCancelledError, "larger than DOWNLOAD_MAXSIZE", id="n"),
        pytest.param(saying(b""), "/", ResponseDataLossError, "before it was complete", id="cut"),
        pytest.param(broken, "/9/x", DownloadFailedError, "the connection broke", id="reset"),
        pytest.param(saying(b"x" * 20_000), "/", UrlRefused, "a line of more than", id="no menu"),
    ],
)
def test_errors_are_scrapys(script: Script, path: str, error: type[Exception], told: str) -> None:
    size = 1000 if error is DownloadCancelledError else 100_000
    with ScriptedServer(script) as server:
        request = Request(f"gopher://{server.address}{path}")
        with pytest.raises(error) as caught:
            downloaded(request, DOWNLOAD_MAXSIZE=size)

    assert told in describe_failure(caught.value, request)
    assert "\n" not in str(caught.value)


def test_a_page_may_not_be_larger_than_a_menu() -> None:
    with (
        ScriptedServer(saying(b"i" + b"'" * 990 + b"\r\n")) as server,
        pytest.raises(DownloadCancelledError),
    ):
        downloaded(Request(f"gopher://{server.address}/"))


def test_errors_before_anything_is_said() -> None:
    with held_ports(1) as (port,), pytest.raises(DownloadConnectionRefusedError):
        downloaded(Request(f"gopher://127.0.0.1:{port}/"))
    with pytest.raises(CannotResolveHostError):
        downloaded(Request("gopher://nobody.invalid/"))
    with pytest.raises(UrlRefused, match="type i is no page"):
        downloaded(Request("gopher://127.0.0.1:1/i"))
    with pytest.raises(UrlRefused, match="no proxy leads to this service"):
        downloaded(Request("gopher://127.0.0.1:1/", meta={"proxy": "http://127.0.0.1:2"}))


def test_the_timeout_is_for_all_of_it_and_the_loop_goes_on_meanwhile() -> None:
    async def both(url: str) -> int:
        request = Request(url, meta={"download_timeout": 1})
        download = asyncio.create_task(handler().download_request(request))
        ticks = 0
        while not download.done():
            await asyncio.sleep(0.01)
            ticks += 1
        with pytest.raises(DownloadTimeoutError):
            await download
        return ticks

    with ScriptedServer(silent) as server:
        began = monotonic()
        ticks = asyncio.run(both(f"gopher://{server.address}/"))

    assert ticks > 5
    assert 0.95 < monotonic() - began < PATIENCE


def test_a_download_that_nobody_waits_for_is_given_up() -> None:
    answered = threading.Event()

    def slow(client: Client) -> None:
        client.socket.recv(4096)
        answered.set()
        client.socket.settimeout(0.02)
        while True:
            client.send(b"x")
            try:
                if not client.socket.recv(1):
                    break
            except TimeoutError:
                pass

    async def cancelled(url: str, downloads: ServiceDownloadHandler) -> None:
        request = Request(url, meta={"download_timeout": 10 * PATIENCE})
        download = asyncio.create_task(downloads.download_request(request))
        assert await asyncio.to_thread(answered.wait, PATIENCE)
        download.cancel()
        with pytest.raises(asyncio.CancelledError):
            await download
        await downloads.close()

    began = monotonic()
    with ScriptedServer(slow) as server:
        asyncio.run(cancelled(f"gopher://{server.address}/9/x", handler()))
        for thread in threading.enumerate():
            if thread.name == "download":
                thread.join(PATIENCE)
                assert not thread.is_alive()

    assert monotonic() - began < PATIENCE


def test_what_is_large_is_told(caplog: pytest.LogCaptureFixture) -> None:
    with ScriptedServer(saying(b"x" * 200)) as server:
        downloaded(Request(f"gopher://{server.address}/9/x"), DOWNLOAD_WARNSIZE=100)

    assert caplog.messages == [f"gopher://{server.address}/9/x has more than 100 bytes"]


def test_a_name_is_handed_on() -> None:
    with ScriptedServer(saying(b"x")) as server:
        response = downloaded(Request(f"gopher://{server.address}/9/a/b%22%0Bc.bin"))

    assert response.headers["Content-Disposition"] == (b"attachment; filename*=UTF-8''b%22%0Bc.bin")


def test_the_setting_for_tls() -> None:
    with pytest.raises(UrlRefused, match="gophers:// is encrypted"):
        downloaded(Request("gopher://127.0.0.1:1/"), SERVICE_TLS="require")
    with pytest.raises(NotConfigured, match="it takes one of auto, require, off"):
        handler(SERVICE_TLS="perhaps")


def test_scrapy_knows_the_handler() -> None:
    name = f"{ServiceDownloadHandler.__module__}.{ServiceDownloadHandler.__name__}"
    assert {"gopher", "gophers", "pop3", "pop3s", "imap", "imaps", "nntp", "nntps", "ftps"} == {
        scheme for scheme, handler in DOWNLOAD_HANDLERS.items() if handler == name
    }


@needs_programs(*PROGRAMS)
def test_a_walk_through_a_hole(tmp_path: Path) -> None:
    with gophernicus() as hole:
        done = crawl(
            *("links", "-a", f"url={hole.plain}/", "-a", "depth=2"),
            *("-O", tmp_path / "x.json"),
        )
        copied = crawl(
            *("files", "-a", f"url={hole.plain}/9/blob.bin {hole.plain}/9/nosuch"),
            *("-a", f"store={tmp_path}/files", "-O", tmp_path / "y.json"),
        )
    links = read_json(tmp_path / "x.json")

    assert done.status == 0, done.stderr
    assert "robots.txt" not in done.stderr
    pages = [f"{hole.plain}{path}" for path in ("/", "/1/", "/1/sub", "/h/page.html")]
    assert sorted({link["page"] for link in links}) == pages
    assert [link["text"] for link in links if link["page"] == pages[0]] == [
        *("Romeo", "Sub menu", "Blob", "Web", "Page", "Elsewhere", "Search")
    ]
    assert "3 outside of the host" in done.stderr
    assert "2 not HTML but 'text/plain'" in done.stderr, "the text in the menu below, too"

    blob, missing = sorted(read_json(tmp_path / "y.json"), key=lambda item: item["status"])
    assert (tmp_path / "files" / blob["path"]).read_bytes() == BLOB
    assert missing["status"] == "failed"
    assert missing["problem"].startswith(f"{hole.plain}/9/nosuch cannot be retrieved: ")
    assert "refuses: Error: File or directory not found!" in missing["problem"]
    assert "Retrying" not in copied.stderr
