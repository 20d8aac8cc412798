"""``practice``: serve the practice web until told to stop."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from sockettools.cli.status import ExitStatus
from sockettools.cli.stopping import StopSignal
from sockettools.errors import ListenError
from sockettools.practice import PracticeServer

if TYPE_CHECKING:
    from sockettools.cli.streams import Streams

HELP = "serve the practice web: the pages of the chapter's programs, and wild ones to test clients"

DEFAULT_HOST = "127.0.0.1"  # nothing listens beyond this machine unless told to
DEFAULT_PORT = 8000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--host",
        default=DEFAULT_HOST,
        metavar="H",
        help="address to listen on (default: %(default)s; 0.0.0.0 is every IPv4 interface)",
    )
    parser.add_argument(
        "--port",
        type=_port,
        default=DEFAULT_PORT,
        metavar="P",
        help="port to listen on (default: %(default)s; 0 is any free one)",
    )
    parser.add_argument(
        "--quiet", action="store_true", help="do not write a line for every request"
    )


def main(arguments: argparse.Namespace, streams: Streams) -> ExitStatus:
    """Serve until Ctrl-C or SIGTERM."""
    with StopSignal() as stop:
        try:
            server = PracticeServer(
                arguments.host, arguments.port, None if arguments.quiet else streams.note
            )
        except ListenError as exc:
            streams.stderr.write(
                f"sockettools practice: {exc}; choose another with --host and --port "
                "(--port 0 takes any free one)\n"
            )
            return ExitStatus.FAILED
        with server:
            streams.stdout.write(f"Practice web on {server.url} (Ctrl-C stops it)\n")
            streams.stdout.flush()
            stop.wait()
    return ExitStatus.DONE


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text) <= 65535:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a port: a whole number from 0 to 65535")
