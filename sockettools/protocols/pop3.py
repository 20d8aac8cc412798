"""POP3 (RFC 1939): fetching messages from a mailbox, with CAPA, STLS, SASL PLAIN and UIDL.

A session is in one of three states. In AUTHORIZATION it becomes known who asks; in TRANSACTION
messages are read, and marked for deletion; and QUIT makes the server delete those, in UPDATE, and
nothing else does.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from sockettools.errors import (
    LocalProtocolError,
    NotOffered,
    PermanentNegativeReply,
    RemoteProtocolError,
    TooLong,
    TransientNegativeReply,
)
from sockettools.lifetime import Closing
from sockettools.protocols import sasl
from sockettools.protocols.commands import check_legal
from sockettools.protocols.pop3_replies import (
    apop_digest,
    parse_reply,
    parse_timestamp,
)
from sockettools.protocols.replies import shown

if TYPE_CHECKING:
    import ssl
    from collections.abc import Collection, Iterator, Mapping
    from typing import TypeVar

    from sockettools.protocols.access import Credentials
    from sockettools.protocols.conversation import Conversation

    T = TypeVar("T")


class State(Enum):
    """Where a session is (RFC 1939 section 3)."""

    CONNECTED = "connected"  # nobody has said anything
    AUTHORIZATION = "authorization"
    TRANSACTION = "transaction"
    UPDATE = "update"
    # An answer has not been read to its end, or it broke off: no command is legal.
    ANSWERING = "answering"


_FIRST = frozenset({State.AUTHORIZATION})
_LATER = frozenset({State.TRANSACTION})

# The commands that are used here, and when they are legal: RFC 1939; CAPA from RFC 2449, STLS from
# RFC 2595, AUTH from RFC 5034.
COMMANDS: dict[str, frozenset[State]] = {
    "APOP": _FIRST,
    "AUTH": _FIRST,
    "CAPA": _FIRST | _LATER,
    "DELE": _LATER,
    "LIST": _LATER,
    "PASS": _FIRST,
    "QUIT": _FIRST | _LATER,
    "RETR": _LATER,
    "RSET": _LATER,
    "STAT": _LATER,
    "STLS": _FIRST,
    "TOP": _LATER,
    "UIDL": _LATER,
    "USER": _FIRST,
}

# Messages in a mailbox: the largest that people have are a tenth of it.
MAX_MESSAGES = 1_000_000

# Octets of a line of a list: RFC 1939 section 7 allows 70 for a unique identifier.
MAX_LIST_LINE = 1024

# Lines of capabilities; RFC 2449 and its followers know fifteen.
MAX_CAPABILITIES = 200

_STAT = re.compile(r"([0-9]{1,18})[ \t]+([0-9]{1,18})(?:[ \t].*)?", re.DOTALL)
_SIZE = re.compile(rb"([0-9]{1,18})[ \t]+([0-9]{1,18})(?:[ \t].*)?", re.DOTALL)
_UID = re.compile(rb"([0-9]{1,18})[ \t]+([^ \t].*)", re.DOTALL)


class Stat(NamedTuple):
    """What is in the mailbox; ``octets`` as the server counts."""

    messages: int
    octets: int


class SizeListing(NamedTuple):
    """A line of LIST."""

    number: int
    octets: int


class UidListing(NamedTuple):
    """A line of UIDL: ``uid`` stays the message's in later sessions, its number does not."""

    number: int
    uid: str


