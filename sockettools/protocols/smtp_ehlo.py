"""What EHLO says of this machine, and what its answer tells (RFC 5321 section 4.1.1.1)."""

from __future__ import annotations

import re
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

from sockettools.net.stream import SocketStream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sockettools.net.stream import Stream

_HOST_NAME = re.compile(r"(?!localhost\.)[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


def parse_extensions(lines: Sequence[str]) -> dict[str, list[str]]:
    """Read the lines of EHLO's answer after the first: keywords and their parameters.

    >>> parse_extensions(["SIZE 1000", "auth PLAIN", "AUTH=LOGIN"])
    {'SIZE': ['1000'], 'AUTH': ['PLAIN', 'LOGIN']}
    """
    extensions: dict[str, list[str]] = {}
    for line in lines:
        # Servers once wrote AUTH=LOGIN, and some still do beside the right one.
        words = re.sub(r"(?i)\Aauth=", "AUTH ", line.strip()).split()
        if words:
            extensions.setdefault(words[0].upper(), []).extend(words[1:])
    return extensions


def own_name(stream: Stream) -> str:
    """Return what this machine calls itself in EHLO (RFC 5321 section 4.1.4).

    It is the host name where that has a domain, else the address that the stream begins at. The
    resolver is not asked, as smtplib does: it may take its time, and knows no better.
    """
    name = socket.gethostname()
    if _HOST_NAME.fullmatch(name):
        return name
    while inner := getattr(stream, "inner", None):
        stream = inner
    if isinstance(stream, SocketStream) and stream.socket.family in (
        socket.AF_INET,
        socket.AF_INET6,
    ):
        with suppress(OSError):
            host = str(stream.socket.getsockname()[0]).partition("%")[0]
            return f"[IPv6:{host}]" if ":" in host else f"[{host}]"
    return "[127.0.0.1]"
