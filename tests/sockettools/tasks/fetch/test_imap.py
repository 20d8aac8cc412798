from __future__ import annotations

import re
import time
from contextlib import contextmanager
from io import StringIO
from types import MappingProxyType
from typing import TYPE_CHECKING

import pytest

from sockettools.errors import (
    IncompleteMessage,
    InsecureLogin,
    LocalProtocolError,
    PermanentNegativeReply,
    ReadTimeout,
    RemoteProtocolError,
    SocketToolsError,
    TransientNegativeReply,
)
from sockettools.net.address import InternetAddress
from sockettools.net.tls import client_context, server_context
from sockettools.net.transcript import TextSink, Transcript
from sockettools.protocols.access import Access, Credentials, TlsPolicy
from sockettools.service_url import parse_service_url
from sockettools.tasks.fetch import Wanted, fetch, file_name
from sockettools.tasks.fetch.imap import BATCH, Place, place_of
from tests.patience import SECONDS, SILENCE
from tests.servers.certificates import Authority
from tests.servers.scripted import Client, ScriptedServer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from sockettools.service_url import ServiceUrl

SECRET = "tanstaaf"

MESSAGE = b"From: a\r\n\r\n)\r\na2 OK\r\n"


def literal(octets: bytes) -> bytes:
    return b"{%d}\r\n" % len(octets) + octets


# What is said to the beginning of a command behind its tag; %t is the tag, %s the section and %o
# the origin that were asked for. "" is the greeting.
ANSWERS = {
    "": b"* OK [CAPABILITY IMAP4rev1] ready\r\n",
    "LOGIN": b"%t OK\r\n",
    "CAPABILITY": b"* CAPABILITY IMAP4rev1\r\n%t OK\r\n",
    "EXAMINE": b"* 2 EXISTS\r\n* OK [UIDVALIDITY 9] ok\r\n%t OK\r\n",
    "SELECT": b"* 2 EXISTS\r\n%t OK\r\n",
    "LIST": b'* LIST (\\Noselect) "/" "Entw&APw-rfe\t"\r\n* LIST () NIL &-\r\n%t OK\r\n',
    "UID SEARCH": b"* SEARCH 8\r\n%t OK\r\n",
    "FETCH": (
        b"* 1 FETCH (UID 7 RFC822.SIZE 99 BODY[HEADER.FIELDS (DATE FROM SUBJECT)] "
        + literal(b"Subject: =?utf-8?q?Caf=C3=A9?=\r\nFrom: a\x1b\r\n\r\n")
        + b")\r\n* 2 FETCH (UID 8 RFC822.SIZE 0 BODY[HEADER.FIELDS (DATE FROM SUBJECT)] NIL)\r\n"
        b"%t OK\r\n"
    ),
    "UID FETCH 8 (UID RFC822": (
        b'* 2 FETCH (UID 8 RFC822.SIZE 0 BODY[HEADER.FIELDS (DATE FROM SUBJECT)] "")\r\n%t OK\r\n'
    ),
    "UID FETCH 7 (UID BODY": (
        b"* 1 FETCH (UID 7 BODY[%s]%o " + literal(MESSAGE) + b")\r\n%t OK\r\n"
    ),
}  # fmt: skip


@contextmanager
def server(answers: Mapping[str, bytes] = MappingProxyType({})) -> Iterator[tuple[str, list[str]]]:
    """Answer as ``ANSWERS`` where no other answer is given; yield its URL and what came.

    b"" is no answer.
    """
    said: list[str] = []
    all_answers = {**ANSWERS, **answers}

    def talk(client: Client) -> None:
        client.send(all_answers[""])
        while line := client._file.readline().decode("latin-1").rstrip("\r\n"):
            tag, _, command = line.partition(" ")
            said.append(command)
            # The longest is the one that is meant.
            known = max(filter(command.startswith, all_answers), key=len)
            section = re.search(r"\[(.*?)\]", command)
            answer = all_answers[known] if known else b"%t BAD what?\r\n"
            answer = answer.replace(b"%t", tag.encode())
            origin = re.search(r"<(\d+)", command)
            answer = answer.replace(b"%o", b"<%b>" % origin[1].encode() if origin else b"")
            client.send(answer.replace(b"%s", section[1].encode() if section else b""))

    with ScriptedServer(talk) as running:
        yield f"imap://mrose:{SECRET}@127.0.0.1:{running.port}", said


