"""What ``imap://user@host/...`` leads to (RFC 5092).

``/`` is the list of folders, ``/INBOX`` the messages of one, ``/INBOX?SUBJECT%20Hello`` those that
match, ``/INBOX/;UID=7`` a message and ``/INBOX/;UID=7/;SECTION=1.2`` a part of it.
"""

from __future__ import annotations

import re
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import TYPE_CHECKING
from urllib.parse import unquote, unquote_to_bytes

from sockettools.errors import (
    NotOffered,
    PermanentNegativeReply,
    RemoteProtocolError,
    SocketToolsError,
)
from sockettools.protocols.access import TlsPolicy
from sockettools.protocols.imap.client import ImapClient
from sockettools.protocols.imap.commands import mailbox as folder_name
from sockettools.protocols.imap.commands import search_program
from sockettools.protocols.mail_headers import header_fields, table
from sockettools.tasks.fetch.resource import Resource

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import TypeVar

    from sockettools.protocols.access import Access, Credentials
    from sockettools.protocols.conversation import Conversation
    from sockettools.protocols.imap.results import Folder, Selected, Summary
    from sockettools.service_url import ServiceUrl
    from sockettools.tasks.fetch.resource import Wanted

    T = TypeVar("T")

FOLDER_COLUMNS = ("name", "flags", "delimiter")
MESSAGE_COLUMNS = ("uid", "date", "from", "subject", "size")

TABLE = "text/tab-separated-values; charset=utf-8"

# Messages that are asked for at once: so many UIDs, with a comma each, make a line that servers
# take (RFC 7162 section 4).
BATCH = 250

# Batches in a row that may be empty, because somebody else deletes messages meanwhile.
_MAX_EMPTY = 8

_FIELDS = ("DATE", "FROM", "SUBJECT")

# RFC 3501 section 9: a number has 32 bits, and UIDs begin with 1.
_MAX_NUMBER = 2**32 - 1

_PATH = re.compile(
    r"/(?P<folder>[^;?#]*)(?P<parameters>(?:;[^;?#]*)*)(?:\?(?P<search>[^#]*))?", re.DOTALL
)
_PARTIAL = re.compile(r"([0-9]{1,10})(?:\.([0-9]{1,10}))?")
_MECHANISM = re.compile(r"(?P<username>[^;]*);AUTH=(?P<mechanism>.+)", re.IGNORECASE | re.DOTALL)

# A part that has a header of its own kind (RFC 3501 section 6.4.5).
_NUMBERED = re.compile(r"[0-9]+(?:\.[0-9]+)*")


@dataclass(frozen=True)
class Place:
    """What a URL names; ``folder`` "" is the list of all.

    ``search`` is a program, None where all messages are meant; ``partial`` the first octet and how
    many.
    """

    folder: str = ""
    uid_validity: int | None = None
    search: bytes | None = None
    uid: int | None = None
    section: str = ""
    partial: tuple[int, int] | None = None


@contextmanager
def fetch(url: ServiceUrl, access: Access, wanted: Wanted) -> Iterator[Resource]:
    """Yield a message or a part of it as it is, or a table of messages, or of folders."""
    place = place_of(url)
    if wanted.headers:
        place = _header_of(place)
    program = None if place.search is None else search_program(place.search)
    with mailbox(url, access) as client:
        if not place.folder:
            folders = _begun(client.list_folders())
            yield Resource(table(_folder_rows(folders)), TABLE, notes=client.alerts)
        else:
            changes = wanted.changes_allowed and place.uid is not None
            opened = client.select(place.folder) if changes else client.examine(place.folder)
            _check_validity(url, place, opened)
            if place.uid is not None:
                yield _message(client, place, place.uid, peek=not changes)
            else:
                uids = None if program is None else client.search(program)
                summaries = _begun(
                    _all(client, opened, url) if uids is None else _some(client, uids, url)
                )
                yield Resource(table(_message_rows(summaries)), TABLE, notes=client.alerts)
        # Everything is there, so it does not matter how they part; and what was not read to its
        # end is given up.
        with suppress(SocketToolsError):
            client.leave()


def file_name(url: ServiceUrl) -> str | None:
    """Return the name of a file of what the URL leads to; None where it does not tell.

    Raises:
        ValueError, LocalProtocolError: see ``place_of``.
    """
    place = place_of(url)
    if place.uid is not None:
        return _name_of(place) or None
    # As it is written, so that no encoded slash leads out of the folder.
    path = url.path.partition("?")[0].partition(";")[0]
    name = path.removesuffix("/").rpartition("/")[2]
    return None if name in ("", ".", "..") else name


