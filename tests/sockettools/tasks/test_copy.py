from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from sockettools.browser import Browser, Options, Request
from sockettools.errors import IncompleteMessage
from sockettools.tasks.copy import copy_page
from sockettools.tasks.pages import Refusal
from sockettools.url import parse_http_url
from tests.servers.pages import Answer, PageServer
from tests.servers.raw import raw_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Every octet, line ends of all kinds among them.
BINARY = bytes(range(256)) * 40 + b"\n\r\n\r\x1a"

PAGES: dict[str, Answer | str] = {
    "/binary": Answer(BINARY, "image/jpeg"),
    "/empty": Answer(b"", "image/jpeg"),
    "/coded": Answer(gzip.compress(BINARY), "image/jpeg", fields={"Content-Encoding": "gzip"}),
    "/cut": Answer(BINARY, "image/jpeg", cut=1),
    "/moved": Answer("", status=301, fields={"Location": "/binary"}),
}


@pytest.fixture(scope="module")
def server() -> Iterator[PageServer]:
    with PageServer(PAGES) as server:
        yield server


@pytest.fixture
def browser() -> Iterator[Browser]:
    with Browser(Options(receive_size=1000)) as browser:
        yield browser


def request(url: str) -> Request:
    return Request(parse_http_url(url))


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param("/binary", BINARY, id="as it is"),
        pytest.param("/empty", b"", id="empty"),
        pytest.param("/coded", BINARY, id="decoded"),
        pytest.param("/moved", BINARY, id="moved"),
    ],
)
def test_octet_for_octet(
    server: PageServer, browser: Browser, path: str, body: bytes, tmp_path: Path
) -> None:
    file = tmp_path / "copy"
    file.write_bytes(b"what was there")

    assert copy_page(browser, request(server.url + path), file) == len(body)
    assert file.read_bytes() == body
    assert list(tmp_path.iterdir()) == [file]


def test_chunks_are_undone(browser: Browser, tmp_path: Path) -> None:
    answer = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: x\r\n\r\n"
    )
    with raw_server(answer) as url:
        assert copy_page(browser, request(url), tmp_path / "copy") == 5

    assert (tmp_path / "copy").read_bytes() == b"abcde"


@pytest.mark.parametrize(
    ("path", "error"),
    [
        pytest.param("/nosuch", Refusal, id="404"),
        pytest.param("/cut", IncompleteMessage, id="cut off"),
    ],
)
@pytest.mark.parametrize("is_there", [False, True], ids=["new", "there before"])
def test_a_failure_leaves_everything_as_it_was(
    server: PageServer,
    browser: Browser,
    path: str,
    error: type[Exception],
    is_there: bool,
    tmp_path: Path,
) -> None:
    file = tmp_path / "copy"
    if is_there:
        file.write_bytes(b"what was there")

    with pytest.raises(error):
        copy_page(browser, request(server.url + path), file)

    assert [entry.read_bytes() for entry in tmp_path.iterdir()] == [b"what was there"] * is_there


@pytest.mark.parametrize(
    ("path", "total"),
    [
        pytest.param("/binary", len(BINARY), id="told"),
        pytest.param("/coded", None, id="of the coded one only"),
    ],
)
def test_progress(
    server: PageServer, browser: Browser, path: str, total: int | None, tmp_path: Path
) -> None:
    seen: list[tuple[int, int | None]] = []

    copy_page(
        browser,
        request(server.url + path),
        tmp_path / "copy",
        progress=lambda size, total: seen.append((size, total)),
    )

    sizes = [size for size, _ in seen]
    assert sizes == sorted(set(sizes))
    assert seen[-1] == (len(BINARY), total)


def test_what_is_raised_on_the_way_leaves_nothing(
    server: PageServer, browser: Browser, tmp_path: Path
) -> None:
    def interrupt(_size: int, _total: int | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy_page(browser, request(f"{server.url}/binary"), tmp_path / "copy", progress=interrupt)

    assert list(tmp_path.iterdir()) == []
