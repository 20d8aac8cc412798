"""pyftpdlib on free ports, in a process of its own: it runs wherever Python does.

It knows AUTH TLS; TLS from the beginning is what is added here.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler, TLS_FTPHandler
from pyftpdlib.servers import FTPServer

from tests.servers.certificates import Authority
from tests.servers.daemons import daemon_folder, running_module
from tests.servers.ftp_site import PASSWORD, USER, FtpServer, write_files
from tests.servers.ports import held_ports

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def pyftpd() -> Iterator[FtpServer]:
    """Run it: without TLS, with AUTH TLS, and with TLS from the beginning."""
    with daemon_folder() as folder, held_ports(3) as held:
        authority = Authority(folder)
        authority.issue(folder / "tls.pem")
        write_files(folder / "root")
        ports = dict(zip(("plain", "explicit", "implicit"), held, strict=True))
        with running_module(__name__, folder, *ports.values(), log=folder / "output"):
            yield FtpServer(**ports, authority=authority.path, root=folder / "root", is_open=True)


class _Plain(FTPHandler):
    banner = "test FTP server"
    auth_failed_timeout = 0


class _Explicit(TLS_FTPHandler):
    banner = "test FTP server"
    auth_failed_timeout = 0


class _Implicit(_Explicit):
    def handle(self) -> None:
        """Begin with the handshake, and greet behind it."""
        self.secure_connection(self.ssl_context)

    def handle_ssl_established(self) -> None:
        super().handle()


def _serve(folder: Path, *ports: int) -> None:
    authorizer = DummyAuthorizer()
    authorizer.add_user(USER, PASSWORD, str(folder / "root"), perm="elradfmwMT")
    authorizer.add_anonymous(str(folder / "root"))
    _Explicit.certfile = str(folder / "tls.pem")
    for port, handler in zip(ports, (_Plain, _Explicit, _Implicit), strict=True):
        handler.authorizer = authorizer
        server = FTPServer(("127.0.0.1", port), handler)
    server.serve_forever()  # all of them: they share a loop


if __name__ == "__main__":
    _serve(Path(sys.argv[1]), *map(int, sys.argv[2:]))
