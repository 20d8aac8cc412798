"""A moment until which to wait, shared by all the operations of one piece of work."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic

# Seconds: the longest that the system's own calls can wait for, in milliseconds of 31 bits.
LONGEST_WAIT = 2_000_000


@dataclass(frozen=True)
class Deadline:
    """The moment ``at`` on the monotonic clock; None is never.

    A timeout per operation lets a peer that sends one byte a second go on for ever. One deadline
    is handed to each operation of a task instead, and what is left of it shrinks.
    """

    at: float | None = None

    @classmethod
    def after(cls, seconds: float | None) -> Deadline:
        """Return the deadline that many seconds from now; None for none."""
        return cls(None if seconds is None else monotonic() + seconds)

    def within(self, seconds: float | None) -> Deadline:
        """Return the earlier one: this, or that many seconds from now (None: this)."""
        if seconds is None:
            return self
        other = monotonic() + seconds
        return self if self.at is not None and self.at <= other else Deadline(other)

    def remaining(self) -> float | None:
        """Return the seconds that are left, 0.0 when it has passed, None when it never does."""
        return None if self.at is None else max(0.0, self.at - monotonic())

    def has_passed(self) -> bool:
        """Tell whether nothing is left."""
        return self.at is not None and monotonic() >= self.at


NEVER = Deadline()
