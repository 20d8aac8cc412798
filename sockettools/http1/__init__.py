"""The HTTP/1.x engine: bytes in, events out, for both roles.

It holds no socket and no clock, and waits for nothing: whoever owns the connection feeds
``Connection.receive_data`` and sends what ``Connection.send`` returns. So the same engine runs
under blocking sockets, under an event loop, as a client, as a server, and on lists of bytes.
Section numbers are those of RFC 9112, "HTTP/1.1", unless another one is named.
"""

from sockettools.http1.connection import NEED_DATA, PAUSED, Connection, Status
from sockettools.http1.events import (
    ConnectionClosed,
    Data,
    EndOfMessage,
    Event,
    InformationalResponse,
    Request,
    Response,
)
from sockettools.http1.fields import Fields
from sockettools.http1.limits import Limits
from sockettools.http1.states import Role, State

__all__ = [
    "NEED_DATA",
    "PAUSED",
    "Connection",
    "ConnectionClosed",
    "Data",
    "EndOfMessage",
    "Event",
    "Fields",
    "InformationalResponse",
    "Limits",
    "Request",
    "Response",
    "Role",
    "State",
    "Status",
]
