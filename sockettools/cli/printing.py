"""Text from the network, printed in lines that stay lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sockettools.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sockettools.cli.streams import Streams


def print_lines(streams: Streams, lines: Iterable[str]) -> None:
    """Print each on a line of its own, at once, what does not print in it as its escape.

    It is the same in a pipe and on a terminal: what reads lines is not to get two for one either.
    """
    print_text(streams, "".join(f"{visible(line)}\n" for line in lines))


def print_text(streams: Streams, text: str) -> None:
    """Print text as it is, at once; a character that the output's encoding lacks is escaped."""
    encoding = streams.stdout.encoding or "utf-8"
    streams.print(text.encode(encoding, "backslashreplace").decode(encoding))


def visible_lines(text: str) -> str:
    r"""Do as ``visible``, but leave tabs and the ends of lines; a CR alone is none.

    >>> visible_lines("one\r\ntwo\rthree")
    'one\r\ntwo\\rthree'
    """
    return "\r\n".join(visible(part, keep="\n\t") for part in text.split("\r\n"))
