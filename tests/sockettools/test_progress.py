from __future__ import annotations

import contextlib
import fcntl
import io
import os
import pty
import struct
import termios
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockettools.progress import LARGE, ProgressBar, format_progress

if TYPE_CHECKING:
    from collections.abc import Iterator

MB = 1_000_000


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    """Without a number, so that its width is not known."""

    def isatty(self) -> bool:
        return True

    def take(self) -> str:
        written = self.getvalue()
        self.seek(0)
        self.truncate()
        return written


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def terminal() -> Terminal:
    return Terminal()


@pytest.fixture
def bar(terminal: Terminal, clock: Clock) -> ProgressBar:
    return ProgressBar(terminal, clock)


def test_nothing_is_written_to_what_is_no_terminal(clock: Clock) -> None:
    file = io.StringIO()
    bar = ProgressBar(file, clock)

    clock.now += 10
    bar.update(MB, 10 * MB)
    bar.close()

    assert file.getvalue() == ""


def test_a_large_download_is_shown_at_once(bar: ProgressBar, terminal: Terminal) -> None:
    bar.update(0, LARGE + 1)

    assert terminal.getvalue().startswith("\r  0% [ ")


@pytest.mark.parametrize("total", [LARGE, None])
def test_another_one_is_shown_when_it_is_slow(
    bar: ProgressBar, terminal: Terminal, clock: Clock, total: int | None
) -> None:
    bar.update(1000, total)
    clock.now += 1.0
    bar.update(2000, total)
    assert terminal.take() == ""

    clock.now += 1.0
    bar.update(3000, total)
    assert "3.0 kB" in terminal.take()


def test_ten_times_a_second_at_most(bar: ProgressBar, terminal: Terminal, clock: Clock) -> None:
    for _ in range(64):
        bar.update(MB, 10 * MB)
        clock.now += 1 / 64

    assert terminal.getvalue().count("\r") == 10


def test_a_shorter_line_hides_the_one_before(
    bar: ProgressBar, terminal: Terminal, clock: Clock
) -> None:
    clock.now += 2
    bar.update(999_900, None)
    first = terminal.take()
    clock.now += 998
    bar.update(1 * MB, None)

    assert terminal.take() == "\r1.0 MB  1.0 kB/s".ljust(len(first))


def test_the_line_is_erased_once(bar: ProgressBar, terminal: Terminal) -> None:
    bar.update(MB, 10 * MB)
    line = terminal.take().removeprefix("\r")

    bar.close()
    assert terminal.take() == f"\r{' ' * len(line)}\r"

    bar.close()
    bar.update(2 * MB, 10 * MB)
    assert terminal.take() == ""


def test_nothing_is_erased_where_nothing_was(bar: ProgressBar, terminal: Terminal) -> None:
    bar.update(10, 100)
    bar.close()

    assert terminal.getvalue() == ""


