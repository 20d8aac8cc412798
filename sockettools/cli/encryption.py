"""``--cacert`` and ``-k``: the options of every command that speaks TLS as a client."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from sockettools.cli.status import WrongUsage
from sockettools.net.tls import client_context

if TYPE_CHECKING:
    import argparse

# How to go on when a certificate is not trusted.
TRUST_HINT = "--cacert FILE trusts another authority, -k takes any certificate"


def add_trust_arguments(group: argparse._ArgumentGroup) -> None:
    """Declare the options."""
    group.add_argument(
        "--cacert", metavar="FILE", help="trust the certificates in FILE (PEM), not the system's"
    )
    group.add_argument(
        "-k", "--insecure", action="store_true", help="do not verify the server's certificate"
    )


def trusting_context(arguments: argparse.Namespace) -> ssl.SSLContext:
    """Return the context that the options ask for.

    Raises:
        WrongUsage: they contradict each other, or the file holds no certificate.
        OSError: it cannot be read.
    """
    if arguments.cacert and arguments.insecure:
        raise WrongUsage("--cacert and --insecure exclude each other")
    try:
        return client_context(verify=not arguments.insecure, ca_file=arguments.cacert)
    except ssl.SSLError:
        raise WrongUsage(f"--cacert {arguments.cacert}: there is no certificate in it") from None
    except OSError as exc:  # which does not name the file
        raise OSError(exc.errno, exc.strerror, arguments.cacert) from exc
