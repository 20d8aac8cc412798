from __future__ import annotations

import io
import itertools
import tracemalloc
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockettools.errors import (
    IncompleteMessage,
    LocalProtocolError,
    NegativeReply,
    PermanentNegativeReply,
    ReadTimeout,
    RemoteProtocolError,
    SocketToolsError,
    TooLong,
    TransientNegativeReply,
)
from sockettools.net.deadline import NEVER, Deadline
from sockettools.net.tls import client_context
from sockettools.net.transcript import RecordedStream, TextSink, Transcript
from sockettools.protocols import nntp
from sockettools.protocols.access import Credentials
from sockettools.protocols.conversation import Conversation
from sockettools.protocols.nntp import (
    COMMANDS,
    MAX_CAPABILITIES,
    MAX_HEADS,
    Group,
    ListedGroup,
    NntpClient,
    NntpState,
)
from tests.patience import SILENCE
from tests.sockettools.protocols.answering import AnsweringStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

READY = b"200 ready\r\n"
UNKNOWN = b"500 what?\r\n"
GROUP = b"211 3 1 3 test.general\r\n"
FORMAT = b"215 order\r\nSubject:\r\nFrom:\r\nDate:\r\n.\r\n"

ALICE = Credentials("alice", "secret")


def client_of(
    *answers: bytes | Iterable[bytes],
    piece: int = 65_536,
    credentials: Credentials | None = None,
) -> tuple[NntpClient, AnsweringStream]:
    """Return a client that was greeted."""
    stream = AnsweringStream(READY, *answers, piece=piece)
    client = NntpClient(Conversation(stream, "server"), lambda: credentials)
    client.greet()
    return client, stream


def in_group(
    *answers: bytes | Iterable[bytes], piece: int = 65_536
) -> tuple[NntpClient, AnsweringStream]:
    client, stream = client_of(GROUP, *answers, piece=piece)
    client.group("test.general")
    stream.said.clear()
    return client, stream


def log_in(client: NntpClient) -> None:
    client.login(ALICE)


def list_of(*lines: str) -> bytes:
    return "".join(f"{line}\r\n" for line in (*lines, ".")).encode()


@pytest.mark.parametrize(
    ("greeting", "is_allowed"), [(b"200 ready\r\n", True), (b"201 look\r\n", False)]
)
def test_greeting(greeting: bytes, is_allowed: bool) -> None:
    client = NntpClient(Conversation(AnsweringStream(greeting), "server"))
    assert client.greet().code in (200, 201)
    assert client.is_posting_allowed is is_allowed
    assert client.state is NntpState.READY


@pytest.mark.parametrize(
    ("greeting", "error", "text"),
    [
        pytest.param(b"400 busy\r\n", TransientNegativeReply, "400 busy", id="busy"),
        pytest.param(b"502 no\r\n", PermanentNegativeReply, "502 no", id="not for you"),
        pytest.param(b"205 bye\r\n", RemoteProtocolError, "205 bye", id="wrong code"),
        pytest.param(b"+OK POP3\r\n", RemoteProtocolError, "no reply", id="other protocol"),
        pytest.param(b"x" * 100_000, TooLong, "line of more than", id="endless"),
        pytest.param(b"200", ReadTimeout, "in time", id="silence"),
        pytest.param(b"502 \x1b[2J\r\n", PermanentNegativeReply, r"\\x1b\[2J", id="escape"),
    ],
)
def test_greetings_that_are_none(greeting: bytes, error: type[SocketToolsError], text: str) -> None:
    client = NntpClient(Conversation(AnsweringStream(greeting), "server"))
    with pytest.raises(error, match=text):
        client.greet()
    assert client.state is not NntpState.READY


def test_a_server_that_closes() -> None:
    stream = AnsweringStream(READY, GROUP[:8], closing=True)
    client = NntpClient(Conversation(stream, "server"))
    client.greet()
    with pytest.raises(IncompleteMessage, match="in the middle"):
        client.group("test.general")


@pytest.mark.parametrize("piece", [1, 65_536])
def test_capabilities(piece: int) -> None:
    client, stream = client_of(
        list_of("101 here", "VERSION 2", "reader", "AUTHINFO USER SASL", ""), piece=piece
    )
    expected = {"VERSION": ("2",), "READER": (), "AUTHINFO": ("USER", "SASL"), "": ()}
    assert client.capabilities() == expected
    assert client.capabilities() == expected
    assert stream.said == [b"CAPABILITIES"]


