"""FTP's connections for data: where they lead to, and how their end is told."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from sockettools.errors import ReadError
from sockettools.net.stream import SocketStream, linger
from sockettools.net.tls import TlsStream
from sockettools.net.transcript import RecordedStream

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sockettools.net.stream import Stream
    from sockettools.protocols.conversation import Conversation


def peer_host(stream: Stream) -> str | None:
    """Return the address of the machine at the other end; None where there is none."""
    while isinstance(stream, RecordedStream | TlsStream):
        stream = stream.inner
    if not isinstance(stream, SocketStream):
        return None
    try:
        return str(stream.socket.getpeername()[0])
    except OSError:  # it has gone already
        return None


def finish_sending(data: Conversation) -> None:
    """Say that this was all, so that the server gets it all, and wait for its end.

    Closing would not do: what a server sends first over TLS (its tickets) waits here unread, and
    so the system would reset the connection, which can overtake the data.

    Raises:
        WriteError, WriteTimeout: the server did not get it all.
    """
    data.send_eof()
    stream = data.stream
    while isinstance(stream, RecordedStream):
        stream = stream.inner
    if isinstance(stream, TlsStream):  # the connection underneath has an end of its own
        stream.inner.send_eof()
    with contextlib.suppress(ReadError):
        linger(stream)
    data.close()


def to_network_lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    r"""Yield text with its lines ended as FTP's type "A" has them (RFC 959 section 3.1.1.1).

    >>> b"".join(to_network_lines([b"a\nb\r", b"\nc\n"]))
    b'a\r\nb\r\nc\r\n'
    """
    last = b""
    for block in blocks:
        if block:
            # What ends in a CR may go on with the LF of a line end that is right already.
            joined = (last + block).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
            yield joined.removeprefix(last)
            last = b"\r" if block.endswith(b"\r") else b""


def to_local_lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    r"""Yield text of FTP's type "A" with its lines ended by LF.

    >>> b"".join(to_local_lines([b"a\r", b"\nb\rc\r\n", b"\r"]))
    b'a\nb\rc\n\r'
    """
    held = b""
    for block in blocks:
        text = held + block
        held = b"\r" if text.endswith(b"\r") else b""
        yield text.removesuffix(held).replace(b"\r\n", b"\n")
    if held:
        yield held
