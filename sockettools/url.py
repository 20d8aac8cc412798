"""URLs: which ones can be fetched over HTTP, and where a reference on a page leads."""

from __future__ import annotations

import codecs
import ipaddress
import re
import stringprep
import unicodedata
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING, NamedTuple, overload
from urllib.parse import quote, unquote, urljoin, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

HTTP_SCHEMES = ("http", "https")

_DEFAULT_PORTS = {"http": 80, "https": 443}

# RFC 3986 appendix B, with the scheme's own grammar (3.1).
_COMPONENTS = re.compile(
    r"(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?", re.DOTALL
)
# What would begin an authority if each backslash in it were a slash.
_LIKE_A_HOST = re.compile(r"\A[/\\]{2,}")
_BRACKETED_HOST = re.compile(r"\[([^\[\]]*)\](?::(.*))?", re.DOTALL)

# The scope of a link-local address: RFC 6874 writes its percent sign as %25, people write it bare.
_SCOPED_ADDRESS = re.compile(r"([^%]*)(?:%(?:25)?([A-Za-z0-9._~-]+))?")

# What RFC 3986 (2) allows nowhere in a URL; "%" is not among them, what is encoded stays so.
_NOT_IN_URL = re.compile('[\x00-\x20"<>\\\\^`{|}\x7f-\U0010ffff]+')

# Octets of a host name and of one of its labels (RFC 1035 section 2.3.4); the name's 255 on the
# wire are 253 in text.
MAX_HOST = 253
MAX_LABEL = 63

# Characters that are mapped at all: some vanish and some are composed into one, but Python's
# normalisation takes the square of the time for a long run of accents.
_MAX_HOST_AS_WRITTEN = 4 * MAX_HOST

# The URL Standard's forbidden domain code points (3.2). A full stop is one that another character
# was mapped to.
_FORBIDDEN_IN_LABEL = re.compile(r"[\x00-\x20\x7f#%./:<>?@\[\\\]^|\u3002]")

_FULL_STOP = re.compile("[.\u3002\uff0e\uff61]")

_JOINERS = "\u200c\u200d"
_VIRAMA = 9  # its canonical combining class

# What browsers cut off both ends of a URL, and what they take out of its middle (4.1, 4.4).
_C0_CONTROL_OR_SPACE = "".join(map(chr, range(0x21)))
_TAB_OR_NEWLINE = re.compile(r"[\t\n\r]")


# A base that long is not remembered.
_LONG_BASE = 1_024

# All that such a reference takes from its base is the folder.
_NEEDS_THE_FOLDER = re.compile(r"https?://\w.*+|(?!//)[\w./][^:\\\s]*+", re.DOTALL)

# A path, absolute or relative, in which nothing has to be changed: no segment begins with a dot,
# none is empty but the last, and no character means anything else.
_PLAIN_PATH = (
    r"(?:[\w~%@-][\w.~%@-]*+/)*+(?:[\w~%@-][\w.~%@-]*+)?+(?:\?[\w.~%&=/-]++)?(?:#[\w.~%-]++)?"
)
_PLAIN_REFERENCE = re.compile(rf"(?=[^?#])/?{_PLAIN_PATH}", re.ASCII)
_DOTS = re.compile(r"\.\.?/")
_ONE_DOT = len("./")
_PLAIN_ABSOLUTE = re.compile(rf"https?://[a-z0-9.-]++(?::[0-9]++)?/{_PLAIN_PATH}", re.ASCII)
_PLAIN_BASE = re.compile(
    r"(?P<origin>https?://[a-z0-9.:-]++)(?P<folder>/(?:[\w~%@-][\w.~%@-]*+/)*+)[\w.~%@-]*+(?:\?[^#]*+)?(?:#.*+)?",
    re.ASCII | re.DOTALL,
)


