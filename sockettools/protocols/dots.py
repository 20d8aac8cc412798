r"""Texts that end with a dot on a line of its own, as SMTP, POP3 and NNTP send them.

A line of the text that begins with a dot gets another one in front (RFC 5321 section 4.5.2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_END = b".\r\n"

# With the line end before it.
_LAST_LINE = b"\r\n" + _END
_BEGINNINGS = tuple(_LAST_LINE[:size] for size in range(len(_LAST_LINE) - 1, 0, -1))


class DotDecoder:
    r"""Takes blocks as they come, and gives the text back.

    Only CRLF ends a line: a dot behind a bare LF is the text's own. Taking that for the end is how
    messages are smuggled.

    >>> decoder = DotDecoder()
    >>> decoder.feed(b"a\r\n..b\r\n.\r\n+OK"), decoder.is_done, decoder.rest
    (b'a\r\n.b\r\n', True, b'+OK')
    """

    def __init__(self) -> None:
        self.is_done = False
        self.rest = b""
        # What may be the beginning of the last line, and the line end before it. That is the text's
        # own, and was given already; in front of the text there is as good as one.
        self._held = b"\r\n"

    def feed(self, block: bytes) -> bytes:
        """Take octets; return the text that they complete. What follows the end is in ``rest``."""
        given = min(len(self._held), 2)
        data = self._held + block
        end = data.find(_LAST_LINE)
        if end >= 0:
            self.is_done = True
            self.rest = data[end + len(_LAST_LINE) :]
            size = end + 2
        else:
            self._held = next(filter(data.endswith, _BEGINNINGS), b"")
            size = len(data) - len(self._held[2:])
        return data[:size].replace(b"\r\n.", b"\r\n")[given:]


def dot_stuffed(blocks: Iterable[bytes]) -> Iterator[bytes]:
    r"""Yield the text as it is sent: every line end CRLF, dots stuffed, and the dot at the end.

    A lone CR or LF would be a line end to one server and none to another.

    >>> b"".join(dot_stuffed([b".a\nb\r", b"\n..", b"c"]))
    b'..a\r\nb\r\n...c\r\n.\r\n'
    """
    at_line_start = True
    after_cr = False
    for block in blocks:
        if not block:
            continue
        # The LF of a CRLF that two blocks share was sent with its CR.
        text = block[1:] if after_cr and block.startswith(b"\n") else block
        after_cr = block.endswith(b"\r")
        text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if not text:
            continue
        stuffed = text.replace(b"\n.", b"\n..")
        if at_line_start and text.startswith(b"."):
            stuffed = b"." + stuffed
        at_line_start = text.endswith(b"\n")
        yield stuffed.replace(b"\n", b"\r\n")
    yield _END if at_line_start else b"\r\n" + _END
