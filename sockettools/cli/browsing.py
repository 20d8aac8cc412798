"""A browser as the command line asks for it: the options of every command that opens URLs."""

from __future__ import annotations

import argparse
import getpass
import json
import os
import re
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sockettools.browser import Browser, Options, Proxies, Request
from sockettools.browser.cookies import CookieJar
from sockettools.browser.har import har
from sockettools.browser.options import CONNECT_TIMEOUT, IDLE_TIMEOUT, MAX_REDIRECTS
from sockettools.browser.proxy import parse_proxy
from sockettools.cli.encryption import TRUST_HINT, add_trust_arguments, trusting_context
from sockettools.cli.replacing import Replacement, is_written_to
from sockettools.cli.status import WrongUsage
from sockettools.cli.tracing import add_trace_arguments, transcript_of
from sockettools.cli.values import count, octets, or_none, seconds, timeout
from sockettools.errors import AddressError, CertificateError, SocketToolsError, Timeout
from sockettools.net.address import InternetAddress, is_ipv6, parse_port
from sockettools.net.deadline import Deadline
from sockettools.net.stream import RECEIVE_SIZE
from sockettools.text import visible
from sockettools.url import HttpUrl, encode_host, parse_http_url, public_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sockettools.browser.exchange import Exchange
    from sockettools.cli.streams import Streams
    from sockettools.net.transcript import Sink

# Octets of each body that go into a HAR file.
HAR_BODY = 1_048_576

# Octets of a file of cookies: the jar has room for 3,000 of 4 kB.
_MAX_COOKIE_FILE = 16_777_216


# Browsers drop them; on a command line they are a mistake, or somebody's attempt.
_LINE_END_OR_TAB = re.compile(r"[\t\r\n]")

# The end of what is said where a limit passed.
_IN_TIME = "in time"


@dataclass(frozen=True)
class Session:
    """A browser, how long it has for everything, and the exchanges that are over."""

    browser: Browser
    deadline: Deadline
    exchanges: list[Exchange]
    _arguments: argparse.Namespace = field(repr=False)
    _credentials: tuple[str, str] | None = field(repr=False)

    def request(
        self,
        url: HttpUrl,
        method: str = "GET",
        body: bytes | None = None,
        fields: tuple[tuple[str, str | None], ...] = (),
    ) -> Request:
        """Return the request for a URL, with the fields and credentials that were asked for."""
        return Request(
            url,
            method,
            (*fields, *self._arguments.fields),
            body,
            self._credentials,
        )

    def explained(self, error: SocketToolsError) -> str:
        """Return what went wrong, with the option that would help, or that set the limit."""
        return explained(error, self.deadline, self._arguments.max_time)


def explained(error: SocketToolsError, deadline: Deadline, max_time: float | None) -> str:
    """Return what went wrong, with the option that would help, or that set the limit."""
    text = str(error)
    if isinstance(error, CertificateError):
        return f"{text}; {TRUST_HINT}"
    if isinstance(error, Timeout) and deadline.has_passed() and text.endswith(_IN_TIME):
        unit = "second" if max_time == 1 else "seconds"
        return f"{text.removesuffix(_IN_TIME)}within {max_time:g} {unit} (--max-time)"
    return text


def add_url_argument(parser: argparse.ArgumentParser) -> None:
    """Declare the URL of a command that opens one page, and asks for it when it is left out."""
    parser.add_argument("url", metavar="URL", nargs="?", help="http:// or https://")


def add_browser_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    asking = parser.add_argument_group("what is asked")
    asking.add_argument(
        "-H",
        "--header",
        dest="fields",
        action="append",
        type=_field,
        default=[],
        metavar="FIELD",
        help="send 'Name: value', in the place of an own field of that name; 'Name:' leaves it out",
    )
    asking.add_argument(
        "-u",
        "--user",
        metavar="USER:PASSWORD",
        help="log in (Basic); without a password it is asked for",
    )
    asking.add_argument(
        "-b",
        "--cookie",
        action="append",
        default=[],
        metavar="DATA",
        help="send the cookies NAME=VALUE; ..., or those in the file of that name (Netscape's "
        "format)",
    )
    asking.add_argument(
        "-c", "--cookie-jar", metavar="FILE", help="write all cookies to FILE at the end"
    )
    asking.add_argument("--http1.0", dest="http_1_0", action="store_true", help="speak HTTP/1.0")
    _add_route_arguments(parser)
    _add_limit_arguments(parser)
    _add_viewing_arguments(parser)


