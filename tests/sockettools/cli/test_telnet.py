"""``telnet`` without a terminal: scripts, and what is piped into it."""

from __future__ import annotations

import argparse
import io
import os
import tempfile
import threading
import time
from typing import TYPE_CHECKING

import pytest

from sockettools.cli import main
from sockettools.cli.streams import Streams
from sockettools.cli.telnet import unescaped
from tests.machine import needs_programs
from tests.servers.scripted import PATIENCE, ScriptedServer
from tests.servers.telnet import PROGRAMS, TelnetServers, telnet_servers
from tests.sockettools.cli.getting import Done
from tests.sockettools.cli.getting import get as get_url

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.scripted import Client

SERVERS = ("inetutils", "busybox")

HELLO = "--expect", "name? ", "--send", r"bob\n", "--expect", "> "


@pytest.fixture(scope="module")
def servers() -> Iterator[TelnetServers]:
    with telnet_servers() as servers:
        yield servers


def telnet(*arguments: str, stdin: bytes = b"") -> Done:
    """Run it in this process, with files for its streams."""
    stderr = io.StringIO()
    with tempfile.TemporaryFile("w+") as stdout, tempfile.TemporaryFile("w+") as source:
        source.buffer.write(stdin)
        source.seek(0)
        status = main(["telnet", *arguments], Streams(source, stdout, stderr))
        stdout.seek(0)
        return Done(status, bytes(stdout.buffer.read()), stderr.getvalue())


class Script:
    """Says something for each text that it waits for, and keeps all that it got."""

    def __init__(self, *dialogue: bytes) -> None:
        self.heard = b""
        self._dialogue = dialogue

    def __call__(self, client: Client) -> None:
        for words, size in zip(self._dialogue[::2], map(int, self._dialogue[1::2]), strict=True):
            client.send(words)
            self.heard += client.read(size)


# Against real servers


@needs_programs(*PROGRAMS)
@pytest.mark.parametrize("name", SERVERS)
def test_a_script(servers: TelnetServers, name: str) -> None:
    address = f"127.0.0.1:{getattr(servers, name)}"
    done = telnet(
        address, *HELLO, "--send", r"one\r\n", "--expect", r"echo: one\r\n> ", "--send", r"quit\r"
    )

    assert (done.status, done.err) == (0, "")
    # The server shows what was sent. A line that ends once is read once.
    assert done.out.endswith(b"> one\r\necho: one\r\n> quit\r\nbye\r\n")
    assert b"\xff caf\xc3\xa9\r\n" in done.out
    assert b"welcome\r\nname? bob\r\nhello bob\r\n" in done.out


@needs_programs(*PROGRAMS)
@pytest.mark.parametrize("name", SERVERS)
def test_standard_input(servers: TelnetServers, name: str) -> None:
    address = f"127.0.0.1:{getattr(servers, name)}"
    done = telnet(address, stdin="zoë\none\r\nquit\n".encode())

    assert (done.status, done.err) == (0, "")
    assert "hello zoë\r\n".encode() in done.out
    assert done.out.endswith(b"> echo: one\r\n> bye\r\n")
    assert done.out.count(b"echo: ") == 1


@needs_programs(*PROGRAMS)
def test_over_tls(servers: TelnetServers) -> None:
    url = f"telnets://127.0.0.1:{servers.tls}"
    done = telnet(url, "--cacert", str(servers.authority), *HELLO, "--send", r"quit\n")

    assert (done.status, done.err) == (0, "")
    assert done.out.endswith(b"bye\r\n")
    done = telnet(url, *HELLO)
    assert (done.status, done.out) == (1, b"")
    assert "nobody trusted has signed it" in done.err
    assert done.err.count("\n") == 1


