"""What is TLS's own; what it has in common with every stream is in ``test_stream``."""

from __future__ import annotations

import ssl
import threading
from typing import TYPE_CHECKING

import pytest

from sockettools.errors import CertificateError, ReadError
from sockettools.net import tls
from sockettools.net.memory import memory_stream_pair
from sockettools.net.tls import (
    SEND_SIZE,
    TlsStream,
    client_context,
    server_context,
    start_client_tls,
)
from tests.patience import patience
from tests.servers.certificates import Authority, self_signed

if TYPE_CHECKING:
    from pathlib import Path

    from sockettools.net.deadline import Deadline
    from sockettools.net.stream import Stream


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return self_signed(tmp_path_factory.mktemp("tls"))


def serve_in_thread(stream: Stream, certificate: Path) -> tuple[threading.Thread, list[Stream]]:
    accepted: list[Stream] = []

    def serve() -> None:
        accepted.append(
            stream.start_tls(
                server_context(str(certificate)), server_side=True, deadline=patience()
            )
        )

    thread = threading.Thread(target=serve)
    thread.start()
    return thread, accepted


def refused_in_thread(stream: Stream, certificate: Path) -> threading.Thread:
    def serve() -> None:
        with pytest.raises(ReadError):
            stream.start_tls(
                server_context(str(certificate)), server_side=True, deadline=patience()
            )

    thread = threading.Thread(target=serve)
    thread.start()
    return thread


@pytest.mark.parametrize("name", ["localhost", "example.com", None])
def test_nothing_is_verified_if_told_so(name: str | None, certificate: Path) -> None:
    one, other = memory_stream_pair()
    thread, accepted = serve_in_thread(other, certificate)
    client = one.start_tls(client_context(verify=False), name, deadline=patience())
    thread.join()

    with client, accepted[0]:
        assert isinstance(client, TlsStream)
        assert client.session.version() in {"TLSv1.2", "TLSv1.3"}
        client.send_all(b"hello", patience())
        assert accepted[0].receive_some(deadline=patience()) == b"hello"


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_a_host_that_is_a_number_is_verified_too(host: str, certificate: Path) -> None:
    one, other = memory_stream_pair()
    thread, accepted = serve_in_thread(other, certificate)
    client = one.start_tls(client_context(ca_file=str(certificate)), host, deadline=patience())
    thread.join()
    client.close()
    accepted[0].close()


DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2} UTC"
NAMES = r"localhost, 127\.0\.0\.1 and ::1"


@pytest.mark.parametrize(
    ("host", "expired", "trusted", "reason"),
    [
        pytest.param(
            "example.test", False, True, rf"it is for {NAMES}, not for example\.test", id="name"
        ),
        pytest.param(
            "127.0.0.2", False, True, rf"it is for {NAMES}, not for 127\.0\.0\.2", id="address"
        ),
        pytest.param("localhost", True, True, f"it was valid until {DATE}", id="expired"),
        pytest.param(
            "localhost",
            False,
            False,
            r"nobody trusted has signed it \(unable to get local issuer certificate\)",
            id="authority",
        ),
    ],
)
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_what_is_wrong_with_a_certificate(
    host: str,
    expired: bool,
    trusted: bool,
    reason: str,
    version: ssl.TLSVersion,
    tmp_path: Path,
) -> None:
    authority = Authority(tmp_path)
    path = tmp_path / "server.pem"
    authority.issue(path, expired=expired)
    context = client_context(ca_file=str(authority.path) if trusted else None)
    context.maximum_version = version
    one, other = memory_stream_pair()
    thread = refused_in_thread(other, path)
    message = f"^server:1: the certificate is not to be trusted: {reason}$"
    with one, other:
        with pytest.raises(CertificateError, match=message):
            start_client_tls(one, context, host, patience(), "server:1")
        thread.join()


