"""The project's settings that are numbers, as a table, checked before anything is requested."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Generic, TypeVar

from scrapy.exceptions import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from scrapy.settings import BaseSettings

N = TypeVar("N", int, float)


@dataclass(frozen=True)
class Number(Generic[N]):
    """One setting: what reads its value, and the value when it is not set.

    ``read`` takes text, or what a project has in its settings instead, and raises ValueError with
    what the setting takes.
    """

    name: str
    default: N
    read: Callable[[Any], N]

    def of(self, settings: BaseSettings) -> N:
        """Return its value.

        Raises:
            UsageError: it is set to something else.
        """
        value = settings.get(self.name)
        if value is None:
            return self.default
        try:
            return self.read(value)
        except ValueError as exc:
            raise UsageError(f"{self.name}={value!r} cannot be used: {exc}") from None


def count(value: Any) -> int:
    """Read a whole number from 0 on.

    >>> count("18")
    18
    """
    return _whole(value, 0)


def count_from_1(value: Any) -> int:
    """Read a whole number from 1 on."""
    return _whole(value, 1)


def seconds(value: Any) -> float:
    """Read seconds from 0 on.

    >>> seconds("0.25")
    0.25
    """
    number = _finite(value)
    if number is None or number < 0:
        raise ValueError("it takes seconds, a number from 0 on")
    return number


def seconds_above_0(value: Any) -> float:
    """Read seconds, of which there are some."""
    number = _finite(value)
    if number is None or number <= 0:
        raise ValueError("it takes seconds, a number above 0")
    return number


def _whole(value: Any, least: int) -> int:
    try:
        number = int(value)
        # int() cuts off what is behind the point, where a float is not written as text.
        if number >= least and (isinstance(value, str) or number == value):
            return number
    except (ValueError, TypeError, OverflowError):
        pass
    raise ValueError(f"it takes a whole number from {least} on")


def _finite(value: Any) -> float | None:
    try:
        number = float(value)
    except (ValueError, TypeError, OverflowError):
        return None
    return number if isfinite(number) else None


# What a job has done is made to last after so many seconds or finished requests.
COMMIT_SECONDS = Number("FRONTIER_COMMIT_SECONDS", 0.25, seconds_above_0)
COMMIT_COUNT = Number("FRONTIER_COMMIT_COUNT", 50, count_from_1)
# What a callback yields waits for its end, or so long if there is nothing else to do.
HOLD_SECONDS = Number("FRONTIER_HOLD_SECONDS", 0.5, seconds)

# Octets of a body from which on it goes to a file, 0 for none; and those that a file may have, 0
# for no limit. DOWNLOAD_MAXSIZE, which is about memory, does not count there.
SPOOL_SIZE = Number("DOWNLOAD_SPOOL_SIZE", 0, count)
SPOOL_MAXSIZE = Number("DOWNLOAD_SPOOL_MAXSIZE", 64 * 1024**3, count)

# How often in a row it is tried to go on with a body that broke off.
RESUME_TIMES = Number("DOWNLOAD_RESUME_TIMES", 5, count)

NUMBERS: tuple[Number[int] | Number[float], ...] = (
    COMMIT_SECONDS,
    COMMIT_COUNT,
    HOLD_SECONDS,
    SPOOL_SIZE,
    SPOOL_MAXSIZE,
    RESUME_TIMES,
)


def check_numbers(settings: BaseSettings) -> None:
    """Check all of them.

    Raises:
        UsageError: one is set to what it does not take; the text says which, and what it takes.
    """
    for number in NUMBERS:
        number.of(settings)
