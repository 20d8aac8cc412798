"""Gophernicus on free ports, plain and TLS: a server that nobody here has written.

It is made for inetd: socat listens, and starts one for each connection.
"""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from tests.servers.certificates import Authority
from tests.servers.daemons import daemon_folder, running
from tests.servers.ports import held_ports

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROGRAMS = ("gophernicus", "socat", "setpriv")

TEXT = b"But soft\r\n.\r\n.leading dot\r\nlast line\r\n"
BLOB = Random(1).randbytes(70_057)

_MENU = """\
# comment
Welcome <b>here</b>

0Romeo	romeo.txt
1Sub menu	sub
9Blob	blob.bin
hWeb	URL:http://x.invalid/?a=1&b=2
hPage	page.html
1Elsewhere	/x	gopher.example.test	7070
7Search	/cgi-bin/s.sh
"""

_SEARCH = """\
#!/bin/sh
printf "iresult for [%s]\\tfake\\t(NULL)\\t0\\r\\n" "$QUERY_STRING"
"""


@dataclass(frozen=True)
class Hole:
    """Where it is: URLs, each without a slash at the end, and whom to trust."""

    plain: str
    tls: str
    authority: Path


@contextmanager
def gophernicus() -> Iterator[Hole]:
    """Run it, with a few files."""
    with ExitStack() as stack:
        folder = stack.enter_context(daemon_folder())
        _write_files(folder / "hole")
        authority = Authority(folder)
        authority.issue(folder / "server.pem")
        (folder / "server.pem").chmod(0o644)
        log = folder / "log"
        plain, tls = stack.enter_context(held_ports(2))
        options = "bind=127.0.0.1,fork,reuseaddr"
        certificate = f"cert={folder}/server.pem,verify=0"
        for port, listener, way in (
            # Where socat passes on what the program says, its last words may be lost.
            (plain, f"TCP-LISTEN:{plain},{options}", ",nofork"),
            (tls, f"OPENSSL-LISTEN:{tls},{options},{certificate}", ""),
        ):
            command = f"/usr/sbin/gophernicus -h 127.0.0.1 -p {port} -r {folder}/hole"
            stack.enter_context(
                running(
                    [*_as_nobody(), "socat", listener, f"EXEC:{command} -nf -nu -nv -nm -ns{way}"],
                    port,
                    log=log,
                )
            )
        yield Hole(f"gopher://127.0.0.1:{plain}", f"gophers://127.0.0.1:{tls}", authority.path)


def _as_nobody() -> list[str]:
    # It refuses to be root.
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


def _write_files(hole: Path) -> None:
    (hole / "sub").mkdir(parents=True)
    (hole / "cgi-bin").mkdir()
    (hole / "gophermap").write_text(_MENU)
    (hole / "romeo.txt").write_bytes(TEXT.replace(b"\r\n", b"\n"))
    (hole / "blob.bin").write_bytes(BLOB)
    (hole / "page.html").write_text('<title>A page</title><a href="http://x.invalid/2">2</a>')
    (hole / "sub" / "b c#d.txt").write_text("deep words here\n")
    (hole / "cgi-bin" / "s.sh").write_text(_SEARCH)
    (hole / "cgi-bin" / "s.sh").chmod(0o755)
