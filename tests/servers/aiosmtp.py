"""aiosmtpd on free ports, in a process of its own: it runs wherever Python does.

The protocol is all its own; whom it takes mail for, and where that goes, is said here.
"""

from __future__ import annotations

import asyncio
import itertools
import ssl
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from tests.servers.certificates import Authority
from tests.servers.daemons import daemon_folder, running_module
from tests.servers.ports import held_ports
from tests.servers.smtp_site import HOST, SIZE_LIMIT, SmtpServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiosmtpd.smtp import Envelope, Session

_DOMAIN = "@example.test"
_USERS = ("user", "other", "zoë")


@contextmanager
def aiosmtp() -> Iterator[SmtpServer]:
    """Run it."""
    with daemon_folder() as folder, held_ports(2) as (plain, tls):
        authority = Authority(folder)
        authority.issue(folder / "certificate.pem")
        for user in _USERS:
            (folder / "mail" / user / "new").mkdir(parents=True)
        with running_module(__name__, folder, plain, tls, log=folder / "output"):
            yield SmtpServer(plain, tls, authority.path, folder / "mail")


class _Mailboxes:
    """The decisions that aiosmtpd leaves to who runs it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.numbers = itertools.count(1)

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take or refuse a recipient."""
        user = address.removesuffix(_DOMAIN)
        if user == address and not session.authenticated:
            return "550 relay not permitted"
        if user != address and user not in _USERS:
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 Accepted"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Deliver what is for somebody here, in the form that it has on a Unix system."""
        is_encrypted = server.transport.get_extra_info("sslcontext") is not None
        with_what = "esmtps" if is_encrypted else "esmtp"
        trace = f"Received: from {session.host_name} by {server.hostname} with {with_what}\n"
        message = trace.encode() + envelope.content.replace(b"\r\n", b"\n")
        number = next(self.numbers)
        for address in envelope.rcpt_tos:
            if address.endswith(_DOMAIN):
                part = self.folder / f"{number}.part"
                part.write_bytes(message)
                part.rename(self.folder / address.removesuffix(_DOMAIN) / "new" / str(number))
        return f"250 OK id={number}"


def _authenticate(
    _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: LoginPassword
) -> AuthResult:
    return AuthResult(success=data == LoginPassword(b"user", b"secret"), handled=False)


async def _serve(folder: Path, plain: int, tls: int) -> None:
    loop = asyncio.get_running_loop()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "certificate.pem")
    mailboxes = _Mailboxes(folder / "mail")

    def server(starttls: ssl.SSLContext | None) -> SMTP:
        return SMTP(
            mailboxes,
            data_size_limit=SIZE_LIMIT,
            enable_SMTPUTF8=True,
            hostname="mail.example.test",
            ident="ESMTP ready",
            tls_context=starttls,
            auth_require_tls=False,
            authenticator=_authenticate,
            loop=loop,
        )

    await loop.create_server(lambda: server(context), HOST, plain)
    implicit = await loop.create_server(lambda: server(None), HOST, tls, ssl=context)
    await implicit.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1]), *map(int, sys.argv[2:])))
