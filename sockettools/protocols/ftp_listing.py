r"""What FTP servers say of the files in a directory: RFC 3659 section 7, and what LIST shows.

MLSD's lines are made for programs. LIST's are made for people, and no two servers have to agree;
but nearly all write what ``ls -l`` writes on Unix, or what DIR writes on Windows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING

from sockettools.text import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

# More digits are no size of a file: 2^63 has 19.
_SIZE = re.compile(r"[0-9]{1,19}")

_TIME = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})(?:\.[0-9]+)?")

# -rw-r--r--   1 user  group   167 Jul  6  2016 romeo.txt
# A group may be missing, or have spaces in it (Windows' domains); a device has two numbers in
# place of the size.
_UNIX = re.compile(
    rb"(?P<kind>[-bcdlpsD])[-rwxsStTlL]{9}[+.@]?\s+[0-9]+\s+\S.*?\s"
    rb"(?P<size>[0-9]{1,19})\s+"
    rb"(?P<time>[A-Za-z]{3}\s+[0-9]{1,2}\s+(?:[0-9]{1,2}:[0-9]{2}|[0-9]{4})"
    rb"|[0-9]{4}-[0-9]{2}-[0-9]{2}\s+[0-9]{2}:[0-9]{2})\s"
    rb"(?P<name>.+)"
)

# 07-06-16  09:50AM       <DIR>          pub
_WINDOWS = re.compile(
    rb"(?P<time>[0-9]{2}-[0-9]{2}-[0-9]{2,4}\s+[0-9]{2}:[0-9]{2}(?:[AP]M)?)\s+"
    rb"(?:<(?P<kind>DIR|JUNCTION|SYMLINKD?)>|(?P<size>[0-9]{1,19}))\s+(?P<name>.+)"
)

# What ``ls`` writes above the files.
_TOTAL = re.compile(rb"total [0-9]+")

_UNIX_KINDS = {b"-": "file", b"d": "dir", b"l": "link"}


class ListingFormat(Enum):
    """Which command the lines are an answer to."""

    MLSD = "MLSD"
    LIST = "LIST"


@dataclass(frozen=True)
class Entry:
    """What is known of a file.

    ``kind`` is "file", "dir", "link" or the server's word for something else; "cdir" and "pdir"
    are the directory itself and the one above. ``raw_name`` is what the server takes for it.
    ``modified`` is in UTC; ``written`` is the time as LIST has it, in a time zone that it does not
    tell.
    """

    kind: str
    raw_name: bytes
    size: int | None = None
    modified: datetime | None = None
    written: str = ""

    @property
    def name(self) -> str:
        """The name to show."""
        return decoded(self.raw_name)

    @property
    def is_dots(self) -> bool:
        """Whether it is the directory itself or the one above."""
        return self.kind in ("cdir", "pdir") or self.raw_name in (b".", b"..")


def decoded(name: bytes) -> str:
    r"""Return a name as text: UTF-8 (RFC 2640 section 2.2), and Latin-1 where it is not that.

    >>> decoded(b"caf\xc3\xa9"), decoded(b"caf\xe9")
    ('café', 'café')
    """
    try:
        return name.decode()
    except UnicodeDecodeError:
        return name.decode("latin-1")


def parse_mlsd(line: bytes) -> Entry:
    """Read a line of MLSD: facts, a space, and the name (RFC 3659 section 7.2).

    Raises:
        ValueError: it is none.

    >>> parse_mlsd(b"Type=file;Size=167;UNIX.mode=0644; na me").size
    167
    """
    written, space, name = line.partition(b" ")
    if not space or not name or (written and not written.endswith(b";")):
        raise ValueError(f"{line[:100]!r} is no line of MLSD")
    facts: dict[str, str] = {}
    for fact in written.decode("latin-1").split(";")[:-1]:
        key, equals, value = fact.partition("=")
        if not equals:
            raise ValueError(f"{fact[:100]!r} is no fact")
        facts[key.lower()] = value
    size = facts.get("size", "")
    return Entry(
        _mlsd_kind(facts.get("type", "file")),
        name,
        int(size) if _SIZE.fullmatch(size) else None,
        maybe_time(facts.get("modify", "")),
    )


def parse_list(line: bytes) -> Entry:
    """Read a line of LIST, as Unix or Windows has it.

    Raises:
        ValueError: it is neither.

    >>> parse_list(b"lrwxrwxrwx 1 u g 4 Jul  6 09:50 a b -> c d").name
    'a b'
    """
    if match := _UNIX.fullmatch(line):
        kind = _UNIX_KINDS.get(match["kind"], "other")
        name = match["name"]
        if kind == "link":
            name = name.partition(b" -> ")[0]
        size = int(match["size"]) if kind == "file" else None
        return Entry(kind, name, size, None, decoded(match["time"]))
    if match := _WINDOWS.fullmatch(line):
        kind = {None: "file", b"DIR": "dir"}.get(match["kind"], "link")
        size = int(match["size"]) if match["size"] else None
        return Entry(kind, match["name"], size, None, decoded(match["time"]))
    raise ValueError(f"{line[:100]!r} is no line of LIST that is understood")


def maybe_time(text: str) -> datetime | None:
    """Read a time of RFC 3659 section 2.3; None where it is none.

    >>> str(maybe_time("20160706095000.123"))
    '2016-07-06 09:50:00+00:00'
    """
    match = _TIME.fullmatch(text)
    if match is None or not text.isascii():
        return None
    try:
        return datetime(*map(int, match.groups()), tzinfo=UTC)  # type: ignore[misc,arg-type]
    except ValueError:  # the 31st of February; a leap second
        return None


def entries(lines: Iterable[bytes], form: ListingFormat) -> Iterator[Entry | bytes]:
    """Yield what the lines tell; a line that is not understood as it is. Dots are left out."""
    parse = _PARSERS[form]
    for line in lines:
        if not line or (form is ListingFormat.LIST and _TOTAL.fullmatch(line)):
            continue
        try:
            entry = parse(line)
        except ValueError:
            yield line
        else:
            if not entry.is_dots:
                yield entry


def format_entry(entry: Entry | bytes) -> str:
    """Return a row of a table: kind, size, time of the last change, and name.

    >>> format_entry(parse_mlsd(b"type=file;size=167;modify=20160706095000; romeo.txt"))
    'file             167  2016-07-06 09:50:00Z  romeo.txt'
    """
    if isinstance(entry, bytes):
        return visible(decoded(entry))
    size = "-" if entry.size is None else str(entry.size)
    time = f"{entry.modified:%Y-%m-%d %H:%M:%S}Z" if entry.modified else entry.written or "-"
    return f"{visible(entry.kind):<8} {size:>11}  {visible(time):<20}  {visible(entry.name)}"


def _mlsd_kind(written: str) -> str:
    kind = written.lower()
    # "OS.unix=slink:/where/it/leads", and "OS.unix=symlink".
    return "link" if kind.startswith(("os.unix=slink", "os.unix=symlink")) else kind


_PARSERS: dict[ListingFormat, Callable[[bytes], Entry]] = {
    ListingFormat.MLSD: parse_mlsd,
    ListingFormat.LIST: parse_list,
}
