"""TLS over any stream.

The encryption works on two buffers in memory (``ssl.MemoryBIO``), and this module carries what is
in them over the stream underneath. So TLS runs over a recorded stream or one in memory as well,
and one side can send its end and go on receiving, which ``ssl.SSLSocket`` cannot do.
"""

from __future__ import annotations

import contextlib
import ssl
import sys
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sockettools.errors import (
    AddressError,
    CertificateError,
    ConnectError,
    ConnectTimeout,
    ReadError,
    SocketToolsError,
    StreamClosed,
    Timeout,
    WriteError,
    WriteTimeout,
)
from sockettools.net.certificate import why_untrusted
from sockettools.net.deadline import NEVER, Deadline
from sockettools.net.stream import RECEIVE_SIZE, Stream

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    T = TypeVar("T")

# Octets encrypted before they are sent on: a multiple of TLS's records of 16 kB, and few enough
# that the copy in memory stays small.
SEND_SIZE = 262_144

# Seconds that closing may take to say goodbye to a peer that does not read.
CLOSE_TIMEOUT = 0.2


class TlsStream(Stream):
    """An encrypted stream over ``inner``, which belongs to it from now on."""

    def __init__(self, inner: Stream, engine: TlsEngine) -> None:
        self._inner = inner
        self._engine = engine
        # One thread may send while another receives, and OpenSSL minds: the engine has a lock of
        # its own. Encrypted bytes have an order: who takes them from it sends them before the
        # next one does.
        self._sending = threading.Lock()
        self._closed = False
        self._sent_eof = False

    @classmethod
    def handshake(
        cls,
        inner: Stream,
        context: ssl.SSLContext,
        server_hostname: str | None,
        *,
        server_side: bool,
        deadline: Deadline,
        resumed: ssl.SSLSession | None = None,
    ) -> TlsStream:
        """Shake hands over ``inner``; see ``Stream.start_tls`` and ``start_client_tls``."""
        engine = TlsEngine(context, server_hostname, server_side=server_side, resumed=resumed)
        stream = cls(inner, engine)
        stream._until_done(stream._engine.do_handshake, deadline)
        return stream

    @property
    def inner(self) -> Stream:
        """The stream underneath."""
        return self._inner

    @property
    def session(self) -> ssl.SSLObject:
        """What was agreed on: version, cipher, the peer's certificate."""
        return self._engine.session

    def receive_some(self, max_bytes: int = RECEIVE_SIZE, deadline: Deadline = NEVER) -> bytes:
        """Receive; see ``Stream``. A peer that is gone without TLS's goodbye is a ReadError."""
        if max_bytes < 1:
            raise ValueError(f"max_bytes is {max_bytes}, expected 1 or more")
        if self._closed:
            raise StreamClosed("receiving from a closed stream")
        return self._until_done(lambda: self._engine.read(max_bytes), deadline)

    def send_all(self, data: bytes | bytearray | memoryview, deadline: Deadline = NEVER) -> None:
        """Send; see ``Stream``."""
        if self._closed or self._sent_eof:
            raise StreamClosed("sending to a stream whose end was sent")
        view = memoryview(data)
        for start in range(0, len(view), SEND_SIZE):
            try:
                self._engine.write(view[start : start + SEND_SIZE])
            except ssl.SSLError as exc:
                raise WriteError(f"TLS broke: {_reason(exc)}") from exc
            self._send_encrypted(deadline)

    def send_eof(self, deadline: Deadline = NEVER) -> None:
        """Send TLS's goodbye (close_notify); the connection underneath stays open both ways."""
        if self._closed:
            raise StreamClosed("sending to a closed stream")
        if self._sent_eof:
            return
        self._sent_eof = True
        self._engine.write_eof()
        self._send_encrypted(deadline)

    def close(self) -> None:
        """Say goodbye if that takes no waiting, and close the stream underneath."""
        if self._closed:
            return
        # A peer may be gone, or not reading: then there is nobody to say it to.
        with contextlib.suppress(SocketToolsError):
            self.send_eof(Deadline.after(CLOSE_TIMEOUT))
        self._closed = True
        self._inner.close()

    def _until_done(self, step: Callable[[], T], deadline: Deadline) -> T:
        """Repeat ``step``, carrying encrypted bytes both ways, until it needs no more of them."""
        while True:
            try:
                result = step()
            except ssl.SSLWantReadError:
                self._answer(deadline)
                self._engine.feed(self._inner.receive_some(RECEIVE_SIZE, deadline))
            except ssl.SSLError as exc:
                # The peer is to learn why: the alert is in the buffer.
                with contextlib.suppress(SocketToolsError):
                    self._answer(deadline)
                raise ReadError(tls_problem(exc, self.session)) from exc
            else:
                self._answer(deadline)
                return result

    def _send_encrypted(self, deadline: Deadline) -> None:
        left = deadline.remaining()
        if not self._sending.acquire(timeout=-1 if left is None else left):
            raise WriteTimeout("the peer did not take everything in time")
        try:
            if data := self._engine.take():
                self._inner.send_all(data, deadline)
        finally:
            self._sending.release()

    def _answer(self, deadline: Deadline) -> None:
        """Send what receiving has brought about: the handshake, an alert, a new key.

        Where another thread is sending, it may be waiting for a peer that does not read, and
        receiving must not wait for that; what is left goes out with the next bytes.
        """
        while self._engine.has_encrypted() and self._sending.acquire(blocking=False):
            try:
                self._inner.send_all(self._engine.take(), deadline)
            finally:
                self._sending.release()


