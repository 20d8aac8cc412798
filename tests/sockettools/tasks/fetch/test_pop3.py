from __future__ import annotations

import itertools
import time
import tracemalloc
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from sockettools.errors import (
    IncompleteMessage,
    InsecureLogin,
    NotOffered,
    PermanentNegativeReply,
    ReadTimeout,
    RemoteProtocolError,
    SocketToolsError,
    TooLong,
)
from sockettools.net.address import InternetAddress
from sockettools.net.deadline import Deadline
from sockettools.net.tls import client_context, server_context
from sockettools.protocols import pop3
from sockettools.protocols.access import Access, Credentials, TlsPolicy
from sockettools.service_url import parse_service_url
from sockettools.tasks.fetch import Wanted, fetch
from sockettools.tasks.fetch.pop3 import file_name, message_of
from tests.patience import SECONDS, SILENCE
from tests.servers.certificates import Authority
from tests.servers.scripted import Client, ScriptedServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from sockettools.service_url import ServiceUrl

SECRET = "tanstaaf"

TABLE_HEAD = b"number\toctets\tuid\n"

# What is asked, and what a good server answers.
ANSWERS: dict[str, bytes | Iterable[bytes]] = {
    "": b"+OK ready\r\n",
    "CAPA": b"+OK\r\nUSER\r\nTOP\r\nUIDL\r\n.\r\n",
    "USER": b"+OK\r\n",
    "PASS": b"+OK\r\n",
    "LIST": b"+OK\r\n1 120\r\n2 0\r\n.\r\n",
    "UIDL": b"+OK\r\n1 a\r\n2 b\r\n.\r\n",
    "RETR": b"+OK 5 octets\r\nA: b\r\n\r\n..c\r\n.\r\n",
    "TOP": b"+OK\r\nA: b\r\n\r\n.\r\n",
    "QUIT": b"+OK bye\r\n",
}


def read_command(client: Client) -> str:
    line = b""
    while not line.endswith(b"\n") and (octet := client.read(1)):
        line += octet
    return line.decode("latin-1").strip()


@contextmanager
def server(
    answers: Mapping[str, bytes | Iterable[bytes]], *, certificate: Path | None = None
) -> Iterator[tuple[str, list[str]]]:
    """Answer each command by its first word, as ``ANSWERS`` where no other answer is given.

    No answer is no answer, and then silence. Yield its URL and the commands that came.
    """
    said: list[str] = []
    all_answers = {**ANSWERS, **answers}

    def answer(client: Client) -> None:
        command = ""
        while True:
            blocks = all_answers.get(command, b"-ERR what?\r\n")
            for block in [blocks] if isinstance(blocks, bytes) else blocks:
                client.send(block)
            line = read_command(client)
            if not line:
                return
            said.append(line)
            command = line.split()[0]

    with ScriptedServer(answer, certificate=certificate) as running:
        scheme = "pop3s" if certificate else "pop3"
        yield f"{scheme}://mrose:{SECRET}@127.0.0.1:{running.port}", said


def from_url(url: ServiceUrl) -> Credentials | None:
    return None if url.username is None else Credentials(url.username, url.password or "")


def access(idle_timeout: float = SECONDS, tls: TlsPolicy = TlsPolicy.AUTO) -> Access:
    return Access(idle_timeout=idle_timeout, tls=tls, credentials=from_url)


def get(url: str, wanted: Wanted | None = None, by: Access | None = None) -> bytes:
    with fetch(parse_service_url(url), by or access(), wanted or Wanted()) as resource:
        return b"".join(resource.blocks)


