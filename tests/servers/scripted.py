"""A server for tests that says, byte for byte, what a script tells it to say.

Unlike a web server it can be wrong: close too early, answer what nobody asked, or never end.
"""

from __future__ import annotations

import re
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sockettools.lifetime import Running
from sockettools.net.tls import server_context

if TYPE_CHECKING:
    from pathlib import Path

# Seconds not to be waited for in a test that passes.
PATIENCE = 60


@dataclass(frozen=True)
class Request:
    """What was asked; ``connection`` counts from 0."""

    head: bytes
    body: bytes
    connection: int

    @property
    def line(self) -> str:
        """Method, target and version."""
        return self.head.partition(b"\r\n")[0].decode("latin-1")

    @property
    def method(self) -> str:
        """The first word."""
        return self.line.split(" ")[0]

    @property
    def target(self) -> str:
        """The second word."""
        return self.line.split(" ")[1]

    def field(self, name: str) -> str | None:
        """Return a field's value; of several, all with commas between them."""
        values = re.findall(rb"(?mi)^%b:[ \t]*(.*?)[ \t]*\r$" % re.escape(name.encode()), self.head)
        return b", ".join(values).decode("latin-1") if values else None


class Client:
    """A connection, as a script sees it."""

    def __init__(self, sock: socket.socket, number: int, requests: list[Request]) -> None:
        self.socket = sock
        self.number = number
        self._requests = requests
        self._file = sock.makefile("rb")

    def read_head(self) -> Request | None:
        """Wait for a request's head and remember it; None when the client has closed."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = self._file.readline()
            if not line:
                return None
            head += line
        request = Request(head, b"", self.number)
        self._requests.append(request)
        return request

    def read_request(self) -> Request | None:
        """Wait for a request and remember it; None when the client has closed."""
        request = self.read_head()
        if request is None or not (length := int(request.field("Content-Length") or 0)):
            return request
        whole = Request(request.head, self.read(length), self.number)
        self._requests[self._requests.index(request)] = whole
        return whole

    def read(self, size: int) -> bytes:
        """Return so many octets, or what came before the client closed."""
        return self._file.read(size)

    def send(self, data: bytes) -> None:
        """Send all of it."""
        self.socket.sendall(data)

    def wait_for_end(self) -> None:
        """Read until the client closes."""
        with suppress(OSError):
            while self._file.read1(65_536):
                pass

    def reset(self) -> None:
        """Break the connection off."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def end(self) -> None:
        """Send no more, and read until the client closes.

        A close while something is unread is a reset, which may destroy what was sent before it.
        """
        socket.socket.shutdown(self.socket, socket.SHUT_WR)
        self.wait_for_end()

    def close(self) -> None:
        """Close it."""
        self._file.close()
        self.socket.close()


# A function does what it likes with a connection, which is closed when it returns. Bytes are the
# answer to every request; a tuple has one answer for each, and the connection is closed after them.
Script = Callable[[Client], object] | bytes | tuple[bytes, ...]


class ScriptedServer(Running):
    """Runs a script for each connection, the last one for all further ones, on a loopback address.

    ``requests`` are all that came, ``connections`` counts how often somebody connected.
    """

    def __init__(
        self, *scripts: Script, certificate: Path | None = None, host: str = "127.0.0.1"
    ) -> None:
        self.requests: list[Request] = []
        self.connections = 0
        self._scripts = scripts
        self._context = server_context(str(certificate)) if certificate else None
        self._listener = socket.create_server((host, 0))
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._is_stopping = False
        self._threads = [threading.Thread(target=self._accept)]
        self.port: int = self._listener.getsockname()[1]
        self.address = f"{host}:{self.port}"
        self.url = f"{'https' if certificate else 'http'}://{self.address}"

    def start(self) -> None:
        """Begin."""
        self._threads[0].start()

    def close(self) -> None:
        """End all connections, and wait until the scripts have noticed."""
        self._is_stopping = True
        with suppress(OSError):
            socket.create_connection(self._listener.getsockname()).close()
        self._threads[0].join(PATIENCE)
        with self._lock:
            for sock in self._open:
                with suppress(OSError):
                    # Not the method of a socket with TLS, which would not be for another thread.
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            sock, _ = self._listener.accept()
            if self._is_stopping:
                sock.close()
                return
            script = self._scripts[min(self.connections, len(self._scripts) - 1)]
            thread = threading.Thread(target=self._serve, args=(sock, self.connections, script))
            self.connections += 1
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket, number: int, script: Script) -> None:
        with suppress(OSError):  # the client goes away whenever it likes
            try:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if self._context:
                    sock = self._context.wrap_socket(sock, server_side=True)
                with self._lock:
                    self._open.add(sock)
                client = Client(sock, number, self.requests)
                try:
                    _follow(script, client)
                finally:
                    client.close()
            finally:
                with self._lock:
                    self._open.discard(sock)
                sock.close()


def _follow(script: Script, client: Client) -> None:
    if callable(script):
        script(client)
        return
    if isinstance(script, bytes):
        while (request := client.read_request()) is not None:
            client.send(script)
            if request.field("Connection") == "close":
                break
        return
    for answer in script:
        if client.read_request() is None:
            return
        client.send(answer)


def answer(body: bytes = b"", *fields: str, status: str = "200 OK", version: str = "1.1") -> bytes:
    """Return an answer with a Content-Length."""
    lines = [f"HTTP/{version} {status}", f"Content-Length: {len(body)}", *fields, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def head(*fields: str, status: str = "200 OK", version: str = "1.1") -> bytes:
    """Return the head of an answer as it is given."""
    return "\r\n".join([f"HTTP/{version} {status}", *fields, "", ""]).encode("latin-1")


def redirect(location: str, status: str = "302 Found") -> bytes:
    """Return an answer that leads somewhere else."""
    return answer(b"", f"Location: {location}", status=status)


def chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    """Return a body in chunks."""
    return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + end
