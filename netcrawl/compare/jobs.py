"""The same job by hand and as a spider: what each way answers, asks for, and costs.

A job is done by small programs (``programs``), and by the spider of this project that does it
already. All of them run as processes of their own, with all of their connections going through the
recording relay, which also plays a network on which a round trip takes its time.
"""

from __future__ import annotations

import random
import re
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from netcrawl.compare.job_answers import code_lines, difference, lines_of
from netcrawl.compare.job_words import words
from netcrawl.compare.measuring import MeasuringError, background, environment, measure
from netcrawl.compare.relay import Relay
from netcrawl.compare.result import Spread, spread_of
from sockettools.text import visible
from sockettools.url import is_loopback, parse_http_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from netcrawl.compare.measuring import Measured
    from netcrawl.compare.recording import Recording

# Seconds that a round trip takes; half of that is the relay's delay, each way.
ROUND_TRIPS = (0.0, 0.02, 0.2)

# Seconds that a program may take, and what it may answer. What is asked for by hand, without a
# limit of its own, must not keep anybody waiting for ever.
TIMEOUT = 120.0
MAX_ANSWER = 16 * 1024 * 1024

_NO_ANSWER = "it has no answer"

PROGRAMS = Path(__file__).with_name("programs")
SOCKETS, LIBRARY, SPIDER, CRAWL = "sockets", "sockettools", "spider", "scrapy crawl"


@dataclass(frozen=True)
class Job:
    """A job: where it starts on the practice web, and what its programs are told.

    ``parameters`` follow the URL, in this order; a spider gets them by name. ``fields`` are what
    the spider of the program yields for a line; ``crawl`` is this project's spider with its own
    arguments, and ``crawl_fields`` what that has to be a line.
    """

    name: str
    what: str
    path: str
    fields: tuple[str, ...]
    parameters: Mapping[str, str] = field(default_factory=dict)
    is_ordered: bool = True
    crawl: tuple[str, ...] = ()
    crawl_fields: tuple[str, ...] = ()


def the_jobs(position: int = 18, count: int = 7, pages: int = 24) -> dict[str, Job]:
    """Return all jobs by their names; ``pages`` is the size of the practice web's site."""
    jobs = (
        Job(
            "follow",
            f"follow the link at position {position}, {count} times",
            "/known_by_Samuel.html",
            ("url",),
            {"position": str(position), "count": str(count)},
            crawl=("follow", "-a", f"position={position}", "-a", f"count={count}"),
            crawl_fields=("url",),
        ),
        Job(
            "words",
            "count the words of a page, as they stand between white space",
            "/romeo.txt",
            ("word", "count"),
            is_ordered=False,
            crawl=("words", "-a", "tokens=split"),
            crawl_fields=("word", "count"),
        ),
        Job(
            "links",
            "list where the links of a page lead",
            "/book.htm",
            ("url",),
            crawl=("links",),
            crawl_fields=("url",),
        ),
        Job(
            "images",
            "save the pictures of a page",
            "/gallery/2.html",
            ("url", "size", "sha256"),
            is_ordered=False,
            crawl=("images",),
            crawl_fields=("url", "bytes", "sha256"),
        ),
        Job(
            "crawl",
            "visit all pages below a URL",
            f"/site/{pages}/",
            ("url", "size"),
            is_ordered=False,
        ),
    )
    return {job.name: job for job in jobs}


JOBS = tuple(the_jobs().values())


@dataclass(frozen=True)
class WallTime:
    """Seconds by the clock that a job takes where a round trip takes ``round_trip`` seconds.

    ``network`` is the part of them from the first connection's beginning to the last octet of an
    answer: without the start of Python and of Scrapy.
    """

    round_trip: float
    seconds: Spread
    network: Spread


@dataclass(frozen=True)
class JobWay:
    """One way to do the job.

    ``lines`` are those of code that somebody has to write, of ``source``; none where there is a
    command already. ``requests``, of which so many are for ``robots``.txt, ``connections`` and
    octets are those of the first run. ``cpu`` (seconds) and ``peak`` (octets) are of the runs
    without a delay, the start of Python included. ``difference`` is where its answer is not that of
    the first way, and ``problem`` why there is none, "" for neither. ``failed_runs`` brought no
    answer or another one than the first run, and are in no figure.
    """

    name: str
    description: str
    lines: int
    source: str
    answer: int
    difference: str
    problem: str
    requests: int = 0
    robots: int = 0
    connections: int = 0
    sent: int = 0
    received: int = 0
    cpu: Spread | None = None
    peak: Spread | None = None
    wall: tuple[WallTime, ...] = ()
    failed_runs: int = 0


