"""What every FTP server of the tests shows, and how to get there."""

from __future__ import annotations

import os
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from sockettools.practice.pages import ROMEO

if TYPE_CHECKING:
    from pathlib import Path

TEXT = ROMEO.encode()
BLOB = Random(1).randbytes(70_057)

# Not all zeros, and yet no octets on the disk.
LARGE_SIZE = 200_000_000
LARGE_END = b"the end"

# 2016-07-06 09:50:00 UTC
CHANGED = 1_467_798_600

USER, PASSWORD = "user", "secret"


@dataclass(frozen=True)
class FtpServer:
    """Its ports, and the directory that it shows; it has files in ``pub`` and takes others.

    ``is_open``: whether the anonymous may come in, and the directory is the root for everybody.
    """

    plain: int
    explicit: int
    implicit: int
    authority: Path
    root: Path
    is_open: bool

    def url(self, path: str, *, login: bool = True, port: int | None = None) -> str:
        """Return a URL; of the one without TLS, if not of another port."""
        user = f"{USER}:{PASSWORD}@" if login else ""
        scheme = "ftps" if port == self.implicit else "ftp"
        return f"{scheme}://{user}127.0.0.1:{port or self.plain}{path}"


def write_files(root: Path) -> None:
    """Make the directory that a server shows."""
    public = root / "pub"
    public.mkdir(parents=True)
    (public / "romeo.txt").write_bytes(TEXT)
    (public / "blob.bin").write_bytes(BLOB)
    (public / "empty.txt").touch()
    (public / "na me.txt").write_bytes(b"x")
    (public / "café.txt").write_bytes(b"u")
    with (public / "large.bin").open("wb") as large:
        large.seek(LARGE_SIZE - len(LARGE_END))
        large.write(LARGE_END)
    for file in public.iterdir():
        os.utime(file, (CHANGED, CHANGED))
    (root / "many").mkdir()
    for number in range(1000):
        (root / "many" / f"{number}.txt").touch()
    (root / "empty").mkdir()
    (root / "incoming").mkdir()
