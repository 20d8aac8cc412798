"""A download handler for http and https on asyncio's transports and our own engine of HTTP.

What a name means is resolved, connected to, asked and read here; what the bytes mean is for
``sockettools.http1`` to say. Scrapy's base class for such handlers is private, as are most parts
of it. Of those, this takes what says how Scrapy reads its own settings and words its own warnings,
and no more: how a body is read is what this handler is for.
"""

from __future__ import annotations

import asyncio
import logging
from time import monotonic
from typing import TYPE_CHECKING

from scrapy import signals
from scrapy.core.downloader.handlers.base import BaseDownloadHandler
from scrapy.exceptions import (
    DownloadCancelledError,
    DownloadTimeoutError,
    NotConfigured,
    ResponseDataLossError,
)
from scrapy.utils._download_handlers import (
    get_dataloss_msg,
    get_maxsize_msg,
    get_warnsize_msg,
    normalize_bind_address,
)
from scrapy.utils.asyncio import is_asyncio_available
from scrapy.utils.ssl import _log_sslobj_debug_info, _make_ssl_context
from scrapy.utils.url import add_http_if_no_scheme

from netcrawl.download.bodies import FileBody, MemoryBody, Spools
from netcrawl.download.errors import scrapys_error
from netcrawl.download.opening import Opener
from netcrawl.download.pool import Pool
from netcrawl.download.resolving import Resolver
from netcrawl.download.responses import check_stop_download, response_headers
from netcrawl.download.resuming import Restarted, Resuming, Tries, known_of
from netcrawl.download.route import destination_of
from netcrawl.number_settings import RESUME_TIMES
from netcrawl.requests import header_fields
from netcrawl.timings import TIMINGS
from sockettools import http1
from sockettools.errors import (
    IncompleteMessage,
    ReadError,
    SocketToolsError,
)
from sockettools.http1.framing import may_follow, response_framing

if TYPE_CHECKING:
    from typing import Any

    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response

    from netcrawl.download.bodies import Body
    from netcrawl.download.http_connection import HttpConnection
    from netcrawl.download.route import Destination, Route
    from netcrawl.timings import Timings

logger = logging.getLogger(__name__)

# They may be sent twice without harm (RFC 9110 section 9.2.2).
IDEMPOTENT = frozenset({b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"PUT", b"DELETE"})

# With these, a server expects a length even where there is no body (RFC 9110 section 8.6).
_WITH_BODY = frozenset({b"POST", b"PUT", b"PATCH"})


