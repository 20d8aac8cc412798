"""Telnet as a stream (RFC 854): what is said, while commands and options are seen to."""

from __future__ import annotations

import re
import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from sockettools.errors import (
    ReadError,
    ReadTimeout,
    RemoteProtocolError,
    StreamClosed,
    Timeout,
    TooLong,
    WriteError,
    WriteTimeout,
)
from sockettools.net.deadline import NEVER, Deadline
from sockettools.net.stream import RECEIVE_SIZE, SocketStream, Stream
from sockettools.net.transcript import RecordedStream
from sockettools.protocols.telnet.codec import (
    Command,
    Data,
    Negotiation,
    Subnegotiation,
    TelnetDecoder,
    Typing,
    encode,
    encode_command,
    encode_negotiation,
    encode_subnegotiation,
)
from sockettools.protocols.telnet.options import SUPPORTED, Negotiator, Option, Side

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sockettools.protocols.telnet.codec import Event

# Answers to a server's requests, all in all. A session has twenty; a program that hides what is
# typed has two more each time.
MAX_ANSWERS = 10_000

# What a terminal is called where its name is not known (RFC 1091).
UNKNOWN = "UNKNOWN"

_IS = b"\x00"
_SEND = b"\x01"


class TelnetStream(Stream):
    """One end of a Telnet connection, as a stream of what is said.

    Options are answered while something is read, and not otherwise. One thread may read while
    others send.
    """

    def __init__(
        self,
        stream: Stream,
        peer: str,
        *,
        terminal_type: str = UNKNOWN,
        window_size: tuple[int, int] | None = None,
        idle_timeout: float | None = None,
        deadline: Deadline = NEVER,
        heard: Callable[[bytes], None] | None = None,
        changed: Callable[[], None] | None = None,
    ) -> None:
        """Take the stream over: it is closed with this one.

        ``peer`` is what errors call the server. ``window_size`` is columns and rows; without one
        the server is not told any. ``heard`` gets all data at once when they come, also
        those that wait to be read; ``changed`` is called when options do, by the thread that reads.
        """
        self.peer = peer
        self.typing = Typing.EXACT  # what ``send_all`` makes of line ends
        self._stream = stream
        self._idle_timeout = idle_timeout
        self._deadline = deadline
        self._heard = heard
        self._changed = changed
        self._decoder = TelnetDecoder()
        self._terminal_type = _terminal_name(terminal_type)
        self._window_size = window_size
        self._negotiator = Negotiator(
            {
                option: sides
                for option, sides in SUPPORTED.items()
                if option != Option.NAWS or window_size is not None
            }
        )
        self._text = bytearray()  # came, and was not read yet
        self._failure: RemoteProtocolError | None = None  # to be told once all text before was
        self._after_cr = False
        self._answers = 0
        # What is owed to the server, and how data are encoded at the moment, under one lock; the
        # other one is held while something is sent, which may take long. So whoever reads never
        # waits for somebody who sends: the server might be waiting for him.
        self._owed = bytearray()
        self._is_binary = False
        self._owing = threading.Lock()
        self._sending = threading.Lock()
        _receive_urgent_data_in_line(stream)

    @property
    def stream(self) -> Stream:
        """The stream underneath."""
        return self._stream

    def is_on(self, side: Side, option: int) -> bool:
        """Tell whether a side uses an option now."""
        return self._negotiator.is_on(side, option)

    def options(self) -> list[str]:
        """Return what is agreed on, for people: "the server: ECHO"."""
        return sorted(
            f"{side.value}: {Option(option).name}" for side, option in self._negotiator.in_use()
        )

    def close(self) -> None:
        """Give the connection up."""
        self._stream.close()

    # Reading

    def receive_some(self, max_bytes: int = RECEIVE_SIZE, deadline: Deadline = NEVER) -> bytes:
        """Return up to so many octets of what the server says; b"" is its end.

        Raises:
            ReadTimeout: nothing came before the deadline (without one: within the idle timeout).
            ReadError: the connection broke.
            TooLong, RemoteProtocolError: the server negotiates without end.
        """
        if not self._text and not self._receive(max_bytes, deadline):
            return b""
        return self._take(max_bytes)

    # Sending

    def send(
        self,
        data: bytes,
        typing: Typing = Typing.EXACT,
        deadline: Deadline = NEVER,
        *,
        shown: str | None = None,
    ) -> None:
        """Send octets; ``typing`` tells what their line ends are.

        ``shown`` stands in traces where they are a secret.

        Raises:
            WriteTimeout: the server did not take them in time.
            WriteError: the connection broke.
        """
        if typing is Typing.TEXT:
            # A CR LF may come in two pieces.
            after_cr, self._after_cr = self._after_cr, data.endswith(b"\r")
            data = data[1:] if after_cr and data.startswith(b"\n") else data
        with self._sending:
            with self._owing:
                owed = bytes(self._owed)
                self._owed.clear()
                encoded = encode(data, typing, is_binary=self._is_binary)
            if shown is None:
                self._send_now(owed + encoded, deadline)
            else:
                self._send_now(owed, deadline)
                self._send_now(encoded, deadline, shown)
        self._pay()

    def send_all(self, data: bytes | bytearray | memoryview, deadline: Deadline = NEVER) -> None:
        """Send octets with the line ends that ``typing`` says; see ``send``."""
        self.send(bytes(data), self.typing, deadline)

    def send_command(self, command: Command) -> None:
        """Send a command without arguments: a break, "are you there?", ... .

        Raises:
            WriteTimeout, WriteError: as ``send``.
        """
        self._owe(encode_command(command))
        self._pay()

    def send_eof(self, deadline: Deadline = NEVER) -> None:
        """Say that no more will be sent. Many servers then end at once."""
        with self._sending, self._told(deadline):
            self._stream.send_eof(self._until(deadline))

    def request_binary(self) -> None:
        """Ask for octets that are left as they are, both ways (RFC 856)."""
        for side in Side:
            if wish := self._negotiator.wish(side, Option.BINARY, is_on=True):
                self._owe(encode_negotiation(wish.verb, wish.option))
        self._pay()

    def set_window_size(self, columns: int, rows: int) -> None:
        """Tell the server another size of the window, if it cares (RFC 1073)."""
        self._window_size = (columns, rows)
        if self.is_on(Side.OURS, Option.NAWS):
            self._owe(_window_size(columns, rows))
            self._pay()

    # What is underneath

    def _receive(self, max_bytes: int, deadline: Deadline) -> bool:
        """Wait until there is more text; False at the end."""
        until = self._until(deadline)
        is_first = True
        while True:
            if self._failure:
                raise self._failure
            with self._told(deadline):
                # Where there always is something, nobody waits, or looks at the clock.
                if self._deadline.has_passed() or (until.has_passed() and not is_first):
                    raise ReadTimeout("nothing was received in time")
                is_first = False
                octets = self._stream.receive_some(max_bytes, until)
            if not octets:
                return False
            self._decoder.receive_data(octets)
            before = len(self._text)
            try:
                while event := self._decoder.next_event():
                    self._handle(event)
            except TooLong as exc:
                self._failure = TooLong(f"{self.peer} sent {exc}")
            except RemoteProtocolError as exc:
                self._failure = exc
            if self._heard and len(self._text) > before:
                self._heard(bytes(self._text[before:]))
            # A server may end while it asks for options; reading tells what became of it.
            with suppress(WriteError, StreamClosed):
                self._pay()
            if len(self._text) > before:
                return True

    def _handle(self, event: Event) -> None:
        match event:
            case Data(octets):
                self._text += octets
            case Negotiation():
                self._negotiate(event)
            case Subnegotiation(Option.TTYPE, payload):
                if payload == _SEND and self.is_on(Side.OURS, Option.TTYPE):
                    self._answer(encode_subnegotiation(Option.TTYPE, _IS + self._terminal_type))
            case _:
                # Signals are for servers. One that asks "are you there?" gets no answer: it would
                # be read as something typed. A data mark ends urgent data, of which none is
                # dropped here.
                pass

    def _negotiate(self, heard: Negotiation) -> None:
        answer, change = self._negotiator.receive(heard)
        if answer:
            self._answer(encode_negotiation(answer.verb, answer.option))
        if change is None:
            return
        if change.option == Option.BINARY:
            if change.side is Side.THEIRS:
                self._decoder.is_binary = change.is_on
            else:
                with self._owing:
                    self._is_binary = change.is_on
        if change.side is Side.OURS and change.option == Option.NAWS and change.is_on:
            assert self._window_size is not None
            self._owe(_window_size(*self._window_size))
        if self._changed:
            self._changed()

    def _answer(self, octets: bytes) -> None:
        self._answers += 1
        if self._answers > MAX_ANSWERS:
            raise RemoteProtocolError(
                f"{self.peer} has asked for options more than {MAX_ANSWERS} times"
            )
        self._owe(octets)

    def _owe(self, octets: bytes) -> None:
        with self._owing:
            self._owed += octets

    def _pay(self) -> None:
        """Send what is owed, if nobody is sending: whoever is does it then."""
        while self._owed and self._sending.acquire(blocking=False):
            try:
                with self._owing:
                    ready = bytes(self._owed)
                    self._owed.clear()
                self._send_now(ready, NEVER)
            finally:
                self._sending.release()

    def _send_now(self, octets: bytes, deadline: Deadline, shown: str | None = None) -> None:
        if not octets:
            return
        until = self._until(deadline)
        with self._told(deadline):
            if shown is not None and isinstance(self._stream, RecordedStream):
                self._stream.send_secret(octets, shown.encode(), until)
            else:
                self._stream.send_all(octets, until)

    def _take(self, size: int) -> bytes:
        taken = bytes(self._text[:size])
        del self._text[:size]
        return taken

    def _until(self, deadline: Deadline) -> Deadline:
        if deadline.at is None:
            return self._deadline.within(self._idle_timeout)
        return self._deadline.within(deadline.remaining())

    @contextmanager
    def _told(self, deadline: Deadline) -> Iterator[None]:
        """Say in errors of the stream with whom it was."""
        try:
            yield
        except (ReadError, WriteError, ReadTimeout, WriteTimeout) as exc:
            limit = ""
            idle = None if deadline.at is not None else self._idle_timeout
            if isinstance(exc, Timeout) and idle is not None and not self._deadline.has_passed():
                limit = f" ({idle:g} seconds)"
            raise type(exc)(f"{self.peer}: {exc}{limit}") from exc


def _receive_urgent_data_in_line(stream: Stream) -> None:
    """Leave the data mark of a Synch (RFC 854) where it is, behind its IAC.

    It is sent as urgent data, which are taken out of the stream otherwise: the octet after the
    next one would be read as the command.
    """
    while isinstance(stream, RecordedStream):
        stream = stream.inner
    if isinstance(stream, SocketStream):
        with suppress(OSError):  # a connection that is broken already; a Unix socket
            stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)


def _terminal_name(name: str) -> bytes:
    """Return it as RFC 1091 has it: up to 40 characters of ASCII, none of them a blank."""
    return name.encode() if re.fullmatch(r"[!-~]{1,40}", name) else UNKNOWN.encode()


def _window_size(columns: int, rows: int) -> bytes:
    numbers = (min(max(number, 0), 65_535).to_bytes(2, "big") for number in (columns, rows))
    return encode_subnegotiation(Option.NAWS, b"".join(numbers))
