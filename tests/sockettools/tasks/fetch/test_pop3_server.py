"""POP3 against dovecot: the same as poplib gets."""

from __future__ import annotations

import poplib
import tracemalloc
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from sockettools.errors import CertificateError, PermanentNegativeReply
from sockettools.net.tls import client_context
from sockettools.protocols.access import Access, Credentials, TlsPolicy
from sockettools.protocols.pop3 import Pop3Client
from sockettools.service_url import parse_service_url
from sockettools.tasks.fetch import Wanted, fetch
from sockettools.tasks.fetch.pop3 import mailbox
from tests.machine import needs_programs
from tests.servers.mail import HOST, MESSAGES, PASSWORDS, Mail, mail

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sockettools.service_url import ServiceUrl

pytestmark = needs_programs("dovecot")

WAYS = ("plain", "STLS", "TLS")

MANY = 10_000

# A message of 50 MB, without holding it: octets of a line, and lines.
LINE = b"x" * 998 + b"\r\n"
LINES = 50_000


@pytest.fixture(scope="module")
def server() -> Iterator[Mail]:
    with mail() as server:
        yield server


def access_by(server: Mail, way: str) -> Access:
    return Access(
        idle_timeout=30,
        tls=TlsPolicy.REQUIRE if way == "STLS" else TlsPolicy.OFF,
        context=lambda: client_context(ca_file=str(server.authority)),
        credentials=lambda url: Credentials(url.username or "", PASSWORDS[url.username or ""]),
    )


def url_of(server: Mail, way: str = "plain", user: str = "user", path: str = "") -> ServiceUrl:
    scheme, port = ("pop3s", server.pop3s) if way == "TLS" else ("pop3", server.pop3)
    return parse_service_url(f"{scheme}://{user}@{HOST}:{port}{path}")


def get(server: Mail, path: str, way: str = "plain", *, headers: bool = False) -> bytes:
    wanted = Wanted(headers=headers)
    with fetch(url_of(server, way, path=path), access_by(server, way), wanted) as resource:
        return b"".join(resource.blocks)


@contextmanager
def session(server: Mail, user: str, way: str = "plain") -> Iterator[Pop3Client]:
    with mailbox(url_of(server, way, user), access_by(server, way)) as client:
        yield client


@contextmanager
def library(server: Mail, user: str, way: str = "plain") -> Iterator[poplib.POP3]:
    """Log in by poplib."""
    context = client_context(ca_file=str(server.authority))
    client: poplib.POP3
    if way == "TLS":
        client = poplib.POP3_SSL(HOST, server.pop3s, context=context, timeout=30)
    else:
        client = poplib.POP3(HOST, server.pop3, timeout=30)
    try:
        if way == "STLS":
            client.stls(context)
        client.user(user)
        client.pass_(PASSWORDS[user])
        yield client
        client.quit()
    finally:
        client.close()


def joined(lines: Iterable[bytes]) -> bytes:
    return b"".join(line + b"\r\n" for line in lines)


@pytest.mark.parametrize("way", WAYS)
def test_messages_are_those_that_poplib_gets(server: Mail, way: str) -> None:
    with library(server, "user", way) as client:
        theirs = [joined(client.retr(number)[1]) for number in range(1, 6)]
        heads = [joined(client.top(number, 0)[1]) for number in range(1, 6)]

    assert [get(server, f"/{number}", way) for number in range(1, 6)] == theirs
    assert [get(server, f"/{number}", way, headers=True) for number in range(1, 6)] == heads


def test_messages_are_those_that_were_delivered(server: Mail) -> None:
    for number, message in enumerate(MESSAGES, 1):
        lines = message.removesuffix(b"\n").split(b"\n")
        assert get(server, f"/{number}") == joined(lines)


@pytest.mark.parametrize("way", WAYS)
def test_the_list_is_the_one_that_poplib_gets(server: Mail, way: str) -> None:
    with library(server, "user", way) as client:
        sizes, uids = client.list()[1], client.uidl()[1]

    rows = [
        b"\t".join([*size.split(), uid.split()[1]]) for size, uid in zip(sizes, uids, strict=True)
    ]
    assert get(server, "/", way).splitlines() == [b"number\toctets\tuid", *rows]
    assert len(rows) == len(MESSAGES)


