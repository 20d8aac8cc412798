"""Bodies that go to disk, by way of the handler."""

from __future__ import annotations

import asyncio
import gc
import gzip
import hashlib
import threading
import time
from collections.abc import Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from scrapy import Request, signals
from scrapy.exceptions import (
    DownloadCancelledError,
    DownloadFailedError,
    DownloadTimeoutError,
    ResponseDataLossError,
    StopDownload,
)
from scrapy.http.request import NO_CALLBACK
from scrapy.utils.test import get_crawler

from netcrawl.download import bodies, spool
from netcrawl.download.compression import FileCompressionMiddleware
from netcrawl.download.spool import SpoolFile
from netcrawl.download.spooled import SpooledResponse
from netcrawl.failures import DiskError, NoRoom, describe_failure
from sockettools.browser.decoding import ACCEPT_ENCODING
from tests.netcrawl.download.downloading import handling
from tests.netcrawl.download.test_sockets import holding, saying
from tests.netcrawl.download.test_spool import limited_to
from tests.servers.scripted import Client, ScriptedServer, answer, chunked, head

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from scrapy.http import Response

BODY = b"what is worth keeping\n" * 200_000  # some batches
PACKED = gzip.compress(BODY)

Receivers = tuple[tuple[Callable[..., object], object], ...]


@asynccontextmanager
async def downloaded(
    request: Request, folder: Path, *receivers: Any, **settings: Any
) -> AsyncIterator[Response]:
    """Give the response while there is a handler; see that nothing is left of it then."""
    settings = {"DOWNLOAD_SPOOL_DIR": str(folder), "DOWNLOAD_RESUME_TIMES": 0, **settings}
    async with handling(*receivers, **settings) as handler:
        yield await handler.download_request(request)
    assert [*folder.iterdir()] == []


def check(
    request: Request,
    folder: Path,
    body: bytes = BODY,
    receivers: Receivers = (),
    **settings: Any,
) -> Response:
    """Download into a file, and look at that."""

    async def run() -> Response:
        async with downloaded(request, folder, *receivers, **settings) as response:
            assert isinstance(response, SpooledResponse)
            assert response.body == b""
            assert response.body_path.read_bytes() == body
            assert response.body_size == len(body)
            assert response.body_sha256 == hashlib.sha256(body).hexdigest()
            return response

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        pytest.param(BODY, answer(BODY), id="length"),
        pytest.param(
            BODY,
            head("Transfer-Encoding: chunked") + chunked(BODY[:70_000], BODY[70_000:]),
            id="chunks",
        ),
        pytest.param(BODY, head() + BODY, id="until the end"),
        pytest.param(b"", answer(), id="nothing"),
        pytest.param(b"", head(status="204 None"), id="204"),
        pytest.param(b"none", answer(b"none", status="404 Not Found"), id="404"),
        pytest.param(BODY, answer(PACKED, "Content-Encoding: gzip"), id="gzip"),
        pytest.param(PACKED, answer(PACKED, "Content-Encoding: br"), id="unknown coding"),
    ],
)
def test_a_body_on_disk(body: bytes, sent: bytes, tmp_path: Path) -> None:
    with ScriptedServer(saying(sent)) as server:
        check(Request(server.url, meta={"spool": True}), tmp_path, body)


@pytest.mark.parametrize(
    ("meta", "fields", "is_decoded"),
    [
        ({}, {}, True),
        ({"spool_raw": False}, {}, True),
        ({"spool_raw": True}, {}, False),
        ({}, {"Accept-Encoding": "identity"}, True),
    ],
)
def test_decoded_or_not(
    meta: dict[str, Any], fields: dict[str, str], is_decoded: bool, tmp_path: Path
) -> None:
    with ScriptedServer(answer(PACKED, "Content-Encoding: gzip")) as server:
        request = Request(server.url, headers=fields, meta={"spool": True, **meta})
        response = check(request, tmp_path, BODY if is_decoded else PACKED)

    assert ("Content-Encoding" in response.headers) != is_decoded


def test_a_file_that_is_gzip_stays_what_its_name_says(tmp_path: Path) -> None:
    with ScriptedServer(answer(PACKED, "Content-Encoding: gzip")) as server:
        request = Request(
            f"{server.url}/a.tgz", headers={"Accept-Encoding": "identity"}, meta={"spool": True}
        )
        check(request, tmp_path, PACKED)


def test_without_scrapys_compression_nothing_is_decoded(tmp_path: Path) -> None:
    with ScriptedServer(answer(PACKED, "Content-Encoding: gzip")) as server:
        request = Request(server.url, meta={"spool": True})
        check(request, tmp_path, PACKED, COMPRESSION_ENABLED=False)


def test_the_middleware_leaves_files_alone(tmp_path: Path) -> None:
    async def run() -> None:
        middleware = FileCompressionMiddleware.from_crawler(get_crawler())
        with ScriptedServer(answer(PACKED, "Content-Encoding: gzip")) as server:
            request = Request(server.url, meta={"spool": True, "spool_raw": True})
            middleware.process_request(request)
            assert request.headers["Accept-Encoding"] == ACCEPT_ENCODING.encode()
            async with downloaded(request, tmp_path) as response:
                assert middleware.process_response(request, response) is response

    asyncio.run(run())


