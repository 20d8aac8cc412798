from __future__ import annotations

from array import array
from base64 import b64encode
from typing import TYPE_CHECKING

import pytest

from sockettools.errors import (
    IncompleteMessage,
    LocalProtocolError,
    NegativeReply,
    PermanentNegativeReply,
    RemoteProtocolError,
    SocketToolsError,
    TooLong,
    TransientNegativeReply,
)
from sockettools.net.tls import client_context
from sockettools.protocols.access import Credentials
from sockettools.protocols.imap.commands import Literal, State, search_program
from sockettools.protocols.imap.results import Folder, Selected, Summary, number_set
from tests.sockettools.protocols.imap.talking import MAX_RESPONSES, NEWS, in_folder, talk

if TYPE_CHECKING:
    from collections.abc import Callable

    from sockettools.protocols.imap.client import ImapClient

CREDENTIALS = Credentials("user", 'se"cret')
ASCII = b'a1 LOGIN "user" "se\\"cret"'


def greeting(*capabilities: str) -> bytes:
    return f"* OK [CAPABILITY {' '.join(('IMAP4rev1', *capabilities))}] hi\r\n".encode()


# The login


@pytest.mark.parametrize(
    ("capabilities", "said", "sent"),
    [
        pytest.param((), b"a1 OK\r\n", [ASCII], id="LOGIN"),
        pytest.param(("AUTH=PLAIN",), b"a1 OK\r\n", [ASCII], id="LOGIN, PLAIN is offered"),
        pytest.param(
            ("AUTH=PLAIN", "LOGINDISABLED"),
            b"+ \r\na1 OK\r\n",
            [b"a1 AUTHENTICATE PLAIN", b"AHVzZXIAc2UiY3JldA=="],
            id="PLAIN",
        ),
        pytest.param(
            ("AUTH=PLAIN", "LOGINDISABLED", "SASL-IR"),
            b"a1 OK\r\n",
            [b"a1 AUTHENTICATE PLAIN AHVzZXIAc2UiY3JldA=="],
            id="PLAIN in one step",
        ),
    ],
)
def test_login(capabilities: tuple[str, ...], said: bytes, sent: list[bytes]) -> None:
    with talk(NEWS + said, greeting=greeting(*capabilities)) as talking:
        talking.client.login(CREDENTIALS)

        assert talking.client.state is State.AUTHENTICATED
        assert talking.sent() == sent


def test_login_with_what_is_not_ascii() -> None:
    credentials = Credentials("Zoë", "ü")
    with talk(b"+ go on\r\n+ go on\r\na1 OK\r\n", greeting=greeting()) as talking:
        talking.client.login(credentials)
        assert talking.sent() == [b"a1 LOGIN {4}", "Zoë {2}".encode(), "ü".encode()]

    with talk(b"a1 OK\r\n", greeting=greeting("AUTH=PLAIN", "SASL-IR")) as talking:
        talking.client.login(credentials)
        assert talking.sent() == [b"a1 AUTHENTICATE PLAIN AFpvw6sAw7w="]


def test_login_as_nobody() -> None:
    with talk(b"+\r\na1 OK\r\n", greeting=greeting("AUTH=ANONYMOUS")) as talking:
        talking.client.authenticate_anonymous()
        assert talking.sent() == [b"a1 AUTHENTICATE ANONYMOUS", b"YW5vbnltb3Vz"]


