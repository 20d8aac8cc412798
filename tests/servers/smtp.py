"""The SMTP servers that one suite runs against; nobody here has written any of them."""

from __future__ import annotations

import pytest

from tests.servers.aiosmtp import aiosmtp
from tests.servers.exim import exim, needs_exim

SMTP_SERVERS = [
    pytest.param(exim, id="exim", marks=needs_exim),
    pytest.param(aiosmtp, id="aiosmtpd"),
]
