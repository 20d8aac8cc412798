"""``telnet`` at a terminal: what is shown and sent, and that the terminal is what it was."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest

from tests.machine import needs_programs
from tests.patience import SECONDS as PATIENCE
from tests.servers.scripted import ScriptedServer
from tests.servers.telnet import PROGRAMS, TelnetServers, telnet_servers
from tests.terminals import start_at_terminal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers.scripted import Client

ESCAPE = b"\x1d"


class Person:
    """Somebody at a terminal, in front of the command."""

    def __init__(self, *arguments: str) -> None:
        self.master, self.slave = pty.openpty()
        self.resize(100, 40)
        self.before = termios.tcgetattr(self.slave)
        self.shown = bytearray()
        self.process = start_at_terminal(
            [sys.executable, "-m", "sockettools", "telnet", *arguments],
            self.slave,
            env={**os.environ, "TERM": "vt100"},
        )

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)

    def types(self, octets: bytes) -> None:
        os.write(self.master, octets)

    def asks(self, line: bytes) -> bytes:
        """Type it, and return what is shown up to the next prompt."""
        self.types(line)
        return self.sees(b"\r\n> ")

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))

    def sees(self, text: bytes) -> bytes:
        """Wait until it is shown, and return what was shown up to it; it is seen once."""
        until = time.monotonic() + PATIENCE
        while (at := self.shown.find(text)) < 0:
            ready, _, _ = select.select([self.master], [], [], max(0, until - time.monotonic()))
            assert ready, f"{text!r} is not in {bytes(self.shown)!r}"
            self.shown += os.read(self.master, 65_536)
        seen = bytes(self.shown[: at + len(text)])
        del self.shown[: at + len(text)]
        return seen

    def ends(self) -> int:
        """Wait for the command, and return its exit status."""
        until = time.monotonic() + PATIENCE
        while self.process.poll() is None and time.monotonic() < until:
            if select.select([self.master], [], [], 0.02)[0]:
                self.shown += os.read(self.master, 65_536)
        while select.select([self.master], [], [], 0)[0]:
            self.shown += os.read(self.master, 65_536)
        return self.process.wait(0)

    def mode(self) -> tuple[bool, bool]:
        """Return whether lines are put together, and whether what is typed is shown."""
        local = termios.tcgetattr(self.slave)[3]
        return bool(local & termios.ICANON), bool(local & termios.ECHO)

    def waits_for_mode(self, are_lines: bool, is_shown: bool) -> None:
        until = time.monotonic() + PATIENCE
        while self.mode() != (are_lines, is_shown):
            assert time.monotonic() < until, self.mode()
            time.sleep(0.01)

    def has_terminal_as_before(self) -> bool:
        return termios.tcgetattr(self.slave) == self.before


@contextmanager
def person(*arguments: str) -> Iterator[Person]:
    somebody = Person(*arguments)
    try:
        yield somebody
    finally:
        somebody.close()


@contextmanager
def silent(*words: bytes) -> Iterator[ScriptedServer]:
    """Serve somebody who says this, and then reads until the client closes."""

    def script(client: Client) -> None:
        for word in words:
            client.send(word)
        client.wait_for_end()

    with ScriptedServer(script) as server:
        yield server


class Collected:
    """A server that keeps what it got until there is enough of it."""

    def __init__(self, greeting: bytes, size: int) -> None:
        self.octets = b""
        self._greeting = greeting
        self._size = size

    def __call__(self, client: Client) -> None:
        client.send(self._greeting)
        self.octets = client.read(self._size)
        client.send(b"enough")


@pytest.fixture(scope="module")
def servers() -> Iterator[TelnetServers]:
    with telnet_servers() as servers:
        yield servers


RAW = b"\xff\xfb\x01\xff\xfb\x03"


@needs_programs(*PROGRAMS)
@pytest.mark.parametrize(
    ("name", "terminal"), [("inetutils", b"TERM=vt100 40 100"), ("busybox", b" 40 100")]
)
def test_a_session(servers: TelnetServers, name: str, terminal: bytes) -> None:
    with person(f"127.0.0.1:{getattr(servers, name)}") as user:
        user.sees(b"Ctrl-] is for commands.")
        user.sees(b"name? ")
        user.waits_for_mode(are_lines=False, is_shown=False)
        user.types(b"bob\r")
        # The server shows what is typed, and nobody else.
        assert user.sees(b"hello bob\r\n").count(b"bob") == 2
        user.sees(terminal)
        user.sees(b"\r\n> ")
        user.resize(132, 50)
        # The size and what is typed go different ways to the program that is asked for it.
        until = time.monotonic() + PATIENCE
        while b"50 132" not in user.asks(b"size\r"):
            assert time.monotonic() < until
        user.types(ESCAPE)
        user.sees(b"telnet> ")
        assert user.mode() == (True, True)
        user.types(b"status\r")
        assert b"the server: ECHO; the server: SGA; we: " in user.sees(b"we: NAWS")
        user.waits_for_mode(are_lines=False, is_shown=False)
        user.types(b"again\r")
        user.sees(b"echo: again")
        if name == "inetutils":  # the other one answers with an octet of 255
            user.types(ESCAPE + b"send ayt\r")
            user.sees(b"[Yes]")
        user.types(ESCAPE + b"quit\r")
        user.sees(b"Connection closed.")
        assert user.ends() == 0
        assert user.has_terminal_as_before()


@needs_programs(*PROGRAMS)
def test_the_server_ends(servers: TelnetServers) -> None:
    with person(f"telnets://127.0.0.1:{servers.tls}", "--cacert", str(servers.authority)) as user:
        user.sees(b"name? ")
        user.types(b"bob\r")
        user.sees(b"> ")
        user.types(b"quit\r")
        user.sees(b"bye\r\n")
        user.sees(b"closed the connection.")
        assert user.ends() == 0
        assert user.has_terminal_as_before()


@needs_programs(*PROGRAMS)
def test_ctrl_c_is_the_servers(servers: TelnetServers) -> None:
    with person(f"127.0.0.1:{servers.inetutils}") as user:
        user.sees(b"name? ")
        user.waits_for_mode(are_lines=False, is_shown=False)
        user.types(b"\x03")
        user.sees(b"closed the connection.")
        assert user.ends() == 0
        assert user.has_terminal_as_before()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it(number: signal.Signals) -> None:
    with silent(RAW + b"hello") as server, person(server.address) as user:
        user.sees(b"hello")
        user.waits_for_mode(are_lines=False, is_shown=False)
        user.process.send_signal(number)
        user.process.send_signal(number)

        assert user.ends() == -number
        assert user.has_terminal_as_before()
        assert b"Traceback" not in user.shown


def test_a_signal_at_the_prompt() -> None:
    with silent(RAW + b"hello") as server, person(server.address) as user:
        user.sees(b"hello")
        user.types(ESCAPE)
        user.sees(b"telnet> ")
        user.process.terminate()

        assert user.ends() == -signal.SIGTERM
        assert user.has_terminal_as_before()


def test_lines_where_nothing_is_agreed_on() -> None:
    script = Collected(b"hello", len(b"one\r\ntwo\r\n\x1d"))
    with ScriptedServer(script) as server, person(server.address) as user:
        user.sees(b"hello")
        assert user.mode() == (True, True)
        user.types(b"onf\x7fe\n")  # edited here
        user.types(b"two" + ESCAPE)
        user.sees(b"telnet> ")
        user.types(b"help\n")
        user.sees(b"an empty line goes on")
        user.types(b"\n" + ESCAPE)
        user.sees(b"telnet> ")
        user.types(b"send escape\n")
        user.sees(b"enough")
        assert user.ends() == 0
        assert user.has_terminal_as_before()
    assert script.octets == b"one\r\ntwo\r\n\x1d"


@pytest.mark.parametrize(
    ("typed", "status"),
    [
        pytest.param(b"\x03", 130, id="Ctrl-C"),
        pytest.param(b"\x04", 0, id="Ctrl-D"),
        pytest.param(ESCAPE + b"q\n", 0, id="quit"),
        pytest.param(ESCAPE + b"\x04", 0, id="Ctrl-D at the prompt"),
    ],
)
def test_ways_out(typed: bytes, status: int) -> None:
    with silent(b"hello") as server, person(server.address) as user:
        user.sees(b"hello")
        user.types(typed[:1])
        if typed[1:]:
            user.sees(b"telnet> ")
            user.types(typed[1:])

        assert user.ends() == status
        assert user.has_terminal_as_before()
        assert b"Traceback" not in user.shown


def test_modes() -> None:
    go_on = threading.Semaphore(0)
    steps = {
        b"lines>": (b"", (True, True)),
        b"password>": (b"\xff\xfb\x01", (True, False)),
        b"raw>": (b"\xff\xfb\x03", (False, False)),
        b"characters>": (b"\xff\xfc\x01", (False, True)),
        b"lines again>": (b"\xff\xfc\x03", (True, True)),
    }

    def script(client: Client) -> None:
        for name, (words, _) in steps.items():
            client.send(words + name)
            client.read(len(words))  # the answer; what is not read resets the connection
            go_on.acquire(timeout=PATIENCE)

    with ScriptedServer(script) as server, person(server.address) as user:
        for name, (_, mode) in steps.items():
            user.sees(name)
            user.waits_for_mode(*mode)
            user.types(ESCAPE)
            user.sees(b"telnet> ")
            assert user.mode() == (True, True)
            user.types(b"status\n")
            user.sees(b"Connected to")
            user.waits_for_mode(*mode)
            go_on.release()
        user.sees(b"closed the connection.")
        assert user.ends() == 0
        assert user.has_terminal_as_before()


def test_every_octet_goes_both_ways() -> None:
    octets = bytes(number for number in range(256) if number != ESCAPE[0])
    typed = octets.replace(b"\r", b"\r\n").replace(b"\xff", b"\xff\xff")
    answers = b"\xff\xfd\x01\xff\xfd\x03"
    script = Collected(
        RAW + octets.replace(b"\r", b"\r\0").replace(b"\xff", b"\xff\xff") + b"end",
        len(answers + typed),
    )
    with ScriptedServer(script) as server, person(server.address) as user:
        assert user.sees(b"\xffend").endswith(octets + b"end")
        user.waits_for_mode(are_lines=False, is_shown=False)
        user.types(octets)
        user.sees(b"enough")
        assert user.ends() == 0
    assert script.octets == answers + typed


def test_commands_are_sent() -> None:
    words = b"\xff\xf3\xff\xf6\xff\xf4"
    script = Collected(b"hello", len(words))
    with ScriptedServer(script) as server, person(server.address) as user:
        user.sees(b"hello")
        for name in (b"brk", b"AYT", b"ip"):
            user.types(ESCAPE)
            user.sees(b"telnet> ")
            user.types(b"send " + name + b"\n")
        user.sees(b"enough")
        assert user.ends() == 0
    assert script.octets == words


def test_what_is_typed_behind_a_command() -> None:
    answers = b"\xff\xfd\x01\xff\xfd\x03"
    script = Collected(RAW + b"hello", len(answers + b"ab\xff\xf6cd\r\n"))
    with ScriptedServer(script) as server, person(server.address) as user:
        user.sees(b"hello")
        user.waits_for_mode(are_lines=False, is_shown=False)
        user.types(b"ab" + ESCAPE + b"send ayt\rcd\r")
        user.sees(b"enough")
    assert script.octets == answers + b"ab\xff\xf6cd\r\n"


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        pytest.param(
            RAW + b"\xff\xfc\x01\xff\xfb\x01" * 20_000, b"asked for options", id="options"
        ),
        pytest.param(RAW + b"\xff\xfa\x18" + b"x" * 5_000, b"a subnegotiation", id="too long"),
    ],
)
def test_a_hostile_server(words: bytes, problem: bytes) -> None:
    with silent(b"hello" + words) as server, person(server.address) as user:
        user.sees(b"hello")
        user.sees(problem)

        assert user.ends() == 1
        assert user.has_terminal_as_before()
        assert b"Traceback" not in user.shown


def test_a_server_that_breaks_off() -> None:
    def script(client: Client) -> None:
        client.send(RAW + b"hello")
        client.read(6)
        client.reset()

    with ScriptedServer(script) as server, person(server.address) as user:
        user.sees(b"hello")

        user.sees(b"the connection broke")
        assert user.ends() == 1
        assert user.has_terminal_as_before()


def test_silence_at_a_terminal_has_no_end_unless_one_is_given() -> None:
    with silent(RAW + b"hello") as server, person(server.address, "--timeout", "2") as user:
        user.sees(b"hello")
        user.sees(b"nothing was sent or received for 2 s")

        assert user.ends() == 3
        assert user.has_terminal_as_before()


def test_output_that_goes_to_a_file(tmp_path: Path) -> None:
    file = tmp_path / "log"
    with silent(b"hello\x1b[1m") as server, file.open("wb") as output:
        master, slave = pty.openpty()
        command: list[Any] = [sys.executable, "-m", "sockettools", "telnet", server.address]
        with subprocess.Popen(command, stdin=slave, stdout=output, stderr=slave) as process:
            with suppress(OSError):
                while b"commands." not in os.read(master, 1000):
                    pass
            while not file.stat().st_size:
                time.sleep(0.01)
            os.write(master, ESCAPE + b"quit\n")
            assert process.wait(PATIENCE) == 0
        os.close(master)
        os.close(slave)
    assert file.read_bytes() == b"hello\x1b[1m"
