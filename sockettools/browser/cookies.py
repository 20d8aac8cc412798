"""What servers ask a browser to remember: cookies, and the file they are kept in.

RFC 6265, and its revision (draft-ietf-httpbis-rfc6265bis) where that is stricter, as browsers are.
A jar is plain state: the time is an argument, and no file is opened here.

The standard library has no list of public suffixes, so a site can set a cookie for all of
``co.uk``; only one for a whole top-level domain (``com``) is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain, count, islice
from math import ceil
from typing import TYPE_CHECKING

from sockettools.url import is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Octets of a cookie's name and value together, and of a path or another attribute's value: the
# revision's sections 5.6 and 5.7.
MAX_COOKIE = 4096
MAX_ATTRIBUTE = 1024

# Cookies per domain and in all. RFC 6265 section 6.1 wants 50 and 3,000 at the least; Chrome
# keeps 180 per domain.
MAX_PER_DOMAIN = 180
MAX_COOKIES = 3000

# Cookies that one response can set; curl looks at as many.
MAX_PER_RESPONSE = 50

# Octets of what is sent back. Apache and nginx answer a longer field with an error, so that
# without a limit a site's subdomain could lock a user out of the site; curl has the same one.
MAX_HEADER = 8190

# Seconds for which a cookie lives at the most: 400 days (the revision, section 5.5).
MAX_AGE = 400 * 86_400

NETSCAPE_HEADER = "# Netscape HTTP Cookie File"
_HTTP_ONLY_MARK = "#HttpOnly_"

# What no part of a field may have (the revision, section 5.6: all controls but the tab), and what
# no cookie here: a tab is what separates the fields of the file, which has no way to quote it.
# curl drops such a cookie, too.
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_UNSENDABLE = re.compile(r"[^\x20-\x7e\x80-\xff]")

# The grammar of a cookie-date, section 5.1.1.
_DELIMITERS = re.compile(r"[\t\x20-\x2f\x3b-\x40\x5b-\x60\x7b-\x7e]+")
_TIME = re.compile(r"([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?![0-9])")
_DAY = re.compile(r"([0-9]{1,2})(?![0-9])")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = re.compile(f"({'|'.join(_MONTHS)})", re.IGNORECASE)
_YEAR = re.compile(r"([0-9]{2,4})(?![0-9])")


@dataclass(frozen=True)
class Cookie:
    """One cookie; ``expires`` is None for as long as the session lasts."""

    name: str
    value: str
    domain: str
    path: str
    expires: float | None = None
    host_only: bool = True
    secure: bool = False
    http_only: bool = False
    number: int = 0  # the lower the older

    @property
    def key(self) -> tuple[bool, str, str]:
        """What tells it from the others of its domain."""
        return self.host_only, self.path, self.name

    def is_expired(self, now: float) -> bool:
        """Tell whether its time is over."""
        return self.expires is not None and self.expires <= now


class CookieJar:
    """Keeps cookies and tells which of them belong to a request.

    A host is in lower case, ASCII, without brackets or port; a path begins with "/" and is
    percent-encoded; times are seconds since 1970. Field values are Latin-1, one character for an
    octet.
    """

    def __init__(self) -> None:
        self._domains: dict[str, dict[tuple[bool, str, str], Cookie]] = {}
        self._numbers = count()

    def __iter__(self) -> Iterator[Cookie]:
        """Go through all, the oldest first, with those that expired and were not dropped yet."""
        return iter(sorted(self._unsorted(), key=lambda cookie: cookie.number))

    def store(
        self, scheme: str, host: str, path: str, set_cookie_values: Iterable[str], now: float
    ) -> None:
        """Take what a response to this request sets, one value for each Set-Cookie field.

        A cookie that breaks a rule is passed over without a word, as the RFC wants it, and so are
        those beyond MAX_PER_RESPONSE.
        """
        self._drop_expired(now)
        is_secure = _is_secure(scheme, host)
        for text in islice(set_cookie_values, MAX_PER_RESPONSE):
            cookie = parse_set_cookie(text, host, path, now)
            if cookie is None or not _keeps_its_prefix(cookie):
                continue
            if not is_secure and (cookie.secure or self._hides_secure(cookie)):
                continue
            if cookie.is_expired(now):
                self._remove(cookie)
            else:
                self._put(cookie)

    def header(self, scheme: str, host: str, path: str, now: float) -> str | None:
        """Return the value of the request's Cookie field; None if it has none.

        Cookies with longer paths come first, then the older ones (section 5.4). What does not fit
        into MAX_HEADER octets is left out, from the end.
        """
        is_secure = _is_secure(scheme, host)
        found = [
            cookie
            for domain in _domains_above(host)
            for cookie in self._domains.get(domain, {}).values()
            if (domain == host or not cookie.host_only)
            and (is_secure or not cookie.secure)
            and path_matches(path, cookie.path)
            and not cookie.is_expired(now)
        ]
        found.sort(key=lambda cookie: (-len(cookie.path), cookie.number))
        header = ""
        for cookie in found:
            longer = f"{header}{'; ' if header else ''}{cookie.name}={cookie.value}"
            if len(longer) > MAX_HEADER:
                break
            header = longer
        return header or None

    def load_netscape(self, text: str) -> None:
        """Add the cookies of a file as curl and ``netscape`` write it, all of them or none.

        ``text`` is the file as Latin-1.

        Raises:
            ValueError: a line is malformed; the text gives its number and what is wrong.
        """
        cookies = []
        # Not splitlines, which also splits at what may well be in a value.
        for number, line in enumerate(text.split("\n"), 1):
            line = line.removesuffix("\r")
            is_comment = line.startswith("#") and not line.startswith(_HTTP_ONLY_MARK)
            if is_comment or not line.strip():
                continue
            try:
                cookies.append(parse_netscape_line(line))
            except ValueError as exc:
                raise ValueError(f"line {number}: {exc}") from None
        for cookie in cookies:
            self._put(cookie)

    def netscape(self) -> str:
        """Return the file, the oldest cookie first; it is to be written as Latin-1."""
        lines = [NETSCAPE_HEADER, "", *map(format_netscape_line, self)]
        return "".join(f"{line}\n" for line in lines)

    def _put(self, cookie: Cookie) -> None:
        cookies = self._domains.setdefault(cookie.domain, {})
        old = cookies.get(cookie.key)
        # A cookie that is set again stays as old as it was (section 5.3, step 11).
        number = next(self._numbers) if old is None else old.number
        cookies[cookie.key] = replace(cookie, number=number)
        if len(cookies) > MAX_PER_DOMAIN:
            # Those without Secure go first, so that nobody on the network in between can push out
            # what was set over https (the revision, section 5.7).
            self._remove(min(cookies.values(), key=lambda cookie: (cookie.secure, cookie.number)))
        if sum(map(len, self._domains.values())) > MAX_COOKIES:
            oldest = (next(iter(cookies.values())) for cookies in self._domains.values())
            self._remove(min(oldest, key=lambda cookie: cookie.number))

    def _remove(self, cookie: Cookie) -> None:
        cookies = self._domains.get(cookie.domain, {})
        cookies.pop(cookie.key, None)
        if not cookies:
            self._domains.pop(cookie.domain, None)

    def _drop_expired(self, now: float) -> None:
        for cookie in [cookie for cookie in self._unsorted() if cookie.is_expired(now)]:
            self._remove(cookie)

    def _unsorted(self) -> Iterator[Cookie]:
        return chain.from_iterable(cookies.values() for cookies in self._domains.values())

    def _hides_secure(self, cookie: Cookie) -> bool:
        """Tell whether a Secure cookie would be overwritten, or sent after this one.

        The revision, section 5.7: "leave Secure cookies alone".
        """
        return any(
            other.secure and other.name == cookie.name and path_matches(cookie.path, other.path)
            for domain, others in self._domains.items()
            if domain_matches(domain, cookie.domain) or domain_matches(cookie.domain, domain)
            for other in others.values()
        )


def parse_set_cookie(text: str, host: str, path: str, now: float) -> Cookie | None:
    """Return the cookie that a Set-Cookie field of ``host`` means; None if it is to be ignored.

    It may have expired, which deletes the one before it. Section 5.2 and 5.3; what depends on the
    jar, or on how the response came, is left to the jar.

    >>> parse_set_cookie("a=1; Path=/x; Secure", "example.com", "/", 0.0).path
    '/x'
    """
    pair, *attribute_texts = text.split(";")
    name, equals, value = (part.strip(" \t") for part in pair.partition("="))
    # Browsers take a cookie without a name today; the RFC and curl do not.
    if not equals or not name or _CONTROL.search(text):
        return None
    attributes = dict(_attributes(attribute_texts))
    # "If the attribute-value is empty or does not begin with "/"": section 5.2.4.
    given_path = attributes.get("path", "")
    if name.lower().startswith("__host-") and given_path != "/":
        return None
    domain = attributes.get("domain", "").removeprefix(".").lower()
    if domain and not domain_matches(host, domain):
        return None
    if "." not in domain.rstrip(".") or _is_address(domain):
        # A whole top-level domain is for nobody to set, unless it is the host itself; an address
        # has no subdomains.
        if domain not in ("", host):
            return None
        domain = ""
    cookie = Cookie(
        name=name,
        value=value,
        domain=domain or host,
        path=given_path if given_path.startswith("/") else default_path(path),
        expires=_expiry(attributes, now),
        host_only=not domain,
        secure="secure" in attributes,
        http_only="httponly" in attributes,
    )
    return cookie if _is_storable(cookie) else None


def parse_cookie_date(text: str) -> float | None:
    """Return the seconds since 1970 of a date as Expires has it; None if it is none.

    Section 5.1.1: the parts come in any order, and what is neither of them is passed over.

    >>> parse_cookie_date("Thu, 01-Jan-70 00:01:00 GMT")
    60.0
    """
    time = day = month = year = None
    for token in _DELIMITERS.split(text):
        if time is None and (match := _TIME.match(token)):
            time = match
        elif day is None and (match := _DAY.match(token)):
            day = int(match[1])
        elif month is None and (match := _MONTH.match(token)):
            month = _MONTHS.index(match[1].lower()) + 1
        elif year is None and (match := _YEAR.match(token)):
            year = int(match[1])
    if time is None or day is None or month is None or year is None:
        return None
    if year < 100:
        year += 1900 if year >= 70 else 2000
    if year < 1601:
        return None
    try:
        hour, minute, second = map(int, time.groups())
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()
    except ValueError:  # the 30th of February, or 24 o'clock
        return None


def default_path(path: str) -> str:
    """Return the path of a cookie that has none of its own: the request's "directory" (5.1.4).

    >>> default_path("/a/b"), default_path("/a/"), default_path("/a")
    ('/a', '/a', '/')
    """
    return path[: path.rfind("/")] or "/"


def path_matches(path: str, cookie_path: str) -> bool:
    """Tell whether a cookie is for a request's path (section 5.1.4).

    >>> path_matches("/a/b", "/a"), path_matches("/ab", "/a")
    (True, False)
    """
    if not path.startswith(cookie_path):
        return False
    return (
        len(path) == len(cookie_path) or cookie_path.endswith("/") or path[len(cookie_path)] == "/"
    )


def domain_matches(host: str, domain: str) -> bool:
    """Tell whether ``host`` is the domain or one below it; of an address nothing is (5.1.3).

    >>> domain_matches("www.example.com", "example.com"), domain_matches("10.0.0.1", "0.0.1")
    (True, False)
    """
    return host == domain or (host.endswith(f".{domain}") and not _is_address(host))


def parse_netscape_line(line: str) -> Cookie:
    r"""Return the cookie of one line of a cookie file.

    Raises:
        ValueError: it is malformed; the text says how, and does not give the value away.

    >>> parse_netscape_line(".example.com\tTRUE\t/\tFALSE\t0\tname\tvalue").domain
    'example.com'
    """
    fields = line.removeprefix(_HTTP_ONLY_MARK).split("\t")
    if len(fields) == 6:  # an empty value whose tab an editor, or curl, saw no use for
        fields.append("")
    if len(fields) != 7:
        raise ValueError(f"it has {len(fields)} fields with tabs between them, expected 7")
    domain, subdomains, path, secure, expiry, name, value = fields
    # The dot says what the flag after it says.
    domain = domain.lower().lstrip(".")
    if not re.fullmatch(r"[!-~]+", domain) or domain.startswith("#"):
        raise ValueError(f"its domain is {fields[0]!r}")
    if path and not path.startswith("/"):
        raise ValueError(f"its path is {path!r}, expected one that begins with /")
    # A session has expiry 0; Python's own cookie jar leaves the field empty.
    if not re.fullmatch(r"[0-9]{0,12}(\.[0-9]{1,12})?", expiry):
        raise ValueError(f"its expiry is {expiry!r}, expected seconds since 1970")
    if not name:
        raise ValueError("it has no name")
    cookie = Cookie(
        name=name,
        value=value,
        domain=domain,
        path=path or "/",
        expires=float(expiry or 0) or None,
        host_only=not _parse_flag(subdomains) or _is_address(domain),
        secure=_parse_flag(secure),
        http_only=line.startswith(_HTTP_ONLY_MARK),
    )
    if not _is_storable(cookie):
        raise ValueError("it is too long, or has control characters or ones beyond Latin-1")
    if not _keeps_its_prefix(cookie):
        raise ValueError(f"{name!r} is not Secure, or not for one host only, as its name demands")
    return cookie


def format_netscape_line(cookie: Cookie) -> str:
    """Return the line of a cookie file that says the same; a fraction of a second is lost."""
    fields = (
        cookie.domain if cookie.host_only else f".{cookie.domain}",
        _format_flag(not cookie.host_only),
        cookie.path,
        _format_flag(cookie.secure),
        # Up, so that it does not become the 0 of a session.
        str(ceil(cookie.expires or 0)),
        cookie.name,
        cookie.value,
    )
    return _HTTP_ONLY_MARK * cookie.http_only + "\t".join(fields)


def _parse_flag(text: str) -> bool:
    if text.upper() not in ("TRUE", "FALSE"):
        raise ValueError(f"it has {text!r} where TRUE or FALSE is expected")
    return text.upper() == "TRUE"


def _format_flag(flag: bool) -> str:
    return "TRUE" if flag else "FALSE"


def _attributes(texts: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield names and values; the last one of a name counts (section 5.3)."""
    for text in texts:
        name, _, value = (part.strip(" \t") for part in text.partition("="))
        name = name.lower()
        if len(value) > MAX_ATTRIBUTE:
            continue
        # What does not parse is as if it were not there, and an earlier one counts.
        if name == "expires" and parse_cookie_date(value) is None:
            continue
        if name == "max-age" and not re.fullmatch(r"-?[0-9]+", value):
            continue
        yield name, value


