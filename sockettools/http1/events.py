"""What a conversation is made of: the same events are received and sent.

They are not frozen, though nobody changes them: that would make each take three times as long to
create, and there is one for every piece of a body.
"""

from __future__ import annotations

from dataclasses import dataclass

from sockettools.http1.fields import Fields

NO_FIELDS = Fields()


@dataclass(slots=True)
class Request:
    """The head of a request; ``target`` is as on the wire (3.2)."""

    method: bytes
    target: bytes
    fields: Fields
    version: bytes = b"1.1"


@dataclass(slots=True)
class InformationalResponse:
    """A 1xx answer: the final one is still to come, unless it is 101."""

    status_code: int
    fields: Fields
    reason: bytes = b""
    version: bytes = b"1.1"


@dataclass(slots=True)
class Response:
    """The head of the final answer; ``version`` is b"0.9" when there was no head at all."""

    status_code: int
    fields: Fields
    reason: bytes = b""
    version: bytes = b"1.1"


@dataclass(slots=True)
class Data:
    """Some of a body. Where one piece ends and the next begins means nothing."""

    data: bytes


@dataclass(slots=True)
class EndOfMessage:
    """The body is complete; ``trailers`` are the fields behind a chunked one (7.1.2)."""

    trailers: Fields = NO_FIELDS


@dataclass(slots=True)
class ConnectionClosed:
    """The peer sends no more, and was not in the middle of a message."""


Event = Request | InformationalResponse | Response | Data | EndOfMessage | ConnectionClosed
