"""A message, or a part of one, streamed out of the responses that it comes with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sockettools.errors import PermanentNegativeReply, RemoteProtocolError, TooLong
from sockettools.protocols.imap.parser import Data, fetched, number_of
from sockettools.protocols.imap.reading import Opened
from sockettools.protocols.imap.results import Section, section_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sockettools.protocols.imap.parser import Found, Status, Value

    Responses = Iterator[Data | Found | Status | Opened]


@dataclass(frozen=True)
class Sought:
    """What was asked for with UID FETCH.

    ``partial`` is the first octet that is wanted and how many, None for all.
    """

    peer: str
    uid: int
    item: str
    partial: tuple[int, int] | None = None

    def found_in(self, responses: Responses) -> Section:
        """Return it as soon as it begins; the other responses are read with its blocks.

        Raises:
            PermanentNegativeReply: it is not there.
            RemoteProtocolError: another message came, or another part of it.
            TooLong: more came than was asked for.
        """
        is_there = False
        for response in responses:
            if isinstance(response, Opened):
                self._check(response.items)
                wanted = self._wanted(response.item, response.size)
                return Section(len(wanted), self._streamed(response, wanted, responses))
            items = self._items(response)
            is_there = is_there or self._uid_of(items) == self.uid
            value = section_of(items, self.item)
            if isinstance(value, bytes):  # a short one may be quoted
                self._check(items, is_complete=True)
                name = next(name for name in items if name.startswith(self.item))
                wanted = self._wanted(name, len(value))
                self._read_rest(responses)
                return Section(len(wanted), _cut(iter([value]), wanted))
        if is_there:
            raise PermanentNegativeReply(f"{self.peer} has no {self.item} of message {self.uid}")
        raise PermanentNegativeReply(f"{self.peer} has no message {self.uid} in this folder")

    def _streamed(self, opened: Opened, wanted: range, responses: Responses) -> Iterator[bytes]:
        yield from _cut(opened.blocks(), wanted)
        for response in responses:
            items = self._items(response)
            if section_of(items, self.item) is not None:
                # The UID may stand behind.
                self._check(items, is_complete=True)
                break
        self._read_rest(responses)

    def _read_rest(self, responses: Responses) -> None:
        for response in responses:
            if isinstance(response, Opened) or section_of(self._items(response), self.item):
                raise RemoteProtocolError(f"{self.peer} sent message {self.uid} twice")

    def _wanted(self, name: str, size: int) -> range:
        """Return which octets are wanted of those that come as ``name``."""
        if self.partial is None:
            return range(size)
        first, limit = self.partial
        origin = name.partition("<")[2].removesuffix(">")
        begin, dot, _ = origin.partition(".")
        if origin and begin != str(first):
            raise RemoteProtocolError(
                f"{self.peer} sent octets from {begin[:20]} on where those from {first} were asked "
                "for"
            )
        if origin and not dot:
            if size > limit:
                raise TooLong(f"{self.peer} sent {size} octets where {limit} were asked for")
            return range(size)
        # Without an origin it is everything (RFC 3501 section 7.4.2). So it is where Twisted's
        # server repeats what was asked; nobody knows of others that do.
        if dot and first and size <= limit:
            raise RemoteProtocolError(f"{self.peer} does not tell where the octets begin that came")
        return range(size)[first : first + limit]

    def _check(self, items: dict[str, Value], *, is_complete: bool = False) -> None:
        uid = self._uid_of(items)
        if uid != self.uid and (is_complete or uid is not None):
            raise RemoteProtocolError(
                f"{self.peer} sent {f'message {uid}' if uid else 'a message without a number'} "
                f"where {self.uid} was asked for"
            )

    def _uid_of(self, items: dict[str, Value]) -> int | None:
        return number_of(self.peer, items["UID"]) if "UID" in items else None

    def _items(self, response: Data | Found | Status | Opened) -> dict[str, Value]:
        if isinstance(response, Data) and response.kind == "FETCH":
            return fetched(self.peer, response.values)
        return {}


def _cut(blocks: Iterator[bytes], wanted: range) -> Iterator[bytes]:
    position = 0
    for block in blocks:
        part = block[max(wanted.start - position, 0) : max(wanted.stop - position, 0)]
        position += len(block)
        if part:
            yield part