@pytest.mark.parametrize("way", WAYS)
def test_what_poplib_asks(server: Mail, way: str) -> None:
    with library(server, "user", way) as theirs:
        capabilities = theirs.capa()
        stat = theirs.stat()
        top = joined(theirs.top(2, 1)[1])
    with session(server, "user", way) as client:
        assert {name: list(words) for name, words in client.capabilities().items()} == capabilities
        assert client.stat() == stat == (5, 2114)
        assert client.size(2) == 170
        assert b"".join(client.top(2, 1)) == top
        client.quit()


def test_a_password_of_all_sorts(server: Mail) -> None:
    with session(server, "other") as client:
        assert client.stat() == (0, 0)
        assert list(client.sizes()) == []


@pytest.mark.parametrize("way", ["plain", "TLS"])
def test_other_ways_to_log_in(server: Mail, way: str) -> None:
    access = access_by(server, way)
    ports = {"plain": server.pop3, "TLS": server.pop3s}
    for capabilities in ({"SASL": ("PLAIN",)}, {"TOP": ()}):
        with (
            access.open(HOST, ports[way], implicit_tls=way == "TLS") as conversation,
            Pop3Client(conversation) as client,
        ):
            client.greet()
            client._capabilities = capabilities
            client.login(Credentials("other", PASSWORDS["other"]))
            assert client.stat() == (0, 0)
            client.quit()


def test_deletion(server: Mail) -> None:
    server.deliver("changing", [b"Subject: %d\n\n" % number for number in range(5)])
    with session(server, "changing") as client:
        client.delete(2)
        client.delete(4)
        with pytest.raises(PermanentNegativeReply, match="refused message 2: -ERR"):
            client.retrieve(2)
        client.reset()
        client.delete(1)
        assert [size.number for size in client.sizes()] == [2, 3, 4, 5]
    with session(server, "changing") as client:  # it was not told goodbye
        assert client.stat().messages == 5
        kept = [uid.uid for uid in client.uids()][1:]
        client.delete(1)
        client.quit()
    with session(server, "changing") as client:
        assert [uid.uid for uid in client.uids()] == kept
        client.quit()
    with library(server, "changing") as theirs:
        assert [line.split()[1].decode() for line in theirs.uidl()[1]] == kept


@pytest.mark.parametrize(
    ("path", "password", "problem"),
    [
        pytest.param("/6", "secret", "refused message 6: -ERR There's no message 6", id="no such"),
        pytest.param("/9999999999", "secret", "message 9999999999: -ERR", id="a large number"),
        pytest.param("/1", "wrong-word", r"the login of user: -ERR \[AUTH\]", id="wrong password"),
    ],
)
def test_refusals(server: Mail, path: str, password: str, problem: str) -> None:
    access = Access(tls=TlsPolicy.OFF, credentials=lambda _url: Credentials("user", password))

    with (
        pytest.raises(PermanentNegativeReply, match=problem) as caught,
        fetch(url_of(server, path=path), access),
    ):
        pass
    assert password not in str(caught.value)


@pytest.mark.parametrize("way", ["STLS", "TLS"])
def test_a_certificate_that_nobody_trusts(server: Mail, way: str) -> None:
    access = Access(credentials=lambda _url: Credentials("user", "secret"))

    with pytest.raises(CertificateError), fetch(url_of(server, way), access):
        pass


def test_ten_thousand_messages(server: Mail) -> None:
    server.deliver("many", (b"Subject: %d\n\n" % number for number in range(MANY)))
    rows = 0
    with fetch(url_of(server, user="many"), access_by(server, "plain")) as resource:
        tracemalloc.start()
        for row in resource.blocks:
            rows += row.count(b"\n")
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

    assert rows == MANY + 1
    assert most < 500_000
    with library(server, "many") as theirs:
        assert theirs.stat()[0] == MANY
    assert row.startswith(b"10000\t")


@pytest.mark.parametrize("way", ["plain", "STLS"])
def test_a_large_message(server: Mail, way: str) -> None:
    # The second time it is replaced by itself, or by another one with the same content.
    server.deliver("large", [b"Subject: large\r\n\r\n" + LINE * LINES])
    access = access_by(server, way)
    size = 0
    with fetch(url_of(server, user="large", path="/1"), access) as resource:
        tracemalloc.start()
        for block in resource.blocks:
            size += len(block)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

    assert size == len(b"Subject: large\r\n\r\n") + len(LINE) * LINES
    assert most < 2_000_000
