"""FTP against real servers: without TLS, with AUTH TLS, with TLS first, and beside ftplib."""

from __future__ import annotations

import ftplib
import io
import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from sockettools.errors import CertificateError, PermanentNegativeReply, TransientNegativeReply
from sockettools.net.tls import client_context
from sockettools.net.transcript import TextSink, Transcript
from sockettools.protocols.access import Access, TlsPolicy
from sockettools.protocols.credentials import CredentialsSource
from sockettools.protocols.ftp_listing import Entry, entries
from sockettools.service_url import parse_service_url
from sockettools.tasks.fetch import Wanted, fetch
from sockettools.tasks.fetch.ftp import logged_in
from tests.machine import needs_proc
from tests.servers.ftp import FTP_SERVERS
from tests.servers.ftp_site import BLOB, LARGE_SIZE, PASSWORD, TEXT, USER, FtpServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from sockettools.protocols.ftp import FtpClient

# What a process may take for a file of any size, in kilobytes: Python itself is half of it.
FLAT = 60_000

WAYS = ("plain", "explicit", "implicit")

# Fetches a URL and prints how much it was, and the most memory that took, in kilobytes.
PROGRAM = """
import re, sys
from pathlib import Path
from sockettools.net.tls import client_context
from sockettools.protocols.access import Access
from sockettools.protocols.credentials import CredentialsSource
from sockettools.service_url import parse_service_url
from sockettools.tasks.fetch import fetch

access = Access(
    context=lambda: client_context(ca_file=sys.argv[2]), credentials=CredentialsSource()
)
with fetch(parse_service_url(sys.argv[1]), access) as found:
    print(sum(map(len, found.blocks)))
# Not ru_maxrss, which begins with what the parent has.
print(re.search(r"VmHWM:\\s*(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


@pytest.fixture(scope="module", params=FTP_SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[FtpServer]:
    with request.param() as server:
        yield server


@pytest.fixture
def open_server(server: FtpServer) -> FtpServer:
    if not server.is_open and "CI" not in os.environ:
        pytest.skip("it makes a directory the root, and lets the anonymous in, as root only")
    return server


@pytest.fixture(params=WAYS)
def port(request: pytest.FixtureRequest, server: FtpServer) -> int:
    return int(getattr(server, request.param))


def access_to(server: FtpServer, **others: Any) -> Access:
    access = Access(
        context=lambda: client_context(ca_file=str(server.authority)),
        credentials=CredentialsSource(),
    )
    return replace(access, **others)


def fetched(server: FtpServer, path: str) -> bytes:
    url = parse_service_url(server.url(path))
    with fetch(url, access_to(server)) as resource:
        return b"".join(resource.blocks)


@contextmanager
def ftplib_client(server: FtpServer) -> Iterator[ftplib.FTP]:
    """Yield the client of the standard library, logged in."""
    with ftplib.FTP() as client:
        client.connect("127.0.0.1", server.plain, 60)
        client.login(USER, PASSWORD)
        yield client


@contextmanager
def our_client(server: FtpServer, port: int) -> Iterator[FtpClient]:
    with logged_in(parse_service_url(server.url("/", port=port)), access_to(server)) as client:
        yield client


def test_same_octets_as_ftplib(server: FtpServer, port: int) -> None:
    with ftplib_client(server) as their_client, our_client(server, port) as client:
        for name in ("romeo.txt", "blob.bin", "empty.txt", "na me.txt", "café.txt"):
            theirs = io.BytesIO()
            their_client.retrbinary(f"RETR pub/{name}", theirs.write)

            assert b"".join(client.retrieve(f"pub/{name}")) == theirs.getvalue(), name
            assert theirs.getvalue() == (server.root / "pub" / name).read_bytes()


def test_same_listings_as_ftplib(server: FtpServer, port: int) -> None:
    with ftplib_client(server) as their_client, our_client(server, port) as client:
        for folder in ("pub", "../many", "../empty"):
            their_client.cwd(folder)
            theirs = {
                name: (facts["type"], facts.get("size") if facts["type"] == "file" else None)
                for name, facts in their_client.mlsd()
                if name not in (".", "..")
            }

            client.change_directory(folder)
            form, lines = client.list_directory()
            found = [entry for entry in entries(lines, form) if isinstance(entry, Entry)]
            assert {
                entry.name: (entry.kind, None if entry.size is None else str(entry.size))
                for entry in found
            } == theirs
            assert len(found) == len(theirs)


def test_list_tells_the_same_as_mlsd(server: FtpServer) -> None:
    found = []
    with our_client(server, server.plain) as client:
        client.change_directory("pub")
        for machine_listing in (True, False):
            client.prefers_mlsd = machine_listing
            form, lines = client.list_directory()
            rows = [entry for entry in entries(lines, form) if isinstance(entry, Entry)]
            found.append(sorted((row.name, row.kind, row.size) for row in rows))

    assert found[0] == found[1]
    assert len(found[0]) == 6


def test_table(server: FtpServer) -> None:
    rows = fetched(server, "/pub/").decode().splitlines()

    assert rows[0] == "type            size  modified              name"
    assert sorted(rows[1:]) == [
        "file               0  2016-07-06 09:50:00Z  empty.txt",
        "file               1  2016-07-06 09:50:00Z  café.txt",
        "file               1  2016-07-06 09:50:00Z  na me.txt",
        "file             167  2016-07-06 09:50:00Z  romeo.txt",
        "file           70057  2016-07-06 09:50:00Z  blob.bin",
        "file       200000000  2016-07-06 09:50:00Z  large.bin",
    ]


def test_text(server: FtpServer) -> None:
    assert fetched(server, "/pub/romeo.txt;type=a") == TEXT


def test_the_rest_of_a_file(server: FtpServer) -> None:
    url = parse_service_url(server.url("/pub/blob.bin", port=server.explicit))
    with fetch(url, access_to(server), Wanted(70_000)) as resource:
        assert (resource.size, resource.offset, resource.name) == (57, 70_000, "blob.bin")
        assert resource.validator == '"20160706095000-70057"'
        assert b"".join(resource.blocks) == BLOB[70_000:]


def test_path_from_the_root(open_server: FtpServer) -> None:
    assert fetched(open_server, "/%2Fpub/romeo.txt") == TEXT


def test_anonymous(open_server: FtpServer) -> None:
    url = parse_service_url(
        open_server.url("/pub/romeo.txt", login=False, port=open_server.explicit)
    )
    with fetch(url, access_to(open_server)) as resource:
        assert b"".join(resource.blocks) == TEXT


@pytest.mark.parametrize("path", ["/nothing", "/nothing/"])
def test_nothing_there(server: FtpServer, path: str) -> None:
    with pytest.raises(PermanentNegativeReply, match="550"):
        fetched(server, path)


def test_wrong_password(server: FtpServer) -> None:
    url = parse_service_url(server.url("/").replace(PASSWORD, "wrong"))
    with (
        pytest.raises(PermanentNegativeReply, match="refused the login of 'user': 530"),
        fetch(url, access_to(server)),
    ):
        pass


@pytest.mark.parametrize("policy", [TlsPolicy.AUTO, TlsPolicy.REQUIRE, TlsPolicy.OFF])
def test_auth_tls(server: FtpServer, policy: TlsPolicy) -> None:
    trace = io.StringIO()
    access = access_to(server, tls=policy, transcript=Transcript([TextSink(trace)]))
    url = parse_service_url(server.url("/pub/romeo.txt", port=server.explicit))
    with fetch(url, access) as resource:
        assert b"".join(resource.blocks) == TEXT

    said = trace.getvalue()
    assert ("> AUTH TLS" in said) == ("> PROT P" in said) == (policy is not TlsPolicy.OFF)
    assert "> PASS ***" in said
    assert PASSWORD not in said
    assert " data < Arise fair sun" in said


def test_server_without_tls(server: FtpServer) -> None:
    url = parse_service_url(server.url("/pub/romeo.txt"))
    with (
        pytest.raises(PermanentNegativeReply, match="offers no encryption"),
        fetch(url, access_to(server, tls=TlsPolicy.REQUIRE)),
    ):
        pass


@pytest.mark.parametrize("way", ["explicit", "implicit"])
def test_certificate_that_nobody_trusts(server: FtpServer, way: str) -> None:
    url = parse_service_url(server.url("/", port=getattr(server, way)))
    with pytest.raises(CertificateError, match="not to be trusted"), fetch(url, Access()):
        pass


def test_many_connections_for_data_with_one_session(server: FtpServer, port: int) -> None:
    """With TLS, proftpd refuses those that do not go on with the session of the commands."""
    with our_client(server, port) as client:
        for number in range(10):
            path = f"incoming/{port}-{number}"
            assert client.store(path, [BLOB]) == len(BLOB)
            assert client.store(path, [b"more"], append=True) == len(b"more")
            assert b"".join(client.retrieve(path)) == BLOB + b"more"


def test_upload_that_is_not_allowed(open_server: FtpServer) -> None:
    url = parse_service_url(open_server.url("/", login=False))
    with (
        logged_in(url, access_to(open_server)) as client,
        pytest.raises(PermanentNegativeReply, match="refused to store"),
    ):
        client.store("incoming/x", [b"x"])


def test_going_on_after_a_refusal(server: FtpServer) -> None:
    with our_client(server, server.plain) as client:
        for _ in range(3):
            with pytest.raises((PermanentNegativeReply, TransientNegativeReply)):
                client.retrieve("nothing")
            assert b"".join(client.retrieve("pub/romeo.txt")) == TEXT


def test_stopping_early(server: FtpServer, port: int) -> None:
    url = parse_service_url(server.url("/pub/large.bin", port=port))
    with fetch(url, access_to(server)) as resource:
        assert next(resource.blocks)


@needs_proc
@pytest.mark.parametrize("way", ["plain", "explicit"])
def test_large_file_in_little_memory(server: FtpServer, way: str) -> None:
    url = server.url("/pub/large.bin", port=getattr(server, way))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, url, str(server.authority)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    size, memory = map(int, done.stdout.split())
    assert size == LARGE_SIZE
    assert memory < FLAT
