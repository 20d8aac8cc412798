"""How time grows with what there is to do: what a test can tell on any machine, busy or not."""

from __future__ import annotations

import gc
from time import process_time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Prepare = Callable[[int], Callable[[], object]]

# Seconds of CPU below which nothing can be told.
LEAST = 0.002


def assert_linear(prepare: Prepare, size: int, growth: int = 10) -> None:
    """Assert that ``size`` times ``growth`` takes about ``growth`` times as long as ``size``.

    ``prepare`` returns what is to be timed. What takes time in proportion to the square would take
    ``growth`` times as long as it should; five times is for noise, and for what no longer fits into
    the processor's caches.
    """
    assert_growth(prepare, size, size * growth, most=5 * growth)


def assert_growth(prepare: Prepare, small: int, large: int, *, most: float) -> None:
    """Assert that the large size takes less than ``most`` times what the small one takes."""
    for _ in range(3):  # whatever else the machine does
        short, long = _seconds(prepare(small)), _seconds(prepare(large))
        if long < most * max(short, LEAST):
            return
    raise AssertionError(f"{small}: {short:.4f} s; {large}: {long:.4f} s")


def _seconds(run: Callable[[], object]) -> float:
    gc.disable()  # its time grows with all that other tests have left in memory
    try:
        start = process_time()
        run()
        return process_time() - start
    finally:
        gc.enable()
