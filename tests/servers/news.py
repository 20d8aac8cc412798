"""INN on free ports: innd, which takes articles, and nnrpd for readers, with STARTTLS and TLS."""

from __future__ import annotations

import os
import socket
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import chown
from subprocess import run
from typing import TYPE_CHECKING

import pytest

from tests.servers.certificates import Authority
from tests.servers.daemons import daemon_folder, running
from tests.servers.ports import held_ports

if TYPE_CHECKING:
    from collections.abc import Iterator

HOST = "127.0.0.1"
USER, PASSWORD = "user", "secret"

_BIN = Path("/usr/lib/news/bin")
_AS_NEWS = ("setpriv", "--reuid=news", "--regid=news", "--clear-groups")

_IS_THERE = os.getuid() == 0 and (_BIN / "innd").exists()
needs_inn = pytest.mark.skipif(
    not _IS_THERE and "CI" not in os.environ, reason="needs inn2, and root to start it"
)

# crypt of the password: Python 3.13 has no function for it.
_HASH = (
    "$6$abcdefgh$ltjgWl6579NluT/Vi1nwEvcil.G5Nbc4NiXZaNGStk8PSwG"
    "fQv72N2CKPPrVACtLtip/cZ/1GM/O6IND4WQhG."
)

# Name and status; the last four are what innd wants to have.
_GROUPS = {
    "test.general": "y",
    "test.empty": "y",
    "test.private": "y",
    "test.moderated": "m",
    "test.posting": "y",
    "test.other": "y",
    "test.readonly": "n",
    "control": "n",
    "control.cancel": "n",
    "junk": "n",
}
DESCRIPTIONS = {"test.general": "General tests", "test.empty": "Nothing here"}


@dataclass(frozen=True)
class Article:
    """An article that is there from the beginning; ``body`` as it is, without stuffed dots."""

    number: int
    group: str
    subject: str
    body: bytes
    more: tuple[str, ...] = ()

    @property
    def message_id(self) -> str:
        """Its name, with angle brackets."""
        return f"<a{self.number}@example.test>"

    @property
    def header(self) -> tuple[str, ...]:
        """The lines of its header, but for Path, which servers change."""
        return (
            "From: Alice <alice@example.test>",
            f"Newsgroups: {self.group}",
            f"Subject: {self.subject}",
            f"Message-ID: {self.message_id}",
            f"Date: Wed, 06 Jul 2016 09:5{self.number}:00 +0000",
            *self.more,
        )


_MIME = (
    "MIME-Version: 1.0",
    "Content-Type: text/plain; charset=utf-8",
    "Content-Transfer-Encoding: 8bit",
)

# By their numbers in their group: three in test.general, one in test.private.
ARTICLES = (
    Article(1, "test.general", "Hello", b"But soft what light\r\n"),
    Article(
        2,
        "test.general",
        "Dots",
        b".\r\n..\r\n.leading dot\r\nend\r\n",
        ("References: <a1@example.test>",),
    ),
    Article(3, "test.general", "=?utf-8?q?Caf=C3=A9?=", "na\u00efve \u20ac\r\n".encode(), _MIME),
    Article(4, "test.private", "Private", b"x\r\n"),
)

_INN_CONF = """
mta: "/bin/true %s"
mailcmd: /bin/true
pathhost: news.example.test
domain: example.test
ovmethod: tradindexed
hismethod: hisv6
pathnews: /usr/lib/news
pathetc: {folder}
pathdb: {folder}/db
pathrun: {folder}/run
pathlog: {folder}/log
pathspool: {folder}/spool
port: {innd}
bindaddress: 127.0.0.1
nnrpdposthost: 127.0.0.1
nnrpdpostport: {innd}
artcutoff: 0
maxartsize: 0
localmaxartsize: 0
pgpverify: false
status: 0
timer: 0
tlscertfile: {folder}/server.pem
tlskeyfile: {folder}/server.pem
"""

_READERS_CONF = """
auth "l" {{
    hosts: "127.0.0.1, localhost"
    default: "<localhost>"
    auth: "ckpasswd -f {folder}/passwd"
}}
access "anyone" {{ users: "<localhost>" newsgroups: "*,!test.private" access: RPN }}
access "user" {{ users: "user" newsgroups: "*" access: RPN }}
"""

