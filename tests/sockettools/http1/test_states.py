from __future__ import annotations

from copy import deepcopy
from itertools import product
from typing import get_args

import pytest

from sockettools.errors import LocalProtocolError
from sockettools.http1 import (
    Connection,
    ConnectionClosed,
    Data,
    EndOfMessage,
    Event,
    Fields,
    InformationalResponse,
    Request,
    Role,
    State,
)
from sockettools.http1.states import TABLE
from tests.sockettools.http1.conversation import asked, asking, get, hear, response, say, server

EVENTS: dict[type[Event], Event] = {
    Request: get(),
    InformationalResponse: InformationalResponse(100, Fields()),
    type(response()): response((b"Content-Length", b"5")),
    Data: Data(b"hello"),
    EndOfMessage: EndOfMessage(),
    ConnectionClosed: ConnectionClosed(),
}

POST = get(b"POST", (b"Content-Length", b"5"))


def client_in(state: State) -> Connection:
    """Return a client whose own state is ``state``."""
    connection = Connection(Role.CLIENT)
    match state:
        case State.BODY:
            connection.send(POST)
        case State.DONE:
            say(connection, [get(), EndOfMessage()])
        case State.MUST_CLOSE:
            say(connection, [get(b"GET", (b"Connection", b"close")), EndOfMessage()])
        case State.CLOSED:
            connection.send(ConnectionClosed())
        case State.SWITCHED:
            connection = asked(get(b"GET", (b"Upgrade", b"x")))
            hear(connection, b"HTTP/1.1 101 \r\n\r\n")
        case State.ERROR:
            with pytest.raises(LocalProtocolError):
                connection.send(Data(b""))
        case _:
            pass
    return connection


def server_in(state: State) -> Connection:
    """Return a server whose own state is ``state``."""
    if state is State.IDLE:
        return server()
    fields = b"Host: h\r\n"
    if state is State.SWITCHED:
        fields += b"Upgrade: x\r\n"
    if state is State.MUST_CLOSE:
        fields += b"Connection: close\r\n"
    connection = asking(b"GET / HTTP/1.1\r\n" + fields + b"\r\n")
    match state:
        case State.BODY:
            connection.send(response((b"Content-Length", b"5")))
        case State.DONE | State.MUST_CLOSE:
            say(connection, [response((b"Content-Length", b"0")), EndOfMessage()])
        case State.CLOSED:
            say(connection, [response((b"Content-Length", b"0")), EndOfMessage()])
            connection.send(ConnectionClosed())
        case State.SWITCHED:
            connection.send(InformationalResponse(101, Fields()))
        case State.ERROR:
            with pytest.raises(LocalProtocolError):
                connection.send(Data(b""))
        case _:
            pass
    return connection


def connection_in(role: Role, state: State) -> Connection:
    connection = client_in(state) if role is Role.CLIENT else server_in(state)
    assert connection.our_state is state
    return connection


def test_every_state_of_both_roles_is_in_the_table() -> None:
    assert set(TABLE) == set(Role)
    for role in Role:
        assert set(TABLE[role]) == set(State)
        assert {kind for moves in TABLE[role].values() for kind in moves} <= set(get_args(Event))
    assert set(EVENTS) == set(get_args(Event))


REACHABLE = [
    (role, state)
    for role, state in product(Role, State)
    if (role, state) != (Role.CLIENT, State.RESPONDING)
]


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize(("role", "state"), REACHABLE)
def test_every_event_in_every_state(role: Role, state: State, kind: type[Event]) -> None:
    table = deepcopy(TABLE)
    connection = connection_in(role, state)
    their_state = connection.their_state
    after = TABLE[role][state].get(kind)
    if kind is EndOfMessage and state is State.BODY:
        connection.send(EVENTS[Data])  # as much as was announced
    if after is not None:
        connection.send(EVENTS[kind])
        assert connection.our_state is after
    else:
        with pytest.raises(LocalProtocolError) as first:
            connection.send(EVENTS[kind])
        assert connection.our_state is State.ERROR
        assert connection.their_state in (their_state, State.MUST_CLOSE)
        for event in EVENTS.values():
            with pytest.raises(LocalProtocolError) as caught:
                connection.send(event)
            assert caught.value is first.value
        with pytest.raises(LocalProtocolError):
            connection.start_next_cycle()
    assert table == TABLE


def test_roles() -> None:
    assert Role.CLIENT.peer is Role.SERVER
    assert Role.SERVER.peer is Role.CLIENT
