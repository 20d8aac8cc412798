"""What every stream promises, held against each kind of stream that there is."""

from __future__ import annotations

import socket
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from sockettools.errors import (
    ReadError,
    ReadTimeout,
    StreamClosed,
    WriteError,
    WriteTimeout,
)
from sockettools.net.deadline import Deadline
from sockettools.net.memory import memory_stream_pair
from sockettools.net.stream import SocketStream, Stream
from sockettools.net.tls import TlsStream, client_context, server_context
from sockettools.net.transcript import RecordedStream, Transcript
from tests.patience import patience
from tests.servers.certificates import self_signed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

Pair = tuple[Stream, Stream]


def soon() -> Deadline:
    return Deadline.after(0.05)


def tcp_pair() -> Pair:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        return SocketStream(client), SocketStream(listener.accept()[0])


def unix_pair() -> Pair:
    one, other = socket.socketpair()
    return SocketStream(one), SocketStream(other)


def recorded_pair() -> Pair:
    one, other = memory_stream_pair()
    return RecordedStream(one, Transcript([])), RecordedStream(other, Transcript([]))


def tls_pair(inner: Pair, certificate: Path) -> Pair:
    client_side, server_side = inner
    accepted: list[Stream] = []
    thread = threading.Thread(
        target=lambda: accepted.append(
            server_side.start_tls(
                server_context(str(certificate)), server_side=True, deadline=patience()
            )
        )
    )
    thread.start()
    client = client_side.start_tls(
        client_context(ca_file=str(certificate)), "localhost", deadline=patience()
    )
    thread.join()
    return client, accepted[0]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return self_signed(tmp_path_factory.mktemp("tls"))


@pytest.fixture(
    params=[
        "tcp",
        "unix",
        "memory",
        "recorded",
        "tls-tcp",
        "tls-unix",
        "tls-memory",
        "tls-recorded",
    ]
)
def pair(request: pytest.FixtureRequest, certificate: Path) -> Iterator[Pair]:
    kinds: dict[str, Callable[[], Pair]] = {
        "tcp": tcp_pair,
        "unix": unix_pair,
        "memory": memory_stream_pair,
        "recorded": recorded_pair,
    }
    kind = request.param.removeprefix("tls-")
    streams = kinds[kind]()
    if kind != request.param:
        streams = tls_pair(streams, certificate)
    with ExitStack() as stack:
        for stream in streams:
            stack.enter_context(stream)
        yield streams


def receive_all(stream: Stream) -> bytes:
    return b"".join(iter(lambda: stream.receive_some(deadline=patience()), b""))


def send_for_ever(stream: Stream) -> None:
    while True:
        stream.send_all(bytes(100_000), patience())


def test_bytes_go_both_ways(pair: Pair) -> None:
    for one, other in (pair, pair[::-1]):
        one.send_all(b"hello \x00\xff", patience())
        assert other.receive_some(100, patience()) == b"hello \x00\xff"


def test_a_message_can_be_taken_in_pieces(pair: Pair) -> None:
    one, other = pair
    one.send_all(b"abcdef", patience())

    assert [other.receive_some(size, patience()) for size in (1, 2, 100)] == [b"a", b"bc", b"def"]


def test_the_end_comes_after_the_bytes_and_stays(pair: Pair) -> None:
    one, other = pair
    one.send_all(b"bye", patience())
    one.send_eof(patience())
    one.send_eof(patience())

    assert receive_all(other) == b"bye"
    assert other.receive_some(deadline=patience()) == b""


def test_the_other_way_goes_on_after_an_end(pair: Pair) -> None:
    one, other = pair
    other.send_all(b"before ", patience())
    one.send_eof(patience())
    assert receive_all(other) == b""
    other.send_all(b"after", patience())
    other.send_eof(patience())

    assert receive_all(one) == b"before after"


def test_nothing_is_sent_after_the_end(pair: Pair) -> None:
    one, _ = pair
    one.send_eof(patience())

    with pytest.raises(StreamClosed):
        one.send_all(b"x", patience())


def test_closing_is_an_end_for_the_peer(pair: Pair) -> None:
    one, other = pair
    one.send_all(b"bye", patience())
    one.close()

    assert receive_all(other) == b"bye"


def test_a_closed_stream_does_nothing_more(pair: Pair) -> None:
    one, _ = pair
    one.close()
    one.close()

    with pytest.raises(StreamClosed):
        one.receive_some(deadline=patience())
    with pytest.raises(StreamClosed):
        one.send_all(b"x", patience())
    with pytest.raises(StreamClosed):
        one.send_eof(patience())


