from __future__ import annotations

import io
import itertools
import ssl
import tracemalloc
from base64 import b64encode
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockettools.errors import (
    IncompleteMessage,
    LocalProtocolError,
    NegativeReply,
    NotOffered,
    PermanentNegativeReply,
    ReadTimeout,
    RemoteProtocolError,
    SocketToolsError,
    TooLong,
    TransientNegativeReply,
)
from sockettools.net.transcript import RecordedStream, TextSink, Transcript
from sockettools.protocols import pop3
from sockettools.protocols.access import Credentials
from sockettools.protocols.conversation import Conversation
from sockettools.protocols.dots import dot_stuffed
from sockettools.protocols.pop3 import (
    COMMANDS,
    MAX_CAPABILITIES,
    Pop3Client,
    SizeListing,
    State,
    UidListing,
)
from tests.sockettools.protocols.answering import AnsweringStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sockettools.net.stream import Stream

OK = b"+OK\r\n"
GREETING = b"+OK ready <1896.697170952@dbc.mtview.ca.us>\r\n"
NO_CAPA = b"-ERR what?\r\n"

USER = Credentials("mrose", "tanstaaf")


def client_of(stream: Stream, state: State = State.CONNECTED) -> Pop3Client:
    client = Pop3Client(Conversation(stream, "server"))
    client._state = state
    return client


def in_transaction(*answers: bytes | Iterable[bytes], piece: int = 65_536) -> Pop3Client:
    """Return a client that is logged in."""
    return client_of(AnsweringStream(b"", *answers, piece=piece), State.TRANSACTION)


def capabilities(*lines: str) -> bytes:
    return "".join(f"{line}\r\n" for line in ("+OK", *lines, ".")).encode()


def read(blocks: Iterable[bytes]) -> bytes:
    return b"".join(blocks)


@pytest.mark.parametrize(
    ("text", "is_transient"),
    [
        pytest.param("[IN-USE] another session", True, id="in use"),
        pytest.param("[LOGIN-DELAY] minimum time", True, id="login delay"),
        pytest.param("[SYS/TEMP] later", True, id="temporary"),
        pytest.param("[sys/temp] later", True, id="small letters"),
        pytest.param("[SYS/TEMP/DISK] later", True, id="a code below"),
        pytest.param("[SYS/TEMPER] later", False, id="another code"),
        pytest.param("[SYS/PERM] never", False, id="permanent"),
        pytest.param("[AUTH] wrong password", False, id="wrong password"),
        pytest.param("later [SYS/TEMP]", False, id="not at the beginning"),
        pytest.param("no such message", False, id="no code"),
    ],
)
def test_refusals_for_now(text: str, is_transient: bool) -> None:
    client = in_transaction(f"-ERR {text}\r\n".encode())
    kind = TransientNegativeReply if is_transient else PermanentNegativeReply

    with pytest.raises(NegativeReply) as caught:
        client.delete(1)

    assert type(caught.value) is kind
    assert str(caught.value) == f"server refused to delete message 1: -ERR {text}"
    assert (caught.value.code, caught.value.text) == ("-ERR", text)
    assert client.state is State.TRANSACTION


