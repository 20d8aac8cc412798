"""An FTP server for tests that does what a script tells it, right or wrong."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.servers.scripted import PATIENCE, Client

if TYPE_CHECKING:
    import ssl

FEATURES = b"211-Features:\r\n MDTM\r\n MLST type*;size*;modify*;\r\n SIZE\r\n UTF8\r\n211 End\r\n"

MLSD = (
    b"type=cdir;modify=20160706095000; .\r\n"
    b"type=pdir;modify=20160706095000; ..\r\n"
    b"type=file;size=167;modify=20160706095000; romeo.txt\r\n"
    b"type=dir;modify=20160706095000; na me\r\n"
)

_REPLIES = {
    "USER": b"331 password?\r\n",
    "PASS": b"230 welcome\r\n",
    "AUTH": b"502 no TLS\r\n",
    "FEAT": FEATURES,
    "OPTS": b"200 yes\r\n",
    "TYPE": b"200 yes\r\n",
    "SIZE": b"550 no\r\n",
    "MDTM": b"550 no\r\n",
    "CWD": b"250 there\r\n",
    "MKD": b"257 made\r\n",
    "REST": b"350 from there\r\n",
    "PBSZ": b"200 yes\r\n",
    "PROT": b"200 yes\r\n",
}

_UPLOADS = ("STOR", "APPE")
_DOWNLOADS = ("RETR", "LIST", "MLSD")

Answer = bytes | Callable[["FtpScript", Client], object]


@dataclass
class FtpScript:
    """A script for ``ScriptedServer``: well-behaved but for what is in ``answers``, by command.

    ``data`` is what every download gives, between the replies ``before`` and ``after``; where it is
    None, the connection is reset after a few octets. ``lines`` are the commands that came, and
    ``stored`` is what was uploaded. With ``context`` it goes through TLS, without a goodbye.
    """

    answers: Mapping[str, Answer] = field(default_factory=dict)
    data: bytes | None = b"data"
    greeting: bytes = b"220 ready\r\n"
    before: bytes = b"150 here it comes\r\n"
    after: bytes = b"226 done\r\n"
    lines: list[str] = field(default_factory=list)
    stored: bytes = b""
    context: ssl.SSLContext | None = None
    listener: socket.socket | None = None

    def __call__(self, client: Client) -> None:
        client.send(self.greeting)
        with client.socket.makefile("rb") as file:
            try:
                while line := file.readline():
                    self.lines.append(line.decode("latin-1").rstrip("\r\n"))
                    self._answer(self.lines[-1].partition(" ")[0], client)
            finally:
                self._close_listener()

    @property
    def verbs(self) -> list[str]:
        return [line.partition(" ")[0] for line in self.lines]

    def listen(self) -> int:
        """Wait for a connection for data, and return the port."""
        self._close_listener()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(PATIENCE)
        port: int = self.listener.getsockname()[1]
        return port

    def accept(self) -> socket.socket:
        """Return the connection for data."""
        assert self.listener is not None
        connection = self.listener.accept()[0]
        if self.context is None:
            return connection
        return self.context.wrap_socket(connection, server_side=True)

    def _answer(self, verb: str, client: Client) -> None:
        answer = self.answers.get(verb)
        if callable(answer):
            answer(self, client)
        elif answer is not None:
            client.send(answer)
        elif verb == "EPSV":
            client.send(b"229 Go on (|||%d|)\r\n" % self.listen())
        elif verb == "PASV":
            port = self.listen()
            client.send(b"227 Go on (127,0,0,1,%d,%d)\r\n" % divmod(port, 256))
        elif verb in _DOWNLOADS:
            self._send(client)
        elif verb in _UPLOADS:
            self._receive(client)
        elif verb == "QUIT":
            client.send(b"221 bye\r\n")
        else:
            client.send(_REPLIES.get(verb, b"500 what?\r\n"))

    def _send(self, client: Client) -> None:
        client.send(self.before)
        with closing(self.accept()) as connection, suppress(OSError):
            if self.data is None:
                connection.sendall(b"only this")
                reset = Client(connection, 0, [])
                reset.reset()
                reset.close()
            else:
                connection.sendall(self.data)
        client.send(self.after)

    def _receive(self, client: Client) -> None:
        client.send(self.before)
        with closing(self.accept()) as connection, connection.makefile("rb") as file:
            self.stored += file.read()
        client.send(self.after)

    def _close_listener(self) -> None:
        if self.listener is not None:
            self.listener.close()
            self.listener = None
