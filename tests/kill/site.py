"""A site that remembers what it was asked for: slow, moved, failing and missing pages among it.

It lives in the harness's process, so that what it remembers outlives the crawls. Nothing in a page
depends on when it is fetched; only pages that fail at first know how often they were.
"""

from __future__ import annotations

import hashlib
import struct
import threading
import time
import zlib
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType
    from typing import Any, Self

ITEMS = 90
LISTS = 9

SLOW = 0.4  # seconds
MIDDLING = 0.05

# Octets: enough that sending one takes more than one packet.
FILE_SIZE = 150_000

# In a page, this site's own.
ORIGIN = b"http://site.test"


@dataclass
class Fetch:
    """One request: what was asked for, in which of the crawls, and whether all of it was sent."""

    what: str
    run: int
    status: int = 0
    ended: float | None = None


@dataclass
class Log:
    """What a campaign asked for. The runs are those of the crawl, counted from 1."""

    fetches: list[Fetch] = field(default_factory=list)
    run: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)

    def add(self, what: str) -> tuple[Fetch, int]:
        """Note a request; return it, and how often the same was asked for before."""
        with self.changed:
            before = sum(fetch.what == what for fetch in self.fetches)
            fetch = Fetch(what, self.run)
            self.fetches.append(fetch)
            self.changed.notify_all()
            return fetch, before

    def in_run(self) -> int:
        """Return how many requests the crawl that runs now has made."""
        return sum(fetch.run == self.run for fetch in self.fetches)

    def counts(self) -> Counter[str]:
        """Return how often each thing was asked for."""
        return Counter(fetch.what for fetch in self.fetches if fetch.what != "/robots.txt")


@dataclass(frozen=True)
class Answer:
    """What is sent. A status of 0 is none: the connection is closed without a word."""

    status: int
    body: bytes = b""
    content_type: str = "text/html; charset=utf-8"
    location: str | None = None
    delay: float = 0.0


class Site:
    """Serves on a free port of this machine; ``begin`` starts a new log."""

    def __init__(self) -> None:
        self.log = Log()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def begin(self) -> Log:
        """Forget everything. What a dead crawl still has open goes on in its own log."""
        self.log = Log()
        return self.log


def _handler(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def do_GET(self) -> None:
            self._answer(b"")

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers["Content-Length"])))

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except ConnectionError:  # whoever asked was killed
                self.close_connection = True

        def _answer(self, body: bytes) -> None:
            log = site.log
            what = f"{self.path} {body.decode()}" if body else self.path
            fetch, before = log.add(what)
            answer = answer_to(self.path, body.decode(), before)
            fetch.status = answer.status
            if answer.delay:
                time.sleep(answer.delay)
            if not answer.status:
                self.close_connection = True
                fetch.ended = time.monotonic()
                return
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            page = answer.body.replace(ORIGIN, site.url.encode())
            self.send_header("Content-Length", str(len(page)))
            if answer.location:
                query = urlsplit(self.path).query
                self.send_header("Location", answer.location + (query and f"?{query}"))
            self.end_headers()
            self.wfile.write(page)
            fetch.ended = time.monotonic()

        def log_message(self, *_: Any) -> None:
            """Say nothing: the log is elsewhere."""

    return Handler


def answer_to(target: str, body: str, before: int) -> Answer:
    """Return the answer to a request that was made ``before`` times already."""
    parts = urlsplit(target)
    kind, _, rest = parts.path.strip("/").partition("/")
    if kind in _PAGES and (number := rest.partition(".")[0] or "0").isdigit():
        return _PAGES[kind](int(number), before)
    if kind == "search":
        return _page(f"Search {body}", _item_links(hash_of(body) % ITEMS))
    if kind == "common":
        return _page(f"Common {parse_qs(parts.query).get('of', [''])[0]}", [])
    return Answer(404, b"<title>404</title>")


def hash_of(text: str) -> int:
    """Return a number that is the same in every process."""
    return zlib.crc32(text.encode())


def _front(_: int, __: int) -> Answer:
    return _page("Front", [f"/list/{n}" for n in range(1, LISTS + 1)])


