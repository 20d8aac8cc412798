"""What a comparison found: everything that a report of it shows, and its JSON.

A ``Comparison`` has a ``Page`` for each URL, and that a ``Way`` for each way of fetching it: the
first one is what the others are compared with. Times are seconds since that fetch began; octets
are as they went over the network between the way and our relay, TLS included, without the headers
of TCP and IP.

In the JSON a string of octets is text in which each character is one octet (ISO 8859-1).
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from functools import cache
from statistics import median
from types import UnionType
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin, get_type_hints

if TYPE_CHECKING:
    from collections.abc import Sequence

# What the JSON of another version might mean, this one does not guess.
FORMAT = 1

SENT = "sent"
RECEIVED = "received"

# As curl's --write-out has them, all from the beginning: namelookup, connect, appconnect,
# starttransfer, total. They are those of the connection that brought the final answer; its first
# octet, and its last one.
PHASES = ("resolve", "connect", "tls", "first_byte", "done")


@dataclass(frozen=True)
class Piece:
    """Octets in the order in which they went, TLS taken off; ``direction`` is SENT or RECEIVED."""

    time: float
    direction: str
    data: bytes


@dataclass(frozen=True)
class Connection:
    """One connection that was opened, or should have been; ``number`` counts from 1.

    ``host`` is the name that was looked up for ``address``, "" if there was none. ``begun``,
    ``connected`` and ``secured`` (TLS; None without) are when that was done; None is never.
    ``sent`` and ``received`` are octets on the wire. ``pieces`` is the beginning of what was said,
    and ``left_out`` the octets, both ways, that it does not have. ``end`` is who ended it, in
    words; ``error`` is why it failed, "" if it did not.
    """

    number: int
    host: str
    address: str
    port: int
    begun: float
    connected: float | None
    secured: float | None
    closed: float | None
    tls: str
    sent: int
    received: int
    pieces: tuple[Piece, ...]
    left_out: int
    end: str
    error: str


@dataclass(frozen=True)
class Lookup:
    """A name that was resolved, or could not be."""

    host: str
    begun: float
    ended: float
    addresses: tuple[str, ...]
    error: str


@dataclass(frozen=True)
class Exchange:
    """A request, and the head of its answer as it came (b"" for none).

    ``connection`` is the number of the connection, ``is_first_there`` whether it was the first one
    on it. ``purpose`` is "page", "robots.txt", "redirect" (the target of one), "retry" or "other".
    ``sent`` is when its first octet went out; ``first_byte`` and ``done`` when the first and the
    last octet of the answer came. ``octets_sent`` and ``octets_received`` are without TLS.
    """

    connection: int
    is_first_there: bool
    purpose: str
    url: str
    request: bytes
    answer: bytes
    status: int | None
    sent: float
    first_byte: float | None
    done: float | None
    octets_sent: int = 0
    octets_received: int = 0


@dataclass(frozen=True)
class Answer:
    """What the way gave its caller.

    ``fields`` in the order in which it gave them. ``coding`` is the content coding that it left for
    its caller to undo, "" for none; ``size`` and ``digest`` (SHA-256) are those of the body after
    that, ``beginning`` the first part of it.
    """

    status: int
    url: str
    fields: tuple[tuple[str, str], ...]
    coding: str
    size: int
    digest: str
    beginning: bytes


@dataclass(frozen=True)
class AnswerDifference:
    """Where an answer is not that of the first way that has one (``Page.reference``).

    ``part`` is "status", "url", "field" (``where`` is its name) or "body" (``where`` is the offset
    and line of the first octet that differs). ``ours`` is what that way has there, and ``theirs``
    what this one has, with what is around it. ``matters``: it is another answer; else it is only
    how the answer was carried. ``changes``: that way, asked again, did not get the same twice.
    """

    part: str
    where: str
    ours: str
    theirs: str
    matters: bool
    changes: bool


@dataclass(frozen=True)
class Remark:
    """What a way did differently from the first one: what, in a sentence, and why it does so.

    ``kind`` sorts them: "error", "robots", "delay", "redirect", "retry", "connections", "reuse",
    "version", "added", "missing", "value", "case", "order", "compression", "cookies", "answer".
    """

    kind: str
    text: str
    why: str


@dataclass(frozen=True)
class Spread:
    """Numbers of several runs: each of them in order, their median, the least and the greatest."""

    samples: tuple[float, ...]
    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Phase:
    """One of PHASES, in seconds."""

    name: str
    seconds: Spread


@dataclass(frozen=True)
class Cost:
    """What the whole process used, its start included: seconds, seconds of CPU, octets."""

    wall: Spread
    cpu: Spread
    memory: Spread


@dataclass(frozen=True)
class Way:
    """What one way did with a URL: in the first round all of it, in all rounds its times.

    ``answer`` is None where there is none; ``error`` then says why. ``octets_sent``,
    ``octets_received`` are sums over ``connections``, whose further ones (``more_connections``)
    are only counted. ``phases`` has those that happened. ``failed_runs`` of the timed runs brought
    no answer or another one; they are not in ``phases``.
    """

    name: str
    description: str
    answer: Answer | None
    error: str
    differences: tuple[AnswerDifference, ...]
    remarks: tuple[Remark, ...]
    lookups: tuple[Lookup, ...]
    connections: tuple[Connection, ...]
    more_connections: int
    exchanges: tuple[Exchange, ...]
    octets_sent: int
    octets_received: int
    phases: tuple[Phase, ...]
    cost: Cost | None
    failed_runs: int


@dataclass(frozen=True)
class Page:
    """What the ways did with one URL; ``verdict`` is that in a sentence.

    ``same``: every way got the same answer. ``comparable``: so their times may be compared;
    ``why_not`` says why they may not.
    """

    url: str
    verdict: str
    same: bool
    comparable: bool
    why_not: str
    ways: tuple[Way, ...]

    @property
    def reference(self) -> Way:
        """The way whose answer the differences are from."""
        return reference_of(self.ways)


@dataclass(frozen=True)
class Comparison:
    """All of it. ``made`` is a time in UTC (ISO 8601), ``versions`` are names and versions."""

    made: str
    versions: tuple[tuple[str, str], ...]
    runs: int
    pages: tuple[Page, ...]

    @property
    def same(self) -> bool:
        """Whether every way got the same answer to every URL."""
        return all(page.same for page in self.pages)


def reference_of(ways: Sequence[Way]) -> Way:
    """Return the first way that has an answer; the first of all, if none has."""
    return next((way for way in ways if way.answer is not None), ways[0])


def spread_of(samples: Sequence[float]) -> Spread:
    """Return the spread of at least one sample."""
    return Spread(tuple(samples), median(samples), min(samples), max(samples))


def to_json(comparison: Comparison) -> str:
    """Write it as one JSON object, in ASCII: a terminal that is shown it obeys none of it."""
    return json.dumps({"format": FORMAT, **_plain(comparison)})


def from_json(text: str | bytes) -> Comparison:
    """Read what ``to_json`` wrote.

    Raises:
        ValueError: it is something else; the text says what is wrong where.
    """
    try:
        data = json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(data, dict) or "format" not in data:
        raise ValueError("it is no comparison: it has no format")
    version = data.pop("format")
    if version != FORMAT:
        raise ValueError(f"its format is {version!r}, expected {FORMAT}")
    comparison = _built(data, Comparison, "comparison")
    assert isinstance(comparison, Comparison)  # for the type checker
    return comparison


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return {
            field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)
        }
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return value


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _built(data: Any, kind: Any, where: str) -> Any:
    """Return ``data`` as the annotation ``kind`` has it."""
    if dataclasses.is_dataclass(kind):
        return _record(data, kind, where)
    if get_origin(kind) in (UnionType, Union):
        (kind,) = [one for one in get_args(kind) if one is not type(None)]
        return None if data is None else _built(data, kind, where)
    if get_origin(kind) is tuple:
        return _tuple(data, get_args(kind), where)
    if kind is bytes:
        try:
            return data.encode("latin-1")
        except (AttributeError, UnicodeEncodeError):
            raise ValueError(f"{where} is no octets") from None
    if kind is float and type(data) is int:
        return float(data)
    if type(data) is not kind:  # True is no int here
        raise ValueError(f"{where} is {type(data).__name__}, expected {kind.__name__}")
    return data


def _record(data: Any, kind: Any, where: str) -> Any:
    hints = _hints(kind)
    if not isinstance(data, dict) or data.keys() != hints.keys():
        given = set(data) if isinstance(data, dict) else set()
        wrong = sorted(map(str, given ^ hints.keys()))
        raise ValueError(f"{where} has not what it should have: {', '.join(wrong)[:200]}")
    return kind(
        **{name: _built(data[name], hint, f"{where}.{name}") for name, hint in hints.items()}
    )


def _tuple(data: Any, kinds: tuple[Any, ...], where: str) -> tuple[Any, ...]:
    if not isinstance(data, list):
        raise ValueError(f"{where} is {type(data).__name__}, expected a list")
    if kinds[-1] is ...:
        kinds = (kinds[0],) * len(data)
    if len(data) != len(kinds):
        raise ValueError(f"{where} has {len(data)} members, expected {len(kinds)}")
    return tuple(
        _built(one, kind, f"{where}[{number}]")
        for number, (one, kind) in enumerate(zip(data, kinds, strict=True))
    )
