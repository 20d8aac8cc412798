"""``links``: the chapter's three programs that print the links of a page.

The one with the regular expression finds nothing but a lower-case ``href="http://``, in comments
and scripts too, and leaves ``&amp;`` as it is; those with BeautifulSoup fail on a link that is not
ASCII, and on an anchor with nothing in it. All three show the links of an error page as if they
were those of the page that was asked for, and exit with 0: here a 404 is an error.

A link is printed as it is written in the page, but with control characters as escapes, so that
one link is one line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sockettools.cli.asking import url_from
from sockettools.cli.browsing import add_browser_arguments, add_url_argument, browsing
from sockettools.cli.printing import print_lines, print_text, visible_lines
from sockettools.cli.status import ExitStatus, WrongUsage
from sockettools.tasks.links import (
    MAX_ANCHORS,
    absolute,
    base_of,
    links_by_html_parser,
    links_by_regex,
)
from sockettools.tasks.pages import read_page
from sockettools.text import visible

if TYPE_CHECKING:
    import argparse

    from sockettools.cli.streams import Streams
    from sockettools.tasks.links import Anchor
    from sockettools.tasks.pages import TextPage

HELP = "print the links of a page, one per line"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_url_argument(parser)
    parser.add_argument(
        "--parser",
        choices=["regex", "html"],
        default="html",
        help="how to find them; html prints None for an anchor without href, regex leaves it out "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--tags",
        action="store_true",
        help="show the parts of each anchor: its source, URL, first content and attributes",
    )
    parser.add_argument(
        "--absolute",
        action="store_true",
        help="print where each link leads from this page (None for nowhere), not what is written",
    )
    add_browser_arguments(parser)


def main(arguments: argparse.Namespace, streams: Streams) -> ExitStatus:
    """Print them."""
    if arguments.tags and arguments.parser == "regex":
        raise WrongUsage("--tags shows what the regular expression does not find: leave one out")
    url = url_from(arguments.url, streams)
    with browsing(arguments, streams) as session:
        page = read_page(session.browser, session.request(url), session.deadline)
    anchors: list[Anchor] = []
    urls: list[str | None]
    if arguments.parser == "regex":
        urls = [*links_by_regex(page.text)]
    else:
        anchors = links_by_html_parser(page.text)
        urls = [anchor.url for anchor in anchors]
    if arguments.absolute:
        urls = _absolute(page, urls)
    if arguments.tags:
        print_text(streams, "".join(map(_parts, anchors, urls)))
    else:
        print_lines(streams, map(str, urls))
    if len(anchors) == MAX_ANCHORS:
        streams.note(f"sockettools links: these are the first {MAX_ANCHORS}, there may be more")
    return ExitStatus.DONE


def _absolute(page: TextPage, urls: list[str | None]) -> list[str | None]:
    return absolute(base_of(page.text, str(page.url)), urls, page.encoding)


def _parts(anchor: Anchor, url: str | None) -> str:
    return (
        f"TAG: {visible_lines(anchor.tag)}\n"
        f"URL: {visible(str(url))}\n"
        f"Content: {visible_lines(anchor.content)}\n"
        f"Attrs: {anchor.attrs}\n"
    )
