from __future__ import annotations

import pytest

from sockettools.errors import (
    IncompleteMessage,
    LocalProtocolError,
    ProtocolError,
    RemoteProtocolError,
    TooLong,
)
from sockettools.http1 import (
    NEED_DATA,
    PAUSED,
    Connection,
    ConnectionClosed,
    Data,
    EndOfMessage,
    Event,
    Fields,
    InformationalResponse,
    Limits,
    Request,
    Response,
    Role,
    State,
)
from tests.sockettools.http1.conversation import (
    HOST,
    asked,
    asking,
    get,
    hear,
    octets,
    response,
    say,
    server,
)

END = EndOfMessage()
CLOSED = ConnectionClosed()
LENGTH_5 = (b"Content-Length", b"5")
LENGTH_0 = (b"Content-Length", b"0")
WRONG_HOSTS = (b"a b", b"a\tb", b"a,b", b"a/b", b"me@a")
CHUNKED = (b"Transfer-Encoding", b"chunked")
CLOSE = (b"Connection", b"close")
UPGRADE = (b"Upgrade", b"chat")
EXPECT = (b"Expect", b"100-continue")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


class Pair:
    """A client and a server; what one sends, the other receives, and both see the same states."""

    def __init__(self) -> None:
        self.client = Connection(Role.CLIENT)
        self.server = Connection(Role.SERVER)

    def say(self, sender: Connection, *events: Event) -> None:
        receiver = self.server if sender is self.client else self.client
        for event in events:
            data = sender.send(event)
            if data:
                receiver.receive_data(data)
            heard = receiver.next_event()
            assert heard == event or (event == Data(b"") and heard is NEED_DATA)

    @property
    def states(self) -> tuple[State, State]:
        seen_by_client = (self.client.our_state, self.client.their_state)
        assert (self.server.their_state, self.server.our_state) == seen_by_client
        return seen_by_client


def test_a_request_and_its_answer() -> None:
    pair = Pair()
    assert pair.states == (State.IDLE, State.IDLE)
    pair.say(pair.client, get(b"POST", CHUNKED))
    assert pair.states == (State.BODY, State.RESPONDING)
    pair.say(pair.client, Data(b"a question"), Data(b""))
    assert pair.states == (State.BODY, State.RESPONDING)
    pair.say(pair.client, EndOfMessage(Fields([(b"Digest", b"x")])))
    assert pair.states == (State.DONE, State.RESPONDING)
    pair.say(pair.server, InformationalResponse(103, Fields([(b"Link", b"</a.css>")])))
    assert pair.states == (State.DONE, State.RESPONDING)
    pair.say(pair.server, response(LENGTH_5))
    assert pair.states == (State.DONE, State.BODY)
    pair.say(pair.server, Data(b"hello"), END)
    assert pair.states == (State.DONE, State.DONE)
    pair.client.start_next_cycle()
    pair.server.start_next_cycle()
    assert pair.states == (State.IDLE, State.IDLE)
    pair.say(pair.client, get(b"HEAD"), END)
    pair.say(pair.server, response(LENGTH_5), END)
    assert pair.states == (State.DONE, State.DONE)


def test_the_answer_may_be_complete_before_the_request() -> None:
    pair = Pair()
    pair.say(pair.client, get(b"POST", LENGTH_5))
    pair.say(pair.server, response(LENGTH_0), END)
    assert pair.states == (State.BODY, State.DONE)
    for connection in (pair.client, pair.server):
        with pytest.raises(LocalProtocolError, match="cannot begin yet"):
            connection.start_next_cycle()
    pair.say(pair.client, Data(b"hello"), END)
    assert pair.states == (State.DONE, State.DONE)


@pytest.mark.parametrize(
    ("request_head", "answer"),
    [
        pytest.param(get(b"GET", CLOSE), response(LENGTH_0), id="the client closes"),
        pytest.param(get(), response(LENGTH_0, CLOSE), id="the server closes"),
        pytest.param(get(), response(), id="a body until the end"),
        pytest.param(get(version=b"1.0"), response(LENGTH_0), id="1.0"),
        pytest.param(
            get(b"GET", (b"Connection", b"keep-alive"), version=b"1.0"),
            Response(200, Fields([LENGTH_0]), version=b"1.0"),
            id="1.0, keep-alive not granted",
        ),
    ],
)
def test_the_last_message(request_head: Request, answer: Response) -> None:
    pair = Pair()
    pair.say(pair.client, request_head, END)
    pair.say(pair.server, answer)
    if not answer.fields.has(b"content-length"):
        pair.say(pair.server, Data(b"all there is"))
        assert pair.server.send(END) == b""
        assert pair.server.our_state is State.MUST_CLOSE
        assert hear(pair.client, b"") == [END, CLOSED]
    else:
        pair.say(pair.server, END)
        assert pair.states == (State.MUST_CLOSE, State.MUST_CLOSE)
        for connection in (pair.client, pair.server):
            with pytest.raises(LocalProtocolError):
                connection.start_next_cycle()
        assert pair.server.send(CLOSED) == b""
        assert hear(pair.client, b"") == [CLOSED]
    assert (pair.client.our_state, pair.client.their_state) == (State.MUST_CLOSE, State.CLOSED)


