"""``get`` and curl against nginx: the same bytes from the same options."""

from __future__ import annotations

import filecmp
import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.machine import needs_programs
from tests.servers.nginx import REDIRECTS, TEXT, Nginx, nginx
from tests.sockettools.cli.getting import get, started

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = needs_programs("nginx", "curl")

PATIENCE = 60.0

# Octets of the large file that are there when a download is gone on with.
BEGINNING = 49_000_000

POST = ["-d", "a=b"]
LOGIN = ["-u", "user:secret"]


@pytest.fixture(scope="module")
def server() -> Iterator[Nginx]:
    with nginx() as server:
        yield server


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no proxy of this machine stand between."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def curl(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    # The first keeps a .curlrc out of it, which has to stand there.
    command = ("curl", "-q", "--silent", *arguments)
    return subprocess.run(command, capture_output=True, timeout=PATIENCE, check=False)


def is_large(file: Path, server: Nginx) -> bool:
    """Compare piece by piece: tests that measure memory would see it."""
    return filecmp.cmp(file, server.www / "large.bin", shallow=False)


def without_date(output: bytes) -> bytes:
    return re.sub(rb"\r\nDate: [^\r]*", b"", output)


@pytest.mark.parametrize(
    ("path", "options", "expected"),
    [
        pytest.param("/romeo.txt", [], TEXT, id="plain"),
        pytest.param("/empty.txt", [], b"", id="empty"),
        pytest.param("/nothing", [], b"", id="204"),
        pytest.param("/teapot", [], b"short and stout\n", id="418, no reason"),
        pytest.param("/romeo.txt", ["--http1.0"], TEXT, id="HTTP/1.0"),
        pytest.param("/chunked/romeo.txt", [], TEXT, id="chunked"),
        pytest.param("/chunked/romeo.txt", ["--http1.0"], TEXT, id="until the end"),
        pytest.param("/gz/romeo.txt", [], TEXT, id="gzip not asked for"),
        pytest.param("/gz/romeo.txt", ["--compressed"], TEXT, id="gzip, chunked"),
        pytest.param("/gz/romeo.txt", ["--compressed", "--http1.0"], TEXT, id="gzip to the end"),
        pytest.param("/romeo.txt", ["-H", "Range: bytes=4-7"], b"soft", id="range"),
        pytest.param("/romeo.txt", ["-H", "Range: bytes=-6"], b"grief\n", id="range from the end"),
        pytest.param("/private", LOGIN, TEXT, id="login"),
        pytest.param("/relative/redirect", [], b"GET\n", id="relative redirect"),
        pytest.param("/method", POST, b"POST\n", id="POST"),
        pytest.param("/method", ["-X", "PUT"], b"PUT\n", id="PUT"),
        *(pytest.param(f"/{code}", [], b"GET\n", id=f"{code}") for code in REDIRECTS),
        *(pytest.param(f"/{code}", POST, b"GET\n", id=f"POST {code}") for code in (301, 302, 303)),
        *(pytest.param(f"/{code}", POST, b"POST\n", id=f"POST {code}") for code in (307, 308)),
        pytest.param("/cookie", ["-b", "x=1; y=2"], b"x=1; y=2\n", id="cookie"),
    ],
)
def test_the_body_is_the_one_that_curl_gets(
    server: Nginx, path: str, options: list[str], expected: bytes
) -> None:
    ours = get(*options, server.plain + path)
    theirs = curl("--location", *options, server.plain + path)

    assert (ours.status, ours.err) == (0, "")
    assert ours.out == expected == theirs.stdout


