"""What a crawl that is continued later knows of the files that it appended its items to.

Before a file is replaced, it is noted what it is and what it will be. So the next run finds its own
items in it whatever happened in between, and puts those that there are by then in their place: the
file is either what it was or what it was to become, and nothing has to be noted afterwards.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from netcrawl.feeds.joining import CannotAppend

if TYPE_CHECKING:
    from pathlib import Path

    from netcrawl.frontier.store import Store

_CHANGED = (
    "it is not what this job left there, and nothing was written to it; "
    "`scrapy jobs export` writes the job's items to another file"
)


@dataclass(frozen=True)
class _Content:
    """What a file is: its size and SHA-256, and where in it the items of the job begin.

    ``keep`` is None as long as it has none of them.
    """

    size: int
    sha256: str
    keep: int | None = None

    def is_in(self, path: Path) -> bool:
        return path.stat().st_size == self.size and _sha256(path) == self.sha256


class WrittenFeeds:
    """A job's notes on the files that it appends to."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def keep(self, path: Path) -> int | None:
        """Return how much of a file is from before this job; None if all of it is.

        Raises:
            CannotAppend: the job has items in it, and cannot find them any more.
            OSError: the file cannot be read.
        """
        known = self._read(path)
        for content in known:
            if content.is_in(path):
                return content.keep
        # Somebody took the items away, and left nothing: there is nothing to be written twice.
        if not known or path.stat().st_size == 0:
            return None
        raise CannotAppend(_CHANGED)

    def announce(self, path: Path, part: Path, keep: int) -> None:
        """Note that ``part`` is to replace a file, with the job's items after ``keep`` octets."""
        contents = [_identify(part, keep)]
        if path.exists():
            contents.append(_identify(path, self.keep(path)))
        # The likelier one first: it is read to find out.
        self._store.set_value(_name(path), json.dumps([vars(c) for c in contents]).encode())
        self._store.commit()

    def _read(self, path: Path) -> list[_Content]:
        value = self._store.value(_name(path))
        return [_Content(**content) for content in json.loads(value)] if value else []


def _name(path: Path) -> str:
    return f"feed {path.resolve()}"


def _identify(path: Path, keep: int | None) -> _Content:
    return _Content(path.stat().st_size, _sha256(path), keep)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
