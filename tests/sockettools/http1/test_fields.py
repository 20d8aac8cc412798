from __future__ import annotations

import pytest

from sockettools.http1 import Fields

COOKIES = Fields([(b"Set-Cookie", b"a=1"), (b"Vary", b"*"), (b"set-cookie", b"b=2")])
ONCE = Fields([(b"Vary", b"*"), (b"Connection", b"Upgrade, , close ,")])


def test_order_case_and_repetitions_are_kept() -> None:
    items = [(b"B", b"1"), (b"a", b"2"), (b"b", b"3"), (b"B", b"1")]

    assert list(Fields(items)) == items
    assert Fields(iter(items)) == items


@pytest.mark.parametrize("name", [b"Set-Cookie", b"set-cookie", b"SET-COOKIE"])
def test_a_lookup_does_not_mind_case(name: bytes) -> None:
    assert COOKIES.has(name)
    assert COOKIES.get(name) == b"a=1"
    assert COOKIES.get_all(name) == [b"a=1", b"b=2"]
    assert COOKIES.combined(name) == b"a=1, b=2"


@pytest.mark.parametrize("fields", [COOKIES, ONCE], ids=["repeated", "once"])
def test_what_is_not_there(fields: Fields) -> None:
    assert not fields.has(b"age")
    assert fields.get(b"age") is None
    assert fields.get_all(b"age") == []
    assert fields.combined(b"age") is None
    assert fields.tokens(b"age") == []


@pytest.mark.parametrize("fields", [COOKIES, ONCE], ids=["beside a repetition", "all once"])
def test_what_is_there_once(fields: Fields) -> None:
    assert fields.get(b"vary") == b"*"
    assert fields.get_all(b"vary") == [b"*"]
    assert fields.combined(b"vary") == b"*"


@pytest.mark.parametrize(
    ("values", "tokens"),
    [
        pytest.param([b"close"], [b"close"], id="one"),
        pytest.param([b"Upgrade, close"], [b"upgrade", b"close"], id="two"),
        pytest.param([b",  ,a\t,, B ,"], [b"a", b"b"], id="empty members"),
        pytest.param([b"a, b", b"c"], [b"a", b"b", b"c"], id="two fields"),
        pytest.param([b""], [], id="empty"),
        # Of the letters of Unicode that become "k" in lower case, none is one here.
        pytest.param(["\u212aeep-alive".encode()], [b"\xe2\x84\xaaeep-alive"], id="not ascii"),
    ],
)
def test_tokens(values: list[bytes], tokens: list[bytes]) -> None:
    assert Fields([(b"Connection", value) for value in values]).tokens(b"connection") == tokens


def test_it_is_a_sequence() -> None:
    assert len(COOKIES) == 3
    assert COOKIES[1] == (b"Vary", b"*")
    assert COOKIES[1:] == Fields([(b"Vary", b"*"), (b"set-cookie", b"b=2")])
    assert (b"Vary", b"*") in COOKIES
    assert not Fields()


def test_it_is_what_it_was_made_of() -> None:
    items = [(b"A", b"1")]
    fields = Fields(items)
    items.append((b"Content-Length", b"5"))

    assert fields == [(b"A", b"1")]
    assert not fields.has(b"content-length")


def test_equality() -> None:
    assert Fields([(b"A", b"1")]) == Fields([(b"A", b"1")])
    assert Fields([(b"A", b"1")]) == [(b"A", b"1")]
    assert Fields([(b"A", b"1")]) != Fields([(b"a", b"1")])
    assert Fields() != b""
    assert len({Fields([(b"A", b"1")]), Fields([(b"A", b"1")])}) == 1
    assert repr(Fields([(b"A", b"1")])) == "Fields([(b'A', b'1')])"
