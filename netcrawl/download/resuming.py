"""A body over as many connections as it takes: a download that broke off goes on where it was.

RFC 9110 section 14. The server is asked for the rest, if what it has is still the same (If-Range).
It may send that (206), or all of it anew (200), or neither.
"""

from __future__ import annotations

import asyncio
import logging
import re
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from netcrawl.failures import without_userinfo
from sockettools.errors import IncompleteMessage, ReadError, RemoteProtocolError, SocketToolsError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from scrapy import Request

    from netcrawl.download.http_connection import HttpConnection
    from sockettools import http1

logger = logging.getLogger(__name__)

# Seconds before the first of several tries in a row, and how many times that before each other.
DELAY = 1.0
_GROWTH = 2.0

# Octets. A try that has brought so many does not count: a large file may break off many times.
PROGRESS = 1024 * 1024

# A strong entity tag: a weak one does not vouch for every octet (RFC 9110 section 8.8.3).
_STRONG = re.compile(rb'"[\x21\x23-\x7e\x80-\xff]*"')

_CONTENT_RANGE = re.compile(
    rb"bytes (?:([0-9]{1,19})-([0-9]{1,19})|\*)/([0-9]{1,19}|\*)", re.IGNORECASE
)

# What may be another answer a moment later.
_PASSING = frozenset({408, 429, 500, 502, 503, 504})

# They would have the server answer whether something else has changed.
_OTHER_CONDITIONS = ("If-None-Match", "If-Modified-Since", "If-Match", "If-Unmodified-Since")

Answer = tuple["HttpConnection", "http1.Response"]


class Restarted(Exception):
    """The server sends all of it again, since it has changed or no part can be had."""

    def __init__(self, connection: HttpConnection, head: http1.Response) -> None:
        super().__init__()
        self.connection = connection
        self.head = head


@dataclass(frozen=True)
class Known:
    """What is known of a body: by what it is recognised, how long it is, how it is coded."""

    validator: bytes
    total: int | None
    coding: bytes | None


def known_of(request: Request, head: http1.Response, expected: int | None) -> Known | None:
    """Return what a download can be gone on with; None if it cannot be."""
    fields = head.fields
    if request.method != "GET" or head.status_code != 200 or "Range" in request.headers:
        return None
    if (fields.get(b"accept-ranges") or b"").lower() == b"none":
        return None
    coding = fields.get(b"content-encoding")
    etag = fields.get(b"etag")
    if etag is not None:
        validator = etag if _STRONG.fullmatch(etag) else None
    else:
        # A date is the same for all codings of a file.
        validator = None if coding else _strong_date(fields)
    return Known(validator, expected, coding) if validator is not None else None


def _strong_date(fields: http1.Fields) -> bytes | None:
    """Return Last-Modified if nothing changed within the second (RFC 9110 section 8.8.2.2)."""
    modified, now = fields.get(b"last-modified"), fields.get(b"date")
    if modified is None or now is None:
        return None
    try:
        age = parsedate_to_datetime(now.decode()) - parsedate_to_datetime(modified.decode())
    except (ValueError, TypeError, OverflowError):  # no dates, or only one of them with a zone
        return None
    return modified if age >= timedelta(seconds=1) else None


class Tries:
    """How many are left of ``times`` in a row; and how long to wait before each."""

    def __init__(self, times: int, delay: float = DELAY) -> None:
        self._times = times
        self._delay = delay
        self._failed = 0

    def begin_anew(self) -> None:
        """Forget those before."""
        self._failed = 0

    async def next(self) -> bool:
        """Wait for the time of the next one; False if there is none."""
        if self._failed >= self._times:
            return False
        self._failed += 1
        await asyncio.sleep(self._delay * _GROWTH ** (self._failed - 1))
        return True