class SocketDownloadHandler(BaseDownloadHandler):
    """Downloads over HTTP/1.1, with Scrapy's settings and signals."""

    # There is one for http and one for https, and either reads every trusted certificate.
    lazy = True

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        if not is_asyncio_available():
            raise NotConfigured(
                f"{type(self).__name__} needs asyncio: leave TWISTED_REACTOR as it is, or set "
                "TWISTED_REACTOR_ENABLED to False, or take another of DOWNLOAD_HANDLERS"
            )
        settings = crawler.settings
        self._max_size = settings.getint("DOWNLOAD_MAXSIZE")
        self._warn_size = settings.getint("DOWNLOAD_WARNSIZE")
        self._timeout = settings.getfloat("DOWNLOAD_TIMEOUT")
        self._fails_on_data_loss = settings.getbool("DOWNLOAD_FAIL_ON_DATALOSS")
        self._is_data_loss_told = False
        self._logs_tls = settings.getbool("DOWNLOADER_CLIENT_TLS_VERBOSE_LOGGING")
        self._bind_address = settings.get("DOWNLOAD_BIND_ADDRESS")
        if settings.getpriority("DOWNLOADER_CLIENTCONTEXTFACTORY"):  # 0 is Scrapy's default
            logger.warning(
                "DOWNLOADER_CLIENTCONTEXTFACTORY makes contexts for Twisted, which %s does not use:"
                " it takes DOWNLOAD_VERIFY_CERTIFICATES, DOWNLOAD_TLS_MIN_VERSION,"
                " DOWNLOAD_TLS_MAX_VERSION and DOWNLOADER_CLIENT_TLS_CIPHERS.",
                type(self).__name__,
            )
        context = _make_ssl_context(settings)
        context.set_alpn_protocols(["http/1.1"])
        self._pool = Pool(
            settings.getint("CONCURRENT_REQUESTS"),
            settings.getint("CONCURRENT_REQUESTS_PER_DOMAIN"),
        )
        names = settings.getint("DNSCACHE_SIZE") if settings.getbool("DNSCACHE_ENABLED") else 0
        resolver = Resolver(names, timeout=settings.getfloat("DNS_TIMEOUT"))
        self._opener = Opener(context, resolver, self._pool.forget)
        self._resume_times = RESUME_TIMES.of(settings)
        self._spools = Spools(settings)

    async def download_request(self, request: Request) -> Response:
        """Return the response.

        Raises:
            UrlRefused: it cannot be requested.
            StopDownload: a signal handler wants it so.
            Scrapy's own exceptions of downloads: something else went wrong.
        """
        timeout = request.meta.get("download_timeout", self._timeout) or None
        proxy = request.meta.get("proxy")
        bind = request.meta.get("bindaddress") or self._bind_address
        destination = destination_of(
            request, add_http_if_no_scheme(proxy) if proxy else None, normalize_bind_address(bind)
        )
        try:
            async with asyncio.timeout(timeout):
                return await self._download(request, destination)
        except TimeoutError as exc:
            raise DownloadTimeoutError(
                f"Getting {request.url} took longer than {timeout} seconds."
            ) from exc
        except SocketToolsError as exc:
            raise scrapys_error(exc) from exc

    async def close(self) -> None:
        """Close every connection, and remove every body on disk that nobody has taken."""
        await self._pool.close()
        await self._spools.close()

    async def _download(self, request: Request, destination: Destination) -> Response:
        timings: Timings = {}
        request.meta[TIMINGS] = timings
        began = monotonic()
        try:
            connection, head = await self._ask(request, destination, timings)
            try:
                timings["first_byte"] = connection.heard_at - connection.asked_at
                request.meta["download_latency"] = monotonic() - began
                tries = Tries(self._resume_times)
                return await self._read(request, destination, connection, head, tries)
            finally:
                self._pool.give_back(destination.route, connection)
        finally:
            timings["done"] = monotonic() - began

    async def _ask(
        self, request: Request, destination: Destination, timings: Timings
    ) -> tuple[HttpConnection, http1.Response]:
        """Send the request and return the head of the answer, and the connection that it is on."""
        asked = http1.Request(
            request.method.encode("utf-8"), destination.target, request_fields(request, destination)
        )
        connection = self._pool.take(destination.route)
        if connection is not None:
            may_repeat = asked.method in IDEMPOTENT
            try:
                head = await self._ask_on(connection, asked, request.body)
                if not (may_repeat and is_late(head)):
                    return connection, head
                self._pool.discard(connection)
            except (IncompleteMessage, ReadError):
                # The server may have closed it just before, and may have read nothing.
                if connection.heard or not may_repeat:
                    raise
        connection = await self._open(destination.route, timings)
        return connection, await self._ask_on(connection, asked, request.body)

    async def _ask_on(
        self, connection: HttpConnection, asked: http1.Request, body: bytes
    ) -> http1.Response:
        try:
            return await connection.ask(asked, body)
        except BaseException:
            self._pool.discard(connection)
            raise

    async def _open(self, route: Route, timings: Timings) -> HttpConnection:
        connection = await self._opener.open(route, timings)
        self._pool.add(connection)
        return connection

    async def _read(
        self,
        request: Request,
        destination: Destination,
        connection: HttpConnection,
        head: http1.Response,
        tries: Tries,
    ) -> Response:
        """Read the body, as far as it is wanted, and anew where the server begins anew."""
        headers = response_headers(head.fields)
        framing = response_framing(request.method.encode(), head.status_code, head.fields)
        expected = framing if isinstance(framing, int) else None
        body = self._spools.body_for(request, headers, expected)
        source: HttpConnection | Resuming = connection
        if isinstance(body, FileBody) and (known := known_of(request, head, expected)) is not None:
            source = Resuming(
                request,
                connection,
                known,
                tries,
                ask=lambda rest: self._ask(rest, destination, {}),
                give_back=lambda used: self._pool.give_back(destination.route, used),
            )
        if self._logs_tls and (session := connection.tls_session) is not None:
            _log_sslobj_debug_info(session)
        common: dict[str, Any] = {
            "url": request.url,
            "status": head.status_code,
            "headers": headers,
            "certificate": connection.certificate if request.url[:5] == "https" else None,
            "ip_address": connection.ip_address,
            "protocol": f"HTTP/{head.version.decode('ascii')}",
        }
        try:
            return await self._receive(request, source, body, expected, common)
        except Restarted as again:
            try:
                return await self._read(request, destination, again.connection, again.head, tries)
            finally:
                self._pool.give_back(destination.route, again.connection)
        finally:
            if source is not connection:
                source.close()

    async def _receive(
        self,
        request: Request,
        source: HttpConnection | Resuming,
        body: Body,
        expected: int | None,
        common: dict[str, Any],
    ) -> Response:
        """Have what ``source`` sends in ``body``; ``common`` is what any response to it has."""
        headers = common["headers"]
        sizes = self._sizes(request, body)
        most_in_memory = self._spools.most_in_memory(request)
        try:
            if expected:
                sizes.check(expected, expected=True)
            stop = check_stop_download(
                signals.headers_received,
                self.crawler,
                request,
                headers=headers,
                body_length=expected,
            )
            if stop is not None:
                return await body.response(common, stop=stop)
            while (piece := await source.receive_body()) is not None:
                if (written := body.write(piece)) is not None:
                    await written
                stop = check_stop_download(
                    signals.bytes_received, self.crawler, request, data=piece
                )
                if stop is not None:
                    return await body.response(common, stop=stop)
                if most_in_memory and body.size > most_in_memory and type(body) is MemoryBody:
                    body = self._spools.onto_disk(request, headers, body)
                    sizes = self._sizes(request, body)
                sizes.check(body.size, expected=False)
            return await body.response(common)
        except (IncompleteMessage, ReadError) as exc:
            if request.meta.get("download_fail_on_dataloss", self._fails_on_data_loss):
                self._tell_of_data_loss(request)
                raise ResponseDataLossError(str(exc)) from exc
            return await body.response(common, flags=["dataloss"])
        finally:
            body.discard()

    def _sizes(self, request: Request, body: Body) -> _Sizes:
        meta = request.meta
        if type(body) is MemoryBody:
            return _Sizes(
                request,
                meta.get("download_maxsize", self._max_size),
                meta.get("download_warnsize", self._warn_size),
            )
        return _Sizes(request, self._spools.max_size(request), meta.get("download_warnsize", 0))

    def _tell_of_data_loss(self, request: Request) -> None:
        if not self._is_data_loss_told:
            self._is_data_loss_told = True
            logger.warning(get_dataloss_msg(request.url))


