from __future__ import annotations

import re
import ssl
from typing import TYPE_CHECKING

import pytest

from sockettools.errors import (
    IncompleteMessage,
    LocalProtocolError,
    NotOffered,
    PermanentNegativeReply,
    ReadTimeout,
    RemoteProtocolError,
    SocketToolsError,
    TooLong,
    TransientNegativeReply,
)
from sockettools.net.memory import memory_stream_pair
from sockettools.net.transcript import Direction, Event, RecordedStream, Transcript
from sockettools.protocols.access import Credentials
from sockettools.protocols.conversation import Conversation
from sockettools.protocols.smtp import COMMANDS, SmtpClient, State
from sockettools.protocols.smtp_mail import Content

if TYPE_CHECKING:
    from collections.abc import Iterator

MESSAGE = b"Subject: a\r\n\r\nb\r\n"
GREETING = "220 mail.example.test ready"
HELLO = ("250-mail.example.test", "250 SIZE 1000")
AHEAD = ("250-mail.example.test", "250-PIPELINING", "250 8BITMIME")
USER = Credentials("user", "secret")


class Server:
    """Has said all that it will say before anybody listens, and keeps what it hears."""

    def __init__(self, *lines: str, is_over: bool = True) -> None:
        here, self._there = memory_stream_pair(1_000_000)
        self._there.send_all("".join(f"{line}\r\n" for line in lines).encode())
        if is_over:
            self._there.send_eof()
        self.events: list[Event] = []
        recorded = RecordedStream(here, Transcript([self]))
        self.client = SmtpClient(Conversation(recorded, "server", idle_timeout=0.2))

    def write(self, event: Event) -> None:
        """Take what goes into the trace."""
        self.events.append(event)

    @property
    def trace(self) -> bytes:
        """What the trace shows of what was sent."""
        return b"".join(event.data for event in self.events if event.direction is Direction.SENT)

    def heard(self) -> list[str]:
        """End the session; return the lines that came, but for EHLO."""
        self.client.close()
        data = b""
        while block := self._there.receive_some():
            data += block
        assert not re.search(rb"\r(?!\n)|(?<!\r)\n", data)
        return [line for line in data.decode().split("\r\n")[:-1] if not line.startswith("EHLO")]


def ready(*lines: str, hello: tuple[str, ...] = HELLO, is_over: bool = True) -> Server:
    """Return a server that has offered what it can."""
    server = Server(GREETING, *hello, *lines, is_over=is_over)
    server.client.greet()
    server.client.ehlo("me.example")
    return server


def codes(server: Server, *recipients: str, message: bytes = MESSAGE) -> list[int]:
    fates = server.client.send_message("a@b.example", recipients, message)
    assert list(fates) == list(recipients)
    return [reply.code for reply in fates.values()]


def test_greeting_and_extensions() -> None:
    hello = ("250-mail hello", "250-SIZE 1000", "250-auth PLAIN", "250-AUTH=LOGIN", "250 X")
    client = ready(hello=hello).client

    assert client.greeting.text == "mail.example.test ready"
    assert client.answer.lines[0] == "mail hello"
    assert client.extensions == {"SIZE": ["1000"], "AUTH": ["PLAIN", "LOGIN"], "X": []}
    assert client.size_limit == 1000
    assert client.state is State.READY


@pytest.mark.parametrize("line", ["SIZE", "SIZE 0", "SIZE many", "SIZE -1", "X"])
def test_no_limit(line: str) -> None:
    assert ready(hello=("250-mail", f"250 {line}")).client.size_limit is None


