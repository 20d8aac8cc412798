"""``scrapy compare``: fetch URLs by hand, with libraries and through Scrapy, side by side.

Or do whole jobs (``--job``), or serve (``--server``): see ``compare_costs``. What is needed is
imported where it is: Scrapy imports the modules of all commands, for any of them.

0: every way got the same answer to everything. 1: they did not, or one got none, or the result
or the page could not be written. 2: the command was wrong. 130: Ctrl-C, SIGTERM or SIGHUP.
"""

from __future__ import annotations

import signal
import sys
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urljoin

from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError

from netcrawl.commands import compare_costs
from netcrawl.compare.measuring import MeasuringError
from netcrawl.outcome import DONE, FAILED, INTERRUPTED, USAGE
from netcrawl.report.errors import ReportError
from sockettools.standard_streams import (
    closed_standard_output,
    is_terminal,
    restore_standard_streams,
    write_standard_output,
)
from sockettools.text import visible
from sockettools.url import check_http_url, public_text

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator
    from typing import TextIO

    from netcrawl.compare.result import Comparison

# More tell nothing new, and take hours.
MAX_RUNS = 1_000
MAX_TIME = 3_600.0

# The page of the practice web that is compared where no URL is given.
PRACTICE_PAGE = "page1.htm"

# Seconds for a fetch.
MAX_FETCH = 30.0