def test_keep_alive_of_1_0() -> None:
    pair = Pair()
    keep = (b"Connection", b"Keep-Alive")
    pair.say(pair.client, get(b"GET", keep, version=b"1.0"), END)
    pair.say(pair.server, Response(200, Fields([keep, LENGTH_0]), version=b"1.0"), END)

    assert pair.states == (State.DONE, State.DONE)


ANSWERS = [
    pytest.param(b"GET", OK, [response(LENGTH_5), Data(b"hello"), END], id="length"),
    pytest.param(
        b"GET",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA: b\r\n\r\n",
        [response(CHUNKED), Data(b"hello"), EndOfMessage(Fields([(b"A", b"b")]))],
        id="chunked",
    ),
    pytest.param(
        b"GET",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"5\r\nhello\r\n0\r\n\r\n",
        [response((b"Content-Length", b"99"), CHUNKED), Data(b"hello"), END],
        id="chunked overrules length",
    ),
    pytest.param(b"HEAD", OK[:-5], [response(LENGTH_5), END], id="HEAD"),
    pytest.param(
        b"HEAD",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        [response(CHUNKED), END],
        id="HEAD, chunked",
    ),
    pytest.param(
        b"GET",
        b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
        [response(LENGTH_5, code=204, reason=b"No Content"), END],
        id="204",
    ),
    pytest.param(
        b"GET",
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: -5\r\nTransfer-Encoding: ?\r\n\r\n",
        [
            response(
                (b"Content-Length", b"-5"),
                (b"Transfer-Encoding", b"?"),
                code=304,
                reason=b"Not Modified",
            ),
            END,
        ],
        id="304",
    ),
    pytest.param(
        b"GET",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
        b"HTTP/1.1 199\nContent-Length: 7\nTransfer-Encoding: x\n\n" + OK,
        [
            InformationalResponse(100, Fields(), b"Continue"),
            InformationalResponse(103, Fields([(b"Link", b"</a>")]), b"Early Hints"),
            InformationalResponse(
                199, Fields([(b"Content-Length", b"7"), (b"Transfer-Encoding", b"x")])
            ),
            response(LENGTH_5),
            Data(b"hello"),
            END,
        ],
        id="1xx",
    ),
    pytest.param(
        b"GET",
        b"HTTP/1.1 200\nContent-Length: 5\nX: a\n\tb\n\nhello",
        [response(LENGTH_5, (b"X", b"a b"), reason=b""), Data(b"hello"), END],
        id="bare LF, no reason, folded",
    ),
    pytest.param(
        b"GET",
        b"\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n\r\n" + OK,
        [
            InformationalResponse(100, Fields(), b"Continue"),
            response(LENGTH_5),
            Data(b"hello"),
            END,
        ],
        id="empty lines before",
    ),
    pytest.param(
        b"GET",
        b"HTTP/1.1 200 OK\r\nA: 1\r\nset-cookie: x\r\nContent-Length: 5\r\nSet-Cookie: y\r\n"
        b"content-LENGTH: 5\r\n\r\nhello",
        [
            response(
                (b"A", b"1"),
                (b"set-cookie", b"x"),
                LENGTH_5,
                (b"Set-Cookie", b"y"),
                (b"content-LENGTH", b"5"),
            ),
            Data(b"hello"),
            END,
        ],
        id="order, case and repetitions",
    ),
]


@pytest.mark.parametrize(("method", "wire", "events"), ANSWERS)
def test_answers(method: bytes, wire: bytes, events: list[Event]) -> None:
    def client() -> Connection:
        return asked(get(method))

    assert hear(client(), wire) == [*events, NEED_DATA]
    assert hear(client(), *octets(wire)) == [*events, NEED_DATA]
    assert hear(client(), wire, b"") == [*events, CLOSED]
    connection = client()
    assert hear(connection, wire + b"trailing") == [*events, PAUSED]
    assert connection.trailing_data == (b"trailing", False)
    connection.receive_data(b"")
    assert connection.trailing_data == (b"trailing", True)


