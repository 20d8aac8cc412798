"""How servers that do not speak HTTP are reached: the options of every command for one."""

from __future__ import annotations

import getpass
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sockettools.cli.browsing import (
    add_connection_limit_arguments,
    add_resolve_argument,
    explained,
)
from sockettools.cli.encryption import add_trust_arguments, trusting_context
from sockettools.cli.status import WrongUsage
from sockettools.cli.tracing import add_trace_arguments, transcript_of
from sockettools.cli.values import or_none
from sockettools.errors import CertificateError, LocalProtocolError, Timeout
from sockettools.net.deadline import Deadline
from sockettools.protocols.access import Access, Credentials, TlsPolicy
from sockettools.protocols.credentials import CredentialsSource, home_netrc
from sockettools.service_url import parse_service_url
from sockettools.text import visible

if TYPE_CHECKING:
    import argparse
    import ssl
    from collections.abc import Callable, Iterator

    from sockettools.cli.streams import Streams
    from sockettools.service_url import ServiceUrl


def add_access_arguments(parser: argparse.ArgumentParser, *, login: bool = True) -> None:
    """Declare all options of a command that talks to such a server, and may log in there."""
    if login:
        group = parser.add_argument_group("logging in")
        group.add_argument(
            "-u",
            "--user",
            metavar="USER:PASSWORD",
            help="log in; without a password it is looked for in ~/.netrc, then asked for",
        )
        add_login_arguments(group)
    else:
        parser.set_defaults(user=None, tls=None, netrc_file=None)
    route = parser.add_argument_group("the way there")
    add_resolve_argument(route)
    add_trust_arguments(route)
    add_connection_limit_arguments(parser.add_argument_group("limits"))
    add_trace_arguments(parser)


def add_login_arguments(group: argparse._ArgumentGroup) -> None:
    """Declare the options that only such a server needs."""
    group.add_argument(
        "--tls",
        choices=[policy.value for policy in TlsPolicy],
        help="where a connection begins in clear text: encrypt it if the server offers that (auto, "
        "the default), encrypt it or fail (require), never, so that also a password goes in clear "
        "text (off)",
    )
    group.add_argument(
        "--netrc-file", type=Path, metavar="FILE", help="look there for passwords, not in ~/.netrc"
    )


@contextmanager
def accessing(arguments: argparse.Namespace, streams: Streams) -> Iterator[Access]:
    """Yield the access that the options ask for.

    Raises:
        WrongUsage: an option makes no sense.
        OSError: a file cannot be read or written.
    """
    deadline = Deadline.after(or_none(arguments.max_time))
    with transcript_of(arguments, streams) as transcript:
        access = Access(
            connect_timeout=or_none(arguments.connect_timeout),
            idle_timeout=or_none(arguments.timeout),
            deadline=deadline,
            tls=TlsPolicy(arguments.tls or TlsPolicy.AUTO),
            context=_context(arguments),
            transcript=transcript,
            addresses=dict(arguments.resolve),
            credentials=_credentials(arguments, streams),
        )
        try:
            yield access
        except (CertificateError, Timeout) as exc:
            raise type(exc)(explained(exc, deadline, arguments.max_time)) from exc


def read_service_url(text: str, *protocols: str) -> ServiceUrl:
    """Read the URL of an argument, of one of these protocols (of any, if none are given).

    Raises:
        WrongUsage: it is none.
    """
    # A password is not repeated, also where it is what makes this no URL.
    scheme, _, rest = text.rpartition("@")[0].partition("://")
    shown = f"{scheme}://{text.rpartition('@')[2]}" if rest else text
    try:
        url = parse_service_url(text)
        if protocols and url.protocol not in protocols:
            raise ValueError(f"it begins with none of {_listed(protocols)}")
    except ValueError as exc:
        raise WrongUsage(f"{visible(shown[:200])!r} is not a URL to open: {exc}") from None
    return url


def _listed(protocols: tuple[str, ...]) -> str:
    return ", ".join(f"{name}://" for name in protocols)


def _context(arguments: argparse.Namespace) -> Callable[[], ssl.SSLContext]:
    if arguments.cacert:  # what is wrong with the file is to be known before anything is sent
        context = trusting_context(arguments)
        return lambda: context
    return cache(lambda: trusting_context(arguments))


def _credentials(
    arguments: argparse.Namespace, streams: Streams
) -> Callable[[ServiceUrl], Credentials | None]:
    file = arguments.netrc_file
    if file is not None and not file.exists():
        raise WrongUsage(f"--netrc-file {file}: there is no such file")
    if file is not None and file.is_dir():
        raise WrongUsage(f"--netrc-file {file}: it is a directory")
    given = arguments.user.partition(":") if arguments.user is not None else None
    # It is asked once for each user and host, however many URLs there are.
    source = CredentialsSource(
        file or home_netrc(), cache(_ask) if streams.stdin.isatty() else None
    )

    def credentials(url: ServiceUrl) -> Credentials | None:
        if given and url.username not in (None, given[0]):
            raise WrongUsage(f"{url}: the URL names another user than -u")
        if given is None or url.password is not None:
            found = source(url)
        elif given[1]:
            found = Credentials(given[0], given[2])
        else:
            found = source(url.with_user(given[0]))
        if found and any(char in found.username + found.password for char in "\r\n\0"):
            raise LocalProtocolError("the user name or the password has a line end in it")
        return found

    return credentials


def _ask(question: str) -> str:
    try:
        return getpass.getpass(visible(question))
    except EOFError:
        raise WrongUsage("no password was typed") from None
