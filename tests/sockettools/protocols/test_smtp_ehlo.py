from __future__ import annotations

import socket

import pytest

from sockettools.net.memory import memory_stream_pair
from sockettools.net.stream import SocketStream
from sockettools.net.transcript import RecordedStream, Transcript
from sockettools.protocols.smtp_ehlo import own_name, parse_extensions
from tests.machine import needs_ipv6


@pytest.mark.parametrize(
    ("host_name", "expected"),
    [
        pytest.param("box.example", "box.example", id="with a domain"),
        pytest.param("box", "[127.0.0.1]", id="without"),
        pytest.param("localhost.localdomain", "[127.0.0.1]", id="everybody's"),
        pytest.param("my_box.example", "[127.0.0.1]", id="no host name"),
        pytest.param("box.example\n", "[127.0.0.1]", id="a line end"),
    ],
)
def test_own_name(host_name: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: host_name)
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        SocketStream(socket.create_connection(listener.getsockname())) as stream,
    ):
        assert own_name(RecordedStream(stream, Transcript([]))) == expected


@needs_ipv6
def test_own_address_ipv6(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "box")
    with (
        socket.create_server(("::1", 0), family=socket.AF_INET6) as listener,
        SocketStream(socket.create_connection(listener.getsockname()[:2])) as stream,
    ):
        assert own_name(stream) == "[IPv6:::1]"


def test_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "box")
    assert own_name(memory_stream_pair()[0]) == "[127.0.0.1]"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param([], {}, id="none"),
        pytest.param(["", "  ", "\tX  a "], {"X": ["a"]}, id="blanks"),
        pytest.param(["auth=login plain"], {"AUTH": ["login", "plain"]}, id="AUTH="),
        pytest.param(["AUTH PLAIN", "AUTH=X"], {"AUTH": ["PLAIN", "X"]}, id="twice"),
        pytest.param(["é \x1b[2J"], {"É": ["\x1b[2J"]}, id="noise"),
    ],
)
def test_extensions(lines: list[str], expected: dict[str, list[str]]) -> None:
    assert parse_extensions(lines) == expected
