from __future__ import annotations

import pytest
from scrapy import Request
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    IgnoreRequest,
    ResponseDataLossError,
)
from scrapy.http import HtmlResponse
from scrapy.spidermiddlewares.httperror import HttpError

from netcrawl.failures import describe_failure

URL = "http://h:8000/p"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (HttpError(HtmlResponse(URL, status=404)), f"page {URL} answered 404 Not Found"),
        (HttpError(HtmlResponse(URL, status=599)), f"page {URL} answered 599 Unknown Status"),
        (CannotResolveHostError("x"), f"unknown host 'h': {URL} cannot be retrieved"),
        (
            DownloadConnectionRefusedError("x"),
            f"h:8000 refused the connection: {URL} cannot be retrieved",
        ),
        (DownloadTimeoutError("x"), f"h:8000 took too long: {URL} cannot be retrieved"),
        (ResponseDataLossError("x"), f"page {URL} ended before it was complete"),
        (
            IgnoreRequest("Forbidden by robots.txt"),
            f"the robots.txt of h:8000 forbids {URL}",
        ),
        (
            DownloadFailedError("[<Failure [('SSL routines', '', 'certificate verify failed')]>]"),
            f"the certificate of h:8000 could not be verified: {URL} is not trusted",
        ),
        (OSError("two\n lines\x1b"), f"{URL} cannot be retrieved: two lines\\x1b"),
        (RuntimeError(), f"{URL} cannot be retrieved: RuntimeError"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_one_line_for_each_failure(error: Exception, line: str) -> None:
    assert describe_failure(error, Request(URL)) == line


@pytest.mark.parametrize(
    "url", ["http://h/robots.txt", "http://h/redirections", "http://h/certificate verify failed"]
)
def test_a_url_is_not_taken_for_a_reason(url: str) -> None:
    request = Request(url)

    line = describe_failure(IgnoreRequest(f"Ignored {url}: too large"), request)

    assert line == f"{request.url} cannot be retrieved: Ignored {url}: too large"


def test_what_twisted_says_is_put_plainly() -> None:
    text = (
        "[<twisted.python.failure.Failure twisted.internet.error.ConnectionLost: Connection to the "
        "other side was lost in a non-clean fashion: Connection lost.>, "
        "<twisted.python.failure.Failure twisted.web.http._DataLoss: >]"
    )

    assert describe_failure(DownloadFailedError(text), Request(URL)) == (
        f"{URL} cannot be retrieved: Connection to the other side was lost in a non-clean "
        "fashion: Connection lost"
    )


def test_a_password_is_not_told() -> None:
    line = describe_failure(OSError("x"), Request("http://user:secret@h/p"))

    assert line == "http://h/p cannot be retrieved: x"


def test_a_redirect_loop() -> None:
    first = "http://user:secret@h/first"
    request = Request(URL, meta={"redirect_times": 20, "redirect_urls": [first, "http://h/2"]})

    assert describe_failure(IgnoreRequest("max redirections reached"), request) == (
        f"http://h/first cannot be retrieved: it is redirected again and again, now to {URL}"
    )
