"""``copy``: the chapter's program that copies a binary file.

That one opens its file as text, which on Windows makes two octets of each line end in a picture;
saves the page of an error as the picture; and leaves half a file where the connection breaks.
"""

from __future__ import annotations

from contextlib import closing
from time import monotonic
from typing import TYPE_CHECKING

from sockettools.browser.download import file_name
from sockettools.cli.asking import url_from
from sockettools.cli.browsing import add_browser_arguments, add_url_argument, browsing
from sockettools.cli.printing import print_lines
from sockettools.cli.saving import add_output_argument, file_to_write
from sockettools.cli.status import ExitStatus, WrongUsage
from sockettools.progress import ProgressBar
from sockettools.tasks.copy import copy_page

if TYPE_CHECKING:
    import argparse

    from sockettools.cli.streams import Streams
    from sockettools.url import HttpUrl

HELP = "copy what a URL leads to into a file, byte for byte"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_url_argument(parser)
    add_output_argument(parser, "the last part of the URL's path")
    add_browser_arguments(parser)


def main(arguments: argparse.Namespace, streams: Streams) -> ExitStatus:
    """Copy it, and tell how much that was."""
    url = url_from(arguments.url, streams)
    path = file_to_write(_name(url) if arguments.output is None else arguments.output)
    with (
        browsing(arguments, streams) as session,
        closing(ProgressBar(streams.stderr, monotonic)) as bar,
    ):
        request = session.request(url)
        size = copy_page(session.browser, request, path, session.deadline, bar.update)
    print_lines(streams, [f"{size} characters copied."])
    return ExitStatus.DONE


def _name(url: HttpUrl) -> str:
    name = file_name(url.path)
    if name is None:
        raise WrongUsage(f"{url} has no name to save it under: use -o FILE")
    return name
