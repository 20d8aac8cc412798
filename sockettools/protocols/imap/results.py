"""What a server has told, typed: folders, messages, sections."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sockettools.errors import RemoteProtocolError
from sockettools.protocols.imap import utf7
from sockettools.protocols.imap.parser import fetched, number_of, octets_of, text_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sockettools.protocols.imap.parser import Data, Value


@dataclass(frozen=True)
class Folder:
    """What LIST tells of one (RFC 3501 section 7.2.2); ``delimiter`` is "" where there is none.

    ``raw`` is the name as the server has it, not decoded.
    """

    name: str
    flags: tuple[str, ...]
    delimiter: str
    raw: bytes


@dataclass(frozen=True)
class Selected:
    """A folder that was opened (RFC 3501 section 6.3.1); ``uid_validity`` is 0 where not told."""

    messages: int
    uid_validity: int


@dataclass(frozen=True)
class Summary:
    """What is fetched of every message of a list; ``header`` has only the fields asked for."""

    number: int
    uid: int
    size: int
    flags: tuple[str, ...]
    header: bytes


@dataclass(frozen=True)
class Section:
    """A message, or a part of one: the blocks have to be read to their end before another command.

    Reading them raises what ``ImapClient.stream_section`` does.
    """

    size: int
    blocks: Iterator[bytes]


def folder_of(peer: str, data: Data) -> Folder:
    """Read a LIST response.

    Raises:
        RemoteProtocolError: it is none.
    """
    match data.values:
        case [list(flags), delimiter, bytes() | None as name]:
            # A folder may be called NIL, and its name need not be quoted.
            raw = b"NIL" if name is None else bytes(name)
            return Folder(utf7.decode(raw), _flags(flags), text_of(delimiter), raw)
    raise RemoteProtocolError(f"{peer} sent LIST without flags, delimiter and name")


def summary_of(peer: str, data: Data) -> Summary | None:
    """Read a FETCH response; None where it is a server's own news of a message's flags.

    Raises:
        RemoteProtocolError: it is none.
    """
    items = fetched(peer, data.values)
    if data.number is None or not {"UID", "RFC822.SIZE"} <= items.keys():
        return None
    flags = items.get("FLAGS")
    return Summary(
        data.number,
        number_of(peer, items["UID"]),
        number_of(peer, items["RFC822.SIZE"]),
        _flags(flags) if isinstance(flags, list) else (),
        octets_of(section_of(items, "BODY[HEADER.FIELDS")),
    )


def section_of(items: dict[str, Value], start: str) -> Value:
    """Return the value of the first item whose name begins like that; None where there is none."""
    return next((value for name, value in items.items() if name.startswith(start)), None)


def number_set(numbers: Iterable[int]) -> str:
    """Write numbers as a command has them (RFC 3501 section 9, sequence-set).

    >>> number_set([9, 1, 2, 3, 7])
    '1:3,7,9'
    """
    ranges: list[list[int]] = []
    for number in sorted(set(numbers)):
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ",".join(f"{first}" if first == last else f"{first}:{last}" for first, last in ranges)


def _flags(values: list[Value]) -> tuple[str, ...]:
    return tuple(map(text_of, values))