def test_receiving_has_a_deadline_and_can_be_tried_again(pair: Pair) -> None:
    one, other = pair
    for deadline in (soon(), Deadline.after(0)):
        with pytest.raises(ReadTimeout):
            other.receive_some(deadline=deadline)
    one.send_all(b"late", patience())

    assert other.receive_some(deadline=patience()) == b"late"


def test_sending_has_a_deadline(pair: Pair) -> None:
    one, _ = pair

    with pytest.raises(WriteTimeout):
        one.send_all(bytes(64 * 1024 * 1024), soon())


def test_sending_to_a_peer_that_is_gone_fails(pair: Pair) -> None:
    one, other = pair
    other.close()

    # The first bytes may be taken by the system before it learns that nobody wants them.
    with pytest.raises((WriteError, ReadError)):
        send_for_ever(one)


def test_much_goes_both_ways_at_the_same_time(pair: Pair) -> None:
    """More than all the buffers in between hold: who sends waits for who receives."""
    data = bytes(range(256)) * 20_000
    received: dict[Stream, bytes] = {}

    def send(stream: Stream) -> None:
        stream.send_all(data, patience())

    def receive(stream: Stream) -> None:
        parts = bytearray()
        while len(parts) < len(data):
            parts += stream.receive_some(deadline=patience())
        received[stream] = bytes(parts)

    threads = [
        threading.Thread(target=act, args=(stream,)) for stream in pair for act in (send, receive)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert received == dict.fromkeys(pair, data)


def test_each_way_has_a_deadline_of_its_own(pair: Pair) -> None:
    """A sender that may wait for ever does not make the receiver of the same stream do so."""
    one, other = pair
    sender = threading.Thread(target=lambda: one.send_all(bytes(20_000_000), patience()))
    sender.start()
    with pytest.raises(ReadTimeout):
        one.receive_some(deadline=soon())
    received = 0
    while received < 20_000_000:
        received += len(other.receive_some(deadline=patience()))
    sender.join()


@pytest.mark.parametrize("size", [0, -1])
def test_a_size_below_one_is_refused(pair: Pair, size: int) -> None:
    with pytest.raises(ValueError, match=f"{size}, expected 1 or more"):
        pair[0].receive_some(size)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_every_kind_of_bytes_can_be_sent(pair: Pair, kind: type) -> None:
    one, other = pair
    one.send_all(kind(b""), patience())
    one.send_all(kind(b"abc"), patience())

    assert other.receive_some(deadline=patience()) == b"abc"


def test_a_reset_is_no_end() -> None:
    one, other = tcp_pair()
    assert isinstance(one, SocketStream)
    one.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    one.close()

    with other, pytest.raises(ReadError, match="reset"):
        other.receive_some(deadline=patience())


def test_tls_that_ends_without_goodbye_is_no_end(certificate: Path) -> None:
    one, other = tls_pair(memory_stream_pair(), certificate)
    assert isinstance(one, TlsStream)
    one.send_all(b"half a mess", patience())
    one.inner.close()

    with other:
        assert other.receive_some(deadline=patience()) == b"half a mess"
        with pytest.raises(ReadError, match="without saying goodbye"):
            other.receive_some(deadline=patience())


@pytest.mark.parametrize(
    ("trusted", "name", "reason"),
    [
        pytest.param(False, "localhost", "self-signed certificate", id="authority"),
        pytest.param(True, "example.com", "not for example.com", id="name"),
    ],
)
def test_a_certificate_is_verified(
    trusted: bool, name: str, reason: str, certificate: Path
) -> None:
    one, other = memory_stream_pair()
    context = client_context(ca_file=str(certificate) if trusted else None)
    failures: list[Exception] = []

    def serve() -> None:
        try:
            other.start_tls(server_context(str(certificate)), server_side=True, deadline=patience())
        except ReadError as exc:
            failures.append(exc)

    thread = threading.Thread(target=serve)
    thread.start()
    with pytest.raises(ReadError, match=reason):
        one.start_tls(context, name, deadline=patience())
    one.close()
    thread.join()
    assert len(failures) == 1, "the peer is told"


def test_a_handshake_has_a_deadline() -> None:
    one, _ = memory_stream_pair()

    with pytest.raises(ReadTimeout):
        one.start_tls(client_context(), "localhost", deadline=soon())
