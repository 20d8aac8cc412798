"""What a server sends, shown on a terminal so that nothing in it can act there."""

from __future__ import annotations

from io import IncrementalNewlineDecoder
from typing import TYPE_CHECKING

from sockettools.browser.charset import (
    SNIFF_SIZE,
    charset_of,
    declared_charset,
    is_text,
    text_decoder,
)
from sockettools.errors import SocketToolsError
from sockettools.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sockettools.cli.streams import Streams

# Octets of the longest byte order mark.
_MARK_SIZE = 3

# What a terminal shows as blanks: Python calls none of them printable but the space.
_KEPT = (
    "\n\t\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005"
    "\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
)


class BinaryOutput(SocketToolsError):
    """What is no text would be written to a terminal."""


class ShownText:
    """Text on its way to a terminal."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams
        self.has_written = False

    def write(self, text: str) -> None:
        """Show text that is decoded already."""
        if text:
            self.has_written = True
            shown = visible(text, keep=_KEPT)
            encoding = self._streams.stdout.encoding or "utf-8"
            self._streams.write(shown.encode(encoding, "backslashreplace"))

    def write_blocks(self, blocks: Iterator[bytes], content_type: str | None, name: str) -> None:
        """Show octets that come in blocks, as slowly as they come.

        Raises:
            BinaryOutput: they are no text; ``name`` is what it is called.
        """
        start = _beginning(blocks, content_type)
        if start and not is_text(content_type, start):
            raise BinaryOutput(
                f"{name} is not text ({visible(content_type or 'of no type')}): "
                "save it with -o FILE or -O"
            )
        # A carriage return that is not part of a line's end becomes one: it could write over it.
        decoder = IncrementalNewlineDecoder(
            text_decoder(charset_of(content_type, start)), translate=True
        )
        self.write(decoder.decode(start))
        for block in blocks:
            self.write(decoder.decode(block))
        self.write(decoder.decode(b"", final=True))


def _beginning(blocks: Iterator[bytes], content_type: str | None) -> bytes:
    """Return the first bytes of a body: as many as its charset is to be told from."""
    # Where the header tells all but the order of octets, a page is shown as slowly as it comes.
    is_told = is_text(content_type, b"\0") and declared_charset(content_type)
    wanted = _MARK_SIZE if is_told else SNIFF_SIZE
    start = b""
    while len(start) < wanted and (block := next(blocks, b"")):
        start += block
    return start