@contextmanager
def browsing(
    arguments: argparse.Namespace,
    streams: Streams,
    *,
    accept_encoding: str | None = None,
    sinks: Sequence[Sink] = (),
) -> Iterator[Session]:
    """Yield the browser that the options ask for; write down what they want written at the end.

    ``sinks`` get all that is said on its connections, traced or not.

    Raises:
        WrongUsage, AddressError: an option makes no sense.
        OSError: a file cannot be read or written.
    """
    _check_files(arguments)
    options = _options(arguments, accept_encoding)
    cookies = _cookies(arguments)
    credentials = _credentials(arguments.user, streams)
    exchanges: list[Exchange] = []
    deadline = Deadline.after(or_none(arguments.max_time))
    with ExitStack() as stack:
        transcript = stack.enter_context(transcript_of(arguments, streams, sinks))
        if arguments.har is not None:
            write_har = _writer(stack, arguments.har, streams)
            stack.callback(lambda: write_har(json.dumps(har(exchanges), indent=1).encode()))
        if arguments.cookie_jar is not None:
            # Cookies are as good as passwords: nobody else may read them.
            write_jar = _writer(stack, arguments.cookie_jar, streams, 0o600)
            stack.callback(lambda: write_jar(cookies.netscape().encode("latin-1")))
        if arguments.timings:
            stack.callback(lambda: _show_timings(exchanges, streams))
        browser = stack.enter_context(
            Browser(options, cookies=cookies, transcript=transcript, record=exchanges.append)
        )
        session = Session(browser, deadline, exchanges, arguments, credentials)
        try:
            yield session
        except (CertificateError, Timeout) as exc:
            raise type(exc)(session.explained(exc)) from exc


def read_url(text: str) -> HttpUrl:
    """Read the URL of an argument.

    Raises:
        WrongUsage: it is none.
    """
    try:
        if _LINE_END_OR_TAB.search(text.strip()):
            raise ValueError("it has a line end or a tab in it")
        return parse_http_url(text)
    except ValueError as exc:
        # A password is not repeated, also where it is what makes this no URL.
        shown = public_text(text)[:200]
        raise WrongUsage(f"{shown!r} is not a URL to open: {exc}") from None


def _add_route_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the way there")
    group.add_argument(
        "-L",
        "--location",
        dest="follow",
        action="store_true",
        default=True,
        help="follow redirects (the default)",
    )
    group.add_argument(
        "--no-redirect", dest="follow", action="store_false", help="show a redirect itself"
    )
    group.add_argument(
        "--max-redirs",
        type=count(0, 1000),
        default=MAX_REDIRECTS,
        metavar="N",
        help="follow at most N of them (default: %(default)s)",
    )
    group.add_argument(
        "-x",
        "--proxy",
        metavar="URL",
        help="go through this proxy ('' for none; default: http_proxy, https_proxy and no_proxy "
        "of the environment)",
    )
    add_resolve_argument(group)
    add_trust_arguments(group)


def add_resolve_argument(group: argparse._ArgumentGroup) -> None:
    """Declare ``--resolve``."""
    group.add_argument(
        "--resolve",
        action="append",
        type=_override,
        default=[],
        metavar="HOST:PORT:ADDRESS",
        help="connect to ADDRESS for HOST:PORT",
    )


def add_connection_limit_arguments(
    group: argparse._ArgumentGroup,
    idle_timeout: float | None = IDLE_TIMEOUT,
    told: str = f"{IDLE_TIMEOUT:g}",
) -> None:
    """Declare how long a connection, a silence and everything may take.

    ``told`` is the default of the second one for people.
    """
    group.add_argument(
        "--max-time",
        type=timeout,
        metavar="S",
        help="be done with everything within S seconds (default: none)",
    )
    group.add_argument(
        "--connect-timeout",
        type=timeout,
        default=CONNECT_TIMEOUT,
        metavar="S",
        help="have a connection, name, address and TLS together, within S seconds (default: "
        "%(default)g; none is for ever)",
    )
    group.add_argument(
        "--timeout",
        type=timeout,
        default=idle_timeout,
        metavar="S",
        help=f"fail once nothing was sent or received for S seconds (default: {told}; none is for "
        "ever)",
    )


def _add_limit_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("limits")
    add_connection_limit_arguments(group)
    group.add_argument(
        "--max-filesize",
        type=octets(0),
        metavar="N",
        help="refuse a body of more than N bytes (N may end in k, M or G)",
    )


def _add_viewing_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("seeing how it works")
    group.add_argument(
        "--recv-size",
        type=_receive_size,
        default=RECEIVE_SIZE,
        metavar="N",
        help="receive at most N bytes at a time: 512 in the chapter (default: %(default)s)",
    )
    group.add_argument(
        "--delay",
        type=seconds,
        default=0.0,
        metavar="S",
        help="wait S seconds before each receive but the first",
    )
    group.add_argument(
        "--timings", action="store_true", help="tell on standard error how long each phase took"
    )
    group.add_argument(
        "--har",
        metavar="FILE",
        help="write all exchanges to FILE as HAR 1.2, which the network panels of browsers open",
    )
    add_trace_arguments(parser)


