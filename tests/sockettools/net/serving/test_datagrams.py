from __future__ import annotations

import socket
from dataclasses import replace

import pytest

from sockettools.net.address import DATAGRAM, InternetAddress
from sockettools.net.serving import SERVICES, DatagramServer, Limits

ADDRESS = InternetAddress("127.0.0.1", 0, DATAGRAM)


def client_of(server: DatagramServer) -> socket.socket:
    assert isinstance(server.address, InternetAddress)
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.connect((server.address.host, server.address.port))
    client.settimeout(30)
    return client


@pytest.mark.parametrize(
    ("service", "datagram", "answer"),
    [
        ("greet", b"", b"Thank you for connecting"),
        ("greet", b"x", b"Thank you for connecting"),
        ("echo", b"\0\xff", b"\0\xff"),
    ],
)
def test_answers_each_datagram(service: str, datagram: bytes, answer: bytes) -> None:
    with (
        DatagramServer(ADDRESS, SERVICES[service], Limits()) as server,
        client_of(server) as client,
    ):
        for _ in range(3):
            client.send(datagram)
            assert client.recv(65536) == answer


def test_too_long_a_datagram_is_dropped() -> None:
    limits = replace(Limits(), message=10)
    with DatagramServer(ADDRESS, SERVICES["echo"], limits) as server, client_of(server) as client:
        client.send(b"x" * 11)
        client.send(b"y" * 10)
        assert client.recv(65536) == b"y" * 10


def test_stopping_answers_what_has_come() -> None:
    server = DatagramServer(ADDRESS, SERVICES["echo"], Limits())
    with client_of(server) as client:
        client.send(b"early")
        server.start()
        server.close()
        assert client.recv(65536) == b"early"


def test_a_client_that_is_gone_is_no_trouble() -> None:
    with DatagramServer(ADDRESS, SERVICES["echo"], Limits()) as server:
        for _ in range(20):
            with client_of(server) as gone:
                gone.send(b"x")
        with client_of(server) as client:
            client.send(b"still there")
            assert client.recv(65536) == b"still there"
