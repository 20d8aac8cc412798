"""Feeds, item by item: JSON, JSON lines and CSV of any program, in little memory.

A feed may be cut off, or be no feed. What was read before that is told; what is in the way stands
in ``problems`` when all is read.
"""

from __future__ import annotations

import csv
import json
import sys
from typing import IO, TYPE_CHECKING, Any

from netcrawl.report.errors import ReportError
from netcrawl.report.shown import shown
from sockettools.units import counted, octets_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Characters of one item: more than a body that a crawl may have by default (16 MiB) in a field.
MAX_ITEM = 64 * 2**20

# Columns of CSV.
MAX_COLUMNS = 1_000

# Items that were not readable are told one by one up to here.
_MAX_PROBLEMS = 5

_BLOCK = 2**16

_ENDINGS = {".json": "json", ".jsonl": "jsonl", ".jl": "jsonl", ".ndjson": "jsonl", ".csv": "csv"}

_INSTEAD = "a report is made of JSON, JSON lines or CSV, or of the folder of a job"


class Feed:
    """A file with items. ``problems`` are lines for a person."""

    def __init__(self, path: Path, form: str | None = None) -> None:
        """Look at the file; ``form`` is "json", "jsonl" or "csv", found out if it is not given.

        Raises:
            ReportError: it cannot be read, or is no feed.
        """
        self.path = path
        self.problems: list[str] = []
        self._unreadable = 0
        try:
            with path.open("rb") as file:
                start = file.read(4096)
            self.size = path.stat().st_size
        except OSError as exc:
            raise ReportError(f"{shown(str(path))} cannot be read: {exc.strerror or exc}") from exc
        self.form = form or self._find_form(start)

    def items(self) -> Iterator[dict[str, Any]]:
        """Yield each item; what is no object becomes one with a field ``value``.

        Raises:
            ReportError: the file cannot be read, or is no feed.
        """
        readers = {"json": self._json, "jsonl": self._json_lines, "csv": self._csv}
        number = 0
        try:
            # A spreadsheet may have put a byte order mark in front.
            with self.path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
                for value in readers[self.form](file):
                    number += 1
                    yield value if isinstance(value, dict) else {"value": value}
        except OSError as exc:
            raise self._no_feed(f"cannot be read: {exc.strerror or exc}") from exc
        if not number and self.problems:
            raise self._no_feed(f"is not a feed: {self.problems[0]}; {_INSTEAD}")
        if self._unreadable > _MAX_PROBLEMS:
            more = self._unreadable - _MAX_PROBLEMS
            self.problems.append(f"{more:,} more lines are no items and were left out")

    def _find_form(self, start: bytes) -> str:
        form = _ENDINGS.get(self.path.suffix.lower())
        if b"\0" in start or start.startswith(b"\x1f\x8b"):
            raise self._no_feed(f"is not a text file; {_INSTEAD}")
        text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
        if form == "csv":
            return form
        if text.startswith(b"["):
            return "json"
        if text.startswith(b"{") or (form and not text):
            return "jsonl"
        raise self._no_feed(f"is not a feed; {_INSTEAD} (-t csv if it is CSV)")

    def _no_feed(self, what: str) -> ReportError:
        return ReportError(f"{shown(str(self.path))} {what}")

    def _json(self, file: IO[str]) -> Iterator[Any]:
        text = _Text(file)
        text.skip_blank()
        if text.take("["):
            text.skip_blank()
            if text.take("]"):
                return
            number = 0
            while True:
                try:
                    value = text.value()
                except _Broken as broken:
                    self.problems.append(f"it breaks off after {counted(number, 'item')}: {broken}")
                    return
                number += 1
                yield value
                text.skip_blank()
                if text.take("]"):
                    return
                if not text.take(","):
                    self.problems.append(
                        f"it breaks off after {counted(number, 'item')}: no ] at the end"
                    )
                    return
        else:
            self.problems.append("there is no JSON array in it")

    def _json_lines(self, file: IO[str]) -> Iterator[Any]:
        decode = json.JSONDecoder().decode
        number = 0
        while line := file.readline(MAX_ITEM):
            number += 1
            if not line.endswith("\n") and len(line) == MAX_ITEM:
                self._leave_out(f"line {number:,} is longer than {octets_text(MAX_ITEM)}")
                while line and not line.endswith("\n"):
                    line = file.readline(MAX_ITEM)
                continue
            if not line.strip():
                continue
            try:
                yield decode(line)
            except (ValueError, RecursionError) as exc:
                self._leave_out(f"line {number:,} is not JSON: {_reason(exc)}")

    def _leave_out(self, problem: str) -> None:
        self._unreadable += 1
        if self._unreadable <= _MAX_PROBLEMS:
            self.problems.append(problem)

    def _csv(self, file: IO[str]) -> Iterator[dict[str, Any]]:
        csv.field_size_limit(MAX_ITEM)
        rows = csv.reader(file)
        try:
            names = next(rows, [])
            if len(names) > MAX_COLUMNS:
                self.problems.append(f"columns after the first {MAX_COLUMNS:,} were left out")
                del names[MAX_COLUMNS:]
            for row in rows:
                if len(row) > len(names) and len(names) < MAX_COLUMNS:
                    self._leave_out(
                        f"line {rows.line_num:,} has {len(row)} cells in {len(names)} columns;"
                        " those too many were left out"
                    )
                if row:
                    yield dict(zip(names, row, strict=False))
        except csv.Error as exc:
            self.problems.append(f"it breaks off at line {rows.line_num:,}: {exc}")


class _Broken(Exception):
    """Here is no JSON; the text says why."""


class _Text:
    """JSON text that is read as far as needed."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._decode = json.JSONDecoder().raw_decode
        self._buffer = ""
        self._at = 0

    def skip_blank(self) -> None:
        while True:
            rest = self._buffer[self._at : self._at + 1]
            if rest and not rest.isspace():
                return
            if rest:
                self._at += 1
            elif not self._more():
                return

    def take(self, char: str) -> bool:
        """Skip this character, if it is the next one."""
        if not self._buffer.startswith(char, self._at):
            return False
        self._at += 1
        return True

    def value(self) -> Any:
        """Return the next value.

        Raises:
            _Broken: there is none.
        """
        self.skip_blank()
        while True:
            try:
                value, end = self._decode(self._buffer, self._at)
            except RecursionError as exc:
                raise _Broken(_reason(exc)) from None
            except ValueError as exc:
                # It may be that only its end is missing; so each time twice as much is read.
                if len(self._buffer) - self._at > MAX_ITEM:
                    limit = octets_text(MAX_ITEM)
                    raise _Broken(f"the next item is longer than {limit}") from None
                if not self._more():
                    raise _Broken(_reason(exc)) from None
                continue
            # A number may go on.
            may_go_on = end == len(self._buffer) and not isinstance(value, dict | list | str)
            if may_go_on and self._more():
                continue
            self._at = end
            return value

    def _more(self) -> bool:
        left = self._buffer[self._at :]
        new = self._file.read(max(_BLOCK, len(left)))
        self._buffer, self._at = left + new, 0
        return bool(new)


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, json.JSONDecodeError):
        return error.msg[0].lower() + error.msg[1:]
    # An integer of more digits than Python reads.
    return f"an integer has more than {sys.get_int_max_str_digits():,} digits"