@pytest.mark.parametrize("code", [500, 501, 502, 503, 480])
def test_servers_without_capabilities(code: int) -> None:
    client, _ = client_of(f"{code} what\r\n".encode())
    assert client.capabilities() == {}


def test_mode_reader() -> None:
    client, stream = client_of(list_of("101", "MODE-READER"), b"201 no posting\r\n", UNKNOWN)
    assert "MODE-READER" in client.capabilities()
    client.mode_reader()
    assert not client.is_posting_allowed
    assert client.capabilities() == {}
    assert stream.said == [b"CAPABILITIES", b"MODE READER", b"CAPABILITIES"]


def test_a_server_that_asks_for_mode_reader() -> None:
    client, stream = client_of(b"401 MODE-READER\r\n", READY, GROUP)
    assert client.group("test.general") == Group("test.general", 3, 1, 3)
    assert stream.said == [b"GROUP test.general", b"MODE READER", b"GROUP test.general"]


def test_octets_before_tls() -> None:
    client, _ = client_of(b"382 go on\r\n211 3 1 3 injected\r\n")
    with pytest.raises(RemoteProtocolError, match="before the encryption began"):
        client.start_tls(client_context(), "server")


def test_nothing_from_before_tls_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    client, stream = client_of(list_of("101", "OVER"), b"382 go on\r\n", list_of("101", "POST"))
    monkeypatch.setattr(Conversation, "start_tls", lambda *_: None)
    assert "OVER" in client.capabilities()
    client.start_tls(client_context(), "server")
    assert client.capabilities() == {"POST": ()}
    assert stream.said == [b"CAPABILITIES", b"STARTTLS", b"CAPABILITIES"]


def test_tls_that_is_refused() -> None:
    client, _ = client_of(b"580 no\r\n")
    with pytest.raises(PermanentNegativeReply, match="refused STARTTLS: 580 no"):
        client.start_tls(client_context(), "server")


def test_login_when_the_server_asks() -> None:
    client, stream = client_of(
        b"480 who?\r\n", b"381 go on\r\n", b"281 welcome\r\n", GROUP, credentials=ALICE
    )
    client.group("test.general")
    assert stream.said == [
        b"GROUP test.general",
        b"AUTHINFO USER alice",
        b"AUTHINFO PASS secret",
        b"GROUP test.general",
    ]


@pytest.mark.parametrize(
    ("answers", "text"),
    [
        pytest.param([b"480 who?\r\n"] * 9, r"refused AUTHINFO USER: 480 who\?$", id="always asks"),
        pytest.param(
            [b"480 who?\r\n", b"281 hi\r\n", b"480 who?\r\n"],
            r"GROUP a: 480 who\? \(this login does not allow it\)$",
            id="asks again",
        ),
        pytest.param(
            [b"480 who?\r\n", b"381 go on\r\n", b"481 no\r\n"], "the login: 481 no", id="wrong"
        ),
        pytest.param(
            [b"480 who?\r\n", b"483 secret\r\n"], "483 secret .it wants encryption", id="no TLS"
        ),
    ],
)
def test_logins_that_fail(answers: list[bytes], text: str) -> None:
    client, stream = client_of(*answers, credentials=ALICE)
    with pytest.raises(PermanentNegativeReply, match=text):
        client.group("a")
    assert len(stream.said) <= 3


def test_who_is_known_logs_in_once() -> None:
    client, stream = client_of(b"281 hi\r\n", b"480 not you\r\n", credentials=ALICE)
    client.login(ALICE)
    with pytest.raises(PermanentNegativeReply, match="GROUP a: 480 not you"):
        client.group("a")
    assert stream.said == [b"AUTHINFO USER alice", b"GROUP a"]


def test_a_second_login_is_not_legal() -> None:
    client, stream = client_of(b"281 hi\r\n")
    client.login(ALICE)
    with pytest.raises(LocalProtocolError, match="this session is logged in already at server"):
        client.login(ALICE)
    assert stream.said == [b"AUTHINFO USER alice"]


def test_a_login_can_be_tried_again() -> None:
    client, stream = client_of(b"381 go on\r\n", b"481 no\r\n", b"281 hi\r\n")
    with pytest.raises(PermanentNegativeReply, match="the login: 481 no"):
        client.login(ALICE)
    client.login(Credentials("bob", "secret"))
    assert stream.said[-1] == b"AUTHINFO USER bob"


