"""One HTTP connection: the engine on a stream."""

from __future__ import annotations

from time import sleep
from typing import TYPE_CHECKING

from sockettools import http1
from sockettools.errors import (
    IncompleteMessage,
    ReadError,
    ReadTimeout,
    RemoteProtocolError,
    SocketToolsError,
    WriteError,
    WriteTimeout,
)
from sockettools.http1 import NEED_DATA, Role, State
from sockettools.lifetime import Closing
from sockettools.net.deadline import Deadline

if TYPE_CHECKING:
    from sockettools.browser.options import Options
    from sockettools.http1 import Event, Status
    from sockettools.net.stream import Stream

# Seconds that a server has to say whether it wants a body (RFC 9110 section 10.1.1); curl's.
CONTINUE_TIMEOUT = 1.0

# Octets of a body that are sent at once.
SEND_SIZE = 65_536


class HttpConnection(Closing):
    """Requests and answers in turn on a stream, which belongs to it.

    ``peer`` is what errors call the server, ``address`` where the stream leads, ``number`` tells
    it from other connections. ``heard`` tells whether anything of the answer to the last request
    has come.
    """

    def __init__(
        self, stream: Stream, peer: str, options: Options, *, address: str = "", number: int = 0
    ) -> None:
        self.address = address
        self.number = number
        self._stream = stream
        self._peer = peer
        self._options = options
        limits = options.limits
        self._http = http1.Connection(Role.CLIENT, limits, allow_http_0_9=options.allow_http_0_9)
        self._received = False
        self._early: http1.Response | None = None  # the answer to a body that was not sent
        self.heard = False

    def send(self, head: http1.Request, body: bytes, deadline: Deadline) -> None:
        """Send a request, its body only if the server wants it.

        Raises:
            LocalProtocolError: it would not be one. Nothing was sent.
            WriteError, Timeout: it could not be sent; there may be an answer all the same.
        """
        self.heard = self._received = False
        self._early = None
        self._write(self._http.send(head), deadline)
        if self._http.expects_continue and not self._is_wanted(deadline):
            return
        for start in range(0, len(body), SEND_SIZE):
            piece = body[start : start + SEND_SIZE]
            self._write(self._http.send(http1.Data(piece)), deadline)
        self._write(self._http.send(http1.EndOfMessage()), deadline)

    def receive_head(self, deadline: Deadline) -> http1.Response:
        """Return the head of the final answer.

        Raises:
            RemoteProtocolError: it is none; IncompleteMessage when the connection ended before.
            ReadTimeout: it did not come in time.
        """
        if self._early is not None:
            return self._early
        while True:
            answer = self._next_answer(deadline)
            if isinstance(answer, http1.Response):
                return answer

    def receive_body(self, deadline: Deadline) -> bytes | None:
        """Return the next piece of the body; None when it is complete.

        Raises:
            RemoteProtocolError, ReadTimeout: as for ``receive_head``.
        """
        event = self._next_event(deadline)
        return event.data if isinstance(event, http1.Data) else None

    def check_tunnel(self) -> None:
        """Check that the stream leads somewhere else since the answer to CONNECT.

        Raises:
            RemoteProtocolError: the proxy spoke on for itself.
        """
        if self._http.trailing_data[0]:
            raise RemoteProtocolError(f"{self._peer} sent more than an answer to CONNECT")

    def begin_next(self) -> bool:
        """Make ready for another request; False (and closed) when there can be none."""
        states = (self._http.our_state, self._http.their_state)
        if states != (State.DONE, State.DONE) or self._http.trailing_data != (b"", False):
            self.close()
            return False
        self._http.start_next_cycle()
        return True

    def is_alive(self) -> bool:
        """Tell whether the server has not closed a connection on which nothing is under way."""
        try:
            # Whatever comes unasked (408 is one), the connection is of no more use.
            self._stream.receive_some(1, Deadline.after(0))
        except ReadTimeout:
            return True
        except SocketToolsError:
            pass
        return False

    def close(self) -> None:
        """Close the stream."""
        self._stream.close()

    def _is_wanted(self, deadline: Deadline) -> bool:
        """Wait a moment for 100; False when the final answer came instead."""
        until = deadline.within(CONTINUE_TIMEOUT)
        while True:
            try:
                answer = self._next_answer(until)
            except ReadTimeout:
                return True  # many a server never says it
            if isinstance(answer, http1.Response):
                self._early = answer
                return False
            if answer.status_code == 100:
                return True

    def _next_answer(self, deadline: Deadline) -> http1.InformationalResponse | http1.Response:
        match self._next_event(deadline):
            case http1.InformationalResponse(status_code=101):
                raise RemoteProtocolError(f"{self._peer} switched to another protocol")
            case http1.InformationalResponse() | http1.Response() as answer:
                return answer
            case event:
                raise RemoteProtocolError(f"{self._peer} sent {event} for an answer")

    def _next_event(self, deadline: Deadline) -> Event | Status:
        while True:
            try:
                event = self._http.next_event()
            except RemoteProtocolError as exc:
                raise told_of(self._peer, exc) from exc
            if event is not NEED_DATA:
                return event
            self._http.receive_data(self._receive(deadline))

    def _receive(self, deadline: Deadline) -> bytes:
        if self._received and self._options.delay:
            left = deadline.remaining()
            sleep(self._options.delay if left is None else min(left, self._options.delay))
        if deadline.has_passed():  # a stream that always has something to say never waits for it
            raise ReadTimeout(self._too_slow(deadline, ""))
        try:
            data = self._stream.receive_some(
                self._options.receive_size, deadline.within(self._options.idle_timeout)
            )
        except ReadTimeout as exc:
            raise ReadTimeout(self._too_slow(deadline, "sent nothing")) from exc
        except ReadError as exc:
            raise IncompleteMessage(f"{self._peer}: {exc}") from exc
        self._received = True
        self.heard = self.heard or bool(data)
        return data

    def _write(self, data: bytes, deadline: Deadline) -> None:
        if deadline.has_passed():
            raise WriteTimeout(self._too_slow(deadline, ""))
        try:
            self._stream.send_all(data, deadline.within(self._options.idle_timeout))
        except WriteTimeout as exc:
            raise WriteTimeout(self._too_slow(deadline, "took nothing")) from exc
        except WriteError as exc:
            raise WriteError(f"{self._peer}: {exc}") from exc

    def _too_slow(self, deadline: Deadline, what: str) -> str:
        idle_timeout = self._options.idle_timeout
        if idle_timeout is None or deadline.has_passed():
            return f"{self._peer}: the transfer was not complete in time"
        unit = "second" if idle_timeout == 1 else "seconds"
        return f"{self._peer} {what} for {idle_timeout:g} {unit}"


def told_of(what: str, error: RemoteProtocolError) -> RemoteProtocolError:
    """Return the same error with what it is about in front."""
    return type(error)(f"{what}: {error}", error.status_hint)