class Pty:
    def __init__(self) -> None:
        self.reader, writer = pty.openpty()
        self.file = os.fdopen(writer, "w", encoding="ascii")

    def resize(self, columns: int) -> None:
        fcntl.ioctl(self.reader, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def read(self) -> str:
        return os.read(self.reader, 65536).decode("ascii")

    def hang_up(self) -> None:
        os.close(self.reader)
        self.reader = -1


@pytest.fixture
def real_terminal() -> Iterator[Pty]:
    terminal = Pty()
    yield terminal
    if terminal.reader >= 0:
        terminal.hang_up()
    # What could not be written may still wait in the buffer.
    with contextlib.suppress(OSError):
        terminal.file.close()


@pytest.mark.parametrize("columns", [200, 80, 40, 20, 5, 2, 1])
def test_the_terminal_s_width(real_terminal: Pty, clock: Clock, columns: int) -> None:
    real_terminal.resize(columns)
    bar = ProgressBar(real_terminal.file, clock)
    clock.now += 2

    bar.update(MB, 10 * MB)
    line = real_terminal.read()
    assert line.startswith("\r")
    assert len(line) == columns if columns >= 80 else len(line) <= columns

    bar.close()
    if columns > 1:
        assert real_terminal.read() == f"\r{' ' * (len(line) - 1)}\r"


def test_a_width_of_nothing_is_not_known(real_terminal: Pty, clock: Clock) -> None:
    real_terminal.resize(0)

    ProgressBar(real_terminal.file, clock).update(MB, 10 * MB)

    assert len(real_terminal.read()) == 80


def test_a_terminal_that_became_narrower(real_terminal: Pty, clock: Clock) -> None:
    real_terminal.resize(80)
    bar = ProgressBar(real_terminal.file, clock)
    bar.update(MB, 10 * MB)
    real_terminal.read()
    real_terminal.resize(30)

    clock.now += 1
    bar.update(2 * MB, 10 * MB)
    assert len(real_terminal.read()) <= 30
    bar.close()
    assert len(real_terminal.read()) <= 31


def test_the_terminal_goes_away(real_terminal: Pty, clock: Clock) -> None:
    bar = ProgressBar(real_terminal.file, clock)
    bar.update(MB, 10 * MB)

    real_terminal.hang_up()

    clock.now += 1
    bar.update(2 * MB, 10 * MB)
    bar.close()


def test_a_closed_file(clock: Clock, terminal: Terminal) -> None:
    bar = ProgressBar(terminal, clock)
    terminal.close()

    bar.update(MB, 10 * MB)
    bar.close()
    ProgressBar(terminal, clock).update(MB, 10 * MB)


@pytest.mark.parametrize(
    ("done", "total", "seconds", "width", "line"),
    [
        (5, 10, 5.0, 60, " 50% [======>       ] 5.0 MB of 10.0 MB  1.0 MB/s  0:05 left"),
        (10, 10, 5.0, 60, "100% [=============] 10.0 MB of 10.0 MB  2.0 MB/s  0:00 left"),
        (0, 10, 0.0, 40, "  0% [                  ] 0 B of 10.0 MB"),
    ],
)
def test_lines(done: int, total: int, seconds: float, width: int, line: str) -> None:
    assert format_progress(done * MB, total * MB, seconds, width) == line


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (45, " 10% 1.0 MB of 10.0 MB  1.0 MB/s  0:09 left"),
        (42, " 10% 1.0 MB of 10.0 MB  1.0 MB/s"),
        (30, " 10% 1.0 MB of 10.0 MB"),
        (15, " 10%"),
        (3, " 10"),
        (0, ""),
        (-1, ""),
    ],
)
def test_narrow_lines(width: int, line: str) -> None:
    assert format_progress(MB, 10 * MB, 1.0, width) == line


@pytest.mark.parametrize(
    ("done", "total", "seconds", "part"),
    [
        pytest.param(999, None, 1.0, "999 B  999 B/s", id="bytes"),
        pytest.param(1000, None, 0.0, "1.0 kB", id="no time yet"),
        pytest.param(999_949, None, 0.0, "999.9 kB", id="kilobytes"),
        pytest.param(999_950, None, 0.0, "1.0 MB", id="rounded up"),
        pytest.param(5 * 10**15, None, 0.0, "5000.0 TB", id="terabytes"),
        pytest.param(MB, 100 * MB, 60.0, "  1:39:00 left", id="hours"),
        pytest.param(1, 100 * MB, 60.0, " 1 B of 100.0 MB  0 B/s", id="years"),
        pytest.param(9, 8, 1.0, "100% ", id="more than was told"),
        pytest.param(0, 0, 1.0, "100% ", id="nothing was told"),
        pytest.param(9999, 10000, 1.0, " 99% ", id="not all"),
    ],
)
def test_numbers(done: int, total: int | None, seconds: float, part: str) -> None:
    assert part in format_progress(done, total, seconds, 79)


@given(st.integers(0), st.none() | st.integers(0), st.floats(0, 1e9), st.integers(0, 300))
def test_it_always_fits(done: int, total: int | None, seconds: float, width: int) -> None:
    line = format_progress(done, total, seconds, width)

    assert len(line) <= width
    assert line.isascii()
    assert line.isprintable()