_FOLDERS = (
    "db",
    "run",
    "log/OLD",
    "spool/articles",
    "spool/overview",
    "spool/incoming/tmp",
    "spool/incoming/bad",
    "spool/outgoing",
)


@dataclass(frozen=True)
class News:
    """Where it is: ports on ``HOST``, and who has signed the certificate.

    ``innd`` takes articles, and hands readers over when they say MODE READER. ``plain`` has
    STARTTLS, ``tls`` nothing but TLS.
    """

    innd: int
    plain: int
    tls: int
    authority: Path


@contextmanager
def news() -> Iterator[News]:
    """Run it, with ``ARTICLES`` in it."""
    with ExitStack() as stack:
        folder = stack.enter_context(daemon_folder())
        innd, plain, tls = stack.enter_context(held_ports(3))
        authority = Authority(folder)
        authority.issue(folder / "server.pem")
        _write_files(folder, innd)
        env = {"INNCONF": f"{folder}/inn.conf"}
        log = folder / "output"
        history = f"{folder}/db/history"
        run(
            [*_AS_NEWS, _BIN / "makedbz", "-i", "-o", "-s", "1000", "-f", history],
            env={**os.environ, **env},
            check=True,
        )
        server = stack.enter_context(
            running([*_AS_NEWS, _BIN / "innd", "-d", "-N", "-c0", "-t1"], innd, log=log, env=env)
        )
        # It would look only now and then whether it is to end; nobody needs what it keeps.
        stack.callback(server.kill)
        for program, port, more in (
            ("nnrpd", plain, ()),
            ("nnrpd-ssl", tls, ("-S", "-P", f"{folder}/run/tls.pid")),
        ):
            command = [*_AS_NEWS, _BIN / program, "-D", "-f", "-4", HOST, "-p", str(port), *more]
            stack.enter_context(running(command, port, log=log, env=env))
        _feed(innd)
        yield News(innd, plain, tls, authority.path)


def _write_files(folder: Path, innd: int) -> None:
    for name in _FOLDERS:
        (folder / name).mkdir(parents=True)
    files = {
        "inn.conf": _INN_CONF.format(folder=folder, innd=innd),
        "readers.conf": _READERS_CONF.format(folder=folder),
        "passwd": f"{USER}:{_HASH}\n",
        "storage.conf": "method tradspool { newsgroups: * class: 0 }\n",
        "incoming.conf": "peer ME { hostname: 127.0.0.1 }\n",
        "newsfeeds": "ME:*::\n",
        "expire.ctl": "/remember/:10\n*:A:1:10:never\n",
        "moderators": "*:mod@example.test\n",
        "control.ctl": "",
        "distrib.pats": "",
        "db/active": "".join(
            f"{name} 0000000000 0000000001 {status}\n" for name, status in _GROUPS.items()
        ),
        "db/newsgroups": "".join(f"{name}\t{text}\n" for name, text in DESCRIPTIONS.items()),
        "db/active.times": "test.general 1467798600 creator@example.test\n",
        "db/history": "",
    }
    for name, content in files.items():
        (folder / name).write_text(content)
    # It refuses a key that others may read.
    (folder / "server.pem").chmod(0o600)
    for path in (folder, *folder.rglob("*")):
        chown(path, "news", "news")


def _feed(port: int) -> None:
    """Hand the articles over as another server does (RFC 3977 section 6.3.2)."""
    with (
        socket.create_connection((HOST, port), 10) as sock,
        sock.makefile("rwb") as file,
    ):
        assert file.readline().startswith(b"200")
        for article in ARTICLES:
            head = "\r\n".join(("Path: feeder!not-for-mail", *article.header, "", ""))
            body = b"".join(
                b"." + line if line.startswith(b".") else line
                for line in article.body.splitlines(keepends=True)
            )
            file.write(f"IHAVE {article.message_id}\r\n".encode())
            file.flush()
            assert file.readline().startswith(b"335")
            file.write(head.encode() + body + b".\r\n")
            file.flush()
            assert file.readline().startswith(b"235")
