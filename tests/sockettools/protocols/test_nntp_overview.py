from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sockettools.errors import RemoteProtocolError
from sockettools.protocols.mail_headers import MAX_VALUE
from sockettools.protocols.nntp_overview import (
    DEFAULT_COLUMNS,
    Column,
    decoded,
    overview_of,
    parse_columns,
    parse_overview,
)

# The example of RFC 3977 section 8.3.3.
LINE = b"\t".join(
    (
        b"3000234",
        b"I am just a test article",
        b'"Demo User" <nobody@example.com>',
        b"6 Oct 1998 04:38:40 -0500",
        b"<45223423@example.com>",
        b"<45454@example.net>",
        b"1234",
        b"17",
        b"Xref: news.example.com misc.test:3000363",
    )
)


def test_overview_of_the_standard() -> None:
    overview = parse_overview(LINE, (*DEFAULT_COLUMNS, Column("xref", is_full=True)))
    assert overview.number == 3000234
    assert overview.subject == "I am just a test article"
    assert overview.sender == '"Demo User" <nobody@example.com>'
    assert overview.date == datetime(1998, 10, 6, 9, 38, 40, tzinfo=UTC)
    assert overview.message_id == "<45223423@example.com>"
    assert overview.field("References") == "<45454@example.net>"
    assert (overview.octets, overview.lines) == (1234, 17)
    assert overview.field("xref") == "news.example.com misc.test:3000363"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param(b"Subject:", Column("subject"), id="field"),
        pytest.param(b"Xref:full", Column("xref", is_full=True), id="full"),
        pytest.param(b"Xref:FULL", Column("xref", is_full=True), id="full, capitals"),
        pytest.param(b":bytes", Column("bytes"), id="metadata"),
        pytest.param(b"Bytes:", Column("bytes"), id="metadata of drafts"),
        pytest.param(b"Lines", Column("lines"), id="no colon"),
        pytest.param(b"", Column(""), id="empty"),
        pytest.param(b"a b:", Column(""), id="space"),
        pytest.param(b"caf\xe9:", Column(""), id="no ASCII"),
        pytest.param(b"x" * 101 + b":", Column(""), id="long"),
    ],
)
def test_columns(line: bytes, expected: Column) -> None:
    assert parse_columns([b"Subject:", line])[1] == expected


def test_columns_in_another_order() -> None:
    columns = parse_columns([b"Lines:", b"???:full?", b"From:full", b"Subject:"])
    overview = parse_overview(b"1\t17\tgarbage\tfrom: a@b.example\tHello", columns)
    assert (overview.lines, overview.sender, overview.subject) == (17, "a@b.example", "Hello")
    assert "" not in overview.raw


@pytest.mark.parametrize(
    ("line", "subject", "octets"),
    [
        pytest.param(b"1", "", None, id="only a number"),
        pytest.param(b"1\tHello", "Hello", None, id="cut"),
        pytest.param(b"1\tHello\t\t\t\t\t\t", "Hello", None, id="no sizes"),
        pytest.param(b"1\tHello\t\t\t\t\tmany\t-1", "Hello", None, id="sizes that are none"),
        pytest.param(b"1\tHello\t\t\t\t\t 12 \t", "Hello", 12, id="spaces"),
        pytest.param(b"1\tHello\t\t\t\t\t" + b"9" * 5000, "Hello", None, id="huge size"),
        pytest.param(b"1\t" + b"x\t" * 30_000, "x", None, id="thousands of columns"),
        pytest.param(b"1\tcaf\xe9", "café", None, id="Latin-1"),
        pytest.param(b"1\t=?utf-8?q?Caf=C3=A9?=", "Café", None, id="encoded word"),
        pytest.param(b"1\t=?utf-8?q?a?=\rFrom: x", "a From: x", None, id="a carriage return"),
    ],
)
def test_what_servers_send(line: bytes, subject: str, octets: int | None) -> None:
    overview = parse_overview(line)
    assert (overview.number, overview.subject, overview.octets) == (1, subject, octets)


@pytest.mark.parametrize("line", [b"", b"\t", b"x\ty", b"-1\ty", b"1x\t", b"9" * 30, b"\xb2\t"])
def test_what_is_no_overview(line: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match="not with a number"):
        parse_overview(line)


@pytest.mark.parametrize(
    "date",
    [
        "yesterday",
        "",
        "Wed, 99 Jul 2016 09:50:00 +0000",
        "Wed, 06 Jul 99999999 09:50:00 +0000",
        "Wed, 06 Jul 2016 09:50:00 +999999",
        "0",
    ],
)
def test_dates_that_are_none(date: str) -> None:
    overview = parse_overview(f"1\t\t\t{date}".encode())
    assert overview.date is None
    assert overview.field("date") == date


def test_overview_of_a_header() -> None:
    overview = overview_of(7, b"SUBJECT: =?utf-8?q?Caf=C3=A9?=\r\nLines: 4\r\nFrom: a@b.c\r\n")
    assert (overview.number, overview.subject, overview.lines) == (7, "Café", 4)
    assert overview.sender == "a@b.c"


@given(st.binary(max_size=200))
@example(b"1\t" + b"=?utf-8?b?" + b"=" * 100 + b"?=")
def test_any_line_gives_an_overview_or_a_clear_error(octets: bytes) -> None:
    for line in (octets, b"7\t" + octets, b"7\t\t\t" + octets):
        try:
            overview = parse_overview(line)
        except RemoteProtocolError:
            continue
        assert len(overview.raw) <= len(DEFAULT_COLUMNS)
        assert overview.date is None or isinstance(overview.date, datetime)
        assert isinstance(overview.subject + overview.sender + overview.message_id, str)


@given(st.lists(st.binary(max_size=40)))
def test_any_lines_are_as_many_columns(lines: list[bytes]) -> None:
    assert len(parse_columns(lines)) == len(lines)


def test_values_are_bounded() -> None:
    for value in (b"x" * 100_000, b"=?" + b"x" * 100_000):
        assert len(decoded(value)) <= MAX_VALUE
