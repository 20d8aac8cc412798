"""URLs of the services that are not HTTP: ``scheme://user:password@host:port/path``."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from urllib.parse import unquote

from sockettools.url import encode_host


@dataclass(frozen=True)
class Scheme:
    """What a URL's scheme says: the protocol, its port, and whether TLS comes first."""

    protocol: str
    port: int
    implicit_tls: bool = False


# The ports are IANA's.
SCHEMES: dict[str, Scheme] = {
    "ftp": Scheme("ftp", 21),
    "ftps": Scheme("ftp", 990, implicit_tls=True),
    "smtp": Scheme("smtp", 25),
    "smtps": Scheme("smtp", 465, implicit_tls=True),
    "pop3": Scheme("pop3", 110),
    "pop3s": Scheme("pop3", 995, implicit_tls=True),
    "imap": Scheme("imap", 143),
    "imaps": Scheme("imap", 993, implicit_tls=True),
    "nntp": Scheme("nntp", 119),
    "nntps": Scheme("nntp", 563, implicit_tls=True),
    "telnet": Scheme("telnet", 23),
    "telnets": Scheme("telnet", 992, implicit_tls=True),
    "gopher": Scheme("gopher", 70),
    "gophers": Scheme("gopher", 70, implicit_tls=True),
}

_PARTS = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://"
    r"(?:(?P<userinfo>[^/?#]*)@)?"
    r"(?P<host>\[[^\]/?#]*\]|[^:/?#\[\]]*)(?::(?P<port>[^/?#]*))?"
    r"(?P<path>[/?#].*)?",
    re.DOTALL,
)

_OTHER_SURROGATE = re.compile(r"[\ud800-\udc7f\udd00-\udfff]")

_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f]")


@dataclass(frozen=True)
class ServiceUrl:
    """A URL that was understood.

    ``host`` is ASCII, an IPv6 address without its brackets; user name and password are decoded,
    ``path`` is not: what a percent sign or a question mark means there is the protocol's. It is ""
    or begins with a slash. ``str()`` leaves user name and password out: it gets printed and logged.
    """

    scheme: str
    host: str
    port: int
    path: str = ""
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == SCHEMES[self.scheme].port else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.path}"

    def with_user(self, username: str) -> ServiceUrl:
        """Return it with another user name, and without a password."""
        return replace(self, username=username, password=None)

    @property
    def protocol(self) -> str:
        """The name of the protocol, the same with TLS first or without."""
        return SCHEMES[self.scheme].protocol

    @property
    def implicit_tls(self) -> bool:
        """Whether the server speaks nothing but TLS on this port."""
        return SCHEMES[self.scheme].implicit_tls


def scheme_of(text: str) -> str:
    """Return what stands before the first colon, in lower case; "" where there is none.

    >>> scheme_of(" FTP://h/"), scheme_of("www.example.com")
    ('ftp', '')
    """
    scheme, colon, _ = text.strip().partition(":")
    return scheme.lower() if colon else ""


def parse_service_url(text: str) -> ServiceUrl:
    """Read the URL of a service.

    White space and what is not ASCII in the path is percent-encoded, as UTF-8.

    Raises:
        ValueError: it is none; the text says what is missing or wrong, without a password.

    >>> parse_service_url("pop3://Zo%C3%AB:secret@MAIL.example/3")
    ServiceUrl(scheme='pop3', host='mail.example', port=110, path='/3', username='Zoë')
    >>> str(parse_service_url("gopher://[::1]:7070/1/a b"))
    'gopher://[::1]:7070/1/a%20b'
    """
    if _OTHER_SURROGATE.search(text):
        raise ValueError("it is no text")
    match = _PARTS.fullmatch(text.strip(" "))
    if match is None:
        raise ValueError("it is not scheme://host/path")
    scheme = match["scheme"].lower()
    if scheme not in SCHEMES:
        raise ValueError(f"{scheme} is no scheme known here")
    username, password = _credentials(match["userinfo"])
    return ServiceUrl(
        scheme,
        _host(match["host"]),
        _port(match["port"], SCHEMES[scheme].port),
        _encoded(match["path"] or ""),
        username,
        password,
    )


def _credentials(userinfo: str | None) -> tuple[str | None, str | None]:
    if userinfo is None:
        return None, None
    user, colon, password = userinfo.partition(":")
    decoded = unquote(user), unquote(password) if colon else None
    if any(_has_line_end(part) for part in decoded if part):
        raise ValueError("the user name or the password has a line end in it")
    return decoded


def _host(written: str) -> str:
    if not written:
        raise ValueError("it names no host")
    if written.startswith("["):
        return written[1:-1].lower()
    try:
        return encode_host(unquote(written))
    except ValueError as exc:
        raise ValueError(f"the host name {written[:100]!r} is malformed") from exc


def _port(written: str | None, default: int) -> int:
    if not written:
        return default
    if not re.fullmatch(r"[0-9]{1,5}", written) or not 0 < int(written) < 65_536:
        raise ValueError(f"the port {written[:20]!r} is not a number from 1 to 65535")
    return int(written)


def _encoded(path: str) -> str:
    if _UNPRINTABLE.search(path.replace(" ", "")):
        raise ValueError("it has a line end, a tab or another control character in it")
    # An argument that is no UTF-8 has its octets as surrogates.
    return "".join(
        "".join(f"%{octet:02X}" for octet in char.encode("utf-8", "surrogateescape"))
        if char == " " or char > "~"
        else char
        for char in path
    )


def _has_line_end(text: str) -> bool:
    return any(char in text for char in "\r\n\0")
