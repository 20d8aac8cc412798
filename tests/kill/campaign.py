"""Kill a crawl again and again, let the last run finish, and compare with one that was not killed.

What is compared with is a crawl without JOBDIR, by Scrapy's own scheduler.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from tests.kill.deaths import RUN_SECONDS, Death, carry_out, draw
from tests.kill.runs import Run, Shape
from tests.kill.subjects import SUBJECTS, Subject, read_feed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kill.site import Log, Site

# Requests under way, and those done since the last commit, of the frontier in these crawls.
CONCURRENT = 8
COMMIT_COUNT = 10


@dataclass(frozen=True)
class Keeper:
    """What keeps a crawl's state: ours, or what Scrapy has."""

    name: str
    settings: dict[str, str] = field(default_factory=dict)
    is_ours: bool = False


KEEPERS = {
    keeper.name: keeper
    for keeper in (
        Keeper("frontier", {"FRONTIER_COMMIT_COUNT": str(COMMIT_COUNT)}, is_ours=True),
        Keeper("jobdir"),
        Keeper(
            "jobdir-sqlite",
            {"SCHEDULER_DISK_QUEUE": "scrapy.squeues.PickleLifoSQLiteQueue"},
        ),
    )
}


@dataclass
class Result:
    """How a campaign ended. ``again`` counts requests beyond those of an unbroken crawl."""

    subject: str
    seed: str
    planned: int
    kills: int = 0
    deaths: list[str] = field(default_factory=list)
    pages_missing: int = 0
    items_missing: int = 0
    items_twice: int = 0
    again: int = 0
    faults: list[str] = field(default_factory=list)
    errors: str = ""


@dataclass(frozen=True)
class Reference:
    """What an unbroken crawl has in its feed, asks for, stores, and ends with."""

    items: Counter[str]
    requests: Counter[str]
    files: dict[str, str]
    status: int
    shape: Shape


