"""Gopher URLs (RFC 4266)."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from sockettools.protocols.access import TlsPolicy
from sockettools.protocols.gopher import Gopher, parse_location
from sockettools.protocols.gopher_menu import Form, kind_of
from sockettools.tasks.fetch.resource import Resource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sockettools.protocols.access import Access
    from sockettools.service_url import ServiceUrl
    from sockettools.tasks.fetch.resource import Wanted


@contextmanager
def fetch(url: ServiceUrl, access: Access, wanted: Wanted) -> Iterator[Resource]:  # noqa: ARG001
    """Yield a menu as it came, a text, or a file. It always comes from its beginning.

    Raises:
        ValueError: the URL names nothing that could be asked for, or not as it is to be asked for.
        PermanentNegativeReply: there is no such thing.
        SocketToolsError: everything else that can go wrong.
    """
    if url.username is not None:
        raise ValueError("it has a user name in it, and nobody logs in to Gopher")
    location = parse_location(url.path)
    if access.tls is TlsPolicy.REQUIRE and not url.implicit_tls:
        raise ValueError("Gopher cannot begin to encrypt: gophers:// is encrypted")
    with Gopher(access.open(url.host, url.port, implicit_tls=url.implicit_tls)) as gopher:
        gopher.ask(location.selector, location.search)
        match kind_of(location.kind).form:
            case Form.MENU:
                blocks = gopher.read_menu_octets()
            case Form.TEXT:
                blocks = gopher.read_text()
            case _:
                blocks = gopher.read_octets()
        yield Resource(blocks, location.media_type, name=location.name)
