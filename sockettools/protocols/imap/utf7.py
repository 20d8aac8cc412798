"""Names of folders: Unicode in ASCII, by RFC 3501 section 5.1.3's own variant of UTF-7."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error

_SHIFTED = re.compile(r"&([A-Za-z0-9+,]*)-")

# All that does not stand for itself.
_UNPRINTABLE = re.compile(r"[^ -~]+")


def encode(name: str) -> bytes:
    r"""Return a name as it is sent.

    Raises:
        UnicodeEncodeError (a ValueError): it has half a surrogate pair in it, and is no text.

    >>> encode("~peter/mail/日本語"), encode("Salt & Pepper")
    (b'~peter/mail/&ZeVnLIqe-', b'Salt &- Pepper')
    """
    return _UNPRINTABLE.sub(_shifted, name.replace("&", "&-")).encode("ascii")


def decode(name: bytes) -> str:
    r"""Return the name that was meant; what is no modified UTF-7 stays as it is.

    Servers send names with octets that are not ASCII all the same: they are UTF-8, or else Latin-1.

    >>> decode(b"~peter/mail/&ZeVnLIqe-"), decode(b"Salt & Pepper"), decode(b"Caf\xc3\xa9")
    ('~peter/mail/日本語', 'Salt & Pepper', 'Café')
    """
    try:
        text = name.decode()
    except UnicodeDecodeError:
        text = name.decode("latin-1")
    return _SHIFTED.sub(_unshifted, text)


def _shifted(match: re.Match[str]) -> str:
    octets = b64encode(match[0].encode("utf-16-be"), b"+,")
    return f"&{octets.decode('ascii').rstrip('=')}-"


def _unshifted(match: re.Match[str]) -> str:
    if not match[1]:
        return "&"
    padding = "=" * (-len(match[1]) % 4)
    try:
        return b64decode(match[1] + padding, b"+,", validate=True).decode("utf-16-be")
    except (Error, UnicodeDecodeError):
        return match[0]
