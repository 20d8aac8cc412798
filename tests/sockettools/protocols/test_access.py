from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sockettools.errors import (
    CertificateError,
    ConnectionRefused,
    ConnectTimeout,
    InsecureLogin,
    ReadTimeout,
    ResolveError,
)
from sockettools.net.address import InternetAddress
from sockettools.net.deadline import Deadline
from sockettools.net.tls import client_context
from sockettools.net.transcript import Event, Transcript
from sockettools.protocols.access import Access, TlsPolicy, nobody
from sockettools.protocols.conversation import Conversation
from sockettools.service_url import parse_service_url
from tests.patience import SILENCE
from tests.servers.certificates import Authority
from tests.servers.ports import held_ports
from tests.servers.scripted import Client, ScriptedServer
from tests.sockettools.protocols.answering import AnsweringStream

if TYPE_CHECKING:
    from pathlib import Path


def greet(client: Client) -> None:
    client.send(b"220 hello\r\n")
    client.wait_for_end()


class Events:
    def __init__(self) -> None:
        self.all: list[Event] = []

    def write(self, event: Event) -> None:
        self.all.append(event)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def certificate(authority: Authority, tmp_path: Path) -> Path:
    path = tmp_path / "server.pem"
    authority.issue(path)
    return path


def test_in_clear_text() -> None:
    with ScriptedServer(greet) as server:
        with Access().open("127.0.0.1", server.port) as conversation:
            assert conversation.peer == server.address
            assert conversation.read_line() == b"220 hello"
            assert not conversation.is_encrypted
        assert server.connections == 1


def test_tls_comes_first(authority: Authority, certificate: Path) -> None:
    access = Access(context=lambda: client_context(ca_file=str(authority.path)))
    with (
        ScriptedServer(greet, certificate=certificate) as server,
        access.open("localhost", server.port, implicit_tls=True) as conversation,
    ):
        assert conversation.is_encrypted
        assert conversation.tls is not None
        assert conversation.read_line() == b"220 hello"


def test_nobody_trusts_the_certificate(certificate: Path) -> None:
    with (
        ScriptedServer(greet, certificate=certificate) as server,
        pytest.raises(CertificateError),
    ):
        Access().open("localhost", server.port, implicit_tls=True)


def test_no_context_is_made_without_tls() -> None:
    def context() -> None:
        pytest.fail("it was not needed")

    with ScriptedServer(greet) as server:
        Access(context=context).open("127.0.0.1", server.port).close()  # type: ignore[arg-type]


def test_another_address_for_a_host() -> None:
    with ScriptedServer(greet) as server:
        address = InternetAddress("127.0.0.1", server.port)
        access = Access(addresses={("h.invalid", 25): address})
        with access.open("h.invalid", 25) as conversation:
            assert conversation.peer == "h.invalid:25"
            assert conversation.read_line() == b"220 hello"
        with pytest.raises(ResolveError):
            access.open("h.invalid", 26)


def test_what_is_recorded(authority: Authority, certificate: Path) -> None:
    events = Events()
    access = Access(
        context=lambda: client_context(ca_file=str(authority.path)),
        transcript=Transcript([events]),
    )
    with (
        ScriptedServer(greet, certificate=certificate) as server,
        access.open("localhost", server.port, implicit_tls=True, connection="data") as conversation,
    ):
        conversation.read_line()
    assert [event.data for event in events.all if event.data] == [b"220 hello\r\n"]
    assert {event.connection for event in events.all} == {"data"}


def test_nobody_listens() -> None:
    with held_ports(1) as (port,), pytest.raises(ConnectionRefused):
        Access().open("127.0.0.1", port)


@pytest.mark.parametrize(
    "access",
    [
        pytest.param(Access(connect_timeout=0.1), id="connect timeout"),
        pytest.param(Access(deadline=Deadline(0.0)), id="deadline"),
    ],
)
def test_no_tls_in_time(access: Access) -> None:
    with ScriptedServer(Client.wait_for_end) as server, pytest.raises(ConnectTimeout):
        access.open("localhost", server.port, implicit_tls=True)


@pytest.mark.parametrize("is_idle", [True, False])
def test_no_word_in_time(*, is_idle: bool) -> None:
    with ScriptedServer(Client.wait_for_end) as server:
        limits = {"idle_timeout": 0.1} if is_idle else {}
        deadline = Deadline() if is_idle else Deadline.after(SILENCE)
        access = Access(deadline=deadline, **limits)
        with (
            access.open("127.0.0.1", server.port) as conversation,
            pytest.raises(ReadTimeout) as caught,
        ):
            conversation.read_line()
    assert ("(0.1 seconds)" in str(caught.value)) == is_idle


@pytest.mark.parametrize(
    ("host", "policy", "is_sent"),
    [
        pytest.param("h.example", TlsPolicy.AUTO, False, id="another machine"),
        pytest.param("h.example", TlsPolicy.REQUIRE, False, id="required"),
        pytest.param("h.example", TlsPolicy.OFF, True, id="nobody minds"),
        pytest.param("127.0.0.1", TlsPolicy.AUTO, True, id="this machine"),
        pytest.param("localhost", TlsPolicy.AUTO, True, id="its name"),
        pytest.param("::1", TlsPolicy.AUTO, True, id="its other address"),
        pytest.param("localhost.example", TlsPolicy.AUTO, False, id="only called so"),
    ],
)
def test_where_passwords_are_sent(host: str, policy: TlsPolicy, *, is_sent: bool) -> None:
    conversation = Conversation(AnsweringStream(b""), "server")
    access = Access(tls=policy)
    if is_sent:
        access.check_login(conversation, host)
        return
    with pytest.raises(InsecureLogin, match="server offers no encryption"):
        access.check_login(conversation, host)


def test_passwords_are_sent_encrypted(authority: Authority, certificate: Path) -> None:
    access = Access(context=lambda: client_context(ca_file=str(authority.path)))
    with (
        ScriptedServer(greet, certificate=certificate) as server,
        access.open("localhost", server.port, implicit_tls=True) as conversation,
    ):
        access.check_login(conversation, "h.example")


def test_nobody_is_known_by_default() -> None:
    assert Access().credentials is nobody
    assert nobody(parse_service_url("ftp://a:b@h/")) is None
