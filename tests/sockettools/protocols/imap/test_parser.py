from __future__ import annotations

import re
from array import array
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockettools.errors import RemoteProtocolError, TooLong
from sockettools.protocols.imap.parser import (
    MAX_DEPTH,
    MAX_LITERAL_SIZE,
    MAX_RESPONSE,
    Atom,
    Continuation,
    Data,
    Found,
    Response,
    ResponseParser,
    Status,
    Streamed,
    Value,
    fetched,
    number_of,
)
from tests.growth import assert_linear

if TYPE_CHECKING:
    from collections.abc import Callable


def parsed(*turns: bytes) -> Response:
    """Feed a line, a literal, a line, ... and return what they are."""
    parser = ResponseParser("it")
    for number, turn in enumerate(turns):
        if number % 2:
            parser.feed_literal(turn)
        else:
            size = parser.feed_line(turn)
            assert (size is None) is (number == len(turns) - 1)
            assert size is None or size == len(turns[number + 1])
    return parser.response


# Most of them are the examples of RFC 3501 sections 6 to 8.
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param(b"a1 OK done", Status("a1", "OK", "", "", "done"), id="tagged"),
        pytest.param(b"a1 ok", Status("a1", "OK", "", "", ""), id="lower case, no text"),
        pytest.param(
            b"* OK [ALERT] System shutdown in 10 minutes",
            Status("*", "OK", "ALERT", "", "System shutdown in 10 minutes"),
            id="code",
        ),
        pytest.param(
            b"* OK [PERMANENTFLAGS (\\Deleted \\*)] Limited",
            Status("*", "OK", "PERMANENTFLAGS", "(\\Deleted \\*)", "Limited"),
            id="code with arguments",
        ),
        pytest.param(
            b"* BYE (see {5}", Status("*", "BYE", "", "", "(see {5}"), id="text is just text"
        ),
        pytest.param(b"* PREAUTH hi", Status("*", "PREAUTH", "", "", "hi"), id="PREAUTH"),
        pytest.param(b"a2 NO caf\xe9", Status("a2", "NO", "", "", "café"), id="Latin-1"),
        pytest.param(b"+ idling", Continuation("idling"), id="continuation"),
        pytest.param(b"+", Continuation(""), id="continuation without a space"),
        pytest.param(b"+ OK go on", Continuation("OK go on"), id="no status"),
        pytest.param(b"* 23 EXISTS", Data("EXISTS", 23), id="number"),
        pytest.param(b"* SEARCH", Found(array("I")), id="nothing found"),
        pytest.param(b"* search 2 84 882", Found(array("I", [2, 84, 882])), id="found"),
        pytest.param(
            b"* SEARCH 2 4294967295 (MODSEQ 917162500)",
            Found(array("I", [2, 2**32 - 1])),
            id="found, RFC 7162",
        ),
        pytest.param(
            b'* LIST (\\Noselect) "/" ~/Mail/foo',
            Data("LIST", None, [[b"\\Noselect"], b"/", b"~/Mail/foo"]),
            id="LIST",
        ),
        pytest.param(
            b'* LIST () NIL "a\\"\\\\b"', Data("LIST", None, [[], None, b'a"\\b']), id="escapes"
        ),
        pytest.param(
            b'* LIST () "/" [Gmail]/Spam',
            Data("LIST", None, [[], b"/", b"[Gmail]/Spam"]),
            id="brackets",
        ),
        pytest.param(
            b"* 2 FETCH (FLAGS (\\Seen $a) UID 7)",
            Data("FETCH", 2, [[b"FLAGS", [b"\\Seen", b"$a"], b"UID", b"7"]]),
            id="FETCH",
        ),
        pytest.param(
            b'* 2 FETCH (BODY[HEADER.FIELDS (DATE FROM)]<0> "x" BODY[1.2]"y")',
            Data("FETCH", 2, [[b"BODY[HEADER.FIELDS (DATE FROM)]<0>", b"x", b"BODY[1.2]", b"y"]]),
            id="sections",
        ),
        pytest.param(
            b'* 2 FETCH (BODY[HEADER.FIELDS (DATE)]<0.16384> "x" BODY[]<0.8> "y")',
            Data(
                "FETCH", 2, [[b"BODY[HEADER.FIELDS (DATE)]<0.16384>", b"x", b"BODY[]<0.8>", b"y"]]
            ),
            id="sections, Twisted",
        ),
        pytest.param(
            b'* 1 FETCH (BODY ("TEXT" "PLAIN" ("A" "B")("C" "D") NIL 12))',
            Data(
                "FETCH",
                1,
                [
                    [
                        b"BODY",
                        [b"TEXT", b"PLAIN", [b"A", b"B"], [b"C", b"D"], None, b"12"],
                    ]
                ],
            ),
            id="nested",
        ),
        pytest.param(b"* XYZZY a \t b ", Data("XYZZY", None, [b"a", b"b"]), id="unknown"),
    ],
)
def test_a_line(line: bytes, expected: Response) -> None:
    assert parsed(line) == expected


