"""Jobs seen from outside: those below a folder, and how each of them stands, running or not."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from netcrawl.frontier.folder import FRONTIER
from netcrawl.frontier.job import Job, Status, read_job, read_status
from netcrawl.frontier.lock import owner
from netcrawl.frontier.reading import SqliteReader
from netcrawl.frontier.store import Counts, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class JobOverview:
    """How a job stands.

    ``job`` is None if it was killed before it had begun. ``problem`` says why the job cannot be
    read, and then there is nothing else to know but ``size``, octets of its folder, and when
    something was written there last, ``active``.
    """

    path: Path
    size: int
    active: datetime
    job: Job | None = None
    status: Status | None = None
    counts: Counts = field(default_factory=Counts)
    process: int | None = None
    problem: str | None = None

    @property
    def state(self) -> str:
        """How it stands, in a word."""
        if self.problem is not None or self.status is None:
            return "broken"
        return self.status.state.value


def is_job(folder: Path) -> bool:
    """Say whether this is the folder of a job."""
    return (folder / FRONTIER).is_file()


def find_jobs(folder: Path) -> Iterator[Path]:
    """Yield the folders of jobs in and below this one, sorted.

    What is hidden is left out, and what is below a job, and what links lead to.
    """
    for root, folders, files in os.walk(folder):
        if FRONTIER in files:
            folders.clear()
            yield Path(root)
        folders[:] = sorted(name for name in folders if not name.startswith("."))


def look_at(folder: Path) -> JobOverview:
    """Say how a job stands. Nothing of it is changed."""
    # Whoever reads may leave files beside those of the job.
    size, active = _size(folder), _last_written(folder)
    try:
        process = owner(folder)
        with SqliteReader(folder / FRONTIER) as reader:
            return JobOverview(
                folder,
                size,
                active,
                read_job(reader),
                read_status(reader, is_in_use=process is not None),
                reader.counts(),
                process,
            )
    except StoreError as error:
        return JobOverview(folder, size, active, problem=str(error))


def _size(folder: Path) -> int:
    return sum(
        entry.lstat().st_size
        for root, _, files in os.walk(folder)
        for entry in map(Path(root).joinpath, files)
        # What SQLite puts there for readers is no part of the job.
        if os.path.lexists(entry) and not entry.name.endswith("-shm")
    )


def _last_written(folder: Path) -> datetime:
    times = [(False, 0.0)]
    for name in (FRONTIER, f"{FRONTIER}-wal"):
        try:
            status = (folder / name).stat()
        except OSError:
            continue
        # A reader makes an empty log.
        times.append((status.st_size > 0, status.st_mtime))
    return datetime.fromtimestamp(max(times)[1], UTC)
