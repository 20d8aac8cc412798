from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sockettools.cli.delete import read_deletions
from tests.machine import needs_programs
from tests.servers.mail import HOST, Mail, mail
from tests.servers.scripted import Client, ScriptedServer
from tests.sockettools.cli.commands import run_here
from tests.sockettools.cli.getting import get

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def server() -> Iterator[Mail]:
    with mail() as server:
        yield server


def url_of(server: Mail, user: str, path: str = "") -> str:
    return f"pop3://{user}:secret@{HOST}:{server.pop3}{path}"


def delete(server: Mail, *arguments: str) -> tuple[int, str, str]:
    return run_here("delete", "--cacert", str(server.authority), *arguments)


def uids(server: Mail, user: str) -> list[bytes]:
    done = get("--tls", "off", url_of(server, user))
    assert (done.status, done.err) == (0, "")
    return [line.split()[2] for line in done.out.splitlines()[1:]]


def fill(server: Mail, user: str, first: int) -> list[bytes]:
    """Put three more messages into a mailbox; return what identifies all."""
    server.deliver(user, [b"Subject: hello\n\n"] * 3, first=first)
    return uids(server, user)


@needs_programs("dovecot")
def test_messages_are_deleted(server: Mail) -> None:
    first, second, third = fill(server, "spare", 1)
    done = delete(server, *(url_of(server, "spare", path) for path in ("/1", "/3", "/1")))

    url = f"pop3://{HOST}:{server.pop3}"
    assert done == (0, f"{url}/1 is deleted.\n{url}/3 is deleted.\n", "")
    assert uids(server, "spare") == [second]
    assert first != third


@needs_programs("dovecot")
def test_messages_are_deleted_by_their_identifiers(server: Mail) -> None:
    before = [uid.decode() for uid in fill(server, "spare", 1)]
    urls = [url_of(server, "spare", f"/;UIDL={uid}") for uid in (before[1], before[-1])]
    assert get("--tls", "off", urls[0]).out.startswith(b"Subject: hello")
    # A number of the list is another message's after the first deletion.
    for url in urls:
        assert delete(server, url)[::2] == (0, ""), url
    assert [uid.decode() for uid in uids(server, "spare")] == [before[0], *before[2:-1]]

    status, output, errors = delete(server, url_of(server, "spare", "/1"), urls[0])
    assert (status, output) == (4, "")
    assert errors.endswith(f" has no message with the UIDL {before[1]!r}\n")
    assert len(uids(server, "spare")) == len(before) - 2


@needs_programs("dovecot")
def test_two_names_of_one_mailbox(server: Mail) -> None:
    before = fill(server, "changing", 1)
    tls = f"pop3s://changing:secret@{HOST}:{server.pop3s}/2"
    status, output, errors = delete(server, url_of(server, "changing", "/1"), tls)

    assert (status, output.count("is deleted."), errors) == (0, 2, "")
    assert uids(server, "changing") == before[2:]


@needs_programs("dovecot")
@pytest.mark.parametrize(
    ("paths", "problem"),
    [
        pytest.param(("/1", "/99"), "refused message 99: -ERR There's no message 99.", id="one"),
        pytest.param(("/99",), "refused message 99: -ERR There's no message 99.", id="the only"),
    ],
)
def test_all_or_none(server: Mail, paths: tuple[str, ...], problem: str) -> None:
    server.deliver("crowded", [b"Subject: hello\n\n"])
    before = uids(server, "crowded")
    done = delete(server, *(url_of(server, "crowded", path) for path in paths))

    assert done == (4, "", f"sockettools delete: {HOST}:{server.pop3} {problem}\n")
    assert uids(server, "crowded") == before != []


@needs_programs("dovecot")
def test_a_wrong_password(server: Mail) -> None:
    url = url_of(server, "spare", "/1").replace("secret", "incorrect")
    status, output, errors = delete(server, url)

    assert (status, output) == (4, "")
    assert "refused the login of spare" in errors
    assert "incorrect" not in errors


@needs_programs("dovecot")
def test_getting_deletes_nothing(server: Mail) -> None:
    before = fill(server, "many", 1)
    for path in ("", "/1"):
        assert get("--tls", "off", url_of(server, "many", path)).status == 0

    assert uids(server, "many") == before


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        pytest.param("pop3://u:hidden@h", "names no message", id="a mailbox"),
        pytest.param("pop3://u:hidden@h/", "names no message", id="a mailbox, slash"),
        pytest.param("pop3://u:hidden@h/0", "'0' is no number of a message", id="0"),
        pytest.param("pop3://u:hidden@h/x%0D%0ADELE%201", "is no number", id="a line end"),
        pytest.param("pop3://u:hidden@h/;UIDL=", "nor ;UIDL=ID", id="no identifier"),
        pytest.param("imap://u:hidden@h/1", "pop3://", id="another protocol"),
        pytest.param("http://u:hidden@h/1", "", id="no service"),
        pytest.param("3", "", id="no URL"),
    ],
)
def test_what_can_not_be_deleted(url: str, problem: str) -> None:
    # Nothing is asked before all are understood.
    status, output, errors = run_here("delete", "pop3://u:p@127.0.0.1:1/1", url)

    assert (status, output) == (2, "")
    assert problem in errors
    assert "hidden" not in errors
    assert errors.count("\n") == 1


