"""A server in one thread: it waits for all its clients at once, and never for one of them.

Everything is non-blocking. The selector tells which sockets have something to receive or room to
send; each is given its turn, and then it is waited again. Nothing here may take long.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import ssl
import threading
from itertools import count
from selectors import EVENT_READ, EVENT_WRITE
from time import monotonic
from typing import TYPE_CHECKING

from sockettools.lifetime import Running
from sockettools.net.address import InternetAddress
from sockettools.net.listen import ACCEPT_RETRY, BoundSocket, peer_name
from sockettools.net.stream import LINGER_SIZE, LINGER_TIME, RECEIVE_SIZE, set_tcp_options
from sockettools.net.tls import TlsEngine
from sockettools.net.transcript import CLOSED, Direction

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from sockettools.net.address import Address
    from sockettools.net.serving.limits import Limits
    from sockettools.net.serving.services import Service
    from sockettools.net.transcript import Transcript

# Clients accepted before the others have their turn again.
ACCEPT_BATCH = 64

# Seconds between two looks for clients that have been silent for too long, at the most.
SWEEP_INTERVAL = 1.0


class SelectServer(Running):
    """Serves clients in one thread of its own, from ``start`` to ``close``."""

    def __init__(
        self,
        address: Address,
        service: Callable[[], Service],
        limits: Limits,
        *,
        tls: ssl.SSLContext | None = None,
        greeted: Callable[[str], None] | None = None,
        transcript: Transcript | None = None,
    ) -> None:
        """Listen. ``service`` makes one for each client; ``greeted`` is told each peer's name.

        Raises:
            ListenError: the address cannot be listened on.
        """
        self._bound = BoundSocket(address)
        self._bound.socket.setblocking(False)
        if isinstance(self._bound.address, InternetAddress):
            set_tcp_options(self._bound.socket)  # for all that it accepts
        self.address = self._bound.address
        self.service = service
        self.limits = limits
        self.tls = tls
        self.transcript = transcript
        self.selector = selectors.DefaultSelector()
        # One for all: what a client sent is handed on before the next one is received from.
        self.buffer = memoryview(bytearray(limits.message))
        self.clients: set[_Client] = set()
        self.now = monotonic()  # read once a round, which is exact enough for idle clients
        self._greeted = greeted
        self._names = count(1)
        self._accepting = False
        self._accept_again = 0.0  # when to listen again after a failed accept
        self._grace_ends: float | None = None  # set once the server is closing
        self._waker, self._wakened = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="select", daemon=True)

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def close(self) -> None:
        """Stop accepting, let clients finish for the grace period, then cut them off."""
        self._waker.send(b"\0")
        self._thread.join()
        self._waker.close()
        self._wakened.close()

    def forget(self, client: _Client) -> None:
        """Take note that a client is gone."""
        self.clients.discard(client)

    def _run(self) -> None:
        self.selector.register(self._wakened, EVENT_READ, self._begin_closing)
        sweep_interval = min(SWEEP_INTERVAL, self.limits.idle / 4)
        try:
            self._serve(sweep_interval)
        finally:
            # Also after an error that is a bug: better refused than never answered.
            self._bound.close()
            for client in list(self.clients):
                client.drop()
            self.selector.close()

    def _serve(self, sweep_interval: float) -> None:
        next_sweep = 0.0
        while self._grace_ends is None or (self.clients and self.now < self._grace_ends):
            self._accept_or_not()
            ready = self.selector.select(self._patience(sweep_interval))
            self.now = monotonic()
            for key, events in ready:
                key.data(events)
            if self.now >= next_sweep:
                self._sweep()
                next_sweep = self.now + sweep_interval

    def _patience(self, sweep_interval: float) -> float | None:
        """Return how long to wait at the most: for ever where there is nobody to look after."""
        if self._grace_ends is not None:
            return min(sweep_interval, max(0.0, self._grace_ends - monotonic()))
        if not self._accepting:
            return min(sweep_interval, ACCEPT_RETRY)
        return sweep_interval if self.clients else None

    def _accept_or_not(self) -> None:
        """Listen while there is room for another client."""
        wanted = (
            self._grace_ends is None
            and len(self.clients) < self.limits.connections
            and self.now >= self._accept_again
        )
        if wanted and not self._accepting:
            self.selector.register(self._bound.socket, EVENT_READ, self._accept)
        elif self._accepting and not wanted:
            self.selector.unregister(self._bound.socket)
        self._accepting = wanted

    def _accept(self, _events: int) -> None:
        for sock, sockaddr in self._accept_waiting(ACCEPT_BATCH):
            self._welcome(sock, sockaddr)

    def _accept_waiting(self, batch: int) -> list[tuple[socket.socket, Any]]:
        try:
            room = self.limits.connections - len(self.clients)
            return self._bound.accept_waiting(min(batch, room))
        except OSError:
            self._accept_again = monotonic() + ACCEPT_RETRY
            return []

    def _welcome(self, sock: socket.socket, sockaddr: Any) -> None:
        name = str(next(self._names))
        if self._greeted is not None:
            self._greeted(peer_name(sockaddr))
        if self.transcript is not None:
            self.transcript.note(f"connection from {peer_name(sockaddr)}", None, name)
        sock.setblocking(False)
        client = _Client(self, sock, name) if self.tls is None else _TlsClient(self, sock, name)
        self.clients.add(client)
        client.begin()

    def _begin_closing(self, _events: int) -> None:
        self.selector.unregister(self._wakened)
        if self._accepting:
            self.selector.unregister(self._bound.socket)
            self._accepting = False
        # Who has connected already is not turned away. Nothing is done in between, because the
        # kernel resets who connects between the last accept and the close.
        waiting = self._accept_waiting(self.limits.connections)
        self._bound.close()
        self._grace_ends = monotonic() + self.limits.grace
        for sock, sockaddr in waiting:
            self._welcome(sock, sockaddr)

    def _sweep(self) -> None:
        expired = [client for client in self.clients if client.has_expired()]
        for client in expired:
            client.drop()


class _Client:
    """One connection: a service, and what it has said that is not sent yet."""

    __slots__ = (
        "_dropped",
        "_events",
        "_heard_end",
        "_lingering",
        "_moved",
        "_name",
        "_server",
        "_service",
        "_socket",
        "_unsent",
    )

    def __init__(self, server: SelectServer, sock: socket.socket, name: str) -> None:
        self._server = server
        self._socket = sock
        self._name = name
        self._service = server.service()
        self._unsent = bytearray()
        self._events: int | None = None  # what the selector looks for; None before it is asked to
        self._lingering: int | None = None  # octets dropped since our end was sent
        self._heard_end = False
        self._dropped = False
        self._moved = server.now  # when bytes went one way or the other

    def begin(self) -> None:
        """Say what there is to be said first."""
        self.say(self._service.connected())
        self._look_for_events()

    def ready(self, events: int) -> None:
        """Take the turn that the selector gives."""
        if events & EVENT_WRITE:
            self._send_unsent()
        if events & EVENT_READ and not self._dropped:
            self._receive()
        self._look_for_events()

    def has_expired(self) -> bool:
        """Tell whether nothing has moved for too long."""
        limit = self._server.limits.idle if self._lingering is None else LINGER_TIME
        return self._server.now - self._moved >= limit

    def drop(self) -> None:
        """Give the connection up."""
        if self._dropped:
            return
        self._dropped = True
        if self._events is not None:
            self._server.selector.unregister(self._socket)
        self._socket.close()
        self._server.forget(self)
        if self._server.transcript is not None:
            self._server.transcript.note(CLOSED, None, self._name)

    def say(self, data: bytes) -> None:
        """Send as much as goes at once, and keep the rest."""
        if data:
            if self._server.transcript is not None:
                self._server.transcript.data(Direction.SENT, data, self._name)
            self.transmit(data)
        if self._service.done and not self._unsent and not self._dropped:
            self._end()

    def hear(self, data: bytes) -> None:
        """Hand bytes to the service; b"" is the client's end, after which there is no more."""
        self._record_received(data)
        if data:
            self.say(self._service.received(data))
            return
        self._heard_end = True
        last_words = self._service.ended()
        self._service.done = True
        self.say(last_words)

    def transmit(self, data: bytes) -> None:
        """Put bytes on the wire, behind those that wait."""
        if not self._unsent:
            try:
                sent = self._socket.send(data)
            except (BlockingIOError, InterruptedError):
                sent = 0
            except OSError:
                self.drop()
                return
            if sent == len(data):
                return
            data = data[sent:]
        self._unsent += data

    def arrived(self, data: bytes) -> None:
        """Take bytes from the wire; b"" is its end."""
        self.hear(data)

    def send_end(self) -> None:
        """Tell the client that no more will come."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def _receive(self) -> None:
        buffer = self._server.buffer
        try:
            data = bytes(buffer[: self._socket.recv_into(buffer)])
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self.drop()
            return
        if self._lingering is not None:
            self._linger(data)
            return
        self._moved = self._server.now
        self.arrived(data)

    def _send_unsent(self) -> None:
        try:
            sent = self._socket.send(self._unsent)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self.drop()
            return
        del self._unsent[:sent]
        self._moved = self._server.now
        if self._service.done and not self._unsent:
            self._end()

    def _end(self) -> None:
        """Send our end, and wait for the client's: closing now could reset what was sent last."""
        if self._lingering is None:
            self._lingering = 0
            self.send_end()
            if self._server.transcript is not None:
                self._server.transcript.note("end of stream", Direction.SENT, self._name)
            if self._heard_end and not self._unsent:
                self.drop()
            self._moved = self._server.now

    def _linger(self, data: bytes) -> None:
        assert self._lingering is not None  # by the only caller
        self._record_lingering(data)
        self._lingering += len(data)
        if not data or self._lingering > LINGER_SIZE:
            self.drop()

    def _record_lingering(self, data: bytes) -> None:
        self._record_received(data)

    def _record_received(self, data: bytes) -> None:
        transcript = self._server.transcript
        if transcript is None:
            return
        if data:
            transcript.data(Direction.RECEIVED, data, self._name)
        else:
            transcript.note("end of stream", Direction.RECEIVED, self._name)

    def _look_for_events(self) -> None:
        """Listen to a client that reads what it is sent, and send when it can take more."""
        if not self._unsent:
            events = EVENT_READ
        elif self._service.done or len(self._unsent) >= self._server.limits.unsent:
            events = EVENT_WRITE
        else:
            events = EVENT_READ | EVENT_WRITE
        if events == self._events or self._dropped:
            return
        if self._events is None:
            self._server.selector.register(self._socket, events, self.ready)
        else:
            self._server.selector.modify(self._socket, events, self.ready)
        self._events = events