@dataclass(frozen=True)
class JobComparison:
    """What was found: ``what`` is the job in words, ``answer`` the number of lines of it."""

    job: str
    what: str
    url: str
    runs: int
    ways: tuple[JobWay, ...]
    notes: tuple[str, ...] = ()

    @property
    def is_comparable(self) -> bool:
        """Whether all ways gave the same answer."""
        return not any(way.difference or way.problem for way in self.ways)

    @property
    def is_sound(self) -> bool:
        """Whether they did so in every run."""
        return self.is_comparable and not any(way.failed_runs for way in self.ways)

    @property
    def words(self) -> tuple[str, ...]:
        """What the figures show, in sentences."""
        return tuple(words(self.ways)) if self.is_comparable else ()

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "format": 1,
            "kind": "job",
            **asdict(self),
            "is_comparable": self.is_comparable,
            "is_sound": self.is_sound,
            "words": list(self.words),
        }


@dataclass(frozen=True)
class _Run:
    """A run that brought the right answer, and its seconds on the network."""

    done: Measured
    network: float


@dataclass
class _Entry:
    """A way while it is being measured; ``command`` is what the relay runs."""

    name: str
    description: str
    command: tuple[str, ...]
    fields: tuple[str, ...]
    source: str = ""
    answer: tuple[str, ...] = ()
    problem: str = ""
    recording: Recording | None = None
    failed_runs: int = 0
    runs: dict[float, list[_Run]] = field(default_factory=dict)


def compare_job(
    job: Job,
    url: str | None,
    runs: int,
    told: Callable[[str], None] = lambda _: None,
    *,
    round_trips: Sequence[float] = ROUND_TRIPS,
    timeout: float = TIMEOUT,
    settings: Sequence[str] = (),
) -> JobComparison:
    """Do the job in every way, on the practice web without ``url``.

    ``settings`` are Scrapy's, as NAME=VALUE; ``timeout`` is for each run of a program.

    Raises:
        MeasuringError: the practice web or the relay cannot be started.
    """
    with ExitStack() as stack:
        if url is None:
            url = urljoin(stack.enter_context(_practice_web()), job.path)
        folder = stack.enter_context(TemporaryDirectory(prefix="netcrawl-"))
        entries, notes = _entries(job, url, settings)
        try:
            relays = {trip: stack.enter_context(Relay(trip / 2)) for trip in round_trips}
        except OSError as exc:
            raise MeasuringError(f"the relay cannot be started: {exc}") from None
        told(f"{job.what}: {', '.join(entry.name for entry in entries)}")
        first = relays[round_trips[0]]
        for entry in entries:
            _try_out(entry, job, first, Path(folder), timeout)
        for trip, relay in relays.items():
            for number in range(1, runs + 1):
                told(f"round trips of {trip * 1000:g} ms: run {number} of {runs}")
                for entry in random.sample(entries, len(entries)):
                    if not entry.problem:
                        _time(entry, job, relay, trip, Path(folder), timeout)
    if not is_loopback(parse_http_url(url).host) and any(e.name == CRAWL for e in entries):
        notes.append(
            "Scrapy asks for robots.txt first, and waits DOWNLOAD_DELAY seconds (1, in this "
            "project) between two requests to a host that is not this machine."
        )
    right = next((entry for entry in entries if not entry.problem), entries[0])
    ways = tuple(_way(entry, right, job, round_trips[0]) for entry in entries)
    return JobComparison(job.name, job.what, url, runs, ways, tuple(notes))


def _entries(job: Job, url: str, settings: Sequence[str]) -> tuple[list[_Entry], list[str]]:
    """Return the ways there are for a job, and notes on those that there are not."""
    sockets, library, spider = (
        PROGRAMS / f"{job.name}_{kind}.py" for kind in ("sockets", "library", "spider")
    )
    arguments = (url, *job.parameters.values())
    named = [("url", url), *job.parameters.items()]
    spargs = tuple(word for name, value in named for word in ("-a", f"{name}={value}"))
    # So that nothing but the answer is on standard output, and nothing on standard error but why
    # there is none.
    feed = ["-o", "-:jsonl", "-s", "LOG_LEVEL=ERROR", "-s", "LOG_FORMAT=%(message)s"]
    for setting in settings:
        feed += ["-s", setting]
    entries = [
        *(
            _Entry(
                name,
                description,
                (f"netcrawl.compare.programs.{program.stem}", *arguments),
                (),
                program.read_text(encoding="utf-8"),
            )
            for name, description, program in (
                (SOCKETS, "by hand, with the standard library", sockets),
                (LIBRARY, "by hand, with sockettools", library),
            )
        ),
        _Entry(
            SPIDER,
            "a spider, run by scrapy runspider",
            ("scrapy", "runspider", str(spider), *spargs, *feed),
            job.fields,
            spider.read_text(encoding="utf-8"),
        ),
    ]
    if job.name == "images" and find_spec("PIL") is None:
        return entries, ["scrapy crawl images is left out: it needs Pillow (pip install pillow)"]
    if job.crawl:
        name, *words = job.crawl
        entries.append(
            _Entry(
                CRAWL,
                f"this project's spider, scrapy crawl {name}",
                ("scrapy", "crawl", name, "-a", f"url={url}", *words, *feed),
                job.crawl_fields,
            )
        )
    return entries, []


