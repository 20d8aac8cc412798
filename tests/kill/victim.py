"""Scrapy's command line, in a process that dies at a certain step if it is told to.

``python -m tests.kill.victim WHERE COMMAND ...``. WHERE is ``-`` for nowhere, or one of

- ``sql:N``, before the Nth statement that SQLite gets;
- ``commit:N:S``, S seconds after the Nth COMMIT was begun;
- ``file:N``, before the Nth time that a file below the folder is opened to be written, renamed,
  removed, linked or cut;
- ``sync:N``, before the Nth fsync, of a feed for instance;

in all of which only files of the campaign's folder count, which KILL_FOLDER names. With
``count:FILE``, how many of each there were is written to FILE at the end. Nothing of this is in the
product: what happens is seen from outside, by Python's audit events, SQLite's trace, and wrappers
around ``sqlite3.connect`` and ``os.fsync``.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import sqlite3
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

FOLDER = os.environ.get("KILL_FOLDER", "")

# Audit events of what changes files, and which of the arguments are paths.
_FILE_EVENTS = {
    "os.rename": 2,
    "os.remove": 1,
    "os.link": 2,
    "os.truncate": 1,
    "os.mkdir": 1,
    "os.rmdir": 1,
    "os.symlink": 2,
}

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Steps:
    """Counts steps, and dies before a certain one."""

    def __init__(self, kind: str = "", number: int = 0, seconds: float = 0.0) -> None:
        self.counts: Counter[str] = Counter()
        self._kind = kind
        self._number = number
        self._seconds = seconds
        self._lock = threading.Lock()

    def take(self, kind: str) -> None:
        """Count a step."""
        with self._lock:
            self.counts[kind] += 1
            is_last = kind == self._kind and self.counts[kind] == self._number
        if is_last and self._seconds:
            threading.Thread(target=self._die_later, daemon=True).start()
        elif is_last:
            die()

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Be told of what Python does."""
        if event == "open":
            path, _, flags = arguments
            if flags & _WRITING and is_ours(path):
                self.take("file")
        elif any(map(is_ours, arguments[: _FILE_EVENTS.get(event, 0)])):
            self.take("file")

    def statement(self, statement: str) -> None:
        """Be told of what SQLite is about to do."""
        self.take("sql")
        if statement.lstrip()[:6].upper() == "COMMIT":
            self.take("commit")

    def _die_later(self) -> None:
        end = time.perf_counter() + self._seconds
        while time.perf_counter() < end:
            time.sleep(0)
        die()


def is_ours(path: Any) -> bool:
    """Tell whether a path is one of the campaign's folder."""
    if not isinstance(path, (str, bytes, os.PathLike)):
        return False
    return bool(FOLDER) and os.path.realpath(os.fsdecode(path)).startswith(FOLDER + os.sep)


def die() -> None:
    """Be gone this very moment."""
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(10)  # a signal may come a little later


def watch_statements(steps: Steps) -> None:
    """Count what SQLite does."""
    connect = sqlite3.connect

    def traced(database: Any, *arguments: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(database, *arguments, **options)
        if is_ours(unquote(urlsplit(database).path) if options.get("uri") else database):
            connection.set_trace_callback(steps.statement)
        return connection

    sqlite3.connect = traced  # type: ignore[assignment]


def watch_syncs(steps: Steps) -> None:
    """Count what no audit event tells of."""
    sync = os.fsync

    def counted(descriptor: Any) -> None:
        number = descriptor if isinstance(descriptor, int) else descriptor.fileno()
        if is_ours(Path(f"/proc/self/fd/{number}").readlink()):
            steps.take("sync")
        sync(descriptor)

    os.fsync = counted


def main() -> None:
    """Run Scrapy's command line."""
    where, *command = sys.argv[1:]
    kind, _, rest = where.partition(":")
    if kind != "-":
        if kind == "count":
            steps = Steps()
            atexit.register(lambda: Path(rest).write_text(json.dumps(dict(steps.counts))))
        else:
            number, _, seconds = rest.partition(":")
            steps = Steps(kind, int(number), float(seconds or 0))
        sys.addaudithook(steps.audit)
        watch_syncs(steps)
        watch_statements(steps)

    from scrapy.cmdline import execute

    sys.argv = ["scrapy", *command]
    execute()


if __name__ == "__main__":
    main()
