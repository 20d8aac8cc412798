"""What a spider or an extension wants to know again when a job goes on.

What a callback adds counts when its request is done, exactly once, as its items do. A spider that
adds up something notes what each page contributes, and adds that up again when it is opened.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from scrapy.exceptions import CloseSpider

from netcrawl.frontier.kept_items import UnreadableItem, load_item
from netcrawl.frontier.scheduler import frontier_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from scrapy.crawler import Crawler

    from netcrawl.frontier.run import Run

logger = logging.getLogger(__name__)


class Notes:
    """The notes of a job. Where there is none, they are not kept."""

    def __init__(self, run: Run | None) -> None:
        self._run = run

    @property
    def are_kept(self) -> bool:
        """Whether this crawl is a job."""
        return self._run is not None

    def add(self, kind: str, key: bytes = b"", value: bytes = b"") -> None:
        """Add a note. Those of one kind and key do not replace each other."""
        if self._run is not None:
            self._run.add_note(kind, key, value)

    def read(self, kind: str) -> Iterator[tuple[bytes, bytes]]:
        """Yield key and value of each note that counts, in the order in which they were added."""
        if self._run is not None:
            yield from self._run.store.notes(kind)

    def give_back(self) -> None:
        """Have the running callback's request done again in a later run, and forget this time.

        For what cannot be finished because the crawl is being stopped.
        """
        if self._run is not None:
            self._run.give_back()

    def items(self) -> Iterator[Any]:
        """Yield the items of the job so far, in the order in which they came to count.

        Raises:
            CloseSpider: one cannot be read back.
        """
        if self._run is None:
            return
        try:
            for _, data in self._run.store.items():  # noqa: PERF102 - no dict
                yield load_item(data)
        except UnreadableItem as error:
            logger.error("%s", error)
            raise CloseSpider("frontier_error") from error

    def replace(self, kind: str, notes: Iterable[tuple[bytes, bytes]]) -> None:
        """Keep these instead of all notes of this kind that count."""
        if self._run is not None:
            self._run.store.replace_notes(kind, iter(notes))


# Of a crawl that is no job.
NO_NOTES = Notes(None)


def notes_of(crawler: Crawler) -> Notes:
    """Return the notes of a crawl whose spider is being opened, or is open."""
    return Notes(frontier_of(crawler))
