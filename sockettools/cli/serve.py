"""``serve``: a server in the chapter's manner, and what became of it."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import ssl
import threading
from typing import TYPE_CHECKING

from sockettools.cli.status import ExitStatus, WrongUsage
from sockettools.cli.stopping import StopSignal
from sockettools.cli.tracing import add_trace_arguments, transcript_of
from sockettools.errors import ListenError
from sockettools.net.address import DATAGRAM, parse_address
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
    with transcript_of(arguments, streams) as transcript, StopSignal() as stop:
        greeted = None if arguments.quiet else _Guestbook(streams).greeted
        try:
            server = _server(arguments, address, tls, greeted, transcript)
        except ListenError as exc:
            streams.stderr.write(f"sockettools serve: {exc}; choose another ADDRESS\n")
            return ExitStatus.FAILED
        # It listens already: who waits for this line can connect.
        streams.stdout.write(f"Serving {arguments.service} on {server.address} (Ctrl-C stops it)\n")
        streams.stdout.flush()
        with server:
            stop.wait()
    return ExitStatus.DONE


class _Guestbook:
    """Prints who connects, at once, for as long as somebody reads it."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams
        self._lock = threading.Lock()
        self._read = True

    def greeted(self, name: str) -> None:
        """Print one line; any thread may call it, and the server goes on whatever happens."""
        with self._lock:
            if not self._read:
                return
            try:
                self._streams.stdout.write(f"Got connection from {name}\n")
                self._streams.stdout.flush()
            except (OSError, ValueError):
                self._read = False
                self._streams.abandon_stdout()


def _add_limits(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("limits")
    for name, number, unit, what in (
        ("connections", int, "N", "clients at a time; the next ones wait"),
        ("idle", float, "S", "seconds of silence after which a client is given up"),
        ("message", int, "BYTES", "taken from a client at once; longer datagrams are dropped"),
        ("unsent", int, "BYTES", "may wait for a client that does not read"),
        ("grace", float, "S", "seconds that clients have to finish when the server stops"),
    ):
        group.add_argument(
            f"--{name}",
            type=_positive(number),
            default=getattr(_LIMITS, name),
            metavar=unit,
            help=f"{what} (default: %(default)s)",
        )


def _positive(number: type[int] | type[float]) -> Callable[[str], float]:
    def read(text: str) -> float:
        with contextlib.suppress(ValueError):
            if 0 < (value := number(text)) < float("inf"):
                return value
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")

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
