"""Many clients, at once and one after the other: what grows, and what is left behind."""

from __future__ import annotations

import re
import socket
import threading
from pathlib import Path

import pytest

from tests.sockettools.cli.commands import running

pytestmark = pytest.mark.soak

MEGABYTE = 1024 * 1024


def port_in(line: str) -> int:
    match = re.search(r":(\d+) ", line)
    assert match is not None, line
    return int(match[1])


def descriptors(pid: int) -> int:
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


def peak_memory(pid: int) -> int:
    """Return the most memory that a process has had, in octets."""
    match = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert match is not None
    return int(match[1]) * 1024


def test_ten_thousand_at_once_in_200_megabytes() -> None:
    with running("serve", "127.0.0.1:0", "--service", "echo", "--quiet") as (process, line):
        port = port_in(line)
        clients = [socket.create_connection(("127.0.0.1", port), 30) for _ in range(10_000)]
        for number, client in enumerate(clients):
            client.sendall(b"%d" % number)
        for number, client in enumerate(clients):
            assert client.recv(100) == b"%d" % number
        assert peak_memory(process.pid) < 200 * MEGABYTE
        for client in clients:
            client.close()


@pytest.mark.parametrize("mode", ["threads", "select"])
def test_a_hundred_thousand_leave_nothing_behind(mode: str) -> None:
    with running(*("serve", "127.0.0.1:0", "--service", "echo", "--quiet", "--mode", mode)) as (
        process,
        line,
    ):
        port = port_in(line)

        def come_and_go(times: int) -> None:
            for _ in range(times):
                with socket.create_connection(("127.0.0.1", port), 30) as client:
                    client.sendall(b"x")
                    assert client.recv(1) == b"x"
                    # A reset: else the ports would be used up, in TIME_WAIT.
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

        come_and_go(1000)
        before, memory = descriptors(process.pid), peak_memory(process.pid)
        visitors = [threading.Thread(target=come_and_go, args=(24_750,)) for _ in range(4)]
        for visitor in visitors:
            visitor.start()
        for visitor in visitors:
            visitor.join()
        come_and_go(1)
        assert descriptors(process.pid) <= before + 1  # the last one may not be gone yet
        assert peak_memory(process.pid) < memory + 10 * MEGABYTE
