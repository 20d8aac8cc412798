"""Names of hosts, asked for in threads and remembered for a while."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING

from sockettools.errors import ConnectTimeout
from sockettools.lifetime import run_beside
from sockettools.net.address import STREAM, Candidate, resolve_host

if TYPE_CHECKING:
    from collections.abc import Callable

    Found = asyncio.Future[list[Candidate]]

# Seconds for which an answer holds. How long the name servers meant it to, the system does not say.
LIFETIME = 300.0

_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}


class Resolver:
    """Remembers the answers for up to ``size`` names, and asks once for who asks at a time.

    Nobody waits longer than ``timeout`` seconds for an answer; 0 is no limit.
    """

    def __init__(
        self,
        size: int,
        lifetime: float = LIFETIME,
        lookup: Callable[[str, int], list[Candidate]] | None = None,
        *,
        timeout: float = 0,
    ) -> None:
        self._size = size
        self._timeout = timeout or None
        self._lifetime = lifetime
        self._lookup = lookup or _lookup
        self._known: dict[tuple[str, int], tuple[float, Found]] = {}

    async def resolve(self, host: str, port: int) -> list[Candidate]:
        """Return every way to reach a host.

        Raises:
            ResolveError: there is none. That is not remembered.
            ConnectTimeout: there was no answer in time.
        """
        with suppress(ValueError):
            family = _FAMILIES[ipaddress.ip_address(host).version]
            return [Candidate(family, STREAM, socket.IPPROTO_TCP, (host, port))]
        key = host, port
        until, found = self._known.get(key) or (0.0, None)
        if found is None or until < monotonic():
            found = self._ask(key)
        # Who gives up does so for itself. A thread cannot be told to: who asks for the same name
        # meanwhile waits for the same one, and all other names have others.
        if not found.done():
            await asyncio.wait([found], timeout=self._timeout)
        if not found.done():
            raise ConnectTimeout(f"no answer about {host!r} within {self._timeout:g} seconds")
        return found.result()

    def _ask(self, key: tuple[str, int]) -> Found:
        """Ask in a thread, for which nobody waits when the crawl ends."""
        loop = asyncio.get_running_loop()
        found: Found = loop.create_future()

        def tell(candidates: list[Candidate], error: Exception | None) -> None:
            if error is None:
                found.set_result(candidates)
            else:
                found.set_exception(error)
                found.exception()  # there may be nobody left to hear of it
                if self._known.get(key, (0.0, None))[1] is found:
                    del self._known[key]

        def run() -> None:
            candidates: list[Candidate] = []
            error: Exception | None = None
            try:
                candidates = self._lookup(*key)
            except Exception as exc:  # noqa: BLE001 - who waits is told, whatever it is
                error = exc
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(tell, candidates, error)

        if self._size:
            self._known.pop(key, None)
            while len(self._known) >= self._size:
                del self._known[next(iter(self._known))]  # the oldest
            self._known[key] = monotonic() + self._lifetime, found
        run_beside(run, "resolver")
        return found


def _lookup(host: str, port: int) -> list[Candidate]:
    return resolve_host(host, port, STREAM)
