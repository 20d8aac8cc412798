"""How long the phases of downloads took."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# A key of ``request.meta``: how many seconds each phase of the download took. ``resolve``,
# ``connect`` (with a proxy's CONNECT) and ``tls`` are there when a connection was opened for it;
# ``first_byte`` is from the request to the beginning of its answer, and ``done`` is all of it.
TIMINGS = "download_timings"

PHASES = ("resolve", "connect", "tls", "first_byte", "done")

Timings = dict[str, float]

# A bucket of the histogram ends at so many times where it begins: values are right to 2.5 %.
_GROWTH = math.log(1.05)

# Shorter ones count as this one.
_SHORTEST = 1e-6


class Durations:
    """Any number of durations in little memory: how many there are of about each length.

    >>> durations = Durations()
    >>> for tenths in range(1, 101):
    ...     durations.add(tenths / 10)
    >>> [round(durations.percentile(percent)) for percent in (50, 90, 100)]
    [5, 9, 10]
    """

    def __init__(self, counts: Mapping[int, int] | None = None) -> None:
        """Begin with ``counts`` of buckets, none if that is not given."""
        self._counts: Counter[int] = Counter(counts or {})

    @staticmethod
    def bucket(seconds: float) -> int:
        """Return the number of the bucket that a duration falls into."""
        return round(math.log(max(seconds, _SHORTEST)) / _GROWTH)

    @staticmethod
    def seconds_of(bucket: float) -> float:
        """Return the duration in the middle of a bucket; of 0.5 more, that at its end."""
        return math.exp(bucket * _GROWTH)

    def add(self, seconds: float) -> None:
        """Count one."""
        self._counts[self.bucket(seconds)] += 1

    def percentile(self, percent: float) -> float:
        """Return what so many percent of them do not exceed; 0 when there are none."""
        left = self._counts.total() * percent / 100
        for bucket, count in sorted(self._counts.items()):
            left -= count
            if left <= 0:
                return self.seconds_of(bucket)
        return 0.0


class PhaseDurations:
    """The durations of each phase."""

    def __init__(self) -> None:
        self._phases = {phase: Durations() for phase in PHASES}

    def add(self, timings: Mapping[str, float]) -> None:
        """Count the phases of one download."""
        for phase, seconds in timings.items():
            self._phases[phase].add(seconds)

    def percentiles(self, *percents: int) -> Iterator[tuple[str, float]]:
        """Give a name and a number of seconds for each, as ``tls/p90``; none for no downloads."""
        for phase, durations in self._phases.items():
            for percent in percents:
                if seconds := durations.percentile(percent):
                    yield f"{phase}/p{percent}", seconds
