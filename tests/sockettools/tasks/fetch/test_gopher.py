"""Gopher URLs: a server that others have written, and servers that are wrong."""

from __future__ import annotations

import socket
import subprocess
import tracemalloc
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

import pytest

from sockettools.errors import (
    CertificateError,
    ConnectionRefused,
    PermanentNegativeReply,
    ReadError,
    ReadTimeout,
    SocketToolsError,
    TooLong,
)
from sockettools.net.deadline import Deadline
from sockettools.net.tls import client_context
from sockettools.protocols.access import Access, TlsPolicy
from sockettools.protocols.gopher_menu import parse_menu
from sockettools.service_url import parse_service_url
from sockettools.tasks.fetch import fetch
from tests.machine import needs_programs
from tests.patience import SECONDS, SILENCE
from tests.servers.gopher import BLOB, PROGRAMS, TEXT, Hole, gophernicus
from tests.servers.ports import held_ports
from tests.servers.scripted import Client, Script, ScriptedServer

if TYPE_CHECKING:
    from collections.abc import Iterator

needs_gophernicus = needs_programs(*PROGRAMS)

PATIENT = Access(connect_timeout=SECONDS, idle_timeout=SECONDS)
SHORT = Access(connect_timeout=SECONDS, idle_timeout=0.2)


@pytest.fixture(scope="module")
def hole() -> Iterator[Hole]:
    with gophernicus() as hole:
        yield hole


def trusting(hole: Hole) -> Access:
    return replace(PATIENT, context=lambda: client_context(ca_file=str(hole.authority)))


def fetched(url: str, access: Access = PATIENT) -> bytes:
    with fetch(parse_service_url(url), access) as resource:
        return b"".join(resource.blocks)


def saying(*blocks: bytes) -> Script:
    """Read a line, say this, and close."""

    def script(client: Client) -> None:
        client.socket.recv(4096)
        for block in blocks:
            client.send(block)

    return script


def by_hand(url: str, line: bytes) -> bytes:
    """Ask a server as anybody would."""
    target = parse_service_url(url)
    with socket.create_connection((target.host, target.port), SECONDS) as sock:
        sock.sendall(line)
        return b"".join(iter(partial(sock.recv, 65_536), b""))


@needs_gophernicus
@pytest.mark.parametrize("name", ["plain", "tls"])
def test_menus_texts_files_and_searches(hole: Hole, name: str) -> None:
    base: str = getattr(hole, name)
    access = Access(
        idle_timeout=SECONDS, context=lambda: client_context(ca_file=str(hole.authority))
    )
    url = parse_service_url(base)
    with fetch(url, access) as resource:
        assert resource.media_type == "text/gopher"
        items = list(parse_menu(resource.blocks))
    links = {item.text: item.url(url) for item in items}

    assert [item.text for item in items][:2] == ["Welcome <b>here</b>", ""]
    assert links == {
        "Welcome <b>here</b>": None,
        "": None,
        "Romeo": f"{base}/0/romeo.txt",
        "Sub menu": f"{base}/1/sub",
        "Blob": f"{base}/9/blob.bin",
        "Web": "http://x.invalid/?a=1&b=2",
        "Page": f"{base}/h/page.html",
        "Elsewhere": "gopher://gopher.example.test:7070/1/x",
        "Search": f"{base}/7/cgi-bin/s.sh",
    }
    assert fetched(f"{base}/0/romeo.txt", access) == TEXT
    assert fetched(f"{base}/9/blob.bin", access) == BLOB
    assert b"iresult for [two words]\t" in fetched(f"{base}/7/cgi-bin/s.sh%09two%20words", access)


@needs_gophernicus
def test_a_selector_with_blanks_and_signs_is_sent_back_as_it_came(hole: Hole) -> None:
    menu = parse_service_url(f"{hole.plain}/1/sub")
    with fetch(menu, PATIENT) as resource:
        (url,) = [item.url(menu) for item in parse_menu(resource.blocks) if item.kind == "0"]

    assert url is not None
    assert "%23" in url
    assert fetched(url) == b"deep words here\r\n"


@needs_gophernicus
@pytest.mark.parametrize("path", ["/0/nosuch", "/1/nosuch", "/9/nosuch"])
def test_what_is_not_there(hole: Hole, path: str) -> None:
    with pytest.raises(PermanentNegativeReply, match="refuses: Error: File or directory not found"):
        fetched(hole.plain + path)


@needs_gophernicus
def test_the_octets_are_those_of_a_bare_socket(hole: Hole) -> None:
    assert fetched(f"{hole.plain}/1/sub") == by_hand(hole.plain, b"/sub\r\n")
    assert fetched(f"{hole.plain}/9/blob.bin") == by_hand(hole.plain, b"/blob.bin\r\n")