def from_url(url: ServiceUrl) -> Credentials | None:
    return None if url.username is None else Credentials(url.username, url.password or "")


def get(
    url: str,
    wanted: Wanted = Wanted(),  # noqa: B008 - it does not change
    *,
    tls: TlsPolicy = TlsPolicy.AUTO,
    idle_timeout: float = SECONDS,
) -> bytes:
    access = Access(idle_timeout=idle_timeout, tls=tls, credentials=from_url)
    with fetch(parse_service_url(url), access, wanted) as resource:
        blocks = b"".join(resource.blocks)
        assert resource.size in (None, len(blocks))
        return blocks


# URLs


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("", Place()),
        ("/", Place()),
        ("/INBOX", Place("INBOX")),
        ("/INBOX/", Place("INBOX")),
        ("/Archive/2016", Place("Archive/2016")),
        ("/Archive%2F2016", Place("Archive/2016")),
        ("/a%20%22b%22%5C%3B%3F%25", Place('a "b"\\;?%')),
        ("/Café", Place("Café")),
        ("/Caf%C3%A9/;UID=7", Place("Café", uid=7)),
        ("/INBOX;UIDVALIDITY=9", Place("INBOX", uid_validity=9)),
        ("/INBOX;uidvalidity=9/;uid=7", Place("INBOX", uid_validity=9, uid=7)),
        ("/INBOX/;UID=7/;SECTION=1.2", Place("INBOX", uid=7, section="1.2")),
        ("/INBOX;UID=7;SECTION=TEXT", Place("INBOX", uid=7, section="TEXT")),
        (
            "/INBOX/;UID=7/;SECTION=HEADER.FIELDS%20(DATE)",
            Place("INBOX", uid=7, section="HEADER.FIELDS (DATE)"),
        ),
        ("/INBOX/;UID=7/;PARTIAL=0.1024", Place("INBOX", uid=7, partial=(0, 1024))),
        ("/INBOX/;UID=7/;PARTIAL=5", Place("INBOX", uid=7, partial=(5, 2**32 - 1))),
        (
            # RFC 5092 section 7.
            "/gray%20council;UIDVALIDITY=385759045/;UID=20/;SECTION=1.5.9/;PARTIAL=0.1024",
            Place("gray council", 385_759_045, None, 20, "1.5.9", (0, 1024)),
        ),
        ("/gray%20council?SUBJECT%20shadows", Place("gray council", search=b"SUBJECT shadows")),
        ("/INBOX;UIDVALIDITY=9?SEEN", Place("INBOX", 9, b"SEEN")),
        ("/a?TEXT%20%22%3F%23;%22", Place("a", search=b'TEXT "?#;"')),
    ],
)
def test_what_a_url_means(path: str, place: Place) -> None:
    assert place_of(parse_service_url(f"imap://h{path}")) == place


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("?SEEN", "it is not"),
        ("/?SEEN", "names no folder"),
        ("/;UID=7", "names no folder"),
        ("/INBOX#1", "%23"),
        ("/INBOX?SEEN#1", "%23"),
        ("/INBOX/;UID=0", "UID=0 is no number"),
        ("/INBOX/;UID=x", "UID=x is no number"),
        ("/INBOX/;UID=", "UID= is no number"),
        ("/INBOX/;UID=4294967296", "is no number"),
        ("/INBOX/;UID=" + "9" * 5000, "is no number"),
        ("/INBOX/;UID=7;UID=8", ";UID= twice"),
        ("/INBOX/;UIDVALIDITY=-1", "is no number"),
        ("/INBOX/;UID", "means nothing"),
        ("/INBOX/;MAILINDEX=1", "means nothing"),
        ("/a;b", "%3B"),
        ("/INBOX/;SECTION=1", "needs the message"),
        ("/INBOX/;PARTIAL=1.1", "needs the message"),
        ("/INBOX/;UID=7/;PARTIAL=1.0", "PARTIAL=1.0"),
        ("/INBOX/;UID=7/;PARTIAL=.1", "PARTIAL=.1"),
        ("/INBOX/;UID=7/;PARTIAL=1.4294967296", "PARTIAL"),
        ("/INBOX/;UID=7/;PARTIAL=" + "9" * 5000, "PARTIAL"),
        ("/INBOX/;UID=7?SEEN", "a message, and a search"),
        ("/Caf%E9", "no UTF-8"),
    ],
)
def test_a_url_that_means_nothing(path: str, problem: str) -> None:
    with pytest.raises(ValueError, match=re.escape(problem)):
        get(f"imap://user@127.0.0.1:1{path}")


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("/INBOX", "only a message has a header"),
        ("/INBOX/;UID=7/;SECTION=TEXT", "has no header"),
    ],
)
def test_what_has_no_header(path: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        get(f"imap://user@127.0.0.1:1{path}", Wanted(headers=True))


def test_what_would_be_two_commands() -> None:
    with server() as (url, said):
        with pytest.raises(ValueError, match="search"):
            get(f"{url}/INBOX?SEEN%0D%0Aa9%20DELETE%20INBOX")
        with pytest.raises(ValueError, match="section"):
            get(f"{url}/INBOX/;UID=7/;SECTION=TEXT]%0D%0A")
        for name in ("INBOX%0d%0aa%20LOGOUT", "%00", "a%1Bb", "%C2%85"):
            with pytest.raises(LocalProtocolError, match="no name of a folder"):
                get(f"{url}/{name}")
        with pytest.raises(ValueError, match="no UTF-8"):
            get(f"{url}/\udcff")
        get(f"{url.replace('mrose', 'x%20y%22')}/")
        with pytest.raises(ValueError, match="line end"):
            get(f"{url.replace('mrose', 'x%0D%0A')}/")
    assert said == [
        *('LOGIN "mrose" "tanstaaf"', 'EXAMINE "INBOX"'),
        *('LOGIN "x y\\"" "tanstaaf"', 'LIST "" "*"', "LOGOUT"),
    ]


# What they lead to


def test_folders() -> None:
    with server() as (url, said):
        assert get(url).decode() == ("name\tflags\tdelimiter\nEntwürfe\\t\t\\Noselect\t/\n&\t\t\n")
    assert said == ['LOGIN "mrose" "tanstaaf"', 'LIST "" "*"', "LOGOUT"]


def test_messages() -> None:
    with server() as (url, said):
        assert get(f"{url}/INBOX", Wanted(changes_allowed=True)).decode() == (
            "uid\tdate\tfrom\tsubject\tsize\n7\t\ta\\x1b\tCafé\t99\n8\t\t\t\t0\n"
        )
    assert said[1] == 'EXAMINE "INBOX"'
    assert said[2].startswith("FETCH 1:2 (UID RFC822.SIZE FLAGS BODY.PEEK[")


def test_messages_that_match() -> None:
    with server() as (url, said):
        assert get(f"{url}/INBOX?SUBJECT%20%22a%20b%22").endswith(b"size\n8\t\t\t\t0\n")
    assert said[2] == 'UID SEARCH SUBJECT "a b"'


@pytest.mark.parametrize(
    ("path", "wanted", "opened", "asked"),
    [
        ("/;UID=7", Wanted(), "EXAMINE", "BODY.PEEK[]"),
        ("/;UID=7", Wanted(headers=True), "EXAMINE", "BODY.PEEK[HEADER]"),
        ("/;UID=7", Wanted(changes_allowed=True), "SELECT", "BODY[]"),
        ("/;UID=7/;SECTION=1.2", Wanted(), "EXAMINE", "BODY.PEEK[1.2]"),
        ("/;UID=7/;SECTION=1.2", Wanted(headers=True), "EXAMINE", "BODY.PEEK[1.2.MIME]"),
        ("/;UID=7/;PARTIAL=5.30", Wanted(), "EXAMINE", "BODY.PEEK[]<5.30>"),
        (";UIDVALIDITY=9/;UID=7", Wanted(), "EXAMINE", "BODY.PEEK[]"),
    ],
)
def test_a_message(path: str, wanted: Wanted, opened: str, asked: str) -> None:
    with server() as (url, said):
        assert get(f"{url}/INBOX{path}", wanted) == MESSAGE
    assert said[1:] == [f'{opened} "INBOX"', f"UID FETCH 7 (UID {asked})", "LOGOUT"]


def test_the_numbers_are_other_ones_now() -> None:
    with server() as (url, said), pytest.raises(PermanentNegativeReply, match="is 9 now"):
        get(f"{url}/INBOX;UIDVALIDITY=8/;UID=7")
    assert all("FETCH" not in line for line in said)


def test_messages_come_in_batches() -> None:
    with server(
        {
            "EXAMINE": b"* %d EXISTS\r\n%%t OK\r\n" % (BATCH * 2 + 1),
            "FETCH": b"%t OK\r\n",
            "NOOP": b"* 1 EXPUNGE\r\n%t OK\r\n",
        }
    ) as (url, said):
        assert get(f"{url}/INBOX").count(b"\n") == 1
    assert [line.split()[1] for line in said[2:5]] == [
        f"1:{BATCH}",
        f"{BATCH + 1}:{BATCH * 2}",
        f"{BATCH * 2 + 1}",
    ]


ROW = b"* 1 FETCH (UID 8 RFC822.SIZE 5)\r\n"


@pytest.mark.parametrize(
    ("path", "answers"),
    [
        pytest.param("", {"FETCH": ROW + b"* 2 EXPUNGE\r\n%t OK\r\n"}, id="told at once"),
        pytest.param("", {"FETCH": ROW + b"%t NO [EXPUNGEISSUED] gone\r\n"}, id="refused"),
        pytest.param("", {"NOOP": b"* 2 EXPUNGE\r\n%t OK\r\n"}, id="told when asked"),
        pytest.param("?ALL", {"NOOP": b"* 2 EXPUNGE\r\n%t OK\r\n"}, id="of those that were found"),
    ],
)
def test_messages_that_somebody_else_has_deleted(path: str, answers: dict[str, bytes]) -> None:
    standard = {
        "EXAMINE": b"* 3 EXISTS\r\n%t OK\r\n",
        "FETCH": ROW + b"%t OK\r\n",
        "UID SEARCH": b"* SEARCH 8 9\r\n%t OK\r\n",
        "UID FETCH": ROW + b"%t OK\r\n",
    }
    with server({**standard, **answers}) as (url, said):
        assert get(f"{url}/INBOX{path}").endswith(b"size\n8\t\t\t\t5\n")
    assert ("NOOP" in said) is ("NOOP" in answers)


@pytest.mark.parametrize(
    ("path", "answers", "problem"),
    [
        pytest.param(
            "", {"FETCH": ROW + b"%t OK\r\n"}, "3 messages, but 1 have", id="one of three"
        ),
        pytest.param("", {"FETCH": b"%t OK\r\n"}, "3 messages, but 0 have", id="none"),
        pytest.param(
            "?ALL", {"UID FETCH": ROW + b"%t OK\r\n"}, "2 messages, but 1 have", id="of those found"
        ),
        pytest.param("", {"EXAMINE": b"%t OK\r\n"}, "how many messages", id="no EXISTS"),
        pytest.param("", {"EXAMINE": b"* -3 EXISTS\r\n%t OK\r\n"}, "how many messages", id="-3"),
        pytest.param("?ALL", {"UID SEARCH": b"%t OK\r\n"}, "the search found", id="no SEARCH"),
        pytest.param(
            "?ALL", {"UID SEARCH": b"* SEARCH -5\r\n%t OK\r\n"}, "numbers", id="SEARCH -5"
        ),
    ],
)
def test_nothing_is_not_taken_for_an_answer(
    path: str, answers: dict[str, bytes], problem: str
) -> None:
    standard = {
        "EXAMINE": b"* 3 EXISTS\r\n%t OK\r\n",
        "UID SEARCH": b"* SEARCH 8 9 8\r\n%t OK\r\n",
        "NOOP": b"* 3 EXISTS\r\n%t OK\r\n",
    }
    with (
        server({**standard, **answers}) as (url, _),
        pytest.raises(RemoteProtocolError, match=problem),
    ):
        get(f"{url}/INBOX{path}")


def test_messages_are_listed_once() -> None:
    answers = {
        "UID SEARCH": b"* SEARCH 9 8 9 8\r\n%t OK\r\n",
        "UID FETCH 8:9": ROW + b"* 2 FETCH (UID 9 RFC822.SIZE 6)\r\n%t OK\r\n",
    }
    with server(answers) as (url, said):
        assert get(f"{url}/INBOX?ALL").endswith(b"size\n8\t\t\t\t5\n9\t\t\t\t6\n")
    assert "NOOP" not in said


def test_a_server_that_repeats_what_was_asked() -> None:
    """As Twisted's does, which sends all of a message then."""
    answers = {
        "EXAMINE": b"* 1 EXISTS\r\n%t OK\r\n",
        "FETCH": b"* 1 FETCH (UID 7 RFC822.SIZE 9 BODY[HEADER.FIELDS (DATE FROM SUBJECT)]<0.16384> "
        + literal(b"Subject: a\r\n\r\n")
        + b")\r\n%t OK\r\n",
        "UID FETCH 7 (UID BODY": b"* 1 FETCH (UID 7 BODY[]<2.4> "
        + literal(b"0123456789")
        + b")\r\n%t OK\r\n",
    }
    with server(answers) as (url, _):
        assert get(f"{url}/INBOX").endswith(b"size\n7\t\t\ta\t9\n")
        assert get(f"{url}/INBOX/;UID=7/;PARTIAL=2.4") == b"2345"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("", None),
        ("/", None),
        ("/INBOX", "INBOX"),
        ("/INBOX/", "INBOX"),
        ("/a/b%2Fc;UIDVALIDITY=9?TEXT%20a/b", "b%2Fc"),
        ("/..", None),
        ("/INBOX/;UID=7", "7.eml"),
        ("/INBOX;UIDVALIDITY=9/;UID=7", "7.eml"),
        ("/INBOX/;UID=7/;SECTION=header", "7.eml"),
        ("/INBOX/;UID=7/;SECTION=1.2", None),
        ("/INBOX/;UID=7/;PARTIAL=0.9", None),
    ],
)
def test_names_of_files(path: str, name: str | None) -> None:
    assert file_name(parse_service_url(f"imap://user@host{path}")) == name