def test_a_body_until_the_end_of_the_connection() -> None:
    head = b"HTTP/1.1 200 OK\r\n\r\n"
    for pieces in ([head + b"hello"], octets(head + b"hello")):
        client = asked()
        assert hear(client, *pieces) == [response(), Data(b"hello"), NEED_DATA]
        assert client.their_state is State.BODY
        client.receive_data(b"")
        assert client.next_event() == END
        assert (client.our_state, client.their_state) == (State.MUST_CLOSE, State.MUST_CLOSE)
        assert client.next_event() == CLOSED
        assert (client.our_state, client.their_state) == (State.MUST_CLOSE, State.CLOSED)


@pytest.mark.parametrize("size", range(len(OK)))
def test_an_answer_that_breaks_off(size: int) -> None:
    client = asked()

    assert hear(client, OK[:size], b"")[-1] is IncompleteMessage
    assert client.their_state is State.ERROR


def test_a_request_that_breaks_off() -> None:
    request = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi"
    for size in range(1, len(request)):
        assert hear(server(), request[:size], b"")[-1] is IncompleteMessage
    assert hear(server(), b"") == [CLOSED]


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param(b"\x00", id="NUL"),
        pytest.param(b" ", id="blank"),
        pytest.param(b"<html>", id="HTML"),
        pytest.param(b"HTTX", id="not quite"),
        pytest.param(b"\rH", id="bare CR"),
        pytest.param(b"\r\n\r\n\x00", id="behind empty lines"),
        pytest.param(b"\x16\x03\x03\x00\x31", id="TLS"),
        pytest.param(b"SSH-2.0-OpenSSH_9.2p1\r\n", id="SSH"),
        pytest.param(b"220 mx.example.com ESMTP\r\n", id="SMTP"),
        pytest.param(b"not http at all" * 20_000, id="long"),
    ],
)
def test_what_is_no_answer_is_seen_at_once(wire: bytes) -> None:
    assert hear(asked(), wire) == [RemoteProtocolError]
    assert hear(asked(), *octets(wire[:100])) == [RemoteProtocolError]


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param(b"\x00", id="NUL"),
        pytest.param(b" ", id="blank"),
        pytest.param(b"\rG", id="bare CR"),
        pytest.param(b"\r\n\xff", id="behind an empty line"),
        pytest.param(b"\x16\x03\x01\x00\xa5", id="TLS"),
    ],
)
def test_what_is_no_request_is_seen_at_once(wire: bytes) -> None:
    assert hear(server(), wire) == [RemoteProtocolError]
    assert hear(server(), *octets(wire)) == [RemoteProtocolError]


WRONG_ANSWERS = [
    pytest.param(b"HTTP/1.1 OK\r\n\r\n", RemoteProtocolError, id="status line"),
    pytest.param(b"HTTP/1.1 200 OK\r\nA : b\r\n\r\n", RemoteProtocolError, id="field"),
    pytest.param(b"HTTP/1.1 200 OK\r\n A: b\r\n\r\n", RemoteProtocolError, id="folded first"),
    pytest.param(b"HTTP/1.1 200 OK\r\nA: b\rC: d\r\n\r\n", RemoteProtocolError, id="bare CR"),
    pytest.param(
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        RemoteProtocolError,
        id="lengths",
    ),
    pytest.param(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        RemoteProtocolError,
        id="coding",
    ),
    pytest.param(b"HTTP/1.1 101 Over to you\r\n\r\n", RemoteProtocolError, id="101 unasked"),
    pytest.param(b"HTTP/1.1 100 \r\n\r\n" * 101 + OK, TooLong, id="too many 1xx"),
    pytest.param(b"\r\n" * 40_000 + OK, TooLong, id="empty lines"),
    pytest.param(b"HTTP/1.1 200 " + b"x" * 65_536 + b"\r\n\r\n", TooLong, id="status line long"),
    pytest.param(b"HTTP/1.1 200 OK\r\nA: " + b"x" * 65_536 + b"\r\n\r\n", TooLong, id="line"),
    pytest.param(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 1001 + b"\r\n", TooLong, id="fields"),
    pytest.param(b"HTTP/1.1 200 OK\r\nA: " + b"x" * 300_000, TooLong, id="head"),
]


@pytest.mark.parametrize(("wire", "error"), WRONG_ANSWERS)
def test_wrong_answers(wire: bytes, error: type[ProtocolError]) -> None:
    client = asked()
    assert hear(client, wire)[-1] is error
    assert hear(asked(), *octets(wire))[-1] is error
    assert client.their_state is State.ERROR


