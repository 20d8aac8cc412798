"""News URLs (RFC 5538): a server's groups, what is in a group, an article."""

from __future__ import annotations

import re
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from sockettools.errors import InsecureLogin, NegativeReply, NotOffered, SocketToolsError
from sockettools.protocols.access import TlsPolicy
from sockettools.protocols.mail_headers import table
from sockettools.protocols.nntp import NntpClient
from sockettools.tasks.fetch.resource import Resource, Wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sockettools.protocols.access import Access, Credentials
    from sockettools.protocols.conversation import Conversation
    from sockettools.protocols.nntp import ListedGroup
    from sockettools.protocols.nntp_overview import Overview
    from sockettools.service_url import ServiceUrl

_TABLE_TYPE = "text/plain; charset=utf-8"

_GROUP_COLUMNS = ("group", "articles", "posting", "about")
_OVERVIEW_COLUMNS = ("number", "date", "from", "subject", "lines", "bytes")

_POSTING = {"y": "yes", "n": "no", "m": "moderated"}

_NUMBER = re.compile(r"[0-9]{1,18}")
_RANGE = re.compile(r"([0-9]{1,18})-([0-9]{1,18})?")
_GROUP = re.compile(r"[^\s\x00-\x1f\x7f,<>]+")
_MESSAGE_ID = re.compile(r"[!-;=?-~]{1,248}")

# What is in no file's name.
_NOT_IN_NAMES = re.compile(r"[^\w.@+=~-]")


@dataclass(frozen=True)
class NewsUrl:
    """What a URL leads to: groups (a pattern, or all), an article, or articles of a group.

    ``high`` is None where the range has no end; a whole group has neither.
    """

    group: str | None = None
    pattern: str | None = None
    article: int | str | None = None
    low: int | None = None
    high: int | None = None


def parse_news_path(path: str) -> NewsUrl:
    """Read a URL's path.

    RFC 5538 has groups and articles by number (section 4) and by message-id (section 2.2). Ranges,
    patterns such as ``/comp.*``, and all groups where there is no path, are this project's.

    Raises:
        ValueError: it means nothing.

    >>> parse_news_path("/comp.lang.python/5-").low
    5
    >>> parse_news_path("/%3C1@example.test%3E").article
    '<1@example.test>'
    """
    written = path.removeprefix("/")
    if "@" in written or "%40" in written:
        return NewsUrl(article=_message_id(_decoded(written)))
    group, slash, rest = written.partition("/")
    name, which = _decoded(group), _decoded(rest)
    if not name:
        if slash:
            raise ValueError(f"no group is named before {'/' + which!r}")
        return NewsUrl()
    if not _GROUP.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a group")
    if "*" in name:
        if which:
            raise ValueError("a pattern of groups has no articles: name one group")
        return NewsUrl(pattern=name)
    if not which:
        return NewsUrl(group=name)
    if _NUMBER.fullmatch(which):
        if not int(which):
            raise ValueError("the numbers of articles begin with 1")
        return NewsUrl(group=name, article=int(which))
    return _range(name, which)


def _range(group: str, written: str) -> NewsUrl:
    match = _RANGE.fullmatch(written)
    if match is None:
        raise ValueError(f"{written!r} is neither a number nor a range such as 1-10 or 5-")
    low, high = int(match[1]), int(match[2]) if match[2] else None
    if high is not None and high < low:
        raise ValueError(f"the range {written} ends before it begins")
    return NewsUrl(group=group, low=low, high=high)


def _message_id(written: str) -> str:
    inner = written[1:-1] if written.startswith("<") and written.endswith(">") else written
    if not _MESSAGE_ID.fullmatch(inner):
        raise ValueError(f"{written[:260]!r} is no message-id")
    return f"<{inner}>"


def _decoded(written: str) -> str:
    try:
        return unquote_to_bytes(written).decode()
    except UnicodeDecodeError:
        raise ValueError(f"{written!r} is not UTF-8 when it is decoded") from None


@contextmanager
def fetch(url: ServiceUrl, access: Access, wanted: Wanted) -> Iterator[Resource]:
    """Yield what the URL leads to: a table of groups or articles, or an article."""
    target = parse_news_path(url.path)
    if target.article is None and wanted.headers:
        raise ValueError("only an article has a header: the URL names none")
    name = file_name(url) or ""
    with news_session(url, access) as client:
        if target.article is not None:
            if target.group is not None:
                client.group(target.group)
            blocks = (client.head if wanted.headers else client.article)(target.article)
            yield Resource(blocks, "message/rfc822", name=name)
        elif target.group is not None:
            rows = _overview_rows(_overviews(client, target))
            yield Resource(table(rows), _TABLE_TYPE, name=name)
        else:
            yield Resource(table(_group_rows(client, target.pattern)), _TABLE_TYPE, name=name)


