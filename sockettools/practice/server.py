"""The practice web's server: one thread per connection on a bare TCP socket.

The HTTP is the engine's, and the pages are values; here is what takes time: waiting for requests,
and sending answers piece by piece, each with a limit.
"""

from __future__ import annotations

import contextlib
import html
import socket
import struct
from dataclasses import replace
from email.utils import formatdate
from http import HTTPStatus
from itertools import chain
from typing import TYPE_CHECKING

from sockettools import __version__
from sockettools.errors import IncompleteMessage, ReadTimeout, RemoteProtocolError, TooLong
from sockettools.http1 import (
    NEED_DATA,
    Connection,
    Data,
    EndOfMessage,
    Fields,
    InformationalResponse,
    Response,
    Role,
    State,
)
from sockettools.http1 import Request as RequestHead
from sockettools.http1.framing import request_framing, response_framing
from sockettools.lifetime import Running
from sockettools.net.address import InternetAddress
from sockettools.net.deadline import Deadline
from sockettools.net.listen import origin, unmapped
from sockettools.net.serving.blocking import ThreadedServer
from sockettools.net.serving.limits import Limits
from sockettools.net.stream import linger
from sockettools.practice.answers import HTML, Answer, Ending, Pause, pieces
from sockettools.practice.http import LIMITS, READING, BadArgument, parse_request
from sockettools.practice.pages import find_page
from sockettools.practice.sections import find_route
from sockettools.text import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from threading import Event

    from sockettools.net.stream import SocketStream
    from sockettools.practice.answers import Piece, Reply
    from sockettools.practice.http import Request

# Clients at a time; the next ones wait until one has gone.
MAX_CONNECTIONS = 256

# Seconds. A client may be silent between two requests for so long, then has so long for a whole
# head (a byte a second does not outlive it), so long for a body, and so long to take each piece of
# the answer.
IDLE_TIMEOUT = 15.0
HEAD_TIMEOUT = 10.0
BODY_TIMEOUT = 30.0
SEND_TIMEOUT = 30.0

# Seconds after which the longest answer is cut, and the longest silence ends.
ANSWER_TIMEOUT = 3_600.0

# Seconds that stopping waits for answers under way.
GRACE = 2.0

RECEIVE_SIZE = 16_384

# SO_LINGER, on and zero seconds: closing drops what is unsent and resets the connection.
_NO_LINGER = struct.pack("ii", 1, 0)


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
        """Stop accepting, let answers under way finish for ``GRACE`` seconds, then cut them.

        An answer that comes in pieces is cut at once, between two of them.
        """
        self._server.close(stop_reading=True)

    def _serve(self, client: SocketStream) -> None:
        _Conversation(client, self._log, self._server.closing).run()


