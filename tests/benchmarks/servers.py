"""Echo servers side by side: ``python -m tests.benchmarks.servers``.

Round trips and new connections per second, of ``serve`` in each mode, Twisted, asyncio streams,
ncat and socat. Every server gets the same load from the same client, in rounds that alternate
between them; each answer is compared with what was sent before anything is counted.

The bare epoll loop is the least that a server in Python can do, without limits, timeouts or an
orderly end: nothing in Python gets much beyond it.

The load generator is one Python process like most of the servers, and costs about as much per
message: with it on the other core, wall-clock figures understate how far servers are apart. The
servers' own CPU seconds per operation do not, so both are shown.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import select
import shutil
import socket
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MESSAGE = b"sixteen octets.\n"
TICKS = os.sysconf("SC_CLK_TCK")
PYTHON = (sys.executable, "-m")


@dataclass(frozen=True)
class Contestant:
    """A server: its command, with PORT where it is told one; who prints its own has none."""

    name: str
    command: tuple[str, ...]
    most_clients: int = 100_000
    forks: bool = False  # its CPU seconds are those of processes that come and go


CONTESTANTS = (
    *(
        Contestant(
            f"serve --mode {mode}",
            (
                *(*PYTHON, "sockettools", "serve", "127.0.0.1:0", "--quiet"),
                *("--service", "echo", "--mode", mode),
            ),
            most_clients=1 if mode == "serial" else 100_000,
        )
        for mode in ("select", "threads", "serial")
    ),
    Contestant("Twisted Protocol", (*PYTHON, "tests.benchmarks.echo_servers", "twisted")),
    Contestant("asyncio streams", (*PYTHON, "tests.benchmarks.echo_servers", "asyncio")),
    Contestant("bare epoll loop", (*PYTHON, "tests.benchmarks.echo_servers", "bare")),
    Contestant(
        "ncat -k -e cat", ("ncat", "-l", "-k", "-e", "/bin/cat", "127.0.0.1", "PORT"), 100, True
    ),
    Contestant(
        "socat fork",
        ("socat", "TCP-LISTEN:PORT,bind=127.0.0.1,reuseaddr,fork,backlog=4096", "PIPE"),
        forks=True,
    ),
)


@dataclass(frozen=True)
class Rate:
    """Operations per second, by the clock and by the server's CPU."""

    wall: float
    cpu: float


@contextlib.contextmanager
def running(contestant: Contestant) -> Iterator[tuple[int, int]]:
    """Start a server; yield its process id and port."""
    port = free_port()
    command = [word.replace("PORT", str(port)) for word in contestant.command]
    told = command != list(contestant.command)
    with subprocess.Popen(
        command, stdout=None if told else subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            if not told:
                assert process.stdout is not None
                line = process.stdout.readline()
                port = int(line) if line.strip().isdigit() else int(line.split(":")[1].split()[0])
            wait_for(port)
            yield process.pid, port
        finally:
            process.kill()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
        assert isinstance(port, int)
        return port


def wait_for(port: int) -> None:
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.01)


def cpu_seconds(pid: int) -> float:
    """Return what a process has used, its threads included."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / TICKS


def measure(pid: int, operation: Callable[[float], int], seconds: float) -> Rate:
    """Run ``operation`` for so long; it returns how many it did."""
    cpu, start = cpu_seconds(pid), time.perf_counter()
    count = operation(seconds)
    wall = time.perf_counter() - start
    used = cpu_seconds(pid) - cpu
    return Rate(count / wall, count / used if used else float("nan"))


def round_trips(port: int, clients: int) -> Callable[[float], int]:
    """Keep one message under way on each connection."""
    socks = [socket.create_connection(("127.0.0.1", port), 10) for _ in range(clients)]

    def run(seconds: float) -> int:
        poll = select.epoll()
        receivers = {}
        for sock in socks:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            poll.register(sock, select.EPOLLIN)
            receivers[sock.fileno()] = (sock.recv, sock.send)
            sock.send(MESSAGE)
        count, end, message = 0, time.perf_counter() + seconds, MESSAGE
        while time.perf_counter() < end:
            for fd, _ in poll.poll(5):
                receive, send = receivers[fd]
                if receive(65536) != message:
                    raise AssertionError("the echo differs")
                count += 1
                send(message)
        poll.close()
        for sock in socks:
            sock.close()
        return count

    return run


def connections(port: int) -> Callable[[float], int]:
    """Connect, exchange one message, part; eight at a time."""

    def run(seconds: float) -> int:
        poll = select.epoll()
        socks: dict[int, socket.socket] = {}

        def begin() -> None:
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex(("127.0.0.1", port))
            socks[sock.fileno()] = sock
            poll.register(sock, select.EPOLLOUT)

        for _ in range(8):
            begin()
        count, end = 0, time.perf_counter() + seconds
        while time.perf_counter() < end:
            for fd, event in poll.poll(5):
                sock = socks[fd]
                if event & select.EPOLLOUT:
                    sock.send(MESSAGE)
                    poll.modify(fd, select.EPOLLIN)
                    continue
                if sock.recv(65536) != MESSAGE:
                    raise AssertionError("the echo differs")
                count += 1
                # A reset instead of an end: half a minute of TIME_WAIT for each would use up the
                # ports. Every server is treated alike.
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                del socks[fd]
                sock.close()
                begin()
        poll.close()
        for sock in socks.values():
            sock.close()
        return count

    return run


def one_round(contestant: Contestant, clients: int | None, seconds: float) -> Rate:
    with running(contestant) as (pid, port):
        load = connections(port) if clients is None else round_trips(port, clients)
        return measure(pid, load, seconds)


def compare(title: str, clients: int | None, rounds: int, seconds: float) -> None:
    contestants = [
        contestant
        for contestant in CONTESTANTS
        if (clients or 1) <= contestant.most_clients
        and (contestant.command[0] == sys.executable or shutil.which(contestant.command[0]))
        and (clients is not None or contestant.most_clients > 1)
    ]
    rates: dict[str, list[Rate]] = {contestant.name: [] for contestant in contestants}
    for _ in range(rounds):
        for contestant in contestants:
            rates[contestant.name].append(one_round(contestant, clients, seconds))
    medians = {
        name: Rate(
            statistics.median(rate.wall for rate in measured),
            statistics.median(rate.cpu for rate in measured),
        )
        for name, measured in rates.items()
    }
    base = medians["serve --mode select"]
    print(f"\n{title}\n{'':22} {'per second':>11} {'per CPU second':>15}   select is faster by")
    for contestant in contestants:
        rate = medians[contestant.name]
        line = f"{contestant.name:22} {rate.wall:11,.0f}"
        if contestant.forks:
            print(f"{line} {'':15}   {base.wall / rate.wall:.2f}")
        else:
            cpu = f"(CPU {base.cpu / rate.cpu:.2f})"
            print(f"{line} {rate.cpu:15,.0f}   {base.wall / rate.wall:.2f} {cpu}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each round")
    options = parser.parse_args()
    for clients in (1, 100, 1000):
        title = f"Echo round trips, {clients} client{'s' if clients > 1 else ''}"
        compare(title, clients, options.rounds, options.seconds)
    compare("New connections, 8 at a time", None, options.rounds, options.seconds)


if __name__ == "__main__":
    main()