def _try_out(entry: _Entry, job: Job, relay: Relay, folder: Path, timeout: float) -> None:
    """Run it once, not for the time: for its answer, and for what it asks for."""
    try:
        done = _run(entry, relay, folder, timeout)
        entry.answer = _answer(entry, job, done)
    except MeasuringError as exc:
        entry.problem = str(exc)
    entry.recording = relay.take()
    if entry.problem == _NO_ANSWER and (refusal := _refusal(entry.recording)):
        # Scrapy passes such a page over, without an error.
        entry.problem += f": the server said {refusal}"


def _refusal(recording: Recording) -> str:
    """Return the status line that came last, if it is that of an error, else ""."""
    turns = [turn for connection in recording.connections for turn in connection.turns]
    answered = [turn for turn in turns if turn.first is not None]
    if not answered:
        return ""
    line = max(answered, key=lambda turn: turn.begun).octets(sent=False)[:80].split(b"\r\n")[0]
    return visible(line.decode("latin-1")) if re.match(rb"HTTP/1\.[01] [45]", line) else ""


def _time(entry: _Entry, job: Job, relay: Relay, trip: float, folder: Path, timeout: float) -> None:
    try:
        done = _run(entry, relay, folder, timeout)
        is_right = _answer(entry, job, done) == entry.answer
    except MeasuringError:
        is_right = False
    recording = relay.take()
    if is_right and recording.begun is not None and recording.heard is not None:
        run = _Run(done, recording.heard - recording.begun)
        entry.runs.setdefault(trip, []).append(run)
    else:
        entry.failed_runs += 1


def _run(entry: _Entry, relay: Relay, folder: Path, timeout: float) -> Measured:
    return measure(
        relay.command(*entry.command),
        timeout=timeout,
        cwd=folder,
        env={
            **relay.environment(),
            "SCRAPY_SETTINGS_MODULE": "netcrawl.settings",
            # An answer is the same on every machine.
            "PYTHONIOENCODING": "utf-8",
        },
        max_output=MAX_ANSWER,
    )


def _answer(entry: _Entry, job: Job, done: Measured) -> tuple[str, ...]:
    if done.status:
        raise MeasuringError(done.problem)
    try:
        lines = lines_of(done.stdout, entry.fields, is_ordered=job.is_ordered)
    except ValueError:
        raise MeasuringError("its output is not JSON") from None
    if not lines:
        raise MeasuringError(f"{_NO_ANSWER}{f': {done.problem}' if done.errors else ''}")
    return lines


def _way(entry: _Entry, right: _Entry, job: Job, shortest: float) -> JobWay:
    recording = entry.recording
    assert recording is not None  # it was tried out
    undelayed = entry.runs.get(shortest, [])
    differs = ""
    if not entry.problem:
        differs = difference(right.answer, entry.answer, is_ordered=job.is_ordered)
    robots = [
        turn
        for connection in recording.connections
        for turn in connection.turns
        if turn.octets(sent=True).startswith(b"GET /robots.txt ")
    ]
    return JobWay(
        name=entry.name,
        description=entry.description,
        lines=code_lines(entry.source) if entry.source else 0,
        source=entry.source,
        answer=len(entry.answer),
        difference=differs,
        problem=entry.problem,
        requests=recording.requests,
        robots=len(robots),
        connections=recording.opened,
        sent=recording.sent,
        received=recording.received,
        cpu=spread_of([run.done.cpu for run in undelayed]) if undelayed else None,
        peak=spread_of([float(run.done.peak) for run in undelayed]) if undelayed else None,
        wall=tuple(
            WallTime(
                trip,
                spread_of([run.done.wall for run in runs]),
                spread_of([run.network for run in runs]),
            )
            for trip, runs in entry.runs.items()
        ),
        failed_runs=entry.failed_runs,
    )


@contextmanager
def _practice_web() -> Iterator[str]:
    """Serve the practice web in a process of its own; yield its URL."""
    command = (sys.executable, "-m", "sockettools", "practice", "--port", "0", "--quiet")
    with background(command, env=environment()) as process:
        words = process.first_line.split()
        yield next(word for word in words if word.startswith("http://"))
