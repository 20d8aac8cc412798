"""SMTP against servers that do what none should."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from sockettools.errors import (
    ConnectError,
    IncompleteMessage,
    InsecureLogin,
    NotOffered,
    PermanentNegativeReply,
    ReadTimeout,
    RemoteProtocolError,
    SocketToolsError,
    Timeout,
    TooLong,
    TransientNegativeReply,
    WriteError,
    WriteTimeout,
)
from sockettools.net.address import InternetAddress
from sockettools.net.tls import client_context, server_context
from sockettools.protocols.access import Access, Credentials, TlsPolicy
from sockettools.protocols.smtp_mail import Content
from sockettools.service_url import parse_service_url
from sockettools.tasks.fetch import fetch
from sockettools.tasks.fetch.smtp import session
from tests.patience import SECONDS, SILENCE
from tests.servers.certificates import Authority
from tests.servers.scripted import Client, ScriptedServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.servers.scripted import Script

GREETING = b"220 mail ready\r\n"
OFFERS = b"250-mail\r\n250-STARTTLS\r\n250-AUTH PLAIN\r\n250 X-BEFORE\r\n"
NO_OFFERS = b"250-mail\r\n250 HELP\r\n"


class Mail:
    """Has an answer for each line, the first for none, and keeps the lines."""

    def __init__(self, *answers: bytes, certificate: Path | None = None) -> None:
        self.heard: list[bytes] = []
        self._answers = answers
        self._certificate = certificate

    def __call__(self, client: Client) -> None:
        """Talk; TLS begins behind the answer to STARTTLS."""
        sock = client.socket
        lines = sock.makefile("rb")
        try:
            for answer in self._answers:
                sock.sendall(answer)
                line = lines.readline()
                if not line:
                    return
                self.heard.append(line.strip())
                if line.startswith(b"STARTTLS") and self._certificate:
                    sock.sendall(b"220 go\r\n")
                    lines.close()
                    sock = server_context(str(self._certificate)).wrap_socket(
                        sock, server_side=True
                    )
                    lines = sock.makefile("rb")
        finally:
            lines.close()
            sock.close()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    folder = tmp_path_factory.mktemp("tls")
    authority = Authority(folder)
    authority.issue(folder / "certificate.pem")
    return authority


def look(script: Script, access: Access, user: str = "") -> str:
    with ScriptedServer(script) as server:
        url = parse_service_url(f"smtp://{user}{server.address}")
        with fetch(url, access) as resource:
            return b"".join(resource.blocks).decode()


def by(
    tls: TlsPolicy = TlsPolicy.AUTO,
    user: Credentials | None = None,
    idle_timeout: float = SECONDS,
) -> Access:
    return Access(
        idle_timeout=idle_timeout,
        connect_timeout=SECONDS,
        tls=tls,
        credentials=lambda _url: user,
    )


def within(error: type[Exception]) -> float:
    """Return for how long a server may be silent that is to cause this error."""
    return SILENCE if issubclass(error, Timeout) else SECONDS


USER = Credentials("user", "secret")


@pytest.mark.parametrize("tls", [TlsPolicy.AUTO, TlsPolicy.OFF])
def test_without_tls(tls: TlsPolicy) -> None:
    mail = Mail(GREETING, NO_OFFERS, b"221 bye\r\n")

    assert look(mail, by(tls)) == "220 mail ready\n250-mail\n250 HELP\n"
    assert mail.heard == [b"EHLO " + mail.heard[0][5:], b"QUIT"]


def test_tls_is_off_also_where_it_is_offered() -> None:
    assert "STARTTLS" in look(Mail(GREETING, OFFERS, b"221 bye\r\n"), by(TlsPolicy.OFF))


def test_what_does_not_print_is_escaped() -> None:
    got = look(Mail(b"220 \x1b[2J\r\n", b"250 a\rb\r\n"), by())

    assert got == "220 \\x1b[2J\n250 a\\rb\n"


def test_a_path_means_nothing() -> None:
    with (
        pytest.raises(ValueError, match="nothing behind the host"),
        fetch(parse_service_url("smtp://127.0.0.1/INBOX"), by()),
    ):
        pass


def test_nothing_is_trusted_that_was_said_before_tls(authority: Authority) -> None:
    certificate = authority.path.parent / "certificate.pem"
    mail = Mail(GREETING, OFFERS, b"", NO_OFFERS, b"221 bye\r\n", certificate=certificate)
    access = Access(
        idle_timeout=SECONDS,
        context=lambda: client_context(ca_file=str(authority.path)),
        credentials=lambda _url: USER,
    )
    with pytest.raises(NotOffered, match="logging in"):
        look(mail, access)

    verbs = [line.split()[0] for line in mail.heard]
    assert verbs == [b"EHLO", b"STARTTLS", b"EHLO", b"QUIT"]


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        pytest.param([b"220 go\r\n250 injected\r\n"], RemoteProtocolError, id="injection"),
        pytest.param([b"220 go\r\n2"], RemoteProtocolError, id="an octet of injection"),
        pytest.param([b"220 go\r\n", b"250 no TLS\r\n"], SocketToolsError, id="no TLS"),
        pytest.param([b"454 not now\r\n", b"221 bye\r\n"], TransientNegativeReply, id="454"),
        pytest.param([b"502 no\r\n", b"221 bye\r\n"], PermanentNegativeReply, id="502"),
        pytest.param([], IncompleteMessage, id="closed"),
        pytest.param([b"250 yes"], ReadTimeout, id="half a reply"),
    ],
)
def test_no_tls_where_it_was_offered(answers: list[bytes], error: type[Exception]) -> None:
    mail = Mail(GREETING, OFFERS, *answers)
    with pytest.raises(error):
        look(mail, by(user=USER, idle_timeout=within(error)), "user@")

    assert not any(line.startswith((b"AUTH", b"MAIL")) for line in mail.heard)


def test_a_certificate_of_nobody(authority: Authority) -> None:
    certificate = authority.path.parent / "certificate.pem"
    with pytest.raises(ConnectError, match="certificate"):
        look(Mail(GREETING, OFFERS, b"", certificate=certificate), by())


@pytest.mark.parametrize(
    "hello",
    [
        pytest.param([NO_OFFERS], id="not offered"),
        pytest.param([b"502 what\r\n", b"250 mail\r\n"], id="HELO"),
    ],
)
def test_tls_is_required(hello: list[bytes]) -> None:
    with pytest.raises(NotOffered, match=r"does not offer encryption \(STARTTLS\)"):
        look(Mail(GREETING, *hello, b"221 bye\r\n"), by(TlsPolicy.REQUIRE))


@pytest.mark.parametrize("tls", [TlsPolicy.AUTO, TlsPolicy.OFF])
def test_a_password_does_not_cross_the_network_in_clear(tls: TlsPolicy) -> None:
    offers = OFFERS.replace(b"250-STARTTLS\r\n", b"")
    mail = Mail(GREETING, offers, b"235 in\r\n", b"221 bye\r\n")
    with ScriptedServer(mail) as server:
        access = Access(
            tls=tls,
            addresses={("mail.example", 25): InternetAddress("127.0.0.1", server.port)},
            credentials=lambda _url: USER,
        )
        if tls is TlsPolicy.OFF:
            with session(parse_service_url("smtp://mail.example"), access):
                pass
        else:
            with (
                pytest.raises(InsecureLogin),
                session(parse_service_url("smtp://mail.example"), access),
            ):
                pass

    assert any(b"AUTH" in line for line in mail.heard) == (tls is TlsPolicy.OFF)


def _endless(data: bytes) -> Callable[[Client], None]:
    def script(client: Client) -> None:
        while True:
            client.send(data * 1000)

    return script


def _silent(client: Client) -> None:
    client.wait_for_end()


@pytest.mark.parametrize(
    ("script", "error"),
    [
        pytest.param(_endless(b"x"), TooLong, id="an endless line"),
        pytest.param(_endless(b"220-x\r\n"), TooLong, id="an endless reply"),
        pytest.param(_endless(b"\r\n"), RemoteProtocolError, id="endless empty lines"),
        pytest.param(_silent, ReadTimeout, id="silence"),
    ],
)
def test_a_hostile_greeting(script: Script, error: type[SocketToolsError]) -> None:
    with pytest.raises(error):
        look(script, by(idle_timeout=within(error)))


def test_endless_replies_are_not_waited_for() -> None:
    """Each is taken for the answer to the next command, and one of them does not fit."""
    with pytest.raises(RemoteProtocolError), ScriptedServer(_endless(b"220 x\r\n")) as server:
        _send(server, Content([b"x"]))


def _send(server: ScriptedServer, content: Content, idle_timeout: float = SECONDS) -> int:
    access = by(idle_timeout=idle_timeout)
    with session(parse_service_url(f"smtp://{server.address}"), access) as client:
        return client.send_message("a@b", ["u@y"], content)["u@y"].code


def _takes_a_message(then: Callable[[Client], object]) -> Callable[[Client], None]:
    """Return a server that says yes to everything until the message comes."""

    def script(client: Client) -> None:
        client.send(GREETING)
        for reply in (b"250 mail\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n"):
            assert client.socket.recv(1000)
            client.send(reply)
        then(client)

    return script


def _much() -> Iterator[bytes]:
    for _ in range(20_000):
        yield b"x" * 1000


def test_broken_off_in_the_middle() -> None:
    def reset(client: Client) -> None:
        client.read(100_000)
        client.reset()

    with (
        ScriptedServer(_takes_a_message(reset)) as server,
        pytest.raises(WriteError, match=r"127\.0\.0\.1:[0-9]+: the connection broke"),
    ):
        _send(server, Content(_much()))


def test_why_a_server_broke_off() -> None:
    gone = threading.Event()

    def refuse(client: Client) -> None:
        client.read(100_000)
        client.send(b"552 5.3.4 too much\r\n")
        client.reset()
        client.close()
        gone.set()

    def blocks() -> Iterator[bytes]:
        yield b"x" * 100_000
        gone.wait(SECONDS)
        yield from _much()

    with ScriptedServer(_takes_a_message(refuse)) as server:
        assert _send(server, Content(blocks())) == 552


def test_a_server_that_takes_no_more() -> None:
    done = threading.Event()
    with ScriptedServer(_takes_a_message(lambda _client: done.wait(SECONDS))) as server:
        with pytest.raises(WriteTimeout):
            _send(server, Content(_much()), SILENCE)
        done.set()
