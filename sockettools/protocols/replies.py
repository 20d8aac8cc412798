"""Replies that begin with three digits, of FTP, SMTP and NNTP.

RFC 959 section 4.2, RFC 5321 section 4.2, RFC 3977 section 3.2. NNTP's have one line each.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sockettools.errors import (
    NegativeReply,
    PermanentNegativeReply,
    RemoteProtocolError,
    TooLong,
    TransientNegativeReply,
)
from sockettools.text import visible

if TYPE_CHECKING:
    from sockettools.protocols.conversation import Conversation

# Octets of all lines of a reply: FTP servers greet with pages of text.
MAX_REPLY = 262_144

# Characters of a server's words in an error.
_SHOWN = 300

_FIRST_LINE = re.compile(rb"([1-5][0-9]{2})(?:([ -])(.*))?", re.DOTALL)


@dataclass(frozen=True)
class Reply:
    """A code and the lines of its text, without the code where a line repeats it."""

    code: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """The lines, one below the other."""
        return "\n".join(self.lines)

    @property
    def kind(self) -> int:
        """The first digit: 1 preliminary, 2 done, 3 more is wanted, 4 not now, 5 no."""
        return self.code // 100


def read_reply(conversation: Conversation) -> Reply:
    """Read one reply, of a line or of several.

    Text is UTF-8, and Latin-1 where it is not that.

    Raises:
        RemoteProtocolError: it is no reply.
        TooLong: it has no end.
    """
    first = conversation.read_line()
    match = _FIRST_LINE.fullmatch(first)
    if match is None:
        raise RemoteProtocolError(
            f"{conversation.peer} sent no reply but "
            f"{shown(conversation.without_secrets(_decoded(first)))!r}"
        )
    code = int(match[1])
    lines = [match[3] or b""]
    if match[2] == b"-":
        size = len(first)
        end = match[1] + b" "
        while True:
            line = conversation.read_line()
            size += len(line) + 2
            if size > MAX_REPLY:
                raise TooLong(f"{conversation.peer} sent a reply of more than {MAX_REPLY} octets")
            if line.startswith(end) or line == match[1]:
                lines.append(line[4:])
                break
            lines.append(line.removeprefix(match[1] + b"-"))
    return Reply(code, tuple(map(_decoded, lines)))


def hidden(conversation: Conversation, reply: Reply) -> Reply:
    """Return the reply as it may be shown, without the secrets that it repeats.

    What it is read for has to be taken from itself: a password may be part of any number.
    """
    return replace(reply, lines=tuple(map(conversation.without_secrets, reply.lines)))


def negative_reply(peer: str, what: str, reply: Reply) -> NegativeReply:
    """Return the error for a reply that was not hoped for; ``what`` is what was asked for."""
    kind = TransientNegativeReply if reply.kind == 4 else PermanentNegativeReply
    said = shown(" ".join(reply.lines))
    return kind(f"{peer} refused {what}: {reply.code} {said}".rstrip(), reply.code, reply.text)


def shown(text: str) -> str:
    """Return a server's words as they can be shown in a message: on one line, and not for ever."""
    short = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
    return visible(short)


def _decoded(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("latin-1")
