from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from netcrawl.frontier import lock
from netcrawl.frontier.lock import JobLock
from netcrawl.frontier.store import StoreError, StoreInUse

if TYPE_CHECKING:
    from pathlib import Path

TAKE = """
import sys, pathlib
from netcrawl.frontier.lock import JobLock
taken = JobLock(pathlib.Path(sys.argv[1]))
print("taken", flush=True)
sys.stdin.read()
"""


def test_second_process_is_refused_with_the_owner(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", TAKE, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "taken\n"
        assert lock.owner(tmp_path) == other.pid
        with pytest.raises(StoreInUse, match=rf"^{tmp_path} is in use by process {other.pid}$"):
            JobLock(tmp_path)
        other.kill()
    assert lock.owner(tmp_path) is None
    taken = JobLock(tmp_path)
    assert lock.owner(tmp_path) == os.getpid()
    taken.release()


def test_released_lock_can_be_taken_again(tmp_path: Path) -> None:
    first = JobLock(tmp_path)
    with pytest.raises(StoreInUse):
        JobLock(tmp_path)
    first.release()
    first.release()
    assert lock.owner(tmp_path) is None
    JobLock(tmp_path).release()


def test_who_only_asks_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    JobLock(tmp_path).release()
    asking = os.open(tmp_path / lock.NAME, os.O_RDONLY)
    lock.fcntl.flock(asking, lock.fcntl.LOCK_SH)
    waits = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        os.close(asking)

    monkeypatch.setattr(time, "sleep", wait)
    JobLock(tmp_path).release()
    assert len(waits) == 1


def test_folder_without_lock_has_no_owner(tmp_path: Path) -> None:
    assert lock.owner(tmp_path) is None
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"", b"nobody", b"9" * 100], ids=["empty", "text", "long"])
def test_owner_that_left_no_number_is_another_process(tmp_path: Path, content: bytes) -> None:
    taken = JobLock(tmp_path)
    (tmp_path / lock.NAME).write_bytes(content)
    try:
        assert lock.owner(tmp_path) is not None
        with pytest.raises(StoreInUse, match=r" is in use by (another process|process 9{20})$"):
            JobLock(tmp_path)
    finally:
        taken.release()


def test_lock_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / lock.NAME).mkdir()
    with pytest.raises(StoreError, match=r"lock cannot be used: Is a directory$"):
        JobLock(tmp_path)


def test_folder_that_is_missing_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"lock cannot be used: No such file or directory$"):
        JobLock(tmp_path / "missing")
