"""What news URLs mean, and sessions with servers that are old, odd or hostile."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockettools.errors import (
    IncompleteMessage,
    InsecureLogin,
    PermanentNegativeReply,
    ReadTimeout,
    RemoteProtocolError,
    SocketToolsError,
    TooLong,
    TransientNegativeReply,
)
from sockettools.net.address import InternetAddress
from sockettools.protocols.access import Access, Credentials, TlsPolicy
from sockettools.service_url import ServiceUrl
from sockettools.tasks.fetch import Wanted, fetch
from sockettools.tasks.fetch.nntp import NewsUrl, file_name, parse_news_path
from tests.patience import SECONDS, SILENCE
from tests.servers.scripted import Client, ScriptedServer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

READY = b"200 ready\r\n"
CAPABILITIES = b"101 list:\r\nVERSION 2\r\nREADER\r\nOVER\r\n.\r\n"
WITH_TLS = CAPABILITIES.replace(b"READER", b"READER\r\nSTARTTLS")
WITH_LOGIN = CAPABILITIES.replace(b"READER", b"READER\r\nAUTHINFO USER")
GROUP = b"211 3 1 3 a\r\n"
FORMAT = b"503 none\r\n"

ALICE = Credentials("alice", "secret")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("", NewsUrl(), id="no path"),
        pytest.param("/", NewsUrl(), id="groups"),
        pytest.param("/comp.*", NewsUrl(pattern="comp.*"), id="pattern"),
        pytest.param("/a.b", NewsUrl(group="a.b"), id="group"),
        pytest.param("/a.b/", NewsUrl(group="a.b"), id="group with a slash"),
        pytest.param("/t%C3%A8st", NewsUrl(group="tèst"), id="UTF-8"),
        pytest.param("/a.b/5", NewsUrl(group="a.b", article=5), id="number"),
        pytest.param("/a.b/1-10", NewsUrl(group="a.b", low=1, high=10), id="range"),
        pytest.param("/a.b/7-7", NewsUrl(group="a.b", low=7, high=7), id="range of one"),
        pytest.param("/a.b/5-", NewsUrl(group="a.b", low=5), id="open range"),
        pytest.param("/1@b.example", NewsUrl(article="<1@b.example>"), id="message-id"),
        pytest.param("/<1@b.example>", NewsUrl(article="<1@b.example>"), id="angle brackets"),
        pytest.param("/%3C1%40b%3E", NewsUrl(article="<1@b>"), id="encoded message-id"),
        pytest.param("/a/1?x%25y@b", NewsUrl(article="<a/1?x%y@b>"), id="odd message-id"),
    ],
)
def test_paths(path: str, expected: NewsUrl) -> None:
    assert parse_news_path(path) == expected


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        pytest.param("//5", "no group is named", id="no group"),
        pytest.param("/a%20b", "is no name of a group", id="space"),
        pytest.param("/a%0D%0AQUIT", "is no name of a group", id="line end"),
        pytest.param("/a,b", "is no name of a group", id="several"),
        pytest.param("/%FF", "is not UTF-8", id="no UTF-8"),
        pytest.param("/a/x", "neither a number nor a range", id="word"),
        pytest.param("/a/-5", "neither a number nor a range", id="no beginning"),
        pytest.param("/a/5/6", "neither a number nor a range", id="more"),
        pytest.param("/a/²", "neither a number nor a range", id="no digit"),
        pytest.param("/a/" + "9" * 30, "neither a number nor a range", id="huge"),
        pytest.param("/a/0", "begin with 1", id="zero"),
        pytest.param("/a/5-4", "ends before it begins", id="backwards"),
        pytest.param("/a.*/5", "name one group", id="article of a pattern"),
        pytest.param("/1@b%0d%0aQUIT", "is no message-id", id="line end in message-id"),
        pytest.param("/<1@b", "is no message-id", id="half a message-id"),
        pytest.param("/" + "x" * 300 + "@b", "is no message-id", id="long message-id"),
    ],
)
def test_paths_that_mean_nothing(path: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_news_path(path)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        pytest.param("/", None, id="groups"),
        pytest.param("/comp.*", "comp._.txt", id="pattern"),
        pytest.param("/a.b", "a.b.txt", id="group"),
        pytest.param("/a.b/1-10", "a.b.txt", id="range"),
        pytest.param("/a.b/5", "5.eml", id="number"),
        pytest.param("/a1@example.test", "a1@example.test.eml", id="message-id"),
        pytest.param("/%3C..%2F..%2Fx%7Cy@b%3E", "_.._x_y@b.eml", id="odd message-id"),
        pytest.param("/a%0Ab", None, id="nothing"),
    ],
)
def test_names_of_files(path: str, name: str | None) -> None:
    assert file_name(ServiceUrl("nntp", "h", 119, path)) == name


@pytest.mark.parametrize("path", ["", "/comp.*", "/a", "/a/1-3"])
def test_only_articles_have_a_header(path: str, access: Access) -> None:
    with (
        pytest.raises(ValueError, match="only an article has a header"),
        fetch(ServiceUrl("nntp", "127.0.0.1", 1, path), access, Wanted(headers=True)),
    ):
        pass


@given(st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=30))
def test_any_path_means_something_or_has_a_reason(path: str) -> None:
    try:
        found = parse_news_path("/" + path)
    except ValueError as exc:
        assert str(exc)  # noqa: PT017
        return
    said = [str(part) for part in (found.group, found.pattern, found.article) if part is not None]
    assert not any(char.isspace() or char < " " for text in said for char in text)


class Session:
    """A server that knows some commands; ``said`` is what it was told."""

    def __init__(self, answers: Mapping[str, bytes], greeting: bytes = READY) -> None:
        self.said: list[str] = []
        self._answers = answers
        self._greeting = greeting

    def __call__(self, client: Client) -> None:
        client.send(self._greeting)
        with closing(client.socket.makefile("rb")) as lines:
            for line in lines:
                command = line.decode().rstrip("\r\n")
                self.said.append(command)
                client.send(self._answers.get(command, b"500 what?\r\n"))


@contextmanager
def asked(
    session: Session, path: str, access: Access, user: str | None = None
) -> Iterator[Iterator[bytes]]:
    """Yield the blocks that a URL of this session leads to."""
    with ScriptedServer(session) as server:
        url = ServiceUrl("nntp", "127.0.0.1", server.port, path, user)
        with fetch(url, access) as resource:
            yield resource.blocks


def read(session: Session, path: str, access: Access, user: str | None = None) -> str:
    with asked(session, path, access, user) as blocks:
        return b"".join(blocks).decode()


@pytest.fixture
def access() -> Access:
    return Access(idle_timeout=SECONDS, credentials=lambda _url: None)


def test_a_server_of_rfc_977(access: Access) -> None:
    """It has neither capabilities nor readers nor overviews."""
    session = Session(
        {
            "LIST": b"215 list\r\na 3 1 y\r\nb 0 0 n\r\n.\r\n",
            "GROUP a": GROUP,
            "HEAD 1": b"221 1 <1@b>\r\nSubject: one\r\nFrom: c@d.example\r\n.\r\n",
            "HEAD 2": b"423 none\r\n",
            "HEAD 3": b"221 3 <3@b>\r\nSubject: three\r\nDate: long ago\r\n.\r\n",
        }
    )
    assert read(session, "/", access) == (
        "group\tarticles\tposting\tabout\na\t1-3\tyes\t\nb\tnone\tno\t\n"
    )
    assert read(session, "/a", access) == (
        "number\tdate\tfrom\tsubject\tlines\tbytes\n"
        "1\t\tc@d.example\tone\t\t\n3\tlong ago\t\tthree\t\t\n"
    )
    assert session.said[:2] == ["CAPABILITIES", "MODE READER"]


def test_mode_reader_comes_first(access: Access) -> None:
    session = Session(
        {
            "CAPABILITIES": b"101\r\nMODE-READER\r\n.\r\n",
            "MODE READER": READY,
            "GROUP a": GROUP,
            "ARTICLE 2": b"220 2 <2@b>\r\nx\r\n.\r\n",
        }
    )
    assert read(session, "/a/2", access) == "x\r\n"
    assert session.said[:2] == ["CAPABILITIES", "MODE READER"]
    assert session.said[-1] == "QUIT"


def test_a_server_that_lets_nobody_read(access: Access) -> None:
    answers = {"CAPABILITIES": b"101\r\nMODE-READER\r\n.\r\n", "MODE READER": b"502 no\r\n"}
    with pytest.raises(PermanentNegativeReply, match="refused MODE READER: 502"):
        read(Session(answers), "/", access)


def test_overviews_have_no_control_characters(access: Access) -> None:
    session = Session(
        {
            "CAPABILITIES": CAPABILITIES,
            "GROUP a": GROUP,
            "LIST OVERVIEW.FMT": FORMAT,
            "OVER 1-3": b"224\r\n1\t\x1b[2Jx\t=?utf-8?q?a=0D=0Ab=09?=\t"
            b"Wed, 06 Jul 2016 09:50:00 -0000\r\n.\r\n",
        }
    )
    assert read(session, "/a/1-3", access).splitlines()[1] == (
        "1\t2016-07-06 09:50\ta\\r\\nb\\t\t\\x1b[2Jx\t\t"
    )


@pytest.mark.parametrize("reply", [b"211 0 0 0 a\r\n", b"211 0 5 4 a\r\n", b"211 9 0 0 a\r\n"])
@pytest.mark.parametrize("path", ["/a", "/a/0-10", "/a/5-"])
def test_an_empty_group(access: Access, reply: bytes, path: str) -> None:
    session = Session({"CAPABILITIES": CAPABILITIES, "GROUP a": reply})
    assert read(session, path, access) == "number\tdate\tfrom\tsubject\tlines\tbytes\n"


def test_a_group_with_too_many_headers(access: Access) -> None:
    session = Session({"GROUP a": b"211 1099511627776 1 1099511627776 a\r\n"})
    with pytest.raises(PermanentNegativeReply, match="1099511627776 articles are too many"):
        read(session, "/a", access)
    assert len(session.said) < 10


def test_headers_only(access: Access) -> None:
    session = Session({"HEAD <1@b>": b"221 0 <1@b>\r\nSubject: x\r\n.\r\n"})
    with ScriptedServer(session) as server:
        url = ServiceUrl("nntp", "127.0.0.1", server.port, "/1@b")
        with fetch(url, access, Wanted(headers=True)) as resource:
            assert b"".join(resource.blocks) == b"Subject: x\r\n"
            assert (resource.media_type, resource.name) == ("message/rfc822", "1@b.eml")


# TLS and login


def test_tls_is_required_and_not_offered() -> None:
    session = Session({"CAPABILITIES": CAPABILITIES})
    with pytest.raises(SocketToolsError, match="offers no encryption"):
        read(session, "/", Access(tls=TlsPolicy.REQUIRE))
    assert session.said == ["CAPABILITIES"]


def test_tls_is_required_and_not_known() -> None:
    session = Session({})
    with pytest.raises(PermanentNegativeReply, match="refused STARTTLS: 500"):
        read(session, "/", Access(tls=TlsPolicy.REQUIRE))


def test_tls_is_offered_and_not_wanted() -> None:
    session = Session({"CAPABILITIES": WITH_TLS, "LIST": b"215\r\n.\r\n"})
    read(session, "/", Access(tls=TlsPolicy.OFF))
    assert "STARTTLS" not in session.said


def test_octets_before_tls(access: Access) -> None:
    session = Session({"CAPABILITIES": WITH_TLS, "STARTTLS": b"382 go\r\n101\r\nREADER\r\n.\r\n"})
    with pytest.raises(RemoteProtocolError, match="before the encryption began"):
        read(session, "/", access)


def test_tls_that_is_refused(access: Access) -> None:
    """It was offered: going on in clear text is what somebody on the way would want."""
    session = Session({"CAPABILITIES": WITH_TLS, "STARTTLS": b"580 no\r\n"})
    with pytest.raises(PermanentNegativeReply, match="refused STARTTLS: 580"):
        read(session, "/", access)
    assert session.said[-1] == "STARTTLS"


def logging_in(tls: TlsPolicy = TlsPolicy.AUTO, *, elsewhere: int | None = None) -> Access:
    addresses = (
        {("news.example", 119): InternetAddress("127.0.0.1", elsewhere)} if elsewhere else {}
    )
    return Access(
        idle_timeout=SECONDS, tls=tls, credentials=lambda _url: ALICE, addresses=addresses
    )


LOGIN = {
    "CAPABILITIES": WITH_LOGIN,
    "AUTHINFO USER alice": b"381 go on\r\n",
    "AUTHINFO PASS secret": b"281 welcome\r\n",
    "LIST": b"215\r\n.\r\n",
}


def test_login_where_it_is_offered() -> None:
    session = Session(LOGIN)
    read(session, "/", logging_in())
    assert session.said[1:3] == ["AUTHINFO USER alice", "AUTHINFO PASS secret"]


def test_no_login_where_nobody_wants_it() -> None:
    session = Session({**LOGIN, "CAPABILITIES": CAPABILITIES})
    read(session, "/", logging_in())
    assert not any(line.startswith("AUTHINFO") for line in session.said)


def test_login_where_the_url_says_so() -> None:
    session = Session({**LOGIN, "CAPABILITIES": CAPABILITIES})
    read(session, "/", logging_in(), user="alice")
    assert "AUTHINFO PASS secret" in session.said


@pytest.mark.parametrize("user", ["alice", None])
def test_no_password_in_clear_text(user: str | None) -> None:
    session = Session({**LOGIN, "LIST": b"480 who?\r\n", "LIST NEWSGROUPS": b"480 who?\r\n"})
    with ScriptedServer(session) as server:
        url = ServiceUrl("nntp", "news.example", 119, "", user)
        with (
            pytest.raises(InsecureLogin, match="no encryption"),
            fetch(url, logging_in(elsewhere=server.port)) as resource,
        ):
            b"".join(resource.blocks)
    assert not any(line.startswith("AUTHINFO") for line in session.said)


@pytest.mark.parametrize("user", ["alice", None])
def test_no_password_in_clear_text_where_nobody_asks(user: str | None) -> None:
    """Only who was named has to log in."""
    session = Session(LOGIN)
    with ScriptedServer(session) as server:
        url = ServiceUrl("nntp", "news.example", 119, "", user)
        try:
            with fetch(url, logging_in(elsewhere=server.port)) as resource:
                b"".join(resource.blocks)
            is_refused = False
        except InsecureLogin:
            is_refused = True
    assert is_refused is (user is not None)
    assert not any(line.startswith("AUTHINFO") for line in session.said)


def test_a_password_in_clear_text_where_nobody_minds() -> None:
    session = Session(LOGIN)
    with ScriptedServer(session) as server:
        url = ServiceUrl("nntp", "news.example", 119)
        with fetch(url, logging_in(TlsPolicy.OFF, elsewhere=server.port)) as resource:
            b"".join(resource.blocks)
    assert "AUTHINFO PASS secret" in session.said


# Servers that end it


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param(b"400 shutting down\r\n", TransientNegativeReply, id="400"),
        pytest.param(b"503 no\r\n", PermanentNegativeReply, id="503"),
        pytest.param(b"x" * 100_000, TooLong, id="endless line"),
        pytest.param(b"\xff\xfe\r\n", RemoteProtocolError, id="garbage"),
        pytest.param(b"220 0 <1@b>\r\nhalf", ReadTimeout, id="silence"),
    ],
)
def test_answers_to_article(answer: bytes, error: type[SocketToolsError]) -> None:
    session = Session({"CAPABILITIES": CAPABILITIES, "ARTICLE <1@b>": answer})
    with pytest.raises(error) as raised:
        read(session, "/1@b", Access(idle_timeout=SILENCE if error is ReadTimeout else SECONDS))
    assert str(raised.value).isprintable()


def test_an_article_that_is_cut(access: Access) -> None:
    def server(client: Client) -> None:
        client.send(READY)
        with closing(client.socket.makefile("rb")) as lines:
            while not lines.readline().startswith(b"ARTICLE"):
                client.send(b"500 what?\r\n")
        client.send(b"220 0 <1@b>\r\nhalf an article\r\n")

    with ScriptedServer(server) as scripted:
        url = ServiceUrl("nntp", "127.0.0.1", scripted.port, "/1@b")
        with (
            pytest.raises(IncompleteMessage, match="before the end of the text"),
            fetch(url, access) as resource,
        ):
            b"".join(resource.blocks)


def test_who_stops_early_says_no_goodbye(access: Access) -> None:
    session = Session({"CAPABILITIES": CAPABILITIES, "LIST": b"215\r\n" + b"a 1 1 y\r\n" * 9})
    with asked(session, "/", access) as blocks:
        assert next(blocks).startswith(b"group")
        assert next(blocks).startswith(b"a\t")
    assert session.said[-1] == "LIST"