class Pop3Client(Closing):
    """A session with a server, over a conversation that it takes over.

    Begin with ``greet``. Methods that give iterators have the server's consent when they return,
    and no other command is legal until the iterator is at its end. What is not wanted needs not be
    read: close.

    All methods that ask something raise, beside what they tell:
        TransientNegativeReply, PermanentNegativeReply: the server refused, with the code "-ERR".
        LocalProtocolError: it is not legal now, or there is a line end in an argument; nothing was
            sent.
        RemoteProtocolError: the answer is none (IncompleteMessage, TooLong: it has no end).
        ReadTimeout, WriteTimeout, ReadError, WriteError: see ``Conversation``.
    """

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._state = State.CONNECTED
        self._timestamp: str | None = None
        self._capabilities: Mapping[str, tuple[str, ...]] | None = None

    @property
    def state(self) -> State:
        """Where the session is."""
        return self._state

    def close(self) -> None:
        """Give the connection up; no message is deleted without ``quit``."""
        self._conversation.close()

    # AUTHORIZATION

    def greet(self) -> str:
        """Wait for the server's greeting and return its text (RFC 1939 section 4)."""
        if self._state is not State.CONNECTED:
            raise LocalProtocolError(f"there is only one greeting of {self._conversation.peer}")
        greeting = self._checked(self._read_line(), "the connection")
        self._state = State.AUTHORIZATION
        self._timestamp = parse_timestamp(greeting)
        return greeting

    def capabilities(self) -> Mapping[str, tuple[str, ...]]:
        """Return what the server offers: names in capitals, with their arguments.

        There are none where the server does not know the question (CAPA, RFC 2449 section 5): it
        may do anything then. It is asked once before TLS, once after, and once after the login.

        Raises:
            TooLong: there are more than ``MAX_CAPABILITIES``.
        """
        if self._capabilities is None:
            self._capabilities = self._ask_for_capabilities()
        return self._capabilities

    def start_tls(self, context: ssl.SSLContext, server_name: str) -> None:
        """Encrypt from here on, and forget what the server said before (RFC 2595 section 4).

        Raises:
            RemoteProtocolError: something came already that would be taken for an encrypted answer.
            CertificateError, ConnectError, ConnectTimeout: no agreement.
        """
        self._ask("STLS", "STLS")
        before, self._state = self._state, State.ANSWERING
        self._capabilities = None
        self._timestamp = None
        self._conversation.start_tls(context, server_name)
        self._state = before

    def login(self, credentials: Credentials) -> None:
        """Log in by USER and PASS, or else by SASL PLAIN, or else by APOP.

        All three show the password to whoever reads a connection that is not encrypted: APOP's
        digest is MD5, from which most passwords are found within a day. So APOP is only for servers
        that want nothing else, and where the connection is encrypted after the greeting it is not
        used, because somebody on the way may have made its timestamp.

        Raises:
            NotOffered: the server offers none of these.
        """
        if self._state is State.TRANSACTION:
            raise LocalProtocolError(
                f"this session is logged in already at {self._conversation.peer}"
            )
        check_legal(COMMANDS, "USER", self._state)
        offered = self.capabilities()
        if not offered or "USER" in offered:
            self._login_by_user(credentials)
        elif "PLAIN" in offered.get("SASL", ()):
            self._login_by_plain(credentials)
        elif self._timestamp:
            self._login_by_apop(credentials, self._timestamp)
        else:
            raise NotOffered(
                f"{self._conversation.peer} offers no way to log in that is known here "
                "(USER, SASL PLAIN or APOP)"
            )
        self._state = State.TRANSACTION
        self._capabilities = None

    # TRANSACTION

    def stat(self) -> Stat:
        """Return how many messages there are, and of how many octets (RFC 1939 section 5)."""
        text = self._ask("STAT", "STAT")
        match = _STAT.fullmatch(text)
        if match is None:
            raise self._malformed("STAT", text)
        return Stat(int(match[1]), int(match[2]))

    def size(self, number: int) -> int:
        """Return how many octets a message has, as the server counts (LIST with an argument)."""
        text = self._ask(f"LIST {_message_number(number)}", f"message {number}")
        match = _STAT.fullmatch(text)
        if match is None or int(match[1]) != number:
            raise self._malformed("LIST", text)
        return int(match[2])

    def sizes(self) -> Iterator[SizeListing]:
        """Return the messages that are not marked as deleted (LIST, RFC 1939 section 5).

        Numbers are 1 or more and sizes 0 or more; nothing else is promised of them. Raises, as they
        are read:
            TooLong: there are more than ``MAX_MESSAGES``.
            RemoteProtocolError: a line makes no sense.
        """
        self._ask("LIST", "LIST")
        lines = self._until_read(self._lines("LIST", _SIZE))
        return (SizeListing(number, int(octets)) for number, octets in lines)

    def uids(self) -> Iterator[UidListing]:
        """Return the messages' unique identifiers (UIDL, RFC 1939 section 7); see ``sizes``.

        Raises:
            PermanentNegativeReply: also where the server has none; they are optional.
        """
        self._ask("UIDL", "UIDL")
        lines = self._until_read(self._lines("UIDL", _UID))
        return (
            UidListing(number, uid.decode("utf-8", "backslashreplace")) for number, uid in lines
        )

    def numbers(self, uids: Collection[str]) -> dict[str, int]:
        """Return the numbers that messages have in this session, by their unique identifiers.

        Raises:
            PermanentNegativeReply: there is no such message, or the server has no identifiers.
            NotOffered: several messages have it; RFC 1939 section 7 lets copies have the same.
        """
        wanted = frozenset(uids)
        found: dict[str, int] = {}
        several = ""
        for number, uid in self.uids():  # all of it, since no other command is legal before
            if uid in wanted and found.setdefault(uid, number) != number:
                several = uid
        if several:
            raise NotOffered(
                f"{self._conversation.peer} has several messages with the UIDL {_quoted(several)}"
            )
        for uid in uids:
            if uid not in found:
                raise PermanentNegativeReply(
                    f"{self._conversation.peer} has no message with the UIDL {_quoted(uid)}"
                )
        return found

    def retrieve(self, number: int) -> Iterator[bytes]:
        """Return the blocks of a message as it is, with its CRLFs (RETR, RFC 1939 section 5).

        What the server says of its size is not trusted: the message ends where it ends.
        """
        self._ask(f"RETR {_message_number(number)}", f"message {number}")
        return self._until_read(self._conversation.read_dotted())

    def top(self, number: int, lines: int = 0) -> Iterator[bytes]:
        """Return a message's header, the empty line, and lines of its body (TOP, RFC 1939 7).

        Raises:
            PermanentNegativeReply: also where the server has no TOP; it is optional.
        """
        if not _is_integer(lines) or not 0 <= lines < 10**10:
            raise LocalProtocolError(f"{lines!r:.50} is no number of lines")
        command = f"TOP {_message_number(number)} {lines}"
        try:
            self._ask(command, f"the header of message {number}")
        except PermanentNegativeReply as exc:
            # A server may offer it only now, so asking before would be a question more each time.
            offered = self.capabilities()
            if not offered or "TOP" in offered:
                raise
            raise PermanentNegativeReply(
                f"{self._conversation.peer} gives no headers without their messages "
                "(it offers no TOP)",
                exc.code,
                exc.text,
            ) from exc
        return self._until_read(self._conversation.read_dotted())

    def delete(self, number: int) -> None:
        """Mark a message; ``quit`` deletes it (DELE, RFC 1939 section 5)."""
        self._ask(f"DELE {_message_number(number)}", f"to delete message {number}")

    def reset(self) -> None:
        """Take all marks off again (RSET, RFC 1939 section 5)."""
        self._ask("RSET", "RSET")

    def quit(self) -> None:
        """End the session; what is marked has been deleted when this returns (RFC 1939 6).

        Raises:
            PermanentNegativeReply, TransientNegativeReply: not everything was deleted.
        """
        self._ask("QUIT", "QUIT")
        self._state = State.UPDATE

    # Logging in

    def _login_by_user(self, credentials: Credentials) -> None:
        name = shown(credentials.username)
        self._ask(b"USER " + _octets(credentials.username), f"the user {name}")
        self._ask(
            b"PASS " + _octets(credentials.password), f"the login of {name}", trace="PASS ***"
        )

    def _login_by_plain(self, credentials: Credentials) -> None:
        """RFC 5034 section 4; without an initial response, which has to be short."""
        secret = sasl.plain(credentials)
        what = f"the login of {shown(credentials.username)}"
        self._send(b"AUTH PLAIN")
        line = self._read_line()
        if line != b"+" and not line.startswith(b"+ "):
            raise self._malformed("AUTH PLAIN", self._checked(line, what))
        self._conversation.send_line(secret, "***")
        self._checked(self._read_line(), what)

    def _login_by_apop(self, credentials: Credentials, timestamp: str) -> None:
        digest = apop_digest(timestamp, _octets(credentials.password)).encode()
        username = _octets(credentials.username)
        # A name may be shown in another way than it is sent.
        self._conversation.hide(digest)
        if b" " in username:
            raise LocalProtocolError("APOP takes no user name with a space in it")
        name = shown(credentials.username)
        self._ask(
            b"APOP " + username + b" " + digest, f"the login of {name}", trace=f"APOP {name} ***"
        )

    # Questions and answers

    def _ask(self, command: str | bytes, what: str, *, trace: str | None = None) -> str:
        """Send a command and return the text of its +OK; ``what`` is what a -ERR refuses."""
        self._send(command.encode() if isinstance(command, str) else command, trace)
        return self._checked(self._read_line(), what)

    def _send(self, command: bytes, trace: str | None = None) -> None:
        check_legal(COMMANDS, command.partition(b" ")[0].decode(), self._state)
        self._conversation.send_line(command, trace)

    def _read_line(self) -> bytes:
        before, self._state = self._state, State.ANSWERING
        line = self._conversation.read_line()
        self._state = before
        return line

    def _checked(self, line: bytes, what: str) -> str:
        peer = self._conversation.peer
        try:
            reply = parse_reply(line)
        except ValueError:
            self._state = State.ANSWERING
            said = self._shown(line.decode("utf-8", "backslashreplace"))
            raise RemoteProtocolError(f"{peer} sent no reply of POP3 but {said!r}") from None
        if reply.is_positive:
            return reply.text
        kind = TransientNegativeReply if reply.is_transient else PermanentNegativeReply
        said = f"-ERR {self._shown(reply.text)}".rstrip()
        text = self._conversation.without_secrets(reply.text)
        raise kind(f"{peer} refused {what}: {said}", "-ERR", text)

    def _ask_for_capabilities(self) -> Mapping[str, tuple[str, ...]]:
        try:
            self._ask("CAPA", "CAPA")
        except PermanentNegativeReply:
            return {}
        capabilities: dict[str, tuple[str, ...]] = {}
        lines = self._conversation.read_dotted_lines(MAX_LIST_LINE)
        for number, line in enumerate(self._until_read(lines)):
            if number == MAX_CAPABILITIES:
                raise TooLong(
                    f"{self._conversation.peer} has more than {MAX_CAPABILITIES} capabilities"
                )
            name, *arguments = line.decode("latin-1").upper().split() or [""]
            capabilities.setdefault(name, tuple(arguments))
        return capabilities

    def _lines(self, command: str, form: re.Pattern[bytes]) -> Iterator[tuple[int, bytes]]:
        lines = self._conversation.read_dotted_lines(MAX_LIST_LINE)
        for count, line in enumerate(lines):
            if count == MAX_MESSAGES:
                raise TooLong(f"{self._conversation.peer} lists more than {MAX_MESSAGES} messages")
            match = form.fullmatch(line)
            number = int(match[1]) if match else 0
            if match is None or not 1 <= number <= MAX_MESSAGES:
                raise self._malformed(command, line.decode("utf-8", "backslashreplace"))
            yield number, match[2]

    def _until_read(self, answer: Iterator[T]) -> Iterator[T]:
        """Let no command be legal before the answer was read to its end."""
        before, self._state = self._state, State.ANSWERING

        def read() -> Iterator[T]:
            yield from answer
            self._state = before

        # Two steps: a generator would begin with its first item, and there may be no such wish.
        return read()

    def _malformed(self, command: str, text: str) -> RemoteProtocolError:
        self._state = State.ANSWERING
        return RemoteProtocolError(
            f"{self._conversation.peer} answered {command} with {self._shown(text)!r}"
        )

    def _shown(self, text: str) -> str:
        return shown(self._conversation.without_secrets(text))


def _message_number(number: int) -> int:
    if not _is_integer(number) or not 1 <= number < 10**10:
        raise LocalProtocolError(f"{number!r:.50} is no number of a message")
    return number


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _quoted(uid: str) -> str:
    return repr(shown(uid[:100]))


def _octets(text: str) -> bytes:
    """Encode what was typed: what this machine could not decode goes out as it came in."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise LocalProtocolError("the user name or the password is no text") from None
