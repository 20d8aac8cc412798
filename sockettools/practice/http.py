"""What the practice web makes of a request: which page is asked for, where, and with what.

The message itself is the engine's. Section numbers are those of RFC 9112.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from sockettools.errors import RemoteProtocolError, SocketToolsError
from sockettools.http1.fields import Fields
from sockettools.http1.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sockettools.http1.events import Request as RequestHead

# A line of 8 kB is what Apache and nginx take; no browser needs more to ask for a page.
LIMITS = Limits(line=8_192, head=32_768, fields=100, body=1_048_576)

# What a page answers to, unless it says otherwise, and what some page does.
READING = ("GET", "HEAD")
METHODS = (*READING, "POST", "PUT", "PATCH", "DELETE")

_ABSOLUTE_FORM = re.compile(r"(?i:http)://(?P<authority>[^/?#]*)(?P<rest>[/?#].*)?")
_AUTHORITY = re.compile(r"(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{0,5}))?")


class BadArgument(SocketToolsError):
    """The page takes no such value, in its path or in its query."""


@dataclass(frozen=True)
class Request:
    """What a page wants to know.

    ``path`` is percent-encoded and without the query. ``origin`` is the scheme and authority under
    which the page was asked for, which its links begin with. ``arguments`` are the parts of the
    path that the page's pattern names, and where there is none of a name, those of the query.
    """

    method: str
    target: str
    path: str
    origin: str
    query: str = ""
    fields: Fields = field(default_factory=Fields)
    body: bytes = b""
    arguments: Mapping[str, str] = field(default_factory=dict)

    def parameters(self) -> list[tuple[str, str]]:
        """Return the names and values of the query, in order."""
        try:
            return parse_qsl(self.query, keep_blank_values=True, max_num_fields=LIMITS.fields)
        except ValueError as exc:
            raise BadArgument(f"more than {LIMITS.fields} parameters") from exc

    def argument(self, name: str, default: str | None = None) -> str:
        """Return one argument.

        Raises:
            BadArgument: it is missing, and there is no default.
        """
        value = self.arguments.get(name) or dict(self.parameters()).get(name, default)
        if value is None:
            raise BadArgument(f"{name} is missing")
        return value

    def number(self, name: str, low: int, high: int, default: int | None = None) -> int:
        """Return a whole number from ``low`` to ``high``.

        Raises:
            BadArgument: it is none, or another one.
        """
        text = self.argument(name, None if default is None else str(default))
        if not re.fullmatch(r"[0-9]{1,18}", text) or not low <= int(text) <= high:
            raise BadArgument(f"{name} is {text[:100]!r}, expected {low} to {high}")
        return int(text)

    def seconds(self, name: str, high: float, default: float | None = None) -> float:
        """Return a time of up to ``high`` seconds.

        Raises:
            BadArgument: it is none, or a longer one.
        """
        text = self.argument(name, None if default is None else str(default))
        if not re.fullmatch(r"[0-9]{1,9}(?:\.[0-9]{0,9})?", text) or float(text) > high:
            raise BadArgument(f"{name} is {text[:100]!r}, expected 0 to {high:g} seconds")
        return float(text)


def parse_request(head: RequestHead, here: str) -> Request:
    """Read the head of a request; ``here`` is the origin for a client that names no host.

    Raises:
        RemoteProtocolError: with the status to answer as its ``status_hint``.
    """
    # latin-1 maps octets to characters one to one: nothing is lost, nothing is guessed.
    method, target = head.method.decode("latin-1"), head.target.decode("latin-1")
    if method not in METHODS:
        # Before the target is looked at: CONNECT and OPTIONS have forms of their own (3.2.3).
        raise RemoteProtocolError(f"{method} is not answered here", HTTPStatus.METHOD_NOT_ALLOWED)
    host = (head.fields.get(b"host") or b"").decode("latin-1")
    if head.fields.has(b"host") and not _is_authority(host):
        raise RemoteProtocolError(f"not a host: {host[:100]!r}")
    rest, authority = _split_target(target)
    # The authority of an absolute target overrules the Host field (3.2.2).
    authority = authority or host
    path, _, query = rest.partition("?")
    return Request(
        method=method,
        target=target,
        path=path or "/",
        origin=f"http://{authority}" if authority else here,
        query=query,
        fields=head.fields,
    )


def _split_target(target: str) -> tuple[str, str | None]:
    if target.startswith("/"):
        return target, None
    # A server must take the form that is sent to proxies (3.2.2); the chapter's browser sends it.
    absolute = _ABSOLUTE_FORM.fullmatch(target)
    if absolute is None or not _is_authority(absolute["authority"]):
        raise RemoteProtocolError(f"not a target: {target[:100]!r}")
    return absolute["rest"] or "/", absolute["authority"]


def _is_authority(text: str) -> bool:
    match = _AUTHORITY.fullmatch(text)
    return match is not None and int(match["port"] or 0) <= 65535
