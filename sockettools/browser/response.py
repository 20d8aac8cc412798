"""An answer, and its body while it comes."""

from __future__ import annotations

from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

from sockettools.browser.charset import decode
from sockettools.browser.connection import told_of
from sockettools.browser.decoding import decoder_for
from sockettools.errors import (
    IncompleteMessage,
    RemoteProtocolError,
    SocketToolsError,
    TooLong,
)
from sockettools.http1.framing import response_framing
from sockettools.lifetime import Closing
from sockettools.text import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sockettools import http1
    from sockettools.browser.connection import HttpConnection
    from sockettools.browser.exchange import Exchange
    from sockettools.browser.options import Options
    from sockettools.browser.request import Request
    from sockettools.net.deadline import Deadline
    from sockettools.url import HttpUrl

# A body that is coded may become so many octets, or so many times what was received: text rarely
# becomes more than twenty times smaller, and a bomb is a thousand times its size.
BOMB_SIZE = 67_108_864
BOMB_RATIO = 100

# What may be left of an answer that nobody wants to read, in octets and seconds, for the
# connection to be worth it.
DRAIN_SIZE = 65_536
DRAIN_TIME = 1.0

# Octets of a page that is read into memory as a whole.
MAX_PAGE = 16_777_216


class Response(Closing):
    """An answer: its head, and its body as long as it is not closed.

    ``request`` is the one that it answers, the last of a chain of redirects.
    """

    def __init__(
        self,
        request: Request,
        exchange: Exchange,
        body: Body,
        options: Options,
    ) -> None:
        assert exchange.response is not None  # for the type checker
        self.request = request
        self.exchange = exchange
        self.head: http1.Response = exchange.response
        self._body = body
        self._options = options

    @property
    def url(self) -> HttpUrl:
        """Where it came from."""
        return self.request.url

    @property
    def status_code(self) -> int:
        """The three digits."""
        return self.head.status_code

    @property
    def fields(self) -> http1.Fields:
        """The head's fields."""
        return self.head.fields

    def text_field(self, name: str) -> str | None:
        """Return the first value of a field as text; None when it is not there."""
        value = self.fields.get(name.encode("ascii"))
        return None if value is None else value.decode("latin-1")

    def expected_size(self) -> int | None:
        """Return how many octets the body will have as received; None if nobody knows."""
        framing = response_framing(self.exchange.request.method, self.status_code, self.head.fields)
        return framing if isinstance(framing, int) else None

    def iter_raw(self) -> Iterator[bytes]:
        """Yield the body as it was sent, chunks undone.

        Raises:
            RemoteProtocolError, ReadTimeout: there is no more of it, and should be.
        """
        return self._body.pieces()

    def iter_bytes(self) -> Iterator[bytes]:
        """Yield the body, its content codings undone.

        Raises:
            RemoteProtocolError, ReadTimeout: as ``iter_raw``; also for what cannot be decoded, and
                (TooLong) for what becomes out of all proportion.
        """
        with self._telling_of_url():
            decoder = decoder_for(self._coding(), self._options.max_body)
        if decoder is None:
            yield from self.iter_raw()
            return
        received = decoded = 0
        for piece in self.iter_raw():
            received += len(piece)
            with self._telling_of_url():
                for block in decoder.decode(piece):
                    decoded += len(block)
                    self.exchange.content_size = decoded
                    self._check_proportion(received, decoded)
                    yield block
        if not self._options.allow_truncated:
            with self._telling_of_url():
                decoder.finish()

    def read(self, max_size: int = MAX_PAGE) -> bytes:
        """Return the whole body.

        Raises:
            TooLong: it has more than ``max_size`` octets.
        """
        body = bytearray()
        for piece in self.iter_bytes():
            body += piece
            if len(body) > max_size:
                raise TooLong(f"{self.url}: the page is longer than {max_size} bytes")
        return bytes(body)

    def text(self, max_size: int = MAX_PAGE) -> str:
        """Return the whole body as text, in the charset that it says or seems to have."""
        return decode(self.read(max_size), self.text_field("content-type"))

    def skip(self) -> None:
        """Do without the body, and keep the connection if that is cheap."""
        self._body.drain()

    def close(self) -> None:
        """Let go of the connection; what was not read of the body is lost."""
        self._body.close()

    def is_coded(self) -> bool:
        """Tell whether ``iter_bytes`` decodes something."""
        return bool(self._coding())

    def _coding(self) -> str:
        # A part of something coded cannot be decoded by itself; and to HEAD there is nothing to.
        if not self._options.decode or self.status_code == 206 or self.expected_size() == 0:
            return ""
        return (self.fields.combined(b"content-encoding") or b"").decode("latin-1")

    def _check_proportion(self, received: int, decoded: int) -> None:
        if self._options.max_body is not None:
            return  # who has set a limit has been asked already
        if decoded > max(BOMB_SIZE, BOMB_RATIO * received):
            raise TooLong(
                f"{received} bytes of {visible(self._coding())} become more than {decoded}: "
                "that is a bomb, and no page"
            )

    @contextmanager
    def _telling_of_url(self) -> Iterator[None]:
        try:
            yield
        except RemoteProtocolError as exc:
            raise told_of(str(self.url), exc) from exc


class Body(Closing):
    """The body of one answer as it comes from its connection.

    ``done`` is called once, with whether all of it was read.
    """

    def __init__(
        self,
        connection: HttpConnection,
        exchange: Exchange,
        options: Options,
        deadline: Deadline,
        done: Callable[[bool], None],
    ) -> None:
        self._connection = connection
        self._exchange = exchange
        self._options = options
        self._deadline = deadline
        self._done = done
        self._is_done = False
        self._start = monotonic()

    def pieces(self) -> Iterator[bytes]:
        """Yield what is left of it.

        Raises:
            RemoteProtocolError, ReadTimeout: there should be more.
        """
        try:
            while (piece := self._connection.receive_body(self._deadline)) is not None:
                self._count(piece)
                yield piece
        except BaseException as exc:
            if isinstance(exc, SocketToolsError):
                self._exchange.error = str(exc)
            self.close()
            if isinstance(exc, IncompleteMessage) and self._options.allow_truncated:
                return
            raise
        self._finish(is_complete=True)

    def drain(self) -> None:
        """Do without what is left of it; if that is little, the connection is kept."""
        if self._is_done:  # and the connection is somebody else's
            return
        deadline = self._deadline.within(DRAIN_TIME)
        is_complete = False
        try:
            while not is_complete and self._exchange.body_size <= DRAIN_SIZE:
                piece = self._connection.receive_body(deadline)
                self._count(piece or b"")
                is_complete = piece is None
        except SocketToolsError:
            pass
        self._finish(is_complete=is_complete)

    def close(self) -> None:
        """Do without what is left of it, and without the connection."""
        self._finish(is_complete=False)

    def _count(self, piece: bytes) -> None:
        exchange, limit = self._exchange, self._options.max_body
        exchange.body_size += len(piece)
        if limit is not None and exchange.body_size > limit:
            raise TooLong(f"{exchange.url}: the body is longer than {limit} bytes")
        if (room := self._options.keep_bodies - len(exchange.content)) > 0:
            exchange.content += piece[:room]

    def _finish(self, *, is_complete: bool) -> None:
        if not self._is_done:
            self._is_done = True
            self._exchange.timings.receive = monotonic() - self._start
            self._done(is_complete)
