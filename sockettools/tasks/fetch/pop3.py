"""What ``pop3://user@host/3`` leads to: a message; and without a number, the list of messages.

``pop3://user@host/;UIDL=whqtswO00WBw418f9t5JxYwZ`` is the same message in all sessions: RFC 2384
has no such URLs, and this form is after IMAP's ``;UID=``.
"""

from __future__ import annotations

import re
from array import array
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from urllib.parse import unquote

from sockettools.errors import NotOffered, PermanentNegativeReply, SocketToolsError
from sockettools.protocols.access import TlsPolicy
from sockettools.protocols.mail_headers import table
from sockettools.protocols.pop3 import Pop3Client, State
from sockettools.tasks.fetch.resource import Resource

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from sockettools.protocols.access import Access
    from sockettools.protocols.conversation import Conversation
    from sockettools.protocols.pop3 import UidListing
    from sockettools.service_url import ServiceUrl
    from sockettools.tasks.fetch.resource import Wanted

COLUMNS = ("number", "octets", "uid")

_NUMBER = re.compile(r"/([1-9][0-9]{0,9})")
_UIDL = re.compile(r"/;UIDL=(.{1,1000})", re.IGNORECASE | re.DOTALL)

# RFC 1939 section 7 has 70 characters without spaces; servers have others.
_UID = re.compile(r"[^\x00-\x20\x7f][^\x00-\x1f\x7f]*")

# What is in no file's name, and its length without the ending.
_NOT_IN_NAMES = re.compile(r"[^\w.@+=~-]")
_MAX_NAME = 100

# The size of a message that is in no list, or was printed.
_NONE = -1


@contextmanager
def fetch(url: ServiceUrl, access: Access, wanted: Wanted) -> Iterator[Resource]:
    """Yield a message as it is, its header, or the list of messages as a table.

    ``size`` is not told: servers count as the message lies on their disk.
    """
    message = message_of(url)
    if message is None and wanted.headers:
        raise ValueError("only a message has a header: the URL has no number")
    with mailbox(url, access) as client:
        if message is None:
            yield Resource(_listing(client), "text/tab-separated-values; charset=utf-8")
        else:
            number = numbers_of(client, [message])[message]
            blocks = client.top(number) if wanted.headers else client.retrieve(number)
            yield Resource(blocks, "message/rfc822", name=file_name(url) or "")
        # What was not read to its end is given up.
        if client.state is State.TRANSACTION:
            # Everything is there already, so it does not matter how they part.
            with suppress(SocketToolsError):
                client.quit()


def message_of(url: ServiceUrl) -> int | str | None:
    """Return the message that a URL names: its number, or its unique identifier.

    None is the mailbox. A number is the message's in one session only: it gets another one where
    messages before it were deleted.

    Raises:
        ValueError: it is neither.

    >>> from sockettools.service_url import parse_service_url
    >>> message_of(parse_service_url("pop3://user@h/;UIDL=a%2Fb"))
    'a/b'
    """
    if url.path in ("", "/"):
        return None
    if match := _NUMBER.fullmatch(url.path):
        return int(match[1])
    match = _UIDL.fullmatch(url.path)
    if match is None:
        raise ValueError(
            f"{url.path[1:][:50]!r} is no number of a message, which begin with 1, nor ;UIDL=ID"
        )
    uid = unquote(match[1], errors="backslashreplace")  # as the list of messages has it
    if not _UID.fullmatch(uid):
        raise ValueError(f"{match[1][:50]!r} is no unique identifier of a message")
    return uid


def numbers_of(client: Pop3Client, messages: Collection[int | str]) -> dict[int | str, int]:
    """Return the numbers that the messages have in this session; see ``message_of``.

    Raises:
        NegativeReply: there is no such unique identifier, or the server tells none.
        NotOffered: it is not unique.
    """
    uids = [message for message in messages if isinstance(message, str)]
    found = client.numbers(uids) if uids else {}
    return {m: found[m] if isinstance(m, str) else m for m in messages}


def file_name(url: ServiceUrl) -> str | None:
    """Return the name of a file of the message; None where the URL does not tell.

    >>> from sockettools.service_url import parse_service_url
    >>> file_name(parse_service_url("pop3://user@h/3"))
    '3.eml'
    """
    try:
        message = message_of(url)
    except ValueError:
        return None
    if message is None:
        return None
    return f"{_NOT_IN_NAMES.sub('_', str(message)[:_MAX_NAME]).lstrip('.')}.eml"


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
