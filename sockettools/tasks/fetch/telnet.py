"""``telnet://host:port``: what a server says by itself."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from sockettools.errors import ReadTimeout
from sockettools.protocols.telnet.client import open_telnet
from sockettools.tasks.fetch.resource import Resource, Wanted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sockettools.protocols.access import Access
    from sockettools.protocols.telnet.client import TelnetClient
    from sockettools.service_url import ServiceUrl

_NOTHING_SPECIAL = Wanted()


@contextmanager
def fetch(url: ServiceUrl, access: Access, wanted: Wanted = _NOTHING_SPECIAL) -> Iterator[Resource]:
    """Yield what the server says until it closes, or is silent once it has said something.

    Options are answered, and nothing is typed, so that a prompt is the end. There is no sign by
    which more could be told from a prompt: a silence of the idle timeout is one.

    Raises:
        ValueError: the URL has more than host and port (RFC 4248); the text says why.
        ReadTimeout: it says nothing at all, or has not ended before the deadline.
        SocketToolsError: there is no connection, it breaks, the server negotiates without end.
    """
    check_telnet_url(url)
    if wanted.offset:
        raise ValueError("what a server says now cannot be gone on with from before")
    with open_telnet(
        access,
        url.host,
        url.port,
        implicit_tls=url.implicit_tls,
        idle_timeout=access.idle_timeout,
    ) as client:
        yield Resource(_said(client, access), "text/plain; charset=utf-8")


def check_telnet_url(url: ServiceUrl) -> None:
    """Let a URL pass that has a host and a port.

    Raises:
        ValueError: it has more.
    """
    if url.path not in ("", "/"):
        raise ValueError("a telnet:// URL has a host and a port, and no path")
    if url.username is not None:
        raise ValueError(
            "nothing logs in by itself with Telnet: a user name is answered to a prompt"
        )


def _said(client: TelnetClient, access: Access) -> Iterator[bytes]:
    has_spoken = False
    while True:
        try:
            block = client.read()
        except ReadTimeout:
            if has_spoken and not access.deadline.has_passed():
                return
            raise
        if not block:
            return
        has_spoken = True
        yield block
