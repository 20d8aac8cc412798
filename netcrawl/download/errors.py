"""Our errors in the words of Scrapy, whose retries and logs know its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
)

from netcrawl.failures import UrlRefused
from sockettools.errors import (
    ConnectionRefused,
    LocalProtocolError,
    ResolveError,
    SocketToolsError,
    Timeout,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

Translation = tuple[type[SocketToolsError], type[Exception]]

# A UrlRefused is not tried again: the same would come of it.
_ALWAYS: tuple[Translation, ...] = (
    (ResolveError, CannotResolveHostError),
    (ConnectionRefused, DownloadConnectionRefusedError),
    (Timeout, DownloadTimeoutError),
    (LocalProtocolError, UrlRefused),
    (SocketToolsError, DownloadFailedError),
)


def scrapys_error(error: SocketToolsError, special: Iterable[Translation] = ()) -> Exception:
    """Return what Scrapy calls an error; of ``special`` the first that fits counts before all."""
    kind = next(theirs for ours, theirs in (*special, *_ALWAYS) if isinstance(error, ours))
    return kind(str(error))
