"""Menus without a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockettools.protocols.conversation import MAX_LINE
from sockettools.protocols.gopher_menu import Item, MenuLines, parse_item, parse_menu
from sockettools.service_url import parse_service_url

if TYPE_CHECKING:
    from collections.abc import Iterable

MENU = parse_service_url("gopher://h.test/1/menu")

# RFC 1436 section 2, and what stands in menus today.
LINES = (
    b"0About internet Gopher\tStuff:About us\trawBits.micro.umn.edu\t70\r\n"
    b"iWelcome\tfake\t(NULL)\t0\r\n"
    b"\r\n"
    b"1Caf\xe9\t/caf\xe9\th.test\t70\t+\n"
    b"+The same elsewhere\t/caf\xe9\tmirror.test\t7070\r\n"
    b"hWeb\tURL:http://x.test/\th.test\t70\r\n"
    b".\r\n"
    b"1Behind the end\t/\th.test\t70\r\n"
)
ITEMS = [
    ("0", "About internet Gopher"),
    ("i", "Welcome"),
    ("i", ""),
    ("1", "Café"),
    ("1", "The same elsewhere"),
    ("h", "Web"),
]


def seen(blocks: Iterable[bytes]) -> list[tuple[str, str]]:
    return [(item.kind, item.text) for item in parse_menu(blocks)]


@pytest.mark.parametrize(
    "blocks",
    [
        pytest.param([LINES], id="whole"),
        pytest.param([bytes([octet]) for octet in LINES], id="one octet at a time"),
        pytest.param([LINES[:150], LINES[150:]], id="two blocks"),
        pytest.param([LINES.partition(b".\r\n1")[0]], id="no dot"),
        pytest.param([LINES.partition(b"\r\n.\r\n")[0]], id="no end of the last line"),
    ],
)
def test_menus(blocks: list[bytes]) -> None:
    assert seen(blocks) == ITEMS


@given(st.binary(max_size=300), st.integers(1, 299))
def test_every_menu_means_something_however_it_is_cut(data: bytes, cut: int) -> None:
    whole = list(parse_menu([data]))

    assert list(parse_menu([data[:cut], data[cut:]])) == whole
    for item in whole:
        url = item.url(MENU)
        assert url is None or (url.isascii() and url.isprintable() and " " not in url)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param(b"", Item("i", ""), id="nothing"),
        pytest.param(b"iHello", Item("i", "Hello"), id="text without fields"),
        pytest.param(b"3'/x' is not there", Item("3", "'/x' is not there"), id="error without"),
        pytest.param(b"0 apples are left", Item("i", "0 apples are left"), id="no menu"),
        pytest.param(b"\t/x\th\t70", Item("i", "", b"/x", "h", 70), id="no type"),
        pytest.param(b"1a\t/x", Item("1", "a", b"/x"), id="no host"),
        pytest.param(b"1a\t/x\t H.Test ", Item("1", "a", b"/x", "h.test"), id="no port"),
        pytest.param(b"1a\t\th\t 70 \t+\tx", Item("1", "a", b"", "h", 70), id="more fields"),
        pytest.param(b"1a\t\th\t0", Item("1", "a", b"", "h"), id="port 0"),
        pytest.param(b"1a\t\th\t65536", Item("1", "a", b"", "h"), id="no port that there is"),
        pytest.param(b"1a\t\th\t-1", Item("1", "a", b"", "h"), id="negative port"),
        pytest.param(b"0\xe2\x82\xac\t\xff\th\t70", Item("0", "€", b"\xff", "h", 70), id="UTF-8"),
    ],
)
def test_items(line: bytes, expected: Item) -> None:
    assert parse_item(line) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"1a\t\th.test\t70", "gopher://h.test/"),
        (b"1a\t/\th.test\t70", "gopher://h.test/1/"),
        (b"0a\t/x\th.test\t7070", "gopher://h.test:7070/0/x"),
        (b"0a\t/b c?d#e%f\xe9\th.test\t70", "gopher://h.test/0/b%20c%3Fd%23e%25f%E9"),
        (b"0a\tStuff:About us\th.test\t70", "gopher://h.test/0Stuff:About%20us"),
        (b"1a\t/x\t2001:db8::1\t70", "gopher://[2001:db8::1]/1/x"),
        (b"1a\t/x\tfe80::1%\x1b[2J\t70", None),
        (b"1a\t/x\tb\xc3\xbccher.test\t70", "gopher://xn--bcher-kva.test/1/x"),
        (b"1a\t/x\ta b\t70", None),
        (b"1a\t/x\t\t70", None),
        (b"1a\t/x\th.test\tx", None),
        (b"ia\t/x\th.test\t70", None),
        (b"3a\t/x\th.test\t70", None),
        (b"\x1ba\t/x\th.test\t70", None),
        (b"<a\t/x\th.test\t70", "gopher://h.test/%3C/x"),
        (b"ha\tURL:http://x.test/?a=1&b#c\th.test\t70", "http://x.test/?a=1&b#c"),
        (b"ha\t/url:mailto:a b@x\th.test\t70", "mailto:a%20b@x"),
        (b"ha\tURL:no url\th.test\t70", "gopher://h.test/hURL:no%20url"),
        (b"8a\tguest\th.test\t23", "telnet://guest@h.test:23/"),
        (b"8a\t\th.test\t2323", "telnet://h.test:2323/"),
        (b"Ta\t\th.test\t23", "tn3270://h.test:23/"),
        (b"7a\t/find\th.test\t70", "gopher://h.test/7/find"),
    ],
)
def test_where_items_lead(line: bytes, expected: str | None) -> None:
    assert parse_item(line).url(MENU) == expected


def test_an_encrypted_servers_own_items_are_encrypted() -> None:
    menu = parse_service_url("gophers://H.test:7443/")

    assert parse_item(b"0a\t/x\th.test\t7443").url(menu) == "gophers://h.test:7443/0/x"
    assert parse_item(b"0a\t/x\th.test\t70").url(menu) == "gopher://h.test/0/x"
    assert parse_item(b"0a\t/x\tother.test\t7443").url(menu) == "gopher://other.test:7443/0/x"


def test_the_longest_line() -> None:
    line = b"i" + b"x" * (MAX_LINE - 2)

    assert MenuLines().feed(line + b"\r\n") == [line]
