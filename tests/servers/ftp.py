"""The FTP servers that one suite runs against; nobody here has written any of them."""

from __future__ import annotations

import pytest

from tests.servers.proftpd import needs_proftpd, proftpd
from tests.servers.pyftpd import pyftpd

FTP_SERVERS = [
    pytest.param(proftpd, id="proftpd", marks=needs_proftpd),
    pytest.param(pyftpd, id="pyftpdlib"),
]
