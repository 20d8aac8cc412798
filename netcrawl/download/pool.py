"""Connections that wait for their next request.

How many are under way at a time is the downloader's business. The pool decides how many are kept
when they are not: the limits are of open connections, so one that waits makes room for a new one.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netcrawl.download.http_connection import HttpConnection
    from netcrawl.download.route import Route

# Seconds after which a connection that nobody used is closed. Most servers have done so earlier.
IDLE_TIMEOUT = 60.0

# Seconds that servers have for their half of a close at the end.
CLOSE_TIMEOUT = 0.5


class Pool:
    """Keeps up to ``per_route`` idle connections of a kind; ``total`` counts those in use, too.

    0 is no limit.
    """

    def __init__(self, total: int, per_route: int, idle_timeout: float = IDLE_TIMEOUT) -> None:
        self._total = total
        self._per_route = per_route
        self._idle_timeout = idle_timeout
        self._idle: dict[Route, list[HttpConnection]] = {}
        # In the order in which they became idle, and when.
        self._since: dict[HttpConnection, tuple[Route, float]] = {}
        self._in_use: set[HttpConnection] = set()
        self._closing: set[HttpConnection] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._is_closed = False

    def __len__(self) -> int:
        """Return how many connections are open."""
        return len(self._since) + len(self._in_use)

    def take(self, route: Route) -> HttpConnection | None:
        """Return the connection that was used last; None when there is none."""
        while waiting := self._idle.get(route):
            connection = waiting[-1]
            self._remove(connection)
            if connection.is_usable:
                self._in_use.add(connection)
                return connection
            self._close(connection)
        return None

    def add(self, connection: HttpConnection) -> None:
        """Count a new connection, which is in use."""
        if self._is_closed:
            self._abort(connection)
            return
        self._in_use.add(connection)
        self._make_room()

    def give_back(self, route: Route, connection: HttpConnection) -> None:
        """Keep a connection that was taken or added, or close it."""
        self._in_use.discard(connection)
        if self._is_closed or not connection.begin_next():
            self._abort(connection)
            return
        waiting = self._idle.setdefault(route, [])
        waiting.append(connection)
        self._since[connection] = (route, monotonic())
        if self._per_route and len(waiting) > self._per_route:
            self._drop(waiting[0])
        self._make_room()
        if self._timer is None:
            self._set_timer(self._idle_timeout)

    def discard(self, connection: HttpConnection) -> None:
        """Break off a connection that is of no more use."""
        self._in_use.discard(connection)
        self._abort(connection)

    def forget(self, connection: HttpConnection) -> None:
        """Take note that there is no connection any more."""
        self._in_use.discard(connection)
        self._closing.discard(connection)
        if connection in self._since:
            self._remove(connection)

    async def close(self) -> None:
        """Close all, and wait until they are; those that take too long are broken off."""
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for connection in list(self._since):
            self._drop(connection)
        for connection in list(self._in_use):
            self.discard(connection)
        await self._wait()
        for connection in list(self._closing):
            connection.abort()
        await self._wait()

    async def _wait(self) -> None:
        if self._closing:
            lost = [asyncio.create_task(each.wait_until_lost()) for each in self._closing]
            _, pending = await asyncio.wait(lost, timeout=CLOSE_TIMEOUT)
            for task in pending:
                task.cancel()

    def _make_room(self) -> None:
        while self._total and self._since and len(self) > self._total:
            self._drop(next(iter(self._since)))

    def _drop(self, connection: HttpConnection) -> None:
        self._remove(connection)
        self._close(connection)

    def _remove(self, connection: HttpConnection) -> None:
        route, _ = self._since.pop(connection)
        waiting = self._idle[route]
        waiting.remove(connection)
        if not waiting:
            del self._idle[route]

    def _close(self, connection: HttpConnection) -> None:
        if not connection.is_lost:
            self._closing.add(connection)
            connection.close()

    def _abort(self, connection: HttpConnection) -> None:
        if not connection.is_lost:
            self._closing.add(connection)
            connection.abort()

    def _set_timer(self, delay: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(delay, self._expire)

    def _expire(self) -> None:
        self._timer = None
        now = monotonic()
        for connection, (_, since) in list(self._since.items()):
            left = since + self._idle_timeout - now
            if left > 0:  # they are in order
                self._set_timer(left)
                return
            self._drop(connection)
