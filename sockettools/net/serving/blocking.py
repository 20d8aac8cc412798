"""Servers whose threads wait: one client after the other, or a thread for each.

What is done with a client is a function of its stream; ``service_handler`` makes one of a service.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from abc import abstractmethod
from itertools import count
from typing import TYPE_CHECKING

from sockettools.errors import SocketToolsError
from sockettools.lifetime import Running
from sockettools.net.deadline import Deadline
from sockettools.net.listen import ACCEPT_RETRY, Listener, peer_name
from sockettools.net.stream import SocketStream, linger
from sockettools.net.transcript import RecordedStream

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from sockettools.net.address import Address
    from sockettools.net.serving.limits import Limits
    from sockettools.net.serving.services import Service
    from sockettools.net.stream import Stream
    from sockettools.net.transcript import Transcript

    Handler = Callable[[SocketStream], None]

# Seconds in which a thread whose connection was cut notices it.
CUT_TIME = 2.0


class BlockingServer(Running):
    """Accepts clients in a thread, from ``start`` to ``close``, and hands them on.

    ``closing`` is set as soon as the server is told to stop.
    """

    def __init__(self, address: Address, handle: Handler, limits: Limits) -> None:
        """Listen. ``handle`` gets the stream of each client, and may leave errors to the server.

        Raises:
            ListenError: the address cannot be listened on.
        """
        self._listener = Listener(address)
        self.address = self._listener.address
        self.closing = threading.Event()
        self._handle = handle
        self._limits = limits
        self._places = threading.Semaphore(limits.connections)
        self._lock = threading.Lock()
        self._clients: dict[SocketStream, threading.Thread] = {}
        self._leaving: set[threading.Thread] = set()  # done with their clients, and ending
        self._waiting: list[socket.socket] = []  # connected before the end, and not yet served
        self._acceptor = threading.Thread(target=self._accept_clients, name="accept", daemon=True)

    def start(self) -> None:
        """Begin to serve."""
        self._acceptor.start()

    def close(self, *, stop_reading: bool = False) -> None:
        """Stop accepting, let clients finish for the grace period, then cut them off.

        With ``stop_reading`` each client's input ends at once: for protocols in which a server may
        part after any answer.
        """
        # Who has connected already is not turned away, and nobody else is let in: also while the
        # one thread of a serial server is busy.
        self._listener.stop()
        self._waiting = self._accept_waiting()
        self._listener.refuse()
        self.closing.set()
        self._places.release()  # the acceptor may be waiting for one
        deadline = Deadline.after(self._limits.grace)
        if stop_reading:
            self._shut_down(socket.SHUT_RD)
        self._join(deadline)
        self._shut_down(socket.SHUT_RDWR)
        self._join(Deadline.after(CUT_TIME))

    @abstractmethod
    def _dispatch(self, client: SocketStream) -> None:
        """Call ``_serve`` with ``client``, now or in a thread of its own."""

    def _accept_clients(self) -> None:
        while self._wait_for_place():
            try:
                client = self._listener.accept()
            except OSError:
                self._places.release()
                self.closing.wait(ACCEPT_RETRY)
                continue
            if client is None:
                break
            self._dispatch(SocketStream(client))
        self.closing.wait()
        self._listener.close()
        for client in self._waiting:
            self._dispatch(SocketStream(client))

    def _wait_for_place(self) -> bool:
        """Wait until another client may be taken; False once the server is closing."""
        self._places.acquire()
        return not self.closing.is_set()

    def _accept_waiting(self) -> list[socket.socket]:
        with contextlib.suppress(OSError):
            return [sock for sock, _ in self._listener.accept_waiting(self._limits.connections)]
        return []

    def _register(self, client: SocketStream, thread: threading.Thread) -> None:
        with self._lock:
            self._clients[client] = thread

    def _serve(self, client: SocketStream) -> None:
        # An error means that the client went away, broke the rules or ran into a limit: its own
        # affair.
        try:
            with contextlib.suppress(SocketToolsError, OSError):
                self._handle(client)
        finally:
            self._forget(client)

    def _forget(self, client: SocketStream) -> None:
        # Under the lock, so that no socket is shut down after its number was given to another.
        with self._lock:
            self._leaving.add(self._clients.pop(client))
            self._leaving = {thread for thread in self._leaving if thread.is_alive()}
            client.close()
        self._places.release()

    def _shut_down(self, how: int) -> None:
        with self._lock:
            for client in self._clients:
                with contextlib.suppress(OSError):  # gone already
                    client.socket.shutdown(how)

    def _join(self, deadline: Deadline) -> None:
        self._acceptor.join(deadline.remaining())
        with self._lock:
            threads = [*self._clients.values(), *self._leaving]
        for thread in threads:
            thread.join(deadline.remaining())


class SerialServer(BlockingServer):
    """The chapter's loop: the next client waits until this one is done."""

    def _dispatch(self, client: SocketStream) -> None:
        self._register(client, threading.current_thread())
        self._serve(client)


class ThreadedServer(BlockingServer):
    """A thread for each client, up to ``limits.connections`` of them."""

    def _dispatch(self, client: SocketStream) -> None:
        thread = threading.Thread(target=self._serve, args=(client,), daemon=True)
        self._register(client, thread)
        try:
            thread.start()
        except RuntimeError:  # no more threads to be had
            self._forget(client)


def service_handler(
    service: Callable[[], Service],
    limits: Limits,
    *,
    tls: ssl.SSLContext | None = None,
    greeted: Callable[[str], None] | None = None,
    transcript: Transcript | None = None,
) -> Handler:
    """Return the function that serves a client with a ``service`` of its own.

    ``greeted`` is told each peer's name, from the thread that serves it.
    """
    names = count(1)

    def handle(client: SocketStream) -> None:
        name, peer = str(next(names)), peer_name(client.socket.getpeername())
        if greeted is not None:
            greeted(peer)
        if transcript is not None:
            transcript.note(f"connection from {peer}", None, name)
        stream: Stream = client
        if tls is not None:
            deadline = Deadline.after(limits.idle)
            stream = client.start_tls(tls, server_side=True, deadline=deadline)
        if transcript is not None:
            stream = RecordedStream(stream, transcript, name)
        with stream:
            converse(stream, service(), limits)

    return handle


def converse(stream: Stream, service: Service, limits: Limits) -> None:
    """Let ``service`` talk over ``stream`` until it is done.

    Raises:
        Timeout, NetworkError: the client was silent, did not read, or is gone.
    """
    _say(stream, service.connected(), limits)
    while not service.done:
        data = stream.receive_some(limits.message, Deadline.after(limits.idle))
        if not data:
            _say(stream, service.ended(), limits)
            break
        _say(stream, service.received(data), limits)
    stream.send_eof(Deadline.after(limits.idle))
    linger(stream)


def _say(stream: Stream, data: bytes, limits: Limits) -> None:
    if data:
        stream.send_all(data, Deadline.after(limits.idle))
