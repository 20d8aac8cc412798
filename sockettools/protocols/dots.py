r"""Texts that end with a dot on a line of its own, as SMTP, POP3 and NNTP send them.

A line of the text that begins with a dot gets another one in front (RFC 5321 section 4.5.2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_END = b".\r\n"


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
        self._held = b""  # the beginning of what may become an end
        self._at_line_start = True

    def feed(self, block: bytes) -> bytes:
        """Take octets; return the text that they complete. What follows the end is in ``rest``."""
        data = self._held + block
        self._held = b""
        text = bytearray()
        position = 0
        while True:
            if self._at_line_start:
                if data.startswith(_END, position):
                    self.is_done = True
                    self.rest = data[position + len(_END) :]
                    return bytes(text)
                if _END.startswith(data[position:]):
                    self._held = data[position:]
                    return bytes(text)
                if data.startswith(b".", position):
                    position += 1
                self._at_line_start = False
            end = data.find(b"\r\n.", position)
            if end < 0:
                break
            text += data[position : end + 2]
            position = end + 2
            self._at_line_start = True
        rest = data[position:]
        if rest.endswith(b"\r\n"):
            self._at_line_start = True
        elif rest.endswith(b"\r"):
            rest, self._held = rest[:-1], b"\r"
        return bytes(text + rest)


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
