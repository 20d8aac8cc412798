"""What was not given as an argument is asked for, as the chapter's programs do."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from sockettools.cli.browsing import read_url
from sockettools.cli.status import WrongUsage

if TYPE_CHECKING:
    from collections.abc import Callable

    from sockettools.cli.streams import Streams
    from sockettools.url import HttpUrl

# Characters of a line that is typed: the longest URL that servers take has some 8,000.
MAX_LINE = 65_536


def url_from(argument: str | None, streams: Streams) -> HttpUrl:
    """Read the URL of an argument, or of a line that is asked for.

    Raises:
        WrongUsage: it is none.
    """
    return read_url(ask("Enter - ", "a URL", streams) if argument is None else argument)


def number_from(
    argument: int | None, prompt: str, read: Callable[[str], int], streams: Streams
) -> int:
    """Return the value of an option, or read that of a line that is asked for.

    Raises:
        WrongUsage: it is not what ``read`` takes.
    """
    if argument is not None:
        return argument
    line = ask(prompt, "a number", streams)
    try:
        return read(line)
    except argparse.ArgumentTypeError as exc:
        raise WrongUsage(str(exc)) from None


def ask(prompt: str, wanted: str, streams: Streams) -> str:
    """Return a line of standard input, without the blanks around it.

    The prompt goes to standard output, as that of Python 2's ``raw_input``: what the chapter's
    programs print is the same from the first character on.

    Raises:
        WrongUsage: there is none, or nothing in it; ``wanted`` is what it should have been.
    """
    try:
        streams.stdout.write(prompt)
        streams.stdout.flush()
        line = streams.stdin.readline(MAX_LINE)
    except KeyboardInterrupt:
        _end_line(streams)
        raise
    except UnicodeDecodeError:
        raise WrongUsage(f"{wanted} was asked for, and what came is no text") from None
    if not line:
        _end_line(streams)
    if not line.strip():
        end = "an empty line" if line else "the end of the input"
        raise WrongUsage(f"{wanted} was asked for, and {end} came")
    return line.strip()


def _end_line(streams: Streams) -> None:
    """Let what comes next begin a line, where nobody has typed the end of this one."""
    if streams.stdin.isatty():
        streams.stdout.write("\n")
        streams.stdout.flush()