@dataclass(frozen=True)
class HttpUrl:
    """An absolute http(s) URL in the form in which two can be compared.

    ``host`` is ASCII in lower case, an IPv6 address without its brackets; ``path`` begins with a
    slash and has no dot segments. Path, query and fragment are percent-encoded, user name and
    password are decoded. ``str()`` leaves those two out, because it gets printed and logged.

    >>> url = parse_http_url("HTTP://me:secret@BÜCHER.example:80/a/../naïve page?q#f")
    >>> str(url), url.username
    ('http://xn--bcher-kva.example/na%C3%AFve%20page?q#f', 'me')
    """

    scheme: str
    host: str
    port: int
    path: str
    query: str | None = None
    fragment: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        fragment = "" if self.fragment is None else f"#{self.fragment}"
        return f"{self.origin}{self.target}{fragment}"

    @property
    def origin(self) -> str:
        """Scheme, host and port; the port is left out where it is the scheme's own."""
        return f"{self.scheme}://{self._with_port(self.host.replace('%', '%25'))}"

    @property
    def authority(self) -> str:
        """The value of the Host field. A scope means nothing to the peer (RFC 6874 section 4)."""
        return self._with_port(self.host.partition("%")[0])

    @property
    def target(self) -> str:
        """The request target in origin-form (RFC 9112 section 3.2.1)."""
        return self.path if self.query is None else f"{self.path}?{self.query}"

    def without_credentials(self) -> HttpUrl:
        """Return it without user name and password."""
        return replace(self, username=None, password=None)

    def _with_port(self, host: str) -> str:
        written = f"[{host}]" if ":" in host else host
        return written if self.port == _DEFAULT_PORTS[self.scheme] else f"{written}:{self.port}"


def public_text(text: str) -> str:
    """Return what may be shown of a text that is to be a URL: no user name and no password.

    Also where these are what makes it none.

    >>> public_text("http://me:se/cr@et@h/"), public_text("me:secret@h")
    ('http://h/', 'h')
    """
    return re.sub(r"(?s)\A([A-Za-z][A-Za-z0-9+.-]*://)?.*@", r"\1", text)


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
    parts = _split_absolute(text)
    if "@" in (parts.authority or ""):
        raise ValueError("it has a user name or password, which would end up in logs and feeds")
    _http_url(parts)
    return text.strip(_C0_CONTROL_OR_SPACE)


def parse_http_url(text: str) -> HttpUrl:
    """Read an absolute http(s) URL, with a user name and password or without.

    What cannot stand in a URL is percent-encoded, as UTF-8, and what is encoded already stays as
    it is written. Line ends and tabs are dropped, and a backslash in the path is a slash.

    Raises:
        ValueError: it is none; the text says what is missing or wrong.

    >>> parse_http_url("http://[::1]:8000?q").origin
    'http://[::1]:8000'
    """
    return _http_url(_split_absolute(text))


def resolve_location(base: HttpUrl, location: str) -> HttpUrl:
    r"""Return where an answer from ``base`` with this Location field leads.

    It is RFC 3986 section 5.2 to the letter: ``http:g`` is no relative reference, and has no host.
    What is written is taken as ``parse_http_url`` does; but a backslash with which a host would
    begin to browsers is a character of the path. A location without a fragment has that of
    ``base`` (RFC 9110 section 10.2.2). User name and password of ``base`` stay within its origin.

    Raises:
        ValueError: it leads nowhere, or to another scheme.

    >>> str(resolve_location(parse_http_url("http://h/a/b?c#d"), "../e"))
    'http://h/e#d'
    """
    parts = _components(_cleaned(location))
    if parts.fragment is None:
        parts = parts._replace(fragment=base.fragment)
    if parts.scheme is None and parts.authority is None:
        path = _LIKE_A_HOST.sub(lambda match: match[0].replace("\\", "%5C"), parts.path)
        return _resolve_within(base, parts._replace(path=path.replace("\\", "/")))
    url = _http_url(parts._replace(scheme=parts.scheme or base.scheme))
    if url.origin == base.origin and url.username is None:
        return replace(url, username=base.username, password=base.password)
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
    return resolver(base, encoding)(reference)


def resolver(base: str, encoding: str = "utf-8") -> Callable[[str], str]:
    """Return ``resolve`` for the many references of one page."""
    if (folder := _folder(base)) is None:
        return partial(_resolved, base, encoding=encoding)
    origin, path = folder
    start = f"{origin}{path}"
    above = start[: start.rindex("/", 0, -1) + 1] if len(path) > 1 else start

    def resolve_in_folder(reference: str) -> str:
        # What most links of a site are, at a tenth of the cost.
        if _PLAIN_REFERENCE.fullmatch(reference):
            return f"{origin if reference[0] == '/' else start}{reference}"
        if _PLAIN_ABSOLUTE.fullmatch(reference):
            return reference
        if dots := _DOTS.match(reference):
            end = dots.end()
            if _PLAIN_REFERENCE.fullmatch(reference, end) and reference[end] != "/":
                return f"{start if end == _ONE_DOT else above}{reference[end:]}"
        if _NEEDS_THE_FOLDER.fullmatch(reference) and len(reference) < _LONG_BASE:
            return _resolved_in_folder(start, reference, encoding)
        return _resolved(base, reference, encoding)

    return resolve_in_folder


