"""Clients for ``servers``, as many at a time as are wanted: one process, one epoll.

``python -I -S load.py greet|echo PORT CLIENTS SECONDS``. Each client connects, is greeted or has
ROUNDS messages echoed, parts, and comes again until the time is over; each is served once at
least. Everything that comes back is compared with what has to. Prints one object of JSON: how many
``operations`` (connections of greet, round trips of echo) in how many seconds of ``wall``, ``p50``
and ``p99`` of the seconds that a client waited for one, the first one's connecting included, and a
``problem`` if there was one.
"""

from __future__ import annotations

import errno
import json
import os
import select
import socket
import sys
import time

GREETING = b"Thank you for connecting"
MESSAGE = b"sixteen octets.\n"
ROUNDS = 10

# Seconds in which nobody is served at all, after which nobody will be.
_SILENCE = 20.0


class Trouble(Exception):
    """A server did not do what it has to; the text is for the user."""


class _Client:
    """One connection: what it expects, how much of that has come, and since when it waits."""

    def __init__(self, sock: socket.socket, now: float) -> None:
        self.sock = sock
        self.heard = b""
        self.asked = now
        self.rounds = 0


class Load:
    """All clients of one run."""

    def __init__(self, service: str, port: int, clients: int) -> None:
        self._is_echo = service == "echo"
        self._port = port
        self._places = clients
        self._epoll = select.epoll()
        self._clients: dict[int, _Client] = {}
        self._waits: list[float] = []

    def run(self, seconds: float) -> dict[str, float]:
        """Let them come until the time is over, and stay until all were served.

        Raises:
            Trouble: one was not, or not as it has to be.
        """
        start = time.perf_counter()
        end = start + seconds
        try:
            for _ in range(self._places):
                self._begin(time.perf_counter())
            while self._clients:
                self._serve(end)
        except OSError as exc:
            raise Trouble(f"a client was not served: {exc.strerror or exc}") from exc
        finally:
            for client in self._clients.values():
                client.sock.close()
            self._epoll.close()
        wall = time.perf_counter() - start
        self._waits.sort()
        return {
            "operations": len(self._waits),
            "wall": wall,
            "p50": percentile(self._waits, 50),
            "p99": percentile(self._waits, 99),
        }

    def _serve(self, end: float) -> None:
        events = self._epoll.poll(_SILENCE)
        if not events:
            raise Trouble(f"{len(self._clients)} clients heard nothing for {_SILENCE:g} seconds")
        for number, event in events:
            client = self._clients[number]
            if event == select.EPOLLOUT:
                client.sock.send(MESSAGE)
                self._epoll.modify(number, select.EPOLLIN)
            elif self._is_over(client):
                self._epoll.unregister(number)
                del self._clients[number]
                client.sock.close()
                if (now := time.perf_counter()) < end:
                    self._begin(now)

    def _begin(self, now: float) -> None:
        sock = socket.socket()
        client = self._clients[sock.fileno()] = _Client(sock, now)
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        error = sock.connect_ex(("127.0.0.1", self._port))
        if error not in (0, errno.EINPROGRESS):
            raise OSError(error, os.strerror(error))
        self._epoll.register(sock.fileno(), select.EPOLLOUT if self._is_echo else select.EPOLLIN)
        client.sock = sock

    def _is_over(self, client: _Client) -> bool:
        """Take what has come; tell whether the client has had all that it came for."""
        data = client.sock.recv(4096)
        client.heard += data
        if not self._is_echo:
            if data:
                return False
            self._expect(client, GREETING)
            self._waits.append(time.perf_counter() - client.asked)
            return True
        if data and len(client.heard) < len(MESSAGE):
            return False
        self._expect(client, MESSAGE)
        now = time.perf_counter()
        self._waits.append(now - client.asked)
        client.rounds += 1
        if client.rounds == ROUNDS:
            return True
        client.heard, client.asked = b"", now
        client.sock.send(MESSAGE)
        return False

    def _expect(self, client: _Client, expected: bytes) -> None:
        if client.heard != expected:
            raise Trouble(f"a client heard {client.heard[:80]!r}, expected {expected!r}")


def percentile(ordered: list[float], percent: float) -> float:
    """Return the smallest value that so many percent do not exceed.

    >>> percentile([1.0, 2.0, 3.0, 4.0], 50), percentile([1.0, 2.0, 3.0, 4.0], 99)
    (2.0, 4.0)
    """
    return ordered[max(0, -int(-len(ordered) * percent // 100) - 1)]


def main(service: str, port: str, clients: str, seconds: str) -> None:
    """Put the load on a server of 127.0.0.1."""
    try:
        told: dict[str, object] = dict(Load(service, int(port), int(clients)).run(float(seconds)))
    except Trouble as exc:
        told = {"problem": str(exc)}
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