@pytest.mark.parametrize(
    ("path", "message", "name"),
    [
        pytest.param("", None, None, id="no path"),
        pytest.param("/", None, None, id="mailbox"),
        pytest.param("/1", 1, "1.eml", id="number"),
        pytest.param("/9999999999", 9_999_999_999, "9999999999.eml", id="large number"),
        pytest.param("/;UIDL=7", "7", "7.eml", id="identifier"),
        pytest.param("/;uidl=a=b;c", "a=b;c", "a=b_c.eml", id="small letters"),
        pytest.param("/;UIDL=a%2F..%2Fb", "a/../b", "a_.._b.eml", id="slashes"),
        pytest.param("/;UIDL=..", "..", ".eml", id="dots"),
        pytest.param("/;UIDL=?#%25", "?#%", "___.eml", id="odd characters"),
        pytest.param("/;UIDL=%E9", "\\xe9", "_xe9.eml", id="no text"),
        pytest.param("/;UIDL=" + "a" * 1000, "a" * 1000, f"{'a' * 100}.eml", id="long"),
    ],
)
def test_what_a_url_names(path: str, message: int | str | None, name: str | None) -> None:
    url = parse_service_url(f"pop3://h{path}")
    assert message_of(url) == message
    assert file_name(url) == name


@pytest.mark.parametrize("uid", ["", "%20a", "%0D%0ADELE%201", "a%00", "%7F", "a" * 1001])
def test_what_is_no_identifier(uid: str) -> None:
    with pytest.raises(ValueError, match=r"no unique identifier|nor ;UIDL=ID") as caught:
        get(f"pop3://user@127.0.0.1:1/;UIDL={uid}")
    assert len(str(caught.value)) < 200
    assert file_name(parse_service_url(f"pop3://h/;UIDL={uid}")) is None


@pytest.mark.parametrize("path", ["/0", "/-1", "/+1", "/01", "/1/", "/1?x", "/x", "/%31", "/1e3"])
def test_what_is_no_number_of_a_message(path: str) -> None:
    with pytest.raises(ValueError, match="is no number of a message"):
        get(f"pop3://user@127.0.0.1:1{path}")
    with pytest.raises(ValueError, match="is no number of a message"):
        get("pop3://user@127.0.0.1:1/" + "1" * 5000)


def test_a_mailbox_has_no_header() -> None:
    with pytest.raises(ValueError, match="only a message has a header"):
        get("pop3://user@127.0.0.1:1/", Wanted(headers=True))


def test_nobody() -> None:
    with pytest.raises(SocketToolsError, match="a mailbox needs a user"):
        get("pop3://127.0.0.1:1/")


def test_a_message() -> None:
    with server({}) as (url, said):
        assert get(f"{url}/3") == b"A: b\r\n\r\n.c\r\n"
    assert said == ["CAPA", "USER mrose", f"PASS {SECRET}", "RETR 3", "QUIT"]


def test_a_message_by_its_identifier() -> None:
    with server({}) as (url, said):
        assert get(f"{url}/;UIDL=b") == b"A: b\r\n\r\n.c\r\n"
        assert get(f"{url}/;UIDL=a", Wanted(headers=True)) == b"A: b\r\n\r\n"
    assert said[3:6] == ["UIDL", "RETR 2", "QUIT"]
    assert said[-3:] == ["UIDL", "TOP 1 0", "QUIT"]


@pytest.mark.parametrize(
    ("uids", "kind", "problem"),
    [
        pytest.param(
            b"+OK\r\n1 B\r\n.\r\n",
            PermanentNegativeReply,
            "no message with the UIDL 'b'",
            id="none",
        ),
        pytest.param(b"+OK\r\n1 b\r\n2 b\r\n.\r\n", NotOffered, "several messages", id="two"),
        pytest.param(b"-ERR what?\r\n", PermanentNegativeReply, "refused UIDL", id="no UIDL"),
    ],
)
def test_identifiers_that_are_of_no_message(
    uids: bytes, kind: type[SocketToolsError], problem: str
) -> None:
    with server({"UIDL": uids}) as (url, said), pytest.raises(kind, match=problem):
        get(f"{url}/;UIDL=b")
    assert said[-1] == "UIDL"


