"""How long a body is, and whether another message may follow it: RFC 9112 sections 6.3 and 9.3."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from sockettools.errors import RemoteProtocolError
from sockettools.http1.grammar import parse_content_length, shown

if TYPE_CHECKING:
    from sockettools.http1.fields import Fields


class Unsized(Enum):
    """How a body ends whose length is not known from the head."""

    CHUNKED = auto()
    UNTIL_CLOSE = auto()


CHUNKED: Final = Unsized.CHUNKED
UNTIL_CLOSE: Final = Unsized.UNTIL_CLOSE

# A number of octets, or how else the body ends.
Framing = int | Unsized


def request_framing(version: bytes, fields: Fields) -> Framing:
    """Return how the body of a request ends.

    Raises:
        RemoteProtocolError: two readers could see two different ends.
    """
    if fields.has(b"transfer-encoding"):
        # The standard lets a server refuse both together, and asks it to distrust the framing of
        # HTTP/1.0 (6.1, 6.3): each has been used to smuggle one request inside another.
        if fields.has(b"content-length"):
            raise RemoteProtocolError("both Transfer-Encoding and Content-Length")
        if version == b"1.0":
            raise RemoteProtocolError("Transfer-Encoding in HTTP/1.0")
        return _transfer_coding(fields)
    length = fields.combined(b"content-length")
    return 0 if length is None else parse_content_length(length)


def response_framing(method: bytes, status_code: int, fields: Fields) -> Framing:
    """Return how the body of the answer to a request with ``method`` ends.

    Raises:
        RemoteProtocolError: two readers could see two different ends.
    """
    if method == b"HEAD" or status_code < 200 or status_code == 204 or status_code == 304:
        return 0  # whatever its fields say (6.3, 1)
    if method == b"CONNECT" and status_code < 300:
        return 0  # 6.3, 2
    if fields.has(b"transfer-encoding"):
        # It overrules a Content-Length, which real servers send beside it; the connection is not
        # used again (``is_faulty``).
        return _transfer_coding(fields)
    length = fields.combined(b"content-length")
    return UNTIL_CLOSE if length is None else parse_content_length(length)


def is_faulty(version: bytes, fields: Fields) -> bool:
    """Tell of a chunked answer whether others may have seen another end of it (6.1, 6.3)."""
    return version == b"1.0" or fields.has(b"content-length")


def may_follow(version: bytes, fields: Fields) -> bool:
    """Tell whether the sender of this head leaves the connection open for another message."""
    connection = fields.combined(b"connection")
    if connection is None:
        return version != b"1.0"
    if connection == b"keep-alive":  # nearly every one
        return True
    options = fields.tokens(b"connection")
    return b"close" not in options and (version != b"1.0" or b"keep-alive" in options)


def _transfer_coding(fields: Fields) -> Framing:
    # Nothing but the one word: of "chunked," or of two such fields readers think differently.
    codings = fields.get_all(b"transfer-encoding")
    if len(codings) != 1 or codings[0].lower() != b"chunked":
        raise RemoteProtocolError(
            f"unknown Transfer-Encoding: {shown(b', '.join(codings))}, expected chunked", 501
        )
    return CHUNKED
