"""Exchanges as an HTTP Archive, the file that the network panels of browsers save and open.

HAR 1.2, as its authors wrote it down (http://www.softwareishard.com/blog/har-12-spec/). Such files
get attached to reports, so what proves who somebody is does not go into them.
"""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from sockettools import __version__
from sockettools.browser.charset import decode, is_text
from sockettools.browser.cookies import parse_set_cookie
from sockettools.browser.decoding import decoder_for
from sockettools.errors import RemoteProtocolError
from sockettools.http1.bodies import format_fields

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sockettools import http1
    from sockettools.browser.exchange import Exchange, Timings

    Object = dict[str, object]

# Octets of a body, its codings undone, from which on it is left out.
MAX_CONTENT = 8_388_608

# What stands where a secret was.
HIDDEN = "(hidden)"

COMMENT = (
    "The values of cookies and of the fields Authorization and Proxy-Authorization, and user names "
    "and passwords in URLs, are hidden, and so are those of X-Api-Key, X-Auth-Token and the like. "
    "Bodies and all other fields are as they were."
)

_SECRET_FIELDS = {
    b"authorization",
    b"proxy-authorization",
    b"cookie",
    b"set-cookie",
    b"set-cookie2",
    b"api-key",
    b"x-api-key",
    b"x-auth-token",
}

# A user name and a password in a URL of a field: of Location, Referer, Link. Browsers take a
# backslash for a slash, and drop a tab.
_USER_INFO = re.compile(r"""(?<=[/\\]{2})[^/\\?#<>" ]*@""")

# An address alone, or with its port.
_HOST_AND_PORT = re.compile(r"\[([^\]]*)\](?::[0-9]+)?|([0-9.]+):[0-9]+")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def har(exchanges: Iterable[Exchange]) -> Object:
    """Return the archive, which ``json`` can write; the file has to be UTF-8.

    It has no page: what was opened by itself, and what because of something else, is not known.
    """
    # "Sorting entries by startedDateTime (starting from the oldest) is preferred".
    ordered = sorted(exchanges, key=lambda exchange: exchange.started)
    return {
        "log": {
            "version": "1.2",
            "creator": {"name": "sockettools", "version": __version__},
            "pages": [],
            "entries": [_entry(exchange) for exchange in ordered],
            "comment": COMMENT,
        }
    }


def _entry(exchange: Exchange) -> Object:
    timings = _timings(exchange.timings)
    # ``ssl`` is a part of ``connect``, and -1 is no time.
    parts = [value for name, value in timings.items() if name != "ssl" and value >= 0]
    entry: Object = {
        "startedDateTime": _date(exchange.started),
        "time": round(sum(parts), 3),
        "request": _request(exchange),
        "response": _response(exchange),
        "cache": {},
        "timings": timings,
    }
    if address := _ip_address(exchange.peer):
        entry["serverIPAddress"] = address
    if exchange.connection:
        entry["connection"] = str(exchange.connection)
    return entry


def _timings(timings: Timings) -> dict[str, float]:
    connect = timings.connect
    if timings.tls is not None:
        connect = (connect or 0.0) + timings.tls
    return {
        "blocked": -1,
        "dns": _milliseconds(timings.resolve, -1),
        "connect": _milliseconds(connect, -1),
        "ssl": _milliseconds(timings.tls, -1),
        # "The send, wait and receive timings are not optional and must have non-negative values."
        "send": _milliseconds(timings.send, 0),
        "wait": _milliseconds(timings.wait, 0),
        "receive": _milliseconds(timings.receive, 0),
    }


def _request(exchange: Exchange) -> Object:
    url, head, body = exchange.url, exchange.request, exchange.request_body or b""
    line = b"%b %b HTTP/%b\r\n" % (head.method, head.target, head.version)
    request: Object = {
        "method": _text(head.method),
        "url": f"{url.origin}{url.target}",  # "fragments are not included"
        "httpVersion": f"HTTP/{_text(head.version)}",
        "cookies": _sent_cookies(head.fields),
        "headers": _headers(head.fields),
        "queryString": [
            {"name": name, "value": value}
            for name, value in parse_qsl(url.query or "", keep_blank_values=True)
        ],
        "headersSize": len(line) + len(format_fields(head.fields)) + len(b"\r\n"),
        "bodySize": len(body),
    }
    if body:
        request["postData"] = _post_data(body, _field(head.fields, b"content-type"))
    return request


def _post_data(body: bytes, content_type: str) -> Object:
    """Return a request's body; the format knows only text, and means to have no ``params`` then."""
    data: Object = {"mimeType": content_type}
    if len(body) > MAX_CONTENT:
        data["comment"] = f"{len(body)} octets are left out"
        return data
    try:
        data["text"] = body.decode("utf-8")
    except UnicodeDecodeError:
        data["text"] = base64.b64encode(body).decode("ascii")
        data["_encoding"] = "base64"
    return data


