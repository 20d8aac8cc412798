"""A client that hears what a test has written down, and what it said to that."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sockettools.net.memory import memory_stream_pair
from sockettools.protocols.conversation import Conversation
from sockettools.protocols.imap.client import ImapClient

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sockettools.net.stream import Stream

GREETING = b"* PREAUTH [CAPABILITY IMAP4rev1] hello\r\n"

# As long as a test needs to reach it.
MAX_RESPONSES = 1000

# What any server may say at any time (RFC 3501 section 7).
NEWS = (
    b"* OK still here\r\n* 23 EXISTS\r\n* 5 RECENT\r\n* 3 EXPUNGE\r\n* 4 FETCH (FLAGS (\\Seen))\r\n"
    b"* 5 FETCH (UID 5 FLAGS ())\r\n* FLAGS (\\Seen)\r\n* NO disk is nearly full\r\n"
    b"* OK [ALERT] down\x1b at noon\r\n* CAPABILITY IMAP4rev1 X\r\n* XYZZY (a {3}\r\n\r\n))\r\n"
)

_CAPACITY = 100_000_000


@dataclass
class Talk:
    """A client, and the other end."""

    client: ImapClient
    server: Stream

    def sent(self) -> list[bytes]:
        """Return the lines that the client has sent."""
        self.client.close()
        octets = b""
        while data := self.server.receive_some():
            octets += data
        return octets.split(b"\r\n")[:-1]


@contextmanager
def talk(*said: bytes, greeting: bytes = GREETING) -> Iterator[Talk]:
    """Yield a client that has been greeted; the server has said everything and gone.

    The tags are a1, a2 and so on.
    """
    ours, theirs = memory_stream_pair(_CAPACITY)
    theirs.send_all(greeting + b"".join(said))
    theirs.send_eof()
    with theirs, ImapClient(Conversation(ours, "it", idle_timeout=5)) as client:
        client.greet()
        yield Talk(client, theirs)


@contextmanager
def in_folder(*said: bytes) -> Iterator[Talk]:
    """Yield one that has a folder open; the next tag is a2."""
    with talk(b"* 9 EXISTS\r\na1 OK [READ-ONLY] done\r\n", *said) as talking:
        talking.client.examine("INBOX")
        yield talking