@pytest.mark.parametrize("piece", [1, 65_536])
def test_a_session(piece: int) -> None:
    stream = AnsweringStream(
        GREETING,
        capabilities("TOP", "USER", "SASL CRAM-MD5 PLAIN", "UIDL"),
        OK,
        b"+OK maildrop has 2 messages (320 octets)\r\n",
        b"+OK 2 320\r\n",
        b"+OK 2 200\r\n",
        b"+OK 2 messages (320 octets)\r\n1 120\r\n2 200 and more\r\n.\r\n",
        b"+OK\r\n1 whqtswO00WBw418f9t5JxYwZ\r\n2 \xe9 \r\n.\r\n",
        b"+OK 120 octets\r\nA: b\r\n\r\n..\r\n...\r\nc\r\n.\r\n",
        b"+OK\r\nA: b\r\n\r\n.\r\n",
        OK,
        OK,
        b"+OK dewey POP3 server signing off\r\n",
        piece=piece,
    )
    with client_of(stream) as client:
        assert client.greet() == "ready <1896.697170952@dbc.mtview.ca.us>"
        assert client.capabilities()["SASL"] == ("CRAM-MD5", "PLAIN")
        client.login(USER)
        assert client.stat() == (2, 320)
        assert client.size(2) == 200
        assert list(client.sizes()) == [SizeListing(1, 120), SizeListing(2, 200)]
        assert list(client.uids()) == [
            UidListing(1, "whqtswO00WBw418f9t5JxYwZ"),
            UidListing(2, "\\xe9 "),
        ]
        assert read(client.retrieve(1)) == b"A: b\r\n\r\n.\r\n..\r\nc\r\n"
        assert read(client.top(1)) == b"A: b\r\n\r\n"
        client.delete(1)
        client.reset()
        client.quit()
        assert client.state is State.UPDATE
    assert stream.is_closed
    assert stream.said == [
        b"CAPA",
        b"USER mrose",
        b"PASS tanstaaf",
        b"STAT",
        b"LIST 2",
        b"LIST",
        b"UIDL",
        b"RETR 1",
        b"TOP 1 0",
        b"DELE 1",
        b"RSET",
        b"QUIT",
    ]


PLAIN = [b"AUTH PLAIN", b64encode(b"\0mrose\0tanstaaf")]
APOP = [b"APOP mrose c4c9334bac560ecc979e58001b3e22fb"]
PASS = [b"USER mrose", b"PASS tanstaaf"]


@pytest.mark.parametrize(
    ("offered", "said"),
    [
        pytest.param(NO_CAPA, PASS, id="no CAPA"),
        pytest.param(capabilities("USER"), PASS, id="USER"),
        pytest.param(capabilities("user", "sasl plain"), PASS, id="USER before PLAIN"),
        pytest.param(capabilities("SASL LOGIN PLAIN"), PLAIN, id="PLAIN before APOP"),
        pytest.param(capabilities("TOP"), APOP, id="APOP"),
        pytest.param(capabilities("SASL CRAM-MD5"), APOP, id="APOP, what is not known left out"),
    ],
)
def test_logins(offered: bytes, said: list[bytes]) -> None:
    challenges = [b"+ \r\n"] if said == PLAIN else [OK] if said == PASS else []
    stream = AnsweringStream(GREETING, offered, *challenges, OK)
    client = client_of(stream)
    client.greet()
    client.login(USER)

    assert stream.said == [b"CAPA", *said]
    assert client.state is State.TRANSACTION


def test_no_login_that_is_known() -> None:
    client = client_of(AnsweringStream(b"+OK\r\n", capabilities("SASL GSSAPI")))
    client.greet()

    with pytest.raises(SocketToolsError, match="server offers no way to log in"):
        client.login(USER)
    assert client.state is State.AUTHORIZATION


