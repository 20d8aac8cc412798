"""Heads of requests and answers, as they were on the wire."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

from sockettools.text import visible

_END = re.compile(rb"\r?\n\r?\n")
_STATUS = re.compile(rb"HTTP/[0-9.]+[ \t]+([1-9][0-9]{2})(?![0-9])")
_REQUEST = re.compile(rb"([!-~]+) ([^ \r\n]+)(?: (HTTP/[0-9.]+))?\r?\n")

# A line in a terminal; what is longer is cut, visibly.
MAX_LINE = 500
MAX_LINES = 100


@dataclass(frozen=True)
class Field:
    """A line of a head: name and value as text, one character for each octet."""

    name: str
    value: str


def head_of(octets: bytes) -> bytes:
    """Return everything up to the first empty line; all of it, where there is none."""
    match = _END.search(octets)
    return octets[: match.end()] if match else octets


def final_head(octets: bytes) -> bytes:
    """Return the head of the final answer, without the informational ones (1xx) before it."""
    while True:
        head = head_of(octets)
        status = status_of(head)
        if status is None or status >= 200 or len(head) == len(octets):
            return head
        octets = octets[len(head) :]


def status_of(head: bytes) -> int | None:
    """Return the status code of an answer; None if it has none."""
    match = _STATUS.match(head)
    return int(match[1]) if match else None


def request_line(head: bytes) -> tuple[str, str, str]:
    """Return method, target and version; "" where they are not."""
    match = _REQUEST.match(head)
    if match is None:
        return "", "", ""
    return tuple(part.decode("latin-1") for part in match.groups(b""))  # type: ignore[return-value]


def fields_of(head: bytes) -> list[Field]:
    """Return the fields of a head in order; a line that is none is left out."""
    found = []
    for line in head.splitlines()[1:]:
        name, colon, value = line.partition(b":")
        if colon:
            found.append(Field(name.decode("latin-1"), value.strip().decode("latin-1")))
    return found


def value_of(head: bytes, name: str) -> str | None:
    """Return the value of a field, the first one; None where it is not."""
    for field in fields_of(head):
        if field.name.lower() == name:
            return field.value
    return None


# How a line of one request stands to that of the other.
SAME, CHANGED, ONLY_LEFT, ONLY_RIGHT, MOVED = "=", "~", "-", "+", "^"


@dataclass(frozen=True)
class Row:
    """A line of two requests beside each other; None where one of them has none.

    ``mark``: SAME, CHANGED (the same field with another value or spelling), ONLY_LEFT, ONLY_RIGHT,
    or MOVED (the other one has the field elsewhere: there are two rows of it).
    """

    left: str | None
    right: str | None
    mark: str


def side_by_side(left: bytes, right: bytes) -> list[Row]:
    r"""Put two requests side by side, line by line, in the order of both.

    A line is shown without its CR LF; any other end, and whatever would act on a terminal, is
    shown as its escape.

    >>> line = b"GET / HTTP/1.1\r\n"
    >>> for row in side_by_side(line + b"A: 1\r\n\r\n", line + b"a: 2\r\n\r\n"):
    ...     print(row.mark, row.left, row.right, sep="|")
    =|GET / HTTP/1.1|GET / HTTP/1.1
    ~|A: 1|a: 2
    """
    ours, theirs = shown_lines(left), shown_lines(right)
    keys, others = _key(ours), _key(theirs)
    rows: list[Row] = []
    # Autojunk is for long texts, and drops what occurs often.
    for tag, a, b, c, d in SequenceMatcher(None, keys, others, autojunk=False).get_opcodes():
        if tag == "equal":
            rows += [
                Row(one, other, SAME if one == other else CHANGED)
                for one, other in zip(ours[a:b], theirs[c:d], strict=True)
            ]
            continue
        rows += [
            Row(ours[at], None, MOVED if keys[at] in others else ONLY_LEFT) for at in range(a, b)
        ]
        rows += [
            Row(None, theirs[at], MOVED if others[at] in keys else ONLY_RIGHT) for at in range(c, d)
        ]
    return rows


def shown_lines(head: bytes) -> list[str]:
    """Return the lines of a head as they may be shown, without the empty one at its end."""
    lines = head.decode("latin-1").split("\r\n")
    while lines and not lines[-1]:
        lines.pop()
    more = len(lines) - MAX_LINES
    shown = [_cut(visible(line)) for line in lines[:MAX_LINES]]
    return [*shown, f"({more} more lines)"] if more > 0 else shown


def _cut(line: str) -> str:
    return line if len(line) <= MAX_LINE else f"{line[:MAX_LINE]}... ({len(line)} characters)"


def _key(lines: list[str]) -> list[str]:
    """Return what makes two lines the same field: the name; of the first one, nothing."""
    return ["", *(line.partition(":")[0].lower() for line in lines[1:])] if lines else []
