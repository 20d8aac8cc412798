from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import threading
import time
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sockettools import progress as progress_module
from sockettools.browser import connection as connection_module
from sockettools.browser import retrying as retrying_module
from tests.machine import needs_dev_full
from tests.servers.ports import held_ports
from tests.servers.scripted import (
    PATIENCE,
    ScriptedServer,
    answer,
    chunked,
    head,
    redirect,
)
from tests.sockettools.cli.getting import COMMAND, Done, get, get_at_terminal, started

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.servers.scripted import Client, Script

PAGE = b"But soft what light through yonder window breaks\n"
ETAG = 'ETag: "v1"'
MEGABYTE = bytes(range(256)) * 4096


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no proxy of this machine stand between."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let another try come soon."""
    monkeypatch.setattr(retrying_module, "FIRST_WAIT", 0.01)


def fetch(script: Script, *arguments: str) -> Done:
    """Get what one server sends to every client."""
    with ScriptedServer(script) as server:
        return get(f"{server.url}/page", *arguments)


def show(script: Script, *arguments: str) -> tuple[int, str]:
    """Get it at a terminal."""
    with ScriptedServer(script) as server:
        return get_at_terminal(f"{server.url}/page", *arguments)


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "file"


# Standard output.


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(answer(PAGE), id="length"),
        pytest.param((head() + PAGE,), id="until the end"),
        pytest.param(
            head("Transfer-Encoding: chunked") + chunked(PAGE[:9], PAGE[9:]), id="chunked"
        ),
        pytest.param(answer(gzip.compress(PAGE), "Content-Encoding: gzip"), id="gzip"),
        pytest.param(answer(zlib.compress(PAGE), "Content-Encoding: deflate"), id="deflate"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" + answer(PAGE), id="behind a 100"),
        pytest.param((redirect("/2"), answer(PAGE)), id="behind a redirect"),
        pytest.param(answer(PAGE, status="404 Not Found"), id="an error page"),
    ],
)
def test_the_page_is_printed(script: Script) -> None:
    assert fetch(script) == Done(0, PAGE, "")


@pytest.mark.parametrize("method", ["-I", "-XGET"])
@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_answers_without_a_body(method: str, status: str) -> None:
    done = fetch(head("Content-Length: 5", status=status), method)

    assert (done.status, done.err) == (0, "")
    assert PAGE not in done.out


def test_bytes_are_left_as_they_are_where_no_terminal_is() -> None:
    body = b"\x1b[2J\xff\x00\r\nna\xefve"
    assert fetch(answer(body, "Content-Type: text/html; charset=latin-1")).out == body


def test_a_large_page_is_whole() -> None:
    assert fetch(answer(MEGABYTE * 5)).out == MEGABYTE * 5


@pytest.mark.parametrize(
    ("content_type", "body", "shown"),
    [
        pytest.param("text/html; charset=iso-8859-1", b"na\xefve\n", "naïve\n", id="header"),
        pytest.param("text/html", b"\xef\xbb\xbfna\xc3\xafve\n", "naïve\n", id="mark"),
        pytest.param(
            "text/html", b"<meta charset=koi8-r>\xc1\n", "<meta charset=koi8-r>а\n", id="meta"
        ),
        pytest.param("text/plain", b"na\xc3\xafve\n", "naïve\n", id="UTF-8"),
        pytest.param("text/plain", b"na\xefve\n", "naïve\n", id="not UTF-8"),
        pytest.param("text/plain; charset=utf-8", b"na\xefve\n", "na\ufffdve\n", id="wrong"),
        pytest.param("text/html; charset=nosuch", b"na\xefve\n", "naïve\n", id="unknown"),
        pytest.param("; charset=utf-8", b"na\xc3\xafve\n", "naïve\n", id="no type, a charset"),
        pytest.param("text/plain; charset=utf-16", b"\xfe\xff\0a\0\n", "a\n", id="UTF-16"),
        pytest.param("text/plain", b"\x1b[2J\x07\xc2\x9b\n", "\\x1b[2J\\x07\\x9b\n", id="controls"),
        pytest.param("text/plain", "a\u202eb".encode(), "a\\u202eb", id="direction"),
        pytest.param("text/plain", b"a\tb\r\nc\n", "a\tb\nc\n", id="line ends"),
        pytest.param("text/plain", b"secure\rhidden\n", "secure\nhidden\n", id="return"),
        pytest.param(
            "text/plain", "a\xa0b\u3000c\u2003d".encode(), "a\xa0b\u3000c\u2003d", id="blanks"
        ),
        pytest.param("", b"But soft\n", "But soft\n", id="no type"),
        pytest.param("application/json", b'{"a": 1}\n', '{"a": 1}\n', id="JSON"),
        pytest.param("image/png", b"", "", id="an empty picture"),
    ],
)
@pytest.mark.parametrize("receive_size", ["1", "65536"])
def test_text_at_a_terminal(content_type: str, body: bytes, shown: str, receive_size: str) -> None:
    said = answer(body, f"Content-Type: {content_type}")

    assert show(said, "--recv-size", receive_size) == (0, shown)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [("image/png", b"\x89PNG\r\n"), ("", b"\x00\x01"), ("application/octet-stream", b"text")],
)
def test_what_is_no_text_is_not_shown_at_a_terminal(content_type: str, body: bytes) -> None:
    status, shown = show(answer(body, f"Content-Type: {content_type}"))

    assert status == 1
    assert "/page is not text" in shown
    assert "save it with -o FILE or -O" in shown
    assert shown.count("\n") == 1
    assert "PNG" not in shown


