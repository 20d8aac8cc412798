"""One crawl as a process: started as a person would, watched from outside."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.kill.subjects import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.kill.deaths import Death
    from tests.kill.site import Log


@dataclass(frozen=True)
class Shape:
    """What a whole crawl is like: seconds to the first request, requests, steps of each kind."""

    startup: float = 1.0
    requests: int = 1
    steps: Mapping[str, int] = field(default_factory=Counter)


class Run:
    """A running ``scrapy crawl``."""

    def __init__(
        self,
        step: str,
        command: list[str],
        *,
        cwd: Path,
        folder: Path,
        log: Log,
        environment: Mapping[str, str],
    ) -> None:
        self.job = folder / "job"
        self.errors: list[str] = []
        self.first_request: float | None = None
        self._log = log
        self._is_closing = threading.Event()
        with log.changed:
            log.run += 1
            self._number = log.run
        self._began = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.kill.victim", step, *command],
            cwd=cwd,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "KILL_FOLDER": str(folder),
                **environment,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as lines:
            for line in lines:
                self.errors.append(line)
                if "Closing spider" in line:
                    self._is_closing.set()

    def wait_for(self, death: Death) -> bool:
        """Wait until the moment has come; False if the crawl is over before."""
        if death.at_close:
            while not self._is_closing.wait(0.02):
                if self.process.poll() is not None:
                    return False
        elif death.requests is not None:
            with self._log.changed:
                while self._log.in_run() < death.requests:
                    if self.process.poll() is not None:
                        return False
                    self._log.changed.wait(0.02)
        try:
            self.process.wait(death.seconds)
        except subprocess.TimeoutExpired:
            return True
        return False

    def wait(self, seconds: float) -> int:
        """Wait for the end and return its status; a crawl that does not end is killed.

        Raises:
            TimeoutError: it was killed.
        """
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise TimeoutError(f"a crawl did not end within {seconds} s") from None
        finally:
            self._reader.join(10)
        return status

    def startup(self) -> float:
        """Wait for the first request; return the seconds to it, or to the end if there is none."""
        with self._log.changed:
            while not self._log.in_run() and self.process.poll() is None:
                self._log.changed.wait(0.01)
        return time.monotonic() - self._began

    def processor_seconds(self) -> float:
        """Return what it has used so far."""
        try:
            with open(f"/proc/{self.process.pid}/stat") as file:  # noqa: PTH123
                fields = file.read().rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
