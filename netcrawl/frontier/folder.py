"""A job's folder: what is in it, and who has it."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

from netcrawl.frontier.lock import JobLock
from netcrawl.frontier.sqlite import SqliteStore
from netcrawl.frontier.store import StoreError

if TYPE_CHECKING:
    from pathlib import Path

    from netcrawl.frontier.store import Store

FRONTIER = "frontier.db"

# What Scrapy's own scheduler and duplicate filter leave in a JOBDIR.
_SCRAPYS = ("requests.queue", "requests.seen")


class JobFolder:
    """A folder, while it is this process's. ``store`` is what is kept there."""

    def __init__(self, path: Path, *, newest_first: bool = True) -> None:
        """Take the folder, made if there is none.

        Raises:
            StoreInUse: another process has it.
            StoreError: it cannot be made or used, or is that of something else.
        """
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{path} cannot be made: {error.strerror or error}") from error
        self._lock = JobLock(path)
        try:
            self._refuse_scrapys()
            self.store: Store = SqliteStore(path / FRONTIER, newest_first=newest_first)
        except BaseException:
            self._lock.release()
            raise
        # A crawl may fail between this and its beginning.
        weakref.finalize(self, self._lock.release)

    def close(self) -> None:
        """Close the store, and let others have the folder."""
        try:
            self.store.close()
        finally:
            self._lock.release()

    def _refuse_scrapys(self) -> None:
        if (self.path / FRONTIER).exists():
            return
        for name in _SCRAPYS:
            if (self.path / name).exists():
                raise StoreError(
                    f"{self.path} is a job of Scrapy's own scheduler, which left {name} there;"
                    " choose another folder"
                )