class _TlsClient(_Client):
    """The same with TLS in between: what is said is encrypted, what arrives is decrypted."""

    __slots__ = ("_engine", "_shaken")

    def __init__(self, server: SelectServer, sock: socket.socket, name: str) -> None:
        super().__init__(server, sock, name)
        assert server.tls is not None  # by the only caller
        self._engine = TlsEngine(server.tls, None, server_side=True)
        self._shaken = False

    def begin(self) -> None:
        """Wait for the client's hello."""
        self._look_for_events()

    def arrived(self, data: bytes) -> None:
        """Decrypt, and shake hands first."""
        self._engine.feed(data)
        try:
            if not self._shaken:
                self._engine.do_handshake()
                self._shaken = True
                self.say(self._service.connected())
            while not self._service.done:
                plain = self._engine.read(RECEIVE_SIZE)
                self.hear(plain)
        except ssl.SSLWantReadError:
            self._flush()
        except ssl.SSLError:
            self._flush()  # the alert that says why
            self.drop()

    def transmit(self, data: bytes) -> None:
        """Encrypt and send."""
        self._engine.write(data)
        self._flush()

    def send_end(self) -> None:
        """Say goodbye as TLS does, and end."""
        self._engine.write_eof()
        self._flush()
        super().send_end()

    def _record_lingering(self, data: bytes) -> None:
        """Record nothing: what is dropped is not decrypted."""

    def _flush(self) -> None:
        if (data := self._engine.take()) and not self._dropped:
            super().transmit(data)
