"""``telnet``: a session with a server, typed at a terminal, piped, or told by a script."""

from __future__ import annotations

import argparse
import os
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sockettools.cli.accessing import accessing, read_service_url
from sockettools.cli.browsing import add_connection_limit_arguments, add_resolve_argument
from sockettools.cli.encryption import add_trust_arguments
from sockettools.cli.status import ExitStatus, WrongUsage
from sockettools.cli.streams import read_blocks
from sockettools.cli.tracing import add_trace_arguments
from sockettools.cli.values import count, or_none, timeout
from sockettools.errors import IncompleteMessage, NetworkError
from sockettools.net.deadline import Deadline
from sockettools.net.pump import pump_stream
from sockettools.net.stream import RECEIVE_SIZE, linger
from sockettools.protocols.conversation import IDLE_TIMEOUT
from sockettools.protocols.telnet.client import open_telnet
from sockettools.protocols.telnet.codec import Typing
from sockettools.tasks.fetch.telnet import check_telnet_url
from sockettools.text import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sockettools.cli.streams import Streams
    from sockettools.protocols.access import Access
    from sockettools.service_url import ServiceUrl

HELP = "a Telnet session: at a terminal, with standard input, or a script of --expect and --send"

# What a server is told that asks for the type of a terminal where there is none.
NO_TERMINAL = "dumb"

_ESCAPES = {"r": "\r", "n": "\n", "t": "\t", "e": "\x1b", "0": "\0", "\\": "\\"}
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|.|$)", re.DOTALL)


@dataclass(frozen=True)
class Step:
    """What a script waits for, or sends."""

    octets: bytes
    is_expected: bool
    is_secret: bool


