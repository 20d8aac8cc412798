"""``serve``: a server in the chapter's manner, and what became of it."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import ssl
from contextlib import closing
from typing import TYPE_CHECKING

from sockettools.cli.lines import LineWriter
from sockettools.cli.status import ExitStatus, WrongUsage
from sockettools.cli.stopping import StopSignal
from sockettools.cli.tracing import add_trace_arguments, transcript_of
from sockettools.errors import ListenError
from sockettools.net.address import DATAGRAM, parse_address
from sockettools.net.deadline import LONGEST_WAIT
from sockettools.net.serving import (
    SERVICES,
    DatagramServer,
    Limits,
    SelectServer,
    SerialServer,
    ThreadedServer,
)
from sockettools.net.serving.blocking import service_handler
from sockettools.net.tls import server_context

if TYPE_CHECKING:
    from collections.abc import Callable

    from sockettools.cli.streams import Streams
    from sockettools.net.address import Address
    from sockettools.net.serving.blocking import BlockingServer
    from sockettools.net.serving.services import Service
    from sockettools.net.transcript import Transcript

HELP = "greet whoever connects, as the chapter's server does; or echo, discard, tell the time"

DEFAULT_PORT = 12345
# The chapter binds to the address of this machine's name, which may be one that others can reach.
DEFAULT_ADDRESS = f"127.0.0.1:{DEFAULT_PORT}"

_BLOCKING: dict[str, type[BlockingServer]] = {"serial": SerialServer, "threads": ThreadedServer}
_LIMITS = Limits()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "address",
        nargs="?",
        default=DEFAULT_ADDRESS,
        metavar="ADDRESS",
        help=f"HOST:PORT, [IPV6]:PORT, :PORT for every interface, udp:HOST:PORT, unix:PATH or "
        f"unix:@NAME (default: {DEFAULT_ADDRESS})",
    )
    parser.add_argument(
        "--service",
        choices=SERVICES,
        default="greet",
        help="what to say (default: %(default)s; time is that of RFC 868: four octets, not text)",
    )
    parser.add_argument(
        "--mode",
        choices=(*_BLOCKING, "select"),
        default="select",
        help="one client at a time, a thread for each, or all at once in one thread (default: "
        "%(default)s); UDP has no clients to keep apart, and one way for all",
    )
    parser.add_argument("--cert", metavar="FILE", help="speak TLS with this certificate (PEM)")
    parser.add_argument(
        "--key", metavar="FILE", help="the certificate's key, if it is in a file of its own"
    )
    parser.add_argument("--quiet", action="store_true", help="do not print who connects")
    _add_limits(parser)
    add_trace_arguments(parser)


def main(arguments: argparse.Namespace, streams: Streams) -> ExitStatus:
    """Serve until Ctrl-C or SIGTERM."""
    address = parse_address(arguments.address, DEFAULT_PORT)
    tls = _tls(arguments, address)
    with (
        transcript_of(arguments, streams) as transcript,
        closing(LineWriter(streams.stdout)) as guests,
        StopSignal() as stop,
    ):
        try:
            server = _server(arguments, address, tls, _greeter(arguments, guests), transcript)
        except ListenError as exc:
            streams.stderr.write(f"sockettools serve: {exc}; choose another ADDRESS\n")
            return ExitStatus.FAILED
        with server:
            streams.stdout.write(
                f"Serving {arguments.service} on {server.address} (Ctrl-C stops it)\n"
            )
            streams.stdout.flush()
            stop.wait()
    return ExitStatus.DONE


def _greeter(arguments: argparse.Namespace, guests: LineWriter) -> Callable[[str], None] | None:
    if arguments.quiet:
        return None
    return lambda name: guests.write(f"Got connection from {name}\n")


def _add_limits(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("limits")
    for name, number, most, unit, what in (
        ("connections", int, 1_000_000, "N", "clients at a time; the next ones wait"),
        ("idle", float, LONGEST_WAIT, "S", "seconds of silence after which a client is given up"),
        (
            "message",
            int,
            16_777_216,
            "BYTES",
            "taken at once; a longer datagram is dropped",
        ),
        ("unsent", int, 1_073_741_824, "BYTES", "may wait for a client that does not read"),
        (
            "grace",
            float,
            LONGEST_WAIT,
            "S",
            "seconds that clients have to finish at the end",
        ),
    ):
        group.add_argument(
            f"--{name}",
            type=_positive(number, most),
            default=getattr(_LIMITS, name),
            metavar=unit,
            help=f"{what} (default: %(default)s)",
        )


def _positive(number: type[int] | type[float], most: int) -> Callable[[str], float]:
    def read(text: str) -> float:
        with contextlib.suppress(ValueError):
            if 0 < (value := number(text)) <= most:
                return value
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0, up to {most}")

    return read


def _tls(arguments: argparse.Namespace, address: Address) -> ssl.SSLContext | None:
    if arguments.cert is None:
        if arguments.key is not None:
            raise WrongUsage("--key goes with --cert")
        return None
    if address.kind == DATAGRAM:
        raise WrongUsage("TLS needs a stream: it does not go with udp:")
    files = " and ".join(filter(None, (arguments.cert, arguments.key)))
    try:
        return server_context(arguments.cert, arguments.key)
    except ssl.SSLError as exc:
        raise ListenError(f"{files}: no certificate and its key ({exc.reason or exc})") from exc
    except OSError as exc:
        raise ListenError(f"{files}: {exc.strerror or exc}") from exc


def _server(
    arguments: argparse.Namespace,
    address: Address,
    tls: ssl.SSLContext | None,
    greeted: Callable[[str], None] | None,
    transcript: Transcript | None,
) -> SelectServer | BlockingServer | DatagramServer:
    service: type[Service] = SERVICES[arguments.service]
    limits = Limits(**{f.name: getattr(arguments, f.name) for f in dataclasses.fields(Limits)})
    if address.kind == DATAGRAM:
        return DatagramServer(address, service, limits, greeted=greeted, transcript=transcript)
    if arguments.mode == "select":
        return SelectServer(
            address, service, limits, tls=tls, greeted=greeted, transcript=transcript
        )
    handle = service_handler(service, limits, tls=tls, greeted=greeted, transcript=transcript)
    return _BLOCKING[arguments.mode](address, handle, limits)