def test_an_error_is_for_good() -> None:
    client = asked()
    client.receive_data(b"HTTP/1.1 OK\r\n\r\n")
    with pytest.raises(RemoteProtocolError) as first:
        client.next_event()
    client.receive_data(OK)
    with pytest.raises(RemoteProtocolError) as second:
        client.next_event()

    assert second.value is first.value
    assert (client.our_state, client.their_state) == (State.MUST_CLOSE, State.ERROR)


REQUESTS = [
    pytest.param(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", b"", id="no body"),
    pytest.param(b"GET / HTTP/1.1\nHost: h\n\n", b"", id="bare LF"),
    pytest.param(b"\r\n\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", b"", id="2.2: empty lines"),
    pytest.param(b"GET / HTTP/1.0\r\n\r\n", b"", id="1.0, no Host"),
    pytest.param(b"GET / HTTP/1.1\r\nHost:\r\n\r\n", b"", id="3.2: empty Host"),
    pytest.param(
        b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello", b"hello", id="length"
    ),
    pytest.param(
        b"POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: Chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        b"hello",
        id="chunked",
    ),
]


@pytest.mark.parametrize(("wire", "body"), REQUESTS)
def test_requests(wire: bytes, body: bytes) -> None:
    heard = hear(server(), wire)
    assert isinstance(heard[0], Request)
    assert heard[1:] == [*([Data(body)] if body else []), END, NEED_DATA]
    assert hear(server(), *octets(wire)) == heard
    connection = server()
    assert hear(connection, wire + b"trailing") == [*heard[:-1], PAUSED]
    assert connection.trailing_data == (b"trailing", False)


@pytest.mark.parametrize(
    ("wire", "hint"),
    [
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", 400, id="3.2: no Host"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", 400, id="3.2: two Hosts"),
        pytest.param(b"GET / HTTP/1.0\r\nHost: h\r\nhost: i\r\n\r\n", 400, id="two Hosts in 1.0"),
        *(
            pytest.param(
                b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n\r\n", 400, id=f"3.2: Host {host!r}"
            )
            for host in WRONG_HOSTS
        ),
        pytest.param(b"GET /\r\n\r\n", 400, id="HTTP/0.9"),
        pytest.param(b"GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505, id="2.0"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: h\r\nA: b\r\n c\r\n\r\n", 400, id="5.2: folded"),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: zip\r\n\r\n", 501, id="coding"
        ),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n"
            b"Content-Length: 5\r\n\r\n",
            400,
            id="6.3: both",
        ),
        pytest.param(
            b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400, id="chunked in 1.0"
        ),
        pytest.param(b"GET /" + b"x" * 65_536 + b" HTTP/1.1\r\n\r\n", 414, id="target"),
        pytest.param(b"GET / HTTP/1.1\r\nA: " + b"x" * 65_536 + b"\r\n\r\n", 431, id="field"),
        pytest.param(b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 1001 + b"\r\n", 431, id="fields"),
        pytest.param(b"GET / HTTP/1.1\r\nA: " + b"x" * 300_000, 431, id="head"),
    ],
)
def test_wrong_requests(wire: bytes, hint: int) -> None:
    connection = server()
    connection.receive_data(wire)
    with pytest.raises(RemoteProtocolError) as caught:
        connection.next_event()

    assert caught.value.status_hint == hint
    # The server may still say so, and must close then.
    answer = Response(caught.value.status_hint, Fields([LENGTH_0, CLOSE]))
    assert say(connection, [answer, END]).endswith(b"\r\n\r\n")
    assert (connection.our_state, connection.their_state) == (State.MUST_CLOSE, State.ERROR)


def test_pipelined_requests_are_kept() -> None:
    first = b"POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi"
    second = b"GET /2 HTTP/1.1\r\nHost: h\r\n\r\n"
    third = b"GET /3 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
    for pieces in ([first + second + b"\r\n" + third], octets(first + second + third)):
        connection = server()
        heard = []
        for piece in [*pieces, b""]:
            connection.receive_data(piece)
        for _ in range(3):
            while isinstance(event := connection.next_event(), (Request, Data, EndOfMessage)):
                heard.append(event)
            say(connection, [response(LENGTH_0), END])
            if connection.our_state is State.DONE:
                connection.start_next_cycle()
        targets = [event.target for event in heard if isinstance(event, Request)]
        assert targets == [b"/1", b"/2", b"/3"]
        assert connection.our_state is State.MUST_CLOSE
        assert connection.trailing_data == (b"", True)


