"""Requests that failed, and why, as a person reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scrapy import Spider

from netcrawl.failures import without_userinfo
from netcrawl.frontier.serialize import CannotRestore, RequestSerializer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def method_and_url(data: bytes) -> tuple[str, str] | None:
    """Return those of a request that was kept, the URL without userinfo; None if it is broken."""
    try:
        request = RequestSerializer(_AnySpider("any")).loads(data)
    except CannotRestore:
        return None
    return request.method, without_userinfo(request.url)


def reason_lines(reason: str) -> list[str]:
    """Return the lines of why a request failed, one at least."""
    return reason.strip().splitlines() or ["for no known reason"]


def main_line(lines: Sequence[str]) -> str:
    """Return the line that says what happened: the first one, or that of a traceback."""
    if not lines[0].startswith("Traceback "):
        return lines[0]
    # The line that names the exception; it may have several, and notes below.
    ends = [line for line in lines if not line.startswith((" ", "Traceback "))]
    inner = [line for line in ends if line.partition(":")[0].replace(".", "").isidentifier()]
    return (inner or ends or lines)[-1]


class _AnySpider(Spider):
    """Has every method that a request may ask for, so that its URL can be read without it."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *_, **__: None
