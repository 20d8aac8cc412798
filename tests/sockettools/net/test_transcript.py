from __future__ import annotations

import base64
import io
import json
import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockettools.errors import ReadTimeout, StreamClosed
from sockettools.net import transcript as module
from sockettools.net.deadline import Deadline
from sockettools.net.memory import memory_stream_pair
from sockettools.net.transcript import (
    Direction,
    Event,
    HexSink,
    JsonSink,
    RecordedStream,
    TextSink,
    Transcript,
    hex_dump,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sockettools.net.transcript import Sink

SENT, RECEIVED = Direction.SENT, Direction.RECEIVED


class Kept:
    def __init__(self) -> None:
        self.events: list[Event] = []

    def write(self, event: Event) -> None:
        self.events.append(event)

    def told(self) -> list[tuple[Direction | None, bytes | str]]:
        return [(event.direction, event.data or event.note) for event in self.events]


def shown(kind: type[TextSink | HexSink | JsonSink], events: Sequence[Event]) -> str:
    output = io.StringIO()
    sink: Sink = kind(output)
    for event in events:
        sink.write(event)
    return output.getvalue()


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        pytest.param(Event(1.5, SENT, b"hello"), "1.500000 > hello\n", id="sent"),
        pytest.param(Event(0, RECEIVED, b"hello"), "0.000000 < hello\n", id="received"),
        pytest.param(
            Event(0, SENT, b"GET / HTTP/1.0\r\nHost: a\r\n\r\n"),
            "0.000000 > GET / HTTP/1.0\\r\\n\n0.000000 > Host: a\\r\\n\n0.000000 > \\r\\n\n",
            id="lines",
        ),
        pytest.param(
            Event(0, SENT, b"\x1b[2J\x00\xff"), "0.000000 > \\x1b[2J\\x00\\xff\n", id="control"
        ),
        pytest.param(Event(0, SENT, "Zoë".encode()), "0.000000 > Zoë\n", id="UTF-8"),
        pytest.param(
            Event(2, RECEIVED, note="end of stream"), "2.000000 < (end of stream)\n", id="note"
        ),
        pytest.param(Event(2, None, note="closed"), "2.000000 * (closed)\n", id="no direction"),
        pytest.param(
            Event(0, SENT, b"a\nb", connection="#2"),
            "0.000000 #2 > a\\n\n0.000000 #2 > b\n",
            id="connection",
        ),
    ],
)
def test_text(event: Event, expected: str) -> None:
    assert shown(TextSink, [event]) == expected


def test_hex_with_offsets_that_go_on_for_each_direction_of_each_connection() -> None:
    events = [
        Event(0, SENT, b"abc"),
        Event(0, RECEIVED, b"\x00\xff"),
        Event(0, SENT, b"d"),
        Event(0, SENT, b"other", connection="#2"),
        Event(0, RECEIVED, bytes(17)),
        Event(0, RECEIVED, note="end of stream"),
    ]

    assert [line.split()[1:4] for line in shown(HexSink, events).splitlines()] == [
        [">", "00000000", "61"],
        ["<", "00000000", "00"],
        [">", "00000003", "64"],
        ["#2", ">", "00000000"],
        ["<", "00000002", "00"],
        ["<", "00000012", "00"],
        ["<", "(end", "of"],
    ]


@given(st.binary(min_size=1), st.integers(0, 10_000))
def test_a_hex_dump_can_be_read_back(data: bytes, offset: int) -> None:
    read = b""
    for line in hex_dump(data, offset):
        assert int(line[:8], 16) == offset + len(read)
        read += bytes.fromhex(line[10:59])
        assert len(line.split("|", 1)[1]) <= 17

    assert read == data


@given(
    st.lists(
        st.builds(
            Event,
            st.floats(0, 1e6).map(lambda time: round(time, 6)),
            st.sampled_from([SENT, RECEIVED]),
            st.binary(min_size=1),
            connection=st.sampled_from(["", "#1", "#2"]),
        )
    )
)
def test_json_gives_every_byte_back(events: list[Event]) -> None:
    read = [
        Event(
            record["time"],
            Direction[record["direction"].upper()],
            base64.b64decode(record["data"], validate=True),
            connection=record.get("connection", ""),
        )
        for record in map(json.loads, shown(JsonSink, events).splitlines())
    ]

    assert read == events


def test_json_of_a_note() -> None:
    (line,) = shown(JsonSink, [Event(0.25, None, note="closed")]).splitlines()

    assert json.loads(line) == {"time": 0.25, "direction": None, "note": "closed"}


def test_every_sink_gets_every_event_at_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([100.0, 100.5, 102.0])
    monkeypatch.setattr(module, "monotonic", lambda: next(times))
    sinks = [Kept(), Kept()]
    transcript = Transcript(sinks)
    transcript.data(SENT, b"hello", "#1")
    transcript.note("closed")

    assert sinks[0].events == sinks[1].events
    assert sinks[0].events == [
        Event(0.5, SENT, b"hello", connection="#1"),
        Event(2.0, None, note="closed"),
    ]


@pytest.mark.parametrize("kind", [TextSink, HexSink, JsonSink])
def test_nothing_stays_in_a_buffer(
    kind: type[TextSink | HexSink | JsonSink], tmp_path: Path
) -> None:
    path = tmp_path / "trace"
    with path.open("w") as file:
        sink: Sink = kind(file)
        sink.write(Event(0, SENT, b"x"))
        assert path.read_text()


def test_threads_do_not_mix_their_lines() -> None:
    output = io.StringIO()
    transcript = Transcript([TextSink(output)])

    def talk(name: str) -> None:
        for _ in range(100):
            transcript.data(SENT, b"one\ntwo\n", name)

    threads = [threading.Thread(target=talk, args=(f"#{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    lines = [line.split(" ", 1)[1] for line in output.getvalue().splitlines()]
    assert len(lines) == 800
    for one, two in zip(lines[::2], lines[1::2], strict=True):
        assert (one[2:], two[2:]) == (" > one\\n", " > two\\n")
        assert one[:2] == two[:2]


def test_a_recorded_stream() -> None:
    kept = Kept()
    inner, other = memory_stream_pair()
    with RecordedStream(inner, Transcript([kept]), "#7") as stream, other:
        assert stream.inner is inner
        stream.send_all(b"question")
        stream.send_all(b"")
        stream.send_eof()
        other.send_all(b"answer")
        other.send_eof()
        assert stream.receive_some(3) == b"ans"
        assert stream.receive_some() == b"wer"
        assert stream.receive_some() == b""
        assert stream.receive_some() == b""
        stream.close()

    assert kept.told() == [
        (SENT, b"question"),
        (SENT, "end of stream"),
        (RECEIVED, b"ans"),
        (RECEIVED, b"wer"),
        (RECEIVED, "end of stream"),
        (None, "closed"),
    ]
    assert {event.connection for event in kept.events} == {"#7"}


def test_what_is_sent_is_shown_also_if_nobody_takes_it() -> None:
    kept = Kept()
    inner, _ = memory_stream_pair()
    stream = RecordedStream(inner, Transcript([kept]))
    with pytest.raises(ReadTimeout):
        stream.receive_some(deadline=Deadline.after(0))
    stream.send_all(b"hello")
    stream.close()
    with pytest.raises(StreamClosed):
        stream.send_all(b"too late")

    assert kept.told() == [(SENT, b"hello"), (None, "closed"), (SENT, b"too late")]