def test_a_session_is_closed_with_its_block() -> None:
    stream = AnsweringStream(READY, GROUP)
    with NntpClient(Conversation(stream, "server")) as client:
        client.greet()
        with pytest.raises(LocalProtocolError, match="only one greeting"):
            client.greet()
        client.group("a")
    assert stream.is_closed
    with pytest.raises(LocalProtocolError, match="not legal in the state 'closed'"):
        client.quit()
    client.close()


def test_nothing_is_legal_after_half_an_answer() -> None:
    client, stream = client_of(b"211 3 ")
    problems: list[tuple[type[SocketToolsError], str]] = [
        (ReadTimeout, "in time"),
        (LocalProtocolError, "'receiving'"),
    ]
    for problem, text in problems:
        with pytest.raises(problem, match=text):
            client.group("a")
    assert stream.said == [b"GROUP a"]


def test_nobody_to_log_in() -> None:
    client, _ = client_of(b"480 who?\r\n")
    with pytest.raises(PermanentNegativeReply, match=r"480 who\? .* user name and password"):
        client.group("a")


def test_passwords_are_not_in_traces() -> None:
    trace = io.StringIO()
    stream = AnsweringStream(READY, b"381 go on\r\n", b"281 hi\r\n")
    recorded = RecordedStream(stream, Transcript([TextSink(trace)]))
    client = NntpClient(Conversation(recorded, "server"))
    client.greet()
    client.login(ALICE)
    assert stream.said[1] == b"AUTHINFO PASS secret"
    assert "secret" not in trace.getvalue()
    assert "AUTHINFO PASS ***" in trace.getvalue()


@pytest.mark.parametrize(
    ("answer", "command", "text"),
    [
        pytest.param(
            b"481 no AUTHINFO PASS secret\r\n",
            log_in,
            r"the login: 481 no AUTHINFO PASS \*\*\*$",
            id="refusal",
        ),
        pytest.param(b"hey secret\r\n", log_in, r"no reply but 'hey \*\*\*'", id="no reply"),
        pytest.param(b"211 secret\r\n", log_in, r"the login with 211 \*\*\*$", id="wrong code"),
        pytest.param(
            b"211 secret\r\n", lambda client: client.group("a"), r"with '\*\*\*'", id="a group"
        ),
        pytest.param(
            b"215\r\nsecret\r\n.\r\n", lambda client: list(client.groups()), r"\*\*\*", id="groups"
        ),
        pytest.param(
            b"215\r\n.\r\nsecret\t\r\n",
            lambda client: list(client.overview(1)),
            r"no reply but '\*\*\*",
            id="overview",
        ),
        pytest.param(
            b"220 secret\r\n",
            lambda client: client.head("<a@b>"),
            r"with 220 \*\*\*$",
            id="article",
        ),
    ],
)
def test_passwords_that_servers_repeat(
    answer: bytes, command: Callable[[NntpClient], object], text: str
) -> None:
    trace = io.StringIO()
    stream = AnsweringStream(
        READY, GROUP, b"381 go on\r\n", *([] if command is log_in else [b"281 hi\r\n"]), answer
    )
    recorded = RecordedStream(stream, Transcript([TextSink(trace)]))
    client = NntpClient(Conversation(recorded, "server"))
    client.greet()
    client.group("a")
    if command is not log_in:
        client.login(ALICE)
    with pytest.raises(SocketToolsError, match=text) as raised:
        command(client)
    assert "secret" not in str(raised.value) + getattr(raised.value, "text", "")
    assert "secret" not in trace.getvalue()
    assert stream.said[2] == b"AUTHINFO PASS secret"


def test_an_article_whose_name_has_a_password_in_it() -> None:
    client, _ = client_of(b"381 go on\r\n", b"281 hi\r\n", list_of("220 0 <1@secret.example>", "x"))
    client.login(ALICE)
    assert b"".join(client.article("<1@secret.example>")) == b"x\r\n"


