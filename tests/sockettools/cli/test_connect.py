"""The command as a person uses it: in a process of its own, against real servers."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from sockettools.cli import main
from sockettools.cli.streams import Streams
from sockettools.net import dial as dial_module
from sockettools.net.stream import SocketStream, Stream
from sockettools.net.tls import server_context
from tests.machine import needs_dev_full, needs_ipv6, needs_programs
from tests.servers.certificates import self_signed
from tests.servers.ports import held_datagram_port, held_ports
from tests.terminals import start_at_terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

COMMAND = (sys.executable, "-m", "sockettools", "connect")

# Seconds not to be waited for in a test that passes.
PATIENCE = 120

MEGABYTE = bytes(range(251)) * 4178


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return self_signed(tmp_path_factory.mktemp("tls"))


def connect(*arguments: str, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*COMMAND, *arguments], input=data, capture_output=True, timeout=PATIENCE, check=False
    )


@contextmanager
def started(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Start the command with a pipe on each of its streams."""
    with subprocess.Popen(
        [*COMMAND, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def serving(
    handle: Callable[[Stream], object], tls: Path | None = None, unix: Path | None = None
) -> Iterator[str]:
    """Serve one client in a thread; yield the address."""
    with ExitStack() as stack:
        if unix:
            listener = stack.enter_context(socket.socket(socket.AF_UNIX))
            listener.bind(str(unix))
            listener.listen()
            address = f"unix:{unix}"
        else:
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            address = f"127.0.0.1:{listener.getsockname()[1]}"
        listener.settimeout(PATIENCE)
        context = server_context(str(tls)) if tls else None

        def serve() -> None:
            # A test may stop before it has connected; then it fails by itself.
            with suppress(TimeoutError), SocketStream(listener.accept()[0]) as stream:
                handle(stream.start_tls(context, server_side=True) if context else stream)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield address
        finally:
            thread.join()


def receive_all(stream: Stream) -> bytes:
    return b"".join(iter(stream.receive_some, b""))


def greet(stream: Stream) -> None:
    stream.send_all(b"Thank you for connecting")
    stream.close()


def echo(stream: Stream) -> None:
    while data := stream.receive_some():
        stream.send_all(data)
    stream.close()


def reset(stream: Stream) -> None:
    assert isinstance(stream, SocketStream)
    stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    stream.close()


@contextmanager
def udp_server(answer: Callable[[bytes], bytes | None]) -> Iterator[str]:
    """Answer datagrams until the end; None is no answer."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))

        def serve() -> None:
            while True:
                data, client = server.recvfrom(65_535)
                if client == server.getsockname():
                    return
                if (reply := answer(data)) is not None:
                    server.sendto(reply, client)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"udp:127.0.0.1:{server.getsockname()[1]}"
        finally:
            server.sendto(b"", server.getsockname())
            thread.join()


# What goes over the wire.


def test_the_greeting_of_the_chapters_server() -> None:
    with serving(greet) as address:
        done = connect(address)

    assert (done.returncode, done.stdout, done.stderr) == (0, b"Thank you for connecting", b"")


def test_several_receives_are_one_message() -> None:
    def send_slowly(stream: Stream) -> None:
        for piece in (b"Thank ", b"you ", b"for connecting"):
            stream.send_all(piece)
            stream.receive_some()  # until the piece was answered it is alone on the way

    with serving(send_slowly) as address, started(address) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        received = b""
        while piece := os.read(process.stdout.fileno(), 1024):
            received += piece
            with suppress(BrokenPipeError):
                process.stdin.write(b".")

    assert received == b"Thank you for connecting"


@pytest.mark.parametrize("unix", [False, True], ids=["tcp", "unix"])
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_a_megabyte_there_and_back(
    unix: bool, tls: bool, certificate: Path, tmp_path: Path
) -> None:
    options = ("--tls", "--cacert", str(certificate), "--server-name", "localhost") if tls else ()
    with serving(
        echo, tls=certificate if tls else None, unix=tmp_path / "sock" if unix else None
    ) as address:
        done = connect(address, "--half-close", *options, data=MEGABYTE)

    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == MEGABYTE


@needs_ipv6
def test_ipv6() -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as listener:
        thread = threading.Thread(target=lambda: greet(SocketStream(listener.accept()[0])))
        thread.start()
        done = connect(f"[::1]:{listener.getsockname()[1]}")
        thread.join()

    assert done.stdout == b"Thank you for connecting"


def test_what_is_typed_goes_at_once_and_so_does_the_answer() -> None:
    with serving(echo) as address, started(address, "--half-close") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for line in (b"one\n", b"two\n"):
            process.stdin.write(line)
            assert os.read(process.stdout.fileno(), 100) == line
        process.stdin.close()
        assert process.wait(PATIENCE) == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("Zoë", "Zoë".encode(), id="no end of line is added"),
        pytest.param("a\r\n", b"a\r\n", id="end of line"),
        pytest.param(os.fsdecode(b"\xff"), b"\xff", id="bytes that are no text"),
        pytest.param("", b"", id="nothing"),
    ],
)
def test_send(text: str, expected: bytes) -> None:
    with serving(echo) as address:
        done = connect(address, "--send", text, "--half-close", data=b"not this")

    assert (done.returncode, done.stdout) == (0, expected)


def test_the_end_is_not_sent_unless_told() -> None:
    seen: list[bytes] = []

    def answer_a_line(stream: Stream) -> None:
        seen.append(stream.receive_some())
        stream.send_all(b"answer")
        stream.close()

    with serving(answer_a_line) as address:
        done = connect(address, data=b"question")

    assert (done.returncode, done.stdout, seen) == (0, b"answer", [b"question"])


def test_a_server_that_only_reads_gets_everything() -> None:
    received: list[bytes] = []

    def only_read(stream: Stream) -> None:
        stream.send_eof()
        received.append(receive_all(stream))

    with serving(only_read) as address:
        done = connect(address, "--half-close", data=MEGABYTE)

    assert done.returncode == 0
    assert received == [MEGABYTE]


def test_the_servers_end_is_the_end_also_if_more_could_be_typed() -> None:
    with serving(greet) as address, started(address) as process:
        assert process.wait(PATIENCE) == 0


# UDP.


def test_each_read_is_a_datagram() -> None:
    seen: list[bytes] = []

    def answer(data: bytes) -> bytes:
        seen.append(data)
        return b"<" + data + b">"

    with udp_server(answer) as address, started(address) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for data in (b"one", b"two"):
            process.stdin.write(data)
            assert os.read(process.stdout.fileno(), 100) == b"<" + data + b">"
        process.stdin.close()
        assert process.wait(PATIENCE) == 0

    assert seen == [b"one", b"two"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param(("--send", "hello"), b"<hello>", id="one"),
        pytest.param(("--send", ""), b"<>", id="an empty one"),
        pytest.param((), b"", id="none"),
    ],
)
def test_it_is_over_with_the_last_answer(arguments: tuple[str, ...], expected: bytes) -> None:
    with udp_server(lambda data: b"<" + data + b">") as address:
        done = connect(address, *arguments)

    assert (done.returncode, done.stdout) == (0, expected)


def test_a_datagram_that_nobody_answers_is_a_timeout() -> None:
    with udp_server(lambda _data: None) as address:
        done = connect(address, "--send", "hello", "--timeout", "0.1")

    assert done.returncode == 3
    assert done.stderr == b"sockettools connect: nothing was sent or received for 0.1 s\n"


def test_a_refused_datagram() -> None:
    with held_datagram_port() as port:
        done = connect(f"udp:127.0.0.1:{port}", "--send", "hello")

    assert done.returncode == 4
    assert b"nothing listens on UDP port" in done.stderr


# How it ends.


def run_here(*argv: str) -> tuple[int, str]:
    streams = Streams(io.StringIO(), io.StringIO(), io.StringIO())
    status = main(["connect", *argv], streams)
    assert isinstance(streams.stderr, io.StringIO)
    return status, streams.stderr.getvalue()


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        pytest.param(("localhost",), "has no port: write HOST:PORT", id="no port"),
        pytest.param(("localhost:0",), "nobody can listen on port 0", id="port 0"),
        pytest.param(("udp:localhost:0",), "nobody can listen on port 0", id="UDP port 0"),
        pytest.param(("a:1", "--timeout", "0"), "'0' is no number of seconds", id="timeout 0"),
        pytest.param(("a:1", "--timeout", "nan"), "'nan' is no number of seconds", id="nan"),
        pytest.param(("a:1", "--timeout", "1e9"), "'1e9' is no number of seconds", id="for ever"),
        pytest.param(("a:1", "--connect-timeout", "x"), "'x' is no number", id="connect timeout"),
        pytest.param(("a:1", "-k"), "--insecure means nothing without --tls", id="-k"),
        pytest.param(("a:1", "--cacert", "f"), "--cacert means nothing without", id="--cacert"),
        pytest.param(("a:1", "--server-name", "f"), "--server-name means nothing", id="name"),
        pytest.param(("a:1", "--tls", "-k", "--cacert", "f"), "exclude each other", id="both"),
        pytest.param(("udp:a:1", "--tls"), "--tls needs a connection", id="TLS over UDP"),
        pytest.param(("udp:a:1", "--half-close"), "--half-close needs a", id="UDP half-close"),
        pytest.param(("unix:/x", "--tls"), "add --server-name NAME", id="TLS without a name"),
        pytest.param(
            ("a:1", "--tls", "--cacert", os.devnull), "there is no certificate", id="empty file"
        ),
        pytest.param((), "ADDRESS", id="nothing"),
    ],
)
def test_wrong_usage(argv: tuple[str, ...], message: str) -> None:
    status, errors = run_here(*argv)

    assert status == 2
    assert message in " ".join(errors.split())


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        # .invalid (RFC 2606) belongs to nobody.
        pytest.param(("nosuch.invalid:80",), "unknown host 'nosuch.invalid'", id="host"),
        pytest.param(("unix:/nosuch",), "No such file or directory", id="path"),
        pytest.param(
            ("a:1", "--tls", "--cacert", "/nosuch"), "/nosuch: No such file", id="authority"
        ),
        pytest.param(
            ("a:1", "--trace-json", "/nosuch/x"), "/nosuch/x: No such file", id="recording"
        ),
    ],
)
def test_failures(argv: tuple[str, ...], message: str) -> None:
    status, errors = run_here(*argv)

    assert status == 1
    assert message in errors
    assert errors.count("\n") == 1


def test_refused() -> None:
    with held_ports(1) as (port,):
        done = connect(f"127.0.0.1:{port}")

    assert done.returncode == 4
    assert done.stderr.decode() == (
        f"sockettools connect: cannot connect to 127.0.0.1:{port}: Connection refused\n"
    )


def test_a_server_that_says_nothing_is_a_timeout() -> None:
    with serving(receive_all) as address:
        done = connect(address, "--timeout", "0.1", data=b"hello")

    assert done.returncode == 3
    assert done.stderr == b"sockettools connect: nothing was sent or received for 0.1 s\n"


def test_a_server_that_does_not_speak_tls_is_a_timeout() -> None:
    with serving(receive_all) as address:
        done = connect(address, "--tls", "--connect-timeout", "2")

    assert done.returncode == 3
    assert done.stderr.decode() == (
        f"sockettools connect: {address} did not agree on TLS in time\n"
    )


def test_what_came_before_a_reset_is_written() -> None:
    """The client's answer shows that it has received, which a reset would undo."""

    def break_off(stream: Stream) -> None:
        stream.send_all(b"half a mess")
        stream.receive_some()
        reset(stream)

    with serving(break_off) as address, started(address) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        assert os.read(process.stdout.fileno(), 100) == b"half a mess"
        process.stdin.write(b"go on")
        assert process.wait(PATIENCE) == 1
        errors = process.stderr.read()

    assert errors == b"sockettools connect: the connection broke: Connection reset by peer\n"


def test_a_reset_while_sending() -> None:
    def read_a_little(stream: Stream) -> None:
        stream.receive_some()
        reset(stream)

    with serving(read_a_little) as address:
        done = connect(address, data=MEGABYTE * 20)

    assert done.returncode == 1
    assert done.stderr.startswith(b"sockettools connect: the connection broke: ")
    assert done.stderr.count(b"\n") == 1


def test_tls_that_ends_without_goodbye(certificate: Path) -> None:
    def break_off(stream: Stream) -> None:
        stream.send_all(b"half a mess")
        stream.inner.close()  # type: ignore[attr-defined]

    with serving(break_off, tls=certificate) as address:
        done = connect(address, "--tls", "--cacert", str(certificate))

    assert (done.returncode, done.stdout) == (1, b"half a mess")
    assert b"without saying goodbye" in done.stderr


def shake_hands_in_vain(certificate: Path) -> Callable[[Stream], None]:
    def handle(stream: Stream) -> None:
        with suppress(Exception):
            stream.start_tls(server_context(str(certificate)), server_side=True)

    return handle


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param((), b"nobody trusted has signed it (self-signed cert", id="authority"),
        pytest.param(
            ("--cacert", "FILE", "--server-name", "example.com"),
            b"it is for localhost, 127.0.0.1 and ::1, not for example.com;",
            id="name",
        ),
    ],
)
def test_a_certificate_that_is_not_trusted(
    arguments: tuple[str, ...], message: bytes, certificate: Path
) -> None:
    options = [str(certificate) if option == "FILE" else option for option in arguments]
    with serving(shake_hands_in_vain(certificate)) as address:
        done = connect(address, "--tls", *options)

    assert done.returncode == 1
    assert message in done.stderr
    assert b"--cacert FILE" in done.stderr
    assert b"-k takes any" in done.stderr
    assert done.stderr.count(b"\n") == 1


