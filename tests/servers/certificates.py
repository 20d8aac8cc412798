"""Certificates for this machine's loopback names, made anew for each test run."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_DAY = datetime.timedelta(days=1)

_LOOPBACK = (
    x509.DNSName("localhost"),
    x509.IPAddress(ip_address("127.0.0.1")),
    x509.IPAddress(ip_address("::1")),
)

# From Python 3.13 on an authority has to say so (VERIFY_X509_STRICT).
_MAY_SIGN = x509.KeyUsage(
    key_cert_sign=True,
    crl_sign=True,
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    encipher_only=False,
    decipher_only=False,
)


@dataclass(frozen=True)
class Authority:
    """Signs certificates for servers; ``path`` is its own, which a client has to trust."""

    path: Path
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def create(cls, folder: Path) -> Authority:
        """Begin, and write the authority's certificate into the folder."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name("Test Authority")
        certificate = (
            _builder(name, name, key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_MAY_SIGN, critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
            .sign(key, hashes.SHA256())
        )
        path = folder / "authority.pem"
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return cls(path, key, certificate)

    def issue(self, path: Path, *names: str, expired: bool = False) -> None:
        """Write a key and a certificate for it, for the loopback names if not for others."""
        key = ec.generate_private_key(ec.SECP256R1())
        general_names: Sequence[x509.GeneralName] = [x509.DNSName(name) for name in names]
        certificate = (
            _builder(
                _name(names[0] if names else "localhost"),
                self.certificate.subject,
                key,
                expired=expired,
            )
            .add_extension(x509.SubjectAlternativeName(general_names or _LOOPBACK), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()),
                critical=False,
            )
            .sign(self.key, hashes.SHA256())
        )
        _write(path, key, certificate)


def self_signed(folder: Path) -> Path:
    """Write a key and its certificate into one PEM file; the file is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("localhost")
    certificate = (
        _builder(name, name, key)
        .add_extension(x509.SubjectAlternativeName(_LOOPBACK), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    _write(path, key, certificate)
    return path


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, *, expired: bool = False
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    until = now - _DAY if expired else now + _DAY
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 2 * _DAY)
        .not_valid_after(until)
    )


def _write(path: Path, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
