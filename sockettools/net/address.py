"""Addresses as people write them, and as sockets take them.

============================  ==============================================================
``127.0.0.1:12345``           a dotted quad and a port
``example.com:http``          a host name, and a service by its name
``[::1]:80``                  IPv6 stands in brackets; ``[fe80::1%eth0]:80`` has a scope
``:12345``                    any interface of this machine (to connect to: the machine itself)
``<broadcast>:12345``         every machine of the local network (UDP)
``2130706433:80``             an integer is the 32 bits of an IPv4 address
``unix:/run/app.sock``        a socket in the file system
``unix:@app``                 one in Linux's abstract namespace, without a file
``udp:127.0.0.1:12345``       datagrams instead of a stream
============================  ==============================================================
"""

from __future__ import annotations

import ipaddress
import os
import re
import socket
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sockettools.errors import AddressError, ResolveError

if TYPE_CHECKING:
    from typing import Any

STREAM = socket.SOCK_STREAM
DATAGRAM = socket.SOCK_DGRAM

BROADCAST = "<broadcast>"
BROADCAST_IP = "255.255.255.255"

# Octets of sun_path less the NUL at its end: 108 in Linux's <sys/un.h>, 104 in the BSDs'.
MAX_UNIX_PATH = 107 if sys.platform == "linux" else 103

# The services of the chapter, for machines without an /etc/services (a slim container).
_SERVICES = {
    "echo": 7,
    "discard": 9,
    "daytime": 13,
    "ftp": 21,
    "telnet": 23,
    "smtp": 25,
    "time": 37,
    "gopher": 70,
    "http": 80,
    "pop3": 110,
    "nntp": 119,
    "imap2": 143,
    "https": 443,
}


_SCHEMES = {"tcp", "udp", "unix"}


