"""What a way hands over of a fetch: from the process that fetches to the one that compares.

A line of JSON, and then the octets of the body.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

# Octets of a body. Past that a way gives up.
MAX_BODY = 16_777_216

TOO_LONG = f"the body is longer than {MAX_BODY:,} octets, which is too much to compare"


class NotFetched(Exception):
    """There is no answer; the text says why in one line."""


@dataclass(frozen=True)
class Habits:
    """What a way is set to do of its own accord.

    ``delay`` is the seconds that it leaves between two requests to a server, ``retries`` how often
    it asks again at most (None: it is not known), ``redirects`` whether it follows them.
    """

    delay: float = 0.0
    retries: int | None = None
    redirects: bool = True


@dataclass(frozen=True)
class Fetched:
    """An answer as the way gives it to its caller; or ``error``, why there is none.

    ``coding`` is what is left for the caller to undo.
    """

    status: int = 0
    url: str = ""
    fields: list[tuple[str, str]] = field(default_factory=list)
    coding: str = ""
    body: bytes = b""
    error: str = ""
    habits: Habits = Habits()

    def to_bytes(self) -> bytes:
        """Write it."""
        values = {**asdict(self), "body": None}
        return json.dumps(values).encode() + b"\n" + self.body

    @classmethod
    def from_bytes(cls, data: bytes) -> Fetched:
        """Read what ``to_bytes`` wrote.

        Raises:
            ValueError: it is something else.
        """
        line, newline, body = data.partition(b"\n")
        if not newline:
            raise ValueError("there is no line")
        values = json.loads(line)
        values["fields"] = [(name, value) for name, value in values["fields"]]
        return cls(**{**values, "habits": Habits(**values["habits"]), "body": body})
