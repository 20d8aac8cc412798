"""One suite over every way to serve: modes, families, and with TLS."""

from __future__ import annotations

import gc
import os
import socket
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sockettools.errors import ListenError, NetworkError, ReadError
from sockettools.net.address import Address, InternetAddress, UnixAddress
from sockettools.net.deadline import Deadline
from sockettools.net.dial import dial
from sockettools.net.listen import peer_name
from sockettools.net.serving import (
    SERVICES,
    Limits,
    SelectServer,
    SerialServer,
    Service,
    ThreadedServer,
)
from sockettools.net.serving.blocking import BlockingServer, service_handler
from sockettools.net.stream import SocketStream, Stream
from sockettools.net.tls import client_context, server_context
from tests.patience import SECONDS as PATIENCE
from tests.servers.certificates import self_signed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ANY_PORT = InternetAddress("127.0.0.1", 0)
LIMITS = Limits(grace=10.0)


@dataclass(frozen=True)
class Way:
    """How to serve: a mode, an address, and a certificate where there is TLS."""

    mode: str
    address: Address = ANY_PORT
    certificate: Path | None = None

    @contextmanager
    def serving(self, service: type[Service], limits: Limits = LIMITS) -> Iterator[Address]:
        with self.server(service, limits) as server:
            yield server.address

    def server(self, service: type[Service], limits: Limits) -> SelectServer | BlockingServer:
        tls = server_context(str(self.certificate)) if self.certificate else None
        if self.mode == "select":
            return SelectServer(self.address, service, limits, tls=tls)
        kind = {"serial": SerialServer, "threads": ThreadedServer}[self.mode]
        return kind(self.address, service_handler(service, limits, tls=tls), limits)

    def connect(self, address: Address) -> Stream:
        stream = dial(address, Deadline.after(PATIENCE))
        if self.certificate is None:
            return stream
        context = client_context(ca_file=str(self.certificate))
        return stream.start_tls(context, "localhost", deadline=Deadline.after(PATIENCE))


MODES = ["serial", "threads", "select"]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return self_signed(tmp_path_factory.mktemp("tls"))


@pytest.fixture(params=[f"{mode}-{kind}" for mode in MODES for kind in ("tcp", "unix", "tls")])
def way(request: pytest.FixtureRequest, tmp_path: Path, certificate: Path) -> Way:
    mode, kind = request.param.split("-")
    address = UnixAddress(str(tmp_path / "s")) if kind == "unix" else ANY_PORT
    return Way(mode, address, certificate if kind == "tls" else None)


@pytest.fixture(params=[f"{mode}-{kind}" for mode in MODES for kind in ("tcp", "unix")])
def plain(request: pytest.FixtureRequest, tmp_path: Path) -> Way:
    mode, kind = request.param.split("-")
    return Way(mode, UnixAddress(str(tmp_path / "s")) if kind == "unix" else ANY_PORT)


@pytest.fixture(params=["threads", "select"])
def parallel(request: pytest.FixtureRequest) -> Way:
    return Way(request.param)


def open_descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def receive_all(stream: Stream) -> bytes:
    deadline = Deadline.after(PATIENCE)
    return b"".join(iter(lambda: stream.receive_some(deadline=deadline), b""))


def test_greets_each_and_parts(way: Way) -> None:
    with way.serving(SERVICES["greet"]) as address:
        for _ in range(3):
            with way.connect(address) as stream:
                assert receive_all(stream) == b"Thank you for connecting"


def test_greets_who_sends_first(way: Way) -> None:
    """What the server does not read must not reset what it has said."""
    with way.serving(SERVICES["greet"]) as address, way.connect(address) as stream:
        stream.send_all(b"x" * 100_000, Deadline.after(PATIENCE))
        assert receive_all(stream) == b"Thank you for connecting"


def test_echoes_much_more_than_fits(way: Way) -> None:
    data = os.urandom(3_000_000)
    with way.serving(SERVICES["echo"]) as address, way.connect(address) as stream:
        sender = threading.Thread(
            target=lambda: (stream.send_all(data), stream.send_eof()), daemon=True
        )
        sender.start()
        assert receive_all(stream) == data
        sender.join()


