"""proftpd on free ports: a server that nobody here has written."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.machine import needs_programs
from tests.servers.certificates import Authority
from tests.servers.daemons import daemon_folder, running
from tests.servers.ftp_site import PASSWORD, USER, FtpServer, write_files
from tests.servers.ports import held_ports

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

needs_proftpd = needs_programs("proftpd", "openssl")

# Where nothing is said of it, a connection for data has to go on with the session of the one for
# commands.
_CONFIGURATION = """
LoadModule mod_tls.c
ServerName test
ServerIdent on "test FTP server"
ServerType standalone
DefaultAddress 127.0.0.1
Port {plain}
UseIPv6 off
User {owner}
Group {group}
PidFile {folder}/pid
ScoreboardFile {folder}/scoreboard
DelayEngine off
UseReverseDNS off
SystemLog {folder}/log
TransferLog none
WtmpLog off
TimeoutLinger 1
<Global>
    AuthPAM off
    AuthOrder mod_auth_file.c
    AuthUserFile {folder}/passwd
    RequireValidShell off
    UseFtpUsers off
    {root}
    AllowOverwrite on
    AllowStoreRestart on
    <Anonymous {folder}/root>
        User {owner}
        Group {group}
        UserAlias anonymous {owner}
        RequireValidShell off
        <Limit WRITE>
            DenyAll
        </Limit>
    </Anonymous>
</Global>
<VirtualHost 127.0.0.1>
    Port {explicit}
    {tls}
</VirtualHost>
<VirtualHost 127.0.0.1>
    Port {implicit}
    {tls}
    TLSOptions UseImplicitSSL
</VirtualHost>
"""

_TLS = """
    TLSEngine on
    TLSLog none
    TLSECCertificateFile {folder}/tls.pem
    TLSECCertificateKeyFile {folder}/tls.pem
"""


@contextmanager
def proftpd() -> Iterator[FtpServer]:
    """Run it: without TLS, with AUTH TLS, and with TLS from the beginning."""
    with daemon_folder() as folder, held_ports(3) as held:
        authority = Authority(folder)
        authority.issue(folder / "tls.pem")
        (folder / "tls.pem").chmod(0o600)
        root = folder / "root"
        write_files(root)
        is_root = os.geteuid() == 0
        if is_root:  # it is not root that serves them
            for path in (root, *root.rglob("*")):
                shutil.chown(path, "nobody", "nogroup")
        ports = dict(zip(("plain", "explicit", "implicit"), held, strict=True))
        _write_configuration(folder, ports)
        command: list[str | Path] = ["proftpd", "-n", "-q", "-c", folder / "proftpd.conf"]
        with running(command, *ports.values(), log=folder / "output"):
            yield FtpServer(**ports, authority=authority.path, root=root, is_open=is_root)


def _write_configuration(folder: Path, ports: dict[str, int]) -> None:
    is_root = os.geteuid() == 0
    hashed = subprocess.run(
        ["openssl", "passwd", "-6", "-salt", "abcdefgh", PASSWORD],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    # Who the anonymous are has to be known to it as well.
    owner = pwd.getpwnam("nobody") if is_root else pwd.getpwuid(os.geteuid())
    passwd = folder / "passwd"
    passwd.write_text(
        "".join(
            f"{name}:{password}:{owner.pw_uid}:{owner.pw_gid}::{folder}/root:/bin/false\n"
            for name, password in ((USER, hashed), (owner.pw_name, "!"))
        )
    )
    passwd.chmod(0o600)
    (folder / "proftpd.conf").write_text(
        _CONFIGURATION.format(
            folder=folder,
            tls=_TLS.format(folder=folder),
            owner=owner.pw_name,
            group=grp.getgrgid(owner.pw_gid).gr_name,
            # Only root can make it the whole world; then it is what logging in leads to.
            root="DefaultRoot ~" if is_root else "",
            **ports,
        )
    )