def test_nothing_is_read_behind_the_last_request() -> None:
    last = b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
    connection = server()

    assert hear(connection, last + last)[-1] is PAUSED
    say(connection, [response(LENGTH_0), END])
    with pytest.raises(LocalProtocolError):
        connection.start_next_cycle()
    assert connection.trailing_data == (last, False)


@pytest.mark.parametrize("more", [OK, b"\r\n", b"x"])
def test_a_client_takes_nothing_that_it_did_not_ask_for(more: bytes) -> None:
    behind = asked()
    assert hear(behind, OK + more)[-1] is PAUSED
    with pytest.raises(LocalProtocolError, match="more from the server"):
        behind.start_next_cycle()

    before = Connection(Role.CLIENT)
    before.receive_data(more)
    with pytest.raises(LocalProtocolError, match="before it was asked"):
        before.send(get())


def test_a_server_that_tires_of_waiting() -> None:
    client, connection = Connection(Role.CLIENT), server()
    timeout = Response(408, Fields([LENGTH_0, CLOSE]))
    data = say(connection, [timeout, END])
    assert connection.our_state is State.MUST_CLOSE
    assert connection.next_event() is NEED_DATA
    assert hear(client, data) == [timeout, END, NEED_DATA]
    assert (client.our_state, client.their_state) == (State.IDLE, State.MUST_CLOSE)
    with pytest.raises(LocalProtocolError, match="before it was asked"):
        client.send(get())
    # It was on its way already.
    assert hear(connection, b"GET / HTTP/1.1\r\nHost: h\r\n\r\n") == [RemoteProtocolError]


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", id="both"),
        pytest.param(b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n", id="1.0"),
    ],
)
def test_faulty_framing_is_the_end_of_the_connection(head: bytes) -> None:
    request = get(b"GET", (b"Connection", b"keep-alive"))
    for wire in (head + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", OK):
        client = asked(request)
        assert hear(client, wire)[-1] is NEED_DATA
        after = State.DONE if wire is OK else State.MUST_CLOSE
        assert (client.our_state, client.their_state) == (after, after)


def test_a_408_is_the_last_answer_though_it_does_not_say_so() -> None:
    client = Connection(Role.CLIENT)
    hear(client, b"HTTP/1.1 408 \r\nContent-Length: 0\r\n\r\n")

    assert client.their_state is State.MUST_CLOSE


def test_1xx_without_a_request() -> None:
    assert hear(Connection(Role.CLIENT), b"HTTP/1.1 100 \r\n\r\n") == [RemoteProtocolError]


def test_a_server_that_closes_instead_of_answering() -> None:
    client = asked()
    client.receive_data(b"")
    with pytest.raises(IncompleteMessage, match="without an answer"):
        client.next_event()

    idle = Connection(Role.CLIENT)
    assert hear(idle, b"") == [CLOSED]
    assert idle.next_event() == CLOSED
    with pytest.raises(LocalProtocolError, match="or closed, before it was asked"):
        idle.send(get())


def test_a_client_that_closes_its_side_is_answered() -> None:
    connection = asking()
    assert hear(connection, b"") == [CLOSED]
    say(connection, [response(LENGTH_5), Data(b"hello"), END])

    assert (connection.our_state, connection.their_state) == (State.MUST_CLOSE, State.CLOSED)


def test_a_side_that_is_done_learns_that_the_other_closed() -> None:
    client = asked()
    assert hear(client, OK, b"")[-1] == CLOSED

    assert (client.our_state, client.their_state) == (State.MUST_CLOSE, State.CLOSED)


def test_expect_100_continue() -> None:
    pair = Pair()
    pair.say(pair.client, get(b"POST", LENGTH_5, EXPECT))
    assert [side.expects_continue for side in (pair.client, pair.server)] == [True, True]
    pair.say(pair.server, InformationalResponse(100, Fields(), b"Continue"))
    assert [side.expects_continue for side in (pair.client, pair.server)] == [False, False]
    pair.say(pair.client, Data(b"hello"), END)
    pair.say(pair.server, response(LENGTH_0), END)
    assert pair.states == (State.DONE, State.DONE)


def test_no_100_is_needed_where_there_is_no_body() -> None:
    pair = Pair()
    pair.say(pair.client, get(b"POST", LENGTH_0, EXPECT), END)
    assert not pair.client.expects_continue
    assert not pair.server.expects_continue


def test_a_final_answer_instead_of_100() -> None:
    pair = Pair()
    pair.say(pair.client, get(b"POST", LENGTH_5, EXPECT))
    pair.say(pair.server, response(LENGTH_0, code=417), END)

    assert not pair.client.expects_continue
    assert pair.states == (State.BODY, State.DONE)


def test_no_100_is_needed_where_the_body_has_come() -> None:
    head = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-Continue\r\n\r\n"
    connection = server()
    connection.receive_data(head + b"he")
    connection.next_event()
    assert not connection.expects_continue
    assert connection.next_event() == Data(b"he")
    assert not connection.expects_continue
    old = server()
    old.receive_data(head.replace(b"HTTP/1.1", b"HTTP/1.0"))
    old.next_event()
    assert not old.expects_continue


def test_upgrade() -> None:
    pair = Pair()
    pair.say(pair.client, get(b"GET", UPGRADE, (b"Connection", b"Upgrade")), END)
    pair.say(pair.server, InformationalResponse(101, Fields([UPGRADE])))
    assert pair.states == (State.SWITCHED, State.SWITCHED)
    for connection in (pair.client, pair.server):
        connection.receive_data(b"another language")
        assert connection.next_event() is PAUSED
        assert connection.trailing_data == (b"another language", False)
        connection.receive_data(b"")
        assert connection.next_event() is PAUSED
        with pytest.raises(LocalProtocolError):
            connection.start_next_cycle()


def test_upgrade_before_the_request_is_complete() -> None:
    pair = Pair()
    pair.say(pair.client, get(b"POST", UPGRADE, LENGTH_5))
    pair.say(pair.server, InformationalResponse(101, Fields([UPGRADE])))
    assert pair.states == (State.BODY, State.SWITCHED)
    pair.say(pair.client, Data(b"hello"), END)
    assert pair.states == (State.SWITCHED, State.SWITCHED)


def test_upgrade_refused() -> None:
    pair = Pair()
    pair.say(pair.client, get(b"GET", UPGRADE), END)
    pair.say(pair.server, response(LENGTH_0), END)
    assert pair.states == (State.DONE, State.DONE)


@pytest.mark.parametrize("code", [200, 204, 299])
def test_connect(code: int) -> None:
    pair = Pair()
    pair.say(pair.client, Request(b"CONNECT", b"h:443", Fields([HOST])), END)
    pair.say(pair.server, response(code=code))
    assert pair.states == (State.SWITCHED, State.SWITCHED)
    assert hear(pair.client, b"\x16\x03") == [PAUSED]
    assert pair.client.trailing_data == (b"\x16\x03", False)


def test_connect_leads_on_whatever_its_fields_say() -> None:
    client = asked(Request(b"CONNECT", b"h:443", Fields([HOST])))
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"

    assert hear(client, head + b"hello") == [response(LENGTH_5, CHUNKED), PAUSED]
    assert client.trailing_data == (b"hello", False)


def test_connect_refused() -> None:
    pair = Pair()
    pair.say(pair.client, Request(b"CONNECT", b"h:443", Fields([HOST])), END)
    pair.say(pair.server, response(LENGTH_5, code=407), Data(b"hello"), END)
    assert pair.states == (State.DONE, State.DONE)


def test_101_is_no_answer_to_connect() -> None:
    client = asked(Request(b"CONNECT", b"h:443", Fields([HOST])))

    assert hear(client, b"HTTP/1.1 101 \r\n\r\n") == [RemoteProtocolError]


@pytest.mark.parametrize("body", [b"hello", b"H", b"<html>\r\n\r\n", b"\r\n", b"HTT"])
def test_http_0_9(body: bytes) -> None:
    head = Response(200, Fields(), version=b"0.9")
    for pieces in ([body + b"!"], octets(body + b"!")):
        client = asked(allow_http_0_9=True)
        assert hear(client, *pieces) == [head, Data(body + b"!"), NEED_DATA]
        client.receive_data(b"")
        assert client.next_event() == END
        assert (client.our_state, client.their_state) == (State.MUST_CLOSE, State.MUST_CLOSE)
    assert hear(asked(), body + b"!")[-1] in (RemoteProtocolError, NEED_DATA)


def test_who_allows_http_0_9_understands_the_others() -> None:
    for pieces in ([OK], octets(OK)):
        heard = hear(asked(allow_http_0_9=True), *pieces)
        assert heard == [response(LENGTH_5), Data(b"hello"), END, NEED_DATA]
    assert hear(asked(allow_http_0_9=True), b"HTTP", b"") == [IncompleteMessage]


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"<meta name=x>", id="no colon"),
        pytest.param(b"Content-Length : 1", id="blank before the colon"),
        pytest.param(b": x", id="no name"),
        pytest.param(b"X: \0", id="NUL"),
        pytest.param(b"X: a\rContent-Length: 1", id="CR in the middle"),
        pytest.param(b"<meta\r\n and more: of it>", id="folded"),
    ],
)
def test_bad_fields_are_skipped_for_who_wants_it_and_nothing_follows(line: bytes) -> None:
    answer = b"HTTP/1.1 200 OK\r\n%b\r\nContent-Length: 5\r\n\r\nhello" % line
    for pieces in ([answer], octets(answer)):
        client = asked(skip_bad_fields=True)
        assert hear(client, *pieces) == [response(LENGTH_5), Data(b"hello"), END, NEED_DATA]
        assert client.our_state is client.their_state is State.MUST_CLOSE
        assert hear(asked(), *pieces) == [RemoteProtocolError]


