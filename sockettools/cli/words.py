"""``words``: the chapter's program that counts words.

That one counts the words of an error page, and of a picture; to it ``café`` is another word in
another charset; and a page that is one long line is in memory at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sockettools.cli.asking import url_from
from sockettools.cli.browsing import add_browser_arguments, add_url_argument, browsing
from sockettools.cli.printing import print_lines
from sockettools.cli.status import ExitStatus
from sockettools.cli.values import count
from sockettools.tasks.words import MAX_WORDS, count_words_of

if TYPE_CHECKING:
    import argparse

    from sockettools.cli.streams import Streams

HELP = "count the words of a page, as a dict in order of first appearance"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_url_argument(parser)
    parser.add_argument(
        "--top",
        type=count(1, MAX_WORDS),
        metavar="N",
        help="print the N most frequent words instead, one per line, each behind its count",
    )
    add_browser_arguments(parser)


def main(arguments: argparse.Namespace, streams: Streams) -> ExitStatus:
    """Count them."""
    url = url_from(arguments.url, streams)
    with browsing(arguments, streams) as session:
        counts = count_words_of(session.browser, session.request(url), session.deadline)
    if arguments.top is None:
        print_lines(streams, [repr(dict(counts))])
    else:
        print_lines(streams, (f"{n} {word}" for word, n in counts.most_common(arguments.top)))
    return ExitStatus.DONE
