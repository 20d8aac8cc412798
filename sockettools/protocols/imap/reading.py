"""Responses read from a conversation; the one literal that may be large is left to be streamed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sockettools.errors import LocalProtocolError, TooLong
from sockettools.protocols.imap.parser import MAX_SEARCH_LINE, ResponseParser, Streamed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sockettools.protocols.conversation import Conversation
    from sockettools.protocols.imap.parser import Response, Value

# Octets of a literal that is kept: a header, the name of a folder, a subject.
MAX_LITERAL = 65_536


class Opened:
    """A FETCH response that has been read up to the literal that is wanted."""

    def __init__(self, conversation: Conversation, parser: ResponseParser, size: int) -> None:
        self.size = size
        self.item = parser.awaited
        self.parser = parser
        self.is_read = False
        self._conversation = conversation

    @property
    def items(self) -> dict[str, Value]:
        """What came before the literal."""
        return self.parser.items

    def blocks(self) -> Iterator[bytes]:
        """Yield the literal."""
        yield from self._conversation.read_exactly(self.size)
        self.is_read = True


class ResponseReader:
    """Reads one response after the other; ``octets`` counts what was kept of them in passing."""

    def __init__(self, conversation: Conversation) -> None:
        self.octets = 0
        self._conversation = conversation

    def read(self, section: str = "") -> Response | Opened:
        """Return the next response, or its beginning where a literal of the section comes next.

        Raises:
            RemoteProtocolError: it is none.
            TooLong: it or a literal in it is too long to be kept.
        """
        parser = ResponseParser(self._conversation.peer, self._conversation.without_secrets)
        return self._read_on(parser, section)

    def go_on(self, opened: Opened) -> Response | Opened:
        """Return the response whose literal was read.

        Raises:
            LocalProtocolError: it was not, or not to its end.
            RemoteProtocolError, TooLong: see ``read``.
        """
        if not opened.is_read:
            raise LocalProtocolError("a message was not read to its end")
        opened.parser.feed_literal(Streamed.STREAMED)
        return self._read_on(opened.parser, "")

    def _read_on(self, parser: ResponseParser, section: str) -> Response | Opened:
        conversation = self._conversation
        while (size := parser.feed_line(conversation.read_line(MAX_SEARCH_LINE))) is not None:
            if section and parser.awaited.partition("<")[0] == section:
                return Opened(conversation, parser, size)
            if size > MAX_LITERAL:
                raise TooLong(
                    f"{conversation.peer} announced {size} octets where {MAX_LITERAL} are the limit"
                )
            parser.feed_literal(b"".join(conversation.read_exactly(size)))
        self.octets += parser.size
        return parser.response