def test_echoes_each_message_at_once(way: Way) -> None:
    with way.serving(SERVICES["echo"]) as address, way.connect(address) as stream:
        for message in (b"a", b"bc", b"\0\xff"):
            stream.send_all(message)
            assert stream.receive_some(deadline=Deadline.after(PATIENCE)) == message


def test_discards(way: Way) -> None:
    with way.serving(SERVICES["discard"]) as address, way.connect(address) as stream:
        stream.send_all(bytes(1_000_000), Deadline.after(PATIENCE))
        stream.send_eof()
        assert receive_all(stream) == b""


def test_silence_has_a_limit(way: Way) -> None:
    limits = replace(LIMITS, idle=0.2)
    with (
        way.serving(SERVICES["echo"], limits) as address,
        way.connect(address) as stream,
        suppress(ReadError),  # cut or ended in order: in any case it is over
    ):
        assert receive_all(stream) == b""


def test_a_client_that_does_not_read_is_given_up(parallel: Way) -> None:
    limits = replace(LIMITS, idle=0.3)
    with (
        parallel.serving(SERVICES["echo"], limits) as address,
        parallel.connect(address) as stream,
        pytest.raises(NetworkError),
    ):
        send_for_ever(stream)


def send_for_ever(stream: Stream) -> None:
    while True:
        stream.send_all(bytes(1_000_000), Deadline.after(PATIENCE))


def test_bad_clients_cost_the_good_ones_nothing(parallel: Way) -> None:
    with parallel.serving(SERVICES["echo"]) as address:
        silent = [parallel.connect(address) for _ in range(200)]
        for stream in silent[:50]:
            assert isinstance(stream, SocketStream)
            stream.socket.setblocking(False)
            try:
                while True:  # as much as it takes without reading an answer
                    stream.socket.send(bytes(65536))
            except BlockingIOError:
                pass
        for stream in silent[50:100]:
            assert isinstance(stream, SocketStream)
            stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            stream.close()
        with parallel.connect(address) as good:
            for number in range(100):
                good.send_all(b"%d" % number)
                assert good.receive_some(deadline=Deadline.after(PATIENCE)) == b"%d" % number
        for stream in silent:
            stream.close()


def test_serial_is_one_after_the_other() -> None:
    way = Way("serial")
    with (
        way.serving(SERVICES["echo"]) as address,
        way.connect(address) as first,
        way.connect(address) as second,
    ):
        second.send_all(b"second")
        first.send_all(b"first")
        assert first.receive_some(deadline=Deadline.after(PATIENCE)) == b"first"
        first.send_eof()
        assert receive_all(first) == b""
        first.close()
        assert second.receive_some(deadline=Deadline.after(PATIENCE)) == b"second"


def test_clients_beyond_the_limit_wait(parallel: Way) -> None:
    with parallel.serving(SERVICES["echo"], replace(LIMITS, connections=1)) as address:
        first, second = parallel.connect(address), parallel.connect(address)
        with second:
            with first:
                first.send_all(b"first")
                assert first.receive_some(deadline=Deadline.after(PATIENCE)) == b"first"
                second.send_all(b"second")
            assert second.receive_some(deadline=Deadline.after(PATIENCE)) == b"second"


def test_stopping_lets_clients_finish_and_nobody_in(way: Way) -> None:
    server = way.server(SERVICES["echo"], LIMITS)
    server.start()
    stream = way.connect(server.address)
    stream.send_all(b"before")
    assert stream.receive_some(deadline=Deadline.after(PATIENCE)) == b"before"
    closer = threading.Thread(target=server.close)
    closer.start()
    wait_until_refused(server.address)
    with stream:
        stream.send_all(b"after")
        stream.send_eof()
        assert receive_all(stream) == b"after"
    closer.join(PATIENCE)
    assert not closer.is_alive()


