"""IMAP against dovecot: the same as imaplib gets."""

from __future__ import annotations

import hashlib
import imaplib
import os
import re
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from sockettools.errors import CertificateError, PermanentNegativeReply
from sockettools.net.tls import client_context
from sockettools.net.transcript import Direction, Transcript
from sockettools.protocols.access import Access, Credentials, TlsPolicy
from sockettools.protocols.imap import utf7
from sockettools.service_url import parse_service_url
from sockettools.tasks.fetch import Wanted, fetch
from sockettools.tasks.fetch.imap import mailbox
from tests.machine import needs_programs
from tests.servers.mail import HOST, MESSAGES, PASSWORDS, UIDVALIDITY, Mail, mail

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sockettools.net.transcript import Event
    from sockettools.protocols.imap.client import ImapClient
    from sockettools.service_url import ServiceUrl

pytestmark = needs_programs("dovecot")

WAYS = ("plain", "STARTTLS", "TLS")

MANY = 10_000

# A message of 50 MB: octets of a line, and lines.
LINE = b"x" * 998 + b"\r\n"
LINES = 50_000

FOLDERS = ("Entwürfe", 'q"uo\\te', "Salt & Pepper", "日本語 \U0001f4e7", "50% *", "A.b.c", "(x)")

# Prints the most memory that it ever had, in kB, and the digest of what it got.
MEASURED = """
import hashlib, re, sys
from pathlib import Path
from sockettools.protocols.access import Access, Credentials, TlsPolicy
from sockettools.service_url import parse_service_url
from sockettools.tasks.fetch import fetch
access = Access(tls=TlsPolicy.OFF, credentials=lambda url: Credentials(url.username, url.password))
digest = hashlib.sha256()
lines = 0
with fetch(parse_service_url(sys.argv[1]), access) as resource:
    for block in resource.blocks:
        digest.update(block)
        lines += block.count(b"\\n")
status = Path("/proc/self/status").read_text()
print(re.search(r"VmHWM:\\s+(\\d+) kB", status)[1], lines, digest.hexdigest())
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Mail]:
    with mail() as server:
        yield server


def access_by(server: Mail, way: str, transcript: Transcript | None = None) -> Access:
    return Access(
        idle_timeout=30,
        tls=TlsPolicy.REQUIRE if way == "STARTTLS" else TlsPolicy.OFF,
        context=lambda: client_context(ca_file=str(server.authority)),
        credentials=lambda url: Credentials(url.username or "", PASSWORDS[url.username or ""]),
        transcript=transcript,
    )


def url_of(server: Mail, way: str = "plain", user: str = "user", path: str = "") -> ServiceUrl:
    scheme, port = ("imaps", server.imaps) if way == "TLS" else ("imap", server.imap)
    return parse_service_url(f"{scheme}://{user}@{HOST}:{port}{path}")


def get(
    server: Mail,
    path: str,
    way: str = "plain",
    *,
    user: str = "user",
    wanted: Wanted = Wanted(),  # noqa: B008 - it does not change
) -> bytes:
    with fetch(url_of(server, way, user, path), access_by(server, way), wanted) as resource:
        blocks = b"".join(resource.blocks)
        assert resource.size in (None, len(blocks))
        return blocks


def column(table: bytes, name: str) -> list[str]:
    head, *rows = (line.split("\t") for line in table.decode().splitlines())
    return [row[head.index(name)] for row in rows]


@contextmanager
def session(server: Mail, user: str = "user", way: str = "plain") -> Iterator[ImapClient]:
    with mailbox(url_of(server, way, user), access_by(server, way)) as client:
        yield client
        client.logout()


@contextmanager
def library(server: Mail, user: str = "user", way: str = "plain") -> Iterator[imaplib.IMAP4]:
    """Log in by imaplib."""
    context = client_context(ca_file=str(server.authority))
    if way == "TLS":
        client: imaplib.IMAP4 = imaplib.IMAP4_SSL(HOST, server.imaps, ssl_context=context)
    else:
        client = imaplib.IMAP4(HOST, server.imap)
    try:
        if way == "STARTTLS":
            client.starttls(context)
        client.login(user, PASSWORDS[user])
        yield client
    finally:
        client.logout()


def body(client: imaplib.IMAP4, uid: str, item: str) -> bytes:
    _, data = client.uid("FETCH", uid, f"({item})")
    found: object = data[0]
    assert isinstance(found, tuple)
    octets = found[1]
    assert isinstance(octets, bytes)
    return octets


def raw_name(line: object) -> bytes:
    """Return the name out of a line of LIST as imaplib gives it."""
    if isinstance(line, tuple):  # a literal
        name = line[1]
    else:
        assert isinstance(line, bytes)
        name = line.rpartition(b'"." ')[2]
        if name.startswith(b'"'):
            name = re.sub(rb"\\(.)", rb"\1", name[1:-1])
    assert isinstance(name, bytes)
    return name


@pytest.mark.parametrize("way", WAYS)
def test_messages_are_those_that_imaplib_gets(server: Mail, way: str) -> None:
    with library(server, way=way) as client:
        client.select("INBOX", readonly=True)
        uids = client.uid("SEARCH", "ALL")[1][0].decode().split()
        theirs = [body(client, uid, "BODY.PEEK[]") for uid in uids]
        heads = [body(client, uid, "BODY.PEEK[HEADER]") for uid in uids]

    listing = get(server, "/INBOX", way)
    ours = [get(server, f"/INBOX/;UID={uid}", way) for uid in uids]
    assert column(listing, "uid") == uids == ["1", "2", "3", "4", "5"]
    assert column(listing, "size") == [str(len(message)) for message in theirs]
    assert column(listing, "subject")[3:] == ["Café", "No final newline"]
    assert column(listing, "from") == ["Alice <alice@example.test>"] * 5
    assert column(listing, "date")[0] == "Wed, 06 Jul 2016 09:51:00 +0000"
    assert ours == theirs
    assert ours[1] == MESSAGES[1].replace(b"\n", b"\r\n")
    headers = Wanted(headers=True)
    assert [get(server, f"/INBOX/;UID={uid}", way, wanted=headers) for uid in uids] == heads


@pytest.mark.parametrize("way", WAYS)
def test_folders_are_those_that_imaplib_gets(server: Mail, way: str) -> None:
    with library(server, "spare", way) as client:
        for name in FOLDERS:
            quoted = re.sub(r'(["\\])', r"\\\1", utf7.encode(name).decode())
            client.create(f'"{quoted}"')
        theirs = [raw_name(line) for line in client.list()[1] if line]

    with session(server, "spare", way) as ours:
        folders = list(ours.list_folders())
    assert [folder.raw for folder in folders] == theirs
    assert {folder.name for folder in folders} >= {*FOLDERS, "INBOX"}
    assert {folder.delimiter for folder in folders} == {"."}
    table = get(server, "/", way, user="spare")
    assert column(table, "name") == [folder.name for folder in folders]


@pytest.mark.parametrize("name", FOLDERS)
def test_every_folder_can_be_opened(server: Mail, name: str) -> None:
    quoted = "".join(f"%{octet:02X}" for octet in name.encode())
    with library(server, "large") as client:
        raw = re.sub(r'(["\\])', r"\\\1", utf7.encode(name).decode())
        client.create(f'"{raw}"')
        client.append(f'"{raw}"', "", "", MESSAGES[0])
    assert get(server, f"/{quoted}", user="large").count(b"\n") == 2
    assert get(server, f"/{quoted}/;UID=1", user="large") == MESSAGES[0].replace(b"\n", b"\r\n")
    with session(server, "large") as ours:
        assert ours.status(name)["MESSAGES"] == 1
        assert ours.status(name)["UIDNEXT"] == 2


@pytest.mark.parametrize(
    ("search", "criteria"),
    [
        pytest.param("SUBJECT%20Hello", ["SUBJECT", "Hello"], id="word"),
        pytest.param("OR%20SEEN%20(BODY%20%22na%22)", ["OR", "SEEN", '(BODY "na")'], id="brackets"),
        pytest.param("NOT%20SEEN%204:*", ["NOT", "SEEN", "4:*"], id="numbers"),
        pytest.param("SUBJECT%20nosuch", ["SUBJECT", "nosuch"], id="nothing"),
        pytest.param("SUBJECT%20Caf%C3%A9", ["CHARSET", "UTF-8", "SUBJECT"], id="not ascii"),
        pytest.param("SUBJECT%20%22Café%22", ["CHARSET", "UTF-8", "SUBJECT"], id="quoted"),
    ],
)
def test_a_search_finds_what_imaplib_finds(server: Mail, search: str, criteria: list[str]) -> None:
    with library(server) as client:
        client.select("INBOX", readonly=True)
        if criteria[0] == "CHARSET":
            vars(client)["literal"] = "Café".encode()
        theirs = client.uid("SEARCH", *criteria)[1][0].decode().split()

    assert column(get(server, f"/INBOX?{search}"), "uid") == theirs


@pytest.mark.parametrize(
    ("path", "item"),
    [
        ("SECTION=TEXT", "BODY.PEEK[TEXT]"),
        ("SECTION=HEADER", "BODY.PEEK[HEADER]"),
        ("SECTION=1", "BODY.PEEK[1]"),
        ("SECTION=1.MIME", "BODY.PEEK[1.MIME]"),
        ("SECTION=header.fields%20(%22date%22%20From)", "BODY.PEEK[HEADER.FIELDS (DATE FROM)]"),
        ("PARTIAL=0.1024", "BODY.PEEK[]<0.1024>"),
        ("PARTIAL=100.50", "BODY.PEEK[]<100.50>"),
        ("PARTIAL=100", "BODY.PEEK[]<100.4294967295>"),
        ("SECTION=TEXT/;PARTIAL=3.4", "BODY.PEEK[TEXT]<3.4>"),
    ],
)
def test_parts_are_those_that_imaplib_gets(server: Mail, path: str, item: str) -> None:
    with library(server) as client:
        client.select("INBOX", readonly=True)
        theirs = body(client, "5", item)

    assert get(server, f"/INBOX;UIDVALIDITY={UIDVALIDITY}/;UID=5/;{path}") == theirs
    assert theirs


def test_a_part_that_is_beyond_the_end(server: Mail) -> None:
    assert get(server, "/INBOX/;UID=1/;PARTIAL=99999.5") == b""


def test_nothing_is_changed_unless_it_is_allowed(server: Mail) -> None:
    server.deliver("changing", MESSAGES[:3])
    get(server, "/INBOX/;UID=1", user="changing")
    get(server, "/INBOX", user="changing", wanted=Wanted(changes_allowed=True))
    get(server, "/INBOX/;UID=2", user="changing", wanted=Wanted(headers=True))
    assert column(get(server, "/INBOX?SEEN", user="changing"), "uid") == []

    get(server, "/INBOX/;UID=3", user="changing", wanted=Wanted(changes_allowed=True))
    assert column(get(server, "/INBOX?SEEN", user="changing"), "uid") == ["3"]


def test_what_somebody_else_deletes_meanwhile_is_left_out(server: Mail) -> None:
    for path, user in (("/INBOX", "crowded"), ("/INBOX?ALL", "other")):
        server.deliver(user, (MESSAGES[number % 5] for number in range(600)))
        with fetch(url_of(server, user=user, path=path), access_by(server, "plain")) as resource:
            rows = [next(resource.blocks), next(resource.blocks)]
            with library(server, user) as client:
                client.select("INBOX")
                client.store("100:550", "+FLAGS", "\\Deleted")
                client.expunge()
            rows += resource.blocks
        uids = column(b"".join(rows), "uid")
        assert len(uids) == len(set(uids))
        # Batches that were under way may have them still.
        assert {*map(str, range(1, 100)), *map(str, range(551, 601))} <= set(uids)


def test_many_messages_in_flat_memory(server: Mail) -> None:
    server.deliver("many", MESSAGES[:1])
    new = server.folder / "mail" / "many" / "new"
    (first,) = new.iterdir()
    for number in range(2, MANY + 1):
        # Names of one file: to write so many takes long.
        os.link(first, new / re.sub(r"M1P", f"M{number}P", first.name))
    few, _, _ = measured(server, "user", "/INBOX")
    many, lines, _ = measured(server, "many", "/INBOX")

    assert lines == MANY + 1
    assert many - few < 4_000
    with library(server, "many") as client:
        client.select("INBOX", readonly=True)
        theirs = client.uid("SEARCH", "ALL")[1][0].decode().split()
    with session(server, "many") as ours:
        assert ours.examine("INBOX").messages == MANY
        assert list(map(str, ours.search([b"ALL"]))) == theirs


def test_a_large_message_in_flat_memory(server: Mail) -> None:
    large = b"Subject: large\r\n\r\n" + LINE * LINES
    server.deliver("large", [large])
    small, _, _ = measured(server, "user", "/INBOX/;UID=1")
    most, _, digest = measured(server, "large", "/INBOX/;UID=1")

    assert digest == hashlib.sha256(large).hexdigest()
    assert most - small < 4_000


def measured(server: Mail, user: str, path: str) -> tuple[int, int, str]:
    """Return what ``MEASURED`` prints, of a process of its own."""
    url = f"imap://{user}:{PASSWORDS[user]}@{HOST}:{server.imap}{path}"
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, url], capture_output=True, timeout=60, check=True
    )
    most, lines, digest = done.stdout.split()
    return int(most), int(lines), digest.decode()


class Kept:
    """Events as they came."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def write(self, event: Event) -> None:
        self.events.append(event)


