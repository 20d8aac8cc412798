from __future__ import annotations

import pytest

from netcrawl.compare.observed import Observed, observe
from netcrawl.compare.recording import LookedUp, Recording

Said = tuple[float, str, str]


def recorded(*turns: tuple[str, str], host: str = "h") -> Recording:
    """Return a recording of requests on one connection, each with its answer."""
    recording = Recording()
    recording.look_up(LookedUp("h", 10.1, 10.2, ("192.0.2.1",)))
    connection = recording.begin("192.0.2.1", 80, 10.3)
    connection.connected = 10.5
    time = 11.0
    for request, answer in turns:
        head = f"{request} HTTP/1.1\r\nHost: {host}\r\n\r\n"
        connection.say(time, head.encode(), sent=True)
        if answer:
            connection.say(time + 0.25, f"HTTP/1.1 {answer}\r\n\r\n".encode(), sent=False)
            connection.say(time + 0.5, b"body", sent=False)
        time += 1.0
    connection.sent, connection.received = 100, 200
    connection.closed = time
    recording.account(connection)
    return recording


def purposes(observed: Observed) -> list[str]:
    return [one.purpose for one in observed.exchanges]


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        pytest.param([("GET /", "200 OK")], ["page"], id="page"),
        pytest.param(
            [("GET /robots.txt", "404 Not Found"), ("GET /", "200 OK")],
            ["robots.txt", "page"],
            id="robots",
        ),
        pytest.param(
            [("GET /", "302 Found\r\nLocation: /b"), ("GET /b", "200 OK")],
            ["page", "redirect"],
            id="redirect",
        ),
        pytest.param(
            [("GET /", "302 Found\r\nLocation: /"), ("GET /", "200 OK")],
            ["page", "page"],
            id="to-itself",
        ),
        pytest.param([("GET /", "503 No"), ("GET /", "200 OK")], ["page", "retry"], id="retry"),
        pytest.param([("GET /", "200 OK"), ("GET /c", "200 OK")], ["page", "other"], id="other"),
        pytest.param([("GET http://h/", "200 OK")], ["page"], id="absolute"),
        pytest.param(
            [("GET /", "302 Found\r\nLocation: http://["), ("GET /b", "200 OK")],
            ["page", "other"],
            id="to-nowhere",
        ),
    ],
)
def test_what_a_request_was_for(turns: list[tuple[str, str]], expected: list[str]) -> None:
    assert purposes(observe(recorded(*turns), "http://h/", 10.0)) == expected


def test_robots_txt_can_be_the_page() -> None:
    observed = observe(recorded(("GET /robots.txt", "200 OK")), "http://h/robots.txt", 10.0)

    assert purposes(observed) == ["page"]


def test_an_exchange_has_its_octets_and_times() -> None:
    observed = observe(recorded(("GET /", "200 OK"), ("GET /b", "")), "http://h/", 10.0)

    first, second = observed.exchanges
    assert (first.connection, first.is_first_there, first.url) == (1, True, "http://h/")
    assert first.request == b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
    assert first.answer == b"HTTP/1.1 200 OK\r\n\r\n"
    assert (first.status, first.sent, first.first_byte, first.done) == (200, 1.0, 1.25, 1.5)
    assert (first.octets_sent, first.octets_received) == (len(first.request), 23)
    assert (second.is_first_there, second.status, second.first_byte) == (False, None, None)


def test_a_connection_has_all_that_was_said() -> None:
    observed = observe(recorded(("GET /", "200 OK")), "http://h/", 10.0)

    (connection,) = observed.connections
    assert (connection.host, connection.address, connection.port) == ("h", "192.0.2.1", 80)
    assert connection.begun == pytest.approx(0.3)
    assert connection.connected == pytest.approx(0.5)
    assert [(piece.direction, piece.data[:3]) for piece in connection.pieces] == [
        ("sent", b"GET"),
        ("received", b"HTT"),
        ("received", b"bod"),
    ]
    assert (observed.octets_sent, observed.octets_received) == (100, 200)
    assert connection.left_out == 0


def test_a_result_does_not_keep_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netcrawl.compare.observed.KEPT", 30)
    observed = observe(recorded(("GET /", "200 OK")), "http://h/", 10.0)

    (connection,) = observed.connections
    assert sum(len(piece.data) for piece in connection.pieces) == 30
    assert connection.left_out == 27 + 23 - 30


def test_phases_are_those_of_the_final_answer() -> None:
    turns = (("GET /robots.txt", "404 No"), ("GET /", "302 F\r\nLocation: /b"), ("GET /b", "200 O"))

    phases = observe(recorded(*turns), "http://h/", 10.0).phases()

    assert phases == {
        "resolve": pytest.approx(0.2),
        "connect": pytest.approx(0.5),
        "first_byte": pytest.approx(3.25),
        "done": pytest.approx(3.5),
    }


@pytest.mark.parametrize(
    "turns",
    [
        pytest.param([], id="nothing"),
        pytest.param([("GET /", "")], id="no-answer"),
        pytest.param([("GET /robots.txt", "200 OK")], id="only-robots"),
    ],
)
def test_without_an_answer_there_are_no_phases(turns: list[tuple[str, str]]) -> None:
    assert observe(recorded(*turns), "http://h/", 10.0).phases() == {}


def test_what_is_no_http_is_shown_as_it_is() -> None:
    recording = Recording()
    connection = recording.begin("192.0.2.1", 80, 0.0)
    connection.say(1.0, b"\x00\x01 nonsense", sent=True)

    (exchange,) = observe(recording, "http://h/", 0.0).exchanges

    assert (exchange.request, exchange.status) == (b"\x00\x01 nonsense", None)