def _list(number: int, _: int) -> Answer:
    if not 1 <= number <= LISTS:
        return Answer(404, b"<title>404</title>")
    size = ITEMS // LISTS
    items = [f"/item/{n}" for n in range((number - 1) * size, number * size + 3)]
    others = [f"/{kind}/{number}" for kind in ("old", "flaky", "gone", "broken", "far")]
    following = [f"/list/{number + 1}"] if number < LISTS else []
    return _page(f"List {number}", items + others + following, delay=MIDDLING)


def _item(number: int, _: int) -> Answer:
    links = [*_item_links(number), f"/picture/{number % 40}.png", f"/file/{number % 30}.bin"]
    delay = SLOW if number % 15 == 4 else MIDDLING if number % 3 == 0 else 0.0
    return _page(f"Item {number}", links, delay=delay)


def _item_links(number: int) -> list[str]:
    return [f"/item/{(number * 7 + step) % ITEMS}" for step in (1, 3)]


def _old(number: int, _: int) -> Answer:
    return Answer(302, location=f"/item/{number * 5 % ITEMS}")


def _far(number: int, _: int) -> Answer:
    """Go a long way round to a page that nothing else leads to."""
    if number < 1000:
        return Answer(301, location=f"/far/{number + 1000 * (1 + number % 3)}")
    if number >= 2000:
        return Answer(302, location=f"/far/{number - 1000}")
    return _page(f"Far {number}", [])


def _flaky(number: int, before: int) -> Answer:
    if before < 1 + number % 2:
        # In turn: without a word, and in order.
        return Answer((503, 0)[number % 3 == 0])
    return _page(f"Flaky {number}", _item_links(number))


def _gone(_: int, __: int) -> Answer:
    return Answer(404, b"<title>Gone</title>")


def _broken(_: int, __: int) -> Answer:
    return Answer(500, b"<title>Broken</title>")


def _file(number: int, _: int) -> Answer:
    seed = hashlib.sha256(str(number).encode()).digest()
    body = (seed * (FILE_SIZE // len(seed) + 1))[: FILE_SIZE + number]
    return Answer(200, body, "application/octet-stream", delay=MIDDLING * (number % 4))


def _picture(number: int, _: int) -> Answer:
    return Answer(200, picture(number), "image/png", delay=MIDDLING * (number % 3))


def _sitemap(number: int, _: int) -> Answer:
    """0 lists the others, of 20 pages each."""
    if number:
        entries = [f"/item/{n}" for n in range(number * 20 - 20, number * 20)]
        name, entry = "urlset", "url"
    else:
        entries = [f"/map/{n}.xml" for n in range(1, ITEMS // 20 + 1)]
        name, entry = "sitemapindex", "sitemap"
    inner = "".join(f"<{entry}><loc>{ORIGIN.decode()}{path}</loc></{entry}>" for path in entries)
    space = "http://www.sitemaps.org/schemas/sitemap/0.9"
    return Answer(200, f'<{name} xmlns="{space}">{inner}</{name}>'.encode(), "application/xml")


_PAGES: dict[str, Callable[[int, int], Answer]] = {
    "": _front,
    "list": _list,
    "item": _item,
    "old": _old,
    "far": _far,
    "flaky": _flaky,
    "gone": _gone,
    "broken": _broken,
    "file": _file,
    "picture": _picture,
    "map": _sitemap,
}


def _page(title: str, links: list[str], delay: float = 0.0) -> Answer:
    anchors = "\n".join(_anchor(path) for path in links)
    body = f"<!DOCTYPE html><title>{title}</title><h1>{title}</h1>\n{_words(title)}\n{anchors}"
    return Answer(200, body.encode(), delay=delay)


def _anchor(path: str) -> str:
    if path.startswith("/picture/"):
        return f'<img src="{path}" alt="{path}">'
    return f'<a href="{path}">{path}</a>'


def _words(title: str) -> str:
    number = hash_of(title)
    return " ".join(f"word{number >> shift & 15}" for shift in range(0, 28, 2))


def picture(number: int) -> bytes:
    """Return a PNG of 60 x 60 pixels of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    def rows() -> Iterator[bytes]:
        for _ in range(60):
            yield b"\0" + bytes((number * 5 % 256, 90, 255 - number)) * 60

    header = struct.pack(">IIBBBBB", 60, 60, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"".join(rows()))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )
