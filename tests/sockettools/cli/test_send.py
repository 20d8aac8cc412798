from __future__ import annotations

import email
import io
import re
import subprocess
import sys
from email.message import EmailMessage
from email.policy import default
from typing import TYPE_CHECKING

import pytest

from sockettools.cli import body, main
from sockettools.cli.streams import Streams
from tests.servers.scripted import Client, ScriptedServer
from tests.servers.smtp import SMTP_SERVERS
from tests.servers.smtp_site import HOST, SIZE_LIMIT, SmtpServer
from tests.sockettools.cli.commands import run_here

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

A = "a@b.example"
USER = "user@example.test"


@pytest.fixture(scope="module", params=SMTP_SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[SmtpServer]:
    with request.param() as server:
        yield server


def send(
    server: SmtpServer, *arguments: str, user: str = "", stdin: str = ""
) -> tuple[int, str, str]:
    url = f"smtp://{user}{HOST}:{server.plain}"
    trust = ("--cacert", str(server.authority))
    return run_here("send", *trust, url, "--from", A, *arguments, stdin=stdin)


def received(server: SmtpServer, user: str = "user") -> EmailMessage:
    message = email.message_from_bytes(server.take(user), policy=default)
    assert isinstance(message, EmailMessage)
    return message


def test_a_message(server: SmtpServer) -> None:
    status, output, errors = send(
        server, "--to", f"Zoë <{USER}>", "--subject", "Grüße", "Hällo\n.\n"
    )

    assert (status, errors) == (0, "")
    assert re.fullmatch(rf"{USER}  accepted  250 OK id=[0-9A-Za-z-]+\n", output)
    message = received(server)
    assert message["To"] == f"Zoë <{USER}>"
    assert message["Subject"] == "Grüße"
    assert "esmtps" in message["Received"]
    assert message.get_content() == "Hällo\n.\n"


def test_each_fate(server: SmtpServer) -> None:
    others = ("--to", "nosuch@example.test", "--cc", "x@c.invalid")
    status, output, errors = send(server, "--to", USER, *others, "--bcc", "other@example.test", "x")

    assert (status, errors) == (4, "")
    assert re.sub(" id=.*", "", output).splitlines() == [
        "user@example.test    accepted  250 OK",
        "nosuch@example.test  refused   550 no such user",
        "x@c.invalid          refused   550 relay not permitted",
        "other@example.test   accepted  250 OK",
    ]
    assert received(server)["Cc"] == "x@c.invalid"
    assert b"other@" not in server.take("other").partition(b"\nFrom: ")[2]


def test_a_process_reads_standard_input(server: SmtpServer, tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(bytes(range(256)) * 1000)
    url = f"smtps://{HOST}:{server.tls}"
    arguments = ("send", url, "-k", "--from", A, "--to", USER, "--attach", str(file), "-")
    done = subprocess.run(
        [sys.executable, "-m", "sockettools", *arguments],
        input=b"one\r\n..\ntwo",
        capture_output=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, b"")
    message = received(server)
    text, picture = message.iter_parts()
    assert text.get_content() == "one\n..\ntwo\n"
    assert picture.get_content_type() == "image/png"
    assert picture.get_content() == file.read_bytes()


def test_logged_in(server: SmtpServer) -> None:
    status, output, errors = send(
        server, "--to", "x@c.invalid", "--trace", "x", user="user:secret@"
    )

    assert (status, output.split()[1]) == (0, "accepted")
    assert "> AUTH PLAIN ***" in errors
    assert "AHVz" not in errors


def test_wrong_password(server: SmtpServer) -> None:
    status, output, errors = send(server, "--to", USER, "x", user="user:wr0ng@")

    assert (status, output) == (4, "")
    reason = errors.partition(f"{server.plain} refused to log in user: 535 ")[2]
    assert reason in (
        "Incorrect authentication data\n",
        "5.7.8 Authentication credentials invalid\n",
    )
    assert errors.count("\n") == 1
    assert "wr0ng" not in errors


def test_too_large_is_not_even_begun(server: SmtpServer, tmp_path: Path) -> None:
    file = tmp_path / "large"
    with file.open("wb") as large:
        large.truncate(10**12)
    status, output, errors = send(server, "--to", USER, "--attach", str(file), "--trace", "x")

    assert (status, output) == (4, "")
    assert f"takes messages of up to {SIZE_LIMIT} octets, and this one has 13" in errors
    assert "MAIL" not in errors
    assert server.is_empty("user")


def test_nobody_trusts_it(server: SmtpServer) -> None:
    url = f"smtp://{HOST}:{server.plain}"
    status, output, errors = run_here("send", url, "--from", A, "--to", USER, "x")

    assert (status, output) == (1, "")
    assert "certificate" in errors


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        pytest.param(["http://h", "--to", USER], "no scheme", id="HTTP"),
        pytest.param(["pop3://h", "--to", USER], "none of smtp://", id="POP3"),
        pytest.param(["smtp://h/INBOX", "--to", USER], "nothing behind the host", id="path"),
        pytest.param(["smtp://h"], "use --to", id="nobody"),
        pytest.param(["smtp://h", "--to", "a b@c"], "no address of mail", id="blank"),
        pytest.param(["smtp://h", "--to", "a@b\r\nRSET"], "no address of mail", id="line end"),
        pytest.param(
            ["smtp://h", "--to", USER, "--subject", "a\nBcc: x"], "one line", id="subject"
        ),
        pytest.param(
            ["smtp://h", "--to", USER, "--subject", "=?utf-8?q?a=0D=0ABcc:_x?="],
            "encoded line end",
            id="encoded subject",
        ),
        pytest.param(
            ["smtp://h", "--to", f"=?utf-8?q?a=0D=0ABcc:_x?= <{USER}>"],
            "encoded line end",
            id="encoded name",
        ),
        pytest.param(["smtp://h", "--to", USER, "\udcff"], "no text", id="body"),
        pytest.param(["smtp://h", "--to", USER, "a", "b"], "after the text", id="two texts"),
        pytest.param(["smtp://h", "a", "--to", USER, "b"], "after the text", id="text twice"),
        pytest.param(["smtp://u@h:0", "--to", USER], "the port", id="port"),
    ],
)
def test_wrong_usage(arguments: list[str], problem: str) -> None:
    status, output, errors = run_here("send", "--from", A, *arguments)

    assert (status, output) == (2, "")
    assert problem in errors
    assert errors.startswith("sockettools send: ")
    assert errors.count("\n") == 1
    assert "Traceback" not in errors


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for name, problem in (("none", "No such file"), ("", "not a file that can be attached")):
        path = str(tmp_path / name)
        done = run_here("send", "smtp://h", "--from", A, "--to", USER, "--attach", path)

        assert done[:2] == (1, "")
        assert path in done[2]
        assert problem in done[2]


