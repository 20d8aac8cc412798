"""Two Telnet servers, with a program of ours behind them: inetutils-telnetd and busybox telnetd."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.servers.certificates import Authority
from tests.servers.daemons import daemon_folder, running
from tests.servers.ports import held_ports

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROGRAMS = ("telnetd", "busybox", "socat")

# What it prints last may be lost where it ends at once.
_APPLICATION = r"""#!/bin/sh
printf 'welcome\nname? '; read -r n; printf 'hello %s\n' "$n"
printf 'TERM=%s ' "$TERM"; stty size; printf '\377 caf\303\251\n'
while printf '> ' && read -r l; do
    case "$l" in
        quit) echo bye; sleep .2; exit 0;;
        hex) stty raw -echo; printf 'go '; head -c 8 | od -An -tx1; stty sane;;
        lines) seq -f 'line %g' 1 100000;;
        size) stty size;;
        *) echo "echo: $l";;
    esac
done
"""


@dataclass(frozen=True)
class TelnetServers:
    """Their ports on 127.0.0.1; ``authority`` has signed the certificate of the one with TLS."""

    inetutils: int
    busybox: int
    tls: int
    authority: Path


@contextmanager
def telnet_servers() -> Iterator[TelnetServers]:
    """Run them until the block ends."""
    with daemon_folder() as folder, ExitStack() as stack:
        application = folder / "app.sh"
        application.write_text(_APPLICATION)
        application.chmod(0o755)
        authority = Authority(folder)
        authority.issue(folder / "server.pem")
        plain, busybox, tls = stack.enter_context(held_ports(3))
        telnetd = f"/usr/sbin/telnetd -h -E {application}"
        options = "bind=127.0.0.1,fork,reuseaddr"
        log = folder / "log"
        for port, command in (
            (plain, ["socat", f"TCP-LISTEN:{plain},{options}", f"EXEC:{telnetd},nofork"]),
            (
                tls,
                [
                    "socat",
                    f"OPENSSL-LISTEN:{tls},{options},cert={folder}/server.pem,verify=0",
                    f"EXEC:{telnetd}",
                ],
            ),
            (
                busybox,
                [
                    "busybox",
                    "telnetd",
                    "-F",
                    "-p",
                    str(busybox),
                    "-b",
                    "127.0.0.1",
                    "-l",
                    str(application),
                ],
            ),
        ):
            stack.enter_context(running(command, port, log=log))
        yield TelnetServers(plain, busybox, tls, authority.path)