def test_helo_where_ehlo_is_not_known() -> None:
    server = ready(hello=("502 what", "250 mail"))

    assert not server.client.extensions
    assert server.heard() == ["HELO me.example"]


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        pytest.param(["554 go away"], PermanentNegativeReply, id="refused"),
        pytest.param(["421 later"], TransientNegativeReply, id="421"),
        pytest.param(["354 go ahead"], RemoteProtocolError, id="no greeting"),
        pytest.param(["HTTP/1.1 400 Bad"], RemoteProtocolError, id="no reply"),
        pytest.param(["220-mail", "250 x"] * 20_000, TooLong, id="a reply without an end"),
        pytest.param(["220 " + "x" * 20_000], TooLong, id="a line without an end"),
        pytest.param([], IncompleteMessage, id="nothing"),
        pytest.param(["220-mail"], IncompleteMessage, id="half a greeting"),
        pytest.param([GREETING, "421 later"], TransientNegativeReply, id="421 to EHLO"),
        pytest.param([GREETING, "502 no", "502 no"], PermanentNegativeReply, id="no HELO"),
        pytest.param([GREETING, "334 go on"], RemoteProtocolError, id="a question to EHLO"),
    ],
)
def test_no_session(lines: list[str], error: type[SocketToolsError]) -> None:
    server = Server(*lines)
    with server.client as client:
        with pytest.raises(error, match="server"):
            _begin(client)
        client.quit()

    assert client.state is State.ENDED


def _begin(client: SmtpClient) -> None:
    client.greet()
    client.ehlo()


def test_silence() -> None:
    with Server(is_over=False).client as client, pytest.raises(ReadTimeout):
        client.greet()


# Logging in

PLAIN = ("250-mail", "250 AUTH CRAM-MD5 LOGIN PLAIN")
LOGIN = ("250-mail", "250 AUTH LOGIN")


@pytest.mark.parametrize(
    ("hello", "answers", "heard"),
    [
        pytest.param(PLAIN, ["235 in"], ["AUTH PLAIN AHVzZXIAc2VjcmV0"], id="PLAIN"),
        pytest.param(
            LOGIN,
            ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6", "235 in"],
            ["AUTH LOGIN", "dXNlcg==", "c2VjcmV0"],
            id="LOGIN",
        ),
    ],
)
def test_login(hello: tuple[str, ...], answers: list[str], heard: list[str]) -> None:
    server = ready(*answers, hello=hello)
    server.client.login(USER)

    assert server.client.state is State.LOGGED_IN
    assert server.heard() == heard
    assert not any(secret in server.trace for secret in (b"dXNl", b"c2Vj", b"AHVz"))


def test_a_long_password_has_a_line_of_its_own() -> None:
    server = ready("334 ", "235 in", hello=PLAIN)
    server.client.login(Credentials("user", "x" * 400))

    assert [len(line) for line in server.heard()] == [10, 544]


@pytest.mark.parametrize(
    ("hello", "answers", "error"),
    [
        pytest.param(PLAIN, ["535 5.7.8 wrong"], PermanentNegativeReply, id="wrong password"),
        pytest.param(PLAIN, ["454 later"], TransientNegativeReply, id="not now"),
        pytest.param(PLAIN, ["334 more"], RemoteProtocolError, id="a question too many"),
        pytest.param(PLAIN, ["421 bye"], TransientNegativeReply, id="421"),
        pytest.param(LOGIN, ["334 ", "535 who"], PermanentNegativeReply, id="wrong name"),
        pytest.param(LOGIN, ["334 ", "334 ", "334 "], RemoteProtocolError, id="questions"),
        pytest.param(HELLO, [], NotOffered, id="no AUTH"),
        pytest.param(("250-mail", "250 AUTH GSSAPI"), [], NotOffered, id="no known way"),
    ],
)
def test_no_login(
    hello: tuple[str, ...], answers: list[str], error: type[SocketToolsError]
) -> None:
    with ready(*answers, hello=hello).client as client, pytest.raises(error) as caught:
        client.login(USER)

    assert "secret" not in str(caught.value)


# TLS


def test_injection_before_tls_is_an_error() -> None:
    server = ready("220 go", "250 injected", hello=("250-mail", "250 STARTTLS"))
    with server.client as client, pytest.raises(RemoteProtocolError, match="before the encryption"):
        client.start_tls(ssl.create_default_context(), "mail")

    assert client.state is State.ENDED
    assert not client.extensions


