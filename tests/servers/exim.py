"""exim4 on free ports."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.servers.certificates import Authority
from tests.servers.daemons import daemon_folder, running
from tests.servers.ports import held_ports
from tests.servers.smtp_site import SIZE_LIMIT, SmtpServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_ACCOUNT = "Debian-exim"

# It delivers as somebody else than it listens.
needs_exim = pytest.mark.skipif(
    "CI" not in os.environ and (shutil.which("exim4") is None or os.geteuid() != 0),
    reason="exim4 is not installed, or this is not root, who alone can start it",
)

_CONFIGURATION = r"""
primary_hostname = mail.example.test
spool_directory = {folder}/spool
log_file_path = {folder}/log/%slog
pid_file_path = {folder}/pid
local_interfaces = 127.0.0.1
daemon_smtp_ports = {plain} : {tls}
tls_on_connect_ports = {tls}
tls_advertise_hosts = *
tls_certificate = {folder}/certificate.pem
auth_advertise_hosts = *
host_lookup =
rfc1413_query_timeout = 0s
keep_environment =
smtp_banner = $primary_hostname ESMTP ready
message_size_limit = {limit}
smtputf8_advertise_hosts = *
allow_utf8_domains = true
domainlist local_domains = example.test
acl_smtp_rcpt = rcpt
never_users =
deliver_drop_privilege = true
queue_only = false

begin acl
rcpt:
  deny domains = +local_domains
    ! verify = recipient
    message = no such user
  accept domains = +local_domains
  accept authenticated = *
  deny message = relay not permitted

begin routers
local:
  driver = accept
  domains = +local_domains
  local_parts = user : other : zoë
  transport = maildir
blackhole:
  driver = redirect
  domains = ! +local_domains
  data = :blackhole:

begin transports
maildir:
  driver = appendfile
  maildir_format
  directory = {folder}/mail/$local_part_data

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{user}}}}{{eq{{$auth3}}{{secret}}}}}}}}
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = Username:: : Password::
  server_condition = ${{if and{{{{eq{{$auth1}}{{user}}}}{{eq{{$auth2}}{{secret}}}}}}}}
"""


@contextmanager
def exim() -> Iterator[SmtpServer]:
    """Run it."""
    with daemon_folder() as folder, held_ports(2) as (plain, tls):
        authority = Authority(folder)
        authority.issue(folder / "certificate.pem")
        for name in ("spool", "mail", "log"):
            (folder / name).mkdir()
            shutil.chown(folder / name, _ACCOUNT, _ACCOUNT)
        shutil.chown(folder / "certificate.pem", _ACCOUNT, _ACCOUNT)
        configuration = folder / "exim.conf"
        configuration.write_text(
            _CONFIGURATION.format(folder=folder, plain=plain, tls=tls, limit=SIZE_LIMIT)
        )
        configuration.chmod(0o644)
        command: list[str | Path] = ["exim4", "-C", configuration, "-bdf"]
        with running(command, plain, tls, log=folder / "output"):
            yield SmtpServer(plain, tls, authority.path, folder / "mail")
