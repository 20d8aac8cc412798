"""One HTTP/1.1 connection as an asyncio protocol: it feeds the engine and waits for its events.

The engine says what the bytes mean, the transport carries them; here is only who waits for whom.
"""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from time import monotonic
from typing import TYPE_CHECKING, cast

from sockettools import http1
from sockettools.errors import ReadError, RemoteProtocolError
from sockettools.http1 import NEED_DATA, Data, EndOfMessage, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from sockettools.http1 import Event, Status

# So much may wait unread before the peer has to. asyncio reads as much at once.
HIGH_WATER = 512 * 1024

# A body is handed on in pieces of about this size, however small its chunks.
PIECE = 64 * 1024

# Up to this size, head and body leave in one piece.
_SMALL = 16 * 1024


class HttpConnection(asyncio.Protocol):
    """A connection that is asked one request after another, by one task at a time.

    ``on_lost`` is called with it, once, when there is no connection any more.
    """

    def __init__(self, peer: str, on_lost: Callable[[HttpConnection], object]) -> None:
        self.peer = peer
        self.heard = False  # anything, since the last request
        self.asked_at = self.heard_at = 0.0
        self.ip_address: ipaddress.IPv4Address | ipaddress.IPv6Address | None = None
        self.certificate: bytes | None = None
        self._on_lost = on_lost
        self._loop = asyncio.get_running_loop()
        # Scrapy's own handlers, and curl, read such answers.
        self._http = http1.Connection(http1.Role.CLIENT, skip_bad_fields=True, allow_version_2=True)
        self._transport: asyncio.Transport | None = None
        self._is_busy = False
        self._is_broken = False
        self._ahead: Event | Status | None = None  # what was taken from the engine too early
        self._waiter: asyncio.Future[None] | None = None
        self._error: Exception | None = None
        self._unread = 0
        self._is_paused = False
        self._lost = self._loop.create_future()

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        peer_name = transport.get_extra_info("peername")
        if peer_name:
            self.ip_address = ipaddress.ip_address(peer_name[0].partition("%")[0])
        if (session := self.tls_session) is not None:
            self.certificate = session.getpeercert(binary_form=True)
        if self._is_broken:
            self.abort()

    def data_received(self, data: bytes) -> None:
        """Let the engine have it."""
        if not self._is_busy:
            # Nobody asked: it would be taken for the answer to the next request.
            self.abort()
            return
        if not self.heard:
            self.heard = True
            self.heard_at = monotonic()
        self._http.receive_data(data)
        self._unread += len(data)
        if self._unread >= HIGH_WATER and self._transport is not None and not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        """Let the engine know; the transport closes itself."""
        self._is_broken = True
        self._http.receive_data(b"")
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits."""
        self._is_broken = True
        self._error = exc or ConnectionAbortedError("the connection was closed")
        self._wake()
        if not self._lost.done():
            self._lost.set_result(None)
        self._on_lost(self)

    # What the owner calls.

    @property
    def is_usable(self) -> bool:
        """Whether nothing is known that speaks against another request."""
        return not self._is_broken

    @property
    def is_lost(self) -> bool:
        """Whether it is closed on both sides."""
        return self._lost.done()

    @property
    def tls_session(self) -> ssl.SSLObject | None:
        """The innermost encryption, if there is any."""
        if self._transport is None:
            return None
        session = self._transport.get_extra_info("ssl_object")
        return session if isinstance(session, ssl.SSLObject) else None

    @property
    def transport(self) -> asyncio.Transport:
        """What carries the bytes."""
        assert self._transport is not None
        return self._transport

    async def ask(self, request: http1.Request, body: bytes = b"") -> http1.Response:
        """Send a request and return the head of its final answer.

        The answer is read while the body is still being sent: it may come early.

        Raises:
            LocalProtocolError: it would not be a request. Nothing of it was sent.
            RemoteProtocolError: the answer is none; IncompleteMessage when there was no more of it.
            ReadError: the connection broke.
        """
        head = self._http.send(request)
        payload = self._http.send(Data(body)) if body else b""
        payload += self._http.send(EndOfMessage())
        self._is_busy = True
        self.heard = False
        self.asked_at = monotonic()
        if len(payload) <= _SMALL:
            self.transport.write(head + payload)
        else:
            self.transport.write(head)
            self.transport.write(payload)
        while True:
            event = await self._next_event()
            if isinstance(event, http1.Response):
                return event
            if not isinstance(event, http1.InformationalResponse):
                raise RemoteProtocolError(f"{self.peer} sent {event} for an answer")

    async def receive_body(self) -> bytes | None:
        """Return the next piece of the body; None when it is complete.

        Raises:
            RemoteProtocolError, ReadError: as for ``ask``. What came before was returned before.
        """
        event = await self._next_event()
        if type(event) is not Data:
            return None
        piece = event.data
        if len(piece) >= PIECE:
            return piece
        pieces, size = [piece], len(piece)
        while size < PIECE:
            try:
                event = self._http.next_event()
            except RemoteProtocolError:
                break  # the engine says it again when it is asked next
            if type(event) is not Data:
                self._ahead = None if event is NEED_DATA else event
                break
            pieces.append(event.data)
            size += len(event.data)
        return b"".join(pieces) if len(pieces) > 1 else piece

    def begin_next(self) -> bool:
        """Make ready for another request; False when there can be none."""
        http = self._http
        if (
            self._is_broken
            or http.our_state is not State.DONE
            or http.their_state is not State.DONE
            or http.trailing_data != (b"", False)
            or self.transport.is_closing()
            or self.transport.get_write_buffer_size()
        ):
            return False
        http.start_next_cycle()
        self._is_busy = False
        self._resume()
        return True

    def check_tunnel(self) -> None:
        """Check that what follows comes from the other end of a tunnel.

        Raises:
            RemoteProtocolError: the proxy spoke on for itself.
        """
        if self._http.trailing_data[0]:
            raise RemoteProtocolError(f"{self.peer} sent more than an answer to CONNECT")

    def abort(self) -> None:
        """Break the connection off."""
        self._is_broken = True
        if self._transport is not None:
            self._transport.abort()

    def close(self) -> None:
        """Close it in the way that the peer expects."""
        self._is_broken = True
        if self._transport is not None:
            self._transport.close()

    async def wait_until_lost(self) -> None:
        """Return when it is closed."""
        await asyncio.shield(self._lost)

    async def _next_event(self) -> Event | Status:
        if (ahead := self._ahead) is not None:
            self._ahead = None
            return ahead
        while True:
            event = self._http.next_event()
            if event is not NEED_DATA:
                return event
            if self._error is not None:
                reason = getattr(self._error, "strerror", None) or self._error
                raise ReadError(f"{self.peer}: {reason}") from self._error
            self._resume()
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None

    def _resume(self) -> None:
        self._unread = 0
        if self._is_paused:
            self._is_paused = False
            self.transport.resume_reading()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