def test_groups() -> None:
    client, stream = client_of(
        list_of("215", "test.general 0000000003 0000000001 y", "tèst 0 1 =other", "a  2 0  m "),
        list_of("215", "a 1 1 y"),
    )
    assert list(client.groups()) == [
        ListedGroup("test.general", 1, 3, "y"),
        ListedGroup("tèst", 1, 0, "=other"),
        ListedGroup("a", 0, 2, "m"),
    ]
    assert list(client.groups("a*")) == [ListedGroup("a", 1, 1, "y")]
    assert stream.said == [b"LIST", b"LIST ACTIVE a*"]


@pytest.mark.parametrize(
    "line",
    ["", "a", "a 1 y", "a 1 x y", "a 1 2 3 4", f"a {'9' * 20} 1 y", "a 2 -1 y", "a -1 1 y"],
)
def test_lines_that_are_no_group(line: str) -> None:
    client, _ = client_of(list_of("215", line))
    with pytest.raises(RemoteProtocolError, match="in its list of groups"):
        list(client.groups())


def test_descriptions() -> None:
    client, _ = client_of(
        list_of("215", "test.general\tGeneral  tests", "a", "", "b \t caf\xe9 au lait"),
        b"503 none\r\n",
    )
    assert client.descriptions() == {
        "test.general": "General  tests",
        "a": "",
        "": "",
        "b": "café au lait",
    }
    assert client.descriptions("a*") == {}


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        pytest.param(b"211 3 1 3 a\r\n", Group("a", 3, 1, 3), id="the standard"),
        pytest.param(b"211 0 0 0\r\n", Group("a", 0, 0, 0), id="no name"),
        pytest.param(b"211 0 5 4 a\r\n", Group("a", 0, 5, 4), id="empty"),
        pytest.param(b"211 0003 01 03 a b c\r\n", Group("a", 3, 1, 3), id="more text"),
        pytest.param(
            b"211 1099511627776 1 1099511627776 a\r\n", Group("a", 2**40, 1, 2**40), id="huge"
        ),
    ],
)
def test_group(reply: bytes, expected: Group) -> None:
    client, _ = client_of(reply)
    assert client.group("a") == expected
    assert client.state is NntpState.IN_GROUP


@pytest.mark.parametrize("text", [b"", b" ", b" a", b" 1 2", b" 1 -2 3 a", b" 1 2 " + b"9" * 99])
def test_groups_that_make_no_sense(text: bytes) -> None:
    client, _ = client_of(b"211" + text + b"\r\n")
    with pytest.raises(RemoteProtocolError, match="selected a group with"):
        client.group("a")


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (400, TransientNegativeReply),
        (403, TransientNegativeReply),
        (411, PermanentNegativeReply),
        (502, PermanentNegativeReply),
        (503, PermanentNegativeReply),
    ],
)
def test_refusals(code: int, error: type[NegativeReply]) -> None:
    client, _ = client_of(f"{code} no\r\n".encode())
    with pytest.raises(error, match=f"server refused GROUP a: {code} no") as raised:
        client.group("a")
    assert raised.value.code == code
    assert client.state is (NntpState.CLOSED if code == 400 else NntpState.READY)


def test_overview_with_columns_in_another_order() -> None:
    client, stream = in_group(
        list_of("215", "Lines:", "From:", "Xref:full", "Subject:"),
        list_of("224", "1\t17\ta@b.example\tXref: x a:1\tHello", "..", "3\t"),
    )
    overviews = client.overview(1, 3)
    first = next(overviews)
    assert (first.number, first.subject, first.lines) == (1, "Hello", 17)
    assert first.field("Xref") == "x a:1"
    with pytest.raises(RemoteProtocolError, match="not with a number"):
        next(overviews)
    assert stream.said == [b"LIST OVERVIEW.FMT", b"OVER 1-3"]


@pytest.mark.parametrize("code", [420, 423])
def test_overview_of_nothing(code: int) -> None:
    client, _ = in_group(FORMAT, f"{code} none\r\n".encode())
    assert list(client.overview(5)) == []
    assert client.state is NntpState.IN_GROUP


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        pytest.param(1, 3, b"1-3", id="all"),
        pytest.param(2, 9_999_999_999, b"2-3", id="far above the last one"),
        pytest.param(3, 4, b"3-3", id="one above it"),
        pytest.param(4, 5, None, id="all above it"),
        pytest.param(3, 2, None, id="none"),
        pytest.param(4, None, b"4-", id="what has come since"),
    ],
)
def test_ranges_end_with_the_group(low: int, high: int | None, said: bytes | None) -> None:
    client, stream = in_group(FORMAT, list_of("224"))
    assert list(client.overview(low, high)) == []
    assert stream.said == ([b"LIST OVERVIEW.FMT", b"OVER " + said] if said else [])


