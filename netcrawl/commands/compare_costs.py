"""``scrapy compare --server`` and ``--job NAME``: their options, and what they print.

What they need is imported where it is: Scrapy imports the modules of all commands, for any of them.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

from scrapy.exceptions import UsageError

from netcrawl.arguments import unknown, whole_number
from sockettools.text import visible

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence
    from typing import TextIO

    from netcrawl.compare.jobs import JobComparison
    from netcrawl.compare.servers import ServerComparison

    Costs = ServerComparison | JobComparison

# More would take each program hours, and longer than it is given.
MAX_PAGES = 10_000

# Which of our options goes with which job.
_ONLY_WITH = {"position": "follow", "count": "follow", "pages": "crawl"}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of both."""
    from netcrawl.compare.jobs import the_jobs

    parser.add_argument(
        "--server",
        action="store_true",
        help="the greeting and echo servers instead: serial, threads, select, and Twisted, with 1 "
        "to 1,000 clients",
    )
    parser.add_argument(
        "--job",
        metavar="NAME",
        help=f"a job instead ({', '.join(the_jobs())}), by hand and as a spider, on the practice "
        "web or a URL",
    )
    parser.add_argument("--position", metavar="N", help="--job follow: which link (default: 18)")
    parser.add_argument("--count", metavar="N", help="--job follow: how often (default: 7)")
    parser.add_argument(
        "--pages", metavar="N", help="--job crawl: pages of the site to crawl (default: 24)"
    )


def costs_task(
    opts: argparse.Namespace,
    urls: Sequence[str],
    runs: int,
    max_time: float | None,
    settings: Sequence[str],
) -> Callable[[Callable[[str], None]], Costs] | None:
    """Return what does the comparison that is asked for, None if it is neither of these two.

    It calls its argument with what it is doing, and raises MeasuringError where that cannot be
    done. ``max_time`` is None where it is not given; ``settings`` are those of ``-s``.

    Raises:
        UsageError: the command line makes no sense.
    """
    from netcrawl.compare.jobs import TIMEOUT, compare_job, the_jobs
    from netcrawl.compare.servers import compare_servers

    if opts.server and opts.job is not None:
        raise UsageError("--server and --job are two comparisons: give one")
    numbers = _numbers(opts)
    if opts.server:
        if urls:
            raise UsageError(f"--server takes no URL, and there is {visible(urls[0])}")
        if max_time is not None:
            raise UsageError("--max-time is for what is fetched: --server fetches nothing")
        return partial(compare_servers, runs)
    if opts.job is None:
        return None
    jobs = the_jobs(**numbers)
    if opts.job not in jobs:
        raise UsageError(unknown("job", opts.job, jobs))
    if len(urls) > 1:
        raise UsageError(f"--job takes one URL, not {len(urls)}")
    if urls and "pages" in numbers:
        raise UsageError("--pages is for the practice web's site: leave it out, or the URL")
    return partial(
        compare_job,
        jobs[opts.job],
        urls[0] if urls else None,
        runs,
        timeout=TIMEOUT if max_time is None else max_time,
        settings=settings,
    )


def print_costs(stream: TextIO, costs: Costs, *, as_json: bool) -> None:
    """Write it for people, or as one object of JSON.

    Raises:
        OSError: the stream cannot be written to.
    """
    from rich.console import Console

    from netcrawl.compare import job_table, server_table
    from netcrawl.compare.servers import ServerComparison

    if as_json:
        stream.write(json.dumps(costs.to_json()) + "\n")
        return
    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    if isinstance(costs, ServerComparison):
        renderables = server_table.renderables(costs)
    else:
        renderables = job_table.renderables(costs)
    for renderable in renderables:
        console.print(renderable)


def _numbers(opts: argparse.Namespace) -> dict[str, int]:
    numbers = {}
    for name, job in _ONLY_WITH.items():
        text = getattr(opts, name)
        if text is None:
            continue
        if opts.job != job:
            raise UsageError(f"--{name} goes with --job {job}")
        try:
            numbers[name] = whole_number(text)
        except ValueError as exc:
            raise UsageError(f"--{name} {visible(text)!r} cannot be used: {exc}") from None
    if numbers.get("pages", 0) > MAX_PAGES:
        raise UsageError(f"--pages {opts.pages!r} cannot be used: at most {MAX_PAGES:,} pages")
    return numbers
