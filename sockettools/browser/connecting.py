"""Connections to where a URL leads: addresses, proxies, TLS, and the ones that are open already."""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import monotonic
from typing import TYPE_CHECKING

from sockettools import http1
from sockettools.browser.connection import HttpConnection
from sockettools.browser.request import basic, field_octets
from sockettools.errors import (
    ConnectError,
    ConnectTimeout,
    LocalProtocolError,
    SocketToolsError,
    Timeout,
)
from sockettools.lifetime import Closing
from sockettools.net.address import InternetAddress, resolve
from sockettools.net.dial import dial
from sockettools.net.tls import client_context, start_client_tls
from sockettools.net.transcript import RecordedStream
from sockettools.text import visible

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence

    from sockettools.browser.exchange import Timings
    from sockettools.browser.options import Options
    from sockettools.net.address import Address, Candidate
    from sockettools.net.deadline import Deadline
    from sockettools.net.stream import SocketStream, Stream
    from sockettools.net.transcript import Transcript
    from sockettools.url import HttpUrl

# Connections that are kept open while nothing is asked: curl keeps five.
MAX_IDLE = 8


@dataclass(frozen=True)
class Route:
    """What a connection can be used for: one origin, by one way."""

    scheme: str
    host: str
    port: int
    proxy: HttpUrl | None = None

    @property
    def is_forwarded(self) -> bool:
        """Whether a proxy reads the requests, which are then in absolute-form."""
        return self.proxy is not None and self.scheme == "http"


class Connections(Closing):
    """Opens connections, and keeps those that can be used again. For one thread at a time."""

    def __init__(self, options: Options, transcript: Transcript | None = None) -> None:
        self._options = options
        self._transcript = transcript
        self._tls = options.tls
        self._idle: list[tuple[Route, HttpConnection]] = []
        self._opened = 0

    def route_to(self, url: HttpUrl) -> Route:
        """Return the way to a URL."""
        return Route(url.scheme, url.host, url.port, self._options.proxies.proxy_for(url))

    def take_idle(self, route: Route) -> HttpConnection | None:
        """Return an open connection, the one used last, if there is one still alive."""
        for entry in reversed(self._idle):
            if entry[0] == route:
                self._idle.remove(entry)
                if entry[1].is_alive():
                    return entry[1]
                entry[1].close()
        return None

    def give_back(self, route: Route, connection: HttpConnection) -> None:
        """Keep a connection whose answer has been read, if it is good for another one."""
        if connection.begin_next():
            self._idle.append((route, connection))
            while len(self._idle) > MAX_IDLE:
                self._idle.pop(0)[1].close()

    def open(
        self,
        route: Route,
        timings: Timings,
        deadline: Deadline,
        authorization: Sequence[str | None] = (),
    ) -> HttpConnection:
        """Connect, and note how long each step took.

        ``authorization`` are the values of Proxy-Authorization that a tunnel is asked for with, in
        the place of the proxy's own credentials; None for none.

        Raises:
            LocalProtocolError: one of them is no such value.
            ConnectError, ConnectTimeout: there is no connection, for the reason that it tells.
        """
        proxy = route.proxy
        host, port = (proxy.host, proxy.port) if proxy else (route.host, route.port)
        if deadline.has_passed():
            name = InternetAddress(host, port).host_and_port
            raise ConnectTimeout(f"{name}: the transfer was not complete in time")
        deadline = deadline.within(self._options.connect_timeout)
        dialed = self._dial(host, port, timings, deadline)
        stream: Stream = dialed
        self._opened += 1
        try:
            if proxy and proxy.scheme == "https":
                stream = self._encrypt(stream, proxy.host, timings, deadline)
            if route.scheme == "https":
                if proxy:
                    stream = self._tunnel(stream, route, proxy, deadline, authorization)
                stream = self._encrypt(stream, route.host, timings, deadline)
            if self._transcript:
                # Above TLS: what was said, not how it was encrypted.
                # The first one, mostly the only one, needs no name.
                name = "" if self._opened == 1 else str(self._opened)
                stream = RecordedStream(stream, self._transcript, name)
            return HttpConnection(
                stream,
                InternetAddress(route.host, route.port).host_and_port,
                self._options,
                address=_peer_address(dialed),
                number=self._opened,
            )
        except BaseException:
            stream.close()
            raise

    def close(self) -> None:
        """Close what is idle."""
        for _, connection in self._idle:
            connection.close()
        self._idle.clear()

    def _dial(self, host: str, port: int, timings: Timings, deadline: Deadline) -> SocketStream:
        address = InternetAddress(host, port)
        start = monotonic()

        def resolver(asked: Address) -> list[Candidate]:
            candidates = resolve(self._options.addresses.get((host, port), asked))
            timings.resolve = monotonic() - start
            return candidates

        stream = dial(address, deadline, resolver)
        timings.connect = monotonic() - start - (timings.resolve or 0.0)
        return stream

    def _encrypt(self, stream: Stream, host: str, timings: Timings, deadline: Deadline) -> Stream:
        start = monotonic()
        name = host.partition("%")[0].rstrip(".")
        encrypted = start_client_tls(stream, self._context(), name, deadline, host)
        timings.tls = (timings.tls or 0.0) + monotonic() - start
        return encrypted

    def _context(self) -> ssl.SSLContext:
        # Not before it is needed: reading the system's authorities takes a while.
        if self._tls is None:
            self._tls = client_context()
        return self._tls

    def _tunnel(
        self,
        stream: Stream,
        route: Route,
        proxy: HttpUrl,
        deadline: Deadline,
        authorization: Sequence[str | None],
    ) -> Stream:
        """Have the proxy connect to the origin: CONNECT, RFC 9110 section 9.3.6."""
        spoken = RecordedStream(stream, self._transcript, "proxy") if self._transcript else stream
        target = InternetAddress(route.host, route.port).host_and_port.encode("ascii")
        fields = [(b"Host", target), (b"User-Agent", self._options.user_agent.encode())]
        if proxy.username is not None and not authorization:
            authorization = [basic((proxy.username, proxy.password or ""))]
        fields += [
            (b"Proxy-Authorization", field_octets(value))
            for value in authorization
            if value is not None
        ]
        head = http1.Request(b"CONNECT", target, http1.Fields(fields))
        name = InternetAddress(proxy.host, proxy.port).host_and_port
        # An answer of a proxy is HTTP/1 with a head, whatever is asked of the origin.
        options = replace(self._options, allow_http_0_9=False, delay=0.0)
        connection = HttpConnection(spoken, f"the proxy {name}", options)
        try:
            connection.send(head, b"", deadline)
            answer = connection.receive_head(deadline)
            if 200 <= answer.status_code <= 299:
                connection.check_tunnel()
                return stream  # what goes through it now is encrypted, and not recorded
        except LocalProtocolError:
            raise
        except Timeout as exc:
            raise ConnectTimeout(f"no connection to {target.decode()}: {exc}") from exc
        except SocketToolsError as exc:
            raise ConnectError(f"no connection to {target.decode()}: {exc}") from exc
        reason = visible(answer.reason.decode("latin-1"))
        raise ConnectError(
            f"the proxy {name} does not connect to {target.decode()}: "
            f"{answer.status_code} {reason}".rstrip()
        )


def _peer_address(stream: SocketStream) -> str:
    try:
        return str(stream.socket.getpeername()[0])
    except OSError:  # reset already
        return ""
