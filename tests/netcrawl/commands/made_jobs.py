"""Jobs as a crawl leaves them, made without one."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

from scrapy import Request, Spider

from netcrawl.frontier.folder import JobFolder
from netcrawl.frontier.job import Job, end_job, start_job
from netcrawl.frontier.serialize import RequestSerializer
from netcrawl.frontier.store import NewRequest
from netcrawl.items import WordCount

if TYPE_CHECKING:
    from pathlib import Path

TRACEBACK = """Traceback (most recent call last):
  File "spider.py", line 3, in parse
    raise ValueError("no \x1b[2Jprice")
ValueError: no \x1b[2Jprice
"""


class SomeSpider(Spider):
    """Whose callback is no longer to be found when a job is looked at."""

    name = "some"

    def parse_more(self) -> None:
        """Do nothing."""


def fill(path: Path, reason: str | None = "finished", *, failures: int = 1, items: int = 2) -> None:
    """Make a job with two pages done, one pending, and others failed."""
    folder = begin(path, failures=failures, items=items)
    if reason is not None:
        end_job(folder.store, reason)
    folder.close()


def begin(path: Path, *, failures: int = 1, items: int = 2) -> JobFolder:
    """Make a job that runs, committed so far, and return its folder, which is open."""
    folder = JobFolder(path)
    store = folder.store
    start_job(store, Job("words", {"url": "http://me:secret@h/\x1b", "depth": "2"}))
    for number in range(failures + 3):
        store.put(_request(number))
    for _ in range(failures):
        lease = store.lease()
        assert lease
        store.finish(lease.id, TRACEBACK)
    for _ in range(2):
        lease = store.lease()
        assert lease
        store.finish(lease.id)
    for number in range(items):
        store.add_item(pickle.dumps(WordCount(f"w{number}", number)))
    store.commit()
    return folder


def _request(number: int) -> NewRequest:
    spider = SomeSpider()
    request = Request(f"http://me:secret@h/{number}", callback=spider.parse_more)
    return NewRequest(RequestSerializer(spider).dumps(request), b"%d" % number, priority=-number)