def test_nothing_is_sent_where_its_fate_cannot_be_told() -> None:
    streams = Streams(io.StringIO(), io.StringIO(), io.StringIO(), is_output_closed=True)
    with ScriptedServer(b"") as server:
        arguments = ["send", f"smtp://{server.address}", "--from", A, "--to", USER, "x"]

        assert main(arguments, streams) == 1
        assert server.connections == 0


def test_standard_input_that_is_no_text() -> None:
    stdin = io.TextIOWrapper(io.BytesIO(b"\xff"), encoding="utf-8")
    errors = io.StringIO()
    arguments = ["send", "smtp://h", "--from", A, "--to", USER, "-"]

    assert main(arguments, Streams(stdin, io.StringIO(), errors)) == 2
    assert "no text" in errors.getvalue()


def test_standard_input_without_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "MAX_BODY", 10)
    done = run_here("send", "smtp://h", "--from", A, "--to", USER, "-", stdin="x" * 11)

    assert done[0] == 2
    assert "more than 10 characters" in done[2]


def scripted(*replies: bytes) -> tuple[list[bytes], ScriptedServer]:
    """Return a server without extensions, and what it hears of the commands."""
    heard: list[bytes] = []

    def script(client: Client) -> None:
        client.send(b"220 mail\r\n")
        with client.socket.makefile("rb") as lines:
            for reply in (b"250 mail\r\n", *replies):
                heard.append(lines.readline())
                if reply.startswith(b"2") and heard[-2:-1] == [b"DATA\r\n"]:
                    while heard[-1] != b".\r\n":
                        heard.append(lines.readline())
                client.send(reply)
            client.wait_for_end()

    return heard, ScriptedServer(script)


def test_a_server_of_seven_bits() -> None:
    heard, server = scripted(b"250 \r\n", b"250 \r\n", b"354 \r\n", b"250 taken\r\n", b"221 \r\n")
    with server:
        done = run_here("send", f"smtp://{server.address}", "--from", A, "--to", USER, "Hällo €")

    assert done == (0, f"{USER}  accepted  250 taken\n", "")
    assert b"".join(heard).isascii()
    assert b"Content-Transfer-Encoding: base64\r\n" in heard


def test_an_answer_of_several_lines() -> None:
    heard, server = scripted(
        b"250 \r\n", b"550-5.1.1 No\x1b[2J such\r\n550 5.1.1 user\r\n", b"250 \r\n", b"221 \r\n"
    )
    with server:
        done = run_here("send", f"smtp://{server.address}", "--from", A, "--to", USER, "x")

    assert done == (4, f"{USER}  refused   550 5.1.1 No\\x1b[2J such user\n", "")
    assert heard[-2:] == [b"RSET\r\n", b"QUIT\r\n"]


def test_the_sender_is_refused() -> None:
    _, server = scripted(b"450 4.7.1 later\r\n", b"221 \r\n")
    with server:
        done = run_here("send", f"smtp://{server.address}", "--from", A, "--to", USER, "x")

    assert done[0] == 4
    assert done[2].endswith(f"{server.address} refused the sender: 450 4.7.1 later\n")


def test_nobody_answers() -> None:
    heard, server = scripted()
    with server:
        done = run_here(
            "send", f"smtp://{server.address}", "--from", A, "--to", USER, "--timeout", "2", "x"
        )

    assert done[:2] == (3, "")
    assert done[2].count("\n") == 1
    assert len(heard) == 1


def test_silence_instead_of_goodbye() -> None:
    """The fates are printed before goodbye is said: a server that is silent then hides none."""
    _, server = scripted(b"250 \r\n", b"250 \r\n", b"354 \r\n", b"250 taken\r\n")
    with server:
        done = run_here(
            "send", f"smtp://{server.address}", "--from", A, "--to", USER, "--timeout", "2", "x"
        )

    assert done == (0, f"{USER}  accepted  250 taken\n", "")