@pytest.mark.parametrize("path", ["/", "/INBOX", "/INBOX?ALL", "/INBOX/;UID=7"])
def test_alerts_are_notes(path: str) -> None:
    alert = b"* OK [ALERT] full\x1b\r\n"
    answers = {name: alert + ANSWERS[name] for name in ANSWERS if name}
    with server(answers) as (url, _):
        access = Access(idle_timeout=SECONDS, tls=TlsPolicy.OFF, credentials=from_url)
        with fetch(parse_service_url(f"{url}{path}"), access) as resource:
            notes = list(resource.notes)
            assert b"".join(resource.blocks)
    # One of the login, one of the folder, one of what is in it.
    assert notes == ["full\\x1b"] * {"/": 2, "/INBOX?ALL": 4}.get(path, 3)


def test_messages_that_never_come() -> None:
    with (
        server({"EXAMINE": b"* 4294967295 EXISTS\r\n%t OK\r\n", "FETCH": b"%t OK\r\n"}) as (url, _),
        pytest.raises(RemoteProtocolError, match="4294967295 messages, but they do not come"),
    ):
        get(f"{url}/INBOX")


# Logging in


@pytest.mark.parametrize(
    ("user", "command"),
    [
        ("mrose", 'LOGIN "mrose" "tanstaaf"'),
        ("mrose;AUTH=*", 'LOGIN "mrose" "tanstaaf"'),
        ("mrose;auth=%2BLOGIN", 'LOGIN "mrose" "tanstaaf"'),
        ("mrose;AUTH=PLAIN", "AUTHENTICATE PLAIN AG1yb3NlAHRhbnN0YWFm"),
        (";AUTH=ANONYMOUS", "AUTHENTICATE ANONYMOUS YW5vbnltb3Vz"),
    ],
)
def test_ways_to_log_in(user: str, command: str) -> None:
    answers = {"": b"* OK [CAPABILITY SASL-IR] hi\r\n", "AUTHENTICATE": b"%t OK\r\n"}
    with server(answers) as (url, said):
        get(url.replace("mrose", user))
    assert said[0] == command