@pytest.mark.parametrize(
    ("path", "options"),
    [
        pytest.param("/romeo.txt", ["-i"], id="head and body"),
        pytest.param("/romeo.txt", ["-I"], id="HEAD"),
        pytest.param("/chunked/romeo.txt", ["-i"], id="chunked"),
        pytest.param("/chunked/romeo.txt", ["-I"], id="HEAD, chunked"),
        pytest.param("/gz/romeo.txt", ["-i", "--compressed"], id="gzip"),
        pytest.param("/nothing", ["-i"], id="204"),
        pytest.param("/teapot", ["-i"], id="418"),
        pytest.param("/nosuch", ["-i"], id="404"),
        pytest.param("/private", ["-i"], id="401"),
        pytest.param("/private", ["-i", "-u", "user:wrong"], id="wrong password"),
        pytest.param("/301", ["-i"], id="redirect"),
        pytest.param("/301", ["-I"], id="HEAD, redirect"),
        pytest.param("/romeo.txt", ["-i", "-H", "Range: bytes=4-7"], id="206"),
        pytest.param("/romeo.txt", ["-i", "-H", "Range: bytes=999-"], id="416"),
        pytest.param("/romeo.txt", ["-i", "--http1.0"], id="HTTP/1.0"),
    ],
)
def test_the_heads_are_those_that_curl_gets(server: Nginx, path: str, options: list[str]) -> None:
    ours = get(*options, server.plain + path)
    theirs = curl("--location", *options, server.plain + path)

    assert (ours.status, ours.err) == (0, "")
    assert without_date(ours.out) == without_date(theirs.stdout)
    assert ours.out.startswith(b"HTTP/1.1 ")


def test_a_redirect_can_be_looked_at(server: Nginx) -> None:
    ours = get("--no-redirect", "-i", f"{server.plain}/302")

    assert without_date(ours.out) == without_date(curl("-i", f"{server.plain}/302").stdout)
    assert b"\r\nLocation: " in ours.out


def test_several_urls_share_a_connection(server: Nginx) -> None:
    url = f"{server.plain}/connection"
    first, second, third = get(url, url, url).out.split(b"\n")[:3]

    connection = first.split()[0]
    assert first == connection + b" 1"
    assert second == connection + b" 2"
    assert third == connection + b" 3"


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/301", id="redirect"),
        pytest.param("/chunked/romeo.txt", id="chunked"),
        pytest.param("/gz/romeo.txt", id="gzip"),
        pytest.param("/nothing", id="204"),
        pytest.param("/nosuch", id="404"),
    ],
)
def test_a_connection_survives(server: Nginx, path: str) -> None:
    url = f"{server.plain}/connection"
    lines = get("--compressed", url, server.plain + path, url).out.splitlines()

    requests = 4 if path == "/301" else 3
    assert lines[-1] == b"%b %d" % (lines[0].split()[0], requests)


def test_a_connection_that_nginx_closes_is_not_used_again(server: Nginx) -> None:
    url = f"{server.plain}/closing"
    done = get(url, url)

    first, second = done.out.split()
    assert (done.status, done.err) == (0, "")
    assert first != second


def test_a_large_file_is_saved(server: Nginx, tmp_path: Path) -> None:
    file = tmp_path / "large.bin"
    done = get("-o", str(file), f"{server.tls}/large.bin", "--cacert", str(server.authority))

    assert (done.status, done.out, done.err) == (0, b"", "")
    assert is_large(file, server)
    assert list(tmp_path.iterdir()) == [file]


def test_a_download_is_gone_on_with(server: Nginx, tmp_path: Path) -> None:
    for program in (get, curl):
        file = tmp_path / f"{program.__name__}.bin"
        shutil.copyfile(server.www / "large.bin", file)
        os.truncate(file, BEGINNING)
        program("-C", "-", "-o", str(file), f"{server.plain}/large.bin")

        assert is_large(file, server)


def test_our_own_interrupted_download_is_gone_on_with(server: Nginx, tmp_path: Path) -> None:
    file = tmp_path / "slow.bin"
    url = f"{server.plain}/slow/large.bin"
    broken = get("--max-time", "3", "-o", str(file), url)

    assert broken.status == 3
    assert "-C - goes on from there" in broken.err
    assert not file.exists()
    done = get("-C", "-", "-i", "-o", str(file), url)
    assert done.status == 2  # a head has no place in the middle of a file
    done = get("-C", "-", "-o", str(file), f"{server.plain}/large.bin")
    assert done.status == 0, done.err
    assert is_large(file, server)
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_that_is_complete_stays(server: Nginx, tmp_path: Path) -> None:
    file = tmp_path / "romeo.txt"
    file.write_bytes(TEXT)
    done = get("-C", "-", "-o", str(file), f"{server.plain}/romeo.txt")

    assert (done.status, done.err) == (0, "")
    assert file.read_bytes() == TEXT


