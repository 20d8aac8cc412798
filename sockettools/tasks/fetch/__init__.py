"""What a URL that is not HTTP leads to: a file each for FTP, SMTP, POP3, IMAP, NNTP, ... ."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from sockettools.tasks.fetch.resource import Resource, Wanted

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from types import ModuleType

    from sockettools.protocols.access import Access
    from sockettools.service_url import ServiceUrl

__all__ = ["Resource", "Wanted", "fetch", "file_name"]

_NOTHING_SPECIAL = Wanted()


def fetch(
    url: ServiceUrl, access: Access, wanted: Wanted = _NOTHING_SPECIAL
) -> AbstractContextManager[Resource]:
    """Return what the URL leads to; the connection is open until the ``with`` block ends.

    Raises (when it is entered, and while its blocks are read):
        ValueError: the URL means nothing in its protocol; the text says why.
        SocketToolsError: everything that can go wrong with a server.
    """
    result: AbstractContextManager[Resource] = _module(url).fetch(url, access, wanted)
    return result


def file_name(url: ServiceUrl) -> str | None:
    """Return the name of a file of what the URL leads to; None where it does not tell."""
    of_protocol: Callable[[ServiceUrl], str | None] | None = getattr(
        _module(url), "file_name", None
    )
    if of_protocol is not None:
        return of_protocol(url)
    # As it is written, so that no encoded slash leads out of the folder.
    name = url.path.partition("?")[0].rpartition("/")[2].partition(";")[0]
    return None if name in ("", ".", "..") else name


def _module(url: ServiceUrl) -> ModuleType:
    # What is not asked for is not imported: a get starts faster.
    return import_module(f"sockettools.tasks.fetch.{url.protocol}")