# The pages of a folder have many links in common: those of a menu.
@lru_cache(maxsize=32768)
def _resolved_in_folder(base: str, reference: str, encoding: str) -> str:
    return _resolved(base, reference, encoding)


def _resolved(base: str, reference: str, encoding: str) -> str:
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


@lru_cache(maxsize=1024)
def _folder(base: str) -> tuple[str, str] | None:
    """Return origin and folder of a base in which nothing has to be changed; None for others."""
    match = _PLAIN_BASE.fullmatch(base) if len(base) < _LONG_BASE else None
    return (match["origin"], match["folder"]) if match else None


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


def encode_host(host: str) -> str:
    """Return a host name in ASCII and lower case, as browsers look it up.

    It is UTS 46 without the transitional mapping, on the Unicode tables that this Python has.
    Python's ``idna`` codec is RFC 3490, for which ``faß.de`` is ``fass.de``: another site. The rule
    for names with Hebrew or Arabic parts (RFC 5893) is left to the registries: it guards readers,
    and what is shown of such a name is its ASCII.

    Raises:
        ValueError: it is no host name.

    >>> encode_host("BÜCHER.example"), encode_host("faß。de")
    ('xn--bcher-kva.example', 'xn--fa-hia.de')
    """
    if len(host) > _MAX_HOST_AS_WRITTEN:
        raise _not_a_host(host)
    labels = _FULL_STOP.split(host)
    # A full stop at the end stands for the root of all names.
    root = labels.pop() if labels[-1] == "" and len(labels) > 1 else None
    try:
        name = ".".join(_encoded_label(_mapped(label)) for label in labels)
    except ValueError:
        raise _not_a_host(host) from None
    if len(name) > MAX_HOST:
        raise _not_a_host(host)
    return name if root is None else f"{name}."


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


class _Components(NamedTuple):
    """RFC 3986 section 3; None is a component that is not there, "" one that is empty."""

    scheme: str | None
    authority: str | None
    path: str
    query: str | None
    fragment: str | None


def _components(text: str) -> _Components:
    match = _COMPONENTS.fullmatch(text)
    assert match is not None  # it matches every text
    return _Components(*match.groups())


