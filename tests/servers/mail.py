"""dovecot on free ports: mailboxes by POP3 and IMAP, in clear text with STLS or STARTTLS, and TLS.

``user`` has five messages that are always the same, with the unique identifiers 1 to 5; all other
mailboxes are empty, for tests to fill. The passwords are in ``PASSWORDS``.
"""

from __future__ import annotations

import grp
import os
import pwd
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.servers.certificates import Authority
from tests.servers.daemons import daemon_folder, running
from tests.servers.ports import held_ports

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

HOST = "127.0.0.1"

PASSWORDS = {
    "user": "secret",
    "other": 'pa ss"w\\ord',
    "spare": "secret",
    "many": "secret",
    "large": "secret",
    "changing": "secret",
    "crowded": "secret",
}

# 2016-07-06 09:50:00 UTC.
BIRTH = 1_467_798_600
UIDVALIDITY = BIRTH

_HEADER = (
    "From: Alice <alice@example.test>\n"
    "To: user@example.test\n"
    "Subject: {subject}\n"
    "Message-ID: <m{number}@example.test>\n"
    "Date: Wed, 06 Jul 2016 09:5{number}:00 +0000\n"
)

_MIME = (
    "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n"
)

_MESSAGES = (
    ("Hello", "", b"But soft what light\n"),
    ("Dots", "", b".\n..\n.leading dot\nend\n"),
    ("Empty body", "", b""),
    ("=?utf-8?q?Caf=C3=A9?=", _MIME, "na\u00efve \u20ac\n".encode()),
    ("No final newline", "", b"x" * 1200 + b"\nlast"),
)

# The five as they lie in the mailbox: the server makes each LF a CRLF, and ends the last line.
MESSAGES = tuple(
    (_HEADER.format(subject=subject, number=number) + more + "\n").encode() + body
    for number, (subject, more, body) in enumerate(_MESSAGES, 1)
)

# The first two were read before.
_SEEN = 2

_CONFIGURATION = """
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/log
protocols = imap pop3
listen = {host}
login_greeting = ready
disable_plaintext_auth = no
auth_mechanisms = plain login cram-md5 apop
auth_failure_delay = 0
mail_max_userip_connections = 100
ssl = yes
ssl_cert = <{folder}/server.pem
ssl_key = <{folder}/server.pem
mail_location = maildir:{folder}/mail/%u
first_valid_uid = 1
first_valid_gid = 1
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {folder}/users
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={folder}/mail/%u
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = {pop3s}
    ssl = yes
  }}
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service anvil {{
  # Or each wrong password makes everybody wait longer for the next.
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
"""

# Where root does not start it, everything is done by one user, who may not change the root folder.
_WITHOUT_ROOT = """
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
service pop3-login {{
  chroot =
}}
service imap-login {{
  chroot =
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"""


@dataclass(frozen=True)
class Mail:
    """Where it is: the ports on ``HOST``, who has signed its certificate, and its folder."""

    pop3: int
    pop3s: int
    imap: int
    imaps: int
    authority: Path
    folder: Path
    owner: str
    group: str

    def deliver(self, user: str, messages: Iterable[bytes], *, first: int = 1) -> None:
        """Put messages into a mailbox, as new ones."""
        new = self.folder / "mail" / user / "new"
        for number, message in enumerate(messages, first):
            path = new / _name(number)
            path.write_bytes(message)
            os.utime(path, (BIRTH + number, BIRTH + number))
            self._give(path)

    def _give(self, path: Path) -> None:
        if os.getuid() == 0:
            shutil.chown(path, self.owner, self.group)


@contextmanager
def mail() -> Iterator[Mail]:
    """Run it, with a mailbox for everybody."""
    with daemon_folder() as folder, held_ports(4) as held:
        ports = dict(zip(("pop3", "pop3s", "imap", "imaps"), held, strict=True))
        is_root = os.getuid() == 0
        owner = "dovecot" if is_root else pwd.getpwuid(os.getuid()).pw_name
        group = "dovecot" if is_root else grp.getgrgid(os.getgid()).gr_name
        authority = Authority(folder)
        authority.issue(folder / "server.pem")
        text = _CONFIGURATION if is_root else _CONFIGURATION + _WITHOUT_ROOT
        configuration = folder / "dovecot.conf"
        configuration.write_text(
            text.format(folder=folder, host=HOST, user=owner, group=group, **ports)
        )
        # There is no escaping in this file.
        lines = [f"{user}:{{PLAIN}}{password}\n" for user, password in PASSWORDS.items()]
        (folder / "users").write_text("".join(lines))
        # It has to be new: what a server before left in it makes the first greeting come late.
        (folder / "run").mkdir()
        server = Mail(**ports, authority=authority.path, folder=folder, owner=owner, group=group)
        _make_mailboxes(server)
        with running(
            ["dovecot", "-F", "-c", configuration], *ports.values(), log=folder / "output"
        ):
            yield server


def _make_mailboxes(server: Mail) -> None:
    root = server.folder / "mail"
    for user in PASSWORDS:
        for box in ("", ".Archive") if user == "user" else ("",):
            for part in ("cur", "new", "tmp"):
                (root / user / box / part).mkdir(parents=True)
    first = root / "user"
    names = [_name(number) for number in range(1, len(MESSAGES) + 1)]
    server.deliver("user", MESSAGES)
    for name in names[:_SEEN]:
        (first / "new" / name).rename(first / "cur" / f"{name}:2,S")
    identifiers = "".join(f"{number} :{name}\n" for number, name in enumerate(names, 1))
    (first / "dovecot-uidlist").write_text(
        f"3 V{UIDVALIDITY} N{len(names) + 1} G0123456789abcdef0123456789abcdef\n{identifiers}"
    )
    for path in [root, *root.rglob("*")]:
        server._give(path)


def _name(number: int) -> str:
    return f"{BIRTH + number}.M{number}P1.host"