def test_a_disabled_login_is_not_tried() -> None:
    with talk(greeting=greeting("LOGINDISABLED", "AUTH=GSSAPI")) as talking:
        with pytest.raises(PermanentNegativeReply, match="disabled LOGIN"):
            talking.client.login(CREDENTIALS)
        assert talking.sent() == []


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("a", "Top\r\na2 NOOP"),
        ("a", "Top\nSecret"),
        ("a\n", "Top"),
        ("a", "Top\0"),
        ("a", "Top\x1b"),
        ("ä", "Top\r"),
        ("\ud800", "Top"),
    ],
)
@pytest.mark.parametrize("offered", [(), ("AUTH=PLAIN",), ("AUTH=PLAIN", "LOGINDISABLED")])
def test_a_password_is_no_command(username: str, password: str, offered: tuple[str, ...]) -> None:
    said = b"+ \r\na1 OK\r\n" if "LOGINDISABLED" in offered else b"a1 OK\r\n"
    with talk(said, greeting=greeting(*offered)) as talking:
        with pytest.raises(LocalProtocolError) as caught:
            talking.client.login(Credentials(username, password))
        assert "Top" not in str(caught.value)
        talking.client.login(CREDENTIALS)  # nothing is under way
        assert talking.sent()[0].startswith((b"a1 LOGIN", b"a1 AUTHENTICATE PLAIN"))
        assert all(b"Top" not in line for line in talking.sent())


def test_a_refused_password_is_not_shown() -> None:
    said = b"a1 NO [AUTHENTICATIONFAILED] LOGIN user secret is wrong\r\n"
    with talk(said, greeting=greeting()) as talking:
        with pytest.raises(PermanentNegativeReply) as caught:
            talking.client.login(Credentials("user", "secret"))
        error = caught.value
        assert talking.client.state is State.NOT_AUTHENTICATED
        assert str(error) == (
            "it refused the login: NO [AUTHENTICATIONFAILED] LOGIN user *** is wrong"
        )
        assert error.code == "NO"
        assert "secret" not in error.text


@pytest.mark.parametrize(
    "reply",
    [
        b"a1 NO wrong: %s",
        b"a1 NO [%s] wrong",
        b"* BYE %s",
        b"* OK [ALERT] %s",
        b"%s OK",
        b"what is %s",
        b"* \x01 %s",
        b"* LIST (%s\x01",
        b"a1 NO \xff %s",
    ],
)
@pytest.mark.parametrize("password", ["s3cr3t", 's3"cr\\3t', "s3crét"])
@pytest.mark.parametrize("offered", [(), ("AUTH=PLAIN", "SASL-IR", "LOGINDISABLED")])
def test_a_password_that_is_repeated(offered: tuple[str, ...], password: str, reply: bytes) -> None:
    octets = password.encode()
    quoted = octets.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    forms = [octets, octets.upper(), quoted, b'"%b"' % quoted, b64encode(octets)]
    if offered:
        forms.append(b64encode(b"\0me\0" + octets))
    for form in forms:
        if b"]" in reply and b'"' in form:
            continue
        said = b"+ \r\n" if not password.isascii() and not offered else b""
        said += reply.replace(b"%s", form) + b"\r\n"
        with talk(said, greeting=greeting(*offered)) as talking:
            with pytest.raises(SocketToolsError) as caught:
                talking.client.login(Credentials("me", password))
            told = f"{caught.value}{getattr(caught.value, 'text', '')}{[*talking.client.alerts]}"
        assert "***" in told
        assert all(secret not in told for secret in ("s3", *(form.decode() for form in forms)))


def test_a_short_password_hides_nothing_else() -> None:
    with (
        talk(b'a1 NO a bad one: "a"\r\n', greeting=greeting()) as talking,
        pytest.raises(PermanentNegativeReply, match=r"NO a bad one: \*\*\*"),
    ):
        talking.client.login(Credentials("user", "a"))


def test_the_size_of_a_literal_is_no_secret() -> None:
    said = "+ \r\n+ \r\na1 NO {5} wröng\r\n".encode()
    with talk(said, greeting=greeting()) as talking:
        with pytest.raises(PermanentNegativeReply, match=r"NO \{5\} \*\*\*"):
            talking.client.login(Credentials("Zoëy", "wröng"))
        assert talking.sent()[0] == b"a1 LOGIN {5}"