class _Sizes:
    """Whether a body is too large, or so large that somebody should know; 0 is no limit."""

    def __init__(self, request: Request, max_size: int, warn_size: int) -> None:
        self._request = request
        self._max_size = max_size
        self._warn_size = warn_size

    def check(self, size: int, *, expected: bool) -> None:
        """Raise DownloadCancelledError, warn once, or neither."""
        if self._max_size and size > self._max_size:
            text = get_maxsize_msg(size, self._max_size, self._request, expected=expected)
            logger.warning(text)
            raise DownloadCancelledError(text)
        if self._warn_size and size > self._warn_size:
            logger.warning(
                get_warnsize_msg(size, self._warn_size, self._request, expected=expected)
            )
            self._warn_size = 0


def is_late(head: http1.Response) -> bool:
    """Tell whether the server waited in vain, and not for a request that was under way already.

    "If a client has an outstanding request in transit, it MAY repeat that request" (RFC 9110
    section 15.5.9). The server says it when a connection was idle for too long, and closes it.
    """
    return head.status_code == 408 and not may_follow(head.version, head.fields)


def request_fields(request: Request, destination: Destination) -> http1.Fields:
    """Return the fields as the spider has them: names, order and repetitions.

    The names of an ExactRequest are spelled as there, others as Scrapy spells them. Where there is
    no Host it comes first; a length comes last, or replaces the one that is there. What is meant
    for a proxy goes to nobody else.
    """
    body, method = request.body, request.method.encode("utf-8")
    length = b"%d" % len(body)
    fields: list[tuple[bytes, bytes]] = []
    names = set()
    for field in header_fields(request.headers):
        lower = field[0].lower()
        if lower == b"proxy-authorization" and not destination.to_proxy:
            continue
        if lower == b"content-length":
            if lower in names:
                continue
            field = field[0], length
        names.add(lower)
        fields.append(field)
    if b"host" not in names:
        fields.insert(0, (b"Host", destination.host))
    if b"transfer-encoding" in names:
        fields = [field for field in fields if field[0].lower() != b"content-length"]
    elif b"content-length" not in names and (body or method in _WITH_BODY):
        fields.append((b"Content-Length", length))
    return http1.Fields(fields)
