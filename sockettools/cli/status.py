"""How a command ended, as its exit status."""

from enum import IntEnum

from sockettools.errors import (
    AddressError,
    ConnectionRefused,
    LocalProtocolError,
    NegativeReply,
    SocketToolsError,
    Timeout,
)
from sockettools.tasks.pages import Refusal


class WrongUsage(SocketToolsError):
    """The arguments are right each by itself, and wrong together."""


class ExitStatus(IntEnum):
    """What a shell reads in ``$?``."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    TIMEOUT = 3
    REFUSED = 4
    INTERRUPTED = 130  # 128 + SIGINT, as shells have it


def status_of(error: SocketToolsError) -> ExitStatus:
    """Return the exit status that an error means."""
    match error:
        case AddressError() | LocalProtocolError() | WrongUsage():
            return ExitStatus.USAGE
        case Timeout():
            return ExitStatus.TIMEOUT
        case ConnectionRefused() | NegativeReply() | Refusal():
            return ExitStatus.REFUSED
        case _:
            return ExitStatus.FAILED
