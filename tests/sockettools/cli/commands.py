"""Run a command of ``python -m sockettools``, in a process of its own or in this one."""

from __future__ import annotations

import io
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sockettools.cli import main
from sockettools.cli.streams import Streams

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start a server; yield its process and the first line that it printed."""
    with subprocess.Popen(
        [sys.executable, "-m", "sockettools", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline()
        finally:
            process.kill()


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "sockettools", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def run_here(*argv: str, stdin: str = "") -> tuple[int, str, str]:
    """Run a command without a process; return its exit status, what it printed, and the errors."""
    # Line ends stay as they are written.
    stdout, stderr = io.StringIO(newline=""), io.StringIO(newline="")
    status = main(argv, Streams(io.StringIO(stdin), stdout, stderr))
    return status, stdout.getvalue(), stderr.getvalue()
