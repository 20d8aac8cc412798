"""Who said what, and when: a recording of conversations, and ways to show it.

``Transcript`` takes events and hands each to its sinks at once, so that a program that hangs has
been shown up to there. ``RecordedStream`` records any stream.
"""

from __future__ import annotations

import base64
import json
import threading
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from sockettools.net.deadline import NEVER
from sockettools.net.stream import RECEIVE_SIZE, Stream
from sockettools.text import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from sockettools.net.deadline import Deadline

_DUMP_WIDTH = 16

# What stands in the place of a secret, and the octets of the shortest one that is looked for.
MASK = b"***"
_SHORTEST_SECRET = 3

# The note that is the last one of a connection.
CLOSED = "closed"


class Direction(Enum):
    """Which way bytes went, as this program sees it."""

    SENT = ">"
    RECEIVED = "<"


@dataclass(frozen=True)
class Event:
    """Bytes that went one way, or (``data`` empty) something that happened, told by ``note``.

    ``time`` is in seconds since the transcript began; ``connection`` names one of several.
    """

    time: float
    direction: Direction | None
    data: bytes = b""
    note: str = ""
    connection: str = ""


class Output(Protocol):
    """A file, or what is used like one."""

    def write(self, text: str, /) -> object:
        """Take text."""

    def flush(self) -> None:
        """Pass it on."""


class Sink(Protocol):
    """Where events go."""

    def write(self, event: Event) -> None:
        """Take one; never two at a time."""


class Transcript:
    """Stamps events with the time, and hands them to every sink. Any thread may record.

    A sink that cannot write any more is let go, and ``failed`` is told why: what is recorded goes
    on, whatever becomes of the recording.
    """

    def __init__(self, sinks: Sequence[Sink], failed: Callable[[str], None] | None = None) -> None:
        self._sinks = list(sinks)
        self._failed = failed or (lambda _problem: None)
        self._start = monotonic()
        self._lock = threading.Lock()

    def data(self, direction: Direction, data: bytes, connection: str = "") -> None:
        """Record bytes that went one way."""
        self._record(direction, data, "", connection)

    def note(self, note: str, direction: Direction | None = None, connection: str = "") -> None:
        """Record something that happened."""
        self._record(direction, b"", note, connection)

    def _record(self, direction: Direction | None, data: bytes, note: str, connection: str) -> None:
        with self._lock:
            event = Event(monotonic() - self._start, direction, data, note, connection)
            for sink in list(self._sinks):
                try:
                    sink.write(event)
                except (OSError, ValueError) as exc:  # a full disk; a file that is closed
                    self._sinks.remove(sink)
                    reason = exc.strerror if isinstance(exc, OSError) else None
                    self._failed(reason or str(exc))


class TextSink:
    r"""Lines of text, control characters as their escapes: ``0.000321 > GET / HTTP/1.0\r\n``."""

    def __init__(self, output: Output) -> None:
        self._output = output

    def write(self, event: Event) -> None:
        """Write a line for every line of the data, and one for a note."""
        prefix = _prefix(event)
        text = event.data.decode("utf-8", "backslashreplace")
        lines = [visible(line) for line in text.splitlines(keepends=True)] or [f"({event.note})"]
        self._output.write("".join(f"{prefix}{line}\n" for line in lines))
        self._output.flush()


