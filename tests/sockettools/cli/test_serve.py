"""The command as a person uses it, with other people's programs as its clients."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from sockettools.net.address import MAX_UNIX_PATH
from tests.machine import needs_dev_full, needs_ipv6, needs_programs
from tests.servers.certificates import self_signed
from tests.sockettools.cli.commands import run, running

if TYPE_CHECKING:
    from pathlib import Path

ANY_PORT = "127.0.0.1:0"
GREETING = "Thank you for connecting"


def port_in(line: str) -> int:
    match = re.search(r":(\d+) ", line)
    assert match is not None, line
    return int(match[1])


def client(*command: str | int, data: bytes = b"") -> bytes:
    """Run somebody else's client; return what it received."""
    return subprocess.run(
        [str(word) for word in command], input=data, capture_output=True, timeout=60, check=True
    ).stdout


def chapters_client(port: int) -> bytes:
    """Do what the chapter's client does: connect, receive once."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as sock:
        return sock.recv(1024)


@pytest.mark.parametrize("mode", ["serial", "threads", "select"])
def test_the_chapters_server(mode: str) -> None:
    with running("serve", ANY_PORT, "--mode", mode) as (process, line):
        assert re.fullmatch(r"Serving greet on 127\.0\.0\.1:\d+ \(Ctrl-C stops it\)\n", line)
        assert process.stdout is not None
        for _ in range(2):
            assert chapters_client(port_in(line)).decode() == GREETING
            # It appears at once: standard output is a pipe here.
            assert re.fullmatch(
                r"Got connection from \('127\.0\.0\.1', \d+\)\n", process.stdout.readline()
            )
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)

    assert (process.returncode, errors) == (0, "")


@pytest.mark.parametrize("mode", ["serial", "threads", "select"])
@pytest.mark.parametrize(
    "command",
    [
        pytest.param(("ncat", "127.0.0.1", "PORT"), marks=needs_programs("ncat"), id="ncat"),
        pytest.param(
            ("socat", "-t60", "-", "TCP:127.0.0.1:PORT"), marks=needs_programs("socat"), id="socat"
        ),
    ],
)
def test_echoes_to_other_programs(mode: str, command: tuple[str, ...]) -> None:
    data = os.urandom(1_000_000)
    with running("serve", ANY_PORT, "--service", "echo", "--mode", mode) as (_, line):
        words = (word.replace("PORT", str(port_in(line))) for word in command)
        assert client(*words, data=data) == data


@needs_programs("socat")
@pytest.mark.parametrize("mode", ["serial", "threads", "select"])
def test_tls_to_socat(mode: str, tmp_path: Path) -> None:
    certificate = self_signed(tmp_path)
    data = os.urandom(300_000)
    with running(
        *("serve", ANY_PORT, "--service", "echo", "--mode", mode, "--cert", str(certificate))
    ) as (_, line):
        peer = f"OPENSSL:localhost:{port_in(line)},cafile={certificate}"
        assert client("socat", "-t60", "-", peer, data=data) == data


@needs_programs("socat", "ncat")
def test_unix_and_udp_to_other_programs(tmp_path: Path) -> None:
    path = tmp_path / "sock"
    with running("serve", f"unix:{path}") as (process, _):
        assert client("ncat", "-U", str(path)).decode() == GREETING
        assert client("socat", "-", f"UNIX-CONNECT:{path}").decode() == GREETING
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    assert output == "Got connection from a Unix socket\n" * 2
    assert not path.exists()

    with running("serve", f"udp:{ANY_PORT}", "--service", "echo") as (_, line):
        peer = f"UDP:127.0.0.1:{port_in(line)},readbytes=10"  # then it has been answered
        assert client("socat", "-t60", "-", peer, data=b"\0datagram\xff") == b"\0datagram\xff"


@needs_programs("socat")
def test_the_abstract_namespace() -> None:
    name = f"sockettools-test-{os.getpid()}"
    with running("serve", f"unix:@{name}"):
        assert client("socat", "-", f"ABSTRACT-CONNECT:{name}").decode() == GREETING


@needs_ipv6
def test_every_interface_is_both_families() -> None:
    with running("serve", ":0") as (_, line):
        for host in ("127.0.0.1", "::1"):
            with socket.create_connection((host, port_in(line)), timeout=30) as sock:
                assert sock.recv(100).decode() == GREETING


def test_what_is_said_can_be_seen(tmp_path: Path) -> None:
    record = tmp_path / "trace.json"
    with running(
        *("serve", ANY_PORT, "--service", "echo", "--trace", "--trace-hex"),
        *("--trace-json", str(record)),
    ) as (process, line):
        with socket.create_connection(("127.0.0.1", port_in(line)), timeout=30) as sock:
            sock.sendall(b"hello\x1b\r\n")
            assert sock.recv(100) == b"hello\x1b\r\n"
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)

    assert re.search(r"^\d+\.\d{6} 1 \* \(connection from \('127\.0\.0\.1', \d+\)\)$", errors, re.M)
    assert re.search(r"^\d+\.\d{6} 1 < hello\\x1b\\r\\n$", errors, re.M)
    assert re.search(r"^\d+\.\d{6} 1 > 00000000  68 65 6c 6c 6f 1b 0d 0a ", errors, re.M)
    events = [json.loads(line) for line in record.read_text().splitlines()]
    assert [event["direction"] for event in events if "data" in event] == ["received", "sent"]
    assert [event["note"] for event in events if "note" in event][1:] == ["end of stream"] * 2 + [
        "closed"
    ]


@pytest.mark.parametrize("mode", ["threads", "select"])
def test_stopping_under_load_gives_everybody_the_whole_answer(mode: str) -> None:
    """Clients come as fast as they can; who is let in gets the greeting to its end."""
    answers: dict[int, bytes] = {}
    with running("serve", ANY_PORT, "--mode", mode) as (process, line):
        assert process.stdout is not None
        port = port_in(line)

        def keep_coming() -> None:
            while True:
                try:
                    with (
                        socket.create_connection(("127.0.0.1", port), timeout=10) as sock,
                        sock.makefile("rb") as file,
                    ):
                        answers[sock.getsockname()[1]] = b"cut"
                        answers[sock.getsockname()[1]] = file.read()
                except OSError:
                    return  # it has stopped listening, or was never let in

        clients = [threading.Thread(target=keep_coming) for _ in range(8)]
        for thread in clients:
            thread.start()
        guests = [process.stdout.readline() for _ in range(300)]
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=60)
        for thread in clients:
            thread.join(60)

    assert process.returncode == 0
    guests += output.splitlines()
    let_in = [int(re.findall(r"\d+", guest)[-1]) for guest in guests]
    assert len(let_in) >= 300
    assert {answers[port].decode() for port in let_in} == {GREETING}


def test_nobody_reading_what_it_prints_is_no_reason_to_stop() -> None:
    with running("serve", ANY_PORT) as (process, line):
        assert process.stdout is not None
        process.stdout.close()
        for _ in range(3):
            assert chapters_client(port_in(line)).decode() == GREETING
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("127.0.0.1:65536",), 2, "port 65536 is out of range"),
        (("127.0.0.1:nosuch",), 2, "service is called 'nosuch'"),
        (("12345",), 2, "'12345' may be a host or a port: write :12345"),
        (("::1:80",), 2, "too many colons"),
        (("unix:",), 2, "a Unix socket has a path"),
        ((f"unix:{'x' * (MAX_UNIX_PATH + 1)}",), 2, "has at most"),
        (("udp:127.0.0.1:0", "--cert", "x"), 2, "TLS needs a stream"),
        (("--key", "x"), 2, "--key goes with --cert"),
        (("--mode", "fork"), 2, "invalid choice: 'fork'"),
        (("--idle", "0"), 2, "'0' is not a number above 0"),
        (("--connections", "1.5"), 2, "'1.5' is not a number above 0"),
        (("--message", "99999999999999"), 2, "'99999999999999' is not a number above 0, up to"),
        (("--grace", "1e10"), 2, "'1e10' is not a number above 0, up to 2000000"),
        (("--idle", "inf"), 2, "'inf' is not a number above 0"),
        (("--cert", "/nosuch.pem"), 1, "/nosuch.pem: No such file or directory"),
        (("--cert", __file__), 1, "no certificate and its key"),
        (("--trace-json", "/nosuch/x"), 1, "/nosuch/x: No such file or directory"),
        (("nosuch.invalid:80",), 1, "unknown host 'nosuch.invalid'"),
        (("192.0.2.1:80",), 1, "'192.0.2.1' is not an address of this machine"),
        (("unix:/nosuch/sock",), 1, "cannot listen on unix:/nosuch/sock: No such file"),
    ],
)
def test_what_cannot_be_served(arguments: tuple[str, ...], status: int, message: str) -> None:
    done = run("serve", *arguments)

    assert (done.returncode, done.stdout) == (status, "")
    assert message in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("mode", ["threads", "select"])
@pytest.mark.parametrize("trace", ["--trace", "--trace-json"])
@needs_dev_full
def test_a_recording_that_fails_is_no_reason_to_stop(mode: str, trace: str) -> None:
    options = [trace, "/dev/full"] if trace == "--trace-json" else [trace]
    with (
        open("/dev/full", "w") as full,  # noqa: PTH123
        subprocess.Popen(
            [sys.executable, "-m", "sockettools", "serve", ANY_PORT, "--mode", mode, *options],
            stdout=subprocess.PIPE,
            stderr=full,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        port = port_in(process.stdout.readline())
        for _ in range(3):
            assert chapters_client(port).decode() == GREETING
        process.terminate()
        process.wait(60)


@pytest.mark.parametrize("mode", ["threads", "select"])
@pytest.mark.parametrize("options", [[], ["--trace"]], ids=["guests", "trace"])
def test_nobody_reading_what_it_prints_stalls_nobody(mode: str, options: list[str]) -> None:
    """More than any pipe holds is printed, and it still stops when it is told to."""
    with running("serve", ANY_PORT, "--mode", mode, *options) as (process, line):
        port = port_in(line)
        for _ in range(2500):
            assert chapters_client(port).decode() == GREETING
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def wait_until_refused(port: int) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=60).close()
        except ConnectionRefusedError:
            return
        time.sleep(0.01)
    raise AssertionError("it still listens")


def test_a_second_signal_ends_it_at_once() -> None:
    with (
        running("serve", ANY_PORT, "--service", "echo", "--grace", "1000") as (process, line),
        socket.create_connection(("127.0.0.1", port_in(line)), timeout=60) as client,
    ):
        client.sendall(b"x")
        assert client.recv(1) == b"x"
        process.send_signal(signal.SIGINT)
        wait_until_refused(port_in(line))
        assert process.poll() is None  # it gives the client its time
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130


def test_a_port_in_use() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("serve", f"127.0.0.1:{port}")

    assert done.returncode == 1
    assert done.stderr == f"sockettools serve: port {port} is in use; choose another ADDRESS\n"
