"""``connect``: standard input to a socket, and the socket to standard output."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sockettools.cli.encryption import TRUST_HINT, add_trust_arguments, trusting_context
from sockettools.cli.status import ExitStatus, WrongUsage
from sockettools.cli.streams import read_blocks
from sockettools.cli.tracing import add_trace_arguments, transcript_of
from sockettools.cli.values import or_none, timeout
from sockettools.errors import CertificateError
from sockettools.net.address import DATAGRAM, InternetAddress, UnixAddress, parse_address
from sockettools.net.datagram import MAX_DATAGRAM, RecordedDatagrams, dial_datagram
from sockettools.net.deadline import Deadline
from sockettools.net.dial import dial
from sockettools.net.pump import AFTER_END, pump_datagrams, pump_stream
from sockettools.net.stream import RECEIVE_SIZE
from sockettools.net.tls import start_client_tls
from sockettools.net.transcript import RecordedStream

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from sockettools.cli.streams import Streams
    from sockettools.net.address import Address
    from sockettools.net.datagram import Datagrams
    from sockettools.net.stream import Stream
    from sockettools.net.transcript import Transcript

HELP = "standard input to a socket, and the socket to standard output, until the server closes"

DEFAULT_TIMEOUT = 30.0
CONNECT_TIMEOUT = 30.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "address",
        metavar="ADDRESS",
        help="HOST:PORT, [IPV6]:PORT, :PORT on this machine, udp:HOST:PORT, unix:/PATH or "
        "unix:@NAME; a port may be the name of a service",
    )
    parser.add_argument(
        "--send",
        metavar="TEXT",
        help="send this instead of standard input, and nothing else: a shell writes the end of a "
        r"line as $'hello\n' (or $'hello\r\n')",
    )
    parser.add_argument(
        "--half-close",
        action="store_true",
        help="at the end of the input send the end, and go on receiving",
    )
    parser.add_argument(
        "--timeout",
        type=timeout,
        metavar="S",
        help="fail once nothing was sent or received for so many seconds; none is for ever "
        f"(default: {DEFAULT_TIMEOUT:g}, none when a terminal is the input)",
    )
    parser.add_argument(
        "--connect-timeout",
        type=timeout,
        metavar="S",
        help="fail if there is no connection by then, name, address and TLS together (default: "
        f"that of --timeout if it is given, or {CONNECT_TIMEOUT:g})",
    )
    _add_tls_arguments(parser)
    add_trace_arguments(parser)


def main(arguments: argparse.Namespace, streams: Streams) -> ExitStatus:
    """Connect, and pump both ways until the server closes."""
    address = parse_address(arguments.address)
    udp = address if isinstance(address, InternetAddress) and address.kind == DATAGRAM else None
    _check(arguments, address, is_udp=udp is not None)
    try:
        with transcript_of(arguments, streams) as transcript:
            if udp:
                _talk_in_datagrams(arguments, udp, streams, transcript)
            else:
                _talk(arguments, address, streams, transcript)
    except CertificateError as exc:
        raise CertificateError(
            f"{exc}; {TRUST_HINT}, --server-name NAME expects another name"
        ) from exc
    except BrokenPipeError:  # nobody reads the output any more, which is no news to its reader
        return ExitStatus.FAILED
    return ExitStatus.DONE


def _add_tls_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("encryption")
    group.add_argument("--tls", action="store_true", help="speak TLS")
    add_trust_arguments(group)
    group.add_argument(
        "--server-name",
        metavar="NAME",
        help="the name that the certificate has to bear (default: the host of ADDRESS)",
    )


def _check(arguments: argparse.Namespace, address: Address, *, is_udp: bool) -> None:
    """Refuse options that do not go together.

    Raises:
        WrongUsage: with one line that says which.
    """
    if is_udp and (arguments.tls or arguments.half_close):
        option = "--tls" if arguments.tls else "--half-close"
        raise WrongUsage(f"{option} needs a connection, and UDP has none")
    for option in ("cacert", "insecure", "server_name"):
        if getattr(arguments, option) and not arguments.tls:
            raise WrongUsage(f"--{option.replace('_', '-')} means nothing without --tls")
    if arguments.tls and not (_server_name(arguments, address) or arguments.insecure):
        raise WrongUsage("a Unix socket has no host name: add --server-name NAME, or --insecure")


def _talk(
    arguments: argparse.Namespace,
    address: Address,
    streams: Streams,
    transcript: Transcript | None,
) -> None:
    context = trusting_context(arguments) if arguments.tls else None
    deadline = _connect_deadline(arguments)
    stream: Stream = dial(address, deadline)
    try:
        if context:
            name = _server_name(arguments, address)
            stream = start_client_tls(stream, context, name, deadline, str(address))
        if transcript:
            # Above TLS: what was said, not how it was encrypted.
            stream = RecordedStream(stream, transcript)
        pump_stream(
            stream,
            _source(arguments, streams, RECEIVE_SIZE),
            streams.write,
            half_close=arguments.half_close,
            timeout=_timeout(arguments, streams),
            # Nobody wants to sit before a conversation that has ended.
            after_end=0 if _is_typed(arguments, streams) else AFTER_END,
        )
    finally:
        stream.close()


def _talk_in_datagrams(
    arguments: argparse.Namespace,
    address: InternetAddress,
    streams: Streams,
    transcript: Transcript | None,
) -> None:
    with dial_datagram(address, _connect_deadline(arguments)) as datagram_socket:
        datagrams: Datagrams = datagram_socket
        if transcript:
            datagrams = RecordedDatagrams(datagrams, transcript)
        pump_datagrams(
            datagrams,
            _source(arguments, streams, MAX_DATAGRAM),
            streams.write,
            timeout=_timeout(arguments, streams),
        )


def _server_name(arguments: argparse.Namespace, address: Address) -> str | None:
    if arguments.server_name is not None:
        return str(arguments.server_name)
    if isinstance(address, UnixAddress):
        return None
    return address.host.partition("%")[0] or "localhost"


def _source(arguments: argparse.Namespace, streams: Streams, max_bytes: int) -> Iterable[bytes]:
    if arguments.send is not None:
        # Bytes that were no UTF-8 on the command line go out as they came in.
        return [arguments.send.encode("utf-8", "surrogateescape")]
    return read_blocks(streams.stdin, max_bytes)


def _connect_deadline(arguments: argparse.Namespace) -> Deadline:
    for seconds in (arguments.connect_timeout, arguments.timeout):
        if seconds is not None:
            return Deadline.after(or_none(seconds))
    return Deadline.after(CONNECT_TIMEOUT)


def _timeout(arguments: argparse.Namespace, streams: Streams) -> float | None:
    if arguments.timeout is not None:
        return or_none(arguments.timeout)
    return None if _is_typed(arguments, streams) else DEFAULT_TIMEOUT


def _is_typed(arguments: argparse.Namespace, streams: Streams) -> bool:
    """Tell whether a person at a terminal is the input."""
    return arguments.send is None and streams.stdin.isatty()
