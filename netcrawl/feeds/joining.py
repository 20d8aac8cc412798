r"""How a feed goes on in a file that holds one already, so that both together are one.

Every exporter writes a document from its beginning: JSON's ``[``, the columns of CSV, the root of
XML. A file that is continued keeps what it has up to where its items end, and of the new document
the beginning is left out. A document's end is as good as an end of both.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import sys
from typing import IO, TYPE_CHECKING

from scrapy.exporters import (
    CsvItemExporter,
    JsonItemExporter,
    JsonLinesItemExporter,
    XmlItemExporter,
)

from sockettools.text import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    # Takes all of the new document that there is so far; returns what to write instead, None while
    # more of it is needed to tell.
    Join = Callable[[bytes], bytes | None]

# Blank space at the end of a document, and the row of columns at the beginning, in octets. A
# document that has more of either was not written by an exporter.
MAX_SPACE = 4096
MAX_COLUMNS = 1024 * 1024

_DIALECT = frozenset(
    (
        *("delimiter", "dialect", "doublequote", "escapechar"),
        *("quotechar", "quoting", "skipinitialspace"),
    )
)

# What these mean in the middle of a file: without a byte order mark.
_UNMARKED = {
    "utf-8-sig": "utf-8",
    "utf-16": f"utf-16-{'le' if sys.byteorder == 'little' else 'be'}",
    "utf-32": f"utf-32-{'le' if sys.byteorder == 'little' else 'be'}",
}


class CannotAppend(Exception):
    """New items cannot go into a file; the text says why, without naming the file."""


def find_end(exporter: type, file: IO[bytes], options: Mapping[str, Any]) -> int:
    """Return how much of the file stays when items are appended; 0 if there is nothing to keep.

    ``exporter`` is the class that writes the items, ``options`` are those of the feed.

    Raises:
        CannotAppend: the file is not a document of this kind, or not to be continued.
    """
    size = file.seek(0, io.SEEK_END)
    if size and options.get("postprocessing") and _is_closed(exporter):
        raise CannotAppend(
            "it is compressed: to such a file, only JSON lines can be appended, not a document "
            "that begins and ends"
        )
    if issubclass(exporter, JsonItemExporter):
        return _end_of_array(file, size)
    if issubclass(exporter, XmlItemExporter):
        return _end_of_root(file, size, options)
    return size


def find_join(exporter: type, file: IO[bytes], keep: int, options: Mapping[str, Any]) -> Join:
    """Return how a document is joined to the first ``keep`` octets of the file.

    Raises:
        CannotAppend: by the function returned, if the items have other columns.
    """
    if keep == 0:
        return lambda data: data
    if issubclass(exporter, JsonItemExporter):
        return _join_array
    if issubclass(exporter, XmlItemExporter):
        return _XmlJoin(file, keep, options)
    if issubclass(exporter, CsvItemExporter):
        return _CsvJoin(file, keep, options)
    if issubclass(exporter, JsonLinesItemExporter) and not options.get("postprocessing"):
        file.seek(keep - 1)
        # A crawl that was killed, or an editor, may have left the last line without its end.
        return (lambda data: data) if file.read(1) == b"\n" else (lambda data: b"\n" + data)
    return lambda data: data


class JoinedFile(io.IOBase):
    """A file for an exporter, with ``join`` between the two."""

    def __init__(self, file: IO[bytes], join: Join) -> None:
        self._file = file
        self._join = join
        self._head: bytes | None = b""  # None when the beginning is written
        self._refused = False

    def write(self, data: bytes) -> int:
        """Write it; the very beginning as soon as it is known how.

        Raises:
            CannotAppend: it does not fit. What comes after that is not written either.
            OSError: the file cannot be written.
        """
        if self._refused:
            return len(data)
        if self._head is None:
            self._file.write(data)
            return len(data)
        self._head += bytes(data)
        try:
            joined = self._join(self._head)
        except CannotAppend:
            self._refused = True
            raise
        if joined is not None:
            self._head = None
            self._file.write(joined)
        return len(data)

    def tell(self) -> int:
        """Return the position in the file; text encoders put a byte order mark only at 0."""
        return self._file.tell()

    def seekable(self) -> bool:
        """Be asked for the position."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move nowhere else: exporters only ask where they are.

        Raises:
            io.UnsupportedOperation: it is not where the file is.
        """
        if (offset, whence) not in ((0, io.SEEK_CUR), (self._file.tell(), io.SEEK_SET)):
            raise io.UnsupportedOperation("a feed is written in one go")
        return self._file.tell()

    def writable(self) -> bool:
        """Take data."""
        return True

    def flush(self) -> None:
        """Pass on what is in the buffer."""
        if not self._file.closed:
            self._file.flush()

    def fileno(self) -> int:
        """Return the number of the file below."""
        return self._file.fileno()

    def close(self) -> None:
        """Close the file below too."""
        self._file.close()
        super().close()


def _is_closed(exporter: type) -> bool:
    return issubclass(exporter, JsonItemExporter | XmlItemExporter | CsvItemExporter)


def _tail(file: IO[bytes], size: int) -> bytes:
    file.seek(max(0, size - MAX_SPACE))
    return file.read(MAX_SPACE)


# JSON


def _end_of_array(file: IO[bytes], size: int) -> int:
    tail = _tail(file, size)
    text = tail.rstrip()
    is_short = size <= MAX_SPACE
    if not text and is_short:
        return 0
    items = text[:-1].rstrip()
    file.seek(0)
    if not text.endswith(b"]") or not items or not file.read(MAX_SPACE).lstrip().startswith(b"["):
        raise CannotAppend("it is not a JSON array")
    return 0 if items.lstrip() == b"[" and is_short else size - len(tail) + len(items)


def _join_array(data: bytes) -> bytes | None:
    match = re.match(rb"\s*\[(\s*)(?=\S)", data)
    if match is None:
        return None
    rest = data[match.end() :]
    # The new array may be empty.
    return (match[1][:1] if rest.startswith(b"]") else b"," + match[1]) + rest


# XML


def _end_of_root(file: IO[bytes], size: int, options: Mapping[str, Any]) -> int:
    root = _root_element(options)
    encoding = _encoding(options)
    tail = _tail(file, size)
    if not tail.strip() and size <= MAX_SPACE:
        return 0
    end = f"</{root}>".encode(encoding)
    position = tail.rfind(end)
    file.seek(0)
    head = file.read(MAX_SPACE)
    if position < 0 or tail[position + len(end) :].decode(encoding, "replace").strip():
        raise CannotAppend(f"it does not end with </{root}>, as this feed does")
    declared = re.search(r"<\?xml[^>]*encoding=[\"']([\w.-]+)", head.decode(encoding, "replace"))
    if declared and _name(declared[1]) != _name(str(options.get("encoding") or "utf-8")):
        raise CannotAppend(f"its encoding is {declared[1]}, and that of this feed is not")
    return size - len(tail) + position


class _XmlJoin:
    def __init__(self, file: IO[bytes], keep: int, options: Mapping[str, Any]) -> None:
        encoding = _encoding(options)
        self._newline = "\n".encode(encoding)
        self._start = f"<{_root_element(options)}>".encode(encoding)
        file.seek(max(0, keep - len(self._newline)))
        self._is_on_new_line = file.read(len(self._newline)) == self._newline

    def __call__(self, data: bytes) -> bytes | None:
        _, start, rest = data.partition(self._start)
        if not start or len(rest) < len(self._newline):
            return None
        return rest.removeprefix(self._newline) if self._is_on_new_line else rest


def _root_element(options: Mapping[str, Any]) -> str:
    return str(_kwargs(options).get("root_element", "items"))


# CSV


class _CsvJoin:
    def __init__(self, file: IO[bytes], keep: int, options: Mapping[str, Any]) -> None:
        self._encoding = _encoding(options)
        self._dialect = {k: v for k, v in _kwargs(options).items() if k in _DIALECT}
        self._has_columns = bool(_kwargs(options).get("include_headers_line", True))
        line_end = str(_kwargs(options).get("lineterminator", "\r\n")).encode(self._encoding)
        last = "\n".encode(self._encoding)
        start = max(0, keep - max(len(line_end), len(last)))
        file.seek(start)
        is_whole = file.read(keep - start).endswith((line_end, last))
        self._between = b"" if is_whole else line_end
        file.seek(0)
        head = file.read(min(keep, MAX_COLUMNS)).decode(self._encoding, "replace")
        self._columns = self._split(head.removeprefix("\ufeff"))[0]

    def __call__(self, data: bytes) -> bytes | None:
        if not self._has_columns:
            return self._between + data
        try:
            columns, rows = self._split(data.decode(self._encoding), strict=True)
        except (csv.Error, UnicodeDecodeError):
            return None  # a quotation, or a character, that goes on
        if not rows and not data.endswith("\n".encode(self._encoding)):
            return None
        if columns != self._columns:
            raise CannotAppend(
                f"its columns are {_shown(self._columns)}, and those of this feed "
                f"{_shown(columns)}; FEED_EXPORT_FIELDS sets them"
            )
        return self._between + rows.encode(self._encoding)

    def _split(self, text: str, strict: bool = False) -> tuple[list[str], str]:
        """Return the first row, and the text of the others."""
        lines = io.StringIO(text, newline="")
        columns = next(csv.reader(lines, strict=strict, **self._dialect), [])
        return columns, lines.read()


def _shown(columns: list[str]) -> str:
    text = visible(", ".join(columns))
    return text if len(text) <= 200 else f"{text[:199]}…"


def _kwargs(options: Mapping[str, Any]) -> Mapping[str, Any]:
    kwargs: Mapping[str, Any] = options.get("item_export_kwargs") or {}
    return kwargs


def _encoding(options: Mapping[str, Any]) -> str:
    """Return how text is encoded in the middle of a file."""
    name = _name(str(options.get("encoding") or "utf-8"))
    return _UNMARKED.get(name, name)


def _name(encoding: str) -> str:
    """Return the one name of an encoding that has several.

    Raises:
        CannotAppend: there is none of this name.
    """
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        raise CannotAppend(f"there is no encoding {encoding!r}") from None
