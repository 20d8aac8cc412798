"""New connections: names resolved, addresses raced, proxies asked, TLS shaken hands on.

Each step notes how long it took. asyncio's own ``create_connection`` does most of it in one call
that tells nothing.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from time import monotonic
from typing import TYPE_CHECKING

from netcrawl.download.http_connection import HttpConnection
from sockettools import http1
from sockettools.errors import (
    ConnectError,
    ConnectionRefused,
    ConnectTimeout,
    SocketToolsError,
)
from sockettools.net.dial import ATTEMPT_DELAY, interleave

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Sequence

    from netcrawl.download.resolving import Resolver
    from netcrawl.download.route import BindAddress, Endpoint, Route
    from netcrawl.timings import Timings
    from sockettools.net.address import Candidate

# Seconds for a handshake: the limit is that of the download, which may be more than asyncio's 60.
_HANDSHAKE_TIMEOUT = 86_400.0


class ProxyRefused(ConnectError):
    """The proxy does not connect us."""


class Opener:
    """Opens connections; ``context`` is for the TLS of origins and of proxies."""

    def __init__(
        self,
        context: ssl.SSLContext,
        resolver: Resolver,
        on_lost: Callable[[HttpConnection], object],
    ) -> None:
        self._context = context
        self._resolver = resolver
        self._on_lost = on_lost

    async def open(self, route: Route, timings: Timings) -> HttpConnection:
        """Return a connection that has taken ``route``; note seconds in ``timings``.

        Raises:
            ResolveError, ConnectError: there is none; ConnectionRefused and ProxyRefused are kinds.
        """
        began = monotonic()
        candidates = await self._resolver.resolve(route.first.host, route.first.port)
        resolved = monotonic()
        timings["resolve"] = resolved - began
        sock = await _connect(str(route.first), candidates, route.bind)
        connected = monotonic()
        timings["connect"] = connected - resolved
        connection = await self._begin(sock, route.first)
        if route.first.is_tls:
            timings["tls"] = monotonic() - connected
        if route.tunnel is None:
            return connection
        try:
            return await self._through_tunnel(connection, route, route.tunnel, timings)
        except BaseException:
            connection.abort()
            raise

    async def _begin(self, sock: socket.socket, first: Endpoint) -> HttpConnection:
        context = self._context if first.is_tls else None
        name = _server_name(first) if first.is_tls else None
        connection = HttpConnection(str(first), self._on_lost)
        try:
            await asyncio.get_running_loop().create_connection(
                lambda: connection,
                sock=sock,
                ssl=context,
                server_hostname=name,
                ssl_handshake_timeout=_HANDSHAKE_TIMEOUT if context else None,
            )
        except BaseException as exc:
            sock.close()
            raise _translated(first, exc) from exc
        return connection

    async def _through_tunnel(
        self, outer: HttpConnection, route: Route, tunnel: Endpoint, timings: Timings
    ) -> HttpConnection:
        began = monotonic()
        await _ask_for_tunnel(outer, tunnel, route.authorization)
        connected = monotonic()
        timings["connect"] += connected - began
        connection = HttpConnection(str(tunnel), self._on_lost)
        try:
            transport = await asyncio.get_running_loop().start_tls(
                outer.transport,
                connection,
                self._context,
                server_hostname=_server_name(tunnel),
                ssl_handshake_timeout=_HANDSHAKE_TIMEOUT,
            )
        except Exception as exc:
            raise _translated(tunnel, exc) from exc
        assert transport is not None
        connection.connection_made(transport)
        timings["tls"] = timings.get("tls", 0.0) + monotonic() - connected
        return connection


async def _ask_for_tunnel(
    proxy: HttpConnection, tunnel: Endpoint, authorization: bytes | None
) -> None:
    target = str(tunnel).encode("utf-8")
    fields = [(b"Host", target)]
    if authorization is not None:
        fields.append((b"Proxy-Authorization", authorization))
    try:
        answer = await proxy.ask(http1.Request(b"CONNECT", target, http1.Fields(fields)))
        if answer.status_code >= 300:
            reason = answer.reason.decode("latin-1")
            raise ProxyRefused(
                f"the proxy {proxy.peer} answered {answer.status_code} {reason} to CONNECT"
            )
        proxy.check_tunnel()
    except ConnectError:
        raise
    except SocketToolsError as exc:
        raise ProxyRefused(f"no tunnel through the proxy: {exc}") from exc


def _server_name(endpoint: Endpoint) -> str:
    # The dot that ends a full name is part of no certificate (RFC 6066 section 3).
    return endpoint.host.removesuffix(".")


async def _connect(
    peer: str, candidates: Sequence[Candidate], bind: BindAddress | None
) -> socket.socket:
    """Return a socket that is connected to whichever address answers first (RFC 8305)."""
    if bind is not None:
        version = socket.AF_INET6 if ":" in bind[0] else socket.AF_INET
        candidates = [c for c in candidates if c.family == version]
    waiting = interleave(candidates)
    attempts: set[asyncio.Task[socket.socket]] = set()
    errors: list[OSError] = []
    try:
        while waiting or attempts:
            if waiting:
                attempts.add(asyncio.create_task(_attempt(waiting.pop(0), bind)))
            done, _ = await asyncio.wait(
                attempts,
                timeout=ATTEMPT_DELAY if waiting else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            for attempt in done:
                attempts.discard(attempt)
                error = attempt.exception()
                if error is None:
                    return attempt.result()
                if not isinstance(error, OSError):
                    raise error
                errors.append(error)
    finally:
        for attempt in attempts:
            # One that has just been connected has lost as well.
            attempt.add_done_callback(_close_late)
            attempt.cancel()
    raise _connect_error(peer, errors)


async def _attempt(candidate: Candidate, bind: BindAddress | None) -> socket.socket:
    sock = socket.socket(candidate.family, candidate.kind, candidate.protocol)
    try:
        sock.setblocking(False)
        if bind is not None:
            sock.bind(bind)
        await asyncio.get_running_loop().sock_connect(sock, candidate.sockaddr)
    except BaseException:
        sock.close()
        raise
    return sock


def _close_late(attempt: asyncio.Task[socket.socket]) -> None:
    if not attempt.cancelled() and attempt.exception() is None:
        attempt.result().close()


def _connect_error(peer: str, errors: Sequence[OSError]) -> ConnectError | ConnectTimeout:
    if not errors:
        return ConnectError(f"cannot connect to {peer}: no address of the family that is bound to")
    numbers = {error.errno for error in errors}
    # asyncio has words of its own, which do not say why.
    reasons = "; ".join(dict.fromkeys(map(_reason, errors)))
    if errno.ECONNREFUSED in numbers:
        return ConnectionRefused(f"cannot connect to {peer}: {reasons}")
    if numbers == {errno.ETIMEDOUT}:
        return ConnectTimeout(f"cannot connect to {peer}: {reasons}")
    return ConnectError(f"cannot connect to {peer}: {reasons}")


def _reason(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else str(error)


def _translated(endpoint: Endpoint, error: BaseException) -> BaseException:
    """Return what a handshake's end is called here; what is not of the network as it is."""
    if isinstance(error, (OSError, UnicodeError)):  # ssl.SSLError is an OSError
        # asyncio has no word for a peer that goes away in the middle of it.
        reason = str(error) or "the connection was closed"
        return ConnectError(f"no TLS with {endpoint}: {reason}")
    return error