def test_stopping_serves_who_has_connected_already(plain: Way) -> None:
    server = plain.server(SERVICES["greet"], LIMITS)
    streams = [plain.connect(server.address) for _ in range(20)]
    # Stopped before it accepted any of them: they are in the kernel's queue.
    server.start()
    closer = threading.Thread(target=server.close)
    closer.start()
    for stream in streams:
        with stream:
            assert receive_all(stream) == b"Thank you for connecting"
    closer.join(PATIENCE)
    assert not closer.is_alive()


def test_stopping_cuts_who_does_not_finish(way: Way) -> None:
    server = way.server(SERVICES["echo"], replace(LIMITS, grace=0.1))
    server.start()
    with way.connect(server.address) as stream:
        stream.send_all(b"x")
        assert stream.receive_some(deadline=Deadline.after(PATIENCE)) == b"x"
        server.close()
        with suppress(ReadError):
            assert receive_all(stream) == b""


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = Deadline.after(PATIENCE)
    while not condition():
        assert not deadline.has_passed()
        time.sleep(0.001)


def wait_until_refused(address: Address) -> None:
    deadline = Deadline.after(PATIENCE)
    while not deadline.has_passed():
        try:
            dial(address, Deadline.after(PATIENCE)).close()
        except NetworkError:
            return
        time.sleep(0.001)
    raise AssertionError(f"{address} still accepts")


def test_nothing_is_left_behind(way: Way) -> None:
    gc.collect()
    threads, descriptors = threading.active_count(), open_descriptors()
    with way.serving(SERVICES["echo"]) as address:
        for number in range(50):
            with way.connect(address) as stream:
                stream.send_all(b"%d" % number)
                assert stream.receive_some(deadline=Deadline.after(PATIENCE)) == b"%d" % number
                stream.send_eof()
                assert receive_all(stream) == b""

    gc.collect()
    assert threading.active_count() == threads
    assert open_descriptors() == descriptors
    if isinstance(address, UnixAddress):
        assert not Path(address.path).exists()


def test_closing_waits_for_a_thread_that_is_done_with_its_client(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    way = Way("threads")
    server = way.server(SERVICES["greet"], LIMITS)
    assert isinstance(server, BlockingServer)
    closer = threading.Thread(target=server.close)
    release, go_on = server._places.release, threading.Event()

    def release_late() -> None:
        if threading.current_thread() is not closer:
            assert go_on.wait(PATIENCE)
        release()

    monkeypatch.setattr(server._places, "release", release_late)
    server.start()
    with way.connect(server.address) as stream:
        assert receive_all(stream) == b"Thank you for connecting"
    wait_until(lambda: not server._clients)
    closer.start()
    closer.join(0.2)  # one that does not wait has time to end
    is_waiting = closer.is_alive()
    go_on.set()
    closer.join(PATIENCE)
    assert is_waiting
    assert not closer.is_alive()
    assert not any(thread.is_alive() for thread in server._leaving)


def test_an_address_in_use(way: Way) -> None:
    with way.serving(SERVICES["echo"]) as address, pytest.raises(ListenError, match="in use"):
        replace(way, address=address).server(SERVICES["echo"], LIMITS)


@pytest.mark.parametrize("noise", [b"", b"GET / HTTP/1.0\r\n\r\n", bytes(100)])
@pytest.mark.parametrize("mode", MODES)
def test_tls_that_is_none(mode: str, noise: bytes, certificate: Path) -> None:
    way = Way(mode, certificate=certificate)
    with way.serving(SERVICES["greet"], replace(LIMITS, idle=0.5)) as address:
        with dial(address) as stream:
            stream.send_all(noise)
            with suppress(ReadError):
                assert b"Thank you" not in receive_all(stream)
        with way.connect(address) as good:
            assert receive_all(good) == b"Thank you for connecting"


def test_select_tells_who_connects() -> None:
    names: list[str] = []
    server = SelectServer(ANY_PORT, SERVICES["greet"], LIMITS, greeted=names.append)
    with server, dial(server.address) as stream:
        own_name = peer_name(stream.socket.getsockname())
        receive_all(stream)

    assert names == [own_name]