def test_cookies_come_back(server: Nginx, tmp_path: Path) -> None:
    jar = tmp_path / "jar"
    url = f"{server.plain}/cookie"

    assert get("-c", str(jar), url, url).out == b"\na=1\n"
    # The same file serves both.
    assert get("-b", str(jar), url).out == curl("-b", str(jar), url).stdout == b"a=1\n"


@pytest.mark.parametrize("options", [[], ["-i"], ["-I"], ["--http1.0"], POST])
def test_a_proxy_is_asked(server: Nginx, options: list[str]) -> None:
    way = ["-x", server.proxy, *options, f"{server.plain}/method"]
    ours = get(*way)

    assert (ours.status, ours.err) == (0, "")
    assert without_date(ours.out) == without_date(curl(*way).stdout)
    if "-i" in options:
        assert f"X-Way: GET {server.plain}/method HTTP/1.1".encode() in ours.out


@pytest.mark.parametrize(
    "options",
    [
        pytest.param([], id="plain"),
        pytest.param(["-i"], id="head"),
        pytest.param(["--http1.0"], id="HTTP/1.0"),
        pytest.param(["--compressed"], id="gzip"),
    ],
)
def test_the_same_over_tls(server: Nginx, options: list[str]) -> None:
    trusting = ["--cacert", str(server.authority), *options, f"{server.tls}/gz/romeo.txt"]
    ours = get(*trusting)

    assert (ours.status, ours.err) == (0, "")
    assert without_date(ours.out) == without_date(curl(*trusting).stdout)
    assert ours.out.endswith(TEXT)


@pytest.mark.parametrize("host", ["tls", "expired", "misnamed"])
def test_any_certificate_will_do_if_it_is_said(server: Nginx, host: str) -> None:
    assert get("-k", f"{getattr(server, host)}/romeo.txt").out == TEXT


@pytest.mark.parametrize(
    ("host", "trusts", "problem"),
    [
        pytest.param("tls", False, "nobody trusted has signed it", id="unknown authority"),
        pytest.param("expired", True, "it was valid until", id="expired"),
        pytest.param("misnamed", True, "it is for elsewhere.example", id="another name"),
    ],
)
def test_a_certificate_is_refused(server: Nginx, host: str, trusts: bool, problem: str) -> None:
    options = ["--cacert", str(server.authority)] if trusts else []
    done = get(*options, f"{getattr(server, host)}/romeo.txt")

    assert (done.status, done.out) == (1, b"")
    assert problem in done.err
    assert done.err.count("\n") == 1
    assert curl(*options, f"{getattr(server, host)}/romeo.txt").returncode == 60


@pytest.mark.parametrize(
    ("path", "options", "status", "problem"),
    [
        pytest.param("/cut", [], 1, "the connection ended without an answer", id="no answer"),
        pytest.param("/loop", [], 1, "more than 20 redirects", id="redirects for ever"),
        pytest.param("/nosuch", ["-f"], 4, "404 Not Found", id="404"),
        pytest.param("/private", ["-f"], 4, "401 Unauthorized", id="401"),
        pytest.param(
            "/slow/large.bin", ["--max-time", "1"], 3, "within 1 second (--max-time)", id="slow"
        ),
        pytest.param(
            "/romeo.txt", ["--max-filesize", "166"], 1, "167 bytes, the limit is 166", id="too long"
        ),
    ],
)
def test_what_fails_says_why(
    server: Nginx, path: str, options: list[str], status: int, problem: str
) -> None:
    done = get(*options, server.plain + path)

    assert done.status == status
    assert problem in done.err
    assert done.err.count("\n") == 1


def test_http_to_the_https_port(server: Nginx) -> None:
    done = get("-i", server.tls.replace("https", "http") + "/romeo.txt")

    assert done.out.startswith(b"HTTP/1.1 400 Bad Request\r\n")


def test_in_a_process_of_its_own(server: Nginx) -> None:
    with started("--compressed", f"{server.plain}/gz/romeo.txt") as process:
        assert process.communicate(timeout=PATIENCE) == (TEXT, b"")
        assert process.returncode == 0


def test_https_to_the_http_port(server: Nginx) -> None:
    done = get(server.plain.replace("http", "https") + "/romeo.txt")

    assert (done.status, done.out) == (1, b"")
    assert done.err.count("\n") == 1
