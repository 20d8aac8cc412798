"""What a crawl can ask for: pages of the web, and what other services have."""

from __future__ import annotations

import re
from functools import lru_cache

from sockettools.protocols.gopher import parse_location
from sockettools.service_url import parse_service_url, scheme_of
from sockettools.url import HTTP_SCHEMES, check_http_url

# Where something can be read; nothing can at the end of an smtp: or telnet: URL. Scrapy has a
# handler of its own for ftp.
SERVICES = (
    *("ftp", "ftps", "gopher", "gophers", "imap", "imaps"),
    *("nntp", "nntps", "pop3", "pop3s"),
)

GOPHER = ("gopher", "gophers")

# What a URL may have that is followed, by the scheme of the page that it stands on. A gopher URL
# can have any server on any port be told a line: what stands on the web is not to make a crawl do
# that to the network it runs in.
_FOLLOWED = dict.fromkeys(GOPHER, (*HTTP_SCHEMES, *GOPHER))


# The beginning of a URL up to its path, where no character means anything else. Of such a URL, it
# alone decides.
_PLAIN = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]+)?(?=[/?#]|$)")


def followed_from(page: str) -> tuple[str, ...]:
    """Return the schemes of links that are followed from the page of that URL.

    >>> followed_from("http://h/"), followed_from("gopher://h/1/")
    (('http', 'https'), ('http', 'https', 'gopher', 'gophers'))
    """
    return _FOLLOWED.get(scheme_of(page), HTTP_SCHEMES)


def check_url(text: str) -> str:
    """Return ``text`` without white space around it, if it is a URL that can be asked for.

    Raises:
        ValueError: it is not; the text says what is missing or wrong.

    >>> check_url(" gopher://[::1]:7070/0/about.txt")
    'gopher://[::1]:7070/0/about.txt'
    >>> check_url("smtp://h/")
    Traceback (most recent call last):
    ValueError: it does not begin with http:// or https://
    """
    if (origin := _PLAIN.match(text)) and text.isascii() and _is_origin(origin[0]):
        return text.strip()
    if scheme_of(text) not in SERVICES:
        return check_http_url(text)
    text = text.strip()
    url = parse_service_url(text)
    if url.password is not None:
        raise ValueError("it has a password, which would end up in logs and feeds: use ~/.netrc")
    if url.protocol == "gopher":
        parse_location(url.path)
    return text


@lru_cache(maxsize=1024)
def _is_origin(text: str) -> bool:
    try:
        check_http_url(text)
    except ValueError:
        return False
    return True
