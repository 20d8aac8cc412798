"""A file is what it was, or what it is to be."""

from __future__ import annotations

import errno
import os
import stat
import threading
from pathlib import Path

import pytest

from netcrawl.feeds.replacing import FileBeingWritten, Replacement
from tests.machine import needs_dev_full
from tests.netcrawl.feeds.values import names


def replace(path: Path, content: bytes) -> None:
    replacement = Replacement(path)
    replacement.file.write(content)
    replacement.commit()


def test_the_mode_stays(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"old")
    path.chmod(0o640)

    replace(path, b"new")

    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.parametrize("is_there", [True, False])
def test_a_link_stays_one(is_there: bool, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    target = tmp_path / "elsewhere" / "x"
    if is_there:
        target.write_bytes(b"old")
    link = tmp_path / "link"
    link.symlink_to("elsewhere/x")

    replace(link, b"new")

    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert names(tmp_path) == ["elsewhere", "link"]


def test_discarded(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"old")

    with Replacement(path) as replacement:
        replacement.file.write(b"new")

    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["x"]


def test_what_a_killed_process_left_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "x.part").write_bytes(b"longer than the new one")

    replace(tmp_path / "x", b"new")

    assert (tmp_path / "x").read_bytes() == b"new"
    assert names(tmp_path) == ["x"]


def test_two_at_once(tmp_path: Path) -> None:
    refused = pytest.raises(FileBeingWritten, match=r"x\.part is being written by another process")
    with Replacement(tmp_path / "x"), refused:
        Replacement(tmp_path / "x")

    replace(tmp_path / "x", b"new")


def test_a_trap_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "mine").write_bytes(b"old")
    (tmp_path / "x.part").symlink_to("mine")

    with pytest.raises(OSError, match=os.strerror(errno.ELOOP)):
        Replacement(tmp_path / "x")

    assert (tmp_path / "mine").read_bytes() == b"old"


def test_a_pipe_is_written_itself(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(path.read_bytes()))
    reader.start()

    replace(path, b"new")

    reader.join()
    assert read == [b"new"]
    assert stat.S_ISFIFO(path.stat().st_mode)
    assert names(tmp_path) == ["pipe"]


@needs_dev_full
def test_a_device_is_written_itself() -> None:
    replacement = Replacement(Path("/dev/full"))
    replacement.file.write(b"new")

    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        replacement.commit()
    replacement.discard()


def test_a_name_that_leaves_no_room_for_another(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 255)
    path.write_bytes(b"old")

    replace(path, b"new")

    assert path.read_bytes() == b"new"
    with pytest.raises(OSError, match=os.strerror(errno.ENAMETOOLONG)):
        Replacement(path, in_place=False)
    assert path.read_bytes() == b"new"


def test_a_file_that_is_mounted_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"old")

    def busy(part: Path, target: Path) -> None:
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), str(part), None, str(target))

    monkeypatch.setattr(type(path), "replace", busy)
    replace(path, b"new")

    assert path.read_bytes() == b"new"
    assert names(tmp_path) == ["x"]


def test_a_file_that_may_not_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "access", lambda *_: False)

    with pytest.raises(PermissionError):
        Replacement(path)

    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["x"]