def test_a_type_that_would_act_on_the_terminal() -> None:
    _, shown = show(answer(b"\x00", "Content-Type: image/\x9b2J"))

    assert "image/\\x9b2J" in shown


def test_a_head_at_a_terminal() -> None:
    status, shown = show(answer(b"body\n", "X: \x9b1m", "Content-Type: text/plain"), "-i")

    assert status == 0
    assert shown == (
        "HTTP/1.1 200 OK\nContent-Length: 5\nX: \\x9b1m\nContent-Type: text/plain\n\nbody\n"
    )


def test_a_reader_that_goes_away() -> None:
    with ScriptedServer(answer(bytes(20_000_000))) as server:
        done = subprocess.run(
            [
                *("bash", "-c", 'set -o pipefail; "$@" | head -c 5 >/dev/null', "bash"),
                *(*COMMAND, server.url),
            ],
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )

    assert (done.returncode, done.stderr) == (1, b"")


@needs_dev_full
@pytest.mark.parametrize(
    ("arguments", "name"),
    [((), "standard output"), (("-o", "/dev/full"), "/dev/full")],
    ids=["stdout", "file"],
)
def test_a_full_disk(arguments: tuple[str, ...], name: str) -> None:
    with ScriptedServer(answer(PAGE)) as server, open("/dev/full", "wb") as full:  # noqa: PTH123
        done = subprocess.run(
            [*COMMAND, server.url, *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=PATIENCE,
            check=False,
        )

    assert done.returncode == 1
    assert done.stderr.decode() == f"sockettools get: {name}: No space left on device\n"


def test_no_standard_output(file: Path) -> None:
    shell = ("sh", "-c", '"$@" >&-', "sh", *COMMAND)
    with ScriptedServer(answer(PAGE)) as server:
        done, saved = (
            subprocess.run(
                [*shell, server.url, *arguments],
                stderr=subprocess.PIPE,
                timeout=PATIENCE,
                check=False,
            )
            for arguments in ((), ("-o", str(file)))
        )

    assert (done.returncode, done.stderr) == (
        1,
        b"sockettools get: standard output is closed\n",
    )
    assert (saved.returncode, saved.stderr) == (0, b"")
    assert file.read_bytes() == PAGE


# Heads and methods.


def test_include() -> None:
    said = (redirect("/2"), answer(PAGE, "X: 1"))

    assert fetch(said, "-i").out == redirect("/2") + answer(PAGE, "X: 1")


def test_head() -> None:
    with ScriptedServer(head("Content-Length: 1000000", "Content-Encoding: br")) as server:
        done = get(server.url, "-I", "--max-filesize", "5")

    assert server.requests[0].method == "HEAD"
    assert done == Done(0, head("Content-Length: 1000000", "Content-Encoding: br"), "")


def test_http_0_9_has_no_head() -> None:
    assert fetch((b"hello",), "-i", "--http0.9") == Done(0, b"hello", "")


@pytest.mark.parametrize(
    ("arguments", "method", "body"),
    [
        pytest.param((), "GET", b"", id="nothing"),
        pytest.param(("-X", "DELETE"), "DELETE", b"", id="-X"),
        pytest.param(("-d", "a=1"), "POST", b"a=1", id="-d"),
        pytest.param(("--data", "a=1", "-d", "b=ü"), "POST", "a=1&b=ü".encode(), id="two"),
        pytest.param(("-d", ""), "POST", b"", id="empty"),
        pytest.param(("-d", "\udcff"), "POST", b"\xff", id="no UTF-8"),
        pytest.param(("-X", "PUT", "-d", "a=1"), "PUT", b"a=1", id="both"),
    ],
)
def test_methods_and_bodies(arguments: tuple[str, ...], method: str, body: bytes) -> None:
    with ScriptedServer(answer()) as server:
        assert get(server.url, *arguments).status == 0

    (request,) = server.requests
    assert (request.method, request.body) == (method, body)
    assert request.field("Content-Length") == (str(len(body)) if "-d" in arguments else None)


def test_data_of_a_file(file: Path) -> None:
    file.write_bytes(b"a=1\r\nb=\xff\n")
    with ScriptedServer(answer()) as server:
        get(server.url, "-d", f"@{file}")

    assert server.requests[0].body == b"a=1b=\xff"


def test_data_of_standard_input() -> None:
    with ScriptedServer(answer(PAGE)) as server:
        done = subprocess.run(
            [*COMMAND, server.url, "-d", "@-"],
            input=b"a=\xff\n",
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )

    assert (done.returncode, done.stdout) == (0, PAGE)
    assert server.requests[0].body == b"a=\xff"


@pytest.mark.parametrize(
    ("status", "expected"),
    [("200 OK", 0), ("399 ?", 0), ("400 Bad Request", 4), ("500 \x9b2J", 4), ("503", 4)],
)
def test_fail(status: str, expected: int) -> None:
    done = fetch(answer(PAGE, status=status), "-f")

    assert done.status == expected
    assert done.out == (b"" if expected else PAGE)
    if expected:
        assert f"/page: {status[:3]}" in done.err
        assert "\x9b" not in done.err
        assert done.err.count("\n") == 1


# Files.


def test_output(file: Path) -> None:
    file.write_bytes(b"before")

    assert fetch(answer(MEGABYTE), "-o", str(file)) == Done(0, b"", "")
    assert file.read_bytes() == MEGABYTE
    assert names(file.parent) == ["file"]


def test_several(tmp_path: Path) -> None:
    """Also the connection is the same; and what fails does not keep the others from it."""
    said = (answer(b"one"), answer(b"two", status="404 Not Found"), answer(b"three"))
    with ScriptedServer(said) as server:
        done = get(
            *(f"{server.url}/{number}" for number in (1, 2, 3)),
            *("-f", "-o", str(tmp_path / "1"), "-o", str(tmp_path / "2")),
        )

    assert done.status == 4
    assert done.out == b"three"
    assert "404 Not Found" in done.err
    assert names(tmp_path) == ["1"]
    assert server.connections == 1


def test_several_and_some_of_them_cannot_be_reached() -> None:
    with ScriptedServer(answer(PAGE)) as server:
        done = get("http://nosuch.invalid/", f"{server.url}/b", "http://127.0.0.1:1/")

    assert done.status == 1
    assert done.out == PAGE
    assert [line[:17] for line in done.err.splitlines()] == ["sockettools get: "] * 2
    assert "unknown host 'nosuch.invalid'" in done.err


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/a.txt?q=1#f", "a.txt"),
        ("/%2e%2e", "%2e%2e"),
        ("/..%2f..%2fa", "..%2f..%2fa"),
        ("/-", "-"),
        ("/..\\b", "b"),
        ("/a b", "a%20b"),
        ("/\u00fc", "%C3%BC"),
        ("/%00", "%00"),
    ],
)
def test_remote_name(path: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with ScriptedServer(answer(PAGE)) as server:
        done = get(f"{server.url}{path}", "-O")

    assert done == Done(0, b"", "")
    assert names(tmp_path) == [name]
    assert (tmp_path / name).read_bytes() == PAGE


def test_the_name_is_that_of_the_url_not_of_where_it_leads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    fetch((redirect("/.bashrc"), answer(PAGE)), "-O")

    assert names(tmp_path) == ["page"]


def test_a_link_is_followed(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    link.symlink_to(target)
    fetch(answer(PAGE), "-o", str(link))

    assert link.is_symlink()
    assert target.read_bytes() == PAGE


def test_the_null_device_stays_one() -> None:
    assert fetch(answer(PAGE), "-o", os.devnull) == Done(0, b"", "")
    assert Path(os.devnull).is_char_device()


def test_a_named_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(pipe.read_bytes()))
    reader.start()
    done = fetch(answer(MEGABYTE), "-o", str(pipe))
    reader.join(PATIENCE)

    assert done.status == 0
    assert received == [MEGABYTE]
    assert pipe.is_fifo()


def test_a_directory(tmp_path: Path) -> None:
    with ScriptedServer(answer(PAGE)) as server:
        done = get(server.url, "-o", str(tmp_path))

    assert done == Done(1, b"", f"sockettools get: {tmp_path}: Is a directory\n")
    assert server.requests == []


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    done = fetch(answer(PAGE), "-o", str(tmp_path / "nosuch" / "file"))

    assert done.status == 1
    assert done.err.endswith("nosuch/file.part: No such file or directory\n")


def test_a_file_that_cannot_be_written() -> None:
    # To root no folder of its own is read-only, but /proc makes no files for anybody.
    done = fetch(answer(PAGE), "-o", "/proc/nosuch")

    assert done.status == 1
    assert done.err.startswith("sockettools get: /proc/nosuch.part: ")
    assert done.err.count("\n") == 1


def test_a_disk_that_fills_up(file: Path) -> None:
    """Played by a limit on the size of files."""
    program = (
        "import resource, runpy, sys\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "sys.argv = sys.argv[1:]\n"
        "runpy.run_module('sockettools', run_name='__main__')"
    )
    rest = answer(
        MEGABYTE[100_000:],
        f"Content-Range: bytes 100000-{len(MEGABYTE) - 1}/{len(MEGABYTE)}",
        status="206 Partial Content",
    )
    with ScriptedServer(answer(MEGABYTE, ETAG), rest) as server:
        done = subprocess.run(
            [sys.executable, "-c", program, "sockettools", "get", server.url, "-o", str(file)],
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 1
        lines = done.stderr.decode().splitlines()
        assert lines[-1] == f"sockettools get: {file}: File too large"
        assert names(file.parent) == ["file.part", "file.part.json"]
        assert get(server.url, "-o", str(file), "-C", "-").status == 0

    assert file.read_bytes() == MEGABYTE


def test_two_at_once_to_one_file(file: Path) -> None:
    """The second one is told so, and the first one goes on."""
    began, go_on = threading.Event(), threading.Event()

    def wait(client: Client) -> None:
        client.read_request()
        client.send(head(f"Content-Length: {len(PAGE)}"))
        began.set()
        go_on.wait(PATIENCE)
        client.send(PAGE)

    with ScriptedServer(wait) as server, started(server.url, "-o", str(file)) as first:
        assert began.wait(PATIENCE)
        second = get(server.url, "-o", str(file))
        go_on.set()
        assert first.wait(PATIENCE) == 0

    assert second.status == 1
    assert second.err.endswith("file.part is being written by another download\n")
    assert file.read_bytes() == PAGE


# What is not all there.


@pytest.mark.parametrize(
    ("script", "message"),
    [
        pytest.param((head("Content-Length: 99") + PAGE,), "expected 99", id="length"),
        pytest.param(
            (head("Transfer-Encoding: chunked") + chunked(PAGE, end=b""),), "last chunk", id="chunk"
        ),
        pytest.param(
            (answer(gzip.compress(PAGE)[:-1], "Content-Encoding: gzip"),), "gzip data", id="gzip"
        ),
        pytest.param(
            (answer(zlib.compress(PAGE)[:-1], "Content-Encoding: deflate"),),
            "deflate data",
            id="deflate",
        ),
    ],
)
@pytest.mark.parametrize("to_file", [False, True], ids=["stdout", "file"])
def test_what_is_cut_is_an_error(script: Script, message: str, to_file: bool, file: Path) -> None:
    arguments = ("-o", str(file)) if to_file else ()
    done = fetch(script, *arguments)

    assert done.status == 1
    assert message in done.err
    assert done.err.count("\n") == 1
    assert not file.exists()
    assert fetch(script, "--allow-truncated", *arguments) == Done(0, b"" if to_file else PAGE, "")
    if to_file:
        assert file.read_bytes() == PAGE


def reset(client: Client) -> None:
    client.read_request()
    client.send(head() + PAGE)
    client.reset()


def test_a_reset_is_an_error(file: Path) -> None:
    done = fetch(reset, "-o", str(file))

    assert done.status == 1
    assert "the connection broke: Connection reset by peer" in done.err
    assert not file.exists()


@pytest.mark.parametrize(
    ("script", "message"),
    [
        pytest.param((b"",), "the connection ended without an answer", id="nothing"),
        pytest.param((b"\x16\x03\x01\x1b[2J" * 5,), "not HTTP", id="garbage"),
        pytest.param(answer(PAGE, "Content-Encoding: br"), "'br' is unknown", id="br"),
        pytest.param(answer(PAGE, "Content-Encoding: gzip"), "is not gzip", id="not gzip"),
        pytest.param(redirect("ftp://h/"), "redirects to 'ftp://h/'", id="ftp"),
        pytest.param(redirect("/page"), "more than 20 redirects", id="loop"),
        pytest.param(
            answer(PAGE, "Content-Range: bytes 0-48/99", status="206 Partial Content"),
            "sent a part, where all was asked for",
            id="part",
        ),
    ],
)
def test_what_a_server_does_wrong(script: Script, message: str) -> None:
    done = fetch(script)

    assert (done.status, done.out) == (1, b"")
    assert done.err.startswith("sockettools get: ")
    assert message in done.err
    assert done.err.count("\n") == 1
    assert done.err[:-1].isprintable()


# Limits.


@pytest.mark.parametrize(
    ("script", "received"),
    [
        pytest.param(answer(MEGABYTE), 0, id="announced"),
        pytest.param(head("Transfer-Encoding: chunked") + chunked(MEGABYTE), 1000, id="chunked"),
        pytest.param((head() + MEGABYTE,), 1000, id="until the end"),
        pytest.param(answer(gzip.compress(bytes(5000)), "Content-Encoding: gzip"), 1000, id="gzip"),
    ],
)
def test_max_filesize(script: Script, received: int, file: Path) -> None:
    done = fetch(script, "--max-filesize", "1k")
    assert done.status == 1
    assert "1000" in done.err
    assert len(done.out) <= received

    assert fetch(script, "--max-filesize", "1k", "-o", str(file)).status == 1
    assert names(file.parent) == []


def drip(client: Client) -> None:
    """Send an octet now and then, for ever."""
    client.read_request()
    client.send(head())
    while True:
        client.send(b"x")
        time.sleep(0.02)


def drip_a_head(client: Client) -> None:
    client.read_request()
    while True:
        client.send(b"HTTP/1.1 103 Early Hints\r\n"[:20])
        time.sleep(0.02)


def pour(client: Client) -> None:
    """Send as fast as it is taken, for ever."""
    client.read_request()
    client.send(head())
    while True:
        client.send(bytes(65_536))


def say_nothing(client: Client) -> None:
    client.wait_for_end()


def drip_a_redirect(client: Client) -> None:
    client.read_request()
    client.send(head("Location: /", status="302 Found"))
    while True:
        client.send(b"x")
        time.sleep(0.02)


def redirect_slowly(client: Client) -> None:
    while client.read_request():
        time.sleep(0.02)
        client.send(redirect("/page"))


@pytest.mark.parametrize(
    "script", [drip, pour, say_nothing, drip_a_redirect, redirect_slowly], ids=lambda s: s.__name__
)
def test_max_time(script: Callable[[Client], None], file: Path) -> None:
    begin = time.monotonic()
    done = fetch(script, "--max-time", "1", "-o", str(file), "--max-redirs", "1000", "--retry", "5")

    assert done.status == 3
    assert done.err.splitlines()[-1].endswith(
        "the transfer was not complete within 1 second (--max-time)"
    )
    assert time.monotonic() - begin < PATIENCE
    assert not file.exists()


def test_max_time_is_for_the_handshake_too() -> None:
    with ScriptedServer(say_nothing) as server:
        done = get(server.url.replace("http:", "https:"), "--max-time", "1")

    assert done.status == 3
    assert "did not agree on TLS within 1 second (--max-time)" in done.err


@pytest.mark.parametrize("script", [say_nothing, pour], ids=lambda s: s.__name__)
def test_max_time_is_for_all_urls_together(script: Callable[[Client], None]) -> None:
    with ScriptedServer(script) as server:
        done = get(*[server.url] * 3, "--max-time", "1", "-o", os.devnull, "-o", os.devnull)

    assert done.status == 3
    assert len(done.err.splitlines()) == 3
    assert server.connections == 1


def test_a_silent_server() -> None:
    done = fetch(say_nothing, "--timeout", "0.05")

    assert done.status == 3
    assert "sent nothing for 0.05 seconds" in done.err


def test_a_slow_server_is_not_a_silent_one() -> None:
    def slow(client: Client) -> None:
        client.read_request()
        client.send(head(f"Content-Length: {len(PAGE)}"))
        for octet in PAGE:
            client.send(bytes([octet]))
            time.sleep(0.05)

    # All of it takes longer; and no octet does, even where the server does not get its turn.
    assert fetch(slow, "--timeout", "2") == Done(0, PAGE, "")


def test_refused() -> None:
    with held_ports(1) as (port,):
        done = get(f"http://127.0.0.1:{port}")

    assert done == Done(
        4,
        b"",
        f"sockettools get: cannot connect to 127.0.0.1:{port}: Connection refused\n",
    )


def run_limited(*arguments: str) -> tuple[int, str, int]:
    """Run it in a process; return its status, its errors and its largest size in octets."""
    program = (
        "import resource, sys\n"
        "from sockettools.cli import Streams, main\n"
        "status = main(sys.argv[1:], Streams.standard())\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)\n"
        "sys.exit(status)"
    )
    # What a process is before it becomes another program counts too, so that is a small shell.
    done = subprocess.run(
        ["sh", "-c", '"$@"; exit $?', "sh", sys.executable, "-c", program, "get", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    *errors, size = done.stderr.splitlines()
    unit = 1 if sys.platform == "darwin" else 1024
    return done.returncode, "\n".join(errors), int(size) * unit


# More than an interpreter with these modules takes, and less than any of the bodies below.
FLAT = 100_000_000


@pytest.mark.parametrize("coding", ["gzip", "gzip, gzip"])
def test_a_bomb(coding: str, file: Path) -> None:
    compressor = zlib.compressobj(1, wbits=31)
    block = bytes(1_000_000)
    coded = b"".join(compressor.compress(block) for _ in range(200)) + compressor.flush()
    if coding == "gzip, gzip":
        coded = gzip.compress(coded)
    with ScriptedServer(answer(coded, f"Content-Encoding: {coding}")) as server:
        status, errors, size = run_limited(server.url, "-o", str(file))

    assert status == 1
    assert "that is a bomb, and no page" in errors
    assert size < FLAT
    assert names(file.parent) == []


def test_a_body_of_any_size_in_flat_memory(file: Path) -> None:
    def pour_some(client: Client) -> None:
        client.read_request()
        client.send(head(f"Content-Length: {len(MEGABYTE) * 150}"))
        for _ in range(150):
            client.send(MEGABYTE)

    with ScriptedServer(pour_some) as server:
        status, _, size = run_limited(server.url, "-o", str(file))

    assert status == 0
    assert file.stat().st_size == len(MEGABYTE) * 150
    assert size < FLAT


# Going on with a download.


class Shelf:
    """A server with one file, which knows ranges; ``cut`` octets after which it stops."""

    def __init__(self, body: bytes, etag: str = '"v1"') -> None:
        self.body = body
        self.etag = etag
        self.sent = threading.Event()
        self.cut: int | None = None

    def __call__(self, client: Client) -> None:
        request = client.read_request()
        if request is None:
            return
        first, status, fields = 0, "200 OK", [f"ETag: {self.etag}"]
        wanted = request.field("Range")
        if wanted and request.field("If-Range") in (None, self.etag):
            first = int(wanted.removeprefix("bytes=").removesuffix("-"))
            status = "206 Partial Content"
            fields.append(f"Content-Range: bytes {first}-{len(self.body) - 1}/{len(self.body)}")
        rest = self.body[first:]
        client.send(head(f"Content-Length: {len(rest)}", *fields, status=status))
        client.send(rest[: self.cut])
        if self.cut is not None:
            self.sent.set()
            client.wait_for_end()


def wait_until(condition: Callable[[], bool]) -> None:
    for _ in range(PATIENCE * 100):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it did not come about")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM), (signal.SIGKILL, -signal.SIGKILL)],
    ids=lambda value: getattr(value, "name", None),
)
def test_a_download_that_is_killed_is_gone_on_with(
    kind: signal.Signals, expected: int, file: Path
) -> None:
    shelf = Shelf(MEGABYTE)
    part = file.with_name("file.part")
    with ScriptedServer(shelf) as server:
        shelf.cut = 500_000
        with started(server.url, "-o", str(file)) as process:
            wait_until(lambda: part.exists() and part.stat().st_size > 100_000)
            process.send_signal(kind)
            assert process.wait(PATIENCE) == expected
            assert process.stderr is not None
            errors = process.stderr.read().decode()
        assert names(file.parent) == ["file.part", "file.part.json"]
        kept = part.stat().st_size
        told = f"sockettools get: {kept} bytes are kept in {part}: -C - goes on from there\n"
        assert errors == (told if kind == signal.SIGINT else "")
        shelf.cut = None
        assert get(server.url, "-o", str(file), "-C", "-") == Done(0, b"", "")

    assert server.requests[1].field("Range") == f"bytes={kept}-"
    assert file.read_bytes() == MEGABYTE
    assert names(file.parent) == ["file"]


def test_a_validator_is_sent_as_it_came(file: Path) -> None:
    cut = head('ETag: "\xc3\xa9\xe9"', "Content-Length: 5") + b"he"
    with ScriptedServer((cut,), answer(b"hello")) as server:
        assert get(server.url, "-o", str(file)).status == 1
        assert get(server.url, "-o", str(file), "-C", "-").status == 0

    assert server.requests[1].field("If-Range") == '"\xc3\xa9\xe9"'


def test_what_has_changed_is_got_anew(file: Path) -> None:
    shelf = Shelf(MEGABYTE)
    with ScriptedServer(shelf) as server:
        shelf.cut = 1000
        assert get(server.url, "-o", str(file), "--timeout", "0.05").status == 3
        shelf.cut, shelf.body, shelf.etag = None, MEGABYTE[::-1], '"v2"'
        assert get(server.url, "-o", str(file), "-C", "-").status == 0

    assert file.read_bytes() == MEGABYTE[::-1]


def test_what_is_kept_is_told_only_where_it_can_be_gone_on_with(file: Path) -> None:
    said = (head("Content-Length: 99") + PAGE,)
    assert "are kept" not in fetch(said, "-o", str(file)).err
    said = (head("Content-Length: 99", ETAG) + PAGE,)
    assert f"{len(PAGE)} bytes are kept in {file}.part" in fetch(said, "-o", str(file)).err


@pytest.mark.parametrize("status", ["404 Not Found", "500 Internal Server Error"])
def test_an_error_page_is_no_rest(status: str, file: Path) -> None:
    file.write_bytes(PAGE)
    done = fetch(answer(b"no", status=status), "-o", str(file), "-C", "-")

    assert done.status == 1
    assert f"{status}; what is there of {file} is kept" in done.err
    assert file.read_bytes() == PAGE
    assert names(file.parent) == ["file"]


def test_what_is_decoded_badly_is_not_kept(file: Path) -> None:
    coded = gzip.compress(os.urandom(100_000))[:-8] + bytes(8)
    done = fetch(answer(coded, "Content-Encoding: gzip"), "-o", str(file))

    assert done.status == 1
    assert names(file.parent) == []


# Trying again.


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("to_file", [False, True], ids=["stdout", "file"])
def test_retry(to_file: bool, file: Path) -> None:
    busy = answer(b"busy", status="503 Service Unavailable")
    with ScriptedServer((busy, busy, answer(PAGE))) as server:
        done = get(f"{server.url}/page", "--retry", "5", *(("-o", str(file)) if to_file else ()))

    assert done.status == 0
    assert (file.read_bytes() if to_file else done.out) == PAGE
    assert len(server.requests) == 3
    assert done.err.splitlines() == [
        f"sockettools get: {server.url}/page: 503 Service Unavailable; trying again in {wait} s"
        for wait in ("0.01", "0.02")
    ]


@pytest.mark.usefixtures("impatient")
def test_the_last_try_is_as_any_other() -> None:
    busy = answer(b"busy", status="503 Service Unavailable")
    with ScriptedServer(busy) as server:
        done = get(server.url, "--retry", "2")

    assert (done.status, done.out) == (0, b"busy")
    assert len(server.requests) == 3


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("first", "times"),
    [
        pytest.param((head("Content-Length: 99") + PAGE,), 2, id="cut, nothing printed"),
        pytest.param((b"",), 2, id="no answer"),
        pytest.param(answer(status="404 Not Found"), 1, id="404"),
        pytest.param((b"no HTTP",), 1, id="garbage"),
    ],
)
def test_what_is_tried_again(first: Script, times: int, file: Path) -> None:
    with ScriptedServer(first, answer(PAGE)) as server:
        get(server.url, "--retry", "3", "-o", str(file))

    assert len(server.requests) == times
    assert not file.exists() or times == 1 or file.read_bytes() == PAGE


@pytest.mark.usefixtures("impatient")
def test_what_was_printed_is_not_printed_again() -> None:
    with ScriptedServer((head("Content-Length: 99") + PAGE,), answer(PAGE)) as server:
        done = get(server.url, "--retry", "3")

    assert (done.status, done.out) == (1, PAGE)
    assert len(server.requests) == 1


@pytest.mark.usefixtures("impatient")
def test_what_could_do_harm_is_not_tried_again() -> None:
    busy = answer(b"busy", status="503 Service Unavailable")
    with ScriptedServer(busy) as server:
        assert get(server.url, "--retry", "3", "-d", "a=1").out == b"busy"

    assert len(server.requests) == 1


@pytest.mark.usefixtures("impatient")
def test_refused_is_tried_again() -> None:
    with held_ports(1) as (port,):
        done = get(f"http://127.0.0.1:{port}", "--retry", "2")

    assert done.status == 4
    assert [line.rpartition(": ")[2] for line in done.err.splitlines()] == [
        "Connection refused; trying again in 0.01 s",
        "Connection refused; trying again in 0.02 s",
        "Connection refused",
    ]


def test_retry_after(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    busy = answer(b"busy", "Retry-After: 30", status="429 Too Many Requests")
    with ScriptedServer((busy, answer(PAGE))) as server:
        assert get(server.url, "--retry", "1").out == PAGE

    assert waits == [30.0]


def test_no_try_comes_sooner_than_the_server_allows() -> None:
    """Where there is no time for it, there is none, and what there is is shown."""
    busy = answer(b"busy", "Retry-After: 3600", status="503 Service Unavailable")
    with ScriptedServer(busy) as server:
        done = get(server.url, "--retry", "5", "--max-time", "60")

    assert done == Done(0, b"busy", "")
    assert len(server.requests) == 1


# A person at a terminal.


def test_a_large_download_has_a_bar(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress_module, "INTERVAL", 0.0)
    status, shown = show(answer(MEGABYTE * 2), "-o", str(file))

    assert status == 0
    assert "% [" in shown
    assert " of 2.1 MB" in shown
    assert shown.endswith("\r")


def test_a_slow_download_has_a_bar(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress_module, "SLOW", 0.01)
    status, shown = show(
        head("Transfer-Encoding: chunked") + chunked(*[b"x" * 100] * 20),
        *("-o", str(file), "--recv-size", "200", "--delay", "0.01"),
    )

    assert status == 0
    assert " kB" in shown


def test_a_small_one_has_none(file: Path) -> None:
    assert show(answer(PAGE), "-o", str(file)) == (0, "")


def test_where_no_terminal_is_there_is_no_bar(file: Path) -> None:
    assert fetch(answer(MEGABYTE * 2), "-o", str(file)).err == ""


# 100-continue.


@pytest.mark.parametrize(
    ("status", "answers"), [("413 Content Too Large", 1), ("417 Expectation Failed", 2)]
)
def test_a_big_form_that_is_not_wanted(
    status: str, answers: int, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A client that goes on without an answer is reset in the middle of what nobody reads.
    monkeypatch.setattr(connection_module, "CONTINUE_TIMEOUT", PATIENCE)

    def refuse(client: Client) -> None:
        client.read_head()
        client.send(answer(b"no", "Connection: close", status=status))

    file.write_bytes(b"x" * 2_000_000)
    with ScriptedServer(refuse, answer(PAGE)) as server:
        done = get(server.url, "-d", f"@{file}")

    assert done == Done(0, b"no" if answers == 1 else PAGE, "")
    assert len(server.requests) == answers


def test_a_big_form_to_a_server_that_never_says_100(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_module, "CONTINUE_TIMEOUT", 0.01)
    file.write_bytes(b"x" * 2_000_000)
    with ScriptedServer(answer(PAGE)) as server:
        assert get(server.url, "-d", f"@{file}") == Done(0, PAGE, "")

    assert len(server.requests[0].body) == 2_000_000


# Wrong usage.


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param((), "URL", id="nothing"),
        pytest.param(("www.example.com",), "does not begin with http://", id="no scheme"),
        pytest.param(("ldap://h/",), "ldap:// is none of http, https, ftp,", id="ldap"),
        pytest.param(("http://h/", "-o", "a", "-o", "b"), "more -o than URLs", id="two files"),
        pytest.param(("http://h/x", "-o", "a", "-O"), "exclude each other", id="-o and -O"),
        pytest.param(("http://h/x/", "-O"), "has no name to save it under", id="-O, no name"),
        pytest.param(("http://h/", "-C", "-"), "needs a file to go on with", id="-C, stdout"),
        pytest.param(("http://h/", "-C", "5"), "invalid choice: '5'", id="-C 5"),
        pytest.param(("http://h/x", "-OC-", "-i"), "-C - goes with neither", id="-C and -i"),
        pytest.param(("http://h/", "-I", "-d", "x"), "exclude each other", id="-I and -d"),
        pytest.param(("http://h/", "--retry", "-1"), "--retry", id="--retry -1"),
        pytest.param(("http://h/", "-X", "GE T"), "not a method", id="-X"),
        pytest.param(("http://h/", "-X", "CONNECT"), "use -x", id="-X CONNECT"),
        pytest.param(("http://h/", "-o", ""), "a name is needed", id="-o ''"),
        pytest.param(("http://h/", "-o", "/nosuch/"), "would be a directory", id="-o /nosuch/"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...], message: str) -> None:
    with ScriptedServer(answer()) as server:
        arguments = tuple(argument.replace("http://h/", f"{server.url}/") for argument in arguments)
        done = get(*arguments)

    assert (done.status, done.out) == (2, b"")
    assert message in " ".join(done.err.split())
    assert server.requests == []


def test_a_file_of_data_that_is_not_there() -> None:
    done = get("http://h/", "-d", "@/nosuch/file")

    assert done == Done(1, b"", "sockettools get: /nosuch/file: No such file or directory\n")
