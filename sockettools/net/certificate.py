"""What a certificate says of itself, to tell somebody why it was not trusted.

Python shows a certificate only once it has been verified, and OpenSSL says that its name or date
is wrong, not which ones it has. So they are read from the octets here, for a message and nothing
else: no decision is ever made from them. Section numbers are those of RFC 5280.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING

from sockettools.text import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

# Octets of a certificate; those of the web have 1,000 to 2,000, or 10,000 with a hundred names.
# A length of two octets is all that this needs.
MAX_SIZE = 65_535

# Names that a message shows, and characters of each: DNS has no longer ones.
MAX_NAMES = 5
MAX_NAME = 253

# Tags: X.690 section 8.1.2, the numbers of X.680 section 8.6. A sequence and a set are marked as
# constructed (0x20), and so are the ones in brackets in section 4.1 (0x80).
_OCTET_STRING = 0x04
_OBJECT_IDENTIFIER = 0x06
_SEQUENCE = 0x30
_SET = 0x31
_VERSION = 0xA0
_EXTENSIONS = 0xA3

# 4.1.2.5: "MUST be expressed in Greenwich Mean Time (Zulu) and MUST include seconds".
_UTC_TIME = 0x17
_GENERALIZED_TIME = 0x18
_TIMES = {_UTC_TIME: re.compile(rb"[0-9]{12}Z"), _GENERALIZED_TIME: re.compile(rb"[0-9]{14}Z")}

# The kinds of text that a common name can be (4.1.2.4).
_TEXTS = {
    0x0C: "utf-8",
    0x13: "ascii",  # PrintableString
    0x14: "latin-1",  # TeletexString, which nobody writes as its standard has it
    0x16: "ascii",  # IA5String
    0x1C: "utf-32-be",  # UniversalString
    0x1E: "utf-16-be",  # BMPString
}
_COMMON_NAME = b"\x55\x04\x03"  # 2.5.4.3

# 4.2.1.6, with the numbers of two of the nine kinds of names.
_SUBJECT_ALT_NAME = b"\x55\x1d\x11"  # 2.5.29.17
_DNS_NAME = 0x82
_IP_ADDRESS = 0x87

# What OpenSSL finds wrong: X509_V_ERR_* in <openssl/x509_vfy.h>.
_NOT_YET_VALID = 9
_HAS_EXPIRED = 10
_WRONG_NAME = (62, 64)  # a host's, an address
# The issuer is unknown, the certificate is its own issuer, or one in the chain is.
_UNKNOWN_ISSUER = (2, 18, 19, 20, 21)


@dataclass(frozen=True)
class Certificate:
    """From when until when it is valid, and the names and addresses that it is for."""

    not_before: datetime
    not_after: datetime
    names: tuple[str, ...]


def parse_certificate(der: bytes) -> Certificate:
    """Read a certificate as it is sent in a handshake, in DER.

    Raises:
        ValueError: it is none, or one that breaks a rule on the way to what is read.
    """
    if len(der) > MAX_SIZE:
        raise ValueError(f"it has {len(der)} octets, the limit is {MAX_SIZE}")
    # 4.1: Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signatureValue }
    parts = _elements(_sequence(_only(der)))
    if len(parts) != 3:
        raise ValueError(f"it has {len(parts)} parts, expected 3")
    # TBSCertificate ::= SEQUENCE { version [0] DEFAULT v1, serialNumber, signature, issuer,
    #     validity, subject, subjectPublicKeyInfo, ..., extensions [3] OPTIONAL }
    signed = _elements(_sequence(parts[0]))
    if signed and signed[0][0] == _VERSION:
        del signed[0]
    if len(signed) < 6:
        raise ValueError(f"what is signed has {len(signed)} parts, expected 6 or more")
    validity, subject = _elements(_sequence(signed[3])), signed[4]
    if len(validity) != 2:
        raise ValueError(f"its validity has {len(validity)} dates, expected 2")
    # Browsers do not look at the common name any more; OpenSSL does where there is no other name.
    names = _alternative_names(signed[6:]) or _common_names(subject)
    return Certificate(
        not_before=_time(validity[0]),
        not_after=_time(validity[1]),
        names=tuple(names),
    )


def why_untrusted(
    code: int, message: str, chain: Sequence[bytes], server_name: str | None, now: datetime
) -> str:
    """Say in half a line what is wrong with a certificate that was not trusted.

    ``code`` and ``message`` are OpenSSL's. ``chain`` is what the peer sent, in DER and its own
    certificate first; with nothing to be read from it, OpenSSL's words have to do.
    """
    if code in _UNKNOWN_ISSUER:
        return f"nobody trusted has signed it ({message})"
    certificates = [_maybe_certificate(der) for der in chain]
    if code in _WRONG_NAME and certificates and certificates[0] and server_name:
        names = certificates[0].names
        # An address that is only the common name does not count, and would read as a contradiction.
        if server_name not in names:
            return f"it is for {_listed(names)}, not for {visible(server_name)}"
    for position, certificate in enumerate(certificates):
        # It can be the time of another one that is over.
        subject = "one that signed it" if position else "it"
        if certificate and code == _HAS_EXPIRED and certificate.not_after < now:
            return f"{subject} was valid until {_minute(certificate.not_after)}"
        if certificate and code == _NOT_YET_VALID and certificate.not_before > now:
            return f"{subject} is not valid before {_minute(certificate.not_before)}"
    return message.removesuffix(".")


def _maybe_certificate(der: bytes) -> Certificate | None:
    try:
        return parse_certificate(der)
    except ValueError:
        return None


def _alternative_names(optional: list[Element]) -> list[str]:
    """Return the names of the subjectAltName extension."""
    for tag, explicit in optional:
        if tag != _EXTENSIONS:
            continue
        # 4.1: Extensions ::= SEQUENCE OF SEQUENCE { extnID, critical DEFAULT FALSE, extnValue }
        for extension in _elements(_sequence(_only(explicit))):
            parts = _elements(_sequence(extension))
            if parts and parts[0] == (_OBJECT_IDENTIFIER, _SUBJECT_ALT_NAME):
                kind, value = parts[-1]
                if kind != _OCTET_STRING:
                    raise ValueError(f"the value of an extension has tag {kind:#04x}")
                return _general_names(_sequence(_only(value)))
    return []


def _general_names(data: bytes) -> list[str]:
    names = []
    for tag, value in _elements(data):
        if tag == _DNS_NAME:
            names.append(_shown(value.decode("ascii", "backslashreplace")))
        elif tag == _IP_ADDRESS:
            names.append(str(ip_address(value)))  # ValueError unless it has 4 or 16 octets
    return names


def _common_names(subject: Element) -> list[str]:
    """Return what a subject is called; 4.1.2.4: a Name is a SEQUENCE OF SET OF { type, value }."""
    names = []
    for tag, attributes in _elements(_sequence(subject)):
        if tag != _SET:
            raise ValueError(f"a part of a name has tag {tag:#04x}")
        for attribute in _elements(attributes):
            parts = _elements(_sequence(attribute))
            if len(parts) == 2 and parts[0] == (_OBJECT_IDENTIFIER, _COMMON_NAME):
                kind, value = parts[1]
                names.append(_shown(value.decode(_TEXTS.get(kind, "latin-1"), "replace")))
    return names


def _time(element: Element) -> datetime:
    """Return the time of a certificate's validity (4.1.2.5)."""
    tag, value = element
    if tag not in _TIMES or not _TIMES[tag].fullmatch(value):
        raise ValueError(f"{value[:20]!r} with tag {tag:#04x} is no time")
    digits = value.decode("ascii")
    if tag == _UTC_TIME:
        # "Where YY is greater than or equal to 50, the year SHALL be interpreted as 19YY".
        digits = ("19" if digits[:2] >= "50" else "20") + digits
    return datetime.strptime(digits, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _shown(name: str) -> str:
    return visible(name[:MAX_NAME])


def _listed(names: Sequence[str]) -> str:
    """Write names as a sentence has them.

    >>> _listed(["a", "b"]), _listed(["a", "b", "c", "d", "e", "f", "g"])
    ('a and b', 'a, b, c, d, e and 2 more')
    """
    parts = [*names[:MAX_NAMES]]
    if len(names) > MAX_NAMES:
        parts.append(f"{len(names) - MAX_NAMES} more")
    if not parts:
        return "no server at all"
    return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))