@dataclass(frozen=True)
class InternetAddress:
    """A host, as a name or a number, and a port; ``host`` "" is any interface."""

    host: str
    port: int
    kind: socket.SocketKind = STREAM

    def __str__(self) -> str:
        if self.kind == DATAGRAM:
            return f"udp:{self.host_and_port}"
        # A host may be called "udp".
        return f"tcp:{self.host_and_port}" if self.host in _SCHEMES else self.host_and_port

    @property
    def host_and_port(self) -> str:
        """What stands behind the scheme."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True)
class UnixAddress:
    """A path in the file system, or a name in the abstract namespace."""

    path: str
    abstract: bool = False
    kind: socket.SocketKind = STREAM

    def __str__(self) -> str:
        return f"unix:{'@' if self.abstract else ''}{self.path}"

    def sockaddr(self) -> str:
        """Return what a socket takes."""
        return f"\0{self.path}" if self.abstract else self.path


Address = InternetAddress | UnixAddress


@dataclass(frozen=True)
class Candidate:
    """What ``socket.socket`` and ``connect`` or ``bind`` take: one way to reach an address."""

    family: socket.AddressFamily
    kind: socket.SocketKind
    protocol: int
    sockaddr: Any


def parse_address(text: str, default_port: int | None = None) -> Address:
    """Read an address as a person writes it; without a port it has the default.

    Raises:
        AddressError: it is none, with one line on what is wrong.

    >>> parse_address("[::1]:http")
    InternetAddress(host='::1', port=80, kind=<SocketKind.SOCK_STREAM: 1>)
    """
    scheme, colon, rest = text.partition(":")
    if colon and scheme == "unix":
        return _unix_address(rest)
    kind = STREAM
    if colon and scheme in {"tcp", "udp"}:
        kind = DATAGRAM if scheme == "udp" else STREAM
        text = rest
    host, port = _host_and_port(text)
    if port:
        number = parse_port(port, kind)
    elif default_port is not None:
        number = default_port
    else:
        raise AddressError(f"{text!r} has no port: write HOST:PORT")
    return InternetAddress(_host(host), number, kind)


def parse_port(text: str, kind: socket.SocketKind = STREAM) -> int:
    """Read a port: a decimal number or the name of a service.

    Raises:
        AddressError: out of range, or a service that nobody knows.
    """
    if text.isascii() and text.isdigit():
        if len(text) <= 5 and int(text) <= 65535:
            return int(text)
        raise AddressError(f"port {text[:20]} is out of range: 0 to 65535")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9+._-]*", text):
        raise AddressError(f"{text!r} is neither a port from 0 to 65535 nor a service")
    try:
        return socket.getservbyname(text, "udp" if kind == DATAGRAM else "tcp")
    except OSError:
        if text in _SERVICES:
            return _SERVICES[text]
        protocol = "UDP" if kind == DATAGRAM else "TCP"
        raise AddressError(f"no {protocol} service is called {text!r}") from None


def resolve(address: Address, *, listening: bool = False) -> list[Candidate]:
    """Ask the resolver for every way to reach ``address``, in the order that it prefers.

    It can take as long as the name servers do: ``dial`` has a deadline for it.

    Raises:
        ResolveError: the name means no address.
    """
    if isinstance(address, UnixAddress):
        return [Candidate(_unix_family(), address.kind, 0, address.sockaddr())]
    return resolve_host(address.host, address.port, address.kind, listening=listening)


def resolve_host(
    host: str, port: int = 0, kind: socket.SocketKind | None = None, *, listening: bool = False
) -> list[Candidate]:
    """Resolve for one type of socket, or for every type that there is; see ``resolve``.

    Raises:
        ResolveError: the name means no address.
    """
    try:
        found = socket.getaddrinfo(
            BROADCAST_IP if host == BROADCAST else host or None,
            port,
            type=kind or 0,
            flags=socket.AI_PASSIVE if listening else 0,
        )
    except socket.gaierror as exc:
        raise ResolveError(f"unknown host {host!r}: {exc.strerror}") from exc
    except UnicodeError as exc:  # a label of more than 63 octets, or of no letters at all
        raise ResolveError(f"unknown host {host!r}: not a host name") from exc
    except OSError as exc:  # no more files to be opened, for one
        raise ResolveError(f"cannot look up {host!r}: {exc.strerror or exc}") from exc
    return [
        Candidate(socket.AddressFamily(family), socket.SocketKind(kind), protocol, sockaddr)
        for family, kind, protocol, _, sockaddr in found
    ]


def is_ipv6(text: str) -> bool:
    """Tell whether it is an IPv6 address, with or without a scope, and without brackets."""
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def _host_and_port(text: str) -> tuple[str, str]:
    """Split at the colon before the port; the port is "" where there is none."""
    if match := re.fullmatch(r"\[([^\]]*)\](?::(.*))?", text):
        if not is_ipv6(match[1]):
            raise AddressError(f"{match[1]!r} is not an IPv6 address")
        return match[1], match[2] or ""
    if text.count(":") > 1:
        written = f"[{text}]:PORT" if is_ipv6(text) else "HOST:PORT or [IPV6]:PORT"
        raise AddressError(f"{text!r} has too many colons: write {written}")
    host, _, port = text.partition(":")
    if not port and host.isascii() and host.isdigit():
        raise AddressError(f"{text!r} may be a host or a port: write :{host} for the port")
    return host, port


def _host(text: str) -> str:
    if not (text.isascii() and text.isdigit()):
        if re.search(r"[ /@\[\]]", text) or not text.isprintable():
            raise AddressError(f"{text!r} is not a host")
        return text
    if len(text) > 10 or int(text) > 0xFFFFFFFF:
        raise AddressError(f"{text[:20]} has more than the 32 bits of an IPv4 address")
    return str(ipaddress.IPv4Address(int(text)))


def _unix_address(text: str) -> UnixAddress:
    abstract = text.startswith("@")
    path = text.removeprefix("@")
    if not path or "\0" in path:
        raise AddressError("a Unix socket has a path: write unix:/PATH or unix:@NAME")
    if abstract and sys.platform != "linux":
        raise AddressError("only Linux has abstract Unix sockets: write unix:/PATH")
    try:
        size = len(os.fsencode(path))
    except UnicodeEncodeError:
        raise AddressError(f"{path!r} cannot be the path of a Unix socket") from None
    if size > MAX_UNIX_PATH:
        raise AddressError(
            f"the path of a Unix socket has at most {MAX_UNIX_PATH} bytes, this one has {size}"
        )
    return UnixAddress(path, abstract)


def _unix_family() -> socket.AddressFamily:
    if not hasattr(socket, "AF_UNIX"):
        raise ResolveError("this system has no Unix sockets")
    return socket.AF_UNIX