class TlsEngine:
    """The encryption without a connection: plain bytes on one side, encrypted ones on the other.

    ``read`` and ``do_handshake`` raise ``ssl.SSLWantReadError`` when they need to be fed.
    Two threads may use it, one for each way.
    """

    def __init__(
        self,
        context: ssl.SSLContext,
        server_hostname: str | None,
        *,
        server_side: bool,
        resumed: ssl.SSLSession | None = None,
    ) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self.session = context.wrap_bio(
            self._incoming,
            self._outgoing,
            server_side=server_side,
            server_hostname=None if server_side else server_hostname,
            session=resumed,
        )
        self._lock = threading.Lock()
        self._early = bytearray()  # decrypted before our end was sent

    def feed(self, data: bytes) -> None:
        """Take encrypted bytes from the peer; b"" is the end of the connection."""
        with self._lock:
            if data:
                self._incoming.write(data)
            else:
                self._incoming.write_eof()

    def has_encrypted(self) -> bool:
        """Tell whether there are bytes to ``take``."""
        return self._outgoing.pending > 0

    def take(self) -> bytes:
        """Return the encrypted bytes that have to go to the peer."""
        with self._lock:
            return self._outgoing.read()

    def do_handshake(self) -> None:
        """Take the next step of the handshake."""
        with self._lock:
            self.session.do_handshake()

    def read(self, max_bytes: int) -> bytes:
        """Return decrypted bytes; b"" once the peer said goodbye."""
        with self._lock:
            if self._early:
                data = bytes(self._early[:max_bytes])
                del self._early[:max_bytes]
                return data
            try:
                return self.session.read(max_bytes)
            except ssl.SSLZeroReturnError:
                return b""

    def write(self, data: memoryview | bytes) -> None:
        """Encrypt."""
        with self._lock:
            while data:
                data = data[self.session.write(data) :]

    def write_eof(self) -> None:
        """Encrypt our goodbye.

        OpenSSL looks for the peer's at once, and takes data that it finds instead for an error;
        so what has come already is decrypted before.
        """
        with self._lock:
            with contextlib.suppress(ssl.SSLError):
                while data := self.session.read(RECEIVE_SIZE):
                    self._early += data
            with contextlib.suppress(ssl.SSLError):
                self.session.unwrap()


def start_client_tls(
    stream: Stream,
    context: ssl.SSLContext,
    server_name: str | None,
    deadline: Deadline,
    peer: str,
    resumed: ssl.SSLSession | None = None,
) -> Stream:
    """Shake hands with the server behind ``stream``, which errors call ``peer``.

    ``resumed`` is the session of another connection to the same server, made with the same
    context: going on with it proves that whoever has this connection also has the other one.

    Raises:
        AddressError: ``server_name`` is no name that a certificate could bear.
        CertificateError: the server has not proved to be ``server_name``.
        ConnectError, ConnectTimeout: no agreement, or not in time.
    """
    try:
        return TlsStream.handshake(
            stream, context, server_name, server_side=False, deadline=deadline, resumed=resumed
        )
    except ValueError as exc:
        raise AddressError(f"{server_name!r} is not a server's name: {exc}") from exc
    except Timeout as exc:
        raise ConnectTimeout(f"{peer} did not agree on TLS in time") from exc
    except (ReadError, WriteError) as exc:
        if isinstance(exc.__cause__, ssl.SSLCertVerificationError):
            raise CertificateError(f"{peer}: {exc}") from exc
        raise ConnectError(f"{peer} did not agree on TLS: {exc}") from exc


def client_context(*, verify: bool = True, ca_file: str | None = None) -> ssl.SSLContext:
    """Return what a client needs: certificates and names are verified unless told otherwise."""
    context = ssl.create_default_context(cafile=ca_file)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def server_context(certificate: str, key: str | None = None) -> ssl.SSLContext:
    """Return what a server needs: PEM files of its certificate (with its chain) and its key.

    Raises:
        OSError: a file cannot be read, or is not what it should be (ssl.SSLError).
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context


def tls_problem(error: ssl.SSLError, session: ssl.SSLObject) -> str:
    """Say in words why a session cannot begin, or go on."""
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = why_untrusted(
            error.verify_code,
            error.verify_message,
            _unverified_chain(session),
            session.server_hostname,
            datetime.now(UTC),
        )
        return f"the certificate is not to be trusted: {reason}"
    return f"TLS broke: {_reason(error)}"


def _reason(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLEOFError):
        return "the peer closed the connection without saying goodbye: what came may not be all"
    return error.reason.replace("_", " ").lower() if error.reason else str(error)


def _unverified_chain(session: ssl.SSLObject) -> list[bytes]:
    """Return the certificates that the peer sent, in DER; [] if Python does not give them."""
    if sys.version_info >= (3, 13):
        chain = session.get_unverified_chain()
    else:  # it has been there since 3.10, with no public way to it
        try:
            certificates = session._sslobj.get_unverified_chain()  # type: ignore[attr-defined]
            chain = [ssl.PEM_cert_to_DER_cert(one.public_bytes()) for one in certificates or ()]
        except (AttributeError, TypeError, ValueError):
            chain = []
    return chain
