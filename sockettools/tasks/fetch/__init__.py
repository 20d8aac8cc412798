"""What a URL that is not HTTP leads to: a file each for FTP, SMTP, POP3, IMAP, NNTP, ... ."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from sockettools.tasks.fetch.resource import Resource, Wanted

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from sockettools.protocols.access import Access
    from sockettools.service_url import ServiceUrl

__all__ = ["Resource", "Wanted", "fetch"]

_NOTHING_SPECIAL = Wanted()


def fetch(
    url: ServiceUrl, access: Access, wanted: Wanted = _NOTHING_SPECIAL
) -> AbstractContextManager[Resource]:
    """Return what the URL leads to; the connection is open until the ``with`` block ends.

    Raises (when it is entered, and while its blocks are read):
        ValueError: the URL means nothing in its protocol; the text says why.
        SocketToolsError: everything that can go wrong with a server.
    """
    # What is not asked for is not imported: a get starts faster.
    module = import_module(f"sockettools.tasks.fetch.{url.protocol}")
    result: AbstractContextManager[Resource] = module.fetch(url, access, wanted)
    return result
