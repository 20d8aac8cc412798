"""``scrapy compare``: fetch URLs by hand, with libraries and through Scrapy, side by side.

0: every way got the same answer to every URL. 1: they did not, or one got none, or the result
could not be written. 2: the command was wrong. 130: Ctrl-C.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urljoin

from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError

from netcrawl.compare.comparing import Plan, compare
from netcrawl.compare.result import to_json
from netcrawl.compare.terminal import print_to
from netcrawl.outcome import DONE, FAILED, INTERRUPTED, USAGE
from sockettools.standard_streams import (
    discard_standard_output,
    is_terminal,
    restore_standard_streams,
)
from sockettools.text import visible
from sockettools.url import check_http_url

if TYPE_CHECKING:
    import argparse

    from netcrawl.compare.result import Comparison

# More tell nothing new, and take hours.
MAX_RUNS = 1_000
MAX_TIME = 3_600.0

# The page of the practice web that is compared where no URL is given.
PRACTICE_PAGE = "page1.htm"


class Command(ScrapyCommand):
    """Named after its module: ``compare``."""

    requires_project = True
    requires_crawler_process = False
    default_settings: ClassVar[dict[str, Any]] = {"LOG_ENABLED": False}

    def syntax(self) -> str:
        """Say what comes after the command."""
        return "[options] [URL...]"

    def short_desc(self) -> str:
        """Say what Scrapy's list of commands shows."""
        return "Fetch URLs by hand, with libraries and by Scrapy, and show what each did and cost"

    def long_desc(self) -> str:
        """Say more, for --help."""
        return (
            "Fetch each URL by hand (a browser on a blocking socket), with urllib, with Twisted's "
            "Agent, and through Scrapy with each download handler that is installed; without a "
            "URL, a page of the practice web. Exit status: 0 every way got the same answer, 1 "
            "they did not or one got none, 2 the command was wrong, 130 Ctrl-C."
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add ours."""
        super().add_options(parser)
        parser.add_argument(
            "--runs", metavar="N", default="3", help="time each way N times (3), in random order"
        )
        parser.add_argument(
            "--max-time", metavar="SECONDS", default="30", help="give each fetch so long (30)"
        )
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        """Check the command line, and exit with 2 if it is wrong."""
        restore_standard_streams()
        try:
            super().process_options(args, opts)
            self._urls = [_url(text) for text in args]
            self._runs = _number("--runs", opts.runs, 1, MAX_RUNS, int)
            self._max_time = _number("--max-time", opts.max_time, 0.1, MAX_TIME, float)
        except UsageError as exc:
            _complain(str(exc))
            sys.exit(USAGE)

    def run(self, args: list[str], opts: argparse.Namespace) -> None:  # noqa: ARG002
        """Do it, and set ``exitcode``."""
        status = _StatusLine()
        plan = Plan(self._runs, self._max_time, tuple(opts.set), status.show)
        try:
            with ExitStack() as stack:
                stack.callback(status.clear)
                comparison = compare(self._urls or [_practice_page(stack)], plan)
        except KeyboardInterrupt:
            _complain("interrupted")
            self.exitcode = INTERRUPTED
            return
        except OSError as exc:
            _complain(f"there is no relay: {exc.strerror or exc}")
            self.exitcode = FAILED
            return
        printed = _print(comparison, as_json=opts.json)
        self.exitcode = printed or (DONE if comparison.same else FAILED)


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
        raise UsageError(f"URL {text!r}: {exc}") from None


def _number(name: str, text: str, least: float, most: float, kind: type) -> Any:
    try:
        number = kind(text)
    except ValueError:
        number = None
    if number is None or not least <= number <= most:
        what = "a whole number" if kind is int else "seconds"
        raise UsageError(f"{name} is {text!r}, expected {what} from {least:g} to {most:g}")
    return number


def _print(comparison: Comparison, *, as_json: bool) -> int:
    try:
        if as_json:
            print(to_json(comparison))
        else:
            print_to(sys.stdout, comparison)
        sys.stdout.flush()
    except BrokenPipeError:
        discard_standard_output()  # who read has enough
    except OSError as exc:
        _complain(f"cannot write to standard output: {exc.strerror or exc}")
        discard_standard_output()
        return FAILED
    return DONE


def _complain(problem: str) -> None:
    print(f"scrapy compare: {visible(problem)}", file=sys.stderr)