def place_of(url: ServiceUrl) -> Place:
    """Read the path of a URL (RFC 5092 section 11).

    Raises:
        ValueError: it means nothing.
        LocalProtocolError: there is a control character in the name of the folder.
    """
    if url.path in ("", "/"):
        return Place()
    match = _PATH.fullmatch(url.path)
    if match is None:
        raise ValueError("it is not /FOLDER, /FOLDER/;UID=7 or /FOLDER?SEARCH; # is written %23")
    given = _parameters(match["parameters"])
    place = Place(
        _unquoted(match["folder"].removesuffix("/"), "the folder's name"),
        uid_validity=_number(given, "UIDVALIDITY"),
        search=None if match["search"] is None else unquote_to_bytes(match["search"]),
        uid=_number(given, "UID"),
        section=given.get("SECTION", ""),
        partial=_partial(given.get("PARTIAL")),
    )
    if not place.folder:
        raise ValueError("it names no folder")
    folder_name(place.folder)
    if place.uid is None and ("SECTION" in given or "PARTIAL" in given):
        raise ValueError("a section or a part of a message needs the message: /;UID=7")
    if place.uid is not None and place.search is not None:
        raise ValueError("it names a message, and a search among messages")
    return place


@contextmanager
def mailbox(url: ServiceUrl, access: Access) -> Iterator[ImapClient]:
    """Yield a client that is logged in.

    Raises:
        ValueError: the URL wants a way to log in that is not known here.
        SocketToolsError: nobody knows a user name; there is no TLS where it is required; and
            everything that can go wrong with a server.
    """
    url, mechanism = _without_mechanism(url)
    credentials = None if mechanism == "ANONYMOUS" else access.credentials(url)
    with (
        access.open(url.host, url.port, implicit_tls=url.implicit_tls) as conversation,
        ImapClient(conversation) as client,
    ):
        is_known = client.greet()
        if not conversation.is_encrypted and access.tls is not TlsPolicy.OFF:
            _start_tls(client, conversation, url, access, is_known=is_known)
        if not is_known:
            _log_in(client, conversation, url, access, credentials, mechanism)
        yield client


def _start_tls(
    client: ImapClient,
    conversation: Conversation,
    url: ServiceUrl,
    access: Access,
    *,
    is_known: bool,
) -> None:
    offered = "STARTTLS" in client.capability()
    # Who is logged in may not start TLS any more, and somebody on the way can say who is (RFC 9051
    # section 11.1).
    if is_known and (offered or access.tls is TlsPolicy.REQUIRE):
        raise RemoteProtocolError(
            f"{conversation.peer} says that the login is done (PREAUTH) before the encryption "
            "could begin; somebody on the way may have"
        )
    if offered:
        client.start_tls(access.context(), url.host)
    elif access.tls is TlsPolicy.REQUIRE:
        raise NotOffered(f"{conversation.peer} offers no encryption (STARTTLS)")


def _log_in(
    client: ImapClient,
    conversation: Conversation,
    url: ServiceUrl,
    access: Access,
    credentials: Credentials | None,
    mechanism: str,
) -> None:
    if credentials is None:
        # RFC 5092 section 3.2: without a user it is anybody.
        if mechanism != "ANONYMOUS" and "AUTH=ANONYMOUS" not in client.capability():
            raise SocketToolsError(
                f"{url}: a mailbox needs a user: write {url.scheme}://USER@{url.host}/, or ~/.netrc"
            )
        client.authenticate_anonymous()
        return
    access.check_login(conversation, url.host)
    match mechanism:
        case "PLAIN":
            client.authenticate_plain(credentials)
        case "LOGIN" | "+LOGIN":
            client.login_command(credentials)
        case _:
            client.login(credentials)


def _without_mechanism(url: ServiceUrl) -> tuple[ServiceUrl, str]:
    """Take the ``;AUTH=...`` off a user name (RFC 5092 section 3.1); "*" is any mechanism."""
    match = _MECHANISM.fullmatch(url.username or "")
    if match is None:
        return url, "*"
    mechanism = match["mechanism"].upper()
    if mechanism not in ("*", "PLAIN", "LOGIN", "+LOGIN", "ANONYMOUS"):
        raise ValueError(f"{match['mechanism'][:40]!r} is no way to log in that is known here")
    return replace(url, username=match["username"] or None), mechanism


def _header_of(place: Place) -> Place:
    if place.uid is None:
        raise ValueError("only a message has a header: the URL has no /;UID=")
    if not place.section:
        return replace(place, section="HEADER")
    if _NUMBERED.fullmatch(place.section):
        return replace(place, section=f"{place.section}.MIME")
    raise ValueError(f"the section {place.section[:40]!r} has no header")


