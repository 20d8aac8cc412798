"""Certificates for this machine's loopback names, made anew for each test run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from netcrawl.compare import authority
from netcrawl.compare.authority import DAY, builder, general_name, named, pem

if TYPE_CHECKING:
    from pathlib import Path

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Authority:
    """Signs certificates for servers; ``path`` is its own, which a client has to trust."""

    def __init__(self, folder: Path) -> None:
        self._authority = authority.Authority(folder)
        self.path = self._authority.path

    def issue(self, path: Path, *names: str, expired: bool = False) -> None:
        """Write a key and a certificate for it, for the loopback names if not for others."""
        until = -DAY if expired else DAY
        path.write_bytes(self._authority.issue(*(names or _LOOPBACK), until=until))


def self_signed(folder: Path) -> Path:
    """Write a key and its certificate into one PEM file; the file is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = named("localhost")
    names = [general_name(host) for host in _LOOPBACK]
    certificate = (
        builder(name, name, key)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    path.write_bytes(pem(key, certificate))
    return path
