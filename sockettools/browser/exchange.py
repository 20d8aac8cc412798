"""The record of one request and its answer: what was said, and how long each phase took."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sockettools import http1
    from sockettools.url import HttpUrl


@dataclass
class Timings:
    """Seconds that each phase took; None where it did not happen, as on a connection in use.

    ``resolve`` the name, ``connect``, ``tls``, ``send`` the request, ``wait`` for the answer's
    head, ``receive`` the rest.
    """

    resolve: float | None = None
    connect: float | None = None
    tls: float | None = None
    send: float | None = None
    wait: float | None = None
    receive: float | None = None

    def total(self) -> float:
        """Return all of them together."""
        phases = (self.resolve, self.connect, self.tls, self.send, self.wait, self.receive)
        return sum(phase for phase in phases if phase is not None)

    def first_byte(self) -> float | None:
        """Return the seconds from the beginning to the answer's head."""
        return None if self.wait is None else self.total() - (self.receive or 0.0)


@dataclass
class Exchange:
    """One request, and what came of it; ``response`` is None and ``error`` says why if nothing.

    ``started`` is in seconds since the epoch, ``body_size`` in octets as received,
    ``content_size`` as decoded (0: not coded), ``content`` the beginning of the body as received,
    ``peer`` the address connected to, ``connection`` a number.
    """

    url: HttpUrl
    request: http1.Request
    request_body: bytes | None
    started: float
    timings: Timings = field(default_factory=Timings)
    response: http1.Response | None = None
    body_size: int = 0
    content: bytearray = field(default_factory=bytearray)
    content_size: int = 0
    peer: str = ""
    connection: int = 0
    error: str = ""
