"""Values of options: seconds and octets, read as people write them."""

from __future__ import annotations

import argparse
import math
import re
from typing import TYPE_CHECKING

from sockettools.net.deadline import LONGEST_WAIT

if TYPE_CHECKING:
    from collections.abc import Callable

_UNITS = {"": 1, "k": 1_000, "M": 1_000_000, "G": 1_000_000_000}


def octets(least: int) -> Callable[[str], int]:
    """Return a reader of sizes of at least ``least`` octets; ``64k`` is 64,000."""

    def read(text: str) -> int:
        match = re.fullmatch(r"([0-9]{1,15}(?:\.[0-9]{1,9})?)([kMG]?)", text)
        if match and (number := int(float(match[1]) * _UNITS[match[2]])) >= least:
            return number
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a number of bytes from {least}, such as 1500, 64k or 2M"
        )

    return read


def seconds(text: str) -> float:
    """Read a duration, 0 included."""
    number = _number(text)
    if 0 <= number <= LONGEST_WAIT:
        return number
    raise argparse.ArgumentTypeError(
        f"{text!r} is not a number of seconds from 0 to {LONGEST_WAIT}"
    )


def timeout(text: str) -> float:
    """Read the time after which something is given up; infinite for ``none``."""
    if text == "none":
        return math.inf
    number = _number(text)
    if 0 < number <= LONGEST_WAIT:
        return number
    raise argparse.ArgumentTypeError(
        f"{text!r} is no number of seconds: more than 0, up to {LONGEST_WAIT}, or none"
    )


def or_none(number: float | None) -> float | None:
    """Return None for what is infinite: what the library understands as for ever."""
    return None if number is None or math.isinf(number) else number


def count(least: int, most: int) -> Callable[[str], int]:
    """Return a reader of whole numbers."""

    def read(text: str) -> int:
        if re.fullmatch(r"[0-9]{1,9}", text) and least <= int(text) <= most:
            return int(text)
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} to {most}")

    return read


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
