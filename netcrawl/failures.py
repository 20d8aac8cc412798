"""Why a page could not be had, in one line for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    IgnoreRequest,
    ResponseDataLossError,
    UnsupportedURLSchemeError,
)
from scrapy.spidermiddlewares.httperror import HttpError
from scrapy.utils.httpobj import urlparse_cached
from scrapy.utils.response import response_status_message

from sockettools.text import visible

if TYPE_CHECKING:
    from scrapy import Request

# Raised by the network or by the other end: expected, and no reason for a traceback.
EXPECTED_ERRORS = (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    ResponseDataLossError,
    UnsupportedURLSchemeError,
    OSError,
)


def describe_failure(error: BaseException | None, request: Request) -> str:
    """Say what went wrong with ``request``, naming its URL."""
    url = request.url
    parts = urlparse_cached(request)
    match error:
        case HttpError():
            return f"page {url} answered {response_status_message(error.response.status)}"
        case CannotResolveHostError():
            return f"unknown host {parts.hostname!r}: {url} cannot be retrieved"
        case DownloadConnectionRefusedError():
            return f"{parts.netloc} refused the connection: {url} cannot be retrieved"
        case DownloadTimeoutError():
            return f"{parts.netloc} took too long: {url} cannot be retrieved"
        case ResponseDataLossError():
            return f"page {url} ended before it was complete"
        case IgnoreRequest() if "robots.txt" in str(error):
            return f"the robots.txt of {parts.netloc} forbids {url}"
        case IgnoreRequest() if "redirections" in str(error):
            times = request.meta["redirect_times"]
            return f"{url} cannot be retrieved: redirected {times} times, and again"
        case _ if "certificate verify failed" in repr(error):
            return f"the certificate of {parts.netloc} could not be verified: {url} is not trusted"
        case _:
            reason = visible(" ".join(str(error).split())) or type(error).__name__
            return f"{url} cannot be retrieved: {reason}"
