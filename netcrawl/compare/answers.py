"""Whether two answers are the same, and if not, where exactly. No network, no clock."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from netcrawl.compare.fetched import MAX_BODY
from netcrawl.compare.result import Answer, AnswerDifference
from sockettools.browser.decoding import decoder_for
from sockettools.errors import SocketToolsError
from sockettools.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netcrawl.compare.fetched import Fetched

# They say how an answer was carried, or when (RFC 9110 sections 6.4 to 7.8, RFC 9112 section 7).
CARRYING = frozenset(
    (
        *("connection", "keep-alive", "proxy-connection", "transfer-encoding", "te", "trailer"),
        *("upgrade", "content-length", "content-encoding", "date", "age"),
    )
)

# They are another one for a body that is compressed, and rightly so (RFC 9110 section 8.8.3).
OF_CODING = frozenset(("etag", "vary", "accept-ranges"))

# Octets of a body that a result keeps, and of the place where two differ.
KEPT = 4_096
BEFORE, AFTER = 16, 40

# Characters of a value, and differences between two answers, that are told.
MAX_VALUE = 300
MAX_DIFFERENCES = 50

_ENDS = "(the body ends here)"


@dataclass(frozen=True)
class Plain:
    """An answer with its body's codings undone, as far as that can be."""

    fetched: Fetched
    body: bytes

    @classmethod
    def of(cls, fetched: Fetched) -> Plain:
        """Undo what the way has left to its caller."""
        try:
            decoder = decoder_for(fetched.coding, MAX_BODY)
            body = fetched.body
            if decoder is not None:
                body = b"".join(decoder.decode(fetched.body))
                decoder.finish()
        except SocketToolsError:  # it is none, or one that is unknown here
            body = fetched.body
        return cls(fetched, body)

    def answer(self) -> Answer:
        """Return what a result has of it."""
        fetched = self.fetched
        digest = hashlib.sha256(self.body).hexdigest()
        fields = tuple((name, value) for name, value in fetched.fields)
        size, beginning = len(self.body), self.body[:KEPT]
        return Answer(fetched.status, fetched.url, fields, fetched.coding, size, digest, beginning)


def differences(
    ours: Plain,
    theirs: Plain,
    *,
    coded_alike: bool = True,
    changing: Iterable[AnswerDifference] = (),
) -> tuple[AnswerDifference, ...]:
    """Compare an answer with that of the first way that has one.

    ``coded_alike`` is whether the server sent both in the same content coding. ``changing`` is what
    was found between two answers to that way.
    """
    found: list[AnswerDifference] = []
    unstable = {_place(one) for one in changing}

    def add(part: str, where: str, one: str, other: str, *, matters: bool = True) -> None:
        changes = _place_of(part, where) in unstable
        found.append(AnswerDifference(part, where, one, other, matters=matters, changes=changes))

    first, second = ours.fetched, theirs.fetched
    if first.status != second.status:
        add("status", "", str(first.status), str(second.status))
    if first.url != second.url:
        add("url", "", visible(first.url[:MAX_VALUE]), visible(second.url[:MAX_VALUE]))
    if ours.body != theirs.body:
        add("body", *_where(ours.body, theirs.body))
    mine, others = _by_name(first), _by_name(second)
    how = CARRYING if coded_alike else CARRYING | OF_CODING
    for name in dict.fromkeys((*mine, *others)):
        if mine.get(name) != others.get(name):
            add("field", name, _shown(mine, name), _shown(others, name), matters=name not in how)
    return tuple(found[:MAX_DIFFERENCES])


def is_same(found: Iterable[AnswerDifference]) -> bool:
    """Tell whether it is the same answer: a field may be another one each time, a body may not."""
    return not any(one.matters and not (one.changes and one.part == "field") for one in found)


def _place(difference: AnswerDifference) -> tuple[str, str]:
    return _place_of(difference.part, difference.where)


def _place_of(part: str, where: str) -> tuple[str, str]:
    # A body that changes, may change in another place each time.
    return part, where if part == "field" else ""


def _by_name(fetched: Fetched) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    for name, value in fetched.fields:
        fields.setdefault(name.lower(), []).append(value)
    return fields


def _shown(fields: dict[str, list[str]], name: str) -> str:
    """Return the values; "" is a field that is not there."""
    return visible(", ".join(fields.get(name, []))[:MAX_VALUE])


def _where(ours: bytes, theirs: bytes) -> tuple[str, str, str]:
    """Return where two bodies part, and what each has there."""
    offset = _common(ours, theirs)
    line = ours.count(b"\n", 0, offset) + 1
    begin = max(0, offset - BEFORE)
    return (
        f"octet {offset:,}, line {line:,}",
        _excerpt(ours, begin, offset),
        _excerpt(theirs, begin, offset),
    )


def _excerpt(body: bytes, begin: int, offset: int) -> str:
    if offset >= len(body):
        text = body[begin:].decode("utf-8", "backslashreplace")
        return f"{visible(text)}{_ENDS}"
    return visible(body[begin : offset + AFTER].decode("utf-8", "backslashreplace"))


def _common(ours: bytes, theirs: bytes) -> int:
    """Return how many octets at the beginning are the same.

    >>> _common(b"hello", b"help"), _common(b"a", b"abc"), _common(b"", b"b")
    (3, 1, 0)
    """
    low, high = 0, min(len(ours), len(theirs))
    while low < high:
        middle = (low + high + 1) // 2
        if ours[:middle] == theirs[:middle]:
            low = middle
        else:
            high = middle - 1
    return low