def test_who_skips_bad_fields_takes_no_other_first_line_and_no_more_than_others() -> None:
    assert hear(asked(skip_bad_fields=True), b"HTTP/x 200 \r\n\r\n") == [RemoteProtocolError]
    few = Limits(fields=2)
    answer = b"HTTP/1.1 200 \r\n" + b"no field\r\n" * 3 + b"\r\n"
    assert hear(asked(limits=few, skip_bad_fields=True), answer) == [TooLong]
    client = asked(skip_bad_fields=True)
    assert hear(client, OK)[-1] is NEED_DATA
    client.start_next_cycle()


@pytest.mark.parametrize("version", [b"2", b"2.0"])
def test_http_2_by_name_only_is_read_for_who_wants_it_and_nothing_follows(version: bytes) -> None:
    answer = b"HTTP/%b 404 Not Found\r\nContent-Length: 5\r\n\r\nhello" % version
    head = Response(404, Fields([LENGTH_5]), b"Not Found", version)
    for pieces in ([answer], octets(answer)):
        client = asked(allow_version_2=True)
        assert hear(client, *pieces) == [head, Data(b"hello"), END, NEED_DATA]
        assert client.our_state is client.their_state is State.MUST_CLOSE
        assert hear(asked(skip_bad_fields=True), *pieces) == [RemoteProtocolError]


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/2.1 200 \r\n\r\n",
        b"HTTP/3 200 \r\n\r\n",
        b"HTTP/20 200 \r\n\r\n",
        b"HTTP/0.9 200 \r\n\r\n",
        b"HTTP/2 200 \r\nno field\r\n\r\n",
        b"\x00\x00\x12\x04\x00\x00\x00\x00\x00",  # SETTINGS, as HTTP/2 begins
    ],
)
def test_who_reads_http_2_by_name_reads_nothing_else(said: bytes) -> None:
    assert hear(asked(allow_version_2=True), said) == [RemoteProtocolError]


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(get(b"GET", HOST), id="two Hosts"),
        pytest.param(Request(b"GET", b"/", Fields()), id="no Host"),
        pytest.param(get(b"GET\r\nX: y"), id="method"),
        pytest.param(Request(b"GET", b"/ HTTP/1.1\r\nX: y\r\n", Fields([HOST])), id="target"),
        pytest.param(get(b"GET", (b"A\nB", b"c")), id="field name"),
        pytest.param(get(b"GET", (b"A", b"b\r\nC: d")), id="field value"),
        pytest.param(get(b"GET", (b"A", b"b\0")), id="NUL"),
        pytest.param(get(b"GET", (b"Content-Length", b"-1")), id="length"),
        pytest.param(get(b"GET", LENGTH_5, LENGTH_0), id="two lengths"),
        pytest.param(get(b"GET", LENGTH_5, LENGTH_5), id="a length twice"),
        pytest.param(get(b"GET", (b"Content-Length", b"5,5")), id="a list of lengths"),
        pytest.param(get(b"GET", (b"Content-Length", b" 5")), id="a length and a blank"),
        *(
            pytest.param(Request(b"GET", b"/", Fields([(b"Host", host)])), id=f"Host {host!r}")
            for host in WRONG_HOSTS
        ),
        pytest.param(get(b"GET", LENGTH_5, CHUNKED), id="length and chunked"),
        pytest.param(get(b"GET", (b"Transfer-Encoding", b"gzip")), id="coding"),
        pytest.param(get(b"GET", CHUNKED, version=b"1.0"), id="chunked in 1.0"),
        pytest.param(get(version=b"0.9"), id="0.9"),
    ],
)
def test_requests_that_are_not_sent(event: Request) -> None:
    client = Connection(Role.CLIENT)
    with pytest.raises(LocalProtocolError):
        client.send(event)

    assert (client.our_state, client.their_state) == (State.ERROR, State.IDLE)
    with pytest.raises(LocalProtocolError):
        client.send(get())


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(response((b"A", b"b\r\n\r\n<script>")), id="response splitting"),
        pytest.param(response(reason=b"OK\r\nA: b"), id="reason"),
        pytest.param(response(code=199), id="not final"),
        pytest.param(InformationalResponse(200, Fields()), id="final"),
        pytest.param(InformationalResponse(101, Fields()), id="101 unasked"),
        pytest.param(response(LENGTH_5, CHUNKED), id="length and chunked"),
        pytest.param(response(LENGTH_5, LENGTH_0), id="two lengths"),
        pytest.param(response((b"Content-Length", b"5, 5")), id="a list of lengths"),
        pytest.param(response((b"Transfer-Encoding", b"br")), id="coding"),
        pytest.param(Response(200, Fields([CHUNKED]), version=b"1.0"), id="chunked in 1.0"),
        pytest.param(Response(200, Fields(), version=b"0.9"), id="0.9"),
    ],
)
def test_answers_that_are_not_sent(event: Event) -> None:
    connection = asking()
    with pytest.raises(LocalProtocolError):
        connection.send(event)

    assert connection.our_state is State.ERROR


