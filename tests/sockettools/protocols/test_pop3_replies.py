from __future__ import annotations

import pytest

from sockettools.protocols.pop3_replies import Reply, parse_reply, parse_timestamp


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        pytest.param(b"+OK", Reply(True), id="no text"),
        pytest.param(b"+OK 2 320", Reply(True, "2 320"), id="text"),
        pytest.param(b"-ERR no such message", Reply(False, "no such message"), id="refusal"),
        pytest.param(b"+ok fine", Reply(True, "fine"), id="small letters"),
        pytest.param(b"-ERR caf\xe9", Reply(False, "caf\\xe9"), id="octets that are no text"),
    ],
)
def test_a_reply(line: bytes, reply: Reply) -> None:
    assert parse_reply(line) == reply


@pytest.mark.parametrize("line", [b"", b"OK", b"+OKAY", b"+ OK", b"220 ready", b"* OK", b"-ERROR"])
def test_no_reply(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"neither \+OK nor -ERR"):
        parse_reply(line)


@pytest.mark.parametrize(
    ("greeting", "timestamp"),
    [
        pytest.param("ready <a.b@c>", "<a.b@c>", id="at the end"),
        pytest.param("<a> <b@c> hello", "<b@c>", id="the one with an at sign"),
        pytest.param("ready", None, id="none"),
        pytest.param("<a b@c>", None, id="a space"),
        pytest.param("<a@\\xe9\x01>", None, id="a control character"),
        pytest.param("<@b>", None, id="nothing before the at sign"),
    ],
)
def test_timestamps(greeting: str, timestamp: str | None) -> None:
    assert parse_timestamp(greeting) == timestamp
