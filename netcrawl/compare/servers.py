"""The greeting and the echo server, built in four ways, under one load: what each of them costs.

The same bytes have to come from all of them before anything is timed. Each is a process of its
own, and so are the clients. For one number of clients all servers run side by side, and take turns
in an order that is shuffled in each round.
"""

from __future__ import annotations

import json
import random
import resource
import socket
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from statistics import median
from typing import TYPE_CHECKING, Any

from netcrawl.compare import load
from netcrawl.compare.measuring import MeasuringError, background, environment, measure
from netcrawl.compare.server_words import words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from netcrawl.compare.measuring import Background

CLIENTS = (1, 10, 100, 1000)
SERVICES = ("greet", "echo")

# What an echo is tried with: one octet, a line, every octet there is, and more than one read takes.
PROBES = (b"a", b"hello\r\n", bytes(range(256)), b"0123456789abcdef" * 4096)
# Said in the same breath as the end: a server must not lose it.
LAST_PROBE = PROBES[-1]

_EXPECTED = {"greet": load.GREETING, "echo": b"".join((*PROBES, LAST_PROBE))}

# Descriptors of a process beside those of its clients.
_SPARE = 50

# A run takes less than a second; this is for machines that do something else as well.
_TIMEOUT = 60.0
_SILENCE = 10.0


@dataclass(frozen=True)
class Server:
    """A way to build a server: its name, and its command without the service."""

    name: str
    command: tuple[str, ...]


SERVERS = (
    *(
        Server(
            mode,
            (
                *(sys.executable, "-m", "sockettools", "serve", "127.0.0.1:0", "--quiet"),
                *("--mode", mode, "--service"),
            ),
        )
        for mode in ("serial", "threads", "select")
    ),
    Server("twisted", (sys.executable, "-m", "netcrawl.compare.twisted_server")),
)


@dataclass(frozen=True)
class ServerAnswer:
    """What a server said when it was tried; ``problem`` is where that is wrong, "" if nowhere."""

    service: str
    server: str
    octets: int
    sha256: str
    problem: str = ""


@dataclass(frozen=True)
class ServerRow:
    """A server under the load of so many ``clients`` at a time: medians of all runs.

    An operation is a connection of ``greet`` and a round trip of ``echo``: how many there are
    ``per_second`` (``slowest`` and ``fastest`` run), the seconds of ``cpu`` that the server takes
    for one, and the seconds that a client waits for one (half of them no longer than ``p50``, 99
    of 100 no longer than ``p99``). ``peak`` is the server's memory in octets, at most.
    """

    service: str
    server: str
    clients: int
    per_second: float
    slowest: float
    fastest: float
    cpu: float
    peak: int
    p50: float
    p99: float


@dataclass(frozen=True)
class ServerFailure:
    """A server that could not be measured with so many clients, and why."""

    service: str
    server: str
    clients: int
    problem: str


@dataclass(frozen=True)
class ServerComparison:
    """All that was found; ``notes`` is what was left out, and why."""

    runs: int
    seconds: float
    answers: tuple[ServerAnswer, ...]
    rows: tuple[ServerRow, ...]
    failures: tuple[ServerFailure, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """What the figures show, in sentences."""
        return tuple(words(self.rows))

    @property
    def is_sound(self) -> bool:
        """Whether all servers gave the same answers, and could be measured."""
        return not self.failures and not any(answer.problem for answer in self.answers)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "kind": "servers",
            **asdict(self),
            "is_sound": self.is_sound,
            "words": list(self.words),
        }


@dataclass
class _Samples:
    """What the runs of one server brought."""

    rates: list[float] = field(default_factory=list)
    cpus: list[float] = field(default_factory=list)
    p50s: list[float] = field(default_factory=list)
    p99s: list[float] = field(default_factory=list)
    peak: int = 0
    problem: str = ""


def compare_servers(
    runs: int,
    told: Callable[[str], None] = lambda _: None,
    *,
    servers: Sequence[Server] = SERVERS,
    clients: Sequence[int] = CLIENTS,
    seconds: float = 0.25,
) -> ServerComparison:
    """Compare the answers, then the cost; ``told`` hears what is being done.

    Raises:
        MeasuringError: a server, or the load, cannot be started.
    """
    told("asking every server for the same")
    answers = tuple(_answers(servers))
    bad = {(answer.service, answer.server) for answer in answers if answer.problem}
    rows: list[ServerRow] = []
    failures: list[ServerFailure] = []
    notes: list[str] = []
    with _descriptors(max(clients) + _SPARE) as room:
        for number in clients:
            if number + _SPARE > room:
                notes.append(
                    f"{number:,} clients are left out: this system allows a process {room} open "
                    "files (ulimit -Hn)"
                )
                continue
            told(f"{number:,} client{'s' * (number > 1)} at a time")
            for (service, name), samples in _measured(servers, number, runs, seconds, bad):
                if samples.problem:
                    failures.append(ServerFailure(service, name, number, samples.problem))
                else:
                    rows.append(_row(service, name, number, samples))
    return ServerComparison(runs, seconds, answers, tuple(rows), tuple(failures), tuple(notes))


