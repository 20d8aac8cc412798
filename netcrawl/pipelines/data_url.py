"""``data:`` URLs (RFC 2397), read as browsers do (Fetch Standard, section 6)."""

from __future__ import annotations

import binascii
from urllib.parse import unquote_to_bytes

_WHITE_SPACE = b"\t\n\f\r "


def parse_data_url(url: str) -> tuple[str, bytes]:
    """Return the media type, "" where there is none, and the data.

    Raises:
        ValueError: it has no data, or what is to be base64 is none.

    >>> parse_data_url("data:text/plain;charset=utf-8;base64,aGkg IQ")
    ('text/plain;charset=utf-8', b'hi !')
    """
    head, comma, body = url.partition("#")[0].partition(",")
    if not comma:
        raise ValueError("there is no comma in it")
    media_type = head[len("data:") :].strip()
    data = unquote_to_bytes(body.encode("utf-8", "surrogatepass"))
    if media_type.lower().endswith("base64"):
        before = media_type[: -len("base64")].rstrip(" ")
        if before.endswith(";"):
            return before.removesuffix(";").rstrip(), _from_base64(data)
    return media_type, data


def _from_base64(data: bytes) -> bytes:
    """Decode with white space anywhere and without padding, but nothing else."""
    data = data.translate(None, _WHITE_SPACE)
    if len(data) % 4 == 0:
        data = data.removesuffix(b"=").removesuffix(b"=")
    try:
        return binascii.a2b_base64(data + b"=" * (-len(data) % 4), strict_mode=True)
    except binascii.Error:
        raise ValueError("it is not base64") from None
