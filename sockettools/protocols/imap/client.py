"""A client for IMAP4rev1 (RFC 3501) that reads, and changes nothing unless it is told to."""

from __future__ import annotations

import re
from array import array
from base64 import b64encode
from typing import TYPE_CHECKING

from sockettools.errors import (
    LocalProtocolError,
    NegativeReply,
    PermanentNegativeReply,
    RemoteProtocolError,
)
from sockettools.lifetime import Closing
from sockettools.protocols import sasl
from sockettools.protocols.imap.commands import (
    CONTROL,
    Literal,
    State,
    field_names,
    mailbox,
    string,
)
from sockettools.protocols.imap.dialogue import Dialogue
from sockettools.protocols.imap.parser import Data, Found, Status, fetched, number_of
from sockettools.protocols.imap.results import Selected, folder_of, number_set, summary_of
from sockettools.protocols.imap.sections import Sought

if TYPE_CHECKING:
    import ssl
    from collections import deque
    from collections.abc import Iterator, Sequence

    from sockettools.protocols.access import Credentials
    from sockettools.protocols.conversation import Conversation
    from sockettools.protocols.imap.commands import Piece
    from sockettools.protocols.imap.results import Folder, Section, Summary

# Octets of a header's fields that are asked for; more would not be looked at.
MAX_FIELDS = 16_384

# RFC 3501 section 9, section-spec; it ends where a bracket would close it.
_SECTION = re.compile(r"[A-Za-z0-9.]*(?: \([!-Z^-~ ]*\))?")

# RFC 3501 section 9: a number has 32 bits.
_MAX_NUMBER = 2**32 - 1

_LOGIN = "the login"

# A password that is shorter may be a part of any word; it is hidden with its quotes.
_SHORTEST_SECRET = 3


