"""``post``: post an article to newsgroups."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from sockettools.cli.accessing import accessing, add_access_arguments, read_service_url
from sockettools.cli.body import add_body_argument, body_of
from sockettools.cli.printing import print_lines
from sockettools.cli.status import ExitStatus, WrongUsage
from sockettools.protocols.nntp_posting import build_article
from sockettools.tasks.fetch.nntp import news_session

if TYPE_CHECKING:
    import argparse

    from sockettools.cli.streams import Streams

HELP = "post an article to newsgroups (NNTP)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "url",
        metavar="URL",
        help="nntp://HOST/GROUP or nntps://; several groups with commas between them",
    )
    add_body_argument(parser)
    parser.add_argument(
        "--from",
        dest="sender",
        required=True,
        metavar="SENDER",
        help='who writes it: USER@HOST, or "NAME <USER@HOST>"',
    )
    parser.add_argument("--subject", required=True, help="what it is about")
    parser.add_argument(
        "--references",
        action="append",
        default=[],
        metavar="ID",
        help="the message-id of an article that it answers, <NAME@HOST>; can be given several "
        "times, the oldest first",
    )
    add_access_arguments(parser)


def main(arguments: argparse.Namespace, streams: Streams) -> ExitStatus:
    """Post it, and tell its message-id."""
    url = read_service_url(arguments.url, "nntp")
    groups = unquote(url.path.removeprefix("/")).split(",")
    if not any(groups):
        raise WrongUsage(f"{url} names no group: write it behind the host")
    body = body_of(arguments, streams)
    if body is None:  # few servers take an article without one
        raise WrongUsage("there is no text: write it, or - to read it from standard input")
    # Some shells and people write all of them in one argument, as the field has them.
    references = [name for argument in arguments.references for name in argument.split()]
    article = build_article(arguments.sender, groups, arguments.subject, body, references)
    with accessing(arguments, streams) as access, news_session(url, access) as client:
        client.post([article.as_bytes()])
    print_lines(streams, [f"{article['Message-ID']} is posted."])
    return ExitStatus.DONE
