"""What holds for any message, any way to cut it, and any noise."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from hypothesis import example, given, settings
from hypothesis import strategies as st

from sockettools.errors import ProtocolError, RemoteProtocolError
from sockettools.http1 import (
    NEED_DATA,
    Connection,
    Data,
    EndOfMessage,
    Event,
    Fields,
    Limits,
    Request,
    Response,
    Role,
)
from tests.sockettools.http1.conversation import HOST, asked, get, hear, octets, say, server

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sockettools.http1.conversation import Heard

# Low, so that what hypothesis thinks of is over each of them now and then.
LOW = Limits(line=40, head=120, fields=4, informational=2, chunk_line=12, trailers=30, body=40)

TOKEN = st.text("!#$%&'*+-.^_`|~09azAZ", min_size=1, max_size=12).map(str.encode)
VALUE = (
    st.binary(max_size=20)
    .map(lambda data: bytes(octet for octet in data if (octet > 31 and octet != 127) or octet == 9))
    .map(lambda data: data.strip(b" \t"))
)
RESERVED = {b"host", b"content-length", b"transfer-encoding", b"connection", b"expect", b"upgrade"}
FIELDS = st.lists(st.tuples(TOKEN, VALUE).filter(lambda f: f[0].lower() not in RESERVED))
PIECES = st.lists(st.binary(max_size=50), max_size=5)
TARGET = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1).map(str.encode)

# Valid messages, and what is not: cut, joined and changed, they make better noise than octets.
SEEDS = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a\r\nhello\r\n0\r\nA: b\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 \r\nA: b\r\n c\r\n\r\n",
    b"HTTP/1.0 200\nA: 1 \nConnection: close\n\nuntil the end",
    b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
    b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    b"\r\nGET / HTTP/1.0\r\nHost: h\r\nExpect: 100-continue\r\n\r\n",
]
PARTS = [
    *(b"\r", b"\n", b"\r\n", b"\0", b" ", b"\t", b":", b",", b";", b"0", b"1", b"-", b"\x80"),
    *(b"0\r\n\r\n", b"HTTP/1.1 ", b"Content-Length: 0\r\n", b"Transfer-Encoding: chunked\r\n"),
]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Return valid messages with a few things put in, taken out or written over."""
    data = b"".join(draw(st.lists(st.sampled_from(SEEDS), min_size=1, max_size=3)))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(data)))
        size = draw(st.sampled_from([0, 0, 1, 2, 20]))
        part = draw(st.sampled_from(PARTS) | st.binary(max_size=3))
        data = data[:start] + part + data[start + size :]
    return data


NOISE = mutated() | st.binary(max_size=200) | st.lists(st.sampled_from(PARTS)).map(b"".join)

RECEIVERS: list[Callable[[], Connection]] = [
    asked,
    lambda: asked(get(b"HEAD")),
    lambda: asked(get(b"GET", (b"Upgrade", b"x"))),
    lambda: asked(Request(b"CONNECT", b"h:1", Fields([HOST]))),
    lambda: asked(allow_http_0_9=True),
    lambda: asked(limits=LOW),
    lambda: Connection(Role.CLIENT),
    server,
    lambda: server(LOW),
]


def pieces_of(data: bytes, cuts: list[int]) -> list[bytes]:
    ends = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:end] for start, end in pairwise(ends)]


def outcome(receiver: Callable[[], Connection], *pieces: bytes) -> tuple[Heard, tuple[bytes, bool]]:
    connection = receiver()
    heard = hear(connection, *pieces)
    failed = isinstance(heard[-1], type)
    return heard, (b"", failed) if failed else connection.trailing_data


@settings(max_examples=300)
@given(data=NOISE, cuts=st.lists(st.integers(0, 500), max_size=6), ends=st.booleans())
@example(data=b"\r\n" * 30 + b"GET / HTTP/1.0\r\n\r\n", cuts=[], ends=False)
@example(data=b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 50, cuts=[], ends=True)
def test_how_it_is_cut_makes_no_difference(data: bytes, cuts: list[int], ends: bool) -> None:
    end = [b""] if ends else []
    for receiver in RECEIVERS:
        whole = outcome(receiver, data, *end) if data else outcome(receiver, *end)
        assert outcome(receiver, *pieces_of(data, cuts), *end) == whole
        assert outcome(receiver, *octets(data), *end) == whole


@settings(max_examples=300)
@given(data=NOISE)
def test_noise_raises_what_the_peer_is_to_blame_for_and_nothing_else(data: bytes) -> None:
    for receiver in RECEIVERS:
        connection = receiver()
        for piece in (data, b""):
            last = hear(connection, piece)[-1]
            assert not isinstance(last, type) or issubclass(last, RemoteProtocolError)


def framed(fields: list[tuple[bytes, bytes]], pieces: list[bytes], how: str) -> Fields:
    """Return ``fields`` with the one that announces a body."""
    announcing = {
        "chunked": [(b"Transfer-Encoding", b"chunked")],
        "length": [(b"Content-Length", b"%d" % sum(map(len, pieces)))],
        "close": [],
    }
    return Fields([HOST, *fields, *announcing[how]])


def joined(events: list[Event]) -> list[Event]:
    body = b"".join([event.data for event in events if isinstance(event, Data)])
    return [events[0], *([Data(body)] if body else []), events[-1]]


@given(
    method=TOKEN,
    target=TARGET,
    fields=FIELDS,
    pieces=PIECES,
    trailers=FIELDS,
    how=st.sampled_from(["chunked", "length"]),
)
def test_a_request_arrives_as_it_was_sent(
    method: bytes,
    target: bytes,
    fields: list[tuple[bytes, bytes]],
    pieces: list[bytes],
    trailers: list[tuple[bytes, bytes]],
    how: str,
) -> None:
    events: list[Event] = [
        Request(method, target, framed(fields, pieces, how)),
        *map(Data, pieces),
        EndOfMessage(Fields(trailers if how == "chunked" else [])),
    ]
    wire = say(Connection(Role.CLIENT), events)

    assert hear(server(), wire) == [*joined(events), NEED_DATA]
    assert hear(server(), *octets(wire)) == [*joined(events), NEED_DATA]


@given(
    code=st.integers(200, 999).filter(lambda code: code not in (204, 304)),
    reason=VALUE,
    fields=FIELDS,
    pieces=PIECES,
    trailers=FIELDS,
    how=st.sampled_from(["chunked", "length", "close"]),
)
def test_an_answer_arrives_as_it_was_sent(
    code: int,
    reason: bytes,
    fields: list[tuple[bytes, bytes]],
    pieces: list[bytes],
    trailers: list[tuple[bytes, bytes]],
    how: str,
) -> None:
    events: list[Event] = [
        Response(code, framed(fields, pieces, how), reason),
        *map(Data, pieces),
        EndOfMessage(Fields(trailers if how == "chunked" else [])),
    ]
    client, asked_server = Connection(Role.CLIENT), server()
    hear(asked_server, say(client, [get(), EndOfMessage()]))
    wire = say(asked_server, events)

    assert hear(client, *filter(None, [wire]), b"")[: len(joined(events))] == joined(events)
    heard = hear(asked(), *octets(wire), b"")
    assert heard[: len(joined(events))] == joined(events)


@given(event=st.builds(Request, st.binary(), st.binary(), FIELDS.map(Fields), st.just(b"1.1")))
def test_what_is_sent_is_one_message_or_nothing(event: Request) -> None:
    try:
        wire = Connection(Role.CLIENT).send(event)
    except ProtocolError:
        return
    assert wire.count(b"\r\n\r\n") == 1
