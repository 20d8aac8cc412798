from __future__ import annotations

import io
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from sockettools.cli import main
from sockettools.cli.streams import Streams
from tests.machine import needs_ipv6

if TYPE_CHECKING:
    from collections.abc import Callable


def run(*argv: str) -> tuple[int, list[list[str]], str]:
    """Return the exit status, the cells of what was printed, and the errors."""
    streams = Streams(io.StringIO(), io.StringIO(), io.StringIO())
    status = main(["resolve", *argv], streams)
    assert isinstance(streams.stdout, io.StringIO)
    assert isinstance(streams.stderr, io.StringIO)
    rows = [line.split() for line in streams.stdout.getvalue().splitlines()]
    return status, rows, streams.stderr.getvalue()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("127.0.0.1", ["AF_INET", "SOCK_STREAM", "TCP", "127.0.0.1"], id="number"),
        pytest.param("127.0.0.1", ["AF_INET", "SOCK_DGRAM", "UDP", "127.0.0.1"], id="every type"),
        pytest.param("127.0.0.1:80", ["AF_INET", "SOCK_STREAM", "TCP", "127.0.0.1:80"], id="port"),
        pytest.param(
            "127.0.0.1:http", ["AF_INET", "SOCK_DGRAM", "UDP", "127.0.0.1:80"], id="service"
        ),
        pytest.param("localhost", ["AF_INET", "SOCK_STREAM", "TCP", "127.0.0.1"], id="name"),
        pytest.param("2130706433", ["AF_INET", "SOCK_STREAM", "TCP", "127.0.0.1"], id="integer"),
        pytest.param("::1", ["AF_INET6", "SOCK_STREAM", "TCP", "::1"], id="IPv6"),
        pytest.param("[::1]", ["AF_INET6", "SOCK_DGRAM", "UDP", "::1"], id="IPv6 in brackets"),
        pytest.param("[::1]:80", ["AF_INET6", "SOCK_STREAM", "TCP", "[::1]:80"], id="IPv6, port"),
        pytest.param("", ["AF_INET", "SOCK_STREAM", "TCP", "0.0.0.0"], id="any interface"),
        pytest.param(":80", ["AF_INET", "SOCK_STREAM", "TCP", "0.0.0.0:80"], id="any, port"),
        pytest.param(
            "<broadcast>", ["AF_INET", "SOCK_DGRAM", "UDP", "255.255.255.255"], id="broadcast"
        ),
    ],
)
def test_every_candidate_has_a_line(name: str, expected: list[str]) -> None:
    status, rows, errors = run(name)

    assert (status, errors) == (0, "")
    assert expected in rows


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param(
            "udp:127.0.0.1:53", ["AF_INET", "SOCK_DGRAM", "UDP", "127.0.0.1:53"], id="udp"
        ),
        pytest.param(
            "tcp:127.0.0.1:53", ["AF_INET", "SOCK_STREAM", "TCP", "127.0.0.1:53"], id="tcp"
        ),
        pytest.param("unix:/run/x", ["AF_UNIX", "SOCK_STREAM", "0", "/run/x"], id="unix"),
    ],
)
def test_a_type_that_is_named_is_the_only_one(name: str, expected: list[str]) -> None:
    assert run(name) == (0, [expected], "")


@needs_ipv6
def test_a_scope_is_shown() -> None:
    interface = socket.if_nameindex()[0][1]
    name = f"fe80::1%{interface}"

    assert ["AF_INET6", "SOCK_STREAM", "TCP", name] in run(name)[1]


@needs_ipv6
def test_columns_are_aligned() -> None:
    streams = Streams(io.StringIO(), io.StringIO(), io.StringIO())
    main(["resolve", ":80"], streams)
    assert isinstance(streams.stdout, io.StringIO)
    lines = streams.stdout.getvalue().splitlines()

    assert len({line.index("SOCK_") for line in lines}) == 1
    assert len({line.rindex("  ") for line in lines}) == 1


@pytest.mark.parametrize(
    ("name", "status", "message"),
    [
        # .invalid (RFC 2606) belongs to nobody.
        pytest.param("nosuch.invalid", 1, "unknown host 'nosuch.invalid': ", id="unknown"),
        pytest.param("a b", 2, "'a b' is not a host", id="no host"),
        pytest.param("localhost:65536", 2, "port 65536 is out of range: 0 to 65535", id="port"),
        pytest.param("localhost:nosuch", 2, "no TCP service is called 'nosuch'", id="service"),
        pytest.param("unix:" + "x" * 200, 2, "has at most", id="path"),
        pytest.param("4294967296", 2, "more than the 32 bits", id="integer"),
        pytest.param("a:b:c", 2, "too many colons", id="colons"),
    ],
)
def test_what_is_wrong_is_one_line(name: str, status: int, message: str) -> None:
    got, rows, errors = run(name)

    assert (got, rows) == (status, [])
    assert errors.startswith("sockettools resolve: ")
    assert message in errors
    assert errors.count("\n") == 1


@pytest.mark.parametrize("takes_it", [threading.main_thread, threading.current_thread])
def test_ctrl_c_does_not_wait_for_the_resolver(
    takes_it: Callable[[], threading.Thread], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answer = threading.Event(), threading.Event()

    def hang(*_arguments: object, **_options: object) -> list[object]:
        asked.set()
        answer.wait()
        return []

    def interrupt() -> None:
        asked.wait()
        # Nothing tells that the main thread waits; were it later, this would only test less.
        time.sleep(0.1)
        signal.pthread_kill(takes_it().ident or 0, signal.SIGINT)

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        assert run("localhost") == (130, [], "")
    finally:
        answer.set()
        thread.join()


def test_as_a_process() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sockettools", "resolve", "tcp:127.0.0.1:80"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "AF_INET  SOCK_STREAM  TCP  127.0.0.1:80\n"
