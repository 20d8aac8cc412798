"""Headers of messages as a person reads them, and tables of messages: POP3, IMAP and NNTP."""

from __future__ import annotations

import re
from email.errors import MessageError
from email.header import decode_header
from email.parser import BytesHeaderParser
from email.policy import compat32
from typing import TYPE_CHECKING

from sockettools.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

# Octets of a header that are looked at; servers of mail take no more from others.
MAX_HEAD = 65_536

# Characters of a field's value; a long References field has as many.
MAX_VALUE = 8192

_WORD = r"=\?[!->@-~]{1,64}\?[BbQq]\?[ -><@-~]*\?="

# White space between encoded words is not shown (RFC 2047 section 6.2).
_WORDS = re.compile(rf"{_WORD}(?:[ \t]*{_WORD})*")


def header_fields(head: bytes) -> dict[str, str]:
    r"""Return the fields of a message's header, names in lower case and values decoded.

    Encoded words are read (RFC 2047), folded lines joined (RFC 5322 section 2.2.3), octets that
    are not ASCII taken for UTF-8 (RFC 6532) or else Latin-1. Of fields with the same name the first
    counts. What makes no sense stays as it is: any octets give something, of bounded size. It may
    have control characters in it.

    >>> header_fields(b"Subject: =?utf-8?q?Caf=C3=A9?=\r\nFROM: a@b.example,\r\n c@d.example\r\n")
    {'subject': 'Café', 'from': 'a@b.example, c@d.example'}
    """
    message = BytesHeaderParser(policy=compat32).parsebytes(head[:MAX_HEAD])
    fields: dict[str, str] = {}
    for name, value in message.raw_items():
        fields.setdefault(_octets_decoded(name).lower(), _decoded(value[:MAX_VALUE]))
    return fields


def table(rows: Iterable[Sequence[str]]) -> Iterator[bytes]:
    r"""Yield the lines of a table, in UTF-8, tabs between its columns; the first row names them.

    >>> list(table([["number", "subject"], ["1", "a\tb"]]))
    [b'number\tsubject\n', b'1\ta\\tb\n']
    """
    for row in rows:
        # Tabs and line ends do not print, and so no cell can have one.
        yield ("\t".join(map(visible, row)) + "\n").encode()


def _decoded(value: str) -> str:
    unfolded = " ".join(line.strip(" \t") for line in value.splitlines())
    return _WORDS.sub(lambda found: _words_decoded(found[0]), _octets_decoded(unfolded))


def _words_decoded(words: str) -> str:
    # The library joins neighbours first: some senders cut a character in two.
    try:
        parts = decode_header(words)
    except (MessageError, ValueError):  # base64 that is none
        return words
    return "".join(
        octets if isinstance(octets, str) else _in_charset(octets, charset or "ascii")
        for octets, charset in parts
    )


def _in_charset(octets: bytes, charset: str) -> str:
    try:
        # What may follow an asterisk is the language (RFC 2231 section 5).
        return octets.decode(charset.partition("*")[0], "replace")
    except (LookupError, ValueError):  # nobody knows it, or it is none that makes text
        return octets.decode("ascii", "replace")


def _octets_decoded(text: str) -> str:
    """Decode what the parser took for ASCII."""
    octets = text.encode("ascii", "surrogateescape")
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return octets.decode("latin-1")