def _minute(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M} UTC"


# DER: each element is a tag, a length and that many octets (X.690 section 8.1).

Element = tuple[int, bytes]


def _elements(data: bytes) -> list[Element]:
    """Split octets into the elements that they are, to the last octet.

    Raises:
        ValueError: they are not.
    """
    found, position = [], 0
    while position < len(data):
        start, size = _header(data, position)
        if size > len(data) - start:
            raise ValueError(f"an element of {size} octets has {len(data) - start}")
        found.append((data[position], data[start : start + size]))
        position = start + size
    return found


def _header(data: bytes, position: int) -> tuple[int, int]:
    """Return where the contents of an element start, and how many octets they are."""
    if data[position] & 0x1F == 0x1F:  # a tag of more octets: no certificate has one
        raise ValueError(f"the tag {data[position]:#04x} goes on")
    # Up to 127 the length is one octet; else that tells how many octets it is (8.1.3).
    first, start = data[position + 1 : position + 2], position + 2
    if first and first[0] < 0x80:
        return start, first[0]
    octets = data[start : start + (first[0] & 0x7F)] if first else b""
    size = int.from_bytes(octets)
    # 0x80 is a length that comes later. DER has no such one, and each in its shortest form (10.1).
    shortest = 1 if size < 0x100 else 2
    if not (0x80 <= size <= MAX_SIZE and len(octets) == (first[0] & 0x7F) == shortest):
        raise ValueError("an element has no length, or not as DER has it")
    return start + len(octets), size


def _only(data: bytes) -> Element:
    elements = _elements(data)
    if len(elements) != 1:
        raise ValueError(f"there are {len(elements)} elements, expected 1")
    return elements[0]


def _sequence(element: Element) -> bytes:
    tag, contents = element
    if tag != _SEQUENCE:
        raise ValueError(f"the tag is {tag:#04x}, expected that of a sequence")
    return contents
