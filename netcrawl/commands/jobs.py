"""``scrapy jobs``: the jobs that JOBDIR has left in folders, and what can be done with them.

0: done. 1: it could not be done. 2: the command was wrong. 130: Ctrl-C.
"""

from __future__ import annotations

import contextlib
import shlex
import sqlite3
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError

from netcrawl.arguments import unknown
from netcrawl.commands.job_export import export
from netcrawl.commands.job_table import description, record, table
from netcrawl.frontier.database import APPLICATION_ID
from netcrawl.frontier.folder import FRONTIER, JobFolder
from netcrawl.frontier.job import end_job
from netcrawl.frontier.lock import JobLock
from netcrawl.frontier.overview import find_jobs, is_job, look_at
from netcrawl.frontier.reading import SqliteReader
from netcrawl.frontier.store import StoreError
from netcrawl.outcome import DONE, FAILED, INTERRUPTED, USAGE
from sockettools.standard_streams import restore_standard_streams, write_standard_output
from sockettools.text import visible
from sockettools.units import counted

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable

    from netcrawl.frontier.store import Failed

# Which option belongs to what.
_OPTIONS = {
    "list": {"json"},
    "show": {"json", "verbose"},
    "retry-failed": set[str](),
    "reset": {"yes"},
    "export": {"output", "overwrite_output", "format"},
}
_SPELLED = {"output": "-o", "overwrite_output": "-O", "format": "-t"}

# The header of a SQLite file, and where in it is whose it is.
_HEADER_SIZE = 100
_APPLICATION_ID = slice(68, 72)

_RETRY = "failed requests wait to be retried"


