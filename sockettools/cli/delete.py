"""``delete``: delete messages from a mailbox by POP3, which nothing else here ever does."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sockettools.cli.accessing import accessing, add_access_arguments, read_service_url
from sockettools.cli.printing import print_lines
from sockettools.cli.status import ExitStatus, WrongUsage
from sockettools.tasks.fetch.pop3 import mailbox, message_of, numbers_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator, Sequence

    from sockettools.cli.streams import Streams
    from sockettools.protocols.access import Access
    from sockettools.service_url import ServiceUrl

HELP = "delete messages from a mailbox (POP3)"


@dataclass
class Deletion:
    """Messages of one mailbox, by number or unique identifier, and the URLs they were given as."""

    url: ServiceUrl
    messages: dict[int | str, ServiceUrl] = field(default_factory=dict)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "urls",
        metavar="URL",
        nargs="+",
        help="pop3://USER@HOST/NUMBER or pop3s://: a message, by its number, which is that of the "
        "session that deletes it: it is not the one that get has listed if messages before it were "
        "deleted meanwhile. pop3://USER@HOST/;UIDL=ID is always the same message, ID being the uid "
        "in that list. If one of several is not there, none is deleted",
    )
    add_access_arguments(parser)


def main(arguments: argparse.Namespace, streams: Streams) -> ExitStatus:
    """Delete them, and tell of each message once it is gone."""
    deletions = read_deletions(arguments.urls)
    with accessing(arguments, streams) as access:
        for url in delete(deletions, access):
            print_lines(streams, [f"{url} is deleted."])
    return ExitStatus.DONE


def read_deletions(texts: Sequence[str]) -> list[Deletion]:
    """Read the URLs of messages, and put those together that are in the same mailbox.

    A mailbox has one session at a time, and when messages are deleted in it the others have new
    numbers in the next.

    Raises:
        WrongUsage: one names no message.
    """
    deletions: dict[ServiceUrl, Deletion] = {}
    for text in texts:
        url = read_service_url(text, "pop3")
        try:
            message = message_of(url)
        except ValueError as exc:
            raise WrongUsage(f"{url}: {exc}") from exc
        if message is None:
            raise WrongUsage(f"{url} names no message: write its number behind the last slash")
        box = replace(url, path="")
        deletions.setdefault(box, Deletion(box)).messages.setdefault(message, url)
    return list(deletions.values())


def delete(deletions: Iterable[Deletion], access: Access) -> Iterator[ServiceUrl]:
    """Delete the messages of all mailboxes, and yield their URLs.

    All sessions have begun before anything is deleted: a message has the number then that it had
    when the list was read, also where two URLs name the same mailbox in different ways.

    Raises:
        NegativeReply: a message is not there, or cannot be deleted; then none was. Only the answer
            to the last command, which deletes, may mean that some were.
        NotOffered: a unique identifier is not unique; then none was.
    """
    with ExitStack() as stack:
        sessions = []
        for deletion in deletions:
            client = stack.enter_context(mailbox(deletion.url, access))
            # A message may be named in both ways.
            numbers = list(dict.fromkeys(numbers_of(client, deletion.messages).values()))
            for number in numbers:
                client.size(number)
            sessions.append((client, deletion, numbers))
        for client, _, numbers in sessions:
            for number in numbers:
                client.delete(number)
        for client, deletion, _ in sessions:
            client.quit()  # without which no server deletes what was marked
            yield from deletion.messages.values()
