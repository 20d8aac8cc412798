"""What a page answers with, as values: the server does the sending, and all the waiting.

An ``Answer`` is correct HTTP by construction, because the engine writes it. ``Raw`` is for pages
that break the rules: its bytes go out as they are.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum, auto
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sockettools.http1.events import InformationalResponse

HTML = "text/html; charset=utf-8"
PLAIN = "text/plain; charset=utf-8"
JSON = "application/json"
OCTETS = "application/octet-stream"


@dataclass(frozen=True)
class Pause:
    """Nothing is sent for so long. A page that slept itself could not be woken to stop."""

    seconds: float


# What a body is sent in; it may be without end.
Piece = bytes | Pause


@dataclass(frozen=True)
class Endless:
    """A ``start``, and then the same again and again."""

    start: bytes
    filling: bytes

    def __iter__(self) -> Iterator[Piece]:
        return chain((self.start,), repeat(self.filling))


class Ending(Enum):
    """What becomes of the connection behind an answer."""

    KEEP = auto()  # another request may follow, if the client and the framing allow it
    CLOSE = auto()
    RESET = auto()  # an RST where an end was expected
    SILENCE = auto()  # neither a byte nor an end, until the client has had enough
    DESERTION = auto()  # closed as soon as the next request is there, without answering it


@dataclass(frozen=True)
class Answer:
    """Status, fields and body; framing, Date, Server and Connection are added.

    ``before`` is what comes ahead of it: pauses, and informational answers, which are left out for
    HTTP/1.0. A ``body`` that is not bytes is sent in chunks, or until the connection ends to
    HTTP/1.0; with a ``length`` neither is needed.
    """

    status: int = 200
    body: bytes | Iterable[Piece] = b""
    content_type: str | None = PLAIN
    fields: tuple[tuple[str, str], ...] = ()
    reason: str | None = None
    length: int | None = None
    before: Iterable[InformationalResponse | Pause] = ()
    ending: Ending = Ending.KEEP


@dataclass(frozen=True)
class Raw:
    """Octets that the engine would not send; the body is left out for HEAD."""

    head: bytes | Iterable[Piece]
    body: bytes | Iterable[Piece] = b""
    ending: Ending = Ending.CLOSE


Reply = Answer | Raw


def json_answer(value: Any, *, status: int = 200) -> Answer:
    """Return an answer that shows ``value``."""
    return Answer(status, json.dumps(value, indent=2).encode() + b"\n", JSON)


def raw_head(*fields: str, line: str = "HTTP/1.1 200 OK") -> bytes:
    r"""Return a head of exactly these lines, right or wrong.

    >>> raw_head("Content-Length: -1")
    b'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n'
    """
    return "".join(f"{text}\r\n" for text in (line, *fields, "")).encode("latin-1")


def pieces(data: bytes | Iterable[Piece]) -> Iterable[Piece]:
    """Return ``data`` in pieces: one, unless it is in pieces already."""
    return (data,) if isinstance(data, bytes) else data
