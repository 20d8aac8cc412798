"""Which pages belong to a crawl."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from urllib.parse import urlsplit

from tldextract import TLDExtract

from netcrawl.schemes import GOPHER

_PORTS = {"http": 80, "https": 443, "gopher": 70, "gophers": 70}

# All of a URL that its authority depends on.
_AUTHORITY = re.compile(r"[a-z]+://[A-Za-z0-9.:@-]*(?=[/?#]|$)")

_TYPE = re.compile(r"^(gophers?://[^/?#]*/)[^/?#]?")

# The list of public suffixes that comes with the library: nothing is fetched for it.
split_domain = TLDExtract(suffix_list_urls=(), include_psl_private_domains=True)


class Within(Enum):
    """How far a crawl may go from where it started."""

    HOST = "host"  # the same host and port
    DOMAIN = "domain"  # the same registered domain: docs.example.com and www.example.com
    PREFIX = "prefix"  # the same host, and a path below the start's folder
    ANY = "any"


@dataclass
class Scope:
    """Decides from a URL alone; ``starts`` grows where a start redirects elsewhere."""

    within: Within = Within.HOST
    allow: re.Pattern[str] | None = None
    deny: re.Pattern[str] | None = None
    _keys: set[str] = field(default_factory=set)

    def add_start(self, url: str) -> None:
        """Let the crawl go where this start leads, too."""
        self._keys.add(self._key(url))

    def why_not(self, url: str) -> str | None:
        """Say why a page is left out, in one or two words; None if it belongs to the crawl."""
        if not self._is_within(url):
            return f"outside of the {self.within.value}"
        if self.deny is not None and self.deny.search(url):
            return "denied"
        if self.allow is not None and not self.allow.search(url):
            return "not allowed"
        return None

    def _is_within(self, url: str) -> bool:
        match self.within:
            case Within.ANY:
                return True
            case Within.PREFIX:
                return _without_type(url).startswith(tuple(self._keys))
            case _:
                return self._key(url) in self._keys

    def _key(self, url: str) -> str:
        match self.within:
            case Within.DOMAIN:
                host = urlsplit(url).hostname or ""
                # An address, or a name such as localhost, is its own domain.
                return split_domain(host).top_domain_under_public_suffix or host
            case Within.PREFIX:
                return _folder(url)
            case _:
                beginning = _AUTHORITY.match(url)
                return _authority(beginning[0] if beginning else url)


@lru_cache(maxsize=1024)
def _authority(url: str) -> str:
    parts = urlsplit(url)
    default = _PORTS.get(parts.scheme)
    port = parts.port
    host = parts.hostname or ""
    authority = host if port in (None, default) else f"{host}:{port}"
    # A host's menus and its pages are two sites, encrypted or not.
    return f"gopher:{authority}" if parts.scheme in GOPHER else authority


def _folder(url: str) -> str:
    path = url.partition("#")[0].partition("?")[0]
    if urlsplit(url).scheme not in GOPHER:
        return path.rpartition("/")[0] + "/"
    # Names of menus are those of folders, with a slash at the end or without.
    is_menu = urlsplit(url).path[:2] in ("", "/", "/1")
    path = _without_type(path)
    return (path.rstrip("/") if is_menu else path.rpartition("/")[0]) + "/"


def _without_type(url: str) -> str:
    """Leave out what tells a text from a menu in the same folder (RFC 4266 section 2.1)."""
    return _TYPE.sub(r"\1", url)
