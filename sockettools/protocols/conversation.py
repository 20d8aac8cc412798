"""A conversation in lines with a server: what FTP, SMTP, POP3, IMAP, NNTP and Gopher share.

Everything is bounded: a line by its length, what is read ahead by the size of a receive, each
operation by the idle timeout and all of them by one deadline.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sockettools.errors import (
    IncompleteMessage,
    LocalProtocolError,
    ReadError,
    ReadTimeout,
    RemoteProtocolError,
    Timeout,
    TooLong,
    WriteError,
    WriteTimeout,
)
from sockettools.lifetime import Closing
from sockettools.net.deadline import NEVER, Deadline
from sockettools.net.stream import RECEIVE_SIZE
from sockettools.net.tls import TlsStream, start_client_tls
from sockettools.net.transcript import RecordedStream, secrets_in, without_secrets
from sockettools.protocols.dots import DotDecoder, dot_stuffed

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Iterator

    from sockettools.net.stream import Stream

# Octets of a line: servers of mail send up to 8 kB of capabilities in one.
MAX_LINE = 16_384

# Seconds without a byte.
IDLE_TIMEOUT = 60.0

_SURROGATE = re.compile(r"[\ud800-\udfff]")


class Conversation(Closing):
    """Lines and octets over a stream; ``peer`` is what errors call the server.

    Every method that reads or writes raises ReadTimeout or WriteTimeout when the idle timeout or
    the deadline passes, ReadError or WriteError when the connection breaks.
    """

    def __init__(
        self,
        stream: Stream,
        peer: str,
        *,
        idle_timeout: float | None = IDLE_TIMEOUT,
        deadline: Deadline = NEVER,
    ) -> None:
        """Take the stream over: it is closed with the conversation."""
        self.peer = peer
        self._stream = stream
        self._idle_timeout = idle_timeout
        self._deadline = deadline
        self._buffer = bytearray()
        self._secrets: list[bytes] = []

    @property
    def stream(self) -> Stream:
        """The stream underneath; what was read ahead is not in it any more."""
        return self._stream

    @property
    def is_encrypted(self) -> bool:
        """Whether what is said now goes through TLS."""
        return self.tls is not None

    @property
    def tls(self) -> ssl.SSLObject | None:
        """What was agreed on with the server: version, cipher, session; None without TLS."""
        stream = _unrecorded(self._stream)
        return stream.session if isinstance(stream, TlsStream) else None

    def close(self) -> None:
        """Give the connection up."""
        self._stream.close()

    def hide(self, *secrets: str | bytes) -> None:
        """Have *** in their place from now on, in traces and in ``without_secrets``.

        What ``send_line`` shows as *** is hidden without that.
        """
        octets = [s.encode() if isinstance(s, str) else s for s in secrets]
        self._hide([secret for secret in octets if secret])

    def without_secrets(self, text: str) -> str:
        """Return a server's words without the secrets that it may repeat, for an error."""
        return without_secrets(text.encode("utf-8", "surrogatepass"), self._secrets).decode(
            "utf-8", "surrogatepass"
        )

    def _hide(self, secrets: list[bytes]) -> None:
        self._secrets += secrets
        if isinstance(self._stream, RecordedStream):
            self._stream.hide(secrets)

    # Receiving

    def read_line(self, limit: int = MAX_LINE) -> bytes:
        r"""Return the next line, without its end.

        A bare LF ends one as well, as old servers of FTP and Gopher send it.

        Raises:
            TooLong: it has more than ``limit`` octets.
            IncompleteMessage: the server closed the connection instead.
        """
        line = self.read_line_or_end(limit)
        if line is None:
            raise IncompleteMessage(f"{self.peer} closed the connection")
        return line

    def read_line_or_end(self, limit: int = MAX_LINE) -> bytes | None:
        """Return the next line, without its end; None where the server has closed instead.

        Raises:
            TooLong, IncompleteMessage: see ``read_line``.
        """
        # One deadline for the whole line: a server that sends an octet now and then gets no more.
        deadline = self._deadline.within(self._idle_timeout)
        searched = 0
        while (end := self._buffer.find(b"\n", searched)) < 0:
            searched = len(self._buffer)
            if searched > limit + 1:
                break
            data = self._received(RECEIVE_SIZE, deadline)
            self._buffer += data
            if not data:
                if self._buffer:
                    raise IncompleteMessage(
                        f"{self.peer} closed the connection in the middle of a line"
                    )
                return None
        if 0 <= end <= limit + 1:
            line = bytes(self._buffer[:end]).removesuffix(b"\r")
            if len(line) <= limit:
                del self._buffer[: end + 1]
                return line
        raise TooLong(f"{self.peer} sent a line of more than {limit} octets")

    def read_some(self, max_octets: int = RECEIVE_SIZE) -> bytes:
        """Return octets that are there, up to so many; b"" is the end of the connection."""
        if not self._buffer:
            return self._received(max_octets, self._deadline.within(self._idle_timeout))
        data = bytes(self._buffer[:max_octets])
        del self._buffer[: len(data)]
        return data

    def read_exactly(self, size: int) -> Iterator[bytes]:
        """Yield blocks that are ``size`` octets together.

        Raises:
            IncompleteMessage: the server closed the connection before.
        """
        left = size
        while left:
            block = self.read_some(min(left, RECEIVE_SIZE))
            if not block:
                raise IncompleteMessage(
                    f"{self.peer} closed the connection {left} octets before the end"
                )
            left -= len(block)
            yield block

    def read_to_end(self) -> Iterator[bytes]:
        """Yield blocks until the server closes the connection."""
        while block := self.read_some():
            yield block

    def read_dotted(self) -> Iterator[bytes]:
        """Yield the blocks of a text that a lone dot ends, as it was before its dots were stuffed.

        Lines may be of any length (RFC 5321 section 4.5.2, RFC 1939 section 3, RFC 3977
        section 3.1.1).

        Raises:
            IncompleteMessage: the server closed the connection before the dot.
        """
        decoder = DotDecoder()
        while not decoder.is_done:
            block = self.read_some()
            if not block:
                raise IncompleteMessage(
                    f"{self.peer} closed the connection before the end of the text"
                )
            if text := decoder.feed(block):
                yield text
        # What came behind the dot is the beginning of the next reply. It was at most one receive,
        # and is put back once for a whole text.
        self._buffer[:0] = decoder.rest

    def read_dotted_lines(self, limit: int = MAX_LINE) -> Iterator[bytes]:
        """Yield the lines of a list that a lone dot ends.

        Raises:
            TooLong, IncompleteMessage: see ``read_line``.
        """
        while (line := self.read_line(limit)) != b".":
            yield line.removeprefix(b".")

    # Sending

    def send_line(self, line: str | bytes, shown: str | None = None) -> None:
        """Send one line; ``shown`` stands in traces where the line has a secret in it.

        Raises:
            LocalProtocolError: there is a line end in it, or a NUL: it would be several commands;
                or half a surrogate pair, as Python has it for an argument that is not UTF-8.
        """
        octets = line.encode("utf-8", "surrogatepass") if isinstance(line, str) else line
        verb = _verb(octets if shown is None else shown.encode())
        if any(octet in octets for octet in (b"\r", b"\n", b"\0")):
            raise LocalProtocolError(
                f"a line end or a NUL is in what would be sent to {self.peer} with {verb}"
            )
        if isinstance(line, str) and _SURROGATE.search(line):
            raise LocalProtocolError(
                f"what would be sent to {self.peer} with {verb} is no text in UTF-8"
            )
        if shown is not None:
            self._hide(secrets_in(octets, shown.encode()))
        with self._told():
            deadline = self._deadline.within(self._idle_timeout)
            if shown is not None and isinstance(self._stream, RecordedStream):
                self._stream.send_secret(octets + b"\r\n", shown.encode() + b"\r\n", deadline)
            else:
                self._stream.send_all(octets + b"\r\n", deadline)

    def send(self, data: bytes) -> None:
        """Send octets as they are."""
        with self._told():
            # As in receiving: a peer that always takes everything keeps nobody waiting.
            if self._deadline.has_passed():
                raise WriteTimeout("not everything was sent in time")
            self._stream.send_all(data, self._deadline.within(self._idle_timeout))

    def send_dotted(self, blocks: Iterable[bytes]) -> None:
        """Send a text with its dots stuffed and its line ends CRLF, then the dot that ends it."""
        for block in dot_stuffed(blocks):
            self.send(block)

    def send_eof(self) -> None:
        """Say that no more will be sent."""
        with self._told():
            self._stream.send_eof(self._deadline.within(self._idle_timeout))

    # TLS

    def start_tls(
        self, context: ssl.SSLContext, server_name: str, resumed: ssl.SSLSession | None = None
    ) -> None:
        """Encrypt from here on; nothing that was said before is to be trusted afterwards.

        ``resumed``: see ``start_client_tls``.

        Raises:
            RemoteProtocolError: something came already that would be taken for an encrypted answer
                (RFC 3207 section 6; known as STARTTLS injection).
            CertificateError, ConnectError, ConnectTimeout: no agreement.
        """
        if self._buffer:
            raise RemoteProtocolError(
                f"{self.peer} sent more before the encryption began; somebody on the way may have"
            )
        recorded = self._stream if isinstance(self._stream, RecordedStream) else None
        encrypted = start_client_tls(
            recorded.inner if recorded else self._stream,
            context,
            server_name.partition("%")[0].rstrip("."),
            self._deadline.within(self._idle_timeout),
            self.peer,
            resumed,
        )
        # Traces show what is said, not how it is encrypted.
        self._stream = recorded.over(encrypted) if recorded else encrypted

    def _received(self, max_octets: int, deadline: Deadline) -> bytes:
        with self._told():
            # A stream looks at the clock only when it has to wait, and a server that never ends may
            # be faster than whoever reads what it sends.
            if self._deadline.has_passed():
                raise ReadTimeout("not everything was received in time")
            return self._stream.receive_some(max_octets, deadline)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say in errors of the stream with whom it was."""
        try:
            yield
        except (ReadError, WriteError, ReadTimeout, WriteTimeout) as exc:
            limit = ""
            is_idle = isinstance(exc, Timeout) and not self._deadline.has_passed()
            if is_idle and self._idle_timeout is not None:
                limit = f" ({self._idle_timeout:g} seconds)"
            raise type(exc)(f"{self.peer}: {exc}{limit}") from exc


def _verb(octets: bytes) -> str:
    """Return the first word of a line as an error tells it; the others may be secrets."""
    words = octets.split(None, 1)
    return repr(words[0][:20].decode("ascii", "replace") if words else "")


def _unrecorded(stream: Stream) -> Stream:
    while isinstance(stream, RecordedStream):
        stream = stream.inner
    return stream