@pytest.mark.parametrize(
    ("offered", "answers"),
    [
        pytest.param("USER", (OK, OK), id="PASS"),
        pytest.param("SASL PLAIN", (b"+ \r\n", OK), id="PLAIN"),
        pytest.param("TOP", (OK,), id="APOP"),
    ],
)
def test_secrets_do_not_show_in_traces(offered: str, answers: tuple[bytes, ...]) -> None:
    output = io.StringIO()
    sent = {"TOP": APOP, "USER": PASS, "SASL PLAIN": PLAIN}[offered][-1].split()[-1]
    repeated = b"-ERR you said " + sent + b"\r\n", b"+OK " + sent + b" " + sent + b"\r\n"
    stream = AnsweringStream(GREETING, capabilities(offered), *answers, *repeated)
    client = client_of(RecordedStream(stream, Transcript([TextSink(output)])))
    client.greet()
    client.login(USER)

    with pytest.raises(PermanentNegativeReply) as caught:
        client.delete(1)
    assert "tanstaaf" not in str(caught.value) + caught.value.text
    with pytest.raises(RemoteProtocolError, match=r"STAT with '\*\*\* \*\*\*'"):
        client.stat()

    shown = output.getvalue()
    assert "***\\r\\n" in shown
    for secret in (b"tanstaaf", PLAIN[-1], APOP[-1].split()[-1]):
        assert secret.decode() not in shown


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        pytest.param(
            (capabilities("USER"), OK, b"-ERR [AUTH] wrong\r\n"),
            "server refused the login of mrose: -ERR [AUTH] wrong",
            id="PASS",
        ),
        pytest.param(
            (capabilities("USER"), b"-ERR who?\r\n"),
            "server refused the user mrose: -ERR who?",
            id="USER",
        ),
        pytest.param(
            (capabilities("SASL PLAIN"), b"-ERR not now\r\n"),
            "server refused the login of mrose: -ERR not now",
            id="AUTH",
        ),
        pytest.param(
            (capabilities("SASL PLAIN"), b"+ \r\n", b"-ERR wrong\r\n"),
            "server refused the login of mrose: -ERR wrong",
            id="PLAIN",
        ),
        pytest.param(
            (capabilities("TOP"), b"-ERR wrong\r\n"),
            "server refused the login of mrose: -ERR wrong",
            id="APOP",
        ),
        pytest.param(
            (capabilities("USER"), OK, b"-ERR no such password: tanstaaf\r\n"),
            "server refused the login of mrose: -ERR no such password: ***",
            id="a server that repeats it",
        ),
        pytest.param(
            (capabilities("TOP"), b"-ERR " + APOP[-1] + b"?\r\n"),
            "server refused the login of mrose: -ERR APOP mrose ***?",
            id="a server that repeats the digest",
        ),
        pytest.param(
            (capabilities("SASL PLAIN"), b"+ \r\n", b"-ERR " + PLAIN[-1] + b"?\r\n"),
            "server refused the login of mrose: -ERR ***?",
            id="a server that repeats it as it came",
        ),
    ],
)
def test_a_login_that_fails(answers: tuple[bytes, ...], message: str) -> None:
    client = client_of(AnsweringStream(GREETING, *answers))
    client.greet()

    with pytest.raises(PermanentNegativeReply) as caught:
        client.login(USER)

    assert str(caught.value) == message
    assert "tanstaaf" not in caught.value.text
    assert client.state is State.AUTHORIZATION


@pytest.mark.parametrize("offered", ["USER", "SASL PLAIN"])
def test_a_server_that_gives_back_what_it_got(offered: str) -> None:
    echoes = [b"+\r\n", PLAIN[-1]] if "PLAIN" in offered else [OK, PASS[-1]]
    client = client_of(
        AnsweringStream(GREETING, capabilities(offered), echoes[0], echoes[1] + b"\r\n")
    )
    client.greet()

    with pytest.raises(RemoteProtocolError, match=r"no reply of POP3 but '(PASS )?\*\*\*'"):
        client.login(USER)


@pytest.mark.parametrize(
    ("offered", "credentials"),
    [
        pytest.param("USER", Credentials("a\r\nDELE 1", "b"), id="USER, line end"),
        pytest.param("USER", Credentials("a\0", "b"), id="USER, NUL"),
        pytest.param("USER", Credentials("a\ud800", "b"), id="USER, no text"),
        pytest.param("SASL PLAIN", Credentials("a\0", "b"), id="PLAIN, NUL"),
        pytest.param("SASL PLAIN", Credentials("a", "\ud800"), id="PLAIN, no text"),
        pytest.param("TOP", Credentials("a\nDELE 1", "b"), id="APOP, line end"),
        pytest.param("TOP", Credentials("a b", "c"), id="APOP, two words"),
        pytest.param("TOP", Credentials("a", "\ud800"), id="APOP, no text"),
    ],
)
def test_what_would_be_more_than_a_name_is_not_sent(offered: str, credentials: Credentials) -> None:
    stream = AnsweringStream(GREETING, capabilities(offered))
    client = client_of(stream)
    client.greet()

    with pytest.raises(LocalProtocolError):
        client.login(credentials)
    assert stream.said == [b"CAPA"]