def test_capabilities_are_asked_again_after_the_login() -> None:
    said = (
        b"* CAPABILITY IMAP4rev1 A\r\na1 OK\r\na2 OK\r\n* CAPABILITY IMAP4rev1 b\r\na3 OK\r\n",
        b"",
    )
    with talk(*said, greeting=b"* OK hi\r\n") as talking:
        assert talking.client.capability() == {"IMAP4REV1", "A"}
        talking.client.login(CREDENTIALS)
        assert talking.client.capability() == {"IMAP4REV1", "B"}
        assert talking.client.capability() == {"IMAP4REV1", "B"}
        assert [line.split()[1] for line in talking.sent()] == [
            b"CAPABILITY", b"LOGIN", b"CAPABILITY",
        ]  # fmt: skip


# Greetings


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"220 hello\r\n", id="FTP"),
        pytest.param(b"+OK hello\r\n", id="POP3"),
        pytest.param(b"a1 OK hello\r\n", id="tagged"),
        pytest.param(b"* NO hello\r\n", id="NO"),
        pytest.param(b"* 3 EXISTS\r\n", id="data"),
        pytest.param(b"+ go on\r\n", id="continuation"),
        pytest.param(b"* OK hel", id="cut"),
        pytest.param(b"x" * 10_000_000, id="endless line"),
        pytest.param(b"* X {3}\r\nabc" + b"{3}\r\nabc" * 1_000_000, id="endless literals"),
    ],
)
def test_no_greeting(octets: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match=r"^it "), talk(greeting=octets):
        pass


def test_a_server_that_will_not() -> None:
    with (
        pytest.raises(TransientNegativeReply, match="BYE too many") as caught,
        talk(greeting=b"* BYE too many\r\n"),
    ):
        pass
    assert caught.value.code == "BYE"


# TLS


def test_bytes_before_the_encryption_are_an_error() -> None:
    said = b"a1 OK begin\r\n* OK [CAPABILITY IMAP4rev1 AUTH=EVIL] injected\r\n"
    with (
        talk(said, greeting=greeting("STARTTLS")) as talking,
        pytest.raises(RemoteProtocolError, match="before the encryption"),
    ):
        talking.client.start_tls(client_context(), "localhost")


def test_tls_is_not_for_who_is_logged_in() -> None:
    with talk() as talking, pytest.raises(LocalProtocolError, match="STARTTLS"):
        talking.client.start_tls(client_context(), "localhost")


# Folders


def test_folders() -> None:
    said = (
        b'* LIST (\\HasNoChildren) "/" INBOX\r\n'
        b'* LIST (\\Noselect \\Marked) "/" "Entw&APw-rfe/a b"\r\n' + NEWS +
        b'* LIST () NIL {8}\r\nq"u\\&-\r\n\r\n* LIST () "\\\\" NIL\r\na1 OK\r\n'
    )  # fmt: skip
    with talk(said) as talking:
        assert list(talking.client.list_folders()) == [
            Folder("INBOX", ("\\HasNoChildren",), "/", b"INBOX"),
            Folder("Entwürfe/a b", ("\\Noselect", "\\Marked"), "/", b"Entw&APw-rfe/a b"),
            Folder('q"u\\&\r\n', (), "", b'q"u\\&-\r\n'),
            Folder("NIL", (), "\\", b"NIL"),
        ]
        assert list(talking.client.alerts) == ["down\\x1b at noon"]
        assert talking.sent() == [b'a1 LIST "" "*"']


