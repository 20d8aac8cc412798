from __future__ import annotations

import socket
import threading

import pytest

from sockettools.errors import ListenError
from sockettools.net.listen import Listener, origin


def test_takes_a_free_port_and_accepts() -> None:
    with (
        Listener("127.0.0.1", 0) as listener,
        socket.create_connection((listener.host, listener.port)) as client,
    ):
        accepted = listener.accept()
        assert accepted is not None
        with accepted:
            client.sendall(b"hello")
            assert accepted.recv(5) == b"hello"


def test_stop_ends_a_waiting_accept() -> None:
    with Listener("127.0.0.1", 0) as listener:
        accepted: list[socket.socket | None] = []
        thread = threading.Thread(target=lambda: accepted.append(listener.accept()))
        thread.start()
        listener.stop()
        thread.join(10)

        assert accepted == [None]
        assert listener.accept() is None, "once stopped, it stays stopped"


def test_a_taken_port_is_named() -> None:
    with (
        Listener("127.0.0.1", 0) as first,
        pytest.raises(ListenError, match=f"^port {first.port} is in use$"),
    ):
        Listener("127.0.0.1", first.port)


def test_a_port_can_be_taken_again_at_once() -> None:
    with Listener("127.0.0.1", 0) as first:
        port = first.port
        client = socket.create_connection(("127.0.0.1", port))
        accepted = first.accept()
        assert accepted is not None
        accepted.close()  # the server closes first: its end goes into TIME_WAIT
        client.close()
    Listener("127.0.0.1", port).close()


@pytest.mark.parametrize(
    ("host", "message"),
    [
        # TEST-NET-1 (RFC 5737) and .invalid (RFC 2606) belong to nobody.
        pytest.param("192.0.2.1", "'192.0.2.1' is not an address of this machine", id="foreign"),
        pytest.param("nosuch.invalid", "unknown host 'nosuch.invalid'", id="unknown"),
        pytest.param("a" * 64, "unknown host", id="label too long"),
    ],
)
def test_an_address_that_cannot_be(host: str, message: str) -> None:
    with pytest.raises(ListenError, match=message):
        Listener(host, 0)


def test_origin_of_ipv6_has_brackets() -> None:
    assert origin("2001:db8::1", 8000) == "http://[2001:db8::1]:8000"
