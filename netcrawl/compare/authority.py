"""A throwaway authority, which only the programs that are compared trust.

With it the relay can be, towards them, any server they ask for. Its key is in memory alone, and
those of the certificates in a folder that goes with it.
"""

from __future__ import annotations

import datetime
import ssl
from ipaddress import ip_address
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

if TYPE_CHECKING:
    from pathlib import Path

DAY = datetime.timedelta(days=1)

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


class Authority:
    """Issues certificates; ``path`` is its own one, as PEM."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._contexts: dict[str, ssl.SSLContext] = {}
        name = named("netcrawl: throwaway authority")
        self._certificate = (
            builder(name, name, self._key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_MAY_SIGN, critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False
            )
            .sign(self._key, hashes.SHA256())
        )
        self.path = folder / "authority.pem"
        self.path.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def context(self, host: str) -> ssl.SSLContext:
        """Return what a server of this name or address needs.

        Raises:
            ValueError: no certificate can bear that name.
        """
        if host not in self._contexts:
            path = self._folder / f"{len(self._contexts)}.pem"
            path.touch(mode=0o600)
            path.write_bytes(self.issue(host))
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(path)
            self._contexts[host] = context
        return self._contexts[host]

    def issue(self, *hosts: str, until: datetime.timedelta = DAY) -> bytes:
        """Return a key and its certificate for these names and addresses, as PEM.

        Raises:
            ValueError: no certificate can bear such a name.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            builder(named("netcrawl"), self._certificate.subject, key, until)
            .add_extension(
                x509.SubjectAlternativeName([general_name(host) for host in hosts]), critical=False
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
            .sign(self._key, hashes.SHA256())
        )
        return pem(key, certificate)


def general_name(host: str) -> x509.GeneralName:
    """Return what a certificate says for a name or an address.

    Raises:
        ValueError: no certificate can bear that name.
    """
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def named(text: str) -> x509.Name:
    """Return the name of somebody, of up to 64 characters."""
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    until: datetime.timedelta = DAY,
) -> x509.CertificateBuilder:
    """Begin a certificate that is valid from two days ago ``until`` then, counted from now."""
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 2 * DAY)
        .not_valid_after(now + until)
    )


def pem(key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> bytes:
    """Return both as one file has them; the key is not encrypted."""
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return private + certificate.public_bytes(serialization.Encoding.PEM)
