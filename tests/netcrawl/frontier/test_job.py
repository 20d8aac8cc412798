"""What a folder remembers of its job, and which runs it takes for the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest
from scrapy import Spider
from scrapy.crawler import Crawler
from scrapy.utils.reactor import is_reactor_installed

from netcrawl.frontier.job import (
    JOB,
    STATUS,
    Job,
    OtherJob,
    State,
    Status,
    check_job,
    end_job,
    parse_job,
    parse_status,
    read_job,
    read_status,
    spider_arguments,
    start_job,
)
from netcrawl.frontier.store import StoreDamaged

if TYPE_CHECKING:
    from typing import Any, ClassVar

    from netcrawl.frontier.store import Store


class Values:
    """The part of a store that a job needs."""

    def __init__(self) -> None:
        self._values: dict[str, bytes] = {}

    def set_value(self, name: str, value: bytes) -> None:
        self._values[name] = value

    def value(self, name: str) -> bytes | None:
        return self._values.get(name)


@pytest.fixture
def store() -> Store:
    return cast("Store", Values())


def test_a_new_job_is_noted_and_runs(store: Store) -> None:
    job = Job("shop", {"kind": "books"})

    assert check_job(store, job) is False
    start_job(store, job)

    assert read_job(store) == job
    assert read_status(store, is_in_use=True).state is State.RUNNING


def test_the_same_job_is_taken_up_again(store: Store) -> None:
    start_job(store, Job("shop", {"kind": "books"}, created="before"))

    assert check_job(store, Job("shop", {"kind": "books"})) is True
    start_job(store, Job("shop", {"kind": "books"}))

    known = read_job(store)
    assert known is not None
    assert known.created == "before"


@pytest.mark.parametrize(
    ("given", "difference"),
    [
        pytest.param(Job("news", {}), "spider 'shop', not 'news'", id="spider"),
        pytest.param(
            Job("shop", {"kind": "toys", "n": "1"}), "kind=books, not kind=toys", id="value"
        ),
        pytest.param(Job("shop", {"n": "1"}), "kind=books, not without", id="missing"),
        pytest.param(
            Job("shop", {"kind": "books", "n": "1", "x": "2"}),
            "no argument x, not with x=2",
            id="more",
        ),
        pytest.param(
            Job("shop", {"kind": "toys", "n": "2"}),
            "kind=books, not kind=toys; n=1, not n=2",
            id="several",
        ),
    ],
)
def test_another_job_is_refused_and_the_difference_named(
    store: Store, given: Job, difference: str
) -> None:
    start_job(store, Job("shop", {"kind": "books", "n": "1"}))
    end_job(store, "shutdown")
    before = read_status(store, is_in_use=False)

    with pytest.raises(OtherJob) as refused:
        start_job(store, given)

    assert str(refused.value) == f"the job was started with {difference}"
    assert read_status(store, is_in_use=False) == before


def test_arguments_that_are_not_known_are_no_difference(store: Store) -> None:
    start_job(store, Job("shop", {"kind": "books"}))

    assert check_job(store, Job("shop", None)) is True


@pytest.mark.parametrize(
    ("reason", "is_in_use", "state"),
    [
        pytest.param(None, True, State.RUNNING, id="running"),
        pytest.param(None, False, State.KILLED, id="killed"),
        pytest.param("finished", False, State.FINISHED, id="finished"),
        pytest.param("finished", True, State.FINISHED, id="finished-and-closing"),
        pytest.param("shutdown", False, State.STOPPED, id="interrupted"),
        pytest.param("closespider_pagecount", False, State.STOPPED, id="closed-early"),
    ],
)
def test_states(store: Store, reason: str | None, is_in_use: bool, state: State) -> None:
    start_job(store, Job("shop", {}))
    if reason is not None:
        end_job(store, reason)

    status = read_status(store, is_in_use=is_in_use)

    assert status.state is state
    assert status.reason == (reason or "")
    assert status.since


def test_nobodys_store(store: Store) -> None:
    assert read_job(store) is None
    assert read_status(store, is_in_use=False) == Status(State.STOPPED)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(b"\xff", id="no-text"),
        pytest.param(b"[]", id="no-object"),
        pytest.param(b"{}", id="nothing"),
        pytest.param(
            b'{"spider": 1, "arguments": {}, "created": "", "versions": {}}', id="no-name"
        ),
        pytest.param(
            b'{"spider": "x", "arguments": "a", "created": "", "versions": {}}', id="no-arguments"
        ),
    ],
)
def test_a_description_that_is_none(store: Store, value: bytes) -> None:
    store.set_value(JOB, value)

    with pytest.raises(StoreDamaged, match="description of the job"):
        parse_job(value)
    with pytest.raises(StoreDamaged, match="description of the job"):
        start_job(store, Job("shop", {}))


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(b"running", id="no-json"),
        pytest.param(b'{"state": "asleep", "reason": "", "since": ""}', id="unknown"),
        pytest.param(b'{"state": "running"}', id="too-little"),
    ],
)
def test_a_status_that_is_none(store: Store, value: bytes) -> None:
    store.set_value(STATUS, value)

    with pytest.raises(StoreDamaged, match="state of the job"):
        parse_status(value, is_in_use=False)


class Greedy(Spider):
    """Takes what it is given, and keeps none of it."""

    name = "greedy"

    def __init__(self, *_: Any, **__: Any) -> None:
        super().__init__()


class Stopped(Exception):
    """There is no need to crawl."""


class Catching:
    """An extension that keeps what is found, and ends the crawl before it begins."""

    arguments: ClassVar[dict[str, str] | None] = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> None:
        cls.arguments = spider_arguments(crawler)
        raise Stopped


@pytest.mark.parametrize("method", ["crawl", "crawl_async"])
def test_a_spiders_arguments_are_found(method: str) -> None:
    Catching.arguments = None
    settings = {
        "EXTENSIONS": {Catching: 0},
        "TWISTED_REACTOR_ENABLED": is_reactor_installed(),  # whichever another test has left
        "TWISTED_REACTOR": "",
    }
    crawler = Crawler(Greedy, settings)

    started = getattr(crawler, method)(url="http://a.example/", number=3)
    if method == "crawl":
        started.addErrback(lambda failure: failure.trap(Stopped))
    else:
        with pytest.raises(Stopped):
            started.send(None)

    assert Catching.arguments == {"url": "http://a.example/", "number": "3"}


def test_arguments_of_a_spider_that_is_not_started_are_not_known() -> None:
    assert spider_arguments(Crawler(Greedy)) is None
