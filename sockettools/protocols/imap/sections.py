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
    """What was asked for with UID FETCH; ``limit`` is how many octets of it, None for all."""

    peer: str
    uid: int
    item: str
    limit: int | None = None

    def found_in(self, responses: Responses) -> Section:
        """Return it as soon as it begins; the other responses are read with its blocks.

        Raises:
            PermanentNegativeReply: it is not there.
            RemoteProtocolError: another message came.
            TooLong: more came than was asked for.
        """
        is_there = False
        for response in responses:
            if isinstance(response, Opened):
                self._check(response.items, response.size)
                return Section(response.size, self._streamed(response, responses))
            items = self._items(response)
            is_there = is_there or self._uid_of(items) == self.uid
            value = section_of(items, self.item)
            if isinstance(value, bytes):  # a short one may be quoted
                self._check(items, len(value), is_complete=True)
                self._read_rest(responses)
                return Section(len(value), iter([value] if value else []))
        if is_there:
            raise PermanentNegativeReply(f"{self.peer} has no {self.item} of message {self.uid}")
        raise PermanentNegativeReply(f"{self.peer} has no message {self.uid} in this folder")

    def _streamed(self, opened: Opened, responses: Responses) -> Iterator[bytes]:
        yield from opened.blocks()
        for response in responses:
            items = self._items(response)
            if section_of(items, self.item) is not None:
                # The UID may stand behind.
                self._check(items, opened.size, is_complete=True)
                break
        self._read_rest(responses)

    def _read_rest(self, responses: Responses) -> None:
        for response in responses:
            if isinstance(response, Opened) or section_of(self._items(response), self.item):
                raise RemoteProtocolError(f"{self.peer} sent message {self.uid} twice")

    def _check(self, items: dict[str, Value], size: int, *, is_complete: bool = False) -> None:
        uid = self._uid_of(items)
        if uid != self.uid and (is_complete or uid is not None):
            raise RemoteProtocolError(
                f"{self.peer} sent {f'message {uid}' if uid else 'a message without a number'} "
                f"where {self.uid} was asked for"
            )
        if self.limit is not None and size > self.limit:
            raise TooLong(f"{self.peer} sent {size} octets where {self.limit} were asked for")

    def _uid_of(self, items: dict[str, Value]) -> int | None:
        return number_of(self.peer, items["UID"]) if "UID" in items else None

    def _items(self, response: Data | Found | Status | Opened) -> dict[str, Value]:
        if isinstance(response, Data) and response.kind == "FETCH":
            return fetched(self.peer, response.values)
        return {}
