"""What a person wants to know when a crawl is over: what happened, where it is, what comes next."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from scrapy.extensions.feedexport import FeedExporter
from w3lib.url import file_uri_to_path

from sockettools.units import clock_text, counted, octets_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scrapy.crawler import Crawler

    from netcrawl.extensions.tally import Progress

# Scrapy's settings that name a folder of what was downloaded.
STORES = ("FILES_STORE", "IMAGES_STORE")

# Feeds that a report can be made of.
_REPORTED = frozenset((".json", ".jsonl", ".jl", ".csv"))


def farewell(crawler: Crawler, progress: Progress, reason: str) -> Iterator[str]:
    """Yield three lines; ``reason`` is why the spider was closed."""
    yield _what_happened(progress, reason)
    places = list(_places(crawler))
    yield "Output: " + (", ".join(places) or "none was asked for")
    yield "Next: " + _next(crawler, reason)


def _what_happened(progress: Progress, reason: str) -> str:
    how = {"finished": "Finished", "shutdown": "Interrupted"}.get(reason, f"Closed ({reason})")
    errors = "no error" if not progress.errors else counted(progress.errors, "error")
    pages, items = counted(progress.pages, "page"), counted(progress.items, "item")
    return (
        f"{how} after {clock_text(progress.seconds)}: {pages}, {items}, "
        f"{octets_text(progress.octets)}, {errors}"
    )


def _places(crawler: Crawler) -> Iterator[str]:
    """Yield where the output is, and how large files are that were written here."""
    exporter = crawler.get_extension(FeedExporter)
    for slot in exporter.slots if exporter is not None else ():
        path = _local_path(slot.uri)
        if path is None:
            yield slot.uri
        elif path.is_file():
            yield f"{_shown(path)} ({octets_text(path.stat().st_size)})"
    # Our spiders name theirs themselves.
    stores = [getattr(crawler.spider, "store", None), *map(crawler.settings.get, STORES)]
    for store in stores:
        if isinstance(store, str | Path) and store and Path(store).is_dir():
            yield f"{_shown(Path(store))}/"


def _next(crawler: Crawler, reason: str) -> str:
    job = crawler.settings["JOBDIR"]
    spider = crawler.spider
    name = spider.name if spider else ""
    if reason != "finished":
        if job:
            return "the same command goes on where this one stopped"
        return f"with -s JOBDIR=jobs/{name}, a crawl that was stopped can go on"
    # Elsewhere than in this project there are only its parts.
    has_report = crawler.settings["COMMANDS_MODULE"] == "netcrawl.commands"
    if job and has_report:
        return _report(str(job))
    exporter = crawler.get_extension(FeedExporter)
    for slot in exporter.slots if exporter is not None else ():
        path = _local_path(slot.uri)
        if path is not None and path.is_file():
            if has_report and path.suffix in _REPORTED:
                return _report(_shown(path))
            return f"with -o instead of -O, the next crawl adds to {_shown(path)}"
    return f"scrapy crawl {name} -O {name}.json keeps the items"


def _report(source: str) -> str:
    return f"scrapy report {shlex.quote(source)} -O report.html"


def _local_path(uri: str) -> Path | None:
    if uri.startswith("file:"):
        return Path(file_uri_to_path(uri))
    return None if "://" in uri or uri.startswith("stdout:") else Path(uri)


def _shown(path: Path) -> str:
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