class HexSink:
    """A hex dump with offsets, counted for each direction of each connection."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._offsets: Counter[tuple[str, Direction | None]] = Counter()

    def write(self, event: Event) -> None:
        """Write a line for every sixteen bytes, and one for a note."""
        prefix = _prefix(event)
        way = (event.connection, event.direction)
        lines = list(hex_dump(event.data, self._offsets[way])) or [f"({event.note})"]
        self._offsets[way] += len(event.data)
        if event.note == CLOSED:
            # The name may come again, for another connection.
            for direction in (None, *Direction):
                self._offsets.pop((event.connection, direction), None)
        self._output.write("".join(f"{prefix}{line}\n" for line in lines))
        self._output.flush()


class JsonSink:
    """An object per line.

    ``time`` in seconds, ``direction`` sent, received or null, ``data`` as base64 or else ``note``,
    and ``connection`` where there are several.
    """

    def __init__(self, output: Output) -> None:
        self._output = output

    def write(self, event: Event) -> None:
        """Write one line."""
        record: dict[str, object] = {
            "time": round(event.time, 6),
            "direction": event.direction.name.lower() if event.direction else None,
        }
        if event.connection:
            record["connection"] = event.connection
        if event.data:
            record["data"] = base64.b64encode(event.data).decode("ascii")
        else:
            record["note"] = event.note
        self._output.write(json.dumps(record) + "\n")
        self._output.flush()


class RecordedStream(Stream):
    """Any stream, with all that goes through it written into a transcript.

    What was sent as a secret is not in it, neither then nor where the peer repeats it; unless it
    repeats it in pieces.
    """

    def __init__(
        self,
        inner: Stream,
        transcript: Transcript,
        connection: str = "",
        secrets: list[bytes] | None = None,
    ) -> None:
        """Begin; ``secrets`` are those of a stream underneath another one, as with TLS."""
        self._secrets = [] if secrets is None else secrets
        self._inner = inner
        self._transcript = transcript
        self._connection = connection
        self._seen_end = False
        self._closed = False

    @property
    def inner(self) -> Stream:
        """The stream underneath."""
        return self._inner

    def over(self, stream: Stream) -> RecordedStream:
        """Return another stream that is recorded as the same connection."""
        return RecordedStream(stream, self._transcript, self._connection, self._secrets)

    def hide(self, secrets: Iterable[bytes]) -> None:
        """Write *** in their place from now on."""
        self._secrets += [secret for secret in secrets if secret not in self._secrets]

    def receive_some(self, max_bytes: int = RECEIVE_SIZE, deadline: Deadline = NEVER) -> bytes:
        """Receive; see ``Stream``."""
        data = self._inner.receive_some(max_bytes, deadline)
        if data:
            self._transcript.data(
                Direction.RECEIVED, without_secrets(data, self._secrets), self._connection
            )
        elif not self._seen_end:
            self._seen_end = True
            self._transcript.note("end of stream", Direction.RECEIVED, self._connection)
        return data

    def send_all(self, data: bytes | bytearray | memoryview, deadline: Deadline = NEVER) -> None:
        """Send; see ``Stream``. Bytes are recorded before, so a send that hangs is seen."""
        if data:
            self._transcript.data(Direction.SENT, bytes(data), self._connection)
        self._inner.send_all(data, deadline)

    def send_secret(self, data: bytes, shown: bytes, deadline: Deadline = NEVER) -> None:
        """Send ``data``, and record ``shown`` in its place, where *** stands for the secret."""
        self.hide(secrets_in(data, shown))
        self._transcript.data(Direction.SENT, shown, self._connection)
        self._inner.send_all(data, deadline)

    def send_eof(self, deadline: Deadline = NEVER) -> None:
        """Send the end; see ``Stream``."""
        self._inner.send_eof(deadline)
        self._transcript.note("end of stream", Direction.SENT, self._connection)

    def close(self) -> None:
        """Close; see ``Stream``."""
        self._inner.close()
        if not self._closed:
            self._closed = True
            self._transcript.note(CLOSED, None, self._connection)


def secrets_in(data: bytes, shown: bytes) -> list[bytes]:
    r"""Return what *** stands for, and what that is where it is base64.

    One of fewer than three octets is left out: to hide it would hide everything.

    >>> secrets_in(b"PASS open sesame\r\n", b"PASS ***\r\n")
    [b'open sesame']
    >>> secrets_in(b"AUTH PLAIN AG1lAHNlc2FtZQ==", b"AUTH PLAIN ***")
    [b'AG1lAHNlc2FtZQ==', b'sesame']
    """
    before, mark, after = shown.partition(MASK)
    if not mark or not data.startswith(before) or not data.endswith(after):
        return []
    secret = data[len(before) : len(data) - len(after)]
    found = [secret]
    with suppress(ValueError):
        found.append(base64.b64decode(secret, validate=True).rpartition(b"\0")[2])
    return [octets for octets in found if len(octets) >= _SHORTEST_SECRET]


def without_secrets(data: bytes, secrets: Iterable[bytes]) -> bytes:
    """Return the octets with *** in the place of each secret."""
    for secret in secrets:
        data = data.replace(secret, MASK)
    return data


def hex_dump(data: bytes, offset: int = 0) -> Iterator[str]:
    r"""Yield a line for every sixteen bytes: offset, hexadecimal, and what is printable.

    >>> print(*hex_dump(b"GET / HTTP/1.0\r\n\r\n"), sep="\n")
    00000000  47 45 54 20 2f 20 48 54  54 50 2f 31 2e 30 0d 0a  |GET / HTTP/1.0..|
    00000010  0d 0a                                             |..|
    """
    for start in range(0, len(data), _DUMP_WIDTH):
        row = data[start : start + _DUMP_WIDTH]
        left, right = row[:8].hex(" "), row[8:].hex(" ")
        printable = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)
        yield f"{offset + start:08x}  {left:<23}  {right:<23}  |{printable}|"


def _prefix(event: Event) -> str:
    mark = event.direction.value if event.direction else "*"
    name = f"{event.connection} " if event.connection else ""
    return f"{event.time:.6f} {name}{mark} "
