"""What a server says: small objects that know no socket.

One is made for each client. The server hands it what happens, and sends what it returns:

>>> echo = Echo()
>>> echo.connected(), echo.received(b"hello"), echo.ended(), echo.done
(b'', b'hello', b'', True)
"""

from __future__ import annotations

import time

GREETING = b"Thank you for connecting"

# Seconds from 1900 to 1970, the epochs of RFC 868 and of Unix.
_RFC_868_EPOCH = 2_208_988_800


class Service:
    """A conversation with one client, in which nothing is said.

    Each method returns the bytes to send. Once ``done`` is true, the connection is ended when all
    of them are sent.
    """

    done = False

    def connected(self) -> bytes:
        """Take note that the client is there."""
        return b""

    def received(self, data: bytes) -> bytes:  # noqa: ARG002 - what a subclass answers to
        """Take bytes from the client; where a message ends, TCP does not tell."""
        return b""

    def ended(self) -> bytes:
        """Take note that the client sends no more: what this returns is the last."""
        self.done = True
        return b""


class Greet(Service):
    """The chapter's: thank the client and part."""

    def connected(self) -> bytes:
        """Greet."""
        self.done = True
        return GREETING


class Echo(Service):
    """Say what is heard (RFC 862)."""

    def received(self, data: bytes) -> bytes:
        """Repeat."""
        return data


class Discard(Service):
    """Hear, and say nothing (RFC 863)."""


class Time(Service):
    """The time in four octets: seconds since 1900, the most significant first (RFC 868)."""

    def connected(self) -> bytes:
        """Tell the time."""
        self.done = True
        # Four octets are full in 2036; counting on from zero is what other servers do as well.
        return ((int(time.time()) + _RFC_868_EPOCH) & 0xFFFFFFFF).to_bytes(4, "big")


class Daytime(Service):
    """The time as a line of text, in UTC (RFC 867)."""

    def connected(self) -> bytes:
        """Tell the time."""
        self.done = True
        return time.strftime("%A, %B %d, %Y %H:%M:%S-UTC\r\n", time.gmtime()).encode("ascii")


SERVICES: dict[str, type[Service]] = {
    "greet": Greet,
    "echo": Echo,
    "discard": Discard,
    "time": Time,
    "daytime": Daytime,
}
