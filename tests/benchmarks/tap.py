"""What a relay costs: a bulk transfer over loopback, directly and through relays.

``python -m tests.benchmarks.tap``. Sender and receiver are processes of their own, and so is each
relay. The ways take turns, so that whatever else the machine does meets all of them, and the
median of the turns counts. Each turn's bytes are counted and checked against a CRC-32 of what the
sender sent (of a smaller transfer: a checksum of everything would cost more than the relay).
"""

from __future__ import annotations

import argparse
import multiprocessing
import re
import shutil
import socket
import subprocess
import sys
import zlib
from contextlib import contextmanager
from pathlib import Path
from random import Random
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection

    # Starts a relay to a port; yields its own port and its process.
    Relay = Callable[[int], tuple[int, "subprocess.Popen[bytes] | None"]]

CHUNK = 262_144
CHECKED_SIZE = 20_000_000


def direct(port: int) -> tuple[int, None]:
    return port, None


def tap(*options: str) -> Relay:
    def start(port: int) -> tuple[int, subprocess.Popen[bytes]]:
        command = [sys.executable, "-m", "sockettools", "tap", "127.0.0.1:0"]
        process = subprocess.Popen(
            [*command, f"127.0.0.1:{port}", *options], stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        match = re.search(rb"on \S+:(\d+) to", process.stdout.readline())
        assert match is not None
        return int(match[1]), process

    return start


def socat(port: int) -> tuple[int, subprocess.Popen[bytes]]:
    own = free_port()
    # The block size of socat is 8 KiB unless told otherwise.
    command = ["socat", "-d", "-d", "-b", str(CHUNK), f"TCP-LISTEN:{own},bind=127.0.0.1,fork"]
    process = subprocess.Popen([*command, f"TCP:127.0.0.1:{port}"], stderr=subprocess.PIPE)
    return own, wait_for(process, b"listening on")


def ncat(port: int) -> tuple[int, subprocess.Popen[bytes]]:
    own = free_port()
    command = ["ncat", "-v", "-k", "-l", "127.0.0.1", str(own), "--sh-exec"]
    process = subprocess.Popen([*command, f"ncat 127.0.0.1 {port}"], stderr=subprocess.PIPE)
    return own, wait_for(process, b"Listening on")


def wait_for(process: subprocess.Popen[bytes], sign: bytes) -> subprocess.Popen[bytes]:
    assert process.stderr is not None
    while sign not in (line := process.stderr.readline()):
        assert line, "the relay did not start"
    return process


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert isinstance(port, int)
        return port


WAYS: dict[str, Relay] = {
    "direct": direct,
    "tap": tap(),
    "tap --trace-json": tap("--trace-json", "/dev/null"),
    "socat": socat,
    "ncat": ncat,
}


def send(port: int, size: int, checked: bool, results: Connection) -> None:
    """Be the sender: ``size`` bytes, then the end."""
    chunk = memoryview(Random(1).randbytes(CHUNK))
    checksum = 0
    with socket.create_connection(("127.0.0.1", port)) as sock:
        left = size
        while left:
            piece = chunk[: min(left, CHUNK)]
            sock.sendall(piece)
            checksum = zlib.crc32(piece, checksum) if checked else 0
            left -= len(piece)
        sock.shutdown(socket.SHUT_WR)
        sock.recv(1)  # until the receiver has everything
    results.send(checksum)


def receive(listener: socket.socket, checked: bool, results: Connection) -> None:
    """Be the receiver: report the bytes, their checksum, and the seconds from first to last."""
    buffer = memoryview(bytearray(CHUNK))
    with listener, listener.accept()[0] as sock:
        total = checksum = 0
        size = sock.recv_into(buffer)
        start = perf_counter()
        while size:
            total += size
            checksum = zlib.crc32(buffer[:size], checksum) if checked else 0
            size = sock.recv_into(buffer)
        results.send((total, checksum, perf_counter() - start))


def transfer(relay: Relay, size: int, *, checked: bool = False) -> tuple[float, int]:
    """Return the seconds that it took, and the relay's peak memory in octets (0 for none)."""
    listener = socket.create_server(("127.0.0.1", 0))
    with relaying(relay, listener.getsockname()[1]) as (port, process):
        sent, sending = multiprocessing.Pipe(duplex=False)
        received, receiving = multiprocessing.Pipe(duplex=False)
        people = (
            multiprocessing.Process(target=receive, args=(listener, checked, receiving)),
            multiprocessing.Process(target=send, args=(port, size, checked, sending)),
        )
        for person in people:
            person.start()
        listener.close()
        total, checksum, seconds = received.recv()
        assert total == size, f"{total} bytes arrived, expected {size}"
        assert checksum == sent.recv(), "the bytes were changed"
        for person in people:
            person.join()
        return seconds, peak_memory(process) if process else 0


@contextmanager
def relaying(relay: Relay, target: int) -> Iterator[tuple[int, subprocess.Popen[bytes] | None]]:
    port, process = relay(target)
    if process is None:
        yield port, None
        return
    with process:
        try:
            yield port, process
        finally:
            process.terminate()


def peak_memory(process: subprocess.Popen[bytes]) -> int:
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    (kilobytes,) = re.findall(r"VmHWM:\s+(\d+) kB", status)
    return int(kilobytes) * 1024


def main() -> None:
    parser = argparse.ArgumentParser(description="What a relay costs, over loopback.")
    parser.add_argument("--size", type=float, default=1.0, metavar="GB", help="default: 1")
    parser.add_argument("--repeat", type=int, default=5, metavar="N", help="default: 5")
    arguments = parser.parse_args()
    size = int(arguments.size * 1e9)
    ways = {
        name: way
        for name, way in WAYS.items()
        if name not in {"socat", "ncat"} or shutil.which(name)
    }
    for way in ways.values():
        transfer(way, CHECKED_SIZE, checked=True)
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    memory = dict.fromkeys(ways, 0)
    for _ in range(arguments.repeat):
        for name, way in ways.items():
            took, peak = transfer(way, size)
            seconds[name].append(took)
            memory[name] = max(memory[name], peak)
    print(f"{arguments.size:g} GB over one connection, median of {arguments.repeat}")
    print(f"{'way':<18}{'MB/s':>8}{'to direct':>11}{'peak memory':>14}")
    for name in ways:
        speed = size / 1e6 / median(seconds[name])
        ratio = median(seconds["direct"]) / median(seconds[name])
        # What socat and ncat start for each connection is another process.
        shown = f"{memory[name] / 1e6:.0f} MB" if name.startswith("tap") else ""
        print(f"{name:<18}{speed:>8.0f}{ratio:>11.2f}{shown:>14}")


if __name__ == "__main__":
    main()
