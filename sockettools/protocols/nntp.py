"""A client for news servers: RFC 3977, its forerunner RFC 977 and what came in between.

TLS is RFC 4642's, login RFC 4643's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, TypeVar

from sockettools.errors import (
    LocalProtocolError,
    NegativeReply,
    PermanentNegativeReply,
    RemoteProtocolError,
    TooLong,
    TransientNegativeReply,
)
from sockettools.lifetime import Closing
from sockettools.protocols.commands import check_legal
from sockettools.protocols.mail_headers import MAX_HEAD
from sockettools.protocols.nntp_overview import (
    DEFAULT_COLUMNS,
    Column,
    Overview,
    overview_of,
    parse_columns,
    parse_overview,
    text_of,
)
from sockettools.protocols.replies import Reply, hidden, negative_reply, read_reply, shown

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from sockettools.protocols.access import Credentials
    from sockettools.protocols.conversation import Conversation

    T = TypeVar("T")


class NntpState(Enum):
    """How far a session has come."""

    CONNECTED = 1  # nobody has said anything
    READY = 2
    IN_GROUP = 3  # article numbers mean something
    # An answer, a list or an article is on its way, or made no sense: there is no other command.
    RECEIVING = 4
    CLOSED = 5


_ASKING = frozenset({NntpState.READY, NntpState.IN_GROUP})
_IN_GROUP = frozenset({NntpState.IN_GROUP})

# Which command is legal when. Articles have a message-id everywhere, and a number in a group.
# STARTTLS and MODE READER come before everything that they would make the server forget
# (RFC 4642 section 2.2.1, RFC 3977 section 5.3.2).
COMMANDS: dict[str, frozenset[NntpState]] = {
    "CAPABILITIES": _ASKING,
    "MODE READER": frozenset({NntpState.READY}),
    "STARTTLS": frozenset({NntpState.READY}),
    "AUTHINFO": _ASKING,
    "LIST": _ASKING,
    "GROUP": _ASKING,
    "OVER": _IN_GROUP,
    "ARTICLE number": _IN_GROUP,
    "ARTICLE message-id": _ASKING,
    "POST": _ASKING,
    "QUIT": _ASKING,
}

# Unlike elsewhere 4yz says nothing about later: 411 and 430 are "no such group" and "no such
# article" (RFC 3977 section 3.2). These do: 400 the service, 403 a fault of the server
# (section 3.2.1), 436 "try again later" (section 6.3.2). 503 is for what a server does not have.
TRANSIENT_CODES = frozenset({400, 403, 436})

# What servers say to a command that they do not know (500), or a form of it (501), that is not for
# everybody (502), or that they have no data for (503).
_NOT_KNOWN = frozenset({500, 501, 502, 503})

# No such article: the current one, that number, that message-id.
_NO_ARTICLE = frozenset({420, 423, 430})

# RFC 3977 section 6 ends at 2,147,483,647, and servers with many binaries went on.
MAX_NUMBER = 10**18 - 1

# RFC 3977 section 3.1, with the line end.
MAX_COMMAND = 512

# A line of an overview has a References field in it, which may be long.
MAX_OVERVIEW_LINE = 65_536

# Lines of lists. The largest servers have some 110,000 groups.
MAX_CAPABILITIES = 1_000
MAX_GROUPS = 1_000_000
MAX_OVERVIEWS = 100_000_000

# What is held in memory of descriptions of groups.
MAX_DESCRIPTIONS = 250_000
MAX_DESCRIPTIONS_SIZE = 16_000_000

# Articles that are asked for their header one by one, where there is no overview.
MAX_HEADS = 200

# Octets of a header that is read for an overview.
_MAX_HEAD_READ = 16 * MAX_HEAD

_GROUP = re.compile(r"[^\s\x00-\x1f\x7f]+")
_MESSAGE_ID = re.compile(r"<[!-=?-~]{1,248}>")  # RFC 3977 section 9.8
_GROUP_REPLY = re.compile(r"([0-9]{1,18})[ \t]+([0-9]{1,18})[ \t]+([0-9]{1,18})(?:[ \t].*)?")
_ACTIVE = re.compile(rb"([^ \t]+)[ \t]+([0-9]{1,18})[ \t]+([0-9]{1,18})[ \t]+([^ \t]+)[ \t]*")


@dataclass(frozen=True)
class Group:
    """A group that was selected; ``count`` is an estimate. An empty one has high below low."""

    name: str
    count: int
    low: int
    high: int


@dataclass(frozen=True)
class ListedGroup:
    """A line of the list of groups.

    ``status``: "y" posting is allowed, "n" it is not, "m" somebody decides; others may come (RFC
    3977 section 7.6.3, RFC 6048 section 3.1).
    """

    name: str
    low: int
    high: int
    status: str


def nobody() -> Credentials | None:
    """Know no credentials."""
    return None


class NntpClient(Closing):
    """A session with a server, over a conversation that it takes over. Begin with ``greet``.

    All methods raise:
        LocalProtocolError: the command is not legal now, or its argument is none.
        NegativeReply: the server refuses. It is a TransientNegativeReply if the same may do later.
        RemoteProtocolError: what came is no answer to it.
    and what Conversation raises.

    ``credentials`` is asked who logs in when the server wants that to be known.
    """

    def __init__(
        self,
        conversation: Conversation,
        credentials: Callable[[], Credentials | None] = nobody,
    ) -> None:
        self.state = NntpState.CONNECTED
        self.is_posting_allowed = False
        self._conversation = conversation
        self._credentials = credentials
        self._has_tried_login = False
        self._is_logged_in = False
        self._group: Group | None = None
        # None where it was not asked; empty where the server does not tell.
        self._capabilities: dict[str, tuple[str, ...]] | None = None
        self._columns: tuple[Column, ...] | None = None

    # Beginning and end

    def close(self) -> None:
        """Give the connection up."""
        self.state = NntpState.CLOSED
        self._conversation.close()

    def greet(self) -> Reply:
        """Wait for the server's greeting (RFC 3977 section 5.1)."""
        if self.state is not NntpState.CONNECTED:
            raise LocalProtocolError(f"there is only one greeting of {self._peer}")
        reply = self._answer()
        self._check("the connection", reply, 200, 201)
        self.is_posting_allowed = reply.code == 200
        self.state = NntpState.READY
        return reply

    def capabilities(self) -> Mapping[str, tuple[str, ...]]:
        """Return what the server can do now: labels and their arguments (RFC 3977 section 5.2).

        It is empty where the server is older than the command.
        """
        if self._capabilities is None:
            reply = self._exchange("CAPABILITIES", "CAPABILITIES")
            if reply.code in _NOT_KNOWN or reply.code == 480:
                self._capabilities = {}
            else:
                self._check("CAPABILITIES", reply, 101)
                found = {}
                for line in self._lines(MAX_CAPABILITIES, "capabilities"):
                    label, *arguments = text_of(line).upper().split() or [""]
                    found[label] = tuple(arguments)
                self._capabilities = found
        return self._capabilities

    def mode_reader(self) -> None:
        """Say that this is no other server (RFC 3977 section 5.3)."""
        reply = self._exchange("MODE READER", "MODE READER")
        self._check("MODE READER", reply, 200, 201)
        self.is_posting_allowed = reply.code == 200
        self._capabilities = None

    def start_tls(self, context: ssl.SSLContext, server_name: str) -> None:
        """Encrypt from here on, and forget what was learned before (RFC 4642 section 2.2).

        Raises:
            RemoteProtocolError: the server, or somebody on the way, says more before it begins.
            CertificateError, ConnectError, ConnectTimeout: no agreement.
        """
        self._check("STARTTLS", self._exchange("STARTTLS", "STARTTLS"), 382)
        self._conversation.start_tls(context, server_name)
        self._capabilities = self._columns = None

    def login(self, credentials: Credentials) -> None:
        """Say who this is, once (RFC 4643 section 2.3)."""
        check_legal(COMMANDS, "AUTHINFO", self.state)
        if self._is_logged_in:
            raise LocalProtocolError(f"this session is logged in already at {self._peer}")
        self._has_tried_login = True
        reply = self._exchange("AUTHINFO", f"AUTHINFO USER {credentials.username}")
        self._check("AUTHINFO USER", reply, 281, 381)
        if reply.code == 381:
            reply = self._exchange(
                "AUTHINFO", f"AUTHINFO PASS {credentials.password}", "AUTHINFO PASS ***"
            )
            self._check("the login", reply, 281)
        self._is_logged_in = True
        self._capabilities = self._columns = None

    def quit(self) -> None:
        """Say goodbye (RFC 3977 section 5.4); what the server says to it would change nothing."""
        check_legal(COMMANDS, "QUIT", self.state)
        self.state = NntpState.CLOSED
        self._conversation.send_line("QUIT")

    # Groups

    def groups(self, pattern: str | None = None) -> Iterator[ListedGroup]:
        """Ask for the groups, those that match the wildmat (RFC 3977 section 7.6.3)."""
        self._command("LIST", f"LIST ACTIVE {_word(pattern)}" if pattern else "LIST", 215)
        return map(self._listed_group, self._lines(MAX_GROUPS, "groups"))

    def descriptions(self, pattern: str | None = None) -> dict[str, str]:
        """Return what the groups are about, by their names (RFC 3977 section 7.6.6).

        It is empty where the server does not tell.

        Raises:
            TooLong: there are more than can be held in memory.
        """
        line = "LIST NEWSGROUPS"
        if self._maybe("LIST", f"{line} {_word(pattern)}" if pattern else line, 215) is None:
            return {}
        found: dict[str, str] = {}
        size = 0
        for entry in self._lines(MAX_DESCRIPTIONS, "descriptions of groups"):
            size += len(entry)
            if size > MAX_DESCRIPTIONS_SIZE:
                raise TooLong(
                    f"{self._peer} sent descriptions of more than {MAX_DESCRIPTIONS_SIZE} octets"
                )
            name, *rest = text_of(entry).split(None, 1)[:2] or [""]
            found[name] = "".join(rest)
        return found

    def group(self, name: str) -> Group:
        """Select a group (RFC 3977 section 6.1.1)."""
        reply = self._command("GROUP", f"GROUP {_word(name)}", 211)
        match = _GROUP_REPLY.fullmatch(reply.text)
        if match is None:
            raise self._malformed("selected a group with", reply.text)
        count, low, high = map(int, match.groups())
        self._group = Group(name, count, low, high)
        self.state = NntpState.IN_GROUP
        return self._group

    # Articles

    def overview(self, low: int, high: int | None = None) -> Iterator[Overview]:
        """Ask for a line about each article of a range, of all from ``low`` on if that is all.

        Numbers of articles that are not there are left out; those above the last one that the group
        had when it was selected are not asked for, since some servers refuse them. It is done by
        OVER (RFC 3977 section 8.3) or XOVER (RFC 2980 section 2.8); or by asking for headers one by
        one, if they are few.

        Raises:
            PermanentNegativeReply: the server has no overview, and the range is long.
        """
        check_legal(COMMANDS, "OVER", self.state)
        numbers = _range(low, high)
        if high is not None:
            assert self._group is not None
            high = min(high, self._group.high)
            if high < low:
                return iter(())
            numbers = f"{low}-{high}"
        columns = self._overview_columns()
        for verb in ("OVER", "XOVER"):
            reply = self._ask_for_overview(f"{verb} {numbers}")
            if reply is None:
                continue
            if reply.code != 224:
                return iter(())
            most = MAX_OVERVIEWS if high is None else min(high - low + 1, MAX_OVERVIEWS)
            lines = self._lines(most, "overviews", MAX_OVERVIEW_LINE)
            return (self._overview(line, columns, low, high) for line in lines)
        assert self._group is not None
        return self._overview_by_heads(low, self._group.high if high is None else high)

    def article(self, which: int | str) -> Iterator[bytes]:
        """Ask for an article by its number in the group, or its message-id (section 6.2.1)."""
        return self._text("ARTICLE", which, 220)

    def head(self, which: int | str) -> Iterator[bytes]:
        """Ask for the header of an article (section 6.2.2)."""
        return self._text("HEAD", which, 221)

    def body(self, which: int | str) -> Iterator[bytes]:
        """Ask for the body of an article (section 6.2.3)."""
        return self._text("BODY", which, 222)

    def post(self, blocks: Iterable[bytes]) -> Reply:
        """Send an article that has everything but what servers add (RFC 3977 section 6.3.1).

        Raises:
            NegativeReply: it was not taken. After a timeout or an error of the network nobody
                knows; the message-id keeps it from being there twice.
        """
        self._command("POST", "POST", 340)
        self._conversation.send_dotted(blocks)
        reply = self._answer()
        self._check("the article", reply, 240)
        return reply

    def _ask_for_overview(self, line: str) -> Reply | None:
        """Send a command for it; None from a server that does not know the command."""
        try:
            return self._command("OVER", line, 224, *_NO_ARTICLE)
        except NegativeReply as exc:
            if exc.code not in _NOT_KNOWN:
                raise
            # Who says to have it, and knows it, has a reason to refuse it.
            if exc.code != 500 and "OVER" in self.capabilities():
                raise
            return None

    def _overview(
        self, line: bytes, columns: tuple[Column, ...], low: int, high: int | None
    ) -> Overview:
        try:
            overview = parse_overview(line, columns)
        except RemoteProtocolError:
            begin = text_of(line.partition(b"\t")[0])
            raise self._malformed("begins an overview not with a number but with", begin) from None
        if overview.number < low or (high is not None and overview.number > high):
            raise RemoteProtocolError(
                f"{self._peer} sent the overview of article {overview.number}, "
                f"which is not one of {_range(low, high)}"
            )
        return overview

    # What they have in common

    @property
    def _peer(self) -> str:
        return self._conversation.peer

    def _command(self, command: str, line: str, *hoped: int) -> Reply:
        """Send a command, and what has to come before it if the server says so."""
        reply = self._exchange(command, line)
        if reply.code == 401 and reply.text.upper().startswith("MODE-READER"):
            self.mode_reader()
            reply = self._exchange(command, line)
        if reply.code == 480 and not self._is_logged_in:
            credentials = self._credentials()
            if credentials is not None:
                self.login(credentials)
                reply = self._exchange(command, line)
        self._check(line, reply, *hoped)
        return reply

    def _maybe(self, command: str, line: str, *hoped: int) -> Reply | None:
        """Send a command that not all servers have; None from one that has not."""
        try:
            return self._command(command, line, *hoped)
        except NegativeReply as exc:
            if exc.code in _NOT_KNOWN:
                return None
            raise

    def _exchange(self, command: str, line: str, hidden: str | None = None) -> Reply:
        check_legal(COMMANDS, command, self.state)
        if len(line.encode("utf-8", "surrogatepass")) + 2 > MAX_COMMAND:
            raise LocalProtocolError(f"{command} would have more than {MAX_COMMAND} octets")
        self._conversation.send_line(line, hidden)
        return self._answer()

    def _answer(self) -> Reply:
        before, self.state = self.state, NntpState.RECEIVING
        reply = read_reply(self._conversation)
        # The server closes with 400 (RFC 3977 section 3.2.1).
        self.state = NntpState.CLOSED if reply.code == 400 else before
        return reply

    def _check(self, what: str, reply: Reply, *hoped: int) -> None:
        if reply.code in hoped:
            return
        reply = hidden(self._conversation, reply)
        if reply.kind not in (4, 5):
            self.state = NntpState.RECEIVING
            raise RemoteProtocolError(
                f"{self._peer} answered {what} with {reply.code} {shown(reply.text)}".rstrip()
            )
        error = negative_reply(self._peer, what, reply)
        kind = TransientNegativeReply if reply.code in TRANSIENT_CODES else PermanentNegativeReply
        raise kind(f"{error}{self._hint(reply.code)}", reply.code, reply.text)

    def _hint(self, code: int) -> str:
        if code == 483:
            return " (it wants encryption first)"
        if code != 480:
            return ""
        if self._is_logged_in:
            return " (this login does not allow it)"
        if self._has_tried_login:
            return ""
        return " (it wants to know who asks: give user name and password)"

    def _malformed(self, what: str, said: str) -> RemoteProtocolError:
        self.state = NntpState.RECEIVING
        words = shown(self._conversation.without_secrets(said))
        return RemoteProtocolError(f"{self._peer} {what} {words!r}")

    def _lines(self, most: int, what: str, limit: int | None = None) -> Iterator[bytes]:
        """Return the lines of a list, of which there are so many at most."""
        lines = self._conversation.read_dotted_lines(*([limit] if limit else []))
        return self._receiving(self._bounded(lines, most, what))

    def _bounded(self, lines: Iterator[bytes], most: int, what: str) -> Iterator[bytes]:
        for number, line in enumerate(lines):
            if number == most:
                raise TooLong(f"{self._peer} sent more than {most} {what}")
            yield line

    def _receiving(self, parts: Iterator[T]) -> Iterator[T]:
        """Let there be no other command until the last part was received."""
        before = self.state
        self.state = NntpState.RECEIVING

        def receive() -> Iterator[T]:
            yield from parts
            self.state = before

        return receive()

    def _text(self, verb: str, which: int | str, code: int) -> Iterator[bytes]:
        by_number = _is_number(which)
        if not by_number and not (isinstance(which, str) and _MESSAGE_ID.fullmatch(which)):
            raise LocalProtocolError(
                f"{which!r:.100} is no number of an article, and no message-id: <NAME@HOST>"
            )
        by = "number" if by_number else "message-id"
        reply = self._command(f"ARTICLE {by}", f"{verb} {which}", code)
        number, message_id, *_ = *reply.text.split(None, 2), "", ""
        # The number is 0, or any, where it was not asked for (RFC 3977 section 6.2.1).
        told = number.lstrip("0") if by_number else message_id
        # The name of an article may have in it what is somebody's password.
        visible = self._conversation.without_secrets
        if visible(told) != visible(str(which)):
            raise self._malformed(f"was asked for article {which} and sends", reply.text)
        return self._receiving(self._conversation.read_dotted())

    def _listed_group(self, line: bytes) -> ListedGroup:
        match = _ACTIVE.fullmatch(line)
        if match is None:
            raise self._malformed("has in its list of groups", text_of(line))
        return ListedGroup(text_of(match[1]), int(match[3]), int(match[2]), text_of(match[4]))

    def _overview_columns(self) -> tuple[Column, ...]:
        if self._columns is None:
            self._columns = DEFAULT_COLUMNS
            if self._maybe("LIST", "LIST OVERVIEW.FMT", 215):
                lines = self._lines(MAX_CAPABILITIES, "columns of overviews")
                # Some have an empty list, and send all the same what everybody has.
                self._columns = parse_columns(lines) or DEFAULT_COLUMNS
        return self._columns

    def _overview_by_heads(self, low: int, high: int) -> Iterator[Overview]:
        if high - low >= MAX_HEADS:
            raise PermanentNegativeReply(
                f"{self._peer} has no overview, and {high - low + 1} articles are too many to ask "
                f"for one by one: take {MAX_HEADS} of them, such as {low}-{low + MAX_HEADS - 1}"
            )
        return self._heads(low, high)

    def _heads(self, low: int, high: int) -> Iterator[Overview]:
        for number in range(low, high + 1):
            try:
                blocks = self.head(number)
            except NegativeReply as exc:
                if exc.code in _NO_ARTICLE:
                    continue
                raise
            head = bytearray()
            for block in blocks:
                head += block
                if len(head) > _MAX_HEAD_READ:
                    raise TooLong(
                        f"{self._peer} sent a header of more than {_MAX_HEAD_READ} octets"
                    )
            yield overview_of(number, bytes(head))


def _word(text: str) -> str:
    """Return the name of a group as it is, or a pattern; a space would make two arguments of it."""
    if not _GROUP.fullmatch(text):
        raise LocalProtocolError(f"{text[:100]!r} is no name of a group")
    return text


def _range(low: int, high: int | None) -> str:
    """Return a range as commands have it.

    Raises:
        LocalProtocolError: these are no numbers of articles.
    """
    if not _is_number(low) or not (high is None or _is_number(high)):
        raise LocalProtocolError(
            f"{low!r:.50} to {high!r:.50} is no range of articles, whose numbers begin with 1"
        )
    return f"{low}-" if high is None else f"{low}-{high}"


def _is_number(value: object) -> bool:
    """Tell whether an article may have it; 0 means none (RFC 3977 section 6)."""
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_NUMBER