def test_what_is_known_of_a_message() -> None:
    with (
        server({}) as (url, _),
        fetch(parse_service_url(f"{url}/3"), access()) as resource,
    ):
        assert resource.media_type == "message/rfc822"
        assert resource.name == "3.eml"
        # Servers count wrongly: this one says 5.
        assert resource.size is None


def test_a_header() -> None:
    with server({}) as (url, said):
        assert get(f"{url}/3", Wanted(headers=True)) == b"A: b\r\n\r\n"
    assert "TOP 3 0" in said


def test_what_is_not_read_is_given_up() -> None:
    with server({}) as (url, said):
        with fetch(parse_service_url(f"{url}/3"), access()) as resource:
            next(resource.blocks)
        assert "QUIT" not in said


@pytest.mark.parametrize(
    ("listed", "uids", "rows"),
    [
        pytest.param("1 5,2 6", "1 a,2 b", "1 5 a,2 6 b", id="both"),
        pytest.param("", "", "", id="empty"),
        pytest.param("1 5,3 7", "1 a,3 c", "1 5 a,3 7 c", id="a gap"),
        pytest.param("1 5,2 6", "2 b,1 a", "2 6 b,1 5 a", id="another order"),
        pytest.param("1 5,2 6", "2 b", "2 6 b,1 5 ", id="one without an identifier"),
        pytest.param("1 5", "1 a,2 b,9999 c", "1 5 a", id="identifiers of nothing"),
        pytest.param("1 5,1 6", "1 a,1 b", "1 6 a", id="twice"),
        pytest.param("1 5", "1 \x1b[2J\u202e", "1 5 \\x1b[2J\\u202e", id="what would act"),
        pytest.param("2 999999999999999999", "2 a", "2 999999999999999999 a", id="a huge size"),
    ],
)
def test_a_list(listed: str, uids: str, rows: str) -> None:
    answers = {
        command: "\r\n".join(["+OK", *filter(None, lines.split(",")), ".", ""]).encode()
        for command, lines in (("LIST", listed), ("UIDL", uids))
    }
    with server(answers) as (url, said):
        got = get(url)

    expected = "".join("\t".join(row.split(" ")) + "\n" for row in filter(None, rows.split(",")))
    assert got == TABLE_HEAD + expected.encode()
    assert said[-3:] == ["LIST", "UIDL", "QUIT"]


def test_a_list_without_identifiers() -> None:
    with server({"UIDL": b"-ERR what?\r\n"}) as (url, _):
        assert get(f"{url}/") == TABLE_HEAD + b"1\t120\t\n2\t0\t\n"


def test_identifiers_that_are_not_to_be_had_now() -> None:
    with (
        server({"UIDL": b"-ERR [SYS/TEMP] busy\r\n"}) as (url, _),
        pytest.raises(SocketToolsError, match="busy"),
    ):
        get(url)


def test_many_messages_are_not_held() -> None:
    many = 30_000
    sizes = (b"%d %d\r\n" % (number, number * 100) for number in range(1, many + 1))
    uids = (b"%d %064x\r\n" % (number, number) for number in range(1, many + 1))
    answers = {
        "LIST": itertools.chain([b"+OK\r\n"], batched(sizes), [b".\r\n"]),
        "UIDL": itertools.chain([b"+OK\r\n"], batched(uids), [b".\r\n"]),
    }
    count = 0
    with server(answers) as (url, _), fetch(parse_service_url(url), access()) as resource:
        tracemalloc.start()
        for block in resource.blocks:
            count += block.count(b"\n")
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

    assert count == many + 1
    assert most < 1_500_000  # of some 3 MB, and of more as Python holds it


def batched(lines: Iterator[bytes]) -> Iterator[bytes]:
    while block := b"".join(itertools.islice(lines, 1000)):
        yield block


def test_a_farewell_does_not_matter() -> None:
    for answer in (b"-ERR no\r\n", b"x" * 99_999, b""):
        with server({"QUIT": answer}) as (url, _):
            assert (
                get(f"{url}/1", by=access(SECONDS if answer else SILENCE)) == b"A: b\r\n\r\n.c\r\n"
            )