def test_octets_that_are_no_text_are_sent_as_they_were_typed() -> None:
    stream = AnsweringStream(GREETING, NO_CAPA, OK, OK)
    client = client_of(stream)
    client.greet()
    client.login(Credentials("Zoë", "\udce9"))

    assert stream.said[1:] == ["USER Zoë".encode(), b"PASS \xe9"]


def test_octets_that_are_no_text_are_refused_as_others_are() -> None:
    client = client_of(AnsweringStream(GREETING, NO_CAPA, OK, b"-ERR wrong\r\n"))
    client.greet()

    with pytest.raises(PermanentNegativeReply, match="refused the login of Zoë: -ERR wrong"):
        client.login(Credentials("Zoë", "\udce9"))


CALLS: dict[str, Callable[[Pop3Client], object]] = {
    "CAPA": Pop3Client.capabilities,
    "DELE": lambda client: client.delete(1),
    "LIST": Pop3Client.sizes,
    "QUIT": Pop3Client.quit,
    "RETR": lambda client: client.retrieve(1),
    "RSET": Pop3Client.reset,
    "STAT": Pop3Client.stat,
    "STLS": lambda client: client.start_tls(None, ""),  # type: ignore[arg-type]
    "TOP": lambda client: client.top(1),
    "UIDL": Pop3Client.uids,
}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("command", CALLS)
def test_every_command_in_every_state(command: str, state: State) -> None:
    # Where TOP is refused it is asked whether it is offered at all.
    stream = AnsweringStream(b"", b"-ERR no\r\n", NO_CAPA)
    client = client_of(stream, state)

    if state in COMMANDS[command]:
        if command == "CAPA":
            assert client.capabilities() == {}
        else:
            with pytest.raises(PermanentNegativeReply, match="server refused "):
                CALLS[command](client)
        assert stream.said[0].split()[0] == command.encode()
    else:
        with pytest.raises(LocalProtocolError, match=f"{command} is not legal in the state"):
            CALLS[command](client)
        assert stream.said == []
    assert client.state is state


@pytest.mark.parametrize("offered", ["USER", "SASL PLAIN", "TOP"])
def test_a_second_login_is_not_legal(offered: str) -> None:
    stream = AnsweringStream(b"", capabilities(offered))
    client = client_of(stream, State.TRANSACTION)
    client._timestamp = "<a@b>"

    with pytest.raises(LocalProtocolError, match="this session is logged in already at server"):
        client.login(USER)
    assert stream.said == []


def test_nothing_is_legal_before_the_greeting() -> None:
    stream = AnsweringStream(GREETING, capabilities("USER"))
    client = client_of(stream)

    assert client.state is State.CONNECTED
    for ask in (lambda: client.login(USER), client.capabilities, client.stat, client.quit):
        with pytest.raises(LocalProtocolError, match="not legal in the state 'connected'"):
            ask()
    assert stream.said == []
    client.greet()
    with pytest.raises(LocalProtocolError, match="only one greeting"):
        client.greet()
    assert "USER" in client.capabilities()


def test_numbers_of_identifiers() -> None:
    uids = b"+OK\r\n1 a\r\n3 b\r\n5 c\r\n6 d\r\n7 d\r\n.\r\n"
    client = in_transaction(uids, uids, OK)

    assert client.numbers(["c", "a"]) == {"c": 5, "a": 1}
    with pytest.raises(PermanentNegativeReply, match="server has no message with the UIDL 'x'"):
        client.numbers(["a", "x"])
    client.delete(1)


