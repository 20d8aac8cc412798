"""What a job is: one spider with its arguments, in one folder, over as many runs as it takes."""

from __future__ import annotations

import inspect
import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import Enum
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Protocol

from scrapy.crawler import Crawler

from netcrawl.frontier.store import StoreDamaged, StoreError

if TYPE_CHECKING:
    from netcrawl.frontier.store import Store

# Names of values in the store. The second one changes at the start and at the end of each run.
JOB = "job"
STATUS = "status"

# Why Scrapy closes a spider that has nothing left to do.
DONE = "finished"

_FIELDS = ("spider", "arguments", "created", "versions")
_PACKAGES = ("netcrawl", "scrapy")


class HasValues(Protocol):
    """The part of a store that a job is read from."""

    def value(self, name: str) -> bytes | None:
        """Return the value of this name, None if there is none."""
        ...


class OtherJob(StoreError):
    """The folder is another job's; the text says what is different."""


class State(Enum):
    """How a job stands."""

    RUNNING = "running"
    STOPPED = "stopped"
    KILLED = "killed"
    FINISHED = "finished"


@dataclass(frozen=True)
class Job:
    """What makes two runs the same job, and what is good to know about it.

    ``arguments`` are those that the spider was given, as text; None if they are not known.
    """

    spider: str
    arguments: dict[str, str] | None
    created: str = field(default_factory=lambda: now_text())
    versions: dict[str, str] = field(default_factory=lambda: _versions())

    def differences(self, other: Job) -> list[str]:
        """Say in what they are not the same job, as "own, not other's"."""
        if self.spider != other.spider:
            return [f"spider {self.spider!r}, not {other.spider!r}"]
        if self.arguments is None or other.arguments is None:
            return []
        return [
            _difference(name, self.arguments.get(name), other.arguments.get(name))
            for name in sorted({*self.arguments, *other.arguments})
            if self.arguments.get(name) != other.arguments.get(name)
        ]


@dataclass(frozen=True)
class Status:
    """How a job stands, why, and since when (ISO 8601, UTC)."""

    state: State
    reason: str = ""
    since: str = ""


def spider_arguments(crawler: Crawler) -> dict[str, str] | None:
    """Find out what arguments a spider was given; None if they are not to be found.

    Scrapy hands them to the spider's constructor and forgets them. ``Crawler.crawl`` has them,
    which is at work while extensions are built.
    """
    frame = inspect.currentframe()
    while frame is not None:
        if frame.f_code in _CRAWLS and frame.f_locals.get("self") is crawler:
            given = frame.f_locals["kwargs"]
            return {name: _text(value) for name, value in given.items()}
        frame = frame.f_back
    return None


def check_job(store: Store, job: Job) -> bool:
    """Return whether the store has this job already; False if it has none.

    Raises:
        OtherJob: it has another one.
    """
    known = read_job(store)
    if known is not None and (differences := known.differences(job)):
        raise OtherJob(f"the job was started with {'; '.join(differences)}")
    return known is not None


def start_job(store: Store, job: Job) -> None:
    """Note that the job runs.

    Raises:
        OtherJob: the store is that of another one. Nothing was changed.
    """
    if not check_job(store, job):
        store.set_value(JOB, json.dumps(asdict(job)).encode())
    _set_status(store, Status(State.RUNNING, since=now_text()))


def end_job(store: Store, reason: str) -> None:
    """Note that the job has ended, and why, in Scrapy's words."""
    state = State.FINISHED if reason == DONE else State.STOPPED
    _set_status(store, Status(state, reason, now_text()))


def read_job(store: HasValues) -> Job | None:
    """Return whose store it is, None if nobody's yet.

    Raises:
        StoreDamaged: it does not say.
    """
    return None if (value := store.value(JOB)) is None else parse_job(value)


def parse_job(value: bytes) -> Job:
    """Read the value named ``JOB``.

    Raises:
        StoreDamaged: it is none.
    """
    try:
        known = json.loads(value)
        job = Job(**{name: known[name] for name in _FIELDS})
    except (ValueError, KeyError, TypeError):
        raise StoreDamaged("the description of the job cannot be read") from None
    if not (isinstance(job.spider, str) and isinstance(job.arguments, dict | None)):
        raise StoreDamaged("the description of the job cannot be read")
    return job


def read_status(store: HasValues, *, is_in_use: bool) -> Status:
    """Say how the job stands; ``is_in_use`` tells whether a process has the store open."""
    value = store.value(STATUS)
    return Status(State.STOPPED) if value is None else parse_status(value, is_in_use=is_in_use)


def parse_status(value: bytes, *, is_in_use: bool) -> Status:
    """Read the value named ``STATUS``: what says to be running, and is not in use, was killed.

    Raises:
        StoreDamaged: it is none.
    """
    try:
        known = json.loads(value)
        status = Status(State(known["state"]), known["reason"], known["since"])
    except (ValueError, KeyError, TypeError):
        raise StoreDamaged("the state of the job cannot be read") from None
    if status.state is State.RUNNING and not is_in_use:
        return Status(State.KILLED, status.reason, status.since)
    return status


def _set_status(store: Store, status: Status) -> None:
    record = {"state": status.state.value, "reason": status.reason, "since": status.since}
    store.set_value(STATUS, json.dumps(record).encode())


def _difference(name: str, known: str | None, given: str | None) -> str:
    if known is None:
        return f"no argument {name}, not with {name}={given}"
    if given is None:
        return f"{name}={known}, not without"
    return f"{name}={known}, not {name}={given}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else repr(value)


def now_text() -> str:
    """Return the time as it is kept: ISO 8601, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # run from its sources
            continue
    return found


# The first is a generator inside of Twisted's wrapper.
_CRAWLS = (
    inspect.unwrap(Crawler.crawl).__code__,
    inspect.unwrap(Crawler.crawl_async).__code__,
)
