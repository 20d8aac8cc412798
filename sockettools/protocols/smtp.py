"""SMTP, as a client: greet, encrypt, log in, and hand over messages (RFC 5321).

Understood of what servers offer: STARTTLS (RFC 3207), AUTH PLAIN and LOGIN (RFC 4954), SIZE
(RFC 1870), 8BITMIME (RFC 6152), SMTPUTF8 (RFC 6531) and PIPELINING (RFC 2920).
"""

from __future__ import annotations

import re
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

from sockettools.errors import (
    IncompleteMessage,
    LocalProtocolError,
    NotOffered,
    PermanentNegativeReply,
    ReadError,
    ReadTimeout,
    RemoteProtocolError,
    SocketToolsError,
    WriteError,
)
from sockettools.lifetime import Closing
from sockettools.protocols import sasl
from sockettools.protocols.commands import check_legal
from sockettools.protocols.replies import Reply, hidden, negative_reply, read_reply, shown
from sockettools.protocols.smtp_ehlo import own_name, parse_extensions
from sockettools.protocols.smtp_mail import Content, envelope_address
from sockettools.text import visible

if TYPE_CHECKING:
    import ssl
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from sockettools.protocols.access import Credentials
    from sockettools.protocols.conversation import Conversation


class State(Enum):
    """What is agreed on so far."""

    CONNECTED = auto()  # the server speaks first
    GREETED = auto()  # neither side knows what the other can; again so once TLS has begun
    READY = auto()
    LOGGED_IN = auto()
    TRANSACTION = auto()  # a sender was named, perhaps recipients
    ENDED = auto()  # nothing more can be said


_AT_EASE = (State.READY, State.LOGGED_IN)

# RFC 5321 section 4.1.4, RFC 3207 section 4, RFC 4954 section 4: AUTH only once.
COMMANDS: dict[str, Collection[State]] = {
    "EHLO": (State.GREETED, *_AT_EASE),
    "HELO": (State.GREETED, *_AT_EASE),
    "STARTTLS": (State.READY,),
    "AUTH": (State.READY,),
    "MAIL": _AT_EASE,
    "RCPT": (State.TRANSACTION,),
    "DATA": (State.TRANSACTION,),
    "RSET": (*_AT_EASE, State.TRANSACTION),
    "QUIT": (State.GREETED, *_AT_EASE, State.TRANSACTION),
}

# Commands sent ahead of their answers. Those answers fit into what the kernel holds for us: a
# server that waits until they are read, while we wait until it reads, waits for ever (RFC 2920
# section 3.1).
_AHEAD = 50

# Octets of a command that every server takes (RFC 5321 section 4.5.3.1.4).
_MAX_COMMAND = 512

_CLOSING = 421  # the answer to any command, when the server has to go (RFC 5321 section 3.8)
_TOO_LARGE = 552


@dataclass
class _Sending:
    broken: WriteError | None = None