def test_nobody() -> None:
    done = run_here("delete", "--netrc-file", "/dev/null", "pop3://127.0.0.1:1/1")

    assert done[:2] == (1, "")
    assert run_here("delete", "pop3://nobody@127.0.0.1:1/1")[0] == 1


def test_messages_of_a_mailbox_belong_together() -> None:
    texts = ["pop3://a@h/3", "pop3://b@h/3", "pop3://a@H:110/1", "pop3://a@h/3"]

    assert [list(deletion.messages) for deletion in read_deletions(texts)] == [[3, 1], [3]]


OK = b"+OK\r\n"


def script(*answers: bytes) -> tuple[list[str], ScriptedServer]:
    """Make a server that has an answer for each line, and then closes."""
    said: list[str] = []

    def answer(client: Client) -> None:
        for text in answers:
            client.send(text)
            line = b""
            while not line.endswith(b"\n") and (octet := client.read(1)):
                line += octet
            if line:
                said.append(line.decode().strip())

    return said, ScriptedServer(answer)


CAPA = b"-ERR what?\r\n"
LOGIN = (OK, CAPA, OK, OK)


@pytest.mark.parametrize(
    ("answers", "status", "problem", "last"),
    [
        pytest.param(
            (*LOGIN, b"+OK 1 5\r\n", OK, b"-ERR not all of them\r\n"),
            4,
            "refused QUIT: -ERR not all of them",
            "QUIT",
            id="QUIT refused",
        ),
        pytest.param(
            (*LOGIN, b"+OK 1 5\r\n", OK), 1, "closed the connection", "QUIT", id="no answer to QUIT"
        ),
        pytest.param(
            (*LOGIN, b"+OK 1 5\r\n", b"-ERR read only\r\n"),
            4,
            "refused to delete message 1: -ERR read only",
            "DELE 1",
            id="DELE refused",
        ),
        pytest.param(
            (*LOGIN, b"+OK 7 5\r\n"), 1, "answered LIST with '7 5'", "LIST 1", id="another message"
        ),
    ],
)
def test_what_the_server_says_counts(
    answers: tuple[bytes, ...], status: int, problem: str, last: str
) -> None:
    said, server = script(*answers)
    with server:
        got = run_here("delete", f"pop3://u:p@127.0.0.1:{server.port}/1")

    assert got[:2] == (status, "")
    assert got[2].startswith("sockettools delete: 127.0.0.1:")
    assert problem in got[2]
    assert got[2].count("\n") == 1
    assert said[-1] == last


def test_its_session() -> None:
    said, server = script(*LOGIN, b"+OK 2 5\r\n", b"+OK 1 5\r\n", OK, OK, b"+OK bye\r\n")
    with server:
        url = f"pop3://u:p@127.0.0.1:{server.port}"
        done = run_here("delete", f"{url}/2", f"{url}/1")

    assert done[0] == 0, done
    assert said == ["CAPA", "USER u", "PASS p", "LIST 2", "LIST 1", "DELE 2", "DELE 1", "QUIT"]


def test_a_message_that_is_named_twice() -> None:
    uids = b"+OK\r\n1 a\r\n2 b\r\n.\r\n"
    said, server = script(*LOGIN, uids, b"+OK 2 5\r\n", b"+OK 1 5\r\n", OK, OK, b"+OK bye\r\n")
    with server:
        url = f"pop3://u:p@127.0.0.1:{server.port}"
        done = run_here("delete", f"{url}/2", f"{url}/;UIDL=b", f"{url}/;UIDL=a")

    assert (done[0], done[1].count(" is deleted.\n")) == (0, 3), done
    assert said[3:] == ["UIDL", "LIST 2", "LIST 1", "DELE 2", "DELE 1", "QUIT"]


def test_the_help_tells_whose_numbers_these_are() -> None:
    _, output, _ = run_here("delete", "--help")
    text = " ".join(output.split())

    assert "its number, which is that of the session that deletes it" in text
    assert ";UIDL=ID is always the same message" in text