class ImapClient(Closing):
    """Speaks with one server, which greets first: ``greet``.

    Every method that asks the server something raises, beside what ``Conversation`` raises:
        LocalProtocolError: the command is not legal now, or there is a control character in it;
            nothing has been sent.
        TransientNegativeReply, PermanentNegativeReply: NO, BAD or BYE.
        RemoteProtocolError: the server breaks the rules.
        TooLong: it says more than anybody has to.
    """

    def __init__(self, conversation: Conversation) -> None:
        """Take the conversation over: it is closed with the client."""
        self._dialogue = Dialogue(conversation)

    @property
    def state(self) -> State:
        """The state of the conversation."""
        return self._dialogue.state

    @property
    def alerts(self) -> deque[str]:
        """The last words of the server that people should see (RFC 3501 section 7.1, ALERT)."""
        return self._dialogue.alerts

    @property
    def has_shrunk(self) -> bool:
        """Whether the server has told of deleted messages since a folder was opened."""
        return self._dialogue.has_shrunk

    def close(self) -> None:
        """Give the connection up."""
        self._dialogue.close()

    # In any state

    def greet(self) -> bool:
        """Read the greeting; tell whether the server knows already who this is (PREAUTH)."""
        if self._dialogue.greeting().condition == "PREAUTH":
            self._dialogue.state = State.AUTHENTICATED
        return self.state is State.AUTHENTICATED

    def capability(self) -> frozenset[str]:
        """Return what the server can do, in upper case; it is asked where it has not told."""
        if self._dialogue.capabilities is None:
            self._dialogue.run("CAPABILITY")
        return self._dialogue.capabilities or frozenset()

    def noop(self) -> None:
        """Let the server tell what is new; of deleted messages it may not at any time."""
        self._dialogue.run("NOOP")

    def logout(self) -> None:
        """Say goodbye, and wait for the server's."""
        self._dialogue.run("LOGOUT")

    def leave(self) -> None:
        """Say goodbye without waiting: nothing hangs on the answer."""
        self._dialogue.send_logout()

    # Before the login

    def start_tls(self, context: ssl.SSLContext, server_name: str) -> None:
        """Encrypt what follows, and forget what was said before (RFC 3501 section 6.2.1).

        Raises:
            RemoteProtocolError, CertificateError, ConnectError: see ``Conversation.start_tls``.
        """
        self._dialogue.run("STARTTLS")
        self._dialogue.conversation.start_tls(context, server_name)
        self._dialogue.capabilities = None
        self.alerts.clear()

    def login(self, credentials: Credentials) -> None:
        """Log in by LOGIN, or by AUTHENTICATE PLAIN where that is offered and LOGIN will not do.

        A server may have disabled LOGIN (RFC 3501 section 6.2.3), whose strings are ASCII.
        """
        _check(credentials)
        offered = self.capability()
        is_ascii = (credentials.username + credentials.password).isascii()
        if "AUTH=PLAIN" in offered and ("LOGINDISABLED" in offered or not is_ascii):
            self.authenticate_plain(credentials)
        else:
            self.login_command(credentials)

    def login_command(self, credentials: Credentials) -> None:
        """Log in by LOGIN (RFC 3501 section 6.2.3)."""
        _check(credentials)
        if "LOGINDISABLED" in self.capability():
            raise PermanentNegativeReply(
                f"{self._dialogue.peer} has disabled LOGIN, and offers no other way that is known",
                "LOGINDISABLED",
            )
        name, password = map(_octets, (credentials.username, credentials.password))
        pieces = (b" ", string(name), b" ", string(password))
        self._hide(password)
        self._authenticated(self._dialogue.run("LOGIN", *pieces, what=_LOGIN, instead="LOGIN ***"))

    def authenticate_plain(self, credentials: Credentials) -> None:
        """Log in by AUTHENTICATE PLAIN (RFC 4616)."""
        _check(credentials)
        response = sasl.plain(credentials)
        self._hide(_octets(credentials.password), response.encode())
        self._authenticate("PLAIN", response, is_secret=True)

    def authenticate_anonymous(self) -> None:
        """Log in as nobody (RFC 4505)."""
        self._authenticate("ANONYMOUS", sasl.encoded("anonymous"), is_secret=False)

    def _hide(self, password: bytes, *others: bytes) -> None:
        """Keep a password out of errors and traces, however the server repeats it."""
        conversation = self._dialogue.conversation
        quoted = string(password)
        forms = {password, quoted, b64encode(password), *others}
        if not isinstance(quoted, Literal):
            forms.add(quoted[1:-1])
        # What is no UTF-8 is taken for Latin-1, a password in it as well; and codes in brackets are
        # read in upper case.
        forms |= {form.decode("latin-1").encode() for form in forms}
        forms |= {_octets(form.decode("utf-8", "surrogateescape").upper()) for form in forms}
        forms |= {form.upper() for form in forms}
        longest_first = sorted(forms, key=len, reverse=True)
        conversation.hide(*(form for form in longest_first if len(form) >= _SHORTEST_SECRET))

    def _authenticate(self, mechanism: str, response: str, *, is_secret: bool) -> None:
        # In one step where the server can (RFC 4959).
        at_once = "SASL-IR" in self.capability()
        shown = f"AUTHENTICATE {mechanism}{' ***' if at_once else ''}"
        self._authenticated(
            self._dialogue.run(
                "AUTHENTICATE",
                f" {mechanism} {response}".encode() if at_once else f" {mechanism}".encode(),
                then=() if at_once else (response.encode(),),
                what=_LOGIN,
                instead=shown if is_secret else None,
            )
        )

    def _authenticated(self, status: Status) -> None:
        self._dialogue.state = State.AUTHENTICATED
        if status.code != "CAPABILITY":
            self._dialogue.capabilities = None  # there may be others now

    # After it

    def list_folders(self, reference: str = "", pattern: str = "*") -> Iterator[Folder]:
        """Yield the folders whose names match; ``*`` stands for anything, ``%`` for one level."""
        first, second = mailbox(reference), mailbox(pattern)
        for response in self._dialogue.exchange("LIST", b" ", first, b" ", second):
            if isinstance(response, Data) and response.kind == "LIST":
                yield folder_of(self._dialogue.peer, response)

    def status(self, folder: str) -> dict[str, int]:
        """Return the numbers of a folder without opening it (RFC 3501 section 6.3.10).

        Their names are MESSAGES, RECENT, UIDNEXT, UIDVALIDITY and UNSEEN.
        """
        name = mailbox(folder)
        items = b" (MESSAGES RECENT UIDNEXT UIDVALIDITY UNSEEN)"
        numbers: dict[str, int] | None = None
        for response in self._dialogue.exchange("STATUS", b" ", name, items, what=_named(folder)):
            if isinstance(response, Data) and response.kind == "STATUS":
                found = fetched(self._dialogue.peer, response.values[1:])
                numbers = {
                    name: number_of(self._dialogue.peer, value) for name, value in found.items()
                }
        if numbers is None:
            raise RemoteProtocolError(f"{self._dialogue.peer} told nothing of {_named(folder)}")
        return numbers

    def examine(self, folder: str) -> Selected:
        """Open a folder, and let nothing be changed in it (RFC 3501 section 6.3.2)."""
        return self._select("EXAMINE", folder)

    def select(self, folder: str) -> Selected:
        """Open a folder; what is fetched from it without ``peek`` is marked as read."""
        return self._select("SELECT", folder)

    def _select(self, command: str, folder: str) -> Selected:
        messages = None
        uid_validity = 0
        name = mailbox(folder)
        self._dialogue.has_shrunk = False
        try:
            for response in self._dialogue.exchange(command, b" ", name, what=_named(folder)):
                match response:
                    case Data("EXISTS", int(number)) if number <= _MAX_NUMBER:
                        messages = number
                    case Status(code="UIDVALIDITY", arguments=text) if _is_number(text):
                        uid_validity = int(text)
        except NegativeReply:
            # The folder that was open before is not any more (RFC 3501 section 6.3.1).
            self._dialogue.state = State.AUTHENTICATED
            raise
        if messages is None:
            self._dialogue.state = State.AUTHENTICATED
            raise RemoteProtocolError(
                f"{self._dialogue.peer} did not tell how many messages are in {_named(folder)}"
            )
        self._dialogue.state = State.SELECTED
        return Selected(messages, uid_validity)

    # In a folder

    def search(self, program: Sequence[Piece]) -> array[int]:
        """Return the UIDs of the messages that match; see ``search_program``."""
        uids = array("I")
        is_answered = False
        for response in self._dialogue.exchange("UID SEARCH", b" ", *program, what="the search"):
            if isinstance(response, Found):
                uids.extend(response.numbers)
                is_answered = True
        if not is_answered:
            raise RemoteProtocolError(f"{self._dialogue.peer} did not tell what the search found")
        return uids

    def fetch(self, numbers: range, fields: Sequence[str] = ()) -> Iterator[Summary]:
        """Yield what there is of the messages with these numbers, with fields of their headers.

        The server remembers nothing between calls: fetch some hundred at a time.
        """
        if numbers:
            yield from self._summaries("FETCH", numbers, fields)

    def fetch_uids(self, uids: Sequence[int], fields: Sequence[str] = ()) -> Iterator[Summary]:
        """Yield the same of the messages with these UIDs."""
        if uids:
            yield from self._summaries("UID FETCH", uids, fields)

    def _summaries(
        self, command: str, numbers: Sequence[int], fields: Sequence[str]
    ) -> Iterator[Summary]:
        missing = set(numbers)
        items = b"(UID RFC822.SIZE FLAGS BODY.PEEK[HEADER.FIELDS %b]<0.%d>)" % (
            field_names(fields),
            MAX_FIELDS,
        )
        asked = f" {number_set(missing)} ".encode()
        exchange = self._dialogue.exchange(
            command, asked, items, what="the messages", rows=len(missing)
        )
        try:
            for response in exchange:
                if not isinstance(response, Data) or response.kind != "FETCH":
                    continue
                summary = summary_of(self._dialogue.peer, response)
                if summary is None:
                    continue
                # It may tell of others at any time; those were not asked for.
                number = summary.uid if command == "UID FETCH" else summary.number
                if number in missing:
                    missing.discard(number)
                    yield summary
        except NegativeReply as exc:
            # Somebody else has deleted some of them; the others have come (RFC 5530 section 3).
            if not exc.text.startswith("[EXPUNGEISSUED]"):
                raise

    def stream_section(
        self,
        uid: int,
        section: str = "",
        *,
        peek: bool = True,
        partial: tuple[int, int] | None = None,
    ) -> Section:
        """Return a message, or the part that ``section`` names (RFC 3501 section 6.4.5).

        "" is all of it, "HEADER", "TEXT", "2" and "2.1.MIME" are parts. ``partial`` is the first
        octet that is wanted, from 0, and how many. Without ``peek`` it is marked as read.

        Raises (besides; some of it only while the blocks are read):
            ValueError: the section is none.
            PermanentNegativeReply: there is no such message, or no such part of it.
        """
        if _SECTION.fullmatch(section) is None:
            raise ValueError(f"{section[:40]!r} is no section of a message")
        item = f"BODY[{section}]".upper().replace('"', "")
        asked = f" {uid} (UID BODY{'.PEEK' if peek else ''}[{section}]"
        if partial is not None:
            asked += f"<{partial[0]}.{partial[1]}>"
        exchange = self._dialogue.exchange(
            "UID FETCH", f"{asked})".encode(), what=f"message {uid}", section=item
        )
        return Sought(self._dialogue.peer, uid, item, partial).found_in(exchange)


def _named(folder: str) -> str:
    return f"the folder {folder!r}"


def _check(credentials: Credentials) -> None:
    """Refuse what is in no user name and no password (RFC 4013 section 2.3)."""
    if CONTROL.search(_octets(credentials.username + credentials.password)):
        raise LocalProtocolError("the user name or the password has a control character in it")


def _octets(text: str) -> bytes:
    """Encode what was typed: what this machine could not decode goes out as it came in."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise LocalProtocolError("the user name or the password is no text") from None


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[0-9]{1,10}", text) is not None
