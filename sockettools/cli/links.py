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
from sockettools.cli.printing import print_text, visible_lines
from sockettools.cli.status import ExitStatus, WrongUsage
from sockettools.tasks.links import (
    MAX_ANCHORS,
    MAX_PAGE,
    Anchor,
    absolute,
    base_of,
    check,
    links_by_html_parser,
    links_by_regex,
)
from sockettools.tasks.pages import read_page
from sockettools.text import visible

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from sockettools.cli.streams import Streams
    from sockettools.net.deadline import Deadline
    from sockettools.tasks.pages import TextPage

# Characters that are printed at a time.
_BLOCK = 65_536

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
        deadline = session.deadline
        page = read_page(session.browser, session.request(url), deadline, MAX_PAGE)
    show = _parts if arguments.tags else _line
    count = 0
    block = ""
    for anchor, href in _links(page, arguments, deadline):
        count += 1
        block += show(anchor, href)
        if len(block) >= _BLOCK:
            print_text(streams, block)
            block = ""
    print_text(streams, block)
    if count == MAX_ANCHORS:
        streams.note(f"sockettools links: these are the first {MAX_ANCHORS}, there may be more")
    return ExitStatus.DONE


def _links(
    page: TextPage, arguments: argparse.Namespace, deadline: Deadline
) -> Iterator[tuple[Anchor, str | None]]:
    """Yield each anchor, and what is to be printed as its URL."""
    find = _anchors_by_regex if arguments.parser == "regex" else links_by_html_parser
    base = base_of(page.text, str(page.url), deadline) if arguments.absolute else None
    for anchor in find(page.text, deadline):
        check(deadline)
        url = anchor.url
        yield anchor, url if base is None else absolute(base, url, page.encoding)


def _anchors_by_regex(html: str, deadline: Deadline) -> Iterator[Anchor]:
    return (Anchor("", href, "", []) for href in links_by_regex(html, deadline))


def _line(_anchor: Anchor, url: str | None) -> str:
    return f"{visible(str(url))}\n"


def _parts(anchor: Anchor, url: str | None) -> str:
    return (
        f"TAG: {visible_lines(anchor.tag)}\n"
        f"URL: {visible(str(url))}\n"
        f"Content: {visible_lines(anchor.content)}\n"
        f"Attrs: {anchor.attrs}\n"
    )
