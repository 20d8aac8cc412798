"""``scrapy crawl``: Scrapy's own with all its options, and an exit status that can be trusted.

0: the crawl did its job; what that means is the spider's to say. 1: it did not. 2: the command
was wrong, and nothing was requested. 130: Ctrl-C or SIGTERM.
"""

from __future__ import annotations

import gc
import logging
import sys
from asyncio import Task
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from scrapy import signals
from scrapy.commands.crawl import Command as ScrapyCrawl
from scrapy.exceptions import UsageError
from scrapy.spiderloader import get_spider_loader
from scrapy.utils.log import get_scrapy_root_handler
from twisted.internet.defer import Deferred

from netcrawl.arguments import read_arguments, unknown
from netcrawl.extensions.progress import LiveProgress
from netcrawl.frontier.store import StoreError
from netcrawl.number_settings import check_numbers
from netcrawl.outcome import FAILED, INTERRUPTED, USAGE, CrawlWatch, Outcome
from sockettools.standard_streams import restore_standard_streams, write_standard_output
from sockettools.text import visible

if TYPE_CHECKING:
    import argparse
    from collections.abc import Awaitable

    from scrapy import Spider
    from twisted.python.failure import Failure

logger = logging.getLogger(__name__)


class Command(ScrapyCrawl):
    """Named after its module: ``crawl``."""

    # Spiders need not log why they did not do their job: the last line tells.
    default_settings: ClassVar[dict[str, Any]] = {"CRAWL_TELLS_OUTCOME": True}

    def short_desc(self) -> str:
        """Say what Scrapy's list of commands shows."""
        return "Run a spider; the exit status tells whether it did its job"

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        """Check the command line before Scrapy starts anything, and exit with 2 if it is wrong."""
        restore_standard_streams()
        try:
            super().process_options(args, opts)
            self._check_log()
            self._check(args, opts.spargs)
        except UsageError as exc:
            _complain(str(exc))
            sys.exit(USAGE)
        except OSError as exc:  # the log file, the file of --pidfile
            _complain(f"{exc.filename} cannot be written: {exc.strerror or exc}")
            sys.exit(FAILED)

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        """Crawl, and set ``exitcode``."""
        assert self.crawler_process is not None  # set in scrapy.cmdline
        name = args[0]
        try:
            crawler = self._create_crawler(name)
            watch = CrawlWatch(crawler)
            crawler.signals.connect(_freeze, signals.spider_opened)
            crashes = _collect_crashes(self.crawler_process.crawl(crawler, **opts.spargs))
            self.crawler_process.start()
            LiveProgress.process_stopped()
        except KeyboardInterrupt:  # before Scrapy handles signals, or after
            outcome = Outcome(INTERRUPTED, "interrupted")
        else:
            outcome = _crash_outcome(crashes[0]) if crashes else watch.outcome()
        self.exitcode = outcome.status
        if outcome.problem:
            self._tell(name, outcome.problem)
        if outcome.answer is not None and not self._feed_on_stdout():
            self._print(outcome.answer)

    def _check_log(self) -> None:
        """Raise UsageError or OSError for a log that Scrapy could not write."""
        assert self.settings is not None  # set in scrapy.cmdline
        level = self.settings["LOG_LEVEL"]
        names = logging.getLevelNamesMapping()
        if not (isinstance(level, int) or level in names or str(level).isdecimal()):
            raise UsageError(f"there is no log level {level!r}: there are {', '.join(names)}")
        if str(level).isdecimal():
            self.settings.set("LOG_LEVEL", int(level), priority="cmdline")
        if path := self.settings["LOG_FILE"]:
            with Path(path).open("a"):
                pass

    def _check(self, args: list[str], spider_arguments: dict[str, str]) -> None:
        """Raise UsageError for what cannot be crawled."""
        if unknown := [word for word in args if word.startswith("-")]:
            raise UsageError(f"there is no option {unknown[0]}: see scrapy crawl --help")
        if len(args) > 1:
            raise UsageError(f"one spider at a time, not {len(args)}: {' '.join(args)}")
        spider = self._load_spider(*args)
        if hasattr(spider, "arguments"):
            read_arguments(spider.arguments, spider_arguments)
        assert self.settings is not None  # set in scrapy.cmdline
        settings = self.settings.copy()
        spider.update_settings(settings)
        check_numbers(settings)
        if self._feed_on_stdout() and sys.__stdout__ is None:
            raise UsageError("a feed goes to standard output, which is closed")

    def _load_spider(self, name: str = "") -> type[Spider]:
        assert self.settings is not None  # set in scrapy.cmdline
        try:
            loader = get_spider_loader(self.settings)
        except ModuleNotFoundError as exc:
            if exc.name in self.settings.getlist("SPIDER_MODULES"):
                raise UsageError(f"SPIDER_MODULES: there is no module {exc.name!r}") from None
            raise
        names = sorted(loader.list())
        if not name:
            raise UsageError(f"name a spider: there are {', '.join(names)}")
        try:
            return loader.load(name)
        except KeyError:
            raise UsageError(unknown("spider", name, names)) from None

    def _tell(self, name: str, problem: str) -> None:
        """Write the line into the log, and also to standard error where the log goes elsewhere."""
        logging.getLogger(name).error("%s", problem)
        handler = get_scrapy_root_handler()
        if not (
            isinstance(handler, logging.StreamHandler)
            and handler.stream is sys.stderr
            and handler.level <= logging.ERROR
        ):
            _complain(problem)

    def _feed_on_stdout(self) -> bool:
        assert self.settings is not None  # set in scrapy.cmdline
        return any(str(uri).startswith("stdout:") for uri in self.settings.getdict("FEEDS"))

    def _print(self, answer: str) -> None:
        try:
            problem = write_standard_output(lambda stream: stream.write(f"{visible(answer)}\n"))
        except BrokenPipeError as exc:  # of its one line, nobody can have had enough
            problem = f"cannot write to standard output: {exc.strerror}"
        if problem:
            _complain(problem)
            self.exitcode = FAILED


def _collect_crashes(crawl: Awaitable[None]) -> list[BaseException]:
    """Return a list that gets the exception that ends ``crawl``, if one does.

    It comes from outside the callbacks: a constructor, a component, a setting.
    """
    crashes: list[BaseException] = []
    if isinstance(crawl, Deferred):
        crawl.addErrback(_append_failure, crashes)
    elif isinstance(crawl, Task):
        crawl.add_done_callback(partial(_append_exception, crashes=crashes))
    return crashes


def _append_failure(failure: Failure, crashes: list[BaseException]) -> None:
    if failure.value is not None:
        crashes.append(failure.value)


def _append_exception(task: Task[None], crashes: list[BaseException]) -> None:
    if not task.cancelled() and (error := task.exception()):
        crashes.append(error)


def _crash_outcome(error: BaseException) -> Outcome:
    if isinstance(error, UsageError):
        return Outcome(USAGE, str(error))
    if isinstance(error, StoreError):
        return Outcome(FAILED, str(error))
    logger.error("The crawl could not be started", exc_info=error)
    return Outcome(FAILED, f"the crawl could not be started: {error}")


def _freeze() -> None:
    # What is there when a crawl begins, mostly modules, stays to its end. The garbage collector
    # would look through all of it again and again: a fortieth of the CPU of a crawl.
    gc.freeze()


def _complain(problem: str) -> None:
    print(f"scrapy crawl: {problem}", file=sys.stderr)
