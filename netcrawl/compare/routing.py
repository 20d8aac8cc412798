"""Sends every TCP connection of a Python program to the relay, without the program's knowing.

``python -m netcrawl.compare.routing MODULE ARGUMENT...`` is ``python -m MODULE ARGUMENT...`` with
its connections relayed. ``socket.socket.connect`` is replaced for the whole process, through which
the standard library, asyncio, Twisted and all that is built on them connect. The source port tells
the relay which destination a connection is meant for. Other programs that this one starts are not
relayed.

Only the standard library is imported here, and little of it: it is a part of every program that is
measured.
"""

from __future__ import annotations

import atexit
import errno
import json
import os
import socket
import sys
from collections import deque
from contextlib import suppress
from time import monotonic
from typing import Any
from weakref import WeakKeyDictionary

# The variable of the environment that has the path of the relay's Unix socket.
RELAY = "NETCRAWL_RELAY"

# The relay's answer is short.
_MAX_REPLY = 4096

# Twisted connects a second time to learn what became of the first: to the same place.
_routed_to: WeakKeyDictionary[socket.socket, tuple[str, int]] = WeakKeyDictionary()

_untold: deque[dict[str, Any]] = deque()

_connect = socket.socket.connect
_connect_ex = socket.socket.connect_ex
_getaddrinfo = socket.getaddrinfo
_gethostbyname = socket.gethostbyname


def install() -> None:
    """Relay from now on; without a relay in the environment do nothing."""
    if RELAY not in os.environ:
        return
    socket.socket.connect = connect  # type: ignore[method-assign, assignment]
    socket.socket.connect_ex = connect_ex  # type: ignore[method-assign, assignment]
    socket.getaddrinfo = getaddrinfo
    socket.gethostbyname = gethostbyname
    atexit.register(_flush)


def mark(name: str) -> None:
    """Tell the relay, if there is one, that a moment has come."""
    _tell({"mark": name, "time": monotonic()})


def connect(sock: socket.socket, address: Any) -> None:
    """As ``socket.socket.connect``, by way of the relay."""
    return _connect(sock, _routed(sock, address))


def connect_ex(sock: socket.socket, address: Any) -> int:
    """As ``socket.socket.connect_ex``, by way of the relay."""
    try:
        address = _routed(sock, address)
    except OSError as exc:
        if exc.errno is None:
            raise
        return exc.errno
    return _connect_ex(sock, address)


def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
    """As ``socket.getaddrinfo``; the relay is told of it."""
    begun = monotonic()
    try:
        found = _getaddrinfo(host, *args, **kwargs)
    except OSError as exc:
        _tell_lookup(host, begun, [], str(exc.strerror or exc))
        raise
    _tell_lookup(host, begun, list(dict.fromkeys(str(one[4][0]) for one in found)), "")
    return found


def gethostbyname(host: str) -> str:
    """As ``socket.gethostbyname``; the relay is told of it."""
    begun = monotonic()
    try:
        found = _gethostbyname(host)
    except OSError as exc:
        _tell_lookup(host, begun, [], str(exc.strerror or exc))
        raise
    _tell_lookup(host, begun, [found], "")
    return found


def _routed(sock: socket.socket, address: Any) -> Any:
    """Return the relay's address in the place of the one that is wished.

    Raises:
        OSError: the destination has refused, as far as the relay knows by now.
    """
    is_tcp = sock.family in (socket.AF_INET, socket.AF_INET6) and sock.type == socket.SOCK_STREAM
    if not is_tcp:
        return address
    if sock in _routed_to:
        return _routed_to[sock]
    if not _is_numeric(address[0]):
        address = getaddrinfo(address[0], address[1], sock.family, sock.type)[0][4]
    loopback = "::1" if sock.family == socket.AF_INET6 else "127.0.0.1"
    if not sock.getsockname()[1]:
        sock.bind((loopback, 0))
    timeout = sock.gettimeout()
    reply = _ask(
        {
            "connect": address,
            "source": sock.getsockname()[1],
            "time": monotonic(),
            "waits": timeout != 0,
        },
        timeout or None,
    )
    if code := reply.get("errno"):
        raise OSError(code, os.strerror(code))
    _routed_to[sock] = (loopback, reply["port"])
    return _routed_to[sock]


def _tell_lookup(host: Any, begun: float, addresses: list[str], error: str) -> None:
    name = os.fsdecode(host) if isinstance(host, bytes) else str(host)
    if host and not _is_numeric(name):
        _tell(
            {
                "lookup": name,
                "begun": begun,
                "time": monotonic(),
                "addresses": addresses,
                "error": error,
            }
        )


def _is_numeric(host: str) -> bool:
    try:
        _getaddrinfo(host or None, 0, flags=socket.AI_NUMERICHOST | socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        return False
    return True


def _tell(message: dict[str, Any]) -> None:
    """Tell it with the next question, or at the end: to wait for the relay now would take time."""
    if RELAY in os.environ:
        _untold.append(message)


def _flush() -> None:
    if _untold:
        with suppress(OSError):  # the relay has ended first
            _ask({})


def _ask(message: dict[str, Any], timeout: float | None = None) -> dict[str, Any]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(timeout)
        _connect(sock, os.environ[RELAY])
        told = [_untold.popleft() for _ in range(len(_untold))]
        sock.sendall(json.dumps({**message, "told": told}).encode() + b"\n")
        data = b""
        while not data.endswith(b"\n"):
            piece = sock.recv(_MAX_REPLY)
            if not piece:
                raise ConnectionRefusedError(errno.ECONNREFUSED, "the relay is gone")
            data += piece
        reply = json.loads(data)
        assert isinstance(reply, dict)  # for the type checker
        return reply


def main() -> None:
    """Run a module as ``python -m`` does."""
    import runpy

    install()
    # runpy puts the module's file in the place of the first word.
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
