"""URLs: which ones can be fetched over HTTP, and where a reference on a page leads."""

from __future__ import annotations

import codecs
import ipaddress
import re
from urllib.parse import quote, urljoin, urlsplit

HTTP_SCHEMES = ("http", "https")

# The URL Standard's forbidden host code points (3.2), less those that end a host anyway.
_FORBIDDEN_IN_HOST = re.compile(r"[\x00-\x20\x7f#%/:<>?@\[\\\]^|]")

# What browsers cut off both ends of a URL, and what they take out of its middle (4.1, 4.4).
_C0_CONTROL_OR_SPACE = "".join(map(chr, range(0x21)))
_TAB_OR_NEWLINE = re.compile(r"[\t\n\r]")


def check_http_url(text: str) -> str:
    """Return ``text`` without white space around it, if it is an absolute http(s) URL.

    Raises:
        ValueError: it is not; the text says what is missing or wrong.

    >>> check_http_url(" http://127.0.0.1:8000/page1.htm ")
    'http://127.0.0.1:8000/page1.htm'
    >>> check_http_url("www.example.com")
    Traceback (most recent call last):
    ValueError: it does not begin with http:// or https://
    """
    url = text.strip(_C0_CONTROL_OR_SPACE)
    try:
        url.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("it has bytes that are no text") from None
    if not url.lower().startswith(tuple(f"{scheme}://" for scheme in HTTP_SCHEMES)):
        raise ValueError("it does not begin with http:// or https://")
    try:
        parts = urlsplit(url)
    except ValueError as exc:  # "Invalid IPv6 URL", and what NFKC makes of a host
        raise ValueError(f"it is malformed ({exc})") from None
    if "@" in parts.netloc:
        raise ValueError("it has a user name or password, which would end up in logs and feeds")
    if not parts.hostname:
        raise ValueError("it names no host")
    _check_host(parts.hostname, bracketed="[" in parts.netloc)
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise ValueError("its port is not a whole number from 1 to 65535")
    return url


def resolve(base: str, reference: str, encoding: str = "utf-8") -> str:
    r"""Return where ``reference``, as written in a page whose base is ``base``, leads.

    It does what a browser does beyond RFC 3986: white space around and line ends within are
    dropped, a backslash before the query is a slash, and http: needs no slashes. A character that
    is not ASCII is left as it is, except in the query: there it is percent-encoded in
    ``encoding``, the page's own.

    Raises:
        ValueError: it leads nowhere (``http://[bad``).

    >>> resolve("http://h/a/b", " ?q=1\n"), resolve("http://h/a/b", "..\\c")
    ('http://h/a/b?q=1', 'http://h/c')
    """
    reference = _TAB_OR_NEWLINE.sub("", reference.strip(_C0_CONTROL_OR_SPACE))
    # A lone surrogate is no character; browsers have U+FFFD instead.
    reference = reference.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    base_scheme = urlsplit(base).scheme
    match = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):", reference)
    scheme = match[1].lower() if match else base_scheme
    if scheme not in HTTP_SCHEMES:
        return urljoin(base, reference)
    path, mark, rest = _split_before_query(reference)
    path = path.replace("\\", "/")
    if match and (scheme != base_scheme or path[match.end() :].startswith("//")):
        path = f"{scheme}://{path[match.end() :].lstrip('/')}"
    if mark == "?":
        query, hash_mark, fragment = rest.partition("#")
        rest = encode_query(query, encoding) + hash_mark + fragment
    return urljoin(base, path + mark + rest)


def encode_query(query: str, encoding: str = "utf-8") -> str:
    """Percent-encode what is not ASCII as a form on a page in ``encoding`` would.

    A character that the encoding does not have is written as HTML's reference to it; UTF-16 and
    UTF-32, and what is no charset of the web, count as UTF-8 (the URL and Encoding Standards).

    >>> encode_query("é", "iso-8859-1"), encode_query("漢", "iso-8859-1")
    ('%E9', '%26%2328450%3B')
    """
    return re.sub("[^\x00-\x7f]+", lambda match: _encoded(match[0], encoding), query)


def _encoded(text: str, encoding: str) -> str:
    octets: list[str] = []
    for char in text:
        try:
            octets.append(quote(char.encode(_output_encoding(encoding)), safe=""))
        except UnicodeEncodeError:
            octets.append(quote(f"&#{ord(char)};", safe=""))
    return "".join(octets)


def _output_encoding(encoding: str) -> str:
    try:
        name = codecs.lookup(encoding).name
    except LookupError:
        return "utf-8"
    is_charset = not name.startswith(("utf", "unicode", "raw", "idna", "punycode", "undefined"))
    return name if is_charset else "utf-8"


def is_loopback(host: str) -> bool:
    """Tell whether ``host``, a name or an address without brackets, is this machine itself.

    >>> is_loopback("127.8.9.10"), is_loopback("app.localhost"), is_loopback("example.com")
    (True, True, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        # RFC 6761 section 6.3: these names never mean another machine.
        name = host.lower().rstrip(".")
        return name == "localhost" or name.endswith(".localhost")


def _check_host(host: str, *, bracketed: bool) -> None:
    if bracketed:
        try:
            ipaddress.IPv6Address(host)
        except ValueError:
            raise ValueError(f"[{host}] is not an IPv6 address") from None
        return
    if _FORBIDDEN_IN_HOST.search(host):
        raise ValueError(f"{host!r} is not a host name")
    try:
        host.encode("idna")
    except UnicodeError:  # an empty label, one over 63 octets, or a character without an encoding
        raise ValueError(f"{host!r} is not a host name") from None


def _split_before_query(reference: str) -> tuple[str, str, str]:
    match = re.search(r"[?#]", reference)
    if match is None:
        return reference, "", ""
    return reference[: match.start()], match.group(), reference[match.end() :]
