"""What went through the relay, as far as it is kept.

Times are those of ``time.monotonic``, which all processes of a machine share. A connection of HTTP
goes in turns: the client speaks, then the server, until the client speaks again. Everything here
has a bound, and beyond it is only counted.
"""

from __future__ import annotations

from dataclasses import dataclass, field

# Octets each way that are kept of one turn, and of a whole connection.
KEPT_OF_TURN = 65_536
KEPT_OF_CONNECTION = 1_048_576

# A peer may send single octets: each piece costs more than its data.
MAX_PIECES = 4_096

# Of what there is more, the first ones are kept.
MAX_TURNS = 1_000
MAX_CONNECTIONS = 256
MAX_LOOKUPS = 256


@dataclass
class Said:
    """Octets that went one way, TLS taken off; ``sent`` is from the client to the server."""

    time: float
    sent: bool
    data: bytes


@dataclass
class Turn:
    """What the client said, and then the server; ``first`` and ``last`` octets of the server's."""

    begun: float
    first: float | None = None
    last: float | None = None
    sent: int = 0
    received: int = 0
    pieces: list[Said] = field(default_factory=list)
    kept: dict[bool, int] = field(default_factory=lambda: {True: 0, False: 0})

    def octets(self, *, sent: bool) -> bytes:
        """Return what was kept of one way."""
        return b"".join(piece.data for piece in self.pieces if piece.sent is sent)


@dataclass
class Relayed:
    """One connection, or the attempt at one.

    ``sent`` and ``received`` are octets on the wire between the client and the relay, ``requests``
    the number of turns of the client. ``connected`` is when the server had taken the connection,
    ``secured`` when the client had agreed on TLS. ``ended`` says who ended it, ``error`` why it
    could not be used.
    """

    number: int
    address: str
    port: int
    begun: float
    server_name: str = ""
    connected: float | None = None
    secured: float | None = None
    closed: float | None = None
    tls: str = ""
    sent: int = 0
    received: int = 0
    requests: int = 0
    turns: list[Turn] = field(default_factory=list)
    ended: str = ""
    error: str = ""
    left_out: int = 0
    _kept: int = 0
    _pieces: int = 0
    _client_spoke: bool = False

    def say(self, time: float, data: bytes, *, sent: bool) -> None:
        """Take octets that went one way."""
        if sent and not self._client_spoke:
            self.requests += 1
        if not self.turns or (sent and not self._client_spoke and len(self.turns) < MAX_TURNS):
            self.turns.append(Turn(time))
        self._client_spoke = sent
        turn = self.turns[-1]
        if sent:
            turn.sent += len(data)
        else:
            turn.first = time if turn.first is None else turn.first
            turn.last = time
            turn.received += len(data)
        room = min(KEPT_OF_TURN - turn.kept[sent], KEPT_OF_CONNECTION - self._kept)
        kept = data[: max(room, 0)] if self._pieces < MAX_PIECES else b""
        if kept:
            turn.pieces.append(Said(time, sent, kept))
            turn.kept[sent] += len(kept)
            self._kept += len(kept)
            self._pieces += 1
        self.left_out += len(data) - len(kept)

    def fail(self, error: str) -> None:
        """Take note of what went wrong; the first reason is the one."""
        self.error = self.error or error

    def end(self, how: str) -> None:
        """Take note of who ended it; the first one did."""
        self.ended = self.ended or how


@dataclass
class LookedUp:
    """A name that was resolved, or could not be: then ``error`` says why."""

    host: str
    begun: float
    ended: float
    addresses: tuple[str, ...] = ()
    error: str = ""


@dataclass
class Recording:
    """What one program did, or several at a time.

    ``marks`` are moments that the program told. ``connections`` and ``lookups`` are the first ones;
    the numbers are of all, and so are ``begun`` and ``heard``: when the first connection was wished
    for, and when the last octet of an answer came.
    """

    connections: list[Relayed] = field(default_factory=list)
    lookups: list[LookedUp] = field(default_factory=list)
    marks: dict[str, float] = field(default_factory=dict)
    opened: int = 0
    requests: int = 0
    sent: int = 0
    received: int = 0
    begun: float | None = None
    heard: float | None = None

    def begin(self, address: str, port: int, time: float) -> Relayed:
        """Return the record of a new connection; ``account`` for it when it is over."""
        self.opened += 1
        self.begun = time if self.begun is None else min(self.begun, time)
        relayed = Relayed(self.opened, address, port, time)
        if len(self.connections) < MAX_CONNECTIONS:
            self.connections.append(relayed)
        return relayed

    def account(self, relayed: Relayed) -> None:
        """Add a connection to the sums."""
        self.requests += relayed.requests
        self.sent += relayed.sent
        self.received += relayed.received
        heard = [turn.last for turn in relayed.turns if turn.last is not None]
        if heard:
            self.heard = max(heard[-1], self.heard or heard[-1])

    def look_up(self, lookup: LookedUp) -> None:
        """Take a lookup."""
        if len(self.lookups) < MAX_LOOKUPS:
            self.lookups.append(lookup)
