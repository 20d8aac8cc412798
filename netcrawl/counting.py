"""Counts of more different words than memory holds."""

from __future__ import annotations

import heapq
import json
import sqlite3
import zlib
from collections import Counter
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING

from sockettools.lifetime import Closing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

# Different words in memory, and their characters together: some 50 MB. All of Shakespeare has some
# 60,000 between blanks.
MAX_WORDS = 250_000
MAX_CHARACTERS = 8_388_608

_SCHEMA = """
PRAGMA journal_mode = OFF;  -- there is nothing to recover
PRAGMA synchronous = OFF;
PRAGMA temp_store = FILE;   -- also for what is sorted at the end
PRAGMA cache_size = -16384;
CREATE TABLE counts (word TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;
"""
_ADD = """
INSERT INTO counts VALUES (?, ?)
ON CONFLICT (word) DO UPDATE SET count = count + excluded.count
"""
# The text is UTF-8, whose octets have the order of the code points, as Python's strings do.
_RANKED = """
SELECT word, count FROM counts WHERE count >= ? ORDER BY count DESC, word LIMIT ?
"""
_ALL = -1

# Words of a piece, which are packed together.
_PIECE = 10_000


class CannotCount(Exception):
    """The counts cannot be kept on disk; the text says why."""


class WordCounts(Closing):
    """Counts words: in memory as long as they are few, then on disk.

    The file has no name: it is gone when this is closed, or the process dies. It is in the folder
    that TMPDIR names, else in /var/tmp.

    >>> with WordCounts() as counts:
    ...     counts.add(["the", "sun", "and", "the", "moon"])
    ...     list(counts.ranked(top=2))
    [('the', 2), ('and', 1)]
    """

    def __init__(self, max_words: int = MAX_WORDS, max_characters: int = MAX_CHARACTERS) -> None:
        self._max_words = max_words
        self._max_characters = max_characters
        self._counts: Counter[str] = Counter()
        self._characters = 0
        self._disk: sqlite3.Connection | None = None

    @property
    def is_on_disk(self) -> bool:
        """Whether some of the counts are."""
        return self._disk is not None

    def add(self, words: Iterable[str] | Mapping[str, int]) -> None:
        """Count each of the words, or add their counts.

        Raises:
            CannotCount: they have to go to disk, and do not.
        """
        known = len(self._counts)
        self._counts.update(words)
        new = islice(reversed(self._counts), len(self._counts) - known)
        self._characters += sum(map(len, new))
        if len(self._counts) > self._max_words or self._characters > self._max_characters:
            with _disk_errors():
                self._to_disk()

    def ranked(self, top: int | None = None, least: int = 1) -> Iterator[tuple[str, int]]:
        """Yield words and their counts, the most frequent first, then by code points.

        Not more than ``top`` of them, and none that occurs less than ``least`` times.

        Raises:
            CannotCount: those on disk cannot be sorted.
        """
        if self._disk is None:
            yield from self._ranked_in_memory(top, least)
            return
        with _disk_errors():
            self._to_disk()
            limit = _ALL if top is None else top
            # No `yield from`: it closes the cursor, which fails once the database is closed.
            for word, count in self._disk.execute(_RANKED, (least, limit)):  # noqa: UP028
                yield word, count

    def close(self) -> None:
        """Forget everything."""
        self._counts.clear()
        self._characters = 0
        if self._disk is not None:
            self._disk.close()
            self._disk = None

    def _ranked_in_memory(self, top: int | None, least: int) -> Iterator[tuple[str, int]]:
        counts = (pair for pair in self._counts.items() if pair[1] >= least)
        if top is None or top >= len(self._counts):
            yield from sorted(counts, key=_rank)
        else:
            yield from heapq.nsmallest(top, counts, key=_rank)

    def _to_disk(self) -> None:
        if self._disk is None:
            self._disk = sqlite3.connect("")  # SQLite's word for a file without a name
            self._disk.executescript(_SCHEMA)
        # In order, each page of the file is read and written once.
        self._disk.executemany(_ADD, ((word, self._counts[word]) for word in sorted(self._counts)))
        self._disk.commit()
        self._counts.clear()
        self._characters = 0


def pieces(counts: Iterable[tuple[str, int]]) -> Iterator[dict[str, int]]:
    """Yield counts in pieces of a moderate size."""
    pairs = iter(counts)
    while piece := dict(islice(pairs, _PIECE)):
        yield piece


def packed(counts: dict[str, int]) -> bytes:
    """Return counts as octets, for ``unpacked`` to read.

    >>> [unpacked(packed(piece)) for piece in pieces([("sun", 2), ("moon", 1)])]
    [{'sun': 2, 'moon': 1}]
    """
    return zlib.compress(json.dumps(counts, separators=(",", ":")).encode(), 1)


def unpacked(octets: bytes) -> dict[str, int]:
    """Return the counts that were packed."""
    counts: dict[str, int] = json.loads(zlib.decompress(octets))
    return counts


def _rank(pair: tuple[str, int]) -> tuple[int, str]:
    word, count = pair
    return -count, word


@contextmanager
def _disk_errors() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as exc:
        raise CannotCount(f"the words are too many for the memory, and on disk: {exc}") from exc
