"""Where an answer sends the browser next: RFC 9110 section 15.4."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from sockettools.errors import RemoteProtocolError
from sockettools.text import visible
from sockettools.url import resolve_location

if TYPE_CHECKING:
    from sockettools import http1
    from sockettools.browser.request import Request

_REDIRECTS = {301, 302, 303, 307, 308}

# What a request says about its body.
_ABOUT_BODY = {
    "content-type",
    "content-length",
    "content-encoding",
    "content-language",
    "content-location",
    "transfer-encoding",
    "expect",
}

# What proves who asks, or is meant for one host.
FOR_ORIGIN = {"authorization", "cookie", "proxy-authorization", "host"}


def next_request(request: Request, answer: http1.Response) -> Request | None:
    """Return the request that ``answer`` asks for; None where it is no redirect.

    Raises:
        RemoteProtocolError: it leads nowhere, or to what is not http or https.
    """
    location = answer.fields.get(b"location")
    # An empty one is a reference to the page itself, for ever: browsers and curl take it for none.
    if answer.status_code not in _REDIRECTS or not location:
        return None
    text = decode_location(location)
    try:
        url = resolve_location(request.url, text)
    except ValueError as exc:
        raise RemoteProtocolError(
            f"{request.url} redirects to {_shown(text)!r}, which cannot be followed: {exc}"
        ) from None
    redirected = replace(request, url=url)
    if _becomes_get(request.method, answer.status_code):
        redirected = replace(redirected.without_fields(_ABOUT_BODY), method="GET", body=None)
    if url.origin != request.url.origin:
        # The other origin may be anybody's.
        redirected = replace(redirected.without_fields(FOR_ORIGIN), credentials=None)
    return redirected


def decode_location(location: bytes) -> str:
    r"""Return the text of a Location field.

    Octets above ASCII are UTF-8 today; what cannot be is kept octet by octet.

    >>> decode_location(b"/caf\xc3\xa9"), decode_location(b"/caf\xe9")
    ('/café', '/caf%E9')
    """
    try:
        return location.decode("utf-8")
    except UnicodeDecodeError:
        escaped = re.sub(rb"[\x80-\xff]", lambda match: b"%%%02X" % match[0][0], location)
        return escaped.decode("ascii")


def _shown(location: str) -> str:
    # A password is not repeated, also where it is what makes this no URL.
    public = re.sub(r"(?s)\A([A-Za-z][A-Za-z0-9+.-]*:)?([/\\]*).*@", r"\1\2", location)
    return visible(public[:200])


def _becomes_get(method: str, status_code: int) -> bool:
    if status_code == 303:
        return method not in {"GET", "HEAD"}
    # The standard would have the method kept; every browser does this (15.4.2, note).
    return status_code in {301, 302} and method == "POST"
