"""Locations, texts and refusals, and the client over a stream in memory."""

from __future__ import annotations

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockettools.errors import (
    IncompleteMessage,
    LocalProtocolError,
    PermanentNegativeReply,
    TooLong,
)
from sockettools.protocols import gopher_menu
from sockettools.protocols.conversation import MAX_LINE, Conversation
from sockettools.protocols.gopher import Gopher, Location, TextEnd, parse_location, refusal_in
from sockettools.protocols.gopher_menu import KINDS, Form, Item
from sockettools.service_url import parse_service_url
from tests.sockettools.protocols.answering import AnsweringStream

MENU = parse_service_url("gopher://h.test/1/menu")


@given(
    st.sampled_from([kind for kind, known in KINDS.items() if known.form is not Form.NONE]),
    st.binary(max_size=50).filter(lambda octets: not set(octets) & set(b"\r\n\t\0")),
)
def test_a_selector_is_sent_as_it_came(kind: str, selector: bytes) -> None:
    url = Item(kind, "", selector, "h.test", 70).url(MENU)

    if url is not None and url.startswith("gopher:"):  # URL: leads elsewhere
        location = parse_location(parse_service_url(url).path)
        assert location == Location(kind, selector)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("", Location()),
        ("/", Location()),
        ("/1", Location()),
        ("/0/x", Location("0", b"/x")),
        ("/0x", Location("0", b"x")),
        ("/%30/x", Location("0", b"/x")),
        ("/0/a?b", Location("0", b"/a?b")),
        ("/0/a#b", Location("0", b"/a")),
        ("/0/caf%e9%09", Location("0", b"/caf\xe9", b"")),
        ("/7/s%09a+b%20c", Location("7", b"/s", b"a+b c")),
        ("/Q/x", Location("Q", b"/x")),
    ],
)
def test_locations(path: str, expected: Location) -> None:
    assert parse_location(path) == expected


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("/0/a%0D%0Ab", "it has a line end or a NUL in it"),
        ("/0/a%0ab", "it has a line end or a NUL in it"),
        ("/0/a%00b", "it has a line end or a NUL in it"),
        ("/7/a%09b%09+", "Gopher[+] is not spoken here"),
        ("/i/x", "type i is no page but a menu's line .text."),
        ("/3/x", "type 3 is no page"),
        ("/8/x", "type 8 is no page but a menu's line .telnet."),
        ("/2/x", "type 2 is no page"),
        ("/%E9", "'é' is not the type of an item"),
        ("/%1b", "is not the type of an item"),
        ("?x", "a question mark stands where its type should"),
    ],
)
def test_locations_that_are_none(path: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        parse_location(path)


@pytest.mark.parametrize(
    ("location", "media_type", "name"),
    [
        (Location(), "text/gopher", ""),
        (Location("0", b"/a/b.txt"), "text/plain", "b.txt"),
        (Location("9", b"/a/b.zip"), "application/octet-stream", "b.zip"),
        (Location("I", b"/a/b.JPG"), "image/jpeg", "b.JPG"),
        (Location("I", b"/a/b"), "application/octet-stream", "b"),
        (Location("g", b"/a/b"), "image/gif", "b"),
        (Location("h", b"/a/.."), "text/html", ""),
        (Location("Q", b"/a"), "application/octet-stream", "a"),
    ],
)
def test_what_comes(location: Location, media_type: str, name: str) -> None:
    assert (location.media_type, location.name) == (media_type, name)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(b"a\r\nb\r\n.\r\n", b"a\r\nb\r\n", id="the end"),
        pytest.param(b".\r\n", b"", id="nothing but the end"),
        pytest.param(b"", b"", id="nothing"),
        pytest.param(b"a\r\n.\r\nb\r\n", b"a\r\n.\r\nb\r\n", id="a dot in the middle"),
        pytest.param(b"a\r\n.\r\nb\r\n.\r\n", b"a\r\n.\r\nb\r\n.\r\n", id="that server's last dot"),
        pytest.param(b"a\r\n.", b"a\r\n.", id="an unfinished line"),
        pytest.param(b"a\r\n.\r", b"a\r\n.\r", id="half an end"),
        pytest.param(b"a\n.\n", b"a\n.\n", id="bare line feeds"),
        pytest.param(b"a.\r\n", b"a.\r\n", id="a sentence"),
        pytest.param(b"a\r\n..\r\n.\r\n", b"a\r\n..\r\n", id="a doubled dot"),
    ],
)
def test_texts(text: bytes, expected: bytes) -> None:
    for size in range(1, len(text) + 2):
        end = TextEnd()
        blocks = [text[start : start + size] for start in range(0, len(text), size)]
        assert b"".join([end.feed(block) for block in blocks] + [end.rest()]) == expected


@given(st.lists(st.sampled_from([b"\r\n", b".", b"a", b"\r\n.\r\n", b"\n", b"\r"]), max_size=20))
def test_a_text_loses_nothing_but_one_dot(pieces: list[bytes]) -> None:
    text = b"".join(pieces)
    end = TextEnd()
    got = b"".join([end.feed(piece) for piece in pieces] + [end.rest()])

    whole = b"\r\n" + text
    has_end = whole.endswith(b"\r\n.\r\n") and whole.find(b"\r\n.\r\n") == len(whole) - 5
    assert got == (text.removesuffix(b".\r\n") if has_end else text)


