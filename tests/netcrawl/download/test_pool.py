"""Which connections are kept; how they are used again is seen in test_sockets."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, cast

import pytest

from netcrawl.download.pool import Pool
from netcrawl.download.route import Endpoint, Route
from tests.servers.scripted import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from netcrawl.download.http_connection import HttpConnection

A, B = (Route(Endpoint(host, 80, is_tls=False)) for host in ("a", "b"))


class Fake:
    """A connection that does as it is told; with ``slow`` it does not close unless it has to."""

    def __init__(self, pool: Pool, *, clean: bool = True, slow: bool = False) -> None:
        self.is_lost = False
        self.is_usable = True
        self._pool = pool
        self._clean = clean
        self._slow = slow

    def begin_next(self) -> bool:
        return self._clean and self.is_usable

    def close(self) -> None:
        if not self._slow:
            self.abort()

    def abort(self) -> None:
        self.is_lost = True
        self.lost_at = monotonic()
        self._pool.forget(cast("HttpConnection", self))

    async def wait_until_lost(self) -> None:
        while not self.is_lost:
            await asyncio.sleep(0.001)


def used(pool: Pool, route: Route, *, clean: bool = True, slow: bool = False) -> HttpConnection:
    """Return a connection that was used once, and given back."""
    connection = cast("HttpConnection", Fake(pool, clean=clean, slow=slow))
    pool.add(connection)
    pool.give_back(route, connection)
    return connection


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await test()

    asyncio.run(main())


def test_the_one_used_last_is_used_next_and_only_for_its_route() -> None:
    async def test() -> None:
        pool = Pool(0, 0)
        first, second = used(pool, A), used(pool, A)
        assert pool.take(B) is None
        assert pool.take(A) is second
        assert pool.take(A) is first
        assert pool.take(A) is None
        assert len(pool) == 2
        await pool.close()

    run(test)


@pytest.mark.parametrize(
    ("total", "per_route", "kept"),
    [
        pytest.param(0, 0, [0, 1, 2, 3, 4], id="no limits"),
        pytest.param(3, 0, [2, 3, 4], id="in all"),
        pytest.param(0, 2, [1, 3, 4], id="per route"),
    ],
)
def test_the_limits_are_kept_by_closing_the_oldest(
    total: int, per_route: int, kept: list[int]
) -> None:
    async def test() -> None:
        pool = Pool(total, per_route)
        busy = [cast("HttpConnection", Fake(pool)) for _ in range(5)]
        for connection in busy:
            pool.add(connection)
        assert len(pool) == 5, "what is in use is nobody's business here"
        for connection, route in zip(busy, (A, B, A, B, A), strict=True):
            pool.give_back(route, connection)
        open_ = [n for n, connection in enumerate(busy) if not connection.is_lost]
        if per_route:
            assert open_ == [1, 2, 3, 4]
            used(pool, A)
            open_ = [n for n, connection in enumerate(busy) if not connection.is_lost]
        assert open_ == kept
        await pool.close()
        assert all(connection.is_lost for connection in busy)

    run(test)


def test_one_that_waits_makes_room_for_a_new_one() -> None:
    async def test() -> None:
        pool = Pool(2, 0)
        first, second = used(pool, A), used(pool, B)
        pool.add(cast("HttpConnection", Fake(pool)))
        assert (first.is_lost, second.is_lost) == (True, False)
        await pool.close()

    run(test)


def test_what_is_of_no_use_is_not_kept() -> None:
    async def test() -> None:
        pool = Pool(0, 0)
        assert used(pool, A, clean=False).is_lost
        dead = used(pool, A)
        cast("Fake", dead).is_usable = False
        assert pool.take(A) is None
        lost = used(pool, A)
        lost.abort()
        assert pool.take(A) is None
        assert len(pool) == 0
        await pool.close()

    run(test)


def test_idle_connections_are_closed_after_a_while() -> None:
    async def test() -> None:
        pool = Pool(0, 0, idle_timeout=0.1)
        idle = []
        for _ in range(2):
            began = monotonic()
            idle.append((cast("Fake", used(pool, A)), began))
            await asyncio.sleep(0.06)
        async with asyncio.timeout(PATIENCE):
            for connection, began in idle:
                await connection.wait_until_lost()
                assert connection.lost_at - began >= 0.1
        assert len(pool) == 0
        await pool.close()

    run(test)


def test_the_end_does_not_wait_for_who_does_not_close(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        pool = Pool(0, 0)
        slow = used(pool, A, slow=True)
        await pool.close()
        assert slow.is_lost
        late = cast("HttpConnection", Fake(pool))
        pool.add(late)
        assert late.is_lost
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    monkeypatch.setattr("netcrawl.download.pool.CLOSE_TIMEOUT", 0.05)
    run(test)