def test_a_certificate_that_nobody_else_has_signed(certificate: Path) -> None:
    one, other = memory_stream_pair()
    thread = refused_in_thread(other, certificate)
    with one, other:
        with pytest.raises(ReadError, match=r"has signed it \(self-signed certificate\)$"):
            one.start_tls(client_context(), "localhost", deadline=patience())
        thread.join()


def test_a_certificate_that_python_does_not_show(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls, "_unverified_chain", lambda _session: [])
    context = client_context(ca_file=str(certificate))
    one, other = memory_stream_pair()
    thread = refused_in_thread(other, certificate)
    with one, other:
        with pytest.raises(ReadError, match=r"trusted: Hostname mismatch.*'example\.test'$"):
            one.start_tls(context, "example.test", deadline=patience())
        thread.join()


def test_what_crosses_the_wire_is_encrypted(certificate: Path) -> None:
    wire = bytearray()
    one, other = memory_stream_pair()
    send_all = one.send_all

    def listen_in(data: bytes, deadline: Deadline) -> None:
        wire.extend(data)
        send_all(data, deadline)

    one.send_all = listen_in  # type: ignore[method-assign,assignment]
    thread, accepted = serve_in_thread(other, certificate)
    client = one.start_tls(
        client_context(ca_file=str(certificate)), "localhost", deadline=patience()
    )
    thread.join()
    with client, accepted[0]:
        client.send_all(b"a secret that nobody is to read", patience())
        assert accepted[0].receive_some(deadline=patience()) == b"a secret that nobody is to read"

    assert b"secret" not in wire


def test_more_than_is_encrypted_at_a_time_comes_in_order(certificate: Path) -> None:
    one, other = memory_stream_pair()
    thread, accepted = serve_in_thread(other, certificate)
    client = one.start_tls(
        client_context(ca_file=str(certificate)), "localhost", deadline=patience()
    )
    thread.join()
    data = bytes(range(251)) * (3 * SEND_SIZE // 251)
    with client, accepted[0]:
        sender = threading.Thread(target=lambda: client.send_all(data, patience()))
        sender.start()
        received = bytearray()
        while len(received) < len(data):
            received += accepted[0].receive_some(deadline=patience())
        sender.join()

    assert received == data


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"HTTP/1.0 400 Bad Request\r\n\r\n", id="plain text"),
        pytest.param(b"", id="end"),
    ],
)
def test_a_peer_that_does_not_speak_tls(answer: bytes) -> None:
    one, other = memory_stream_pair()
    with one, other:
        other.send_all(answer, patience())
        other.send_eof()
        with pytest.raises(ReadError, match="TLS broke"):
            one.start_tls(client_context(), "localhost", deadline=patience())


@pytest.mark.parametrize(
    ("name", "error"),
    [
        pytest.param("empty", ssl.SSLError, id="empty"),
        pytest.param("missing", FileNotFoundError, id="missing"),
    ],
)
def test_a_file_that_is_no_certificate(name: str, error: type[OSError], tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    path = str(tmp_path / name)
    with pytest.raises(error):
        server_context(path)
    with pytest.raises(error):
        client_context(ca_file=path)


def test_session_is_gone_on_with(certificate: Path) -> None:
    at_server, at_client = server_context(str(certificate)), client_context(verify=False)
    session: ssl.SSLSession | None = None
    for is_known in (False, True):
        one, other = memory_stream_pair()
        accepted: list[Stream] = []

        def serve(stream: Stream = other, accepted: list[Stream] = accepted) -> None:
            accepted.append(stream.start_tls(at_server, server_side=True, deadline=patience()))
            accepted[0].send_all(b"hello")

        thread = threading.Thread(target=serve)
        thread.start()
        client = start_client_tls(one, at_client, "localhost", patience(), "the server", session)
        # What the session is known by comes after the handshake.
        assert client.receive_some(deadline=patience()) == b"hello"
        thread.join()
        with client, accepted[0]:
            assert isinstance(client, TlsStream)
            assert client.session.session_reused is is_known
            session = client.session.session
