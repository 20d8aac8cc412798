"""What a POP3 server says."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

# Response codes for what may do later (RFC 2449 section 8.1, RFC 3206 section 4).
TRANSIENT = frozenset({"IN-USE", "LOGIN-DELAY", "SYS/TEMP"})

_REPLY = re.compile(rb"(\+OK|-ERR)(?:[ \t](.*))?", re.DOTALL | re.IGNORECASE)
_RESPONSE_CODE = re.compile(r"\[([^\]\s]{1,100})[^\]]*\]")

# Nothing but a message identifier: whoever plays the server can make timestamps of other octets
# from whose digests the password is found (Leurent, "Application to APOP", 2007).
_TIMESTAMP = re.compile(r"<[!-;=?-~]+@[!-;=?-~]+>")


@dataclass(frozen=True)
class Reply:
    """The first line of an answer, without its ``+OK`` or ``-ERR``."""

    is_positive: bool
    text: str = ""

    @property
    def is_transient(self) -> bool:
        """Whether a refusal is one for now, as far as its response code tells."""
        match = _RESPONSE_CODE.match(self.text)
        return match is not None and any(
            f"{match[1].upper()}/".startswith(f"{code}/") for code in TRANSIENT
        )


def parse_reply(line: bytes) -> Reply:
    """Read the first line of an answer (RFC 1939 section 3).

    Raises:
        ValueError: it is none.

    >>> parse_reply(b"-ERR [IN-USE] Do you have another session?").is_transient
    True
    """
    match = _REPLY.fullmatch(line)
    if match is None:
        raise ValueError("it begins with neither +OK nor -ERR")
    return Reply(match[1].startswith(b"+"), (match[2] or b"").decode("utf-8", "backslashreplace"))


def parse_timestamp(greeting: str) -> str | None:
    """Return what APOP digests of a greeting (RFC 1939 section 7); None where it has nothing.

    >>> parse_timestamp("POP3 server ready <1896.697170952@dbc.mtview.ca.us>")
    '<1896.697170952@dbc.mtview.ca.us>'
    """
    match = _TIMESTAMP.search(greeting)
    return match[0] if match else None


def apop_digest(timestamp: str, password: bytes) -> str:
    """Return what proves that the password is known (RFC 1939 section 7).

    >>> apop_digest("<1896.697170952@dbc.mtview.ca.us>", b"tanstaaf")
    'c4c9334bac560ecc979e58001b3e22fb'
    """
    return hashlib.md5(timestamp.encode() + password, usedforsecurity=False).hexdigest()
