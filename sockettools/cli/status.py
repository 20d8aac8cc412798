"""How a command ended, as its exit status."""

from enum import IntEnum

from sockettools.errors import SocketToolsError


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
