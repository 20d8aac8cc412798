"""Which pages belong to a crawl."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tldextract import TLDExtract

if TYPE_CHECKING:
    import re

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
                return url.startswith(tuple(self._keys))
            case _:
                return self._key(url) in self._keys

    def _key(self, url: str) -> str:
        parts = urlsplit(url)
        match self.within:
            case Within.DOMAIN:
                host = parts.hostname or ""
                # An address, or a name such as localhost, is its own domain.
                return split_domain(host).top_domain_under_public_suffix or host
            case Within.PREFIX:
                return (
                    url[: len(url) - len(parts.fragment)].partition("?")[0].rpartition("/")[0] + "/"
                )
            case _:
                return _authority(url)


def _authority(url: str) -> str:
    parts = urlsplit(url)
    default = {"http": 80, "https": 443}.get(parts.scheme)
    port = parts.port
    host = parts.hostname or ""
    return host if port in (None, default) else f"{host}:{port}"