def test_identifiers_of_several_messages() -> None:
    client = in_transaction(b"+OK\r\n1 a\r\n2 d\r\n3 d\r\n.\r\n", OK)

    with pytest.raises(NotOffered, match="several messages with the UIDL 'd'"):
        client.numbers(["d"])
    client.delete(1)


@pytest.mark.parametrize(
    "begin",
    [
        pytest.param(lambda client: client.retrieve(1), id="RETR"),
        pytest.param(lambda client: client.top(1), id="TOP"),
        pytest.param(Pop3Client.sizes, id="LIST"),
        pytest.param(Pop3Client.uids, id="UIDL"),
    ],
)
def test_no_command_before_the_answer_was_read(
    begin: Callable[[Pop3Client], Iterator[object]],
) -> None:
    stream = AnsweringStream(b"", b"+OK\r\n1 1\r\n.\r\n", OK)
    client = client_of(stream, State.TRANSACTION)
    answer = begin(client)

    for _ in range(2):
        with pytest.raises(LocalProtocolError, match="DELE is not legal in the state 'answering'"):
            client.delete(1)
        next(answer, None)
    list(answer)
    client.delete(1)
    assert stream.said[1:] == [b"DELE 1"]


@pytest.mark.parametrize("number", [0, -1, 10**10, -(10**100)])
@pytest.mark.parametrize(
    "ask", [Pop3Client.retrieve, Pop3Client.delete, Pop3Client.size, Pop3Client.top]
)
def test_numbers_that_no_message_has(ask: Callable[[Pop3Client, int], object], number: int) -> None:
    client = in_transaction()

    with pytest.raises(LocalProtocolError, match=r"is no number of a message"):
        ask(client, number)
    with pytest.raises(LocalProtocolError, match="is no number of lines"):
        client.top(1, -1)


@pytest.mark.parametrize("value", [True, 1.0, 1.5, "1", "1\r\nDELE 1", b"1", None])
@pytest.mark.parametrize(
    "ask", [Pop3Client.retrieve, Pop3Client.delete, Pop3Client.size, Pop3Client.top]
)
def test_what_is_no_number(ask: Callable[[Pop3Client, object], object], value: object) -> None:
    stream = AnsweringStream(b"")
    client = client_of(stream, State.TRANSACTION)

    with pytest.raises(LocalProtocolError, match=r"is no number of a message"):
        ask(client, value)
    with pytest.raises(LocalProtocolError, match="is no number of lines"):
        client.top(1, value)  # type: ignore[arg-type]
    assert stream.said == []


def test_capabilities_are_asked_for_again_after_the_login() -> None:
    stream = AnsweringStream(GREETING, capabilities("USER"), OK, OK, capabilities("TOP"))
    client = client_of(stream)
    client.greet()

    assert client.capabilities() is client.capabilities()
    client.login(USER)
    assert client.capabilities() == {"TOP": ()}
    assert stream.said == [b"CAPA", *PASS, b"CAPA"]


def test_nothing_is_trusted_that_was_said_before_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Conversation, "start_tls", lambda *_arguments: None)
    offered = capabilities("STLS", "USER"), OK, capabilities("TOP")
    client = client_of(AnsweringStream(GREETING, *offered))
    client.greet()

    assert "USER" in client.capabilities()
    client.start_tls(ssl.create_default_context(), "server")
    # USER is not offered any more, and APOP's timestamp was not encrypted.
    with pytest.raises(SocketToolsError, match="no way to log in"):
        client.login(USER)


@pytest.mark.parametrize(
    ("offered", "problem"),
    [
        pytest.param(capabilities("UIDL"), r"it offers no TOP", id="not offered"),
        pytest.param(capabilities("TOP"), "-ERR no such message", id="offered"),
        pytest.param(NO_CAPA, "-ERR no such message", id="nobody knows"),
    ],
)
def test_a_server_without_top(offered: bytes, problem: str) -> None:
    client = in_transaction(b"-ERR no such message\r\n", offered)

    with pytest.raises(PermanentNegativeReply, match=problem) as caught:
        client.top(1)
    assert (caught.value.code, caught.value.text) == ("-ERR", "no such message")


