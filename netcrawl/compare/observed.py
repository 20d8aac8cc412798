"""What the relay recorded of one fetch, as a result has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from netcrawl.compare.heads import final_head, head_of, request_line, status_of, value_of
from netcrawl.compare.result import RECEIVED, SENT, Connection, Exchange, Lookup, Piece
from sockettools.url import parse_http_url, resolve_location

if TYPE_CHECKING:
    from netcrawl.compare.recording import Recording, Relayed, Turn
    from sockettools.url import HttpUrl

# What a result keeps of all that was said on one connection, and of each piece of it.
KEPT = 131_072
MAX_PIECES = 500

PAGE, ROBOTS, REDIRECT, RETRY, OTHER = "page", "robots.txt", "redirect", "retry", "other"


@dataclass(frozen=True)
class Observed:
    """All of it; times are seconds since the way was asked for the URL."""

    lookups: tuple[Lookup, ...]
    connections: tuple[Connection, ...]
    more_connections: int
    exchanges: tuple[Exchange, ...]
    octets_sent: int
    octets_received: int

    def phases(self) -> dict[str, float]:
        """Return when each phase was over that happened; see ``result.PHASES``."""
        final = next((one for one in reversed(self.exchanges) if one.purpose != ROBOTS), None)
        if final is None or final.first_byte is None or final.done is None:
            return {}
        connection = self.connections[final.connection - 1]
        found: dict[str, float | None] = {
            "resolve": max(
                (
                    lookup.ended
                    for lookup in self.lookups
                    if connection.address in lookup.addresses and lookup.ended <= connection.begun
                ),
                default=None,
            ),
            "connect": connection.connected,
            "tls": connection.secured,
            "first_byte": final.first_byte,
            "done": final.done,
        }
        return {name: seconds for name, seconds in found.items() if seconds is not None}


def observe(recording: Recording, url: str, start: float) -> Observed:
    """Read a recording of a fetch of ``url`` that began at ``start``."""
    turns = sorted(
        (
            (relayed, turn, turn is relayed.turns[0])
            for relayed in recording.connections
            for turn in relayed.turns
            if turn.sent
        ),
        key=lambda one: one[1].begun,
    )
    exchanges: list[Exchange] = []
    story = _Story(url)
    for relayed, turn, is_first in turns:
        exchanges.append(_exchange(relayed, turn, is_first, story, start))
    names = {address: lookup.host for lookup in recording.lookups for address in lookup.addresses}
    return Observed(
        lookups=tuple(
            Lookup(one.host, one.begun - start, one.ended - start, one.addresses, one.error)
            for one in recording.lookups
        ),
        connections=tuple(
            _connection(relayed, names.get(relayed.address, ""), start)
            for relayed in recording.connections
        ),
        more_connections=recording.opened - len(recording.connections),
        exchanges=tuple(exchanges),
        octets_sent=recording.sent,
        octets_received=recording.received,
    )


class _Story:
    """Tells what each request of a fetch was for, from the ones before it."""

    def __init__(self, url: str) -> None:
        self._page = str(parse_http_url(url))
        self._asked: set[str] = set()
        self._targets: set[str] = set()

    def purpose(self, url: str) -> str:
        if url in self._asked:
            found = RETRY
        elif url == self._page:
            found = PAGE
        elif url in self._targets:
            found = REDIRECT
        else:
            found = ROBOTS if url.endswith("/robots.txt") and url.count("/") == 3 else OTHER
        self._asked.add(url)
        return found

    def answered(self, url: HttpUrl | None, status: int | None, location: str | None) -> None:
        if url is not None and status is not None and 300 <= status < 400 and location:
            try:
                target = str(resolve_location(url, location))
            except ValueError:
                return  # it leads nowhere
            self._targets.add(target)
            # A page may lead to itself, once a cookie is set: asking again is no retry.
            self._asked.discard(target)


def _exchange(
    relayed: Relayed, turn: Turn, is_first: bool, story: _Story, start: float
) -> Exchange:
    request = head_of(turn.octets(sent=True))
    answer = final_head(turn.octets(sent=False))
    _, target, _ = request_line(request)
    host = value_of(request, "host") or f"{relayed.address}:{relayed.port}"
    scheme = "https" if relayed.secured is not None else "http"
    text = target if target.startswith("http") else f"{scheme}://{host}{target}"
    try:
        url = parse_http_url(text)
    except ValueError:
        url = None
    status = status_of(answer)
    purpose = story.purpose(str(url) if url else text)
    story.answered(url, status, value_of(answer, "location"))
    return Exchange(
        connection=relayed.number,
        is_first_there=is_first,
        purpose=purpose,
        url=str(url) if url else text,
        request=request,
        answer=answer,
        status=status,
        sent=turn.begun - start,
        first_byte=None if turn.first is None else turn.first - start,
        done=None if turn.last is None else turn.last - start,
        octets_sent=turn.sent,
        octets_received=turn.received,
    )


def _connection(relayed: Relayed, host: str, start: float) -> Connection:
    pieces: list[Piece] = []
    room, total = KEPT, 0
    for turn in relayed.turns:
        for said in turn.pieces:
            data = said.data[:room]
            total += len(data)
            if data and len(pieces) < MAX_PIECES:
                room -= len(data)
                pieces.append(Piece(said.time - start, SENT if said.sent else RECEIVED, data))
    said_all = sum(turn.sent + turn.received for turn in relayed.turns)
    return Connection(
        number=relayed.number,
        host=relayed.server_name or host,
        address=relayed.address,
        port=relayed.port,
        begun=relayed.begun - start,
        connected=_since(relayed.connected, start),
        secured=_since(relayed.secured, start),
        closed=_since(relayed.closed, start),
        tls=relayed.tls,
        sent=relayed.sent,
        received=relayed.received,
        pieces=tuple(pieces),
        left_out=said_all - sum(len(piece.data) for piece in pieces),
        end=relayed.ended,
        error=relayed.error,
    )


def _since(moment: float | None, start: float) -> float | None:
    return None if moment is None else moment - start
