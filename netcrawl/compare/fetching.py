"""Fetches one URL in one way, in a process of its own: a program for ``comparing``.

``python -m netcrawl.compare.fetching KIND HANDLER URL NAME=VALUE...``; the last ones are settings
of Scrapy's. Each way imports what it needs and no more, so that what the process uses is its own.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from netcrawl.compare import routing
from netcrawl.compare.fetched import MAX_BODY, TOO_LONG, Fetched, NotFetched

if TYPE_CHECKING:
    from collections.abc import Callable

# A moment that the relay is told of: the way is asked for the URL, everything is imported.
ASKED = "asked"


def by_hand(url: str) -> Fetched:
    """Fetch with our own browser."""
    from sockettools.browser import Browser, Options, Request
    from sockettools.browser.cookies import CookieJar
    from sockettools.errors import SocketToolsError, TooLong
    from sockettools.url import parse_http_url

    routing.mark(ASKED)
    try:
        with (
            Browser(Options(max_body=MAX_BODY), cookies=CookieJar()) as browser,
            browser.open(Request(parse_http_url(url))) as response,
        ):
            body = response.read(MAX_BODY)
            fields = [
                (name.decode("latin-1"), value.decode("latin-1")) for name, value in response.fields
            ]
            return Fetched(response.status_code, str(response.url), fields, "", body)
    except TooLong as exc:
        raise NotFetched(TOO_LONG if "body" in str(exc) else str(exc)) from exc
    except SocketToolsError as exc:
        raise NotFetched(str(exc)) from exc


def with_urllib(url: str) -> Fetched:
    """Fetch with the standard library."""
    from http.client import HTTPException, IncompleteRead
    from urllib.error import HTTPError, URLError
    from urllib.request import HTTPRedirectHandler, urlopen

    routing.mark(ASKED)
    try:
        try:
            response = urlopen(url)  # noqa: S310 - the URL was checked
        except HTTPError as exc:  # an answer as well
            if str(exc.msg).startswith(HTTPRedirectHandler.inf_msg[:40]):
                raise NotFetched(" ".join(str(exc.msg).split())) from exc
            response = exc
        with response:
            body = response.read(MAX_BODY + 1)
            left = getattr(response, "length", None)
            if len(body) <= MAX_BODY and left:
                raise IncompleteRead(body, left)  # as it does itself, asked for all of it
            fields = list(response.headers.items())
            coding = ", ".join(response.headers.get_all("Content-Encoding") or ())
            return Fetched(response.status, response.url, fields, coding, _bounded(body))
    except URLError as exc:
        raise NotFetched(_text(exc.reason)) from exc
    except (OSError, HTTPException, ValueError) as exc:
        raise NotFetched(_text(exc)) from exc


def with_twisted(url: str) -> Fetched:
    """Fetch with Twisted's Agent, which follows redirects where it is told to."""
    from netcrawl.compare.twisted_fetching import fetch

    return fetch(url)


def _bounded(body: bytes) -> bytes:
    if len(body) > MAX_BODY:
        raise NotFetched(TOO_LONG)
    return body


def _text(error: object) -> str:
    """Return what an error says, with its kind where that alone tells what happened."""
    text = " ".join(str(error).split())
    name = type(error).__name__
    if isinstance(error, OSError) and error.strerror and not error.filename:
        return error.strerror
    return f"{name}: {text}" if text and name not in text else text or name


def fetch(kind: str, handler: str, url: str, settings: list[str]) -> Fetched:
    """Fetch; what goes wrong is in the ``error``."""
    plain: dict[str, Callable[[str], Fetched]] = {
        "by-hand": by_hand,
        "urllib": with_urllib,
        "twisted": with_twisted,
    }
    try:
        if kind in plain:
            return plain[kind](url)
        from netcrawl.compare.scrapy_fetching import fetch as with_scrapy

        return with_scrapy(url, handler, dict(one.split("=", 1) for one in settings))
    except NotFetched as exc:
        return Fetched(error=str(exc))


def main(arguments: list[str]) -> None:
    """Fetch, and write the answer to standard output."""
    # What a library prints is not a part of the answer.
    with os.fdopen(os.dup(1), "wb") as output:
        os.dup2(2, 1)
        routing.install()
        kind, handler, url, *settings = arguments
        output.write(fetch(kind, handler, url, settings).to_bytes())


if __name__ == "__main__":
    main(sys.argv[1:])
