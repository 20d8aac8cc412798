"""Run ``get`` as a person does: into a file, at a terminal, or in a process of its own."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
import tempfile
import termios
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sockettools.cli import main
from sockettools.cli.streams import Streams

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMAND = (sys.executable, "-m", "sockettools", "get")


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it wrote."""

    status: int
    out: bytes
    err: str


def get(*arguments: str) -> Done:
    """Run it in this process; its standard output is a file, as with ``> FILE``."""
    stderr = io.StringIO()
    with tempfile.TemporaryFile("w+") as stdout:
        status = main(["get", *arguments], Streams(io.StringIO(), stdout, stderr))
        stdout.flush()
        stdout.seek(0)
        return Done(status, bytes(stdout.buffer.read()), stderr.getvalue())


def get_at_terminal(*arguments: str) -> tuple[int, str]:
    """Run it in this process at a terminal; return its status and all that was shown."""
    master, slave = pty.openpty()
    attributes = termios.tcgetattr(slave)
    attributes[1] &= ~termios.OPOST  # lines end as they are written
    termios.tcsetattr(slave, termios.TCSANOW, attributes)
    shown = bytearray()

    def read() -> None:
        with suppress(OSError):  # what Linux says once the other side has closed
            while data := os.read(master, 65_536):
                shown.extend(data)

    reader = threading.Thread(target=read)
    reader.start()
    with open(slave, "w", encoding="utf-8") as terminal:  # noqa: PTH123 - a descriptor
        status = main(["get", *arguments], Streams(io.StringIO(), terminal, terminal))
    reader.join()
    os.close(master)
    return status, shown.decode()


@contextmanager
def started(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Start it in a process of its own."""
    with subprocess.Popen(
        [*COMMAND, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            yield process
        finally:
            process.kill()