def _options(arguments: argparse.Namespace, accept_encoding: str | None) -> Options:
    return Options(
        http_1_0=arguments.http_1_0,
        allow_http_0_9=getattr(arguments, "http_0_9", False),
        accept_encoding=accept_encoding,
        follow=arguments.follow,
        max_redirects=arguments.max_redirs,
        connect_timeout=or_none(arguments.connect_timeout),
        idle_timeout=or_none(arguments.timeout),
        max_body=arguments.max_filesize,
        allow_truncated=getattr(arguments, "allow_truncated", False),
        receive_size=arguments.recv_size,
        delay=arguments.delay,
        addresses=dict(arguments.resolve),
        proxies=_proxies(arguments.proxy),
        tls=trusting_context(arguments) if arguments.cacert or arguments.insecure else None,
        keep_bodies=HAR_BODY if arguments.har else 0,
    )


def _proxies(option: str | None) -> Proxies:
    if option == "":
        return Proxies()
    environment = dict(os.environ)
    if option is not None:
        proxy = parse_proxy(option, "--proxy")
        return Proxies(proxy, proxy, Proxies.from_environment(environment).exceptions)
    return Proxies.from_environment(environment)


def _cookies(arguments: argparse.Namespace) -> CookieJar:
    jar = CookieJar()
    for data in arguments.cookie:
        if "=" in data:
            arguments.fields.append(("Cookie", data))
        # The file that will be written is not there the first time.
        elif data != arguments.cookie_jar or Path(data).exists():
            _load(jar, data)
    return jar


def _load(jar: CookieJar, name: str) -> None:
    with Path(name).open(encoding="latin-1", newline="") as file:
        text = file.read(_MAX_COOKIE_FILE)
    try:
        jar.load_netscape(text)
    except ValueError as exc:
        raise WrongUsage(f"--cookie {name}: {exc}") from None


def _writer(
    stack: ExitStack, name: str, streams: Streams, mode: int = 0o666
) -> Callable[[bytes], None]:
    """Return what writes a file when all is over.

    It is opened before anything is asked: better to fail now than with the answer.
    """
    if name == "-":
        return streams.write
    return stack.enter_context(Replacement(name, mode)).write


def _check_files(arguments: argparse.Namespace) -> None:
    """Refuse to write two things to one file; a device takes them one after the other."""
    output = getattr(arguments, "output", None) or []
    given = [output] if isinstance(output, str) else output
    found: set[str] = set()
    for name in (*given, arguments.har, arguments.trace_json, arguments.cookie_jar):
        if name is None or str(name) in ("", "-") or is_written_to(str(name)):
            continue
        path = os.path.realpath(name)
        if path in found:
            raise WrongUsage(f"{name} is to be written twice: give each a file of its own")
        found.add(path)


def _show_timings(exchanges: list[Exchange], streams: Streams) -> None:
    for exchange in exchanges:
        timings = exchange.timings
        phases = {
            "resolve": timings.resolve,
            "connect": timings.connect,
            "TLS": timings.tls,
            "first byte": timings.first_byte(),
            "total": timings.total(),
        }
        told = ", ".join(
            f"{name} {'-' if value is None else f'{value:.6f}'}" for name, value in phases.items()
        )
        streams.note(f"{exchange.url}: {told}")


def _field(text: str) -> tuple[str, str | None]:
    name, colon, value = text.partition(":")
    if not colon and text.endswith(";"):  # curl's way to send an empty one
        name, colon = text[:-1], ":"
        return _checked(name, text), ""
    if not colon:
        raise argparse.ArgumentTypeError(f"{text!r} is not a field: write 'Name: value'")
    return _checked(name, text), value.strip(" \t") or None


def _checked(name: str, text: str) -> str:
    if not re.fullmatch(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+", name):
        raise argparse.ArgumentTypeError(f"{text!r} does not begin with the name of a field")
    return name


def _credentials(text: str | None, streams: Streams) -> tuple[str, str] | None:
    if text is None:
        return None
    user, colon, password = text.partition(":")
    if not colon and streams.stdin.isatty():
        try:
            password = getpass.getpass(f"Password for {visible(user)}: ")
        except EOFError:
            raise WrongUsage(f"--user {user}: no password was typed") from None
    return user, password


def _override(text: str) -> tuple[tuple[str, int], InternetAddress]:
    match = re.fullmatch(r"(\[[^\]]*\]|[^:\[\]]+):([^:]+):(.+)", text)
    if match is None or match[1] == "*":
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT:ADDRESS")
    try:
        port = parse_port(match[2])
        host = match[1].strip("[]")
        host = host if is_ipv6(host) else encode_host(host)
    except (AddressError, ValueError) as exc:
        raise argparse.ArgumentTypeError(f"{text!r}: {exc}") from None
    return (host, port), InternetAddress(match[3].strip("[]"), port)


def _receive_size(text: str) -> int:
    return count(1, 16_777_216)(text)
