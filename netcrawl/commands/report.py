"""``scrapy report``: an HTML page about a crawl, made of its feed or of the folder of its job.

What reads and writes is imported where it is needed: Scrapy imports the modules of all commands,
for any of them.

0: written. 1: it could not be. 2: the command was wrong. 130: Ctrl-C.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError

from netcrawl.arguments import unknown
from netcrawl.frontier.folder import FRONTIER
from netcrawl.outcome import DONE, FAILED, INTERRUPTED, USAGE
from netcrawl.report.errors import ReportError
from sockettools.standard_streams import (
    closed_standard_output,
    restore_standard_streams,
    write_standard_output,
)
from sockettools.text import visible
from sockettools.units import octets_text

if TYPE_CHECKING:
    import argparse

_STDOUT = "-"

FORMATS = ("json", "jsonl", "csv")


class Command(ScrapyCommand):
    """Named after its module: ``report``."""

    requires_project = True
    requires_crawler_process = False
    default_settings: ClassVar[dict[str, Any]] = {"LOG_ENABLED": False}

    def syntax(self) -> str:
        """Say what comes after the command."""
        return "(FEED | JOBDIR) -O FILE.html [--store FOLDER]"

    def short_desc(self) -> str:
        """Say what Scrapy's list of commands shows."""
        return "Write an HTML page about a crawl, from its feed or the folder of its job"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add what a report needs to know."""
        super().add_options(parser)
        parser.add_argument(
            *("-O", "--output"), metavar="FILE", help="the page; - is standard output"
        )
        parser.add_argument(
            *("-t", "--format"), metavar="FORMAT", help=f"of the feed: {', '.join(FORMATS)}"
        )
        parser.add_argument(
            "--store", metavar="FOLDER", help="where downloaded pictures are, if not in images/"
        )

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        """Check the command line, and exit with 2 if it is wrong."""
        restore_standard_streams()
        try:
            super().process_options(args, opts)
            self._source = _understand(args, opts)
        except UsageError as exc:
            _complain(str(exc))
            sys.exit(USAGE)
        if opts.output == _STDOUT and (problem := closed_standard_output()):
            _complain(problem)
            sys.exit(FAILED)

    def run(self, args: list[str], opts: argparse.Namespace) -> None:  # noqa: ARG002 - Scrapy's
        """Write it, and set ``exitcode``."""
        try:
            page, remarks = _page(self._source, opts)
            for remark in remarks:
                _complain(remark)
            if opts.output == _STDOUT:
                self.exitcode = _print(page)
                return
            from netcrawl.report.writing import write_page

            size = write_page(Path(opts.output), page)
        except ReportError as exc:
            _complain(str(exc))
            self.exitcode = FAILED
        except KeyboardInterrupt:
            _complain("interrupted; nothing was written")
            self.exitcode = INTERRUPTED
        else:
            print(visible(f"{opts.output}: {octets_text(size)}, to be opened in a browser"))
            self.exitcode = DONE


def _understand(args: list[str], opts: argparse.Namespace) -> Path:
    """Return the source.

    Raises:
        UsageError: the command cannot be meant.
    """
    if options := [word for word in args if word.startswith("-")]:
        raise UsageError(f"there is no option {options[0]}: see scrapy report --help")
    if len(args) != 1:
        raise UsageError(f"name one feed, or the folder of one job, not {len(args)}")
    if not opts.output:
        raise UsageError("say where to: -O report.html")
    if opts.format is not None and opts.format not in FORMATS:
        raise UsageError(unknown("format", opts.format, list(FORMATS)))
    if opts.store is not None and not Path(opts.store).is_dir():
        raise UsageError(f"there is no folder {opts.store}")
    source = Path(args[0])
    if not source.exists():
        raise UsageError(f"there is no {source}")
    if not (source.is_dir() or source.is_file()):
        # A feed is read twice, and whoever writes into a pipe may never come.
        raise UsageError(f"{source} is a pipe or a device, not a file: write the feed into a file")
    if source.is_dir():
        if not (source / FRONTIER).is_file():
            raise UsageError(f"{source} is not the folder of a job")
        if opts.format:
            raise UsageError("-t is for a feed, not for the folder of a job")
    _refuse_source(source, opts.output)
    return source


def _refuse_source(source: Path, output: str) -> None:
    """Raise UsageError if the page would take the place of what it is about."""
    path = Path(output)
    if output == _STDOUT or not path.exists():
        return
    if path.is_dir():
        raise UsageError(f"{output} is a folder; name a file")
    kept = source / FRONTIER if source.is_dir() else source
    if path.samefile(kept):
        raise UsageError(f"{output} is what the report is to be made of; name another file")


def _page(source: Path, opts: argparse.Namespace) -> tuple[str, list[str]]:
    """Return the page, and what is wrong with its source."""
    from netcrawl.report.writing import needs_extra

    # Before a large feed is read.
    needs_extra()
    from netcrawl.report.crawl import read_feed, read_job
    from netcrawl.report.crawl_page import crawl_page

    report = read_job(source) if source.is_dir() else read_feed(source, opts.format)
    return crawl_page(report, Path(opts.store) if opts.store else None), report.problems


def _print(page: str) -> int:
    with suppress(BrokenPipeError):  # who read has enough
        if problem := write_standard_output(lambda stream: stream.buffer.write(page.encode())):
            _complain(problem)
            return FAILED
    return DONE


def _complain(problem: str) -> None:
    print(f"scrapy report: {visible(problem)}", file=sys.stderr)
