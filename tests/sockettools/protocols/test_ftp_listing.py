from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockettools.protocols.ftp_listing import (
    Entry,
    ListingFormat,
    entries,
    format_entry,
    maybe_time,
    parse_list,
    parse_mlsd,
)

CHANGED = datetime(2016, 7, 6, 9, 50, tzinfo=UTC)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param(
            b"Type=file;Size=1024990;Perm=r; 5.4.9.2.tgz",
            Entry("file", b"5.4.9.2.tgz", 1024990),
            id="RFC 3659",
        ),
        pytest.param(
            b"type=dir;modify=20160706095000;  two  spaces ",
            Entry("dir", b" two  spaces ", None, CHANGED),
            id="spaces of the name",
        ),
        pytest.param(
            b"TYPE=OS.unix=slink:/a;b=c; link", Entry("link", b"link"), id="symbolic link"
        ),
        pytest.param(b" no-facts", Entry("file", b"no-facts"), id="no facts"),
        pytest.param(
            b"type=file;size=-1;modify=20161301000000; odd", Entry("file", b"odd"), id="odd facts"
        ),
        pytest.param(
            b"type=file;size=99999999999999999999; odd", Entry("file", b"odd"), id="no size"
        ),
        pytest.param(b"type=file; caf\xe9", Entry("file", b"caf\xe9"), id="no UTF-8"),
    ],
)
def test_mlsd(line: bytes, expected: Entry) -> None:
    assert parse_mlsd(line) == expected


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"type=file;", id="no name"),
        pytest.param(b"type=file; ", id="empty name"),
        pytest.param(b"-rw-r--r-- 1 u g 1 Jul 6 2016 x", id="LIST"),
        pytest.param(b"type; x", id="a fact without a value"),
    ],
)
def test_no_mlsd(line: bytes) -> None:
    with pytest.raises(ValueError, match="is no"):
        parse_mlsd(line)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param(
            b"-rw-r--r--   1 user     group         167 Jul  6  2016 romeo.txt",
            Entry("file", b"romeo.txt", 167, None, "Jul  6  2016"),
            id="file",
        ),
        pytest.param(
            b"drwxr-xr-x   2 user     group        4096 Jul  6 09:50 na me",
            Entry("dir", b"na me", None, None, "Jul  6 09:50"),
            id="directory",
        ),
        pytest.param(
            b"lrwxrwxrwx   1 0        0               4 Jul  6 09:50 a -> b",
            Entry("link", b"a", None, None, "Jul  6 09:50"),
            id="link",
        ),
        pytest.param(
            b"-rw-r--r--   1 user     Domain Users   12 Jul  6  2016 x",
            Entry("file", b"x", 12, None, "Jul  6  2016"),
            id="group with a space",
        ),
        pytest.param(
            b"-rw-r--r--   1 user     12 Jul  6  2016 x",
            Entry("file", b"x", 12, None, "Jul  6  2016"),
            id="no group",
        ),
        pytest.param(
            b"-rw-r--r--+ 1 u g 12 2016-07-06 09:50 x",
            Entry("file", b"x", 12, None, "2016-07-06 09:50"),
            id="ISO date",
        ),
        pytest.param(
            b"-rw-r--r-- 1 u g 12 Jul  6  2016  x",
            Entry("file", b" x", 12, None, "Jul  6  2016"),
            id="name that begins with a space",
        ),
        pytest.param(
            b"07-06-16  09:50AM       <DIR>          pub",
            Entry("dir", b"pub", None, None, "07-06-16  09:50AM"),
            id="directory of Windows",
        ),
        pytest.param(
            b"07-06-2016  09:50                  167 romeo.txt",
            Entry("file", b"romeo.txt", 167, None, "07-06-2016  09:50"),
            id="file of Windows",
        ),
    ],
)
def test_list(line: bytes, expected: Entry) -> None:
    assert parse_list(line) == expected


@pytest.mark.parametrize(
    "line", [b"", b"total 4", b"romeo.txt", b"-rw-r--r-- 1 u g", b"d" * 10_000 + b" 1" * 2000]
)
def test_no_list(line: bytes) -> None:
    with pytest.raises(ValueError, match="no line of LIST"):
        parse_list(line)


@given(st.binary() | st.text(alphabet="-rwxd 0123456789Jul:;=type\r").map(str.encode))
def test_noise_is_a_value_error_at_most(line: bytes) -> None:
    for parse in (parse_mlsd, parse_list):
        try:
            entry = parse(line)
        except ValueError:
            continue
        assert entry.raw_name
        assert entry.name


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("20160706095000", CHANGED, id="seconds"),
        pytest.param("20160706095000.5", CHANGED, id="fractions"),
        pytest.param("20160231000000", None, id="no such day"),
        pytest.param("2016070609500", None, id="too short"),
        pytest.param("２０１６0706095000", None, id="digits of another script"),
    ],
)
def test_time(text: str, expected: datetime | None) -> None:
    assert maybe_time(text) == expected


def test_dots_and_totals_are_left_out() -> None:
    lines = [
        b"total 4",
        b"",
        b"drwxr-xr-x 2 u g 4096 Jul  6 09:50 .",
        b"drwxr-xr-x 2 u g 4096 Jul  6 09:50 ..",
        b"drwxr-xr-x 2 u g 4096 Jul  6 09:50 ...",
        b"who knows",
    ]

    found = list(entries(lines, ListingFormat.LIST))

    assert [one if isinstance(one, bytes) else one.name for one in found] == [
        "...",
        b"who knows",
    ]


@pytest.mark.parametrize(
    ("entry", "row"),
    [
        pytest.param(
            Entry("dir", "café".encode(), None, CHANGED),
            "dir                -  2016-07-06 09:50:00Z  café",
            id="directory",
        ),
        pytest.param(
            Entry("x\x1b", b"caf\xe9\x1b[2J"),
            r"x\x1b              -  -                     café\x1b[2J",
            id="escapes",
        ),
        pytest.param(b"what\x07 ever", r"what\x07 ever", id="not understood"),
        pytest.param(
            Entry("file", b"a", 1, None, "Jul  6 09:50"),
            "file               1  Jul  6 09:50          a",
            id="LIST",
        ),
    ],
)
def test_row(entry: Entry | bytes, row: str) -> None:
    assert format_entry(entry) == row