@pytest.mark.parametrize(
    ("low", "high"),
    [(-5, 2), (0, 2), (1, -1), (True, 2), (1, 2.0), ("1", None), (10**18, None), (1, 10**30)],
)
def test_ranges_that_are_none(low: int, high: int | None) -> None:
    client, stream = in_group()
    with pytest.raises(LocalProtocolError, match="is no range of articles, whose numbers begin"):
        client.overview(low, high)
    assert stream.said == []


@pytest.mark.parametrize("number", [1, 4, 99, 10**17])
@pytest.mark.parametrize("high", [3, 99])
def test_overviews_that_nobody_asked_for(number: int, high: int) -> None:
    client, _ = in_group(FORMAT, list_of("224", "2\tHello", f"{number}\tHello"))
    overviews = client.overview(2, high)
    assert next(overviews).number == 2
    with pytest.raises(RemoteProtocolError, match=f"article {number}, which is not one of 2-3"):
        next(overviews)
    with pytest.raises(LocalProtocolError, match="not legal in the state 'receiving'"):
        client.quit()


@pytest.mark.parametrize("code", [501, 502, 503])
def test_who_has_overviews_and_refuses_them(code: int) -> None:
    refusal = f"{code} not today\r\n".encode()
    client, stream = in_group(FORMAT, refusal, list_of("101", "VERSION 2", "OVER MSGID"))
    with pytest.raises(PermanentNegativeReply, match=f"refused OVER 1-3: {code} not today"):
        client.overview(1, 3)
    assert stream.said == [b"LIST OVERVIEW.FMT", b"OVER 1-3", b"CAPABILITIES"]


@pytest.mark.parametrize("code", [501, 502, 503])
def test_who_does_not_say_to_have_overviews(code: int) -> None:
    refusal = f"{code} what?\r\n".encode()
    client, stream = in_group(
        FORMAT, refusal, list_of("101", "VERSION 2"), list_of("224", "2\tHello")
    )
    assert [overview.number for overview in client.overview(1, 3)] == [2]
    assert stream.said[-1] == b"XOVER 1-3"


def test_columns_are_asked_for_once() -> None:
    client, stream = in_group(FORMAT, list_of("224"), list_of("224"))
    assert list(client.overview(1, 2)) + list(client.overview(3)) == []
    assert stream.said == [b"LIST OVERVIEW.FMT", b"OVER 1-2", b"OVER 3-"]


@pytest.mark.parametrize("format_reply", [UNKNOWN, list_of("215")])
def test_xover(format_reply: bytes) -> None:
    client, stream = in_group(format_reply, UNKNOWN, list_of("224", "2\tHello\ta@b.example"))
    assert [(one.number, one.subject, one.sender) for one in client.overview(1, 3)] == [
        (2, "Hello", "a@b.example")
    ]
    assert stream.said == [b"LIST OVERVIEW.FMT", b"OVER 1-3", b"XOVER 1-3"]


def test_headers_where_there_is_no_overview() -> None:
    client, stream = in_group(
        UNKNOWN,
        UNKNOWN,
        UNKNOWN,
        list_of("221 1 <a@b> head", "Subject: Hello", "Lines: 4"),
        b"423 no such number\r\n",
        list_of("221 3 <c@b> head", "..: x", "Subject: =?utf-8?q?Caf=C3=A9?="),
    )
    overviews = list(client.overview(1))
    assert [(one.number, one.subject, one.lines) for one in overviews] == [
        (1, "Hello", 4),
        (3, "Café", None),
    ]
    assert stream.said[-3:] == [b"HEAD 1", b"HEAD 2", b"HEAD 3"]


def test_too_many_headers() -> None:
    client, stream = client_of(b"211 1 1 999 a\r\n", UNKNOWN, UNKNOWN, UNKNOWN)
    client.group("a")
    with pytest.raises(PermanentNegativeReply, match=f"take {MAX_HEADS} of them, such as 5-204"):
        client.overview(5, 5 + MAX_HEADS)
    assert len(stream.said) == 4