def test_tls_refused() -> None:
    server = ready("454 not now", hello=("250-mail", "250 STARTTLS"))
    with server.client as client, pytest.raises(TransientNegativeReply):
        client.start_tls(ssl.create_default_context(), "mail")


def test_tls_is_not_offered() -> None:
    with ready().client as client, pytest.raises(NotOffered):
        client.start_tls(ssl.create_default_context(), "mail")


# Sending


def test_in_turn() -> None:
    server = ready("250 ok", "550 5.1.1 who", "251 forwarded", "452 later", "354 go", "250 taken")

    assert codes(server, "x@y.example", "u@y.example", "z@y.example") == [550, 250, 452]
    assert server.client.state is State.READY
    assert server.heard() == [
        "MAIL FROM:<a@b.example> SIZE=17",
        "RCPT TO:<x@y.example>",
        "RCPT TO:<u@y.example>",
        "RCPT TO:<z@y.example>",
        "DATA",
        *MESSAGE.decode().splitlines(),
        ".",
    ]


def test_in_turn_with_nobody_accepted() -> None:
    server = ready("250 ok", "550 who", "550 who", "250 forgotten")

    assert codes(server, "x@y.example", "z@y.example") == [550, 550]
    assert server.heard()[-1] == "RSET"


def test_ahead() -> None:
    server = ready("250 ok", "550 who", "250 ok", "354 go", "250 taken", hello=AHEAD)

    assert codes(server, "x@y.example", "u@y.example") == [550, 250]
    sent = [event.data for event in server.events if event.direction is Direction.SENT]
    assert sent[1] == (
        b"MAIL FROM:<a@b.example>\r\nRCPT TO:<x@y.example>\r\nRCPT TO:<u@y.example>\r\nDATA\r\n"
    )


@pytest.mark.parametrize(
    ("answers", "last"),
    [
        pytest.param(["503 no recipients", "250 forgotten"], ["DATA", "RSET"], id="DATA refused"),
        pytest.param(["354 go", "554 to whom"], ["DATA", "."], id="354 and refused"),
        pytest.param(["354 go", "250 whatever"], ["DATA", "."], id="354 and taken"),
        pytest.param(["354 go"], ["DATA", "."], id="354 and gone"),
    ],
)
def test_ahead_with_nobody_accepted(answers: list[str], last: list[str]) -> None:
    server = ready("250 ok", "550 who", "551 who", *answers, hello=AHEAD)

    assert codes(server, "x@y.example", "z@y.example") == [550, 551]
    assert server.heard()[-2:] == last


@pytest.mark.parametrize(
    ("answers", "last"),
    [
        pytest.param(["503 first MAIL", "503 first MAIL"], "DATA", id="all refused"),
        pytest.param(["250 ok", "354 go", "554 no"], ".", id="354"),
    ],
)
def test_ahead_with_the_sender_refused(answers: list[str], last: str) -> None:
    server = ready("550 5.7.1 not you", *answers, hello=AHEAD)
    with pytest.raises(PermanentNegativeReply, match="not you") as caught:
        codes(server, "x@y.example")

    assert caught.value.code == 550
    assert server.heard()[-1] == last


def test_many_recipients_ahead() -> None:
    many = [f"u{number}@y.example" for number in range(120)]
    server = ready("250 ok", *["250 ok"] * 120, "354 go", "250 taken", hello=AHEAD)

    assert codes(server, *many) == [250] * 120
    # No more at a time than the answers to which the kernel holds.
    sent = [event.data for event in server.events if event.direction is Direction.SENT]
    assert [data.count(b"\r\n") for data in sent[1:4]] == [50, 50, 22]


def test_the_sender_is_refused_before_all_recipients_are_named() -> None:
    server = ready("550 not you", *["503 no"] * 49, hello=AHEAD)
    with pytest.raises(PermanentNegativeReply):
        codes(server, *(f"u{number}@y.example" for number in range(120)))

    assert len(server.heard()) == 50