class _Conversation:
    """Requests and answers on one connection, in turn."""

    def __init__(self, client: SocketStream, log: Callable[[str], None], closing: Event) -> None:
        self._client = client
        self._log = log
        self._closing = closing
        self._http = Connection(Role.SERVER, LIMITS)
        self._method = ""  # of the request that is being answered
        self._http_1_0 = False
        self._sent = 0  # octets of the answer's body
        host, port = client.socket.getpeername()[:2]
        self._peer = f"{unmapped(host)}:{port}"
        # The base of links for an HTTP/1.0 client that names no host.
        self._origin = origin(*client.socket.getsockname()[:2])

    def run(self) -> None:
        """Answer until the client or the server has had enough.

        Raises:
            NetworkError, Timeout: the client is gone, or too slow.
        """
        ending = Ending.KEEP
        while ending is Ending.KEEP and not self._closing.is_set():
            try:
                self._method, self._http_1_0 = "GET", False  # until it is known
                head = self._receive_head()
                if head is None:
                    return
                ending = self._answer(head)
            except IncompleteMessage:
                return  # half a request that nobody will finish
            except RemoteProtocolError as exc:
                self._refuse(exc)
                ending = Ending.CLOSE
        self._end(ending)

    def _answer(self, head: RequestHead) -> Ending:
        """Send what is asked for; return what is to become of the connection."""
        self._method = head.method.decode("latin-1")
        self._http_1_0 = head.version == b"1.0"
        request = parse_request(head, self._origin)
        reply = self._find(request, head)
        ending = self._deliver(reply, f"{request.method} {request.target}")
        if ending in (Ending.KEEP, Ending.DESERTION) and not self._go_on(reply):
            return Ending.CLOSE
        return ending

    def _find(self, request: Request, head: RequestHead) -> Reply:
        found = find_route(request.path)
        allowed = found[0].methods if found else READING
        if request.method not in allowed:
            self._pass_over_body()
            return _error_answer(405, f"{request.method} is not answered here", allowed)
        if found is None:
            self._pass_over_body()
            page = find_page(request.path, request.origin)
            if page is None:
                return _error_answer(404, f"There is no page {visible(request.path)}")
            return Answer(body=page.body, content_type=page.content_type)
        route, arguments = found
        if route.takes_body:
            request = replace(request, body=self._receive_body(head))
        else:
            self._pass_over_body()
        try:
            return route.reply(replace(request, arguments=arguments))
        except BadArgument as exc:
            return _error_answer(400, str(exc))

    def _refuse(self, error: RemoteProtocolError) -> None:
        self._deliver(_error_answer(error.status_hint, str(error)), str(error))

    # Receiving.

    def _receive_head(self) -> RequestHead | None:
        """Return the next request's head; None when the client is done.

        Raises:
            RemoteProtocolError: it is none, or took too long.
        """
        begun = False
        deadline = Deadline.after(IDLE_TIMEOUT)
        while (event := self._http.next_event()) is NEED_DATA:
            if not begun and self._http.trailing_data[0]:
                begun = True
                deadline = Deadline.after(HEAD_TIMEOUT)
            try:
                self._receive(deadline)
            except ReadTimeout:
                if not begun:
                    return None  # silent for too long
                raise _too_slow("head", HEAD_TIMEOUT) from None
        return event if isinstance(event, RequestHead) else None

    def _receive_body(self, head: RequestHead) -> bytes:
        length = request_framing(head.version, head.fields)
        if isinstance(length, int) and length > (LIMITS.body or 0):
            # Said before the client, which may be waiting for leave, sends it all.
            raise TooLong(f"the body is longer than {LIMITS.body} bytes", 413)
        event = self._http.next_event()
        if self._http.expects_continue:
            self._send((self._http.send(InformationalResponse(100, Fields(), b"Continue")),))
        body = bytearray()
        deadline = Deadline.after(BODY_TIMEOUT)
        while not isinstance(event, EndOfMessage):
            if isinstance(event, Data):
                body += event.data
            else:
                try:
                    self._receive(deadline)
                except ReadTimeout:
                    raise _too_slow("body", BODY_TIMEOUT) from None
            event = self._http.next_event()
        return bytes(body)

    def _pass_over_body(self) -> None:
        """See whether there is one; if so it is not read, and the connection is not kept."""
        self._http.next_event()

    def _receive(self, deadline: Deadline) -> None:
        self._http.receive_data(self._client.receive_some(RECEIVE_SIZE, deadline))

    # Sending.

    def _deliver(self, reply: Reply, what: str) -> Ending:
        """Send an answer and note it."""
        self._sent = 0
        status = "-"
        if isinstance(reply, Answer):
            data: Iterable[Piece] = self._formatted(reply)
            status = str(int(reply.status))
        else:
            data = pieces(reply.head)
            if self._method != "HEAD":
                data = chain(data, self._counted(reply.body))
        try:
            is_whole = self._send(data)
        finally:
            self._log(f'{self._peer} "{visible(what)}" {status} {self._sent}')
        # A reset, lest the part of an answer whose end is that of the connection seem to be all.
        return reply.ending if is_whole else Ending.RESET

    def _formatted(self, answer: Answer) -> Iterator[Piece]:
        """Yield what goes to the wire for an answer."""
        for step in answer.before:
            if isinstance(step, Pause):
                yield step
            elif not self._http_1_0:  # which does not know them (RFC 9110 section 15.2)
                yield self._http.send(step)
        response = self._response(answer)
        head = self._http.send(response)
        if response_framing(self._method.encode("latin-1"), answer.status, response.fields) == 0:
            yield head + self._http.send(EndOfMessage())
        elif isinstance(answer.body, bytes):
            self._sent = len(answer.body)
            body = self._http.send(Data(answer.body)) + self._http.send(EndOfMessage())
            yield head + body
        else:
            yield head
            for piece in self._counted(answer.body):
                yield piece if isinstance(piece, Pause) else self._http.send(Data(piece))
            yield self._http.send(EndOfMessage())

    def _response(self, answer: Answer) -> Response:
        fields = {"Date": formatdate(usegmt=True), "Server": f"sockettools/{__version__}"}
        if answer.content_type is not None:
            fields["Content-Type"] = answer.content_type
        length = len(answer.body) if isinstance(answer.body, bytes) else answer.length
        has_end = True
        if answer.status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
            pass
        elif length is not None:
            fields["Content-Length"] = str(length)
        elif not self._http_1_0:
            fields["Transfer-Encoding"] = "chunked"
        else:
            has_end = False
        # Also said when it is the default: an HTTP/1.0 client that asked has to be told.
        keep_alive = has_end and self._may_go_on()
        fields["Connection"] = "keep-alive" if keep_alive else "close"
        reason = _phrase(answer.status) if answer.reason is None else answer.reason
        return Response(
            answer.status,
            Fields(
                [
                    (name.encode("ascii"), value.encode())
                    for name, value in chain(fields.items(), answer.fields)
                ]
            ),
            reason.encode("ascii"),
        )

    def _counted(self, body: bytes | Iterable[Piece]) -> Iterator[Piece]:
        for piece in pieces(body):
            if not isinstance(piece, Pause):
                self._sent += len(piece)
            yield piece

    def _send(self, data: Iterable[Piece]) -> bool:
        """Send piece by piece; return whether that was all, and not cut.

        Raises:
            NetworkError, Timeout: the client is gone, or does not read.
        """
        deadline = Deadline.after(ANSWER_TIMEOUT)
        for number, piece in enumerate(data):
            if deadline.has_passed() or (number and self._closing.is_set()):
                return False
            if not isinstance(piece, Pause):
                self._client.send_all(piece, Deadline.after(SEND_TIMEOUT))
            elif self._closing.wait(piece.seconds):
                return False
        return True

    # What follows.

    def _may_go_on(self) -> bool:
        """Tell whether the client would take another answer on this connection."""
        return self._http.their_state is State.DONE and not self._closing.is_set()

    def _go_on(self, reply: Reply) -> bool:
        """Get ready for the next request; False if there will be none."""
        if not self._may_go_on():
            return False
        if isinstance(reply, Answer):
            if self._http.our_state is not State.DONE:
                return False
            self._http.start_next_cycle()
            return True
        # The engine knows nothing of what was sent: a new one takes over.
        received, has_ended = self._http.trailing_data
        self._http = Connection(Role.SERVER, LIMITS)
        if received:
            self._http.receive_data(received)
        if has_ended:
            self._http.receive_data(b"")
        return True

    def _end(self, ending: Ending) -> None:
        if ending is Ending.RESET:
            with contextlib.suppress(OSError):
                self._client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            return  # closing does it
        if ending is Ending.DESERTION:
            with contextlib.suppress(RemoteProtocolError):
                self._receive_head()
        if ending is Ending.SILENCE:
            deadline = Deadline.after(ANSWER_TIMEOUT)
            while self._client.receive_some(deadline=deadline):
                pass  # until the client closes
            return
        self._client.send_eof()
        linger(self._client)


def _too_slow(part: str, seconds: float) -> RemoteProtocolError:
    return RemoteProtocolError(
        f"the {part} took longer than {seconds:g} seconds", HTTPStatus.REQUEST_TIMEOUT
    )


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase


def _error_answer(status: int, message: str, allowed: tuple[str, ...] = READING) -> Answer:
    title = f"{int(status)} {_phrase(status)}"
    return Answer(
        status,
        f"<title>{title}</title>\n<h1>{title}</h1>\n<p>{html.escape(message)}</p>\n".encode(),
        HTML,
        (("Allow", ", ".join(allowed)),) if status == HTTPStatus.METHOD_NOT_ALLOWED else (),
    )
