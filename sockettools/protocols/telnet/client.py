"""A Telnet client (RFC 854): a dialogue with a server."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sockettools.errors import (
    IncompleteMessage,
    LocalProtocolError,
    ReadError,
    ReadTimeout,
    SocketToolsError,
)
from sockettools.net.deadline import NEVER, Deadline
from sockettools.net.stream import RECEIVE_SIZE
from sockettools.protocols.access import TlsPolicy
from sockettools.protocols.telnet.codec import Typing
from sockettools.protocols.telnet.stream import UNKNOWN, TelnetStream
from sockettools.text import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sockettools.protocols.access import Access

# Octets in which ``expect`` looks for something: what came last of what nobody has read yet.
WINDOW = 65_536

# Characters of what came last in an error.
_SHOWN = 80


class NotSeen(ReadTimeout):
    """What was expected did not come in time."""


@dataclass(frozen=True)
class Match:
    """What ``expect`` found: the number of the pattern, what it matched, and what came before.

    ``omitted``: octets that came before ``before`` and are not in it, as they were too many.
    """

    index: int
    match: re.Match[bytes]
    before: bytes
    omitted: int = 0


class TelnetClient(TelnetStream):
    """Waits for what a server says, and answers.

    ``client.expect("login: ", Deadline.after(5))`` and ``client.send_line("user")`` are a dialogue.
    """

    _omitted = 0  # octets that ``expect`` has let go

    def read(self, deadline: Deadline = NEVER) -> bytes:
        """Return what the server says next; b"" is its end.

        Raises:
            ReadTimeout: nothing came before the deadline (without one: within the idle timeout).
            ReadError: the connection broke.
            TooLong, RemoteProtocolError: the server negotiates without end.
        """
        if not self._text and not self._receive(RECEIVE_SIZE, deadline):
            return b""
        return self._take(len(self._text))

    def expect(
        self,
        patterns: str | bytes | re.Pattern[bytes] | Sequence[str | bytes | re.Pattern[bytes]],
        deadline: Deadline = NEVER,
    ) -> Match:
        """Read until something of this came: text that is to be there as it is, or a pattern.

        Of several that match now, the first one is taken. What came behind the match is there for
        the next call. Where more than 64 kB do not match, only the last are looked at.

        Raises:
            NotSeen: it did not come in time; what came is kept for the next call.
            IncompleteMessage: the server ended before, or the connection broke.
            TooLong, RemoteProtocolError: as ``read``.
        """
        wanted = [patterns] if isinstance(patterns, str | bytes | re.Pattern) else list(patterns)
        compiled = [_compiled(pattern) for pattern in wanted]
        until = self._until(deadline)
        is_late = False
        while (found := self._search(compiled)) is None:
            if (excess := len(self._text) - WINDOW) > 0:
                del self._text[:excess]
                self._omitted += excess
            if is_late:  # and the server talks on
                raise NotSeen(self._not_seen(wanted, "did not come in time"))
            try:
                is_there = self._receive(RECEIVE_SIZE, until)
            except ReadTimeout as exc:
                raise NotSeen(self._not_seen(wanted, "did not come in time")) from exc
            except ReadError as exc:
                raise IncompleteMessage(
                    self._not_seen(wanted, "did not come before the connection broke")
                ) from exc
            if not is_there:
                raise IncompleteMessage(self._not_seen(wanted, "did not come before the end"))
            is_late = until.has_passed()
        return found

    def send_line(self, line: str, *, shown: str | None = None) -> None:
        """Send a line, as UTF-8, and the key for its end; ``shown`` stands in traces for it.

        Raises:
            LocalProtocolError: there is a line end in it.
            WriteTimeout, WriteError: as ``send``.
        """
        if "\r" in line or "\n" in line:
            raise LocalProtocolError(f"a line end is in what would be sent to {self.peer}")
        self.send(line.encode("utf-8", "surrogateescape") + b"\r", Typing.KEYS, shown=shown)

    def _search(self, patterns: Sequence[re.Pattern[bytes]]) -> Match | None:
        for index, pattern in enumerate(patterns):
            if found := pattern.search(bytes(self._text)):
                before = self._take(found.end())[: found.start()]
                omitted, self._omitted = self._omitted, 0
                return Match(index, found, before, omitted)
        return None

    def _not_seen(self, wanted: Sequence[str | bytes | re.Pattern[bytes]], what: str) -> str:
        names = " or ".join(_shown(pattern) for pattern in wanted)
        last = _shown(bytes(self._text[-_SHOWN:])) if self._text else "nothing"
        return f"{self.peer}: {names} {what}; what came last is {last}"


def open_telnet(
    access: Access,
    host: str,
    port: int,
    *,
    implicit_tls: bool = False,
    idle_timeout: float | None = None,
    terminal_type: str = UNKNOWN,
    window_size: tuple[int, int] | None = None,
    heard: Callable[[bytes], None] | None = None,
    changed: Callable[[], None] | None = None,
) -> TelnetClient:
    """Connect; see ``TelnetStream``. Nothing is sent before the server asks for something.

    Raises:
        SocketToolsError: encryption is required, and not spoken from the beginning.
        ConnectError, ConnectTimeout: there is no connection.
    """
    if access.tls is TlsPolicy.REQUIRE and not implicit_tls:
        raise SocketToolsError(
            "Telnet has no way to begin encryption later: telnets:// has it from the beginning"
        )
    conversation = access.open(host, port, implicit_tls=implicit_tls)
    return TelnetClient(
        conversation.stream,
        conversation.peer,
        terminal_type=terminal_type,
        window_size=window_size,
        idle_timeout=idle_timeout,
        deadline=access.deadline,
        heard=heard,
        changed=changed,
    )


def _compiled(pattern: str | bytes | re.Pattern[bytes]) -> re.Pattern[bytes]:
    if isinstance(pattern, re.Pattern):
        return pattern
    octets = pattern.encode() if isinstance(pattern, str) else pattern
    return re.compile(re.escape(octets))


def _shown(pattern: str | bytes | re.Pattern[bytes]) -> str:
    if isinstance(pattern, re.Pattern):
        pattern = pattern.pattern
    text = pattern.decode("utf-8", "backslashreplace") if isinstance(pattern, bytes) else pattern
    return f"'{visible(text)}'"