@pytest.mark.parametrize("hello", [HELLO, AHEAD], ids=["in turn", "ahead"])
@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        pytest.param(["250 ok", "550 who", "421 bye"], [550, 421], id="to RCPT"),
        pytest.param(["250 ok", "550 who", "250 ok", "421 bye"], [550, 421], id="to DATA"),
        pytest.param(["250 ok", "550 who", "250 ok", "354 go", "421 bye"], [550, 421], id="at end"),
        pytest.param(["250 ok", "550 who", "250 ok", "354 go", "554 spam"], [550, 554], id="554"),
        pytest.param(["250 ok", "550 who", "250 ok", "451 no", "250 f"], [550, 451], id="451"),
        pytest.param(["250 ok", "550 who", "250 ok", "554 no", "500 f"], [550, 554], id="no RSET"),
    ],
)
def test_what_is_known_is_told(
    answers: list[str], expected: list[int], hello: tuple[str, ...]
) -> None:
    server = ready(*answers, hello=hello)

    assert codes(server, "x@y.example", "u@y.example") == expected
    server.client.quit()  # where it is over, nothing more is sent
    heard = server.heard()
    assert ("QUIT" in heard) == (expected[1] in (554, 451) and answers[-1] != "500 f")


@pytest.mark.parametrize("hello", [HELLO, AHEAD], ids=["in turn", "ahead"])
@pytest.mark.parametrize(
    ("answers", "error", "problem"),
    [
        pytest.param(["421 bye"], TransientNegativeReply, "421 bye", id="421 to MAIL"),
        pytest.param(["354 go"] * 3, RemoteProtocolError, "354 go", id="354 to MAIL"),
        pytest.param(["250 ok", "354 go", "354"], RemoteProtocolError, "RCPT", id="354 to RCPT"),
        pytest.param(["250 ok", "250 ok", "250 ok"], RemoteProtocolError, "DATA", id="250 to DATA"),
        pytest.param(["250", "250", "354", "354 go"], RemoteProtocolError, "the message", id="354"),
        pytest.param(["250 ok"], IncompleteMessage, "closed", id="closed"),
        pytest.param(["250", "250", "354"], IncompleteMessage, "may have taken", id="unknown"),
        pytest.param(["250", "250", "354", "what"], RemoteProtocolError, "no reply", id="noise"),
    ],
)
def test_no_delivery(
    answers: list[str], error: type[SocketToolsError], problem: str, hello: tuple[str, ...]
) -> None:
    server = ready(*answers, hello=hello)
    with pytest.raises(error, match=problem):
        codes(server, "u@y.example")

    assert server.client.state is State.ENDED
    server.client.close()


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        pytest.param(b"a\nb\rc\r\n", ["a", "b", "c"], id="line ends"),
        pytest.param(b".\n..\n\n.a", ["..", "...", "", "..a"], id="dots"),
        pytest.param(b"a\n.\nMAIL FROM:<x>\n", ["a", "..", "MAIL FROM:<x>"], id="smuggling, LF"),
        pytest.param(b"a\r\n.\rRSET\r\n", ["a", "..", "RSET"], id="smuggling, CR"),
        pytest.param(b"", [], id="nothing"),
    ],
)
def test_what_travels(message: bytes, expected: list[str]) -> None:
    server = ready("250", "250", "354", "250")

    assert codes(server, "u@y.example", message=message) == [250]
    heard = server.heard()
    assert heard[3:] == [*expected, "."]
    body = sum(len(line) + 2 for line in heard[3:-1])
    stuffed = sum(line.startswith(".") for line in heard[3:-1])
    assert heard[0] == f"MAIL FROM:<a@b.example> SIZE={body - stuffed}"


def test_larger_than_the_limit() -> None:
    server = ready()
    with pytest.raises(PermanentNegativeReply, match="up to 1000 octets, and this one has 1001"):
        codes(server, "u@y.example", message=b"x" * 999)

    assert server.heard() == []