class Harness:
    """Runs campaigns in a folder, one after the other, against one site."""

    def __init__(
        self, site: Site, folder: Path, keeper: Keeper, keep_folders: bool = False
    ) -> None:
        self._site = site
        self._folder = folder
        self._keeper = keeper
        self._keep_folders = keep_folders
        self._references: dict[str, Reference] = {}

    def reference(self, subject: Subject) -> Reference:
        """Return what the crawl ends with that is not killed."""
        if subject.name not in self._references:
            self._references[subject.name] = self._make_reference(subject)
        return self._references[subject.name]

    def campaign(self, subject: Subject, seed: str, kills: int) -> Result:
        """Kill a crawl up to ``kills`` times; it is over sooner when it finishes in between."""
        reference = self.reference(subject)
        rng = Random(f"{subject.name} {seed}")
        return self._campaign(
            subject, seed, [draw(rng, reference.shape) for _ in range(kills)], rng
        )

    def planned(self, subject: Subject, *deaths: Death) -> Result:
        """Let a crawl die these deaths."""
        return self._campaign(subject, "planned", list(deaths), Random(0))

    def _campaign(self, subject: Subject, seed: str, deaths: list[Death], rng: Random) -> Result:
        reference = self.reference(subject)
        result = Result(subject.name, seed, len(deaths))
        folder = self._new_folder(subject, seed)
        log = self._site.begin()
        errors: list[str] = []
        try:
            for death in deaths:
                result.deaths.append(str(death))
                run = self._start(subject, folder, log, self._keeper, death.step)
                has_died = carry_out(death, run, rng)
                errors += [f"--- {death}\n", *run.errors]
                if not has_died:
                    result.deaths[-1] += " (was over)"
                    break
                result.kills += 1
            run = self._start(subject, folder, log, self._keeper)
            status = run.wait(RUN_SECONDS)
            errors += ["--- last run\n", *run.errors]
        except TimeoutError as exc:
            result.faults.append(str(exc))
        else:
            if self._keeper.is_ours and status != reference.status:
                result.faults.append(f"exit status {status}, not {reference.status}")
            self._compare(subject, folder, log, reference, result)
        result.errors = "".join(errors)
        if not (self._keep_folders and result.faults):
            shutil.rmtree(folder)
        return result

    def _compare(
        self, subject: Subject, folder: Path, log: Log, reference: Reference, result: Result
    ) -> None:
        try:
            items = read_feed(folder / self._feed(subject), subject.normal)
        except ValueError as exc:
            items = Counter()
            result.faults.append(f"the feed is not valid: {exc}")
        if subject.pages is not None:
            self._compare_number(subject, items, result)
            return
        requests = log.counts()
        result.items_missing = (reference.items - items).total()
        more = items - reference.items
        result.items_twice = sum(n for item, n in more.items() if item in reference.items)
        result.pages_missing = len(reference.requests.keys() - requests.keys())
        result.again = (requests - reference.requests).total()
        faults = {
            "items are missing": result.items_missing,
            "items are there twice": result.items_twice,
            "items are in no unbroken crawl": more.total() - result.items_twice,
            "pages were not asked for": result.pages_missing,
            "pages were asked for that no unbroken crawl asks for": len(
                requests.keys() - reference.requests.keys()
            ),
        }
        result.faults += [f"{number} {what}" for what, number in faults.items() if number]
        bound = result.kills * (CONCURRENT + COMMIT_COUNT) * subject.weight
        if result.again > bound and not subject.may_repeat:
            result.faults.append(f"{result.again} requests were made again, over {bound}")
        for what in requests - reference.requests:
            runs = Counter(fetch.run for fetch in log.fetches if fetch.what == what)
            if max(runs.values()) > reference.requests[what] and not subject.may_repeat:
                result.faults.append(f"{what} was asked for again in one run")
        if subject.store and reference.files != _files(folder / subject.store):
            result.faults.append("the stored files differ")
        if result.faults and more:
            result.faults.append(f"for instance {next(iter(more))}")
        elif result.faults and result.items_missing:
            result.faults.append(f"for instance {next(iter(reference.items - items))}")

    def _compare_number(self, subject: Subject, items: Counter[str], result: Result) -> None:
        """Compare where it is a matter of time which pages come: no more of them, and no fewer."""
        pages = {json.loads(item)["page"] for item in items}
        result.pages_missing = max(0, (subject.pages or 0) - len(pages))
        result.items_twice = items.total() - len(items)
        if len(pages) != subject.pages or result.items_twice:
            result.faults.append(
                f"{len(pages)} pages, not {subject.pages}; {result.items_twice} items twice"
            )

    def _make_reference(self, subject: Subject) -> Reference:
        folder = self._new_folder(subject, "reference")
        log = self._site.begin()
        run = self._start(subject, folder, log, None)
        startup = run.startup()
        status = run.wait(RUN_SECONDS)
        items = read_feed(folder / self._feed(subject), subject.normal)
        if not items:
            raise RuntimeError(f"{subject.name} has no items: {''.join(run.errors)}")
        files = _files(folder / subject.store) if subject.store else {}
        requests = log.counts()
        shutil.rmtree(folder)

        # How many steps there are is another matter with a JOBDIR.
        folder = self._new_folder(subject, "steps")
        steps = folder / "steps.json"
        log = self._site.begin()
        self._start(subject, folder, log, self._keeper, f"count:{steps}").wait(RUN_SECONDS)
        shape = Shape(startup, requests.total(), json.loads(steps.read_text()))
        shutil.rmtree(folder)
        return Reference(items, requests, files, status, shape)

    def _new_folder(self, subject: Subject, seed: str) -> Path:
        folder = self._folder / f"{self._keeper.name}-{subject.name}-{seed}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder.resolve()

    def _feed(self, subject: Subject) -> str:
        # With Scrapy's JOBDIR, each run writes anew what is not appended to, and what is appended
        # to an array is not valid: this is the best that its users can do.
        return subject.feed if self._keeper.is_ours else "feed.jsonl"

    def _start(
        self, subject: Subject, folder: Path, log: Log, keeper: Keeper | None, step: str = "-"
    ) -> Run:
        def filled(text: str) -> str:
            return text.format(site=self._site.url, folder=folder)

        settings = {name: filled(value) for name, value in subject.settings.items()}
        option = "-O"
        environment = {}
        if keeper is not None:
            settings |= keeper.settings | {"JOBDIR": str(folder / "job")}
            if keeper.is_ours:
                environment["KILL_FRONTIER"] = "1"
            else:
                option = "-o"
        command = ["crawl", *map(filled, subject.arguments)]
        command += [option, str(folder / self._feed(subject))]
        for name, value in settings.items():
            command += ["-s", f"{name}={value}"]
        return Run(step, command, cwd=subject.cwd, folder=folder, log=log, environment=environment)


def _files(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file below a folder, hidden ones left out.

    Of a page that shows them, whose order is a matter of time, return how many it shows.
    """
    return {
        str(path.relative_to(folder)): _shown(path.read_bytes())
        if path.suffix == ".html"
        else hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and not any(part[0] == "." for part in path.relative_to(folder).parts)
    }


def _shown(page: bytes) -> str:
    return f"{page.count(b'<figure>')} figures"


def subjects(names: str | None) -> list[Subject]:
    """Return those of a comma-separated list, or all.

    Raises:
        KeyError: there is none of a name.
    """
    return [SUBJECTS[name] for name in names.split(",")] if names else list(SUBJECTS.values())
