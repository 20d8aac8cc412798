"""Octets into events and back: whole, in pieces, and what breaks the rules."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockettools.errors import TooLong
from sockettools.protocols.telnet.codec import (
    MAX_SUBNEGOTIATION,
    Command,
    Data,
    Event,
    Negotiation,
    Signal,
    Subnegotiation,
    TelnetDecoder,
    Typing,
    Verb,
    encode,
    encode_command,
    encode_negotiation,
    encode_subnegotiation,
)

# Noise in which everything that means something is frequent.
NOISE = st.lists(
    st.sampled_from(
        [b"\xff", b"\xfa", b"\xf0", b"\xfb", b"\xfd", b"\r", b"\0", b"\n", b"a", b"\x01"]
    )
    | st.binary(max_size=3),
    max_size=40,
).map(b"".join)


def decoded(*blocks: bytes, is_binary: bool = False) -> list[Event]:
    """Return the events, data that were told in pieces put together."""
    decoder = TelnetDecoder()
    decoder.is_binary = is_binary
    events: list[Event] = []
    for block in blocks:
        decoder.receive_data(block)
        while event := decoder.next_event():
            if isinstance(event, Data) and events and isinstance(events[-1], Data):
                events[-1] = Data(events[-1].octets + event.octets)
            else:
                events.append(event)
    return events


CASES = [
    pytest.param(b"hello", [Data(b"hello")], id="data"),
    pytest.param(b"a\r\nb", [Data(b"a\r\nb")], id="new line"),
    pytest.param(b"a\r\0b", [Data(b"a\rb")], id="carriage return"),
    pytest.param(b"a\r\0\0b", [Data(b"a\r\0b")], id="NUL behind a carriage return"),
    pytest.param(b"a\0b", [Data(b"a\0b")], id="NUL"),
    pytest.param(b"a\xff\xffb", [Data(b"a\xffb")], id="255"),
    pytest.param(b"\r\xff\xff\0", [Data(b"\r\xff\0")], id="255 between CR and NUL"),
    pytest.param(b"\xff\xfd\x18", [Negotiation(Verb.DO, 24)], id="DO TTYPE"),
    pytest.param(b"\xff\xfb\xff", [Negotiation(Verb.WILL, 255)], id="WILL EXOPL"),
    pytest.param(
        b"a\xff\xfc\x01b", [Data(b"a"), Negotiation(Verb.WONT, 1), Data(b"b")], id="in between"
    ),
    pytest.param(b"\xff\xfa\x18\x01\xff\xf0", [Subnegotiation(24, b"\x01")], id="TTYPE SEND"),
    pytest.param(
        b"\xff\xfa\x1f\0\xff\xff\0\x18\xff\xf0",
        [Subnegotiation(31, b"\0\xff\0\x18")],
        id="255 in a subnegotiation",
    ),
    pytest.param(b"\xff\xfa\x18\r\0\xff\xf0", [Subnegotiation(24, b"\r\0")], id="no line ends"),
    pytest.param(b"\xff\xfa\xff\xf0x", [Data(b"x")], id="subnegotiation of nothing"),
    pytest.param(b"\xff\xfa\x18\x01\xff\xf9x", [Signal(249), Data(b"x")], id="without its end"),
    pytest.param(
        b"\xff\xfa\x18\xff\xfb\x01\xff\xf0x",
        [Negotiation(Verb.WILL, 1), Data(b"x")],
        id="WILL in a subnegotiation",
    ),
    pytest.param(b"\xff\xf0x", [Data(b"x")], id="an end of nothing"),
    pytest.param(b"\xff\xf6", [Signal(Command.AYT)], id="are you there"),
    pytest.param(b"\xff\xf2x", [Signal(Command.DM), Data(b"x")], id="data mark"),
    pytest.param(b"\xff\x05x", [Signal(5), Data(b"x")], id="no such command"),
    pytest.param(b"x\xff", [Data(b"x")], id="cut behind IAC"),
    pytest.param(b"x\xff\xfd", [Data(b"x")], id="cut behind DO"),
    pytest.param(b"x\xff\xfa\x18", [Data(b"x")], id="cut in a subnegotiation"),
]


@pytest.mark.parametrize(("octets", "events"), CASES)
def test_events(octets: bytes, events: list[Event]) -> None:
    assert decoded(octets) == events
    assert decoded(*(octets[at : at + 1] for at in range(len(octets)))) == events


def test_binary_data_have_no_line_ends() -> None:
    assert decoded(b"\r\0\xff\xff\r", b"\0", is_binary=True) == [Data(b"\r\0\xff\r\0")]


def test_binary_begins_between_two_events() -> None:
    decoder = TelnetDecoder()
    decoder.receive_data(b"\r\0\xff\xfb\0\r\0\xff\xfc\0\r\0")
    events = []
    while event := decoder.next_event():
        events.append(event)
        if isinstance(event, Negotiation):
            decoder.is_binary = event.verb is Verb.WILL

    assert events[::2] == [Data(b"\r"), Data(b"\r\0"), Data(b"\r")]


@given(NOISE, st.lists(st.integers(0, 130)), st.booleans())
def test_where_octets_are_cut_changes_nothing(data: bytes, cuts: list[int], binary: bool) -> None:
    places = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    blocks = [data[a:b] for a, b in itertools.pairwise(places)]

    assert decoded(*blocks, is_binary=binary) == decoded(data, is_binary=binary)


@given(st.binary() | NOISE, st.booleans())
def test_data_come_back(data: bytes, binary: bool) -> None:
    sent = encode(data, is_binary=binary)

    assert decoded(sent, is_binary=binary) == ([Data(data)] if data else [])


@given(st.binary(max_size=40), st.integers(0, 255))
def test_subnegotiations_come_back(payload: bytes, option: int) -> None:
    assert decoded(encode_subnegotiation(option, payload)) == [Subnegotiation(option, payload)]


@given(st.sampled_from(Verb), st.integers(0, 255))
def test_negotiations_come_back(verb: Verb, option: int) -> None:
    assert decoded(encode_negotiation(verb, option)) == [Negotiation(verb, option)]


def test_commands_come_back() -> None:
    for command in (Command.AYT, Command.BRK, Command.IP, Command.NOP):
        assert decoded(encode_command(command)) == [Signal(command)]


@pytest.mark.parametrize(
    ("data", "typing", "nvt", "binary"),
    [
        pytest.param(b"a\n", Typing.TEXT, b"a\r\n", b"a\r", id="LF"),
        pytest.param(b"a\r\n\r", Typing.TEXT, b"a\r\n\r\n", b"a\r\r", id="CR LF, CR"),
        pytest.param(b"\xff\n", Typing.TEXT, b"\xff\xff\r\n", b"\xff\xff\r", id="255"),
        pytest.param(b"a\r\x03", Typing.KEYS, b"a\r\n\x03", b"a\r\x03", id="Enter, Ctrl-C"),
        pytest.param(b"\n", Typing.KEYS, b"\n", b"\n", id="Ctrl-J"),
        pytest.param(b"\r\n\r", Typing.EXACT, b"\r\n\r\0", b"\r\n\r", id="exact"),
    ],
)
def test_what_is_typed(data: bytes, typing: Typing, nvt: bytes, binary: bytes) -> None:
    assert encode(data, typing) == nvt
    assert encode(data, typing, is_binary=True) == binary


@pytest.mark.parametrize("size", [1, 1000, 65_536])
def test_a_subnegotiation_that_does_not_end(size: int) -> None:
    blocks = [b"\xff\xfa", *[b"\x18" * size] * (MAX_SUBNEGOTIATION // size + 1)]
    with pytest.raises(TooLong, match="more than 4096 octets"):
        decoded(*blocks)
    assert decoded(b"\xff\xfa" + b"\x18" * MAX_SUBNEGOTIATION) == []


def test_the_longest_subnegotiation() -> None:
    payload = b"\xff" * (MAX_SUBNEGOTIATION - 1)

    assert decoded(encode_subnegotiation(24, payload)) == [Subnegotiation(24, payload)]
