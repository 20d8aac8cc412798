from __future__ import annotations

from email.header import Header

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sockettools.protocols.mail_headers import MAX_HEAD, MAX_VALUE, header_fields, table


@pytest.mark.parametrize(
    ("head", "value"),
    [
        pytest.param(b"Hello", "Hello", id="ASCII"),
        pytest.param(b"=?utf-8?q?Caf=C3=A9?=", "Café", id="quoted"),
        pytest.param(b"=?UTF-8?B?Q2Fmw6k=?=", "Café", id="base64"),
        pytest.param(b"=?iso-8859-1?Q?a_b=E9?=", "a bé", id="Latin-1, underscore is a space"),
        pytest.param(b"=?utf-8*en?q?Caf=C3=A9?=", "Café", id="with its language"),
        pytest.param(b"x =?utf-8?q?y?= z", "x y z", id="among words that are not encoded"),
        pytest.param(b"=?utf-8?q?a?=\r\n =?utf-8?q?b?= c", "ab c", id="space between is not shown"),
        pytest.param(b"=?utf-8?q?=C3?= =?utf-8?q?=A9?=", "é", id="a character cut in two"),
        pytest.param("Café".encode(), "Café", id="raw UTF-8"),
        pytest.param(b"Caf\xe9", "Café", id="raw Latin-1"),
        pytest.param("é =?utf-8?q?=C3=A9?= \\u0041".encode(), "é é \\u0041", id="raw and encoded"),
        pytest.param(b"=?nosuch?q?Caf=C3=A9?=", "Caf\ufffd\ufffd", id="no such charset"),
        pytest.param(b"=?zlib?q?a?=", "a", id="a codec that is no charset"),
        pytest.param(b"=?idna?q?=FF?=", "\ufffd", id="a codec that takes no part in replacing"),
        pytest.param(b"=?utf-8?b?a?=", "=?utf-8?b?a?=", id="base64 that is none"),
        pytest.param(b"=?utf-8?q?a", "=?utf-8?q?a", id="no end"),
        pytest.param(b"one\r\n\ttwo", "one two", id="folded"),
        pytest.param(b"a\x1b\0b", "a\x1b\0b", id="control characters stay"),
    ],
)
def test_a_value(head: bytes, value: str) -> None:
    assert header_fields(b"Subject: " + head + b"\r\n") == {"subject": value}


def test_the_first_of_a_name_counts() -> None:
    assert header_fields(b"A: 1\nB: 2\na: 3\n\nC: 4\n") == {"a": "1", "b": "2"}


def test_it_is_bounded() -> None:
    assert len(header_fields(b"A: " + b"x" * MAX_HEAD * 2)["a"]) == MAX_VALUE
    many = header_fields(b"".join(b"A%d: 1\n" % number for number in range(MAX_HEAD)))
    assert len(many) < MAX_HEAD / 4


@pytest.mark.parametrize("octets", [b"=?a?q?", b"=?", b"=?a?q?b?= ", b"\n", b":", b"a:\r", b"a:\n"])
def test_what_makes_no_sense_takes_no_time(octets: bytes) -> None:
    header_fields(b"A: " + octets * MAX_HEAD)
    header_fields(octets * MAX_HEAD)


_SENSELESS = st.lists(
    st.one_of(
        st.binary(max_size=8),
        st.sampled_from([b"\n", b"\r\n", b" ", b":", b"a: ", b"=?", b"?=", b"?q?", b"?b?", b"=E9"]),
        st.sampled_from([b"=?idna?q?", b"=?punycode?b?", b"=?undefined?q?", b"=?utf-7?q?+"]),
    )
).map(b"".join)


@given(_SENSELESS)
@example(b"a: =?\0?q?a?=")
@example(b"From x\n>From y\na: b")
def test_any_octets_give_something(head: bytes) -> None:
    for name, value in header_fields(head).items():
        assert f"{name}{value}".encode()


@given(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1))
def test_what_the_library_encodes_comes_back(text: str) -> None:
    encoded = Header(text, "utf-8").encode(linesep="\r\n")

    assert header_fields(f"Subject: {encoded}\r\n".encode()) == {"subject": text}


def test_a_table_has_a_line_for_each_row() -> None:
    rows = [["n", "subject"], ["1", "Café\t\r\n\x1b[2J"], ["2", ""], ["3", "\udcff"]]

    assert b"".join(table(rows)).decode() == (
        "n\tsubject\n1\tCafé\\t\\r\\n\\x1b[2J\n2\t\n3\t\\udcff\n"
    )


def test_a_table_is_not_held() -> None:
    lines = table([str(number)] for number in iter(int, 1))

    assert [next(lines), next(lines)] == [b"0\n", b"0\n"]
