from __future__ import annotations

from typing import TYPE_CHECKING

from netcrawl.compare import recording
from netcrawl.compare.recording import LookedUp, Recording, Relayed

if TYPE_CHECKING:
    import pytest


def relayed() -> Relayed:
    return Relayed(1, "127.0.0.1", 80, 0.0)


def test_a_turn_begins_when_the_client_speaks_again() -> None:
    connection = relayed()
    for time, data, sent in (
        (1.0, b"GET", True),
        (2.0, b" /", True),
        (3.0, b"20", False),
        (4.0, b"0", False),
        (5.0, b"GET /2", True),
    ):
        connection.say(time, data, sent=sent)

    first, second = connection.turns
    assert (first.begun, first.first, first.last) == (1.0, 3.0, 4.0)
    assert (first.octets(sent=True), first.octets(sent=False)) == (b"GET /", b"200")
    assert (second.begun, second.first, second.sent) == (5.0, None, 6)
    assert connection.requests == 2


def test_a_server_that_speaks_first_has_a_turn_without_a_request() -> None:
    connection = relayed()
    connection.say(1.0, b"220", sent=False)

    assert connection.requests == 0
    assert connection.turns[0].octets(sent=False) == b"220"


def test_each_way_of_a_turn_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "KEPT_OF_TURN", 4)
    connection = relayed()
    connection.say(1.0, b"GET /", sent=True)
    connection.say(2.0, b"abc", sent=False)
    connection.say(3.0, b"def", sent=False)
    connection.say(4.0, b"ghi", sent=False)

    (turn,) = connection.turns
    assert (turn.octets(sent=True), turn.octets(sent=False)) == (b"GET ", b"abcd")
    assert (turn.sent, turn.received, turn.last) == (5, 9, 4.0)
    assert connection.left_out == 6


def test_a_connection_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "KEPT_OF_CONNECTION", 4)
    connection = relayed()
    for sent in (True, False, True):
        connection.say(1.0, b"abc", sent=sent)

    assert [turn.octets(sent=True) for turn in connection.turns] == [b"abc", b""]
    assert connection.left_out == 5


def test_pieces_and_turns_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "MAX_PIECES", 5)
    monkeypatch.setattr(recording, "MAX_TURNS", 2)
    connection = relayed()
    for sent in (True, False) * 10:
        connection.say(1.0, b"a", sent=sent)

    assert len(connection.turns) == 2
    assert sum(len(turn.pieces) for turn in connection.turns) == 5
    assert (connection.requests, connection.left_out) == (10, 15)


def test_the_first_reason_stays() -> None:
    connection = relayed()
    for number in ("one", "two"):
        connection.fail(number)
        connection.end(number)

    assert (connection.error, connection.ended) == ("one", "one")


def test_connections_and_lookups_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "MAX_CONNECTIONS", 2)
    monkeypatch.setattr(recording, "MAX_LOOKUPS", 1)
    made = Recording()
    for port in range(3):
        connection = made.begin("127.0.0.1", port, 0.0)
        connection.sent, connection.received, connection.requests = 10, 100, 1
        made.account(connection)
        made.look_up(LookedUp("localhost", 0.0, 1.0))

    assert [connection.port for connection in made.connections] == [0, 1]
    assert len(made.lookups) == 1
    assert (made.opened, made.requests, made.sent, made.received) == (3, 3, 30, 300)


def test_a_recording_begins_with_the_first_wish_and_ends_with_the_last_answer() -> None:
    both = Recording()
    assert (both.begun, both.heard) == (None, None)
    first, second = both.begin("127.0.0.1", 80, 3.0), both.begin("127.0.0.1", 80, 2.0)
    silent = both.begin("127.0.0.1", 80, 4.0)
    second.say(5.0, b"GET /", sent=True)
    second.say(6.0, b"200", sent=False)
    first.say(7.0, b"GET /", sent=True)
    first.say(9.0, b"200", sent=False)
    first.say(10.0, b"GET /2", sent=True)  # is not answered
    for connection in (first, second, silent):
        both.account(connection)

    assert (both.begun, both.heard) == (2.0, 9.0)