@pytest.mark.parametrize(
    "line",
    [
        b"* LIST",
        b'* LIST () "/"',
        b'* LIST () "/" ()',
        b'* LIST "/" () a',
        b"* LIST () {100000}",
        b"* LIST () {9223372036854775807}",
        b"* LIST () {9223372036854775808}",
        b"* LIST " + b"(" * 100_000,
        b"* LIST () NIL " + b"x" * 300_000,
        b"* LIST () NIL x\r\n" * (MAX_RESPONSES + 1),
        b"b1 OK",
        b"a2 OK",
        b"+ go on",
    ],
    ids=lambda line: line[:40].decode(),
)
def test_no_list(line: bytes) -> None:
    with talk(line + b"\r\na1 OK\r\n") as talking:
        with pytest.raises(RemoteProtocolError, match=r"^it "):
            list(talking.client.list_folders())
        with pytest.raises(LocalProtocolError, match="LIST"):
            talking.client.status("INBOX")


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        pytest.param("INBOX", b'a1 EXAMINE "INBOX"', id="word"),
        pytest.param('a "b" \\c', b'a1 EXAMINE "a \\"b\\" \\\\c"', id="quotes"),
        pytest.param("Café/&", b'a1 EXAMINE "Caf&AOk-/&-"', id="not ascii"),
    ],
)
def test_opening(name: str, sent: bytes) -> None:
    said = (
        b"* 172 EXISTS\r\n* OK [UIDVALIDITY 3857529045] UIDs valid\r\n* OK [UIDNEXT 1]\r\na1 OK\r\n"
    )
    with talk(said) as talking:
        assert talking.client.examine(name) == Selected(172, 3_857_529_045)
        assert talking.client.state is State.SELECTED
        assert talking.sent() == [sent]


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda client: client.examine("a\r\nb"), id="examine"),
        pytest.param(lambda client: client.select("a\0"), id="select"),
        pytest.param(lambda client: client.status("\x1b"), id="status"),
        pytest.param(lambda client: client.status("\ud83d"), id="half a character"),
        pytest.param(lambda client: list(client.list_folders("", "a\n")), id="list"),
        pytest.param(lambda client: client.search([b"ALL\r\na9 LOGOUT"]), id="search"),
        pytest.param(lambda client: client.search([b"BODY ", Literal(b"\n")]), id="literal"),
        pytest.param(lambda client: list(client.fetch(range(1, 2), ["X\r\n"])), id="field"),
        pytest.param(lambda client: client.stream_section("1\r\n"), id="number"),
        pytest.param(
            lambda client: client.stream_section(1, partial=("0\r\n", 1)), id="first octet"
        ),
    ],
)
def test_an_argument_is_no_command(call: Callable[[ImapClient], object]) -> None:
    with in_folder(b"* STATUS x (MESSAGES 1)\r\na2 OK\r\n") as talking:
        with pytest.raises(LocalProtocolError) as caught:
            call(talking.client)
        assert str(caught.value).isprintable()
        assert talking.client.status("x") == {"MESSAGES": 1}
        assert [line.split()[:2] for line in talking.sent()[1:]] == [[b"a2", b"STATUS"]]


@pytest.mark.parametrize(
    "said", [b"", b"* -3 EXISTS\r\n", b"* EXISTS\r\n", b"* 4294967296 EXISTS\r\n"]
)
def test_a_folder_of_nobody_knows_how_many(said: bytes) -> None:
    with in_folder(said + b"a2 OK\r\n") as talking:
        with pytest.raises(RemoteProtocolError, match="how many messages are in the folder 'x'"):
            talking.client.select("x")
        assert talking.client.state is State.AUTHENTICATED


def test_a_status_that_tells_nothing() -> None:
    with talk(b"a1 OK\r\n") as talking, pytest.raises(RemoteProtocolError, match="told nothing"):
        talking.client.status("x")


def test_a_folder_that_is_refused_closes_the_other() -> None:
    with in_folder(b"a2 NO nosuch\r\n") as talking:
        with pytest.raises(PermanentNegativeReply, match="it refused the folder 'x': NO nosuch"):
            talking.client.select("x")
        assert talking.client.state is State.AUTHENTICATED
        assert talking.sent() == [b'a1 EXAMINE "INBOX"', b'a2 SELECT "x"']


