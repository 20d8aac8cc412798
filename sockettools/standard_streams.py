"""Standard streams that are there, whatever the shell did (``>&-`` closes one)."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable


def restore_standard_streams() -> None:
    """Open what is closed of standard input, output and error on the null device.

    Else the next file or socket that is opened gets its number, and what is printed goes there;
    and ``sys.stdout`` or ``sys.stderr`` is None. Whether a stream was closed can still be seen from
    ``sys.__stdout__`` and the others, which stay None.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115 - for good
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - for good
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - for good


def discard_standard_output() -> None:
    """Let what is still in its buffer go nowhere, once it cannot be written to.

    Python flushes it once more at exit, and would fail again.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def closed_standard_output() -> str:
    """Say that nothing can be written since the shell closed it, "" if it did not."""
    return "" if sys.__stdout__ is not None else "cannot write to standard output: it is closed"


def write_standard_output(write: Callable[[TextIO], object]) -> str:
    """Have ``write`` called with standard output; say in a line what was in the way, "" if nothing.

    Raises:
        BrokenPipeError: who reads has enough. Nothing is left to be flushed, here as elsewhere.
    """
    if problem := closed_standard_output():
        return problem
    try:
        write(sys.stdout)
        sys.stdout.flush()
    except OSError as exc:
        discard_standard_output()
        if isinstance(exc, BrokenPipeError):
            raise
        return f"cannot write to standard output: {exc.strerror or exc}"
    return ""


def is_terminal(stream: TextIO | None) -> bool:
    """Tell whether somebody may be looking; a stream that is closed, or not there, is none."""
    try:
        return stream is not None and stream.isatty()
    except (OSError, ValueError):
        return False
