"""One connection over a transport that only remembers; the rest is seen in test_sockets."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

import pytest

from netcrawl.download.http_connection import HIGH_WATER, PIECE, HttpConnection
from sockettools.errors import IncompleteMessage, ReadError
from sockettools.http1 import Fields, Request
from tests.servers.scripted import answer, chunked, head

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

ASKED = Request(b"GET", b"/", Fields([(b"Host", b"h")]))


class Transport:
    """Remembers what is asked of it."""

    def __init__(self) -> None:
        self.written = b""
        self.reads = True
        self.aborted = False

    def get_extra_info(self, name: str) -> object:
        return ("127.0.0.1", 80) if name == "peername" else None

    def write(self, data: bytes) -> None:
        self.written += data

    def pause_reading(self) -> None:
        self.reads = False

    def resume_reading(self) -> None:
        self.reads = True

    def abort(self) -> None:
        self.aborted = True

    def is_closing(self) -> bool:
        return self.aborted

    def get_write_buffer_size(self) -> int:
        return 0


def run(test: Callable[[HttpConnection, Transport], Awaitable[None]]) -> None:
    async def main() -> None:
        connection, transport = HttpConnection("h:80", lambda _: None), Transport()
        connection.connection_made(cast("asyncio.BaseTransport", transport))
        await test(connection, transport)

    asyncio.run(main())


async def asked(connection: HttpConnection, said: bytes) -> None:
    task = asyncio.create_task(connection.ask(ASKED))
    await asyncio.sleep(0)
    connection.data_received(said)
    await task


def test_the_peer_waits_for_who_does_not_read() -> None:
    async def test(connection: HttpConnection, transport: Transport) -> None:
        await asked(connection, head())
        for _ in range(HIGH_WATER // 1024):
            assert transport.reads
            connection.data_received(b"x" * 1024)
        assert not transport.reads
        reading = asyncio.create_task(connection.receive_body())
        assert await reading == b"x" * HIGH_WATER
        assert not transport.reads, "there may be more that is not wanted yet"
        reading = asyncio.create_task(connection.receive_body())
        await asyncio.sleep(0)
        assert transport.reads
        connection.eof_received()
        assert await reading is None

    run(test)


def test_small_chunks_come_together_up_to_a_size() -> None:
    async def test(connection: HttpConnection, _: Transport) -> None:
        await asked(connection, head("Transfer-Encoding: chunked"))
        connection.data_received(chunked(*[b"x" * 100] * 1000))
        sizes = []
        while (piece := await connection.receive_body()) is not None:
            sizes.append(len(piece))
        assert sum(sizes) == 100_000
        assert PIECE <= sizes[0] < PIECE + 100
        assert len(sizes) == 2
        assert connection.begin_next()

    run(test)


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(ConnectionResetError(104, "reset"), id="reset"),
        pytest.param(None, id="closed here"),
    ],
)
def test_what_came_before_the_end_is_had_before_it(error: Exception | None) -> None:
    async def test(connection: HttpConnection, _: Transport) -> None:
        await asked(connection, head("Content-Length: 10") + b"some")
        connection.connection_lost(error)
        assert await connection.receive_body() == b"some"
        for _ in range(2):
            with pytest.raises(ReadError):
                await connection.receive_body()
        assert not connection.begin_next()
        await connection.wait_until_lost()

    run(test)


def test_half_a_chunk_is_had_before_the_error() -> None:
    async def test(connection: HttpConnection, _: Transport) -> None:
        await asked(connection, head("Transfer-Encoding: chunked") + b"3\r\nfoo\r\n5\r\nb")
        connection.eof_received()
        assert await connection.receive_body() == b"foob"
        with pytest.raises(IncompleteMessage):
            await connection.receive_body()

    run(test)


def test_what_nobody_asked_for_ends_it() -> None:
    async def test(connection: HttpConnection, transport: Transport) -> None:
        connection.data_received(answer(b"evil"))
        assert transport.aborted
        assert not connection.is_usable

    run(test)


def test_what_comes_before_there_is_a_transport_ends_it_too() -> None:
    async def main() -> None:
        connection, transport = HttpConnection("h:80", lambda _: None), Transport()
        connection.data_received(b"x")
        connection.connection_made(cast("asyncio.BaseTransport", transport))
        assert transport.aborted

    asyncio.run(main())