def test_status() -> None:
    said = b'* STATUS "a b" (MESSAGES 231 UIDNEXT 44292)\r\na1 OK\r\n'
    with talk(said) as talking:
        assert talking.client.status("a b") == {"MESSAGES": 231, "UIDNEXT": 44292}


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (b"NO [UNAVAILABLE] x", TransientNegativeReply),
        (b"NO [INUSE] x", TransientNegativeReply),
        (b"NO [LIMIT] x", TransientNegativeReply),
        (b"no [serverbug] x", TransientNegativeReply),
        (b"NO [NOPERM] x", PermanentNegativeReply),
        (b"NO x", PermanentNegativeReply),
        (b"BAD x", PermanentNegativeReply),
        (b"BYE x", TransientNegativeReply),
    ],
)
def test_refusals(reply: bytes, kind: type[NegativeReply]) -> None:
    tag = b"* " if reply.startswith(b"BYE") else b"a1 "
    with talk(tag + reply + b"\r\n") as talking, pytest.raises(kind) as caught:
        talking.client.examine("x")
    assert caught.value.code == reply.split()[0].decode().upper()
    assert caught.value.text.endswith("x")


# Searching


def test_search() -> None:
    said = b"* SEARCH 2 84\r\n" + NEWS + b"* SEARCH\r\n* SEARCH 882\r\na2 OK\r\n"
    with in_folder(b"+ \r\n", said) as talking:
        assert talking.client.search(search_program("TEXT é".encode())) == array("I", [2, 84, 882])
        assert talking.sent()[1:] == [b"a2 UID SEARCH CHARSET UTF-8 TEXT {2}", "é".encode()]


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        pytest.param(b"", "did not tell what the search found", id="nothing"),
        pytest.param(NEWS, "did not tell what the search found", id="news"),
        pytest.param(b'* ESEARCH (TAG "a2") UID ALL 1:3\r\n', "did not tell", id="not asked for"),
        pytest.param(b"* SEARCH -5\r\n", "'. SEARCH -5'", id="negative"),
        pytest.param(b'* SEARCH foo "bar"\r\n', "no message numbers", id="words"),
    ],
)
def test_no_answer_to_a_search(said: bytes, problem: str) -> None:
    with (
        in_folder(said + b"a2 OK\r\n") as talking,
        pytest.raises(RemoteProtocolError, match=problem),
    ):
        talking.client.search([b"ALL"])


def test_nothing_is_found() -> None:
    with in_folder(b"* SEARCH\r\na2 OK\r\n") as talking:
        assert list(talking.client.search([b"ALL"])) == []


def test_a_literal_that_is_refused_is_not_sent() -> None:
    with in_folder(b"a2 NO [BADCHARSET (US-ASCII)] no\r\n") as talking:
        with pytest.raises(PermanentNegativeReply, match="the search"):
            talking.client.search(search_program("TEXT é".encode()))
        assert talking.sent()[1:] == [b"a2 UID SEARCH CHARSET UTF-8 TEXT {2}"]


def test_nobody_is_content_before_everything_is_said() -> None:
    with (
        in_folder(b"a2 OK\r\n") as talking,
        pytest.raises(RemoteProtocolError, match="before it had heard everything"),
    ):
        talking.client.search(search_program("TEXT é".encode()))


def test_found_without_end() -> None:
    found = b"* SEARCH" + b" 4294967295" * 700_000 + b"\r\n"
    with (
        in_folder(found, found) as talking,
        pytest.raises(TooLong, match="does not come to an end"),
    ):
        talking.client.search([b"ALL"])


# Fetching


def row(number: int, uid: int, header: bytes = b"Subject: x\r\n\r\n", flags: str = "") -> bytes:
    return (
        f"* {number} FETCH (RFC822.SIZE 9 FLAGS ({flags}) UID {uid} "
        f"BODY[HEADER.FIELDS (SUBJECT)]<0> {{{len(header)}}}\r\n"
    ).encode() + header + b")\r\n"  # fmt: skip


def test_summaries() -> None:
    said = row(1, 10, flags="\\Seen") + NEWS + row(2, 20, b"") + b"a2 OK\r\n"
    with in_folder(said) as talking:
        assert list(talking.client.fetch(range(1, 4), ["SUBJECT"])) == [
            Summary(1, 10, 9, ("\\Seen",), b"Subject: x\r\n\r\n"),
            Summary(2, 20, 9, (), b""),
        ]
        assert talking.sent()[1:] == [
            b"a2 FETCH 1:3 (UID RFC822.SIZE FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)]<0.16384>)"
        ]


