"""The client against real servers; where Python still has telnetlib, both get the same."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import pytest

from sockettools.net.deadline import Deadline
from sockettools.protocols.access import Access
from sockettools.protocols.telnet.client import TelnetClient, open_telnet
from sockettools.protocols.telnet.codec import Command
from sockettools.protocols.telnet.options import Option, Side
from tests.machine import needs_programs
from tests.patience import SECONDS as PATIENCE
from tests.servers.telnet import PROGRAMS, TelnetServers, telnet_servers

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = needs_programs(*PROGRAMS)

LINES = ["one", "zoë", "x" * 200]


@pytest.fixture(scope="module")
def servers() -> Iterator[TelnetServers]:
    with telnet_servers() as servers:
        yield servers


def talk(client: TelnetClient) -> bytes:
    """Say the lines, and return all that the server said."""
    deadline = Deadline.after(PATIENCE)
    said = b""
    for prompt, line in zip(["name? ", "> ", "> ", "> "], [*LINES, "quit"], strict=True):
        found = client.expect(prompt, deadline)
        said += found.before + found.match[0]
        client.send_line(line)
    return said + b"".join(iter(lambda: client.read(deadline), b""))


@pytest.mark.parametrize(
    ("name", "agreed"),
    [
        (
            "inetutils",
            ["the server: ECHO", "the server: SGA", "we: BINARY", "we: NAWS", "we: TTYPE"],
        ),
        ("busybox", ["the server: ECHO", "the server: SGA", "we: NAWS"]),
    ],
)
def test_what_is_agreed_on(servers: TelnetServers, name: str, agreed: list[str]) -> None:
    with open_telnet(
        Access(), "127.0.0.1", getattr(servers, name), terminal_type="vt100", window_size=(100, 40)
    ) as client:
        client.expect("name? ", Deadline.after(PATIENCE))
        assert client.options() == agreed
        assert client.is_on(Side.THEIRS, Option.ECHO)
        client.send_line("bob")
        found = client.expect(re.compile(rb"TERM=(\S+) (\d+ \d+)"), Deadline.after(PATIENCE))
        assert found.match[2] == b"40 100"
        if name == "inetutils":
            assert found.match[1] == b"vt100"
        client.expect("> ", Deadline.after(PATIENCE))
        # An octet of 255 is doubled, which busybox 1.35 does not expect.
        rows = 50 if name == "busybox" else 255
        client.set_window_size(132, rows)
        client.send_line("size")
        client.expect(f"{rows} 132", Deadline.after(PATIENCE))


@pytest.mark.parametrize(("name", "answer"), [("inetutils", rb"\[Yes\]"), ("busybox", rb"\xff")])
def test_are_you_there(servers: TelnetServers, name: str, answer: bytes) -> None:
    with open_telnet(Access(), "127.0.0.1", getattr(servers, name)) as client:
        client.expect("name? ", Deadline.after(PATIENCE))
        client.send_command(Command.AYT)
        client.expect(re.compile(answer), Deadline.after(PATIENCE))


@pytest.mark.parametrize("name", ["inetutils", "busybox"])
def test_a_dialogue(servers: TelnetServers, name: str) -> None:
    with open_telnet(Access(), "127.0.0.1", getattr(servers, name)) as client:
        said = talk(client)

    assert b"hello one\r\n" in said
    assert said.endswith(
        "> zoë\r\necho: zoë\r\n> ".encode()
        + b"x" * 200
        + b"\r\necho: "
        + b"x" * 200
        + b"\r\n> quit\r\nbye\r\n"
    )


if sys.version_info < (3, 13):

    @pytest.mark.filterwarnings("ignore:'telnetlib' is deprecated")
    @pytest.mark.parametrize("name", ["inetutils", "busybox"])
    def test_telnetlib_is_told_the_same(servers: TelnetServers, name: str) -> None:
        from telnetlib import Telnet

        def agree(sock: object, verb: bytes, option: bytes) -> None:
            """Refuse all but the server's echo, going ahead, and binary: it refuses even these."""
            answers = {
                (b"\xfb", b"\x01"): b"\xfd",
                (b"\xfb", b"\x03"): b"\xfd",
                (b"\xfd", b"\x00"): b"\xfb",
            }
            refusals = {b"\xfb": b"\xfe", b"\xfd": b"\xfc"}
            answer = answers.get((verb, option), refusals.get(verb))
            if answer:
                sock.sendall(b"\xff" + answer + option)  # type: ignore[attr-defined]

        port = getattr(servers, name)
        with Telnet("127.0.0.1", port, PATIENCE) as theirs:
            theirs.set_option_negotiation_callback(agree)
            said = b""
            for prompt, line in zip(["name? ", "> ", "> ", "> "], [*LINES, "quit"], strict=True):
                said += theirs.read_until(prompt.encode(), PATIENCE)
                theirs.write(line.encode() + (b"\r" if name == "inetutils" else b"\r\n"))
            said += theirs.read_all()
        # It does not say what terminal it has.
        with open_telnet(Access(), "127.0.0.1", port) as client:
            ours = talk(client)

        def without_terminal(text: bytes) -> bytes:
            # It drops the CR of a CR LF nowhere, but NULs and a 17 (DC1) everywhere.
            return re.sub(rb"TERM=\S*", b"TERM", text)

        assert without_terminal(said) == without_terminal(ours)