@pytest.mark.parametrize("plus", [b"", b"+"])
def test_literals(plus: bytes) -> None:
    response = parsed(b"* 3 FETCH (X {5%b}" % plus, b")\r\n {", b' Y ("z" {0}', b"", b") UID 4)")

    assert isinstance(response, Data)
    assert fetched("it", response.values) == {"X": b")\r\n {", "Y": [b"z", b""], "UID": b"4"}


def test_a_literal_can_be_streamed() -> None:
    parser = ResponseParser("it")
    assert parser.awaited == ""
    assert (
        parser.feed_line(b'* 3 FETCH (UID 4 body[header.fields ("a")]<0> {50000000}') == 50_000_000
    )
    assert parser.awaited == "BODY[HEADER.FIELDS (A)]<0>"
    assert parser.items == {"UID": b"4"}
    parser.feed_literal(Streamed.STREAMED)
    assert parser.feed_line(b" FLAGS ())") is None

    assert parser.items["FLAGS"] == []
    assert parser.items["BODY[HEADER.FIELDS (A)]<0>"] is Streamed.STREAMED
    assert parser.size < 100


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"* 3 FETCH (BODYSTRUCTURE (BODY[] {3}", id="in a list"),
        pytest.param(b"* 3 FETCH (BODY[] x {3}", id="where a name has to be"),
        pytest.param(b"* 3 FETCH {3}", id="no list"),
        pytest.param(b"* FETCH (BODY[] {3}", id="no number"),
        pytest.param(b"* LIST () (BODY[] {3}", id="no FETCH"),
    ],
)
def test_only_the_value_of_an_item_is_awaited(line: bytes) -> None:
    parser = ResponseParser("it")

    assert parser.feed_line(line) == 3
    assert parser.awaited == ""


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"hello", id="a word"),
        pytest.param(b"HTTP/1.1 400 Bad Request", id="another protocol"),
        pytest.param(b"a1 MAYBE", id="no condition"),
        pytest.param(b"* ", id="no name"),
        pytest.param(b"* 12", id="only a number"),
        pytest.param(b"* (a)", id="a list for a name"),
        pytest.param(b"* 2 FETCH (UID 7", id="list without end"),
        pytest.param(b"* 2 FETCH UID 7)", id="list without beginning"),
        pytest.param(b'* LIST () "/', id="string without end"),
        pytest.param(b"* LIST () {5} x", id="literal in the middle"),
        pytest.param(b"* LIST () {x}", id="literal without size"),
        pytest.param(b"* LIST () {-1}", id="negative literal"),
        pytest.param(b"* LIST () \0", id="NUL"),
        pytest.param(b"* SEARCH 4294967296", id="33 bits"),
        pytest.param(b"* SEARCH -5", id="negative number"),
        pytest.param(b"* SEARCH 0", id="number 0"),
        pytest.param(b'* search foo "bar"', id="no numbers"),
        pytest.param(b"* SEARCH 2 {3}", id="literal for a number"),
        pytest.param(b"* SEARCH " + b"9" * 5000, id="thousands of digits"),
        pytest.param(b"* " + b"9" * 5000 + b" EXISTS", id="number of thousands of digits"),
    ],
)
def test_no_response(line: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match=r"^it "):
        ResponseParser("it").feed_line(line)


@pytest.mark.parametrize(
    "line",
    [
        b"what is secret",
        b"* \x01 secret",
        b"* secret\x01",
        b"* SEARCH secret",
        b"* LIST (secret\x01",
        b"* LIST " + b"x" * 280 + b" secret" * 40 + b"\x01",
    ],
    ids=lambda line: line[:20].decode(),
)
def test_what_is_secret_is_in_no_error(line: bytes) -> None:
    parser = ResponseParser("it", lambda text: text.replace("secret", "***"))
    with pytest.raises(RemoteProtocolError, match=r"\*\*\*") as caught:
        parser.feed_line(line)
    assert "sec" not in str(caught.value)


def test_the_largest_literal() -> None:
    assert ResponseParser("it").feed_line(b"* X {%d}" % MAX_LITERAL_SIZE) == MAX_LITERAL_SIZE
    with pytest.raises(TooLong, match="9223372036854775808"):
        ResponseParser("it").feed_line(b"* X {9223372036854775808}")


