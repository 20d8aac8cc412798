"""A download handler for what is not HTTP, with the clients of sockettools.

They wait for the network, so each download has a thread. That ends with the process, whatever it
waits for; how many there are at a time is the downloader's business.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING
from urllib.parse import quote

from scrapy.core.downloader.handlers.base import BaseDownloadHandler
from scrapy.exceptions import (
    DownloadCancelledError,
    DownloadFailedError,
    NotConfigured,
    ResponseDataLossError,
)
from scrapy.http import HtmlResponse
from scrapy.http.request import NO_CALLBACK
from scrapy.responsetypes import responsetypes
from scrapy.utils.defer import maybe_deferred_to_future
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from netcrawl.download.errors import Translation, scrapys_error
from netcrawl.download.menus import menu_page
from netcrawl.failures import UrlRefused, without_userinfo
from sockettools.errors import (
    AddressError,
    CertificateError,
    IncompleteMessage,
    InsecureLogin,
    NegativeReply,
    SocketToolsError,
    TooLong,
    TransientNegativeReply,
)
from sockettools.lifetime import run_beside
from sockettools.net.deadline import Deadline
from sockettools.net.tls import client_context
from sockettools.protocols.access import Access, TlsPolicy
from sockettools.protocols.credentials import (
    CredentialsSource,
    NetrcError,
    NoPassword,
    home_netrc,
)
from sockettools.service_url import parse_service_url
from sockettools.tasks.fetch import fetch

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, ClassVar, TypeVar

    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response

    from sockettools.tasks.fetch import Resource

    T = TypeVar("T")

logger = logging.getLogger(__name__)

MENU = "text/gopher"

# What Scrapy calls the errors that other services have; the first that fits counts.
_ERRORS: tuple[Translation, ...] = (
    (CertificateError, UrlRefused),
    (TransientNegativeReply, DownloadFailedError),
    (NegativeReply, UrlRefused),
    (IncompleteMessage, ResponseDataLossError),
    (TooLong, UrlRefused),
    (AddressError, UrlRefused),
    (InsecureLogin, UrlRefused),
    (NetrcError, UrlRefused),
    (NoPassword, UrlRefused),
)


@dataclass(frozen=True)
class Limits:
    """Octets, 0 for no limit, and seconds, None for none."""

    max_size: int
    warn_size: int
    timeout: float | None


class ServiceDownloadHandler(BaseDownloadHandler):
    """Fetches what a URL of FTPS, Gopher, IMAP, NNTP or POP3 leads to.

    A menu of Gopher comes as a page of HTML; to a request that has no callback, which wants the
    file itself, as it is. Passwords are looked for in ``~/.netrc``.
    """

    lazy: ClassVar[bool] = True  # type: ignore[misc]

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        settings = crawler.settings
        self._max_size = settings.getint("DOWNLOAD_MAXSIZE")
        self._warn_size = settings.getint("DOWNLOAD_WARNSIZE")
        verify = settings.getbool("DOWNLOAD_VERIFY_CERTIFICATES")
        self._tls = _tls_policy(str(settings.get("SERVICE_TLS", TlsPolicy.AUTO.value)))
        self._context = cache(partial(client_context, verify=verify))
        self._credentials = CredentialsSource(home_netrc())
        self._is_closed = threading.Event()

    async def download_request(self, request: Request) -> Response:
        """Return what the URL leads to.

        Raises:
            UrlRefused: there is nothing, or it is not for us.
            Scrapy's own exceptions of downloads: something else went wrong.
        """
        if request.meta.get("proxy"):
            raise UrlRefused("no proxy leads to this service, and one was asked for")
        limits = Limits(
            request.meta.get("download_maxsize", self._max_size),
            request.meta.get("download_warnsize", self._warn_size),
            request.meta.get("download_timeout") or None,
        )
        as_page = request.callback is not NO_CALLBACK
        return await _in_thread(partial(self._download, request.url, limits, as_page=as_page))

    async def close(self) -> None:
        """Let what is still on its way end at its next block."""
        self._is_closed.set()

    def _download(self, url: str, limits: Limits, *, as_page: bool) -> Response:
        access = Access(
            connect_timeout=limits.timeout,
            idle_timeout=limits.timeout,
            deadline=Deadline.after(limits.timeout),
            tls=self._tls,
            context=self._context,
            credentials=self._credentials,
        )
        try:
            with fetch(parse_service_url(url), access) as resource:
                body = self._read(resource, url, limits)
                media_type, name = resource.media_type, resource.name
            if media_type == MENU and as_page:
                body, media_type = menu_page(url, body), "text/html; charset=utf-8"
                # It may be several times as long as the menu.
                _check_size(len(body), without_userinfo(url), limits)
        except SocketToolsError as exc:
            raise scrapys_error(exc, _ERRORS) from exc
        except ValueError as exc:
            raise UrlRefused(str(exc)) from exc
        return _response(url, media_type, name, body)

    def _read(self, resource: Resource, url: str, limits: Limits) -> bytes:
        shown = without_userinfo(url)
        _check_size(resource.size or 0, shown, limits)
        body = bytearray()
        is_warned = False
        for block in resource.blocks:
            if self._is_closed.is_set():
                raise DownloadCancelledError(f"{shown}: the crawl is over")
            body += block
            _check_size(len(body), shown, limits)
            if limits.warn_size and len(body) > limits.warn_size and not is_warned:
                is_warned = True
                logger.warning("%s has more than %d bytes", shown, limits.warn_size)
        return bytes(body)


def _check_size(size: int, shown: str, limits: Limits) -> None:
    if limits.max_size and size > limits.max_size:
        raise DownloadCancelledError(f"{shown} has more than {limits.max_size} bytes")


def _response(url: str, media_type: str, name: str, body: bytes) -> Response:
    essence = media_type.partition(";")[0].strip().lower()
    kind = HtmlResponse if essence == "text/html" else responsetypes.from_mimetype(essence)
    headers = {"Content-Type": media_type}
    if name:  # which the URL may not have: /INBOX/;UID=7
        quoted = quote(name, safe="", errors="replace")
        headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quoted}"
    return kind(url, headers=headers, body=body)


def _tls_policy(text: str) -> TlsPolicy:
    try:
        return TlsPolicy(text)
    except ValueError:
        words = ", ".join(policy.value for policy in TlsPolicy)
        raise NotConfigured(f"SERVICE_TLS is {text!r}: it takes one of {words}") from None


async def _in_thread(work: Callable[[], T]) -> T:
    """Return what ``work`` returns. Who gives up waiting for it need not wait for its end.

    Neither the threads of the reactor, in which names are resolved, nor those of asyncio: the
    process would wait for these at its end.
    """
    done: Deferred[T] = Deferred()
    call = _caller()

    def finish(result: Any) -> None:
        if not done.called:
            done.callback(result)

    def run() -> None:
        result: Any
        try:
            result = work()
        except Exception:  # noqa: BLE001 - who waits is told, whatever it is
            result = Failure()  # type: ignore[no-untyped-call]
        with suppress(RuntimeError):  # the loop has ended meanwhile
            call(finish, result)

    run_beside(run, "download")
    return await maybe_deferred_to_future(done)


def _caller() -> Callable[..., object]:
    """Return what calls a function in the thread that this is called in."""
    try:
        return asyncio.get_running_loop().call_soon_threadsafe
    except RuntimeError:
        from twisted.internet import reactor

        return reactor.callFromThread  # type: ignore[no-any-return]
