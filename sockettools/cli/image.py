"""``image``: the chapter's program that retrieves a picture over a socket.

That one never looks at the status, and saves the page of an error as the picture; where a server
ends its lines with LF alone it does not find the header's end, and saves the header with the
picture; it undoes neither chunks nor codings; and all of the picture is in memory first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sockettools.cli.asking import url_from
from sockettools.cli.browsing import add_browser_arguments, add_url_argument, browsing
from sockettools.cli.printing import print_lines, print_text, visible_lines
from sockettools.cli.saving import add_output_argument, file_to_write
from sockettools.cli.status import ExitStatus
from sockettools.tasks.image import Receipts, save_image

if TYPE_CHECKING:
    import argparse

    from sockettools.cli.streams import Streams

HELP = "save a picture, and show what each receive brought and the header"

# The chapter's.
DEFAULT_FILE = "stuff.jpg"
RECEIVE_SIZE = 5120


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_url_argument(parser)
    add_output_argument(parser, DEFAULT_FILE)
    add_browser_arguments(parser)
    parser.set_defaults(recv_size=RECEIVE_SIZE)


def main(arguments: argparse.Namespace, streams: Streams) -> ExitStatus:
    """Save it, with a line for each receive; then show the header."""
    url = url_from(arguments.url, streams)
    path = file_to_write(DEFAULT_FILE if arguments.output is None else arguments.output)
    receipts = Receipts()

    def received(size: int, total: int) -> None:
        print_lines(streams, [f"{size} {total}"])

    with browsing(arguments, streams, sinks=[receipts]) as session:
        request = session.request(url)
        header = save_image(session.browser, request, path, receipts, received, session.deadline)
    text = header.decode("utf-8", "backslashreplace")
    shown = visible_lines(text) if streams.stdout.isatty() else text
    print_text(streams, f"Header length {len(header)}\n{shown}\n")
    return ExitStatus.DONE
