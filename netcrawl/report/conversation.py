"""What a way and the servers said to each other, as the arrows of a sequence diagram."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

from netcrawl.compare.result import SENT
from netcrawl.report.shown import shown
from sockettools.text import visible
from sockettools.units import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netcrawl.compare.result import Connection, Exchange, Lookup, Piece, Way

# Octets of a message that are shown, and messages of a way.
MAX_OCTETS = 6_000
MAX_STEPS = 150

# Characters of the line that names a message.
_MAX_LINE = 120

_NO_ROOM = "(There is no room for them in this page; --json has them.)"

# Where an arrow goes; a note has none.
TO_SERVER = "right"
TO_WAY = "left"
NOTE = "note"


@dataclass(frozen=True)
class Step:
    """An arrow, or a note: when (seconds), on which connection (0: none), what, and its octets."""

    time: float
    connection: int
    kind: str
    text: str
    hint: str = ""
    octets: str = ""
    is_problem: bool = False


def steps(way: Way, room: int = 10**9) -> tuple[list[Step], int]:
    """Return what was said in order of time, and how many steps are left out at the end.

    With octets of more than ``room`` characters, those of the messages after that are left out.
    """
    made = [step for lookup in way.lookups for step in _lookup(lookup)]
    for connection in way.connections:
        own = [it for it in way.exchanges if it.connection == connection.number]
        made += _connection(connection, own)
    # What happens at one time stays in the order of its connection.
    made.sort(key=lambda step: step.time)
    told = []
    for step in made[:MAX_STEPS]:
        room -= len(step.octets)
        told.append(replace(step, octets=_NO_ROOM) if step.octets and room < 0 else step)
    return told, len(made) - len(told)


def _lookup(lookup: Lookup) -> Iterator[Step]:
    found = ", ".join(lookup.addresses[:6]) or lookup.error or "nothing"
    yield Step(
        lookup.begun,
        0,
        NOTE,
        f"looks up {shown(lookup.host, _MAX_LINE)}: {shown(found)}",
        milliseconds(lookup.ended - lookup.begun),
        is_problem=bool(lookup.error),
    )


def _connection(connection: Connection, exchanges: Sequence[Exchange]) -> Iterator[Step]:
    number = connection.number
    address = f"[{connection.address}]" if ":" in connection.address else connection.address
    where = shown(f"{address}:{connection.port}", _MAX_LINE)
    if connection.connected is None:
        problem = shown(connection.error or "there was no answer")
        yield Step(
            *(connection.begun, number, TO_SERVER), f"asks {where} for a connection", problem,
            is_problem=True,
        )  # fmt: skip
        return
    took = milliseconds(connection.connected - connection.begun)
    yield Step(connection.begun, number, TO_SERVER, f"opens a connection to {where}", took)
    if connection.secured is not None:
        took = milliseconds(connection.secured - connection.connected)
        text = f"both agree on {shown(connection.tls or 'TLS', _MAX_LINE)}"
        yield Step(connection.secured, number, NOTE, text, took)
    purposes = {it.sent: it.purpose for it in exchanges}
    for pieces in _messages(connection.pieces, purposes):
        yield _message(number, pieces, purposes)
    ended = max([connection.closed or 0.0, *(piece.time for piece in connection.pieces[-1:])])
    if connection.left_out:
        left = f"{counted(connection.left_out, 'octet')} more went over this connection"
        yield Step(ended, number, NOTE, left)
    if connection.end or connection.error:
        end = connection.end or "the connection ended"
        yield Step(ended, number, NOTE, shown(end), shown(connection.error),
                   is_problem=bool(connection.error))  # fmt: skip


def _messages(pieces: Sequence[Piece], begins: dict[float, str]) -> Iterator[list[Piece]]:
    """Put together what went one way, up to the next request."""
    for _, group in groupby(pieces, key=lambda piece: piece.direction):
        message: list[Piece] = []
        for piece in group:
            if message and piece.direction == SENT and piece.time in begins:
                yield message
                message = []
            message.append(piece)
        yield message


def _message(number: int, pieces: list[Piece], purposes: dict[float, str]) -> Step:
    data = b"".join(piece.data for piece in pieces)
    parts = "" if len(pieces) == 1 else f" in {len(pieces)} pieces"
    is_sent = pieces[0].direction == SENT
    purpose = purposes.get(pieces[0].time, "page") if is_sent else "page"
    hint = f"{counted(len(data), 'octet')}{parts}" + f", for {purpose}" * (purpose != "page")
    line = visible(data.split(b"\n", 1)[0].rstrip(b"\r")[:_MAX_LINE].decode("latin-1"))
    return Step(
        pieces[0].time,
        number,
        TO_SERVER if is_sent else TO_WAY,
        line or "(an empty line)",
        hint,
        octets_shown(data),
    )


def octets_shown(data: bytes, limit: int = MAX_OCTETS) -> str:
    r"""Return octets as text, each that does not print as its escape, lines as lines.

    >>> print(octets_shown(b"GET / HTTP/1.0\r\n\r\n\x1f\x8b"))
    GET / HTTP/1.0\r\n
    \r\n
    \x1f\x8b
    """
    # Each of them is one character, which ASCII has or has not.
    text = data[:limit].decode("latin-1").replace("\\", "\\\\")
    escaped = "".join(
        char if " " <= char <= "~" else "\\n\n" if char == "\n" else _escape(char) for char in text
    ).rstrip("\n")
    left = len(data) - limit
    return f"{escaped}\n… {counted(left, 'octet')} more" if left > 0 else escaped


def milliseconds(seconds: float) -> str:
    """Write a time as the tables of a comparison have it."""
    return f"{seconds * 1000:.1f} ms"


def _escape(char: str) -> str:
    return {"\r": "\\r", "\t": "\\t"}.get(char, f"\\x{ord(char):02x}")
