"""What every SMTP server of the tests does, and where it is.

It takes mail for three users of example.test, and from who logs in for anybody; ``user`` logs in
with ``secret``. STARTTLS on one port, TLS from the beginning on another.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.servers.daemons import PATIENCE

if TYPE_CHECKING:
    from pathlib import Path

HOST = "127.0.0.1"

# Octets of a message that it takes.
SIZE_LIMIT = 3_000_000


@dataclass(frozen=True)
class SmtpServer:
    """Where it is: ports in clear text and with TLS; ``mail`` is the folder of the mailboxes."""

    plain: int
    tls: int
    authority: Path
    mail: Path

    def take(self, user: str) -> bytes:
        """Wait for a message, return it as it was written, and remove it."""
        until = time.monotonic() + PATIENCE
        while self.is_empty(user):
            assert time.monotonic() < until, "nothing was delivered"
            time.sleep(0.02)
        path = self._messages(user)[0]
        content = path.read_bytes()
        path.unlink()
        return content

    def is_empty(self, user: str) -> bool:
        """Tell whether there is nothing for somebody."""
        return not self._messages(user)

    def _messages(self, user: str) -> list[Path]:
        return list((self.mail / user / "new").glob("*"))
