"""Where each side of a connection is, and what it may say there: as tables."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

from sockettools.http1.events import (
    ConnectionClosed,
    Data,
    EndOfMessage,
    InformationalResponse,
    Request,
    Response,
)

if TYPE_CHECKING:
    from sockettools.http1.events import Event


class Role(Enum):
    """Which side of a connection."""

    # Looked up for every event: by identity, which is how members compare.
    __hash__ = object.__hash__

    CLIENT = "client"
    SERVER = "server"

    @property
    def peer(self) -> Role:
        """The other one."""
        return Role.SERVER if self is Role.CLIENT else Role.CLIENT


class State(Enum):
    """Where one side is."""

    # Looked up for every event: by identity, which is how members compare.
    __hash__ = object.__hash__

    IDLE = auto()  # nothing of its message was said yet
    RESPONDING = auto()  # a server that was asked and has not given its final answer
    BODY = auto()
    DONE = auto()  # its message is complete, and another one may follow
    MUST_CLOSE = auto()  # its message is complete, and was the last one
    CLOSED = auto()
    SWITCHED = auto()  # what follows is not HTTP: after 101, or 2xx to CONNECT
    ERROR = auto()  # it broke the rules: nothing it says can be trusted any more


_BODY: dict[type[Event], State] = {Data: State.BODY, EndOfMessage: State.DONE}
_END: dict[type[Event], State] = {ConnectionClosed: State.CLOSED}

# TABLE[role][state][event] is the next state; what is missing is not allowed there.
TABLE: dict[Role, dict[State, dict[type[Event], State]]] = {
    Role.CLIENT: {
        State.IDLE: {Request: State.BODY, **_END},
        State.RESPONDING: {},
        State.BODY: _BODY,
        State.DONE: _END,
        State.MUST_CLOSE: _END,
        State.CLOSED: _END,
        State.SWITCHED: {},
        State.ERROR: {},
    },
    Role.SERVER: {
        # An answer without a request: a server that tires of waiting says 408 so.
        State.IDLE: {Response: State.BODY, **_END},
        State.RESPONDING: {InformationalResponse: State.RESPONDING, Response: State.BODY},
        State.BODY: _BODY,
        State.DONE: _END,
        State.MUST_CLOSE: _END,
        State.CLOSED: _END,
        State.SWITCHED: {},
        State.ERROR: {},
    },
}
