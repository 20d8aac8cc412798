"""Figures of a comparison as people read them."""

from __future__ import annotations


def seconds_text(seconds: float) -> str:
    """Write a duration with three digits that count.

    >>> seconds_text(0.0000123), seconds_text(0.0456), seconds_text(1.234), seconds_text(123.4)
    ('12.3 µs', '45.6 ms', '1.23 s', '123 s')
    """
    for size, unit in ((1e-3, "µs"), (1.0, "ms")):
        if seconds < size * 0.9995:
            return f"{_digits(seconds / size * 1000)} {unit}"
    return f"{_digits(seconds)} s"


def times_text(ratio: float) -> str:
    """Write how many times as much something is.

    >>> times_text(1.84), times_text(12.3)
    ('1.8 times', '12 times')
    """
    return f"{ratio:.1f} times" if ratio < 9.95 else f"{ratio:,.0f} times"


def listed(parts: list[str]) -> str:
    """Write several as one enumeration.

    >>> listed(["a"]), listed(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def _digits(number: float) -> str:
    return (
        f"{number:.2f}"
        if number < 9.995
        else f"{number:.1f}"
        if number < 99.95
        else f"{number:.0f}"
    )
