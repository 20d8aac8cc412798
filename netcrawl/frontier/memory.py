"""Requests that cannot be serialised, such as those with a lambda for a callback.

The store keeps a marker in the place of each, and with it its turn and its fingerprint; the request
itself is here. A crawl that is killed takes these along. What has led to one is therefore not
finished before it, and then leads to it again; a start is not recorded before it.
"""

from __future__ import annotations

import os
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from netcrawl.frontier.tracking import Work

if TYPE_CHECKING:
    from scrapy import Request

# No request that is serialised begins like this: pickle's first byte is another one.
_MARK = b"in memory:"
_RUN_SIZE = 8
_NUMBER_SIZE = 8
_HEAD_SIZE = len(_MARK) + _RUN_SIZE + _NUMBER_SIZE

# The name of a value that a job has in which there was any.
MARKED = "requests in memory"

LOST = "it could not be serialised, and was lost when the process that had it ended"


@dataclass(frozen=True, slots=True)
class Kept:
    """A request, what has led to it, and the key of the start that it is."""

    request: Request
    parent: Work | None
    start: bytes | None

    def work(self, lease: int) -> Work:
        """Begin with it."""
        parent = self.parent if self.parent is not None and self.parent.open else None
        work = Work.begin(lease, parent)
        work.start = self.start
        return work


class Unserialized:
    """Those of this run, and what is left of those of earlier ones."""

    def __init__(self, *, follows: bool) -> None:
        """``follows`` says that there were such requests in an earlier run."""
        self._follows = follows
        self._run = os.urandom(_RUN_SIZE)
        self._number = 0
        self._kept: dict[bytes, Kept] = {}  # by marker
        self._ready: deque[tuple[Request, Work]] = deque()
        # By fingerprint: leased markers of earlier runs; requests that came again and are
        # duplicates, maybe of a marker that was not leased yet; and starts of this run.
        self._orphans: dict[bytes, int] = {}
        self._expected: dict[bytes, Kept] = {}
        self._starts: set[bytes] = set()

    @property
    def may_want_duplicates(self) -> bool:
        """Whether a duplicate may be the request that a marker without one stands for."""
        return self._follows or bool(self._orphans)

    def mark(self, fingerprint: bytes) -> bytes:
        """Return a marker for the next request."""
        self._number += 1
        return _MARK + self._run + self._number.to_bytes(_NUMBER_SIZE) + fingerprint

    def keep(self, marker: bytes, kept: Kept) -> None:
        """Keep a request whose marker the store has."""
        self._kept[marker] = kept
        if kept.start is not None and self._follows:
            self._starts.add(_fingerprint(marker))

    def came_again(self, marker: bytes, kept: Kept) -> bool:
        """Take a request of which an earlier run has left a marker that is leased by now."""
        lease = self._orphans.pop(_fingerprint(marker), None)
        if lease is None:
            return False
        self._ready.append((kept.request, kept.work(lease)))
        return True

    def expect(self, marker: bytes, kept: Kept) -> None:
        """Take a duplicate: if it is one of an earlier run's marker, that will be leased later."""
        if self._follows:
            self._expected[_fingerprint(marker)] = kept

    def is_replaced(self, marker: bytes) -> bool:
        """Say whether a marker is an earlier run's, of a start that this run has put again."""
        return marker not in self._kept and _fingerprint(marker) in self._starts

    def leased(self, lease: int, marker: bytes) -> tuple[Request, Work] | None:
        """Return what a marker stands for; None if that has not come again yet."""
        kept = self._kept.pop(marker, None) or self._expected.pop(_fingerprint(marker), None)
        if kept is None:
            self._orphans[_fingerprint(marker)] = lease
            return None
        return kept.request, kept.work(lease)

    def take_ready(self) -> tuple[Request, Work] | None:
        """Return a request that has its lease already."""
        return self._ready.popleft() if self._ready else None

    @property
    def has_ready(self) -> bool:
        """Whether there is one."""
        return bool(self._ready)

    def take_orphans(self) -> list[int]:
        """Return the leases of those that nothing has led to again."""
        orphans = list(self._orphans.values())
        self._orphans.clear()
        return orphans


def _fingerprint(marker: bytes) -> bytes:
    return marker[_HEAD_SIZE:]


def is_marker(data: bytes) -> bool:
    """Say whether this stands for a request that is in memory."""
    return data.startswith(_MARK)
