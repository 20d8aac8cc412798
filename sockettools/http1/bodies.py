"""Readers and writers of bodies, one pair for each framing.

A reader is called with what was received and returns the next event, or None when it needs more;
``ended`` is called when the connection ends. A writer turns what is sent into bytes for the wire.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from sockettools.errors import (
    IncompleteMessage,
    LocalProtocolError,
    RemoteProtocolError,
    TooLong,
)
from sockettools.http1.events import Data, EndOfMessage
from sockettools.http1.framing import CHUNKED, UNTIL_CLOSE
from sockettools.http1.grammar import (
    CHUNK_LINE,
    CHUNK_LINE_AFTER_DATA,
    parse_chunk_size,
    parse_fields,
    shown,
)

if TYPE_CHECKING:
    from sockettools.http1.fields import Fields
    from sockettools.http1.framing import Framing
    from sockettools.http1.limits import Limits
    from sockettools.http1.received import ReceiveBuffer

_END = EndOfMessage()

# How much of a body that ends with the connection is handed on at once.
_ALL = 2**62

_CRLF = b"\r\n"


class Reader(Protocol):
    """Reads one body."""

    def read(self, buffer: ReceiveBuffer) -> Data | EndOfMessage | None:
        """Return the next event, or None while there is not enough.

        Raises:
            RemoteProtocolError: what is there cannot be a body.
        """

    def ended(self) -> EndOfMessage:
        """Return what the end of the connection means here.

        Raises:
            IncompleteMessage: there should have been more.
        """


class LengthReader:
    """A body of a known length."""

    __slots__ = ("_left", "_length")

    def __init__(self, length: int) -> None:
        self._length = self._left = length

    def read(self, buffer: ReceiveBuffer) -> Data | EndOfMessage | None:
        """See ``Reader``."""
        left = self._left
        if not left:
            return _END
        data = buffer.take(left)
        self._left = left - len(data)
        return Data(data) if data else None

    def ended(self) -> EndOfMessage:
        """See ``Reader``."""
        received = self._length - self._left
        raise IncompleteMessage(
            f"the connection ended after {received} bytes of a body, expected {self._length}"
        )


class ChunkedReader:
    """Chunks, the last one empty, then trailers (7.1)."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._left = 0  # of this chunk
        self._line = CHUNK_LINE  # what is expected where a chunk has ended
        self._in_trailers = False

    def read(self, buffer: ReceiveBuffer) -> Data | EndOfMessage | None:
        """See ``Reader``."""
        if not self._left:
            if self._in_trailers:
                return self._read_trailers(buffer)
            match = buffer.take_match(self._line)
            if match is None:
                self._check_unfinished(buffer)
                return None
            if match.end() - match.start() > self._limits.chunk_line:
                raise TooLong(f"a chunk's size takes more than {self._limits.chunk_line} bytes")
            self._left = parse_chunk_size(match[1])
            self._line = CHUNK_LINE_AFTER_DATA
            if not self._left:  # the last chunk
                self._in_trailers = True
                return self._read_trailers(buffer)
        data = buffer.take(self._left)
        self._left -= len(data)
        return Data(data) if data else None

    def ended(self) -> EndOfMessage:
        """See ``Reader``."""
        raise IncompleteMessage("the connection ended before the last chunk")

    def _check_unfinished(self, buffer: ReceiveBuffer) -> None:
        """Let a line that may still become one wait, and nothing else."""
        start = buffer.peek(self._limits.chunk_line + 1)
        after_data = self._line is CHUNK_LINE_AFTER_DATA
        if after_data and not start.startswith(_CRLF[: len(start)]):
            raise RemoteProtocolError(f"a chunk is longer than its size: {shown(start)}")
        if b"\n" in (start[2:] if after_data else start):
            line = (start[2:] if after_data else start).partition(b"\n")[0]
            raise RemoteProtocolError(f"not a chunk size: {shown(line)}")
        if len(start) > self._limits.chunk_line:
            raise TooLong(f"a chunk's size takes more than {self._limits.chunk_line} bytes")

    def _read_trailers(self, buffer: ReceiveBuffer) -> EndOfMessage | None:
        if buffer.startswith(_CRLF):
            buffer.take(2)
            return _END
        block = buffer.take_trailers(self._limits.trailers)
        if block is None:
            return None
        if block.count(b"\n") != block.count(_CRLF):
            # In a head a bare LF does no harm; here it decides where the next message begins.
            raise RemoteProtocolError("a bare line feed among the trailers")
        return EndOfMessage(parse_fields(block, 0, self._limits, may_fold=False))