def _expiry(attributes: dict[str, str], now: float) -> float | None:
    """Return when a cookie expires; Max-Age counts before Expires (section 5.3, step 3)."""
    if "max-age" in attributes:
        return now + max(0, min(int(attributes["max-age"]), MAX_AGE))
    expires = parse_cookie_date(attributes.get("expires", ""))
    return None if expires is None else min(expires, now + MAX_AGE)


def _is_storable(cookie: Cookie) -> bool:
    """Tell whether it keeps to the limits, and can be sent and written to a file."""
    texts = (cookie.name, cookie.value, cookie.path)
    return (
        len(cookie.name) + len(cookie.value) <= MAX_COOKIE
        and len(cookie.path) <= MAX_ATTRIBUTE
        and not any(map(_UNSENDABLE.search, texts))
    )


def _keeps_its_prefix(cookie: Cookie) -> bool:
    """Tell whether it is what its name promises (the revision, section 4.1.3)."""
    name = cookie.name.lower()
    if name.startswith("__host-"):
        return cookie.secure and cookie.host_only and cookie.path == "/"
    return cookie.secure or not name.startswith("__secure-")


def _is_secure(scheme: str, host: str) -> bool:
    # What stays on this machine needs no encryption: so browsers treat it.
    return scheme == "https" or is_loopback(host)


def _is_address(host: str) -> bool:
    """Tell whether it is an IP address, also one like ``127.1``: the last label says so.

    The URL Standard section 3.5 calls this "ends in a number".
    """
    last = host.removesuffix(".").rpartition(".")[2]
    return ":" in host or re.fullmatch(r"[0-9]+|0x[0-9a-f]*", last) is not None


def _domains_above(host: str) -> Iterator[str]:
    """Yield the domains whose cookies ``host`` may get: itself first."""
    yield host
    if not _is_address(host):
        yield from (host[dot.end() :] for dot in re.finditer(r"\.", host))