@needs_programs(*PROGRAMS)
def test_the_type_of_the_terminal(servers: TelnetServers) -> None:
    address = f"127.0.0.1:{servers.inetutils}"
    assert b"TERM=dumb 0 0" in telnet(address, *HELLO, "--quit-after").out
    assert (
        b"TERM=vt220 0 0" in telnet(address, "--terminal-type", "vt220", *HELLO, "--quit-after").out
    )


@needs_programs(*PROGRAMS)
@pytest.mark.parametrize("name", SERVERS)
def test_octets_reach_the_program(servers: TelnetServers, name: str) -> None:
    address = f"127.0.0.1:{getattr(servers, name)}"
    octets = r"\xff\xfe\r\x03\x80\0\xff\xf6"
    done = telnet(
        address, "--binary", "--expect", "name? ", "--send", r"bob\r", "--expect", "> ", "--send",
        r"hex\r", "--expect", "go ", "--send", octets, "--expect", "f6", "--quit-after",
    )  # fmt: skip

    assert (done.status, done.err) == (0, "")
    assert b" ff fe 0d 03 80 00 ff f6" in done.out


@needs_programs(*PROGRAMS)
def test_much_output(servers: TelnetServers) -> None:
    address = f"127.0.0.1:{servers.inetutils}"
    done = telnet(address, *HELLO, "--send", r"lines\n", "--expect", "line 100000", "--quit-after")

    assert done.status == 0
    lines = done.out.split(b"\r\n")
    assert [line for line in lines if line.startswith(b"line ")] == [
        b"line %d" % number for number in range(1, 100_001)
    ]


@needs_programs(*PROGRAMS)
def test_what_was_expected_is_told(servers: TelnetServers) -> None:
    address = f"127.0.0.1:{servers.inetutils}"
    done = telnet(address, "--expect", "login: ", "--expect-timeout", "3")

    assert (done.status, done.out) == (3, b"welcome\r\nname? ")
    assert done.err == (
        f"sockettools telnet: {address}: 'login: ' did not come in time; "
        r"what came last is 'welcome\r\nname? '" + "\n"
    )


@needs_programs(*PROGRAMS)
@pytest.mark.parametrize("name", SERVERS)
def test_get(servers: TelnetServers, name: str) -> None:
    done = get_url(f"telnet://127.0.0.1:{getattr(servers, name)}", "--timeout", "3")

    assert (done.status, done.err) == (0, "")
    assert done.out.endswith(b"welcome\r\nname? ")


# Against scripted ones


@pytest.mark.parametrize(
    ("steps", "heard"),
    [
        pytest.param(["--send", r"a\n", "--expect", "b"], b"a\r\n", id="send first"),
        pytest.param(["--send", "a", "--send", r"b\r", "--expect", "b"], b"ab\r\n", id="two"),
        pytest.param(["--send=a", r"--send=\r\n", "--expect=b"], b"a\r\n", id="with ="),
        pytest.param(["--send", r"\xff\n", "--expect", "b"], b"\xff\xff\r\n", id="255"),
        pytest.param(["--expect", "a", "--send", "--", "--expect", "b"], b"", id="no text"),
    ],
)
def test_the_order_is_the_one_given(steps: list[str], heard: bytes) -> None:
    script = Script(b"a", b"%d" % len(heard), b"b", b"0")
    with ScriptedServer(script) as server:
        done = telnet(server.address, *steps)

    if not heard:
        assert done.status == 2
        return
    assert (done.status, done.out, done.err) == (0, b"ab", "")
    assert script.heard == heard


def test_the_session_goes_on_until_the_server_ends_it() -> None:
    with ScriptedServer(Script(b"a", b"1", b"b", b"0")) as server:
        assert telnet(server.address, "--expect", "a", "--send", "x") == Done(0, b"ab", "")


def test_silence_behind_the_script() -> None:
    with ScriptedServer(Script(b"a", b"1")) as server:
        done = telnet(server.address, "--expect", "a", "--timeout", "1")

    assert (done.status, done.out) == (3, b"a")
    assert "nothing was received in time (1 seconds)" in done.err