class SmtpClient(Closing):
    """A session with a server of mail.

    ``greeting`` is its first word, ``answer`` that to EHLO or HELO, ``extensions`` what EHLO told:
    keywords in capitals, with their parameters.

    Every method that talks raises NegativeReply (TransientNegativeReply for 4yz,
    PermanentNegativeReply for 5yz) when the server refuses, RemoteProtocolError when it says what
    no server would, LocalProtocolError when the command is not legal now, and what
    ``Conversation`` raises. After all of these but NegativeReply the session is over.
    """

    def __init__(self, conversation: Conversation) -> None:
        """Take the conversation over: it is closed with the client."""
        self.conversation = conversation
        self.greeting = Reply(0, ())
        self.answer = Reply(0, ())
        self.extensions: Mapping[str, Sequence[str]] = {}
        self._state = State.CONNECTED
        self._at_ease = State.READY

    @property
    def state(self) -> State:
        """What is agreed on so far."""
        return self._state

    @property
    def size_limit(self) -> int | None:
        """How many octets a message may have; None where the server does not tell (RFC 1870)."""
        limit = "".join(self.extensions.get("SIZE", ())[:1])
        return int(limit) or None if re.fullmatch("[0-9]{1,20}", limit) else None

    def offers(self, keyword: str) -> bool:
        """Tell whether the server has offered an extension, since TLS began if it has."""
        return keyword in self.extensions

    def close(self) -> None:
        """Give the connection up; a message under way is not delivered."""
        self._state = State.ENDED
        self.conversation.close()

    # The session

    def greet(self) -> Reply:
        """Wait for the greeting (RFC 5321 section 3.1)."""
        if self._state is not State.CONNECTED:
            raise LocalProtocolError("the server greets once")
        self.greeting = self._done(self._reply(), "the connection")
        self._state = State.GREETED
        return self.greeting

    def ehlo(self, name: str = "") -> Reply:
        """Say who is there, and hear what the server offers (RFC 5321 section 4.1.1.1).

        A server that does not know EHLO is asked with HELO, and offers nothing. ``name`` is this
        machine's, by default the one it has, or its address.
        """
        name = name or own_name(self.conversation.stream)
        self.extensions = {}
        reply = self._exchange(f"EHLO {name}")
        if reply.kind == 2:
            self.extensions = parse_extensions(reply.lines[1:])
        elif reply.kind == 5:
            reply = self._exchange(f"HELO {name}")
        self.answer = self._done(reply, "to talk to this machine")
        self._state = self._at_ease
        return reply

    def start_tls(self, context: ssl.SSLContext, server_name: str) -> None:
        """Encrypt from here on; afterwards nothing is known of the server: EHLO comes again.

        RFC 3207.

        Raises:
            NotOffered: the server does not know how.
            CertificateError, ConnectError, ConnectTimeout: no agreement.
        """
        if self.conversation.is_encrypted:
            raise LocalProtocolError("STARTTLS is not legal where TLS has begun")
        self._need("STARTTLS", "encryption")
        self._done(self._exchange("STARTTLS"), "encryption")
        self.extensions = {}
        self._state = State.ENDED  # unless it works
        self.conversation.start_tls(context, server_name)
        self._state = State.GREETED

    def login(self, credentials: Credentials) -> None:
        """Log in, with PLAIN or else LOGIN; it is for the caller to see that nobody listens.

        RFC 4954.

        Raises:
            NotOffered: the server lets nobody log in, or only in other ways.
        """
        check_legal(COMMANDS, "AUTH", self._state)
        self._need("AUTH", "logging in")
        mechanisms = [word.upper() for word in self.extensions["AUTH"]]
        if "PLAIN" in mechanisms:
            reply = self._auth("PLAIN", sasl.plain(credentials))
        elif "LOGIN" in mechanisms:
            reply = self._auth("LOGIN", *sasl.login(credentials))
        else:
            offered = shown(" ".join(mechanisms)) or "no way"
            raise NotOffered(
                f"{self.conversation.peer} lets log in with {offered}; "
                "known here are PLAIN and LOGIN"
            )
        self._done(reply, f"to log in {visible(credentials.username)}")
        self._state = self._at_ease = State.LOGGED_IN

    def reset(self) -> None:
        """Forget the transaction (RFC 5321 section 4.1.1.5)."""
        self._done(self._exchange("RSET"), "to begin anew")
        self._state = self._at_ease

    def quit(self) -> None:
        """Say goodbye, whatever the server makes of it: what was done is done."""
        if self._state in COMMANDS["QUIT"]:
            with suppress(SocketToolsError):
                self._exchange("QUIT")
        self._state = State.ENDED

    # Mail

    def send_message(
        self, sender: str, recipients: Sequence[str], content: Content | bytes
    ) -> dict[str, Reply]:
        """Hand a message over; return the last word about each recipient.

        It was taken for those whose reply is of kind 2: the server answers for it from now on. The
        others have their own refusal, or that of the message. ``sender`` is where a failure will be
        reported; "" for nowhere (RFC 5321 section 4.5.5).

        Raises:
            NegativeReply: the sender is refused, or the message is larger than the server allows.
            NotOffered: the message needs an extension that the server does not have.
            LocalProtocolError: an address is none.
            ReadError, ReadTimeout, IncompleteMessage: the text tells if the message may have been
                taken all the same.
        """
        check_legal(COMMANDS, "MAIL", self._state)
        if not recipients:
            raise LocalProtocolError("a message needs a recipient")
        if isinstance(content, bytes):
            content = Content.of(content)
        paths = {address: envelope_address(address) for address in recipients}
        mail = self._mail_command(sender, paths.values(), content)
        fates: dict[str, Reply] = {}  # of those who were refused
        ask = self._ask_ahead if self.offers("PIPELINING") else self._ask_in_turn
        last = ask(mail, paths, fates)
        waiting = [address for address in paths if address not in fates]
        if last is not None and last.kind == 3:
            last = self._hand_over(content) if waiting else self._hand_over_nothing()
        if last is not None:
            fates |= dict.fromkeys(waiting, last)
        if self._state is State.TRANSACTION:
            self._try_reset()
        return {address: fates[address] for address in paths}

    def _mail_command(self, sender: str, paths: Collection[str], content: Content) -> str:
        """Return the command that begins a transaction, if the server can do what it takes."""
        peer = self.conversation.peer
        path = envelope_address(sender) if sender else ""
        is_utf8 = content.is_utf8 or not all(map(str.isascii, (path, *paths)))
        limit = self.size_limit
        if limit is not None and content.size is not None and content.size > limit:
            # What the server would answer to the command (RFC 1870 section 6.1).
            raise PermanentNegativeReply(
                f"{peer} takes messages of up to {limit} octets, and this one has {content.size}",
                _TOO_LARGE,
            )
        words = [f"MAIL FROM:<{path}>"]
        if content.size is not None and self.offers("SIZE"):
            words.append(f"SIZE={content.size}")
        if is_utf8:
            self._need("SMTPUTF8", "addresses with characters that are not ASCII")
        if content.is_8bit or is_utf8:
            self._need("8BITMIME", "messages with octets above 127")
            words.append("BODY=8BITMIME")
        if is_utf8:
            words.append("SMTPUTF8")
        return " ".join(words)

    def _ask_in_turn(
        self, mail: str, paths: Mapping[str, str], fates: dict[str, Reply]
    ) -> Reply | None:
        """Name sender and recipients; return the answer to DATA, None if there is no use in that.

        Where the server gives up before, that is the answer.
        """
        self._begin(self._exchange(mail))
        for address, path in paths.items():
            reply = self._exchange(_rcpt(path))
            if self._state is State.ENDED:
                return reply
            self._note(address, reply, fates)
        if len(fates) == len(paths):
            return None
        return self._checked(self._exchange("DATA"), "DATA", 3)

    def _ask_ahead(
        self, mail: str, paths: Mapping[str, str], fates: dict[str, Reply]
    ) -> Reply | None:
        """Do the same without waiting for each answer (RFC 2920 section 3.1)."""
        commands = [mail, *map(_rcpt, paths.values()), "DATA"]
        replies: list[Reply] = []
        while len(replies) < len(commands) and self._state is not State.ENDED:
            replies += self._exchange_all(commands[len(replies) : len(replies) + _AHEAD])
            if replies[0].kind != 2:
                break
        is_whole = len(replies) == len(commands)
        if replies[0].kind != 2 and is_whole and replies[-1].kind == 3:
            self._hand_over_nothing()
        self._begin(replies[0])
        # The last one answers DATA, or is the server's goodbye.
        for address, reply in zip(paths, replies[1:-1], strict=False):
            self._note(address, reply, fates)
        return self._checked(replies[-1], "DATA", 3)

    def _begin(self, reply: Reply) -> None:
        self._done(reply, "the sender")
        if self._state is not State.ENDED:
            self._state = State.TRANSACTION

    def _note(self, address: str, reply: Reply, fates: dict[str, Reply]) -> None:
        """Remember the refusal of a recipient."""
        if self._checked(reply, "RCPT", 2).kind != 2:
            fates[address] = reply

    def _hand_over(self, content: Content) -> Reply:
        """Send a message, and return what the server says to it."""
        with self._sending() as sending:
            self.conversation.send_dotted(_octets(content))
        try:
            reply = self._answer_to(sending)
        except (ReadError, ReadTimeout, IncompleteMessage) as exc:
            raise type(exc)(f"{exc}; it may have taken the message, or not") from exc
        if self._state is not State.ENDED:
            self._state = self._at_ease
        return self._checked(reply, "the message", 2)

    def _hand_over_nothing(self) -> Reply | None:
        """Send a lone dot to a server that goes ahead although there is nobody to deliver to.

        What it says to that is no news (RFC 2920 section 3.1).
        """
        with suppress(SocketToolsError):
            return self._hand_over(Content(()))
        return None

    def _try_reset(self) -> None:
        """End a transaction in which nothing was sent: what is known of it is not to get lost."""
        try:
            self.reset()
        except SocketToolsError:
            self._state = State.ENDED

    # Commands and replies

    def _auth(self, mechanism: str, *responses: str) -> Reply:
        """Answer what a mechanism asks, in base64; return the reply that is no question."""
        command = f"AUTH {mechanism}"
        if mechanism == "PLAIN" and len(whole := f"{command} {responses[0]}") <= _MAX_COMMAND - 2:
            return self._exchange(whole, f"{command} ***")
        reply = self._exchange(command)
        for response in responses:
            if reply.kind != 3:
                break
            reply = self._answer(response)
        return reply

    def _answer(self, response: str) -> Reply:
        with self._sending() as sending:
            self.conversation.send_line(response, "***")
        return self._answer_to(sending)

    def _exchange(self, command: str, shown: str | None = None) -> Reply:
        """Send a command and return its reply."""
        check_legal(COMMANDS, command.partition(" ")[0], self._state)
        with self._sending() as sending:
            self.conversation.send_line(command, shown)
        return self._answer_to(sending)

    def _exchange_all(self, commands: Sequence[str]) -> list[Reply]:
        """Send commands and return their replies: fewer, if the server gives up."""
        with self._sending() as sending:
            self.conversation.send("".join(f"{command}\r\n" for command in commands).encode())
        replies: list[Reply] = []
        while len(replies) < len(commands) and self._state is not State.ENDED:
            replies.append(self._reply(sending.broken))
        return replies

    @contextmanager
    def _sending(self) -> Iterator[_Sending]:
        """Note that the connection broke: the server may have said why before it closed it."""
        sending = _Sending()
        try:
            yield sending
        except WriteError as exc:
            sending.broken = exc
        except BaseException:
            # What was sent is not whole, and not to be taken back: closing is left.
            self._state = State.ENDED
            raise

    def _answer_to(self, sending: _Sending) -> Reply:
        reply = self._reply(sending.broken)
        if sending.broken:
            self._state = State.ENDED
            if reply.kind < 4:
                raise sending.broken
        return reply

    def _reply(self, broken: WriteError | None = None) -> Reply:
        """Read a reply; 421 ends the session.

        If there is none because the connection has ``broken``, that is raised.
        """
        try:
            # Nothing is read from a reply behind a password but its code.
            reply = hidden(self.conversation, read_reply(self.conversation))
        except SocketToolsError:
            self._state = State.ENDED
            if broken:
                raise broken from None
            raise
        if reply.code == _CLOSING:
            self._state = State.ENDED
        return reply

    def _done(self, reply: Reply, what: str) -> Reply:
        """Return a reply that says yes; ``what`` was asked for."""
        if self._checked(reply, what, 2).kind != 2:
            raise negative_reply(self.conversation.peer, what, reply)
        return reply

    def _checked(self, reply: Reply, what: str, kind: int) -> Reply:
        """Return a reply that is of the kind hoped for, or a refusal."""
        if reply.kind in (kind, 4, 5):
            return reply
        self._state = State.ENDED
        raise RemoteProtocolError(
            f"{self.conversation.peer} answered {what} with "
            f"{reply.code} {shown(' '.join(reply.lines))}".rstrip()
        )

    def _need(self, keyword: str, what: str) -> None:
        if not self.offers(keyword):
            raise NotOffered(f"{self.conversation.peer} does not offer {what} ({keyword})")


def _rcpt(path: str) -> str:
    return f"RCPT TO:<{path}>"


def _octets(content: Content) -> Iterator[bytes]:
    """Yield the message's blocks, as long as they are what was promised to the server."""
    for block in content.blocks:
        if not (content.is_8bit or content.is_utf8 or block.isascii()):
            raise LocalProtocolError("there are octets above 127 in a message said to have none")
        yield block