class _AddStep(argparse.Action):
    """Keeps the order in which the steps were given."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        assert isinstance(values, bytes)
        is_expected = option_string == "--expect"
        if is_expected and not values:
            parser.error("argument --expect: there is no text to expect")
        step = Step(values, is_expected, option_string == "--send-secret")
        setattr(namespace, self.dest, [*getattr(namespace, self.dest), step])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "address",
        metavar="HOST[:PORT]|URL",
        help="the port is 23 if none is given; telnets://HOST speaks TLS, on port 992",
    )
    parser.add_argument(
        "port", metavar="PORT", nargs="?", type=count(1, 65_535), help="the port, behind a HOST"
    )
    script = parser.add_argument_group("a script, in the order in which it is given")
    for option, text in (
        ("--expect", "wait until the server has sent TEXT"),
        ("--send", r"send TEXT; \r\n, \n or \r in it is the key Enter"),
        ("--send-secret", "the same, with *** for it in traces"),
    ):
        script.add_argument(
            option,
            action=_AddStep,
            dest="steps",
            default=[],
            type=unescaped,
            metavar="TEXT",
            help=rf"{text}; \t, \e, \0, \\ and \xHH mean what they do in C",
        )
    script.add_argument(
        "--expect-timeout",
        type=timeout,
        metavar="S",
        help="wait at most S seconds for each of them (default: that of --timeout)",
    )
    script.add_argument(
        "--quit-after",
        action="store_true",
        help="end the session after the last of them (default: let the server end it)",
    )
    session = parser.add_argument_group("the session")
    session.add_argument(
        "--half-close",
        action="store_true",
        help="at the end of the input send the end; many servers then end at once",
    )
    session.add_argument(
        "--binary",
        action="store_true",
        help="ask for octets that are left as they are, and send the input as it is",
    )
    session.add_argument(
        "--terminal-type",
        metavar="NAME",
        help=f"what the server is told (default: $TERM at a terminal, else {NO_TERMINAL})",
    )
    route = parser.add_argument_group("the way there")
    add_resolve_argument(route)
    add_trust_arguments(route)
    add_connection_limit_arguments(
        parser.add_argument_group("limits"), None, f"{IDLE_TIMEOUT:g}, none at a terminal"
    )
    add_trace_arguments(parser)
    # Telnet has no login of its own, and no encryption that begins later.
    parser.set_defaults(user=None, netrc_file=None, tls=None)


def main(arguments: argparse.Namespace, streams: Streams) -> ExitStatus:
    """Connect, and talk until one side ends."""
    url = _url(arguments.address, arguments.port)
    if not arguments.steps:
        for option in ("quit_after", "expect_timeout"):
            if getattr(arguments, option):
                name = option.replace("_", "-")
                raise WrongUsage(f"--{name} means nothing without --expect or --send")
    elif arguments.half_close:
        raise WrongUsage("--half-close is for the end of the input, which a script does not read")
    if not arguments.steps and streams.stdin.isatty():
        return _type(url, arguments, streams)
    talk = _follow_script if arguments.steps else _pipe
    with accessing(arguments, streams) as access:
        return talk(url, access, arguments, streams)


def unescaped(text: str) -> bytes:
    r"""Return the octets that a text with backslashes means, as UTF-8 where it has others.

    >>> unescaped(r"caf\xe9\r\n")
    b'caf\xe9\r\n'
    """

    def octet(match: re.Match[str]) -> str:
        name = match[1]
        if name.startswith("x") and len(name) == 3:
            # As what an octet becomes that is no UTF-8 on a command line.
            number = int(name[1:], 16)
            return chr(number if number < 128 else 0xDC00 + number)
        if name in _ESCAPES:
            return _ESCAPES[name]
        raise argparse.ArgumentTypeError(
            rf"\{name} in {text!r} means nothing here: \r, \n, \t, \e, \0, \\ and \xHH do"
        )

    return _ESCAPE.sub(octet, text).encode("utf-8", "surrogateescape")


def _url(text: str, port: int | None) -> ServiceUrl:
    if port is not None:
        if "://" in text or re.search(r":[0-9]*$", text):
            raise WrongUsage(f"a PORT goes with a HOST: {visible(text[:200])!r} says where already")
        text += f":{port}"
    url = read_service_url(text if "://" in text else f"telnet://{text}", "telnet")
    try:
        check_telnet_url(url)
    except ValueError as exc:
        raise WrongUsage(f"{url}: {exc}") from None
    return url


def _idle_timeout(arguments: argparse.Namespace) -> float | None:
    return IDLE_TIMEOUT if arguments.timeout is None else or_none(arguments.timeout)


def _follow_script(
    url: ServiceUrl, access: Access, arguments: argparse.Namespace, streams: Streams
) -> ExitStatus:
    idle_timeout = _idle_timeout(arguments)
    patience = idle_timeout
    if arguments.expect_timeout is not None:
        patience = or_none(arguments.expect_timeout)
    with open_telnet(
        access,
        url.host,
        url.port,
        implicit_tls=url.implicit_tls,
        idle_timeout=idle_timeout,
        terminal_type=arguments.terminal_type or NO_TERMINAL,
        heard=streams.write,
    ) as client:
        if arguments.binary:
            client.request_binary()
        for step in arguments.steps:
            if not step.is_expected:
                shown = "***" if step.is_secret else None
                client.send(step.octets, _typing(arguments), shown=shown)
                continue
            try:
                client.expect(step.octets, Deadline.after(patience))
            except IncompleteMessage as exc:
                # It will not come any more: the same to a script as one that did not come in time.
                streams.note(f"sockettools telnet: {exc}")
                return ExitStatus.TIMEOUT
        if arguments.quit_after:
            # What was sent last would be lost if the connection were closed at once.
            with suppress(NetworkError):
                client.send_eof()
                linger(client)
        else:
            while client.read():
                pass
    return ExitStatus.DONE


def _pipe(
    url: ServiceUrl, access: Access, arguments: argparse.Namespace, streams: Streams
) -> ExitStatus:
    with open_telnet(
        access,
        url.host,
        url.port,
        implicit_tls=url.implicit_tls,
        terminal_type=arguments.terminal_type or NO_TERMINAL,
    ) as client:
        client.typing = _typing(arguments)
        if arguments.binary:
            client.request_binary()
        pump_stream(
            client,
            read_blocks(streams.stdin, RECEIVE_SIZE),
            streams.write,
            half_close=arguments.half_close,
            timeout=_idle_timeout(arguments),
        )
    return ExitStatus.DONE


def _type(url: ServiceUrl, arguments: argparse.Namespace, streams: Streams) -> ExitStatus:
    # They need a system with termios.
    from sockettools.cli.telnet_session import ESCAPE, TelnetSession, Terminated, die_of
    from sockettools.cli.terminal import Terminal

    terminal = Terminal(streams.stdin.fileno(), ESCAPE)
    session = TelnetSession(streams, terminal)
    try:
        with (
            accessing(arguments, streams) as access,
            open_telnet(
                access,
                url.host,
                url.port,
                implicit_tls=url.implicit_tls,
                terminal_type=arguments.terminal_type or os.environ.get("TERM") or NO_TERMINAL,
                window_size=terminal.size(),
                changed=session.options_changed,
            ) as client,
        ):
            if arguments.binary:
                client.request_binary()
            session.run(client, timeout=or_none(arguments.timeout), is_binary=arguments.binary)
    except Terminated as exc:
        die_of(exc.number)
    return ExitStatus.DONE


def _typing(arguments: argparse.Namespace) -> Typing:
    return Typing.EXACT if arguments.binary else Typing.TEXT