def test_quitting_does_not_lose_what_was_sent_last() -> None:
    script = Script(b"a", b"100", b"b", b"100", b"c" * 100_000, b"100")
    with ScriptedServer(script) as server:
        done = telnet(server.address, "--expect", "a", "--send", r"quit\n", "--quit-after")

    assert (done.status, done.err) == (0, "")
    assert script.heard == b"quit\r\n"
    assert done.out == b"ab" + b"c" * 100_000


def test_the_server_ends_too_early() -> None:
    with ScriptedServer(Script(b"ab\x1b[2J", b"0")) as server:
        done = telnet(server.address, "--expect", "a", "--expect", "login: ")

    assert (done.status, done.out) == (3, b"ab\x1b[2J")
    assert done.err == (
        f"sockettools telnet: {server.address}: 'login: ' did not come before the end; "
        r"what came last is 'b\x1b[2J'" + "\n"
    )


def test_the_expected_has_a_time_of_its_own() -> None:
    def never(client: Client) -> None:
        client.send(b"a")
        client.wait_for_end()

    def late(client: Client) -> None:
        client.send(b"a")
        time.sleep(1.5)
        client.send(b"b")

    with ScriptedServer(never, late) as server:
        steps = ["--expect", "a", "--expect", "b"]
        assert telnet(server.address, *steps, "--timeout", "1").status == 3
        done = telnet(server.address, *steps, "--timeout", "1", "--expect-timeout", "60")
        assert done.status == 0


def test_a_server_that_talks_for_ever() -> None:
    def script(client: Client) -> None:
        while True:
            client.send(b"abc" * 10_000)

    with ScriptedServer(script) as server:
        started = time.monotonic()
        done = telnet(server.address, "--expect", "x", "--expect-timeout", "0.3")

    assert done.status == 3
    assert done.err.count("\n") == 1
    assert len(done.err) < 300
    assert time.monotonic() - started < PATIENCE


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        pytest.param(b"\xff\xfb\x01\xff\xfc\x01" * 20_000, "more than 10000 times", id="options"),
        pytest.param(b"\xff\xfa\x18" + b"x" * 5_000, "more than 4096 octets", id="too long"),
    ],
)
@pytest.mark.parametrize("steps", [[], ["--expect", "x"]])
def test_a_hostile_server(words: bytes, problem: str, steps: list[str]) -> None:
    def script(client: Client) -> None:
        reader = threading.Thread(target=client.wait_for_end)
        reader.start()
        try:
            client.send(b"hello" + words)
        finally:
            reader.join()

    with ScriptedServer(script) as server:
        done = telnet(server.address, *steps, stdin=b"a\n")

    assert (done.status, done.out) == (1, b"hello")
    assert problem in done.err
    assert done.err.count("\n") == 1


def test_the_input_is_sent_and_its_end_is_not() -> None:
    is_open = False

    def script(client: Client) -> None:
        nonlocal is_open
        assert client.read(4) == b"a\r\nb"
        client.socket.settimeout(0.2)
        try:
            client.socket.recv(1)
        except TimeoutError:
            is_open = True
        client.send(b"bye")

    with ScriptedServer(script) as server:
        assert telnet(server.address, stdin=b"a\nb") == Done(0, b"bye", "")
    assert is_open


def test_the_end_of_the_input() -> None:
    script = Script(b"hello", b"100", b"bye", b"0")
    with ScriptedServer(script) as server:
        done = telnet(server.address, "--half-close", stdin=b"a\xff\nb\r")

    assert done == Done(0, b"hellobye", "")
    assert script.heard == b"a\xff\xff\r\nb\r\n"


def test_a_server_that_says_no_more_after_the_input() -> None:
    with ScriptedServer(Script(b"hello", b"100")) as server:
        done = telnet(server.address, "--timeout", "1", stdin=b"a\n")

    assert (done.status, done.out) == (3, b"hello")
    assert "nothing was sent or received for 1 s" in done.err


