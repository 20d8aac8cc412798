"""Hosts that do a crawl all the harm they can, each on an address of its own, beside a good one.

Scrapy counts what is under way by host, so that every one of them is another one to a crawl.
"""

from __future__ import annotations

import socket
import threading
import time
import zlib
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING

from tests.servers.scripted import PATIENCE, ScriptedServer, answer, head, redirect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.servers.scripted import Client

_HTML = "Content-Type: text/html; charset=utf-8"

BOMB_SIZE = 1_000_000_000  # octets that come out of a page of a megabyte

# Of each bad host.
BAD_PAGES = 4


class Hold:
    """Keeps those waiting who wait for a bad host: until ``done``, or for as long as they wait.

    ``left`` is when the first of them had no more patience.
    """

    def __init__(self, *, ends: bool) -> None:
        self.done = threading.Event()
        self.left: float | None = None
        self.ends = ends

    def wait(self, client: Client, drop: bytes = b"") -> None:
        """Return when the waiting is over; until then send ``drop`` once a second."""
        client.socket.settimeout(1)
        while not (self.ends and self.done.is_set()):
            try:
                if drop:
                    client.send(drop)
                    time.sleep(1)
                elif not client.socket.recv(65_536):
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        else:
            return
        if self.left is None:
            self.left = time.monotonic()


def _silent(client: Client, hold: Hold) -> None:
    hold.wait(client)


def _stalling(client: Client, hold: Hold) -> None:
    client.send(head("Content-Length: 5000", _HTML) + b"<p>" * 100)
    hold.wait(client)


def _dripping(client: Client, hold: Hold) -> None:
    client.send(head("Content-Length: 5000", _HTML))
    hold.wait(client, b"x")


def _dripping_head(client: Client, hold: Hold) -> None:
    client.send(b"HTTP/1.1 200 OK\r\n")
    hold.wait(client, b"X-More: x\r\n")


def _endless_head(client: Client, _: Hold) -> None:
    client.send(b"HTTP/1.1 200 OK\r\n")
    while True:
        client.send(b"X-More: x\r\n" * 1000)


def _endless_body(client: Client, _: Hold) -> None:
    client.send(head(_HTML, "Connection: close"))
    while True:
        client.send(b"x" * 65_536)


def _bomb(client: Client, _: Hold) -> None:
    client.send(answer(_packed(BOMB_SIZE), _HTML, "Content-Encoding: gzip"))


def _resetting(client: Client, _: Hold) -> None:
    client.send(head("Content-Length: 5000", _HTML))
    client.reset()


def _wrong_lengths(client: Client, _: Hold) -> None:
    client.send(head("Content-Length: 5", "Content-Length: 6", _HTML) + b"<p>a b")


def _without_redirects_end(client: Client, _: Hold) -> None:
    client.send(redirect(f"/{time.monotonic_ns()}"))


# What a host does with every request for a page. That it does not tell what robots may fetch is
# no reason for not asking, so the pages are asked for.
_PAGES: dict[str, Callable[[Client, Hold], object]] = {
    "silent": _silent,
    "stalling": _stalling,
    "dripping": _dripping,
    "dripping head": _dripping_head,
    "endless head": _endless_head,
    "endless body": _endless_body,
    "bomb": _bomb,
    "resetting": _resetting,
    "closing": lambda client, _: client,
    "cutting": lambda client, _: client.send(head("Content-Length: 5000", _HTML) + b"<p>"),
    "wrong lengths": _wrong_lengths,
    "garbage": lambda client, _: client.send(b"\0\xff garbage\r\n\r\n" * 100),
    "redirects": _without_redirects_end,
    "busy": lambda client, _: client.send(answer(b"busy", status="503 Busy")),
}

# What it does with every connection.
_CONNECTIONS: dict[str, Callable[[Client, Hold], object]] = {
    "silent robots.txt": _silent,
    "silent TLS": _silent,
    "garbage TLS": lambda client, _: client.send(b"\x16\x03\x01\x7f\xff garbage" * 100),
}


@contextmanager
def bad_hosts(hold: Hold) -> Iterator[dict[str, str]]:
    """Run all of them; yield the URL of each, without a path, by what it does."""
    _packed(BOMB_SIZE)  # which takes longer than a crawl
    scripts = {
        **{name: _with_robots(act, hold) for name, act in _PAGES.items()},
        **{name: _at_once(act, hold) for name, act in _CONNECTIONS.items()},
    }
    with ExitStack() as stack:
        urls = {}
        for number, (name, script) in enumerate(scripts.items(), 10):
            server = stack.enter_context(ScriptedServer(script, host=f"127.0.0.{number}"))
            scheme = "https" if "TLS" in name else "http"
            urls[name] = f"{scheme}://{server.address}"
        urls["full"] = stack.enter_context(_full_backlog("127.0.0.9", hold))
        yield urls


def _with_robots(act: Callable[[Client, Hold], object], hold: Hold) -> Callable[[Client], object]:
    def script(client: Client) -> None:
        while (request := client.read_request()) is not None:
            if request.target != "/robots.txt":
                act(client, hold)
                return
            client.send(answer(status="404 Not Found"))

    return script


def _at_once(act: Callable[[Client, Hold], object], hold: Hold) -> Callable[[Client], object]:
    return lambda client: act(client, hold)


@contextmanager
def _full_backlog(host: str, hold: Hold) -> Iterator[str]:
    """Listen without taking anybody in, so that no one else gets as far as being connected."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind((host, 0))
        listener.listen(0)
        where = listener.getsockname()
        with suppress(TimeoutError):
            while True:
                stack.enter_context(socket.create_connection(where, 0.5))

        def end() -> None:
            hold.done.wait(PATIENCE)
            listener.close()

        ending = threading.Thread(target=end)
        if hold.ends:
            ending.start()
            stack.callback(ending.join)
        yield f"http://{where[0]}:{where[1]}"


@cache
def _packed(size: int) -> bytes:
    packer = zlib.compressobj(wbits=31)
    zeros = bytes(1_000_000)
    packed = b"".join(packer.compress(zeros) for _ in range(size // len(zeros)))
    return packed + packer.flush()


class GoodHost:
    """A start page that leads to bad pages first, and to as many good ones; ``took`` is seconds."""

    def __init__(self, hold: Hold, pages: int, bad: dict[str, str]) -> None:
        self.took = 0.0
        self.done_at = 0.0
        self._hold = hold
        self._wanted = {f"/{number}" for number in range(1, pages + 1)}
        self._lock = threading.Lock()
        self._began = 0.0
        links = [f"{url}/{number}" for number in range(1, BAD_PAGES + 1) for url in bad.values()]
        self.bad = frozenset(links)
        links += sorted(self._wanted)
        self._start = "".join(f'<a href="{link}">x</a>' for link in links).encode()
        self.server = ScriptedServer(self._serve, host="127.0.0.2")
        self.pages = {self.server.url + path for path in ("/", *self._wanted)}

    def _serve(self, client: Client) -> None:
        while (request := client.read_request()) is not None:
            if request.target == "/robots.txt":
                client.send(answer(status="404 Not Found"))
            elif request.target == "/":
                self._began = time.monotonic()
                client.send(answer(self._start, _HTML))
            else:
                client.send(answer(b'<a href="/">start</a>', _HTML))
                self._count(request.target)

    def _count(self, target: str) -> None:
        with self._lock:
            self._wanted.discard(target)
            if not self._wanted and not self._hold.done.is_set():
                self.done_at = time.monotonic()
                self.took = self.done_at - self._began
                self._hold.done.set()
