"""Why a page could not be had, in one line for a person."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    IgnoreRequest,
    NotSupported,
    ResponseDataLossError,
    UnsupportedURLSchemeError,
)
from scrapy.spidermiddlewares.httperror import HttpError
from scrapy.utils.response import response_status_message

from sockettools.text import visible

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.http import Response

# Raised by the network or by the other end: expected, and no reason for a traceback.
_EXPECTED_ERRORS = (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    ResponseDataLossError,
    UnsupportedURLSchemeError,
    OSError,
)

# What Twisted's list of failures says of each.
_TWISTED_FAILURE = re.compile(r"<twisted\.python\.failure\.Failure [\w.]+: (.*?)>(?=[,\]])", re.S)

# How much of what the other end sent stands in a line.
MAX_SHOWN = 80


def is_expected(error: BaseException | None) -> bool:
    """Tell whether a line says all about ``error``."""
    # Scrapy has one class for a scheme without a handler and for a response without a text, which
    # is a bug; the texts tell them apart.
    is_scheme = isinstance(error, NotSupported) and "URL scheme" in str(error)
    return is_scheme or isinstance(error, _EXPECTED_ERRORS)


class UrlRefused(IgnoreRequest):
    """No page is to be had at the URL, now or later; the text says why."""


class NoRoom(DownloadCancelledError):
    """There is too little room on the disk for this one body."""


class DiskError(DownloadCancelledError):
    """A body cannot be written to disk, be it this one or another; ``reason`` is the system's."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(text)
        self.reason = reason


class RedirectRefused(IgnoreRequest):
    """A redirect leads to where the crawl does not go: to ``url``, for a ``reason`` of a word."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"it leads to {without_userinfo(url)}, which is {reason}")
        self.reason = reason


def describe_failure(error: BaseException | None, request: Request) -> str:
    """Say what went wrong with ``request``, naming its URL."""
    url = without_userinfo(request.url)
    netloc = urlsplit(url).netloc
    match error:
        case HttpError():
            return _refusal(error.response, url)
        case UrlRefused() | RedirectRefused() | NoRoom() | DiskError():
            return f"{url} cannot be retrieved: {error}"
        case CannotResolveHostError():
            return f"unknown host {urlsplit(url).hostname!r}: {url} cannot be retrieved"
        case DownloadConnectionRefusedError():
            return f"{netloc} refused the connection: {url} cannot be retrieved"
        case DownloadTimeoutError():
            return f"{netloc} took too long: {url} cannot be retrieved"
        case DownloadCancelledError():
            return f"page {url} is larger than DOWNLOAD_MAXSIZE allows"
        case ResponseDataLossError():
            return f"page {url} ended before it was complete"
        # Scrapy tells these apart by their text alone; all of it, since the URL of a page can be
        # part of others.
        case IgnoreRequest() if str(error) == "Forbidden by robots.txt":
            return f"the robots.txt of {netloc} forbids {url}"
        case IgnoreRequest() if str(error) == "max redirections reached":
            first, *_ = map(without_userinfo, request.meta.get("redirect_urls", (url,)))
            return f"{first} cannot be retrieved: it is redirected again and again, now to {url}"
        case DownloadFailedError() if "certificate verify failed" in str(error):
            return f"the certificate of {netloc} could not be verified: {url} is not trusted"
        case _:
            return f"{url} cannot be retrieved: {_reason(error)}"


def shown(text: str) -> str:
    """Quote what the other end wrote, without what would act on a terminal, and not too much."""
    return repr(text[:MAX_SHOWN]) + ("..." if len(text) > MAX_SHOWN else "")


def without_userinfo(url: str) -> str:
    """Return ``url`` without the user name and the password that it may have.

    >>> without_userinfo("http://user:secret@h/p@q")
    'http://h/p@q'
    """
    return re.sub(r"^([A-Za-z][A-Za-z0-9+.-]*://)[^/?#]*@", r"\1", url)


def _refusal(response: Response, url: str) -> str:
    status = response_status_message(response.status)
    location = response.headers.get("Location")
    if 300 <= response.status < 400:
        where = shown(location.decode("latin-1")) if location else "no other page"
        return f"page {url} answered {status} and leads to {where}, which cannot be followed"
    return f"page {url} answered {status}"


def _reason(error: BaseException | None) -> str:
    text = str(error)
    if reasons := _TWISTED_FAILURE.findall(text):
        text = ", ".join(dict.fromkeys(reason.rstrip(".") for reason in reasons if reason))
    return visible(" ".join(text.split())) or type(error).__name__