class Resuming:
    """Reads a body as a connection does, and goes on with it on others."""

    def __init__(
        self,
        request: Request,
        connection: HttpConnection,
        known: Known,
        tries: Tries,
        *,
        ask: Callable[[Request], Awaitable[Answer]],
        give_back: Callable[[HttpConnection], object],
    ) -> None:
        """Begin with what ``connection`` sends; others come from ``ask``, and are given back."""
        self._request = request
        self._connection = connection
        self._known = known
        self._tries = tries
        self._ask = ask
        self._give_back = give_back
        self._is_first = True  # the connection is not ours
        self._received = 0
        self._last_try_at = 0  # octets
        self._end: int | None = None  # of the part that is being sent
        self._is_over = False

    async def receive_body(self) -> bytes | None:
        """See ``HttpConnection.receive_body``.

        Raises:
            IncompleteMessage: there is no more of it to be had.
            RemoteProtocolError: the server sends something else than it says.
            Restarted: what was received is of no more use.
        """
        while not self._is_over:
            try:
                piece = await self._connection.receive_body()
                if piece is not None:
                    self._received += len(piece)
                    if self._end is not None and self._received > self._end:
                        raise RemoteProtocolError(
                            f"{self._connection.peer} sent more than the part that it announced"
                        )
                    return piece
                if self._is_complete():
                    return None
                raise IncompleteMessage(
                    f"{self._connection.peer} sent a part up to byte {self._received}"
                )
            except (IncompleteMessage, ReadError) as exc:
                await self._go_on(exc)
        return None

    def close(self) -> None:
        """Give the last connection back."""
        if not self._is_first:
            self._is_first = True
            self._give_back(self._connection)

    def _is_complete(self) -> bool:
        if self._end is None:  # nothing broke off
            return True
        return self._received == (self._end if self._known.total is None else self._known.total)

    async def _go_on(self, error: SocketToolsError) -> None:
        """Have the rest come on another connection, or find that there is none."""
        if self._received - self._last_try_at >= PROGRESS:
            self._tries.begin_anew()
        self._last_try_at = self._received
        if not self._received:
            raise error  # Scrapy's own retries do as well
        while await self._tries.next():
            url = without_userinfo(self._request.url)
            logger.info("%s broke off: going on from byte %d (%s)", url, self._received, error)
            try:
                connection, head = await self._ask(self._request_for_rest())
            except SocketToolsError as exc:
                error = exc
                continue
            if head.status_code == 200:
                raise Restarted(connection, head)
            try:
                if head.status_code == 206:
                    self._end = self._end_of_part(head.fields)
                    self.close()
                    self._connection, self._is_first = connection, False
                    return
                self._is_over = head.status_code == 416 and self._has_all(head.fields)
                if self._is_over:
                    return
                error = IncompleteMessage(
                    f"{error}; asked for the rest, the server answered {head.status_code}"
                )
            finally:
                if self._connection is not connection:
                    self._give_back(connection)
            if head.status_code not in _PASSING:
                break
        raise IncompleteMessage(f"{error}, after {self._received} bytes") from error

    def _request_for_rest(self) -> Request:
        request = self._request.copy()
        for name in _OTHER_CONDITIONS:
            request.headers.pop(name, None)
        request.headers["Range"] = f"bytes={self._received}-"
        request.headers["If-Range"] = self._known.validator
        return request

    def _end_of_part(self, fields: http1.Fields) -> int:
        """Return where the part ends, exclusively.

        Raises:
            IncompleteMessage: it is not one to go on with.
        """
        known = self._known
        value = fields.get(b"content-range") or b""
        match = _CONTENT_RANGE.fullmatch(value)
        if match is None or match[1] is None or int(match[1]) != self._received:
            text = value[:80].decode("latin-1")
            raise IncompleteMessage(
                f"asked for what follows {self._received} bytes, the server sent {text!r}"
            )
        name = b"etag" if known.validator.startswith(b'"') else b"last-modified"
        total = None if match[3] == b"*" else int(match[3])
        end = int(match[2]) + 1
        if (
            fields.get(name) not in (None, known.validator)
            or fields.get(b"content-encoding") not in (None, known.coding)
            or (total is not None and (known.total not in (None, total) or end > total))
            or (known.total is not None and end > known.total)
            or end <= self._received
        ):
            raise IncompleteMessage(
                f"the server sent a part of something else than the first {self._received} bytes"
            )
        if known.total is None and total is not None:
            self._known = Known(known.validator, total, known.coding)
        return end

    def _has_all(self, fields: http1.Fields) -> bool:
        """Tell whether there is nothing left to be had: only the end of the body was lost."""
        match = _CONTENT_RANGE.fullmatch(fields.get(b"content-range") or b"")
        return (
            self._known.total is None
            and match is not None
            and match[3] == str(self._received).encode()
        )
