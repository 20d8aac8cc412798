from __future__ import annotations

import os
import resource
import stat
import threading
from typing import TYPE_CHECKING

import pytest

from sockettools.cli.replacing import Replacement, is_written_to

if TYPE_CHECKING:
    from pathlib import Path


def replace(name: Path | str, data: bytes, mode: int = 0o666) -> None:
    with Replacement(str(name), mode) as file:
        file.write(data)


def test_a_new_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    before = os.umask(0o022)
    try:
        replace(path, b"new")
    finally:
        os.umask(before)

    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666])
def test_an_old_file_keeps_its_mode(mode: int, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(mode)
    replace(path, b"new", 0o600)

    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_what_is_not_written_leaves_all_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with Replacement(str(path)):
        assert path.read_bytes() == b"old"

    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_disk_that_fills_up(tmp_path: Path) -> None:
    """Played by a limit on the size of files."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, hard))
    try:
        with pytest.raises(OSError, match="File too large") as caught:
            replace(path, b"x" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert caught.value.filename == str(path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_one(tmp_path: Path) -> None:
    path, link = tmp_path / "file", tmp_path / "link"
    path.write_bytes(b"old")
    link.symlink_to(path)
    replace(link, b"new")

    assert link.is_symlink()
    assert path.read_bytes() == b"new"


def test_a_pipe_stays_one(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(pipe.read_bytes()))
    reader.start()
    replace(pipe, b"new")
    reader.join()

    assert received == [b"new"]
    assert pipe.is_fifo()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("/dev/null", True),
        ("/dev/stdout", True),
        ("/dev/fd/1", True),
        ("/dev/shm/nosuch", False),
        ("/", False),
        ("nosuch", False),
        (__file__, False),
    ],
)
def test_what_is_written_to(name: str, expected: bool) -> None:
    assert is_written_to(name) == expected


def test_a_file_that_this_process_has_open_is_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with path.open("wb", buffering=0) as file:
        file.write(b"one ")
        replace(f"/dev/fd/{file.fileno()}", b"two")

    assert path.read_bytes() == b"one two"


@pytest.mark.parametrize(
    ("name", "message"),
    [("", "Is a directory"), ("nosuch/file", "No such file or directory")],
)
def test_where_nothing_can_be_written(name: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(OSError, match=message) as caught:
        Replacement(str(tmp_path / name))

    assert caught.value.filename == str(tmp_path / name)
