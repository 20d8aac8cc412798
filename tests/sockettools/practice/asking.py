"""Ask the practice web's pages without a server: what a route answers, as a value."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import urldefrag, urljoin

from sockettools.http1 import Fields
from sockettools.practice.answers import Answer, Raw
from sockettools.practice.http import Request
from sockettools.practice.sections import find_route

ORIGIN = "http://127.0.0.1:8000"


def reply(target: str, fields: dict[str, str] | None = None) -> Answer | Raw:
    path, _, query = target.partition("?")
    found = find_route(path)
    assert found is not None, target
    route, arguments = found
    sent = Fields([(name.encode(), value.encode()) for name, value in (fields or {}).items()])
    return route.reply(Request("GET", target, path, ORIGIN, query, sent, b"", arguments))


def answer(target: str, fields: dict[str, str] | None = None) -> Answer:
    replied = reply(target, fields)
    assert isinstance(replied, Answer), target
    return replied


def body(target: str) -> bytes:
    content = answer(target).body
    assert isinstance(content, bytes), target
    return content


class Elements(HTMLParser):
    """Every start tag with its attributes, in order."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))


def links(markup: str, url: str) -> list[str]:
    """Return where the links of a page lead, without fragments."""
    hrefs = [about["href"] for tag, about in Elements(markup).found if tag == "a"]
    return [urldefrag(urljoin(url, href)).url for href in hrefs]
