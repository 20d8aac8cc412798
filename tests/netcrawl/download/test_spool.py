from __future__ import annotations

import gzip
import hashlib
import os
import resource
import shutil
import subprocess
import sys
import threading
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from scrapy.exceptions import DownloadCancelledError

from netcrawl.download import spool
from netcrawl.download.spool import SpoolFile, SpoolFolder, clear, default_parent
from netcrawl.failures import DiskError, NoRoom
from sockettools.browser.decoding import decoder_for
from sockettools.errors import IncompleteMessage, RemoteProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BODY = b"what is worth keeping\n" * 1000


@contextmanager
def limited_to(size: int) -> Iterator[None]:
    """Let no file of this process become larger, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


# One file.


def test_what_is_written_is_there(tmp_path: Path) -> None:
    file = SpoolFile(tmp_path)
    for start in range(0, len(BODY), 7000):
        file.write([BODY[start : start + 100], BODY[start + 100 : start + 7000]])
    file.finish()

    assert file.path.read_bytes() == BODY
    assert file.size == len(BODY)
    assert file.sha256 == hashlib.sha256(BODY).hexdigest()
    assert [*tmp_path.iterdir()] == [file.path]


@pytest.mark.parametrize("at_once", [spool.MOST_BLOCKS, spool.MOST_BLOCKS + 1, 1])
def test_many_pieces(at_once: int, tmp_path: Path) -> None:
    pieces = [b"%d," % number for number in range(2 * at_once)]
    file = SpoolFile(tmp_path)
    file.write(pieces[:at_once])
    file.write(pieces[at_once:])
    file.finish()

    assert file.path.read_bytes() == b"".join(pieces)
    assert file.size == len(b"".join(pieces))


def test_a_system_that_takes_a_little_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    monkeypatch.setattr(os, "writev", lambda fd, blocks: write(fd, blocks[0][:2]))
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, data[:3]))
    file = SpoolFile(tmp_path)
    file.write([b"hello", b"", b"world"])
    file.finish()

    assert file.path.read_bytes() == b"helloworld"


def test_an_empty_body_is_a_file_too(tmp_path: Path) -> None:
    file = SpoolFile(tmp_path)
    file.finish()
    file.finish()

    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b""]
    assert file.sha256 == hashlib.sha256().hexdigest()


@pytest.mark.parametrize("step", [1, 1000, 10**6])
def test_decoded_on_the_way(step: int, tmp_path: Path) -> None:
    packed = gzip.compress(BODY)
    file = SpoolFile(tmp_path, decoder=decoder_for("gzip"))
    for start in range(0, len(packed), step):
        file.write([packed[start : start + step]])
    file.finish()

    assert file.path.read_bytes() == BODY
    assert (file.size, file.sha256) == (len(BODY), hashlib.sha256(BODY).hexdigest())


@pytest.mark.parametrize(
    ("pieces", "limit", "error"),
    [
        pytest.param([BODY, b"!"], len(BODY), DownloadCancelledError, id="too long"),
        pytest.param([gzip.compress(BODY)], 99, DownloadCancelledError, id="too long decoded"),
        pytest.param(
            [gzip.compress(bytes(spool.MAX_GROWN + 1))], 0, DownloadCancelledError, id="bomb"
        ),
        pytest.param([b"\x1f\x8b" + b"?" * 99], 0, RemoteProtocolError, id="corrupt"),
    ],
)
def test_of_what_is_refused_nothing_stays(
    pieces: list[bytes], limit: int, error: type[Exception], tmp_path: Path
) -> None:
    decoder = decoder_for("gzip") if pieces[0][:2] == b"\x1f\x8b" else None
    file = SpoolFile(tmp_path, max_size=limit, decoder=decoder)

    with pytest.raises(error):
        file.write(pieces)
    assert [*tmp_path.iterdir()] == []


def test_half_of_what_is_to_be_decoded(tmp_path: Path) -> None:
    file = SpoolFile(tmp_path, decoder=decoder_for("gzip"))
    file.write([gzip.compress(BODY)[:-9]])

    with pytest.raises(IncompleteMessage):
        file.finish()
    file.finish(is_complete=False)
    assert BODY.startswith(file.path.read_bytes())


def test_a_full_disk(tmp_path: Path) -> None:
    file = SpoolFile(tmp_path)
    with limited_to(100_000):
        file.write([bytes(90_000)])
        with pytest.raises(DiskError, match=r"cannot be written into .*File too large") as caught:
            file.write([bytes(90_000)])

    assert caught.value.reason == "File too large"
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("folder", ["none", "file"])
def test_a_folder_that_is_none(folder: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(DiskError, match=f"cannot be written into {tmp_path / folder}"):
        SpoolFile(tmp_path / folder).write([BODY])


@pytest.mark.parametrize(
    ("expected", "free", "is_room"),
    [
        pytest.param(10**9, 10**9 + spool.RESERVE, True, id="just enough"),
        pytest.param(10**9, 10**9 + spool.RESERVE - 1, False, id="too much is announced"),
        pytest.param(0, spool.RESERVE - 1, False, id="nothing is announced"),
        pytest.param(0, spool.RESERVE, True, id="nothing is announced, and there is room"),
    ],
)
def test_room_is_left_for_others(
    expected: int, free: int, is_room: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = SimpleNamespace(total=10**12, free=free)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    file = SpoolFile(tmp_path, expected=expected)

    if is_room:
        file.write([BODY])
        assert file.size == len(BODY)
    else:
        with pytest.raises(NoRoom, match=f"{free} bytes are free"):
            file.write([BODY])
        assert [*tmp_path.iterdir()] == []


def test_a_disk_that_fills_up_on_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = iter([10**12, 0])
    usages = (SimpleNamespace(total=10**12, free=octets) for octets in free)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: next(usages))
    block = bytes(spool._STRIDE // 2)
    file = SpoolFile(tmp_path)
    file.write([block, block])

    with pytest.raises(NoRoom):
        file.write([block])
    assert [*tmp_path.iterdir()] == []


def test_given_up_while_it_is_written(tmp_path: Path) -> None:
    bomb = gzip.compress(bytes(spool.MAX_GROWN))
    file = SpoolFile(tmp_path, decoder=decoder_for("gzip"))
    writing = threading.Thread(target=file.write, args=([bomb],))
    writing.start()
    file.discard()
    writing.join()
    file.write([b"late"])
    file.finish()

    assert [*tmp_path.iterdir()] == []


# The folder.


def test_a_folder_is_made_when_it_is_asked_for_and_removed(tmp_path: Path) -> None:
    with SpoolFolder(tmp_path / "new") as folder:
        assert [*tmp_path.iterdir()] == []
        path = folder.path()
        assert folder.path() == path
        assert path.parent == tmp_path / "new"
        assert path.stat().st_mode & 0o077 == 0
        (path / "body").touch()

    assert [*(tmp_path / "new").iterdir()] == []


KILLED = """
import os, pathlib, signal, sys
from netcrawl.download.spool import SpoolFile, SpoolFolder
folder = SpoolFolder(pathlib.Path(sys.argv[1]))
SpoolFile(folder).write([b"half of it"])
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_process_has_left_is_cleared_and_nothing_else(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", KILLED, tmp_path], check=False)
    (left,) = tmp_path.iterdir()
    assert b"half of it" in [path.read_bytes() for path in left.iterdir()]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "lock").touch()
    (tmp_path / "netcrawl-spool-link").symlink_to(elsewhere)
    (tmp_path / "netcrawl-spool-file").touch()
    (tmp_path / "netcrawl-spool-without-lock").mkdir()

    with SpoolFolder(tmp_path) as living:
        path = living.path()
        clear(SpoolFolder(tmp_path).left_behind())

        assert not left.exists()
        assert path.is_dir()
        assert elsewhere.is_dir()
        assert len([*tmp_path.iterdir()]) == 5


def test_others_are_not_cleared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with SpoolFolder(tmp_path) as folder:
        path = folder.path()
        os.close(folder._lock_fd or 0)
        folder._lock_fd = None
        monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
        clear([path])

        assert path.is_dir()


def test_where_no_folder_is_there_is_nothing_left(tmp_path: Path) -> None:
    assert SpoolFolder(tmp_path / "none").left_behind() == []


@pytest.mark.parametrize("is_folder", [False, True])
def test_the_systems_folder(
    is_folder: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path if is_folder else tmp_path / "none"))

    assert (default_parent() == tmp_path) == is_folder
    assert default_parent().is_dir()
