"""What ``pop3://user@host/3`` leads to: a message; and without a number, the list of messages."""

from __future__ import annotations

import re
from array import array
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from sockettools.errors import NotOffered, PermanentNegativeReply, SocketToolsError
from sockettools.protocols.access import TlsPolicy
from sockettools.protocols.mail_headers import table
from sockettools.protocols.pop3 import Pop3Client, State
from sockettools.tasks.fetch.resource import Resource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sockettools.protocols.access import Access
    from sockettools.protocols.conversation import Conversation
    from sockettools.protocols.pop3 import UidListing
    from sockettools.service_url import ServiceUrl
    from sockettools.tasks.fetch.resource import Wanted

COLUMNS = ("number", "octets", "uid")

_NUMBER = re.compile(r"/([1-9][0-9]{0,9})")

# The size of a message that is in no list, or was printed.
_NONE = -1


@contextmanager
def fetch(url: ServiceUrl, access: Access, wanted: Wanted) -> Iterator[Resource]:
    """Yield a message as it is, its header, or the list of messages as a table.

    ``size`` is not told: servers count as the message lies on their disk.
    """
    number = message_number(url)
    if number is None and wanted.headers:
        raise ValueError("only a message has a header: the URL has no number")
    with mailbox(url, access) as client:
        if number is None:
            yield Resource(_listing(client), "text/tab-separated-values; charset=utf-8")
        else:
            blocks = client.top(number) if wanted.headers else client.retrieve(number)
            yield Resource(blocks, "message/rfc822", name=f"{number}.eml")
        # What was not read to its end is given up.
        if client.state is State.TRANSACTION:
            # Everything is there already, so it does not matter how they part.
            with suppress(SocketToolsError):
                client.quit()


def message_number(url: ServiceUrl) -> int | None:
    """Return the number of the message that a URL names; None if it is the mailbox.

    Raises:
        ValueError: it is no number.
    """
    if url.path in ("", "/"):
        return None
    match = _NUMBER.fullmatch(url.path)
    if match is None:
        raise ValueError(f"{url.path[1:][:50]!r} is no number of a message, which begin with 1")
    return int(match[1])


@contextmanager
def mailbox(url: ServiceUrl, access: Access) -> Iterator[Pop3Client]:
    """Yield a session that is logged in; whoever uses it says ``quit``.

    Raises:
        SocketToolsError: nobody knows a user name; there is no TLS where it is required; and
            everything that can go wrong with a server.
    """
    credentials = access.credentials(url)
    if credentials is None:
        raise SocketToolsError(
            f"{url}: a mailbox needs a user: write pop3://USER@{url.host}/, or ~/.netrc"
        )
    with (
        access.open(url.host, url.port, implicit_tls=url.implicit_tls) as conversation,
        Pop3Client(conversation) as client,
    ):
        client.greet()
        if not conversation.is_encrypted and access.tls is not TlsPolicy.OFF:
            _start_tls(client, conversation, url, access)
        access.check_login(conversation, url.host)
        client.login(credentials)
        yield client


def _start_tls(
    client: Pop3Client, conversation: Conversation, url: ServiceUrl, access: Access
) -> None:
    if "STLS" in client.capabilities():
        client.start_tls(access.context(), url.host)
    elif access.tls is TlsPolicy.REQUIRE:
        raise NotOffered(f"{conversation.peer} offers no encryption (STLS)")


def _listing(client: Pop3Client) -> Iterator[bytes]:
    """Ask for the sizes, hold them, eight octets each, and give them with each identifier."""
    return table(_rows(client, _sizes(client)))


def _sizes(client: Pop3Client) -> array[int]:
    """Return each message's size, where its number less one is; the numbers have a bound."""
    sizes = array("q")
    for number, octets in client.sizes():
        if number > len(sizes):
            sizes.extend(array("q", [_NONE]) * (number - len(sizes)))
        sizes[number - 1] = octets
    return sizes


def _rows(client: Pop3Client, sizes: array[int]) -> Iterator[tuple[str, ...]]:
    yield COLUMNS
    for number, uid in _uids(client):
        # What only the second list has was not there for the first.
        if number <= len(sizes) and sizes[number - 1] != _NONE:
            yield str(number), str(sizes[number - 1]), uid
            sizes[number - 1] = _NONE
    for number, octets in enumerate(sizes, 1):
        if octets != _NONE:
            yield str(number), str(octets), ""


def _uids(client: Pop3Client) -> Iterator[UidListing]:
    try:
        return client.uids()
    except PermanentNegativeReply:  # a server needs not have them
        return iter(())