def file_name(url: ServiceUrl) -> str | None:
    """Return the name of a file of what the URL leads to; None where it does not tell.

    >>> from sockettools.service_url import parse_service_url
    >>> file_name(parse_service_url("nntp://h/test.general/5"))
    '5.eml'
    """
    try:
        target = parse_news_path(url.path)
    except ValueError:
        return None
    if target.article is not None:
        return _file_name(str(target.article).strip("<>"), "eml")
    name = target.group or target.pattern
    return None if name is None else _file_name(name, "txt")


def _overviews(client: NntpClient, target: NewsUrl) -> Iterator[Overview]:
    assert target.group is not None
    group = client.group(target.group)
    low, high = target.low, target.high
    if low is None:
        low, high = group.low, group.high
    # Servers that would refuse a range in an empty group need not be asked.
    if group.high < max(group.low, 1) or (group.count == 0 and group.high == group.low):
        return iter(())
    return client.overview(max(low, 1), high)


def _overview_rows(overviews: Iterator[Overview]) -> Iterator[tuple[str, ...]]:
    yield _OVERVIEW_COLUMNS
    for overview in overviews:
        yield (
            str(overview.number),
            _date(overview),
            overview.sender,
            overview.subject,
            _shown_number(overview.lines),
            _shown_number(overview.octets),
        )


def _date(overview: Overview) -> str:
    date = overview.date
    # What nobody can read may mean something to a person.
    return overview.field("date") if date is None else date.isoformat(" ", "minutes")


def _shown_number(number: int | None) -> str:
    return "" if number is None else str(number)


def _group_rows(client: NntpClient, pattern: str | None) -> Iterator[tuple[str, ...]]:
    # A group without a description is as good, and so is a server without descriptions.
    about = client.descriptions(pattern)
    groups = client.groups(pattern)
    yield _GROUP_COLUMNS
    for group in groups:
        posting = _POSTING.get(group.status, group.status)
        yield group.name, _articles(group), posting, about.get(group.name, "")


def _articles(group: ListedGroup) -> str:
    return f"{group.low}-{group.high}" if group.high >= max(group.low, 1) else "none"


def _file_name(name: str, ending: str) -> str:
    return f"{_NOT_IN_NAMES.sub('_', name).lstrip('.')}.{ending}"


@contextmanager
def news_session(url: ServiceUrl, access: Access) -> Iterator[NntpClient]:
    """Connect, become a reader, encrypt, log in if that is wanted; say goodbye at the end.

    Raises:
        SocketToolsError: the server refuses, or cannot do what ``access`` requires.
    """

    def credentials() -> Credentials | None:
        found = access.credentials(url)
        if found is not None:
            access.check_login(conversation, url.host)
        return found

    with (
        access.open(url.host, url.port, implicit_tls=url.implicit_tls) as conversation,
        NntpClient(conversation, credentials) as client,
    ):
        client.greet()
        _become_reader(client)
        _encrypt(client, conversation, url, access)
        _log_in(client, url, credentials)
        yield client
        # Everything is here, or nobody wants the rest: what becomes of a goodbye is no news.
        with suppress(SocketToolsError):
            client.quit()


def _become_reader(client: NntpClient) -> None:
    capabilities = client.capabilities()
    if "READER" in capabilities or (capabilities and "MODE-READER" not in capabilities):
        return
    try:
        client.mode_reader()
    except NegativeReply as exc:
        # Older servers have readers only, or have to be told: they do not say which.
        if capabilities or exc.code not in (500, 501):
            raise


def _encrypt(
    client: NntpClient, conversation: Conversation, url: ServiceUrl, access: Access
) -> None:
    if conversation.is_encrypted or access.tls is TlsPolicy.OFF:
        return
    capabilities = client.capabilities()
    # Where the server tells nothing, it has to be tried if there is no going on without.
    if "STARTTLS" in capabilities or (not capabilities and access.tls is TlsPolicy.REQUIRE):
        client.start_tls(access.context(), url.host)
    elif access.tls is TlsPolicy.REQUIRE:
        raise NotOffered(f"{conversation.peer} offers no encryption (STARTTLS)")


def _log_in(
    client: NntpClient, url: ServiceUrl, credentials: Callable[[], Credentials | None]
) -> None:
    """Log in at once if the URL says who, or somebody is known and the server likes to know.

    Some servers show more to those that they know, and ask nobody.
    """
    if url.username is None and "USER" not in client.capabilities().get("AUTHINFO", ()):
        return
    try:
        found = credentials()
    except InsecureLogin:
        if url.username is not None:
            raise
        return  # only if the server insists
    if found is not None:
        client.login(found)