def test_nobody_is_nobody() -> None:
    answers = {"": b"* OK [CAPABILITY AUTH=ANONYMOUS] hi\r\n", "AUTH": b"%t OK\r\n"}
    with (
        server(answers) as (url, said),
        pytest.raises(RemoteProtocolError, match="heard everything"),
    ):
        get(url.replace(f"mrose:{SECRET}@", ""))
    assert said == ["AUTHENTICATE ANONYMOUS"]


def test_a_mailbox_needs_a_user() -> None:
    with server() as (url, _), pytest.raises(SocketToolsError, match="imap://USER@"):
        get(url.replace(f"mrose:{SECRET}@", ""))


def test_an_unknown_way_to_log_in() -> None:
    with pytest.raises(ValueError, match="GSSAPI"):
        get("imap://user;AUTH=GSSAPI@127.0.0.1:1/")


def test_a_password_does_not_cross_the_network() -> None:
    with server() as (url, said):
        parsed = parse_service_url(url)
        there = InternetAddress("mail.example", parsed.port)
        address = InternetAddress("127.0.0.1", parsed.port)
        access = Access(
            credentials=from_url,
            addresses={(there.host, there.port): address},
            idle_timeout=SECONDS,
        )
        elsewhere = parse_service_url(f"imap://a:{SECRET}@mail.example:{parsed.port}/")
        with pytest.raises(InsecureLogin), fetch(elsewhere, access):
            pass
    assert said == []


