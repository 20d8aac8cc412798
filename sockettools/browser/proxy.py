"""Which proxy a URL is fetched through, as the environment or an option says."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sockettools.errors import AddressError
from sockettools.url import encode_host, parse_http_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sockettools.url import HttpUrl

# The port of a proxy that names none, as curl has it.
DEFAULT_PORT = 1080


@dataclass(frozen=True)
class Proxies:
    """A proxy for each scheme of URLs, and the hosts that are reached without one.

    A member of ``exceptions`` is a host name (with all names below it), an address, a network
    (``10.0.0.0/8``), any of them with a port, or ``*`` for every host.
    """

    http: HttpUrl | None = None
    https: HttpUrl | None = None
    exceptions: tuple[str, ...] = ()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Proxies:
        """Read ``http_proxy``, ``https_proxy``, ``all_proxy`` and ``no_proxy``.

        ``HTTP_PROXY`` is not looked at: a CGI program has it from the client's Proxy field.

        Raises:
            AddressError: one is no URL of a proxy.
        """

        def proxy(*names: str) -> HttpUrl | None:
            for name in names:
                if value := environment.get(name):
                    return parse_proxy(value, name)
            return None

        everything = ("all_proxy", "ALL_PROXY")
        exceptions = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
        return cls(
            http=proxy("http_proxy", *everything),
            https=proxy("https_proxy", "HTTPS_PROXY", *everything),
            exceptions=tuple(exceptions.replace(",", " ").split()),
        )

    def proxy_for(self, url: HttpUrl) -> HttpUrl | None:
        """Return the proxy through which ``url`` is fetched; None for none."""
        if any(_matches(url, exception) for exception in self.exceptions):
            return None
        return self.https if url.scheme == "https" else self.http


def parse_proxy(text: str, where: str = "the proxy") -> HttpUrl:
    """Read the URL of a proxy; without a scheme it is http.

    Raises:
        AddressError: it is none, or of a kind that is not spoken here.

    >>> str(parse_proxy("127.0.0.1:3128"))
    'http://127.0.0.1:3128/'
    """
    url = text.strip()
    scheme, mark, rest = url.partition("://")
    if not mark:
        scheme, rest = "http", url
    if scheme.lower() not in {"http", "https"}:
        raise AddressError(f"{where}: {scheme}:// is no proxy that is spoken here: http or https")
    authority = rest.partition("/")[0]
    has_port = ":" in authority.rpartition("@")[2].rpartition("]")[2]
    port = "" if has_port or scheme == "https" else f":{DEFAULT_PORT}"
    try:
        return parse_http_url(f"{scheme}://{authority}{port}/")
    except ValueError as exc:
        # Not the text itself: there may be a password in it.
        raise AddressError(f"{where} is not the URL of a proxy: {exc}") from None


def _matches(url: HttpUrl, exception: str) -> bool:
    if exception == "*":
        return True
    name, _, port = exception.rpartition(":")
    if re.fullmatch("[0-9]{1,5}", port) and (":" not in name or name.endswith("]")):
        if int(port) != url.port:
            return False
        exception = name
    exception = exception.strip("[]").lstrip(".").rstrip(".")
    host = url.host.rstrip(".")
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        try:
            domain = encode_host(exception)
        except ValueError:
            return False
        return host == domain or host.endswith(f".{domain}")
    try:
        return address in ipaddress.ip_network(exception, strict=False)
    except ValueError:
        return False