@pytest.mark.parametrize("unix", [False, True], ids=["tcp", "unix"])
def test_any_certificate_will_do_if_told_so(unix: bool, certificate: Path, tmp_path: Path) -> None:
    path = tmp_path / "sock" if unix else None
    with serving(greet, tls=certificate, unix=path) as address:
        done = connect(address, "--tls", "-k")

    assert (done.returncode, done.stdout) == (0, b"Thank you for connecting")


# Standard streams that are not what they could be.


def in_a_shell(command: str, address: str) -> tuple[int, bytes]:
    done = subprocess.run(
        ["bash", "-c", f'set -o pipefail; "$@" {command}', "bash", *COMMAND, address],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    return done.returncode, done.stderr


def send_much(stream: Stream) -> None:
    with suppress(Exception):  # the reader goes away
        while True:
            stream.send_all(MEGABYTE)


def test_an_output_that_goes_away_is_a_quiet_end() -> None:
    with serving(send_much) as address:
        assert in_a_shell("| head -c 1 >/dev/null", address) == (1, b"")


@pytest.mark.parametrize("redirection", ["<&-", "2>&-"])
def test_a_stream_that_is_closed_has_nothing_and_takes_all(redirection: str) -> None:
    with serving(greet) as address:
        assert in_a_shell(redirection, address) == (0, b"")


@pytest.mark.parametrize(
    ("redirection", "message"),
    [(">&-", b"sockettools connect: standard output is closed\n"), ("<&- >&- 2>&-", b"")],
)
def test_data_without_a_standard_output_are_an_error(redirection: str, message: bytes) -> None:
    with serving(greet) as address:
        assert in_a_shell(redirection, address) == (1, message)


@needs_dev_full
def test_an_output_that_is_full() -> None:
    with serving(greet) as address:
        assert in_a_shell(">/dev/full", address) == (
            1,
            b"sockettools connect: standard output: No space left on device\n",
        )


def test_an_input_that_cannot_be_read() -> None:
    with serving(receive_all) as address:
        assert in_a_shell("0>/dev/null", address) == (
            1,
            b"sockettools connect: Bad file descriptor\n",
        )


def test_streams_that_do_not_block() -> None:
    """As another program that has the same terminal open may have left them."""
    with (
        serving(echo) as address,
        ExitStack() as stack,
    ):
        (read_end, our_write), (our_read, write_end) = os.pipe(), os.pipe()
        for end in (read_end, write_end):
            os.set_blocking(end, False)
        process = stack.enter_context(
            subprocess.Popen([*COMMAND, address, "--half-close"], stdin=read_end, stdout=write_end)
        )
        os.close(read_end)
        os.close(write_end)

        def write() -> None:
            with open(our_write, "wb") as file:  # noqa: PTH123 - a descriptor
                file.write(MEGABYTE)

        writer = threading.Thread(target=write)
        writer.start()
        with open(our_read, "rb") as file:  # noqa: PTH123 - a descriptor
            received = file.read()
        writer.join()

    assert process.returncode == 0
    assert received == MEGABYTE


# A terminal, and Ctrl-C.


class Terminal:
    """The command at a terminal of its own."""

    def __init__(self, *arguments: str) -> None:
        self._master, slave = pty.openpty()
        attributes = termios.tcgetattr(slave)
        attributes[3] &= ~termios.ECHO
        termios.tcsetattr(slave, termios.TCSANOW, attributes)
        self.process = start_at_terminal([*COMMAND, *arguments], slave)
        os.close(slave)

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def read(self) -> str:
        return os.read(self._master, 1000).decode()

    def close(self) -> str:
        """Wait for the end; return what else was shown."""
        shown = b""
        with suppress(OSError):  # what Linux says once the other side has closed
            while data := os.read(self._master, 1000):
                shown += data
        self.process.wait(PATIENCE)
        os.close(self._master)
        return shown.decode()


def test_at_a_terminal() -> None:
    with serving(echo) as address:
        terminal = Terminal(address, "--half-close")
        for line in ("hello", "world"):
            terminal.type(f"{line}\n")
            assert terminal.read() == f"{line}\r\n"
        terminal.type("\x04")

        assert terminal.close() == ""
        assert terminal.process.returncode == 0


def test_a_terminal_does_not_hold_up_the_end() -> None:
    with serving(greet) as address:
        terminal = Terminal(address)

        assert terminal.close() == "Thank you for connecting"
        assert terminal.process.returncode == 0


def greet_and_wait(stream: Stream) -> None:
    stream.send_all(b"hello")
    with suppress(Exception):  # the end, in whichever way
        receive_all(stream)


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_ctrl_c_at_a_terminal(tls: bool, certificate: Path) -> None:
    with serving(greet_and_wait, tls=certificate if tls else None) as address:
        terminal = Terminal(address, *(["--tls", "-k"] if tls else []))
        assert terminal.read() == "hello"
        terminal.type("\x03")

        assert terminal.close() in {"", "^C"}
        assert terminal.process.returncode == 130


def test_ctrl_c_while_nobody_reads_the_output() -> None:
    blocked = threading.Event()

    def fill(stream: Stream) -> None:
        assert isinstance(stream, SocketStream)
        stream.socket.settimeout(0.5)
        with suppress(OSError):
            while True:
                stream.socket.send(MEGABYTE)
        blocked.set()
        with suppress(Exception):
            receive_all(stream)

    with serving(fill) as address, started(address) as process:
        assert process.stderr is not None
        assert blocked.wait(PATIENCE)
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 130
        assert process.stderr.read() == b""


def test_ctrl_c_while_the_server_does_not_read() -> None:
    stopped = threading.Event()

    def never_read(stream: Stream) -> None:
        stream.send_all(b"hello")
        stopped.wait()

    with (
        serving(never_read) as address,
        open("/dev/zero", "rb") as zeros,  # noqa: PTH123
        subprocess.Popen(
            [*COMMAND, address],
            stdin=zeros,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            assert process.stdout.read(5) == b"hello"
            process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE) == 130
            assert process.stderr.read() == b""
        finally:
            stopped.set()


def test_ctrl_c_during_a_handshake() -> None:
    asked = threading.Event()

    def say_nothing(stream: Stream) -> None:
        stream.receive_some()
        asked.set()
        receive_all(stream)

    with serving(say_nothing) as address, started(address, "--tls") as process:
        assert process.stderr is not None
        assert asked.wait(PATIENCE)
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 130
        assert process.stderr.read() == b""


def test_ctrl_c_while_connecting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "sock")
    monkeypatch.setattr(dial_module, "sleep", lambda _: signal.raise_signal(signal.SIGINT))
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as first:
        listener.bind(path)
        listener.listen(0)
        first.connect(path)

        assert run_here(f"unix:{path}") == (130, "")


# Seeing the conversation.


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_a_trace_shows_what_was_said(tls: bool, certificate: Path, tmp_path: Path) -> None:
    file = tmp_path / "trace.json"
    options = ("--tls", "--cacert", str(certificate)) if tls else ()
    with serving(echo, tls=certificate if tls else None) as address:
        done = connect(
            address,
            "--send",
            "hi\n",
            "--half-close",
            "--trace",
            "--trace-json",
            str(file),
            *options,
        )

    shown = [line.split(" ", 1)[1] for line in done.stderr.decode().splitlines()]
    assert sorted(shown) == sorted(
        ["> hi\\n", "> (end of stream)", "< hi\\n", "< (end of stream)", "* (closed)"]
    )
    events = [json.loads(line) for line in file.read_text().splitlines()]
    assert [event["data"] for event in events if "data" in event] == ["aGkK", "aGkK"]


def test_a_trace_of_datagrams() -> None:
    with udp_server(lambda data: data) as address:
        done = connect(address, "--send", "hi", "--trace-hex")

    shown = [re.split(r"\s+", line, maxsplit=5)[1:5] for line in done.stderr.decode().splitlines()]
    assert shown == [[">", "00000000", "68", "69"], ["<", "00000000", "68", "69"]]


# Other programs as servers.


@contextmanager
def program(
    *argv: str, stdin: int | None = subprocess.DEVNULL, stdout: int | None = None
) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Start a server that says where it listens; yield it and what it said."""
    with subprocess.Popen(argv, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE) as process:
        try:
            assert process.stderr is not None
            line = ""
            for raw in process.stderr:
                line = raw.decode().rstrip()
                if "istening on" in line:
                    break
            # Read on, so that it never waits for somebody to.
            drain = threading.Thread(target=process.stderr.read)
            drain.start()
            yield process, line
        finally:
            process.kill()
            drain.join()


@needs_programs("socat")
@pytest.mark.parametrize(
    ("listen", "options"),
    [
        pytest.param("tcp-listen:0,bind=127.0.0.1", (), id="tcp"),
        pytest.param("unix-listen:SOCKET", (), id="unix"),
        pytest.param(
            "openssl-listen:0,bind=127.0.0.1,cert=PEM,verify=0",
            ("--tls", "--cacert", "PEM"),
            id="tls",
        ),
    ],
)
def test_socat_sends_a_megabyte_back(
    listen: str, options: tuple[str, ...], certificate: Path, tmp_path: Path
) -> None:
    path = str(tmp_path / "sock")
    listen = listen.replace("PEM", str(certificate)).replace("SOCKET", path)
    with program("socat", "-d", "-d", "-t", "60", listen, "exec:cat") as (_, line):
        address = f"unix:{path}" if "unix" in listen else line.split()[-1]
        options = tuple(str(certificate) if option == "PEM" else option for option in options)
        done = connect(address, "--half-close", *options, data=MEGABYTE)

    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == MEGABYTE


@needs_programs("socat")
def test_socat_sends_datagrams_back() -> None:
    with program("socat", "-d", "-d", "udp-listen:0,bind=127.0.0.1", "exec:cat") as (_, line):
        done = connect(f"udp:{line.split()[-1]}", "--send", "hello \x01")

    assert (done.returncode, done.stdout) == (0, b"hello \x01")


@needs_programs("ncat")
@pytest.mark.parametrize("unix", [False, True], ids=["tcp", "unix"])
def test_a_megabyte_to_ncat_and_another_from_it(unix: bool, tmp_path: Path) -> None:
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    theirs.write_bytes(MEGABYTE[::-1])
    path = str(tmp_path / "sock")
    with (
        held_ports(1) as (port,),
        theirs.open("rb") as stdin,
        ours.open("wb") as stdout,
        program(
            *("ncat", "-v", "-l", *(("-U", path) if unix else ("127.0.0.1", str(port)))),
            stdin=stdin.fileno(),
            stdout=stdout.fileno(),
        ) as (server, _),
    ):
        address = f"unix:{path}" if unix else f"127.0.0.1:{port}"
        done = connect(address, "--half-close", data=MEGABYTE)
        server.wait(PATIENCE)

    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == MEGABYTE[::-1]
    assert ours.read_bytes() == MEGABYTE


@needs_programs("ncat")
def test_a_megabyte_to_ncat_over_tls(tmp_path: Path) -> None:
    ours = tmp_path / "ours"
    with (
        held_ports(1) as (port,),
        ours.open("wb") as stdout,
        program(
            *("ncat", "-v", "-l", "--ssl", "127.0.0.1", str(port)),
            stdin=subprocess.PIPE,
            stdout=stdout.fileno(),
        ) as (server, _),
    ):
        done = connect(f"127.0.0.1:{port}", "--tls", "-k", "--half-close", data=MEGABYTE)
        server.communicate(timeout=PATIENCE)

    assert (done.returncode, done.stderr) == (0, b"")
    assert ours.read_bytes() == MEGABYTE


@needs_programs("ncat")
def test_a_megabyte_from_ncat_over_tls(tmp_path: Path) -> None:
    """It ends the connection without TLS's goodbye, as somebody would who cuts it."""
    theirs = tmp_path / "theirs"
    theirs.write_bytes(MEGABYTE)
    with (
        held_ports(1) as (port,),
        theirs.open("rb") as stdin,
        program(
            *("ncat", "-v", "-l", "--ssl", "--send-only", "127.0.0.1", str(port)),
            stdin=stdin.fileno(),
        ),
    ):
        done = connect(f"127.0.0.1:{port}", "--tls", "-k")

    assert done.stdout == MEGABYTE
    assert done.returncode == 1
    assert b"without saying goodbye" in done.stderr


@needs_programs("ncat")
def test_a_datagram_to_ncat_and_another_from_it() -> None:
    with (
        held_datagram_port() as port,
        program(
            *("ncat", "-v", "-u", "-l", "127.0.0.1", str(port)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as (server, _),
    ):
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(b"answer \xff")
        server.stdin.flush()
        done = connect(f"udp:127.0.0.1:{port}", "--send", "question")
        assert os.read(server.stdout.fileno(), 100) == b"question"

    assert (done.returncode, done.stdout) == (0, b"answer \xff")