@pytest.mark.parametrize("piece", [1, 3, 65_536])
def test_articles(piece: int) -> None:
    text = b"Subject: x\r\n\r\n..\r\n...\r\n..a\r\n.\r\n"
    client, stream = in_group(
        b"220 1 <a@b>\r\n" + text,
        b"221 1 <a@b>\r\n" + text,
        b"222 1 <a@b>\r\n" + text,
        list_of("224"),
        piece=piece,
    )
    for ask, which in ((client.article, 1), (client.head, "<a@b>"), (client.body, 1)):
        assert b"".join(ask(which)) == b"Subject: x\r\n\r\n.\r\n..\r\n.a\r\n"
    assert stream.said == [b"ARTICLE 1", b"HEAD <a@b>", b"BODY 1"]


@pytest.mark.parametrize(
    ("which", "told"),
    [
        pytest.param(2, "2", id="a number"),
        pytest.param(2, "002 <a@b> article", id="a number with zeros"),
        pytest.param("<a@b>", "0 <a@b>", id="a message-id"),
        pytest.param("<a@b>", "77 <a@b> follows", id="a message-id and its number"),
    ],
)
def test_the_article_that_was_asked_for(which: int | str, told: str) -> None:
    client, _ = in_group(list_of(f"220 {told}", "x"))
    assert b"".join(client.article(which)) == b"x\r\n"


@pytest.mark.parametrize(
    ("which", "told"),
    [
        pytest.param(2, "77 <a@b>", id="another number"),
        pytest.param(2, "0 <a@b>", id="no number"),
        pytest.param(2, "<a@b>", id="only a message-id"),
        pytest.param(2, "", id="nothing"),
        pytest.param(2, "\x1b[2J", id="escape"),
        pytest.param("<a@b>", "0 <A@b>", id="another message-id"),
        pytest.param("<a@b>", "0", id="no message-id"),
        pytest.param("<{0}@b>", "0 <a@b>", id="braces"),
    ],
)
def test_another_article(which: int | str, told: str) -> None:
    client, stream = in_group(list_of(f"220 {told}", "x"))
    with pytest.raises(RemoteProtocolError, match=r"was asked for article .* and sends") as raised:
        client.article(which)
    assert str(which) in str(raised.value)
    assert str(raised.value).isprintable()
    with pytest.raises(LocalProtocolError, match="not legal in the state 'receiving'"):
        client.quit()
    assert len(stream.said) == 1


@pytest.mark.parametrize(
    "which", [0, -1, True, 1.0, None, "", "1", "1\r\nQUIT", b"<a@b>", 10**18, 10**30]
)
def test_articles_that_can_not_be(which: int) -> None:
    client, stream = in_group()
    for ask in (client.article, client.head, client.body):
        with pytest.raises(LocalProtocolError, match="is no number of an article, and no message"):
            ask(which)
    assert stream.said == []


def test_an_article_by_its_message_id_needs_no_group() -> None:
    client, _ = client_of(list_of("220 0 <a@b>", "x"))
    assert b"".join(client.article("<a@b>")) == b"x\r\n"
    with pytest.raises(LocalProtocolError, match="ARTICLE number is not legal in the state"):
        client.article(1)


def test_an_article_that_is_cut() -> None:
    stream = AnsweringStream(READY, b"220 0 <a@b>\r\nhalf an art", closing=True)
    client = NntpClient(Conversation(stream, "server"))
    client.greet()
    with pytest.raises(IncompleteMessage, match="before the end of the text"):
        list(client.article("<a@b>"))


@pytest.mark.parametrize("answer", [b"200 what\r\n", b"224 list\r\n.\r\n", b"340 go on\r\n"])
def test_wrong_codes(answer: bytes) -> None:
    client, _ = client_of(answer)
    with pytest.raises(RemoteProtocolError, match="answered ARTICLE <a@b> with"):
        client.article("<a@b>")


def test_no_other_command_before_the_end() -> None:
    client, stream = client_of(list_of("220 0 <a@b>", "x"), GROUP)
    blocks = client.article("<a@b>")
    for command in (lambda: client.group("a"), client.quit, client.groups):
        with pytest.raises(LocalProtocolError, match="not legal in the state 'receiving'"):
            command()
    assert b"".join(blocks) == b"x\r\n"
    client.group("a")
    client.quit()
    assert stream.said == [b"ARTICLE <a@b>", b"GROUP a", b"QUIT"]
    with pytest.raises(LocalProtocolError, match="not legal in the state 'closed'"):
        client.group("a")


