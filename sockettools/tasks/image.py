"""A picture into a file, with what the socket received on the way."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sockettools.net.deadline import NEVER
from sockettools.net.transcript import Direction
from sockettools.tasks.copy import copy_page

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sockettools.browser import Browser, Request
    from sockettools.net.deadline import Deadline
    from sockettools.net.transcript import Event

# Octets of an answer that its header is looked for in; the engine takes no longer one.
MAX_HEADER = 1_048_576

# A bare LF ends a line too (RFC 9112 section 2.2).
_HEADER_END = re.compile(rb"\r?\n\r?\n")

# An answer that comes ahead of the answer (RFC 9110 section 15.2).
_INFORMATIONAL = re.compile(rb"HTTP/[0-9.]+ 1[0-9][0-9]")


class Receipts:
    r"""A sink for a transcript: what each receive brought since something was sent last.

    The answer of a redirect, or of a proxy that is asked for a tunnel, is forgotten when the next
    request is sent. So what is here in the end is the last answer, as it came over the wire:
    neither chunks nor codings are undone.

    >>> receipts = Receipts()
    >>> receipts.receive(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nh")
    >>> receipts.receive(b"i")
    >>> receipts.take_sizes(), receipts.header()
    ([39, 1], b'HTTP/1.1 200 OK\r\nContent-Length: 2')
    """

    def __init__(self) -> None:
        self._sizes: list[int] = []
        self._start = bytearray()

    def write(self, event: Event) -> None:
        """Take an event; see ``Sink``."""
        if event.direction is Direction.SENT and event.data:
            self._sizes.clear()
            self._start.clear()
        elif event.data:
            self.receive(event.data)

    def receive(self, data: bytes) -> None:
        """Take what one receive brought."""
        self._sizes.append(len(data))
        self._start += data[: MAX_HEADER - len(self._start)]

    def take_sizes(self) -> list[int]:
        """Return the sizes that have not been returned yet."""
        sizes, self._sizes = self._sizes, []
        return sizes

    def header(self) -> bytes:
        """Return the answer's header without the blank line that ends it; b"" while it has none."""
        start = 0
        while end := _HEADER_END.search(self._start, start):
            if not _INFORMATIONAL.match(self._start, start):
                return bytes(self._start[start : end.start()])
            start = end.end()
        return b""


def save_image(
    browser: Browser,
    request: Request,
    path: Path,
    receipts: Receipts,
    received: Callable[[int, int], None],
    deadline: Deadline = NEVER,
) -> bytes:
    """Save a picture to ``path``, and return the header of the answer that it came in.

    ``receipts`` is a sink of the transcript that ``browser`` was made with. ``received`` is called
    for each receive: with how many octets it brought, and how many there are with the ones before,
    header included.

    Raises:
        Refusal, OSError, ...: as ``copy_page``, and nothing is saved.
    """
    total = 0

    def report() -> None:
        nonlocal total
        for size in receipts.take_sizes():
            total += size
            received(size, total)

    copy_page(browser, request, path, deadline, lambda _size, _total: report())
    report()  # a picture of no octets, and what comes behind the last one: the end of a chunked one
    return receipts.header()