@pytest.mark.parametrize("value", [b"b\r\n\r\nHTTP/1.1 200 OK", b"b\nC: d", b"\0"])
def test_trailers_that_are_not_sent(value: bytes) -> None:
    connection = asking()
    connection.send(response(CHUNKED))
    with pytest.raises(LocalProtocolError):
        connection.send(EndOfMessage(Fields([(b"A", value)])))


def test_an_error_of_ours_leaves_no_room_for_another_message() -> None:
    connection = asking()
    with pytest.raises(LocalProtocolError):
        connection.send(Data(b"x"))

    assert (connection.our_state, connection.their_state) == (State.ERROR, State.MUST_CLOSE)


@pytest.mark.parametrize(
    "event", [response(CHUNKED), InformationalResponse(100, Fields())], ids=["chunked", "1xx"]
)
def test_what_a_1_0_client_would_not_understand(event: Event) -> None:
    connection = asking(b"GET / HTTP/1.0\r\nUpgrade: x\r\n\r\n")
    with pytest.raises(LocalProtocolError, match=r"HTTP/1\.0 has no"):
        connection.send(event)


@pytest.mark.parametrize(
    ("request_head", "answer"),
    [
        pytest.param(get(b"HEAD"), response(LENGTH_5), id="HEAD"),
        pytest.param(get(), response(code=204), id="204"),
        pytest.param(get(), response(LENGTH_5, code=304), id="304"),
    ],
)
def test_answers_without_a_body(request_head: Request, answer: Response) -> None:
    pair = Pair()
    pair.say(pair.client, request_head, END)
    pair.say(pair.server, answer, END)
    assert pair.states == (State.DONE, State.DONE)

    refused = asking(b"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n")
    refused.send(response(LENGTH_5))
    with pytest.raises(LocalProtocolError, match="more than the 0 bytes"):
        refused.send(Data(b"hello"))


