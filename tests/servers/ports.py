"""Ports of 127.0.0.1 that a test can rely on."""

from __future__ import annotations

import socket
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def held_ports(number: int) -> Iterator[list[int]]:
    """Hold ports on which nothing listens, so that nobody who wants any port is given them.

    Who connects is refused. On Linux a server may listen there that sets SO_REUSEADDR, as all do
    that want to be started again soon.
    """
    with ExitStack() as stack:
        ports = []
        for _ in range(number):
            sock = stack.enter_context(socket.socket())
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(("127.0.0.1", 0))
            ports.append(sock.getsockname()[1])
        yield ports


@contextmanager
def held_datagram_port() -> Iterator[int]:
    """Hold a UDP port on which nothing listens: who sends something there is refused.

    Its socket is connected, to itself, and takes nothing from anybody else. On Linux a server may
    listen there that sets SO_REUSEADDR.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", 0))
        sock.connect(sock.getsockname())
        yield sock.getsockname()[1]