@pytest.mark.parametrize(
    ("answers", "kind", "problem"),
    [
        pytest.param({"": b"220 ready\r\n"}, RemoteProtocolError, "220 ready", id="not POP3"),
        pytest.param({"": b"-ERR full\r\n"}, PermanentNegativeReply, "full", id="nobody gets in"),
        pytest.param({"": b""}, ReadTimeout, r"\(1 seconds\)", id="silence"),
        pytest.param({"": itertools.repeat(b"+OK")}, TooLong, "a line of more than", id="endless"),
        pytest.param({"CAPA": b"+OK\r\nUSER\r\n"}, ReadTimeout, "nothing was", id="silence later"),
        pytest.param(
            {"CAPA": itertools.chain([b"+OK\r\n"], itertools.repeat(b"A\r\n"))},
            TooLong,
            "capabilities",
            id="capabilities without end",
        ),
        pytest.param(
            {"LIST": itertools.chain([b"+OK\r\n"], itertools.repeat(b"1 1\r\n" * 10_000))},
            TooLong,
            "more than 50000 messages",
            id="LIST without end",
        ),
        pytest.param(
            {"UIDL": itertools.chain([b"+OK\r\n"], itertools.repeat(b"1 1\r\n" * 10_000))},
            TooLong,
            "more than 50000 messages",
            id="UIDL without end",
        ),
        pytest.param(
            {"LIST": b"+OK\r\n9223372036854775808 1\r\n.\r\n"},
            RemoteProtocolError,
            "9223372036854775808",
            id="a huge number",
        ),
        pytest.param({"STLS": b"+OK\r\n", "CAPA": b"+OK\r\nUSER\r\n.\r\n"}, None, "", id="good"),
    ],
)
def test_bad_servers(
    answers: dict[str, bytes | Iterable[bytes]],
    kind: type[Exception] | None,
    problem: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pop3, "MAX_MESSAGES", 50_000)
    with server(answers) as (url, _):
        if kind is None:
            assert get(url).startswith(TABLE_HEAD)
            return
        with pytest.raises(kind, match=problem) as caught:
            get(url, by=access(SILENCE if kind is ReadTimeout else SECONDS))
    assert SECRET not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_server_that_closes_in_the_middle() -> None:
    def cut(client: Client) -> None:
        client.send(b"+OK\r\n")
        for answer in (b"-ERR\r\n", b"+OK\r\n", b"+OK\r\n", b"+OK 99 octets\r\nA: b\r\n\r\nc"):
            read_command(client)
            client.send(answer)

    with ScriptedServer(cut) as running, pytest.raises(IncompleteMessage, match="before the end"):
        get(f"pop3://u:p@127.0.0.1:{running.port}/1")


def test_time_is_up() -> None:
    def trickle() -> Iterator[bytes]:
        yield b"+OK\r\n"
        while True:
            time.sleep(0.02)
            yield b"1 1\r\n"

    with server({"LIST": trickle()}) as (url, _):
        by = Access(deadline=Deadline.after(SILENCE), credentials=from_url)
        with pytest.raises(ReadTimeout):
            get(url, by=by)


# TLS


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    folder = tmp_path_factory.mktemp("authority")
    authority = Authority(folder)
    authority.issue(folder / "server.pem")
    return authority


STLS = b"+OK\r\nSTLS\r\nUSER\r\n.\r\n"


def upgrading(authority: Authority, said: list[str], injected: bytes) -> Callable[[Client], None]:
    """Make a server that says other things before TLS than after it."""

    def serve(client: Client) -> None:
        client.send(b"+OK ready <a@b>\r\n")
        answers = {
            "CAPA": b"+OK\r\nSTLS\r\nUSER\r\nX-CLEAR\r\n.\r\n",
            "STLS": b"+OK\r\n" + injected,
        }
        while (command := read_command(client)) != "STLS":
            said.append(command)
            if command not in answers:
                return
            client.send(answers[command])
        said.append(command)
        client.send(answers[command])
        context = server_context(str(authority.path.parent / "server.pem"))
        with (
            suppress(OSError),
            context.wrap_socket(client.socket.dup(), server_side=True) as encrypted,
            encrypted.makefile("rb") as lines,
        ):
            encrypted.sendall(b"")
            for line in lines:
                said.append(line.decode().strip())
                encrypted.sendall(ANSWERS[said[-1].split()[0]])  # type: ignore[arg-type]

    return serve


