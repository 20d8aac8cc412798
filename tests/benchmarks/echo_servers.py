"""The echo servers that ``serve`` is compared with.

``python -m tests.benchmarks.echo_servers KIND``, where KIND is twisted, asyncio or bare. Each
prints its port once it listens on 127.0.0.1, and runs until it is killed.
"""

from __future__ import annotations

import asyncio
import select
import socket
import sys

BACKLOG = 4096


def twisted() -> None:
    from twisted.internet import epollreactor

    epollreactor.install()
    from twisted.internet import protocol, reactor

    class Echo(protocol.Protocol):
        def dataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
            self.transport.write(data)  # type: ignore[union-attr]

    factory = protocol.Factory.forProtocol(Echo)
    port = reactor.listenTCP(0, factory, backlog=BACKLOG, interface="127.0.0.1")  # type: ignore[attr-defined]
    print(port.getHost().port, flush=True)
    reactor.run()  # type: ignore[attr-defined]


async def asyncio_streams() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0, backlog=BACKLOG)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def bare() -> None:
    """Nothing but the system calls and a dictionary: what Python itself costs."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
    listener.setblocking(False)
    poll = select.epoll()
    poll.register(listener, select.EPOLLIN)
    clients: dict[int, socket.socket] = {}
    print(listener.getsockname()[1], flush=True)
    while True:
        for number, _ in poll.poll():
            if number == listener.fileno():
                sock, _ = listener.accept()
                sock.setblocking(False)
                clients[sock.fileno()] = sock
                poll.register(sock, select.EPOLLIN)
                continue
            sock = clients[number]
            try:
                data = sock.recv(65536)
            except OSError:
                data = b""
            if data:
                sock.send(data)
            else:
                del clients[number]
                sock.close()


def main(kind: str) -> None:
    match kind:
        case "twisted":
            twisted()
        case "asyncio":
            asyncio.run(asyncio_streams())
        case _:
            bare()


if __name__ == "__main__":
    main(sys.argv[1])