def test_summaries_of_nothing() -> None:
    with in_folder() as talking:
        assert list(talking.client.fetch(range(1, 1))) == []
        assert list(talking.client.fetch_uids([])) == []


def test_messages_that_were_not_asked_for() -> None:
    said = row(1, 10) + row(1, 10) + row(2, 21) + row(3, 30) + b"a2 OK\r\n"
    with in_folder(said) as talking:
        assert [summary.uid for summary in talking.client.fetch_uids([30, 10, 20])] == [10, 30]
        assert b"a2 UID FETCH 10,20,30 (" in talking.sent()[1]


def test_messages_that_somebody_else_has_deleted() -> None:
    said = row(1, 10) + b"a2 NO [EXPUNGEISSUED] Some of them are gone\r\na3 NO other\r\n"
    with in_folder(said) as talking:
        assert [summary.uid for summary in talking.client.fetch(range(1, 9))] == [10]
        with pytest.raises(PermanentNegativeReply, match="other"):
            list(talking.client.fetch(range(1, 9)))


@pytest.mark.parametrize(
    ("said", "has_shrunk"),
    [
        (b"* 3 EXPUNGE\r\na2 OK\r\n", True),
        (b"a2 OK [EXPUNGEISSUED] gone\r\n", True),
        (b"* 3 EXISTS\r\na2 OK\r\n", False),
    ],
)
def test_news_of_deleted_messages(said: bytes, has_shrunk: bool) -> None:
    with in_folder(said, b"* 1 EXISTS\r\na3 OK\r\n") as talking:
        assert not talking.client.has_shrunk
        talking.client.noop()
        assert talking.client.has_shrunk is has_shrunk
        talking.client.examine("x")
        assert not talking.client.has_shrunk


@pytest.mark.parametrize(
    "said",
    [
        b"* 1 FETCH (UID x RFC822.SIZE 9)\r\n",
        b"* 1 FETCH (UID NIL RFC822.SIZE 9)\r\n",
        b"* 1 FETCH (UID 7 RFC822.SIZE ())\r\n",
        b"* 1 FETCH (UID 7 RFC822.SIZE 99999999999999999999)\r\n",
        b"* 1 FETCH NIL\r\n",
        b"* 1 FETCH (UID 1 BODY[HEADER.FIELDS ()] {65537}\r\n",
        b"* 1 FETCH (UID 1 BODY[HEADER.FIELDS ()] {5}\r\nabc",
        b"* 1 FETCH (FLAGS ())\r\n" * (MAX_RESPONSES + 100),
        (b"* 1 FETCH (X {60000}\r\n" + bytes(60_000) + b")\r\n") * 800,
    ],
    ids=lambda said: said[:50].decode(),
)
def test_no_summaries(said: bytes) -> None:
    with in_folder(said) as talking, pytest.raises(RemoteProtocolError, match=r"^it "):
        list(talking.client.fetch(range(1, 9)))


# The end


def test_logout() -> None:
    with talk(b"* BYE see you\r\na1 OK\r\n") as talking:
        talking.client.logout()
        assert talking.client.state is State.LOGOUT
        with pytest.raises(LocalProtocolError, match="not legal"):
            talking.client.status("x")


def test_a_connection_that_ends() -> None:
    with talk() as talking, pytest.raises(IncompleteMessage):
        talking.client.status("x")


def test_numbers_are_written_short() -> None:
    assert number_set([]) == ""
    assert number_set([4, 5, 5, 9, 1]) == "1,4:5,9"


def test_every_error_is_one_line() -> None:
    with (
        talk(b"a1 NO \x1b[2J\x85\xe2\x80\xa8x\r\n") as talking,
        pytest.raises(SocketToolsError) as caught,
    ):
        talking.client.status("x")
    assert str(caught.value).isprintable()
