"""A server for UDP: each datagram is a conversation of its own."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from typing import TYPE_CHECKING

from sockettools.lifetime import Running
from sockettools.net.listen import BoundSocket, peer_name
from sockettools.net.transcript import Direction

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from sockettools.net.address import Address
    from sockettools.net.serving.limits import Limits
    from sockettools.net.serving.services import Service
    from sockettools.net.transcript import Transcript

# Services that answer every datagram: a forged one from such a port would have two servers talk to
# each other for ever (echo, discard, daytime, chargen, time).
_ANSWERING_PORTS = frozenset({0, 7, 9, 13, 19, 37})


class DatagramServer(Running):
    """Answers datagrams in a thread of its own, from ``start`` to ``close``."""

    def __init__(
        self,
        address: Address,
        service: Callable[[], Service],
        limits: Limits,
        *,
        greeted: Callable[[str], None] | None = None,
        transcript: Transcript | None = None,
    ) -> None:
        """Bind. ``service`` makes one for each datagram; ``greeted`` is told who sent it.

        Raises:
            ListenError: the address cannot be bound.
        """
        self._bound = BoundSocket(address)
        self._bound.socket.setblocking(False)
        self.address = self._bound.address
        self._service = service
        self._limits = limits
        self._greeted = greeted
        self._transcript = transcript
        self._waker, self._wakened = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="datagrams", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def close(self) -> None:
        """Answer what has come, and stop."""
        self._waker.send(b"\0")
        self._thread.join()
        for sock in (self._waker, self._wakened):
            sock.close()

    def _run(self) -> None:
        try:
            self._serve()
        finally:
            # Also after an error that is a bug: better refused than never answered.
            self._bound.close()

    def _serve(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._bound.socket, selectors.EVENT_READ)
            selector.register(self._wakened, selectors.EVENT_READ)
            told_to_stop = False
            while not told_to_stop:
                told_to_stop = any(key.fileobj is self._wakened for key, _ in selector.select())
                self._answer_waiting()

    def _answer_waiting(self) -> None:
        while True:
            try:
                # One octet more than allowed tells a longer one; the system cuts the rest off.
                data, peer = self._bound.socket.recvfrom(self._limits.message + 1)
            except BlockingIOError:
                return
            except OSError:
                continue  # an earlier answer was refused; that is told here
            if len(data) <= self._limits.message and peer[1] not in _ANSWERING_PORTS:
                self._answer(data, peer)

    def _answer(self, data: bytes, peer: Any) -> None:
        name = peer_name(peer)
        if self._greeted is not None:
            self._greeted(name)
        service = self._service()
        answer = service.connected() + service.received(data)
        if self._transcript is not None:
            self._transcript.data(Direction.RECEIVED, data, name)
        if not answer:
            return
        if self._transcript is not None:
            self._transcript.data(Direction.SENT, answer, name)
        # Datagrams may get lost; one that the system does not take just now is one of them.
        with contextlib.suppress(OSError):
            self._bound.socket.sendto(answer, peer)
