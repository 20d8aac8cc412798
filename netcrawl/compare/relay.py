"""The relay through which everything goes that is compared: it records, and can delay.

A program takes part by ``netcrawl.compare.routing``, which asks the relay before it connects. So
the relay can say at once what became of it: a port that refuses, refuses here too.
"""

from __future__ import annotations

import asyncio
import errno
import json
import os
import socket
import sys
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import TYPE_CHECKING, Any

from netcrawl.compare import routing
from netcrawl.compare.authority import Authority
from netcrawl.compare.recording import LookedUp, Recording
from netcrawl.compare.relaying import Conversation, close_hard, set_hard
from sockettools.lifetime import Running, run_beside
from sockettools.net.listen import ACCEPT_RETRY, BACKLOG
from sockettools.net.tls import client_context

if TYPE_CHECKING:
    import threading

    from netcrawl.compare.recording import Relayed

# Seconds that a program which cannot wait is kept waiting for a destination to refuse: those on
# this machine do so at once, and no other connection of the program is held up by that.
QUICK = 0.02

# Seconds for a connection to a destination.
CONNECT_TIMEOUT = 30.0

# Seconds that connections have, once their program has ended, to notice it.
GRACE = 1.0
_POLL = 0.005

_MAX_MESSAGE = 65_536

# What would send a program elsewhere, or have it trust others.
_FOREIGN = {
    *("http_proxy", "https_proxy", "all_proxy", "ftp_proxy", "no_proxy"),
    *("ssl_cert_dir", "requests_ca_bundle", "curl_ca_bundle"),
}


@dataclass
class _Route:
    """Where the connection from a port is to go: the socket that goes there, or the errno."""

    relayed: Relayed
    called: asyncio.Task[socket.socket | int]


