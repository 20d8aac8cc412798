"""The command as a person starts and stops it: in a process of its own."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.error import URLError

import pytest

from sockettools.practice.pages import ROMEO
from tests.machine import needs_dev_full, needs_ipv6
from tests.patience import SECONDS
from tests.servers.ports import held_ports
from tests.sockettools.cli import commands

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMAND = (sys.executable, "-m", "sockettools", "practice")


@contextmanager
def running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start the command; yield the process and the URL that it printed."""
    with commands.running("practice", "--port", "0", *arguments) as (process, line):
        match = re.search(r"http://\S+", line)
        assert match is not None, line
        yield process, match[0]


def fail(*arguments: str) -> str:
    """Start the command where it cannot start; return its only line."""
    done = subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    return line


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serves_until_told_to_stop(number: signal.Signals) -> None:
    with running() as (process, url):
        assert url.startswith("http://127.0.0.1:"), "loopback unless told otherwise"
        with urllib.request.urlopen(url + "romeo.txt") as response:
            assert response.read().decode() == ROMEO
        process.send_signal(number)
        _, errors = process.communicate(timeout=SECONDS)

    assert process.returncode == 0
    (line,) = errors.splitlines()
    assert line.endswith('"GET /romeo.txt" 200 167')


def test_stops_where_its_parent_ignores_sigint() -> None:
    """As for the background job of a shell script."""
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with running() as (process, _):
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=SECONDS)
    finally:
        signal.signal(signal.SIGINT, previous)
    assert process.returncode == 0


def test_stops_with_clients_connected() -> None:
    with running("--quiet") as (process, url):
        address = url.removeprefix("http://").rstrip("/").split(":")
        with socket.create_connection((address[0], int(address[1]))) as client:
            client.sendall(b"GET / HTTP/1.1\r\n")
            process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=SECONDS)

    assert process.returncode == 0
    assert errors == ""


@pytest.mark.parametrize("redirection", ["2>&-", ">&-", "<&- >&- 2>&-"])
def test_closed_streams(redirection: str) -> None:
    command = f"exec {' '.join(COMMAND)} --port $1 {redirection}"
    with (
        held_ports(1) as (port,),
        subprocess.Popen(["sh", "-c", command, "sh", str(port)]) as process,
    ):
        try:
            # More requests than there are places: none may be lost.
            for _ in range(300):
                assert get_patiently(f"http://127.0.0.1:{port}/romeo.txt") == ROMEO
            process.terminate()
            assert process.wait(SECONDS) == 0
        finally:
            process.kill()


def get_patiently(url: str) -> str:
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            with urllib.request.urlopen(url, timeout=SECONDS) as response:
                text = response.read().decode()
                assert isinstance(text, str)
                return text
        except URLError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def test_a_port_in_use_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        line = fail("--port", str(port))

    assert f"port {port} is in use" in line


def test_an_unknown_host_is_one_line() -> None:
    assert "unknown host 'nosuch.invalid'" in fail("--host", "nosuch.invalid")


@pytest.mark.parametrize("host", [pytest.param("::1", marks=needs_ipv6), "localhost", ""])
def test_other_addresses(host: str) -> None:
    with running("--host", host) as (_, url), urllib.request.urlopen(url) as response:
        assert response.status == 200


@needs_dev_full
def test_a_full_standard_output_is_one_line() -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run(
            [*COMMAND, "--port", "0"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    assert done.returncode == 1
    assert done.stderr == f"sockettools practice: {os.strerror(28)}\n"
