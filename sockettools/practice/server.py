"""The practice web's server: one thread per connection on a bare TCP socket."""

from __future__ import annotations

import html
from http import HTTPStatus
from typing import TYPE_CHECKING

from sockettools.errors import ReadTimeout, RemoteProtocolError
from sockettools.lifetime import Running
from sockettools.net.address import InternetAddress
from sockettools.net.deadline import Deadline
from sockettools.net.listen import origin, unmapped
from sockettools.net.serving.blocking import ThreadedServer
from sockettools.net.serving.limits import Limits
from sockettools.net.stream import linger
from sockettools.practice.http import (
    MAX_HEAD,
    Request,
    find_head_end,
    format_response,
    parse_request,
)
from sockettools.practice.pages import HTML, Page, find_page
from sockettools.text import visible

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event

    from sockettools.net.stream import SocketStream

# Clients at a time; the next ones wait until one has gone.
MAX_CONNECTIONS = 256

# Seconds. A client may be silent between two requests for so long, then has so long for a whole
# head (a byte a second does not outlive it), and so long to take the answer.
IDLE_TIMEOUT = 15.0
HEAD_TIMEOUT = 10.0
SEND_TIMEOUT = 30.0

# Seconds that stopping waits for answers under way.
GRACE = 2.0

RECEIVE_SIZE = 16_384


class PracticeServer(Running):
    """Serves the practice web in threads of its own, from ``start`` to ``close``.

    ``log`` is called with one line for every answered request, from any thread.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        log: Callable[[str], None] | None = None,
    ) -> None:
        """Listen; ``port`` 0 takes any free one, ``url`` tells which.

        Raises:
            ListenError: the address cannot be listened on.
        """
        limits = Limits(connections=MAX_CONNECTIONS, grace=GRACE)
        self._server = ThreadedServer(InternetAddress(host, port), self._serve, limits)
        assert isinstance(self._server.address, InternetAddress)  # for the type checker
        self.url = origin(self._server.address.host, self._server.address.port) + "/"
        self._log = log or (lambda _line: None)

    def start(self) -> None:
        """Begin to answer."""
        self._server.start()

    def close(self) -> None:
        """Stop accepting, let answers under way finish for ``GRACE`` seconds, then cut them."""
        self._server.close(stop_reading=True)

    def _serve(self, client: SocketStream) -> None:
        _Conversation(client, self._log, self._server.closing).run()


class _Conversation:
    """Requests and answers on one connection, in turn."""

    def __init__(self, client: SocketStream, log: Callable[[str], None], closing: Event) -> None:
        self._client = client
        self._log = log
        self._closing = closing
        self._buffer = bytearray()
        host, port = client.socket.getpeername()[:2]
        self._peer = f"{unmapped(host)}:{port}"
        # The base of links for an HTTP/1.0 client that names no host.
        self._origin = origin(*client.socket.getsockname()[:2])

    def run(self) -> None:
        """Answer until the client or the server has had enough.

        Raises:
            NetworkError, Timeout: the client is gone, or too slow.
        """
        going_on = True
        while going_on and not self._closing.is_set():
            try:
                head = self._receive_head()
                if head is None:
                    return
                going_on = self._answer(parse_request(head))
            except RemoteProtocolError as exc:
                self._refuse(exc)
                going_on = False
        self._client.send_eof()
        linger(self._client)

    def _answer(self, request: Request) -> bool:
        """Send the page that is asked for; return whether another request may follow."""
        base = self._origin if request.authority is None else f"http://{request.authority}"
        page = find_page(request.path, base)
        status = HTTPStatus.OK
        if page is None:
            status = HTTPStatus.NOT_FOUND
            page = _error_page(status, f"There is no page {visible(request.path)}")
        keep_alive = request.keep_alive and not self._closing.is_set()
        with_body = request.method != "HEAD"
        self._send(format_response(status, page, keep_alive=keep_alive, with_body=with_body))
        self._record(f"{request.method} {request.target}", status, page if with_body else None)
        return keep_alive

    def _refuse(self, error: RemoteProtocolError) -> None:
        status = HTTPStatus(error.status_hint)
        page = _error_page(status, str(error))
        self._send(format_response(status, page, keep_alive=False))
        self._record(str(error), status, page)

    def _record(self, what: str, status: HTTPStatus, page: Page | None) -> None:
        size = len(page.body) if page else 0
        self._log(f'{self._peer} "{visible(what)}" {status.value} {size}')

    def _receive_head(self) -> bytes | None:
        """Return the next request's head; None when the client is done.

        Raises:
            RemoteProtocolError: the head took too long.
        """
        searched = 0
        deadline = Deadline.after(IDLE_TIMEOUT)
        while True:
            if searched == 0:
                # Blank lines before a request are passed over (2.2).
                del self._buffer[: len(self._buffer) - len(self._buffer.lstrip(b"\r\n"))]
                if self._buffer:
                    deadline = Deadline.after(HEAD_TIMEOUT)
            end = find_head_end(self._buffer, max(0, searched - 3))
            if end is not None:
                head = bytes(self._buffer[:end])
                del self._buffer[:end]
                return head
            if len(self._buffer) > MAX_HEAD:
                return bytes(self._buffer)  # too long, whatever follows; the parser says so
            searched = len(self._buffer)
            try:
                data = self._client.receive_some(RECEIVE_SIZE, deadline)
            except ReadTimeout:
                if not searched:
                    return None  # silent for too long
                raise RemoteProtocolError(
                    f"the head took longer than {HEAD_TIMEOUT:g} seconds",
                    HTTPStatus.REQUEST_TIMEOUT,
                ) from None
            if not data:
                return None  # the end, or half a head that nobody will finish
            self._buffer += data

    def _send(self, data: bytes) -> None:
        self._client.send_all(data, Deadline.after(SEND_TIMEOUT))


def _error_page(status: HTTPStatus, message: str) -> Page:
    title = f"{status.value} {status.phrase}"
    return Page(
        HTML,
        f"<title>{title}</title>\n<h1>{title}</h1>\n<p>{html.escape(message)}</p>\n".encode(),
    )
