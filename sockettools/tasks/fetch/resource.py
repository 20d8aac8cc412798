"""What every protocol's fetching takes and gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(frozen=True)
class Wanted:
    """What is wanted of it.

    ``offset``: octets at the beginning that are there already (FTP's REST).
    ``headers``: of a message, only its header. ``changes_allowed``: reading a message may mark it
    as read (IMAP).
    """

    offset: int = 0
    headers: bool = False
    changes_allowed: bool = False


@dataclass
class Resource:
    """Octets, and what is known of them.

    ``media_type`` as in HTTP's Content-Type: "text/plain; charset=utf-8", "message/rfc822",
    "application/octet-stream", "text/gopher" for a menu as it came.
    ``size`` in octets where the server tells it, from the offset on. ``name``: what a file of it
    would be called, "" where the URL does not tell. ``offset``: octets that were left out.
    ``validator``: as an entity tag, '"..."', which changes when the content does; "" where nothing
    tells. ``notes``: words of the server that people should see.
    """

    blocks: Iterator[bytes]
    media_type: str
    size: int | None = None
    name: str = ""
    offset: int = 0
    validator: str = ""
    notes: Sequence[str] = ()