@needs_programs(*PROGRAMS, "curl")
@pytest.mark.parametrize("path", ["/", "/1/sub", "/9/blob.bin", "/0/romeo.txt", "/h/page.html"])
def test_the_octets_are_those_that_curl_gets(hole: Hole, path: str) -> None:
    access = Access(
        idle_timeout=SECONDS, context=lambda: client_context(ca_file=str(hole.authority))
    )
    for base in (hole.plain, hole.tls):
        command = ["curl", "-q", "--silent", "--noproxy", "*", "--cacert", str(hole.authority)]
        theirs = subprocess.run([*command, base + path], capture_output=True, check=True)
        assert fetched(base + path, access) == theirs.stdout


@needs_gophernicus
def test_a_certificate_that_nobody_vouches_for(hole: Hole) -> None:
    with pytest.raises(CertificateError):
        fetched(hole.tls)


def test_clear_text_where_tls_is_required() -> None:
    access = Access(tls=TlsPolicy.REQUIRE)

    with pytest.raises(ValueError, match="gophers:// is encrypted"):
        fetched("gopher://127.0.0.1:1/", access)


def test_nobody_logs_in() -> None:
    with pytest.raises(ValueError, match="nobody logs in to Gopher"):
        fetched("gopher://me@127.0.0.1:1/")


def test_nothing_listens() -> None:
    with held_ports(1) as (port,), pytest.raises(ConnectionRefused):
        fetched(f"gopher://127.0.0.1:{port}/")


def endless(block: bytes) -> Script:
    def script(client: Client) -> None:
        client.socket.recv(4096)
        while True:
            client.send(block)

    return script


def silent(client: Client) -> None:
    client.wait_for_end()


def slow(client: Client) -> None:
    """Send an octet now and then, for ever."""
    client.socket.recv(4096)
    client.socket.settimeout(0.03)
    while True:
        client.send(b"i")
        try:
            if not client.socket.recv(1):
                return
        except TimeoutError:
            pass


def broken(client: Client) -> None:
    client.socket.recv(4096)
    client.send(b"0half\t/x\th.te")
    client.reset()


@pytest.mark.parametrize(
    ("script", "path", "error"),
    [
        pytest.param(endless(b"i\t\th\t1\r\n" * 5000), "/", TooLong, id="endless menu"),
        pytest.param(endless(b"x" * 60_000), "/1/x", TooLong, id="endless line"),
        pytest.param(endless(bytes(range(256)) * 200), "/1/x", TooLong, id="binary menu"),
        pytest.param(silent, "/", ReadTimeout, id="silence"),
        pytest.param(silent, "/9/x", ReadTimeout, id="silence for a file"),
        pytest.param(saying(b"3no\t\t\t1\r\n"), "/9/x", PermanentNegativeReply, id="refusal"),
        pytest.param(broken, "/1/x", ReadError, id="reset"),
        pytest.param(saying(), "/1/x", SocketToolsError, id="no answer"),
    ],
)
def test_wrong_servers(script: Script, path: str, error: type[Exception]) -> None:
    with ScriptedServer(script) as server, pytest.raises(error) as caught:
        fetched(f"gopher://{server.address}{path}", SHORT if error is ReadTimeout else PATIENT)
    assert "\n" not in str(caught.value)


def test_an_octet_now_and_then_is_not_waited_for_for_ever() -> None:
    with ScriptedServer(slow) as server:
        access = Access(idle_timeout=SECONDS, deadline=Deadline.after(SILENCE))
        with pytest.raises(ReadTimeout):
            fetched(f"gopher://{server.address}/1/x", access)


def test_a_large_file_goes_through_a_small_memory() -> None:
    size = 200 * 1024 * 1024
    block = bytes(1024 * 1024)

    def large(client: Client) -> None:
        client.socket.recv(4096)
        for _ in range(size // len(block)):
            client.send(block)

    with (
        ScriptedServer(large) as server,
        fetch(parse_service_url(f"gopher://{server.address}/9/x"), PATIENT) as resource,
    ):
        # The peak is reached at once, or never; tracing all of it would take its time.
        tracemalloc.start()
        try:
            got = sum(len(block) for block in islice(resource.blocks, 500))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        got += sum(len(block) for block in resource.blocks)

    assert got == size
    assert peak < 4 * 1024 * 1024


def test_a_text_goes_on_behind_a_lone_dot() -> None:
    with ScriptedServer(saying(b"a\r\n.\r\n", b"b\r\n.\r\n"), saying(b"a\r\n.", b"\r\n")) as server:
        url = f"gopher://{server.address}/0/x"
        assert fetched(url) == b"a\r\n.\r\nb\r\n.\r\n"
        assert fetched(url) == b"a\r\n"