def _check_validity(url: ServiceUrl, place: Place, opened: Selected) -> None:
    if place.uid_validity not in (None, opened.uid_validity):
        raise PermanentNegativeReply(
            f"{url}: the folder's UIDVALIDITY is {opened.uid_validity} now: "
            "its messages have other numbers than when the URL was written"
        )


def _message(client: ImapClient, place: Place, uid: int, *, peek: bool) -> Resource:
    section = client.stream_section(uid, place.section, peek=peek, partial=place.partial)
    name = _name_of(place)
    media_type = "message/rfc822" if name else "application/octet-stream"
    return Resource(section.blocks, media_type, section.size, name, notes=client.alerts)


def _name_of(place: Place) -> str:
    """Return the name of a file of a message; "" where it is a part of one."""
    is_whole = place.section.upper() in ("", "HEADER") and place.partial is None
    return f"{place.uid}.eml" if is_whole else ""


def _begun(items: Iterator[T]) -> Iterator[T]:
    """Return them when the first has come: alerts come before it, and most refusals."""
    first = list(islice(items, 1))
    return chain(first, items)


def _all(client: ImapClient, opened: Selected, url: ServiceUrl) -> Iterator[Summary]:
    # By their numbers: these stay the same, for no server may tell of deleted messages while it
    # answers FETCH (RFC 3501 section 7.4.1).
    came = empty = 0
    for first in range(1, opened.messages + 1, BATCH):
        numbers = range(first, min(first + BATCH, opened.messages + 1))
        empty += 1
        for summary in client.fetch(numbers, _FIELDS):
            empty = 0
            came += 1
            yield summary
        if empty > _MAX_EMPTY:
            raise RemoteProtocolError(
                f"{url}: there should be {opened.messages} messages, but they do not come"
            )
    _check_number(client, came, opened.messages, url)


def _some(client: ImapClient, uids: Sequence[int], url: ServiceUrl) -> Iterator[Summary]:
    came = expected = 0
    for first in range(0, len(uids), BATCH):
        batch = set(uids[first : first + BATCH])
        expected += len(batch)
        for summary in client.fetch_uids(sorted(batch), _FIELDS):
            came += 1
            yield summary
    _check_number(client, came, expected, url)


def _check_number(client: ImapClient, came: int, expected: int, url: ServiceUrl) -> None:
    """Let messages be missing only where somebody else has deleted some meanwhile."""
    if came < expected and not client.has_shrunk:
        client.noop()  # not every server tells at once
        if not client.has_shrunk:
            raise RemoteProtocolError(
                f"{url}: there should be {expected} messages, but {came} have come"
            )


def _folder_rows(folders: Iterable[Folder]) -> Iterator[Sequence[str]]:
    yield FOLDER_COLUMNS
    for folder in folders:
        yield folder.name, " ".join(folder.flags), folder.delimiter


def _message_rows(summaries: Iterable[Summary]) -> Iterator[Sequence[str]]:
    yield MESSAGE_COLUMNS
    for summary in summaries:
        fields = header_fields(summary.header)
        texts = (fields.get(name.lower(), "") for name in _FIELDS)
        yield str(summary.uid), *texts, str(summary.size)


def _parameters(text: str) -> dict[str, str]:
    given: dict[str, str] = {}
    for parameter in text.split(";")[1:]:
        name, equals, value = parameter.removesuffix("/").partition("=")
        key = name.upper()
        if not equals or key not in ("UIDVALIDITY", "UID", "SECTION", "PARTIAL"):
            raise ValueError(f"{';' + name[:40]!r} means nothing in it; ; is written %3B in a name")
        if key in given:
            raise ValueError(f"it has ;{key}= twice")
        given[key] = _unquoted(value, f";{key}=")
    return given


def _number(given: dict[str, str], key: str) -> int | None:
    text = given.get(key)
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,10}", text) or not 0 < int(text) <= _MAX_NUMBER:
        raise ValueError(f";{key}={text[:20]} is no number from 1 to {_MAX_NUMBER}")
    return int(text)


def _partial(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    match = _PARTIAL.fullmatch(text)
    if match is None or max(map(int, match.groups("1"))) > _MAX_NUMBER or match[2] == "0":
        raise ValueError(f";PARTIAL={text[:40]} is not the first octet and how many, 0.1024")
    return int(match[1]), int(match[2] or _MAX_NUMBER)


def _unquoted(text: str, what: str) -> str:
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise ValueError(f"{what} is no UTF-8") from None