def trusting(authority: Authority, tls: TlsPolicy = TlsPolicy.AUTO) -> Access:
    return Access(
        idle_timeout=SECONDS,
        tls=tls,
        context=lambda: client_context(ca_file=str(authority.path)),
        credentials=from_url,
    )


@pytest.mark.parametrize("tls", [TlsPolicy.AUTO, TlsPolicy.REQUIRE])
def test_capabilities_are_asked_for_again_after_tls(authority: Authority, tls: TlsPolicy) -> None:
    said: list[str] = []
    with ScriptedServer(upgrading(authority, said, b"")) as running:
        got = get(f"pop3://mrose:{SECRET}@127.0.0.1:{running.port}/1", by=trusting(authority, tls))

    assert got.endswith(b".c\r\n")
    assert said[:4] == ["CAPA", "STLS", "CAPA", "USER mrose"]


@pytest.mark.parametrize(
    "injected", [b"+OK\r\nUSER\r\n.\r\n", b"+", b"-ERR no\r\n", b"\x16\x03\x01", b"\r\n"]
)
def test_what_was_injected_before_tls_is_an_error(authority: Authority, injected: bytes) -> None:
    said: list[str] = []
    with (
        ScriptedServer(upgrading(authority, said, injected)) as running,
        pytest.raises(RemoteProtocolError, match="before the encryption began"),
    ):
        get(f"pop3://mrose:{SECRET}@127.0.0.1:{running.port}/1", by=trusting(authority))

    assert said == ["CAPA", "STLS"]


@pytest.mark.parametrize(
    ("capabilities", "stls", "problem"),
    [
        pytest.param(b"+OK\r\nUSER\r\n.\r\n", b"", "offers no encryption", id="not offered"),
        pytest.param(b"-ERR\r\n", b"", "offers no encryption", id="no CAPA"),
        pytest.param(STLS, b"-ERR not now\r\n", "refused STLS: -ERR not now", id="refused"),
        pytest.param(STLS, b"+OK\r\n", "handshake|TLS|nothing|time", id="no handshake"),
    ],
)
def test_encryption_that_is_required(capabilities: bytes, stls: bytes, problem: str) -> None:
    by = access(SILENCE if problem.endswith("time") else SECONDS, TlsPolicy.REQUIRE)
    with (
        server({"CAPA": capabilities, "STLS": stls}) as (url, said),
        pytest.raises(SocketToolsError, match=problem),
    ):
        get(url, by=by)
    assert not [line for line in said if line.startswith(("USER", "PASS"))]


def test_encryption_that_is_not_wanted() -> None:
    with server({"CAPA": STLS}) as (url, said):
        get(url, by=access(tls=TlsPolicy.OFF))
    assert "STLS" not in said


def test_a_password_is_not_sent_in_clear_text_to_another_machine() -> None:
    with server({}) as (url, said):
        port = parse_service_url(url).port
        by = Access(
            addresses={("mail.example", 110): InternetAddress("127.0.0.1", port)},
            credentials=from_url,
        )
        with pytest.raises(InsecureLogin, match="offers no encryption"):
            get("pop3://mrose:tanstaaf@mail.example/", by=by)
    assert said == ["CAPA"]


def test_tls_first(authority: Authority) -> None:
    certificate = authority.path.parent / "server.pem"
    with server({}, certificate=certificate) as (url, said):
        get(f"{url}/1", by=trusting(authority, TlsPolicy.REQUIRE))
    assert said[0] == "CAPA"
