"""What SMTP carries: addresses for the envelope, and the content (RFC 5321 section 2.3.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sockettools.errors import LocalProtocolError
from sockettools.net.stream import RECEIVE_SIZE
from sockettools.text import visible
from sockettools.url import encode_host

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Characters of an address, far beyond the 256 octets that every server takes (RFC 5321 4.5.3.1.3).
MAX_ADDRESS = 1000

# What would end the address, or the command, or is no text at all.
_FORBIDDEN = re.compile(r"[\s<>\x00-\x1f\x7f]")

_DOMAIN = re.compile(r"[!-;=?-~]+")


@dataclass(frozen=True)
class Content:
    """A message as it is sent, header and body; any line ends in it become CRLF on the way.

    ``size`` counts the octets that travel, without the stuffed dots (RFC 1870 section 6.1); None
    where it is not known. ``is_8bit``: there may be octets above 127 in it. ``is_utf8``: also in
    its header (RFC 6532).
    """

    blocks: Iterable[bytes]
    size: int | None = None
    is_8bit: bool = False
    is_utf8: bool = False

    @classmethod
    def of(cls, message: bytes, *, is_utf8: bool = False) -> Content:
        r"""Return the content that a whole message is.

        >>> Content.of(b"Subject: a\n\nb\r\n").size
        17
        """
        return cls(_Pieces(message), sent_size(message), not message.isascii(), is_utf8)


class _Pieces:
    """A message in blocks that are not copied all at once; it can be iterated over again."""

    def __init__(self, message: bytes) -> None:
        self._message = message

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, len(self._message), RECEIVE_SIZE):
            yield self._message[start : start + RECEIVE_SIZE]


def sent_size(message: bytes) -> int:
    r"""Return how many octets travel, once each line end is CRLF and the last line has one.

    >>> sent_size(b"a\nb\rc\r\nd")
    12
    """
    pairs = message.count(b"\r\n")
    lone = message.count(b"\r") + message.count(b"\n") - 2 * pairs
    end = 0 if message.endswith((b"\r", b"\n")) or not message else 2
    return len(message) + lone + end


def envelope_address(address: str) -> str:
    """Return an address as it stands between ``<`` and ``>``, its domain in ASCII.

    Without a domain it is as it was: ``postmaster`` has none (RFC 5321 section 4.5.1). What is
    right in a local part is for its server to say; it is only refused what would be read as more
    than an address.

    Raises:
        LocalProtocolError: it is no address.

    >>> envelope_address("zoë@bücher.example"), envelope_address("a@[127.0.0.1]")
    ('zoë@xn--bcher-kva.example', 'a@[127.0.0.1]')
    """
    if len(address) > MAX_ADDRESS:
        raise LocalProtocolError(f"an address has more than {MAX_ADDRESS} characters")
    local, at, domain = address.rpartition("@")
    if not at:
        local, domain = domain, ""
    if not local or (at and not domain) or _FORBIDDEN.search(address) or not address.isprintable():
        raise _no_address(address)
    if not domain.isascii():
        try:
            domain = encode_host(domain)
        except ValueError:
            raise _no_address(address) from None
        if not _DOMAIN.fullmatch(domain):
            raise _no_address(address)
    return f"{local}{at}{domain}"


def _no_address(address: str) -> LocalProtocolError:
    return LocalProtocolError(f"'{visible(address[:200])}' is no address of mail")
