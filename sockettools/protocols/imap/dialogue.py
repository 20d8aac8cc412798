"""Commands and what they are answered with: tags, untagged responses at any time, refusals."""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING

from sockettools.errors import (
    LocalProtocolError,
    PermanentNegativeReply,
    RemoteProtocolError,
    TooLong,
    TransientNegativeReply,
)
from sockettools.lifetime import Closing
from sockettools.protocols.commands import check_legal
from sockettools.protocols.imap.commands import COMMANDS, CONTROL, State, lines
from sockettools.protocols.imap.parser import Continuation, Data, Status, text_of
from sockettools.protocols.imap.reading import MAX_LITERAL, Opened, ResponseReader
from sockettools.protocols.replies import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sockettools.errors import NegativeReply
    from sockettools.protocols.conversation import Conversation
    from sockettools.protocols.imap.commands import Piece
    from sockettools.protocols.imap.parser import Found

# What one command may be answered with, beside the messages that it asks for: a folder of 100,000
# messages may be emptied by somebody else meanwhile.
MAX_RESPONSES = 100_000
MAX_OCTETS = 10_485_760

# Codes of a NO that may be a yes later (RFC 5530 section 3).
_TRANSIENT = frozenset({"UNAVAILABLE", "INUSE", "LIMIT", "SERVERBUG"})

# Alerts that are kept.
_MAX_ALERTS = 10

# The beginning of a command up to its first literal: nothing in it is a secret.
_ANNOUNCED = re.compile(rb"a[0-9]+ [A-Z ]+ \{[0-9]+\}")