def test_nesting_has_an_end() -> None:
    deepest = b"(" * MAX_DEPTH + b")" * MAX_DEPTH
    assert isinstance(parsed(b"* X " + deepest), Data)
    with pytest.raises(TooLong, match="nested"):
        parsed(b"* X (" + deepest + b")")
    with pytest.raises(TooLong):
        parsed(b"* X " + b"(" * 100_000)


def test_a_response_has_an_end() -> None:
    with pytest.raises(TooLong, match=str(MAX_RESPONSE)):
        parsed(*[b"* X {60000}", bytes(60_000)] * 5)


def test_a_search_may_find_a_million() -> None:
    line = b"* SEARCH " + b" ".join(b"%d" % number for number in range(1, 1_000_001))
    found = parsed(line)

    assert isinstance(found, Found)
    assert len(found.numbers) == 1_000_000
    assert found.numbers[-1] == 1_000_000


@pytest.mark.parametrize(
    "unit",
    [
        pytest.param(b"BODY[", id="open brackets"),
        pytest.param(b"BODY[ ", id="open brackets, apart"),
        pytest.param(b'"\\', id="open quotes"),
        pytest.param(b"\\\\", id="backslashes"),
        pytest.param(b"() ", id="lists"),
        pytest.param(b"1 ", id="numbers"),
        pytest.param(b"{1 ", id="braces"),
    ],
)
def test_no_line_takes_long(unit: bytes) -> None:
    def prepare(octets: int) -> Callable[[], None]:
        line = b"* X " + unit * (octets // len(unit))

        def parse() -> None:
            with suppress(RemoteProtocolError):
                parsed(line)

        return parse

    growth = 10
    assert_linear(prepare, (MAX_RESPONSE - 10) // growth, growth)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([], id="nothing"),
        pytest.param([Atom(b"UID")], id="no list"),
        pytest.param([[b"UID", Atom(b"7")]], id="name in quotes"),
        pytest.param([[[], Atom(b"7")]], id="list for a name"),
        pytest.param([[], []], id="two lists"),
    ],
)
def test_no_items(values: list[Value]) -> None:
    with pytest.raises(RemoteProtocolError, match="names and values"):
        fetched("it", values)


@pytest.mark.parametrize(
    "value",
    [None, b"7", Atom(b"x"), Atom(b""), Atom(b"-1"), Atom(b"9" * 20), [], Atom("٣".encode())],
    ids=repr,
)
def test_no_number(value: Value) -> None:
    with pytest.raises(RemoteProtocolError, match="number"):
        number_of("it", value)


TREE = st.recursive(
    st.one_of(
        st.none(),
        st.binary(max_size=20),
        st.from_regex(rb"[A-Za-z0-9\\$.]{1,9}", fullmatch=True)
        .filter(lambda word: word.upper() != b"NIL")
        .map(Atom),
    ),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=20,
)


def written(value: Value, turns: list[bytes], literals: bool) -> None:
    """Write a value as a server may; a literal begins a new turn."""
    match value:
        case None:
            turns[-1] += b"NIL"
        case Atom():
            turns[-1] += value
        case bytes() if literals or re.search(rb"[\r\n\0]", value):
            turns[-1] += b"{%d}" % len(value)
            turns += [value, b""]
        case bytes():
            turns[-1] += b'"' + re.sub(rb'(["\\])', rb"\\\1", value) + b'"'
        case list():
            turns[-1] += b"("
            for number, inner in enumerate(value):
                turns[-1] += b" " if number else b""
                written(inner, turns, literals)
            turns[-1] += b")"


@given(st.lists(TREE, max_size=4), st.booleans())
def test_what_is_written_is_read(values: list[Value], literals: bool) -> None:
    turns = [b"* XYZZY"]
    for value in values:
        turns[-1] += b" "
        written(value, turns, literals)

    assert parsed(*turns) == Data("XYZZY", None, values)


PIECE = st.sampled_from(
    [b"* ", b"a1 ", b"OK", b"(", b")", b'"', b"\\", b"{3}", b"NIL", b"7", b"FETCH", b"BODY[", b"]"]
)


@given(st.lists(st.one_of(PIECE, st.binary(max_size=3)), max_size=12), st.booleans())
def test_noise_is_an_error_of_the_server(pieces: list[bytes], untagged: bool) -> None:
    parser = ResponseParser("it")
    try:
        while parser.feed_line((b"* " if untagged else b"") + b"".join(pieces)) is not None:
            parser.feed_literal(b"abc")
    except RemoteProtocolError:
        return
    assert parser.response
