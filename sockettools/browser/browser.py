"""Requests in, answers out: what a browser does besides showing pages."""

from __future__ import annotations

import time
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING

from sockettools.browser.connecting import Connections
from sockettools.browser.exchange import Exchange
from sockettools.browser.options import Options
from sockettools.browser.redirects import next_request
from sockettools.browser.request import basic, field_text, format_head
from sockettools.browser.response import Body, Response
from sockettools.errors import (
    IncompleteMessage,
    RemoteProtocolError,
    SocketToolsError,
    TooLong,
    WriteError,
)
from sockettools.lifetime import Closing
from sockettools.net.deadline import NEVER, Deadline

if TYPE_CHECKING:
    from collections.abc import Callable

    from sockettools import http1
    from sockettools.browser.connecting import Route
    from sockettools.browser.connection import HttpConnection
    from sockettools.browser.cookies import CookieJar
    from sockettools.browser.request import Request
    from sockettools.net.transcript import Transcript
    from sockettools.url import HttpUrl

# RFC 9110 section 9.2.2: asking twice is as good as asking once.
_IDEMPOTENT = {"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"}

# What is said to a proxy, and to nobody behind it.
_FOR_PROXY = "proxy-authorization"


class Browser(Closing):
    """Opens URLs, one at a time; connections and cookies are kept from one to the next."""

    def __init__(
        self,
        options: Options | None = None,
        *,
        cookies: CookieJar | None = None,
        transcript: Transcript | None = None,
        record: Callable[[Exchange], None] | None = None,
    ) -> None:
        """Begin. ``record`` is called with each exchange when it is over, redirects too."""
        self.options = options or Options()
        self.cookies = cookies
        self._record = record or (lambda _exchange: None)
        self._connections = Connections(self.options, transcript)

    def open(self, request: Request, deadline: Deadline = NEVER) -> Response:
        """Send a request, follow redirects, and return the final answer, its body still unread.

        Raises:
            ConnectError, Timeout, ProtocolError, NetworkError: there is none.
        """
        for _ in range(self.options.max_redirects + 1):
            response = self._open_once(request, deadline)
            try:
                following = self._next_request(request, response)
                if following is None:
                    self._check(response)
                    return response
            except BaseException:
                response.close()
                raise
            response.skip()
            request = following
        raise RemoteProtocolError(
            f"{request.url}: more than {self.options.max_redirects} redirects"
        )

    def close(self) -> None:
        """Close all connections."""
        self._connections.close()

    def _open_once(self, request: Request, deadline: Deadline) -> Response:
        route = self._connections.route_to(request.url)
        head = self._head(request, route)
        connection = self._connections.take_idle(route)
        while True:
            exchange = Exchange(request.url, head, request.body, time.time())
            reused = connection
            try:
                connection = connection or self._connections.open(
                    route, exchange.timings, deadline, request.given(_FOR_PROXY)
                )
                self._ask(connection, exchange, request, deadline)
                break
            except BaseException as exc:
                if connection is not None:
                    connection.close()
                if reused is not None and _may_be_sent_again(request, reused, exc):
                    connection = None
                    continue
                exchange.error = str(exc)
                self._record(exchange)
                raise
        self._store_cookies(request.url, exchange)
        return self._response(request, exchange, route, connection, deadline)

    def _response(
        self,
        request: Request,
        exchange: Exchange,
        route: Route,
        connection: HttpConnection,
        deadline: Deadline,
    ) -> Response:
        def done(is_complete: bool) -> None:
            if is_complete:
                self._connections.give_back(route, connection)
            else:
                connection.close()
            self._record(exchange)

        body = Body(connection, exchange, self.options, deadline, done)
        return Response(request, exchange, body, self.options)

    def _ask(
        self,
        connection: HttpConnection,
        exchange: Exchange,
        request: Request,
        deadline: Deadline,
    ) -> None:
        exchange.peer, exchange.connection = connection.address, connection.number
        start = monotonic()
        unsent: WriteError | None = None
        try:
            connection.send(exchange.request, request.body or b"", deadline)
        except WriteError as exc:
            # A server may answer and close before it has read everything: 413 is such an answer.
            unsent = exc
        sent = monotonic()
        exchange.timings.send = sent - start
        try:
            exchange.response = connection.receive_head(deadline)
        except SocketToolsError:
            if unsent is not None:
                raise unsent from None
            raise
        exchange.timings.wait = monotonic() - sent

    def _head(self, request: Request, route: Route) -> http1.Request:
        own = [("User-Agent", self.options.user_agent), ("Accept", "*/*")]
        if self.options.accept_encoding:
            own.append(("Accept-Encoding", self.options.accept_encoding))
        if cookie := self._cookie_for(request):
            own.append(("Cookie", cookie))
            request = request.without_fields({"cookie"})
        if not route.is_forwarded:
            request = request.without_fields({_FOR_PROXY})
        if route.is_forwarded and route.proxy and route.proxy.username is not None:
            credentials = (route.proxy.username, route.proxy.password or "")
            own.append(("Proxy-Authorization", basic(credentials)))
        return format_head(
            request,
            own,
            version=b"1.0" if self.options.http_1_0 else b"1.1",
            absolute=route.is_forwarded,
        )

    def _cookie_for(self, request: Request) -> str | None:
        """Return the cookies of the jar and those of the request together."""
        if self.cookies is None:
            return None
        url = request.url
        stored = self.cookies.header(url.scheme, url.host, url.path, time.time())
        given = request.given("cookie")
        if None in given:  # no cookies are wanted
            return None
        if stored is not None:
            stored = field_text(stored.encode("latin-1"))
        return "; ".join(cookie for cookie in (stored, *given) if cookie) or None

    def _store_cookies(self, url: HttpUrl, exchange: Exchange) -> None:
        if self.cookies is not None and exchange.response is not None:
            values = [
                value.decode("latin-1") for value in exchange.response.fields.get_all(b"set-cookie")
            ]
            self.cookies.store(url.scheme, url.host, url.path, values, time.time())

    def _next_request(self, request: Request, response: Response) -> Request | None:
        if response.status_code == 417 and response.exchange.request.fields.has(b"expect"):
            # "SHOULD repeat that request without a 100-continue expectation", RFC 9110 10.1.1.
            bare = request.without_fields({"expect"})
            return replace(bare, fields=(*bare.fields, ("Expect", None)))
        return next_request(request, response.head) if self.options.follow else None

    def _check(self, response: Response) -> None:
        """Refuse a part, or a body that is too long, before any of it is taken."""
        if response.status_code == 206 and not response.exchange.request.fields.has(b"range"):
            raise RemoteProtocolError(f"{response.url} sent a part, where all was asked for")
        size, limit = response.expected_size(), self.options.max_body
        if size is not None and limit is not None and size > limit:
            raise TooLong(f"{response.url}: the body has {size} bytes, the limit is {limit}")


def _may_be_sent_again(request: Request, connection: HttpConnection, error: BaseException) -> bool:
    """Tell whether a server closed a connection just before it could have seen the request."""
    return (
        request.method in _IDEMPOTENT
        and not connection.heard
        and isinstance(error, (WriteError, IncompleteMessage))
    )