def test_a_server_that_refuses_everybody() -> None:
    client = client_of(AnsweringStream(b"-ERR [SYS/TEMP] too many\r\n"))

    with pytest.raises(TransientNegativeReply, match=r"the connection: -ERR .* too many"):
        client.greet()


def sizes(client: Pop3Client) -> object:
    return list(client.sizes())


def uids(client: Pop3Client) -> object:
    return list(client.uids())


def retrieve(client: Pop3Client) -> object:
    return read(client.retrieve(1))


@pytest.mark.parametrize(
    ("ask", "answer", "kind", "problem"),
    [
        pytest.param(Pop3Client.stat, b"220 hi\r\n", RemoteProtocolError, "no reply", id="not POP"),
        pytest.param(Pop3Client.stat, b"+OK\r\n", RemoteProtocolError, "STAT with ''", id="none"),
        pytest.param(Pop3Client.stat, b"+OK -1 5\r\n", RemoteProtocolError, "STAT", id="negative"),
        pytest.param(
            Pop3Client.stat, b"+OK 1 " + b"9" * 5000 + b"\r\n", RemoteProtocolError, "STAT", id="9s"
        ),
        pytest.param(
            Pop3Client.stat, b"+OK " + b"x" * 99_999, TooLong, "a line of more than", id="long line"
        ),
        pytest.param(
            Pop3Client.stat, b"+OK \x1b[2J\r\n", RemoteProtocolError, r"\\x1b\[2J", id="escape"
        ),
        pytest.param(
            lambda client: client.size(1), b"+OK 2 5\r\n", RemoteProtocolError, "2 5", id="another"
        ),
        pytest.param(sizes, b"+OK\r\nx y\r\n", RemoteProtocolError, "LIST with 'x y'", id="words"),
        pytest.param(sizes, b"+OK\r\n1\r\n", RemoteProtocolError, "LIST with '1'", id="no size"),
        pytest.param(sizes, b"+OK\r\n1 -5\r\n", RemoteProtocolError, "1 -5", id="below nothing"),
        pytest.param(sizes, b"+OK\r\n-1 5\r\n", RemoteProtocolError, "-1 5", id="number below 0"),
        pytest.param(sizes, b"+OK\r\n0 5\r\n", RemoteProtocolError, "0 5", id="number 0"),
        pytest.param(
            sizes, b"+OK\r\n9999999 5\r\n", RemoteProtocolError, "9999999 5", id="a huge number"
        ),
        pytest.param(
            sizes, b"+OK\r\n1 %b\r\n" % (b"9" * 19), RemoteProtocolError, "LIST", id="a huge size"
        ),
        pytest.param(
            sizes, b"+OK\r\n1 ".ljust(2000, b"5"), TooLong, "a line of more than", id="endless size"
        ),
        pytest.param(
            sizes, "+OK\r\n１ ５\r\n".encode(), RemoteProtocolError, "LIST", id="other digits"
        ),
        pytest.param(uids, b"+OK\r\n1 \r\n", RemoteProtocolError, "UIDL with '1 '", id="empty uid"),
        pytest.param(uids, b"+OK\r\n1 a\r\n", ReadTimeout, "server: nothing", id="no dot"),
        pytest.param(retrieve, b"+OK 9 octets\r\na\r\n", ReadTimeout, "nothing", id="text, no dot"),
        pytest.param(
            Pop3Client.capabilities,
            capabilities(*"x" * (MAX_CAPABILITIES + 1)),
            TooLong,
            "more than 200 capabilities",
            id="capabilities",
        ),
    ],
)
@pytest.mark.parametrize("piece", [100, 65_536])
def test_answers_that_make_no_sense(
    ask: Callable[[Pop3Client], object],
    answer: bytes,
    kind: type[Exception],
    problem: str,
    piece: int,
) -> None:
    client = in_transaction(answer, piece=piece)

    with pytest.raises(kind, match=problem) as caught:
        ask(client)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500
    # Where the next answer would begin nobody knows any more.
    with pytest.raises(LocalProtocolError, match="in the state 'answering'"):
        client.quit()