def test_a_pipe_that_is_slow() -> None:
    read_end, write_end = os.pipe()
    output = io.StringIO()

    def answer(client: Client) -> None:
        client.send(b"name? ")
        client.send(b"hello " + client.read(5))

    with (
        ScriptedServer(answer) as server,
        tempfile.TemporaryFile("w+") as stdout,
        os.fdopen(read_end) as source,
        os.fdopen(write_end, "wb", buffering=0) as typed,
    ):
        timer = threading.Timer(0.2, typed.write, [b"bob\n"])
        timer.start()
        status = main(["telnet", server.address], Streams(source, stdout, output))
        timer.join()
        stdout.seek(0)
        assert (status, stdout.read()) == (0, "name? hello bob\n")


def test_a_trace() -> None:
    with ScriptedServer(Script(b"\xff\xfd\x18\xff\xfb\x01a", b"6", b"b", b"0")) as server:
        done = telnet(server.address, "--trace", "--expect", "b")

    assert (done.status, done.out) == (0, b"ab")
    assert r"< \xff\xfd\x18\xff\xfb\x01a" in done.err
    assert r"> \xff\xfb\x18\xff\xfd\x01" in done.err


def test_a_secret_is_not_traced() -> None:
    script = Script(b"\xff\xfb\x01", b"3", b"Password: ", b"10")
    with ScriptedServer(script) as server:
        done = telnet(
            server.address, "--trace", "--expect", "word: ", "--send-secret", r"s3\xffcret\n"
        )

    assert done.status == 0
    assert script.heard == b"\xff\xfd\x01s3\xff\xffcret\r\n"
    assert "> ***\n" in done.err
    assert "cret" not in done.err


def test_a_port_of_its_own() -> None:
    with ScriptedServer(Script(b"hello", b"0")) as server:
        assert telnet("127.0.0.1", str(server.port)) == Done(0, b"hello", "")


# What was asked for


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        pytest.param(["http://h"], "is not a URL to open", id="HTTP"),
        pytest.param(["h:23", "24"], "says where already", id="two ports"),
        pytest.param(["telnet://h", "24"], "says where already", id="URL and port"),
        pytest.param(["h", "0"], "from 1 to 65535", id="port 0"),
        pytest.param(["h:x"], "the port 'x' is not a number", id="port"),
        pytest.param(["telnet://h/path"], "and no path", id="path"),
        pytest.param(["telnet://me:hunter@h"], "answered to a prompt", id="user"),
        pytest.param(["h", "--quit-after"], "--quit-after means nothing", id="quit after what"),
        pytest.param(["h", "--expect-timeout", "1"], "--expect-timeout means", id="expect what"),
        pytest.param(["h", "--send", "x", "--half-close"], "--half-close is for", id="half-close"),
        pytest.param(["h", "--send", r"\q"], r"\q in '\\q' means nothing here", id="escape"),
        pytest.param(["h", "--expect", "a\\"], "means nothing here", id="backslash at the end"),
        pytest.param(["h", "--expect", ""], "there is no text", id="nothing is expected"),
    ],
)
def test_wrong_usage(arguments: list[str], problem: str) -> None:
    done = telnet(*arguments)

    assert (done.status, done.out) == (2, b"")
    assert problem in done.err
    assert "hunter" not in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        pytest.param(r"a\r\n\t\e\0\\n", b"a\r\n\t\x1b\0\\n", id="letters"),
        pytest.param(r"\xff\x41\x0D", b"\xffA\r", id="numbers"),
        pytest.param("é\udcff", b"\xc3\xa9\xff", id="as it came"),
    ],
)
def test_escapes(text: str, octets: bytes) -> None:
    assert unescaped(text) == octets


@pytest.mark.parametrize("text", [r"\x4", r"\xgg", "\\", r"\u1234"])
def test_what_is_no_escape(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        unescaped(text)