class Command(ScrapyCommand):
    """Named after its module: ``jobs``."""

    requires_project = True
    requires_crawler_process = False
    default_settings: ClassVar[dict[str, Any]] = {"LOG_ENABLED": False}

    def syntax(self) -> str:
        """Say what comes after the command."""
        return "[FOLDER] | show DIR | retry-failed DIR | reset DIR | export DIR (-O | -o) FILE"

    def short_desc(self) -> str:
        """Say what Scrapy's list of commands shows."""
        return "List the jobs of JOBDIR folders, show one, retry its failures, export its items"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add those of each subcommand; ``process_options`` sees that each is where it belongs."""
        super().add_options(parser)
        parser.add_argument("--json", action="store_true", help="a JSON object for each job")
        parser.add_argument(
            *("-v", "--verbose"), action="store_true", help="show: whole tracebacks"
        )
        parser.add_argument("--yes", action="store_true", help="reset: do not ask")
        parser.add_argument(
            *("-o", "--output"), metavar="FILE", action="append", help="export: append to FILE"
        )
        parser.add_argument(
            *("-O", "--overwrite-output"),
            metavar="FILE",
            action="append",
            help="export: replace FILE (- with a format is standard output: -O -:json)",
        )
        parser.add_argument(
            *("-t", "--format"), metavar="FORMAT", help="export: the format of each FILE"
        )

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        """Check the command line, and exit with 2 if it is wrong."""
        restore_standard_streams()
        try:
            super().process_options(args, opts)
            self._task, self._folder = _understand(args, opts)
        except UsageError as exc:
            _complain(str(exc))
            sys.exit(USAGE)

    def run(self, args: list[str], opts: argparse.Namespace) -> None:  # noqa: ARG002 - Scrapy's
        """Do it, and set ``exitcode``."""
        tasks: dict[str, Callable[[argparse.Namespace], int]] = {
            "list": self._list,
            "show": self._show,
            "retry-failed": self._retry_failed,
            "reset": self._reset,
            "export": self._export,
        }
        try:
            self.exitcode = tasks[self._task](opts)
        except UsageError as exc:
            _complain(str(exc))
            self.exitcode = USAGE
        except StoreError as exc:
            _complain(str(exc))
            self.exitcode = FAILED
        except KeyboardInterrupt:
            _complain("interrupted")
            self.exitcode = INTERRUPTED

    def _list(self, opts: argparse.Namespace) -> int:
        jobs = [look_at(folder) for folder in find_jobs(self._folder)]
        if opts.json:
            return _print(map(record, jobs))
        if not jobs:
            _complain(f"there are no jobs in {self._folder}")
            return DONE
        return _print(table(jobs))

    def _show(self, opts: argparse.Namespace) -> int:
        job = look_at(self._folder)
        if opts.json:
            return _print([record(job)])
        failures: list[Failed] = []
        if job.problem is None:
            with SqliteReader(self._folder / FRONTIER) as reader:
                failures = list(reader.failed())
        printed = _print(description(job, failures, opts.verbose))
        return FAILED if job.problem else printed

    def _retry_failed(self, _: argparse.Namespace) -> int:
        folder = JobFolder(self._folder)
        try:
            number = folder.store.retry_failed()
            if number:
                end_job(folder.store, _RETRY)
            folder.store.commit()
        finally:
            folder.close()
        if not number:
            return _print(["no request has failed"])
        return _print(
            [
                f"{counted(number, 'request')} will be tried again when the job goes on:",
                self._resume(),
            ]
        )

    def _resume(self) -> str:
        job = look_at(self._folder).job
        words = ["scrapy", "crawl", job.spider if job else "SPIDER"]
        for name, value in (job.arguments or {} if job else {}).items():
            words += ["-a", f"{name}={value}"]
        return "  " + visible(shlex.join([*words, "-s", f"JOBDIR={self._folder}"]))

    def _reset(self, opts: argparse.Namespace) -> int:
        _refuse_foreign(self._folder / FRONTIER)
        # What is removed is nobody's while we look at it, and ask, and remove.
        lock = JobLock(self._folder)
        try:
            job = look_at(self._folder)
            lost = f"{counted(job.counts.done, 'page')} and {counted(job.counts.items, 'item')}"
            what = visible(f"{self._folder}: {job.problem or lost}")
            if not opts.yes and not _agrees(f"Forget {what}? [y/N] "):
                _complain("nothing was changed")
                return FAILED
            _remove(self._folder)
        finally:
            lock.release()
        return _print([f"forgotten: {what}"])

    def _export(self, opts: argparse.Namespace) -> int:
        assert self.settings is not None  # set in scrapy.cmdline
        job = look_at(self._folder)
        if job.problem:
            raise StoreError(job.problem)
        output, overwrite = (
            [f"{uri}:{opts.format}" if opts.format else uri for uri in uris or ()]
            for uris in (opts.output, opts.overwrite_output)
        )
        if problem := export(job, self.settings, output, overwrite):
            _complain(problem)
            return FAILED
        return DONE


def _understand(args: list[str], opts: argparse.Namespace) -> tuple[str, Path]:
    """Return what is to be done in which folder.

    Raises:
        UsageError: that cannot be.
    """
    if options := [word for word in args if word.startswith("-")]:
        raise UsageError(f"there is no option {options[0]}: see scrapy jobs --help")
    task, folders = (args[0], args[1:]) if args and args[0] in _OPTIONS else ("list", args)
    if task == "list":
        folders = folders or ["."]
    if len(folders) != 1:
        if task == "list":
            raise UsageError(unknown("task", folders[0], list(_OPTIONS)))
        raise UsageError(f"{task} takes one folder, not {len(folders)}")
    for names in _OPTIONS.values():
        for name in names - _OPTIONS[task]:
            if getattr(opts, name):
                raise UsageError(f"{_SPELLED.get(name, f'--{name}')} is not for {task}")
    if task == "export" and not (opts.output or opts.overwrite_output):
        raise UsageError("say where to: -O FILE, or -o FILE to append")
    folder = Path(folders[0])
    if not folder.is_dir():
        raise UsageError(f"there is no folder {visible(str(folder))}")
    if task != "list" and not is_job(folder):
        raise UsageError(f"{visible(str(folder))} is not the folder of a job")
    return task, folder


def _agrees(question: str) -> bool:
    """Ask.

    Raises:
        UsageError: there is nobody to be asked.
    """
    if not sys.stdin.isatty():
        raise UsageError("reset asks before it forgets a job; without a terminal, say --yes")
    print(question, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _refuse_foreign(path: Path) -> None:
    """Raise StoreError for the database of another program. One that is damaged may go."""
    with path.open("rb") as file:
        header = file.read(_HEADER_SIZE)
    application = header[_APPLICATION_ID]
    if header.startswith(b"SQLite format 3\0") and application != APPLICATION_ID.to_bytes(4, "big"):
        raise StoreError(f"{path} is another program's database; remove it yourself if it is to go")


def _remove(folder: Path) -> None:
    """Remove a job's files so that what is left of them at any moment is a job, or none."""
    path = folder / FRONTIER
    try:
        _fold_log(path)
        for ending in ("-wal", "-shm", ".new", ""):
            path.with_name(path.name + ending).unlink(missing_ok=True)
    except OSError as exc:
        raise StoreError(f"{path} cannot be removed: {exc.strerror or exc}") from exc


def _fold_log(path: Path) -> None:
    """Move what is only in SQLite's log into the file; not of one that is damaged."""
    with contextlib.suppress(sqlite3.Error):
        connection = sqlite3.connect(path)
        try:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            connection.close()


def _print(lines: Iterable[str]) -> int:
    with contextlib.suppress(BrokenPipeError):  # who read has enough
        if problem := write_standard_output(
            lambda stream: stream.writelines(f"{line}\n" for line in lines)
        ):
            _complain(problem)
            return FAILED
    return DONE


def _complain(problem: str) -> None:
    print(f"scrapy jobs: {visible(problem)}", file=sys.stderr)
