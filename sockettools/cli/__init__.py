"""``python -m sockettools COMMAND``: one file per command."""

from __future__ import annotations

import argparse
import contextlib
import sys
from typing import TYPE_CHECKING

from sockettools import __version__
from sockettools.cli import (
    connect,
    copy,
    delete,
    follow,
    get,
    gopher,
    image,
    links,
    post,
    practice,
    protocols,
    put,
    resolve,
    send,
    serve,
    tap,
    telnet,
    words,
)
from sockettools.cli.status import ExitStatus, status_of
from sockettools.cli.streams import Streams
from sockettools.errors import SocketToolsError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType
    from typing import NoReturn

COMMANDS: dict[str, ModuleType] = {
    "connect": connect,
    "copy": copy,
    "delete": delete,
    "follow": follow,
    "get": get,
    "gopher": gopher,
    "image": image,
    "links": links,
    "post": post,
    "practice": practice,
    "protocols": protocols,
    "put": put,
    "resolve": resolve,
    "send": send,
    "serve": serve,
    "tap": tap,
    "telnet": telnet,
    "words": words,
}


def main(argv: Sequence[str], streams: Streams) -> int:
    """Run one command and return its exit status; ``argv`` is without the program's name."""
    # argparse writes its help and its errors to whatever sys.stdout and sys.stderr are.
    with contextlib.redirect_stdout(streams.stdout), contextlib.redirect_stderr(streams.stderr):
        try:
            arguments = _parse(argv)
        except SystemExit as exc:
            return int(exc.code or 0)
    try:
        return int(COMMANDS[arguments.command].main(arguments, streams))
    except KeyboardInterrupt:
        return ExitStatus.INTERRUPTED
    except BrokenPipeError:  # nobody reads the output any more, which is no news to its reader
        return ExitStatus.FAILED
    except SocketToolsError as exc:
        problem, status = str(exc), status_of(exc)
    except OSError as exc:
        name = f"{exc.filename}: " if exc.filename else ""
        problem, status = f"{name}{exc.strerror or exc}", ExitStatus.FAILED
    streams.stderr.write(f"sockettools {arguments.command}: {problem}\n")
    return status


def run() -> NoReturn:
    """Be the command: this process's arguments and streams, and its exit status."""
    sys.exit(main(sys.argv[1:], Streams.standard()))


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = _parser()
    arguments, others = parser.parse_known_args(argv)
    # argparse wants all URLs side by side, and people write "URL -o FILE URL -o FILE".
    urls = getattr(arguments, "urls", None)
    if others and (urls is None or any(map(_is_option, others))):
        parser.error(f"unrecognized arguments: {' '.join(others)}")
    if urls is not None:
        urls += others
    return arguments


def _is_option(argument: str) -> bool:
    return argument.startswith("-") and argument != "-"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sockettools", description="Network programs by hand.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"sockettools {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        command.add_arguments(
            commands.add_parser(
                name, help=command.HELP, description=command.HELP, allow_abbrev=False
            )
        )
    return parser
