"""``tap``: stand between a client and a server, show what they say, and spoil it on request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sockettools.cli.status import ExitStatus
from sockettools.cli.stopping import StopSignal
from sockettools.cli.tracing import add_trace_arguments, transcript_of
from sockettools.cli.values import octets, seconds
from sockettools.net.address import parse_address
from sockettools.net.tap import Impairments, Tap
from sockettools.net.tap.limits import DEFAULT_LIMITS

if TYPE_CHECKING:
    import argparse

    from sockettools.cli.streams import Streams

HELP = "relay connections, and show what goes through them or spoil it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "listen",
        metavar="LISTEN",
        help="where clients connect: HOST:PORT (port 0 is any free one), [IPV6]:PORT, :PORT for "
        "every interface, unix:PATH or unix:@NAME",
    )
    parser.add_argument(
        "target", metavar="TARGET", help="where their bytes go, written in the same way"
    )
    group = parser.add_argument_group(
        "a bad network", "Each way of each connection by itself; N may end in k, M or G."
    )
    group.add_argument("--rate", type=octets(1), metavar="N", help="at most N bytes a second")
    group.add_argument(
        "--delay",
        type=seconds,
        default=0.0,
        metavar="S",
        help="hold everything for S seconds; the throughput stays, up to "
        f"{DEFAULT_LIMITS.held // 1_048_576} MiB on the way",
    )
    group.add_argument(
        "--cut-after",
        type=octets(0),
        metavar="N",
        help="end a connection in order once N bytes have gone one way",
    )
    group.add_argument(
        "--reset-after",
        type=octets(0),
        metavar="N",
        help="reset a connection once N bytes have gone one way",
    )
    add_trace_arguments(parser)
    parser.epilog = (
        "In a trace each connection has its number; > (sent) is from the client to the target, "
        "< (received) from the target to the client."
    )


def main(arguments: argparse.Namespace, streams: Streams) -> ExitStatus:
    """Relay until Ctrl-C or SIGTERM."""
    listen, target = parse_address(arguments.listen), parse_address(arguments.target)
    impairments = Impairments(
        arguments.rate, arguments.delay, arguments.cut_after, arguments.reset_after
    )
    with transcript_of(arguments, streams) as transcript, StopSignal() as stop:
        tap = Tap(
            *(listen, target, transcript, impairments),
            report=lambda line: streams.note(f"sockettools tap: {line}"),
        )
        with tap:
            streams.stdout.write(f"Tap on {tap.address} to {target} (Ctrl-C stops it)\n")
            streams.stdout.flush()
            stop.wait()
    return ExitStatus.DONE
