from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest

from sockettools.errors import (
    AddressError,
    ConnectError,
    ConnectionRefused,
    ReadTimeout,
    ResolveError,
    StreamClosed,
    WriteError,
)
from sockettools.net.address import DATAGRAM, Candidate, InternetAddress
from sockettools.net.datagram import (
    MAX_DATAGRAM,
    DatagramSocket,
    RecordedDatagrams,
    dial_datagram,
)
from sockettools.net.deadline import Deadline
from sockettools.net.transcript import Direction, Transcript
from tests.patience import patience
from tests.servers.ports import held_datagram_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sockettools.net.transcript import Event


def soon() -> Deadline:
    return Deadline.after(0.05)


def address_of(peer: socket.socket) -> InternetAddress:
    host, port = peer.getsockname()[:2]
    return InternetAddress(host, port, DATAGRAM)


@pytest.fixture
def peer() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        peer.settimeout(600)
        yield peer


@pytest.fixture
def datagrams(peer: socket.socket) -> Iterator[DatagramSocket]:
    with dial_datagram(address_of(peer), patience()) as datagrams:
        yield datagrams


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"hello \x00\xff", id="bytes"),
        pytest.param(b"", id="empty"),
        pytest.param(bytes(MAX_DATAGRAM), id="longest"),
    ],
)
def test_each_datagram_is_one(data: bytes, datagrams: DatagramSocket, peer: socket.socket) -> None:
    for _ in range(2):
        datagrams.send(data, patience())
        received, sender = peer.recvfrom(100_000)
        assert received == data
        peer.sendto(data, sender)
        assert datagrams.receive(patience()) == data


def test_nobody_else_is_heard(datagrams: DatagramSocket, peer: socket.socket) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.sendto(b"from a stranger", datagrams.socket.getsockname())
    peer.sendto(b"from the peer", datagrams.socket.getsockname())

    assert datagrams.receive(patience()) == b"from the peer"


def test_receiving_has_a_deadline_and_can_be_tried_again(
    datagrams: DatagramSocket, peer: socket.socket
) -> None:
    for deadline in (soon(), Deadline.after(0)):
        with pytest.raises(ReadTimeout):
            datagrams.receive(deadline)
    peer.sendto(b"late", datagrams.socket.getsockname())

    assert datagrams.receive(patience()) == b"late"


def test_sending_goes_on_while_another_thread_waits(
    datagrams: DatagramSocket, peer: socket.socket
) -> None:
    received: list[bytes] = []
    thread = threading.Thread(target=lambda: received.append(datagrams.receive(patience())))
    thread.start()
    datagrams.send(b"question", patience())
    _, sender = peer.recvfrom(100)
    peer.sendto(b"answer", sender)
    thread.join()

    assert received == [b"answer"]


def test_a_refusal_is_heard() -> None:
    with (
        held_datagram_port() as port,
        dial_datagram(InternetAddress("127.0.0.1", port, DATAGRAM), patience()) as datagrams,
    ):
        datagrams.send(b"anybody there?", patience())
        with pytest.raises(
            ConnectionRefused, match=f"^nothing listens on UDP port {port} of 127.0.0.1$"
        ):
            datagrams.receive(patience())


def test_a_refusal_is_heard_while_sending() -> None:
    def send_for_ever() -> None:
        while True:
            datagrams.send(b"anybody there?", patience())

    with (
        held_datagram_port() as port,
        dial_datagram(InternetAddress("127.0.0.1", port, DATAGRAM), patience()) as datagrams,
        pytest.raises(ConnectionRefused),
    ):
        send_for_ever()


def test_a_datagram_has_a_longest_length(datagrams: DatagramSocket) -> None:
    with pytest.raises(WriteError, match=f"^{MAX_DATAGRAM + 1} bytes are too long"):
        datagrams.send(bytes(MAX_DATAGRAM + 1), patience())


def test_a_closed_socket_does_nothing_more(datagrams: DatagramSocket) -> None:
    datagrams.close()
    datagrams.close()

    with pytest.raises(StreamClosed):
        datagrams.send(b"x", patience())
    with pytest.raises(StreamClosed):
        datagrams.receive(patience())


def test_the_first_address_to_which_there_is_a_way(peer: socket.socket) -> None:
    address = address_of(peer)
    candidates = [
        Candidate(family, DATAGRAM, 0, peer.getsockname())
        for family in (socket.AddressFamily.AF_APPLETALK, socket.AF_INET)
    ]
    with dial_datagram(address, patience(), lambda _address: candidates) as datagrams:
        datagrams.send(b"hello", patience())
        assert peer.recv(100) == b"hello"

    with pytest.raises(ConnectError, match=f"^cannot send to {address}: "):
        dial_datagram(address, patience(), lambda _address: candidates[:1])


def test_a_broadcast_is_not_connected() -> None:
    """Else the answers, which come from other addresses, would not be heard."""
    with (
        dial_datagram(InternetAddress("<broadcast>", 9, DATAGRAM), patience()) as datagrams,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as neighbour,
    ):
        assert datagrams.socket.getsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST)
        datagrams.socket.bind(("127.0.0.1", 0))
        neighbour.sendto(b"here", datagrams.socket.getsockname())
        assert datagrams.receive(patience()) == b"here"


@pytest.mark.parametrize(
    ("host", "port", "error"),
    [
        pytest.param("nosuch.invalid", 9, ResolveError, id="unknown host"),
        pytest.param("127.0.0.1", 0, AddressError, id="port 0"),
    ],
)
def test_an_address_that_cannot_be(host: str, port: int, error: type[Exception]) -> None:
    with pytest.raises(error):
        dial_datagram(InternetAddress(host, port, DATAGRAM), patience())


def test_a_recording(datagrams: DatagramSocket, peer: socket.socket) -> None:
    events: list[Event] = []

    class Sink:
        def write(self, event: Event) -> None:
            events.append(event)

    recorded = RecordedDatagrams(datagrams, Transcript([Sink()]))
    recorded.send(b"one", patience())
    recorded.send(b"", patience())
    peer.sendto(b"two", datagrams.socket.getsockname())
    assert recorded.receive(patience()) == b"two"
    recorded.close()

    assert [(event.direction, event.data, event.note) for event in events] == [
        (Direction.SENT, b"one", ""),
        (Direction.SENT, b"", "empty datagram"),
        (Direction.RECEIVED, b"two", ""),
    ]
