"""As much of HTTP/1.1 as a server of small fixed pages needs: a head in, a message out.

Bytes only; the socket is the server's. Section numbers are those of RFC 9112.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING

from sockettools import __version__
from sockettools.errors import RemoteProtocolError

if TYPE_CHECKING:
    from sockettools.practice.pages import Page

# Octets of a request line and of a whole head: Apache and nginx take 8 kB lines; no browser needs
# more than that to ask for a page.
MAX_REQUEST_LINE = 8_192
MAX_HEAD = 32_768
MAX_FIELDS = 100

METHODS = ("GET", "HEAD")

# An end of line is CRLF; a bare LF is taken too (2.2), because the chapter's browser sends it.
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_REQUEST_LINE = re.compile(
    r"(?P<method>[!#$%&'*+.^_`|~0-9A-Za-z-]+) (?P<target>[^ ]+) HTTP/(?P<major>\d)\.(?P<minor>\d)"
)
_FIELD_LINE = re.compile(r"(?P<name>[!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(?P<value>.*?)[ \t]*")
_ABSOLUTE_FORM = re.compile(r"(?i:http)://(?P<authority>[^/?#]*)(?P<rest>[/?#].*)?")
_AUTHORITY = re.compile(r"(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>\d{0,5}))?")


@dataclass(frozen=True)
class Request:
    """What a server of pages wants to know of a request.

    ``path`` is percent-encoded and without its query; ``authority`` is None where an HTTP/1.0
    client named none. ``keep_alive``: the connection may serve another request after this one.
    """

    method: str
    target: str
    path: str
    authority: str | None
    keep_alive: bool


def find_head_end(data: bytearray, start: int = 0) -> int | None:
    r"""Return the offset just behind the blank line that ends a head; None while there is none.

    >>> find_head_end(bytearray(b"GET / HTTP/1.0\n\nrest"))
    16
    """
    match = _HEAD_END.search(data, start)
    return match.end() if match else None


def parse_request(head: bytes) -> Request:
    """Read a request head, from its request line to the blank line.

    Raises:
        RemoteProtocolError: with the status to answer as its ``status_hint``.
    """
    if len(head) > MAX_HEAD:
        raise RemoteProtocolError(
            f"the head is longer than {MAX_HEAD} bytes",
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
        )
    line, *field_lines = _lines(head)
    if len(line) > MAX_REQUEST_LINE:
        raise RemoteProtocolError("the request line is too long", HTTPStatus.REQUEST_URI_TOO_LONG)
    match = _REQUEST_LINE.fullmatch(line)
    if match is None:
        raise RemoteProtocolError(f"not a request line: {line[:100]!r}")
    if match["major"] != "1":
        raise RemoteProtocolError(
            f"HTTP/{match['major']}.{match['minor']} is not spoken here",
            HTTPStatus.HTTP_VERSION_NOT_SUPPORTED,
        )
    http_1_0 = match["minor"] == "0"
    fields = _fields(field_lines)
    host = _host(fields, http_1_0)
    path, authority = _path_and_authority(match["method"], match["target"])
    return Request(
        method=match["method"],
        target=match["target"],
        path=path,
        # The authority of an absolute target overrules the Host field (3.2.2).
        authority=authority or host,
        keep_alive=_keep_alive(fields, http_1_0),
    )


def format_response(
    status: HTTPStatus,
    page: Page,
    *,
    keep_alive: bool,
    with_body: bool = True,
) -> bytes:
    """Return a whole response; without its body it is the answer to a HEAD."""
    fields = {
        "Date": formatdate(usegmt=True),
        "Server": f"sockettools/{__version__}",
        "Content-Type": page.content_type,
        "Content-Length": str(len(page.body)),
        # Also said when it is the default: an HTTP/1.0 client that asked has to be told.
        "Connection": "keep-alive" if keep_alive else "close",
    }
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        fields["Allow"] = ", ".join(METHODS)
    head = f"HTTP/1.1 {status.value} {status.phrase}\r\n" + "".join(
        f"{name}: {value}\r\n" for name, value in fields.items()
    )
    return head.encode("ascii") + b"\r\n" + (page.body if with_body else b"")


def _lines(head: bytes) -> list[str]:
    # latin-1 maps octets to characters one to one: nothing is lost, nothing is guessed.
    text = head.decode("latin-1").replace("\r\n", "\n").rstrip("\n")
    if re.search(r"[\x00-\x08\x0b-\x1f\x7f]", text):
        # A CR that ends no line is one too: two readers could see two different heads.
        raise RemoteProtocolError("a control character in the head")
    return text.split("\n")


def _fields(lines: list[str]) -> list[tuple[str, str]]:
    if len(lines) > MAX_FIELDS:
        raise RemoteProtocolError(
            f"more than {MAX_FIELDS} fields", HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
        )
    fields = []
    for line in lines:
        # A server must refuse white space before the colon (5.1) and a folded line (5.2).
        match = _FIELD_LINE.fullmatch(line)
        if match is None:
            raise RemoteProtocolError(f"not a field: {line[:100]!r}")
        fields.append((match["name"].lower(), match["value"]))
    return fields


def _values(fields: list[tuple[str, str]], name: str) -> list[str]:
    return [value for field_name, value in fields if field_name == name]


def _host(fields: list[tuple[str, str]], http_1_0: bool) -> str | None:
    hosts = _values(fields, "host")
    if len(hosts) > 1 or not (hosts or http_1_0):
        raise RemoteProtocolError("a request has exactly one Host field")  # 3.2
    if hosts and not _is_authority(hosts[0]):
        raise RemoteProtocolError(f"not a host: {hosts[0][:100]!r}")
    return hosts[0] if hosts else None


def _path_and_authority(method: str, target: str) -> tuple[str, str | None]:
    if method not in METHODS:
        # Before the target is looked at: CONNECT and OPTIONS have forms of their own (3.2.3).
        raise RemoteProtocolError(f"{method} is not answered here", HTTPStatus.METHOD_NOT_ALLOWED)
    if target.startswith("/"):
        return target.partition("?")[0], None
    # A server must take the form that is sent to proxies (3.2.2); the chapter's browser sends it.
    absolute = _ABSOLUTE_FORM.fullmatch(target)
    if absolute is None or not _is_authority(absolute["authority"]):
        raise RemoteProtocolError(f"not a target: {target[:100]!r}")
    return (absolute["rest"] or "").partition("?")[0] or "/", absolute["authority"]


def _is_authority(text: str) -> bool:
    match = _AUTHORITY.fullmatch(text)
    return match is not None and int(match["port"] or 0) <= 65535


def _keep_alive(fields: list[tuple[str, str]], http_1_0: bool) -> bool:
    """Tell whether another request may follow (9.3).

    Not after a body: no page here takes one, so it is not read, and what stands behind it cannot
    be told from it.
    """
    if _values(fields, "transfer-encoding") or any(
        value != "0" for value in _values(fields, "content-length")
    ):
        return False
    options = {
        option.strip().lower()
        for value in _values(fields, "connection")
        for option in value.split(",")
    }
    if "close" in options:
        return False
    return not http_1_0 or "keep-alive" in options