class UntilCloseReader:
    """Whatever comes until the connection ends; that it is all, nobody can know."""

    def read(self, buffer: ReceiveBuffer) -> Data | EndOfMessage | None:
        """See ``Reader``."""
        data = buffer.take(_ALL)
        return Data(data) if data else None

    def ended(self) -> EndOfMessage:
        """See ``Reader``."""
        return _END


class LimitedReader:
    """Any body, up to a size."""

    def __init__(self, inner: Reader, limit: int) -> None:
        self._inner = inner
        self._limit = self._left = limit

    def read(self, buffer: ReceiveBuffer) -> Data | EndOfMessage | None:
        """See ``Reader``."""
        if self._left < 0:
            raise TooLong(f"the body is longer than {self._limit} bytes", 413)
        event = self._inner.read(buffer)
        if type(event) is Data:
            self._left -= len(event.data)
            if self._left < 0:
                # What fits is handed on: how much that is must not depend on how it arrived.
                event.data = event.data[: self._left]
                return event if event.data else self.read(buffer)
        return event

    def ended(self) -> EndOfMessage:
        """See ``Reader``."""
        return self._inner.ended()


def reader_for(framing: Framing, limits: Limits) -> Reader:
    """Return the reader of a body."""
    reader: Reader
    if framing is CHUNKED:
        reader = ChunkedReader(limits)
    elif framing is UNTIL_CLOSE:
        reader = UntilCloseReader()
    else:
        reader = LengthReader(framing)
    return reader if limits.body is None else LimitedReader(reader, limits.body)


class Writer(Protocol):
    """Writes one body."""

    def data(self, data: bytes) -> bytes:
        """Return what goes to the wire for some of it."""

    def end(self, trailers: Fields) -> bytes:
        """Return what ends it."""


class LengthWriter:
    """As much as was announced."""

    def __init__(self, length: int) -> None:
        self._length = self._left = length

    def data(self, data: bytes) -> bytes:
        """See ``Writer``."""
        self._left -= len(data)
        if self._left < 0:
            raise LocalProtocolError(f"a body of more than the {self._length} bytes announced")
        return data

    def end(self, trailers: Fields) -> bytes:
        """See ``Writer``."""
        if self._left:
            sent = self._length - self._left
            raise LocalProtocolError(f"a body of {sent} bytes, announced were {self._length}")
        return _no_trailers(trailers)


class ChunkedWriter:
    """A chunk for each piece."""

    def data(self, data: bytes) -> bytes:
        """See ``Writer``."""
        # An empty chunk would be the last one.
        return b"%x\r\n%b\r\n" % (len(data), data) if data else b""

    def end(self, trailers: Fields) -> bytes:
        """See ``Writer``."""
        return b"0\r\n%b\r\n" % format_fields(trailers)


class UntilCloseWriter:
    """As it is; the caller closes the connection behind it."""

    def data(self, data: bytes) -> bytes:
        """See ``Writer``."""
        return data

    def end(self, trailers: Fields) -> bytes:
        """See ``Writer``."""
        return _no_trailers(trailers)


NO_BODY = LengthReader(0)
UNTIL_CLOSE_WRITER = UntilCloseWriter()


def writer_for(framing: Framing) -> Writer:
    """Return the writer of a body."""
    if framing is CHUNKED:
        return ChunkedWriter()
    return UNTIL_CLOSE_WRITER if framing is UNTIL_CLOSE else LengthWriter(framing)


def format_fields(fields: Fields) -> bytes:
    r"""Return the lines of a field section.

    >>> format_fields([(b"Host", b"example.com"), (b"Accept", b"*/*")])
    b'Host: example.com\r\nAccept: */*\r\n'
    """
    return b"".join([b"%b: %b\r\n" % field for field in fields])


def _no_trailers(trailers: Fields) -> bytes:
    if trailers:
        raise LocalProtocolError("trailers stand behind a chunked body only")
    return b""
