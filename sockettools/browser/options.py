"""How a browser behaves: what is the same for all of its requests."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sockettools import __version__, http1
from sockettools.browser.proxy import Proxies
from sockettools.net.stream import RECEIVE_SIZE

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    from sockettools.net.address import Address

USER_AGENT = f"sockettools/{__version__}"

# As curl and Chrome have it (50 and 20): real chains are shorter than ten.
MAX_REDIRECTS = 20

CONNECT_TIMEOUT = 30.0
IDLE_TIMEOUT = 60.0


@dataclass(frozen=True)
class Options:
    """Each has a default that suits a person at a terminal.

    ``http_1_0``: speak HTTP/1.0. ``allow_http_0_9``: take an answer without a head.
    ``accept_encoding``: the codings to ask for; a coded body is decoded whether asked for or not,
    unless ``decode`` is False.
    ``max_redirects``: how many are followed; 0 with ``follow`` is one too many at the first.
    ``connect_timeout``: seconds for name, connection and TLS together; ``idle_timeout``: seconds
    without a byte; None for ever.
    ``max_body``: octets of a body, as received and as decoded; None is any size.
    ``allow_truncated``: take what arrived of a body for all of it.
    ``receive_size``: octets of one receive; ``delay``: seconds to wait before each but the first.
    ``addresses``: where to connect to for a host and port, instead of asking the resolver.
    ``tls``: how servers are verified; the system's authorities without it.
    ``keep_bodies``: octets of each body that its record keeps.
    """

    user_agent: str = USER_AGENT
    http_1_0: bool = False
    allow_http_0_9: bool = False
    accept_encoding: str | None = None
    decode: bool = True
    follow: bool = True
    max_redirects: int = MAX_REDIRECTS
    connect_timeout: float | None = CONNECT_TIMEOUT
    idle_timeout: float | None = IDLE_TIMEOUT
    max_body: int | None = None
    allow_truncated: bool = False
    receive_size: int = RECEIVE_SIZE
    delay: float = 0.0
    addresses: Mapping[tuple[str, int], Address] = field(default_factory=dict)
    proxies: Proxies = field(default_factory=Proxies)
    tls: ssl.SSLContext | None = None
    limits: http1.Limits = field(default_factory=http1.Limits)
    keep_bodies: int = 0
