from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import suppress

import pytest

from netcrawl.download.resolving import Resolver
from sockettools.errors import ResolveError
from sockettools.net.address import STREAM, Candidate


class Names:
    """Knows every name but those that begin with "no", and counts."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, host: str, port: int) -> list[Candidate]:
        self.asked.append(host)
        self.gate.wait(5)
        if host.startswith("no"):
            raise ResolveError(host)
        return [Candidate(socket.AF_INET, STREAM, 0, ("127.0.0.1", port))]


async def resolve(resolver: Resolver, *hosts: str) -> None:
    for host in hosts:
        with suppress(ResolveError):
            await resolver.resolve(host, 80)


@pytest.mark.parametrize(
    ("size", "lifetime", "hosts", "asked"),
    [
        pytest.param(2, 60, "a b a b", "a b", id="known"),
        pytest.param(2, 60, "a b c b c a", "a b c a", id="full"),
        pytest.param(2, -1, "a a", "a a", id="too old"),
        pytest.param(0, 60, "a a", "a a", id="off"),
        pytest.param(2, 60, "no no", "no no", id="unknown"),
        pytest.param(2, 60, "127.0.0.1 ::1", "", id="numbers"),
    ],
)
def test_what_is_asked_for(size: int, lifetime: float, hosts: str, asked: str) -> None:
    names = Names()
    asyncio.run(resolve(Resolver(size, lifetime, names), *hosts.split()))

    assert names.asked == asked.split()


def test_who_asks_at_the_same_time_asks_once_and_gives_up_alone() -> None:
    async def run() -> None:
        names = Names()
        names.gate.clear()
        resolver = Resolver(10, lookup=names)
        tasks = [asyncio.create_task(resolver.resolve("a", 80)) for _ in range(3)]
        await asyncio.sleep(0.01)
        tasks[0].cancel()
        await asyncio.sleep(0)
        names.gate.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(results[0], asyncio.CancelledError)
        assert results[1] == results[2] == [Candidate(socket.AF_INET, STREAM, 0, ("127.0.0.1", 80))]
        assert names.asked == ["a"]

    asyncio.run(run())
