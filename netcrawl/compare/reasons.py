"""Why a way does what it does, in a few words: tables, by the kind of way."""

from __future__ import annotations

# By the kind of a way (``ways.WayToFetch.kind``) and a field's name in lower case.
_FIELDS: dict[tuple[str, str], str] = {
    ("urllib", "accept-encoding"): "http.client does not undo codings, and says that it wants none",
    ("urllib", "user-agent"): "urllib's default; some servers turn it away",
    ("urllib", "connection"): "urllib keeps no connection for a second request",
    ("twisted", "connection"): "an Agent without a pool keeps no connection for a second request",
    ("scrapy", "accept"): "the setting DEFAULT_REQUEST_HEADERS, as a browser has it",
    ("scrapy", "accept-language"): "the setting DEFAULT_REQUEST_HEADERS: the language of the pages",
    ("scrapy", "user-agent"): "the setting USER_AGENT: a server's log tells who crawls",
    ("scrapy", "accept-encoding"): (
        "the setting COMPRESSION_ENABLED: text may come in fewer octets, and is undone"
    ),
    ("scrapy", "referer"): "the setting REFERER_ENABLED",
    ("scrapy", "cookie"): "the setting COOKIES_ENABLED",
    ("scrapy", "content-length"): "the handler says that there is no body; a GET need not",
    ("scrapy", "connection"): "the handler's choice: a pool keeps connections for the next request",
}

_MISSING: dict[tuple[str, str], str] = {
    ("urllib", "accept"): "HTTP does not demand it",
    ("twisted", "user-agent"): "an Agent sends what HTTP demands, and what it is told to",
    ("twisted", "accept"): "an Agent sends what HTTP demands, and what it is told to",
}

_COOKIES = {
    "by-hand": "a browser has a jar",
    "urllib": "urlopen has no jar: HTTPCookieProcessor would be one",
    "twisted": "an Agent has no jar: CookieAgent would be one",
    "scrapy": "the setting COOKIES_ENABLED",
}

# What the error of a way says that has followed so many redirects that it gives up, and why it did.
_MOST_REDIRECTS = {
    "by-hand": ("more than 20 redirects", "a browser gives up after 20"),
    "urllib": (
        "infinite loop",
        "HTTPRedirectHandler.max_redirections and max_repeats: 10, and 4 to the same URL",
    ),
    "twisted": (
        "Infinite redirection",
        "RedirectAgent gives up after its redirectLimit, which is 20",
    ),
    "scrapy": (
        "redirected again and again",
        "the setting REDIRECT_MAX_TIMES: so many, and then it gives up",
    ),
}

_CODING = {
    "urllib": "urllib undoes none: gzip.decompress is for the caller to call",
    "twisted": "an Agent undoes none: ContentDecoderAgent would",
    "scrapy": "HttpCompressionMiddleware knows it not, or the coded file is what was asked for",
}

ROBOTS = "the setting ROBOTSTXT_OBEY: a site's owner says there what robots may fetch"
RETRIES = "the setting RETRY_ENABLED: what fails, or answers 5xx, may do better the next time"
RESENT = "the handler itself sends a request once more, when its connection is lost unanswered"
LOST = "a request whose connection is lost goes out on another one"
KEPT = "a connection that is kept costs no new handshake"
NO_REDIRECTS = "the setting REDIRECT_ENABLED is off"
REFRESH = "the setting METAREFRESH_ENABLED: the page tells a browser to go on there"
DELAY = "the setting DOWNLOAD_DELAY: no faster than a person who clicks"
ORDER = "the order has no meaning in HTTP, but servers do tell clients apart by it"
CASE = "names mean the same in any case (RFC 9110, 5.1); few servers mind"
HANDED = "it says how the answer was carried, which is the way's own business"


def of_field(kind: str, name: str) -> str:
    """Say why a field is sent."""
    return _FIELDS.get((kind, name), "")


def of_missing(kind: str, name: str) -> str:
    """Say why a field is not sent."""
    return _MISSING.get((kind, name), "HTTP does not demand it")


def of_cookies(kind: str) -> str:
    """Say why cookies are sent back, or not."""
    return _COOKIES.get(kind, "")


def of_most_redirects(kind: str, error: str) -> str:
    """Say why no more redirects are followed, if it is that what the error tells."""
    told, why = _MOST_REDIRECTS.get(kind, ("", ""))
    return why if told in error else ""


def of_coding(kind: str) -> str:
    """Say why a coding is left to the caller."""
    return _CODING.get(kind, "")