@pytest.mark.parametrize("reply", [b"%t NO bad: tanstaaf\r\n", b"what is tanstaaf\r\n"])
@pytest.mark.parametrize(
    ("user", "form"),
    [
        ("mrose", SECRET),
        ("mrose", f'"{SECRET}"'),
        ("mrose", "dGFuc3RhYWY="),
        ("mrose;AUTH=PLAIN", SECRET),
        ("mrose;AUTH=PLAIN", "AG1yb3NlAHRhbnN0YWFm"),
    ],
)
def test_a_password_that_is_repeated(user: str, form: str, reply: bytes) -> None:
    answer = reply.replace(SECRET.encode(), form.encode())
    answers = {
        "": b"* OK [CAPABILITY SASL-IR] hi\r\n",
        "LOGIN": answer,
        "AUTHENTICATE": answer,
    }
    kept = StringIO()
    access = Access(
        idle_timeout=SECONDS, credentials=from_url, transcript=Transcript([TextSink(kept)])
    )
    with (
        server(answers) as (url, _),
        pytest.raises(SocketToolsError, match=r"\*\*\*") as caught,
        fetch(parse_service_url(url.replace("mrose", user)), access),
    ):
        pass
    assert form.strip('"') not in str(caught.value) + kept.getvalue()
    assert "***" in kept.getvalue().splitlines()[2]