@pytest.mark.parametrize("answer", [b"+OK\r\n", b"+\r\n+OK", b"+X\r\n", b"-ERR no\r\n", b"x\r\n"])
def test_a_server_that_asks_for_no_secret_gets_none(answer: bytes) -> None:
    stream = AnsweringStream(b"+OK\r\n", capabilities("SASL PLAIN"), answer)
    client = client_of(stream)
    client.greet()

    with pytest.raises(SocketToolsError):
        client.login(USER)
    assert (PLAIN[-1] in stream.said) is (answer == b"+\r\n+OK")


@pytest.mark.parametrize("answer", [b"", b"+O", b"+OK", b"+OK\r"])
def test_a_connection_that_ends_at_once(answer: bytes) -> None:
    with pytest.raises(IncompleteMessage, match="server closed the connection"):
        client_of(AnsweringStream(answer, closing=True)).greet()


@pytest.mark.parametrize("ask", [Pop3Client.capabilities, sizes, uids, retrieve])
@pytest.mark.parametrize("answer", [b"", b"+OK", b"+OK\r\n", b"+OK\r\n1 1\r\n", b"+OK\r\n."])
def test_a_connection_that_ends(ask: Callable[[Pop3Client], object], answer: bytes) -> None:
    client = client_of(AnsweringStream(b"", answer, closing=True), State.TRANSACTION)

    with pytest.raises(IncompleteMessage, match="server closed the connection"):
        ask(client)


@pytest.mark.parametrize("ask", [Pop3Client.sizes, Pop3Client.uids])
def test_a_list_without_end(
    ask: Callable[[Pop3Client], Iterator[object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pop3, "MAX_MESSAGES", 1000)
    client = in_transaction(itertools.chain([OK], itertools.repeat(b"7 7\r\n")))
    lines = ask(client)

    assert len([next(lines) for _ in range(1000)]) == 1000
    with pytest.raises(TooLong, match="server lists more than 1000 messages"):
        next(lines)


def test_a_message_of_one_line_without_end_is_not_held() -> None:
    blocks = 1600
    endless = itertools.repeat(b"x" * 65_536, blocks)
    client = in_transaction(itertools.chain([b"+OK 1 octets\r\n"], endless, [b"\r\n.\r\n"]))

    tracemalloc.start()
    size = sum(map(len, client.retrieve(1)))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert size == blocks * 65_536 + 2
    assert most < 2_000_000


@given(
    lines=st.lists(st.binary(max_size=6) | st.sampled_from([b".", b"..", b""])),
    piece=st.integers(1, 9),
)
def test_a_message_comes_as_it_was_sent(lines: list[bytes], piece: int) -> None:
    text = b"".join(line.translate(None, b"\r\n") + b"\r\n" for line in lines)
    stuffed = read(dot_stuffed([text]))
    client = in_transaction(b"+OK\r\n" + stuffed, b"+OK 1 2\r\n", piece=piece)

    assert read(client.retrieve(1)) == text
    assert client.stat() == (1, 2)


@given(st.binary(max_size=60), st.sampled_from([*CALLS.values(), sizes, uids, retrieve]))
def test_noise_is_no_answer(noise: bytes, ask: Callable[[Pop3Client], object]) -> None:
    client = client_of(AnsweringStream(b"", b"+OK" + noise, closing=True), State.TRANSACTION)

    try:
        ask(client)
    except SocketToolsError as exc:
        assert str(exc).isprintable()  # noqa: PT017 - it may also make sense
