"""What can be read of a frontier's file, by its worker and by others, while it is written to."""

# ruff: noqa: S608  # what is put into SQL here are states of ours

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from netcrawl.frontier import database
from netcrawl.frontier.database import State
from netcrawl.frontier.store import Counts, Failed
from netcrawl.frontier.text import decoded

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any, Self

# Rows that are read at once. Between blocks nothing is held open, so that a writer is not held up.
_BLOCK = 50


class Reading:
    """A file that is open, and what is read of it."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path = path
        self._connection = connection

    def _failure(self, error: Exception) -> Exception:
        return database.explained(self._path, error)

    def _rows(self, sql: str, start: int, *more: object) -> Iterator[tuple[int, bytes, bytes]]:
        """Yield rows in blocks. The first parameter and column are the number to go on after."""
        while True:
            try:
                rows = self._connection.execute(sql, (start, *more, _BLOCK)).fetchall()
            except sqlite3.Error as error:
                raise self._failure(error) from error
            yield from rows
            if len(rows) < _BLOCK:
                return
            start = rows[-1][0]

    def _row(self, sql: str, *values: object) -> tuple[Any, ...] | None:
        try:
            row: tuple[Any, ...] | None = self._connection.execute(sql, values).fetchone()
        except sqlite3.Error as error:
            raise self._failure(error) from error
        return row

    def failed(self) -> Iterator[Failed]:
        """See ``Store.failed``."""
        sql = (
            "SELECT id, data, reason FROM requests JOIN failures ON request = id"
            f" WHERE id > ? AND state <> 0 AND state = {State.FAILED} ORDER BY id LIMIT ?"
        )
        for number, data, reason in self._rows(sql, 0):
            yield Failed(number, data, decoded(reason))

    def items(self, after: int = 0) -> Iterator[tuple[int, bytes]]:
        """See ``Store.items``."""
        sql = "SELECT id, data FROM items WHERE id > ? ORDER BY id LIMIT ?"
        yield from self._rows(sql, after)  # type: ignore[misc]  # two columns

    def notes(self, kind: str) -> Iterator[tuple[bytes, bytes]]:
        """See ``Store.notes``."""
        sql = "SELECT id, key, value FROM notes WHERE id > ? AND kind = ? ORDER BY id LIMIT ?"
        for _, key, value in self._rows(sql, 0, kind):
            yield key, value

    def value(self, name: str) -> bytes | None:
        """See ``Store.value``."""
        row = self._row("SELECT value FROM job_values WHERE name = ?", name)
        return None if row is None else row[0]


class SqliteReader(Reading):
    """A job's file, which its crawl may be writing to. What is read is what is committed.

    Nothing is taken back or changed: what a killed crawl had under way counts as leased.
    """

    def __init__(self, path: Path) -> None:
        """Open the file.

        Raises:
            StoreDamaged: it is not ours, of another version, or broken.
            StoreError: it is not there, or cannot be read.
        """
        super().__init__(path, database.open_to_read(path))

    def counts(self) -> Counts:
        """See ``Store.counts``."""
        row = self._row("SELECT pending, leased, done, failed, items FROM counters")
        return Counts(*row) if row else Counts()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
