"""The greeting and the echo server on Twisted, to compare ``sockettools serve`` with.

``python -m netcrawl.compare.twisted_server greet|echo``. It listens on a free port of 127.0.0.1,
tells it in the first line, and serves until it is killed.
"""

from __future__ import annotations

import sys
from typing import Any

# As sockettools has it.
BACKLOG = 4096


def main(service: str) -> None:
    """Serve."""
    # Importing it chooses the reactor; not for who imports this module.
    from twisted.internet import interfaces, protocol
    from twisted.internet import reactor as installed
    from zope.interface import implementer

    reactor: Any = installed

    class Greet(protocol.Protocol):
        transport: Any

        def connectionMade(self) -> None:  # noqa: N802 - Twisted's name
            self.transport.write(b"Thank you for connecting")
            self.transport.loseConnection()

    # Without this, what is not sent yet when the client has said its last is thrown away.
    @implementer(interfaces.IHalfCloseableProtocol)
    class Echo(protocol.Protocol):
        transport: Any

        def connectionMade(self) -> None:  # noqa: N802
            # A client that does not read is not listened to: else all of it is kept in memory.
            self.transport.registerProducer(self.transport, streaming=True)

        def dataReceived(self, data: bytes) -> None:  # noqa: N802
            self.transport.write(data)

        def readConnectionLost(self) -> None:  # noqa: N802
            self.transport.unregisterProducer()
            self.transport.loseConnection()

        def writeConnectionLost(self) -> None:  # noqa: N802
            pass

    protocols = {"greet": Greet, "echo": Echo}
    factory = protocol.Factory.forProtocol(protocols[service])
    factory.noisy = False
    port = reactor.listenTCP(0, factory, backlog=BACKLOG, interface="127.0.0.1")
    print(f"Serving {service} on 127.0.0.1:{port.getHost().port}", flush=True)
    reactor.run()


if __name__ == "__main__":
    main(sys.argv[1])