def test_every_command_in_every_state() -> None:
    commands: dict[str, Callable[[NntpClient], object]] = {
        "CAPABILITIES": NntpClient.capabilities,
        "MODE READER": NntpClient.mode_reader,
        "STARTTLS": lambda client: client.start_tls(client_context(), "server"),
        "AUTHINFO": lambda client: client.login(ALICE),
        "LIST": NntpClient.groups,
        "GROUP": lambda client: client.group("a"),
        "OVER": lambda client: client.overview(1),
        "ARTICLE number": lambda client: client.article(1),
        "ARTICLE message-id": lambda client: client.article("<a@b>"),
        "POST": lambda client: client.post([]),
        "QUIT": NntpClient.quit,
    }
    assert set(commands) == set(COMMANDS)
    for (name, command), state in itertools.product(commands.items(), NntpState):
        stream = AnsweringStream(b"")
        client = NntpClient(Conversation(stream, "server"))
        client.state = state
        if state in COMMANDS[name]:
            with suppress(ReadTimeout):
                command(client)
            assert stream.said, (name, state)
        else:
            with pytest.raises(LocalProtocolError, match="is not legal"):
                command(client)
            assert not stream.said
            assert client.state is state


@pytest.mark.parametrize(
    "name", ["", "a b", "a\r\nQUIT", "a\tb", "a\0", "\x7f", "\udc80", "a" * 600]
)
def test_arguments_that_are_none(name: str) -> None:
    client, stream = in_group()
    for command in (client.group, client.article, lambda text: client.groups(f"{text} ")):
        with pytest.raises(LocalProtocolError):
            command(name)
    with pytest.raises(LocalProtocolError):
        client.article(f"<{name} >")
    assert stream.said == []


@pytest.mark.parametrize("text", ["a\r\nb", "a\0"])
def test_credentials_with_line_ends(text: str) -> None:
    client, stream = client_of(b"381 go on\r\n")
    with pytest.raises(LocalProtocolError, match="a line end or a NUL"):
        client.login(Credentials(text, "secret"))
    with pytest.raises(LocalProtocolError, match="a line end or a NUL") as raised:
        client.login(Credentials("alice", f"secret{text}"))
    assert "secret" not in str(raised.value)
    assert stream.said == [b"AUTHINFO USER alice"]


class PostingStream(AnsweringStream):
    """Answers a command, and then the text that ends with a dot."""

    def send_all(self, data: bytes | bytearray | memoryview, deadline: Deadline = NEVER) -> None:
        if self.said[:1] != [b"POST"] or bytes(data).endswith(b".\r\n"):
            super().send_all(data, deadline)
        else:
            self.said.append(bytes(data))


def posted(answer: bytes, blocks: Iterable[bytes]) -> bytes:
    stream = PostingStream(READY, b"340 go on\r\n", answer)
    client = NntpClient(Conversation(stream, "server"))
    client.greet()
    client.post(blocks)
    return b"".join(stream.said[1:])


def test_post() -> None:
    text = posted(b"240 thanks\r\n", [b"Subject: x\n\n.", b"\n..a\r\nb"])
    assert text == b"Subject: x\r\n\r\n..\r\n...a\r\nb\r\n."


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"441 no body\r\n", PermanentNegativeReply),
        (b"400 shutting down\r\n", TransientNegativeReply),
        (b"235 what\r\n", RemoteProtocolError),
    ],
)
def test_articles_that_are_not_taken(answer: bytes, error: type[SocketToolsError]) -> None:
    with pytest.raises(error, match="the article"):
        posted(answer, [b"x\r\n"])


def test_posting_that_is_not_allowed() -> None:
    client, stream = client_of(b"440 no\r\n")
    with pytest.raises(PermanentNegativeReply, match="refused POST: 440 no"):
        client.post([b"x"])
    assert stream.said == [b"POST"]


# Hostile servers