def _cleaned(text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("it has bytes that are no text") from None
    return _TAB_OR_NEWLINE.sub("", text.strip(_C0_CONTROL_OR_SPACE))


def _split_absolute(text: str) -> _Components:
    url = _cleaned(text)
    if not url.lower().startswith(tuple(f"{scheme}://" for scheme in HTTP_SCHEMES)):
        raise ValueError("it does not begin with http:// or https://")
    return _components(url)


def _http_url(parts: _Components) -> HttpUrl:
    """Make a URL of what names a scheme."""
    scheme = (parts.scheme or "").lower()
    if scheme not in HTTP_SCHEMES:
        raise ValueError(f"its scheme, {scheme!r}, is not http or https")
    # The last @ ends the user name, for those who write one in it unencoded.
    userinfo, _, host_and_port = (parts.authority or "").rpartition("@")
    username, password = _credentials(userinfo)
    host, port = _host_and_port(host_and_port)
    return HttpUrl(
        scheme=scheme,
        host=host,
        port=_port(port) if port else _DEFAULT_PORTS[scheme],
        path=_path(parts.path),
        query=_percent_encoded(parts.query),
        fragment=_percent_encoded(parts.fragment),
        username=username,
        password=password,
    )


def _resolve_within(base: HttpUrl, parts: _Components) -> HttpUrl:
    """RFC 3986 section 5.2.2 for a reference without scheme and authority."""
    query = parts.query
    if not parts.path:
        path = base.path
        query = base.query if query is None else query
    elif parts.path.startswith("/"):
        path = parts.path
    else:
        path = base.path[: base.path.rindex("/") + 1] + parts.path
    return replace(
        base,
        path=_path(path),
        query=_percent_encoded(query),
        fragment=_percent_encoded(parts.fragment),
    )


def _credentials(userinfo: str) -> tuple[str | None, str | None]:
    if not userinfo:
        return None, None
    # To browsers the host of http://a\@b/ is a, to RFC 3986 it is b.
    if "\\" in userinfo:
        raise ValueError("it has a backslash in its user name or password")
    username, colon, password = userinfo.partition(":")
    try:
        return (
            unquote(username, errors="strict"),
            unquote(password, errors="strict") if colon else None,
        )
    except UnicodeDecodeError:
        raise ValueError("its user name or password is not UTF-8") from None


def _host_and_port(text: str) -> tuple[str, str]:
    if text.startswith("["):
        match = _BRACKETED_HOST.fullmatch(text)
        if match is None:
            raise ValueError(f"it is malformed ({text!r} is not an IPv6 address and a port)")
        return _ipv6_address(match[1]), match[2] or ""
    host, _, port = text.partition(":")
    if not host:
        raise ValueError("it names no host")
    return encode_host(host), port


def _ipv6_address(text: str) -> str:
    match = _SCOPED_ADDRESS.fullmatch(text)
    try:
        # Python takes everything for a scope, blanks too.
        address = ipaddress.IPv6Address(match[1] if match else "")
    except ValueError:
        raise ValueError(f"{f'[{text}]'!r} is not an IPv6 address") from None
    return f"{address}%{match[2]}" if match and match[2] else str(address)


def _port(text: str) -> int:
    digits = text.lstrip("0")
    if not re.fullmatch(r"[0-9]{1,5}", digits) or int(digits) > 65535:
        raise ValueError("its port is not a whole number from 1 to 65535")
    return int(digits)


def _path(text: str) -> str:
    return _percent_encoded(_remove_dot_segments(text.replace("\\", "/"))) or "/"


def _remove_dot_segments(path: str) -> str:
    """RFC 3986 section 5.2.4, for a path that begins with a slash or is empty."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments and segments[-1] in {".", ".."}:
        kept.append("")  # what is left is a directory
    return "".join(f"/{segment}" for segment in kept)


@overload
def _percent_encoded(text: str) -> str: ...
@overload
def _percent_encoded(text: str | None) -> str | None: ...
def _percent_encoded(text: str | None) -> str | None:
    if text is None:
        return None
    return _NOT_IN_URL.sub(lambda match: quote(match[0], safe=""), text)


def _not_a_host(host: str) -> ValueError:
    return ValueError(f"{host[:MAX_HOST]!r} is not a host name")


def _mapped(label: str) -> str:
    """UTS 46 section 4, steps 1 and 2: the mapping and the normalisation."""
    if label.isascii():
        return label.lower()
    folded = "".join(_folded(char) for char in label if not _is_ignored(char))
    return unicodedata.normalize("NFKC", folded)


def _folded(char: str) -> str:
    # The letters that case folding would make others of, and that are names of their own.
    if char in "ßẞ":
        return "ß"
    return char if char == "ς" else unicodedata.normalize("NFKC", char).casefold()


def _is_ignored(char: str) -> bool:
    # Soft hyphens and the like, which RFC 3454 knew, and the variation selectors since then.
    if char in _JOINERS:
        return False
    return stringprep.in_table_b1(char) or "\U000e0100" <= char <= "\U000e01ef"


def _encoded_label(label: str) -> str:
    # No encoding has fewer octets than the label has characters.
    if not 0 < len(label) <= MAX_LABEL or _FORBIDDEN_IN_LABEL.search(label):
        raise ValueError
    if label.isascii():
        return label
    # What is prefixed already, and still not ASCII, is neither the one nor the other.
    if label.startswith("xn--") or unicodedata.category(label[0]).startswith("M"):
        raise ValueError
    if not all(_is_allowed(label, position) for position in range(len(label))):
        raise ValueError
    encoded = "xn--" + label.encode("punycode").decode("ascii")
    if len(encoded) > MAX_LABEL:
        raise ValueError
    return encoded


def _is_allowed(label: str, position: int) -> bool:
    char = label[position]
    if char in _JOINERS:
        return _is_joiner_allowed(label, position)
    # Controls, surrogates, private and unassigned ones; separators; RFC 3454's tables C.6 and C.7.
    return not (
        unicodedata.category(char)[0] in "CZ"
        or stringprep.in_table_c6(char)
        or stringprep.in_table_c7(char)
    )


def _is_joiner_allowed(label: str, position: int) -> bool:
    """RFC 5892 appendix A.1 and A.2: a joiner stands where it changes how letters are written."""
    before, after = label[:position], label[position + 1 :]
    if before and unicodedata.combining(before[-1]) == _VIRAMA:
        return True
    # Python has no table of which letters join. Those of the Arabic kind do, nearly all.
    return (
        label[position] == "\u200c"
        and any(unicodedata.bidirectional(char) == "AL" for char in before[-1:])
        and any(unicodedata.bidirectional(char) == "AL" for char in after[:1])
    )


def _split_before_query(reference: str) -> tuple[str, str, str]:
    match = re.search(r"[?#]", reference)
    if match is None:
        return reference, "", ""
    return reference[: match.start()], match.group(), reference[match.end() :]
