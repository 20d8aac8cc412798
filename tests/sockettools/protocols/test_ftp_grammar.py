from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockettools.protocols.ftp_grammar import (
    COMMANDS,
    State,
    parse_epsv,
    parse_features,
    parse_pasv,
)
from sockettools.protocols.replies import Reply


@pytest.mark.parametrize(
    ("text", "port"),
    [
        pytest.param("Entering Extended Passive Mode (|||6446|)", 6446, id="RFC 2428"),
        pytest.param("(!!!1!)", 1, id="another mark"),
        pytest.param("ok (really) (|||65535|).", 65535, id="after other brackets"),
    ],
)
def test_epsv(text: str, port: int) -> None:
    assert parse_epsv(text) == port


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Entering Extended Passive Mode", id="nothing"),
        pytest.param("(|||0|)", id="port 0"),
        pytest.param("(|||65536|)", id="too high"),
        pytest.param("(|||-1|)", id="negative"),
        pytest.param("(|||99999999999999999999999|)", id="endless"),
        pytest.param("(||!6446|)", id="two marks"),
        pytest.param("(|1|10.0.0.1|6446|)", id="an address"),
        pytest.param("(|||６４４６|)", id="digits of another script"),
    ],
)
def test_epsv_without_a_port(text: str) -> None:
    with pytest.raises(ValueError, match="no port"):
        parse_epsv(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("Entering Passive Mode (127,0,0,1,25,46)", ("127.0.0.1", 6446), id="usual"),
        pytest.param("=127,0,0,1,0,1", ("127.0.0.1", 1), id="no brackets"),
        pytest.param("(10,255,0,1,255,255).", ("10.255.0.1", 65535), id="highest"),
    ],
)
def test_pasv(text: str, expected: tuple[str, int]) -> None:
    assert parse_pasv(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Entering Passive Mode", id="nothing"),
        pytest.param("(127,0,0,1,0,0)", id="port 0"),
        pytest.param("(127,0,0,1,256,1)", id="port too high"),
        pytest.param("(127,0,0,300,1,1)", id="no address"),
        pytest.param("(127,0,0,1,25)", id="five numbers"),
        pytest.param("(127,0,0,1,25,46,1)", id="seven numbers"),
    ],
)
def test_pasv_without_a_port(text: str) -> None:
    with pytest.raises(ValueError, match="no address and port"):
        parse_pasv(text)


@given(st.text() | st.text(alphabet="0123456789,|()"))
def test_noise_is_a_value_error_at_most(text: str) -> None:
    for parse in (parse_epsv, parse_pasv):
        with suppress(ValueError):
            parse(text)


def test_features() -> None:
    reply = Reply(211, ("Extensions supported:", " mlst size*;create;", " SIZE", "", " ", "End"))

    assert parse_features(reply) == {"MLST": "size*;create;", "SIZE": ""}


def test_no_features() -> None:
    assert parse_features(Reply(211, ("none",))) == {}


def test_nothing_is_sent_once_it_is_over() -> None:
    assert all(State.OVER not in states and states for states in COMMANDS.values())
