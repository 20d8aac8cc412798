"""How far a download has come, for somebody who waits before a terminal."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sockettools.standard_streams import is_terminal
from sockettools.units import clock_text, octets_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

# Octets of a download that is shown at once, and seconds after which any other is: one that is
# over before it can be read would only flicker.
LARGE = 1_048_576
SLOW = 1.0

# Seconds between two drawings.
INTERVAL = 0.1

# Columns where the terminal does not tell.
WIDTH = 80

# A shorter bar says less than the number beside it.
_SHORTEST_BAR = 8

# Seconds left that are still a forecast.
LONGEST_WAIT = 100 * 3600


class ProgressBar:
    """One line on a terminal, drawn over and over; to anything else it writes nothing.

    ``clock`` gives seconds that never go back; the download begins when this is made.
    """

    def __init__(self, file: TextIO, clock: Callable[[], float]) -> None:
        self._file = file
        self._clock = clock
        self._started = clock()
        self._drawn_at: float | None = None
        self._drawn = 0  # columns
        self._is_on = is_terminal(file)

    def update(self, done: int, total: int | None) -> None:
        """Show that ``done`` of ``total`` octets are here; None is a total that nobody told."""
        if not self._is_on:
            return
        now = self._clock()
        seconds = now - self._started
        is_large = total is not None and total > LARGE
        if not is_large and seconds <= SLOW:
            return
        if self._drawn_at is not None and now - self._drawn_at < INTERVAL:
            return
        self._drawn_at = now
        room = self._room()
        line = format_progress(done, total, seconds, room)
        self._write(f"\r{line.ljust(min(self._drawn, room))}")
        self._drawn = len(line)

    def close(self) -> None:
        """Erase the line, so that what is written next stands where it stood."""
        if self._drawn:
            self._write(f"\r{' ' * min(self._drawn, self._room())}\r")
        self._is_on = False
        self._drawn = 0

    def _room(self) -> int:
        # It changes with the window. A line that reaches the last column makes some terminals
        # begin another.
        return _columns(self._file) - 1

    def _write(self, text: str) -> None:
        if not self._is_on:
            return
        try:
            self._file.write(text)
            self._file.flush()
        except (OSError, ValueError):  # the terminal was closed; the download goes on
            self._is_on = False


def format_progress(done: int, total: int | None, seconds: float, width: int) -> str:
    """Return the line for ``done`` octets that took ``seconds``, in at most ``width`` columns.

    Where it is too narrow, the bar goes first and the percentage last.

    >>> format_progress(750_000, 3_000_000, 2.0, 64)
    ' 25% [==>            ] 750.0 kB of 3.0 MB  375.0 kB/s  0:06 left'
    >>> format_progress(750_000, 3_000_000, 2.0, 30)
    ' 25% 750.0 kB of 3.0 MB'
    >>> format_progress(750_000, None, 2.0, 64)
    '750.0 kB  375.0 kB/s'
    """
    rate = done / seconds if seconds > 0 else 0.0
    rate_shown = f"  {octets_text(rate)}/s" if rate else ""
    if total is None:
        return _fitting([f"{octets_text(done)}{rate_shown}", octets_text(done)], width)
    share = min(done / total, 1.0) if total > 0 else 1.0
    percent = f"{int(share * 100):3}%"
    sizes = f" {octets_text(done)} of {octets_text(total)}"
    full = f"{sizes}{rate_shown}{_time_left(max(total - done, 0), rate)}"
    room = width - len(percent) - len(full) - len(" []")
    if room >= _SHORTEST_BAR:
        return f"{percent} [{_bar(share, room)}]{full}"
    return _fitting(
        [f"{percent}{full}", f"{percent}{sizes}{rate_shown}", f"{percent}{sizes}", percent], width
    )


def _fitting(lines: list[str], width: int) -> str:
    """Return the first that fits, or what there is room for of the last."""
    return next((line for line in lines if len(line) <= width), lines[-1][: max(width, 0)])


def _bar(share: float, width: int) -> str:
    length = int(share * width)
    drawn = "=" * length
    return drawn if length == width else f"{drawn[1:]}{'>' * bool(drawn)}".ljust(width)


def _time_left(octets: int, rate: float) -> str:
    if not rate or octets / rate > LONGEST_WAIT:
        return ""
    return f"  {clock_text(octets / rate)} left"


def _columns(file: TextIO) -> int:
    try:
        return os.get_terminal_size(file.fileno()).columns or WIDTH
    except (OSError, ValueError):
        return WIDTH