UTF8 = ("250-mail", "250-8BITMIME", "250 SMTPUTF8")


@pytest.mark.parametrize(
    ("content", "recipient", "hello", "mail"),
    [
        pytest.param(
            Content.of("é".encode()), "u@y.example", UTF8, "BODY=8BITMIME", id="8-bit body"
        ),
        pytest.param(Content((), 0), "é@y.example", UTF8, "BODY=8BITMIME SMTPUTF8", id="address"),
        pytest.param(
            Content((), 0, is_utf8=True), "u@y", UTF8, "BODY=8BITMIME SMTPUTF8", id="header"
        ),
        pytest.param(Content.of("é".encode()), "u@y.example", HELLO, None, id="no 8BITMIME"),
        pytest.param(Content((), 0), "é@y.example", AHEAD, None, id="no SMTPUTF8"),
        pytest.param(Content(()), "u@y.example", HELLO, "", id="unknown size"),
    ],
)
def test_extensions_that_a_message_needs(
    content: Content, recipient: str, hello: tuple[str, ...], mail: str | None
) -> None:
    server = ready("250", "250", "354", "250", hello=hello)
    if mail is None:
        with pytest.raises(NotOffered):
            server.client.send_message("a@b.example", [recipient], content)
        assert server.heard() == []
    else:
        server.client.send_message("a@b.example", [recipient], content)
        assert server.heard()[0] == f"MAIL FROM:<a@b.example> {mail}".rstrip()


def test_nobody_to_report_to() -> None:
    server = ready("250", "250", "354", "250")
    server.client.send_message("", ["u@y.example"], MESSAGE)

    assert server.heard()[0] == "MAIL FROM:<> SIZE=17"


@pytest.mark.parametrize(
    ("sender", "recipients"),
    [
        pytest.param("a@b\r\nRSET", ["u@y"], id="line end in the sender"),
        pytest.param("a@b", ["u@y>\r\nRSET"], id="line end in a recipient"),
        pytest.param("a@b", ["u@y> SIZE=0"], id="a parameter"),
        pytest.param("a@b", [""], id="no recipient"),
        pytest.param("a@b", [], id="no recipients"),
        pytest.param("a@b", ["\udc80@y"], id="no text"),
    ],
)
def test_no_addresses(sender: str, recipients: list[str]) -> None:
    server = ready()
    with pytest.raises(LocalProtocolError):
        server.client.send_message(sender, recipients, MESSAGE)

    assert server.heard() == []


def _blocks(problem: Exception) -> Iterator[bytes]:
    yield b"Subject: a\r\n\r\n"
    raise problem


@pytest.mark.parametrize(
    ("content", "error"),
    [
        pytest.param(Content(_blocks(OSError("gone"))), OSError, id="the file is gone"),
        pytest.param(Content([b"a", b"\xe9"]), LocalProtocolError, id="8-bit against its word"),
    ],
)
def test_half_a_message_is_never_ended(content: Content, error: type[Exception]) -> None:
    server = ready("250", "250", "354", "250")
    with pytest.raises(error):
        server.client.send_message("a@b", ["u@y"], content)
    server.client.quit()

    assert not {".", "QUIT"} & set(server.heard())


def test_two_messages() -> None:
    server = ready("250", "250", "354", "250 one", "250", "250", "354", "250 two", "221 bye")

    assert codes(server, "u@y") == [250]
    assert codes(server, "u@y") == [250]
    server.client.quit()
    assert server.heard()[-1] == "QUIT"


def test_a_command_that_is_not_legal_now() -> None:
    server = Server(GREETING)
    server.client.greet()
    for act in (
        lambda: server.client.login(USER),
        lambda: codes(server, "u@y"),
        server.client.reset,
        server.client.greet,
    ):
        with pytest.raises(LocalProtocolError):
            act()

    assert server.heard() == []


def test_the_table_has_every_state() -> None:
    assert {state for states in COMMANDS.values() for state in states} == set(State) - {
        State.CONNECTED,
        State.ENDED,
    }
