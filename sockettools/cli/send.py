"""``send``: send a mail, and tell what became of it for each recipient."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sockettools.cli.accessing import accessing, add_access_arguments, read_service_url
from sockettools.cli.body import add_body_argument, body_of
from sockettools.cli.printing import print_lines
from sockettools.cli.status import ExitStatus, WrongUsage
from sockettools.tasks.compose import Draft, Mailbox, compose, parse_mailbox
from sockettools.tasks.fetch.smtp import session

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping

    from sockettools.cli.streams import Streams
    from sockettools.protocols.replies import Reply

HELP = "send a mail by SMTP, and tell what became of it for each recipient"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("url", metavar="URL", help="smtp://[USER@]HOST[:PORT] or smtps://...")
    add_body_argument(parser, ", also one that begins with a dash (default: there is none)")
    parser.add_argument(
        "--from",
        dest="sender",
        metavar="ADDRESS",
        required=True,
        help="who sends it: user@host, or 'Name <user@host>'",
    )
    for name, what in (
        ("to", "who gets it; may be repeated"),
        ("cc", "who gets it as well"),
        ("bcc", "who gets it without the others reading of it"),
    ):
        parser.add_argument(f"--{name}", metavar="ADDRESS", action="append", default=[], help=what)
    parser.add_argument("--subject", default="", help="what it is about")
    parser.add_argument(
        "--attach",
        metavar="FILE",
        action="append",
        default=[],
        type=Path,
        help="attach FILE, which may be of any size that the server takes; may be repeated",
    )
    add_access_arguments(parser)


def main(arguments: argparse.Namespace, streams: Streams) -> ExitStatus:
    """Send it, and print a line for each recipient."""
    url = read_service_url(arguments.url, "smtp")
    if url.path not in ("", "/"):
        raise WrongUsage(f"{url}: there is nothing behind the host in a URL of SMTP")
    draft = Draft(
        parse_mailbox(arguments.sender),
        _mailboxes(arguments.to),
        _mailboxes(arguments.cc),
        _mailboxes(arguments.bcc),
        arguments.subject,
        body_of(arguments, streams, "; --attach takes any file") or "",
        arguments.attach,
    )
    if not draft.recipients:
        raise WrongUsage("nobody would get it: use --to")
    # What is wrong with it is to be known before anybody is bothered.
    content = compose(draft, allow_8bit=True)
    streams.print("")  # what becomes of it has to be told: where nothing can be, it is not sent
    with accessing(arguments, streams) as access, session(url, access) as client:
        if content.is_8bit and not client.offers("8BITMIME"):
            content = compose(draft, allow_8bit=False)
        fates = client.send_message(draft.sender.address, draft.recipients, content)
        print_lines(streams, _table(fates))
    is_taken = all(reply.kind == 2 for reply in fates.values())
    return ExitStatus.DONE if is_taken else ExitStatus.REFUSED


def _mailboxes(texts: list[str]) -> list[Mailbox]:
    return [parse_mailbox(text) for text in texts]


def _table(fates: Mapping[str, Reply]) -> Iterator[str]:
    width = max(map(len, fates))
    for address, reply in fates.items():
        fate = "accepted" if reply.kind == 2 else "refused "
        yield f"{address:<{width}}  {fate}  {reply.code} {_joined(reply)}".rstrip()


def _joined(reply: Reply) -> str:
    """Return a reply's text on one line, an enhanced code (RFC 3463) not once for each."""
    first, *others = reply.lines
    code = first.partition(" ")[0]
    if code.replace(".", "").isdecimal():
        others = [line.removeprefix(f"{code} ") for line in others]
    return " ".join([first, *others])
