"""The command as a person starts and stops it: in a process of its own."""

from __future__ import annotations

import base64
import json
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from random import Random
from typing import TYPE_CHECKING

import pytest

from sockettools.practice import PracticeServer
from sockettools.practice.pages import ROMEO
from tests.machine import needs_dev_full, needs_programs
from tests.servers.ports import held_ports
from tests.sockettools.cli import commands

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMMAND = (sys.executable, "-m", "sockettools", "tap")

PATIENCE = 60.0

BINARY = Random(1).randbytes(3_000_000)

# Each with the arguments of a client and of a server for one connection, on 127.0.0.1.
PEERS = {
    "ncat": (
        ["ncat", "127.0.0.1", "{port}"],
        ["ncat", "-l", "-v", "127.0.0.1", "{port}"],
    ),
    "socat": (
        ["socat", "-t", "60", "-", "TCP:127.0.0.1:{port}"],
        ["socat", "-d", "-d", "-t", "60", "TCP-LISTEN:{port},bind=127.0.0.1,reuseaddr", "-"],
    ),
}


@contextmanager
def running(
    target: str, *options: str, listen: str = "127.0.0.1:0"
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start the command; yield the process and the address that it printed."""
    with commands.running("tap", listen, target, *options) as (process, line):
        match = re.fullmatch(r"Tap on (\S+) to (\S+) \(Ctrl-C stops it\)\n", line)
        assert match is not None, line
        assert match[2] == target
        yield process, match[1]


def stop(process: subprocess.Popen[str], number: signal.Signals = signal.SIGTERM) -> str:
    """Stop it; return what it wrote to standard error."""
    process.send_signal(number)
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    return errors


@contextmanager
def practice() -> Iterator[str]:
    with PracticeServer() as server:
        yield server.url.removeprefix("http://").rstrip("/")


def fetch(address: str) -> str:
    with urllib.request.urlopen(f"http://{address}/romeo.txt") as response:
        text = response.read().decode()
        assert isinstance(text, str)
        return text


def port_of(address: str) -> int:
    return int(address.rpartition(":")[2])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_relays_until_told_to_stop(number: signal.Signals) -> None:
    with practice() as target, running(target) as (process, address):
        assert fetch(address) == ROMEO
        assert stop(process, number) == ""


def test_stops_with_clients_connected() -> None:
    with (
        practice() as target,
        running(target, "--delay", "60") as (process, address),
        socket.create_connection(("127.0.0.1", port_of(address))) as client,
    ):
        client.sendall(b"GET / HTTP/1.1\r\n")
        assert stop(process) == ""


@pytest.mark.parametrize(
    ("option", "shown"),
    [
        pytest.param("--trace", r"1 > GET /romeo.txt HTTP/1.1\\r\\n", id="text"),
        pytest.param("--trace-hex", r"1 > 00000000  47 45 54 20 2f 72 6f 6d  ", id="hex"),
    ],
)
def test_a_trace_shows_who_said_what(option: str, shown: str) -> None:
    with practice() as target, running(target, option) as (process, address):
        fetch(address)
        errors = stop(process)

    assert re.search(rf"^\d+\.\d+ {shown}", errors, re.M), errors
    assert re.search(r"^\d+\.\d+ 1 < ", errors, re.M)
    assert re.search(r"^\d+\.\d+ 1 \* \(connection from \('127\.0\.0\.1', \d+\)\)$", errors, re.M)


def test_a_trace_as_json_holds_every_byte(tmp_path: Path) -> None:
    file = tmp_path / "trace"
    with practice() as target, running(target, "--trace-json", str(file)) as (process, address):
        fetch(address)
        fetch(address)
        assert stop(process) == ""

    events = [json.loads(line) for line in file.read_text().splitlines()]
    for connection in ("1", "2"):
        said = {"sent": b"", "received": b""}
        for event in events:
            if event["connection"] == connection and "data" in event:
                said[event["direction"]] += base64.b64decode(event["data"])
        assert said["sent"].startswith(b"GET /romeo.txt HTTP/1.1\r\n")
        assert said["received"].endswith(ROMEO.encode())


@needs_dev_full
def test_a_trace_on_a_full_disk_is_told_and_the_relay_goes_on() -> None:
    with practice() as target, running(target, "--trace-json", "/dev/full") as (process, address):
        assert fetch(address) == ROMEO
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=PATIENCE)

    assert process.returncode == 1
    first, last = errors.splitlines()
    assert first == "sockettools tap: nothing more is recorded: /dev/full: No space left on device"
    assert last == "sockettools tap: /dev/full: No space left on device"


def test_impairments_are_what_was_asked_for() -> None:
    """100 bytes of the answer, then its end."""
    with (
        practice() as target,
        running(target, "--cut-after", "0.1k", "--rate", "1M") as (
            process,
            address,
        ),
    ):
        with socket.create_connection(("127.0.0.1", port_of(address))) as client:
            client.sendall(b"GET /romeo.txt HTTP/1.0\r\n\r\n")
            assert len(b"".join(iter(lambda: client.recv(1000), b""))) == 100
        assert stop(process) == ""


def test_a_connection_that_cannot_be_made_is_one_line() -> None:
    with (
        held_ports(1) as (port,),
        running(target := f"127.0.0.1:{port}") as (process, address),
    ):
        with (
            socket.create_connection(("127.0.0.1", port_of(address))) as client,
            pytest.raises(ConnectionResetError),
        ):
            client.recv(1)
        errors = stop(process)

    assert errors == (
        f"sockettools tap: connection 1: cannot connect to {target}: Connection refused\n"
    )


def test_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "sock"
    with (
        practice() as target,
        running(target, listen=f"unix:{path}") as (process, address),
        socket.socket(socket.AF_UNIX) as client,
    ):
        assert address == f"unix:{path}"
        client.connect(str(path))
        client.sendall(b"GET /romeo.txt HTTP/1.0\r\n\r\n")
        assert b"".join(iter(lambda: client.recv(1000), b"")).endswith(ROMEO.encode())
        stop(process)
        assert not path.exists()


def fail(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command where it cannot start."""
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, timeout=PATIENCE, check=False
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param((":0",), "TARGET", id="no target"),
        pytest.param(("12345", ":1"), "'12345' may be a host or a port", id="no colon"),
        pytest.param((":0", "udp::1"), "udp::1 is no stream", id="udp"),
        pytest.param((":0", ":1", "--rate", "0"), "'0' is not a number of bytes", id="rate 0"),
        pytest.param((":0", ":1", "--rate", "fast"), "'fast' is not a number", id="rate in words"),
        pytest.param((":0", ":1", "--rate=-5"), "'-5' is not a number", id="negative rate"),
        pytest.param((":0", ":1", "--rate", "5K"), "'5K' is not a number", id="unknown suffix"),
        pytest.param((":0", ":1", "--delay=-1"), "'-1' is not a number of s", id="negative delay"),
        pytest.param((":0", ":1", "--delay", "nan"), "'nan' is not a number", id="delay nan"),
        pytest.param((":0", ":1", "--cut-after=-1"), "'-1' is not a number", id="negative cut"),
        pytest.param((":0", ":1", "--reset-after", "x"), "'x' is not a number", id="reset x"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...], message: str) -> None:
    done = fail(*arguments)

    assert done.returncode == 2
    assert done.stdout == ""
    assert message in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_a_port_in_use_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = fail(f"127.0.0.1:{port}", "127.0.0.1:1")

    assert done.returncode == 1
    assert done.stderr == f"sockettools tap: port {port} is in use\n"


