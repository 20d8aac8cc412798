"""``resolve``: every address that a name means, as ``socket.socket`` and ``connect`` take it."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from sockettools.cli.status import ExitStatus
from sockettools.net.address import UnixAddress, is_ipv6, parse_address, resolve, resolve_host
from sockettools.net.dial import in_thread
from sockettools.text import visible

if TYPE_CHECKING:
    import argparse

    from sockettools.cli.streams import Streams
    from sockettools.net.address import Address, Candidate

HELP = "show every address that the resolver gives for a name: family, type, protocol"

_PROTOCOLS = {socket.IPPROTO_TCP: "TCP", socket.IPPROTO_UDP: "UDP"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "name",
        metavar="NAME",
        help='a host, HOST:PORT, HOST:SERVICE, udp:HOST:PORT, unix:/PATH; "" is any interface',
    )


def main(arguments: argparse.Namespace, streams: Streams) -> ExitStatus:
    """Print a line for every candidate."""
    address = _address(arguments.name)
    has_type = arguments.name.startswith(("tcp:", "udp:"))
    # getaddrinfo() cannot be interrupted: in a thread it does not hold up Ctrl-C.
    candidates = in_thread(lambda: _candidates(address, has_type=has_type))
    streams.print("".join(f"{visible(line)}\n" for line in _table(candidates)))
    return ExitStatus.DONE


def _address(name: str) -> Address:
    """Read a name whose port may be missing; then it is 0."""
    if is_ipv6(name):
        name = f"[{name}]"
    elif name.isascii() and name.isdigit():
        name = f"{name}:0"  # 32 bits of a host: there is nothing else that it could be here
    return parse_address(name, default_port=0)


def _candidates(address: Address, *, has_type: bool) -> list[Candidate]:
    if isinstance(address, UnixAddress):
        return resolve(address)
    kind = address.kind if has_type else None
    return resolve_host(address.host, address.port, kind, listening=not address.host)


def _table(candidates: list[Candidate]) -> list[str]:
    rows = [
        (
            candidate.family.name,
            candidate.kind.name,
            _PROTOCOLS.get(candidate.protocol, str(candidate.protocol)),
            _sockaddr(candidate),
        )
        for candidate in candidates
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _sockaddr(candidate: Candidate) -> str:
    """Return the address in the way in which it is written, without a port that is none."""
    if isinstance(candidate.sockaddr, str):
        return candidate.sockaddr.replace("\0", "@", 1)
    host, port = candidate.sockaddr[:2]
    if candidate.family == socket.AF_INET6 and (scope := candidate.sockaddr[3]):
        host += f"%{socket.if_indextoname(scope)}"
    if not port:
        return str(host)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