# TLS


def test_encryption_is_required() -> None:
    with (
        server() as (url, said),
        pytest.raises(SocketToolsError, match=r"no encryption \(STARTTLS"),
    ):
        get(url, tls=TlsPolicy.REQUIRE)
    assert said == []


@pytest.mark.parametrize(
    ("capabilities", "tls", "is_refused"),
    [
        (b"STARTTLS", TlsPolicy.AUTO, True),
        (b"", TlsPolicy.REQUIRE, True),
        (b"", TlsPolicy.AUTO, False),
        (b"STARTTLS", TlsPolicy.OFF, False),
    ],
)
def test_who_is_logged_in_before_tls(capabilities: bytes, tls: TlsPolicy, is_refused: bool) -> None:
    greeting = b"* PREAUTH hello\r\n"
    answer = b"* CAPABILITY IMAP4rev1 " + capabilities + b"\r\n%t OK\r\n"
    with server({"": greeting, "CAPABILITY": answer}) as (url, said):
        if is_refused:
            with pytest.raises(RemoteProtocolError, match="PREAUTH"):
                get(url, tls=tls)
            assert "STARTTLS" not in said
        else:
            assert get(url, tls=tls).startswith(b"name\t")
        assert all(SECRET not in line for line in said)


def test_bytes_before_the_encryption() -> None:
    answers = {
        "": b"* OK [CAPABILITY STARTTLS] hi\r\n",
        "STARTTLS": b"%t OK\r\n* PREAUTH evil\r\n",
    }
    with server(answers) as (url, said), pytest.raises(RemoteProtocolError, match="encryption"):
        get(url)
    assert said == ["STARTTLS"]