def _answers(servers: Sequence[Server]) -> Iterator[ServerAnswer]:
    """Ask each server for each service."""
    for service in SERVICES:
        for server in servers:
            with _running(server, service) as (_, port):
                answer = _conversation(service, port)
            digest = sha256(answer).hexdigest()
            problem = _difference(_EXPECTED[service], answer)
            yield ServerAnswer(service, server.name, len(answer), digest, problem)


def _difference(expected: bytes, answer: bytes) -> str:
    if expected == answer:
        return ""
    at = next(
        (at for at, (a, b) in enumerate(zip(expected, answer, strict=False)) if a != b),
        min(len(expected), len(answer)),
    )
    shown, missed = answer[at : at + 16], expected[at : at + 16]
    return f"octet {at} is where it goes wrong: {shown!r}, expected {missed!r}"


def _conversation(service: str, port: int) -> bytes:
    """Return all that a server says; what breaks off ends it."""
    heard = bytearray()
    try:
        with socket.create_connection(("127.0.0.1", port), _SILENCE) as sock:
            for probe in PROBES if service == "echo" else ():
                sock.sendall(probe)
                end = len(heard) + len(probe)
                while len(heard) < end and (data := sock.recv(65536)):
                    heard += data
            if service == "echo":
                sock.sendall(LAST_PROBE)
                sock.shutdown(socket.SHUT_WR)
            while data := sock.recv(65536):
                heard += data
    except OSError as exc:
        heard += f"[{exc.strerror or exc}]".encode()
    return bytes(heard)


def _measured(
    servers: Sequence[Server],
    clients: int,
    runs: int,
    seconds: float,
    bad: set[tuple[str, str]],
) -> Iterator[tuple[tuple[str, str], _Samples]]:
    """Yield what every server and service did with so many clients."""
    with ExitStack() as stack:
        running = {
            (service, server.name): stack.enter_context(_running(server, service))
            for service in SERVICES
            for server in servers
            if (service, server.name) not in bad
        }
        found = {key: _Samples() for key in running}
        for _ in range(runs):
            for key in random.sample(list(running), len(running)):
                process, port = running[key]
                _run_once(found[key], key[0], process, port, clients, seconds)
    yield from found.items()


def _run_once(
    samples: _Samples, service: str, process: Background, port: int, clients: int, seconds: float
) -> None:
    if samples.problem:
        return
    script = load.__file__
    command = (sys.executable, "-I", "-S", script, service, str(port), str(clients), str(seconds))
    try:
        before = process.cpu()
        done = measure(command, timeout=_TIMEOUT)
        used = process.cpu() - before
        samples.peak = process.peak()
    except MeasuringError as exc:
        samples.problem = str(exc)
        return
    if done.status:
        samples.problem = f"the clients failed: {done.problem}"
        return
    result = json.loads(done.stdout)
    if "problem" in result:
        samples.problem = result["problem"]
        return
    samples.rates.append(result["operations"] / result["wall"])
    samples.cpus.append(used / result["operations"])
    samples.p50s.append(result["p50"])
    samples.p99s.append(result["p99"])


def _row(service: str, name: str, clients: int, samples: _Samples) -> ServerRow:
    return ServerRow(
        service=service,
        server=name,
        clients=clients,
        per_second=median(samples.rates),
        slowest=min(samples.rates),
        fastest=max(samples.rates),
        cpu=median(samples.cpus),
        peak=samples.peak,
        p50=median(samples.p50s),
        p99=median(samples.p99s),
    )


@contextmanager
def _running(server: Server, service: str) -> Iterator[tuple[Background, int]]:
    """Start a server; yield it and its port."""
    with background((*server.command, service), env=environment()) as process:
        _, _, port = process.first_line.partition(" (")[0].rpartition(":")
        if not port.isdecimal():
            raise MeasuringError(f"{server.name} told no port, but {process.first_line!r}")
        yield process, int(port)


@contextmanager
def _descriptors(wanted: int) -> Iterator[int]:
    """Allow this process and its children as many open files as are wanted, or as may be.

    Yields how many there can be.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        yield wanted
        return
    room = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (room, hard))
    try:
        yield room
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
