"""Downloads that break off, against servers that say what they like to who asks for the rest."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from typing import TYPE_CHECKING, Any

import pytest
from scrapy import Request, signals
from scrapy.exceptions import DownloadCancelledError, ResponseDataLossError

from netcrawl.download import resuming, sockets
from netcrawl.download.resuming import Tries
from netcrawl.download.spooled import SpooledResponse
from netcrawl.number_settings import RESUME_TIMES
from tests.netcrawl.download.downloading import handling
from tests.netcrawl.download.test_sockets import saying
from tests.servers.scripted import Client, ScriptedServer, answer, chunked, head

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BODY = bytes(range(256)) * 10_000
OTHER = b"other" * 100
PACKED = gzip.compress(BODY)
HALF = len(BODY) // 2
TAG = 'ETag: "1"'
DATES = ("Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT", "Date: Sun, 06 Nov 1994 08:49:38 GMT")


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "Tries", lambda times: Tries(times, delay=0.0))


def cut(*fields: str, body: bytes = BODY, size: int = HALF) -> Callable[[Client], None]:
    """Send so many octets, and close."""
    return saying(head(f"Content-Length: {len(body)}", *fields) + body[:size])


def rest(
    *fields: str,
    first: int = HALF,
    last: int | None = None,
    total: int | str | None = None,
    body: bytes = BODY,
) -> Callable[[Client], None]:
    """Send a part."""
    last = len(body) - 1 if last is None else last
    total = len(body) if total is None else total
    part = body[first : last + 1]
    return saying(
        answer(part, f"Content-Range: bytes {first}-{last}/{total}", *fields, status="206 Partial")
    )


def download(server: ScriptedServer, folder: Path, *receivers: Any, **given: Any) -> bytes:
    """Return what is in the file, of which size and checksum are right."""

    async def run() -> bytes:
        async with handling(*receivers, DOWNLOAD_SPOOL_DIR=str(folder)) as handler:
            request = Request(server.url, **{"meta": {"spool": True}, **given})
            response = await handler.download_request(request)
            assert isinstance(response, SpooledResponse)
            assert response.status == 200
            body = response.body_path.read_bytes()
            assert response.body_size == len(body)
            assert response.body_sha256 == hashlib.sha256(body).hexdigest()
            return body

    try:
        return asyncio.run(run())
    finally:
        assert [*folder.iterdir()] == []


@pytest.mark.parametrize(
    ("fields", "if_range"),
    [
        pytest.param((TAG,), '"1"', id="strong tag"),
        pytest.param((TAG, *DATES), '"1"', id="tag and date"),
        pytest.param(DATES, "Sun, 06 Nov 1994 08:49:37 GMT", id="date"),
    ],
)
def test_the_rest_is_asked_for(fields: tuple[str, ...], if_range: str, tmp_path: Path) -> None:
    given = {"A": "b", "If-None-Match": '"0"', "If-Modified-Since": "then"}
    with ScriptedServer(cut(*fields), rest(*fields)) as server:
        assert download(server, tmp_path, headers=given) == BODY
        first, second = server.requests

    assert first.field("Range") is None
    assert second.head.decode().split("\r\n")[:-2] == [
        "GET / HTTP/1.1",
        f"Host: {server.address}",
        "A: b",
        f"Range: bytes={HALF}-",
        f"If-Range: {if_range}",
    ]


@pytest.mark.parametrize(
    ("fields", "given"),
    [
        pytest.param((), {}, id="nothing to recognise it by"),
        pytest.param(('ETag: W/"1"', *DATES), {}, id="weak tag"),
        pytest.param(("ETag: 1",), {}, id="no tag"),
        pytest.param(DATES[:1], {}, id="date of unknown age"),
        pytest.param((DATES[0], DATES[1].replace("38", "37")), {}, id="date of this second"),
        pytest.param((DATES[0], "Date: today"), {}, id="no date"),
        pytest.param((TAG, "Accept-Ranges: none"), {}, id="no ranges"),
        pytest.param((TAG,), {"method": "POST"}, id="POST"),
        pytest.param((TAG,), {"headers": {"Range": "bytes=5-"}}, id="a part was asked for"),
        pytest.param((*DATES, "Content-Encoding: gzip"), {}, id="coded, with a date"),
    ],
)
def test_what_cannot_be_gone_on_with(
    fields: tuple[str, ...], given: dict[str, Any], tmp_path: Path
) -> None:
    coded = any("gzip" in field for field in fields)
    with ScriptedServer(cut(*fields, body=PACKED if coded else BODY, size=900)) as server:
        with pytest.raises(ResponseDataLossError):
            download(server, tmp_path, **given)
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(cut(TAG), saying(answer(OTHER, 'ETag: "2"')), id="changed"),
        pytest.param(cut(TAG), saying(answer(OTHER)), id="no parts"),
        pytest.param(
            cut(TAG), saying(head("Transfer-Encoding: chunked") + chunked(OTHER)), id="in chunks"
        ),
        pytest.param(
            cut(TAG),
            saying(answer(gzip.compress(OTHER), "Content-Encoding: gzip")),
            id="coded now",
        ),
        pytest.param(
            cut(TAG, "Content-Encoding: gzip", body=PACKED, size=900),
            saying(answer(OTHER)),
            id="coded before",
        ),
    ],
)
def test_begun_anew(
    first: Callable[[Client], None], second: Callable[[Client], None], tmp_path: Path
) -> None:
    with ScriptedServer(first, second) as server:
        assert download(server, tmp_path) == OTHER


def test_signals_tell_of_a_beginning_anew(tmp_path: Path) -> None:
    told: list[tuple[bytes | None, int]] = []

    def note(headers: Any, body_length: int) -> None:
        told.append((headers["ETag"], body_length))

    with ScriptedServer(cut(TAG), cut('ETag: "2"'), rest('ETag: "2"')) as server:
        assert download(server, tmp_path, (note, signals.headers_received)) == BODY

    assert told == [(b'"1"', len(BODY)), (b'"2"', len(BODY))]


@pytest.mark.parametrize(
    "scripts",
    [
        pytest.param(
            [cut(TAG, size=2000), rest(first=2000, last=2999), rest(first=3000)], id="short parts"
        ),
        pytest.param([cut(TAG), saying(b""), rest()], id="closed before an answer"),
        pytest.param([cut(TAG), saying(answer(status="503 Busy")), rest()], id="busy"),
        pytest.param(
            [
                saying(
                    head("Transfer-Encoding: chunked", TAG)
                    + chunked(BODY[:1000], end=b"2000\r\n" + BODY[1000:2000])
                ),
                rest(first=2000),
            ],
            id="of unknown length",
        ),
        pytest.param(
            [
                saying(head("Transfer-Encoding: chunked", TAG) + chunked(BODY, end=b"")),
                saying(
                    answer(b"", f"Content-Range: bytes */{len(BODY)}", status="416 No such part")
                ),
            ],
            id="only the end was lost",
        ),
        pytest.param([cut(TAG), rest(total="*")], id="total not repeated"),
    ],
)
def test_in_the_end_it_is_whole(scripts: list[Any], tmp_path: Path) -> None:
    with ScriptedServer(*scripts) as server:
        assert download(server, tmp_path) == BODY


def test_what_is_decoded_goes_on_with_what_is_coded(tmp_path: Path) -> None:
    coding = "Content-Encoding: gzip"
    first = cut(TAG, coding, body=PACKED, size=1000)
    with ScriptedServer(first, rest(TAG, coding, first=1000, body=PACKED)) as server:
        assert download(server, tmp_path) == BODY


@pytest.mark.parametrize(
    "second",
    [
        pytest.param(rest(first=HALF - 1), id="another part"),
        pytest.param(rest(first=HALF + 1), id="a gap"),
        pytest.param(rest('ETag: "2"'), id="of another version"),
        pytest.param(rest(total=len(BODY) + 1), id="of another length"),
        pytest.param(rest("Content-Encoding: gzip"), id="coded"),
        pytest.param(saying(answer(BODY[HALF:], status="206 Partial")), id="which part?"),
        pytest.param(
            saying(answer(BODY, "Content-Range: bytes */5", status="206 Partial")), id="no part"
        ),
        pytest.param(
            saying(answer(BODY[HALF:], f"Content-Range: bytes {HALF}-1/5", status="206 Partial")),
            id="backwards",
        ),
        pytest.param(
            saying(answer(b"", f"Content-Range: bytes */{HALF}", status="416 No")), id="too short"
        ),
        pytest.param(saying(answer(b"gone", status="404 Not Found")), id="gone"),
        pytest.param(saying(answer(status="304 Not Modified")), id="304"),
    ],
)
def test_no_rest_of_it(second: Callable[[Client], None], tmp_path: Path) -> None:
    with ScriptedServer(cut(TAG), second, saying(b"")) as server:
        with pytest.raises(ResponseDataLossError):
            download(server, tmp_path)
        assert len(server.requests) == 2


def test_more_than_a_part_was_to_have(tmp_path: Path) -> None:
    fields = f"Content-Range: bytes {HALF}-{len(BODY) - 1}/{len(BODY)}"
    longer = saying(answer(BODY[HALF:] + b"!", fields, status="206 Partial"))
    with ScriptedServer(cut(TAG), longer) as server, pytest.raises(Exception, match="more than"):
        download(server, tmp_path)


def test_tries_come_to_an_end(tmp_path: Path) -> None:
    def script(client: Client) -> None:
        request = client.read_request()
        assert request is not None
        start = int((request.field("Range") or "=0-").partition("=")[2].rstrip("-"))
        if start:
            rest(first=start, last=start)  # checked elsewhere
            client.send(
                head(
                    f"Content-Range: bytes {start}-{len(BODY) - 1}/{len(BODY)}",
                    f"Content-Length: {len(BODY) - start}",
                    status="206 Partial",
                )
                + BODY[start : start + 1]
            )
        else:
            client.send(head(f"Content-Length: {len(BODY)}", TAG) + BODY[:1000])

    with ScriptedServer(script) as server:
        with pytest.raises(ResponseDataLossError, match=r"after \d+ bytes"):
            download(server, tmp_path)
        assert len(server.requests) == 1 + RESUME_TIMES.default


def test_progress_gives_new_tries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resuming, "PROGRESS", 100_000)

    def script(client: Client) -> None:
        request = client.read_request()
        assert request is not None
        start = int((request.field("Range") or "=0-").partition("=")[2].rstrip("-"))
        fields = [f"Content-Length: {len(BODY) - start}", TAG]
        if start:
            fields.append(f"Content-Range: bytes {start}-{len(BODY) - 1}/{len(BODY)}")
        status = "206 Partial" if start else "200 OK"
        client.send(head(*fields, status=status) + BODY[start : start + 200_000])

    with ScriptedServer(script) as server:
        assert download(server, tmp_path) == BODY
        assert len(server.requests) > 1 + RESUME_TIMES.default


def test_a_limit_holds_for_all_parts_together(tmp_path: Path) -> None:
    with ScriptedServer(
        saying(head("Transfer-Encoding: chunked", TAG) + chunked(BODY[:HALF], end=b"")), rest()
    ) as server:
        meta = {"spool": True, "download_maxsize": len(BODY) - 1}
        with pytest.raises(DownloadCancelledError):
            download(server, tmp_path, meta=meta)


def test_nothing_is_gone_on_with_in_memory() -> None:
    async def run() -> None:
        async with handling() as handler:
            await handler.download_request(Request(server.url))

    with ScriptedServer(cut(TAG), rest()) as server:
        with pytest.raises(ResponseDataLossError):
            asyncio.run(run())
        assert len(server.requests) == 1