def endless(start: bytes, line: bytes) -> Iterator[bytes]:
    """Give far more than anybody should take."""
    yield start
    yield from itertools.repeat(line * (60_000 // len(line)), 3_000)


@pytest.mark.parametrize(
    ("start", "line", "command", "text"),
    [
        pytest.param(
            b"101\r\n",
            b"A\r\n",
            NntpClient.capabilities,
            "more than 1000 capabilities",
            id="capabilities",
        ),
        pytest.param(
            b"215\r\n",
            b"a 1 1 y\r\n",
            lambda client: list(client.groups()),
            "more than 10000 groups",
            id="groups",
        ),
        pytest.param(
            b"215\r\n",
            b"a b\r\n",
            NntpClient.descriptions,
            "more than 10000 descriptions",
            id="short descriptions",
        ),
        pytest.param(
            b"215\r\n",
            b"a " + b"b" * 9000 + b"\r\n",
            NntpClient.descriptions,
            "of more than 16000000 octets",
            id="long descriptions",
        ),
        pytest.param(
            b"215\r\n",
            b"x:\r\n",
            lambda client: list(client.overview(1)),
            "more than 1000 columns",
            id="columns",
        ),
        pytest.param(
            b"211-\r\n",
            b"211-\r\n",
            lambda client: client.group("a"),
            "a reply of more than",
            id="reply",
        ),
        pytest.param(
            b"211 ", b"1", lambda client: client.group("a"), "a line of more than", id="line"
        ),
        pytest.param(
            b"215\r\n",
            b"1",
            lambda client: list(client.groups()),
            "a line of more than",
            id="line of a list",
        ),
    ],
)
def test_what_never_ends(
    start: bytes,
    line: bytes,
    command: Callable[[NntpClient], object],
    text: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(nntp, "MAX_GROUPS", 10_000)
    monkeypatch.setattr(nntp, "MAX_DESCRIPTIONS", 10_000)
    client, _ = in_group(endless(start, line))
    tracemalloc.start()
    try:
        with pytest.raises(TooLong, match=text):
            command(client)
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()


def test_capabilities_are_bounded() -> None:
    lines = [f"LABEL{number}" for number in range(MAX_CAPABILITIES)]
    assert len(client_of(list_of("101", *lines))[0].capabilities()) == MAX_CAPABILITIES
    with pytest.raises(TooLong, match="more than 1000 capabilities"):
        client_of(list_of("101", *lines, "MORE"))[0].capabilities()


def test_more_overviews_than_were_asked_for() -> None:
    client, _ = in_group(FORMAT, endless(b"224\r\n", b"1\tx\r\n"))
    with pytest.raises(TooLong, match="more than 3 overviews"):
        list(client.overview(1, 3))


def test_a_list_that_comes_faster_than_it_is_read_ends_in_time() -> None:
    stream = AnsweringStream(READY, GROUP, FORMAT, endless(b"224\r\n", b"1\tx\r\n"))
    client = NntpClient(Conversation(stream, "server", deadline=Deadline.after(SILENCE)))
    client.greet()
    client.group("a")
    with pytest.raises(ReadTimeout, match="not everything was received in time"):
        for _ in client.overview(1):
            pass


def test_a_header_that_never_ends() -> None:
    client, _ = in_group(UNKNOWN, UNKNOWN, UNKNOWN, endless(b"221 1\r\n", b"x: y\r\n"))
    with pytest.raises(TooLong, match="sent a header of more than"):
        list(client.overview(1, 3))


def test_a_large_article_in_little_memory() -> None:
    block = b"x" * 78 + b"\r\n"
    number, size = 400, 65_520

    def article() -> Iterator[bytes]:
        yield b"220 0 <a@b>\r\n"
        yield from itertools.repeat(block * (size // len(block)), number)
        yield b".\r\n"

    client, _ = client_of(article())
    tracemalloc.start()
    try:
        assert sum(map(len, client.article("<a@b>"))) == number * size
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


@given(st.lists(st.binary(max_size=60), max_size=6), st.sampled_from([1, 65_536]))
def test_any_octets_are_understood_or_an_error(answers: list[bytes], piece: int) -> None:
    commands: list[Callable[[NntpClient], object]] = [
        NntpClient.capabilities,
        lambda client: list(client.groups()),
        NntpClient.descriptions,
        lambda client: client.group("a"),
        lambda client: list(client.overview(1, 5)),
        lambda client: list(client.article("<a@b>")),
    ]
    for start, command in itertools.product((b"", b"101 ", b"211 ", b"215 \r\n"), commands):
        client, _ = in_group(*(start + answer for answer in answers), piece=piece)
        problem = ""
        try:
            command(client)
        except SocketToolsError as exc:
            problem = str(exc)
        assert problem.isprintable()
