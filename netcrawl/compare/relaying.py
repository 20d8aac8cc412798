"""One connection that the relay carries: two sockets, with TLS on both or on none."""

from __future__ import annotations

import asyncio
import math
import socket
import ssl
import struct
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING

from sockettools.errors import SocketToolsError
from sockettools.net.tls import TlsEngine, tls_problem
from sockettools.units import octets_text

if TYPE_CHECKING:
    from netcrawl.compare.authority import Authority
    from netcrawl.compare.recording import Relayed

_RECEIVE_SIZE = 65_536

# Pieces that are under way at a time, each way, where there is a delay.
_UNDER_WAY = 256

# Seconds that the server has, once the client has said its end: to say the rest, and for each TLS
# handshake.
_LAST_WORDS = 10.0
_HANDSHAKE = 30.0

# The type of a TLS record that has a handshake; no request of a text protocol begins with it.
_TLS_HANDSHAKE = 0x16

# Who ended a connection on which the server did not get as far as TLS. What the client makes of
# that end is not what happened.
NO_TLS = "the relay, since there is no TLS with the server"

# SO_LINGER, on and zero seconds: closing resets the connection.
_NO_LINGER = struct.pack("ii", 1, 0)


class _End:
    """One end of the conversation: a socket, from some moment on with TLS."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._loop = asyncio.get_running_loop()
        self._engine: TlsEngine | None = None
        self._sending = asyncio.Lock()
        self.received = self.sent = 0  # on the wire

    @property
    def tls(self) -> str:
        return (self._engine and self._engine.session.version()) or ""

    async def receive_raw(self) -> bytes:
        data = await self._loop.sock_recv(self._socket, _RECEIVE_SIZE)
        self.received += len(data)
        return data

    async def receive(self) -> bytes:
        """Return what came, TLS taken off; b"" is the end."""
        if self._engine is None:
            return await self.receive_raw()
        while True:
            try:
                return self._engine.read(_RECEIVE_SIZE)
            except ssl.SSLWantReadError:
                await self._flush()
                self._engine.feed(await self.receive_raw())
            except ssl.SSLEOFError:  # without a goodbye, as many servers do
                return b""

    async def send(self, data: bytes) -> None:
        if self._engine is None:
            async with self._sending:
                await self._send_raw(data)
            return
        self._engine.write(data)
        await self._flush()

    async def send_eof(self) -> None:
        if self._engine is not None:
            self._engine.write_eof()
            await self._flush()
        self._socket.shutdown(socket.SHUT_WR)

    async def shake_hands(self, engine: TlsEngine, early: bytes = b"") -> None:
        """Begin TLS; ``early`` was received already.

        Raises:
            ssl.SSLError, OSError: it cannot be.
        """
        self._engine = engine
        if early:
            engine.feed(early)
        while True:
            try:
                engine.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush()
                engine.feed(await self.receive_raw())
            except ssl.SSLError:
                with suppress(OSError):
                    await self._flush()  # the alert
                raise
            else:
                await self._flush()
                return

    async def _flush(self) -> None:
        assert self._engine is not None  # for the type checker
        while self._engine.has_encrypted():
            async with self._sending:
                await self._send_raw(self._engine.take())

    async def _send_raw(self, data: bytes) -> None:
        await self._loop.sock_sendall(self._socket, data)
        self.sent += len(data)


class Conversation:
    """Carries what a client and a server say, and writes it down."""

    def __init__(
        self,
        client: socket.socket,
        server: socket.socket,
        relayed: Relayed,
        authority: Authority,
        context: ssl.SSLContext,
    ) -> None:
        self._sockets = (client, server)
        client.setblocking(False)
        self._client, self._server = _End(client), _End(server)
        self._relayed = relayed
        self._authority = authority
        self._context = context
        self._delay = 0.0
        self._most = math.inf

    async def run(self, delay: float = 0.0, most: int | None = None) -> None:
        """Carry until both have ended, or one has broken off; see ``Relay``."""
        self._delay = delay
        self._most = math.inf if most is None else most
        try:
            if await self._begin():
                await self._carry()
        finally:
            self._relayed.sent = self._client.received
            self._relayed.received = self._client.sent

    async def _begin(self) -> bool:
        """Wait for who speaks first, and begin TLS if that is how; False: it is over."""
        await self._first_readable()
        client = self._sockets[0]
        try:
            first = client.recv(1, socket.MSG_PEEK)
        except OSError:  # nothing is there, or it is broken: carrying will tell
            return True
        if first and first[0] == _TLS_HANDSHAKE:
            return await self._secure()
        return True

    async def _first_readable(self) -> None:
        loop = asyncio.get_running_loop()
        event = asyncio.Event()
        for sock in self._sockets:
            loop.add_reader(sock, event.set)
        try:
            await event.wait()
        finally:
            for sock in self._sockets:
                loop.remove_reader(sock)

    async def _secure(self) -> bool:
        """Agree on TLS with the server as the client's stand-in, then with the client."""
        relayed = self._relayed
        try:
            async with asyncio.timeout(_HANDSHAKE):
                hello, relayed.server_name = await self._read_hello()
                await asyncio.sleep(2 * self._delay)
                name = relayed.server_name or relayed.address
                engine = TlsEngine(self._context, name, server_side=False)
                try:
                    await self._server.shake_hands(engine)
                except ssl.SSLError as exc:
                    relayed.fail(tls_problem(exc, engine.session))
                    self._break(NO_TLS)
                    return False
        except (OSError, ValueError, SocketToolsError) as exc:
            timed_out = isinstance(exc, TimeoutError)
            relayed.fail("no TLS in time" if timed_out else f"no TLS with the server: {exc}")
            self._break("the server")
            return False
        try:
            async with asyncio.timeout(_HANDSHAKE):
                engine = TlsEngine(self._authority.context(name), None, server_side=True)
                await self._client.shake_hands(engine, hello)
        except (OSError, ValueError) as exc:  # TLS's errors are among them
            relayed.fail(f"the client did not agree on TLS: {exc}")
            self._break("the client")
            return False
        relayed.secured = monotonic()
        relayed.tls = self._client.tls
        return True

    async def _read_hello(self) -> tuple[bytes, str]:
        """Read to the end of the client's hello; return all that came, and the name in it."""
        names: list[str] = []

        def hear(_session: object, name: str | None, _context: object) -> int:
            names.append(name or "")
            return ssl.ALERT_DESCRIPTION_INTERNAL_ERROR  # nobody sees it: this is but a look

        listening = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        listening.sni_callback = hear
        data = await self._client.receive_raw()
        while True:
            engine = TlsEngine(listening, None, server_side=True)
            engine.feed(data)
            try:
                engine.do_handshake()
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError:
                return data, names[0] if names else ""
            piece = await self._client.receive_raw()
            if not piece:
                raise ConnectionResetError("the client closed in the middle of its hello")
            data += piece

    async def _carry(self) -> None:
        there = asyncio.create_task(self._one_way(sent=True))
        back = asyncio.create_task(self._one_way(sent=False))
        try:
            done, _ = await asyncio.wait([there, back], return_when=asyncio.FIRST_COMPLETED)
            broken = any(not task.result() for task in done)
            if not broken:
                # Whoever has said its end may still listen, but not for ever.
                wait = _LAST_WORDS if there in done else None
                await asyncio.wait([there, back], timeout=wait)
        finally:
            there.cancel()
            back.cancel()
            ended = await asyncio.gather(there, back, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception):
                raise error
        if False in ended:
            self._break("")

    async def _one_way(self, *, sent: bool) -> bool:
        """Carry one way to its end; False if one of them broke off."""
        source, sink = (self._client, self._server) if sent else (self._server, self._client)
        who, whom = ("client", "server") if sent else ("server", "client")
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_UNDER_WAY)
        giving = asyncio.create_task(self._give(queue, sink, sent=sent))
        try:
            while True:
                data = await source.receive()
                now = monotonic()
                if sent and data:
                    if data[0] == _TLS_HANDSHAKE and not self._relayed.requests:
                        # The server was heard before the client, which has not begun with TLS.
                        self._relayed.fail("TLS broke: the server spoke first, and no TLS")
                        return False
                    self._relayed.say(now, data, sent=True)
                elif not data:
                    self._relayed.end(f"the {who} closed it")
                elif source.received > self._most:
                    self._relayed.fail(f"broken off after {octets_text(source.received)}")
                    return False
                put = asyncio.ensure_future(queue.put((now + self._delay, data)))
                await asyncio.wait([put, giving], return_when=asyncio.FIRST_COMPLETED)
                put.cancel()
                if not data or giving.done():
                    break
            return await self._given(giving, whom)
        except OSError:
            self._relayed.end(f"the {who} reset it")
            return False
        finally:
            giving.cancel()
            await asyncio.gather(giving, return_exceptions=True)

    async def _given(self, giving: asyncio.Task[None], whom: str) -> bool:
        try:
            await giving
        except OSError:
            self._relayed.end(f"the {whom} broke it off")
            return False
        return True

    async def _give(
        self, queue: asyncio.Queue[tuple[float, bytes]], sink: _End, *, sent: bool
    ) -> None:
        while True:
            due, data = await queue.get()
            if (wait := due - monotonic()) > 0:
                await asyncio.sleep(wait)
            if not data:
                with suppress(OSError):  # it has closed already
                    await sink.send_eof()
                return
            if not sent:
                self._relayed.say(monotonic(), data, sent=False)
            await sink.send(data)

    def _break(self, how: str) -> None:
        """Reset both; the sockets are closed by their owner."""
        self._relayed.end(how)
        for sock in self._sockets:
            set_hard(sock)


def set_hard(sock: socket.socket) -> None:
    """Let closing the socket be a reset."""
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)


def close_hard(sock: socket.socket) -> None:
    """Reset a connection."""
    set_hard(sock)
    sock.close()
