"""Child processes and what they use: time by the clock, CPU, and memory at its peak.

Each child is the leader's only child in a process group of its own, which is killed when its time
is over, when an exception (Ctrl-C is one) passes here, and also when this process itself is killed:
see ``launching``.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING

from netcrawl.compare import launching
from sockettools.text import visible
from sockettools.units import octets_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

# What a child may write. An answer of 64 MiB is more than a browser keeps of a page, as JSON.
MAX_OUTPUT = 64 * 1024 * 1024
# Of standard error, the end is kept: it is where programs say why they gave up.
MAX_ERRORS = 64 * 1024

_BLOCK = 65536
# The kernel's names for a clock of another process: the number of the process, and what it counts.
_SCHEDULED = 2
# ru_maxrss is in kilobytes, except on macOS.
_PEAK_UNIT = 1 if sys.platform == "darwin" else 1024


# Where this package is imported from, for children that run in other folders.
_ROOT = Path(__file__).parents[2]


class MeasuringError(Exception):
    """A child could not be measured; the text is one line for the user."""


class TimeIsUp(MeasuringError):
    """It was killed, since it took longer than it may."""


@dataclass(frozen=True)
class Measured:
    """What a command did and used.

    ``wall``, ``cpu_user`` and ``cpu_system`` are seconds, from its start on, those of its own
    children that it has waited for included; ``peak`` is the largest memory, in octets.
    ``status`` is its exit status, below zero the signal that killed it. ``errors`` is the end of
    its standard error.
    """

    status: int
    wall: float
    cpu_user: float
    cpu_system: float
    peak: int
    stdout: bytes
    errors: bytes

    @property
    def cpu(self) -> float:
        """Seconds of CPU."""
        return self.cpu_user + self.cpu_system

    @property
    def problem(self) -> str:
        """Say why it failed: the last line of its standard error, or its status."""
        if line := _last_line(self.errors):
            return line
        if self.status < 0:
            return f"ended by {signal.Signals(-self.status).name}"
        return f"exit status {self.status}"


def measure(
    command: Sequence[str | os.PathLike[str]],
    *,
    timeout: float,
    cwd: str | os.PathLike[str] | None = None,
    env: Mapping[str, str] | None = None,
    max_output: int = MAX_OUTPUT,
) -> Measured:
    """Run a command to its end; its standard input is empty.

    Raises:
        TimeIsUp: it is not done after ``timeout`` seconds.
        MeasuringError: it cannot be started, or writes more than ``max_output`` octets.
    """
    name = _name(command)
    with _launched(command, cwd, env) as child, selectors.DefaultSelector() as selector:
        assert child.stderr is not None
        report, output, errors = bytearray(), bytearray(), bytearray()
        for stream, kept in ((child.told, report), (child.stdout, output), (child.stderr, errors)):
            os.set_blocking(stream.fileno(), False)
            selector.register(stream, selectors.EVENT_READ, kept)
        end = time.monotonic() + timeout
        while child.told in {key.fileobj for key in selector.get_map().values()}:
            left = end - time.monotonic()
            if left <= 0:
                raise TimeIsUp(f"{name} was not done after {timeout:g} seconds")
            for key, _ in selector.select(left):
                if not _take(key.fd, key.data):
                    selector.unregister(key.fileobj)
            _bound(name, output, errors, max_output)
        # Everything that it wrote is there. Whoever it left behind might hold the pipes open.
        for key in list(selector.get_map().values()):
            while _take(key.fd, key.data):
                _bound(name, output, errors, max_output)
    status, user, system, peak, wall = _report(name, report)
    return Measured(
        status=int(status),
        wall=float(wall),
        cpu_user=float(user),
        cpu_system=float(system),
        peak=int(peak) * _PEAK_UNIT,
        stdout=bytes(output),
        errors=bytes(errors),
    )


class Background:
    """A process that runs beside: what it uses can be asked at any time.

    ``first_line`` is what it wrote when it was ready.
    """

    def __init__(self, name: str, pid: int, first_line: str, child: _Child) -> None:
        self.name = name
        self.pid = pid
        self.first_line = first_line
        self._child = child

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._child.launcher.poll() is None

    def cpu(self) -> float:
        """Return the seconds of CPU that all of its threads have used, as exactly as Linux counts.

        Raises:
            MeasuringError: it has ended, or this system does not tell.
        """
        with suppress(OSError):
            if self.is_running:
                return time.clock_gettime((~self.pid << 3) | _SCHEDULED)
        raise MeasuringError(f"{self.name} has ended, or its CPU is not told here")

    def peak(self) -> int:
        """Return the octets of memory that it had at most.

        Raises:
            MeasuringError: as ``cpu``.
        """
        with suppress(OSError):
            status = Path(f"/proc/{self.pid}/status").read_text() if self.is_running else ""
            for line in status.splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
        raise MeasuringError(f"{self.name} has ended, or its memory is not told here")


@contextmanager
def background(
    command: Sequence[str | os.PathLike[str]],
    *,
    timeout: float = 30.0,
    cwd: str | os.PathLike[str] | None = None,
    env: Mapping[str, str] | None = None,
) -> Iterator[Background]:
    """Start a command that tells by a line on its standard output that it is ready; kill it after.

    It has to be one that writes little to its standard output from then on: nobody reads it.

    Raises:
        TimeIsUp: no line came in ``timeout`` seconds.
        MeasuringError: it cannot be started, or has ended.
    """
    name = _name(command)
    with TemporaryFile() as errors, _launched(command, cwd, env, errors) as child:
        line = bytearray()
        end = time.monotonic() + timeout
        with selectors.DefaultSelector() as selector:
            selector.register(child.stdout, selectors.EVENT_READ)
            while not line.endswith(b"\n") and len(line) < MAX_ERRORS:
                left = end - time.monotonic()
                if left <= 0:
                    raise TimeIsUp(f"{name} was not ready after {timeout:g} seconds")
                if selector.select(left) and not _take(child.stdout.fileno(), line):
                    break
        first_line, newline, _ = line.partition(b"\n")
        if not newline:
            _report(name, child.told.read(MAX_ERRORS))
            errors.seek(0)
            reason = _last_line(errors.read(MAX_ERRORS)) or "it did not say why"
            raise MeasuringError(f"{name} did not start: {reason}")
        pid = int(child.told.readline().split()[1])
        yield Background(name, pid, first_line.decode("utf-8", "replace"), child)


@dataclass(frozen=True)
class _Child:
    """A launcher, and the ends of its pipes."""

    launcher: subprocess.Popen[bytes]
    stdout: IO[bytes]
    stderr: IO[bytes] | None
    told: IO[bytes]


@contextmanager
def _launched(
    command: Sequence[str | os.PathLike[str]],
    cwd: str | os.PathLike[str] | None,
    env: Mapping[str, str] | None,
    errors: IO[bytes] | int = subprocess.PIPE,
) -> Iterator[_Child]:
    """Start a command by the launcher; at the end, kill all that is left of it."""
    told, report = os.pipe()
    with os.fdopen(told, "rb", buffering=0) as told_file:
        try:
            launcher = subprocess.Popen(  # noqa: S603 - the commands are ours
                [sys.executable, "-I", "-S", launching.__file__, str(report), *command],
                stdin=subprocess.PIPE,  # never written to: its end tells the launcher of ours
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=cwd,
                env=env,
                pass_fds=(report,),
                start_new_session=True,
            )
        except OSError as exc:
            raise MeasuringError(f"{_name(command)} cannot be started: {exc}") from None
        finally:
            os.close(report)
        with launcher:
            try:
                assert launcher.stdout is not None
                yield _Child(launcher, launcher.stdout, launcher.stderr, told_file)
            finally:
                # Until it is waited for, the number is nobody else's.
                with suppress(ProcessLookupError):
                    os.killpg(launcher.pid, signal.SIGKILL)


def environment(**more: str) -> dict[str, str]:
    """Return the environment for a child that imports the same project, with ``more`` in it."""
    paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), **more}


def _report(name: str, report: bytes | bytearray) -> list[str]:
    """Return the fields of what the launcher told at the end."""
    lines = dict(line.split(" ", 1) for line in report.decode().splitlines())
    if "failed" in lines:
        raise MeasuringError(f"{name} cannot be started: {lines['failed']}")
    if "done" not in lines:
        raise MeasuringError(f"{name} was killed by somebody else")
    return lines["done"].split()


def _take(number: int, kept: bytearray) -> bool:
    """Read what is there, if anything; False at the end."""
    try:
        block = os.read(number, _BLOCK)
    except BlockingIOError:
        return False
    kept += block
    return bool(block)


def _bound(name: str, output: bytearray, errors: bytearray, max_output: int) -> None:
    if len(output) > max_output:
        raise MeasuringError(f"{name} wrote more than {octets_text(max_output)}")
    del errors[:-MAX_ERRORS]


def _last_line(errors: bytes) -> str:
    lines = errors.decode("utf-8", "replace").strip().splitlines()
    return visible(lines[-1]) if lines else ""


def _name(command: Sequence[str | os.PathLike[str]]) -> str:
    return visible(Path(command[0]).name)