# Which bodies.


@pytest.mark.parametrize(
    ("given", "size", "is_on_disk"),
    [
        pytest.param({}, 1000, False, id="small enough"),
        pytest.param({}, 1001, True, id="too large"),
        pytest.param({"meta": {"spool": False}}, 1001, False, id="not wanted"),
        pytest.param({"meta": {"spool": True}}, 1, True, id="wanted"),
        pytest.param({"callback": NO_CALLBACK}, 1001, False, id="robots.txt, for one"),
    ],
)
@pytest.mark.parametrize("is_announced", [True, False])
def test_large_ones(
    given: dict[str, Any], size: int, is_on_disk: bool, is_announced: bool, tmp_path: Path
) -> None:
    body = b"x" * size

    def script(client: Client) -> None:
        client.read_request()
        if is_announced:
            client.send(answer(body))
            return
        client.send(head() + body[:500])
        client.send(body[500:])

    async def run() -> None:
        request = Request(server.url, **given)
        async with downloaded(request, tmp_path, DOWNLOAD_SPOOL_SIZE=1000) as response:
            assert isinstance(response, SpooledResponse) == is_on_disk
            assert (response.body_path.read_bytes() if is_on_disk else response.body) == body
            assert request.meta.get("dont_cache", False) == is_on_disk

    with ScriptedServer(script) as server:
        asyncio.run(run())


@pytest.mark.parametrize(
    ("meta", "settings", "is_taken"),
    [
        ({}, {"DOWNLOAD_MAXSIZE": 10}, True),
        ({}, {"DOWNLOAD_SPOOL_MAXSIZE": 10}, False),
        ({"download_maxsize": 10}, {}, False),
        ({"download_maxsize": 0}, {"DOWNLOAD_SPOOL_MAXSIZE": 10}, True),
        ({"download_maxsize": 10, "spool_maxsize": len(BODY)}, {}, True),
        ({"download_maxsize": len(BODY), "spool_maxsize": 10}, {}, False),
    ],
)
@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(answer(BODY), id="announced"),
        pytest.param(head() + BODY, id="not announced"),
        pytest.param(answer(PACKED, "Content-Encoding: gzip"), id="decoded"),
    ],
)
def test_limits(
    sent: bytes, meta: dict[str, Any], settings: dict[str, Any], is_taken: bool, tmp_path: Path
) -> None:
    with ScriptedServer(saying(sent)) as server:
        request = Request(server.url, meta={"spool": True, **meta})
        if is_taken:
            check(request, tmp_path, **settings)
        else:
            with pytest.raises(DownloadCancelledError):
                check(request, tmp_path, **settings)
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


def test_only_a_request_itself_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with ScriptedServer(answer(BODY)) as server:
        request = Request(server.url, meta={"spool": True})
        check(request, tmp_path, DOWNLOAD_WARNSIZE=10)
        assert "warn size" not in caplog.text
        check(request.replace(meta={"spool": True, "download_warnsize": 10}), tmp_path)
        assert "warn size (10)" in caplog.text


# Where it is not all of it.


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        pytest.param(answer(BODY)[:-1], ResponseDataLossError, id="cut"),
        pytest.param(
            answer(PACKED[:-9], "Content-Encoding: gzip"), ResponseDataLossError, id="cut in gzip"
        ),
        pytest.param(
            answer(BODY, "Content-Encoding: gzip"), DownloadFailedError, id="not gzip at all"
        ),
        pytest.param(
            answer(gzip.compress(bytes(spool.MAX_GROWN + 1)), "Content-Encoding: gzip"),
            DownloadCancelledError,
            id="bomb",
        ),
        pytest.param(
            head("Transfer-Encoding: chunked") + b"5\r\nhello!!\r\n", DownloadFailedError, id="bad"
        ),
    ],
)
def test_nothing_stays_of_what_failed(sent: bytes, error: type[Exception], tmp_path: Path) -> None:
    with ScriptedServer(saying(sent)) as server, pytest.raises(error):
        check(Request(server.url, meta={"spool": True}), tmp_path)


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(answer(BODY)[:-9], id="cut"),
        pytest.param(answer(PACKED[:-9], "Content-Encoding: gzip"), id="cut in gzip"),
    ],
)
def test_half_of_a_body_where_that_is_enough(sent: bytes, tmp_path: Path) -> None:
    async def run() -> None:
        request = Request(server.url, meta={"spool": True, "download_fail_on_dataloss": False})
        async with downloaded(request, tmp_path) as response:
            assert isinstance(response, SpooledResponse)
            assert response.flags == ["dataloss"]
            there = response.body_path.read_bytes()
            assert len(there) > 1000
            assert BODY.startswith(there)
            assert response.body_sha256 == hashlib.sha256(there).hexdigest()

    with ScriptedServer(saying(sent)) as server:
        asyncio.run(run())