def test_limits_by_name() -> None:
    limits = Limits(line=30, head=60, fields=3, informational=1, body=4)
    head = b"HTTP/1.1 200 OK\r\n"
    over = {
        "line": head + b"A: %b\r\n\r\n" % (b"x" * 28),
        "head": head + (b"A: %b\r\n" % (b"x" * 16)) * 2 + b"\r\n",
        "fields": head + b"A: b\r\n" * 4 + b"\r\n",
        "informational": b"HTTP/1.1 100 \r\n\r\n" * 2,
        "body": head + b"\r\nhello",
    }
    for wire in over.values():
        assert hear(asked(limits=limits), wire)[-1] is TooLong
        assert hear(asked(limits=limits), *octets(wire))[-1] is TooLong
        assert hear(asked(), wire)[-1] is NEED_DATA
    fits = b"HTTP/1.1 100 \r\n\r\n" + head + b"A: b\r\n" * 3 + b"\r\nhell"
    assert hear(asked(limits=limits), fits)[-1] is NEED_DATA


def test_limits_are_counted_anew_for_each_answer() -> None:
    client = Connection(Role.CLIENT, Limits(informational=2, line=20))
    for _ in range(3):
        say(client, [get(), END])
        assert hear(client, b"\r\n" * 8 + b"HTTP/1.1 100 \r\n\r\n" * 2 + OK)[-1] is NEED_DATA
        client.start_next_cycle()
