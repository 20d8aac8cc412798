r"""The bytes of Telnet: what came as events, what goes out with its escapes.

No sockets here. IAC (255) begins every command and is doubled where it is data; text has the line
ends of the network virtual terminal, CR LF for a new line and CR NUL for a CR (RFC 854).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, IntEnum

from sockettools.errors import TooLong

# Octets of a subnegotiation. The longest known, of environments, have some hundreds.
MAX_SUBNEGOTIATION = 4_096


class Command(IntEnum):
    """What may follow IAC (RFC 854; the first three RFC 1184, EOR RFC 885)."""

    EOF = 236
    SUSP = 237
    ABORT = 238
    EOR = 239
    SE = 240
    NOP = 241
    DM = 242
    BRK = 243
    IP = 244
    AO = 245
    AYT = 246
    EC = 247
    EL = 248
    GA = 249
    SB = 250
    WILL = 251
    WONT = 252
    DO = 253
    DONT = 254
    IAC = 255


class Verb(IntEnum):
    """The four words of negotiation (RFC 855)."""

    WILL = Command.WILL
    WONT = Command.WONT
    DO = Command.DO
    DONT = Command.DONT


@dataclass(frozen=True)
class Data:
    """Octets that were said, their escapes undone."""

    octets: bytes


@dataclass(frozen=True)
class Negotiation:
    """Somebody will use an option, or is asked to."""

    verb: Verb
    option: int


@dataclass(frozen=True)
class Subnegotiation:
    """What an option that is in use has to say."""

    option: int
    payload: bytes


@dataclass(frozen=True)
class Signal:
    """A command without arguments; ``code`` may be one that no RFC knows."""

    code: int


Event = Data | Negotiation | Subnegotiation | Signal

_VERBS = frozenset(Verb)


class TelnetDecoder:
    r"""Takes octets as they come, and gives events back, one at a time.

    ``is_binary`` may be set between two events: it is for the octets behind the first of them.

    >>> decoder = TelnetDecoder()
    >>> decoder.receive_data(b"caf\xc3\xa9\r\0\xff\xff\xff\xfd\x18lo")
    >>> decoder.next_event()
    Data(octets=b'caf\xc3\xa9\r\xff')
    >>> decoder.next_event()
    Negotiation(verb=<Verb.DO: 253>, option=24)
    >>> decoder.next_event(), decoder.next_event()
    (Data(octets=b'lo'), None)
    """

    def __init__(self) -> None:
        self.is_binary = False
        self._buffer = b""
        self._position = 0
        self._after_cr = False
        self._payload: bytearray | None = None  # of the subnegotiation that has begun

    def receive_data(self, data: bytes) -> None:
        """Take octets; all of them are for ``next_event``, which keeps what is incomplete."""
        self._buffer = self._buffer[self._position :] + data
        self._position = 0

    def next_event(self) -> Event | None:
        """Return the next event; None where it takes more octets.

        Raises:
            TooLong: a subnegotiation does not end.
        """
        text = bytearray()
        while self._position < len(self._buffer):
            run = self._run()
            if run is not None:
                text += self._taken(run)
                continue
            # What was said before a command comes before it.
            if text or not self._is_command_complete():
                break
            if event := self._command():
                return event
        return Data(bytes(text)) if text else None

    def _run(self) -> bytes | None:
        """Return octets that are no command, None where one begins."""
        start = self._position
        if self._buffer[start] == Command.IAC:
            if self._buffer[start + 1 : start + 2] != b"\xff":
                return None
            self._position += 2
            return b"\xff"
        end = self._buffer.find(b"\xff", start)
        self._position = len(self._buffer) if end < 0 else end
        return self._buffer[start : self._position]

    def _taken(self, run: bytes) -> bytes:
        """Return what is data of it."""
        if self._payload is not None:
            if len(self._payload) + len(run) > MAX_SUBNEGOTIATION:
                raise TooLong(f"a subnegotiation of more than {MAX_SUBNEGOTIATION} octets")
            self._payload += run
            return b""
        if self.is_binary:
            self._after_cr = False
            return run
        # A CR is told at once: whether a NUL follows it changes nothing for who sees it.
        text = run[1:] if self._after_cr and run.startswith(b"\0") else run
        self._after_cr = text.endswith(b"\r")
        return text.replace(b"\r\0", b"\r")

    def _is_command_complete(self) -> bool:
        left = len(self._buffer) - self._position
        return left > 2 or (left == 2 and self._buffer[self._position + 1] not in _VERBS)

    def _command(self) -> Event | None:
        code = self._buffer[self._position + 1]
        self._position += 2
        payload, self._payload = self._payload, None
        if code in _VERBS:
            option = self._buffer[self._position]
            self._position += 1
            return Negotiation(Verb(code), option)
        if code == Command.SB:
            self._payload = bytearray()
            return None
        if code == Command.SE:
            return Subnegotiation(payload[0], bytes(payload[1:])) if payload else None
        # Also where a subnegotiation was under way, whose end is then missing.
        return Signal(code)


class Typing(Enum):
    """What the line ends are in octets that are to be sent."""

    EXACT = "exact"  # whatever they are; the server gets these octets
    KEYS = "keys"  # CR is the key for the end of a line, as a terminal in raw mode sends it
    TEXT = "text"  # CR LF, LF and CR all are that key


_LINE_END = re.compile(rb"\r\n?|\n")


def encode(data: bytes, typing: Typing = Typing.EXACT, *, is_binary: bool = False) -> bytes:
    r"""Return data as they are sent.

    The key for the end of a line is CR LF (RFC 1123 section 3.3.1). Where octets are agreed to be
    binary (RFC 856) there is no such thing, and it is what a terminal's key sends: CR.

    >>> encode(b"a\r\nb\rc\n\xff"), encode(b"a\rb\xff", is_binary=True)
    (b'a\r\nb\r\x00c\n\xff\xff', b'a\rb\xff\xff')
    >>> encode(b"ls\n", Typing.TEXT), encode(b"ls\r", Typing.KEYS)
    (b'ls\r\n', b'ls\r\n')
    """
    if typing is Typing.TEXT:
        data = _LINE_END.sub(b"\r" if is_binary else b"\r\n", data)
    elif typing is Typing.KEYS and not is_binary:
        data = data.replace(b"\r", b"\r\n")
    elif not is_binary:
        data = re.sub(rb"\r(?!\n)", b"\r\0", data)
    return data.replace(b"\xff", b"\xff\xff")


def encode_command(command: Command) -> bytes:
    """Return a command that has no arguments."""
    return bytes([Command.IAC, command])


def encode_negotiation(verb: Verb, option: int) -> bytes:
    """Return a word of negotiation."""
    return bytes([Command.IAC, verb, option])


def encode_subnegotiation(option: int, payload: bytes) -> bytes:
    r"""Return a subnegotiation (RFC 855).

    >>> encode_subnegotiation(31, b"\x00\xff\x00\x18")
    b'\xff\xfa\x1f\x00\xff\xff\x00\x18\xff\xf0'
    """
    escaped = (bytes([option]) + payload).replace(b"\xff", b"\xff\xff")
    return bytes([Command.IAC, Command.SB]) + escaped + bytes([Command.IAC, Command.SE])
