"""What a bad network does to a connection."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Impairments:
    """What a bad network does to every connection, each way by itself.

    ``rate`` is in octets per second. ``delay`` is the seconds that everything is under way, one
    way; the rate does not suffer, up to ``Limits.held`` octets under way. ``cut_after`` ends the
    connection in order, and ``reset_after`` resets it, as soon as that many octets have gone one
    way, whichever way is first; of both at the same octet it is the reset.
    """

    rate: float | None = None
    delay: float = 0.0
    cut_after: int | None = None
    reset_after: int | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            ValueError: a rate that is not above 0, or anything negative or not finite.
        """
        if self.rate is not None and not 0 < self.rate < math.inf:
            raise ValueError(f"rate is {self.rate!r}, expected more than 0")
        if not 0 <= self.delay < math.inf:
            raise ValueError(f"delay is {self.delay!r}, expected 0 or more")
        for name in ("cut_after", "reset_after"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise ValueError(f"{name} is {value!r}, expected 0 or more")

    @property
    def last(self) -> int | None:
        """The octets that go one way before the connection ends; None is all of them."""
        ends = [end for end in (self.cut_after, self.reset_after) if end is not None]
        return min(ends, default=None)

    @property
    def ends_in_reset(self) -> bool:
        """Whether that end is a reset."""
        return self.reset_after is not None and self.reset_after == self.last


NO_IMPAIRMENTS = Impairments()
