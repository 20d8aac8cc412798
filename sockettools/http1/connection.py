"""One connection, seen from one side of it."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

from sockettools.errors import (
    IncompleteMessage,
    LocalProtocolError,
    RemoteProtocolError,
    TooLong,
)
from sockettools.http1.bodies import (
    NO_BODY,
    UNTIL_CLOSE_WRITER,
    format_fields,
    reader_for,
    writer_for,
)
from sockettools.http1.events import (
    ConnectionClosed,
    Data,
    EndOfMessage,
    InformationalResponse,
    Request,
    Response,
)
from sockettools.http1.fields import Fields
from sockettools.http1.framing import (
    CHUNKED,
    UNTIL_CLOSE,
    is_faulty,
    may_follow,
    request_framing,
    response_framing,
)
from sockettools.http1.grammar import (
    check_fields,
    check_request,
    check_response,
    is_host,
    parse_request_head,
    parse_response_head,
    shown,
)
from sockettools.http1.limits import Limits
from sockettools.http1.received import ReceiveBuffer
from sockettools.http1.states import TABLE, Role, State

if TYPE_CHECKING:
    from sockettools.http1.bodies import Reader, Writer
    from sockettools.http1.events import Event

_START = b"HTTP/"

# What is looked at for every event: before Python 3.12 a member is slow to look up in its class.
_IDLE, _RESPONDING, _BODY = State.IDLE, State.RESPONDING, State.BODY
_CLIENT = Role.CLIENT


class Status(Enum):
    """Why there is no next event."""

    NEED_DATA = auto()  # receive, and hand it to receive_data
    PAUSED = auto()  # this message is complete: start_next_cycle, or take trailing_data


NEED_DATA = Status.NEED_DATA
PAUSED = Status.PAUSED


class Connection:
    """The state of both sides; what is received goes in, and what is to be sent comes out.

    After an error the side that caused it is in ``State.ERROR`` for good: the connection can only
    be closed.
    """

    def __init__(
        self,
        role: Role,
        limits: Limits | None = None,
        *,
        allow_http_0_9: bool = False,
        skip_bad_fields: bool = False,
        allow_version_2: bool = False,
    ) -> None:
        """Begin.

        With ``allow_http_0_9`` an answer without a head is one, all of it the body. With
        ``skip_bad_fields`` lines of an answer's head that are no fields are left out, as browsers
        do: some scripts print half a page before they are done with the head. With
        ``allow_version_2`` an answer that calls itself HTTP/2 or HTTP/2.0 is read as HTTP/1.1,
        which its first line shows it to be. No other answer follows one that needed either, since
        others may have seen another end of it.
        """
        self.role = role
        self.limits = limits or Limits()
        self._peer = role.peer
        self._is_client = role is Role.CLIENT
        self._allow_http_0_9 = allow_http_0_9
        self._skip_bad_fields = skip_bad_fields
        self._allow_version_2 = allow_version_2
        self._buffer = ReceiveBuffer()
        self._ended = False  # the peer sends no more
        self._our_error: LocalProtocolError | None = None
        self._their_error: RemoteProtocolError | None = None
        self._start()

    def _start(self) -> None:
        self._states = {Role.CLIENT: State.IDLE, Role.SERVER: State.IDLE}
        self._reader: Reader = NO_BODY
        self._writer: Writer = UNTIL_CLOSE_WRITER
        self._method = b"GET"  # of the request that is being answered
        self._request_version = b"1.1"
        self._may_switch = False
        self._keep_alive = True
        self._expects_continue = False
        self._informational = 0
        self._blank = 0  # octets of empty lines before a head

    @property
    def our_state(self) -> State:
        """Where this side is."""
        return self._states[self.role]

    @property
    def their_state(self) -> State:
        """Where the peer is."""
        return self._states[self._peer]

    @property
    def expects_continue(self) -> bool:
        """Whether the client waits for 100 before it sends its body (RFC 9110 10.1.1)."""
        return self._expects_continue and not self._buffer

    @property
    def trailing_data(self) -> tuple[bytes, bool]:
        """What was received beyond this message, and whether the connection ended behind it."""
        return self._buffer.peek(len(self._buffer)), self._ended

    def start_next_cycle(self) -> None:
        """Go on to the next request and answer on the same connection.

        Raises:
            LocalProtocolError: the last ones are not complete, or no other may follow.
        """
        if set(self._states.values()) != {State.DONE}:
            raise LocalProtocolError("another message cannot begin yet, or any more")
        if self._is_client and self._buffer:
            # "A client MUST NOT process [...] such extra data as a separate response" (6.3).
            raise LocalProtocolError("there is more from the server than was asked for")
        self._start()

    def send(self, event: Event) -> bytes:
        """Return what has to be sent for ``event``: b"" for some.

        Raises:
            LocalProtocolError: it must not be sent, or not now. No byte of it may leave.
        """
        if self._our_error is not None:
            raise self._our_error
        try:
            state = TABLE[self.role][self.our_state].get(type(event))
            if state is None:
                raise LocalProtocolError(
                    f"{type(event).__name__} cannot be sent in state {self.our_state.name}"
                )
            data = self._write(event)
        except LocalProtocolError as exc:
            self._our_error = exc
            self._states[self.role] = State.ERROR
            self._let_none_follow()
            raise
        self._states[self.role] = state
        self._follow(self.role, event)
        return data

    def receive_data(self, data: bytes) -> None:
        """Take what was received; b"" is the end of the connection."""
        if data:
            self._buffer.append(data)
        else:
            self._ended = True

    def next_event(self) -> Event | Status:
        """Return what has been received next, or why nothing has.

        Raises:
            RemoteProtocolError: the peer broke the rules; IncompleteMessage and TooLong are its
                kinds.
        """
        if self._their_error is not None:
            raise self._their_error
        state = self._states[self._peer]
        event: Event | None
        try:
            if state is _BODY:
                event = self._reader.read(self._buffer)
                if type(event) is Data:  # most events are, and change nothing
                    self._expects_continue = False
                    return event
            elif state is _IDLE or state is _RESPONDING:
                event = self._read_response() if self._is_client else self._read_request()
            elif self._buffer or state is State.SWITCHED:
                return PAUSED
            else:
                event = None
            if event is None:
                if not self._ended:
                    return NEED_DATA
                event = self._read_end(state)
        except RemoteProtocolError as exc:
            self._their_error = exc
            self._states[self._peer] = State.ERROR
            self._let_none_follow()
            raise
        self._states[self._peer] = TABLE[self._peer][state][type(event)]
        self._follow(self._peer, event)
        return event

    def _read_end(self, state: State) -> Event:
        if state is State.BODY:
            return self._reader.ended()
        if state is State.RESPONDING:
            raise IncompleteMessage(
                f"the connection ended after {len(self._buffer)} bytes of a head"
                if self._buffer
                else "the connection ended without an answer"
            )
        if state is State.IDLE and self._buffer:
            raise IncompleteMessage(
                f"the connection ended after {len(self._buffer)} bytes of a head"
            )
        return ConnectionClosed()

    def _read_request(self) -> Request | None:
        self._skip_blank_lines()
        start = self._buffer.peek(2)
        if start and start != b"\r" and not b"!" <= start <= b"~\xff":
            # No method begins so, and what does (TLS for one) may never send the end of a line.
            raise RemoteProtocolError(f"not a request: {shown(self._buffer.peek(100))}")
        head = self._buffer.take_head(self.limits.head)
        if head is None:
            return None
        if self._states[Role.SERVER] is not State.IDLE:
            raise RemoteProtocolError("a request behind its answer")  # 408, for one
        method, target, version, fields = parse_request_head(head, self.limits)
        hosts = len(fields.get_all(b"host"))
        if hosts > 1 or (hosts == 0 and version != b"1.0"):
            raise RemoteProtocolError("a request has exactly one Host field")  # 3.2
        host = fields.get(b"host")
        if host is not None and not is_host(host):
            raise RemoteProtocolError(f"not a host: {shown(host)}")
        self._reader = reader_for(request_framing(version, fields), self.limits)
        return Request(method, target, fields, version)

    def _read_response(self) -> InformationalResponse | Response | None:
        if not self._buffer.startswith(_START):
            if not self._buffer:
                return None
            if self._allow_http_0_9:
                return self._read_http_0_9()
            self._skip_blank_lines()
            start = self._buffer.peek(len(_START))
            if not _START.startswith(start) and start != b"\r":
                # What is no HTTP may never send a blank line.
                raise RemoteProtocolError(f"not HTTP: {shown(self._buffer.peek(100))}")
        head = self._buffer.take_head(self.limits.head)
        if head is None:
            return None
        version, status_code, reason, fields = self._parse_response_head(head)
        if status_code < 200:
            self._check_informational(status_code)
            return InformationalResponse(status_code, fields, reason, version)
        framing = response_framing(self._method, status_code, fields)
        self._reader = reader_for(framing, self.limits)
        if framing is UNTIL_CLOSE or (framing is CHUNKED and is_faulty(version, fields)):
            self._keep_alive = False
        return Response(status_code, fields, reason, version)

    def _parse_response_head(self, head: bytes) -> tuple[bytes, int, bytes, Fields]:
        try:
            return parse_response_head(head, self.limits)
        except TooLong:
            raise
        except RemoteProtocolError:
            if not (self._skip_bad_fields or self._allow_version_2):
                raise
        parsed = parse_response_head(
            head, self.limits, may_skip=self._skip_bad_fields, may_be_2=self._allow_version_2
        )
        self._keep_alive = False
        return parsed

    def _read_http_0_9(self) -> Response | None:
        if _START.startswith(self._buffer.peek(len(_START))):
            return None
        self._reader = reader_for(UNTIL_CLOSE, self.limits)
        self._keep_alive = False
        return Response(200, Fields(), version=b"0.9")

    def _skip_blank_lines(self) -> None:
        # A client may send empty lines before its request (2.2), a few; some servers send one
        # too many behind a body or a 100.
        self._blank += self._buffer.skip_blank_lines()
        if self._blank > self.limits.line:
            raise TooLong("nothing but empty lines")

    def _check_informational(self, status_code: int) -> None:
        self._informational += 1
        if self._informational > self.limits.informational:
            raise TooLong(f"more than {self.limits.informational} answers before the final one")
        if self.their_state is State.IDLE:
            raise RemoteProtocolError(f"{status_code} without a request")
        if status_code == 101 and not self._may_switch:
            raise RemoteProtocolError("101: the server switches to what nobody asked for")

    def _write(self, event: Event) -> bytes:
        match event:
            case Data(data):
                return self._writer.data(data)
            case EndOfMessage(trailers):
                check_fields(trailers)
                return self._writer.end(trailers)
            case Request():
                return self._write_request(event)
            case Response() | InformationalResponse():
                return self._write_response(event)
            case ConnectionClosed():
                return b""

    def _write_request(self, request: Request) -> bytes:
        if self._states[Role.SERVER] is not State.IDLE or self._buffer:
            # What has come already would be taken for the answer to this.
            raise LocalProtocolError("the server spoke, or closed, before it was asked")
        check_request(request.method, request.target, request.version, request.fields)
        hosts = len(request.fields.get_all(b"host"))
        if hosts > 1 or (hosts == 0 and request.version != b"1.0"):
            raise LocalProtocolError("a request has exactly one Host field")  # 3.2
        try:
            self._writer = writer_for(request_framing(request.version, request.fields))
        except RemoteProtocolError as exc:
            raise LocalProtocolError(str(exc)) from exc
        line = b"%b %b HTTP/%b\r\n" % (request.method, request.target, request.version)
        return line + format_fields(request.fields) + b"\r\n"

    def _write_response(self, response: Response | InformationalResponse) -> bytes:
        code, fields = response.status_code, response.fields
        check_response(code, response.reason, response.version, fields)
        is_final = isinstance(response, Response)
        if is_final != (code >= 200):
            raise LocalProtocolError(f"{code} is no status code of a {type(response).__name__}")
        if code == 101 and not self._may_switch:
            raise LocalProtocolError("101: the client did not ask for it")
        speaks_1_0 = b"1.0" in (response.version, self._request_version)
        if not is_final and speaks_1_0:
            raise LocalProtocolError(f"{code}: HTTP/1.0 has no answer before the final one")
        if fields.has(b"transfer-encoding"):
            if fields.has(b"content-length"):
                raise LocalProtocolError("both Transfer-Encoding and Content-Length")  # 6.2
            if speaks_1_0:
                raise LocalProtocolError("HTTP/1.0 has no Transfer-Encoding")  # 6.1
        if is_final:
            try:
                framing = response_framing(self._method, code, fields)
            except RemoteProtocolError as exc:
                raise LocalProtocolError(str(exc)) from exc
            self._writer = writer_for(framing)
            if framing is UNTIL_CLOSE:
                self._keep_alive = False
        line = b"HTTP/%b %d %b\r\n" % (response.version, code, response.reason)
        return line + format_fields(fields) + b"\r\n"

    def _follow(self, side: Role, event: Event) -> None:
        """Do what an event of ``side`` means beyond its own next state."""
        if isinstance(event, Response):
            self._follow_response(event)
        elif isinstance(event, EndOfMessage):
            self._end_message(side)
        elif isinstance(event, Request):
            self._follow_request(event)
        elif isinstance(event, InformationalResponse):
            self._expects_continue = False
            if event.status_code == 101:
                self._switch()
        elif isinstance(event, ConnectionClosed):
            self._let_none_follow()

    def _follow_request(self, request: Request) -> None:
        self._states[Role.SERVER] = State.RESPONDING
        self._method = request.method
        self._request_version = request.version
        fields = request.fields
        self._keep_alive &= may_follow(request.version, fields)
        if request.version != b"1.0":  # which knows neither
            self._may_switch = fields.has(b"upgrade")
            self._expects_continue = b"100-continue" in fields.tokens(b"expect")

    def _follow_response(self, response: Response) -> None:
        self._expects_continue = False
        if self._method == b"CONNECT" and response.status_code < 300:
            self._switch()
        elif self._keep_alive:
            # Unasked, as 408 is, it is the last one.
            self._keep_alive = self._states[_CLIENT] is not _IDLE and may_follow(
                response.version, response.fields
            )

    def _switch(self) -> None:
        self._states[Role.SERVER] = State.SWITCHED
        if self._states[Role.CLIENT] in (State.DONE, State.MUST_CLOSE):
            self._states[Role.CLIENT] = State.SWITCHED

    def _end_message(self, side: Role) -> None:
        if side is _CLIENT:
            self._expects_continue = False
            if self._states[Role.SERVER] is State.SWITCHED:
                self._states[Role.CLIENT] = State.SWITCHED
        if not self._keep_alive:
            self._let_none_follow()

    def _let_none_follow(self) -> None:
        """Let whoever is done, now or later, know that there is no next message."""
        self._keep_alive = False
        for side, state in self._states.items():
            if state is State.DONE:
                self._states[side] = State.MUST_CLOSE
