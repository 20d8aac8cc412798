"""What a POP3 server says, and what may not be repeated of it."""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sockettools.errors import LocalProtocolError, NegativeReply
from sockettools.protocols import sasl

if TYPE_CHECKING:
    from sockettools.errors import RemoteProtocolError
    from sockettools.protocols.access import Credentials

# Response codes for what may do later (RFC 2449 section 8.1, RFC 3206 section 4).
TRANSIENT = frozenset({"IN-USE", "LOGIN-DELAY", "SYS/TEMP"})

# A password that is shorter may be a part of any word.
_SECRET_SIZE = 4

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


def without_secrets(
    error: NegativeReply | RemoteProtocolError, credentials: Credentials
) -> NegativeReply | RemoteProtocolError:
    """Return the error of a login without the password, which some servers repeat."""
    secrets = []
    with suppress(LocalProtocolError):  # such credentials cannot have been sent that way
        secrets.append(sasl.plain(credentials))
    if len(credentials.password) >= _SECRET_SIZE:
        secrets.append(credentials.password)
    message = _hidden(str(error), secrets)
    if isinstance(error, NegativeReply):
        return type(error)(message, error.code, _hidden(error.text, secrets))
    return type(error)(message)


def _hidden(text: str, secrets: list[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, "***")
    return text
