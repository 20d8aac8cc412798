"""How much of a message is taken from a peer, so that none can fill the memory."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Octets, unless it says otherwise; what is over a limit raises ``TooLong``.

    ``line``: the first line, or one field; http.client takes as much, Apache and nginx 8 kB.
    ``head``: first line and fields together; Chrome takes as much, curl 300 kB.
    ``fields``: how many of them; http.client's 100 has turned real sites away.
    ``informational``: how many 1xx answers before the final one.
    ``chunk_line``: a chunk's size with its extensions.
    ``trailers``: the fields behind a chunked body.
    ``body``: after chunking is undone; None is any size.
    """

    line: int = 65_536
    head: int = 262_144
    fields: int = 1_000
    informational: int = 100
    chunk_line: int = 4_096
    trailers: int = 65_536
    body: int | None = None
