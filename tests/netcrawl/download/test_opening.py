"""Which of a host's addresses is connected to."""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from netcrawl.download.opening import Opener
from netcrawl.download.resolving import Resolver
from netcrawl.download.route import Endpoint, Route
from sockettools.errors import ConnectError, ConnectionRefused
from sockettools.net.address import STREAM, Candidate
from tests.servers.ports import held_ports
from tests.servers.scripted import PATIENCE, ScriptedServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netcrawl.timings import Timings

ROUTE = Route(Endpoint("h.test", 80, is_tls=False))


async def open_any(*ports: int, route: Route = ROUTE) -> tuple[int, Timings]:
    """Return the port that was connected to."""
    found = [Candidate(socket.AF_INET, STREAM, 0, ("127.0.0.1", port)) for port in ports]
    resolver = Resolver(0, lookup=lambda _host, _port: found)
    timings: Timings = {}
    opener = Opener(ssl.create_default_context(), resolver, lambda _: None)
    connection = await opener.open(route, timings)
    port = connection.transport.get_extra_info("peername")[1]
    connection.abort()
    await connection.wait_until_lost()
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    return port, timings


@contextmanager
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@contextmanager
def silent() -> Iterator[int]:
    """Give a port on which connections are neither made nor refused: the queue is full."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        address = server.getsockname()
        fillers = [socket.socket() for _ in range(8)]
        try:
            for filler in fillers:
                filler.setblocking(False)
                with suppress(BlockingIOError):
                    filler.connect(address)
            yield address[1]
        finally:
            for filler in fillers:
                filler.close()


def test_the_next_address_is_tried_where_one_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netcrawl.download.opening.ATTEMPT_DELAY", PATIENCE)
    with listening() as port, held_ports(2) as refusing:
        found, timings = asyncio.run(open_any(*refusing, port))

    assert found == port
    assert timings["connect"] < PATIENCE


def test_the_next_address_is_tried_beside_one_that_is_silent() -> None:
    with silent() as dead, listening() as port:
        found, timings = asyncio.run(open_any(dead, port))

    assert found == port
    assert 0.2 < timings["connect"] < PATIENCE


def test_all_refuse() -> None:
    with (
        held_ports(2) as refusing,
        pytest.raises(ConnectionRefused, match=r"cannot connect to h\.test:80: .*refused"),
    ):
        asyncio.run(open_any(*refusing))


def test_who_gives_up_leaves_nothing_behind() -> None:
    async def run(port: int) -> None:
        task = asyncio.create_task(open_any(port, port))
        await asyncio.sleep(0.35)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0.01)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    with silent() as port:
        asyncio.run(run(port))


def test_the_first_address_is_preferred() -> None:
    with (
        closing(socket.create_server(("127.0.0.1", 0))) as one,
        closing(socket.create_server(("127.0.0.1", 0))) as two,
    ):
        ports = [server.getsockname()[1] for server in (one, two)]
        found, _ = asyncio.run(open_any(*ports))
    assert found == ports[0]


def test_a_handshake_that_is_not_answered_is_told_in_words() -> None:
    route = Route(Endpoint("h.test", 443, is_tls=True))

    with (
        ScriptedServer(lambda client: client.socket.recv(65_536)) as server,
        pytest.raises(ConnectError) as caught,
    ):
        asyncio.run(open_any(server.port, route=route))

    assert str(caught.value) == "no TLS with h.test:443: the connection was closed"