@pytest.mark.parametrize("user", ["user", "other"])
def test_what_is_said(server: Mail, user: str) -> None:
    kept = Kept()
    access = access_by(server, "STARTTLS", Transcript([kept]))
    with fetch(url_of(server, user=user, path="/"), access) as resource:
        assert b"INBOX" in b"".join(resource.blocks)

    sent = [event.data for event in kept.events if event.direction is Direction.SENT]
    # Capabilities are asked for anew behind the encryption.
    assert sent == [
        b"a1 STARTTLS\r\n",
        b"a2 CAPABILITY\r\n",
        b"a3 LOGIN ***\r\n",
        b'a4 LIST "" "*"\r\n',
        b"a5 LOGOUT\r\n",
    ]


@pytest.mark.parametrize("user", ["user;AUTH=PLAIN", "other;AUTH=PLAIN", "other;AUTH=*"])
def test_ways_to_log_in(server: Mail, user: str) -> None:
    assert b"\nINBOX\t" in get(server, "/", user=user)


@pytest.mark.parametrize(
    ("mechanism", "password"),
    [("", "wrong"), ("", "wröng"), (";AUTH=LOGIN", "wröng"), (";AUTH=PLAIN", ""), ("", 'a"\\ ')],
)
def test_a_wrong_password(server: Mail, mechanism: str, password: str) -> None:
    access = Access(credentials=lambda _: Credentials("user", password), tls=TlsPolicy.OFF)
    with (
        pytest.raises(PermanentNegativeReply, match="refused the login"),
        fetch(url_of(server, user=f"user{mechanism}"), access),
    ):
        pass


def test_a_certificate_that_nobody_trusted_has_signed(server: Mail) -> None:
    for way, tls in (("TLS", TlsPolicy.OFF), ("plain", TlsPolicy.AUTO)):
        access = Access(credentials=lambda _: Credentials("user", "secret"), tls=tls)
        with pytest.raises(CertificateError), fetch(url_of(server, way), access):
            pass


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("/nosuch", "the folder 'nosuch'"),
        ("/INBOX/;UID=99", "no message 99"),
        ("/INBOX/;UID=1/;SECTION=NOSUCH", "refused message 1: BAD"),
        ("/INBOX;UIDVALIDITY=1/;UID=1", f"UIDVALIDITY is {UIDVALIDITY} now"),
        ("/INBOX?NOSUCH", "refused the search: BAD"),
        ("/INBOX?CHARSET%20nosuch%20TEXT%20%FF", "refused the search: NO .BADCHARSET"),
    ],
)
def test_refusals(server: Mail, path: str, problem: str) -> None:
    with pytest.raises(PermanentNegativeReply, match=problem):
        get(server, path)