@pytest.mark.parametrize("fails", [True, False])
@pytest.mark.parametrize("signal", [signals.headers_received, signals.bytes_received])
def test_stopped(signal: object, fails: bool, tmp_path: Path) -> None:
    def stop() -> None:
        raise StopDownload(fail=fails)

    def look_at(response: Response | None) -> None:
        assert isinstance(response, SpooledResponse)
        assert response.flags == ["download_stopped"]
        there = response.body_path.read_bytes()
        assert BODY.startswith(there)
        assert bool(there) == (signal is signals.bytes_received)

    async def run() -> None:
        request = Request(server.url, meta={"spool": True})
        async with downloaded(request, tmp_path, (stop, signal)) as response:
            look_at(response)

    async def run_failing() -> None:
        settings: dict[str, Any] = {"DOWNLOAD_SPOOL_DIR": str(tmp_path)}
        async with handling((stop, signal), **settings) as handler:
            with pytest.raises(StopDownload) as caught:
                await handler.download_request(Request(server.url, meta={"spool": True}))
            look_at(caught.value.response)
        # Somebody still has the response; but nothing stays behind a crawl.
        assert [*tmp_path.iterdir()] == []

    with ScriptedServer(answer(BODY)) as server:
        asyncio.run(run_failing() if fails else run())


def test_a_download_that_takes_too_long(tmp_path: Path) -> None:
    with (
        ScriptedServer(holding(answer(BODY)[:-1])) as server,
        pytest.raises(DownloadTimeoutError),
    ):
        check(Request(server.url, meta={"spool": True, "download_timeout": 0.5}), tmp_path)
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


def test_a_full_disk(tmp_path: Path) -> None:
    with ScriptedServer(answer(BODY)) as server, limited_to(2_000_000):
        request = Request(server.url, meta={"spool": True})
        with pytest.raises(DiskError) as caught:
            check(request, tmp_path)

    assert describe_failure(caught.value, request) == (
        f"{server.url} cannot be retrieved: the body cannot be written into {tmp_path} "
        "(DOWNLOAD_SPOOL_DIR): File too large"
    )


def test_more_than_there_is_room_for(tmp_path: Path) -> None:
    with ScriptedServer(holding(head("Content-Length: 1000000000000000") + BODY)) as server:
        request = Request(server.url, meta={"spool": True, "spool_maxsize": 0})
        with pytest.raises(NoRoom) as caught:
            check(request, tmp_path)

    assert "no room for 1000000000000000 more bytes" in describe_failure(caught.value, request)


def test_a_disk_that_keeps_one_waiting_keeps_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_write = threading.Event()
    write = SpoolFile.write

    def slowly(file: SpoolFile, pieces: list[bytes]) -> None:
        assert may_write.wait(60)
        write(file, pieces)

    monkeypatch.setattr(SpoolFile, "write", slowly)

    async def run() -> None:
        settings: dict[str, Any] = {"DOWNLOAD_SPOOL_DIR": str(tmp_path)}
        async with handling(**settings) as handler:
            request = Request(server.url, meta={"spool": True})
            many = [
                asyncio.ensure_future(handler.download_request(request))
                for _ in range(bodies.THREADS + 1)
            ]
            try:
                for _ in range(3):
                    response = await handler.download_request(Request(server.url))
                    assert response.body == BODY
                assert not any(each.done() for each in many)
            finally:
                may_write.set()
            for each in await asyncio.gather(*many):
                assert isinstance(each, SpooledResponse)
                assert each.body_path.read_bytes() == BODY

    with ScriptedServer(answer(BODY)) as server:
        asyncio.run(run())


def test_a_response_that_only_refers_to_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "PATIENCE", 0.01)

    async def run() -> None:
        settings: dict[str, Any] = {"DOWNLOAD_SPOOL_DIR": str(tmp_path)}
        async with handling(**settings) as handler:
            response = await handler.download_request(Request(server.url, meta={"spool": True}))
            assert isinstance(response, SpooledResponse)
            path = response.body_path
            circle: list[Any] = [response]
            circle.append(circle)
            for _ in range(5):
                await asyncio.sleep(0.02)
            assert path.exists()
            del response, circle
            until = time.monotonic() + 60
            while path.exists():
                assert time.monotonic() < until
                await asyncio.sleep(0.01)

    gc.collect()
    gc.disable()
    try:
        with ScriptedServer(answer(b"small")) as server:
            asyncio.run(run())
    finally:
        gc.enable()


def test_what_is_left_of_others_is_cleared_when_a_handler_begins(tmp_path: Path) -> None:
    left = tmp_path / "netcrawl-spool-left"
    left.mkdir()
    (left / "lock").touch()
    (left / "body").touch()

    async def run() -> None:
        async with handling(DOWNLOAD_SPOOL_DIR=str(tmp_path)):
            until = time.monotonic() + 60
            while left.exists():
                assert time.monotonic() < until
                await asyncio.sleep(0.01)

    asyncio.run(run())