def test_what_was_said_before_the_encryption_is_forgotten(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    authority.issue(tmp_path / "server.pem")
    said: list[str] = []

    def talk(client: Client) -> None:
        # Somebody on the way would like to have the password by LOGIN.
        client.send(b"* OK [CAPABILITY IMAP4rev1 STARTTLS SASL-IR] hi\r\n")
        said.append(client._file.readline().decode())
        client.send(b"a1 OK [CAPABILITY IMAP4rev1] begin\r\n")
        context = server_context(str(tmp_path / "server.pem"))
        with (
            context.wrap_socket(client.socket.dup(), server_side=True) as encrypted,
            encrypted.makefile("rb") as lines,
        ):
            for answer in (
                b"* CAPABILITY IMAP4rev1 LOGINDISABLED AUTH=PLAIN\r\na2 OK\r\n",
                b"+ \r\n",
                b"a3 OK\r\n",
                b"a4 OK\r\n",
            ):
                said.append(lines.readline().decode())
                encrypted.sendall(answer)
            lines.read()

    access = Access(
        idle_timeout=SECONDS,
        context=lambda: client_context(ca_file=str(authority.path)),
        credentials=from_url,
    )
    with ScriptedServer(talk) as running:
        url = parse_service_url(f"imap://mrose:{SECRET}@127.0.0.1:{running.port}/")
        with fetch(url, access) as resource:
            assert b"".join(resource.blocks).count(b"\n") == 1

    assert said == [
        "a1 STARTTLS\r\n",
        "a2 CAPABILITY\r\n",
        "a3 AUTHENTICATE PLAIN\r\n",
        "AG1yb3NlAHRhbnN0YWFm\r\n",
        'a4 LIST "" "*"\r\n',
    ]


def test_a_refused_encryption_is_the_end() -> None:
    answers = {"": b"* OK [CAPABILITY STARTTLS] hi\r\n", "STARTTLS": b"%t NO not now\r\n"}
    with server(answers) as (url, said), pytest.raises(PermanentNegativeReply, match="STARTTLS"):
        get(url)
    assert said == ["STARTTLS"]


# Servers that do as they like


@pytest.mark.parametrize(
    ("command", "answer", "error"),
    [
        ("", b"* BYE full\r\n", TransientNegativeReply),
        ("LOGIN", b"%t NO [UNAVAILABLE] later\r\n", TransientNegativeReply),
        ("LOGIN", b"* BYE you\r\n", TransientNegativeReply),
        ("LOGIN", b"+ more\r\n", RemoteProtocolError),
        ("LOGIN", b"a0 OK\r\n", RemoteProtocolError),
        ("EXAMINE", b"%t BAD\r\n", PermanentNegativeReply),
        (
            "UID FETCH 7 (UID BODY",
            b"* 1 FETCH (UID 7 BODY[] {9223372036854775808}\r\n",
            RemoteProtocolError,
        ),
        ("UID FETCH 7 (UID BODY", b"* 1 FETCH (UID 7 BODY[] {9}\r\nabc", ReadTimeout),
        ("", b"* OK x" * 10, ReadTimeout),
        ("UID FETCH 7 (UID BODY", b"", ReadTimeout),
    ],
)
def test_one_error_of_one_line(command: str, answer: bytes, error: type[SocketToolsError]) -> None:
    with server({command: answer}) as (url, _):
        begin = time.monotonic()
        with pytest.raises(error) as caught:
            get(f"{url}/INBOX/;UID=7", idle_timeout=SILENCE if error is ReadTimeout else SECONDS)
    assert time.monotonic() - begin < SECONDS / 2
    assert str(caught.value).isprintable()
    assert SECRET not in str(caught.value)


def test_a_literal_that_is_cut() -> None:
    def talk(client: Client) -> None:
        client.send(
            b"* PREAUTH [CAPABILITY IMAP4rev1] hi\r\n* 1 EXISTS\r\na1 OK\r\n"
            b"* 1 FETCH (UID 7 BODY[] {9}\r\nabc"
        )
        client.end()

    with (
        ScriptedServer(talk) as running,
        pytest.raises(IncompleteMessage, match="6 octets before the end"),
    ):
        get(f"imap://a:b@127.0.0.1:{running.port}/INBOX/;UID=7")


def test_a_message_that_is_not_read_to_its_end() -> None:
    answer = b"* 1 FETCH (UID 7 BODY[] {99999999999}\r\n" + b"x" * 100_000
    with server({"UID FETCH 7 (UID BODY": answer}) as (url, said):
        access = Access(credentials=from_url, idle_timeout=SECONDS)
        with fetch(parse_service_url(f"{url}/INBOX/;UID=7"), access) as resource:
            assert resource.size == 99_999_999_999
            assert next(resource.blocks)
    assert "LOGOUT" not in said
