"""Where a request goes: straight to its origin, or by way of a proxy."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from scrapy.exceptions import UnsupportedURLSchemeError
from scrapy.utils.httpobj import urlparse_cached

from netcrawl.failures import UrlRefused, without_userinfo

if TYPE_CHECKING:
    from scrapy import Request

BindAddress = tuple[str, int]

_DEFAULT_PORTS = {"http": 80, "https": 443}

# These are tuples since the pool hashes a route four times for each request: a dataclass does that
# in Python.


class Endpoint(NamedTuple):
    """What a connection leads to."""

    host: str
    port: int
    is_tls: bool

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def field_value(self) -> bytes:
        """What stands in a Host field: the port only where it is not the scheme's own."""
        text = str(self)
        if self.port == _DEFAULT_PORTS["https" if self.is_tls else "http"]:
            text = text.rpartition(":")[0]
        return text.encode("utf-8")


class Route(NamedTuple):
    """A way that connections take; those that took the same may be used again for each other.

    ``tunnel`` is what a proxy is asked to connect to, with ``authorization`` for the proxy.
    """

    first: Endpoint
    tunnel: Endpoint | None = None
    authorization: bytes | None = None
    bind: BindAddress | None = None


class Destination(NamedTuple):
    """A route, and what a request says there; ``to_proxy``: it is the proxy that reads it."""

    route: Route
    target: bytes
    host: bytes
    to_proxy: bool


def destination_of(request: Request, proxy: str | None, bind: BindAddress | None) -> Destination:
    """Return where to send ``request``; ``proxy`` is a URL.

    Raises:
        UnsupportedURLSchemeError: the URL, or the proxy's, is not http or https.
        UrlRefused: one of them names no host and port that could exist.
    """
    url = urlparse_cached(request)
    origin = _endpoint(url.scheme, url.netloc)
    if proxy is None:
        route = Route(origin, bind=bind)
        return Destination(route, _origin_form(request.url), origin.field_value, to_proxy=False)
    parts = urlsplit(proxy)
    first = _endpoint(parts.scheme, parts.netloc)
    if not origin.is_tls:
        route = Route(first, bind=bind)
        return Destination(route, _absolute_form(request.url), origin.field_value, to_proxy=True)
    authorization = request.headers.get(b"Proxy-Authorization")
    route = Route(first, origin, authorization, bind)
    return Destination(route, _origin_form(request.url), origin.field_value, to_proxy=False)


# As many sites as a crawl goes through at a time, and more.
@lru_cache(maxsize=1024)
def _endpoint(scheme: str, netloc: str) -> Endpoint:
    scheme = scheme.lower()
    if scheme not in _DEFAULT_PORTS:
        raise UnsupportedURLSchemeError(f"{scheme!r} is neither http nor https")
    parts = urlsplit(f"//{netloc}")
    try:
        port = parts.port
    except ValueError as exc:
        raise UrlRefused(str(exc)) from None
    if not parts.hostname or port == 0:
        raise UrlRefused(f"{netloc.rpartition('@')[2]!r} is no host to connect to")
    return Endpoint(parts.hostname, port or _DEFAULT_PORTS[scheme], scheme == "https")


def _origin_form(url: str) -> bytes:
    r"""Return path and query, exactly as they are written.

    >>> _origin_form("http://h?q#f"), _origin_form("http://h/a;b/?"), _origin_form("http://h")
    (b'/?q', b'/a;b/?', b'/')
    """
    rest = url.partition("#")[0].partition("://")[2]
    host = rest.partition("?")[0].partition("/")[0]
    target = rest[len(host) :]
    if not target.startswith("/"):
        target = f"/{target}"
    return target.encode("utf-8")


def _absolute_form(url: str) -> bytes:
    """Return all of it that a proxy is told (RFC 9112 section 3.2.2)."""
    return without_userinfo(url.partition("#")[0]).encode("utf-8")
