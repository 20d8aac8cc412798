from __future__ import annotations

import gzip
from itertools import accumulate
from typing import TYPE_CHECKING

import pytest

from sockettools.browser import Browser, Options, Request
from sockettools.net.transcript import Direction, Event, Transcript
from sockettools.practice import PracticeServer
from sockettools.tasks.image import MAX_HEADER, Receipts, save_image
from sockettools.tasks.pages import Refusal
from sockettools.url import parse_http_url
from tests.servers.raw import raw_server

if TYPE_CHECKING:
    from pathlib import Path

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 4"
PICTURE = b"\xff\xd8\r\n\r\n\xff\xd9" * 3000


def receipts_of(*pieces: bytes) -> Receipts:
    receipts = Receipts()
    for piece in pieces:
        receipts.receive(piece)
    return receipts


def save(url: str, path: Path, receive_size: int = 5120) -> tuple[bytes, list[tuple[int, int]]]:
    """Return the header, and what was told of each receive."""
    receipts = Receipts()
    lines: list[tuple[int, int]] = []
    with Browser(Options(receive_size=receive_size), transcript=Transcript([receipts])) as browser:
        header = save_image(
            browser,
            Request(parse_http_url(url)),
            path,
            receipts,
            lambda size, total: lines.append((size, total)),
        )
    return header, lines


def check(lines: list[tuple[int, int]], total: int, receive_size: int = 5120) -> None:
    """Check what holds however the network cuts an answer."""
    sizes = [size for size, _ in lines]
    assert [running for _, running in lines] == list(accumulate(sizes))
    assert sum(sizes) == total
    assert all(1 <= size <= receive_size for size in sizes)


# What was received, without a browser.


@pytest.mark.parametrize(
    ("received", "header"),
    [
        pytest.param(HEAD + b"\r\n\r\nbody", HEAD, id="body"),
        pytest.param(HEAD + b"\r\n\r\n\r\n\r\n", HEAD, id="blank lines in the body"),
        pytest.param(HEAD.replace(b"\r", b"") + b"\n\nbody", HEAD.replace(b"\r", b""), id="LF"),
        pytest.param(HEAD + b"\n\r\nbody", HEAD, id="mixed line ends"),
        pytest.param(HEAD + b"\r\n", b"", id="no end"),
        pytest.param(b"", b"", id="nothing"),
        pytest.param(
            b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + HEAD + b"\r\n\r\nbody",
            HEAD,
            id="informational",
        ),
    ],
)
def test_the_header(received: bytes, header: bytes) -> None:
    assert receipts_of(received).header() == header
    assert receipts_of(*(bytes([octet]) for octet in received)).header() == header


def test_sizes_are_told_once() -> None:
    receipts = receipts_of(b"abc", b"d")

    assert receipts.take_sizes() == [3, 1]
    assert receipts.take_sizes() == []


def test_what_is_sent_begins_anew() -> None:
    receipts = receipts_of(b"HTTP/1.1 302 Found\r\n\r\n")
    receipts.write(Event(0, Direction.RECEIVED, note="end of stream"))
    receipts.write(Event(0, Direction.SENT, b"GET / HTTP/1.1\r\n\r\n", connection="2"))
    receipts.write(Event(0, Direction.RECEIVED, HEAD + b"\r\n\r\n", connection="2"))

    assert (receipts.take_sizes(), receipts.header()) == ([len(HEAD) + 4], HEAD)


def test_a_long_answer_is_not_kept() -> None:
    receipts = receipts_of(*[b"x" * 65_536] * 100)

    assert len(receipts._start) == MAX_HEADER


# With a browser.


def test_the_picture_of_the_chapter(tmp_path: Path) -> None:
    with PracticeServer() as practice:
        header, lines = save(f"{practice.url}cover.jpg", tmp_path / "stuff.jpg")

    assert header.startswith(b"HTTP/1.1 200 OK\r\n")
    assert header.lower().count(b"content-length: 70057") == 1
    assert not header.endswith(b"\r")
    check(lines, len(header) + 4 + 70_057)
    assert (tmp_path / "stuff.jpg").stat().st_size == 70_057


@pytest.mark.parametrize("receive_size", [1, 512, 5120])
def test_a_picture_full_of_blank_lines(receive_size: int, tmp_path: Path) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d" % len(PICTURE)
    with raw_server(head + b"\r\n\r\n" + PICTURE) as url:
        header, lines = save(url, tmp_path / "p", receive_size)

    assert header == head
    check(lines, len(head) + 4 + len(PICTURE), receive_size)
    assert (tmp_path / "p").read_bytes() == PICTURE


def _chunked(body: bytes) -> bytes:
    return b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        pytest.param(b"", PICTURE, id="until the end"),
        pytest.param(b"Transfer-Encoding: chunked\r\n", _chunked(PICTURE), id="chunks"),
        pytest.param(b"Content-Encoding: gzip\r\n", gzip.compress(PICTURE), id="gzip"),
        pytest.param(
            b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n",
            _chunked(gzip.compress(PICTURE)),
            id="gzip in chunks",
        ),
    ],
)
def test_what_is_counted_is_what_came_and_what_is_saved_is_the_picture(
    fields: bytes, body: bytes, tmp_path: Path
) -> None:
    answer = b"HTTP/1.1 200 OK\r\n" + fields + b"Connection: close\r\n\r\n" + body
    with raw_server(answer) as url:
        _, lines = save(url, tmp_path / "p")

    check(lines, len(answer))
    assert (tmp_path / "p").read_bytes() == PICTURE


def test_only_the_picture_is_counted_and_not_the_way_to_it(tmp_path: Path) -> None:
    answer = HEAD + b"\r\n\r\nabcd"
    redirect = (
        b"HTTP/1.1 302 Found\r\nLocation: /p\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )
    with raw_server(redirect, answer) as url:
        header, lines = save(url, tmp_path / "p")

    assert header == HEAD
    check(lines, len(answer))


def test_an_empty_picture(tmp_path: Path) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 0"
    with raw_server(head + b"\r\n\r\n") as url:
        header, lines = save(url, tmp_path / "p")

    assert header == head
    check(lines, len(head) + 4)
    assert (tmp_path / "p").read_bytes() == b""


def test_an_error_page_is_no_picture(tmp_path: Path) -> None:
    with PracticeServer() as practice, pytest.raises(Refusal, match="404"):
        save(f"{practice.url}nosuch.jpg", tmp_path / "p")

    assert list(tmp_path.iterdir()) == []