def _response(exchange: Exchange) -> Object:
    response: Object = {
        "status": 0,
        "statusText": "",
        "httpVersion": "",
        "cookies": [],
        "headers": [],
        "content": {"size": 0, "mimeType": ""},
        "redirectURL": "",
        "headersSize": -1,  # white space around values, and other line ends, are not on record
        "bodySize": -1,
    }
    head = exchange.response
    if head is not None:
        is_redirect = 300 <= head.status_code <= 399
        response |= {
            "status": head.status_code,
            "statusText": _text(head.reason),
            "httpVersion": f"HTTP/{_text(head.version)}",
            "cookies": _received_cookies(exchange, head.fields),
            "headers": _headers(head.fields),
            "content": _content(exchange, head),
            "redirectURL": _public(_field(head.fields, b"location")) if is_redirect else "",
            "bodySize": exchange.body_size,
        }
    if head is None or exchange.error:
        # Chrome writes, and shows, a field of this name.
        response["_error"] = _public(exchange.error or "there was no answer")
    return response


def _content(exchange: Exchange, head: http1.Response) -> Object:
    content_type = _field(head.fields, b"content-type")
    body = _decoded(exchange, head)
    size = exchange.content_size or exchange.body_size if body is None else len(body)
    content: Object = {"size": size, "mimeType": content_type}
    if size != exchange.body_size:
        content["compression"] = size - exchange.body_size
    if not body:
        return content
    if is_text(content_type, body):
        content["text"] = decode(body, content_type)
    else:
        content["text"] = base64.b64encode(body).decode("ascii")
        content["encoding"] = "base64"
    return content


def _decoded(exchange: Exchange, head: http1.Response) -> bytes | None:
    """Return the body, its codings undone; None if it is not all there, or too long."""
    received = bytes(exchange.content)
    if len(received) != exchange.body_size or len(received) > MAX_CONTENT:
        return None
    coding = (head.fields.combined(b"content-encoding") or b"").decode("latin-1")
    try:
        decoder = decoder_for(coding, MAX_CONTENT)
        if decoder is None:
            return received
        if head.status_code == 206:  # a part of something coded cannot be decoded by itself
            return None
        body = b"".join(decoder.decode(received))
        decoder.finish()
    except RemoteProtocolError:
        return None
    return body


def _headers(fields: http1.Fields) -> list[Object]:
    return [
        {
            "name": _text(name),
            "value": HIDDEN if name.lower() in _SECRET_FIELDS else _public(_text(value)),
        }
        for name, value in fields
    ]


def _sent_cookies(fields: http1.Fields) -> list[Object]:
    pairs = [pair for value in fields.get_all(b"cookie") for pair in _text(value).split(";")]
    # One without "=" is a value without a name.
    names = [pair.partition("=")[0].strip() if "=" in pair else "" for pair in pairs]
    return [{"name": name, "value": HIDDEN} for name in names]


def _received_cookies(exchange: Exchange, fields: http1.Fields) -> list[Object]:
    """Return the cookies that a browser would take; a session's have no ``expires``."""
    url, found = exchange.url, []
    for value in fields.get_all(b"set-cookie"):
        text = value.decode("latin-1")
        cookie = parse_set_cookie(text, url.host, url.path, exchange.started)
        if cookie is not None:
            shown: Object = {
                "name": _text(cookie.name.encode("latin-1")),
                "value": HIDDEN,
                "path": cookie.path,
                "domain": cookie.domain,
                "httpOnly": cookie.http_only,
                "secure": cookie.secure,
            }
            if cookie.expires is not None:
                shown["expires"] = _date(cookie.expires)
            found.append(shown)
    return found


def _field(fields: http1.Fields, name: bytes) -> str:
    return _text(fields.get(name) or b"")


def _text(octets: bytes) -> str:
    """Decode what is on the wire: UTF-8 today where it is not ASCII, and Latin-1 once."""
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return octets.decode("latin-1")


def _public(text: str) -> str:
    r"""Hide the user names and passwords in URLs.

    >>> _public("<http://me:secret@h/>; rel=next")
    '<http://(hidden)@h/>; rel=next'
    """
    return _USER_INFO.sub(f"{HIDDEN}@", text)


def _ip_address(peer: str) -> str | None:
    """Return the address in "address", "address:port" or "[address]:port".

    >>> _ip_address("[fe80::1%eth0]:80"), _ip_address("127.0.0.1:80"), _ip_address("unix:/sock")
    ('fe80::1', '127.0.0.1', None)
    """
    match = _HOST_AND_PORT.fullmatch(peer)
    text = match[1] or match[2] if match else peer
    try:
        return str(ip_address(text.partition("%")[0]))
    except ValueError:
        return None


def _milliseconds(seconds: float | None, missing: int) -> float:
    return missing if seconds is None else round(seconds * 1000, 3)


def _date(seconds: float) -> str:
    return (_EPOCH + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")
