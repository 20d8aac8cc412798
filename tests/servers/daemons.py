"""Servers that nobody here has written, started on free loopback ports and stopped again."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.patience import SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_ROOT = Path(__file__).parents[2]

# Where servers are that not every user's PATH has.
SYSTEM_PATHS = f"{os.environ['PATH']}:/usr/sbin:/sbin"

# Seconds that a server has to begin or to end; some wait for their children.
PATIENCE = SECONDS


@contextmanager
def daemon_folder() -> Iterator[Path]:
    """Yield an empty folder that servers may enter that run as somebody else.

    Its path is short: Unix sockets are made below it.
    """
    with tempfile.TemporaryDirectory(prefix="d", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@contextmanager
def running(
    command: Sequence[str | Path],
    *ports: int,
    log: Path,
    env: dict[str, str] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server in the foreground until the block ends; enter it once all ports answer."""
    program = shutil.which(str(command[0]), path=SYSTEM_PATHS)
    assert program is not None, f"{command[0]} is not installed"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [program, *command[1:]],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **(env or {})},
            start_new_session=True,  # some signal their whole group when they end
        )
    try:
        for port in ports:
            _wait_for(port, process, log)
        yield process
    finally:
        _stop(process)


@contextmanager
def running_module(
    name: str, folder: Path, *ports: int, log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a module of the tests the same way, with its folder and its ports as arguments."""
    command = [sys.executable, "-m", name, folder, *map(str, ports)]
    path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
    with running(command, *ports, log=log, env={"PYTHONPATH": path}) as process:
        yield process


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            said = log.read_text(errors="replace")[-2000:]
            assert process.poll() is None, f"it ended with {process.returncode}: {said}"
            assert time.monotonic() < until, f"nothing listens on {port}: {said}"
            time.sleep(0.02)
        else:
            return


def _stop(process: subprocess.Popen[bytes]) -> None:
    for number, patience in ((signal.SIGTERM, 5), (signal.SIGKILL, PATIENCE)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)
            break
    # Children that were left behind.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
