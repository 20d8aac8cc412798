"""What a tap allows itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What the tap allows itself.

    ``connections`` at a time; the next ones wait in the listener's backlog. ``connect_timeout``
    in seconds, for each connection to the target. ``held`` octets under way at a time, each way
    of a connection, where ``Impairments`` hold them back; without, it is one piece.
    """

    connections: int = 256
    connect_timeout: float = 10.0
    held: int = 4_194_304


DEFAULT_LIMITS = Limits()