@pytest.mark.parametrize(
    ("answer", "of_menu", "of_file"),
    [
        pytest.param(b"3gone\t\terror.host\t1\r\n.\r\n", "gone", "gone", id="an item"),
        pytest.param(b"3gone\t\te\t1\r\niSorry\t\te\t1\r\n", "gone", "gone", id="with a text"),
        pytest.param(b"3gone\r\n", "gone", None, id="without fields"),
        pytest.param(b"Error: gone\r\n", "Error: gone", "Error: gone", id="a line"),
        pytest.param(b"Error: a\r\nb\r\n", None, None, id="two lines"),
        pytest.param(b"iNews\t\te\t1\r\n3gone\t\te\t1\r\n", None, None, id="a menu with an error"),
        pytest.param(b"3gone\t\te\t1\r\n1x\t\te\t1\r\n", None, None, id="an error in a menu"),
        pytest.param(b"", None, None, id="nothing"),
    ],
)
def test_refusals(answer: bytes, of_menu: str | None, of_file: str | None) -> None:
    assert refusal_in(answer, is_menu=True) == of_menu
    assert refusal_in(answer, is_menu=False) == of_file


def asked(
    *blocks: bytes, closing: bool = True, piece: int = 65_536
) -> tuple[Gopher, AnsweringStream]:
    stream = AnsweringStream(b"", blocks, closing=closing, piece=piece)
    client = Gopher(Conversation(stream, "h.test:70"))
    client.ask(b"/x")
    return client, stream


@pytest.mark.parametrize("piece", [1, 3, 65_536])
def test_the_client_reads_menus_texts_and_files(piece: int) -> None:
    menu, stream = asked(b"1Caf\xe9\t/\th.test\t70\nix\r\n.\r\n", piece=piece)
    text, _ = asked(b"Error: a\r\n3\r\n.\r\n", piece=piece)
    file, _ = asked(b"3 octets\r\n.\r\n", piece=piece)

    assert [(item.kind, item.text) for item in menu.read_menu()] == [("1", "Café"), ("i", "x")]
    assert stream.said == [b"/x"]
    assert b"".join(text.read_text()) == b"Error: a\r\n3\r\n"
    assert b"".join(file.read_octets()) == b"3 octets\r\n.\r\n"


def test_what_is_searched_is_sent_behind_a_tab() -> None:
    stream = AnsweringStream(b"", b".\r\n")
    with Gopher(Conversation(stream, "h.test:70")) as client:
        client.ask(b"/find", b"two words")
        assert list(client.read_menu()) == []

    assert stream.said == [b"/find\ttwo words"]
    assert stream.is_closed


@pytest.mark.parametrize("octet", [b"\r", b"\n", b"\0"])
def test_no_second_line_can_be_sent(octet: bytes) -> None:
    stream = AnsweringStream(b"", b"x")
    client = Gopher(Conversation(stream, "h.test:70"))

    with pytest.raises(LocalProtocolError):
        client.ask(b"/a" + octet + b"DELE 1")
    assert stream.said == []


def test_one_question_and_one_answer() -> None:
    client, _ = asked(b"x")
    with pytest.raises(LocalProtocolError, match="ask is not legal in the state 'asked'"):
        client.ask(b"/y")
    assert list(client.read_octets()) == [b"x"]
    with pytest.raises(LocalProtocolError, match="read is not legal in the state 'answered'"):
        client.read_octets()


def test_a_refusal_is_known_before_the_connection_ends() -> None:
    client, _ = asked(b"3\x1b[2J gone\t\te\t1\r\n.\r\n", closing=False)

    with pytest.raises(PermanentNegativeReply) as caught:
        client.read_text()
    assert str(caught.value) == r"h.test:70 refuses: \x1b[2J gone"
    assert (caught.value.code, caught.value.text) == ("3", "\x1b[2J gone")


def test_a_menu_ends_with_its_dot_though_the_server_goes_on() -> None:
    client, _ = asked(b"1a\t\th\t70\r\n.\r\n", closing=False)

    assert len(list(client.read_menu())) == 1


def test_no_answer_is_no_menu_and_an_empty_text() -> None:
    with pytest.raises(IncompleteMessage, match="closed without an answer"):
        asked()[0].read_menu()
    assert list(asked()[0].read_text()) == []


def test_a_line_without_end() -> None:
    endless = iter(lambda: b"x" * 4096, None)
    stream = AnsweringStream(b"", endless)
    client = Gopher(Conversation(stream, "h.test:70"))
    client.ask(b"")

    with pytest.raises(TooLong, match=f"a line of more than {MAX_LINE} octets"):
        list(client.read_menu())


@pytest.mark.parametrize(
    ("limit", "line"),
    [
        pytest.param("MAX_ITEMS", b"iline\r\n", id="lines"),
        pytest.param("MAX_MENU", b"iline\r\n" * 10, id="octets"),
    ],
)
def test_a_menu_without_end(limit: str, line: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gopher_menu, limit, 1000)
    stream = AnsweringStream(b"", iter(lambda: line, None))
    client = Gopher(Conversation(stream, "h.test:70"))
    client.ask(b"")

    with pytest.raises(TooLong, match="the menu has more than 1000"):
        list(client.read_menu())


def test_a_menu_comes_as_slowly_as_it_is_sent() -> None:
    client, _ = asked(b"ione\r\n", b"itwo\r\n", closing=False)

    assert [item.text for item in islice(client.read_menu(), 2)] == ["one", "two"]
