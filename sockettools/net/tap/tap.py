"""The relay between clients and a server, from outside."""

from __future__ import annotations

import threading
from itertools import count
from selectors import EVENT_READ
from time import monotonic
from typing import TYPE_CHECKING

from sockettools.errors import AddressError, SocketToolsError
from sockettools.lifetime import Running
from sockettools.net.address import STREAM
from sockettools.net.deadline import Deadline
from sockettools.net.dial import dial
from sockettools.net.listen import ACCEPT_RETRY, BoundSocket, peer_name
from sockettools.net.tap.impairments import NO_IMPAIRMENTS
from sockettools.net.tap.limits import DEFAULT_LIMITS
from sockettools.net.tap.loop import Loop
from sockettools.net.tap.recorder import Recorder
from sockettools.net.tap.relay import Relay, give_up
from sockettools.net.tap.way import Way
from sockettools.net.transcript import Direction

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from sockettools.net.address import Address
    from sockettools.net.tap.impairments import Impairments
    from sockettools.net.tap.limits import Limits
    from sockettools.net.transcript import Transcript

# Seconds that closing the tap waits for bytes that are on their way.
GRACE = 1.0


class Tap(Running):
    """Relays between ``listen`` and ``target`` in a thread of its own, from ``start`` to ``close``.

    The transcript has each connection under its number, from "1": SENT is from the client to the
    target, RECEIVED from the target to the client, both when they arrive at the tap. ``report`` is
    called with one line for every connection that could not be made, from the tap's thread.
    """

    def __init__(
        self,
        listen: Address,
        target: Address,
        transcript: Transcript | None = None,
        impairments: Impairments = NO_IMPAIRMENTS,
        limits: Limits = DEFAULT_LIMITS,
        report: Callable[[str], None] | None = None,
    ) -> None:
        """Listen; port 0 takes any free one, ``address`` tells which.

        Raises:
            AddressError: one of the addresses is for datagrams.
            ListenError: ``listen`` cannot be listened on.
        """
        for address in (listen, target):
            if address.kind != STREAM:
                raise AddressError(f"{address} is no stream: a tap relays TCP and Unix sockets")
        self._listener = BoundSocket(listen)
        self._listener.socket.setblocking(False)
        self.address = self._listener.address
        self._target = target
        self._impairments = impairments
        self._limits = limits
        self._report = report or (lambda _line: None)
        self.loop = Loop()
        self.recorder = Recorder(transcript)
        self._names = count(1)
        self._relays: set[Relay] = set()
        # The clients for which the target is being called, with the thread that does it.
        self._calling: dict[socket.socket, threading.Thread] = {}
        self._accepting = False
        self._thread = threading.Thread(target=self._run, name="tap", daemon=True)

    def start(self) -> None:
        """Begin to relay."""
        self._thread.start()

    def close(self) -> None:
        """Stop accepting, let bytes on their way arrive for ``GRACE`` seconds, reset the rest.

        A connection to the target that is still being made after that is given up: its thread ends
        by itself within ``Limits.connect_timeout``.
        """
        self.loop.stop()
        if self._thread.ident is None:  # never started
            self._close_all()
        else:
            self._thread.join()

    def _run(self) -> None:
        try:
            self._accept_if_there_is_room()
            while not self.loop.stopping:
                self.loop.turn()
            self._finish()
        finally:
            self._close_all()

    def _finish(self) -> None:
        """Let what is on its way arrive; whoever is idle then has nothing to lose."""
        self.loop.watch(self._listener.socket, 0)
        self._listener.close()
        deadline = Deadline.after(GRACE)
        # What a client has said is on its way also while the target is being called.
        while self._calling and not deadline.has_passed():
            self.loop.turn(deadline.remaining())
        while self.loop.turn(0.0) and not deadline.has_passed():
            pass
        for relay in [relay for relay in self._relays if not relay.is_busy]:
            relay.break_off()
        while any(relay.is_busy for relay in self._relays) and not deadline.has_passed():
            self.loop.turn(deadline.remaining())

    def _close_all(self) -> None:
        self.loop.refuse_calls()
        for relay in list(self._relays):
            relay.break_off()
        for client in self._calling:
            give_up(client, reset=True)
        self._listener.close()
        self.loop.close()
        deadline = Deadline.after(GRACE)
        for thread in self._calling.values():
            thread.join(deadline.remaining())

    def forget(self, relay: Relay) -> None:
        """Take note that a connection is closed: there is room for another one."""
        self._relays.discard(relay)
        self._accept_if_there_is_room()

    def _accept_if_there_is_room(self) -> None:
        if self.loop.stopping:
            return
        room = len(self._relays) + len(self._calling) < self._limits.connections
        if room != self._accepting:
            self._accepting = room
            self.loop.watch(self._listener.socket, EVENT_READ if room else 0, self._accept)

    def _accept(self, _mask: int) -> None:
        try:
            client, peer = self._listener.socket.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return  # the client gave up in between
        except OSError:
            self._accepting = False
            self.loop.watch(self._listener.socket, 0)
            self.loop.call_at(monotonic() + ACCEPT_RETRY, self._accept_if_there_is_room)
            return
        name = str(next(self._names))
        self.recorder.note(f"connection from {peer_name(peer)}", None, name)
        thread = threading.Thread(target=self._call, args=(name, client), daemon=True)
        self._calling[client] = thread
        try:
            thread.start()
        except RuntimeError as exc:  # no more threads to be had
            self._refuse(name, client, str(exc))
        self._accept_if_there_is_room()

    def _call(self, name: str, client: socket.socket) -> None:
        """Connect to the target, in a thread; the loop goes on with what comes of it."""
        try:
            target = dial(self._target, Deadline.after(self._limits.connect_timeout)).socket
        except (SocketToolsError, OSError, RuntimeError) as exc:
            problem = str(exc)
            self.loop.call_soon(lambda: self._refuse(name, client, problem))
            return
        if not self.loop.call_soon(lambda: self._relay(name, client, target)):
            target.close()  # the tap is closed

    def _refuse(self, name: str, client: socket.socket, problem: str) -> None:
        del self._calling[client]
        give_up(client, reset=True)
        self.recorder.note(problem, None, name)
        self._report(f"connection {name}: {problem}")
        self._accept_if_there_is_room()

    def _relay(self, name: str, client: socket.socket, target: socket.socket) -> None:
        del self._calling[client]
        ways = (
            Way(Direction.SENT, client, target, self._impairments, self._limits.held),
            Way(Direction.RECEIVED, target, client, self._impairments, self._limits.held),
        )
        relay = Relay(self, name, ways, self._impairments)
        self._relays.add(relay)
        relay.advance()
