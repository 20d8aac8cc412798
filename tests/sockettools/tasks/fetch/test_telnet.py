"""What a Telnet server says by itself."""

from __future__ import annotations

import pytest

from sockettools.errors import (
    ConnectionRefused,
    ReadError,
    ReadTimeout,
    SocketToolsError,
    TooLong,
)
from sockettools.net.deadline import Deadline
from sockettools.protocols.access import Access, TlsPolicy
from sockettools.service_url import parse_service_url
from sockettools.tasks.fetch import Wanted, fetch
from tests.patience import SILENCE
from tests.servers.ports import held_ports
from tests.servers.scripted import Client, ScriptedServer


def got(port: int, access: Access, url: str = "telnet://127.0.0.1:{}") -> bytes:
    with fetch(parse_service_url(url.format(port)), access) as resource:
        assert resource.media_type == "text/plain; charset=utf-8"
        assert (resource.size, resource.name) == (None, "")
        return b"".join(resource.blocks)


def asked(client: Client) -> None:
    client.send(b"\xff\xfb\x01\xff\xfd\x1f\xff\xfd\x18hello\r\n\xff\xff")
    assert client.read(9) == b"\xff\xfd\x01\xff\xfc\x1f\xff\xfb\x18"
    client.send(b"bye\r\0")


def prompting(client: Client) -> None:
    client.send(b"login: ")
    client.wait_for_end()


def silent(client: Client) -> None:
    client.wait_for_end()


def resetting(client: Client) -> None:
    client.send(b"\xff\xfb\x01hello")
    client.read(3)  # it is connected, and has answered
    client.reset()


def endless(client: Client) -> None:
    client.send(b"hello\xff\xfa" + b"x" * 100_000)


def talkative(client: Client) -> None:
    while True:
        client.send(b"hello")


def test_what_is_said_until_the_end() -> None:
    with ScriptedServer(asked) as server:
        assert got(server.port, Access()) == b"hello\r\n\xffbye\r"


def test_a_prompt_is_an_end() -> None:
    with ScriptedServer(prompting) as server:
        assert got(server.port, Access(idle_timeout=SILENCE)) == b"login: "


@pytest.mark.parametrize(
    ("script", "access", "problem"),
    [
        pytest.param(silent, Access(idle_timeout=0.1), ReadTimeout, id="silence"),
        pytest.param(resetting, Access(), ReadError, id="reset"),
        pytest.param(endless, Access(), TooLong, id="too long"),
    ],
)
def test_what_goes_wrong(script: object, access: Access, problem: type[SocketToolsError]) -> None:
    with ScriptedServer(script) as server, pytest.raises(problem):  # type: ignore[arg-type]
        got(server.port, access)


@pytest.mark.parametrize("script", [prompting, talkative])
def test_the_deadline_is_no_end(script: object) -> None:
    with ScriptedServer(script) as server, pytest.raises(ReadTimeout):  # type: ignore[arg-type]
        got(server.port, Access(deadline=Deadline.after(SILENCE)))


def test_nobody_is_there() -> None:
    with held_ports(1) as (port,), pytest.raises(ConnectionRefused):
        got(port, Access())


def test_encryption_that_is_required() -> None:
    with pytest.raises(SocketToolsError, match="telnets://"):
        got(1, Access(tls=TlsPolicy.REQUIRE))


@pytest.mark.parametrize(
    ("url", "wanted", "problem"),
    [
        pytest.param("telnet://h/x", Wanted(), "and no path", id="path"),
        pytest.param("telnet://h?x", Wanted(), "and no path", id="query"),
        pytest.param("telnet://u@h/", Wanted(), "a user name", id="user"),
        pytest.param("telnet://h", Wanted(offset=1), "cannot be gone on with", id="offset"),
    ],
)
def test_what_means_nothing(url: str, wanted: Wanted, problem: str) -> None:
    with (
        pytest.raises(ValueError, match=problem),
        fetch(parse_service_url(url), Access(), wanted),
    ):
        pass
