"""The practice web's server: one thread per connection on a bare TCP socket."""

from __future__ import annotations

import contextlib
import html
import socket
import threading
from http import HTTPStatus
from time import monotonic
from typing import TYPE_CHECKING

from sockettools.errors import RemoteProtocolError
from sockettools.net.address import InternetAddress
from sockettools.net.listen import Listener, origin, unmapped
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
    from types import TracebackType
    from typing import Self

# Clients at a time; the next ones wait in the listener's backlog until one has gone.
MAX_CONNECTIONS = 256

# Seconds. A client may be silent between two requests for so long, then has so long for a whole
# head (a byte a second does not outlive it), and so long to take the answer.
IDLE_TIMEOUT = 15.0
HEAD_TIMEOUT = 10.0
SEND_TIMEOUT = 30.0

# Before closing, what the client is still sending is read for so many seconds and octets: a socket
# closed with unread data is reset, and the reset can overtake the answer (RFC 9112 section 9.6).
LINGER_TIME = 2.0
LINGER_SIZE = 1_048_576

# Seconds that stopping waits for answers under way.
GRACE = 2.0

# Seconds to wait when no connection can be taken (too many open files) before trying again.
ACCEPT_RETRY = 0.1

RECEIVE_SIZE = 16_384


class PracticeServer:
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
        self._listener = Listener(InternetAddress(host, port))
        self.url = origin(*self._listener.socket.getsockname()[:2]) + "/"
        self._log = log or (lambda _line: None)
        self._places = threading.Semaphore(MAX_CONNECTIONS)
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._clients: dict[threading.Thread, socket.socket] = {}
        self._acceptor = threading.Thread(
            target=self._accept_clients, name="practice-accept", daemon=True
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def start(self) -> None:
        """Begin to answer."""
        self._acceptor.start()

    def close(self) -> None:
        """Stop accepting, let answers under way finish for ``GRACE`` seconds, then cut them."""
        self._closing.set()
        self._listener.stop()
        self._places.release()  # the acceptor may be waiting for one
        self._acceptor.join()
        self._listener.close()
        # Reading ends now: who waits for a next request sees the end, who is answering goes on.
        self._shut_down(socket.SHUT_RD)
        self._join(GRACE)
        self._shut_down(socket.SHUT_RDWR)
        self._join(GRACE)

    def _shut_down(self, how: int) -> None:
        with self._lock:
            for client in self._clients.values():
                with contextlib.suppress(OSError):  # gone already
                    client.shutdown(how)

    def _join(self, seconds: float) -> None:
        deadline = monotonic() + seconds
        with self._lock:
            threads = list(self._clients)
        for thread in threads:
            thread.join(max(0.0, deadline - monotonic()))

    def _accept_clients(self) -> None:
        while True:
            self._places.acquire()
            if self._closing.is_set():
                return
            try:
                client = self._listener.accept()
            except OSError:
                self._places.release()
                self._closing.wait(ACCEPT_RETRY)
                continue
            if client is None:
                return
            thread = threading.Thread(target=self._serve, args=(client,), daemon=True)
            with self._lock:
                self._clients[thread] = client
            try:
                thread.start()
            except RuntimeError:  # no more threads to be had
                self._forget(thread)
                client.close()

    def _serve(self, client: socket.socket) -> None:
        # An OSError means that the client went away or ran into a timeout: its own affair.
        with contextlib.suppress(OSError):
            _Conversation(client, self._log, self._closing).run()
        self._forget(threading.current_thread())
        client.close()

    def _forget(self, thread: threading.Thread) -> None:
        # Under the lock, so that no socket is shut down after its number was given to another.
        with self._lock:
            del self._clients[thread]
        self._places.release()


class _Conversation:
    """Requests and answers on one connection, in turn."""

    def __init__(
        self, client: socket.socket, log: Callable[[str], None], closing: threading.Event
    ) -> None:
        self._client = client
        self._log = log
        self._closing = closing
        self._buffer = bytearray()
        host, port = client.getpeername()[:2]
        self._peer = f"{unmapped(host)}:{port}"
        # The base of links for an HTTP/1.0 client that names no host.
        self._origin = origin(*client.getsockname()[:2])
        # An answer goes out in one piece; Nagle would hold back its tail for the client's ACK.
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def run(self) -> None:
        """Answer until the client or the server has had enough.

        Raises:
            OSError: the client is gone, or too slow (TimeoutError).
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
        self._linger()

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
            RemoteProtocolError: the head is too long, or took too long.
        """
        self._client.settimeout(IDLE_TIMEOUT)
        searched = 0
        deadline = None
        while True:
            if searched == 0:
                # Blank lines before a request are passed over (2.2).
                del self._buffer[: len(self._buffer) - len(self._buffer.lstrip(b"\r\n"))]
            end = find_head_end(self._buffer, max(0, searched - 3))
            if end is not None:
                head = bytes(self._buffer[:end])
                del self._buffer[:end]
                return head
            if len(self._buffer) > MAX_HEAD:
                raise RemoteProtocolError(
                    f"the head is longer than {MAX_HEAD} bytes",
                    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                )
            searched = len(self._buffer)
            if searched and deadline is None:
                deadline = monotonic() + HEAD_TIMEOUT
            try:
                if deadline is not None:
                    self._client.settimeout(max(0.001, deadline - monotonic()))
                data = self._client.recv(RECEIVE_SIZE)
            except TimeoutError:
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
        self._client.settimeout(SEND_TIMEOUT)  # for all of it, not for each piece
        self._client.sendall(data)

    def _linger(self) -> None:
        self._client.shutdown(socket.SHUT_WR)
        deadline = monotonic() + LINGER_TIME
        received = 0
        while received < LINGER_SIZE and (left := deadline - monotonic()) > 0:
            self._client.settimeout(left)
            data = self._client.recv(RECEIVE_SIZE)
            if not data:
                return
            received += len(data)


def _error_page(status: HTTPStatus, message: str) -> Page:
    title = f"{status.value} {status.phrase}"
    return Page(
        HTML,
        f"<title>{title}</title>\n<h1>{title}</h1>\n<p>{html.escape(message)}</p>\n".encode(),
    )