@needs_dev_full
def test_a_full_standard_output_is_one_line() -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run(
            [*COMMAND, "127.0.0.1:0", "127.0.0.1:1"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    assert done.returncode == 1
    assert done.stderr == "sockettools tap: No space left on device\n"


@pytest.mark.parametrize(
    ("client", "server"),
    [
        pytest.param(one, other, marks=needs_programs(one, other), id=f"{one} to {other}")
        for one in PEERS
        for other in PEERS
    ],
)
def test_other_programs_on_both_sides(client: str, server: str) -> None:
    """Binary data both ways at once, then both ends.

    The ends come last because ncat goes when its peer has ended, whatever it still has to send.
    """
    with (
        held_ports(1) as (port,),
        peer(PEERS[server][1], port) as serving,
        running(f"127.0.0.1:{port}") as (process, address),
        peer(PEERS[client][0], port_of(address)) as asking,
    ):
        exchange = ((asking, BINARY, serving), (serving, BINARY[::-1], asking))
        with ThreadPoolExecutor() as pool:
            for one, data, _ in exchange:
                pool.submit(give, one, data)
            taken = [pool.submit(take, other, len(data)) for _, data, other in exchange]
            assert [future.result(PATIENCE) for future in taken] == [BINARY, BINARY[::-1]]
        for program in (asking, serving):
            assert program.stdin is not None
            program.stdin.close()
        for program in (asking, serving):
            program.wait(PATIENCE)
        assert stop(process) == ""


def give(program: subprocess.Popen[bytes], data: bytes) -> None:
    assert program.stdin is not None
    program.stdin.write(data)
    program.stdin.flush()


def take(program: subprocess.Popen[bytes], size: int) -> bytes:
    assert program.stdout is not None
    return program.stdout.read(size)


@contextmanager
def peer(command: list[str], port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Start a program; a server has said that it listens."""
    with subprocess.Popen(
        [part.format(port=port) for part in command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            assert process.stderr is not None
            if any("-l" in part.lower() for part in command):
                while b"istening on" not in (line := process.stderr.readline()):
                    assert line, "it did not start"
            yield process
        finally:
            process.kill()
