"""What the tests of the engine say to it, and how they write down what they hear."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sockettools.errors import ProtocolError
from sockettools.http1 import (
    NEED_DATA,
    Connection,
    ConnectionClosed,
    Data,
    EndOfMessage,
    Event,
    Fields,
    Limits,
    Request,
    Response,
    Role,
    Status,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    # Events, the pieces of a body joined, and last what came instead of another event.
    Heard = list[Event | Status | type[ProtocolError]]

HOST = (b"Host", b"example.com")


def get(method: bytes = b"GET", *fields: tuple[bytes, bytes], version: bytes = b"1.1") -> Request:
    """Return a request without a body."""
    return Request(method, b"/", Fields([HOST, *fields]), version)


def asked(
    request: Request | None = None,
    limits: Limits | None = None,
    *,
    allow_http_0_9: bool = False,
    skip_bad_fields: bool = False,
    allow_version_2: bool = False,
) -> Connection:
    """Return a client that has sent its whole request."""
    client = Connection(
        Role.CLIENT,
        limits,
        allow_http_0_9=allow_http_0_9,
        skip_bad_fields=skip_bad_fields,
        allow_version_2=allow_version_2,
    )
    client.send(request or get())
    client.send(EndOfMessage())
    return client


def server(limits: Limits | None = None) -> Connection:
    """Return a server that was not asked yet."""
    return Connection(Role.SERVER, limits)


def asking(request: bytes = b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n") -> Connection:
    """Return a server that has received a whole request."""
    connection = server()
    assert EndOfMessage() in hear(connection, request)
    return connection


def hear(connection: Connection, *pieces: bytes) -> Heard:
    """Let ``connection`` receive; return what it makes of it."""
    heard: Heard = []
    status: Status = NEED_DATA
    for piece in pieces:
        connection.receive_data(piece)
        try:
            while not isinstance(event := connection.next_event(), Status):
                if isinstance(event, Data) and heard and isinstance(heard[-1], Data):
                    event = Data(heard.pop().data + event.data)  # type: ignore[union-attr]
                heard.append(event)
                if isinstance(event, ConnectionClosed):
                    return heard
            status = event
        except ProtocolError as exc:
            return [*heard, type(exc)]
    return [*heard, status]


def octets(data: bytes) -> list[bytes]:
    """Return each octet as a piece of its own."""
    return [data[at : at + 1] for at in range(len(data))]


def say(connection: Connection, events: Iterable[Event]) -> bytes:
    """Send all of ``events``; return the bytes."""
    return b"".join([connection.send(event) for event in events])


def response(*fields: tuple[bytes, bytes], code: int = 200, reason: bytes = b"OK") -> Response:
    """Return the head of an answer."""
    return Response(code, Fields(fields), reason)
