"""What a server allows its clients, so that none of them can cost the others anything."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Each has a default that suits a server on a desk.

    ``connections``: clients at a time; the next ones wait in the listener's backlog.
    ``idle``: seconds without a byte either way after which a client is given up.
    ``message``: octets taken from a client at once; a longer datagram is dropped.
    ``unsent``: octets that may wait for a client that does not read, before it is not listened to.
    ``grace``: seconds that clients have to finish when the server is told to stop.
    """

    connections: int = 10_000
    idle: float = 60.0
    message: int = 65_536
    unsent: int = 262_144
    grace: float = 5.0
