"""A proxy for tests: forwards requests in absolute-form, and connects where CONNECT says."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.servers.scripted import PATIENCE, ScriptedServer, answer

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.scripted import Client, Request


def proxy(certificate: Path | None = None, names: dict[str, str] | None = None) -> ScriptedServer:
    """Return a proxy; ``names`` says which "host:port" leads to which address of that form."""

    def serve(client: Client) -> None:
        request = client.read_request()
        if request is None:
            return
        is_tunnel = request.method == "CONNECT"
        target = request.target if is_tunnel else urlsplit(request.target).netloc
        host, _, port = (names or {}).get(target, target).rpartition(":")
        try:
            origin = socket.create_connection((host, int(port)), PATIENCE)
        except OSError:
            client.send(answer(status="502 Bad Gateway"))
            return
        with origin:
            if is_tunnel:
                client.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
                _pump_both(client, origin)
            else:
                _forward(request, client, origin)

    return ScriptedServer(serve, certificate=certificate)


def _forward(request: Request, client: Client, origin: socket.socket) -> None:
    """Forward one request, and the answer until its end, after which both are closed."""
    parts = urlsplit(request.target)
    target = parts._replace(scheme="", netloc="").geturl()
    line, _, rest = request.head.partition(b"\r\n")
    line = line.replace(request.target.encode(), target.encode())
    origin.sendall(line + b"\r\nConnection: close\r\n" + rest + request.body)
    _pump(origin, client.socket)


def _pump_both(client: Client, origin: socket.socket) -> None:
    back = threading.Thread(target=_pump, args=(origin, client.socket))
    back.start()
    _pump(client.socket, origin)
    back.join(PATIENCE)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)
    for sock, way in ((sink, socket.SHUT_WR), (source, socket.SHUT_RD)):
        with suppress(OSError):
            sock.shutdown(way)