class Command(ScrapyCommand):
    """Named after its module: ``compare``."""

    requires_project = True
    requires_crawler_process = False
    default_settings: ClassVar[dict[str, Any]] = {"LOG_ENABLED": False}

    def syntax(self) -> str:
        """Say what comes after the command."""
        return "[options] [URL...] | --job NAME [URL] | --server"

    def short_desc(self) -> str:
        """Say what Scrapy's list of commands shows."""
        return "Fetch URLs by hand, with libraries and by Scrapy, and show what each did and cost"

    def long_desc(self) -> str:
        """Say more, for --help."""
        return (
            "Fetch each URL by hand (a browser on a blocking socket), with urllib, with Twisted's "
            "Agent, and through Scrapy with each download handler that is installed; without a "
            "URL, a page of the practice web. Or do a job, or serve, in several ways. Exit status: "
            "0 every way got the same answer, 1 they did not, one got none, or the result or the "
            "page (--html) could not be written, 2 the command was wrong, 130 Ctrl-C."
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add ours."""
        super().add_options(parser)
        parser.add_argument(
            "--runs", metavar="N", default="3", help="time each way N times (3), in random order"
        )
        parser.add_argument(
            "--max-time",
            metavar="SECONDS",
            help="give each fetch so long (30), or with --job each program (120)",
        )
        parser.add_argument("--json", action="store_true", help="print the result as JSON")
        parser.add_argument(
            "--html",
            metavar="FILE",
            help="write an HTML page about it, too (pip install .[report])",
        )
        compare_costs.add_options(parser)

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        """Check the command line, and exit with 2 if it is wrong."""
        restore_standard_streams()
        try:
            super().process_options(args, opts)
            self._urls = [_url(text) for text in args]
            self._runs = _number("--runs", opts.runs, 1, MAX_RUNS, int)
            max_time = None
            if opts.max_time is not None:
                max_time = _number("--max-time", opts.max_time, 0.1, MAX_TIME, float)
            self._max_time = MAX_FETCH if max_time is None else max_time
            self._costs = compare_costs.costs_task(
                opts, self._urls, self._runs, max_time, tuple(opts.set)
            )
            if opts.html is not None:
                _check_html(opts.html)
        except UsageError as exc:
            _complain(str(exc))
            sys.exit(USAGE)
        except ReportError as exc:
            _complain(str(exc))
            sys.exit(FAILED)
        # Before what takes so long.
        if problem := closed_standard_output():
            _complain(problem)
            sys.exit(FAILED)

    def run(self, args: list[str], opts: argparse.Namespace) -> None:  # noqa: ARG002 - Scrapy's
        """Do it, and set ``exitcode``."""
        try:
            with _ended_as_by_ctrl_c():
                self.exitcode = self._compare(opts)
        except KeyboardInterrupt:
            _complain("interrupted")
            self.exitcode = INTERRUPTED
        except MeasuringError as exc:
            _complain(str(exc))
            self.exitcode = FAILED
        except OSError as exc:
            _complain(f"there is no relay: {exc.strerror or exc}")
            self.exitcode = FAILED

    def _compare(self, opts: argparse.Namespace) -> int:
        from netcrawl.compare.comparing import Plan, compare

        status = _StatusLine()
        with ExitStack() as stack:
            stack.callback(status.clear)
            if self._costs is not None:
                costs = self._costs(status.show)
                write = partial(compare_costs.print_costs, costs=costs, as_json=opts.json)
                is_right = costs.is_sound
                page = partial(_costs_page, costs)
            else:
                plan = Plan(self._runs, self._max_time, tuple(opts.set), status.show)
                comparison = compare(self._urls or [_practice_page(stack)], plan)
                write = partial(_write, comparison=comparison, as_json=opts.json)
                is_right = comparison.same
                page = partial(_comparison_page, comparison)
        printed = _print(write)
        # What took so long to find is shown, whatever becomes of the page.
        written = _write_html(opts.html, page) if opts.html is not None else DONE
        return printed or written or (DONE if is_right else FAILED)


class _StatusLine:
    """What is being done, where somebody waits for it at a terminal."""

    def __init__(self) -> None:
        self._is_on = is_terminal(sys.stderr)

    def show(self, what: str) -> None:
        if self._is_on:
            print(f"\r\x1b[K{visible(what)} ...", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        if self._is_on:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


@contextmanager
def _ended_as_by_ctrl_c() -> Iterator[None]:
    """Clean up where nobody is at the keyboard, too: ended by SIGTERM, or with its terminal.

    A signal that is ignored, as nohup has it, stays so.
    """
    known = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    before = {number: known[number] for number in known if known[number] is not signal.SIG_IGN}

    def interrupt(_number: int, _frame: object) -> None:
        # A shell and the system may both tell of a terminal that is closed: once is enough, and
        # what is being cleaned up is not to be interrupted.
        for number in before:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    for number in before:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _practice_page(stack: ExitStack) -> str:
    """Start the practice web, and return one of its pages."""
    from sockettools.practice import PracticeServer

    return urljoin(stack.enter_context(PracticeServer()).url, PRACTICE_PAGE)


def _url(text: str) -> str:
    if text.startswith("-"):
        raise UsageError(f"there is no option {text}: see scrapy compare --help")
    try:
        return check_http_url(text)
    except ValueError as exc:
        raise UsageError(f"URL {public_text(text)!r}: {exc}") from None


def _number(name: str, text: str, least: float, most: float, kind: type) -> Any:
    try:
        number = kind(text)
    except ValueError:
        number = None
    if number is None or not least <= number <= most:
        what = "a whole number" if kind is int else "seconds"
        raise UsageError(f"{name} is {text!r}, expected {what} from {least:g} to {most:g}")
    return number


def _write(stream: TextIO, comparison: Comparison, *, as_json: bool) -> None:
    from netcrawl.compare.result import to_json
    from netcrawl.compare.terminal import print_to

    if as_json:
        stream.write(to_json(comparison) + "\n")
    else:
        print_to(stream, comparison)


def _check_html(name: str) -> None:
    """See that there can be a page, before hours are spent on what it is to tell.

    Raises:
        UsageError: that is no name for it.
        ReportError: what it is made with is missing.
    """
    from netcrawl.report.writing import needs_extra

    path = Path(name)
    if not name or path.is_dir():
        raise UsageError(f"--html takes the name of a file, not {name!r}")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"--html {name}: there is no such folder")
    needs_extra()


def _comparison_page(comparison: Comparison) -> str:
    from netcrawl.report.comparison_page import comparison_page

    return comparison_page(comparison)


def _costs_page(costs: compare_costs.Costs) -> str:
    from netcrawl.report.costs_page import costs_page

    return costs_page(costs)


def _write_html(name: str, page: Callable[[], str]) -> int:
    from netcrawl.report.writing import write_page

    try:
        write_page(Path(name), page())
    except ReportError as exc:
        _complain(str(exc))
        return FAILED
    return DONE


def _print(write: Callable[[TextIO], None]) -> int:
    with suppress(BrokenPipeError):  # who read has enough
        if problem := write_standard_output(write):
            _complain(problem)
            return FAILED
    return DONE


def _complain(problem: str) -> None:
    print(f"scrapy compare: {visible(problem)}", file=sys.stderr)
