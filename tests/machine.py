"""What a few tests need of the machine they run on."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path

import pytest


def _has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


def needs_programs(*names: str) -> pytest.MarkDecorator:
    """Mark a test that talks to somebody else's programs; where all is to be tested, it fails."""
    missing = [name for name in names if shutil.which(name) is None]
    skip = bool(missing) and "CI" not in os.environ
    return pytest.mark.skipif(skip, reason=f"not installed: {', '.join(missing)}")


needs_ipv6 = pytest.mark.skipif(not _has_ipv6(), reason="this machine has no IPv6 loopback")
needs_dev_full = pytest.mark.skipif(
    not Path("/dev/full").exists(), reason="this system has no /dev/full to play a full disk"
)
needs_proc = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="this system does not tell a process's peak"
)
