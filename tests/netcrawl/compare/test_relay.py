from __future__ import annotations

import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from netcrawl.compare.recording import KEPT_OF_CONNECTION
from netcrawl.compare.relay import Relay
from sockettools.lifetime import run_beside
from tests.patience import SECONDS
from tests.servers.certificates import Authority, self_signed
from tests.servers.scripted import ScriptedServer, answer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from netcrawl.compare.recording import Recording
    from tests.servers.scripted import Client

OPEN = "from urllib.request import urlopen; print(len(urlopen({url!r}).read()))"
OPEN_MANY = """
import asyncio, sys
async def one():
    reader, writer = await asyncio.open_connection("127.0.0.1", {port})
    writer.write(b"GET / HTTP/1.1\\r\\n\\r\\n")
    head = await reader.readuntil(b"\\r\\n\\r\\n")
    body = await reader.readexactly(5)
    writer.close()
    await writer.wait_closed()
    return body
async def main():
    print(len(await asyncio.gather(*(one() for _ in range(100)))))
asyncio.run(main())
"""


@pytest.fixture
def relay() -> Iterator[Relay]:
    with Relay() as relay:
        yield relay


def run(relay: Relay, program: str) -> tuple[str, str, Recording]:
    """Run a program by way of the relay; return what it wrote, and what was recorded."""
    routed = f"from netcrawl.compare import routing; routing.install(); {program}"
    if "\n" in program:
        routed = f"from netcrawl.compare import routing; routing.install()\n{program}"
    done = subprocess.run(
        [sys.executable, "-c", routed],
        env=relay.environment(),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    return done.stdout, done.stderr, relay.take()


def test_every_octet_is_written_down(relay: Relay) -> None:
    with ScriptedServer(answer(b"hello")) as server:
        output, _, recording = run(relay, OPEN.format(url=server.url))

    (connection,) = recording.connections
    (turn,) = connection.turns
    assert output == "5\n"
    assert turn.octets(sent=True) == server.requests[0].head
    assert turn.octets(sent=False) == answer(b"hello")
    assert (connection.sent, connection.received) == (turn.sent, turn.received)
    assert (connection.address, connection.port) == ("127.0.0.1", server.port)
    assert (recording.opened, recording.requests) == (1, 1)
    assert (recording.sent, recording.received) == (len(server.requests[0].head), turn.received)
    assert connection.connected is not None
    assert turn.first is not None
    assert connection.begun <= connection.connected <= turn.begun <= turn.first
    assert connection.error == ""


def test_each_program_has_a_recording_of_its_own(relay: Relay) -> None:
    with ScriptedServer(answer()) as server:
        run(relay, OPEN.format(url=server.url))
        _, _, recording = run(relay, "pass")

    assert (recording.connections, recording.opened, recording.requests) == ([], 0, 0)


def test_a_name_is_written_down_when_it_is_looked_up(relay: Relay) -> None:
    with ScriptedServer(answer()) as server:
        _, _, recording = run(relay, OPEN.format(url=f"http://localhost:{server.port}/"))

    (lookup,) = recording.lookups
    assert (lookup.host, lookup.error) == ("localhost", "")
    assert "127.0.0.1" in lookup.addresses
    assert lookup.begun <= lookup.ended <= recording.connections[0].begun


def test_a_name_that_there_is_not(relay: Relay) -> None:
    _, errors, recording = run(relay, OPEN.format(url="http://nobody.invalid/"))

    (lookup,) = recording.lookups
    assert (lookup.host, lookup.addresses) == ("nobody.invalid", ())
    assert lookup.error
    assert lookup.error in errors
    assert recording.connections == []


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(OPEN.format(url="http://127.0.0.1:{port}/"), id="blocking"),
        pytest.param(
            "import asyncio; asyncio.run(asyncio.open_connection('127.0.0.1', {port}))",
            id="not-blocking",
        ),
    ],
)
def test_a_port_that_refuses_refuses_here_too(relay: Relay, program: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    _, errors, recording = run(relay, program.replace("{port}", str(port)))

    assert "Connection refused" in errors
    (connection,) = recording.connections
    assert (connection.error, connection.connected) == ("Connection refused", None)
    assert (connection.address, connection.port) == ("127.0.0.1", port)


def test_ipv6(relay: Relay) -> None:
    program = (
        "import socket; s = socket.create_connection(('::1', {port})); s.sendall(b'hello');"
        "s.shutdown(socket.SHUT_WR); print(s.recv(99)); s.close()"
    )
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as listener:

        def serve() -> None:
            client, _ = listener.accept()
            with client:
                client.sendall(client.recv(99)[::-1])

        thread = run_beside(serve)
        output, _, recording = run(relay, program.format(port=listener.getsockname()[1]))
        thread.join(SECONDS)

    assert output == "b'olleh'\n"
    assert recording.connections[0].address == "::1"
    assert (recording.sent, recording.received) == (5, 5)


def test_a_reset_is_passed_on(relay: Relay) -> None:
    def reset(client: Client) -> None:
        client.read_request()
        client.reset()

    with ScriptedServer(reset) as server:
        _, errors, recording = run(relay, OPEN.format(url=server.url))

    assert "Connection reset by peer" in errors
    assert recording.connections[0].ended == "the server reset it"


def test_who_closes_first_is_told(relay: Relay) -> None:
    program = (
        "import socket; s = socket.create_connection(('127.0.0.1', {port}));"
        "s.sendall(b'GET / HTTP/1.1\\r\\n\\r\\n'); {then}; s.close()"
    )
    with ScriptedServer((answer(),), answer()) as server:
        *_, closed_there = run(relay, program.format(port=server.port, then="s.makefile().read()"))
        *_, closed_here = run(relay, program.format(port=server.port, then="s.recv(1000)"))

    assert closed_there.connections[0].ended == "the server closed it"
    assert closed_here.connections[0].ended == "the client closed it"


def test_many_connections_at_a_time(relay: Relay) -> None:
    with ScriptedServer(answer(b"hello")) as server:
        output, errors, recording = run(relay, OPEN_MANY.format(port=server.port))

    assert (output, errors) == ("100\n", "")
    assert (recording.opened, recording.requests) == (100, 100)
    assert recording.received == 100 * len(answer(b"hello"))


def test_a_server_that_never_ends_is_left_once_the_program_is_gone(relay: Relay) -> None:
    def wait(client: Client) -> None:
        client.read_request()
        client.wait_for_end()

    program = (
        "import socket, os; s = socket.create_connection(('127.0.0.1', {port}));"
        "s.sendall(b'GET / HTTP/1.1\\r\\n\\r\\n'); os._exit(0)"
    )
    with ScriptedServer(wait) as server:
        _, _, recording = run(relay, program.format(port=server.port))

    assert recording.connections[0].closed is not None
    assert recording.requests == 1


def test_a_long_answer_is_counted_and_not_kept(relay: Relay) -> None:
    body = b"x" * (2 * KEPT_OF_CONNECTION)
    with ScriptedServer(answer(body)) as server:
        output, _, recording = run(relay, OPEN.format(url=server.url))

    (connection,) = recording.connections
    assert output == f"{len(body)}\n"
    assert connection.received == len(answer(body))
    kept = connection.turns[0].octets(sent=False)
    assert answer(body).startswith(kept)
    assert len(kept) + connection.left_out == len(answer(body))


def test_a_server_that_says_too_much_is_broken_off() -> None:
    def pour(client: Client) -> None:
        client.read_request()
        while True:  # until the connection breaks
            client.send(b"X: " + b"y" * 65_536 + b"\r\n")

    program = (
        "import socket; s = socket.create_connection(('127.0.0.1', {port}));"
        "s.sendall(b'GET / HTTP/1.1\\r\\n\\r\\n')\nwhile s.recv(65536): pass"
    )
    with Relay(most=1_000_000) as relay, ScriptedServer(pour) as server:
        _, errors, recording = run(relay, program.format(port=server.port))

    (connection,) = recording.connections
    assert "Connection reset by peer" in errors
    assert connection.error.startswith("broken off after 1.")
    assert connection.received < 2_000_000


def test_a_delay_is_paid_for_the_connection_and_each_way() -> None:
    with Relay(0.05) as relay, ScriptedServer(answer(b"hello")) as server:
        output, _, recording = run(relay, OPEN.format(url=server.url))

    (connection,) = recording.connections
    assert output == "5\n"
    assert connection.connected is not None
    assert connection.turns[0].first is not None
    assert connection.connected - connection.begun >= 0.1
    assert connection.turns[0].first - connection.turns[0].begun >= 0.1


def test_many_connections_with_a_delay() -> None:
    with Relay(0.05) as relay, ScriptedServer(answer(b"hello")) as server:
        output, errors, recording = run(relay, OPEN_MANY.format(port=server.port))

    assert (output, errors) == ("100\n", "")
    assert recording.received == 100 * len(answer(b"hello"))


def test_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = Authority(tmp_path)
    authority.issue(tmp_path / "server.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))

    with (
        Relay() as relay,
        ScriptedServer(answer(b"hello"), certificate=tmp_path / "server.pem") as server,
    ):
        output, _, by_name = run(relay, OPEN.format(url=f"https://localhost:{server.port}/"))
        _, _, by_address = run(relay, OPEN.format(url=server.url))

    assert output == "5\n"
    (connection,) = by_name.connections
    assert (connection.server_name, connection.tls) == ("localhost", "TLSv1.3")
    assert connection.turns[0].octets(sent=True) == server.requests[0].head
    assert connection.turns[0].octets(sent=False) == answer(b"hello")
    assert connection.sent > len(server.requests[0].head)
    assert connection.secured is not None
    assert connection.secured <= connection.turns[0].begun
    assert by_address.connections[0].server_name == ""
    assert by_address.connections[0].secured is not None


def test_a_server_that_cannot_be_trusted_gets_no_request(relay: Relay, tmp_path: Path) -> None:
    with ScriptedServer(answer(b"hello"), certificate=self_signed(tmp_path)) as server:
        output, errors, recording = run(relay, OPEN.format(url=server.url))

    (connection,) = recording.connections
    assert output == ""
    assert "Error" in errors
    assert "the certificate is not to be trusted" in connection.error
    assert connection.secured is None
    assert server.requests == []


def test_a_server_that_speaks_no_tls(relay: Relay) -> None:
    with ScriptedServer(lambda client: client.send(b"220 hello\r\n")) as server:
        _, errors, recording = run(relay, OPEN.format(url=f"https://{server.address}/"))

    assert "Error" in errors
    assert recording.connections[0].error.startswith("TLS broke: ")


def test_who_is_none_of_the_programs_is_turned_away(relay: Relay) -> None:
    program = (
        "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0));"
        "print(routing._routed(s, ('127.0.0.1', {port}))[1], s.getsockname()[1])"
    )
    with ScriptedServer(answer()) as server:
        output, _, _ = run(relay, program.format(port=server.port))
        ours = int(output.split()[0])
        with socket.create_connection(("127.0.0.1", ours)) as stranger:
            stranger.settimeout(SECONDS)
            with pytest.raises(ConnectionResetError):
                stranger.recv(1)

    assert server.requests == []


def test_a_module_runs_as_it_does_without_the_relay(relay: Relay) -> None:
    with ScriptedServer(answer(b"hello")) as server:
        done = subprocess.run(
            relay.command("sockettools", "get", f"{server.url}/"),
            env=relay.environment(),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=True,
        )

    assert done.stdout == "hello"
    assert relay.take().requests == 1


def test_a_program_goes_by_no_proxy_and_trusts_nobody_else(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example")
    monkeypatch.setenv("http_proxy", "http://proxy.example")
    monkeypatch.setenv("SSL_CERT_FILE", "/other.pem")
    monkeypatch.setenv("SPAM", "eggs")

    environment = relay.environment()

    assert "HTTPS_PROXY" not in environment
    assert "http_proxy" not in environment
    assert environment["SSL_CERT_FILE"] != "/other.pem"
    assert environment["SPAM"] == "eggs"


def test_a_program_without_a_relay_is_left_alone() -> None:
    program = (
        "import socket; before = socket.socket.connect;"
        "from netcrawl.compare import routing; routing.install(); routing.mark('begin');"
        "print(socket.socket.connect is before)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)

    assert done.stdout == b"True\n"


def test_a_moment_is_told_once(relay: Relay) -> None:
    _, _, recording = run(relay, "routing.mark('begin'); routing.mark('begin')")

    assert list(recording.marks) == ["begin"]


def test_a_relay_that_never_ran_can_be_closed() -> None:
    Relay().close()
