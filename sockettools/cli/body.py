"""The text of a message on the command line, behind the URL: written there, or ``-``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sockettools.cli.status import WrongUsage

if TYPE_CHECKING:
    import argparse

    from sockettools.cli.streams import Streams

# Characters of a text that is read: it is held in memory, several times.
MAX_BODY = 10_000_000


def add_body_argument(parser: argparse.ArgumentParser, more: str = "") -> None:
    """Declare it; its help says ``more``."""
    # So called because argparse does not find a positional argument that has options between
    # itself and the one before; where there are urls, such arguments are added to them.
    parser.add_argument(
        "urls",
        metavar="BODY",
        nargs="*",
        help=f"the text; - reads it from standard input{more}",
    )


def body_of(arguments: argparse.Namespace, streams: Streams, hint: str = "") -> str | None:
    """Return the text, None where there is none; ``hint`` is what else could be done.

    Raises:
        WrongUsage: there are several, it is no text, or too much.
    """
    text, *others = arguments.urls or [None]
    if others:
        raise WrongUsage(f"after the text there is more: {others[0]!r}")
    return _standard_input(streams, hint) if text == "-" else text


def _standard_input(streams: Streams, hint: str) -> str:
    streams.check_input()
    try:
        text = streams.stdin.read(MAX_BODY + 1)
    except UnicodeDecodeError:
        raise WrongUsage(f"standard input is no text{hint}") from None
    if len(text) > MAX_BODY:
        raise WrongUsage(f"the text has more than {MAX_BODY} characters{hint}")
    return text