class Dialogue(Closing):
    """One command at a time. ``alerts`` are words that people should see (RFC 3501 section 7.1).

    ``has_shrunk``: the server has told that messages are deleted.
    """

    def __init__(self, conversation: Conversation) -> None:
        """Take the conversation over: it is closed with this."""
        self.state = State.NOT_AUTHENTICATED
        self.alerts: deque[str] = deque(maxlen=_MAX_ALERTS)
        self.has_shrunk = False
        self.conversation = conversation
        self.capabilities: frozenset[str] | None = None  # None: the server has not told them
        self._reader = ResponseReader(conversation)
        self._number = 0
        self._under_way = ""

    @property
    def peer(self) -> str:
        """What errors call the server."""
        return self.conversation.peer

    def close(self) -> None:
        """Give the connection up."""
        self.conversation.close()

    def greeting(self) -> Status:
        """Return the first response.

        Raises:
            RemoteProtocolError: it is no greeting.
            TransientNegativeReply: it is BYE.
        """
        greeting = self._reader.read()
        if not isinstance(greeting, Status) or (
            greeting.tag != "*" or greeting.condition not in ("OK", "PREAUTH", "BYE")
        ):
            raise RemoteProtocolError(f"{self.peer} sent no greeting of IMAP")
        self._notice(greeting)
        return greeting

    def run(
        self,
        command: str,
        *pieces: Piece,
        what: str = "",
        then: Sequence[bytes] = (),
        instead: str | None = None,
    ) -> Status:
        """Exchange a command for the tagged OK; see ``exchange``."""
        done = None
        for response in self.exchange(command, *pieces, what=what, then=then, instead=instead):
            if isinstance(response, Status):
                done = response
        assert done is not None, "it comes last"
        return done

    def exchange(
        self,
        command: str,
        *pieces: Piece,
        what: str = "",
        then: Sequence[bytes] = (),
        instead: str | None = None,
        rows: int = 0,
        section: str = "",
    ) -> Iterator[Data | Found | Status | Opened]:
        """Send a command and yield what it is answered with; what comes last is the tagged OK.

        ``what`` was asked for, in the words of an error; ``then`` are lines to go on with when the
        server waits for more; ``instead`` stands for the command in traces; ``rows`` are expected
        responses of some length. The literal of the ``section`` has to be read when it is yielded.

        Raises:
            LocalProtocolError: it is not legal now, or the last one has not been read to its end,
                or there is a control character in it; nothing has been sent, and others may follow.
            TransientNegativeReply, PermanentNegativeReply: NO, BAD or BYE.
            RemoteProtocolError: the server breaks the rules.
            TooLong: it says more than anybody has to.
        """
        tag, waiting = self._begin(command, pieces, then)
        self._send(waiting, f"{tag} {instead}" if instead else None)
        max_responses = MAX_RESPONSES + rows
        max_octets = self._reader.octets + MAX_OCTETS + rows * MAX_LITERAL
        while True:
            response = self._reader.read(section)
            if isinstance(response, Opened):
                yield response
                response = self._reader.go_on(response)
            max_responses -= 1
            if max_responses < 0 or self._reader.octets > max_octets:
                raise TooLong(f"{self.peer} does not come to an end with {command}")
            match response:
                case Continuation():
                    if not waiting:
                        raise RemoteProtocolError(f"{self.peer} waits for more of {command}")
                    self._send(waiting, "***" if instead else None)
                case Status(tag="*"):
                    self._notice(response)
                    yield response
                case Status():
                    self._end(response, tag, what or command, is_sent=not waiting)
                    yield response
                    return
                case Data(kind="CAPABILITY"):
                    self._learn(text_of(value) for value in response.values)
                case Data(kind="EXPUNGE"):
                    self.has_shrunk = True
                    yield response
                case _:
                    yield response

    def send_logout(self) -> None:
        """Say that nothing more will come, where no command is under way; the answer is not read.

        Raises:
            LocalProtocolError: one is.
        """
        _, waiting = self._begin("LOGOUT")
        self._send(waiting, None)

    def refusal(self, status: Status, what: str) -> NegativeReply:
        """Return the error for NO, BAD or BYE."""
        is_transient = status.condition == "BYE" or status.code in _TRANSIENT
        kind = TransientNegativeReply if is_transient else PermanentNegativeReply
        code = f"[{status.code}] " if status.code else ""
        text = self.conversation.without_secrets(f"{code}{status.text}")
        said = shown(f"{status.condition} {text}")
        return kind(f"{self.peer} refused {what}: {said}".rstrip(), status.condition, text)

    def _begin(
        self, command: str, pieces: Sequence[Piece] = (), then: Sequence[bytes] = ()
    ) -> tuple[str, deque[bytes]]:
        """Return the tag and the lines of a command that may be sent."""
        if self._under_way:
            raise LocalProtocolError(
                f"{command} is not legal before the answer to {self._under_way} has been read"
            )
        check_legal(COMMANDS, command, self.state)
        tag = f"a{self._number + 1}"
        waiting = deque([*lines((f"{tag} {command}".encode(), *pieces)), *then])
        # Before the first line: who has announced a literal has to send it.
        if any(map(CONTROL.search, waiting)):
            raise LocalProtocolError(
                f"a control character is in what would be sent to {self.peer} with {command}"
            )
        self._under_way = command
        self._number += 1
        if command == "LOGOUT":
            self.state = State.LOGOUT
        return tag, waiting

    def _send(self, waiting: deque[bytes], instead: str | None) -> None:
        line = waiting.popleft()
        self.conversation.send_line(line, None if _ANNOUNCED.fullmatch(line) else instead)

    def _end(self, status: Status, tag: str, what: str, *, is_sent: bool) -> None:
        if status.tag != tag:
            said = shown(self.conversation.without_secrets(status.tag))
            raise RemoteProtocolError(
                f"{self.peer} answered {said!r}, which was not asked; expected {tag!r}"
            )
        self._under_way = ""
        if status.code == "EXPUNGEISSUED":  # RFC 5530 section 3
            self.has_shrunk = True
        if status.condition != "OK":
            raise self.refusal(status, what)
        if not is_sent:
            raise RemoteProtocolError(f"{self.peer} said OK before it had heard everything")
        self._notice(status)

    def _notice(self, status: Status) -> None:
        """Remember what statuses tell beside."""
        if status.code == "CAPABILITY":
            self._learn(status.arguments.split())
        elif status.code == "ALERT":
            self.alerts.append(shown(self.conversation.without_secrets(status.text)))
        if status.condition == "BYE" and self.state is not State.LOGOUT:
            raise self.refusal(status, "to go on")

    def _learn(self, names: Iterable[str]) -> None:
        self.capabilities = frozenset(name.upper() for name in names)