class Relay(Running):
    """Relays, from ``start`` to ``close``, in a thread of its own.

    ``delay`` is in seconds, for all that goes one way; a connection costs a round trip, and TLS
    another one, as TLS 1.3 does. Servers with TLS have to prove who they are, as to a browser.
    ``most`` is how many octets a server may send on a connection, which is broken off then; None is
    any number of them.
    """

    def __init__(self, delay: float = 0.0, most: int | None = None) -> None:
        self._delay = delay
        self._most = most
        self._folder = TemporaryDirectory(prefix="netcrawl-")
        self._path = str(Path(self._folder.name) / "relay")
        self._authority = Authority(Path(self._folder.name))
        self._context = client_context()
        self._context.set_alpn_protocols(["http/1.1"])
        self._recording = Recording()
        self._routes: dict[int, _Route] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._ports: dict[int, int] = {}
        self._is_ready: Future[None] = Future()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to listen, on loopback addresses alone.

        Raises:
            OSError: there is none to be had.
        """
        self._thread = run_beside(self._run, "relay")
        self._is_ready.result()

    def close(self) -> None:
        """Break all connections off."""
        if self._thread is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopped.set)
            self._thread.join()
        self._folder.cleanup()

    def environment(self) -> dict[str, str]:
        """Return the environment of a program whose connections are to be relayed."""
        kept = {name: value for name, value in os.environ.items() if name.lower() not in _FOREIGN}
        ours = str(Path(__file__).parents[2])
        path = [ours, *filter(None, [kept.get("PYTHONPATH")])]
        return {
            **kept,
            routing.RELAY: self._path,
            "SSL_CERT_FILE": str(self._authority.path),
            "PYTHONPATH": os.pathsep.join(path),
        }

    @staticmethod
    def command(module: str, *arguments: str) -> list[str]:
        """Return the command of ``python -m module``, with its connections relayed."""
        return [sys.executable, "-m", routing.__name__, module, *arguments]

    def take(self) -> Recording:
        """Return what was recorded since the last time; the program has ended by now."""
        return asyncio.run_coroutine_threadsafe(self._take(), self._loop).result()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as exc:
            if self._is_ready.done():
                raise
            self._is_ready.set_exception(exc)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopped = asyncio.Event()
        server = await asyncio.start_unix_server(self._answer, self._path, limit=_MAX_MESSAGE)
        listeners = []
        for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            with suppress(OSError):  # a machine may have one of them only
                listeners.append(socket.create_server((host, 0), family=family, backlog=BACKLOG))
                listeners[-1].setblocking(False)
                self._ports[family] = listeners[-1].getsockname()[1]
        if not listeners:
            raise OSError(errno.EADDRNOTAVAIL, "this machine has no loopback address")
        accepting = [asyncio.create_task(self._accept(listener)) for listener in listeners]
        self._is_ready.set_result(None)
        await self._stopped.wait()
        server.close()
        for task in accepting:
            task.cancel()
        await asyncio.gather(*accepting, return_exceptions=True)
        for listener in listeners:
            listener.close()
        await self._end_all(0.0)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one message of a program, with what it had to tell before."""
        with suppress(OSError, ValueError, KeyError):  # it went away, or was killed as it spoke
            message = json.loads(await reader.readline())
            for told in message["told"]:
                self._note(told)
            reply = await self._route(message) if "connect" in message else {}
            writer.write(json.dumps(reply).encode() + b"\n")
            await writer.drain()
        writer.close()

    def _note(self, told: dict[str, Any]) -> None:
        if "mark" in told:
            self._recording.marks.setdefault(told["mark"], told["time"])
            return
        lookup = LookedUp(
            told["lookup"], told["begun"], told["time"], tuple(told["addresses"]), told["error"]
        )
        self._recording.look_up(lookup)

    async def _route(self, message: dict[str, Any]) -> dict[str, int]:
        """Call the destination, and say where to connect to, or why that is of no use."""
        address = tuple(message["connect"])
        family = socket.AF_INET if len(address) == 2 else socket.AF_INET6
        relayed = self._recording.begin(address[0], address[1], message["time"])
        called = asyncio.create_task(self._call(family, address, relayed))
        may_wait = message["waits"] and CONNECT_TIMEOUT
        await asyncio.wait([called], timeout=may_wait or (0.0 if self._delay else QUICK))
        if called.done() and isinstance(number := called.result(), int):
            self._recording.account(relayed)
            return {"errno": number}
        self._routes[message["source"]] = _Route(relayed, called)
        return {"port": self._ports[family]}

    async def _call(
        self, family: int, address: tuple[Any, ...], relayed: Relayed
    ) -> socket.socket | int:
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            async with asyncio.timeout(CONNECT_TIMEOUT):
                await asyncio.sleep(2 * self._delay)
                await self._loop.sock_connect(sock, address)
        except (OSError, asyncio.CancelledError) as exc:
            sock.close()
            relayed.closed = monotonic()
            if not isinstance(exc, OSError):
                raise
            number = exc.errno or (errno.ETIMEDOUT if isinstance(exc, TimeoutError) else errno.EIO)
            relayed.fail(os.strerror(number))
            return number
        relayed.connected = monotonic()
        return sock

    async def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, peer = await self._loop.sock_accept(listener)
            except OSError:
                await asyncio.sleep(ACCEPT_RETRY)
                continue
            route = self._routes.pop(peer[1], None)
            if route is None:  # it is none of our programs
                close_hard(client)
                continue
            task = asyncio.create_task(self._relay(client, route))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _relay(self, client: socket.socket, route: _Route) -> None:
        recording = self._recording
        try:
            server = await route.called
            if isinstance(server, int):
                set_hard(client)
                return
            try:
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                conversation = Conversation(
                    client, server, route.relayed, self._authority, self._context
                )
                await conversation.run(self._delay, self._most)
            finally:
                server.close()
        finally:
            client.close()
            route.relayed.closed = route.relayed.closed or monotonic()
            recording.account(route.relayed)

    async def _take(self) -> Recording:
        await self._end_all(GRACE)
        recording, self._recording = self._recording, Recording()
        return recording

    async def _end_all(self, grace: float) -> None:
        """Let connections end whose programs have ended; then end them."""
        end = monotonic() + grace
        # A program may connect, speak and be gone before its connection is accepted here.
        while self._routes and monotonic() < end:
            await asyncio.sleep(_POLL)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=max(end - monotonic(), 0.0))
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for route in self._routes.values():  # the program has never come
            route.called.cancel()
            with suppress(asyncio.CancelledError):
                if isinstance(server := await route.called, socket.socket):
                    server.close()
            route.relayed.closed = route.relayed.closed or monotonic()
        self._routes.clear()
