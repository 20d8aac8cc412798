from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest

from sockettools.errors import ListenError
from sockettools.net.address import DATAGRAM, InternetAddress, UnixAddress
from sockettools.net.listen import BoundSocket, Listener, origin, peer_name
from tests.machine import needs_ipv6

if TYPE_CHECKING:
    from pathlib import Path

ANY_PORT = InternetAddress("127.0.0.1", 0)


def port_of(bound: BoundSocket) -> int:
    port = bound.socket.getsockname()[1]
    assert isinstance(port, int)
    return port


def test_takes_a_free_port_and_accepts() -> None:
    with (
        Listener(ANY_PORT) as listener,
        socket.create_connection(listener.socket.getsockname()) as client,
    ):
        accepted = listener.accept()
        assert accepted is not None
        with accepted:
            client.sendall(b"hello")
            assert accepted.recv(5) == b"hello"


def test_stop_ends_a_waiting_accept() -> None:
    with Listener(ANY_PORT) as listener:
        accepted: list[socket.socket | None] = []
        thread = threading.Thread(target=lambda: accepted.append(listener.accept()))
        thread.start()
        listener.stop()
        thread.join(10)

        assert accepted == [None]
        assert listener.accept() is None, "once stopped, it stays stopped"


def test_a_taken_port_is_named() -> None:
    with (
        Listener(ANY_PORT) as first,
        pytest.raises(ListenError, match=f"^port {port_of(first)} is in use$"),
    ):
        Listener(first.address)


def test_a_port_can_be_taken_again_at_once() -> None:
    with Listener(ANY_PORT) as first:
        address = first.address
        client = socket.create_connection(first.socket.getsockname())
        accepted = first.accept()
        assert accepted is not None
        accepted.close()  # the server closes first: its end goes into TIME_WAIT
        client.close()
    Listener(address).close()


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
        Listener(InternetAddress(host, 0))


def test_origin_of_ipv6_has_brackets() -> None:
    assert origin("2001:db8::1", 8000) == "http://[2001:db8::1]:8000"


def test_a_unix_sockets_file_comes_and_goes(tmp_path: Path) -> None:
    path = tmp_path / "sock"
    with Listener(UnixAddress(str(path))) as listener:
        assert path.is_socket()
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            accepted = listener.accept()
            assert accepted is not None
            accepted.close()

    assert not path.exists()


def test_the_file_of_a_server_that_is_gone_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "sock"
    with socket.socket(socket.AF_UNIX) as gone:
        gone.bind(str(path))

    with BoundSocket(UnixAddress(str(path))):
        assert path.is_socket()


def test_a_unix_socket_that_is_served_is_in_use(tmp_path: Path) -> None:
    address = UnixAddress(str(tmp_path / "sock"))
    with BoundSocket(address), pytest.raises(ListenError, match=f"^{address} is in use$"):
        BoundSocket(address)


def test_a_file_that_is_no_socket_is_not_removed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("precious")

    with pytest.raises(ListenError, match="is in use"):
        BoundSocket(UnixAddress(str(path)))
    assert path.read_text() == "precious"


def test_a_file_that_somebody_else_put_there_stays(tmp_path: Path) -> None:
    path = tmp_path / "sock"
    with BoundSocket(UnixAddress(str(path))):
        path.unlink()
        path.write_text("precious")

    assert path.read_text() == "precious"


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ListenError, match="No such file or directory"):
        BoundSocket(UnixAddress(str(tmp_path / "no" / "sock")))


@needs_ipv6
def test_any_interface_is_both_families() -> None:
    with Listener(InternetAddress("", 0)) as listener:
        for host in ("127.0.0.1", "::1"):
            with socket.create_connection((host, port_of(listener))):
                accepted = listener.accept()
                assert accepted is not None
                assert peer_name(accepted.getpeername()).startswith(f"('{host}', ")
                accepted.close()


def test_two_udp_sockets_do_not_share_a_port() -> None:
    with (
        BoundSocket(InternetAddress("127.0.0.1", 0, DATAGRAM)) as first,
        pytest.raises(ListenError, match="is in use"),
    ):
        BoundSocket(first.address)
