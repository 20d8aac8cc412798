"""``follow``: the chapter's program that follows links.

That one does not join a relative link to its page, takes position 0 for the last link and a
number that is too high for a traceback, follows the links of error pages, and opens a connection
for each page. Like it, this one counts anchors without href, and only prints the last address.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sockettools.cli.asking import number_from, url_from
from sockettools.cli.browsing import add_browser_arguments, add_url_argument, browsing
from sockettools.cli.printing import print_lines
from sockettools.cli.status import ExitStatus
from sockettools.cli.values import count
from sockettools.tasks.follow import follow
from sockettools.tasks.links import MAX_ANCHORS

if TYPE_CHECKING:
    import argparse

    from sockettools.cli.streams import Streams

HELP = "follow the link at a position, again and again"

# A chain of more pages than this goes round in circles.
MAX_COUNT = 1_000_000

_position = count(1, MAX_ANCHORS)
_count = count(0, MAX_COUNT)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_url_argument(parser)
    parser.add_argument(
        "--position",
        type=_position,
        metavar="P",
        help="which link to take: 1 is the first <a> of a page, with href or without",
    )
    parser.add_argument("--count", type=_count, metavar="C", help="how many links to follow")
    add_browser_arguments(parser)


def main(arguments: argparse.Namespace, streams: Streams) -> ExitStatus:
    """Print the address of every page on the way, before it is retrieved."""
    url = url_from(arguments.url, streams)
    links = number_from(arguments.count, "Enter count: ", _count, streams)
    position = number_from(arguments.position, "Enter position: ", _position, streams)
    with browsing(arguments, streams) as session:
        start = session.request(url)
        for page in follow(session.browser, start, position, links, session.deadline):
            print_lines(streams, [f"Retrieving:  {page}"])  # two blanks: one is print's comma
    return ExitStatus.DONE
