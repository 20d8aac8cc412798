from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
from contextlib import suppress

import pytest

from netcrawl.download.resolving import Resolver
from sockettools.errors import ConnectTimeout, ResolveError
from sockettools.net.address import STREAM, Candidate
from tests.patience import SECONDS


class Names:
    """Knows every name but those that begin with "no", and counts."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, host: str, port: int) -> list[Candidate]:
        self.asked.append(host)
        self.gate.wait(SECONDS)
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


async def was_asked(names: Names, host: str, times: int) -> None:
    """Wait until a name was asked for so often: it is done in threads, which may be late."""
    async with asyncio.timeout(SECONDS):
        while names.asked.count(host) < times:
            await asyncio.sleep(0.01)
    assert names.asked.count(host) == times


class Hanging(Names):
    """Never answers about names that begin with "slow", until the gate opens."""

    def __call__(self, host: str, port: int) -> list[Candidate]:
        if not host.startswith("slow"):
            self.asked.append(host)
            return [Candidate(socket.AF_INET, STREAM, 0, ("127.0.0.1", port))]
        return super().__call__(host, port)


def test_one_that_hangs_holds_up_nobody_else() -> None:
    async def run() -> None:
        names = Hanging()
        names.gate.clear()
        resolver = Resolver(100, lookup=names, timeout=SECONDS)
        slow = [asyncio.create_task(resolver.resolve(f"slow{n}", 80)) for n in range(50)]
        await asyncio.gather(*(resolver.resolve(f"fast{n}", 80) for n in range(50)))
        assert not any(task.done() for task in slow)
        names.gate.set()
        await asyncio.gather(*slow)

    asyncio.run(run())


@pytest.mark.parametrize("size", [0, 10])
def test_nobody_waits_for_too_long(size: int) -> None:
    async def run() -> None:
        names = Hanging()
        names.gate.clear()
        resolver = Resolver(size, lookup=names, timeout=0.05)
        slow = [resolver.resolve("slow", 80) for _ in range(3)]
        for result in await asyncio.gather(*slow, return_exceptions=True):
            assert isinstance(result, ConnectTimeout)
            assert str(result) == "no answer about 'slow' within 0.05 seconds"
        with pytest.raises(ConnectTimeout):
            await resolver.resolve("slow", 80)
        await was_asked(names, "slow", 1 if size else 4)
        names.gate.set()

    asyncio.run(run())


def test_what_never_came_is_asked_for_again_after_a_while() -> None:
    async def run() -> None:
        names = Hanging()
        names.gate.clear()
        resolver = Resolver(10, -1, lookup=names, timeout=0.05)
        for count in (1, 2):
            with pytest.raises(ConnectTimeout):
                await resolver.resolve("slow", 80)
            await was_asked(names, "slow", count)
        names.gate.set()
        assert await Resolver(10, lookup=names, timeout=SECONDS).resolve("slow", 80)

    asyncio.run(run())


HUNG = """
import asyncio, threading
from netcrawl.download.resolving import Resolver

async def main():
    try:
        hung = Resolver(10, lookup=lambda host, port: threading.Event().wait(), timeout=0.01)
        await hung.resolve("h", 80)
    except Exception as exc:
        print(exc)

asyncio.run(main())
"""


def test_one_that_hangs_does_not_hold_up_the_end() -> None:
    done = subprocess.run(
        [sys.executable, "-c", HUNG], capture_output=True, text=True, timeout=60, check=True
    )

    assert done.stdout == "no answer about 'h' within 0.01 seconds\n"
    assert done.stderr == ""
