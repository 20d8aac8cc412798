"""A fast server for endurance runs: each path is another way to answer, or not to.

``python -m tests.servers.mixed FOLDER``: with a folder for its certificate. It prints a port for
clear text, which takes CONNECT and then is the origin itself, and one for TLS.
"""

from __future__ import annotations

import asyncio
import gzip
import re
import socket
import struct
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

from sockettools.net.tls import server_context
from tests.servers.certificates import Authority
from tests.servers.daemons import daemon_folder
from tests.servers.scripted import answer, chunked, head

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]

PAGE = b"<p>But soft, what light through yonder window breaks?</p>\n" * 150
LARGE = PAGE * 10

_HTML = "Content-Type: text/html; charset=utf-8"

# Those after which the connection goes on.
_KEPT = {
    "/page": answer(PAGE, _HTML),
    "/chunked": head("Transfer-Encoding: chunked", _HTML)
    + chunked(*(PAGE[start : start + 1500] for start in range(0, len(PAGE), 1500))),
    "/missing": answer(b"no", _HTML, status="404 Not Found"),
    "/large": answer(LARGE, _HTML),
    "/gzip": answer(gzip.compress(LARGE), _HTML, "Content-Encoding: gzip"),
    # Nothing comes after these; it is for the client to lose its patience.
    "/silence": b"",
    "/stall": head(f"Content-Length: {len(LARGE)}") + PAGE,
}

# Those after which it is closed.
_CLOSED = {
    "/close": answer(PAGE, _HTML, "Connection: close"),
    "/until-end": head(_HTML, "Connection: close") + PAGE,
    "/cut": head(f"Content-Length: {len(PAGE)}") + PAGE[:4000],
    "/garbage": b"\0nonsense\r\n\r\n",
    "/endless-head": head(*("X: " + "x" * 1000 for _ in range(300))),
}

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")


class _Mixed(asyncio.Protocol):
    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        self._unread = b""
        self._upgrade: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.data_received(b"")

    def data_received(self, data: bytes) -> None:
        self._unread += data
        if self._transport is None:
            return  # in a tunnel, the client can be faster than ``start_tls``
        if self._unread[:1] == b"\x16":  # a handshake for TLS where there is none
            self._transport.write(answer(status="400 Bad Request"))
            self._transport.close()
            return
        while (end := self._unread.find(b"\r\n\r\n")) >= 0:
            asked = self._unread[:end]
            if asked.startswith(b"POST"):
                length = _LENGTH.search(asked)
                assert length is not None
                end += int(length[1])
                if len(self._unread) < end + 4:
                    return
            self._unread = self._unread[end + 4 :]
            method, target, _ = asked.partition(b"\r\n")[0].decode("latin-1").split(" ")
            self._answer(self._transport, method, target)

    def _answer(self, transport: asyncio.Transport, method: str, target: str) -> None:
        if method == "CONNECT":
            transport.pause_reading()
            transport.write(head(status="200 Connection established"))
            self._upgrade = asyncio.create_task(self._begin_tls(transport))
        elif method == "HEAD":
            transport.write(head(f"Content-Length: {len(PAGE)}", _HTML))
        elif target == "/reset":
            sock = transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
        elif (kept := _KEPT.get(target)) is not None:
            transport.write(kept)
        else:
            transport.write(_CLOSED[target])
            transport.close()

    async def _begin_tls(self, outer: asyncio.Transport) -> None:
        inner = _Mixed(self._context)
        try:
            transport = await asyncio.get_running_loop().start_tls(
                outer, inner, self._context, server_side=True
            )
        except OSError:
            return  # the client has gone
        if transport is not None:
            inner.connection_made(transport)


async def _serve(folder: Path) -> None:
    Authority(folder).issue(folder / "tls.pem")
    context = server_context(str(folder / "tls.pem"))
    loop = asyncio.get_running_loop()
    plain, encrypted = [
        await loop.create_server(lambda: _Mixed(context), "127.0.0.1", 0, backlog=1024, ssl=tls)
        for tls in (None, context)
    ]
    print(*(each.sockets[0].getsockname()[1] for each in (plain, encrypted)), flush=True)
    await asyncio.Event().wait()


@contextmanager
def mixed_server() -> Iterator[tuple[int, int]]:
    """Run it in a process of its own; yield its ports, for clear text and for TLS."""
    with (
        daemon_folder() as folder,
        subprocess.Popen(
            [sys.executable, "-m", __name__, folder], cwd=ROOT, stdout=subprocess.PIPE, text=True
        ) as process,
    ):
        assert process.stdout is not None
        try:
            plain, encrypted = map(int, process.stdout.readline().split())
            yield plain, encrypted
        finally:
            process.kill()


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1])))
