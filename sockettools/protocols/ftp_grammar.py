"""FTP's words: which commands there are and when, and what some replies tell."""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sockettools.protocols.replies import Reply

_EPSV = re.compile(r"\((?P<mark>[!-~])(?P=mark)(?P=mark)(?P<port>[0-9]{1,5})(?P=mark)\)")
_PASV = re.compile(r"(?<![0-9,])" + ",".join([r"([0-9]{1,3})"] * 6) + r"(?![0-9,])")


class State(Enum):
    """How far a client has come."""

    NOT_LOGGED_IN = auto()
    PASSWORD_WANTED = auto()
    ACCOUNT_WANTED = auto()
    LOGGED_IN = auto()
    TRANSFERRING = auto()
    OVER = auto()  # what the next reply would be the answer to is not known any more


_BEFORE = frozenset({State.NOT_LOGGED_IN})
_READY = frozenset({State.LOGGED_IN})
_IDLE = _BEFORE | _READY

# RFC 959 section 5.4 and appendices; in which states each is sent.
COMMANDS: dict[str, frozenset[State]] = {
    "AUTH": _BEFORE,
    "USER": _BEFORE,
    "PASS": frozenset({State.PASSWORD_WANTED}),
    "ACCT": frozenset({State.ACCOUNT_WANTED}),
    "FEAT": _IDLE,
    "OPTS": _IDLE,
    "PBSZ": _IDLE,
    "PROT": _IDLE,
    "QUIT": _IDLE | {State.PASSWORD_WANTED, State.ACCOUNT_WANTED},
    **dict.fromkeys(
        ("TYPE", "CWD", "MKD", "SIZE", "MDTM", "EPSV", "PASV", "REST"),
        _READY,
    ),
    **dict.fromkeys(("RETR", "STOR", "APPE", "MLSD", "LIST"), _READY),
}


def parse_epsv(text: str) -> int:
    """Return the port in an answer to EPSV (RFC 2428 section 3).

    Raises:
        ValueError: there is none.

    >>> parse_epsv("Entering Extended Passive Mode (|||6446|)")
    6446
    """
    match = _EPSV.search(text)
    if match is None or not 0 < int(match["port"]) < 65_536:
        raise ValueError("it names no port")
    return int(match["port"])


def parse_pasv(text: str) -> tuple[str, int]:
    """Return address and port in an answer to PASV (RFC 959 section 4.1.2).

    Raises:
        ValueError: there are none.

    >>> parse_pasv("Entering Passive Mode (127,0,0,1,25,46).")
    ('127.0.0.1', 6446)
    """
    match = _PASV.search(text)
    numbers = [int(number) for number in match.groups()] if match else []
    if not numbers or max(numbers) > 255 or not (port := numbers[4] * 256 + numbers[5]):
        raise ValueError("it names no address and port")
    return ".".join(map(str, numbers[:4])), port


def parse_features(reply: Reply) -> dict[str, str]:
    """Return what a server says it can, in capitals, and what it says of each (RFC 2389).

    >>> from sockettools.protocols.replies import Reply
    >>> parse_features(Reply(211, ("Features:", " UTF8", " REST STREAM", "End")))
    {'UTF8': '', 'REST': 'STREAM'}
    """
    pairs = (line.strip().partition(" ") for line in reply.lines[1:-1])
    return {name.upper(): rest for name, _, rest in pairs if name}
