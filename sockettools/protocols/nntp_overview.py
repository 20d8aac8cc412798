"""Overviews of news articles: a line each, whose columns the server names (RFC 3977 section 8)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from sockettools.errors import RemoteProtocolError
from sockettools.protocols.mail_headers import MAX_VALUE, header_fields
from sockettools.protocols.replies import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

_NUMBER = re.compile(rb"[0-9]{1,18}")

# A field's name (RFC 5322 section 3.6.8), or that of something known about the article.
_COLUMN = re.compile(r":?([!-9;-~]{1,100}):?(:full)?", re.IGNORECASE)


@dataclass(frozen=True)
class Column:
    """What a column has in it; its name is in lower case, "bytes" and "lines" among them.

    ``is_full``: the name and a colon stand before each value.
    """

    name: str
    is_full: bool = False


# These come first, in this order (RFC 3977 section 8.4). Without such a list it is these alone.
DEFAULT_COLUMNS = tuple(
    map(Column, ("subject", "from", "date", "message-id", "references", "bytes", "lines"))
)


@dataclass(frozen=True)
class Overview:
    """What a server tells of an article; ``raw`` has the fields as they came, by their names."""

    number: int
    raw: Mapping[str, bytes]

    def field(self, name: str) -> str:
        """Return a field's value decoded, "" where the server does not tell it.

        It may have control characters in it.
        """
        return decoded(self.raw.get(name.lower(), b""))

    @property
    def subject(self) -> str:
        """What it is about."""
        return self.field("subject")

    @property
    def sender(self) -> str:
        """Who has written it: the field From."""
        return self.field("from")

    @property
    def message_id(self) -> str:
        """Its name everywhere, with angle brackets."""
        return self.field("message-id")

    @property
    def date(self) -> datetime | None:
        """When it was written; None where the field makes no sense.

        It has no time zone where the field tells none.
        """
        try:
            return parsedate_to_datetime(self.field("date"))
        except (ValueError, TypeError, OverflowError):
            return None

    @property
    def octets(self) -> int | None:
        """Its size, None where the server does not tell."""
        return _maybe_number(self.raw.get("bytes", b""))

    @property
    def lines(self) -> int | None:
        """The number of lines of its body, None where the server does not tell."""
        return _maybe_number(self.raw.get("lines", b""))


def parse_columns(lines: Iterable[bytes]) -> tuple[Column, ...]:
    r"""Read the lines of LIST OVERVIEW.FMT (RFC 3977 section 8.4).

    ``Bytes:`` and ``Lines:`` are what drafts had for ``:bytes`` and ``:lines``. What makes no sense
    is a column without a name, since those behind it have to stay where they are.

    >>> [column.name for column in parse_columns([b"Subject:", b":bytes", b"Xref:full"])]
    ['subject', 'bytes', 'xref']
    """
    return tuple(_column(line.strip().decode("ascii", "replace")) for line in lines)


def parse_overview(line: bytes, columns: Sequence[Column] = DEFAULT_COLUMNS) -> Overview:
    r"""Read one line: a number and the columns, tabs between them; the last ones may be missing.

    Raises:
        RemoteProtocolError: it does not begin with a number.

    >>> parse_overview(b"7\tHello\ta@b.example\t\t<1@b>\t\t1234\t17").lines
    17
    """
    written, *values = line.split(b"\t", len(columns) + 1)
    number = _maybe_number(written)
    if number is None:
        raise RemoteProtocolError(
            f"an overview begins with {shown(written.decode('latin-1'))!r}, not with a number"
        )
    raw: dict[str, bytes] = {}
    # There may be more of either: servers add columns that they do not tell.
    for column, value in zip(columns, values, strict=False):
        raw.setdefault(column.name, _without_name(value, column) if column.is_full else value)
    raw.pop("", None)
    return Overview(number, raw)


def overview_of(number: int, head: bytes) -> Overview:
    """Return what an article's header says."""
    fields = header_fields(head)
    return Overview(number, {name: value.encode() for name, value in fields.items()})


def decoded(value: bytes) -> str:
    """Decode a field's value as it is in an overview: one line, and of bounded size."""
    # Most need no reading of a message, and there are many.
    if b"=?" in value:
        one_line = value.replace(b"\r", b" ").replace(b"\n", b" ")
        return header_fields(b"Value: " + one_line).get("value", "")
    return text_of(value[:MAX_VALUE].strip())


def text_of(octets: bytes) -> str:
    """Decode UTF-8 (RFC 3977 section 10), and Latin-1 where it is not that."""
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return octets.decode("latin-1")


def _column(line: str) -> Column:
    match = _COLUMN.fullmatch(line)
    return Column(match[1].lower(), match[2] is not None) if match else Column("")


def _without_name(value: bytes, column: Column) -> bytes:
    name, colon, rest = value.partition(b":")
    return rest.strip() if colon and name.lower() == column.name.encode() else value


def _maybe_number(written: bytes) -> int | None:
    stripped = written.strip()
    return int(stripped) if _NUMBER.fullmatch(stripped) else None
