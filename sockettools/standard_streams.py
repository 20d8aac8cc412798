"""Standard streams that are there, whatever the shell did (``>&-`` closes one)."""

from __future__ import annotations

import os
import sys


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
