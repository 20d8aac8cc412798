"""Items that a spider has only when its pages are done, such as totals.

They are those of a run: when the job goes on, its next run has others, which take their place. So
they are notes of the job, and not among the items that its pages have led to.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# The kind of note.
LAST_ITEMS = "last items"

_are_made: ContextVar[bool] = ContextVar("last_items", default=False)


@contextmanager
def making_last_items() -> Iterator[None]:
    """Let what is scraped in this context be an item of the end."""
    token = _are_made.set(True)
    try:
        yield
    finally:
        _are_made.reset(token)


def are_last_items() -> bool:
    """Say whether what is scraped now is one."""
    return _are_made.get()
