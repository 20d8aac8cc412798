from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from sockettools.cli.status import ExitStatus
from tests.servers.ftp import FTP_SERVERS
from tests.servers.ftp_site import BLOB, LARGE_END, LARGE_SIZE, FtpServer
from tests.servers.scripted import ScriptedServer
from tests.servers.scripted_ftp import FEATURES, FtpScript
from tests.sockettools.cli.commands import run_here

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a file"
    path.write_bytes(b"0123456789")
    return path


def url_of(server: ScriptedServer, path: str) -> str:
    return f"ftp://user:secret@127.0.0.1:{server.port}{path}"


def put(script: FtpScript, file: Path | str, path: str, *options: str) -> tuple[int, str, str]:
    """Upload it to a server that does what the test wants."""
    with ScriptedServer(script) as server:
        return run_here("put", *options, str(file), url_of(server, path))


@pytest.mark.parametrize(
    ("path", "stored"),
    [
        ("/b.txt", "b.txt"),
        ("//srv/b%20c", "/srv/b c"),
        ("/", "a file"),
        ("", "a file"),
        ("/in/", "in/a file"),
        ("//", "/a file"),
    ],
)
def test_where_it_goes(file: Path, path: str, stored: str) -> None:
    script = FtpScript()

    assert put(script, file, path) == (0, "10 bytes uploaded.\n", "")
    assert script.stored == b"0123456789"
    assert f"STOR {stored}" in script.lines


def test_text(tmp_path: Path) -> None:
    script = FtpScript()
    (tmp_path / "t").write_bytes(b"one\ntwo\r\n")

    assert put(script, tmp_path / "t", "/;type=a")[0] == ExitStatus.DONE
    assert script.stored == b"one\r\ntwo\r\n"
    assert "TYPE A" in script.lines


def test_missing_directories(file: Path) -> None:
    script = FtpScript({"MKD": b"550 it is there\r\n"})

    assert put(script, file, "//a/b/../c", "--create-dirs")[0] == ExitStatus.DONE
    made = [line for line in script.lines if line.startswith("MKD")]
    assert made == ["MKD /a", "MKD /a/b"]


@pytest.mark.parametrize(
    ("size", "verb", "stored", "says"),
    [
        (b"213 4", "APPE x", b"456789", "6 bytes uploaded behind the 4 that were there.\n"),
        (b"213 0", "STOR x", b"0123456789", "10 bytes uploaded.\n"),
        (b"550 no such file", "STOR x", b"0123456789", "10 bytes uploaded.\n"),
        (b"213 10", None, b"", "All 10 bytes are there already.\n"),
    ],
)
def test_going_on(file: Path, size: bytes, verb: str | None, stored: bytes, says: str) -> None:
    script = FtpScript({"SIZE": size + b"\r\n"})

    assert put(script, file, "/x", "-C", "-") == (ExitStatus.DONE, says, "")
    assert script.stored == stored
    assert [line for line in script.lines if line[:4] in ("STOR", "APPE")] == [verb] * bool(verb)


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ({"SIZE": b"213 11\r\n"}, "has only 10: what is there is no beginning of it"),
        ({"SIZE": b"502 what?\r\n", "FEAT": b"502 what?\r\n"}, "does not tell how much of a file"),
    ],
)
def test_no_going_on(file: Path, answers: dict[str, bytes], says: str) -> None:
    script = FtpScript({"FEAT": FEATURES, **answers})

    status, out, err = put(script, file, "/x", "-C", "-")

    assert (status, out) == (ExitStatus.FAILED, "")
    assert says in err
    assert "STOR" not in script.verbs


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["-", "ftp://h/"], "write behind it what the file is to be called"),
        (["x", "http://h/"], "is not a URL to open"),
        (["x", "ftp://h/a;type=x"], "the type 'x'"),
        (["x", "ftp://h/a%0Ab"], "a line end"),
        (["-C", "-", "x", "ftp://h/a;type=a"], "exclude each other"),
        (["x\ny", "ftp://h/"], "line end in its name"),
    ],
)
def test_wrong_usage(arguments: list[str], says: str) -> None:
    status, _, err = run_here("put", *arguments)

    assert status == ExitStatus.USAGE
    assert says in err
    assert err.count("\n") == 1


def test_file_that_is_not_there(tmp_path: Path) -> None:
    status, _, err = run_here("put", str(tmp_path / "nothing"), "ftp://127.0.0.1:1/")

    assert (status, err) == (
        ExitStatus.FAILED,
        f"sockettools put: {tmp_path}/nothing: No such file or directory\n",
    )


def test_directory(tmp_path: Path) -> None:
    status, _, err = run_here("put", str(tmp_path), "ftp://127.0.0.1:1/")

    assert (status, err) == (ExitStatus.FAILED, f"sockettools put: {tmp_path}: Is a directory\n")


def test_refusal(file: Path) -> None:
    status, out, err = put(FtpScript({"STOR": b"553 not here\x1b\r\n"}), file, "/x")

    assert (status, out) == (ExitStatus.REFUSED, "")
    assert err.endswith("refused to store x: 553 not here\\x1b\n")


@pytest.fixture(scope="module", params=FTP_SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[FtpServer]:
    with request.param() as server:
        yield server


@pytest.mark.parametrize("way", ["plain", "explicit", "implicit"])
def test_server(server: FtpServer, way: str, tmp_path: Path) -> None:
    path = tmp_path / way
    path.write_bytes(BLOB)
    options = ["put", "--cacert", str(server.authority)]
    url = server.url("/incoming/", port=getattr(server, way))

    assert run_here(*options, str(path), url) == (0, f"{len(BLOB)} bytes uploaded.\n", "")
    there = server.root / "incoming" / way
    assert there.read_bytes() == BLOB

    with there.open("r+b") as stored:
        stored.truncate(1000)
    assert run_here(*options, "-C", "-", str(path), url)[0] == ExitStatus.DONE
    assert there.read_bytes() == BLOB


def test_large_pipe(server: FtpServer) -> None:
    """It goes on in the middle, and all of it comes through a pipe."""
    url = server.url("/incoming/large.bin", port=server.explicit)
    there = server.root / "incoming" / "large.bin"
    with there.open("wb") as stored:
        stored.truncate(LARGE_SIZE - 50_000_000)
    there.chmod(0o666)

    with (
        (server.root / "pub" / "large.bin").open("rb") as large,
        subprocess.Popen(["cat"], stdin=large, stdout=subprocess.PIPE) as pipe,
    ):
        command = [sys.executable, "-m", "sockettools", "put", "--cacert", str(server.authority)]
        done = subprocess.run(
            [*command, "-C", "-", "-", url],
            stdin=pipe.stdout,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "50000000 bytes uploaded behind the 150000000 that were there.\n"
    assert there.stat().st_size == LARGE_SIZE
    with there.open("rb") as stored:
        stored.seek(LARGE_SIZE - len(LARGE_END))
        assert stored.read() == LARGE_END


def test_closed_standard_input_is_no_empty_file() -> None:
    # It would take the place of what is there.
    done = subprocess.run(
        f"exec {sys.executable} -m sockettools put - ftp://127.0.0.1:1/x <&-",
        shell=True,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stderr) == (1, "sockettools put: standard input is closed\n")
